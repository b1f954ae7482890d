//! `[calendar]`: calendars that are fetched from the web.
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::keys::{Key, Kind};
use super::server::Networks;
use super::span::{DAY, Span};

/// What each key may hold.
pub(super) const KEYS: &[Key] = &[
    ("calendar.subscriptions", Kind::Flag),
    ("calendar.refresh", Kind::Duration(60_000, 7 * DAY)),
    ("calendar.allow_networks", Kind::Networks),
    ("calendar.ports", Kind::Ports),
    ("calendar.ca_file", Kind::Text),
];

/// `[calendar]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Calendar {
    /// People may subscribe to calendars on the web.
    pub subscriptions: bool,
    /// Between two looks at a subscription.
    pub refresh: Span,
    /// Networks that are not public and may be fetched from all the same.
    pub allow_networks: Networks,
    /// Ports that may be fetched from.
    pub ports: Vec<u16>,
    /// Authorities that are trusted besides the usual ones, PEM; empty: none.
    pub ca_file: PathBuf,
}
