//! `[proximity]`, `[presence]`, `[privacy]` and `[push]`: what people hear of each other, and how often.
use serde::{Deserialize, Serialize};

use super::ConfigError;
use super::span::{Span, bounded, bounded_span};

/// `[proximity]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Proximity {
    /// How long a position counts as live.
    pub fresh: Span,
    /// When the same pair may be announced again.
    pub announce_again: Span,
    /// How long a pair must be beyond the leaving distance.
    pub leave_hold: Span,
    /// The default radius, metres.
    pub radius: f64,
}

/// `[presence]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Presence {
    /// Online after the last connection.
    pub linger: Span,
    /// Online after an HTTP report.
    pub http_linger: Span,
}

/// `[privacy]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Privacy {
    /// For how long a cell that somebody left is not shown for them again, to friends who see them approximately.
    pub cell_hold: Span,
    /// Positions older than this go; 0: only the newest is kept.
    pub retention: Span,
    /// Counts of people below this are shown as 0 to everybody but the administrator.
    pub smallest_count: u32,
    /// How long an invite can be accepted.
    pub invite: Span,
    /// How many invites a person can make in a day.
    pub invites_per_day: u32,
}

/// `[push]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Push {
    /// Between `moved` frames.
    pub moved: Span,
    /// Between crowd frames.
    pub crowd: Span,
    /// Between `steps` frames.
    pub steps: Span,
}

impl Proximity {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        bounded_span("proximity.fresh", self.fresh, 1_000, 24 * 3_600_000)?;
        bounded_span("proximity.announce_again", self.announce_again, 0, 7 * 24 * 3_600_000)?;
        bounded_span("proximity.leave_hold", self.leave_hold, 0, 3_600_000)?;
        crate::domain::Radius::metres(self.radius).map_err(|_| ConfigError::OutOfBounds {
            key: "proximity.radius",
            problem: "must be 50 to 50000 metres".to_owned(),
        })?;
        Ok(())
    }
}

impl Presence {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        bounded_span("presence.linger", self.linger, 0, 24 * 3_600_000)?;
        bounded_span("presence.http_linger", self.http_linger, 0, 24 * 3_600_000)?;
        Ok(())
    }
}

impl Privacy {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        bounded_span("privacy.cell_hold", self.cell_hold, 0, 24 * 3_600_000)?;
        bounded_span("privacy.retention", self.retention, 0, 366 * 24 * 3_600_000)?;
        bounded("privacy.smallest_count", self.smallest_count as usize, 1, 1_000)?;
        bounded_span("privacy.invite", self.invite, 60_000, 30 * 24 * 3_600_000)?;
        bounded("privacy.invites_per_day", self.invites_per_day as usize, 1, 100_000)?;
        Ok(())
    }
}

impl Push {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        bounded_span("push.moved", self.moved, 10, 60_000)?;
        bounded_span("push.crowd", self.crowd, 100, 60_000)?;
        bounded_span("push.steps", self.steps, 100, 3_600_000)?;
        Ok(())
    }
}
