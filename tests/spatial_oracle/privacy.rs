//! What somebody who is shown a cell can find out: the cell (security.md, 2.1 and P7).
use letshang::domain::{LatLon, Precision, Radius, UnixMs, UserNo};
use letshang::spatial::sphere::destination;
use letshang::spatial::{Event, Live, Nearby, Neighbour, Person, Quiet, QuietRules, Seen, Told, World};
use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::agreed::{CELL_HOLD, Square, square};
use crate::lives::{config, homes};
use crate::stage::{SETTINGS, START, live, place};

/// Who is shown by a cell.
const TARGET: UserNo = UserNo(0);
/// Who is shown the cell.
const VIEWER: UserNo = UserNo(1);
/// Another one who is shown the cell and plays along with the first.
const ACCOMPLICE: UserNo = UserNo(2);
/// A friend of all three, to whom the target is shown exactly.
const CONFIDANT: UserNo = UserNo(3);
const PEOPLE: u32 = 4;

/// Everything that the two who are shown a cell can get after one command.
#[derive(Clone, Debug, PartialEq)]
struct Answer {
    events: Vec<Event>,
    seen: [Option<Seen>; 2],
    nearby: Vec<Neighbour>,
    near_friends: Vec<UserNo>,
    /// The zones of both, and what their phones were told since the last question.
    quiet: [Option<Quiet>; 2],
    told: Vec<Told>,
    /// Until when the friend of all three is shown, which follows from what that phone may keep quiet about.
    confidant: Option<Quiet>,
}

/// A world of four friends, the target in it shown by `precision` to two of them.
struct Room {
    world: World,
    events: Vec<Event>,
}

impl Room {
    fn new(precision: Precision) -> Self {
        let mut room = Self { world: World::new(SETTINGS), events: Vec::new() };
        // Phones count as quiet at once: whatever zones do to announcements is seen.
        room.world.give_zones(QuietRules { silent_ms: 0, ..QuietRules::default() });
        for no in 0..PEOPLE {
            room.person(UserNo(no), 500.0, true, 0);
            room.world.heed(UserNo(no), true, UnixMs(0), &mut room.events);
        }
        for no in 0..PEOPLE {
            for other in no + 1..PEOPLE {
                room.befriend(UserNo(no), UserNo(other), precision, 0);
            }
        }
        room
    }

    fn befriend(&mut self, one: UserNo, other: UserNo, precision: Precision, now: i64) {
        for (owner, viewer) in [(one, other), (other, one)] {
            if owner == TARGET && viewer != CONFIDANT {
                self.world.share(owner, viewer, precision, UnixMs(now), &mut self.events);
            }
        }
        self.world.befriend(one, other, UnixMs(now), &mut self.events);
    }

    fn person(&mut self, no: UserNo, radius: f64, free: bool, now: i64) {
        let person = Person { radius: Radius::metres(radius).unwrap(), free, online: true, ..Person::default() };
        self.world.set_person(no, person, UnixMs(now), &mut self.events);
    }

    fn fix(&mut self, no: UserNo, there: LatLon, now: i64) {
        self.world.report(no, live(there, now, 0.0), UnixMs(now), &mut self.events);
    }

    fn answer(&mut self, asker: UserNo, query: &Nearby, now: i64) -> Answer {
        let concerns = |event: &Event| match *event {
            Event::Near { a, b, .. } | Event::Apart { a, b, .. } => {
                [VIEWER, ACCOMPLICE].iter().any(|no| [a, b].contains(no))
            }
        };
        let events = std::mem::take(&mut self.events).into_iter().filter(concerns).collect();
        let seen = [VIEWER, ACCOMPLICE].map(|viewer| self.world.seen(TARGET, viewer, UnixMs(now)));
        let nearby = self.world.nearby(asker, query, UnixMs(now));
        let near_friends = self.world.near_friends(asker);
        let quiet = [VIEWER, ACCOMPLICE].map(|no| self.world.quiet(no));
        let mut told = Vec::new();
        self.world.take_told(&mut told);
        told.retain(|told| [VIEWER, ACCOMPLICE, CONFIDANT].contains(&told.no));
        let confidant = self.world.quiet(CONFIDANT);
        Answer { events, seen, nearby, near_friends, quiet, told, confidant }
    }
}

/// What the adversary does between two answers.
#[derive(Clone, Copy, Debug)]
enum Trick {
    Teleport(UserNo, LatLon),
    Radius(UserNo, f64),
    /// Busy and free again by hand: the half hour does not hold.
    Again(UserNo),
    /// Unfriended, and taken back by the target on the same terms.
    Return(UserNo),
    Wait,
}

/// An adversary who sees only answers: closes in on the distance at which something flips, from ever new directions.
struct Adversary {
    random: StdRng,
    shown: LatLon,
    bearing: f64,
    /// Between these distances from the shown point something flips, as far as known.
    low: f64,
    high: f64,
    asked: u32,
}

impl Adversary {
    fn ask(&mut self, answer: &Answer) -> (Trick, UserNo, Nearby) {
        self.asked += 1;
        if let Some(seen) = answer.seen[0] {
            self.shown = seen.live.position;
        }
        let flipped = !answer.events.is_empty() || answer.nearby.iter().any(|found| found.user == TARGET);
        let tried = (self.low + self.high) / 2.0;
        if flipped {
            self.low = tried
        } else {
            self.high = tried
        };
        if self.high - self.low < 0.01 {
            (self.low, self.high) = (0.0, self.random.random_range(200.0..4_000.0));
            self.bearing = self.random.random_range(0.0..360.0);
        }
        let me = if self.asked.is_multiple_of(3) { ACCOMPLICE } else { VIEWER };
        let distance = (self.low + self.high) / 2.0;
        let trick = match self.asked % 11 {
            0 => Trick::Again(me),
            1 => Trick::Radius(me, self.random.random_range(50.0..3_000.0)),
            2 if self.asked.is_multiple_of(23) => Trick::Return(me),
            3 => Trick::Wait,
            _ => Trick::Teleport(me, destination(self.shown, self.bearing, distance).unwrap()),
        };
        let radius_m = if self.asked.is_multiple_of(2) { distance } else { 1e7 };
        let limit = if self.asked.is_multiple_of(5) { 1 } else { 10 };
        (trick, me, Nearby { radius_m, limit, free_only: self.asked.is_multiple_of(7) })
    }
}

fn play(room: &mut Room, trick: Trick, precision: Precision, now: i64) {
    match trick {
        Trick::Teleport(no, there) => room.fix(no, there, now),
        Trick::Radius(no, radius) => room.person(no, radius, true, now),
        Trick::Again(no) => {
            room.world.set_free(no, false, true, UnixMs(now), &mut room.events);
            room.world.set_free(no, true, true, UnixMs(now), &mut room.events);
        }
        Trick::Return(no) => {
            room.world.unfriend(TARGET, no, UnixMs(now), &mut room.events);
            room.befriend(no, TARGET, precision, now);
        }
        Trick::Wait => room.world.tick(UnixMs(now), &mut room.events),
    }
}

/// Where the target may stand in the cell: a lattice from edge to edge, corners included.
fn lattice(per_side: u32) -> Vec<(f64, f64)> {
    let part = |at: u32| f64::from(at) / f64::from(per_side - 1);
    (0..per_side).flat_map(|x| (0..per_side).map(move |y| (part(x), part(y)))).collect()
}

/// Puts `questions` to as many worlds as there are candidates. The first is the true one and steers the adversary; whichever
/// answers otherwise is ruled out. Returns how many are left.
fn candidates_left(cell: Square, precision: Precision, questions: u32, seed: u64) -> usize {
    let mut random = StdRng::seed_from_u64(seed);
    let mut points = lattice(7);
    let truth = random.random_range(0..points.len());
    points.swap(0, truth);
    let mut rooms: Vec<((f64, f64), Room)> = points.into_iter().map(|point| (point, Room::new(precision))).collect();
    let random = StdRng::seed_from_u64(seed + 1);
    let mut adversary = Adversary { random, shown: cell.centre(), bearing: 10.0, low: 0.0, high: 3_000.0, asked: 0 };
    let mut noise = StdRng::seed_from_u64(seed + 2);
    let mut now = START;
    let mut next = (Trick::Wait, VIEWER, Nearby { radius_m: 1e9, limit: 10, free_only: false });
    for question in 0..questions {
        now += 1_000;
        let (trick, me, query) = next;
        // The target's phone wavers by a tenth of the cell around where it lies: something to average over.
        let shake = (question % 4 == 0).then(|| (noise.random_range(-0.1..0.1), noise.random_range(-0.1..0.1)));
        let mut first: Option<Answer> = None;
        rooms.retain_mut(|((east, north), room)| {
            if let Some((x, y)) = shake {
                let within = |part: f64| part.clamp(0.0, 1.0);
                room.fix(TARGET, cell.point(within(*east + x), within(*north + y)), now);
                room.fix(CONFIDANT, cell.point(0.5, (f64::from(question) / 300.0).sin().abs()), now);
            }
            play(room, trick, precision, now);
            let answer = room.answer(me, &query, now);
            match &first {
                None => first = Some(answer),
                Some(first) => return answer == *first,
            }
            true
        });
        if let Some(answer) = first {
            next = adversary.ask(&answer);
        }
    }
    rooms.len()
}

#[test]
fn ten_thousand_questions_by_two_who_teleport_tell_no_more_than_the_cell() {
    for (seed, home) in [(1, (52.52, 13.41)), (2, (-16.8, 179.999)), (3, (0.004, -0.001))] {
        let cell = square(place(home.0, home.1));
        let questions = if seed == 1 { 10_000 } else { 1_500 };
        assert_eq!(candidates_left(cell, Precision::Approximate, questions, seed), 49, "at {home:?}");
    }
    for pole in [90.0, -90.0] {
        assert_eq!(candidates_left(square(place(pole, 0.0)), Precision::Approximate, 1_000, 9), 49);
    }
}

#[test]
fn the_same_adversary_finds_at_once_who_is_shown_exactly() {
    let cell = square(place(52.52, 13.41));
    assert_eq!(candidates_left(cell, Precision::Exact, 200, 1), 1);
}

/// Where in a cell the target stands (parts of it eastward and northward), and what else the phone says: accuracy, course.
type Stance = ((f64, f64), f64, f64);

/// One thing that happens in both of two worlds; only the target's stance may differ.
#[derive(Clone, Debug)]
enum Deed {
    /// Into the cell that far away in that direction, at one part of it or at another.
    Target {
        bearing: f64,
        metres: f64,
        one: Stance,
        other: Stance,
    },
    Other {
        who: u32,
        bearing: f64,
        metres: f64,
        acc: f64,
    },
    Person {
        who: u32,
        radius: f64,
        free: bool,
        hidden: bool,
        only_free: bool,
    },
    Nap {
        who: u32,
    },
    ShareBack {
        who: u32,
        precision: Precision,
    },
    Pause {
        viewer: u32,
        off: bool,
    },
    Unfriend {
        who: u32,
    },
    Tick,
}

fn deed() -> impl Strategy<Value = Deed> {
    let bearing = || 0.0..360.0f64;
    let part = || ((0.0..=1.0f64, 0.0..=1.0f64), prop_oneof![Just(0.0), 1.0..199.0f64], bearing());
    let radius = prop::sample::select(&[50.0, 500.0, 500.0, 1_700.0, 6_000.0][..]);
    let metres = || prop_oneof![3 => 0.0..1_500.0f64, 1 => 0.0..8_000.0f64];
    let back = prop::sample::select(&[Precision::Off, Precision::Approximate, Precision::Exact][..]);
    prop_oneof![
        10 => (bearing(), metres(), part(), part()).prop_map(|(bearing, metres, one, other)| Deed::Target { bearing, metres, one, other }),
        12 => (1..PEOPLE, bearing(), metres(), prop_oneof![Just(0.0), 1.0..700.0f64]).prop_map(|(who, bearing, metres, acc)| Deed::Other { who, bearing, metres, acc }),
        2 => (0..PEOPLE, radius, prop::bool::weighted(0.8), prop::bool::weighted(0.1), prop::bool::weighted(0.2)).prop_map(|(who, radius, free, hidden, only_free)| Deed::Person { who, radius, free, hidden, only_free }),
        2 => (0..PEOPLE).prop_map(|who| Deed::Nap { who }),
        2 => (1..PEOPLE, back).prop_map(|(who, precision)| Deed::ShareBack { who, precision }),
        1 => (1..3u32, prop::bool::weighted(0.3)).prop_map(|(viewer, off)| Deed::Pause { viewer, off }),
        1 => (1..PEOPLE).prop_map(|who| Deed::Unfriend { who }),
        2 => Just(Deed::Tick),
    ]
}

fn live_through(room: &mut Room, deed: &Deed, is_other: bool, home: LatLon, now: i64) {
    let at = UnixMs(now);
    match *deed {
        Deed::Target { bearing, metres, one, other } => {
            let ((east, north), acc, course) = if is_other { other } else { one };
            let there = square(destination(home, bearing, metres).unwrap()).point(east, north);
            let course = Some(course as f32);
            let live = Live { speed: course, heading: course, ..live(there, now, acc) };
            room.world.report(TARGET, live, at, &mut room.events);
        }
        Deed::Other { who, bearing, metres, acc } => {
            let there = destination(home, bearing, metres).unwrap();
            room.world.report(UserNo(who), live(there, now, acc), at, &mut room.events);
        }
        Deed::Person { who, radius, free, hidden, only_free } => {
            let person = Person { radius: Radius::metres(radius).unwrap(), free, online: true, hidden, only_free };
            room.world.set_person(UserNo(who), person, at, &mut room.events);
        }
        Deed::Nap { who } => {
            room.world.set_free(UserNo(who), false, true, at, &mut room.events);
            room.world.set_free(UserNo(who), true, true, at, &mut room.events);
        }
        Deed::ShareBack { who, precision } => room.world.share(UserNo(who), TARGET, precision, at, &mut room.events),
        Deed::Pause { viewer, off } => {
            let precision = if off { Precision::Off } else { Precision::Approximate };
            room.world.share(TARGET, UserNo(viewer), precision, at, &mut room.events);
        }
        Deed::Unfriend { who } => play(room, Trick::Return(UserNo(who)), Precision::Approximate, now),
        Deed::Tick => room.world.tick(at, &mut room.events),
    }
}

proptest! {
    #![proptest_config(config(300))]

    /// P7, metamorphic: every fix of the target replaced by another one in the same cell, at the same times.
    #[test]
    fn where_in_the_cell_somebody_stands_changes_nothing_for_those_who_are_shown_the_cell(
        home in homes(),
        deeds in prop::collection::vec((prop::sample::select(&[1i64, 1_000, 1_000, 30_000, 61_000, 300_000, 901_000][..]), deed()), 1..120),
    ) {
        let mut rooms = [Room::new(Precision::Approximate), Room::new(Precision::Approximate)];
        let mut now = START;
        for (at, (wait, deed)) in deeds.iter().enumerate() {
            now += wait;
            let asker = if at % 2 == 0 { VIEWER } else { ACCOMPLICE };
            let query = Nearby { radius_m: [700.0, 2_000.0, 1e9][at % 3], limit: 1 + at % 4, free_only: at % 5 == 0 };
            let mut answers = Vec::new();
            for (room, is_other) in rooms.iter_mut().zip([false, true]) {
                live_through(room, deed, is_other, home, now);
                answers.push(room.answer(asker, &query, now));
            }
            prop_assert_eq!(&answers[0], &answers[1], "{:?}", deed);
        }
    }
}

/// How often what a friend is shown changes while the target stands at an edge or corner of a cell and its phone wavers.
fn changes_beside(corner: LatLon, spread_m: f64) -> Vec<i64> {
    let mut room = Room::new(Precision::Approximate);
    let mut random = StdRng::seed_from_u64(5);
    let (mut before, mut changes) = (None, Vec::new());
    for second in 0..4 * 3_600 {
        let now = START + second * 1_000;
        let off = random.random_range(0.0..spread_m);
        room.fix(TARGET, destination(corner, random.random_range(0.0..360.0), off).unwrap(), now);
        let seen = room.world.seen(TARGET, VIEWER, UnixMs(now)).map(|seen| seen.live.position);
        if before != seen && before.is_some() {
            changes.push(now);
        }
        before = seen;
    }
    changes
}

#[test]
fn noise_at_an_edge_shows_at_most_one_change_in_a_hold_wherever_the_edge_is() {
    let cell = square(place(52.52, 13.41));
    let edges = [
        ("eastern edge", place((cell.south + cell.north) / 2.0, cell.east)),
        ("northern edge", place(cell.north, (cell.west + cell.east) / 2.0)),
        ("corner", place(cell.north, cell.east)),
        ("date line", place(-16.805, 180.0)),
        ("corner on the date line", place(-16.8, 180.0)),
        ("equator", place(0.0, 0.0)),
        ("edge of the polar cap", place(89.99, 20.0)),
        ("corner at the polar cap", place(89.99, 60.0)),
    ];
    for (name, edge) in edges {
        let changes = changes_beside(edge, 25.0);
        assert!(changes.len() >= 5, "{name}: shown are changes at {changes:?}");
        let gaps: Vec<i64> = changes.iter().zip(changes.iter().skip(1)).map(|(one, next)| next - one).collect();
        assert!(gaps.iter().all(|gap| *gap >= CELL_HOLD), "{name}: {gaps:?}");
    }
}

proptest! {
    #![proptest_config(config(300))]

    /// What a phone is told follows from what it is shown: a friend's friends, wherever they are, have no say in it, although they are
    /// what the friend's own zone ends before.
    #[test]
    fn where_strangers_are_changes_nothing_in_what_a_phone_is_told(
        home in homes(), still in any::<bool>(),
        deeds in prop::collection::vec((0..4u32, 0.0..360.0f64, prop_oneof![3 => 0.0..1_500.0f64, 1 => 0.0..8_000.0f64], 0.0..360.0f64, 0.0..8_000.0f64, 0..10u32), 1..100),
    ) {
        // 0 is asked about, 1 and 2 are friends of it and of each other, 3 is a friend of 1 and 2 and none of 0.
        let mut worlds = [0, 1].map(|_| {
            let mut world = World::new(SETTINGS);
            // Nobody is asked twice or given up: that, too, is seen from when they report.
            world.give_zones(QuietRules { silent_ms: 0, answer_ms: 1_000_000_000, ..QuietRules::default() });
            for no in 0..4 {
                let person = Person { radius: Radius::metres(50.0).unwrap(), free: true, ..Person::default() };
                world.set_person(UserNo(no), person, UnixMs(START), &mut Vec::new());
                world.heed(UserNo(no), true, UnixMs(START), &mut Vec::new());
            }
            for (a, b) in [(0, 1), (0, 2), (1, 2), (1, 3), (2, 3)] {
                world.befriend(UserNo(a), UserNo(b), UnixMs(START), &mut Vec::new());
            }
            world
        });
        let mut now = START;
        for (who, bearing, metres, other_bearing, other_metres, whim) in deeds {
            now += 7_000;
            let told = [0, 1].map(|at| {
                let world = &mut worlds[at];
                // The three never meet: when friends are announced depends on when they answer.
                let there = match (who, at) {
                    (0, _) => destination(home, bearing, metres / 30.0),
                    (3, 1) => destination(home, other_bearing, other_metres),
                    (3, _) => destination(home, bearing, metres),
                    (who, _) => destination(home, 180.0 * f64::from(who) + bearing / 4.0, 700.0 + metres),
                };
                // Who keeps quiet and stands leaves others more room: whether they do is seen from when they report, and left out here.
                let speed = Some(if still && who == 0 { 0.0 } else { 1.4 });
                let live = Live { speed, ..live(there.unwrap(), now, 5.0) };
                world.report(UserNo(who), live, UnixMs(now), &mut Vec::new());
                if whim == 0 {
                    world.set_free(UserNo(who), false, true, UnixMs(now), &mut Vec::new());
                    world.set_free(UserNo(who), true, true, UnixMs(now), &mut Vec::new());
                }
                let mut told = Vec::new();
                world.take_told(&mut told);
                told.retain(|told| told.no == UserNo(0));
                told
            });
            prop_assert_eq!(&told[0], &told[1]);
        }
    }
}
