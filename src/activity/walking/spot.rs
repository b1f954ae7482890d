//! Places and the ground between them, small enough to keep many; and what a silence between two of them was.
use super::{FASTEST, GAP_MS};
use crate::domain::Fix;

/// A silence up to this may be taken for a walk, milliseconds. Phones that save power report every 5 to 15 minutes while somebody
/// walks. In a longer one anything may have happened: half an hour of sitting and a ride have a walker's mean speed, too.
const GUESS_MS: i64 = 1_200_000;
/// A silence that was a walk led at least so far, metres, ...
const GUESS_M: f32 = 200.0;
/// ...and this many times as far as either end is uncertain...
const GUESS_NOISES: f32 = 3.0;
/// ...at a pace, along the straight line, at which hardly anybody sat or rode for part of the time, metres per second.
const GUESS_PACE: std::ops::RangeInclusive<f32> = 0.7..=1.8;

/// The accuracy of a fix that names none, and the bounds within which a named one is believed, metres.
const UNKNOWN_M: f32 = 10.0;
const BEST_M: f32 = 3.0;
/// Fixes less accurate than this say nothing of walking, metres.
const COARSEST_M: f32 = 100.0;

/// What of a fix says something of walking.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sighting {
    pub(super) spot: Spot,
    /// Metres, as far as it is believed.
    pub(super) accuracy: f32,
    /// As the device named it, metres per second.
    pub(super) speed: Option<f32>,
}

impl Sighting {
    /// `None` for a fix that is too coarse.
    #[must_use]
    pub fn of(fix: &Fix) -> Option<Self> {
        let accuracy = fix.accuracy.unwrap_or(UNKNOWN_M).max(BEST_M);
        (accuracy <= COARSEST_M).then(|| Self { spot: Spot::of(fix), accuracy, speed: fix.speed })
    }

    /// When, Unix milliseconds.
    #[must_use]
    pub const fn t(&self) -> i64 {
        self.spot.t
    }
}

impl From<Place> for Sighting {
    fn from(place: Place) -> Self {
        Self { spot: place.spot, accuracy: place.accuracy, speed: None }
    }
}

/// A place and time, in whole 1e-7 degrees (1.1 cm) to be small.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Spot {
    pub lat: i32,
    pub lon: i32,
    pub t: i64,
}

/// Metres east and north.
pub(super) type Metres = (f32, f32);

/// Ground that was covered on foot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stretch {
    /// How far, metres.
    pub metres: f32,
    /// From when, Unix milliseconds.
    pub from: i64,
    /// Until when, Unix milliseconds.
    pub to: i64,
}

impl Stretch {
    /// What of it lies before `end`, when it was covered evenly.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of a walk")]
    pub fn until(self, end: i64) -> Self {
        let (all, part) = (self.to - self.from, end.clamp(self.from, self.to) - self.from);
        let share = if all > 0 { part as f32 / all as f32 } else { f32::from(u8::from(end >= self.to)) };
        Self { metres: self.metres * share, to: self.from + part, ..self }
    }

    pub(super) fn and(self, later: Self) -> Self {
        Self { metres: self.metres + later.metres, from: self.from.min(later.from), to: self.to.max(later.to) }
    }
}

pub(super) fn both(a: Option<Stretch>, b: Option<Stretch>) -> Option<Stretch> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.and(b)),
        (a, b) => a.or(b),
    }
}

/// Where and when a device was.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    pub(super) spot: Spot,
    /// Accuracy, metres.
    pub(super) accuracy: f32,
    /// A vehicle is not long ago.
    pub(super) rides: bool,
    /// When, Unix milliseconds.
    pub t: i64,
}

impl Place {
    /// True when a silence that began here and ended there was, by the straight line alone, no walk.
    #[must_use]
    pub fn rides_to(self, to: Self) -> bool {
        to.spot.metres_from(self.spot) > FASTEST * to.spot.seconds_since(self.spot)
    }

    /// The metres walked in a silence that began here and ended there, along the straight line; `None` when it does not look like
    /// a walk.
    #[must_use]
    pub fn walk_to(self, to: Self) -> Option<f32> {
        let metres = to.spot.metres_from(self.spot);
        let is_walk = (GAP_MS..=GUESS_MS).contains(&(to.t - self.t))
            && metres >= GUESS_M.max(GUESS_NOISES * self.accuracy.max(to.accuracy))
            && GUESS_PACE.contains(&(metres / to.spot.seconds_since(self.spot)))
            && !self.rides
            && !to.rides;
        is_walk.then_some(metres)
    }
}

impl Spot {
    #[expect(clippy::cast_possible_truncation, reason = "180 degrees times 1e7 fits")]
    pub fn of(fix: &Fix) -> Self {
        // Rounded; `round` is a call on older processors.
        let e7 = |degrees: f64| (degrees * 1e7 + 0.5_f64.copysign(degrees)) as i32;
        Self { lat: e7(fix.position.lat()), lon: e7(fix.position.lon()), t: fix.t.0 }
    }

    /// Difference in longitude the short way round, 1e-7 degrees.
    pub fn east_of(self, origin: Self) -> i64 {
        const TURN: i64 = 3_600_000_000;
        let east = i64::from(self.lon) - i64::from(origin.lon);
        if east > TURN / 2 {
            east - TURN
        } else if east < -TURN / 2 {
            east + TURN
        } else {
            east
        }
    }

    /// This spot as seen from `origin`, on a plane that touches the Earth there.
    #[expect(clippy::cast_precision_loss, reason = "centimetres matter, not their fractions")]
    pub fn from(self, origin: Self) -> Metres {
        const METRES: f32 = 0.011_119_508;
        let north = (i64::from(self.lat) - i64::from(origin.lat)) as f32 * METRES;
        let squeeze = (origin.lat as f32 * 1e-7).to_radians().cos();
        (self.east_of(origin) as f32 * METRES * squeeze, north)
    }

    pub fn metres_from(self, origin: Self) -> f32 {
        let (east, north) = self.from(origin);
        east.hypot(north)
    }

    #[expect(clippy::cast_precision_loss, reason = "seconds between fixes")]
    pub fn seconds_since(self, earlier: Self) -> f32 {
        self.t.saturating_sub(earlier.t) as f32 / 1e3
    }

    /// `self` moved towards `other` by a share of 0 to 1; keeps its time.
    #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "stays between two spots")]
    pub fn towards(self, other: Self, share: f32) -> Self {
        let north = (i64::from(other.lat) - i64::from(self.lat)) as f64 * f64::from(share);
        let east = other.east_of(self) as f64 * f64::from(share);
        Self { lat: self.lat + north.round() as i32, lon: self.lon.wrapping_add(east.round() as i32), t: self.t }
    }
}
