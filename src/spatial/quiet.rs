//! Quiet: what a phone is promised, and what is known of how it keeps to it.
//!
//! A phone is handed a zone around its last accepted fix and need not report inside it until the lease ends. Three things
//! follow from it, each by one rule.
//!
//! **Nothing is missed.** For a pair with `room` metres to spare between the last fixes of both (far: d − R, near: L − d, see
//! [`super::quiet_zone`]) each of the two may be promised at most half of it. Then wherever both are in their zones they are
//! not within R (not beyond L). A fix that leaves somebody else more than half of the room that is left does not change
//! anything by itself: that phone is *asked* (radius 0), and answers with a fix. Until then it may be anywhere in its zone, so
//! nothing is announced and nothing ended that could be otherwise there ([`super::world::World`]'s `judge`). What is promised is larger than what is
//! told, by the way a phone goes before it notices and by its noise ([`reserve_m`]).
//!
//! **Nobody learns what they are not shown.** The radius, and whether a phone is asked, follow from its own fixes and from the points, speeds,
//! freedom and radii of friends as they are shown to it, and from nothing else: no disc, no zone of a friend and no stranger has a say.
//! So somebody who gives a false position again and again learns distances to points that the map shows anyway. Beside a friend who is
//! shown by a cell that point is the cell's centre. Who keeps back from anybody where they are (shows a cell, or nothing) has no zone: when
//! and for how long they are silent would tell where in the cell they stand. And beside them even those who see them exactly have zones
//! that follow their cell alone, because friends of both see when *those* report. Who hides, is busy or stale is no part of it and shrinks
//! nobody's zone; when somebody stops being part of it for whichever of these reasons, friends' zones grow in the same way and at the
//! same time. What remains: when somebody reports is seen by those who are shown it, and tells roughly how large their zone was, which
//! is half of the way to the nearest free friend of theirs, whoever that is; radii come in few sizes. `tests/spatial_oracle/privacy.rs`
//! replaces what must not matter and compares everything.
//!
//! **Who does not keep quiet is served as before.** A phone has to show that it obeys: by silence, and by speaking when it is
//! due ([`Attention::hear`]). Until it did, its last fix decides for a minute, as for everybody. One that keeps talking inside its zone is
//! told that there is none, and left in peace for a while.
use super::facts::Live;
use crate::domain::{UnixMs, UserNo};

/// The numbers of quiet zones.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QuietRules {
    /// How long a phone may keep quiet, milliseconds.
    pub lease_ms: i64,
    /// How much later than that its report may come, milliseconds.
    pub grace_ms: i64,
    /// The largest radius, metres.
    pub largest_m: f64,
    /// The largest radius for somebody who stands still and may meet somebody, metres. Who does not move needs no more, and friends who pass by
    /// ask less often.
    pub still_m: f64,
    /// Below this radius, metres, no zone is given.
    pub smallest_m: f64,
    /// How long a phone that was asked has time to answer, milliseconds.
    pub answer_ms: i64,
    /// A phone that was silent for so long is taken to keep quiet, milliseconds. Longer than the usual 30 s between reports.
    pub silent_ms: i64,
    /// How often a minute one phone is asked, at most.
    pub asks_per_minute: u32,
    /// How often a second anybody is asked, at most.
    pub asks_per_second: u32,
}

impl Default for QuietRules {
    fn default() -> Self {
        Self {
            lease_ms: 1_800_000,
            grace_ms: 30_000,
            largest_m: 5_000.0,
            still_m: 250.0,
            smallest_m: 25.0,
            answer_ms: 30_000,
            silent_ms: 60_000,
            asks_per_minute: 6,
            asks_per_second: 500,
        }
    }
}

/// What a phone is told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quiet {
    /// Metres from its last accepted fix; 0: report now.
    pub radius_m: f64,
    /// Until when. A time that has come: there is no zone.
    pub until: UnixMs,
}

/// Something for one person's phone. Of several the latest counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Told {
    /// Whose phone.
    pub no: UserNo,
    /// What.
    pub quiet: Quiet,
}

/// How many of what so far, but for `zones`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QuietCounts {
    /// Zones that hold now.
    pub zones: u64,
    /// Zones given or made larger.
    pub given: u64,
    /// Phones asked for a fix.
    pub asked: u64,
    /// Of these, for which one came in time.
    pub answered: u64,
    /// Of these, for which none did.
    pub unanswered: u64,
    /// Zones that ran out without a report.
    pub run_out: u64,
    /// Zones taken back because the phone kept reporting.
    pub ignored: u64,
}

/// How far somebody goes before a phone has noticed, seconds: between two fixes of its own, and on the way here.
const NOTICE_S: f64 = 5.0;
/// Nobody is taken to be slower, m/s: who stands may begin to walk.
const WALK_M_S: f64 = 2.5;
/// Nor faster than this: that phone should ask its receiver more often.
const FASTEST_M_S: f64 = 40.0;
/// Below this speed somebody stands still, m/s.
const STILL_M_S: f64 = 0.7;
/// The accuracy of a phone that says none, metres.
const USUAL_ACCURACY_M: f64 = 10.0;
/// Two deviations of each axis over the radius that 68 of 100 errors keep (scale.md, 1.2): by so much a phone may take a
/// place inside to be outside.
const TWO_DEVIATIONS: f64 = 2.0 / 1.51;

/// By how much more than it is told a phone is promised, metres.
pub(super) fn reserve_m(live: &Live) -> f64 {
    let speed = live.speed.map_or(WALK_M_S, f64::from).clamp(WALK_M_S, FASTEST_M_S);
    let accuracy = live.accuracy.map_or(USUAL_ACCURACY_M, f64::from).max(0.0);
    speed * NOTICE_S + accuracy * TWO_DEVIATIONS
}

/// True when the fix says that somebody stands.
pub(super) fn is_still(live: &Live) -> bool {
    live.speed.is_some_and(|speed| f64::from(speed) < STILL_M_S)
}

impl QuietRules {
    /// The largest of the radii that are ever told and not beyond `metres`; `None` when that is too small. They go down from the largest
    /// by the root of two, so that what changes little changes nothing.
    pub(super) fn coarse(&self, metres: f64) -> Option<f64> {
        if metres >= self.largest_m {
            return Some(self.largest_m.floor());
        }
        if metres < self.smallest_m || metres < 1.0 {
            return None;
        }
        let steps = (2.0 * (self.largest_m / metres).log2()).ceil();
        let radius = (self.largest_m / (steps / 2.0).exp2()).floor();
        (radius >= self.smallest_m.floor() && radius <= metres && radius >= 1.0).then_some(radius)
    }

    /// What of `room_m` metres a person at `live` may be told, metres.
    pub(super) fn radius(&self, live: &Live, room_m: f64, may_meet: bool) -> Option<f64> {
        let most = if may_meet && is_still(live) { self.still_m.min(self.largest_m) } else { self.largest_m };
        self.coarse((room_m - reserve_m(live)).min(most))
    }
}

/// A zone that was given to a phone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Offer {
    pub(super) quiet: Quiet,
    /// How far from the fix the person may be, metres: [`reserve_m`] more than the radius.
    pub(super) reach_m: f64,
    /// When the phone was told.
    pub(super) told: UnixMs,
    /// The friend who kept it from being larger.
    pub(super) bound_by: Option<UserNo>,
}

/// A phone that can be told, and what is known of it.
#[derive(Clone, Debug)]
pub(super) struct Attention {
    pub(super) offer: Option<Offer>,
    /// It was asked for a fix and has not answered. The offer still tells how far away it may be.
    pub(super) asked: Option<UnixMs>,
    /// When it last reported.
    pub(super) heard: UnixMs,
    /// It has been seen to keep quiet and to speak when it should.
    pub(super) proven: bool,
    /// Availability changed then: phones report with it.
    pub(super) flipped: UnixMs,
    /// It was told of a zone, and of no end since.
    pub(super) believes: bool,
    /// How often it has spoken too early since it last did as it should.
    early: u8,
    pause_ms: i64,
    purse: Purse,
}

/// What a report asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hearing {
    /// A zone, if there is room.
    Offer,
    /// None before this time: the phone is served as if there were no zones.
    Pause(UnixMs),
}

/// A zone just told may cross with a fix on its way, milliseconds.
const CROSSING_MS: i64 = 5_000;
/// Two fixes closer than this are of a phone that keeps talking, milliseconds.
const CHATTER_MS: i64 = 2_000;
/// So much before its end a zone may be renewed, milliseconds.
const RENEWAL_MS: i64 = 120_000;
/// A change of availability explains a report for so long, milliseconds.
const FLIP_MS: i64 = 15_000;
/// From so much of the radius on a fix counts as having left.
const LEFT: f64 = 0.9;
/// So often may a phone that obeys speak too early: somebody opens the app.
const EARLY: u8 = 4;
/// How long a phone that keeps talking is left in peace at first, and at most, milliseconds.
const PAUSE_MS: (i64, i64) = (300_000, 2_400_000);

impl Attention {
    pub(super) const fn new() -> Self {
        Self {
            offer: None,
            asked: None,
            heard: UnixMs(i64::MIN),
            proven: false,
            flipped: UnixMs(i64::MIN),
            believes: false,
            early: 0,
            pause_ms: PAUSE_MS.0,
            purse: Purse::FULL,
        }
    }

    /// A zone that holds, and of which the phone was asked nothing.
    pub(super) fn holds(&self) -> Option<&Offer> {
        self.offer.as_ref().filter(|_| self.asked.is_none())
    }

    /// Takes a report `metres` from the last one in: what was promised is over.
    pub(super) fn hear(&mut self, metres: f64, now: UnixMs, rules: &QuietRules) -> Hearing {
        let since = now.since(self.heard);
        self.heard = now;
        let (offer, asked) = (self.offer.take(), self.asked.take());
        let chatters = !self.proven && since < CHATTER_MS;
        let Some(offer) = offer else {
            return if chatters { self.pause(now) } else { Hearing::Offer };
        };
        let silent = since >= rules.silent_ms;
        let due = asked.is_some()
            || metres >= LEFT * offer.quiet.radius_m
            || now.since(offer.quiet.until) >= -RENEWAL_MS
            || now.since(self.flipped) < FLIP_MS;
        if due {
            if silent {
                (self.proven, self.early, self.pause_ms) = (true, 0, PAUSE_MS.0);
            }
            return Hearing::Offer;
        }
        if silent || (now.since(offer.told) < CROSSING_MS && !chatters) {
            return Hearing::Offer;
        }
        self.early = self.early.saturating_add(1);
        if self.proven && self.early < EARLY { Hearing::Offer } else { self.pause(now) }
    }

    /// Nothing is promised for a while, each time for longer.
    pub(super) fn pause(&mut self, now: UnixMs) -> Hearing {
        (self.proven, self.early) = (false, 0);
        let until = now + self.pause_ms;
        self.pause_ms = self.pause_ms.saturating_mul(2).min(PAUSE_MS.1);
        Hearing::Pause(until)
    }

    /// How far from the last fix the person may be without having done other than asked, metres. 0 for a phone that has not
    /// shown yet that it keeps quiet: its last fix counts, as always. Within seconds nobody gets far.
    pub(super) fn leeway_m(&self, live: &Live, now: UnixMs, rules: &QuietRules) -> f64 {
        let Some(offer) = &self.offer else { return 0.0 };
        let age = now.since(self.heard);
        if !self.proven && age < rules.silent_ms {
            return 0.0;
        }
        if age > 10_000 {
            return offer.reach_m;
        }
        let speed = (2.0 * live.speed.map_or(0.0, f64::from)).max(10.0);
        #[expect(clippy::cast_precision_loss, reason = "seconds")]
        let seconds = age.max(0) as f64 / 1e3;
        offer.reach_m.min(seconds * speed)
    }

    /// Takes the right to ask once; else when there will be one.
    pub(super) fn spend(&mut self, now: UnixMs, rules: &QuietRules) -> Result<(), UnixMs> {
        self.purse.spend(now, f64::from(rules.asks_per_minute), 60_000.0)
    }
}

/// So many in a time, and no more at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Purse {
    /// What is in it; negative: nothing was ever taken, and it is full.
    coins: f64,
    counted: UnixMs,
}

impl Purse {
    pub(super) const FULL: Self = Self { coins: -1.0, counted: UnixMs(0) };

    /// Takes one of `most` in `ms` milliseconds; else when there will be one.
    pub(super) fn spend(&mut self, now: UnixMs, most: f64, ms: f64) -> Result<(), UnixMs> {
        let most = most.max(1.0);
        #[expect(clippy::cast_precision_loss, reason = "below 2^53")]
        let since = now.since(self.counted).max(0) as f64;
        self.coins = if self.coins < 0.0 { most } else { (self.coins + since * most / ms).min(most) };
        self.counted = now;
        if self.coins >= 1.0 {
            self.coins -= 1.0;
            return Ok(());
        }
        #[expect(clippy::cast_possible_truncation, reason = "at most a minute")]
        let wait = ((1.0 - self.coins) * ms / most).ceil() as i64;
        Err(now + wait.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::LatLon;

    const RULES: QuietRules = QuietRules {
        lease_ms: 1_800_000,
        grace_ms: 30_000,
        largest_m: 5_000.0,
        still_m: 500.0,
        smallest_m: 25.0,
        answer_ms: 30_000,
        silent_ms: 60_000,
        asks_per_minute: 6,
        asks_per_second: 500,
    };

    fn live(speed: Option<f32>) -> Live {
        Live { position: LatLon::ORIGIN, t: UnixMs(0), accuracy: Some(15.1), speed, heading: None }
    }

    fn given(attention: &mut Attention, radius_m: f64, now: i64) {
        let quiet = Quiet { radius_m, until: UnixMs(now) + RULES.lease_ms };
        attention.offer = Some(Offer { quiet, reach_m: radius_m + 30.0, told: UnixMs(now), bound_by: None });
    }

    #[test]
    fn radii_come_in_few_sizes_and_never_beyond_what_there_is_room_for() {
        let mut sizes = std::collections::BTreeSet::new();
        for tenth in 0..100_000 {
            let metres = f64::from(tenth) / 10.0;
            if let Some(radius) = RULES.coarse(metres) {
                assert!(radius <= metres && radius >= RULES.smallest_m, "{radius} of {metres}");
                assert!(metres >= 5_000.0 || radius * 1.5 > metres, "{radius} of {metres}");
                sizes.insert(radius as u32);
            } else {
                assert!(metres < 1.5 * RULES.smallest_m, "{metres}");
            }
        }
        assert_eq!((sizes.len(), sizes.last().copied()), (16, Some(5_000)));
        assert_eq!((RULES.coarse(f64::NAN), RULES.coarse(f64::INFINITY)), (None, Some(5_000.0)));
    }

    #[test]
    fn the_promise_is_larger_than_the_radius_by_five_seconds_on_the_way_and_two_deviations() {
        assert!((reserve_m(&live(Some(20.0))) - 120.0).abs() < 0.1 && (reserve_m(&live(None)) - 32.5).abs() < 0.1);
        assert_eq!(RULES.radius(&live(Some(0.0)), 4_000.0, true), Some(441.0), "who stands needs no more");
        assert_eq!(RULES.radius(&live(Some(0.0)), f64::INFINITY, false), Some(5_000.0), "nobody will come by");
        assert_eq!(RULES.radius(&live(Some(1.4)), 4_000.0, true), Some(3_535.0));
    }

    #[test]
    fn a_phone_shows_that_it_obeys_by_silence_and_by_speaking_when_it_is_due() {
        let mut phone = Attention::new();
        assert_eq!(phone.hear(0.0, UnixMs(0), &RULES), Hearing::Offer);
        given(&mut phone, 500.0, 0);
        assert_eq!(phone.leeway_m(&live(None), UnixMs(59_999), &RULES), 0.0);
        assert_eq!(phone.leeway_m(&live(None), UnixMs(60_000), &RULES), 530.0);
        assert_eq!(phone.hear(510.0, UnixMs(70_000), &RULES), Hearing::Offer);
        assert!(phone.proven, "70 s of silence, then at the edge");
        given(&mut phone, 500.0, 70_000);
        assert_eq!(phone.leeway_m(&live(None), UnixMs(71_000), &RULES), 10.0, "seconds later it is not far");
        for second in 1..4 {
            assert_eq!(phone.hear(3.0, UnixMs(80_000 + second * 10_000), &RULES), Hearing::Offer, "the app is open");
            given(&mut phone, 500.0, 80_000 + second * 10_000);
        }
        assert!(matches!(phone.hear(3.0, UnixMs(120_000), &RULES), Hearing::Pause(_)));
    }

    #[test]
    fn a_phone_that_keeps_talking_is_left_in_peace_for_longer_and_longer() {
        let mut phone = Attention::new();
        let (mut now, mut pauses) = (0, Vec::new());
        for _ in 0..6 {
            assert_eq!(phone.hear(0.0, UnixMs(now), &RULES), Hearing::Offer);
            given(&mut phone, 500.0, now);
            now += 30_000;
            let Hearing::Pause(until) = phone.hear(1.0, UnixMs(now), &RULES) else { panic!("30 s later, inside") };
            pauses.push((until.0 - now) / 60_000);
            now = until.0;
        }
        assert_eq!(pauses, [5, 10, 20, 40, 40, 40]);
        let mut quick = Attention::new();
        assert_eq!(quick.hear(0.0, UnixMs(0), &RULES), Hearing::Offer);
        given(&mut quick, 500.0, 0);
        assert!(matches!(quick.hear(0.1, UnixMs(100), &RULES), Hearing::Pause(_)), "ten a second");
    }

    #[test]
    fn nobody_is_asked_more_often_than_was_set() {
        let mut phone = Attention::new();
        let granted = (0..600).filter(|second| phone.spend(UnixMs(second * 1_000), &RULES).is_ok()).count();
        assert!((60..=66).contains(&granted), "{granted} in ten minutes");
        let at = UnixMs(600_000);
        let next = loop {
            if let Err(next) = phone.spend(at, &RULES) {
                break next;
            }
        };
        assert!(phone.spend(next - 1, &RULES).is_err() && phone.spend(next, &RULES).is_ok());
    }
}
