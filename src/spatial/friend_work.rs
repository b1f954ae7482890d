//! What a fix costs when it leaves its disc: one look at every friend, a new disc, and the list of those to watch.
use super::encounters::Verdict;
use super::facts::Event;
use super::limits::Exception;
use super::proximity::Pair;
use super::quiet_zone::{RELEASE_M, WATCH_M};
use super::sharing::Bound;
use super::world::{World, add, take_out};
use crate::domain::{UnixMs, UserNo};

impl World {
    /// Looks at every friend of someone who may be near somebody, and draws a new disc around where the person is.
    pub(super) fn regrant(&mut self, no: UserNo, by_fix: bool, now: UnixMs, events: &mut Vec<Event>) {
        let Some(slot) = self.slots.get_mut(no) else { return };
        let Some(here) = slot.spot.map(|spot| spot.here) else { return };
        let radius_m = slot.person.radius.as_metres();
        let largest_m = self.settings.largest_disc_m;
        // Both lists are sorted, so one pass over the few bonds goes along with the pass over all friends.
        let mut bonded = std::mem::take(&mut self.scratch);
        bonded.clear();
        bonded.extend_from_slice(&slot.bonded);
        let mut bonds = bonded.iter().peekable();
        let exceptions = slot.exceptions().to_vec(); // of nearly everybody: empty, and nothing is allocated
        let mut limited = exceptions.as_slice();
        let friends = slot.friends.clone();
        if slot.keeps_back() {
            // Beside them zones follow the cell, and may be too large although the two are far apart.
            friends.iter().for_each(|friend| self.mind(*friend, no, now));
        }
        let mut watched = Vec::new();
        let mut disc_m = largest_m;
        for &friend in friends.iter() {
            while bonds.next_if(|bonded| **bonded < friend).is_some() {}
            let Some(zone) = self.zones.get(friend) else { continue };
            if !zone.ready {
                continue;
            }
            if let Some(exception) = Exception::next(&mut limited, friend) {
                if zone.firm {
                    self.mind(friend, no, now);
                }
                if bonds.peek() == Some(&&friend) || !self.is_out_of_reach(no, exception, disc_m) {
                    match self.weigh(no, exception, by_fix, now, events) {
                        Bound::Free => {}
                        Bound::Watch => watched.push(friend),
                        Bound::Disc(allowed_m) => disc_m = disc_m.min(allowed_m),
                    }
                }
                continue;
            }
            // Who leaves more room than the nearest so far binds nothing.
            let surely_far = || zone.is_beyond(here, radius_m.min(zone.radius_m) + disc_m);
            if bonds.peek() != Some(&&friend) && surely_far() {
                continue;
            }
            match self.judge(Pair::of(no, friend), by_fix, now, events) {
                Verdict::Ignore => {}
                Verdict::Keep(limit, room) => {
                    self.mind(friend, no, now);
                    if room < WATCH_M {
                        watched.push(friend);
                        continue;
                    }
                    let other_here = self.slots.get(friend).and_then(|slot| slot.spot).map_or(here, |spot| spot.here);
                    let Some(zone) = self.zones.get_mut(friend) else { continue };
                    let allowed_m = zone.allows(here, other_here, limit, largest_m);
                    if zone.firm && allowed_m < WATCH_M / 2.0 {
                        watched.push(friend);
                    } else {
                        disc_m = disc_m.min(allowed_m);
                    }
                }
            }
        }
        self.scratch = bonded;
        self.replace_watched(no, watched);
        if let Some(zone) = self.zones.get_mut(no) {
            zone.place(here, disc_m);
        }
    }

    /// A fix inside its disc: looks at the few friends that no disc answers for.
    pub(super) fn look_at_watched(&mut self, no: UserNo, now: UnixMs, events: &mut Vec<Event>) {
        let Some(slot) = self.slots.get_mut(no) else { return };
        let mut watched = std::mem::take(&mut slot.watched);
        let mut has_room = false;
        watched.retain(|friend| match self.judge(Pair::of(no, *friend), true, now, events) {
            Verdict::Ignore => {
                if let Some(friend) = self.slots.get_mut(*friend) {
                    take_out(&mut friend.watched, no);
                }
                false
            }
            Verdict::Keep(_, room) => {
                let firm_m = self.zones.get(*friend).filter(|zone| zone.firm).map_or(0.0, |zone| zone.disc_m);
                if firm_m > 0.0 {
                    self.mind(*friend, no, now);
                }
                has_room |= room - firm_m > RELEASE_M;
                true
            }
        });
        if let Some(slot) = self.slots.get_mut(no) {
            slot.watched = watched;
        }
        if has_room {
            self.regrant(no, false, now, events);
        }
    }

    /// Makes `watched` the list of one person and brings the friends' lists in line. Both are sorted.
    pub(super) fn replace_watched(&mut self, no: UserNo, watched: Vec<UserNo>) {
        let Some(slot) = self.slots.get_mut(no) else { return };
        let before = std::mem::replace(&mut slot.watched, watched.clone());
        for friend in before.iter().filter(|friend| watched.binary_search(friend).is_err()) {
            if let Some(slot) = self.slots.get_mut(*friend) {
                take_out(&mut slot.watched, no);
            }
        }
        for friend in watched.iter().filter(|friend| before.binary_search(friend).is_err()) {
            if let Some(slot) = self.slots.get_mut(*friend) {
                add(&mut slot.watched, no);
            }
        }
    }

    pub(super) fn watch(&mut self, pair: Pair) {
        for (one, other) in [(pair.a, pair.b), (pair.b, pair.a)] {
            if let Some(slot) = self.slots.get_mut(one) {
                add(&mut slot.watched, other);
            }
        }
    }

    pub(super) fn unwatch(&mut self, pair: Pair) {
        for (one, other) in [(pair.a, pair.b), (pair.b, pair.a)] {
            if let Some(slot) = self.slots.get_mut(one) {
                take_out(&mut slot.watched, other);
            }
        }
    }
}
