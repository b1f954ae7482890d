//! `[proximity]`, `[presence]`, `[privacy]` and `[push]`: what people hear of each other, and how often.
use serde::{Deserialize, Serialize};

use super::keys::{Key, Kind};
use super::span::{DAY, HOUR, Span};

/// What each key may hold.
pub(super) const KEYS: &[Key] = &[
    ("proximity.fresh", Kind::Duration(1_000, DAY)),
    ("proximity.announce_again", Kind::Duration(0, 7 * DAY)),
    ("proximity.leave_hold", Kind::Duration(0, HOUR)),
    ("proximity.radius", Kind::Decimal(50.0, 50_000.0)),
    ("presence.linger", Kind::Duration(0, DAY)),
    ("presence.http_linger", Kind::Duration(0, DAY)),
    ("privacy.cell_hold", Kind::Duration(0, DAY)),
    ("privacy.retention", Kind::Duration(0, 366 * DAY)),
    ("privacy.smallest_count", Kind::Number(1, 1_000)),
    ("privacy.invite", Kind::Duration(60_000, 30 * DAY)),
    ("privacy.invites_per_day", Kind::Number(1, 100_000)),
    ("push.moved", Kind::Duration(10, 60_000)),
    ("push.crowd", Kind::Duration(100, 60_000)),
    ("push.steps", Kind::Duration(100, HOUR)),
];

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
