//! `[hours]`: the hourly histogram.
use serde::{Deserialize, Serialize};

use super::keys::{Key, Kind};
use super::span::Span;

/// What each key may hold.
pub(super) const KEYS: &[Key] = &[
    ("hours.time_zone", Kind::Text),
    ("hours.flush", Kind::Duration(100, 60_000)),
    ("hours.retain_days", Kind::Number(8, 3_660)),
];

/// `[hours]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// The histogram's time zone.
    pub time_zone: String,
    /// How often it is written.
    pub flush: Span,
    /// Days kept.
    pub retain_days: u16,
}
