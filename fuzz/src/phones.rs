//! What phones with apps of others send. The first byte chooses the app and how: see [`read`].
use letshang::domain::{Fix, Platform, UnixMs};
use letshang::protocol::phones::osmand::Speed;
use letshang::protocol::phones::{Reading, gpslogger, osmand, overland, owntracks};

use super::oracle::NOW;

/// No request has more readings, whatever its size: what is kept of one is bounded.
const MOST: usize = 20_000;

/// Nothing is refused, everything is bounded, and what is read of a position is a number or nothing.
pub fn hold(input: &[u8]) {
    let Some((choice, body)) = input.split_first() else { return };
    let readings = read(*choice, body);
    assert_eq!(format!("{readings:?}"), format!("{:?}", read(*choice, body)));
    assert!(readings.len() <= MOST, "{}", readings.len());
    for reading in &readings {
        if let Some(fields) = reading.fields() {
            assert!(fields.lat.is_finite() && fields.lon.is_finite() && fields.t.abs() < 1 << 50, "{fields:?}");
            let known = [fields.acc, fields.speed, fields.heading, fields.alt, fields.battery];
            assert!(known.iter().flatten().all(|number| number.is_finite()), "{fields:?}");
            if let Ok(fix) = Fix::new(fields, NOW) {
                assert!(fix.t <= UnixMs(NOW.0 + 60_000) && (-90.0..=90.0).contains(&fix.position.lat()));
            }
        }
        if let Reading::Steps { from, to, steps } = *reading {
            assert!(UnixMs(0) <= from && from < to && steps <= 1_000_000, "{reading:?}");
        }
    }
    // Where the phone is now comes once, and last.
    let present = readings.iter().position(|reading| matches!(reading, Reading::Present(_)));
    assert!(present.is_none_or(|at| at + 1 == readings.len()));
}

fn read(choice: u8, body: &[u8]) -> Vec<Reading> {
    let as_query = std::str::from_utf8(body).unwrap_or_default();
    match choice % 8 {
        0 | 1 => {
            let platform = if choice.is_multiple_of(8) { Platform::Ios } else { Platform::Android };
            let messages = owntracks::parse(body, platform);
            let tid = messages.tid.as_deref().unwrap_or("x");
            assert!((1..=64).contains(&tid.len()) && !tid.chars().any(char::is_control), "{tid:?}");
            messages.readings
        }
        2 => osmand::parse(body, "", Speed::Knots, NOW),
        3 => osmand::parse(b"", as_query, Speed::Unclear, NOW),
        4 | 5 => overland::parse(body).readings,
        6 => vec![gpslogger::parse(body, "", NOW)],
        _ => vec![gpslogger::parse(b"", as_query, NOW)],
    }
}
