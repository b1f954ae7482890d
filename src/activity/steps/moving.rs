//! What one device's movement gives: live fixes, and those that come late.
//!
//! Live fixes are one unbroken *run* of a [`Walking`]. What comes late (a backlog after an hour without a network) waits in a
//! [`Room`], where it is followed in the order of its times. The times that were followed are remembered: a fix in one of
//! them says nothing new.
use super::room::{Correction, Known, Room};
use super::slots::{PARTS, Slots};
use super::spans::{Span, Spans};
use crate::activity::walking::{Place, Sighting, Stretch, Walking};
use crate::domain::{Fix, UnixMs};

/// How many silences are remembered that were taken for walks.
const GUESSES: usize = 4;
/// Late fixes wait no longer once there was none for this long, by the live ones, milliseconds.
const IDLE_MS: i64 = 600_000;

/// Fixes that follow each other.
#[derive(Clone, Debug, Default, PartialEq)]
struct Run {
    /// When it began, seconds since 1970.
    from: u32,
    walking: Walking,
}

impl Run {
    fn span(&self) -> Option<Span> {
        let newest = seconds(self.walking.newest_t()?);
        Some(Span { from: self.from.min(newest), to: newest })
    }
}

/// A silence that was taken for a walk until more is known.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Guess {
    from: Place,
    to: Place,
    parts: u32,
}

/// One device's movement.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Moving {
    pub slots: Slots,
    /// The times of runs that are over.
    spans: Spans,
    live: Run,
    /// Late fixes.
    room: Option<Box<Room>>,
    /// Time of the newest live fix when the newest late one came, milliseconds.
    late_at: i64,
    guesses: Vec<Guess>,
    /// When the newest silence ended that was a ride, milliseconds.
    rode_until: i64,
}

/// The span of time in which steps changed, seconds since 1970, if any did.
pub(super) type Changed = Option<(u32, u32)>;

pub(super) fn seconds(t: i64) -> u32 {
    u32::try_from(t.div_euclid(1_000)).unwrap_or(if t < 0 { 0 } else { u32::MAX })
}

/// The parts of steps in some metres.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "few and positive"
)]
fn parts_of(metres: f32, stride_m: f32) -> u32 {
    (metres / stride_m * PARTS as f32).round() as u32
}

fn both(a: Changed, b: Changed) -> Changed {
    match (a, b) {
        (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
        (a, b) => a.or(b),
    }
}

impl Moving {
    /// Time of the newest live fix, milliseconds.
    pub fn newest(&self) -> i64 {
        self.live.walking.newest_t().unwrap_or(i64::MIN)
    }

    /// Takes a fix.
    pub fn report(&mut self, fix: &Fix, stride_m: f32) -> Changed {
        let told = match self.live.walking.newest_t() {
            Some(newest) if fix.t.0 > newest => self.live.walking.report(fix),
            None if self.is_news(fix.t) => self.live.walking.report(fix),
            _ => return self.late(fix, stride_m),
        };
        // Most fixes only wait to be averaged with others.
        if told.walked.is_none() && !told.begins {
            return None;
        }
        let mut changed = self.credit(told.walked, stride_m);
        if told.begins {
            let at = seconds(fix.t.0);
            if let Some(before) = told.silence {
                self.spans.insert(self.live.from, seconds(before.t));
                changed = both(changed, self.guess(before, self.live.walking.newest(), stride_m));
            }
            self.live.from = at;
        }
        if self.room.is_some() && fix.t.0.saturating_sub(self.late_at) > IDLE_MS {
            changed = both(changed, self.end_late(stride_m));
        }
        changed
    }

    /// After a restart the live run is unknown: what lies after every span is news.
    fn is_news(&self, t: UnixMs) -> bool {
        self.spans.all().last().is_none_or(|span| span.to < seconds(t.0))
    }

    /// Takes a fix that is not newer than the newest.
    fn late(&mut self, fix: &Fix, stride_m: f32) -> Changed {
        let sighting = Sighting::of(fix)?;
        self.late_at = self.newest();
        let guess = self.guesses.iter().position(|guess| guess.from.t < fix.t.0 && fix.t.0 < guess.to.t);
        let guess = guess.map(|place| self.guesses.swap_remove(place));
        let changed = self.wait(sighting, stride_m);
        let Some(guess) = guess else { return changed };
        // What happened in that silence is known better now, from its beginning to its end.
        let (begin, end) = (seconds(guess.from.t), seconds(guess.to.t));
        self.slots.take(begin, end, guess.parts);
        self.wait(guess.from.into(), stride_m);
        self.wait(guess.to.into(), stride_m);
        both(changed, Some((begin, end)))
    }

    /// Puts a late sighting among the others.
    fn wait(&mut self, sighting: Sighting, stride_m: f32) -> Changed {
        let known = Known { spans: &self.spans, live: self.live.span() };
        let correction = self.room.get_or_insert_default().take(sighting, known)?;
        self.correct(correction, stride_m)
    }

    fn end_late(&mut self, stride_m: f32) -> Changed {
        let known = Known { spans: &self.spans, live: self.live.span() };
        let correction = self.room.take()?.close(known);
        self.correct(correction, stride_m)
    }

    fn correct(&mut self, Correction { less, more, left }: Correction, stride_m: f32) -> Changed {
        let mut changed = None;
        for stretch in less {
            let (from, to) = (seconds(stretch.from), seconds(stretch.to));
            self.slots.take(from, to, parts_of(stretch.metres, stride_m));
            changed = both(changed, Some((from, to)));
        }
        for stretch in more {
            changed = both(changed, self.credit(Some(stretch), stride_m));
        }
        left.iter().for_each(|span| self.spans.insert(span.from, span.to));
        changed
    }

    /// Takes the silence between two places for a walk if it looks like one.
    fn guess(&mut self, from: Place, to: Option<Place>, stride_m: f32) -> Changed {
        let to = to?;
        if from.rides_to(to) {
            // What went before or after a ride, unseen, may have been a part of it.
            self.rode_until = to.t;
            let before = self.guesses.iter().position(|guess| guess.to.t == from.t)?;
            let before = self.guesses.swap_remove(before);
            let (begin, end) = (seconds(before.from.t), seconds(before.to.t));
            self.slots.take(begin, end, before.parts);
            return Some((begin, end));
        }
        if from.t == self.rode_until {
            return None;
        }
        let parts = parts_of(from.walk_to(to)?, stride_m);
        if self.guesses.len() >= GUESSES {
            // The oldest holds for good: its time is known from now on.
            let oldest = self.guesses.remove(0);
            self.spans.insert(seconds(oldest.from.t), seconds(oldest.to.t));
        }
        self.guesses.push(Guess { from, to, parts });
        let (begin, end) = (seconds(from.t), seconds(to.t));
        self.slots.add(begin, end, parts);
        Some((begin, end))
    }

    fn credit(&mut self, walked: Option<Stretch>, stride_m: f32) -> Changed {
        let walked = walked?;
        let (from, to) = (seconds(walked.from), seconds(walked.to));
        self.slots.add(from, to.max(from), parts_of(walked.metres, stride_m));
        Some((from, to))
    }

    /// All known time, as it is to be remembered when the runs are forgotten.
    pub fn known_time(&self) -> Spans {
        let mut spans = self.spans.clone();
        let known = Known { spans: &self.spans, live: self.live.span() };
        let late = self.room.iter().flat_map(|room| room.times(known));
        self.live.span().into_iter().chain(late).for_each(|span| spans.insert(span.from, span.to));
        self.guesses.iter().for_each(|guess| spans.insert(seconds(guess.from.t), seconds(guess.to.t)));
        spans
    }

    /// Movement as it was remembered.
    pub fn remembered(slots: Slots, spans: Spans) -> Self {
        Self { slots, spans, ..Self::default() }
    }

    /// Forgets what lies before a slot that begins at `t`.
    pub fn forget_before(&mut self, at: u32, t: u32) {
        self.slots.forget_before(at);
        self.spans.forget_before(t);
        self.guesses.retain(|guess| seconds(guess.from.t) >= t);
    }

    /// What this takes beside its own size, bytes.
    #[cfg(test)]
    pub fn heap_bytes(&self) -> usize {
        let late = self.room.as_ref().map_or(0, |room| size_of::<Room>() + room.heap_bytes());
        self.slots.heap_bytes() + self.spans.heap_bytes() + late + self.guesses.capacity() * size_of::<Guess>()
    }
}
