//! What everybody may read about everybody's state, without asking their actor: the read model behind `welcome`, `near`
//! and `nearby`. Written by the person's own [`User`](super::user::User) before it tells friends, so that a
//! friend who reads late reads the newer state, never an older one than was announced.
use parking_lot::RwLock;

use crate::domain::{Availability, UnixMs, UserNo};

/// A person's state as friends see it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Standing {
    /// A device is connected, or was a moment ago.
    pub online: bool,
    /// What the person set by hand, as it was set: ask [`Availability::at`] for now.
    pub availability: Availability,
}

/// All standings, by dense number.
#[derive(Debug, Default)]
pub struct Board {
    standings: RwLock<Vec<Option<Box<Standing>>>>,
}

impl Board {
    /// A person's standing with what has lapsed removed; offline and busy for someone unknown.
    #[must_use]
    pub fn standing(&self, no: UserNo, now: UnixMs) -> Standing {
        let standings = self.standings.read();
        let Some(Some(standing)) = standings.get(no.index()) else { return Standing::default() };
        Standing { online: standing.online, availability: standing.availability.at(now) }
    }

    /// True when the person is free at `now`.
    #[must_use]
    pub fn is_free(&self, no: UserNo, now: UnixMs) -> bool {
        let standings = self.standings.read();
        standings.get(no.index()).is_some_and(|place| place.as_ref().is_some_and(|s| s.availability.is_free(now)))
    }

    /// Replaces a person's standing. Numbers come from the store, one after another, so the table stays dense.
    pub fn write(&self, no: UserNo, standing: Standing) {
        let mut standings = self.standings.write();
        if standings.len() <= no.index() {
            standings.resize_with(no.index() + 1, || None);
        }
        if let Some(place) = standings.get_mut(no.index()) {
            *place = (standing != Standing::default()).then(|| Box::new(standing));
        }
    }
}
