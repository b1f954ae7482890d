//! The disc maths. Every person has a disc around a recent position. For each pair that may be announced or may part,
//! either the two discs keep this promise, or the pair is *watched* (looked at on every fix of either side):
//!
//! | the pair is | the discs | so while both stay inside |
//! | --- | --- | --- |
//! | far | are at least R apart: d(cᵢ, cⱼ) − ρᵢ − ρⱼ ≥ R | they cannot come within R |
//! | near | fit in the leaving distance: d(cᵢ, cⱼ) + ρᵢ + ρⱼ ≤ L | they cannot part |
//!
//! Both follow from the triangle inequality, which great-circle distances obey (safe regions with dynamic centred circles:
//! Küpper & Treu, MC2R 2006; one region a user: Yiu et al., PVLDB 3, 2010; scale.md, 1.2). A fix inside its own disc is
//! therefore done. A pair with less than [`WATCH_M`] to spare is watched instead, so no disc shrinks to nothing and no
//! one who walks along the edge pays for all friends at every step.
use super::sphere::{self, EARTH_RADIUS_M, UnitVector};

/// A pair with less room than this, metres, is watched and does not bind discs. Hence a disc is never smaller than half of
/// it when granted.
pub const WATCH_M: f64 = 50.0;
/// A watched pair with more room than this, metres, is given discs again.
pub const RELEASE_M: f64 = 4.0 * WATCH_M;
/// Kept free between discs for the rounding of distances, metres. The rounding is below a micrometre.
const MARGIN_M: f64 = 0.001;

/// What a pair's discs must keep.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// Far: at least this many metres apart.
    Apart(f64),
    /// Near: nowhere more than this many metres apart.
    Together(f64),
}

impl Limit {
    /// The room between two points `distance_m` apart, metres: negative when the limit is broken.
    #[must_use]
    pub fn room(self, distance_m: f64) -> f64 {
        match self {
            Self::Apart(least) => distance_m - least,
            Self::Together(most) => most - distance_m,
        }
    }
}

/// A person's disc, and what others need to know of the person at every look. 56 bytes: one cache line a friend.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Zone {
    pub(super) centre: UnitVector,
    /// ρ, metres; negative before the first position.
    pub(super) disc_m: f64,
    /// ρ as a squared chord.
    disc_chord2: f64,
    /// The person's own radius, metres.
    pub(super) radius_m: f64,
    /// Free, fresh and visible: may be near somebody.
    pub(super) ready: bool,
    /// The phone was promised half of it: it does not draw in before others. See [`super::promises`].
    pub(super) firm: bool,
}

impl Zone {
    /// Of someone who has not reported yet: holds no point.
    pub(super) fn nowhere(radius_m: f64, somewhere: UnitVector) -> Self {
        Self { centre: somewhere, disc_m: -1.0, disc_chord2: -1.0, radius_m, ready: false, firm: false }
    }

    pub(super) fn place(&mut self, centre: UnitVector, disc_m: f64) {
        self.centre = centre;
        self.disc_m = disc_m.max(0.0);
        self.disc_chord2 = sphere::chord2_of_metres(self.disc_m);
    }

    #[inline]
    pub(super) fn holds(&self, point: UnitVector) -> bool {
        sphere::chord2(self.centre, point) <= self.disc_chord2
    }

    /// True when the whole disc is surely further than `metres` from `point`; false also when that is not sure. Compares
    /// chords, which are shorter than arcs, so that the many far friends cost no trigonometry.
    #[inline]
    pub(super) fn is_beyond(&self, point: UnitVector, metres: f64) -> bool {
        is_beyond(self.centre, self.disc_m, point, metres)
    }

    /// How large a disc around `here` this pair allows. When that is little although `here` and `other_here` have room
    /// between them, the other's disc (`self`) first draws in around where the other is. The new disc lies inside the old
    /// one, so what it promised to everybody else still holds. A firm disc stays as it is, and then little or nothing may be allowed.
    pub(super) fn allows(&mut self, here: UnitVector, other_here: UnitVector, limit: Limit, largest_m: f64) -> f64 {
        let free = |zone: &Self| limit.room(sphere::metres_between(here, zone.centre)) - zone.disc_m;
        let room = limit.room(sphere::metres_between(here, other_here));
        let wanted = (room.min(largest_m) / 4.0).max(WATCH_M / 2.0);
        if free(self) < wanted && !self.firm {
            let inner = self.disc_m - sphere::metres_between(self.centre, other_here) - MARGIN_M;
            self.place(other_here, inner.min(room / 2.0));
        }
        free(self) - MARGIN_M
    }

    /// Draws in around where the person is (`other_here`), as far as is needed to keep a limit to every point within `disc_m` of `here`.
    /// Returns what is left of the radius, metres.
    pub(super) fn draw_in(&mut self, other_here: UnitVector, here: UnitVector, disc_m: f64, limit: Limit) -> f64 {
        let free = limit.room(sphere::metres_between(here, self.centre)) - self.disc_m;
        if free < disc_m + MARGIN_M {
            let inner = self.disc_m - sphere::metres_between(self.centre, other_here) - MARGIN_M;
            let room = limit.room(sphere::metres_between(here, other_here)) - disc_m - MARGIN_M;
            self.place(other_here, inner.min(room));
        }
        self.disc_m
    }
}

/// [`Zone::is_beyond`] for any disc.
#[inline]
pub(super) fn is_beyond(centre: UnitVector, disc_m: f64, point: UnitVector, metres: f64) -> bool {
    let bound = (metres + disc_m.max(0.0) + MARGIN_M) / EARTH_RADIUS_M;
    sphere::chord2(centre, point) > bound * bound
}

/// How large a disc around `here` a limit allows beside somebody who stands still at `other`, metres.
pub(super) fn allowed_beside(here: UnitVector, other: UnitVector, limit: Limit) -> f64 {
    limit.room(sphere::metres_between(here, other)) - MARGIN_M
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::LatLon;
    use crate::spatial::sphere::{destination, metres_between};

    fn at(lat: f64, lon: f64) -> LatLon {
        LatLon::new(lat, lon).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

        #[test]
        fn two_discs_keep_their_promise_wherever_both_stand(
            lat in -90.0..=90.0f64, bearing in 0.0..360.0f64, apart in 1.0..20_000.0f64, disc in 0.0..5_000.0f64,
            inside in (0.0..360.0f64, 0.0..1.0f64), near in any::<bool>(), meet in 50.0..5_000.0f64,
            ends in ((0.0..360.0f64, 0.0..1.0f64), (0.0..360.0f64, 0.0..1.0f64)),
        ) {
            let here = at(lat, 179.99);
            let other_centre = destination(here, bearing, apart).unwrap();
            let other_here = destination(other_centre, inside.0, inside.1 * disc * 0.999_999).unwrap();
            let limit = if near { Limit::Together(meet) } else { Limit::Apart(meet) };
            prop_assume!(limit.room(metres_between(here, other_here)) >= WATCH_M);

            let mut zone = Zone::nowhere(meet, other_centre.into());
            zone.place(other_centre.into(), disc);
            let own = zone.allows(here.into(), other_here.into(), limit, 5_000.0);
            prop_assert!(own >= WATCH_M / 2.0 - 0.01, "{own}");
            prop_assert!(zone.holds(other_here.into()));
            // The worst points of both discs, and any others.
            let centre = zone.centre.to_lat_lon().unwrap();
            prop_assert!(metres_between(centre, other_centre) + zone.disc_m <= disc + 1e-6, "the old disc holds the new");
            for ((b1, f1), (b2, f2)) in [ends, ((bearing, 1.0), (bearing + 180.0, 1.0)), ((bearing, -1.0), (bearing, 1.0))] {
                let one = destination(here, b1, f1 * own).unwrap();
                let two = destination(centre, b2, f2 * zone.disc_m).unwrap();
                prop_assert!(limit.room(metres_between(one, two)) >= -1e-6);
            }
        }

        #[test]
        fn beyond_means_that_no_point_of_the_disc_is_within(apart in 0.0..40_000.0f64, disc in 0.0..5_000.0f64, metres in 0.0..20_000.0f64) {
            let here = at(52.0, 13.0);
            let mut zone = Zone::nowhere(500.0, here.into());
            zone.place(destination(here, 70.0, apart).unwrap().into(), disc);
            prop_assert!(!zone.is_beyond(here.into(), metres) || apart - disc > metres - 1e-6);
            prop_assert!(zone.is_beyond(here.into(), metres) || apart - disc < metres + 0.5);
        }
    }

    #[test]
    fn before_the_first_position_a_disc_holds_nothing() {
        let here = UnitVector::from(at(0.0, 0.0));
        assert!(!Zone::nowhere(500.0, here).holds(here));
        let mut zone = Zone::nowhere(500.0, here);
        zone.place(here, -3.0);
        assert!(zone.holds(here), "a disc without extent still holds its centre");
    }
}
