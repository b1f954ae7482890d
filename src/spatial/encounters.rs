//! Pairs in the world: what is remembered of them, what has become due, and who is told.
use super::facts::{Event, Reason};
use super::limits::Terms;
use super::proximity::{self, Bond, Change, Pair, Reach, Sight};
use super::quiet_zone::Limit;
use super::sphere;
use super::timers::Timer;
use super::world::{Slot, World, add, take_out};
use crate::domain::{Precision, UnixMs, UserNo};

/// What a look at a pair asks of the discs.
pub(super) enum Verdict {
    /// Nothing, before a condition changes or a timer runs out.
    Ignore,
    /// The limit is to be kept, with this room left, metres; negative when a look at every fix is all that helps.
    Keep(Limit, f64),
}

impl World {
    /// Does what has become due: stale positions, pairs out of reach for long enough, half hours that are over. Costs what
    /// is due, not how many people there are. Every command does this first.
    #[inline]
    pub fn tick(&mut self, now: UnixMs, events: &mut Vec<Event>) {
        if self.timers.is_due(now) {
            self.do_what_is_due(now, events);
        }
    }

    #[cold]
    fn do_what_is_due(&mut self, now: UnixMs, events: &mut Vec<Event>) {
        loop {
            let due = self.timers.take_due(now);
            if due.is_empty() {
                return;
            }
            for timer in due {
                match timer {
                    Timer::Busy(no) => self.become_busy(no, now, events),
                    Timer::Stale(no) => self.age(no, now, events),
                    Timer::Hold(pair) => self.end_if_held(pair, now, events),
                    Timer::Cool(pair) => self.warm_up(pair, now, events),
                    Timer::Settle(pair) => self.settle(pair, now, events),
                    Timer::GiveUp(pair) => self.give_up(pair, now, events),
                    Timer::Lapse(no) | Timer::Answer(no) => self.lapse(no, now, events),
                    Timer::Ask(no) => self.ask_again(no, now),
                    Timer::Widen(no) => self.widen(no, now),
                }
            }
        }
    }

    fn age(&mut self, no: UserNo, now: UnixMs, events: &mut Vec<Event>) {
        let grace_ms = self.grace_ms();
        let Some(slot) = self.slots.get_mut(no) else { return };
        let Some(fresh_until) = slot.fresh_until(self.settings.fresh_ms, grace_ms) else { return };
        let stale_at = fresh_until + 1;
        slot.fresh = stale_at > now;
        slot.aging = slot.fresh;
        if slot.fresh {
            return self.timers.at(stale_at, Timer::Stale(no));
        }
        self.retire(no, Reason::Stale, Some(no), now, events);
    }

    fn end_if_held(&mut self, pair: Pair, now: UnixMs, events: &mut Vec<Event>) {
        let Some(Bond::Near(encounter)) = self.bonds.get(pair) else { return };
        let held = encounter.leaving.is_some_and(|leaving| leaving.since + self.settings.leave_hold_ms <= now);
        if held {
            self.examine(pair, now, events);
        }
    }

    fn warm_up(&mut self, pair: Pair, now: UnixMs, events: &mut Vec<Event>) {
        match self.bonds.get(pair) {
            Some(Bond::Cooling { until }) if until <= now => {
                self.set_bond(pair, None);
                self.examine(pair, now, events);
            }
            _ => {}
        }
    }

    /// A pair that was loaded. Near ones are given time until both have reported.
    fn settle(&mut self, pair: Pair, now: UnixMs, events: &mut Vec<Event>) {
        let awaited = matches!(self.bonds.get(pair), Some(Bond::Near(encounter)) if encounter.awaited);
        if !awaited {
            return self.examine(pair, now, events);
        }
        let (Some(a), Some(b)) = (self.slots.get(pair.a), self.slots.get(pair.b)) else { return };
        let first = |is_so: fn(&Slot, UserNo) -> bool| {
            if is_so(a, pair.b) { Some(pair.a) } else { is_so(b, pair.a).then_some(pair.b) }
        };
        let hides = |slot: &Slot, from| slot.person.hidden || slot.terms(from).given == Precision::Off;
        if a.friends.binary_search(&pair.b).is_err() {
            self.end(pair, Reason::Unfriended, None, now, events);
        } else if let Some(by) = first(|slot, _| !slot.person.free) {
            self.end(pair, Reason::Busy, Some(by), now, events);
        } else if let Some(by) = first(hides) {
            self.end(pair, Reason::Hidden, Some(by), now, events);
        } else if a.fresh && b.fresh {
            self.examine(pair, now, events);
        } else {
            self.timers.at(now + self.settings.fresh_ms, Timer::GiveUp(pair));
        }
    }

    fn give_up(&mut self, pair: Pair, now: UnixMs, events: &mut Vec<Event>) {
        if matches!(self.bonds.get(pair), Some(Bond::Near(encounter)) if encounter.awaited) {
            let silent = |no| self.slots.get(no).is_some_and(|slot| !slot.fresh);
            let by = match (silent(pair.a), silent(pair.b)) {
                (true, false) => Some(pair.a),
                (false, true) => Some(pair.b),
                _ => None,
            };
            self.end(pair, Reason::Stale, by, now, events);
        }
    }

    /// Looks at one pair because a condition changed or time passed. It is watched from then on until one of the two is
    /// given a new disc: cheaper than to draw both discs anew, and always right.
    pub(super) fn examine(&mut self, pair: Pair, now: UnixMs, events: &mut Vec<Event>) {
        let ready = |no| self.zones.get(no).is_some_and(|zone| zone.ready);
        let friends = self.slots.get(pair.a).is_some_and(|slot| slot.friends.binary_search(&pair.b).is_ok());
        if !friends || !ready(pair.a) || !ready(pair.b) {
            return;
        }
        let verdict = self.judge(pair, false, now, events);
        self.mind_both(pair, now);
        match verdict {
            Verdict::Ignore => self.unwatch(pair),
            Verdict::Keep(..) => self.watch(pair),
        }
    }

    /// Looks at a pair of friends who both may be near somebody: moves its state on, tells both, and says what their discs
    /// must keep.
    pub(super) fn judge(&mut self, pair: Pair, by_fix: bool, now: UnixMs, events: &mut Vec<Event>) -> Verdict {
        let (Some(a), Some(b)) = (self.slots.get(pair.a), self.slots.get(pair.b)) else { return Verdict::Ignore };
        let Terms { given: shown_a, taken: shown_b } = a.terms(pair.b);
        let (Some(at_a), Some(at_b)) = (a.stand(shown_a), b.stand(shown_b)) else { return Verdict::Ignore };
        let reach = Reach::of(a.person.radius, b.person.radius);
        let distance_m = sphere::metres_between(at_a.point, at_b.point);
        let too_coarse = reach.is_too_coarse(at_a.accuracy, at_b.accuracy);
        let old = if a.bonded.is_empty() || b.bonded.is_empty() { None } else { self.bonds.get(pair) };
        let leeway_m = self.leeway_m(a, shown_a, now) + self.leeway_m(b, shown_b, now);
        if let Some(limit) = proximity::open_limit(old, distance_m, leeway_m, reach, now) {
            return Verdict::Keep(limit, limit.room(distance_m));
        }
        let sight = Sight { distance_m, reach, too_coarse, by_fix, now };
        let (bond, change) = proximity::look(old, &sight, &self.settings);
        if bond != old {
            self.set_bond(pair, bond);
        }
        match change {
            Change::None => {}
            Change::Announce => {
                events.push(Event::Near { a: pair.a, b: pair.b, distance_m, t: now, shown_a, shown_b });
            }
            Change::HoldUntil(due) => self.timers.at(due, Timer::Hold(pair)),
            Change::End => {
                events.push(Event::Apart { a: pair.a, b: pair.b, t: now, reason: Reason::Left, by: None });
                self.start_cooling(pair, bond);
            }
        }
        let limit = match bond {
            Some(Bond::Cooling { .. }) => return Verdict::Ignore,
            Some(Bond::Near(_)) => Limit::Together(reach.leave_m),
            None => Limit::Apart(reach.meet_m),
        };
        Verdict::Keep(limit, limit.room(distance_m))
    }

    /// Ends an encounter, if there is one, because a condition fell away; the pair is no longer watched in any case.
    pub(super) fn end(&mut self, pair: Pair, reason: Reason, by: Option<UserNo>, now: UnixMs, events: &mut Vec<Event>) {
        self.unwatch(pair);
        let Some(Bond::Near(encounter)) = self.bonds.get(pair) else { return };
        let bond = proximity::ended(&encounter, now, &self.settings);
        self.set_bond(pair, bond);
        events.push(Event::Apart { a: pair.a, b: pair.b, t: now, reason, by });
        self.start_cooling(pair, bond);
    }

    fn start_cooling(&mut self, pair: Pair, bond: Option<Bond>) {
        if let Some(Bond::Cooling { until }) = bond {
            self.timers.at(until, Timer::Cool(pair));
        }
    }

    /// Takes a person out of all encounters: from now on busy, stale or hidden.
    pub(super) fn retire(
        &mut self,
        no: UserNo,
        reason: Reason,
        by: Option<UserNo>,
        now: UnixMs,
        events: &mut Vec<Event>,
    ) {
        if let Some(zone) = self.zones.get_mut(no) {
            zone.ready = false;
        }
        let Some(slot) = self.slots.get(no) else { return };
        let bonded = slot.bonded.clone();
        self.unwatch_all(no);
        for other in bonded {
            self.end(Pair::of(no, other), reason, by, now, events);
        }
        self.loosen(no, None, now);
    }

    /// Nobody looks at this person's fixes any more, nor this person at theirs.
    pub(super) fn unwatch_all(&mut self, no: UserNo) {
        let Some(slot) = self.slots.get_mut(no) else { return };
        for friend in std::mem::take(&mut slot.watched) {
            if let Some(friend) = self.slots.get_mut(friend) {
                take_out(&mut friend.watched, no);
            }
        }
    }

    /// Someone went busy and free again by hand: no half hour is waited for.
    pub(super) fn forget_cooling(&mut self, no: UserNo) {
        let Some(slot) = self.slots.get(no) else { return };
        for other in slot.bonded.clone() {
            let pair = Pair::of(no, other);
            if self.bonds.get(pair).is_some_and(|bond| !bond.is_near()) {
                self.set_bond(pair, None);
            }
        }
    }

    pub(super) fn set_bond(&mut self, pair: Pair, bond: Option<Bond>) {
        let old = self.bonds.set(pair, bond);
        if old.is_some() == bond.is_some() {
            return;
        }
        for (one, other) in [(pair.a, pair.b), (pair.b, pair.a)] {
            if let Some(slot) = self.slots.get_mut(one) {
                if bond.is_some() {
                    add(&mut slot.bonded, other)
                } else {
                    take_out(&mut slot.bonded, other)
                };
            }
        }
    }
}
