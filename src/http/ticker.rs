//! One clock per worker thread for all its sockets, instead of a timer per connection: a wheel of slots that turns every
//! 50 ms and wakes the sockets in the slot that comes up.
use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::task::{Context, Waker};
use std::time::Duration;

const TURN: Duration = Duration::from_millis(50);
const SLOTS: usize = 32;

/// Where a socket hears that its time has come.
#[derive(Debug)]
pub(super) struct Pulse {
    due: Cell<bool>,
    waker: RefCell<Option<Waker>>,
    /// Slots from one beat to the next.
    every: usize,
}

#[derive(Default)]
struct Wheel {
    slots: [Vec<Weak<Pulse>>; SLOTS],
    at: usize,
    newcomers: usize,
    turning: bool,
}

thread_local! {
    static WHEEL: RefCell<Wheel> = RefCell::default();
}

impl Pulse {
    /// A pulse that beats every `period` (50 ms to 1.5 s) until it is dropped. Must be called on a worker thread.
    pub(super) fn start(period: Duration) -> Rc<Self> {
        let slots = period.as_millis().div_ceil(TURN.as_millis());
        let every = usize::try_from(slots).unwrap_or(SLOTS).clamp(1, SLOTS - 1);
        let pulse = Rc::new(Self { due: Cell::new(false), waker: RefCell::new(None), every });
        let must_start = WHEEL.with_borrow_mut(|wheel| {
            // Newcomers are spread over their period, so that ten thousand of them do not beat at once.
            wheel.newcomers = wheel.newcomers.wrapping_add(1);
            let ahead = 1 + wheel.newcomers % every;
            wheel.put(Rc::downgrade(&pulse), ahead);
            !std::mem::replace(&mut wheel.turning, true)
        });
        if must_start {
            actix_rt::spawn(turn(Turning));
        }
        pulse
    }

    /// True once after each beat.
    pub(super) fn take(&self) -> bool {
        self.due.take()
    }

    /// Who is to be woken at the next beat.
    pub(super) fn register(&self, cx: &Context<'_>) {
        let mut waker = self.waker.borrow_mut();
        if !waker.as_ref().is_some_and(|known| known.will_wake(cx.waker())) {
            *waker = Some(cx.waker().clone());
        }
    }

    fn beat(&self) {
        self.due.set(true);
        if let Some(waker) = &*self.waker.borrow() {
            waker.wake_by_ref();
        }
    }
}

impl Wheel {
    fn put(&mut self, pulse: Weak<Pulse>, ahead: usize) {
        if let Some(slot) = self.slots.get_mut((self.at + ahead) % SLOTS) {
            slot.push(pulse);
        }
    }

    /// Lets the next slot beat; false when nobody is left on the wheel.
    fn turn(&mut self) -> bool {
        self.at = (self.at + 1) % SLOTS;
        for pulse in self.slots.get_mut(self.at).map(std::mem::take).unwrap_or_default() {
            if let Some(living) = pulse.upgrade() {
                living.beat();
                self.put(pulse, living.every);
            }
        }
        self.at != 0 || self.slots.iter().any(|slot| !slot.is_empty())
    }
}

/// Notes that the wheel stands still when the task that turns it ends, also when its runtime ends.
struct Turning;

impl Drop for Turning {
    fn drop(&mut self) {
        let _ = WHEEL.try_with(|wheel| wheel.borrow_mut().turning = false);
    }
}

async fn turn(_turning: Turning) {
    let mut interval = tokio::time::interval(TURN);
    interval.tick().await;
    loop {
        interval.tick().await;
        if !WHEEL.with_borrow_mut(Wheel::turn) {
            break;
        }
    }
}
