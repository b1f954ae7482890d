//! How much of the room between friends each may be promised, and who is asked because it is too much. Why it is half, and what may be
//! known: [`super::quiet`].
use super::grid::Cell;
use super::limits::Terms;
use super::proximity::{Bond, Pair, Reach};
use super::quiet::{Quiet, QuietRules, Told, is_still, reserve_m};
use super::quiet_zone::Limit;
use super::sphere::metres_between;
use super::timers::Timer;
use super::world::{Slot, World};
use crate::domain::{LatLon, UnixMs, UserNo};

/// How long friends' zones wait before they grow, milliseconds: many things change at once.
pub(super) const SETTLE_MS: i64 = 2_000;
/// Kept free between what is promised and the half of the room, metres, for rounding.
const MARGIN_M: f64 = 0.01;
/// No place of a cell is further from its centre than this, metres; nor than the second near the poles.
const CELL_M: f64 = 800.0;
const WIDE_CELL_M: f64 = 1_250.0;
const POLAR_DEG: f64 = 87.0;
/// Less than any zone.
const NONE_M: f64 = -1.0;

impl Slot {
    /// How much of the room beside others this person can have at most, metres: little for somebody who keeps quiet and stands still.
    fn claim_m(&self, rules: &QuietRules) -> f64 {
        let (Some(spot), Some(offer)) = (&self.spot, self.offer()) else { return f64::INFINITY };
        let most = rules.still_m + reserve_m(&spot.live);
        if is_still(&spot.live) && offer.reach_m <= most { most } else { f64::INFINITY }
    }

    /// Somebody sees this person by a cell, or not at all.
    pub(super) fn keeps_back(&self) -> bool {
        self.exceptions().iter().any(|exception| !exception.terms.given.is_exact())
    }

    /// The same, and the next position is in another cell than the last.
    pub(super) fn crosses_cells(&self, next: LatLon) -> bool {
        let last = self.spot.map(|spot| Cell::of(spot.live.position));
        self.keeps_back() && last != Some(Cell::of(next))
    }

    /// What this person may be promised beside another, metres: half of the room between the points at which the two are shown, or
    /// what the other leaves of it. `None`: the two cannot meet, or may not be announced yet.
    ///
    /// Who keeps back from anybody where they are has no zone, and beside them only their cell counts, even for those who see more: how far
    /// phones may go shows in when they report. See [`super::quiet`].
    fn share_m(&self, other: &Self, terms: Terms, limit: Option<Limit>, rules: &QuietRules) -> Option<f64> {
        let (own, there) = (self.stand(terms.given)?.point, other.stand(terms.taken)?.point);
        if self.keeps_back() {
            return Some(NONE_M);
        }
        if terms.taken.is_exact() && other.keeps_back() {
            let place = other.spot?.live.position;
            let spread = if place.lat().abs() > POLAR_DEG { WIDE_CELL_M } else { CELL_M };
            let metres = metres_between(own, Cell::of(place).centre()) - spread;
            let meet_m = Reach::of(self.person.radius, other.person.radius).meet_m;
            return Some((metres - meet_m) / 2.0 - MARGIN_M);
        }
        let room = limit?.room(metres_between(own, there));
        let claim = if terms.taken.is_exact() { other.claim_m(rules) } else { f64::INFINITY };
        Some((room / 2.0).max(room - claim) - MARGIN_M)
    }
}

impl World {
    /// What a pair of friends must keep now; `None` when the two may not be announced yet, whatever they do.
    pub(super) fn limit_of(&self, pair: Pair, now: UnixMs) -> Option<Limit> {
        let reach = || Some(Reach::of(self.slots.get(pair.a)?.person.radius, self.slots.get(pair.b)?.person.radius));
        match self.bonds.get(pair) {
            Some(Bond::Cooling { until }) if until > now => None,
            Some(Bond::Near(_)) => Some(Limit::Together(reach()?.leave_m)),
            _ => Some(Limit::Apart(reach()?.meet_m)),
        }
    }

    /// How far from the last fix somebody may be promised to be, metres, and the friend by whom that is bounded.
    pub(super) fn room_for(&self, no: UserNo, now: UnixMs) -> (f64, Option<UserNo>) {
        let (Some(slot), Some(rules)) = (self.slots.get(no), &self.promises.rules) else { return (NONE_M, None) };
        let mut least = (if slot.keeps_back() { NONE_M } else { f64::INFINITY }, None);
        if !slot.is_ready() {
            return least;
        }
        for &friend in slot.friends.iter() {
            if !self.zones.get(friend).is_some_and(|zone| zone.ready) {
                continue;
            }
            let Some(other) = self.slots.get(friend) else { continue };
            let limit = self.limit_of(Pair::of(no, friend), now);
            if let Some(share_m) = slot.share_m(other, slot.terms(friend), limit, rules)
                && share_m < least.0
            {
                least = (share_m, Some(friend));
            }
        }
        least
    }

    /// Looks whether somebody's zone still leaves `other` half of the room. If not, the phone is asked.
    pub(super) fn mind(&mut self, no: UserNo, other: UserNo, now: UnixMs) {
        if !self.zones.get(no).is_some_and(|zone| zone.firm) {
            return;
        }
        let (Some(slot), Some(beside), Some(rules)) = (self.slots.get(no), self.slots.get(other), &self.promises.rules)
        else {
            return;
        };
        let limit = self.limit_of(Pair::of(no, other), now);
        let share_m = slot.share_m(beside, slot.terms(other), limit, rules);
        let (Some(offer), Some(share_m)) = (slot.offer(), share_m) else { return };
        if share_m < offer.reach_m {
            self.ask(no, now);
        }
    }

    /// If there is much more room than when a friend was given a zone beside `other`, that zone will grow. Only by what is a look at everybody
    /// in any case: when a disc is left tells of strangers.
    pub(super) fn mind_growth(&mut self, no: UserNo, other: UserNo, now: UnixMs) {
        let (Some(slot), Some(beside), Some(rules)) = (self.slots.get(no), self.slots.get(other), &self.promises.rules)
        else {
            return;
        };
        let Some(offer) = slot.offer().filter(|offer| offer.bound_by == Some(other)) else { return };
        let limit = self.limit_of(Pair::of(no, other), now);
        let share_m = slot.share_m(beside, slot.terms(other), limit, rules);
        if share_m.is_none_or(|share_m| share_m > 2.0 * offer.reach_m) {
            self.timers.at(now + SETTLE_MS, Timer::Widen(no));
        }
    }

    /// Asks a phone for a fix, as soon as the bounds allow. From here on its disc draws in before others again.
    pub(super) fn ask(&mut self, no: UserNo, now: UnixMs) {
        let (Some(rules), Some(slot)) = (self.promises.rules, self.slots.get_mut(no)) else { return };
        let Some(attention) = slot.attention.as_mut().filter(|attention| attention.holds().is_some()) else { return };
        if let Some(zone) = self.zones.get_mut(no) {
            zone.firm = false;
        }
        attention.asked = Some(now);
        self.ask_now(no, &rules, now);
    }

    fn ask_now(&mut self, no: UserNo, rules: &QuietRules, now: UnixMs) {
        let Some(attention) = self.slots.get_mut(no).and_then(|slot| slot.attention.as_mut()) else { return };
        let spent = attention
            .spend(now, rules)
            .and_then(|()| self.promises.purse.spend(now, f64::from(rules.asks_per_second), 1_000.0));
        match spent {
            Ok(()) => {
                let until = now + rules.answer_ms;
                self.promises.counts.asked += 1;
                self.promises.told.push(Told { no, quiet: Quiet { radius_m: 0.0, until } });
                attention.believes = true;
                self.timers.at(until, Timer::Answer(no));
            }
            Err(later) => {
                attention.asked = Some(later);
                self.timers.at(later, Timer::Ask(no));
            }
        }
    }

    /// There may be room to ask now.
    pub(super) fn ask_again(&mut self, no: UserNo, now: UnixMs) {
        let Some(rules) = self.promises.rules else { return };
        let asked = self.slots.get(no).and_then(|slot| slot.attention.as_ref()?.asked);
        if asked.is_some_and(|at| at <= now) {
            self.ask_now(no, &rules, now);
        }
    }
}
