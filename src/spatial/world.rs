//! Everybody at once: commands in, [`Event`]s out. No clock of its own: `now` is a parameter and must not run backwards.
//! Every command first does what has become due, so it does not matter how often [`World::tick`] is called.
pub use super::explain::Why;
pub use super::facts::{Counts, Event, Live, Nearby, Neighbour, Person, Reason, Seen, Settings};
pub use super::index::BoundingBox;

use super::index::{Anchor, Index};
use super::limits::{Limits, Terms};
use super::paged::Paged;
use super::promises::{self, Promises};
use super::proximity::{Bond, Bonds, Encounter, Pair};
use super::quiet::Attention;
pub use super::quiet::{Quiet, QuietCounts, QuietRules, Told};
use super::quiet_zone::Zone;
use super::sphere::UnitVector;
use super::timers::{Timer, Timers};
use crate::domain::{LatLon, UnixMs, UserNo};
use std::sync::Arc;

/// Where a person is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spot {
    pub(super) live: Live,
    pub(super) here: UnitVector,
    pub(super) anchor: Option<Anchor>,
}

/// A person and all that hangs on one. What is read at every look at a friend is apart, in [`Zone`].
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) person: Person,
    pub(super) spot: Option<Spot>,
    /// Sorted.
    /// Shared with whoever filled the world; copied when it changes, which is rare.
    pub(super) friends: Arc<[UserNo]>,
    /// Sorted: the friends to be looked at on every fix. Symmetric.
    pub(super) watched: Vec<UserNo>,
    /// Sorted: those with whom there is a [`Bond`]. Symmetric.
    pub(super) bonded: Vec<UserNo>,
    /// The live position is not stale, as far as the timers have run.
    pub(super) fresh: bool,
    /// A timer for that is running.
    pub(super) aging: bool,
    /// Busy, and set so by hand.
    pub(super) busy_by_hand: bool,
    /// When being free is known to end.
    pub(super) free_until: Option<UnixMs>,
    /// What this person and friends do not show each other; nearly always nothing.
    pub(super) limits: Option<Box<Limits>>,
    /// What is known of a phone that can be told of quiet zones.
    pub(super) attention: Option<Box<Attention>>,
    /// From then on a fix is one for [`World::report_heeding`].
    pub(super) attentive_from: UnixMs,
    /// Was to answer, or to report, and did not: may be anywhere.
    pub(super) lost: bool,
}

impl Slot {
    /// Free, fresh and visible, and where it is said: may be near somebody.
    pub(super) const fn is_ready(&self) -> bool {
        self.person.free && self.fresh && !self.person.hidden && !self.lost
    }
}

/// Everybody, their friendships, and which pairs are near.
#[derive(Debug)]
pub struct World {
    pub(super) settings: Settings,
    pub(super) slots: Paged<Slot>,
    pub(super) zones: Paged<Zone>,
    pub(super) bonds: Bonds,
    pub(super) timers: Timers,
    pub(super) index: Index,
    pub(super) counts: Counts,
    pub(super) promises: Promises,
    /// Kept between calls for its memory.
    pub(super) scratch: Vec<UserNo>,
}

/// Adds to a sorted list; false when it was there.
pub(super) fn add(list: &mut Vec<UserNo>, no: UserNo) -> bool {
    list.binary_search(&no).map_err(|place| list.insert(place, no)).is_err()
}

/// Takes out of a sorted list; false when it was not there.
pub(super) fn take_out(list: &mut Vec<UserNo>, no: UserNo) -> bool {
    list.binary_search(&no).map(|place| list.remove(place)).is_ok()
}

/// Changes a shared list; it is copied only if the change is one.
fn change(list: &mut Arc<[UserNo]>, change: impl FnOnce(&mut Vec<UserNo>) -> bool) -> bool {
    let mut copy = list.to_vec();
    let changed = change(&mut copy);
    if changed {
        *list = copy.into();
    }
    changed
}

impl World {
    /// An empty world. A largest disc outside 0 to 50 km is brought inside, one that is no number becomes 5 km.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let largest = settings.largest_disc_m;
        let largest_disc_m = if largest.is_nan() { 5_000.0 } else { largest.clamp(0.0, 50_000.0) };
        Self {
            settings: Settings { largest_disc_m, ..settings },
            slots: Paged::new(),
            zones: Paged::new(),
            bonds: Bonds::default(),
            timers: Timers::default(),
            index: Index::default(),
            counts: Counts::default(),
            promises: Promises::none(),
            scratch: Vec::new(),
        }
    }

    /// Inserts a person, or changes one. A change of `free` here is not one by hand.
    pub fn set_person(&mut self, no: UserNo, person: Person, now: UnixMs, events: &mut Vec<Event>) {
        self.tick(now, events);
        let Some(slot) = self.slots.get_mut(no) else { return self.insert(no, person) };
        let old = std::mem::replace(&mut slot.person, person);
        if old.free != person.free {
            slot.busy_by_hand = false;
        }
        self.counts.replace(Some(old), Some(person));
        let widened = old.radius != person.radius;
        if let Some(zone) = self.zones.get_mut(no) {
            zone.radius_m = person.radius.as_metres();
        }
        let reason = if person.free { Reason::Hidden } else { Reason::Busy };
        let was_ready = self.settle_readiness(no, reason, now, events);
        if widened && was_ready {
            self.redraw(no, now, events);
        }
    }

    fn insert(&mut self, no: UserNo, person: Person) {
        let slot = Slot {
            person,
            spot: None,
            friends: Arc::default(),
            watched: Vec::new(),
            bonded: Vec::new(),
            fresh: false,
            aging: false,
            busy_by_hand: false,
            free_until: None,
            limits: None,
            attention: None,
            attentive_from: promises::NEVER,
            lost: false,
        };
        self.slots.insert(no, slot);
        self.zones.insert(no, Zone::nowhere(person.radius.as_metres(), LatLon::ORIGIN.into()));
        self.counts.replace(None, Some(person));
    }

    /// Makes a person free or busy. Whoever goes busy and free again, both by hand, may be announced again at once.
    pub fn set_free(&mut self, no: UserNo, free: bool, by_hand: bool, now: UnixMs, events: &mut Vec<Event>) {
        if let Some(slot) = self.slots.get_mut(no) {
            slot.free_until = None;
        }
        self.tick(now, events);
        let Some(slot) = self.slots.get_mut(no) else { return };
        if slot.person.free == free {
            return;
        }
        let old = slot.person;
        slot.person.free = free;
        if let Some(attention) = &mut slot.attention {
            attention.flipped = now;
        }
        let again = free && by_hand && slot.busy_by_hand;
        slot.busy_by_hand = !free && by_hand;
        self.counts.replace(Some(old), Some(slot.person));
        if again {
            self.forget_cooling(no);
        }
        self.settle_readiness(no, Reason::Busy, now, events);
    }

    /// Says when somebody who is free will be free no longer, unless they are told to be otherwise before; `None`: that is not
    /// known. So nobody is announced in the moment between that end and its being told.
    pub fn free_until(&mut self, no: UserNo, until: Option<UnixMs>) {
        let Some(slot) = self.slots.get_mut(no) else { return };
        slot.free_until = until.filter(|_| slot.person.free);
        if let Some(until) = slot.free_until {
            self.timers.at(until, Timer::Busy(no));
        }
    }

    pub(super) fn become_busy(&mut self, no: UserNo, now: UnixMs, events: &mut Vec<Event>) {
        let is_over = |slot: &Slot| slot.free_until.is_some_and(|until| until <= now);
        if self.slots.get(no).is_some_and(is_over) {
            self.set_free(no, false, false, now, events);
        }
    }

    /// Notes that a person has a connection, or none. Changes nothing about who is near.
    pub fn set_online(&mut self, no: UserNo, online: bool) {
        let Some(slot) = self.slots.get_mut(no) else { return };
        let old = slot.person;
        slot.person.online = online;
        self.counts.replace(Some(old), Some(slot.person));
    }

    /// Makes two people friends. Does nothing unless both were inserted and are two.
    pub fn befriend(&mut self, a: UserNo, b: UserNo, now: UnixMs, events: &mut Vec<Event>) {
        self.tick(now, events);
        if self.link(a, b) {
            self.examine(Pair::of(a, b), now, events);
        }
    }

    /// Ends a friendship, and forgets what the two shared. A pair that becomes friends again is still not announced twice
    /// within the half hour.
    pub fn unfriend(&mut self, a: UserNo, b: UserNo, now: UnixMs, events: &mut Vec<Event>) {
        self.tick(now, events);
        let unlinked = [(a, b), (b, a)].map(|(one, other)| {
            self.slots.get_mut(one).is_some_and(|slot| change(&mut slot.friends, |friends| take_out(friends, other)))
        });
        if unlinked.contains(&true) {
            self.end(Pair::of(a, b), Reason::Unfriended, None, now, events);
            self.loosen(a, Some(b), now);
        }
        self.set_terms(a, b, Terms::default(), now);
    }

    /// Makes a person friend with many, both ways. For loading: nothing is announced here; pairs that have positions
    /// already are looked at with the next command. Numbers that were not inserted are left out.
    pub fn add_friends(&mut self, user: UserNo, friends: &[UserNo]) {
        for friend in friends {
            if self.link(user, *friend) && self.zone_is_ready(user) && self.zone_is_ready(*friend) {
                self.timers.at(UnixMs(i64::MIN), Timer::Settle(Pair::of(user, *friend)));
            }
        }
    }

    /// Fills the world with many people at once: `load` may do everything but ask who is in view.
    pub fn fill<R>(&mut self, load: impl FnOnce(&mut Self) -> R) -> R {
        self.index.begin_filling();
        let outcome = load(self);
        self.index.finish_filling();
        outcome
    }

    /// Sets a person's whole list of friends while the world is filled, before anybody has reported: `friends` in rising
    /// order, all of them known, and each of them loaded with a list that names `user`. Cheaper than
    /// [`World::add_friends`], which looks at both sides of every friendship.
    pub fn load_friends(&mut self, user: UserNo, friends: Arc<[UserNo]>) {
        if let Some(slot) = self.slots.get_mut(user) {
            slot.friends = friends;
        }
    }

    /// Restores what was known of a pair before a restart: whether it was near, and when it was announced. Call it after
    /// both people and their friendship are in. A pair that was near stays so, without a word, until both have reported;
    /// when one does not within the time a position stays fresh, it ends as stale.
    pub fn restore_pair(&mut self, a: UserNo, b: UserNo, near: bool, announced_at: UnixMs) {
        if a == b || self.slots.get(a).is_none() || self.slots.get(b).is_none() {
            return;
        }
        let pair = Pair::of(a, b);
        if near {
            let encounter = Encounter { announced: announced_at, leaving: None, awaited: true };
            self.set_bond(pair, Some(Bond::Near(encounter)));
            self.timers.at(UnixMs(i64::MIN), Timer::Settle(pair));
        } else {
            let until = announced_at + self.settings.announce_again_ms;
            self.set_bond(pair, Some(Bond::Cooling { until }));
            self.timers.at(until, Timer::Cool(pair));
        }
    }

    /// Takes a live position. One that is not newer (by the device's clock) than the known one changes nothing, nor does
    /// one of someone who was not inserted. Inside the person's disc this costs no look at any friend, unless approximate
    /// friends are shown another cell from now on.
    pub fn report(&mut self, no: UserNo, live: Live, now: UnixMs, events: &mut Vec<Event>) {
        self.tick(now, events);
        let (Some(slot), Some(zone)) = (self.slots.get_mut(no), self.zones.get_mut(no)) else { return };
        if slot.spot.is_some_and(|spot| live.t <= spot.live.t) {
            return;
        }
        let here = UnitVector::from(live.position);
        let heeding = slot.attentive_from <= now;
        let metres = if heeding { promises::metres_from(slot.spot.map(|spot| spot.here), here) } else { 0.0 };
        let crossed = slot.limits.is_some() && self.promises.are_given() && slot.crosses_cells(live.position);
        let mut anchor = slot.spot.and_then(|spot| spot.anchor);
        self.index.put(no, &mut anchor, here);
        slot.spot = Some(Spot { live, here, anchor });
        let stale_at = live.t + self.settings.fresh_ms + 1;
        slot.fresh |= stale_at > now;
        if slot.fresh && !slot.aging {
            slot.aging = true;
            self.timers.at(stale_at, Timer::Stale(no));
        }
        let elsewhere = match &mut slot.limits {
            None => false,
            Some(limits) => limits.follow(live.position, now, self.settings.cell_hold_ms) || crossed,
        };
        if heeding {
            return self.report_heeding(no, metres, now, events);
        }
        let ready = slot.is_ready();
        let was_ready = std::mem::replace(&mut zone.ready, ready);
        if zone.holds(here) && ready == was_ready && !elsewhere {
            if !slot.watched.is_empty() {
                self.look_at_watched(no, now, events);
            }
        } else if ready {
            self.regrant(no, true, now, events);
        } else {
            zone.place(here, self.settings.largest_disc_m);
        }
    }

    /// Removes a person for good; whoever was near is told that it ended.
    pub fn remove(&mut self, no: UserNo, now: UnixMs, events: &mut Vec<Event>) {
        self.tick(now, events);
        self.retire(no, Reason::Unfriended, None, now, events);
        self.forget_promise(no);
        let Some(slot) = self.slots.remove(no) else { return };
        for other in &slot.bonded {
            self.set_bond(Pair::of(no, *other), None);
        }
        for exception in slot.exceptions() {
            self.set_terms(exception.with, no, Terms::default(), now);
        }
        for friend in slot.friends.iter() {
            if let Some(friend) = self.slots.get_mut(*friend) {
                change(&mut friend.friends, |friends| take_out(friends, no));
            }
        }
        self.zones.remove(no);
        if let Some(anchor) = slot.spot.and_then(|spot| spot.anchor) {
            self.index.remove(no, anchor);
        }
        self.counts.replace(Some(slot.person), None);
    }

    /// Forgets every position reported before `before`, and in which cells those people were. Returns how many they were.
    pub fn forget_positions(&mut self, before: UnixMs, now: UnixMs, events: &mut Vec<Event>) -> usize {
        self.tick(now, events);
        let is_old = |slot: &Slot| slot.spot.is_some_and(|spot| spot.live.t < before);
        let old: Vec<UserNo> = self.slots.iter().filter(|(_, slot)| is_old(slot)).map(|(no, _)| no).collect();
        for no in &old {
            self.retire(*no, Reason::Stale, Some(*no), now, events);
            self.forget_promise(*no);
            let (Some(slot), Some(zone)) = (self.slots.get_mut(*no), self.zones.get_mut(*no)) else { continue };
            if let Some(anchor) = slot.spot.take().and_then(|spot| spot.anchor) {
                self.index.remove(*no, anchor);
            }
            slot.fresh = false;
            if let Some(limits) = &mut slot.limits {
                limits.forget_place();
            }
            *zone = Zone::nowhere(zone.radius_m, zone.centre);
        }
        old.len()
    }

    fn link(&mut self, a: UserNo, b: UserNo) -> bool {
        if a == b || self.slots.get(b).is_none() {
            return false;
        }
        let Some(slot) = self.slots.get_mut(a) else { return false };
        let new = change(&mut slot.friends, |friends| add(friends, b));
        self.slots.get_mut(b).is_some_and(|slot| change(&mut slot.friends, |friends| add(friends, a))) || new
    }

    fn zone_is_ready(&self, no: UserNo) -> bool {
        self.zones.get(no).is_some_and(|zone| zone.ready)
    }

    /// Brings a person's disc in line with a change of conditions. Returns whether the person was ready and still is.
    fn settle_readiness(&mut self, no: UserNo, reason: Reason, now: UnixMs, events: &mut Vec<Event>) -> bool {
        let (Some(slot), Some(zone)) = (self.slots.get(no), self.zones.get_mut(no)) else { return false };
        let (ready, was_ready) = (slot.is_ready(), zone.ready);
        zone.ready = ready;
        if was_ready && !ready || !slot.person.free || slot.person.hidden {
            // Also when the person was not ready before: a pair restored after a restart may hang on it.
            self.retire(no, reason, Some(no), now, events);
        } else if ready && !was_ready {
            self.redraw(no, now, events);
        }
        ready && was_ready
    }
}
