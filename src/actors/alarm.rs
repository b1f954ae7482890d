//! The alarm clock: wakes people at the moment at which what they set lapses, online or not, and has calendars and weekly hours
//! do what they say (see `flips.rs`). One actor for everybody, so
//! that a hundred thousand sleepers cost one heap and one timer. Entries are not taken back: who is woken too early
//! looks at the clock and goes back to sleep.
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use actix::prelude::*;
use parking_lot::Mutex;

use super::critical::CriticalGuard;
use super::registry::Registry;
use super::user::{Lapsed, UserDeps};
use crate::domain::{Clock, UnixMs, UserNo};

const TICK_EVERY: Duration = Duration::from_millis(100);

/// Whom to wake when. One entry a call; bounded by how often people may set an end (the frame limits).
#[derive(Debug, Default)]
pub struct Alarms(Mutex<BinaryHeap<Reverse<(UnixMs, UserNo)>>>);

impl Alarms {
    /// Wakes `no` at `at`.
    pub fn set(&self, no: UserNo, at: UnixMs) {
        self.0.lock().push(Reverse((at, no)));
    }

    fn due(&self, now: UnixMs) -> Vec<UserNo> {
        let mut heap = self.0.lock();
        let mut due = Vec::new();
        while let Some(Reverse((at, no))) = heap.peek().copied() {
            if at > now {
                break;
            }
            heap.pop();
            due.push(no);
        }
        due
    }
}

/// The actor.
pub struct Alarm {
    alarms: Arc<Alarms>,
    registry: Arc<Registry>,
    /// Weak: the store must be closed when the node is gone.
    people: Weak<UserDeps>,
    clock: Clock,
    _guard: CriticalGuard,
}

impl Alarm {
    /// An alarm clock for everybody.
    #[must_use]
    pub fn new(people: &Arc<UserDeps>, guard: CriticalGuard) -> Self {
        let (alarms, registry, clock) = (people.alarms.clone(), people.registry.clone(), people.clock.clone());
        Self { alarms, registry, people: Arc::downgrade(people), clock, _guard: guard }
    }
}

impl Actor for Alarm {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.run_interval(TICK_EVERY, |alarm, _| {
            for no in alarm.alarms.due(alarm.clock.now()) {
                if alarm.registry.wake(no).is_some() {
                    alarm.registry.tell(no, Lapsed);
                }
            }
            if let Some(people) = alarm.people.upgrade() {
                people.flip_whoever_is_due();
            }
        });
    }
}
