//! Which fix brought two friends near each other: known exactly, because the generator knows what it sent.
use std::collections::{HashMap, HashSet, VecDeque};

/// How many of a person's newest fixes are remembered.
const REMEMBERED: usize = 32;
/// The protocol's sphere, metres.
const EARTH_RADIUS_M: f64 = 6_371_008.8;
/// Two fixes on two connections may arrive in the other order; people move far less than this meanwhile, metres.
const ORDER_MARGIN_M: f64 = 1.0;
/// An availability this old has surely been heard by the server, milliseconds.
const SETTLED_MS: u64 = 1_000;

/// A fix as it was sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// The moment it was meant to be sent, milliseconds since the run began.
    pub ms: u64,
    /// Latitude, degrees · 10⁷.
    pub lat_e7: i32,
    /// Longitude, degrees · 10⁷.
    pub lon_e7: i32,
}

impl Sent {
    /// A place at a moment.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "180 · 10⁷ fits in 31 bits")]
    pub fn of(ms: u64, lat: f64, lon: f64) -> Self {
        Self { ms, lat_e7: (lat * 1e7).round() as i32, lon_e7: (lon * 1e7).round() as i32 }
    }
}

/// Great-circle distance between two fixes, metres.
#[must_use]
pub fn metres_between(a: &Sent, b: &Sent) -> f64 {
    let radians = |e7: i32| (f64::from(e7) / 1e7).to_radians();
    let (lat_a, lat_b) = (radians(a.lat_e7), radians(b.lat_e7));
    let half_lat = ((lat_b - lat_a) / 2.0).sin();
    let half_lon = ((radians(b.lon_e7) - radians(a.lon_e7)) / 2.0).sin();
    2.0 * EARTH_RADIUS_M * (half_lat * half_lat + lat_a.cos() * lat_b.cos() * half_lon * half_lon).sqrt().asin()
}

/// A person's newest fixes, and since when the person has been free.
#[derive(Debug, Default)]
pub struct Trail {
    ring: VecDeque<Sent>,
    forgotten: bool,
    /// When the person was last said to be free; `None` while busy.
    pub free_since_ms: Option<u64>,
}

impl Trail {
    /// Remembers a fix.
    pub fn push(&mut self, sent: Sent) {
        if self.ring.len() == REMEMBERED {
            self.ring.pop_front();
            self.forgotten = true;
        }
        self.ring.push_back(sent);
    }
}

/// Why two people were announced to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The fix meant for this moment was the first that put them within the radius.
    Fix(u64),
    /// They were within it already, and this is when the second of them became free.
    BecameFree(u64),
    /// They have not been within the radius, but within what the protocol tolerates.
    Early,
    /// They have been farther apart than may be announced.
    TooFar,
    /// It happened before the oldest fix remembered.
    Unknown,
}

/// Finds the first fix, of those remembered, that put two people within `radius` metres of each other.
#[must_use]
pub fn cause(a: &Trail, b: &Trail, radius: f64) -> Cause {
    let mut steps: Vec<(&Sent, bool)> =
        a.ring.iter().map(|sent| (sent, true)).chain(b.ring.iter().map(|sent| (sent, false))).collect();
    steps.sort_by_key(|(sent, _)| sent.ms);
    let (mut last_a, mut last_b) = (None, None);
    let mut nearest = f64::INFINITY;
    let mut first_step = true;
    for (sent, of_a) in steps {
        *(if of_a { &mut last_a } else { &mut last_b }) = Some(sent);
        let (Some(at_a), Some(at_b)) = (last_a, last_b) else { continue };
        let metres = metres_between(at_a, at_b);
        nearest = nearest.min(metres);
        if metres <= radius {
            let freed = a.free_since_ms.max(b.free_since_ms).unwrap_or(0);
            // When the first comparison is already near, it is the cause only if it was somebody's very first fix.
            let known = !first_step || !(if of_a { a } else { b }).forgotten;
            return match (freed > sent.ms, known) {
                (true, _) => Cause::BecameFree(freed),
                (false, true) => Cause::Fix(sent.ms),
                (false, false) => Cause::Unknown,
            };
        }
        first_step = false;
    }
    if nearest <= radius + (radius / 10.0).max(50.0) + ORDER_MARGIN_M { Cause::Early } else { Cause::TooFar }
}

/// Two people, the smaller number first.
type Pair = (u32, u32);

/// Who heard of whom, and, when checking, who ought to have.
#[derive(Debug, Default)]
pub struct Meetings {
    heard: HashMap<Pair, [u32; 2]>,
    waiting: VecDeque<(u64, Pair)>,
    seen: HashSet<Pair>,
    due: HashSet<Pair>,
}

impl Meetings {
    /// `listener` heard that `other` is near.
    pub fn hear(&mut self, listener: u32, other: u32) {
        let heard = self.heard.entry((listener.min(other), listener.max(other))).or_default();
        let [low, high] = heard;
        *(if listener < other { low } else { high }) += 1;
    }

    /// Compares a person's new fix with all friends', by brute force, and remembers who must be announced.
    pub fn check(&mut self, person: u32, friends: &[u32], radius: f64, trails: &[Trail]) {
        let trail_of = |person: u32| trails.get(person as usize);
        let Some((mine, here)) = trail_of(person).and_then(|trail| Some((trail, trail.ring.back()?))) else { return };
        let now = here.ms;
        let settled = |trail: &Trail| trail.free_since_ms.is_some_and(|since| since + SETTLED_MS <= now);
        if settled(mine) {
            for &friend in friends {
                let pair = (person.min(friend), person.max(friend));
                let Some((theirs, there)) = trail_of(friend).and_then(|trail| Some((trail, trail.ring.back()?))) else {
                    continue;
                };
                if settled(theirs) && metres_between(here, there) <= radius - ORDER_MARGIN_M && self.seen.insert(pair) {
                    self.waiting.push_back((now, pair));
                }
            }
        }
        self.decide(trails, now.saturating_sub(SETTLED_MS));
    }

    /// After the last fix, when the server has had its time: what still waits is decided.
    pub fn conclude(&mut self, trails: &[Trail]) {
        self.decide(trails, u64::MAX);
    }

    /// Who is still free a second later was free in the server's eyes too when the fix came.
    fn decide(&mut self, trails: &[Trail], up_to_ms: u64) {
        while let Some((ms, pair)) = self.waiting.pop_front_if(|(ms, _)| *ms <= up_to_ms) {
            let stayed = |person: u32| {
                trails.get(person as usize).is_some_and(|trail| trail.free_since_ms.is_some_and(|since| since <= ms))
            };
            if stayed(pair.0) && stayed(pair.1) {
                self.due.insert(pair);
            } else {
                self.seen.remove(&pair);
            }
        }
    }

    /// Pairs of whom anyone heard.
    #[must_use]
    pub fn pairs(&self) -> u64 {
        self.heard.len() as u64
    }

    /// Pairs of whom one side heard more often than the other.
    #[must_use]
    pub fn one_sided(&self) -> u64 {
        self.heard.values().filter(|[a, b]| a != b).count() as u64
    }

    /// Pairs that had to be announced.
    #[must_use]
    pub fn due(&self) -> u64 {
        self.due.len() as u64
    }

    /// Pairs that had to be announced and were not.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.due.iter().filter(|pair| !self.heard.contains_key(pair)).count() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1 m north is 89.93 · 10⁻⁷ degrees on the protocol's sphere.
    fn north(ms: u64, metres: f64) -> Sent {
        #[expect(clippy::cast_possible_truncation, reason = "a test's few kilometres")]
        let lat_e7 = 400_000_000 + (metres * 89.932) as i32;
        Sent { ms, lat_e7, lon_e7: -740_000_000 }
    }

    fn trail(fixes: &[(u64, f64)]) -> Trail {
        let mut trail = Trail { free_since_ms: Some(0), ..Trail::default() };
        fixes.iter().for_each(|&(ms, metres)| trail.push(north(ms, metres)));
        trail
    }

    #[test]
    fn distance_is_the_great_circle() {
        assert!((metres_between(&north(0, 0.0), &north(0, 500.0)) - 500.0).abs() < 0.1);
    }

    #[test]
    fn the_first_fix_within_the_radius_is_the_cause_whoever_sent_it() {
        let standing = trail(&[(0, 0.0), (200, 0.0), (400, 0.0)]);
        let coming = trail(&[(100, 520.0), (300, 499.0), (500, 480.0)]);
        assert_eq!(cause(&standing, &coming, 500.0), Cause::Fix(300));
        assert_eq!(cause(&coming, &standing, 500.0), Cause::Fix(300));
    }

    #[test]
    fn the_very_first_fix_can_be_the_cause_but_a_forgotten_one_cannot() {
        assert_eq!(cause(&trail(&[(0, 0.0)]), &trail(&[(70, 10.0), (170, 10.0)]), 500.0), Cause::Fix(70));
        let long: Vec<(u64, f64)> = (0..100).map(|i| (i * 100, 10.0)).collect();
        assert_eq!(cause(&trail(&long), &trail(&long), 500.0), Cause::Unknown);
    }

    #[test]
    fn people_who_were_near_and_became_free_are_not_counted_against_a_fix() {
        let mut freed = trail(&[(0, 0.0), (1_000, 0.0)]);
        freed.free_since_ms = Some(900);
        assert_eq!(cause(&freed, &trail(&[(50, 5.0), (1_050, 5.0)]), 500.0), Cause::BecameFree(900));
    }

    #[test]
    fn an_announcement_is_early_up_to_the_tolerance_and_wrong_beyond() {
        assert_eq!(cause(&trail(&[(0, 0.0)]), &trail(&[(0, 545.0)]), 500.0), Cause::Early);
        assert_eq!(cause(&trail(&[(0, 0.0)]), &trail(&[(0, 560.0)]), 500.0), Cause::TooFar);
        assert_eq!(cause(&trail(&[(0, 0.0)]), &Trail::default(), 500.0), Cause::TooFar);
    }

    #[test]
    fn a_meeting_of_which_nobody_hears_is_missed_and_one_of_which_one_hears_is_one_sided() {
        let mut trails = vec![trail(&[(2_000, 0.0)]), trail(&[(2_050, 400.0)]), trail(&[(2_000, 3_000.0)])];
        let mut meetings = Meetings::default();
        meetings.check(1, &[0, 2], 500.0, &trails);
        trails[0].push(north(3_100, 0.0));
        meetings.check(0, &[1, 2], 500.0, &trails);
        assert_eq!((meetings.due(), meetings.missed()), (1, 1));
        meetings.hear(1, 0);
        assert_eq!((meetings.missed(), meetings.pairs(), meetings.one_sided()), (0, 1, 1));
        meetings.hear(0, 1);
        assert_eq!(meetings.one_sided(), 0);
    }

    #[test]
    fn who_goes_busy_at_that_moment_need_not_be_announced() {
        let mut trails = vec![trail(&[(2_000, 0.0)]), trail(&[(2_050, 400.0)])];
        let mut meetings = Meetings::default();
        meetings.check(1, &[0], 500.0, &trails);
        trails[1].free_since_ms = None;
        trails[0].push(north(3_100, 0.0));
        meetings.check(0, &[1], 500.0, &trails);
        assert_eq!(meetings.due(), 0);
    }
}
