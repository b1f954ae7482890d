//! `[limits]`: bounds on what comes in and waits to go out.
use serde::{Deserialize, Serialize};

use super::ConfigError;
use super::server::Networks;
use super::span::{Span, bounded, bounded_span};

/// `[limits]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Largest frame and message, bytes.
    pub frame_bytes: usize,
    /// Frames a second.
    pub frames_per_second: u32,
    /// Frames at once.
    pub frame_burst: u32,
    /// Errors a minute.
    pub errors_per_minute: u32,
    /// Time for `hello`.
    pub hello: Span,
    /// Time for one message.
    pub message: Span,
    /// Silence before 4504.
    pub idle: Span,
    /// Unread output before the kernel cuts.
    pub write_stall: Span,
    /// State frames held.
    pub outbox_frames: usize,
    /// State bytes held.
    pub outbox_bytes: usize,
    /// Largest request body.
    pub body_bytes: usize,
    /// Largest body of the administrator's calls.
    pub admin_body_bytes: usize,
    /// Longest pause within a body.
    pub body_idle: Span,
    /// From a body's first byte to its last.
    pub body_total: Span,
    /// From a connection's first byte to the end of its first request's head.
    pub head: Span,
    /// Addresses that the limits per address do not concern.
    pub exempt: Networks,
    /// Connections at once from one address.
    pub connections_per_address: u32,
    /// New connections a minute from one address.
    pub new_connections_per_minute: u32,
    /// WebSockets at once of one person.
    pub connections_per_user: u32,
    /// Frames a second of one person, over all connections.
    pub user_frames_per_second: u32,
    /// Frames at once of one person.
    pub user_frame_burst: u32,
    /// Bytes of frames a second of one person.
    pub user_bytes_per_second: u32,
    /// Bytes of frames at once of one person.
    pub user_byte_burst: u32,
    /// HTTP requests a second of one person.
    pub requests_per_second: u32,
    /// HTTP requests at once of one person.
    pub request_burst: u32,
    /// Wrong credentials a minute from one address.
    pub wrong_credentials_per_minute: u32,
    /// Sign-ins a minute from one address.
    pub sign_ins_per_minute: u32,
    /// Invites looked at or accepted a minute from one address.
    pub invite_looks_per_minute: u32,
}

impl Limits {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        bounded("limits.frame_bytes", self.frame_bytes, 1_024, 16 << 20)?;
        bounded("limits.frames_per_second", self.frames_per_second as usize, 1, 1_000_000)?;
        bounded("limits.frame_burst", self.frame_burst as usize, 1, 1_000_000)?;
        bounded("limits.errors_per_minute", self.errors_per_minute as usize, 1, 1_000_000)?;
        bounded_span("limits.hello", self.hello, 100, 600_000)?;
        bounded_span("limits.message", self.message, 100, 600_000)?;
        bounded_span("limits.idle", self.idle, 1_000, 3_600_000)?;
        bounded_span("limits.write_stall", self.write_stall, 1_000, 600_000)?;
        bounded("limits.outbox_frames", self.outbox_frames, 8, 65_536)?;
        bounded("limits.outbox_bytes", self.outbox_bytes, 4_096, 64 << 20)?;
        bounded("limits.body_bytes", self.body_bytes, 1_024, 1 << 30)?;
        bounded("limits.admin_body_bytes", self.admin_body_bytes, 1_024, 1 << 30)?;
        bounded_span("limits.body_idle", self.body_idle, 100, 600_000)?;
        bounded_span("limits.body_total", self.body_total, 100, 3_600_000)?;
        bounded_span("limits.head", self.head, 100, 600_000)?;
        for (key, value) in [
            ("limits.connections_per_address", self.connections_per_address),
            ("limits.new_connections_per_minute", self.new_connections_per_minute),
            ("limits.connections_per_user", self.connections_per_user),
            ("limits.user_frames_per_second", self.user_frames_per_second),
            ("limits.user_frame_burst", self.user_frame_burst),
            ("limits.requests_per_second", self.requests_per_second),
            ("limits.request_burst", self.request_burst),
            ("limits.wrong_credentials_per_minute", self.wrong_credentials_per_minute),
            ("limits.sign_ins_per_minute", self.sign_ins_per_minute),
            ("limits.invite_looks_per_minute", self.invite_looks_per_minute),
        ] {
            bounded(key, value as usize, 1, 1_000_000)?;
        }
        bounded("limits.user_bytes_per_second", self.user_bytes_per_second as usize, 1_024, 1 << 30)?;
        bounded("limits.user_byte_burst", self.user_byte_burst as usize, self.frame_bytes, 1 << 30)?;
        Ok(())
    }
}
