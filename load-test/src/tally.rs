//! What is counted while the walkers walk.
use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::polite::Cause;

/// Latencies, in microseconds with three significant digits (HDR).
#[derive(Debug, Default)]
pub struct Latency(Option<Histogram<u64>>);

/// What is said of latencies, milliseconds.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Percentiles {
    /// How many were measured.
    pub count: u64,
    /// Half were quicker.
    pub p50_ms: f64,
    /// 99 of 100 were quicker.
    pub p99_ms: f64,
    /// 999 of 1,000 were quicker.
    pub p999_ms: f64,
    /// The slowest.
    pub max_ms: f64,
}

impl Latency {
    /// Counts one, microseconds.
    pub fn record(&mut self, us: u64) {
        // Up to an hour; both bounds are valid, so there is always a histogram.
        if self.0.is_none() {
            self.0 = Histogram::new_with_bounds(1, 3_600_000_000, 3).ok();
        }
        if let Some(histogram) = &mut self.0 {
            histogram.saturating_record(us.max(1));
        }
    }

    /// The figures for the report.
    #[must_use]
    pub fn percentiles(&self) -> Percentiles {
        let Some(histogram) = &self.0 else { return Percentiles::default() };
        let ms = |us: u64| us as f64 / 1_000.0;
        Percentiles {
            count: histogram.len(),
            p50_ms: ms(histogram.value_at_quantile(0.5)),
            p99_ms: ms(histogram.value_at_quantile(0.99)),
            p999_ms: ms(histogram.value_at_quantile(0.999)),
            max_ms: ms(histogram.max()),
        }
    }
}

/// Everything that is counted, over the whole run if not said otherwise.
#[derive(Debug, Default)]
pub struct Tally {
    /// From the moment a numbered fix was meant to be sent to its `ack`; after the warm-up.
    pub fix_to_ack: Latency,
    /// From the moment a fix was meant to be sent to the `moved` that shows it to a friend; after the warm-up.
    pub fix_to_moved: Latency,
    /// From the moment the fix that put two friends within the radius was meant to be sent to their `near`; after the warm-up.
    pub fix_to_near: Latency,
    /// How much later than meant the generator itself sent; after the warm-up. Part of all the above.
    pub own_delay: Latency,
    /// Fixes handed to a socket.
    pub sent: u64,
    /// Of these, after the warm-up.
    pub measured_sent: u64,
    /// Fixes that could not be sent: no connection, or it took nothing for too long.
    pub unsent: u64,
    /// Fixes the server's acks cover.
    pub covered: u64,
    /// Fixes of which no ack can tell any more, because their connection ended.
    pub given_up: u64,
    /// Refusals by code.
    pub refused: BTreeMap<String, u64>,
    /// Connections that ended before the end, by close code.
    pub drops: BTreeMap<u16, u64>,
    /// `near` frames caused by a fix; by somebody becoming free; announced within the tolerance beyond the radius;
    /// farther than that; and of which the cause is not remembered.
    pub near_by_fix: u64,
    /// See `near_by_fix`.
    pub near_by_becoming_free: u64,
    /// See `near_by_fix`.
    pub near_early: u64,
    /// See `near_by_fix`.
    pub near_too_far: u64,
    /// See `near_by_fix`.
    pub near_unknown: u64,
    /// `moved` frames.
    pub moved_frames: u64,
    /// `degraded` frames.
    pub degraded: u64,
    /// All text frames received.
    pub heard: u64,
    /// What polite phones reported, and why; after the warm-up.
    pub reports: BTreeMap<Cause, u64>,
    /// How often they looked at their receivers; after the warm-up.
    pub looks: u64,
}

impl Tally {
    /// Fixes refused, whatever the reason.
    #[must_use]
    pub fn refusals(&self) -> u64 {
        self.refused.values().sum()
    }

    /// Fixes that are decided and stored.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.covered.saturating_sub(self.refusals())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_what_was_recorded() {
        let mut latency = Latency::default();
        (1..=1_000).for_each(|ms| latency.record(ms * 1_000));
        let Percentiles { count, p50_ms, p99_ms, p999_ms, max_ms } = latency.percentiles();
        assert_eq!(count, 1_000);
        for (found, expected) in [(p50_ms, 500.0), (p99_ms, 990.0), (p999_ms, 999.0), (max_ms, 1_000.0)] {
            assert!((found / expected - 1.0).abs() < 0.002, "{found} {expected}");
        }
        assert_eq!(Latency::default().percentiles().count, 0);
    }
}
