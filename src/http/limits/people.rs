//! What one person's connections share: how many they are, and how fast they may all speak together.
use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

use governor::clock::MonotonicClock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{RateLimiter, clock::Clock};
use parking_lot::Mutex;
use rustc_hash::FxHashMap;

use super::rates::quota;
use super::{Limit, Limits, SECOND};
use crate::config;
use crate::domain::UserNo;

type Direct = RateLimiter<NotKeyed, InMemoryState, MonotonicClock, NoOpMiddleware<<MonotonicClock as Clock>::Instant>>;

/// How fast a person's connections may speak together. Taking from it is a few atomic operations.
pub struct Budget {
    frames: Direct,
    bytes: Direct,
}

impl Budget {
    /// Takes a frame of so many bytes.
    ///
    /// # Errors
    /// The limit that has nothing left.
    pub fn take(&self, bytes: usize) -> Result<(), Limit> {
        self.frames.check().map_err(|_| Limit::UserFrames)?;
        let bytes = u32::try_from(bytes).ok().and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MIN);
        match self.bytes.check_n(bytes) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Limit::UserBytes),
        }
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Budget(…)")
    }
}

#[derive(Debug)]
struct Shared {
    budget: Arc<Budget>,
    connections: u32,
    /// When the last one left: the budget is kept until it would be full again, so that coming back refills nothing.
    left: Instant,
}

/// Every person with a connection.
#[derive(Debug)]
pub(super) struct Seats {
    most: u32,
    rates: [u32; 4],
    full_after: Duration,
    people: Mutex<FxHashMap<UserNo, Shared>>,
}

impl Seats {
    pub(super) fn new(limits: &config::Limits) -> Self {
        let rates = [
            limits.user_frames_per_second,
            limits.user_frame_burst,
            limits.user_bytes_per_second,
            limits.user_byte_burst,
        ];
        let seconds = |rate: u32, burst: u32| u64::from(burst.div_ceil(rate.max(1))) + 1;
        let [frames, frame_burst, bytes, byte_burst] = rates;
        let full_after = Duration::from_secs(seconds(frames, frame_burst).max(seconds(bytes, byte_burst)));
        Self { most: limits.connections_per_user, rates, full_after, people: Mutex::default() }
    }

    pub(super) fn take(limits: &Arc<Limits>, no: UserNo) -> Option<Seat> {
        let mut people = limits.seats.people.lock();
        let shared = people.entry(no).or_insert_with(|| limits.seats.shared());
        if shared.connections >= limits.seats.most {
            return None;
        }
        shared.connections += 1;
        Some(Seat { limits: Arc::clone(limits), no, budget: Arc::clone(&shared.budget) })
    }

    fn shared(&self) -> Shared {
        let [frames, frame_burst, bytes, byte_burst] = self.rates;
        let direct = |rate, burst| RateLimiter::direct_with_clock(quota(rate, burst, SECOND), MonotonicClock);
        let budget = Arc::new(Budget { frames: direct(frames, frame_burst), bytes: direct(bytes, byte_burst) });
        Shared { budget, connections: 0, left: Instant::now() }
    }

    pub(super) fn len(&self) -> usize {
        self.people.lock().len()
    }

    pub(super) fn sweep(&self) {
        self.people.lock().retain(|_, shared| shared.connections > 0 || shared.left.elapsed() < self.full_after);
    }
}

/// A person's connection, while it lasts.
#[derive(Debug)]
pub struct Seat {
    limits: Arc<Limits>,
    no: UserNo,
    budget: Arc<Budget>,
}

impl Seat {
    /// What all connections of the person share.
    #[must_use]
    pub fn budget(&self) -> &Budget {
        &self.budget
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Some(shared) = self.limits.seats.people.lock().get_mut(&self.no) {
            shared.connections = shared.connections.saturating_sub(1);
            shared.left = Instant::now();
        }
    }
}
