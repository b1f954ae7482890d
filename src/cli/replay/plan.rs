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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: UnixMs = UnixMs(1_800_000_000_000);
    const RECORDED: Span = Span { first: UnixMs(1_443_811_887_000), last: UnixMs(1_443_815_487_000) };

    #[test]
    fn at_the_speed_of_life_the_recording_begins_now() {
        let plan = Plan::new(RECORDED, Speed::Times(1.0), false, NOW);
        assert_eq!((plan.shifted(RECORDED.first), plan.due(RECORDED.first)), (NOW, NOW));
        assert_eq!((plan.shifted(RECORDED.last), plan.due(RECORDED.last)), (NOW + 3_600_000, NOW + 3_600_000));
    }

    #[test]
    fn ten_times_faster_it_began_54_minutes_ago_and_ends_in_6() {
        let plan = Plan::new(RECORDED, Speed::Times(10.0), false, NOW);
        assert_eq!((plan.shifted(RECORDED.first), plan.due(RECORDED.first)), (NOW - 54 * 60_000, NOW));
        assert_eq!((plan.shifted(RECORDED.last), plan.due(RECORDED.last)), (NOW + 360_000, NOW + 360_000));
    }

    #[test]
    fn at_full_speed_it_ends_now_and_as_recorded_it_stays() {
        let plan = Plan::new(RECORDED, Speed::Max, false, NOW);
        assert_eq!((plan.shifted(RECORDED.last), plan.due(RECORDED.last)), (NOW, NOW));
        assert_eq!(plan.oldest(), NOW - 3_600_000);
        let plan = Plan::new(RECORDED, Speed::Times(10.0), true, NOW);
        assert_eq!((plan.shifted(RECORDED.last), plan.due(RECORDED.last)), (RECORDED.last, NOW + 360_000));
    }

    #[test]
    fn a_speed_is_a_positive_number_or_max() {
        assert_eq!("max".parse(), Ok(Speed::Max));
        assert_eq!("2.5".parse(), Ok(Speed::Times(2.5)));
        for bad in ["0", "-1", "NaN", "inf", "fast", "", "1e9"] {
            assert!(bad.parse::<Speed>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn nothing_is_ever_ahead_of_the_moment_it_is_sent_and_the_last_arrives_on_time(
            first in 0_i64..1_700_000_000_000, length in 0_i64..40_000_000_000, at in 0.0..=1.0_f64, speed in 0.01..1_000.0_f64, max in any::<bool>(),
        ) {
            let span = Span { first: UnixMs(first), last: UnixMs(first + length) };
            let speed = if max { Speed::Max } else { Speed::Times(speed) };
            let plan = Plan::new(span, speed, false, NOW);
            let t = UnixMs(first + scaled(length, 1.0 / at.max(1e-9)).clamp(0, length));
            prop_assert!(plan.shifted(t) <= plan.due(t), "{:?} {:?}", plan.shifted(t), plan.due(t));
            if max || matches!(speed, Speed::Times(times) if times >= 1.0) {
                prop_assert!(plan.due(span.last).since(plan.shifted(span.last)) < 1_001);
            }
            prop_assert!(plan.due(t) >= NOW);
        }
    }
}
