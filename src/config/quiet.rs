//! `[quiet]`: how long, how far and how often phones may keep quiet.
use serde::{Deserialize, Serialize};

use super::ConfigError;
use super::keys::{Key, Kind};
use super::span::{DAY, Span};

/// What each key may hold.
pub(super) const KEYS: &[Key] = &[
    ("quiet.enabled", Kind::Flag),
    ("quiet.lease", Kind::Duration(60_000, DAY)),
    ("quiet.largest", Kind::Decimal(50.0, 50_000.0)),
    ("quiet.still", Kind::Decimal(10.0, 50_000.0)),
    ("quiet.smallest", Kind::Decimal(10.0, 50_000.0)),
    ("quiet.answer", Kind::Duration(1_000, 600_000)),
    ("quiet.probes_per_minute", Kind::Number(1, 60)),
    ("quiet.probes_per_second", Kind::Number(1, 100_000)),
];

/// `[quiet]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Quiet {
    /// Whether phones are told that they may keep quiet.
    pub enabled: bool,
    /// For how long.
    pub lease: Span,
    /// The largest radius, metres.
    pub largest: f64,
    /// The largest radius of somebody who stands still, metres.
    pub still: f64,
    /// Below this radius there is no zone, metres.
    pub smallest: f64,
    /// How long a phone that was asked has time to answer.
    pub answer: Span,
    /// How often a minute one phone is asked.
    pub probes_per_minute: u32,
    /// How often a second anybody is asked.
    pub probes_per_second: u32,
}

impl Quiet {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        for (key, value) in [("quiet.smallest", self.smallest), ("quiet.still", self.still)] {
            if value > self.largest {
                let problem = format!("must not be above quiet.largest ({}), not {value}", self.largest);
                return Err(ConfigError::OutOfBounds { key, problem });
            }
        }
        Ok(())
    }
}
