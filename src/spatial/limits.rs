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

impl Exception {
    /// The one with `with`, if there is one: for a pass over many people by rising number. `rest` begins as all exceptions.
    #[inline]
    pub(super) fn next<'a>(rest: &mut &'a [Self], with: UserNo) -> Option<&'a Self> {
        while let [first, others @ ..] = *rest {
            if first.with > with {
                break;
            }
            *rest = others;
            if first.with == with {
                return Some(first);
            }
        }
        None
    }
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

    /// Forgets in which cells the person was.
    pub(super) fn forget_place(&mut self) {
        self.shown = self.shown.map(|_| Shown::default());
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

    /// Where this person is for those who see this much.
    #[inline]
    pub(super) fn stand(&self, precision: Precision) -> Option<Stand> {
        let spot = self.spot.as_ref()?;
        if precision.is_exact() {
            return Some(Stand { point: spot.here, accuracy: spot.live.accuracy });
        }
        self.shown_by_cell(precision).map(|(_, point)| Stand { point, accuracy: None })
    }

    /// The position to show to those who see this much.
    pub(super) fn shown(&self, precision: Precision) -> Option<Live> {
        if precision.is_exact() { self.spot.map(|spot| spot.live) } else { Some(self.shown_by_cell(precision)?.0) }
    }

    /// The position to show to those who do not see everything.
    #[inline(never)]
    pub(super) fn shown_by_cell(&self, precision: Precision) -> Option<(Live, UnitVector)> {
        let t = self.spot.filter(|_| precision == Precision::Approximate)?.live.t;
        let Centre { place, point, .. } = self.limits.as_ref()?.shown?.at?;
        let live = Live { position: place, t, accuracy: Some(CELL_ACCURACY_M), speed: None, heading: None };
        Some((live, point))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOLD: i64 = 900_000;

    /// A point of the cell so many columns east of the date line and rows north of 52.54°, in the part of it that is given.
    fn block(east: i32, north: i32, part: (f64, f64)) -> LatLon {
        let south = 52.54 + f64::from(north) / 100.0;
        let width = 360.0 / (36_000.0 * (south + 0.01).to_radians().cos()).floor();
        LatLon::new(
            south + part.1 / 100.0,
            -180.0 + (f64::from(east) + part.0) * width + if east < 0 { 360.0 } else { 0.0 },
        )
        .unwrap()
    }

    fn middle(east: i32, north: i32) -> LatLon {
        block(east, north, (0.5, 0.5))
    }

    fn shown(shown: &Shown) -> Cell {
        shown.at.unwrap().cell
    }

    fn walk(shown: &mut Shown, minutes: i64, here: LatLon) -> Cell {
        shown.follow(here, UnixMs(minutes * 60_000), HOLD);
        shown.at.unwrap().cell
    }

    #[test]
    fn who_walks_on_is_followed_cell_by_cell() {
        let mut one = Shown::default();
        for step in 0..50 {
            assert_eq!(walk(&mut one, i64::from(step), middle(step, 0)), Cell::of(middle(step, 0)));
        }
        let mut diagonal = Shown::default();
        for step in 0..50 {
            walk(&mut diagonal, i64::from(step), middle(step, step));
            let at = walk(&mut diagonal, i64::from(step), middle(step + 1, step));
            assert!(at.touches(Cell::of(middle(step + 1, step))), "never more than one cell behind");
        }
    }

    #[test]
    fn noise_at_an_edge_or_a_corner_shows_one_change_in_a_hold() {
        // Where four cells meet: the only such corners are on the date line and opposite of it.
        let corner = [(-1, 0, 0.999), (0, 0, 0.001), (-1, 1, 0.999), (0, 1, 0.001)];
        for cells in [2, 3, 4] {
            let mut one = Shown::default();
            let mut changes = Vec::new();
            for second in 0..7_200_u64 {
                let mixed = second.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
                let (east, north, x) = corner[usize::try_from(mixed % cells).unwrap()];
                let here = block(east, north, (x, if north == 0 { 0.999 } else { 0.001 }));
                let now = i64::try_from(second * 1_000).unwrap();
                if one.follow(here, UnixMs(now), HOLD) {
                    changes.push(now);
                }
            }
            assert!(changes.len() > 4, "{changes:?}");
            // The first is where it began.
            let gaps = changes.iter().skip(1).zip(changes.iter().skip(2)).map(|(one, next)| next - one);
            assert!(gaps.clone().all(|gap| gap >= HOLD), "{cells} cells: {:?}", gaps.collect::<Vec<_>>());
        }
    }

    #[test]
    fn who_turns_back_is_shown_where_they_turned_until_the_hold_is_over() {
        let mut one = Shown::default();
        for step in 0..4 {
            walk(&mut one, i64::from(step), middle(step, 0));
        }
        let turned = Cell::of(middle(3, 0));
        for (minutes, step) in [(4, 2), (5, 1), (6, 0)] {
            assert_eq!(walk(&mut one, minutes, middle(step, 0)), turned);
        }
        assert_eq!(walk(&mut one, 16, middle(0, 0)), turned, "the cell beside was left 14 minutes ago");
        assert_eq!(walk(&mut one, 17, middle(0, 0)), Cell::of(middle(0, 0)), "15");
        assert_eq!(shown(&one), Cell::of(middle(0, 0)));
    }

    #[test]
    fn what_is_agreed_is_kept_by_friend_and_forgotten_when_nothing_is_left_of_it() {
        let mut limits = Limits::default();
        let off = Terms { given: Precision::Off, taken: Precision::Approximate };
        for no in [7, 3, 5] {
            limits.set_terms(UserNo(no), Terms { taken: Precision::Exact, ..off });
        }
        limits.set_terms(UserNo(5), off);
        limits.set_terms(UserNo(9), Terms::default());
        let with = |limits: &Limits| limits.exceptions().iter().map(|exception| exception.with.0).collect::<Vec<_>>();
        assert_eq!(
            (with(&limits), limits.terms(UserNo(5)), limits.terms(UserNo(4))),
            (vec![3, 5, 7], off, Terms::default())
        );
        limits.set_terms(UserNo(5), Terms::default());
        assert_eq!(with(&limits), [3, 7]);
    }

    #[test]
    fn no_cell_is_kept_for_those_who_never_asked_for_one() {
        let mut limits = Limits::default();
        assert!(!limits.follow(middle(0, 0), UnixMs(0), HOLD));
        limits.begin_showing(Some(middle(0, 0)), UnixMs(0), HOLD);
        assert!(
            !limits.follow(block(0, 0, (0.1, 0.9)), UnixMs(1), HOLD) && limits.follow(middle(1, 0), UnixMs(2), HOLD)
        );
        limits.begin_showing(Some(middle(0, 0)), UnixMs(3), HOLD);
        assert!(!limits.follow(middle(0, 0), UnixMs(3), HOLD), "sharing once more does not begin anew");
    }
}
