//! Who is in this view: rstar over unit vectors. The tree holds, per person, the centre of a disc of fixed size around a
//! recent position, so it is touched only when someone leaves that disc; a question pads its box by the disc and the asker
//! filters by true position. Centres, not the discs' boxes: a point is found again at once when it is removed, also where
//! thousands of discs overlap. The quiet zones, up to 5 km wide, would make every small view look at half a town.
use std::ops::ControlFlow;

use geo::{Intersects, Rect, coord};
use rstar::primitives::GeomWithData;
use rstar::{AABB, RTree};

use super::sphere::{self, EARTH_RADIUS_M, UnitVector};
use crate::domain::{LatLon, UserNo};

/// A view, degrees; its edges belong to it. `west > east` crosses the date line; longitudes beyond ±180 are turned back, and
/// 360 degrees or more are all of them. A number that is not finite makes it empty.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BoundingBox {
    /// Western edge.
    pub west: f64,
    /// Southern edge.
    pub south: f64,
    /// Eastern edge.
    pub east: f64,
    /// Northern edge.
    pub north: f64,
}

impl BoundingBox {
    /// The view as one or two rectangles that do not cross the date line.
    #[must_use]
    pub fn rects(&self) -> Rects {
        let Self { west, south, east, north } = *self;
        if ![west, south, east, north].iter().all(|edge| edge.is_finite()) || south > north {
            return [None, None];
        }
        let rect = |west: f64, east: f64| Some(Rect::new(coord! { x: west, y: south }, coord! { x: east, y: north }));
        if east - west >= 360.0 {
            return [rect(-180.0, 180.0), None];
        }
        let (west, east) = (turned_back(west), turned_back(east));
        if west <= east { [rect(west, east), None] } else { [rect(west, 180.0), rect(-180.0, east)] }
    }

    /// True when `place` is in view.
    #[must_use]
    pub fn contains(&self, place: LatLon) -> bool {
        contains(&self.rects(), place)
    }
}

/// A view as rectangles of degrees, x is the longitude; none when the view is empty.
pub type Rects = [Option<Rect>; 2];

/// True when one of the rectangles, edges included, has the place.
pub(super) fn contains(rects: &Rects, place: LatLon) -> bool {
    let point = sphere::point(place);
    rects.iter().flatten().any(|rect| rect.intersects(&point))
}

/// A longitude as [`LatLon`] keeps it: −180 ≤ lon < 180.
fn turned_back(lon: f64) -> f64 {
    if (-180.0..180.0).contains(&lon) { lon } else { (lon + 180.0).rem_euclid(360.0) - 180.0 }
}

/// The smallest box of space around the patch of the unit sphere between two meridians and two parallels.
fn envelope(rect: &Rect, pad: f64) -> AABB<[f64; 3]> {
    let (south, north) = (rect.min().y.clamp(-90.0, 90.0), rect.max().y.clamp(-90.0, 90.0));
    let (west, east) = (rect.min().x, rect.max().x);
    let spread = |a: f64, b: f64| (a.min(b), a.max(b));
    let mut ring = spread(south.to_radians().cos(), north.to_radians().cos());
    if south <= 0.0 && 0.0 <= north {
        ring.1 = 1.0;
    }
    let mut cos = spread(west.to_radians().cos(), east.to_radians().cos());
    if west <= 0.0 && 0.0 <= east {
        cos.1 = 1.0;
    }
    let mut sin = spread(west.to_radians().sin(), east.to_radians().sin());
    if west <= 90.0 && 90.0 <= east {
        sin.1 = 1.0;
    }
    if west <= -90.0 && -90.0 <= east {
        sin.0 = -1.0;
    }
    // ring ≥ 0, so each product's extremes are at the ends.
    let low = |side: (f64, f64)| (side.0 * ring.0).min(side.0 * ring.1) - pad;
    let high = |side: (f64, f64)| (side.1 * ring.0).max(side.1 * ring.1) + pad;
    let (bottom, top) = (south.to_radians().sin() - pad, north.to_radians().sin() + pad);
    AABB::from_corners([low(cos), low(sin), bottom], [high(cos), high(sin), top])
}

/// The radius of the discs in the tree, metres: half a kilometre's walk between two updates.
const SLACK_M: f64 = 500.0;

/// Where in the tree a person stands.
pub(super) type Anchor = [f64; 3];

/// Up to about a metre, in units of the sphere's radius: see [`Index::put`].
const SCATTER: f64 = 1e-7;

/// Everyone with a position.
#[derive(Debug, Default)]
pub(super) struct Index {
    tree: RTree<GeomWithData<Anchor, UserNo>>,
    /// While the world is filled: who will be put into the tree, all at once.
    filling: Option<Vec<GeomWithData<Anchor, UserNo>>>,
}

impl Index {
    /// Follows a person to `here`. Each stands aside by less than a metre, each differently: thousands at exactly one spot
    /// would make boxes without extent that the tree cannot tell apart when it removes one.
    #[inline]
    pub(super) fn put(&mut self, no: UserNo, anchor: &mut Option<Anchor>, here: UnitVector) {
        const SLACK: f64 = SLACK_M / EARTH_RADIUS_M;
        if let Some(old) = anchor {
            let squares = old.iter().zip(here.xyz()).map(|(old, new)| (old - new) * (old - new));
            if squares.sum::<f64>() <= SLACK * SLACK {
                return;
            }
            self.remove(no, *old);
        }
        let mut mixed = no.0;
        let new = here.xyz().map(|value| {
            mixed = mixed.wrapping_mul(0x9E37_79B1).rotate_left(13) ^ no.0;
            value + SCATTER * (f64::from(mixed) / f64::from(u32::MAX) - 0.5)
        });
        let stands = GeomWithData::new(new, no);
        match &mut self.filling {
            Some(filling) => filling.push(stands),
            None => self.tree.insert(stands),
        }
        *anchor = Some(new);
    }

    pub(super) fn remove(&mut self, no: UserNo, anchor: Anchor) {
        match &mut self.filling {
            Some(filling) => filling.retain(|stands| stands.data != no),
            None => _ = self.tree.remove(&GeomWithData::new(anchor, no)),
        }
    }

    /// From now on newcomers are gathered; nobody is found before [`Index::finish_filling`].
    pub(super) fn begin_filling(&mut self) {
        self.filling.get_or_insert_default();
    }

    /// Puts everyone who was gathered into the tree at once, several times faster than one by one.
    pub(super) fn finish_filling(&mut self) {
        let Some(filling) = self.filling.take() else { return };
        if self.tree.size() == 0 {
            self.tree = RTree::bulk_load(filling);
        } else {
            filling.into_iter().for_each(|stands| self.tree.insert(stands));
        }
    }

    /// Calls `f` with everyone who may be in `view`, and with some who are not.
    pub(super) fn candidates(&self, view: &Rects, f: &mut dyn FnMut(UserNo)) {
        let mut seen_twice = None;
        for rect in view.iter().flatten() {
            let space = envelope(rect, SLACK_M / EARTH_RADIUS_M + SCATTER);
            let _: ControlFlow<()> = self.tree.locate_in_envelope_int(space, |found| {
                let before: Option<AABB<[f64; 3]>> = seen_twice;
                if !before.is_some_and(|before| holds(&before, found.geom())) {
                    f(found.data);
                }
                ControlFlow::Continue(())
            });
            seen_twice = Some(space);
        }
    }
}

/// True when the box was asked before and had this point.
fn holds(space: &AABB<[f64; 3]>, key: &[f64; 3]) -> bool {
    rstar::Envelope::contains_point(space, key)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn view(west: f64, south: f64, east: f64, north: f64) -> BoundingBox {
        BoundingBox { west, south, east, north }
    }

    fn has(view: &BoundingBox, lat: f64, lon: f64) -> bool {
        view.contains(LatLon::new(lat, lon).unwrap())
    }

    #[test]
    fn a_view_may_cross_the_date_line_and_hold_the_poles() {
        let fiji = view(170.0, -20.0, -170.0, -10.0);
        assert!(has(&fiji, -15.0, 175.0) && has(&fiji, -15.0, 180.0) && has(&fiji, -15.0, -175.0));
        assert!(!has(&fiji, -15.0, 0.0) && !has(&fiji, -21.0, 175.0));
        assert!(has(&view(170.0, -1.0, 180.0, 1.0), 0.0, -180.0), "180 and -180 are one meridian");
        assert!(has(&view(170.0, -1.0, 190.0, 1.0), 0.0, -175.0), "a map that was dragged on past the edge");
        assert!(has(&view(-180.0, -90.0, 180.0, 90.0), 90.0, 12.0));
        for empty in [view(f64::NAN, 0.0, 1.0, 1.0), view(0.0, 1.0, 1.0, 0.0), view(0.0, 0.0, f64::INFINITY, 1.0)] {
            assert!(!has(&empty, 0.5, 0.5));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

        #[test]
        fn who_is_in_view_is_among_the_candidates_once(
            west in -200.0..200.0f64, width in 0.0..400.0f64, south in -95.0..90.0f64, height in 0.0..180.0f64,
            places in prop::collection::vec((-90.0..=90.0f64, -180.0..=180.0f64), 1..60),
        ) {
            let view = view(west, south, west + width, south + height);
            let mut index = Index::default();
            let places: Vec<LatLon> = places.iter().map(|(lat, lon)| LatLon::new(*lat, *lon).unwrap()).collect();
            for (no, place) in (0..).zip(&places) {
                index.put(UserNo(no), &mut None, UnitVector::from(*place));
            }
            let mut found = Vec::new();
            index.candidates(&view.rects(), &mut |no| found.push(no.0));
            let many = found.len();
            found.sort_unstable();
            found.dedup();
            prop_assert_eq!(many, found.len());
            for (no, place) in (0..).zip(&places) {
                prop_assert!(!view.contains(*place) || found.contains(&no));
            }
        }
    }
}
