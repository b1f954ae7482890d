//! Distance over ground between two fixes of one person.
use crate::domain::LatLon;

/// Mean radius of the Earth, metres (IUGG R1).
const EARTH_RADIUS_M: f64 = 6_371_008.8;

/// Great-circle distance, metres (haversine: right for a millimetre and for half the globe).
#[must_use]
pub fn metres_between(a: LatLon, b: LatLon) -> f64 {
    let half_lat = ((b.lat() - a.lat()).to_radians() / 2.0).sin();
    let half_lon = ((b.lon() - a.lon()).to_radians() / 2.0).sin();
    let chord = half_lat * half_lat + a.lat().to_radians().cos() * b.lat().to_radians().cos() * half_lon * half_lon;
    2.0 * EARTH_RADIUS_M * chord.clamp(0.0, 1.0).sqrt().asin()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_degree_of_latitude_is_111_km_and_the_date_line_is_no_wall() {
        let at = |lat, lon| LatLon::new(lat, lon).unwrap();
        assert!((metres_between(at(40.0, -73.0), at(41.0, -73.0)) - 111_195.0).abs() < 1.0);
        assert!((metres_between(at(0.0, 179.999), at(0.0, -179.999)) - 222.39).abs() < 0.1);
        assert!((metres_between(at(0.0, 0.0), at(0.0, 180.0)) - 20_015_114.0).abs() < 10.0);
    }
}
