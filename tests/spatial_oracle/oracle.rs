//! The written rules (PROTOCOL.md, section 2, "Near"), applied to all pairs of friends by haversine after every command.
//! It decides nothing itself: it follows the events, says which of them were not allowed, and which were owed and did not
//! come. Nothing of `letshang::spatial` is used here to decide, and no disc, index or timer exists here.
use std::collections::{BTreeMap, BTreeSet};

use geo::{Distance, Haversine, Point};
use letshang::domain::{LatLon, Precision};
use letshang::spatial::{Event, Reason};

use crate::agreed::Shown;

pub const FRESH: i64 = 600_000;
pub const AGAIN: i64 = 1_800_000;
pub const HOLD: i64 = 30_000;
/// Closer than this to a limit, metres, either answer is right.
const GREY: f64 = 1e-3;

pub type Pair = (u32, u32);

pub fn pair(a: u32, b: u32) -> Pair {
    (a.min(b), a.max(b))
}

pub fn haversine(a: LatLon, b: LatLon) -> f64 {
    Haversine.distance(Point::new(a.lon(), a.lat()), Point::new(b.lon(), b.lat()))
}

#[derive(Clone, Copy, Debug)]
pub struct Seen {
    pub place: LatLon,
    pub t: i64,
    pub acc: f64,
}

#[derive(Clone, Debug)]
pub struct Someone {
    pub radius: f64,
    pub free: bool,
    pub hidden: bool,
    pub only_free: bool,
    pub seen: Option<Seen>,
    /// For approximate friends, from the first of them on.
    pub shown: Option<Shown>,
    went_busy_by_hand: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Near {
    beyond_since: Option<i64>,
    beyond_fixes: u32,
    /// Carried over a restart: until then both have time to report.
    awaited_until: Option<i64>,
}

#[derive(Clone, Debug, Default)]
pub struct Oracle {
    pub people: BTreeMap<u32, Someone>,
    pub friends: BTreeSet<Pair>,
    /// By owner and viewer: what is not exact.
    pub shared: BTreeMap<(u32, u32), Precision>,
    near: BTreeMap<Pair, Near>,
    /// The last announcement that still counts against another one.
    pub announced: BTreeMap<Pair, i64>,
    now: i64,
    /// The command is a fix that counts.
    by_fix: bool,
}

pub fn tau(r: f64) -> f64 {
    f64::max(50.0, r / 10.0)
}

pub fn leave(r: f64) -> f64 {
    r + tau(r) + f64::max(50.0, r / 4.0)
}

impl Oracle {
    // ---- what happened -------------------------------------------------------------------------------------------

    pub fn person(&mut self, no: u32, radius: f64, free: bool, hidden: bool) {
        match self.people.get_mut(&no) {
            Some(one) => {
                one.went_busy_by_hand &= one.free == free;
                (one.radius, one.free, one.hidden) = (radius, free, hidden);
            }
            None => {
                let one = Someone {
                    radius,
                    free,
                    hidden,
                    only_free: false,
                    seen: None,
                    shown: None,
                    went_busy_by_hand: false,
                };
                self.people.insert(no, one);
            }
        }
        self.measure(no, false);
    }

    pub fn free(&mut self, no: u32, free: bool, by_hand: bool) {
        let Some(one) = self.people.get_mut(&no).filter(|one| one.free != free) else { return };
        let again = free && by_hand && one.went_busy_by_hand;
        one.went_busy_by_hand = !free && by_hand;
        one.free = free;
        if again {
            self.announced.retain(|(a, b), _| *a != no && *b != no);
        }
    }

    /// Returns whether the fix counts.
    pub fn fix(&mut self, no: u32, seen: Seen) -> bool {
        let Some(one) = self.people.get_mut(&no) else { return false };
        if one.seen.is_some_and(|known| seen.t <= known.t) {
            return false;
        }
        one.seen = Some(seen);
        if let Some(shown) = &mut one.shown {
            shown.follow(seen.place, self.now);
        }
        self.by_fix = true;
        self.measure(no, true);
        true
    }

    pub fn befriend(&mut self, a: u32, b: u32) {
        if a != b && self.people.contains_key(&a) && self.people.contains_key(&b) {
            self.friends.insert(pair(a, b));
        }
    }

    pub fn unfriend(&mut self, a: u32, b: u32) {
        self.friends.remove(&pair(a, b));
        self.shared.retain(|(owner, viewer), _| pair(*owner, *viewer) != pair(a, b));
    }

    pub fn share(&mut self, owner: u32, viewer: u32, precision: Precision) {
        if owner == viewer || !self.people.contains_key(&viewer) {
            return;
        }
        let now = self.now;
        let Some(one) = self.people.get_mut(&owner) else { return };
        if precision == Precision::Approximate {
            let seen = one.seen;
            one.shown.get_or_insert_with(|| {
                let mut shown = Shown::default();
                seen.into_iter().for_each(|seen| shown.follow(seen.place, now));
                shown
            });
        }
        self.shared.insert((owner, viewer), precision);
        self.measure(owner, false);
    }

    pub fn remove(&mut self, no: u32) {
        self.people.remove(&no);
        self.friends.retain(|(a, b)| *a != no && *b != no);
        self.shared.retain(|(a, b), _| *a != no && *b != no);
        self.announced.retain(|(a, b), _| *a != no && *b != no);
    }

    /// Positions and what hands did are forgotten; encounters and what was agreed are not.
    pub fn restart(&mut self) {
        for (no, one) in &mut self.people {
            (one.seen, one.went_busy_by_hand) = (None, false);
            let mut mine = self.shared.range((*no, 0)..=(*no, u32::MAX));
            one.shown = mine.any(|(_, precision)| *precision == Precision::Approximate).then(Shown::default);
        }
        for near in self.near.values_mut() {
            *near = Near { awaited_until: Some(self.now + FRESH), ..Near::default() };
        }
    }

    // ---- what is true --------------------------------------------------------------------------------------------

    fn both(&self, pair: Pair) -> Option<(&Someone, &Someone)> {
        Some((self.people.get(&pair.0)?, self.people.get(&pair.1)?))
    }

    fn stale(&self, one: &Someone) -> bool {
        one.seen.is_none_or(|seen| self.now - seen.t > FRESH)
    }

    pub fn precision(&self, owner: u32, viewer: u32) -> Precision {
        self.shared.get(&(owner, viewer)).copied().unwrap_or(Precision::Exact)
    }

    /// Where `owner` is for `viewer`, and with which accuracy, if anything is shared at all.
    pub fn shown(&self, owner: u32, viewer: u32) -> Option<(LatLon, f64)> {
        let one = self.people.get(&owner)?;
        match self.precision(owner, viewer) {
            Precision::Exact => one.seen.map(|seen| (seen.place, seen.acc)),
            Precision::Approximate => Some((one.shown.as_ref()?.now?.centre(), 0.0)),
            Precision::Off => None,
        }
    }

    /// What `viewer` may be told of where `owner` is.
    pub fn sees(&self, owner: u32, viewer: u32) -> Option<(LatLon, i64)> {
        let one = self.people.get(&owner)?;
        let t = one.seen.filter(|_| !self.stale(one))?.t;
        if owner == viewer {
            return Some((one.seen?.place, t));
        }
        let allowed = self.friends.contains(&pair(owner, viewer)) && !one.hidden && (one.free || !one.only_free);
        self.shown(owner, viewer).filter(|_| allowed).map(|(place, _)| (place, t))
    }

    /// Distance of the shown points and R, when both have one.
    pub fn apart(&self, pair: Pair) -> Option<(f64, f64)> {
        let (a, b) = self.both(pair)?;
        let (at_a, at_b) = (self.shown(pair.0, pair.1)?, self.shown(pair.1, pair.0)?);
        Some((haversine(at_a.0, at_b.0), a.radius.min(b.radius)))
    }

    fn share_something(&self, pair: Pair) -> bool {
        [(pair.0, pair.1), (pair.1, pair.0)]
            .iter()
            .all(|(owner, viewer)| self.precision(*owner, *viewer) > Precision::Off)
    }

    /// Mutual friends, both free, both fresh, neither hidden, neither showing nothing.
    pub fn eligible(&self, pair: Pair) -> bool {
        let Some((a, b)) = self.both(pair) else { return false };
        self.friends.contains(&pair)
            && self.share_something(pair)
            && [a, b].iter().all(|one| one.free && !one.hidden && !self.stale(one))
    }

    /// By how much the root of the squared accuracies exceeds R.
    fn coarse_by(&self, pair: Pair) -> f64 {
        let Some((a, b)) = self.both(pair) else { return f64::INFINITY };
        let acc = |owner, viewer| self.shown(owner, viewer).map_or(0.0, |(_, acc)| acc);
        (acc(pair.0, pair.1).powi(2) + acc(pair.1, pair.0).powi(2)).sqrt() - a.radius.min(b.radius)
    }

    pub fn cooling(&self, pair: Pair) -> bool {
        self.announced.get(&pair).is_some_and(|at| self.now - at < AGAIN)
    }

    pub fn is_near(&self, pair: Pair) -> bool {
        self.near.contains_key(&pair)
    }

    pub fn near_pairs(&self) -> impl Iterator<Item = &Pair> {
        self.near.keys()
    }

    fn measure(&mut self, no: u32, by_fix: bool) {
        let mine: Vec<Pair> = self.near.keys().copied().filter(|(a, b)| *a == no || *b == no).collect();
        for pair in mine {
            let Some((d, r)) = self.apart(pair) else { continue };
            let now = self.now;
            let Some(near) = self.near.get_mut(&pair) else { continue };
            if d > leave(r) {
                near.beyond_since.get_or_insert(now);
                near.beyond_fixes += u32::from(by_fix);
            } else {
                (near.beyond_since, near.beyond_fixes) = (None, 0);
            }
        }
    }

    fn left_for_good(&self, pair: Pair) -> bool {
        let Some(near) = self.near.get(&pair) else { return false };
        near.beyond_fixes >= 2 || near.beyond_since.is_some_and(|since| since + HOLD <= self.now)
    }

    // ---- what was allowed and what was owed ------------------------------------------------------------------------

    /// Time passes to `now`. Returns the encounters that are over by that alone, whatever the command will do.
    pub fn pass_time(&mut self, now: i64) -> Vec<Pair> {
        (self.now, self.by_fix) = (now, false);
        let over = |pair: &&Pair| self.must_be_over(**pair);
        self.near.keys().filter(over).copied().collect()
    }

    fn must_be_over(&self, pair: Pair) -> bool {
        let Some(near) = self.near.get(&pair) else { return false };
        let Some((a, b)) = self.both(pair) else { return true };
        let awaited = near.awaited_until.is_some_and(|until| self.now < until);
        let stale = (self.stale(a) || self.stale(b)) && !awaited;
        let visible = [a, b].iter().all(|one| one.free && !one.hidden) && self.share_something(pair);
        let far = self.apart(pair).is_some_and(|(d, r)| d > leave(r) + GREY);
        stale || !visible || !self.friends.contains(&pair) || (far && self.left_for_good(pair))
    }

    /// Follows one event; `before` is the oracle as it was when the time had passed and the command had not been given.
    pub fn follow(&mut self, event: &Event, before: &Self) -> Result<(), String> {
        match *event {
            Event::Near { a, b, distance_m, t, shown_a, shown_b } => {
                let pair = pair(a.0, b.0);
                let said = |at: &&Self| (at.precision(a.0, b.0), at.precision(b.0, a.0)) == (shown_a, shown_b);
                let may = |at: &Self| at.may_announce(pair, distance_m);
                let allowed = a < b && [before, &*self].iter().any(|at| said(at) && may(at));
                if !allowed || t.0 != self.now || self.near.contains_key(&pair) {
                    return Err(format!("{pair:?} must not be announced at {distance_m} m: {:?}", self.apart(pair)));
                }
                // Announced because the half hour was over, and carried out of reach by the same command.
                let gone = self.apart(pair).is_some_and(|(d, r)| d > leave(r));
                let beyond_since = gone.then_some(self.now);
                self.near.insert(
                    pair,
                    Near { beyond_since, beyond_fixes: u32::from(gone && self.by_fix), awaited_until: None },
                );
                self.announced.insert(pair, self.now);
            }
            Event::Apart { a, b, t, reason, by } => {
                let pair = pair(a.0, b.0);
                let by = by.map(|by| by.0);
                let allowed = a < b && [before, &*self].iter().any(|at| at.may_end(pair, reason, by));
                if !allowed || t.0 != self.now || self.near.remove(&pair).is_none() {
                    return Err(format!("{pair:?} must not be apart for {reason:?} by {by:?}: {:?}", self.apart(pair)));
                }
            }
        }
        Ok(())
    }

    fn may_announce(&self, pair: Pair, said: f64) -> bool {
        let Some((d, r)) = self.apart(pair) else { return false };
        self.eligible(pair)
            && d <= r + tau(r) + GREY
            && (said - d).abs() < GREY
            && self.coarse_by(pair) <= GREY
            && !self.cooling(pair)
    }

    fn may_end(&self, pair: Pair, reason: Reason, by: Option<u32>) -> bool {
        let Some((a, b)) = self.both(pair) else { return reason == Reason::Unfriended && by.is_none() };
        let whose = |is_so: &dyn Fn(&Someone, u32, u32) -> bool| match by {
            Some(by) if by == pair.0 => is_so(a, pair.0, pair.1),
            Some(by) if by == pair.1 => is_so(b, pair.1, pair.0),
            _ => false,
        };
        match reason {
            Reason::Left => {
                let far = self.apart(pair).is_some_and(|(d, r)| d > leave(r) - GREY);
                by.is_none() && far && self.left_for_good(pair)
            }
            Reason::Busy => whose(&|one, _, _| !one.free),
            Reason::Hidden => whose(&|one, no, from| one.hidden || self.precision(no, from) == Precision::Off),
            Reason::Stale if by.is_none() => self.stale(a) && self.stale(b),
            Reason::Stale => whose(&|one, _, _| self.stale(one)),
            Reason::Unfriended => by.is_none() && !self.friends.contains(&pair),
        }
    }

    /// After a command and its events: nothing is owed.
    pub fn settle(&mut self, over: &[Pair], events: &[Event]) -> Result<(), String> {
        let ended =
            |pair: &Pair| events.iter().any(|event| matches!(event, Event::Apart { a, b, .. } if (a.0, b.0) == *pair));
        if let Some(pair) = over.iter().find(|pair| !ended(pair)) {
            return Err(format!("{pair:?} was over before the command and nobody heard it"));
        }
        if let Some(pair) = self.near.keys().find(|pair| self.must_be_over(**pair)) {
            return Err(format!("{pair:?} is over and nobody heard it: {:?}", self.apart(*pair)));
        }
        for pair in &self.friends {
            let within = self.apart(*pair).is_some_and(|(d, r)| d <= r - GREY);
            let owed = within && self.eligible(*pair) && self.coarse_by(*pair) < -GREY && !self.cooling(*pair);
            if owed && !self.near.contains_key(pair) {
                return Err(format!("{pair:?} is near and nobody heard it: {:?}", self.apart(*pair)));
            }
        }
        let met: Vec<Pair> = self.near.keys().copied().filter(|pair| self.eligible(*pair)).collect();
        for pair in met {
            if let Some(near) = self.near.get_mut(&pair) {
                near.awaited_until = None;
            }
        }
        Ok(())
    }
}
