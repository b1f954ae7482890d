//! The states of a pair of friends, and what moves it from one to the next (PROTOCOL.md, section 2, "Near").
//!
//! ```text
//!           d ≤ R, not too coarse                    d > R + τ + max(50, R/4)
//!    far ─────────────────────────► near ◄──────────────────────────────────► leaving
//!     ▲                              │ a condition falls away                    │ 30 s or a second fix
//!     │ 30 min after the announcement ▼                                          ▼
//!     └────────────────────────── cooling ◄──────────────────────────────────────┘
//! ```
//! The state is kept, never derived from two points: two people 600 m apart are near or not by how they came there.
//! The protocol allows an announcement up to R + τ; it is made at R, so what a pair hears does not depend on quiet zones.
use rustc_hash::FxHashMap;

use super::facts::Settings;
use super::quiet_zone::Limit;
use crate::domain::{Radius, UnixMs, UserNo};

/// Two people, the lower number first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pair {
    /// The lower number.
    pub a: UserNo,
    /// The higher number.
    pub b: UserNo,
}

impl Pair {
    /// The pair of two people, in whichever order.
    #[must_use]
    pub fn of(one: UserNo, other: UserNo) -> Self {
        Self { a: one.min(other), b: one.max(other) }
    }

    /// The other one of the two.
    #[must_use]
    pub fn other(self, one: UserNo) -> UserNo {
        if one == self.a { self.b } else { self.a }
    }
}

/// The two distances that matter to a pair.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reach {
    /// R: the smaller of both radii, metres. Within it, the pair is near.
    pub meet_m: f64,
    /// R + τ + max(50 m, R/4) with τ = max(50 m, R/10), metres. Beyond it, the pair is leaving.
    pub leave_m: f64,
}

impl Reach {
    /// What holds for two people with these radii.
    #[must_use]
    pub fn of(one: Radius, other: Radius) -> Self {
        let meet_m = one.of_pair(other).as_metres();
        Self { meet_m, leave_m: meet_m + (meet_m / 10.0).max(50.0) + (meet_m / 4.0).max(50.0) }
    }

    /// True when two positions of these accuracies (metres; unknown counts as exact) are too coarse to announce.
    #[must_use]
    pub fn is_too_coarse(&self, one: Option<f32>, other: Option<f32>) -> bool {
        let (one, other) = (f64::from(one.unwrap_or(0.0)), f64::from(other.unwrap_or(0.0)));
        one.hypot(other) > self.meet_m
    }
}

/// What a pair must keep, when nothing can be said of it now because one or both may be up to `leeway_m` metres from where they last said
/// they were: an announcement could be one beyond R + τ, or an end one within the leaving distance.
#[inline]
#[must_use]
pub(super) fn open_limit(
    bond: Option<Bond>,
    distance_m: f64,
    leeway_m: f64,
    reach: Reach,
    now: UnixMs,
) -> Option<Limit> {
    if leeway_m <= 0.0 {
        return None;
    }
    match bond {
        Some(Bond::Cooling { until }) if until > now => None,
        Some(Bond::Near(_)) => (distance_m > reach.leave_m && distance_m - leeway_m <= reach.leave_m)
            .then_some(Limit::Together(reach.leave_m)),
        _ => (distance_m <= reach.meet_m && distance_m + leeway_m > reach.meet_m + (reach.meet_m / 10.0).max(50.0))
            .then_some(Limit::Apart(reach.meet_m)),
    }
}

/// An announced encounter that has not ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Encounter {
    /// When it was announced.
    pub announced: UnixMs,
    /// Set while the pair is out of reach but not long enough yet.
    pub leaving: Option<Leaving>,
    /// Known from before a restart, and not both have reported since.
    pub awaited: bool,
}

/// A pair out of reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Leaving {
    /// Since when.
    pub since: UnixMs,
    /// How many fixes of either side have seen it.
    pub fixes: u8,
}

/// What is remembered of a pair. A pair of which nothing is remembered is far.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bond {
    /// Announced.
    Near(Encounter),
    /// Ended, and not to be announced again before `until`.
    Cooling {
        /// From here on it may be announced again.
        until: UnixMs,
    },
}

impl Bond {
    /// True while the two are near.
    #[must_use]
    pub const fn is_near(&self) -> bool {
        matches!(self, Self::Near(_))
    }
}

/// What is seen of an eligible pair (friends, both free, fresh and visible) at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sight {
    /// Great-circle metres between the two.
    pub distance_m: f64,
    /// The distances that matter.
    pub reach: Reach,
    /// The accuracies do not allow an announcement.
    pub too_coarse: bool,
    /// A new fix of one of the two is the occasion; else a condition changed or time passed.
    pub by_fix: bool,
    /// The moment.
    pub now: UnixMs,
}

/// What a look at a pair changes for the people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing.
    None,
    /// Tell both that they are near.
    Announce,
    /// They are out of reach since now: look again at this time, whatever is reported.
    HoldUntil(UnixMs),
    /// Tell both that they have left.
    End,
}

/// The fixes beyond the leaving distance that end an encounter.
const FIXES_TO_LEAVE: u8 = 2;

/// The next state of an eligible pair, and what to tell.
#[must_use]
pub fn look(bond: Option<Bond>, sight: &Sight, settings: &Settings) -> (Option<Bond>, Change) {
    match bond {
        Some(Bond::Cooling { until }) if until > sight.now => (bond, Change::None),
        None | Some(Bond::Cooling { .. }) => {
            if sight.distance_m > sight.reach.meet_m || sight.too_coarse {
                return (None, Change::None);
            }
            let encounter = Encounter { announced: sight.now, leaving: None, awaited: false };
            (Some(Bond::Near(encounter)), Change::Announce)
        }
        Some(Bond::Near(encounter)) => look_at_near(encounter, sight, settings),
    }
}

fn look_at_near(encounter: Encounter, sight: &Sight, settings: &Settings) -> (Option<Bond>, Change) {
    let seen = |leaving| Some(Bond::Near(Encounter { leaving, awaited: false, ..encounter }));
    if sight.distance_m <= sight.reach.leave_m {
        return (seen(None), Change::None);
    }
    let mut leaving = encounter.leaving.unwrap_or(Leaving { since: sight.now, fixes: 0 });
    leaving.fixes = leaving.fixes.saturating_add(u8::from(sight.by_fix));
    let held_until = leaving.since + settings.leave_hold_ms;
    if leaving.fixes >= FIXES_TO_LEAVE || held_until <= sight.now {
        return (ended(&encounter, sight.now, settings), Change::End);
    }
    let change = if encounter.leaving.is_none() { Change::HoldUntil(held_until) } else { Change::None };
    (seen(Some(leaving)), change)
}

/// What remains of an encounter that ends at `now`.
#[must_use]
pub fn ended(encounter: &Encounter, now: UnixMs, settings: &Settings) -> Option<Bond> {
    let until = encounter.announced + settings.announce_again_ms;
    (until > now).then_some(Bond::Cooling { until })
}

/// Every pair of which something is remembered, and how many of them are near.
#[derive(Clone, Debug, Default)]
pub(super) struct Bonds {
    all: FxHashMap<Pair, Bond>,
    near: usize,
}

impl Bonds {
    pub(super) fn get(&self, pair: Pair) -> Option<Bond> {
        self.all.get(&pair).copied()
    }

    /// Replaces what is known and returns what was.
    pub(super) fn set(&mut self, pair: Pair, bond: Option<Bond>) -> Option<Bond> {
        let old = match bond {
            Some(bond) => self.all.insert(pair, bond),
            None => self.all.remove(&pair),
        };
        self.near += usize::from(bond.is_some_and(|bond| bond.is_near()));
        self.near -= usize::from(old.is_some_and(|bond| bond.is_near()));
        old
    }

    pub(super) const fn near(&self) -> usize {
        self.near
    }

    pub(super) fn near_pairs(&self) -> impl Iterator<Item = Pair> + '_ {
        self.all.iter().filter(|(_, bond)| bond.is_near()).map(|(pair, _)| *pair)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: Settings = Settings {
        fresh_ms: 600_000,
        announce_again_ms: 1_800_000,
        leave_hold_ms: 30_000,
        largest_disc_m: 5_000.0,
        cell_hold_ms: 900_000,
    };

    fn reach(metres: f64) -> Reach {
        Reach::of(Radius::metres(metres).unwrap(), Radius::metres(Radius::MAX_M).unwrap())
    }

    fn seen(distance_m: f64, at: i64) -> Sight {
        Sight { distance_m, reach: reach(500.0), too_coarse: false, by_fix: true, now: UnixMs(at) }
    }

    fn walk(bond: &mut Option<Bond>, sight: Sight) -> Change {
        let (next, change) = look(*bond, &sight, &SETTINGS);
        *bond = next;
        change
    }

    #[test]
    fn the_distances_are_the_protocols() {
        let both = |r| (reach(r).meet_m, reach(r).leave_m);
        assert_eq!([both(50.0), both(500.0)], [(50.0, 150.0), (500.0, 675.0)]);
        assert_eq!([both(2_000.0), both(50_000.0)], [(2_000.0, 2_700.0), (50_000.0, 67_500.0)]);
        assert!(
            reach(50.0).is_too_coarse(Some(40.0), Some(31.0)) && !reach(50.0).is_too_coarse(Some(40.0), Some(30.0))
        );
        assert!(!reach(50.0).is_too_coarse(None, None));
    }

    #[test]
    fn an_encounter_is_announced_once_and_ends_with_the_second_fix_out_of_reach() {
        let mut bond = None;
        assert_eq!(walk(&mut bond, seen(500.1, 0)), Change::None);
        assert_eq!(walk(&mut bond, seen(500.0, 1)), Change::Announce);
        assert_eq!(walk(&mut bond, seen(3.0, 2)), Change::None);
        assert_eq!(walk(&mut bond, seen(675.0, 3)), Change::None);
        assert_eq!(walk(&mut bond, seen(675.1, 4)), Change::HoldUntil(UnixMs(30_004)));
        assert_eq!(walk(&mut bond, seen(674.0, 5)), Change::None, "back in time");
        assert_eq!(walk(&mut bond, seen(676.0, 6)), Change::HoldUntil(UnixMs(30_006)));
        assert_eq!(walk(&mut bond, seen(900.0, 7)), Change::End);
        assert_eq!(bond, Some(Bond::Cooling { until: UnixMs(1_800_001) }));
        assert_eq!(walk(&mut bond, seen(1.0, 1_800_000)), Change::None);
        assert_eq!(walk(&mut bond, seen(1.0, 1_800_001)), Change::Announce);
    }

    #[test]
    fn without_a_second_fix_thirty_seconds_end_it() {
        let mut bond = None;
        walk(&mut bond, seen(1.0, 0));
        walk(&mut bond, seen(700.0, 10));
        let passing = |at| Sight { by_fix: false, ..seen(700.0, at) };
        assert_eq!(walk(&mut bond, passing(30_009)), Change::None);
        assert_eq!(walk(&mut bond, passing(30_010)), Change::End);
    }

    #[test]
    fn coarse_positions_announce_nothing_and_end_nothing() {
        let coarse = |d, at| Sight { too_coarse: true, ..seen(d, at) };
        let mut bond = None;
        assert_eq!(walk(&mut bond, coarse(10.0, 0)), Change::None);
        assert_eq!(walk(&mut bond, seen(10.0, 1)), Change::Announce);
        assert_eq!(walk(&mut bond, coarse(600.0, 2)), Change::None);
        assert!(bond.is_some_and(|bond| bond.is_near()));
    }
}
