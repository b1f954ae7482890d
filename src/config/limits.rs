//! `[limits]`: bounds on what comes in and waits to go out.
use serde::{Deserialize, Serialize};

use super::ConfigError;
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
        Ok(())
    }
}
