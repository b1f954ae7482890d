//! Which fix is a person's live position: not a late one, not a coarse one, and no jump that nothing confirms.
use super::ground::metres_between;
use crate::domain::{Fix, LatLon, UnixMs};

/// The coarsest accuracy of a live position, metres (PROTOCOL.md, section 2).
pub const COARSEST_M: f32 = 200.0;
/// Faster than this between two fixes is a jump, metres per second (PROTOCOL.md, section 2).
pub const JUMP_M_PER_S: f64 = 100.0;
/// Two fixes closer in time than this are judged as if this far apart, milliseconds: at 10 fixes per second the ordinary
/// noise of GPS would otherwise be a jump.
const SHORTEST_MS: i64 = 1_000;
/// Within this of 0° N 0° E a receiver says "I do not know", degrees (about 11 m).
const NULL_ISLAND_DEG: f64 = 1e-4;

/// What became of a fix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Accepted {
    /// It is the live position now.
    Live,
    /// Newest, but its accuracy is worse than 200 m: history only.
    Coarse,
    /// Newest, but a jump: waits for a fix that confirms it.
    Suspect,
    /// 0° N 0° E: a receiver without a position. Moves nothing.
    NullIsland,
    /// Older than the newest: history only.
    Late,
    /// As old as the newest: known already.
    Duplicate,
}

/// The newest of one person's fixes, over all devices.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Track {
    /// The newest fix by its own time, whatever its quality.
    pub newest: Option<Fix>,
    /// The live position.
    pub live: Option<Fix>,
    /// A jump that the next fix may confirm.
    pub suspect: Option<Fix>,
}

impl Track {
    /// Takes out the fixes reported before `before`. True when there were any.
    pub fn forget_before(&mut self, before: UnixMs) -> bool {
        let mut forgot = false;
        for place in [&mut self.newest, &mut self.live, &mut self.suspect] {
            forgot |= place.take_if(|fix| fix.t < before).is_some();
        }
        forgot
    }

    /// Takes a fix and says what it became.
    pub fn accept(&mut self, fix: Fix) -> Accepted {
        if is_nowhere(&fix) {
            return Accepted::NullIsland;
        }
        if let Some(newest) = &self.newest {
            if fix.t == newest.t {
                return Accepted::Duplicate;
            }
            if fix.t < newest.t {
                return Accepted::Late;
            }
        }
        self.newest = Some(fix);
        if fix.accuracy.is_some_and(|accuracy| accuracy > COARSEST_M) {
            return Accepted::Coarse;
        }
        let follows = |earlier: &Option<Fix>| earlier.as_ref().is_some_and(|earlier| !is_jump(earlier, &fix));
        if self.live.is_none() || follows(&self.live) || follows(&self.suspect) {
            self.live = Some(fix);
            self.suspect = None;
            return Accepted::Live;
        }
        self.suspect = Some(fix);
        Accepted::Suspect
    }
}

/// A receiver without a fix says 0, 0, and claims no accuracy; somebody who is really there does.
#[must_use]
pub fn is_nowhere(fix: &Fix) -> bool {
    is_null_island(fix.position) && fix.accuracy.is_none_or(|accuracy| accuracy == 0.0)
}

fn is_null_island(position: LatLon) -> bool {
    position.lat().abs() < NULL_ISLAND_DEG && position.lon().abs() < NULL_ISLAND_DEG
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds between two fixes are far below 2^53")]
fn is_jump(earlier: &Fix, later: &Fix) -> bool {
    let reach = JUMP_M_PER_S * later.t.since(earlier.t).max(SHORTEST_MS) as f64 / 1e3;
    let (from, to) = (earlier.position, later.position);
    // No degree is longer than 112 km: this spares nearly every fix the trigonometry.
    let at_most = ((to.lat() - from.lat()).abs() + (to.lon() - from.lon()).abs()) * 112_000.0;
    at_most > reach && metres_between(from, to) > reach
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{FixFields, UnixMs};

    const T0: i64 = 1_800_000_000_000;

    fn fix(seconds: f64, north_m: f64) -> Fix {
        #[expect(clippy::cast_possible_truncation, reason = "test times are small")]
        let t = T0 + (seconds * 1e3) as i64;
        let fields = FixFields { lat: 40.76 + north_m / 111_195.0, lon: -73.97, t, ..FixFields::default() };
        Fix::recorded(&fields, UnixMs(t)).unwrap()
    }

    #[test]
    fn a_walk_is_live_from_its_first_fix() {
        let mut track = Track::default();
        for second in 0..5 {
            let now = fix(f64::from(second), f64::from(second) * 1.4);
            assert_eq!(track.accept(now), Accepted::Live);
            assert_eq!((track.newest, track.live, track.suspect), (Some(now), Some(now), None));
        }
    }

    #[test]
    fn a_jump_that_nothing_confirms_never_becomes_live() {
        let mut track = Track::default();
        track.accept(fix(0.0, 0.0));
        assert_eq!(track.accept(fix(10.0, 5_000.0)), Accepted::Suspect);
        assert_eq!(track.live, Some(fix(0.0, 0.0)));
        assert_eq!(track.accept(fix(20.0, 10.0)), Accepted::Live);
        assert_eq!((track.live, track.suspect), (Some(fix(20.0, 10.0)), None));
    }

    #[test]
    fn a_confirmed_jump_makes_the_confirming_fix_live() {
        let mut track = Track::default();
        track.accept(fix(0.0, 0.0));
        assert_eq!(track.accept(fix(10.0, 50_000.0)), Accepted::Suspect);
        assert_eq!(track.accept(fix(11.0, 50_005.0)), Accepted::Live);
        assert_eq!(track.live, Some(fix(11.0, 50_005.0)));
    }

    #[test]
    fn jumps_that_contradict_each_other_stay_suspect() {
        let mut track = Track::default();
        track.accept(fix(0.0, 0.0));
        assert_eq!(track.accept(fix(1.0, 50_000.0)), Accepted::Suspect);
        assert_eq!(track.accept(fix(2.0, -50_000.0)), Accepted::Suspect);
        assert_eq!(track.suspect, Some(fix(2.0, -50_000.0)));
        assert_eq!(track.live, Some(fix(0.0, 0.0)));
    }

    #[test]
    fn exactly_100_metres_a_second_is_no_jump_and_noise_at_ten_fixes_a_second_is_none() {
        let mut track = Track::default();
        track.accept(fix(0.0, 0.0));
        assert_eq!(track.accept(fix(10.0, 999.0)), Accepted::Live);
        assert_eq!(track.accept(fix(20.0, 2_001.0)), Accepted::Suspect);
        let mut track = Track::default();
        track.accept(fix(0.0, 0.0));
        assert_eq!(track.accept(fix(0.1, 25.0)), Accepted::Live);
    }

    #[test]
    fn late_and_repeated_fixes_move_nothing() {
        let mut track = Track::default();
        track.accept(fix(10.0, 0.0));
        let before = track.clone();
        assert_eq!(track.accept(fix(9.9, 1.0)), Accepted::Late);
        assert_eq!(track.accept(fix(10.0, 0.0)), Accepted::Duplicate);
        assert_eq!(track.accept(fix(10.0, 40.0)), Accepted::Duplicate);
        assert_eq!(track, before);
    }

    #[test]
    fn a_coarse_fix_is_newest_but_not_live() {
        let mut track = Track::default();
        track.accept(fix(0.0, 0.0));
        let coarse = Fix { accuracy: Some(200.1), ..fix(5.0, 20.0) };
        assert_eq!(track.accept(coarse), Accepted::Coarse);
        assert_eq!((track.newest, track.live), (Some(coarse), Some(fix(0.0, 0.0))));
        assert_eq!(track.accept(Fix { accuracy: Some(200.0), ..fix(6.0, 20.0) }), Accepted::Live);
    }

    #[test]
    fn a_receiver_without_a_position_is_not_in_the_gulf_of_guinea() {
        let mut track = Track::default();
        let nowhere = Fix { position: LatLon::new(0.0, 0.0).unwrap(), ..fix(0.0, 0.0) };
        assert_eq!(track.accept(nowhere), Accepted::NullIsland);
        assert_eq!(track, Track::default());
    }
}
