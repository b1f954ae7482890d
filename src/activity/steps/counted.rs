//! What one device counted itself: its count of the day, and counts of spans.
use super::slots::{PARTS, SLOT_S, Slot, Slots};
use super::spans::Spans;

/// Nobody takes more steps a second.
const STEPS_PER_SECOND: u64 = 4;
/// That many more are believed: clocks are not exact.
const LENIENCE_S: u64 = 60;

/// The newest count of the day that a device named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Count {
    /// Seconds since 1970.
    pub t: u32,
    /// As the device named it.
    pub steps: u32,
    /// What to add to it: what was counted before the device restarted, less what was yesterday's.
    pub base: i64,
    /// The person's zone changed since.
    pub moved: bool,
}

/// A day of the person, seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    pub from: u32,
    pub to: u32,
}

/// The counts of one device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Counted {
    pub slots: Slots,
    /// For which time the device has said how many.
    pub spans: Spans,
    pub newest: Option<Count>,
}

/// True when nobody can take so many steps in so many seconds.
fn is_absurd(steps: u64, seconds: u32) -> bool {
    steps > STEPS_PER_SECOND * (u64::from(seconds) + LENIENCE_S)
}

impl Counted {
    /// Takes a count of the day so far, named at `t`: that many since the day began. True when it changed anything.
    pub fn day_so_far(&mut self, t: u32, steps: u32, day: Bounds) -> bool {
        let Some(newest) = self.newest.filter(|newest| newest.t <= t) else {
            let is_first = self.newest.is_none();
            if is_first {
                let base = if is_absurd(steps.into(), t.saturating_sub(day.from)) { -i64::from(steps) } else { 0 };
                self.newest = Some(Count { t, steps, base, moved: false });
                return self.since(day.from, t, i64::from(steps) + base);
            }
            // An older day's last count may come late; on a day that is known to be later, this is known already.
            return !is_absurd(steps.into(), t.saturating_sub(day.from)) && self.since(day.from, t, steps.into());
        };
        let mut next = Count { t, steps, ..newest };
        if newest.t < day.from {
            // The device may not have turned to the new day yet: then only what came since yesterday's count is today's.
            let yesterday = if newest.steps <= steps { newest.steps } else { steps };
            next.base = if is_absurd(steps.into(), t - day.from) { -i64::from(yesterday) } else { 0 };
        } else if newest.moved {
            // By which midnight the device counts is not known: the one by which less is new.
            let known = i64::from(self.steps_within(day.from, newest.t));
            let by_its_own = known - i64::from(newest.steps);
            let new = |base: i64| i64::from(steps) + base - known;
            next.base = if new(0) >= 0 && new(0) < new(by_its_own) { 0 } else { by_its_own };
        } else if steps < newest.steps {
            if steps > newest.steps / 2 {
                return false; // a correction: the larger count holds
            }
            next.base = newest.base.saturating_add(newest.steps.into()); // it restarted, or turned to the new day late
        }
        next.moved = false;
        self.newest = Some(next);
        self.since(day.from, t, i64::from(steps).saturating_add(next.base))
    }

    /// Takes a count of a span. True when it changed anything.
    pub fn span(&mut self, from: u32, to: u32, steps: u32) -> bool {
        from < to && !is_absurd(steps.into(), to - from) && self.since(from, to, steps.into())
    }

    /// The device says that it counted `steps` from `from` to `to`. What it said of that time before is in them: the rest belongs to the
    /// time of which it had said nothing.
    fn since(&mut self, from: u32, to: u32, steps: i64) -> bool {
        let known = self.parts_within(from, to);
        let parts = u32::try_from(steps.clamp(0, i64::from(u32::MAX / PARTS))).unwrap_or(0) * PARTS;
        let more = parts.saturating_sub(known);
        let gaps = self.spans.gaps(from, to);
        let seconds: u32 = gaps.iter().map(|gap| gap.to - gap.from).sum();
        if seconds == 0 {
            // Nothing but known time: a larger count of the very same span is a correction, a part of a span tells nothing new.
            let whole = self.spans.holding(to).is_none_or(|span| from <= span.from && span.to <= to);
            if more > 0 && whole {
                self.slots.add(from.max(to.saturating_sub(SLOT_S)), to, more);
            }
            self.spans.insert(from, to);
            return more > 0 && whole;
        }
        let (mut passed, mut given) = (0_u32, 0_u32);
        for gap in gaps {
            passed += gap.to - gap.from;
            let due = u64::from(more) * u64::from(passed) / u64::from(seconds);
            let due = u32::try_from(due).unwrap_or(more);
            self.slots.add(gap.from, gap.to, due - given);
            given = due;
        }
        self.spans.insert(from, to);
        true
    }

    /// Parts of steps within a span; those of a slot that it cuts are taken to be spread evenly over what is known of the slot.
    fn parts_within(&self, from: u32, to: u32) -> u32 {
        let slots = self.slots.within(from / SLOT_S, to.div_ceil(SLOT_S).max(from / SLOT_S + 1));
        let share = |slot: &Slot| {
            let (begin, end) = (slot.at.saturating_mul(SLOT_S), (slot.at + 1).saturating_mul(SLOT_S));
            let all = self.spans.seconds(begin, end);
            let inside = self.spans.seconds(begin.max(from), end.min(to));
            let share = (u64::from(slot.parts) * u64::from(inside)).div_ceil(u64::from(all.max(1)));
            if all == 0 { slot.parts } else { u32::try_from(share).unwrap_or(slot.parts) }
        };
        slots.iter().fold(0, |sum, slot| sum.saturating_add(share(slot)))
    }

    fn steps_within(&self, from: u32, to: u32) -> u32 {
        self.parts_within(from, to).div_ceil(PARTS)
    }

    /// The person's days are others from now on.
    pub fn move_zone(&mut self) {
        if let Some(newest) = &mut self.newest {
            newest.moved = true;
        }
    }

    /// True when the device has said how many for the whole of a slot.
    pub fn covers(&self, at: u32) -> bool {
        let (begin, end) = (at.saturating_mul(SLOT_S), (at + 1).saturating_mul(SLOT_S));
        self.spans.holding(begin).is_some_and(|span| span.to >= end)
    }

    /// Forgets what lies before a slot.
    pub fn forget_before(&mut self, at: u32) {
        self.slots.forget_before(at);
        self.spans.forget_before(at.saturating_mul(SLOT_S));
    }
}
