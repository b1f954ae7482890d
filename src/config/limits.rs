//! `[limits]`: bounds on what comes in and waits to go out.
use serde::{Deserialize, Serialize};

use super::keys::{Key, Kind};
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
    ("limits.body_idle", Kind::Duration(100, 600_000)),
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
    /// Longest pause within a body.
    pub body_idle: Span,
}
