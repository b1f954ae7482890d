//! Waking at the right moment. Tokio's timers tick in milliseconds and round up, which would add a millisecond or two to
//! every latency; the kernel's own timer (timerfd) is right to some tens of microseconds.
use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

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
}
