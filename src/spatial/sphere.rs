//! Places as unit vectors. The chord between two of them grows with their great-circle distance, so comparing squared
//! chords is exact and knows neither date line nor poles.
use geo::{Destination, Distance, Haversine, Point};

use crate::domain::LatLon;

/// The earth's mean radius R₁ = (2a + b) / 3, metres (IUGG; Moritz, Geodetic Reference System 1980, J. Geodesy 74, 2000).
pub const EARTH_RADIUS_M: f64 = 6_371_008.8;

/// A place as a point of the unit sphere: x towards (0°, 0°), y towards (0°, 90° E), z towards the north pole.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UnitVector([f64; 3]);

impl UnitVector {
    /// The three coordinates.
    #[must_use]
    pub const fn xyz(self) -> [f64; 3] {
        self.0
    }

    /// The place in degrees. `atan2` keeps full precision at the poles, where `asin(z)` loses half the digits.
    #[must_use]
    pub fn to_lat_lon(self) -> Option<LatLon> {
        let [x, y, z] = self.0;
        LatLon::new(z.atan2(x.hypot(y)).to_degrees(), y.atan2(x).to_degrees()).ok()
    }
}

impl From<LatLon> for UnitVector {
    fn from(place: LatLon) -> Self {
        let (sin_lat, cos_lat) = place.lat().to_radians().sin_cos();
        let (sin_lon, cos_lon) = place.lon().to_radians().sin_cos();
        Self([cos_lat * cos_lon, cos_lat * sin_lon, sin_lat])
    }
}

/// The squared chord between two places on the unit sphere, 0 to 4: monotone in their great-circle distance.
#[must_use]
pub fn chord2(a: UnitVector, b: UnitVector) -> f64 {
    let ([ax, ay, az], [bx, by, bz]) = (a.0, b.0);
    let (x, y, z) = (ax - bx, ay - by, az - bz);
    x * x + y * y + z * z
}

/// The squared chord that spans `metres` of great circle: (2 sin(d / 2r))². Half the globe and more give 4.
#[must_use]
pub fn chord2_of_metres(metres: f64) -> f64 {
    let half_angle = (metres / (2.0 * EARTH_RADIUS_M)).clamp(0.0, std::f64::consts::FRAC_PI_2);
    let half_chord = half_angle.sin();
    4.0 * half_chord * half_chord
}

/// The great-circle distance in metres: 2r·atan2(|a − b|, |a + b|), exact to nanometres at any distance, antipodes
/// included (W. Kahan, "How futile are mindless assessments of roundoff", 2006, §12).
#[must_use]
pub fn metres_between(a: impl Into<UnitVector>, b: impl Into<UnitVector>) -> f64 {
    let (a, b) = (a.into(), b.into());
    let [x, y, z] = b.0;
    let apart = chord2(a, b).sqrt();
    let together = chord2(a, UnitVector([-x, -y, -z])).sqrt();
    2.0 * EARTH_RADIUS_M * apart.atan2(together)
}

/// The place as `geo` writes it: x is the longitude, y the latitude, degrees.
#[must_use]
pub fn point(place: LatLon) -> Point {
    Point::new(place.lon(), place.lat())
}

/// The great-circle distance by `geo`'s haversine, metres: the slower second opinion on [`metres_between`].
#[must_use]
pub fn haversine_metres(a: LatLon, b: LatLon) -> f64 {
    Haversine.distance(point(a), point(b))
}

/// Where one arrives after `metres` along the great circle that leaves `from` at `bearing` (degrees clockwise from north).
/// `None` when a number is not finite.
#[must_use]
pub fn destination(from: LatLon, bearing: f64, metres: f64) -> Option<LatLon> {
    let there = Haversine.destination(point(from), bearing, metres);
    LatLon::new(there.y().clamp(-90.0, 90.0), there.x()).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn place(lat: f64, lon: f64) -> LatLon {
        LatLon::new(lat, lon).unwrap()
    }

    #[test]
    fn both_names_of_the_date_line_and_of_a_pole_are_one_place() {
        assert_eq!(metres_between(place(10.0, 180.0), place(10.0, -180.0)), 0.0);
        assert!(metres_between(place(90.0, 13.0), place(90.0, -120.0)) < 1e-6);
        assert!((metres_between(place(0.0, 179.999), place(0.0, -179.999)) - 222.39).abs() < 0.01);
        assert!(
            (metres_between(place(0.0, 0.0), place(0.0, 180.0)) - EARTH_RADIUS_M * std::f64::consts::PI).abs() < 1e-6
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

        #[test]
        fn the_distance_is_haversines(a in (-90.0..=90.0f64, -180.0..=180.0f64), bearing in 0.0..360.0f64, log in -2.0..7.3f64) {
            let from = place(a.0, a.1);
            let to = destination(from, bearing, 10f64.powf(log)).unwrap();
            let (ours, theirs) = (metres_between(from, to), haversine_metres(from, to));
            // Haversine itself loses digits towards the antipode, where 2 asin(√h) has an infinite slope.
            let allowed = if theirs < 1.9e7 { 1e-6 + theirs * 1e-8 } else { 1.0 };
            prop_assert!((ours - theirs).abs() <= allowed, "{ours} {theirs}");
        }

        #[test]
        fn a_longer_way_has_a_longer_chord(short in 0.0..2.0e7f64, more in 0.001..1e6f64) {
            prop_assert!(chord2_of_metres(short) <= chord2_of_metres(short + more));
            if short + more < 2.0e7 { prop_assert!(chord2_of_metres(short) < chord2_of_metres(short + more)); }
        }

        #[test]
        fn a_vector_turns_back_into_its_place(lat in -90.0..=90.0f64, lon in -180.0..180.0f64) {
            let there = UnitVector::from(place(lat, lon)).to_lat_lon().unwrap();
            prop_assert!(metres_between(place(lat, lon), there) < 1e-6);
        }
    }
}
