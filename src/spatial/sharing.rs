//! Who sees whom how precisely, and what a pair with a limit asks of the discs.
//!
//! Everything decided about a pair (far, near, parted, the distance, who is nearest) starts from the two points at which
//! they are shown to each other: as reported, or the centre of the shown cell. Both decide by the same two points, so both
//! hear or neither, and neither learns from a decision more than from being shown that point.
//!
//! Discs (see [`super::quiet_zone`]): a side that is shown exactly stands for a pair with its disc. A side that is shown
//! approximately stands with a disc of radius 0 around the shown centre, which moves only when the shown cell changes; a
//! change of the cell draws the person's disc anew ([`World::report`]), which looks at all those pairs again. So no bound
//! is needed on how far the shown centre may be from the person: that grows with every fix within the hold. The promise of
//! two discs holds for the shown points as it does for exact ones, and a fix within the shown cell is no work.
use super::encounters::Verdict;
use super::facts::{Event, Reason, Seen};
use super::limits::{Exception, Stand, Terms};
use super::proximity::Pair;
use super::quiet_zone::{self, WATCH_M};
use super::world::World;
use crate::domain::{Precision, UnixMs, UserNo};

/// What a pair asks of someone who is given a new disc.
pub(super) enum Bound {
    /// Nothing.
    Free,
    /// A look at every fix.
    Watch,
    /// A disc of at most this many metres.
    Disc(f64),
}

impl World {
    /// Sets how `owner` is shown to `viewer`; by default [`Precision::Exact`]. `Off` in either direction ends an encounter
    /// of the two ([`Reason::Hidden`], by the one who shows nothing) and allows none. It may be said before the two are
    /// friends (so that a new friend is not seen for a moment as was not meant) and before anybody has reported; it counts
    /// from when they are friends, and [`World::unfriend`] forgets it in both directions. Does nothing unless both were
    /// inserted and are two.
    pub fn share(&mut self, owner: UserNo, viewer: UserNo, precision: Precision, now: UnixMs, events: &mut Vec<Event>) {
        self.tick(now, events);
        let Some(slot) = self.slots.get(owner).filter(|_| owner != viewer && self.slots.get(viewer).is_some()) else {
            return;
        };
        let before = slot.terms(viewer);
        if before.given == precision {
            return;
        }
        self.set_terms(owner, viewer, Terms { given: precision, ..before }, now);
        self.mind_restraint(owner, now);
        if precision == Precision::Off {
            self.end(Pair::of(owner, viewer), Reason::Hidden, Some(owner), now, events);
            self.loosen(owner, Some(viewer), now);
        } else {
            self.examine(Pair::of(owner, viewer), now, events);
        }
    }

    /// Writes what two show each other, on both sides.
    pub(super) fn set_terms(&mut self, no: UserNo, other: UserNo, terms: Terms, now: UnixMs) {
        let turned = Terms { given: terms.taken, taken: terms.given };
        let hold_ms = self.settings.cell_hold_ms;
        for (one, with, terms) in [(no, other, terms), (other, no, turned)] {
            let Some(slot) = self.slots.get_mut(one) else { continue };
            if slot.limits.is_none() && terms == Terms::default() {
                continue;
            }
            let limits = slot.limits.get_or_insert_default();
            limits.set_terms(with, terms);
            if terms.given == Precision::Approximate {
                limits.begin_showing(slot.spot.map(|spot| spot.live.position), now, hold_ms);
            }
        }
    }

    /// The position of `owner` as `viewer` may know it at `now`: the one way to a position that leaves the house. `None`
    /// when they are no friends, or the owner hides, shares nothing with the viewer, shows a position only while free and is
    /// not, or has none that is fresh. Everybody sees themselves.
    #[must_use]
    pub fn seen(&self, owner: UserNo, viewer: UserNo, now: UnixMs) -> Option<Seen> {
        let slot = self.slots.get(owner)?;
        let precision = if owner == viewer {
            Precision::Exact
        } else {
            slot.friends.binary_search(&viewer).ok().filter(|_| slot.person.shows_place())?;
            slot.terms(viewer).given
        };
        let live = slot.shown(precision).filter(|_| self.is_fresh(slot, now))?;
        Some(Seen { live, precision })
    }

    /// Where the two of a pair with a limit are for each other, `no` first; `None` when one of them is nowhere.
    fn stands(&self, no: UserNo, exception: &Exception) -> Option<(Stand, Stand)> {
        let Exception { with, terms } = *exception;
        Some((self.slots.get(no)?.stand(terms.given)?, self.slots.get(with)?.stand(terms.taken)?))
    }

    /// True when no disc of up to `disc_m` around where `no` is comes too close to a friend with a limit; also when the two
    /// cannot meet at all. Compares chords, like the look at everybody else.
    #[inline(never)]
    pub(super) fn is_out_of_reach(&self, no: UserNo, exception: &Exception, disc_m: f64) -> bool {
        let Exception { with, terms } = *exception;
        let Some((own, other)) = self.stands(no, exception) else { return true };
        let (Some(own_zone), Some(zone)) = (self.zones.get(no), self.zones.get(with)) else { return true };
        let (centre, other_disc_m) =
            if terms.taken.is_exact() { (zone.centre, zone.disc_m) } else { (other.point, 0.0) };
        let disc_m = if terms.given.is_exact() { disc_m } else { 0.0 };
        quiet_zone::is_beyond(centre, other_disc_m, own.point, own_zone.radius_m.min(zone.radius_m) + disc_m)
    }

    /// Looks at a pair with a limit while one of the two is given a new disc, and says what the pair asks of it.
    #[inline(never)]
    pub(super) fn weigh(
        &mut self,
        no: UserNo,
        exception: &Exception,
        by_fix: bool,
        now: UnixMs,
        events: &mut Vec<Event>,
    ) -> Bound {
        let Exception { with, terms } = *exception;
        let Verdict::Keep(limit, room) = self.judge(Pair::of(no, with), by_fix, now, events) else {
            return Bound::Free;
        };
        if room < WATCH_M {
            return Bound::Watch;
        }
        let Some((own, other)) = self.stands(no, exception) else { return Bound::Free };
        let largest_m = if terms.given.is_exact() { self.settings.largest_disc_m } else { 0.0 };
        let (allowed_m, firm) = match self.zones.get_mut(with).filter(|_| terms.taken.is_exact()) {
            Some(zone) => (zone.allows(own.point, other.point, limit, largest_m), zone.firm),
            None => (quiet_zone::allowed_beside(own.point, other.point, limit), false),
        };
        if firm && allowed_m < WATCH_M / 2.0 {
            return Bound::Watch;
        }
        if terms.given.is_exact() { Bound::Disc(allowed_m) } else { Bound::Free }
    }
}
