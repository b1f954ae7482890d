//! When each event of a recording is due, and which time it carries then. Pure.
use std::str::FromStr;

use crate::domain::UnixMs;

/// How fast a recording is replayed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speed {
    /// So many times faster than it happened.
    Times(f64),
    /// As fast as the server takes it.
    Max,
}

impl FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.eq_ignore_ascii_case("max") {
            return Ok(Self::Max);
        }
        match text.parse::<f64>() {
            Ok(times) if (0.01..=1e6).contains(&times) => Ok(Self::Times(times)),
            _ => Err("must be a number from 0.01 to 1000000, or max".to_owned()),
        }
    }
}

/// The first and the last moment of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its earliest event.
    pub first: UnixMs,
    /// Its latest event.
    pub last: UnixMs,
}

impl Span {
    /// The span of a single moment.
    #[must_use]
    pub const fn of(t: UnixMs) -> Self {
        Self { first: t, last: t }
    }

    /// The span that holds both.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self { first: self.first.min(other.first), last: self.last.max(other.last) }
    }

    /// Its length, milliseconds.
    #[must_use]
    pub const fn ms(self) -> i64 {
        self.last.since(self.first)
    }
}

/// A replay: what to add to every time, and when to send.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plan {
    span: Span,
    speed: Speed,
    begin: UnixMs,
    shift_ms: i64,
}

impl Plan {
    /// Plans a replay that begins at `now`. Unless `as_recorded`, times are shifted by whole seconds so that the last event
    /// arrives as the replay ends and none is ever ahead of the moment it is sent.
    #[must_use]
    pub fn new(span: Span, speed: Speed, as_recorded: bool, now: UnixMs) -> Self {
        let shift_ms = match speed {
            _ if as_recorded => 0,
            Speed::Max => now.since(span.last),
            // Slower than life it begins now and falls behind; faster, it catches up with the present at its end.
            Speed::Times(times) => now.since(span.first) + (scaled(span.ms(), times) - span.ms()).min(0),
        };
        Self { span, speed, begin: now, shift_ms: shift_ms.div_euclid(1_000) * 1_000 }
    }

    /// The time that an event carries when it is sent.
    #[must_use]
    pub fn shifted(&self, t: UnixMs) -> UnixMs {
        t + self.shift_ms
    }

    /// When an event is to be sent.
    #[must_use]
    pub fn due(&self, t: UnixMs) -> UnixMs {
        match self.speed {
            Speed::Max => self.begin,
            Speed::Times(times) => self.begin + scaled(t.since(self.span.first), times),
        }
    }

    /// True when events wait for their moment.
    #[must_use]
    pub const fn is_paced(&self) -> bool {
        matches!(self.speed, Speed::Times(_))
    }

    /// The earliest time that is sent.
    #[must_use]
    pub fn oldest(&self) -> UnixMs {
        self.shifted(self.span.first)
    }

    /// How long the recording lasts, seconds.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "for a person to read")]
    pub fn seconds_recorded(&self) -> f64 {
        self.span.ms() as f64 / 1e3
    }

    /// What happens to the times, in a sentence.
    #[must_use]
    pub fn describe(&self) -> String {
        let days = self.shift_ms as f64 / 86_400_000.0;
        match (self.shift_ms, self.speed) {
            (0, _) => "times as recorded".to_owned(),
            (_, Speed::Max) => format!("times shifted by {days:+.3} days, so that it ends now"),
            (_, Speed::Times(times)) => format!("at speed {times}, times shifted by {days:+.3} days"),
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "a recording lasts far less than 2^53 ms"
)]
fn scaled(ms: i64, times: f64) -> i64 {
    (ms as f64 / times).floor() as i64
}
