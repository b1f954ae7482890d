//! What everybody may read about everybody's state, without asking their actor: the read model behind `welcome`, `near`
//! and `nearby`. Written by the person's own [`User`](super::user::User) before it tells friends, so that a
//! friend who reads late reads the newer state, never an older one than was announced.
use std::sync::Arc;

use parking_lot::RwLock;

use crate::activity::timetable::{Timetable, present};
use crate::domain::{Availability, Present, UnixMs, UserNo};

/// A person's state as friends see it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Standing {
    /// A device is connected, or was a moment ago.
    pub online: bool,
    /// What friends may read of being free.
    pub availability: Availability,
}

/// What is known of one person.
#[derive(Clone, Debug, Default, PartialEq)]
struct Entry {
    online: bool,
    /// As it was set: lapsed or not.
    hand: Option<Availability>,
    timetable: Option<Arc<Timetable>>,
    /// Free, and until when, as friends and the index were told last.
    told: (bool, Option<UnixMs>),
}

impl Entry {
    fn present(&self, now: UnixMs) -> Present {
        present(self.hand.as_ref(), self.timetable.as_deref(), now)
    }
}

/// All standings, by dense number.
#[derive(Debug, Default)]
pub struct Board {
    entries: RwLock<Vec<Option<Box<Entry>>>>,
}

impl Board {
    /// A person's standing at `now`; offline and busy for someone unknown.
    #[must_use]
    pub fn standing(&self, no: UserNo, now: UnixMs) -> Standing {
        let entry = |entry: &Entry| Standing { online: entry.online, availability: entry.present(now).shown() };
        self.read(no, entry).unwrap_or_default()
    }

    /// What holds of a person at `now`.
    #[must_use]
    pub fn present(&self, no: UserNo, now: UnixMs) -> Present {
        self.read(no, |entry| entry.present(now)).unwrap_or_default()
    }

    /// True when the person is free at `now`.
    #[must_use]
    pub fn is_free(&self, no: UserNo, now: UnixMs) -> bool {
        self.read(no, |entry| entry.present(now).free).unwrap_or(false)
    }

    /// When somebody who is free will be busy, as far as that is known.
    #[must_use]
    pub fn free_until(&self, no: UserNo, now: UnixMs) -> Option<UnixMs> {
        let end = |entry: &Entry| {
            let until = entry.present(now).until.filter(|_| entry.present(now).free)?;
            (!entry.present(until).free).then_some(until)
        };
        self.read(no, end).flatten()
    }

    /// Says whether somebody is online, and what they set by hand.
    pub fn write(&self, no: UserNo, online: bool, hand: Option<Availability>) {
        self.change(no, |entry| (entry.online, entry.hand) = (online, hand));
    }

    /// What decides whether somebody is free when they said nothing by hand.
    pub fn set_timetable(&self, no: UserNo, timetable: Option<Arc<Timetable>>) {
        self.change(no, |entry| entry.timetable = timetable);
    }

    /// The same; `None`: nothing does.
    #[must_use]
    pub fn timetable(&self, no: UserNo) -> Option<Arc<Timetable>> {
        self.read(no, |entry| entry.timetable.clone()).flatten()
    }

    /// When what holds changes next by itself; `None`: not as far as is known, or something else watches over it, which is so while
    /// what was said by hand holds.
    #[must_use]
    pub fn next_flip(&self, no: UserNo, now: UnixMs) -> Option<UnixMs> {
        let next = |entry: &Entry| {
            let by_hand = entry.hand.as_ref().is_some_and(|hand| !hand.has_lapsed(now));
            if by_hand { None } else { entry.timetable.as_ref()?.next_flip(now) }
        };
        self.read(no, next).flatten()
    }

    /// Notes what friends are told of somebody now. False when that is what they were told last.
    pub fn tell(&self, no: UserNo, present: &Present) -> bool {
        let news = (present.free, present.shown().until);
        if self.read(no, |entry| entry.told == news).unwrap_or(news == (false, None)) {
            return false;
        }
        self.change(no, |entry| entry.told = news);
        true
    }

    /// Forgets somebody.
    pub fn forget(&self, no: UserNo) {
        self.change(no, |entry| *entry = Entry::default());
    }

    fn read<T>(&self, no: UserNo, read: impl FnOnce(&Entry) -> T) -> Option<T> {
        let entries = self.entries.read();
        entries.get(no.index())?.as_deref().map(read)
    }

    /// Numbers come from the store, one after another, so the table stays dense.
    fn change(&self, no: UserNo, change: impl FnOnce(&mut Entry)) {
        let mut entries = self.entries.write();
        if entries.len() <= no.index() {
            entries.resize_with(no.index() + 1, || None);
        }
        if let Some(place) = entries.get_mut(no.index()) {
            let mut entry = place.take().unwrap_or_default();
            change(&mut entry);
            *place = (*entry != Entry::default()).then_some(entry);
        }
    }
}
