//! What people do not show: per friend, and where they are shown instead.
//!
//! Kept apart from [`super::world::Slot`] and only for those who have something to keep: for everybody else a limit is one
//! null pointer.
use super::facts::Live;
use super::grid::Cell;
use super::sphere::UnitVector;
use super::world::Slot;
use crate::domain::{LatLon, Precision, UnixMs, UserNo};

/// The accuracy that goes with a cell's centre, metres: a little more than from the centre to a corner (786 m at the
/// equator). A constant, whatever the cell: it says nothing.
const CELL_ACCURACY_M: f32 = 800.0;
/// How many left cells are remembered.
const LEFT: usize = 4;

/// What two friends show each other. By default everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Terms {
    /// How the person is shown to the friend.
    pub(super) given: Precision,
    /// How the friend is shown to the person.
    pub(super) taken: Precision,
}

/// A friend with whom not both sides show everything. The friend has one too, the other way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exception {
    pub(super) with: UserNo,
    pub(super) terms: Terms,
}

/// The limits of one person.
#[derive(Debug, Default)]
pub(super) struct Limits {
    /// By rising number. People with whom something was agreed before they became friends are here too.
    exceptions: Vec<Exception>,
    /// Of someone who shares approximately, or once did: if it were forgotten in between, going to and fro would tell more.
    shown: Option<Shown>,
}

impl Limits {
    pub(super) fn exceptions(&self) -> &[Exception] {
        &self.exceptions
    }

    pub(super) fn terms(&self, with: UserNo) -> Terms {
        let place = self.exceptions.binary_search_by_key(&with, |exception| exception.with);
        place.ok().and_then(|place| self.exceptions.get(place)).map_or(Terms::default(), |exception| exception.terms)
    }

    pub(super) fn set_terms(&mut self, with: UserNo, terms: Terms) {
        match self.exceptions.binary_search_by_key(&with, |exception| exception.with) {
            Ok(place) if terms == Terms::default() => _ = self.exceptions.remove(place),
            Ok(place) => {
                if let Some(exception) = self.exceptions.get_mut(place) {
                    exception.terms = terms;
                }
            }
            Err(_) if terms == Terms::default() => {}
            Err(place) => self.exceptions.insert(place, Exception { with, terms }),
        }
    }

    /// From now on a shown cell is kept. `here`: where the person is, if known.
    pub(super) fn begin_showing(&mut self, here: Option<LatLon>, now: UnixMs, hold_ms: i64) {
        if self.shown.is_none() {
            let mut shown = Shown::default();
            if let Some(here) = here {
                shown.follow(here, now, hold_ms);
            }
            self.shown = Some(shown);
        }
    }

    /// Follows a new position. True when another cell is shown from now on.
    pub(super) fn follow(&mut self, here: LatLon, now: UnixMs, hold_ms: i64) -> bool {
        self.shown.as_mut().is_some_and(|shown| shown.follow(here, now, hold_ms))
    }
}

/// The cell in which a person is shown, and those left a short while ago.
///
/// It follows the person, with one exception: a cell that was left less than the hold ago is not entered, nor one that
/// touches such a cell. Without the first, noise at an edge would say how near to it somebody stands; without the second,
/// so would noise at a corner, where three or four cells could be shown within a minute. Who walks on is not held up:
/// the next cell but one does not touch the one that was left, so what is shown is at most one cell behind.
/// Who turns back is: until the hold is over the shown cell may be any distance away, at the furthest as far as one can
/// travel in that time. What is shown depends on the cells and the times of the fixes alone.
#[derive(Clone, Copy, Debug, Default)]
struct Shown {
    at: Option<Centre>,
    /// The newest first.
    left: [Option<(Cell, UnixMs)>; LEFT],
}

#[derive(Clone, Copy, Debug)]
struct Centre {
    cell: Cell,
    place: LatLon,
    point: UnitVector,
}

impl Shown {
    fn follow(&mut self, here: LatLon, now: UnixMs, hold_ms: i64) -> bool {
        let cell = Cell::of(here);
        if let Some(at) = self.at {
            let held = |(left, when): &(Cell, UnixMs)| now.since(*when) < hold_ms && left.touches(cell);
            if at.cell == cell || self.left.iter().flatten().any(held) {
                return false;
            }
            self.left.rotate_right(1);
            if let Some(newest) = self.left.first_mut() {
                *newest = Some((at.cell, now));
            }
        }
        let place = cell.centre();
        self.at = Some(Centre { cell, place, point: place.into() });
        true
    }
}

/// Where somebody is for somebody: what distances and decisions about the two start from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stand {
    pub(super) point: UnitVector,
    /// Metres. A cell's centre counts as exact, or it would say how well the phone knew its place.
    pub(super) accuracy: Option<f32>,
}

impl Slot {
    /// What this person and another show each other.
    #[inline]
    pub(super) fn terms(&self, with: UserNo) -> Terms {
        self.limits.as_ref().map_or(Terms::default(), |limits| limits.terms(with))
    }

    /// With whom not everything is shown, by rising number.
    #[inline]
    pub(super) fn exceptions(&self) -> &[Exception] {
        self.limits.as_ref().map_or(&[], |limits| limits.exceptions())
    }

    fn centre(&self) -> Option<Centre> {
        self.limits.as_ref()?.shown?.at
    }

    /// Where this person is for those who see this much.
    #[inline]
    pub(super) fn stand(&self, precision: Precision) -> Option<Stand> {
        let spot = self.spot.as_ref()?;
        match precision {
            Precision::Exact => Some(Stand { point: spot.here, accuracy: spot.live.accuracy }),
            Precision::Approximate => self.centre().map(|centre| Stand { point: centre.point, accuracy: None }),
            Precision::Off => None,
        }
    }

    /// The position to show to those who see this much.
    pub(super) fn shown(&self, precision: Precision) -> Option<Live> {
        let live = self.spot.as_ref()?.live;
        match precision {
            Precision::Exact => Some(live),
            Precision::Approximate => {
                let position = self.centre()?.place;
                Some(Live { position, t: live.t, accuracy: Some(CELL_ACCURACY_M), speed: None, heading: None })
            }
            Precision::Off => None,
        }
    }
}
