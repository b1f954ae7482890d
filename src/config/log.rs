//! `[log]`: logging.
use serde::{Deserialize, Serialize};

use super::keys::{Key, Kind};

/// What each key may hold.
pub(super) const KEYS: &[Key] = &[("log.filter", Kind::Text), ("log.format", Kind::Word(&["text", "json"]))];

/// `[log]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// tracing's filter.
    pub filter: String,
    /// How lines look.
    pub format: LogFormat,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}
