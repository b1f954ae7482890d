//! What phone apps send that were not made for this server, each in its own words, read into the same few [`Reading`]s.
//!
//! Nothing here refuses: a phone that is refused a message throws it away, nags its owner, or sends nothing else any more. What
//! cannot be used is a reading, too, so that it can be counted. Which app means what by which field: read in the source of the
//! apps, see the module of each.
pub mod face;
pub mod gpslogger;
mod loose;
mod moment;
mod names;
pub mod osmand;
pub mod overland;
pub mod owntracks;
pub mod reply;
pub mod words;

use crate::domain::{FixFields, UnixMs};

/// A knot, metres per second.
const KNOT: f64 = 1_852.0 / 3_600.0;
/// A kilometre per hour, metres per second.
const KM_H: f64 = 1.0 / 3.6;

/// One thing that a phone says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reading {
    /// A position report, not yet checked against bounds and the clock.
    Fix(FixFields),
    /// Where the phone is now, said ahead of older positions that it still has to send: it moves the person, but says nothing about
    /// how they walked there.
    Present(FixFields),
    /// Steps taken between two moments, counted by the phone.
    Steps {
        /// From when.
        from: UnixMs,
        /// Until when; after `from`.
        to: UnixMs,
        /// How many.
        steps: u32,
    },
    /// Still here, without a position.
    Heartbeat,
    /// Understood, and of no use here.
    Ignored,
    /// Meant to be a position, and not readable as one.
    Odd,
}

impl Reading {
    /// The fields of a position report, if it is one.
    #[must_use]
    pub const fn fields(&self) -> Option<&FixFields> {
        match self {
            Self::Fix(fields) | Self::Present(fields) => Some(fields),
            _ => None,
        }
    }
}

/// The first byte that is no white space: what tells JSON from a form, since content types are not to be trusted.
fn first_byte(body: &[u8]) -> Option<u8> {
    // Some begin with a byte order mark.
    body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body).trim_ascii_start().first().copied()
}

/// A body as text without a byte order mark; `None` when it is no UTF-8.
fn text(body: &[u8]) -> Option<&str> {
    std::str::from_utf8(body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body)).ok()
}

/// Whole steps from what a phone says; `None` for -1 and other ways of not knowing.
fn steps(from: UnixMs, to: UnixMs, steps: f64) -> Option<Reading> {
    let is_believable = (0.0..=1e6).contains(&steps) && from < to && from.0 >= 0;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be 0 to a million")]
    is_believable.then_some(Reading::Steps { from, to, steps: steps as u32 })
}
