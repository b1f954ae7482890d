//! One position report. [`Fix::new`] is the only way to make one.
use super::{Code, Refusal, UnixMs};

/// How far ahead of the server's clock a fix may be, milliseconds.
pub const FUTURE_MS: i64 = 60_000;
/// How old a live fix may be, milliseconds.
pub const OLDEST_MS: i64 = 7 * 24 * 3_600_000;

/// A place on the WGS 84 ellipsoid, degrees. Finite, −90 ≤ lat ≤ 90, −180 ≤ lon < 180 (180 is stored as −180), never −0.0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LatLon {
    lat: f64,
    lon: f64,
}

impl LatLon {
    /// Where the equator meets the meridian of Greenwich.
    pub const ORIGIN: Self = Self { lat: 0.0, lon: 0.0 };

    /// Checks a place, degrees.
    ///
    /// # Errors
    /// `out_of_range` naming `lat` or `lon`; not-a-number is out of range too.
    pub fn new(lat: f64, lon: f64) -> Result<Self, Refusal> {
        if !(-90.0..=90.0).contains(&lat) {
            return Err(Refusal::of_field(Code::OutOfRange, "lat", "lat must be -90 to 90 degrees"));
        }
        if !(-180.0..=180.0).contains(&lon) {
            return Err(Refusal::of_field(Code::OutOfRange, "lon", "lon must be -180 to 180 degrees"));
        }
        #[expect(clippy::float_cmp, reason = "the edge itself and nothing beside it")]
        let lon = if lon == 180.0 { -180.0 } else { lon };
        // Adding 0.0 turns -0.0 into 0.0 and leaves every other number alone.
        Ok(Self { lat: lat + 0.0, lon: lon + 0.0 })
    }

    /// Latitude, degrees north.
    #[must_use]
    pub const fn lat(self) -> f64 {
        self.lat
    }

    /// Longitude, degrees east.
    #[must_use]
    pub const fn lon(self) -> f64 {
        self.lon
    }
}

/// What a device claims, before it is checked. Optional fields that are out of range are dropped, not refused:
/// a phone with an odd sensor still has a position.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FixFields {
    /// Latitude, degrees.
    pub lat: f64,
    /// Longitude, degrees.
    pub lon: f64,
    /// When the position was taken, Unix milliseconds.
    pub t: i64,
    /// Accuracy, metres (68 % radius on most phones).
    pub acc: Option<f64>,
    /// Speed over ground, m/s.
    pub speed: Option<f64>,
    /// Course over ground, degrees clockwise from north.
    pub heading: Option<f64>,
    /// Altitude, metres.
    pub alt: Option<f64>,
    /// Battery, percent.
    pub battery: Option<f64>,
    /// The phone's own step count for today.
    pub steps: Option<f64>,
}

/// A checked position report.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fix {
    /// Where.
    pub position: LatLon,
    /// When the position was taken, by the device's clock.
    pub t: UnixMs,
    /// Accuracy, metres.
    pub accuracy: Option<f32>,
    /// Speed over ground, m/s.
    pub speed: Option<f32>,
    /// Course over ground, degrees clockwise from north, 0 ≤ heading < 360.
    pub heading: Option<f32>,
    /// Altitude, metres.
    pub altitude: Option<f32>,
    /// Battery, percent.
    pub battery: Option<u8>,
    /// The phone's own step count for today.
    pub steps: Option<u32>,
}

impl Fix {
    /// Checks a live report against the server's clock.
    ///
    /// # Errors
    /// `out_of_range` for `lat` and `lon`; `from_future` when `t` is more than 60 s ahead of `now`; `too_old` when it is
    /// more than 7 days behind; `out_of_range` for a `t` before 1970.
    pub fn new(fields: &FixFields, now: UnixMs) -> Result<Self, Refusal> {
        let fix = Self::recorded(fields, now)?;
        if fix.t.0 < now.0.saturating_sub(OLDEST_MS) {
            return Err(Refusal::of_field(Code::TooOld, "t", "t must not be older than 7 days"));
        }
        Ok(fix)
    }

    /// Checks a report of any age: what an import may hold.
    ///
    /// # Errors
    /// As [`Fix::new`], without `too_old`.
    pub fn recorded(fields: &FixFields, now: UnixMs) -> Result<Self, Refusal> {
        let position = LatLon::new(fields.lat, fields.lon)?;
        if fields.t < 0 {
            let message = "t must be milliseconds since 1970-01-01 UTC, not negative";
            return Err(Refusal::of_field(Code::OutOfRange, "t", message));
        }
        if fields.t > now.0.saturating_add(FUTURE_MS) {
            return Err(Refusal::of_field(Code::FromFuture, "t", "t must be at most 60 s ahead of the server's clock"));
        }
        Ok(Self {
            position,
            t: UnixMs(fields.t),
            accuracy: within(fields.acc, 0.0, 1e6),
            speed: within(fields.speed, 0.0, 1e4),
            heading: within(fields.heading, 0.0, 360.0).map(|degrees| if degrees >= 360.0 { 0.0 } else { degrees }),
            altitude: within(fields.alt, -12_000.0, 1e6),
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be 0 to 100")]
            battery: within(fields.battery, 0.0, 100.0).map(|percent| percent as u8),
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be 0 to 200,000")]
            steps: fields.steps.filter(|steps| (0.0..=200_000.0).contains(steps)).map(|steps| steps as u32),
        })
    }
}

#[expect(clippy::cast_possible_truncation, reason = "sensor readings do not need 64 bits")]
fn within(value: Option<f64>, low: f64, high: f64) -> Option<f32> {
    value.filter(|value| (low..=high).contains(value)).map(|value| value as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMs = UnixMs(1_800_000_000_000);

    fn at(lat: f64, lon: f64, t: i64) -> FixFields {
        FixFields { lat, lon, t, ..FixFields::default() }
    }

    fn code_of(fields: &FixFields) -> Option<(Code, Option<&'static str>)> {
        Fix::new(fields, NOW).err().map(|refusal| (refusal.code, refusal.field))
    }

    #[test]
    fn the_edges_of_the_world_are_accepted_and_normalised() {
        for (lat, lon) in [(90.0, 0.0), (-90.0, 0.0), (0.0, 180.0), (0.0, -180.0), (-0.0, -0.0), (5e-324, 5e-324)] {
            let fix = Fix::new(&at(lat, lon, NOW.0), NOW).unwrap();
            assert!(
                fix.position.lon() < 180.0 && !(fix.position.lat() == 0.0 && fix.position.lat().is_sign_negative())
            );
        }
    }

    #[test]
    fn outside_the_world_is_refused_with_the_field() {
        for lat in [90.000_000_1, -91.0, 1e300, f64::NAN, f64::INFINITY] {
            assert_eq!(code_of(&at(lat, 0.0, NOW.0)), Some((Code::OutOfRange, Some("lat"))));
        }
        for lon in [180.000_000_1, -720.0, f64::NAN, f64::NEG_INFINITY] {
            assert_eq!(code_of(&at(0.0, lon, NOW.0)), Some((Code::OutOfRange, Some("lon"))));
        }
    }

    #[test]
    fn time_is_bounded_on_both_sides() {
        assert_eq!(code_of(&at(0.0, 0.0, NOW.0 + FUTURE_MS)), None);
        assert_eq!(code_of(&at(0.0, 0.0, NOW.0 + FUTURE_MS + 1)), Some((Code::FromFuture, Some("t"))));
        assert_eq!(code_of(&at(0.0, 0.0, i64::MAX)), Some((Code::FromFuture, Some("t"))));
        assert_eq!(code_of(&at(0.0, 0.0, NOW.0 - OLDEST_MS)), None);
        assert_eq!(code_of(&at(0.0, 0.0, NOW.0 - OLDEST_MS - 1)), Some((Code::TooOld, Some("t"))));
        assert_eq!(code_of(&at(0.0, 0.0, -1)), Some((Code::OutOfRange, Some("t"))));
        assert!(Fix::recorded(&at(0.0, 0.0, 1), NOW).is_ok());
    }

    #[test]
    fn odd_sensors_lose_their_reading_but_not_the_fix() {
        let odd = FixFields {
            acc: Some(-1.0),
            speed: Some(-1.0),
            heading: Some(361.0),
            battery: Some(101.0),
            steps: Some(-4.0),
            ..at(1.0, 2.0, NOW.0)
        };
        let fix = Fix::new(&odd, NOW).unwrap();
        assert_eq!((fix.accuracy, fix.speed, fix.heading, fix.battery, fix.steps), (None, None, None, None, None));
    }
}
