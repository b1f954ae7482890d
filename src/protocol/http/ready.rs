//! How the node does: the answer of `/ready`.
use serde::Serialize;

/// One part of `/ready`.
#[derive(Debug, Serialize)]
pub struct PartReply {
    /// Works as promised.
    pub ok: bool,
    /// Since when it does not, Unix ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<i64>,
    /// What is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// `GET /ready`.
#[derive(Debug, Serialize)]
pub struct ReadyReply {
    /// Serves.
    pub ready: bool,
    /// The embedded store.
    pub storage: PartReply,
    /// Redis, when configured. The node serves on without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redis: Option<PartReply>,
}
