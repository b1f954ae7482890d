//! How fast frames may come: from one connection, and from all connections of a person together.
use std::sync::Arc;
use std::time::Instant;

use super::{Limit, Limits, Seat};
use crate::config;

/// What a connection may still say.
#[derive(Debug)]
pub struct Frames {
    limits: Arc<Limits>,
    own: Bucket,
    seat: Option<Seat>,
}

impl Frames {
    /// Of a connection of somebody who is not known yet.
    #[must_use]
    pub fn new(limits: Arc<Limits>, config: &config::Limits) -> Self {
        Self { limits, own: Bucket::new(config.frames_per_second, config.frame_burst), seat: None }
    }

    /// From now on the person's other connections count, too.
    pub fn belong_to(&mut self, seat: Seat) {
        self.seat = Some(seat);
    }

    /// Takes one frame of so many bytes.
    ///
    /// # Errors
    /// The limit that has nothing left.
    pub fn take(&mut self, bytes: usize) -> Result<(), Limit> {
        let taken = match &self.seat {
            _ if !self.own.take() => Err(Limit::Frames),
            Some(seat) => seat.budget().take(bytes),
            None => Ok(()),
        };
        taken.inspect_err(|limit| self.limits.refused.count(*limit))
    }
}

/// A token bucket: `rate` a second, at most `burst` at once.
#[derive(Debug)]
struct Bucket {
    tokens: f64,
    rate: f64,
    burst: f64,
    filled: Instant,
}

impl Bucket {
    fn new(rate: u32, burst: u32) -> Self {
        Self { tokens: burst.into(), rate: rate.into(), burst: burst.into(), filled: Instant::now() }
    }

    fn take(&mut self) -> bool {
        let now = Instant::now();
        let gained = now.duration_since(self.filled).as_secs_f64() * self.rate;
        self.filled = now;
        self.tokens = (self.tokens + gained).min(self.burst);
        let enough = self.tokens >= 1.0;
        if enough {
            self.tokens -= 1.0;
        }
        enough
    }
}
