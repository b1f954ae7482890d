//! Time: milliseconds since the Unix epoch, and the clock they are read from.
use std::ops::{Add, Sub};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970-01-01 00:00 UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMs(pub i64);

/// The month of this release began then (2026-11-01 00:00 UTC; brought up to date by every release): a machine whose
/// clock says less has not been told the time yet.
pub const RELEASED: UnixMs = UnixMs(1_793_491_200_000);

impl UnixMs {
    /// Milliseconds from `earlier` to `self`; negative when `self` is the earlier one. Saturates.
    #[must_use]
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<i64> for UnixMs {
    type Output = Self;
    fn add(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }
}

impl Sub<i64> for UnixMs {
    type Output = Self;
    fn sub(self, ms: i64) -> Self {
        Self(self.0.saturating_sub(ms))
    }
}

/// Where "now" comes from: the system, or a hand that a test turns.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's wall clock.
    System,
    /// A clock that stands still until it is moved.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands at `now` until [`Clock::advance`] moves it.
    #[must_use]
    pub fn manual(now: UnixMs) -> Self {
        Self::Manual(Arc::new(AtomicI64::new(now.0)))
    }

    /// The present moment.
    #[must_use]
    pub fn now(&self) -> UnixMs {
        match self {
            Self::System => {
                let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                UnixMs(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
            }
            Self::Manual(hand) => UnixMs(hand.load(Ordering::SeqCst)),
        }
    }

    /// Moves a manual clock by `ms`; does nothing to the system's.
    pub fn advance(&self, ms: i64) {
        if let Self::Manual(hand) = self {
            hand.fetch_add(ms, Ordering::SeqCst);
        }
    }
}
