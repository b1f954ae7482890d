//! When something is due for whom: one entry a person, however often it is set.
use std::collections::BTreeSet;

use parking_lot::Mutex;
use rustc_hash::FxHashMap;

use crate::domain::{UnixMs, UserNo};

/// What is due when.
#[derive(Debug, Default)]
pub struct Agenda(Mutex<Entries>);

#[derive(Debug, Default)]
struct Entries {
    queue: BTreeSet<(UnixMs, UserNo)>,
    at: FxHashMap<UserNo, UnixMs>,
}

impl Agenda {
    /// Something is due for `no` at `at` and at no other time; `None`: not at all.
    pub fn set(&self, no: UserNo, at: Option<UnixMs>) {
        let mut entries = self.0.lock();
        let before = match at {
            Some(at) => entries.at.insert(no, at),
            None => entries.at.remove(&no),
        };
        if before == at {
            return;
        }
        if let Some(before) = before {
            entries.queue.remove(&(before, no));
        }
        if let Some(at) = at {
            entries.queue.insert((at, no));
        }
    }

    /// Takes out who is due first, if anybody is at `now`.
    pub fn next_due(&self, now: UnixMs) -> Option<(UnixMs, UserNo)> {
        let mut entries = self.0.lock();
        let first = entries.queue.first().copied().filter(|(at, _)| *at <= now)?;
        entries.queue.pop_first();
        entries.at.remove(&first.1);
        Some(first)
    }

    /// When something is due for somebody.
    #[must_use]
    pub fn of(&self, no: UserNo) -> Option<UnixMs> {
        self.0.lock().at.get(&no).copied()
    }

    /// When the first of all is due.
    #[must_use]
    pub fn first(&self) -> Option<UnixMs> {
        self.0.lock().queue.first().map(|(at, _)| *at)
    }

    /// For how many people something is due.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.lock().queue.len()
    }

    /// True when nothing is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_has_one_entry_and_the_first_comes_first() {
        let agenda = Agenda::default();
        let (ann, bob) = (UserNo(1), UserNo(2));
        agenda.set(ann, Some(UnixMs(50)));
        agenda.set(bob, Some(UnixMs(20)));
        agenda.set(ann, Some(UnixMs(10)));
        agenda.set(ann, Some(UnixMs(10)));
        assert_eq!((agenda.len(), agenda.of(ann)), (2, Some(UnixMs(10))));
        assert_eq!(agenda.next_due(UnixMs(9)), None);
        assert_eq!(agenda.next_due(UnixMs(30)), Some((UnixMs(10), ann)));
        agenda.set(bob, None);
        assert_eq!(agenda.next_due(UnixMs(30)), None);
        assert!(agenda.is_empty());
    }
}
