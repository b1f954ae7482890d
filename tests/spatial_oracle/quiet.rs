//! Phones that keep quiet: random lives in which the server sees only what phones must say, held to where people truly are; and phones
//! that do not keep quiet, held to what they hear without zones.
use letshang::domain::{LatLon, Precision, Radius, UnixMs, UserNo};
use letshang::spatial::sphere::destination;
use letshang::spatial::{Event, Live, Person, QuietRules, Told, World};
use proptest::prelude::*;

use crate::lives::{config, homes};
use crate::oracle::{haversine, tau};
use crate::stage::{SETTINGS, START, place};

const PEOPLE: u32 = 6;
const RADII: [f64; 5] = [50.0, 120.0, 500.0, 500.0, 1_700.0];
/// Whoever is silent at all keeps quiet: the phones of these lives do.
const RULES: QuietRules = QuietRules {
    lease_ms: 1_800_000,
    grace_ms: 30_000,
    largest_m: 5_000.0,
    still_m: 250.0,
    smallest_m: 25.0,
    answer_ms: 30_000,
    silent_ms: 0,
    asks_per_minute: 60,
    asks_per_second: 1_000,
};

/// A phone as the protocol describes it, with a receiver that never errs and always looks.
#[derive(Clone, Debug)]
struct Phone {
    true_place: LatLon,
    reported: LatLon,
    zone: Option<(f64, i64)>,
    asked: bool,
    dead: bool,
    speed: Option<f32>,
}

#[derive(Clone, Debug)]
enum Deed {
    Walk {
        who: u32,
        bearing: f64,
        metres: f64,
    },
    Beside {
        who: u32,
        whom: u32,
        bearing: f64,
        metres: f64,
    },
    /// Near where the other one last was for all the server knows.
    Haunt {
        who: u32,
        whom: u32,
        bearing: f64,
        metres: f64,
    },
    Free {
        who: u32,
        free: bool,
    },
    Nap {
        who: u32,
    },
    Hide {
        who: u32,
        hidden: bool,
    },
    Radius {
        who: u32,
        radius: f64,
    },
    Share {
        who: u32,
        whom: u32,
        precision: Precision,
    },
    Friends {
        who: u32,
        whom: u32,
        yes: bool,
    },
    Dead {
        who: u32,
        dead: bool,
    },
    /// A fix that counts for nothing.
    Astray {
        who: u32,
    },
    BackAgain {
        who: u32,
    },
    Wait,
}

fn deed() -> impl Strategy<Value = Deed> {
    let who = || 0..PEOPLE;
    let bearing = || 0.0..360.0f64;
    let way = prop_oneof![3 => 0.0..150.0f64, 3 => 0.0..1_500.0f64, 1 => 0.0..9_000.0f64];
    let gap = prop_oneof![2 => 0.0..900.0f64, 1 => 400.0..1_500.0f64, 1 => prop::sample::select(&[499.9, 500.1, 551.0, 674.9, 675.1][..])];
    let precision =
        prop_oneof![1 => Just(Precision::Off), 2 => Just(Precision::Approximate), 4 => Just(Precision::Exact)];
    prop_oneof![
        16 => (who(), bearing(), way).prop_map(|(who, bearing, metres)| Deed::Walk { who, bearing, metres }),
        6 => (who(), who(), bearing(), gap).prop_map(|(who, whom, bearing, metres)| Deed::Beside { who, whom, bearing, metres }),
        4 => (who(), who(), bearing(), 0.0..600.0f64).prop_map(|(who, whom, bearing, metres)| Deed::Haunt { who, whom, bearing, metres }),
        3 => (who(), any::<bool>()).prop_map(|(who, free)| Deed::Free { who, free }),
        2 => who().prop_map(|who| Deed::Nap { who }),
        2 => (who(), prop::bool::weighted(0.3)).prop_map(|(who, hidden)| Deed::Hide { who, hidden }),
        1 => (who(), prop::sample::select(&RADII[..])).prop_map(|(who, radius)| Deed::Radius { who, radius }),
        3 => (who(), who(), precision).prop_map(|(who, whom, precision)| Deed::Share { who, whom, precision }),
        1 => (who(), who(), prop::bool::weighted(0.7)).prop_map(|(who, whom, yes)| Deed::Friends { who, whom, yes }),
        3 => (who(), prop::bool::weighted(0.4)).prop_map(|(who, dead)| Deed::Dead { who, dead }),
        1 => who().prop_map(|who| Deed::Astray { who }),
        1 => who().prop_map(|who| Deed::BackAgain { who }),
        3 => Just(Deed::Wait),
    ]
}

struct Life {
    world: World,
    phones: Vec<Phone>,
    shared: std::collections::BTreeMap<(u32, u32), Precision>,
    now: i64,
    reports: u32,
    told: u32,
    near: u32,
}

impl Life {
    fn begin(home: LatLon, radii: &[f64], spread: f64, strangers: u32) -> Result<Self, String> {
        let mut world = World::new(SETTINGS);
        world.give_zones(RULES);
        let phone = |no: u32| {
            let there = destination(home, f64::from(no) * 61.0, spread * f64::from(no + 1)).unwrap();
            Phone {
                true_place: there,
                reported: there,
                zone: None,
                asked: false,
                dead: false,
                speed: [Some(0.0), None, Some(1.4), Some(0.0)][no as usize % 4],
            }
        };
        let phones = (0..PEOPLE).map(phone).collect();
        let mut life = Self { world, phones, shared: Default::default(), now: START, reports: 0, told: 0, near: 0 };
        let mut events = Vec::new();
        for no in 0..PEOPLE {
            // Until everybody has shown that they obey nobody may meet anybody.
            let person = Person {
                radius: Radius::metres(radii[no as usize]).unwrap(),
                free: false,
                online: true,
                ..Person::default()
            };
            life.world.set_person(UserNo(no), person, life.at(), &mut events);
            // Two of them have phones that cannot be told, and report every step.
            life.world.heed(UserNo(no), no % 3 != 1, life.at(), &mut events);
            for other in 0..no {
                if strangers >> ((no * 5 + other * 7) % 31) & 1 == 0 {
                    life.world.befriend(UserNo(other), UserNo(no), UnixMs(START), &mut events);
                }
            }
            life.report(no)?;
        }
        life.settle()?;
        life.now += 60_000;
        for no in 0..PEOPLE {
            let away = destination(life.phones[no as usize].true_place, 77.0, 6_000.0).unwrap();
            life.go(no, away)?;
        }
        life.now += 60_000;
        for no in 0..PEOPLE {
            life.command(|world, now, events| world.set_free(UserNo(no), true, false, now, events))?;
        }
        Ok(life)
    }

    fn at(&self) -> UnixMs {
        UnixMs(self.now)
    }

    /// A command, what it makes people hear, and what their phones do about what they are told.
    fn command(&mut self, command: impl FnOnce(&mut World, UnixMs, &mut Vec<Event>)) -> Result<(), String> {
        let mut events = Vec::new();
        command(&mut self.world, UnixMs(self.now), &mut events);
        self.judge(&events)?;
        self.settle()
    }

    fn report(&mut self, no: u32) -> Result<(), String> {
        let phone = &mut self.phones[no as usize];
        (phone.reported, phone.asked) = (phone.true_place, false);
        let live = Live {
            position: phone.true_place,
            t: UnixMs(self.now + i64::from(self.reports)),
            accuracy: Some(0.0),
            speed: phone.speed,
            heading: None,
        };
        self.reports += 1;
        let mut events = Vec::new();
        self.world.report(UserNo(no), live, UnixMs(self.now), &mut events);
        self.judge(&events)
    }

    /// Phones hear what they are told, and those that must report do, until nobody must.
    fn settle(&mut self) -> Result<(), String> {
        for _ in 0..200 {
            let mut told = Vec::new();
            self.world.take_told(&mut told);
            self.told += told.len() as u32;
            for Told { no, quiet } in told {
                let phone = &mut self.phones[no.index()];
                if quiet.radius_m <= 0.0 {
                    phone.asked = true;
                } else {
                    phone.zone = (quiet.until.0 > self.now).then_some((quiet.radius_m, quiet.until.0));
                }
            }
            let must = |phone: &Phone| {
                let moved = haversine(phone.reported, phone.true_place);
                let left = match phone.zone {
                    Some((radius, until)) => moved >= radius || self.now >= until,
                    None => moved > 0.0,
                };
                !phone.dead && (phone.asked || left)
            };
            let Some(no) = self.phones.iter().position(must) else { return self.check() };
            self.phones[no].zone = self.phones[no].zone.filter(|(_, until)| self.now < *until);
            self.report(no as u32)?;
        }
        Err("phones are asked for ever".to_owned())
    }

    fn go(&mut self, who: u32, there: LatLon) -> Result<(), String> {
        self.phones[who as usize].true_place = there;
        self.settle()
    }

    fn reach(&self, a: u32, b: u32) -> f64 {
        let radius = |no: u32| self.world.person(UserNo(no)).map_or(0.0, |person| person.radius.as_metres());
        radius(a).min(radius(b))
    }

    fn exactly(&self, a: u32, b: u32) -> bool {
        [(a, b), (b, a)].iter().all(|pair| self.shared.get(pair).is_none_or(|shared| shared.is_exact()))
    }

    fn judge(&mut self, events: &[Event]) -> Result<(), String> {
        for event in events {
            let Event::Near { a, b, .. } = *event else { continue };
            self.near += 1;
            let metres = haversine(self.phones[a.index()].true_place, self.phones[b.index()].true_place);
            let r = self.reach(a.0, b.0);
            // A dead phone is no obeying one; but as long as its owner does what it would allow, the promise holds.
            let vouched = [a, b].iter().all(|no| {
                let phone = &self.phones[no.index()];
                !phone.dead
                    || phone.zone.is_some_and(|(radius, _)| haversine(phone.reported, phone.true_place) <= radius)
            });
            if vouched && self.exactly(a.0, b.0) && metres > r + tau(r) + 0.01 {
                return Err(format!("{a:?} and {b:?} are announced and {metres} m apart, R is {r}"));
            }
        }
        Ok(())
    }

    /// Every phone that must has spoken: whoever is truly near is known to be.
    fn check(&self) -> Result<(), String> {
        for b in 0..PEOPLE {
            for a in 0..b {
                let (one, other) = (UserNo(a), UserNo(b));
                let able = |no: UserNo| {
                    self.world.person(no).is_some_and(|person| person.free && !person.hidden)
                        && !self.phones[no.index()].dead
                        && self.world.fresh(no, self.at()).is_some()
                };
                if !able(one) || !able(other) || !self.exactly(a, b) || !self.world.friends(one).contains(&other) {
                    continue;
                }
                let metres = haversine(self.phones[a as usize].true_place, self.phones[b as usize].true_place);
                let cooling =
                    self.world.announced_at(one, other).is_some_and(|at| self.now - at.0 < SETTINGS.announce_again_ms);
                if metres < self.reach(a, b) - 0.01 && !cooling && !self.world.is_near(one, other) {
                    return Err(format!(
                        "{a} and {b} are {metres} m apart and nobody heard it: {:?} {:?}; zones {:?} {:?}",
                        self.phones[a as usize],
                        self.phones[b as usize],
                        self.world.quiet(one),
                        self.world.quiet(other)
                    ));
                }
            }
        }
        for (no, phone) in (0u32..).zip(&self.phones) {
            // Whoever keeps back where they are says all of it: when they report would tell some of it.
            let keeps_back = self.shared.iter().any(|((owner, _), shared)| *owner == no && !shared.is_exact());
            if keeps_back && !phone.dead && phone.true_place != phone.reported {
                return Err(format!("{no} keeps something back and said nothing: {phone:?}"));
            }
        }
        Ok(())
    }

    fn live(&mut self, wait: i64, deed: &Deed) -> Result<(), String> {
        self.now += wait;
        self.command(|world, now, events| world.tick(now, events))?;
        match *deed {
            Deed::Walk { who, bearing, metres } => {
                let there = destination(self.phones[who as usize].true_place, bearing, metres).unwrap();
                self.go(who, there)
            }
            Deed::Beside { who, whom, bearing, metres } => {
                let there = destination(self.phones[whom as usize].true_place, bearing, metres).unwrap();
                self.go(who, there)
            }
            Deed::Haunt { who, whom, bearing, metres } => {
                let there = destination(self.phones[whom as usize].reported, bearing, metres).unwrap();
                self.go(who, there)
            }
            Deed::Free { who, free } => {
                self.command(|world, now, events| world.set_free(UserNo(who), free, true, now, events))
            }
            Deed::Nap { who } => {
                self.command(|world, now, events| world.set_free(UserNo(who), false, true, now, events))?;
                self.now += 20_000;
                self.command(|world, now, events| world.set_free(UserNo(who), true, true, now, events))
            }
            Deed::Hide { who, hidden } => self.change(who, |person| person.hidden = hidden),
            Deed::Radius { who, radius } => self.change(who, |person| person.radius = Radius::metres(radius).unwrap()),
            Deed::Share { who, whom, precision } => {
                if who != whom {
                    self.shared.insert((who, whom), precision);
                }
                self.command(|world, now, events| world.share(UserNo(who), UserNo(whom), precision, now, events))
            }
            Deed::Friends { who, whom, yes: true } => {
                self.command(|world, now, events| world.befriend(UserNo(who), UserNo(whom), now, events))
            }
            Deed::Friends { who, whom, yes: false } => {
                self.shared.retain(|(a, b), _| (*a, *b) != (who, whom) && (*b, *a) != (who, whom));
                self.command(|world, now, events| world.unfriend(UserNo(who), UserNo(whom), now, events))
            }
            Deed::Dead { who, dead } => {
                self.phones[who as usize].dead = dead;
                // Who comes back says so.
                if dead { Ok(()) } else { self.live(0, &Deed::BackAgain { who }) }
            }
            Deed::Astray { who } => {
                if self.phones[who as usize].dead {
                    return Ok(());
                }
                self.command(|world, now, events| world.astray(UserNo(who), now, events))
            }
            Deed::BackAgain { who } => self.command(|world, now, _| world.came_back(UserNo(who), now)),
            Deed::Wait => Ok(()),
        }
    }

    fn change(&mut self, who: u32, change: impl FnOnce(&mut Person)) -> Result<(), String> {
        let mut person = *self.world.person(UserNo(who)).unwrap();
        change(&mut person);
        self.command(|world, now, events| world.set_person(UserNo(who), person, now, events))
    }
}

const WAITS: [i64; 9] = [11_000, 11_000, 20_000, 31_000, 61_000, 120_000, 600_000, 899_000, 1_800_001];

proptest! {
    #![proptest_config(config(250))]

    #[test]
    fn whoever_keeps_quiet_misses_nobody_and_nobody_is_announced_who_is_elsewhere(
        home in homes(), radii in prop::collection::vec(prop::sample::select(&RADII[..]), PEOPLE as usize), spread in 20.0..900.0f64, strangers in prop_oneof![Just(1u32), any::<u32>()],
        deeds in prop::collection::vec((prop::sample::select(&WAITS[..]), deed()), 1..120),
    ) {
        let mut life = Life::begin(home, &radii, spread, strangers).map_err(TestCaseError::fail)?;
        for (wait, deed) in &deeds {
            life.live(*wait, deed).map_err(|wrong| TestCaseError::fail(format!("{deed:?}: {wrong}")))?;
        }
    }

    #[test]
    fn phones_that_do_not_keep_quiet_hear_what_they_hear_without_zones(
        home in homes(), radius in prop::sample::select(&RADII[..]), spread in 20.0..700.0f64,
        steps in prop::collection::vec((0..PEOPLE, 0.0..360.0f64, prop_oneof![0.0..40.0f64, 0.0..900.0f64], 0..12u32, prop::sample::select(&[100i64, 2_500, 9_000][..])), 20..250),
    ) {
        let mut worlds = [World::new(SETTINGS), World::new(SETTINGS)];
        worlds[1].give_zones(QuietRules::default());
        let mut spots: Vec<LatLon> = (0..PEOPLE).map(|no| destination(home, f64::from(no) * 61.0, spread * f64::from(no + 1)).unwrap()).collect();
        let mut now = START;
        let run = |worlds: &mut [World; 2], command: &dyn Fn(&mut World, &mut Vec<Event>)| {
            let [plain, quiet] = worlds.each_mut().map(|world| { let mut events = Vec::new(); command(world, &mut events); events });
            // Of several pairs that part at once either may come first.
            let sorted = |events: &[Event]| { let mut words: Vec<String> = events.iter().map(|event| format!("{event:?}")).collect(); words.sort(); words };
            (sorted(&plain) == sorted(&quiet)).then_some(()).ok_or_else(|| TestCaseError::fail(format!("{plain:?} without zones, {quiet:?} with them")))
        };
        for no in 0..PEOPLE {
            let person = Person { radius: Radius::metres(radius).unwrap(), free: true, online: true, ..Person::default() };
            run(&mut worlds, &|world, events| world.set_person(UserNo(no), person, UnixMs(now), events))?;
            worlds[1].heed(UserNo(no), true, UnixMs(now), &mut Vec::new());
            for other in 0..no {
                run(&mut worlds, &|world, events| world.befriend(UserNo(no), UserNo(other), UnixMs(now), events))?;
            }
        }
        let mut last = [0; PEOPLE as usize];
        for (who, bearing, metres, whim, wait) in steps {
            now += wait;
            spots[who as usize] = destination(spots[who as usize], bearing, metres).unwrap();
            // Nobody is silent for as much as a minute.
            for no in 0..PEOPLE {
                if no == who || now - last[no as usize] > 30_000 {
                    last[no as usize] = now;
                    let live = Live { position: spots[no as usize], t: UnixMs(now), accuracy: Some(5.0), speed: None, heading: None };
                    run(&mut worlds, &|world, events| world.report(UserNo(no), live, UnixMs(now), events))?;
                }
            }
            if whim < 2 {
                run(&mut worlds, &|world, events| world.set_free(UserNo(who), whim == 0, true, UnixMs(now), events))?;
            }
            worlds[1].take_told(&mut Vec::new());
        }
    }
}

/// A property that never sees the interesting cases proves nothing.
#[test]
fn the_quiet_lives_are_quiet_and_see_every_kind_of_thing() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::new(config(1));
    let lives = (homes(), prop::collection::vec((prop::sample::select(&WAITS[..]), deed()), 100));
    let (mut counts, mut near, mut reports) = ([0u64; 5], 0, 0);
    for _ in 0..60 {
        let (home, deeds) = lives.new_tree(&mut runner).unwrap().current();
        let mut life = Life::begin(home, &[500.0; PEOPLE as usize], 150.0, 1).unwrap();
        deeds.iter().for_each(|(wait, deed)| life.live(*wait, deed).unwrap());
        let one = life.world.quiet_counts();
        for (sum, count) in counts.iter_mut().zip([one.given, one.asked, one.answered, one.unanswered, one.run_out]) {
            *sum += count;
        }
        (near, reports) = (near + life.near, reports + life.reports);
    }
    let [given, asked, answered, unanswered, run_out] = counts;
    assert!(
        given > 3_000 && asked > 900 && answered > 900 && unanswered > 10 && run_out > 100 && near > 200,
        "{counts:?}, {near} near, {reports} reports"
    );
}

#[test]
fn a_friend_who_is_asked_too_often_is_asked_later() {
    let mut world = World::new(SETTINGS);
    world.give_zones(QuietRules { asks_per_minute: 1, ..QuietRules::default() });
    let (ann, bob) = (UserNo(0), UserNo(1));
    let (mut events, mut told) = (Vec::new(), Vec::new());
    let home = place(52.52, 13.4);
    let fix = |world: &mut World, no: UserNo, metres: f64, now: i64| {
        let live = Live {
            position: destination(home, 90.0, metres).unwrap(),
            t: UnixMs(now),
            accuracy: None,
            speed: None,
            heading: None,
        };
        world.report(no, live, UnixMs(now), &mut Vec::new());
    };
    for no in [ann, bob] {
        world.set_person(no, Person { free: true, ..Person::default() }, UnixMs(START), &mut events);
    }
    world.befriend(ann, bob, UnixMs(START), &mut events);
    world.heed(ann, true, UnixMs(START), &mut events);
    fix(&mut world, ann, 0.0, START);
    fix(&mut world, bob, 3_000.0, START + 1_000);
    fix(&mut world, ann, 0.0, START + 2_000);
    fix(&mut world, bob, 1_500.0, START + 3_000);
    let asked = |world: &mut World, told: &mut Vec<Told>| {
        told.clear();
        world.take_told(told);
        told.iter().filter(|told| told.quiet.radius_m == 0.0).count()
    };
    assert_eq!(asked(&mut world, &mut told), 1, "once for the 3,000 m, and not yet for the 1,500");
    world.tick(UnixMs(START + 60_000), &mut events);
    assert_eq!(asked(&mut world, &mut told), 0);
    world.tick(UnixMs(START + 61_001), &mut events);
    assert_eq!((asked(&mut world, &mut told), world.quiet_counts().asked), (1, 2));
}

/// Ann, whose phone can be told, at a square, and Bob so many metres east of it; both free.
struct Two {
    world: World,
    now: i64,
}

const ANN: UserNo = UserNo(0);
const BOB: UserNo = UserNo(1);

impl Two {
    fn new(heeding: &[UserNo]) -> Self {
        let mut world = World::new(SETTINGS);
        world.give_zones(QuietRules::default());
        for no in [ANN, BOB] {
            world.set_person(no, Person { free: true, ..Person::default() }, UnixMs(START), &mut Vec::new());
            world.heed(no, heeding.contains(&no), UnixMs(START), &mut Vec::new());
        }
        world.befriend(ANN, BOB, UnixMs(START), &mut Vec::new());
        Self { world, now: START }
    }

    /// A minute later somebody is so many metres east. Returns who was asked for it.
    fn at(&mut self, no: UserNo, metres: f64, speed: Option<f32>) -> Vec<UserNo> {
        self.now += 60_000;
        let position = destination(place(52.52, 13.4), 90.0, metres).unwrap();
        let live = Live { position, t: UnixMs(self.now), accuracy: Some(5.0), speed, heading: None };
        self.world.report(no, live, UnixMs(self.now), &mut Vec::new());
        let mut told = Vec::new();
        self.world.take_told(&mut told);
        told.iter().filter(|told| told.quiet.radius_m == 0.0).map(|told| told.no).collect()
    }

    fn radius(&self, no: UserNo) -> f64 {
        self.world.quiet(no).map_or(0.0, |quiet| quiet.radius_m)
    }
}

#[test]
fn somebody_without_a_zone_is_noticed_before_half_of_the_room_is_gone_however_large_the_disc_was() {
    let mut two = Two::new(&[]);
    two.at(ANN, 0.0, None);
    two.at(BOB, 10_000.0, None);
    assert_eq!(two.world.disc(BOB).map(|(_, disc)| disc > 4_000.0), Some(true));
    two.world.heed(ANN, true, UnixMs(two.now), &mut Vec::new());
    assert_eq!(two.at(ANN, 0.0, None), []);
    assert_eq!(two.radius(ANN), 3_535.0);
    assert_eq!(two.at(BOB, 8_000.0, None), [], "3,750 m are half of the room");
    assert_eq!(two.at(BOB, 7_000.0, None), [ANN], "3,250 m are less than she may go");
}

#[test]
fn the_disc_of_somebody_with_a_zone_does_not_draw_in_before_others() {
    let mut two = Two::new(&[ANN]);
    two.at(ANN, 0.0, None);
    assert_eq!((two.at(BOB, 10_600.0, None), two.radius(ANN)), (vec![], 5_000.0));
    assert_eq!(two.at(BOB, 10_300.0, None), [ANN], "4,900 m are less than she may go");
}

#[test]
fn who_moves_has_what_those_who_stand_leave_and_half_beside_those_who_move() {
    for (speed, hers) in [(Some(10.0), 2_500.0), (Some(0.0), 5_000.0), (None, 2_500.0)] {
        let mut two = Two::new(&[ANN, BOB]);
        two.at(BOB, 6_500.0, speed);
        assert_eq!(two.radius(BOB), if speed == Some(0.0) { 220.0 } else { 5_000.0 });
        two.at(ANN, 0.0, Some(10.0));
        two.at(BOB, 6_500.0, speed);
        assert_eq!(two.radius(ANN), hers, "beside {speed:?}");
        assert!(two.radius(ANN) + two.radius(BOB) < 6_000.0);
    }
    let mut two = Two::new(&[ANN, BOB]);
    two.at(BOB, 6_500.0, Some(0.0));
    two.at(ANN, 0.0, Some(10.0));
    assert_eq!(two.at(BOB, 6_500.0, Some(5.0)), [ANN], "he sets off");
}
