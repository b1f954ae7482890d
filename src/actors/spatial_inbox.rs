//! The way into the spatial index: an ordered, bounded log of facts, drained in batches.
//!
//! One message per fix between threads would cost a wake-up per fix. Instead facts are appended under a short lock, and
//! the index takes all of them at once, at most every 2 ms.
use actix::Recipient;
use parking_lot::{Condvar, Mutex};
use rustc_hash::FxHashMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use super::spatial_index::TickDrain;
use crate::domain::{Precision, UnixMs, UserNo};
use crate::spatial::world::{Live, Person, QuietCounts};

/// How many facts may wait. Beyond it a person's newest position replaces their waiting one, and changes of state wait.
pub const CAPACITY: usize = 65_536;

/// Something the index must know, in the order in which it became true.
#[derive(Clone, Debug)]
pub enum Fact {
    /// A person appeared, or their radius or hiding changed.
    Person(UserNo, Person),
    /// Free or busy.
    Free {
        /// Who.
        no: UserNo,
        /// Would meet now.
        free: bool,
        /// When that is known to end.
        until: Option<UnixMs>,
        /// Set by the person, not by a timer.
        by_hand: bool,
    },
    /// Connected or not.
    Online(UserNo, bool),
    /// Whether the phone of the live position hears what it is told of keeping quiet.
    Heeds(UserNo, bool),
    /// That phone has connected again.
    CameBack(UserNo),
    /// That phone reported something that is no live position.
    Astray(UserNo),
    /// A new live position.
    Moved(UserNo, Live),
    /// What somebody shares with a friend.
    Shared {
        /// Who shares.
        owner: UserNo,
        /// With whom.
        viewer: UserNo,
        /// How precisely.
        precision: Precision,
    },
    /// Two people became friends.
    Befriended(UserNo, UserNo),
    /// Two people are friends no longer.
    Unfriended(UserNo, UserNo),
    /// Positions reported before this are to be forgotten.
    Forget(UnixMs),
    /// A person left for good.
    Removed(UserNo),
}

/// The inbox. Cheap to share; every producer appends.
#[derive(Debug, Default)]
pub struct SpatialInbox {
    waiting: Mutex<Waiting>,
    drained: Condvar,
    wake: OnceLock<Recipient<TickDrain>>,
    coalesced: AtomicU64,
    order: Mutex<()>,
    /// What the index last said of quiet zones, for the metrics.
    quiet: Mutex<QuietCounts>,
}

#[derive(Debug, Default)]
struct Waiting {
    facts: Vec<Fact>,
    /// Where a person's newest position waits; only kept once the log is full.
    newest: FxHashMap<UserNo, usize>,
    woken: bool,
}

impl SpatialInbox {
    /// Names the actor to wake. Called once, by `app`.
    pub fn connect(&self, wake: Recipient<TickDrain>) {
        let _ = self.wake.set(wake);
        self.call(|_| ());
    }

    /// Appends a position. When the log is full the newest position wins.
    pub fn moved(&self, no: UserNo, live: Live) {
        self.call(|waiting| {
            if waiting.facts.len() < CAPACITY {
                waiting.facts.push(Fact::Moved(no, live));
                return;
            }
            self.coalesced.fetch_add(1, Ordering::Relaxed);
            let place = waiting.newest.get(&no).and_then(|index| waiting.facts.get_mut(*index));
            if let Some(place) = place {
                *place = Fact::Moved(no, live);
            } else {
                // One entry a person beyond the bound: the bound is CAPACITY plus the people online.
                waiting.newest.insert(no, waiting.facts.len());
                waiting.facts.push(Fact::Moved(no, live));
            }
        });
    }

    /// Holds back everybody else who wants to say what the accounts say: who reads them and says so while holding this
    /// never says something older than what was said before.
    pub fn in_order(&self) -> parking_lot::MutexGuard<'_, ()> {
        self.order.lock()
    }

    /// Appends a change of state; waits for room when there is none (back-pressure), which the index makes within
    /// milliseconds.
    pub fn changed(&self, fact: Fact) {
        let mut waiting = self.waiting.lock();
        while waiting.facts.len() >= CAPACITY * 2 {
            self.drained.wait(&mut waiting);
        }
        waiting.facts.push(fact);
        self.wake_if_asleep(waiting);
    }

    /// Whether there is room for a change of state.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.waiting.lock().facts.len() < CAPACITY * 2
    }

    /// As [`SpatialInbox::changed`], for one who has asked for room before and must not wait: one more at the most is too many.
    pub fn changed_now(&self, fact: Fact) {
        let mut waiting = self.waiting.lock();
        waiting.facts.push(fact);
        self.wake_if_asleep(waiting);
    }

    /// How many positions were replaced by newer ones before the index saw them.
    #[must_use]
    pub fn coalesced(&self) -> u64 {
        self.coalesced.load(Ordering::Relaxed)
    }

    /// Notes how many zones there are, and so on.
    pub fn note_quiet(&self, counts: QuietCounts) {
        *self.quiet.lock() = counts;
    }

    /// How many zones there are, how many phones were asked, and so on, a moment ago.
    #[must_use]
    pub fn quiet(&self) -> QuietCounts {
        *self.quiet.lock()
    }

    /// How many facts wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.lock().facts.len()
    }

    /// True when nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes everything, leaving `spare` (emptied) in its place so that no memory is allocated per batch.
    pub fn take(&self, spare: Vec<Fact>) -> Vec<Fact> {
        let mut waiting = self.waiting.lock();
        waiting.woken = false;
        waiting.newest.clear();
        let facts = std::mem::replace(&mut waiting.facts, spare);
        drop(waiting);
        self.drained.notify_all();
        facts
    }

    fn call(&self, change: impl FnOnce(&mut Waiting)) {
        let mut waiting = self.waiting.lock();
        change(&mut waiting);
        self.wake_if_asleep(waiting);
    }

    fn wake_if_asleep(&self, mut waiting: parking_lot::MutexGuard<'_, Waiting>) {
        let Some(wake) = self.wake.get() else { return };
        if waiting.woken || waiting.facts.is_empty() {
            return;
        }
        waiting.woken = true;
        drop(waiting);
        if wake.try_send(TickDrain).is_err() {
            // The mailbox is full of queries: the index drains before each of them, so nothing is forgotten.
            self.waiting.lock().woken = false;
        }
    }
}
