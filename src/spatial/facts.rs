//! What goes into the world and what comes out of it.
use crate::domain::{LatLon, Precision, Radius, UnixMs, UserNo};

/// The numbers of PROTOCOL.md, section 2, that may be configured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// A live position older than this is stale, milliseconds.
    pub fresh_ms: i64,
    /// The same pair is announced again at the earliest after this, milliseconds.
    pub announce_again_ms: i64,
    /// How long a pair must have been out of reach before it is apart, when no fix says so earlier, milliseconds.
    pub leave_hold_ms: i64,
    /// The largest quiet zone, metres. 5 km measured flat and near the optimum (scale.md, 1.1, item 3).
    pub largest_disc_m: f64,
    /// How long a cell that was left is not shown again to approximate friends, milliseconds.
    pub cell_hold_ms: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            fresh_ms: 600_000,
            announce_again_ms: 1_800_000,
            leave_hold_ms: 30_000,
            largest_disc_m: 5_000.0,
            cell_hold_ms: 900_000,
        }
    }
}

/// A person's live position.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Live {
    /// Where.
    pub position: LatLon,
    /// When, by the device's clock.
    pub t: UnixMs,
    /// Accuracy, metres.
    pub accuracy: Option<f32>,
    /// Speed over ground, m/s.
    pub speed: Option<f32>,
    /// Course over ground, degrees.
    pub heading: Option<f32>,
}

/// What counts of a person besides the position.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Person {
    /// The distance at which this person wants to hear of friends.
    pub radius: Radius,
    /// Free to meet now.
    pub free: bool,
    /// Has a connection. Shown and counted; no condition of being near.
    pub online: bool,
    /// Ghost mode: near nobody, seen by nobody, not counted.
    pub hidden: bool,
    /// Shows a position only while free. Being near needs free in any case.
    pub only_free: bool,
}

impl Person {
    /// True while friends may be shown where the person is.
    pub(super) const fn shows_place(&self) -> bool {
        !self.hidden && (self.free || !self.only_free)
    }
}

/// Why an encounter ended; the wire spells it in lower case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// They walked apart.
    Left,
    /// One is no longer free.
    Busy,
    /// One has not been heard of for too long.
    Stale,
    /// One hides, from everybody or from the other.
    Hidden,
    /// They are no longer friends, or one of them is gone.
    Unfriended,
}

/// What two people are to be told. One event concerns both: both hear it, or neither.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event {
    /// Two free friends are near each other. Once per encounter.
    Near {
        /// The one with the lower number.
        a: UserNo,
        /// The other one.
        b: UserNo,
        /// Great-circle metres between the points at which they are shown to each other.
        distance_m: f64,
        /// When this was decided.
        t: UnixMs,
        /// How a is shown to b.
        shown_a: Precision,
        /// How b is shown to a.
        shown_b: Precision,
    },
    /// The encounter ended. Only ever follows a `Near` of the same pair.
    Apart {
        /// The one with the lower number.
        a: UserNo,
        /// The other one.
        b: UserNo,
        /// When this was decided.
        t: UnixMs,
        /// Why.
        reason: Reason,
        /// Whose hiding, going busy or silence ended it. `None`: nobody's alone (they walked apart, are no longer friends,
        /// or neither has been heard of since a restart).
        by: Option<UserNo>,
    },
}

/// A question for friends around.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Nearby {
    /// No friend further than this, metres.
    pub radius_m: f64,
    /// At most this many.
    pub limit: usize,
    /// Only those who are free.
    pub free_only: bool,
}

/// Somebody's position as one certain person may know it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seen {
    /// As reported; or the centre of the shown cell with a constant accuracy, no speed and no heading, at the time of the
    /// newest report.
    pub live: Live,
    /// Which of the two: never `Off`.
    pub precision: Precision,
}

/// A friend found by [`Nearby`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Neighbour {
    /// Who.
    pub user: UserNo,
    /// Great-circle metres away: from the asker's newest live position to `live`.
    pub distance_m: f64,
    /// Where and when, as the asker may know it.
    pub live: Live,
    /// How precisely that is.
    pub precision: Precision,
    /// Free to meet now.
    pub free: bool,
}

/// How many of what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// People known.
    pub people: usize,
    /// Of these, with a connection and not hidden.
    pub online: usize,
    /// Of these, free and not hidden.
    pub free: usize,
    /// Pairs that are near now.
    pub near_pairs: usize,
}

impl Counts {
    /// A person came, changed or went.
    pub(super) fn replace(&mut self, old: Option<Person>, new: Option<Person>) {
        let count =
            |person: Option<Person>, is_so: fn(&Person) -> bool| usize::from(person.is_some_and(|one| is_so(&one)));
        let update = |number: &mut usize, is_so| *number = *number + count(new, is_so) - count(old, is_so);
        update(&mut self.people, |_| true);
        update(&mut self.online, |person| person.online && !person.hidden);
        update(&mut self.free, |person| person.free && !person.hidden);
    }
}
