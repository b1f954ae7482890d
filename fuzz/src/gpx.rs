//! A GPX file.
use letshang::protocol::gpx::{POINTS, parse};

use super::oracle::{is_believable, is_short};

/// A file is refused in few words, or all of its points are in the world and at a time.
pub fn hold(input: &[u8]) {
    match parse(input) {
        Ok(points) => {
            assert!((1..=POINTS).contains(&points.len()));
            for point in &points {
                assert!((-90.0..=90.0).contains(&point.lat) && (-180.0..=180.0).contains(&point.lon), "{point:?}");
                assert!(point.t >= 0);
                let readings = [point.acc, point.speed, point.heading, point.alt];
                assert!(readings.into_iter().flatten().all(f64::is_finite), "{point:?}");
                is_believable(point);
            }
        }
        Err(error) => {
            let lines = input.iter().filter(|byte| **byte == b'\n').count() as u64;
            assert!(error.line.is_none_or(|line| (1..=lines + 1).contains(&line)), "{error}");
            is_short(&error.to_string(), input);
        }
    }
}
