//! The grid of approximate positions, written again from its description, and distances by another formula than the server's.
//!
//! Rows are 0.01° of latitude from the south pole on. A row is cut from −180° on into as many equal cells as fit when none is
//! narrower at its poleward edge than the row is high.
use crate::client::At;

/// The earth's mean radius, metres.
const EARTH_M: f64 = 6_371_008.8;

/// The centre of the cell a place is in. Not for the poles' own rows.
pub fn centre((lat, lon): At) -> At {
    let row = (lat / 0.01 + 1e-9).floor();
    let (south, north) = (row * 0.01, (row + 1.0) * 0.01);
    let poleward = if north > 0.0 { north } else { south };
    let around = 36_000.0 * poleward.to_radians().cos();
    let cells = (around + 1e-6).floor().max(1.0);
    let column = ((lon + 180.0) / 360.0 * cells).floor();
    (south + 0.005, -180.0 + (column + 0.5) * 360.0 / cells)
}

/// True when two places are the same to a micrometre or so.
pub fn same(a: At, b: At) -> bool {
    (a.0 - b.0).abs() < 1e-10 && (a.1 - b.1).abs() < 1e-10
}

/// Metres along a great circle, by the spherical law of cosines with vectors.
pub fn metres(a: At, b: At) -> f64 {
    let vector = |(lat, lon): At| {
        let (lat, lon) = (lat.to_radians(), lon.to_radians());
        [lat.cos() * lon.cos(), lat.cos() * lon.sin(), lat.sin()]
    };
    let (a, b) = (vector(a), vector(b));
    let chord: f64 = a.iter().zip(&b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
    EARTH_M * 2.0 * (chord / 2.0).asin()
}

/// True when `shown` is what may be said of a distance of `exact` metres: rounded to 10 m below 1 km, then to 100 m.
pub fn is_rounded(shown: f64, exact: f64) -> bool {
    let step = if shown < 1_000.0 { 10.0 } else { 100.0 };
    (shown / step).fract().abs() < 1e-9 && (shown - exact).abs() <= step / 2.0 + 1.0
}

#[test]
fn cells_are_about_a_kilometre() {
    let here = centre((52.521_3, 13.405));
    assert!((here.0 - 52.525).abs() < 1e-12, "{here:?}");
    let next = centre((52.521_3, here.1 + 0.5 * (13.405 - here.1).signum() * 0.033));
    let width = metres(here, next);
    assert!((1_000.0..=1_150.0).contains(&width) || width == 0.0, "{width}");
    assert!(metres((52.0, 13.0), (53.0, 13.0)) - 111_195.0 < 1.0);
    assert!(is_rounded(340.0, 343.0) && !is_rounded(343.0, 343.0) && is_rounded(1_200.0, 1_180.0));
    assert!(!is_rounded(1_180.0, 1_180.0) && !is_rounded(340.0, 350.0));
}
