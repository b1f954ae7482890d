//! So much in a time, for each of many. `governor` counts; what it keeps is bounded.
use std::fmt;
use std::hash::Hash;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, MonotonicClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

use super::Net;
use crate::domain::UserNo;

/// How many are told apart. Beyond it newcomers are counted together with their neighbours, until a sweep has forgotten
/// those who have gone quiet: a flood from a million addresses costs no more memory than one from these.
const MOST: usize = 65_536;

/// How long to wait before the next try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait(pub Duration);

impl Wait {
    /// A second.
    pub const SECOND: Self = Self(Duration::from_secs(1));

    /// Whole seconds, rounded up, at least one: for `Retry-After`.
    #[must_use]
    pub fn seconds(self) -> u64 {
        let beyond = u64::from(self.0.subsec_nanos() > 0);
        (self.0.as_secs() + beyond).max(1)
    }
}

/// Who can be counted together with others when there are too many to tell apart.
pub trait Key: Clone + Hash + Eq {
    /// The group.
    fn group(&self) -> Self;
}

impl Key for Net {
    /// The first 16 bits of an IPv4 address, the first 32 of an IPv6 address: about a provider.
    fn group(&self) -> Self {
        match *self {
            Self::V4(address) => Self::V4(address & 0xFFFF_0000),
            Self::V6(prefix) => Self::V6(prefix & 0xFFFF_FFFF_0000_0000),
        }
    }
}

impl Key for UserNo {
    /// People are as many as there are accounts, and known: each counts alone.
    fn group(&self) -> Self {
        *self
    }
}

type Keyed<K, C> = RateLimiter<K, HashMapStateStore<K>, C, NoOpMiddleware<<C as Clock>::Instant>>;

/// A rate for each key.
pub struct PerKey<K: Key, C: Clock = MonotonicClock> {
    limiter: Keyed<K, C>,
    clock: C,
}

impl<K: Key> PerKey<K> {
    /// `number` in each `period`, at most `burst` at once.
    #[must_use]
    pub fn new(number: u32, burst: u32, period: Duration) -> Self {
        Self::with_clock(number, burst, period, MonotonicClock)
    }
}

impl<K: Key, C: Clock + Clone> PerKey<K, C> {
    fn with_clock(number: u32, burst: u32, period: Duration, clock: C) -> Self {
        let limiter = RateLimiter::hashmap_with_clock(quota(number, burst, period), clock.clone());
        Self { limiter, clock }
    }

    /// Takes one for `key`.
    ///
    /// # Errors
    /// When there is none left; how long until there is one.
    pub fn take(&self, key: &K) -> Result<(), Wait> {
        let checked =
            if self.limiter.len() < MOST { self.limiter.check_key(key) } else { self.limiter.check_key(&key.group()) };
        checked.map_err(|not_until| Wait(not_until.wait_time_from(self.clock.now())))
    }

    /// How many are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.limiter.len()
    }

    /// Whether nobody is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.limiter.is_empty()
    }

    /// Forgets those who have everything again.
    pub fn sweep(&self) {
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
    }
}

impl<K: Key, C: Clock + Clone> fmt::Debug for PerKey<K, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PerKey({} keys)", self.len())
    }
}

/// `number` in each `period`, at most `burst` at once; 0 counts as 1.
pub(super) fn quota(number: u32, burst: u32, period: Duration) -> Quota {
    let at_least_one = |number: u32| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
    let every = (period / at_least_one(number).get()).max(Duration::from_nanos(1));
    let quota = Quota::with_period(every).unwrap_or(Quota::per_second(NonZeroU32::MIN));
    quota.allow_burst(at_least_one(burst))
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;

    fn three_a_minute() -> (PerKey<Net, FakeRelativeClock>, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        (PerKey::with_clock(3, 3, Duration::from_secs(60), clock.clone()), clock)
    }

    #[test]
    fn the_fourth_within_a_minute_is_told_how_long_to_wait_and_others_are_not_concerned() {
        let (rates, clock) = three_a_minute();
        let (one, other) = (Net::V4(1), Net::V4(2));
        for _ in 0..3 {
            assert_eq!(rates.take(&one), Ok(()));
        }
        let wait = rates.take(&one).unwrap_err();
        assert_eq!(wait.seconds(), 20);
        assert_eq!(rates.take(&other), Ok(()));
        clock.advance(Duration::from_millis(19_999));
        assert!(rates.take(&one).is_err());
        clock.advance(Duration::from_millis(1));
        assert_eq!(rates.take(&one), Ok(()));
        assert!(rates.take(&one).is_err());
    }

    #[test]
    fn who_has_gone_quiet_is_forgotten_and_who_is_refused_is_not() {
        let (rates, clock) = three_a_minute();
        for address in 0..1_000 {
            rates.take(&Net::V4(address)).unwrap();
        }
        clock.advance(Duration::from_secs(61));
        for _ in 0..3 {
            rates.take(&Net::V4(7)).unwrap();
        }
        rates.sweep();
        assert_eq!(rates.len(), 1);
        assert!(rates.take(&Net::V4(7)).is_err());
    }

    #[test]
    fn a_flood_from_everywhere_is_remembered_by_its_providers() {
        let (rates, _clock) = three_a_minute();
        for prefix in 0..200_000_u64 {
            // All of one provider: 2001:db8::/32.
            let _ = rates.take(&Net::V6(0x2001_0DB8_0000_0000 | prefix));
        }
        assert_eq!(rates.len(), MOST);
        assert!(rates.take(&Net::V6(0x2001_0DB8_FFFF_FFFF)).is_err(), "the provider has used what it had");
        assert_eq!(rates.take(&Net::V6(0x2001_0DB9_0000_0000)), Ok(()), "another has not");
    }
}
