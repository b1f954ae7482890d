//! `[limits]`: bounds on what comes in and waits to go out.
use serde::{Deserialize, Serialize};

use super::ConfigError;
use super::keys::{Key, Kind};
use super::server::Networks;
use super::span::{HOUR, Span};

/// What each key may hold.
pub(super) const KEYS: &[Key] = &[
    ("limits.frame_bytes", Kind::Bytes(1_024, 16 << 20)),
    ("limits.frames_per_second", Kind::Number(1, 1_000_000)),
    ("limits.frame_burst", Kind::Number(1, 1_000_000)),
    ("limits.errors_per_minute", Kind::Number(1, 1_000_000)),
    ("limits.hello", Kind::Duration(100, 600_000)),
    ("limits.message", Kind::Duration(100, 600_000)),
    ("limits.idle", Kind::Duration(1_000, HOUR)),
    ("limits.write_stall", Kind::Duration(1_000, 600_000)),
    ("limits.outbox_frames", Kind::Number(8, 65_536)),
    ("limits.outbox_bytes", Kind::Bytes(4_096, 64 << 20)),
    ("limits.body_bytes", Kind::Bytes(1_024, 1 << 30)),
    ("limits.admin_body_bytes", Kind::Bytes(1_024, 1 << 30)),
    ("limits.phone_body_bytes", Kind::Bytes(1_024, 1 << 30)),
    ("limits.body_idle", Kind::Duration(100, 600_000)),
    ("limits.body_total", Kind::Duration(100, HOUR)),
    ("limits.head", Kind::Duration(100, 600_000)),
    ("limits.exempt", Kind::Networks),
    ("limits.connections_per_address", Kind::Number(1, 1_000_000)),
    ("limits.new_connections_per_minute", Kind::Number(1, 1_000_000)),
    ("limits.connections_per_user", Kind::Number(1, 1_000_000)),
    ("limits.user_frames_per_second", Kind::Number(1, 1_000_000)),
    ("limits.user_frame_burst", Kind::Number(1, 1_000_000)),
    ("limits.user_bytes_per_second", Kind::Bytes(1_024, 1 << 30)),
    ("limits.user_byte_burst", Kind::Bytes(1_024, 1 << 30)),
    ("limits.requests_per_second", Kind::Number(1, 1_000_000)),
    ("limits.request_burst", Kind::Number(1, 1_000_000)),
    ("limits.wrong_credentials_per_minute", Kind::Number(1, 1_000_000)),
    ("limits.sign_ins_per_minute", Kind::Number(1, 1_000_000)),
    ("limits.invite_looks_per_minute", Kind::Number(1, 1_000_000)),
];

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
    /// Largest body from a phone with an app that was not made for this server.
    pub phone_body_bytes: usize,
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
    /// What one key alone does not show.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        // A frame that is larger than everything that may come at once would never be let in.
        if usize::try_from(self.user_byte_burst).is_ok_and(|burst| burst < self.frame_bytes) {
            let problem = format!("must be at least limits.frame_bytes, {}", self.frame_bytes);
            return Err(ConfigError::OutOfBounds { key: "limits.user_byte_burst", problem });
        }
        Ok(())
    }
}
