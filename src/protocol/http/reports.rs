//! Reports of positions: answers of `/v1/fixes` and `/v1/ingest`.
use serde::Serialize;

use crate::protocol::server::Rejected;

/// The answer to `POST /v1/fixes`.
#[derive(Debug, Serialize)]
pub struct FixesReply {
    /// How many were accepted.
    pub accepted: usize,
    /// The others.
    pub rejected: Vec<Rejected>,
}

/// A refused seed line.
#[derive(Debug, Serialize)]
pub struct RejectedLine {
    /// The line, from 0.
    pub index: u64,
    /// Why, for programs.
    pub code: &'static str,
    /// Why, for people: what was expected in which column.
    pub message: String,
}

/// The answer to `POST /v1/ingest`.
#[derive(Debug, Default, Serialize)]
pub struct IngestReply {
    /// Lines taken in.
    pub accepted: u64,
    /// Empty lines and comments.
    pub skipped: u64,
    /// Accounts that did not exist and were made.
    pub created: u64,
    /// How many lines were refused.
    pub refused: u64,
    /// The first thousand of them.
    pub rejected: Vec<RejectedLine>,
}
