//! What becomes due: a heap, so that a tick costs what is due and not what is waiting. An entry is never taken back;
//! whoever handles it looks whether it still holds.
use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::proximity::Pair;
use crate::domain::{UnixMs, UserNo};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// This person's position may have become stale. One entry a person, put back while the person keeps reporting.
    Stale(UserNo),
    /// This person may be free no longer.
    Busy(UserNo),
    /// This person's zone may have run out.
    Lapse(UserNo),
    /// This person may have left a question unanswered for too long.
    Answer(UserNo),
    /// This pair may have been out of reach for long enough.
    Hold(Pair),
    /// This pair may be announced again.
    Cool(Pair),
    /// This pair was loaded, not observed: look at it.
    Settle(Pair),
    /// This pair was near before a restart, and there has been time enough for both to report.
    GiveUp(Pair),
    /// This person's phone may be asked now.
    Ask(UserNo),
    /// This person's zone may grow.
    Widen(UserNo),
}

#[derive(Clone, Debug, Default)]
pub(super) struct Timers(BinaryHeap<Reverse<(UnixMs, Timer)>>);

impl Timers {
    pub(super) fn at(&mut self, due: UnixMs, timer: Timer) {
        self.0.push(Reverse((due, timer)));
    }

    #[inline]
    pub(super) fn is_due(&self, now: UnixMs) -> bool {
        self.0.peek().is_some_and(|Reverse((due, _))| *due <= now)
    }

    /// Everything due, staleness and the end of being free first: when much time has passed between two commands, nobody is
    /// announced to a friend who became busy, or whose position became too old, in the same gap.
    pub(super) fn take_due(&mut self, now: UnixMs) -> Vec<Timer> {
        let mut due = Vec::new();
        while self.is_due(now) {
            due.extend(self.0.pop().map(|Reverse((_, timer))| timer));
        }
        due.sort_unstable();
        due
    }
}
