//! Durations with their units.
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// Milliseconds in an hour and in a day, for bounds.
pub(super) const HOUR: u64 = 3_600_000;
pub(super) const DAY: u64 = 24 * HOUR;

/// A duration that is written with its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(Duration);

impl Span {
    /// As std's.
    #[must_use]
    pub const fn get(self) -> Duration {
        self.0
    }

    /// In milliseconds.
    #[must_use]
    pub fn as_ms(self) -> i64 {
        i64::try_from(self.0.as_millis()).unwrap_or(i64::MAX)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.0.as_millis();
        let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s")];
        match units.iter().find(|(unit, _)| ms >= *unit && ms.is_multiple_of(*unit)) {
            Some((unit, name)) => write!(f, "{}{name}", ms.checked_div(*unit).unwrap_or_default()),
            None => write!(f, "{ms}ms"),
        }
    }
}

impl From<Duration> for Span {
    fn from(duration: Duration) -> Self {
        Self(duration)
    }
}

/// Not a number with one of the units.
#[derive(Debug, Error)]
#[error("a duration is a number with its unit, such as \"250ms\"")]
pub struct NotASpan;

impl FromStr for Span {
    type Err = NotASpan;

    fn from_str(text: &str) -> Result<Self, NotASpan> {
        let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or(NotASpan)?;
        let (number, unit) = text.split_at(digits);
        let factor = match unit.trim() {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => HOUR,
            "d" => DAY,
            _ => return Err(NotASpan),
        };
        let ms = number.parse::<u64>().ok().and_then(|number| number.checked_mul(factor)).ok_or(NotASpan)?;
        Ok(Self(Duration::from_millis(ms)))
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
