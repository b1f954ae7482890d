//! `[store]`: the embedded store.
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::ConfigError;
use super::span::{Span, bounded_span};

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

impl Store {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        bounded_span("store.group_commit", self.group_commit, 0, 1_000)?;
        Ok(())
    }
}
