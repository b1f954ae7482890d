//! Quiet zones in the world: who is promised what, who is asked, and what happens when nobody answers. Why it is safe, and who
//! learns what from it: [`super::quiet`].
//!
//! Somebody with a zone has a disc of twice its reach around the last fix, and the disc is *firm*: it does not draw in before others.
//! With the promise of two discs (see [`super::quiet_zone`]) a fix of somebody without a zone, inside the own disc, leaves more than
//! twice that reach of room: no work. One that leaves less is a look at everybody, and asks those whose zone is now too large. A fix of
//! somebody with a zone is always a look at everybody, so two firm discs need nothing of each other.
use super::facts::{Event, Reason};
use super::proximity::Pair;
use super::quiet::{Attention, Hearing, Offer, Purse, Quiet, QuietCounts, QuietRules, Told, reserve_m};
use super::quiet_zone::WATCH_M;
use super::shares::SETTLE_MS;
use super::sphere::{UnitVector, metres_between};
use super::timers::Timer;
use super::world::{Slot, World};
use crate::domain::{Precision, UnixMs, UserNo};

/// Of somebody for whom there is no room now, the next fix after this is looked at again, milliseconds.
const RETRY_MS: i64 = 5_000;
/// A zone grows by itself at most this often, milliseconds, and at least by this factor.
const GROW: (i64, f64) = (60_000, 1.9);
/// A report counts: nothing is waited for.
const AT_ONCE: UnixMs = UnixMs(i64::MIN);
/// Nobody is told anything.
pub(super) const NEVER: UnixMs = UnixMs(i64::MAX);

/// All that the world keeps of quiet zones besides [`Attention`].
#[derive(Debug)]
pub(super) struct Promises {
    pub(super) rules: Option<QuietRules>,
    pub(super) told: Vec<Told>,
    pub(super) counts: QuietCounts,
    pub(super) purse: Purse,
}

impl Promises {
    pub(super) const fn none() -> Self {
        let counts = QuietCounts { zones: 0, given: 0, asked: 0, answered: 0, unanswered: 0, run_out: 0, ignored: 0 };
        Self { rules: None, told: Vec::new(), counts, purse: Purse::FULL }
    }

    /// Zones are given at all.
    pub(super) const fn are_given(&self) -> bool {
        self.rules.is_some()
    }
}

impl Slot {
    /// Until when the live position is fresh: for the usual time, and for a phone that keeps quiet until its lease has run out.
    pub(super) fn fresh_until(&self, fresh_ms: i64, grace_ms: i64) -> Option<UnixMs> {
        let usual = self.spot?.live.t + fresh_ms;
        let offer = self.attention.as_ref().and_then(|attention| attention.offer.as_ref());
        Some(offer.map_or(usual, |offer| usual.max(offer.quiet.until + grace_ms)))
    }

    pub(super) fn offer(&self) -> Option<&Offer> {
        self.attention.as_ref().and_then(|attention| attention.offer.as_ref())
    }
}

impl World {
    /// See [`Attention::leeway_m`]; of who is shown by a cell the shown point does not move inside a zone.
    #[inline]
    pub(super) fn leeway_m(&self, slot: &Slot, shown: Precision, now: UnixMs) -> f64 {
        if slot.attentive_from > AT_ONCE || !shown.is_exact() {
            return 0.0;
        }
        match (&slot.attention, &slot.spot, &self.promises.rules) {
            (Some(attention), Some(spot), Some(rules)) => attention.leeway_m(&spot.live, now, rules),
            _ => 0.0,
        }
    }

    /// From now on phones that can be told ([`World::heed`]) are given quiet zones.
    pub fn give_zones(&mut self, rules: QuietRules) {
        self.promises.rules = Some(rules);
    }

    /// Says whether the phone of somebody's live position can be told of zones and asked for fixes. Anything promised before is over:
    /// call it when another device speaks for the person, too.
    pub fn heed(&mut self, no: UserNo, heeds: bool, now: UnixMs, events: &mut Vec<Event>) {
        self.tick(now, events);
        if self.promises.rules.is_none() {
            return;
        }
        let Some(slot) = self.slots.get_mut(no) else { return };
        let had = slot.offer().is_some();
        slot.lost = false;
        self.promises.counts.zones -= u64::from(had);
        slot.attention = heeds.then(|| Box::new(Attention::new()));
        slot.attentive_from = if heeds { AT_ONCE } else { NEVER };
        if had {
            self.take_as_it_is(no, now, events);
        }
    }

    /// A phone that can be told has come back: it is told again what holds, and is asked for a fix when nothing does.
    pub fn came_back(&mut self, no: UserNo, now: UnixMs) {
        let (Some(rules), Some(slot)) = (self.promises.rules, self.slots.get_mut(no)) else { return };
        let attention = slot.attention.get_or_insert_with(|| Box::new(Attention::new()));
        if slot.attentive_from == NEVER {
            slot.attentive_from = AT_ONCE;
        }
        let holds = attention.holds().map(|offer| offer.quiet).filter(|quiet| quiet.until > now);
        let quiet = holds.unwrap_or(Quiet { radius_m: 0.0, until: now + rules.answer_ms });
        self.promises.told.push(Told { no, quiet });
    }

    /// A fix came that moves nobody: too coarse, or a jump. Where the phone takes its zone to be is not where it was given.
    pub fn astray(&mut self, no: UserNo, now: UnixMs, events: &mut Vec<Event>) {
        self.tick(now, events);
        self.ask(no, now);
    }

    /// Takes what phones are to be told, in order; of one person the latest counts.
    pub fn take_told(&mut self, into: &mut Vec<Told>) {
        into.append(&mut self.promises.told);
    }

    /// How many zones hold, how many phones were asked, and so on.
    #[must_use]
    pub const fn quiet_counts(&self) -> QuietCounts {
        self.promises.counts
    }

    /// The zone that a person's phone holds, if it was not asked for a fix meanwhile.
    #[must_use]
    pub fn quiet(&self, no: UserNo) -> Option<Quiet> {
        self.slots.get(no)?.attention.as_ref()?.holds().map(|offer| offer.quiet)
    }

    /// The zone that somebody's phone could be given at this moment: for phones that cannot be told of it, and may yet report less often
    /// where there is room. Nothing is promised.
    #[must_use]
    pub fn could_keep_quiet(&self, no: UserNo, now: UnixMs) -> Option<Quiet> {
        let rules = self.promises.rules?;
        let slot = self.slots.get(no)?;
        let ready = slot.is_ready();
        let (room_m, _) = self.room_for(no, now);
        let radius_m = rules.radius(&slot.spot?.live, room_m, ready)?;
        Some(Quiet { radius_m, until: now + rules.lease_ms })
    }

    pub(super) fn grace_ms(&self) -> i64 {
        self.promises.rules.map_or(0, |rules| rules.grace_ms)
    }

    /// A fix of somebody whose phone can be told, `metres` from the last one. Looks at all friends and gives a new zone.
    #[cold]
    pub(super) fn report_heeding(&mut self, no: UserNo, metres: f64, now: UnixMs, events: &mut Vec<Event>) {
        let (Some(rules), Some(slot), Some(zone)) =
            (self.promises.rules, self.slots.get_mut(no), self.zones.get_mut(no))
        else {
            return;
        };
        slot.lost = false;
        (zone.ready, zone.firm) = (slot.is_ready(), false);
        let (ready, live, here) = match (&slot.spot, &mut slot.attention) {
            (Some(spot), Some(attention)) => {
                self.promises.counts.zones -= u64::from(attention.offer.is_some());
                self.promises.counts.answered += u64::from(attention.asked.is_some());
                if let Hearing::Pause(until) = attention.hear(metres, now, &rules) {
                    slot.attentive_from = until;
                } else {
                    slot.attentive_from = AT_ONCE;
                }
                (zone.ready, spot.live, spot.here)
            }
            _ => return,
        };
        zone.place(here, self.settings.largest_disc_m);
        let paused = slot.attentive_from > now;
        if ready {
            self.judge_friends(no, now, events);
        }
        let (room_m, bound_by) = self.room_for(no, now);
        match rules.radius(&live, room_m, ready).filter(|_| !paused) {
            Some(radius_m) => {
                let quiet = Quiet { radius_m, until: now + rules.lease_ms };
                self.give(no, quiet, bound_by, now);
                self.timers.at(quiet.until + rules.grace_ms + 1, Timer::Lapse(no));
            }
            None => {
                self.promises.counts.ignored += u64::from(paused);
                self.withdraw(no, now);
                if ready {
                    self.regrant(no, false, now, events);
                    let friends = self.slots.get(no).map(|slot| slot.friends.clone()).unwrap_or_default();
                    friends.iter().for_each(|friend| self.mind_growth(*friend, no, now));
                }
            }
        }
    }

    /// Tells a phone that it has no zone, if it takes itself to have one.
    fn withdraw(&mut self, no: UserNo, now: UnixMs) {
        let Some(slot) = self.slots.get_mut(no) else { return };
        slot.attentive_from = slot.attentive_from.max(now + RETRY_MS);
        let Some(attention) = &mut slot.attention else { return };
        if std::mem::take(&mut attention.believes) {
            self.promises.told.push(Told { no, quiet: Quiet { radius_m: 1.0, until: now } });
        }
    }

    fn give(&mut self, no: UserNo, quiet: Quiet, bound_by: Option<UserNo>, now: UnixMs) {
        let Some(slot) = self.slots.get_mut(no) else { return };
        let (Some(spot), Some(attention)) = (&slot.spot, &mut slot.attention) else { return };
        let reach_m = quiet.radius_m + reserve_m(&spot.live);
        self.promises.counts.zones += u64::from(attention.offer.is_none());
        self.promises.counts.given += 1;
        attention.offer = Some(Offer { quiet, reach_m, told: now, bound_by });
        attention.believes = true;
        slot.attentive_from = AT_ONCE;
        self.promises.told.push(Told { no, quiet });
        if slot.is_ready() {
            self.stand_firm(no, now);
        }
    }

    /// Draws the firm disc of somebody with a zone, and draws in the discs of those without before it.
    fn stand_firm(&mut self, no: UserNo, now: UnixMs) {
        let (Some(slot), Some(zone)) = (self.slots.get(no), self.zones.get_mut(no)) else { return };
        let (Some(spot), Some(offer)) = (slot.spot, slot.offer()) else { return };
        let disc_m = 2.0 * offer.reach_m;
        zone.place(spot.here, disc_m);
        zone.firm = true;
        let friends = slot.friends.clone();
        let mut watched = Vec::new();
        for &friend in friends.iter() {
            if !self.zones.get(friend).is_some_and(|zone| zone.ready) {
                continue;
            }
            self.mind(friend, no, now);
            self.mind_growth(friend, no, now);
            let Some((own, other)) = self.slots.get(no).zip(self.slots.get(friend)) else { continue };
            let plain = other.offer().is_none() && own.terms(friend).taken.is_exact();
            let (Some(limit), Some(there)) = (self.limit_of(Pair::of(no, friend), now), other.spot) else { continue };
            if let Some(zone) = self.zones.get_mut(friend).filter(|_| plain)
                && zone.draw_in(there.here, spot.here, disc_m, limit) < WATCH_M / 2.0
            {
                watched.push(friend);
            }
        }
        self.replace_watched(no, watched);
    }

    /// Looks at every friend for the sake of a fix.
    fn judge_friends(&mut self, no: UserNo, now: UnixMs, events: &mut Vec<Event>) {
        let Some(friends) = self.slots.get(no).map(|slot| slot.friends.clone()) else { return };
        for &friend in friends.iter() {
            if !self.zones.get(friend).is_some_and(|zone| zone.ready) {
                continue;
            }
            self.judge(Pair::of(no, friend), true, now, events);
        }
    }

    /// A condition changed: draws somebody's disc anew, or sees whether the zone may stay.
    pub(super) fn redraw(&mut self, no: UserNo, now: UnixMs, events: &mut Vec<Event>) {
        let holds =
            self.slots.get(no).and_then(|slot| slot.attention.as_ref()).is_some_and(|one| one.holds().is_some());
        if !holds {
            return self.regrant(no, false, now, events);
        }
        let Some(friends) = self.slots.get(no).map(|slot| slot.friends.clone()) else { return };
        // As if firm already: whoever is near enough asks.
        if let Some(zone) = self.zones.get_mut(no) {
            zone.firm = true;
        }
        for &friend in friends.iter() {
            if !self.zones.get(friend).is_some_and(|zone| zone.ready) {
                continue;
            }
            self.judge(Pair::of(no, friend), false, now, events);
            self.mind_both(Pair::of(no, friend), now);
        }
        if self.zones.get(no).is_some_and(|zone| zone.firm) {
            self.stand_firm(no, now);
            self.timers.at(now + SETTLE_MS, Timer::Widen(no));
        } else {
            self.regrant(no, false, now, events);
        }
    }

    /// A look at one pair because a condition changed: both are minded.
    pub(super) fn mind_both(&mut self, pair: Pair, now: UnixMs) {
        self.mind(pair.a, pair.b, now);
        self.mind(pair.b, pair.a, now);
    }

    /// Who keeps something back from now on has no zone any more.
    pub(super) fn mind_restraint(&mut self, no: UserNo, now: UnixMs) {
        if self.slots.get(no).is_some_and(Slot::keeps_back) {
            self.ask(no, now);
        }
    }

    /// The time for an answer, or the lease, may be over.
    pub(super) fn lapse(&mut self, no: UserNo, now: UnixMs, events: &mut Vec<Event>) {
        let (Some(rules), Some(slot)) = (self.promises.rules, self.slots.get_mut(no)) else { return };
        let Some(attention) = &mut slot.attention else { return };
        let Some(offer) = attention.offer else { return };
        let unanswered = attention.asked.is_some_and(|at| at + rules.answer_ms <= now);
        let run_out = offer.quiet.until + rules.grace_ms < now;
        if !unanswered && !run_out {
            return;
        }
        self.promises.counts.unanswered += u64::from(attention.asked.is_some());
        self.promises.counts.run_out += u64::from(attention.asked.is_none());
        self.promises.counts.zones -= 1;
        (attention.offer, attention.asked) = (None, None);
        if attention.proven {
            // It kept quiet until now, so it may be anywhere: nothing new is said of it until it speaks.
            (slot.lost, slot.attentive_from) = (true, AT_ONCE);
        } else if let Hearing::Pause(until) = attention.pause(now) {
            slot.attentive_from = until;
            self.withdraw(no, now);
        }
        self.take_as_it_is(no, now, events);
    }

    /// Nothing is promised any more: the last fix counts for as long as it is fresh by itself.
    fn take_as_it_is(&mut self, no: UserNo, now: UnixMs, events: &mut Vec<Event>) {
        let (Some(slot), Some(zone)) = (self.slots.get_mut(no), self.zones.get_mut(no)) else { return };
        zone.firm = false;
        slot.fresh &= slot.spot.is_some_and(|spot| now.since(spot.live.t) <= self.settings.fresh_ms);
        let (fresh, ready) = (slot.fresh, slot.is_ready());
        zone.ready = ready;
        if !fresh {
            self.retire(no, Reason::Stale, Some(no), now, events);
        } else if ready {
            self.regrant(no, false, now, events);
        } else {
            self.unwatch_all(no);
            self.loosen(no, None, now);
        }
    }

    /// A position was forgotten, or a person left.
    pub(super) fn forget_promise(&mut self, no: UserNo) {
        let Some(attention) = self.slots.get_mut(no).and_then(|slot| slot.attention.as_mut()) else { return };
        self.promises.counts.zones -= u64::from(attention.offer.take().is_some());
        attention.asked = None;
    }

    /// Somebody cannot meet anybody any more, or `with` not this one: who was bounded by that may be given more.
    pub(super) fn loosen(&mut self, no: UserNo, with: Option<UserNo>, now: UnixMs) {
        if self.promises.rules.is_none() {
            return;
        }
        let Some(slot) = self.slots.get(no) else { return };
        let bound = |one: &UserNo, by| {
            self.slots.get(*one).and_then(Slot::offer).is_some_and(|offer| offer.bound_by == Some(by))
        };
        let mut wider: Vec<UserNo> = match with {
            Some(with) => {
                [(no, with), (with, no)].into_iter().filter(|(one, by)| bound(one, *by)).map(|(one, _)| one).collect()
            }
            None => slot.friends.iter().copied().filter(|friend| bound(friend, no)).collect(),
        };
        if with.is_none() && slot.offer().is_some() {
            wider.push(no);
        }
        wider.into_iter().for_each(|one| self.timers.at(now + SETTLE_MS, Timer::Widen(one)));
    }

    /// Gives a larger zone where there is much more room than when it was given. The centre and the end stay.
    pub(super) fn widen(&mut self, no: UserNo, now: UnixMs) {
        let (Some(rules), Some(slot)) = (self.promises.rules, self.slots.get(no)) else { return };
        let (Some(spot), Some(attention)) = (&slot.spot, &slot.attention) else { return };
        let Some(offer) = attention.holds().filter(|offer| offer.quiet.until > now) else { return };
        let ready = slot.is_ready();
        let (room_m, bound_by) = self.room_for(no, now);
        let Some(radius_m) = rules.radius(&spot.live, room_m, ready) else { return };
        if radius_m < GROW.1 * offer.quiet.radius_m {
            return;
        }
        let next = offer.told + GROW.0;
        if next > now {
            return self.timers.at(next, Timer::Widen(no));
        }
        let quiet = Quiet { radius_m, ..offer.quiet };
        self.give(no, quiet, bound_by, now);
    }
}

/// How far a point is from another, for those who may not be anywhere yet.
pub(super) fn metres_from(before: Option<UnitVector>, here: UnitVector) -> f64 {
    before.map_or(0.0, |before| metres_between(before, here))
}
