//! Why a pair is near or not: for the page that tells people why they heard nothing.
use super::proximity::{Bond, Pair, Reach};
use super::sphere;
use super::world::World;
use crate::domain::{Precision, UnixMs, UserNo};

/// What decides whether a friend is announced, as far as it follows from where the two are shown to each other. These are facts, not
/// yet what may be told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Why {
    /// Great-circle metres between the points at which the two are shown to each other.
    pub distance_m: f64,
    /// How precisely the friend is shown to the asker.
    pub shown: Precision,
    /// How precisely the asker is shown to the friend.
    pub given: Precision,
    /// No further apart than the smaller of both radii.
    pub within: bool,
    /// Where the two are is not known well enough.
    pub coarse: bool,
    /// An encounter is under way.
    pub near: bool,
    /// They were announced a short while ago, and are not again so soon.
    pub recently: bool,
}

impl World {
    /// What decides whether `friend` is announced to `no` at `now`. `None` when they are no friends, or one of the two is nowhere for
    /// the other: no fresh position, or none that is shown.
    #[must_use]
    pub fn explain(&self, no: UserNo, friend: UserNo, now: UnixMs) -> Option<Why> {
        let (own, other) = (self.slots.get(no)?, self.slots.get(friend)?);
        own.friends.binary_search(&friend).ok()?;
        self.fresh(no, now)?;
        self.fresh(friend, now)?;
        if !other.person.shows_place() {
            return None;
        }
        let terms = own.terms(friend);
        let (here, there) = (own.stand(terms.given)?, other.stand(terms.taken)?);
        let distance_m = sphere::metres_between(here.point, there.point);
        let reach = Reach::of(own.person.radius, other.person.radius);
        let bond = self.bonds.get(Pair::of(no, friend));
        Some(Why {
            distance_m,
            shown: terms.taken,
            given: terms.given,
            within: distance_m <= reach.meet_m,
            coarse: reach.is_too_coarse(here.accuracy, there.accuracy),
            near: bond.is_some_and(|bond| bond.is_near()),
            recently: matches!(bond, Some(Bond::Cooling { until }) if until > now),
        })
    }
}
