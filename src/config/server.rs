//! `[server]` and `[dashboard]`: where and how to listen, and who an unknown visitor is.
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::ConfigError;
use super::span::{Span, bounded, bounded_span};

/// `[server]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Address and port.
    pub listen: SocketAddr,
    /// HTTP threads; 0: one per core, at most 4.
    pub workers: usize,
    /// Connections at once.
    pub max_connections: usize,
    /// Upper bound of the random time clients wait before they come back.
    pub restart_jitter: Span,
    /// How long a stopping server waits for its queues.
    pub drain: Span,
}

/// `[dashboard]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Dashboard {
    /// Who an unknown visitor is; empty: nobody.
    pub guest: String,
    /// How long a browser stays signed in, whatever it does.
    pub session: Span,
    /// How long a browser that does nothing stays signed in.
    pub idle: Span,
    /// How old a session's cookie may get before it is changed for another one.
    pub rotate: Span,
}

impl Server {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        bounded("server.workers", self.workers, 0, 256)?;
        bounded("server.max_connections", self.max_connections, 1, 1_000_000)?;
        bounded_span("server.restart_jitter", self.restart_jitter, 0, 300_000)?;
        bounded_span("server.drain", self.drain, 0, 4_000)?;
        Ok(())
    }
}
