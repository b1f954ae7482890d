//! `[store]`: the embedded store.
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::keys::{Key, Kind};
use super::span::Span;

/// What each key may hold.
pub(super) const KEYS: &[Key] = &[
    ("store.data", Kind::Text),
    ("store.group_commit", Kind::Duration(0, 1_000)),
    ("store.durability", Kind::Word(&["power", "process"])),
];

/// `[store]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    /// The folder.
    pub data: PathBuf,
    /// How long changes are gathered.
    pub group_commit: Span,
    /// What an `ack` survives.
    pub durability: Durability,
}

/// What an `ack` survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    /// Loss of power.
    Power,
    /// Loss of the process.
    Process,
}
