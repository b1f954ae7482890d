//! What one device's movement gives: live fixes, and those that come late.
//!
//! Live fixes are one unbroken *run* of a [`Walking`]. What comes late (a backlog after an hour without a network) is followed by a
//! second run of its own, in the order in which it comes. The times of all runs are remembered: a fix in a time that was
//! followed already says nothing new.
use super::slots::{PARTS, Slots};
use super::spans::Spans;
use crate::activity::walking::{Place, Stretch, Walking};
use crate::domain::{Fix, UnixMs};

/// How many silences are remembered that were taken for walks.
const GUESSES: usize = 4;
/// A run of late fixes ends when it has had none for this long, by the live ones, milliseconds.
const IDLE_MS: i64 = 600_000;
/// A fix this soon after the beginning of a span still shows where the run before it led, seconds.
const JOIN_S: u32 = 60;

/// Fixes that follow each other.
#[derive(Clone, Debug, Default, PartialEq)]
struct Run {
    /// When it began, seconds since 1970.
    from: u32,
    walking: Walking,
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
    late: Option<Box<Run>>,
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
        if self.late.is_some() && fix.t.0.saturating_sub(self.late_at) > IDLE_MS {
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
        let at = seconds(fix.t.0);
        self.late_at = self.newest();
        let guess = self.guesses.iter().position(|guess| guess.from.t < fix.t.0 && fix.t.0 < guess.to.t);
        let guess = guess.map(|place| self.guesses.swap_remove(place));
        if let Some(guess) = guess {
            return self.instead_of(guess, fix, stride_m);
        }
        let newest = self.late.as_ref().and_then(|run| run.walking.newest());
        let known = self.known(at);
        if let Some(from) = newest.filter(|newest| newest.t < fix.t.0) {
            let next = self.next_known(seconds(from.t));
            if next > at {
                return self.follow_late(fix, stride_m);
            }
            // The run has reached what is known: a fix from its beginning still shows where it led.
            return if known == Some(next) && at - next <= JOIN_S {
                let changed = self.follow_late_to(fix, next, stride_m);
                both(changed, self.end_late(stride_m))
            } else {
                let changed = self.end_late(stride_m);
                both(changed, if known.is_none() { self.begin_late(fix, at, stride_m) } else { None })
            };
        }
        if known.is_some() || newest.is_some_and(|newest| newest.t == fix.t.0) {
            return None;
        }
        let changed = self.end_late(stride_m);
        both(changed, self.begin_late(fix, at, stride_m))
    }

    /// The beginning of the known time that holds a moment.
    fn known(&self, at: u32) -> Option<u32> {
        let live = (self.live.from <= at && self.live.walking.newest_t().is_some()).then_some(self.live.from);
        let run = self
            .late
            .as_ref()
            .filter(|run| run.from <= at && run.walking.newest().is_some_and(|newest| at <= seconds(newest.t)));
        self.spans.holding(at).map(|span| span.from).or(live).or(run.map(|run| run.from))
    }

    /// The beginning of the first known time after a moment.
    fn next_known(&self, at: u32) -> u32 {
        let span = self.spans.after(at).map_or(u32::MAX, |span| span.from);
        if self.live.from > at && self.live.walking.newest_t().is_some() { span.min(self.live.from) } else { span }
    }

    fn begin_late(&mut self, fix: &Fix, at: u32, stride_m: f32) -> Changed {
        self.late = Some(Box::new(Run { from: at, walking: Walking::default() }));
        self.follow_late(fix, stride_m)
    }

    fn follow_late(&mut self, fix: &Fix, stride_m: f32) -> Changed {
        let Some(run) = &mut self.late else { return None };
        let told = run.walking.report(fix);
        let (begun, newest) = (run.from, run.walking.newest());
        let mut changed = self.credit(told.walked, stride_m);
        if told.begins {
            if let Some(before) = told.silence {
                self.spans.insert(begun, seconds(before.t));
                changed = both(changed, self.guess(before, newest, stride_m));
            }
            if let Some(run) = &mut self.late {
                run.from = seconds(fix.t.0);
            }
        }
        changed
    }

    /// Follows a fix that lies in known time: what was walked counts up to where that begins.
    fn follow_late_to(&mut self, fix: &Fix, end: u32, stride_m: f32) -> Changed {
        let Some(run) = &mut self.late else { return None };
        let Some(newest) = run.walking.newest() else { return None };
        let told = run.walking.report(fix);
        if told.begins || run.walking.newest().is_some_and(|now| now.t == newest.t) {
            return self.credit(told.walked, stride_m);
        }
        let rest = run.walking.finish();
        self.spans.insert(run.from, end);
        self.late = None;
        let cut = |stretch: Option<Stretch>| stretch.map(|stretch| stretch.until(i64::from(end) * 1_000));
        let changed = self.credit(cut(told.walked), stride_m);
        both(changed, self.credit(cut(rest), stride_m))
    }

    /// Ends the run of late fixes.
    fn end_late(&mut self, stride_m: f32) -> Changed {
        let mut run = self.late.take()?;
        let rest = run.walking.finish();
        let newest = run.walking.newest()?;
        self.spans.insert(run.from, seconds(newest.t));
        self.credit(rest, stride_m)
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

    /// A late fix from within a silence that was taken for a walk: what it was in truth is followed from its beginning on, and only
    /// what is still silent stays a guess.
    fn instead_of(&mut self, guess: Guess, fix: &Fix, stride_m: f32) -> Changed {
        let (begin, end) = (seconds(guess.from.t), seconds(guess.to.t));
        self.slots.take(begin, end, guess.parts);
        let follows =
            self.late.as_ref().is_some_and(|run| run.walking.newest().is_some_and(|newest| newest.t == guess.from.t));
        if !follows {
            self.end_late(stride_m);
            self.late = Some(Box::new(Run { from: begin, walking: Walking::from(guess.from) }));
        }
        self.follow_late(fix, stride_m);
        if let Some(newest) = self.late.as_ref().and_then(|run| run.walking.newest()) {
            self.guess(newest, Some(guess.to), stride_m);
        }
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
        for run in std::iter::once(&self.live).chain(self.late.as_deref()) {
            if let Some(newest) = run.walking.newest() {
                spans.insert(run.from.min(seconds(newest.t)), seconds(newest.t));
            }
        }
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
        let late = self.late.as_ref().map_or(0, |_| size_of::<Run>());
        self.slots.heap_bytes() + self.spans.heap_bytes() + late + self.guesses.capacity() * size_of::<Guess>()
    }
}
