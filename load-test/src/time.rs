//! Knowing the moment, and waking at it. Tokio's timers tick in milliseconds and round up, which would add a millisecond or two to
//! every latency; the kernel's own timer (timerfd) is right to some tens of microseconds.
use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use letshang::domain::{Clock, UnixMs};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use tokio::io::unix::AsyncFd;

/// A timer for one waiter.
#[derive(Debug)]
pub struct Alarm(AsyncFd<OwnedFd>);

impl Alarm {
    /// A timer that is not set. Must be made on a Tokio runtime.
    ///
    /// # Errors
    /// When the kernel gives none.
    #[expect(
        deprecated,
        reason = "its successor is unsafe, for the sake of types that are no real owner; OwnedFd is one"
    )]
    pub fn new() -> io::Result<Self> {
        let fd = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        Ok(Self(AsyncFd::new(fd)?))
    }

    /// Waits; at least a microsecond.
    ///
    /// # Errors
    /// When the kernel's timer fails.
    pub async fn sleep(&self, wait: Duration) -> io::Result<()> {
        let wait = wait.max(Duration::from_micros(1));
        let it_value = Timespec {
            tv_sec: i64::try_from(wait.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(wait.subsec_nanos()),
        };
        let never_again = Timespec { tv_sec: 0, tv_nsec: 0 };
        timerfd_settime(&self.0, TimerfdTimerFlags::empty(), &Itimerspec { it_interval: never_again, it_value })?;
        loop {
            let mut ready = self.0.readable().await?;
            let mut rung = [0_u8; 8];
            if ready.try_io(|fd| Ok(rustix::io::read(fd, &mut rung)?)).is_ok_and(|read| read.is_ok()) {
                return Ok(());
            }
        }
    }
}

/// The run's own time: microseconds since it began, and what the wall clock said then.
#[derive(Clone, Copy, Debug)]
pub struct RunClock {
    began: Instant,
    began_unix: UnixMs,
}

impl RunClock {
    /// Begins now.
    #[must_use]
    pub fn start() -> Self {
        Self { began: Instant::now(), began_unix: Clock::System.now() }
    }

    /// Microseconds since the beginning.
    #[must_use]
    pub fn now_us(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// The wall clock's time for a moment of the run.
    #[must_use]
    pub fn unix(&self, ms: u64) -> UnixMs {
        self.began_unix + i64::try_from(ms).unwrap_or(i64::MAX)
    }

    /// The moment of the run for a wall clock's time, if it is not before the beginning.
    #[must_use]
    pub fn moment(&self, unix: UnixMs) -> Option<u64> {
        u64::try_from(unix.since(self.began_unix)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_alarm_rings_after_its_time_again_and_again() {
        let alarm = Alarm::new().unwrap();
        for _ in 0..3 {
            let before = std::time::Instant::now();
            alarm.sleep(Duration::from_micros(300)).await.unwrap();
            assert!(before.elapsed() >= Duration::from_micros(300));
        }
    }

    #[test]
    fn a_moment_of_the_run_and_its_wall_clock_time_belong_together() {
        let clock = RunClock::start();
        assert_eq!(clock.moment(clock.unix(1_234)), Some(1_234));
        assert_eq!(clock.moment(UnixMs(0)), None, "before the run");
    }
}
