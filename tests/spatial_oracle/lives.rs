//! Random lives: walks, jumps, corners of boxes, the date line, the poles, moods, radii, hiding, late and repeated fixes.
use letshang::domain::{LatLon, Precision};
use letshang::spatial::sphere::destination;
use letshang::spatial::{BoundingBox, Event, Reason};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::stage::{START, Stage, place};

const PEOPLE: u32 = 6;
const RADII: [f64; 6] = [50.0, 120.0, 500.0, 500.0, 1_700.0, 50_000.0];
/// Just inside and just outside of what matters to R = 50, 120, 500 and 1700 m: R, R + τ, and where leaving begins.
const EDGES: [f64; 14] =
    [49.99, 50.01, 100.01, 119.99, 149.99, 150.01, 219.9, 220.1, 499.99, 500.01, 551.0, 674.99, 675.01, 1_699.99];
const WAITS: [i64; 14] =
    [0, 1, 100, 1_000, 1_000, 5_000, 29_999, 30_000, 120_000, 300_000, 600_001, 899_999, 900_000, 1_799_999];

#[derive(Clone, Debug)]
enum Deed {
    Walk {
        who: u32,
        bearing: f64,
        metres: f64,
        acc: f64,
    },
    Round {
        metres: f64,
        bearing: f64,
    },
    Jump {
        who: u32,
        bearing: f64,
        metres: f64,
    },
    Beside {
        who: u32,
        whom: u32,
        bearing: f64,
        metres: f64,
        acc: f64,
    },
    Corner {
        who: u32,
        whom: u32,
        radius: f64,
        of_side: f64,
    },
    Late {
        who: u32,
        by: i64,
    },
    Free {
        who: u32,
        free: bool,
        by_hand: bool,
    },
    Nap {
        who: u32,
        by_hand: bool,
    },
    Person {
        who: u32,
        radius: f64,
        free: bool,
        hidden: bool,
    },
    Friends {
        who: u32,
        whom: u32,
        yes: bool,
    },
    Share {
        who: u32,
        whom: u32,
        precision: Precision,
    },
    OnlyFree {
        who: u32,
        only_free: bool,
    },
    /// Into another cell, most times.
    Hop {
        who: u32,
        bearing: f64,
        metres: f64,
    },
    Remove {
        who: u32,
    },
    Restart,
    Tick,
    View {
        west: f64,
        width: f64,
        south: f64,
        height: f64,
    },
}

fn deed() -> impl Strategy<Value = Deed> {
    let who = || 0..PEOPLE;
    let bearing = || 0.0..360.0f64;
    let acc = || prop_oneof![4 => Just(0.0), 2 => 1.0..60.0f64, 1 => 30.0..200.0f64];
    let edge = prop_oneof![3 => prop::sample::select(&EDGES[..]), 1 => 0.0..900.0f64];
    prop_oneof![
        12 => (who(), bearing(), 0.0..90.0f64, acc()).prop_map(|(who, bearing, metres, acc)| Deed::Walk { who, bearing, metres, acc }),
        6 => (0.0..15.0f64, bearing()).prop_map(|(metres, bearing)| Deed::Round { metres, bearing }),
        4 => (who(), bearing(), prop_oneof![0.0..2_000.0f64, 0.0..30_000.0f64]).prop_map(|(who, bearing, metres)| Deed::Jump { who, bearing, metres }),
        10 => (who(), who(), bearing(), edge, acc()).prop_map(|(who, whom, bearing, metres, acc)| Deed::Beside { who, whom, bearing, metres, acc }),
        3 => (who(), who(), prop::sample::select(&RADII[..]), 0.6..1.1f64).prop_map(|(who, whom, radius, of_side)| Deed::Corner { who, whom, radius, of_side }),
        2 => (who(), 0..5_000i64).prop_map(|(who, by)| Deed::Late { who, by }),
        2 => (who(), any::<bool>(), any::<bool>()).prop_map(|(who, free, by_hand)| Deed::Free { who, free, by_hand }),
        2 => (who(), any::<bool>()).prop_map(|(who, by_hand)| Deed::Nap { who, by_hand }),
        2 => (who(), prop::sample::select(&RADII[..]), prop::bool::weighted(0.8), prop::bool::weighted(0.15)).prop_map(|(who, radius, free, hidden)| Deed::Person { who, radius, free, hidden }),
        1 => (who(), who(), prop::bool::weighted(0.7)).prop_map(|(who, whom, yes)| Deed::Friends { who, whom, yes }),
        5 => (who(), who(), precision()).prop_map(|(who, whom, precision)| Deed::Share { who, whom, precision }),
        1 => (who(), any::<bool>()).prop_map(|(who, only_free)| Deed::OnlyFree { who, only_free }),
        5 => (who(), bearing(), 300.0..2_500.0f64).prop_map(|(who, bearing, metres)| Deed::Hop { who, bearing, metres }),
        4 => Just(Deed::Tick),
        1 => (-180.0..180.0f64, 0.0..300.0f64, -90.0..90.0f64, 0.0..180.0f64).prop_map(|(west, width, south, height)| Deed::View { west, width, south, height }),
    ]
}

fn precision() -> impl Strategy<Value = Precision> {
    prop_oneof![1 => Just(Precision::Off), 3 => Just(Precision::Approximate), 3 => Just(Precision::Exact)]
}

fn agreements() -> impl Strategy<Value = Vec<(u32, u32, Precision)>> {
    let all = (0..PEOPLE).flat_map(|who| (0..PEOPLE).map(move |whom| (who, whom, Precision::Approximate)));
    let some = prop::collection::vec((0..PEOPLE, 0..PEOPLE, precision()), 1..20);
    prop_oneof![2 => Just(Vec::new()), 2 => some, 1 => Just(all.collect::<Vec<_>>())]
}

fn rare_deed() -> impl Strategy<Value = Deed> {
    prop_oneof![60 => deed(), 1 => (0..PEOPLE).prop_map(|who| Deed::Remove { who }), 1 => Just(Deed::Restart)]
}

/// Ordinary ground, both sides of the date line, both poles, and the one spot where all of it meets.
pub fn homes() -> impl Strategy<Value = LatLon> {
    let homes = [
        (52.52, 13.4),
        (0.0, 180.0),
        (-16.8, 179.999),
        (65.0, -179.999),
        (90.0, 0.0),
        (-90.0, 0.0),
        (89.999, 77.0),
        (0.0, 0.0),
    ];
    prop::sample::select(homes.to_vec()).prop_map(|(lat, lon)| place(lat, lon))
}

struct Life {
    stage: Stage,
    home: LatLon,
}

impl Life {
    fn begin(home: LatLon, radii: &[f64], spread: f64) -> Result<Self, String> {
        let mut stage = Stage::new();
        for (no, radius) in (0..PEOPLE).zip(radii) {
            stage.person(no, *radius, true, false)?;
        }
        for a in 0..PEOPLE {
            // One pair are strangers.
            (a + 1..PEOPLE).filter(|b| (a, *b) != (0, 1)).try_for_each(|b| stage.befriend(a, b).map(drop))?;
        }
        for no in 0..PEOPLE {
            let there = destination(home, f64::from(no) * 61.0, spread * f64::from(no + 1)).unwrap();
            stage.fix(no, there, START - 10_000, 0.0)?;
        }
        Ok(Self { stage, home })
    }

    fn agree(&mut self, agreed: &[(u32, u32, Precision)]) -> Result<(), String> {
        agreed.iter().try_for_each(|(who, whom, precision)| self.stage.share(*who, *whom, *precision).map(drop))
    }

    fn stands(&self, who: u32) -> LatLon {
        self.stage.oracle.people.get(&who).and_then(|one| one.seen).map_or(self.home, |seen| seen.place)
    }

    fn go(&mut self, who: u32, there: LatLon, acc: f64) -> Result<(), String> {
        let now = self.stage.now;
        self.stage.fix(who, there, now, acc).map(drop)
    }

    fn live(&mut self, wait: i64, deed: &Deed) -> Result<(), String> {
        self.stage.now += wait;
        let now = self.stage.now;
        match *deed {
            Deed::Walk { who, bearing, metres, acc } => {
                self.go(who, destination(self.stands(who), bearing, metres).unwrap(), acc)?;
            }
            Deed::Round { metres, bearing } => {
                for who in 0..PEOPLE {
                    let bearing = bearing + f64::from(who) * 100.0;
                    self.go(who, destination(self.stands(who), bearing, metres).unwrap(), 0.0)?;
                }
            }
            Deed::Jump { who, bearing, metres } => {
                self.go(who, destination(self.home, bearing, metres).unwrap(), 5.0)?
            }
            Deed::Beside { who, whom, bearing, metres, acc } => {
                self.go(who, destination(self.stands(whom), bearing, metres).unwrap(), acc)?;
            }
            Deed::Corner { who, whom, radius, of_side } => {
                let side = destination(self.stands(whom), 90.0, radius * of_side).unwrap();
                self.go(who, destination(side, 0.0, radius * of_side).unwrap(), 0.0)?;
            }
            Deed::Late { who, by } => {
                self.stage.fix(who, self.home, now - by, 0.0)?;
                self.stage.fix(who, self.home, now - by, 0.0)?;
            }
            Deed::Free { who, free, by_hand } => _ = self.stage.free(who, free, by_hand)?,
            Deed::Nap { who, by_hand } => {
                self.stage.free(who, false, by_hand)?;
                self.stage.free(who, true, true)?;
            }
            Deed::Person { who, radius, free, hidden } => _ = self.stage.person(who, radius, free, hidden)?,
            Deed::Share { who, whom, precision } => _ = self.stage.share(who, whom, precision)?,
            Deed::OnlyFree { who, only_free } => _ = self.stage.only_free(who, only_free)?,
            Deed::Hop { who, bearing, metres } => {
                self.go(who, destination(self.stands(who), bearing, metres).unwrap(), 5.0)?
            }
            Deed::Friends { who, whom, yes: true } => _ = self.stage.befriend(who, whom)?,
            Deed::Friends { who, whom, yes: false } => _ = self.stage.unfriend(who, whom)?,
            Deed::Remove { who } => _ = self.stage.remove(who)?,
            Deed::Restart => _ = self.stage.restart()?,
            Deed::Tick => _ = self.stage.tick()?,
            Deed::View { west, width, south, height } => {
                let east = if west + width > 180.0 { west + width - 360.0 } else { west + width };
                self.stage.check_view(&BoundingBox { west, south, east, north: south + height })?;
                let ring = [(self.home.lat() - 0.01).max(-90.0), (self.home.lat() + 0.004).min(90.0)];
                self.stage.check_view(&BoundingBox { west: 179.99, south: ring[0], east: -179.99, north: ring[1] })?;
            }
        }
        Ok(())
    }
}

/// Seeded; `PROPTEST_CASES` and `PROPTEST_RNG_SEED` ask for more or other lives.
pub fn config(cases: u32) -> ProptestConfig {
    let default = ProptestConfig::default();
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(cases);
    let rng_seed = match default.rng_seed {
        RngSeed::Random => RngSeed::Fixed(20_261_121),
        chosen => chosen,
    };
    ProptestConfig { cases, rng_seed, failure_persistence: None, ..default }
}

proptest! {
    #![proptest_config(config(250))]

    #[test]
    fn whatever_friends_do_both_hear_what_they_must_and_nothing_else(
        home in homes(), radii in prop::collection::vec(prop::sample::select(&RADII[..]), PEOPLE as usize),
        spread in 20.0..400.0f64, agreed in agreements(), deeds in prop::collection::vec((prop::sample::select(&WAITS[..]), rare_deed()), 1..120),
    ) {
        let mut life = Life::begin(home, &radii, spread).map_err(TestCaseError::fail)?;
        life.agree(&agreed).map_err(TestCaseError::fail)?;
        for (wait, deed) in &deeds {
            life.live(*wait, deed).map_err(|wrong| TestCaseError::fail(format!("{deed:?}: {wrong}")))?;
        }
    }

    #[test]
    fn walkers_around_a_square_meet_and_part_by_the_rules(
        home in homes(), radius in prop::sample::select(&[50.0, 120.0, 500.0, 1_700.0][..]), pace in 0.5..40.0f64,
        agreed in agreements(),
        steps in prop::collection::vec((0..PEOPLE, -60.0..60.0f64, prop_oneof![Just(100i64), Just(1_000), Just(30_000)]), 50..400),
    ) {
        let mut life = Life::begin(home, &[radius; PEOPLE as usize], radius).map_err(TestCaseError::fail)?;
        life.agree(&agreed).map_err(TestCaseError::fail)?;
        let mut courses = [0.0, 60.0, 120.0, 180.0, 240.0, 300.0];
        for (who, turn, wait) in steps {
            let course = &mut courses[who as usize];
            *course += turn;
            let walk = Deed::Walk { who, bearing: *course, metres: pace, acc: 0.0 };
            life.live(wait, &walk).map_err(|wrong| TestCaseError::fail(format!("{walk:?}: {wrong}")))?;
        }
    }
}

/// A property that never sees the interesting cases proves nothing.
#[test]
fn the_random_lives_see_every_kind_of_event() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::new(config(1));
    let lives = (homes(), agreements(), prop::collection::vec((prop::sample::select(&WAITS[..]), rare_deed()), 100));
    let (mut near, mut again, mut by_cells, mut reasons) =
        (0, 0, [0; 2], std::collections::HashMap::<Reason, u32>::new());
    for _ in 0..100 {
        let (home, agreed, deeds) = lives.new_tree(&mut runner).unwrap().current();
        let mut life = Life::begin(home, &[500.0; PEOPLE as usize], 150.0).unwrap();
        life.agree(&agreed).unwrap();
        for (wait, deed) in &deeds {
            life.live(*wait, deed).unwrap();
        }
        let mut met = std::collections::HashSet::new();
        for event in &life.stage.told {
            match *event {
                Event::Near { a, b, shown_a, shown_b, .. } => {
                    (near, again) = (near + 1, again + u32::from(!met.insert((a, b))));
                    by_cells[0] += u32::from(shown_a != shown_b);
                    by_cells[1] += u32::from([shown_a, shown_b] == [Precision::Approximate; 2]);
                }
                Event::Apart { reason, .. } => *reasons.entry(reason).or_default() += 1,
            }
        }
    }
    assert!(near > 200 && again > 50, "near {near}, again {again}");
    assert!(by_cells[0] > 50 && by_cells[1] > 20, "one shown by a cell, both: {by_cells:?}");
    for reason in [Reason::Left, Reason::Busy, Reason::Stale, Reason::Hidden, Reason::Unfriended] {
        assert!(reasons.get(&reason).is_some_and(|count| *count >= 5), "{reason:?}: {reasons:?}");
    }
}
