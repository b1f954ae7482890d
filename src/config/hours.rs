//! `[hours]`: the hourly histogram.
use serde::{Deserialize, Serialize};

use super::ConfigError;
use super::span::{Span, bounded, bounded_span};

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

impl Hours {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        bounded_span("hours.flush", self.flush, 100, 60_000)?;
        bounded("hours.retain_days", usize::from(self.retain_days), 8, 3_660)?;
        Ok(())
    }
}
