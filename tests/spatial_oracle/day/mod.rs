//! A day of people with phones that keep quiet, against brute force: every five seconds the true places of all pairs of friends are
//! compared, and the server is held to what it announced and did not announce.
#[path = "../../../load-test/src/polite.rs"]
mod polite;
mod town;

use std::collections::{BTreeMap, HashMap};

use letshang::domain::{LatLon, Radius, UnixMs, UserNo};
use letshang::spatial::{Event, Live, Person, QuietCounts, QuietRules, Settings, Told, World};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use self::polite::{Cause, Look, Pace, Polite, SAMPLE_MS};
use self::town::{DAY_S, Ground, Town};
use crate::oracle::tau;
use crate::stage::{SETTINGS, START};

/// Errors of a receiver are other ones after this, milliseconds.
const DRIFT_MS: i64 = 30_000;

struct Plan {
    seed: u64,
    people: usize,
    friends: usize,
    radius: f64,
    hours: (f64, f64),
    always_free: bool,
    /// Deviation of a receiver's errors in each direction, metres.
    noise: f64,
    rules: QuietRules,
    settings: Settings,
}

impl Plan {
    fn of(people: usize, hours: (f64, f64)) -> Self {
        Self {
            seed: 1,
            people,
            friends: 40,
            radius: 500.0,
            hours,
            always_free: true,
            noise: 0.0,
            rules: QuietRules::default(),
            settings: SETTINGS,
        }
    }
}

/// What came of a day.
#[derive(Debug, Default)]
struct Outcome {
    user_hours: f64,
    moving: f64,
    speed: f64,
    reports: BTreeMap<Cause, u64>,
    looks: u64,
    near: u64,
    /// Of all pairs of friends at all times, within 200 m, 500 m and 8 km.
    within: [u64; 3],
    compared: u64,
    /// How long a pair had truly been within R (less what noise may hide) when it was announced, ms → pairs.
    late: BTreeMap<i64, u64>,
    /// Pairs that were within R for longer than a sampling delay and went away unannounced, and how deep they were in, metres.
    missed: u64,
    deepest: f64,
    /// Announced while they had not been within R + τ for a sampling delay, and the worst of it, metres.
    false_alarms: u64,
    farthest: f64,
    counts: QuietCounts,
}

struct Someone {
    phone: Polite,
    place: Ground,
    free: bool,
    noise: [(f64, f64); 2],
    drift: i64,
}

/// A pair that ought to be announced: since when, and how near it came.
#[derive(Clone, Copy)]
struct Owed {
    since: i64,
    nearest: f64,
}

fn live_a_day(plan: &Plan) -> Outcome {
    let mut town = Town::new(plan.seed, plan.people, plan.friends, plan.always_free);
    let mut random = StdRng::seed_from_u64(plan.seed + 7);
    let mut world = World::new(plan.settings);
    world.give_zones(plan.rules);
    let mut events = Vec::new();
    let from = (plan.hours.0 * 3_600.0) as i64;
    let to = (plan.hours.1 * 3_600.0) as i64;
    let now = |second: i64| UnixMs(START + second * 1_000);
    let mut all: Vec<Someone> = Vec::new();
    for (no, resident) in (0..).zip(&mut town.people) {
        let free = resident.is_free(from as f64);
        let person = Person { radius: Radius::metres(plan.radius).unwrap(), free, online: true, ..Person::default() };
        world.set_person(UserNo(no), person, now(from), &mut events);
        world.heed(UserNo(no), true, now(from), &mut events);
        let place = resident.at(from as f64).0;
        all.push(Someone { phone: Polite::default(), place, free, noise: [(0.0, 0.0); 2], drift: i64::MIN });
    }
    for &(a, b) in &town.friends {
        world.befriend(UserNo(a), UserNo(b), now(from), &mut events);
    }
    // Friends in other cities never meet on this day: brute force need not look at them.
    let pairs: Vec<(u32, u32)> = town
        .friends
        .iter()
        .copied()
        .filter(|(a, b)| town.people[*a as usize].city == town.people[*b as usize].city)
        .collect();
    // What 95 of 100 errors of two receivers keep.
    let hidden = 2.448 * plan.noise * std::f64::consts::SQRT_2;
    let mut owed: HashMap<(u32, u32), Owed> = HashMap::new();
    let mut outcome = Outcome { user_hours: plan.people as f64 * (plan.hours.1 - plan.hours.0), ..Outcome::default() };
    let ways = town.people.iter().map(town::Resident::moving);
    let (seconds, metres) = ways.fold((0.0, 0.0), |(seconds, metres), way| (seconds + way.0, metres + way.1));
    outcome.moving = seconds / plan.people as f64 / DAY_S;
    outcome.speed = metres / seconds;
    let mut told: Vec<Told> = Vec::new();
    let mut before: Vec<[Ground; 2]> = all.iter().map(|one| [one.place; 2]).collect();
    let step = SAMPLE_MS / 1_000;
    let normal = |random: &mut StdRng| {
        let (u, v): (f64, f64) = (random.random_range(1e-12..1.0), random.random_range(0.0..1.0));
        let length = (-2.0 * u.ln()).sqrt();
        (length * (std::f64::consts::TAU * v).cos(), length * (std::f64::consts::TAU * v).sin())
    };
    // Whole steps are when everybody may look; a second later what was told has arrived, and who is asked answers.
    for second in from..to {
        let at = now(second);
        let whole = (second - from) % step == 0;
        let mut heard: Vec<usize> = Vec::new();
        for Told { no, quiet } in told.drain(..) {
            all[no.index()].phone.hear(quiet.radius_m, quiet.until.0, at.0);
            heard.push(no.index());
        }
        world.tick(at, &mut events);
        let awake: Vec<usize> = if whole { (0..all.len()).collect() } else { heard };
        for at_no in awake {
            let (one, resident) = (&mut all[at_no], &mut town.people[at_no]);
            let no = at_no as u32;
            let (place, speed) = resident.at(second as f64);
            if whole {
                before[at_no] = [before[at_no][1], one.place];
            }
            one.place = place;
            let free = resident.is_free(second as f64);
            if free != one.free {
                one.free = free;
                world.set_free(UserNo(no), free, true, at, &mut events);
                one.phone.change_availability();
            }
            let pace = Pace::of(speed);
            if !one.phone.looks_at(pace, at.0) {
                continue;
            }
            let slot = at.0 / DRIFT_MS;
            if slot != one.drift {
                one.noise =
                    [if slot == one.drift + 1 { one.noise[1] } else { normal(&mut random) }, normal(&mut random)];
                one.drift = slot;
            }
            let turn = (at.0 % DRIFT_MS) as f64 / DRIFT_MS as f64 * std::f64::consts::FRAC_PI_2;
            let error = |a: f64, b: f64| plan.noise * (turn.cos() * a + turn.sin() * b);
            let seen = Ground {
                east: place.east + error(one.noise[0].0, one.noise[1].0),
                north: place.north + error(one.noise[0].1, one.noise[1].1),
            };
            let (lat, lon) = seen.degrees(resident.city);
            let acc = 1.51 * plan.noise;
            if let Some(cause) = one.phone.look(Look { lat, lon, acc }, pace, at.0) {
                *outcome.reports.entry(cause).or_default() += 1;
                let live = Live {
                    position: LatLon::new(lat, lon).unwrap(),
                    t: at,
                    accuracy: Some(acc as f32),
                    speed: Some(speed as f32),
                    heading: None,
                };
                world.report(UserNo(no), live, at, &mut events);
            }
        }
        world.take_told(&mut told);
        for event in events.drain(..) {
            let Event::Near { a, b, .. } = event else { continue };
            outcome.near += 1;
            // Now, or at a sampling delay ago, with one of the two as old as a fix may be.
            let spots = |no: UserNo| [all[no.index()].place, before[no.index()][1], before[no.index()][0]];
            let nearest = spots(a).iter().flat_map(|a| spots(b).map(|b| a.to(b))).fold(f64::INFINITY, f64::min);
            let beyond = nearest - plan.radius - tau(plan.radius) - hidden;
            if beyond > 0.0 {
                outcome.false_alarms += 1;
                outcome.farthest = outcome.farthest.max(beyond);
            }
            let waited = owed.remove(&(a.0, b.0)).map_or(0, |owed| at.0 - owed.since);
            *outcome.late.entry(waited).or_default() += 1;
        }
        if !whole {
            continue;
        }
        for &(a, b) in &pairs {
            let (one, other) = (&all[a as usize], &all[b as usize]);
            let metres = one.place.to(other.place);
            if second % 600 == 0 {
                [200.0, 500.0, 8_000.0]
                    .iter()
                    .zip(&mut outcome.within)
                    .for_each(|(most, count)| *count += u64::from(metres <= *most));
            }
            let within = metres <= plan.radius - hidden - 0.05 && one.free && other.free;
            let due = within && !world.is_near(UserNo(a), UserNo(b)) && {
                let last = world.announced_at(UserNo(a), UserNo(b));
                last.is_none_or(|last| at.since(last) >= plan.settings.announce_again_ms)
            };
            if due {
                let owed = owed.entry((a, b)).or_insert(Owed { since: at.0, nearest: metres });
                owed.nearest = owed.nearest.min(metres);
            } else if let Some(gone) = owed.remove(&(a, b))
                && at.0 - gone.since > SAMPLE_MS
            {
                outcome.missed += 1;
                outcome.deepest = outcome.deepest.max(plan.radius - hidden - gone.nearest);
            }
        }
    }
    outcome.compared =
        town.friends.len() as u64 * (from..to).step_by(step as usize).filter(|second| second % 600 == 0).count() as u64;
    outcome.looks = all.iter().map(|one| one.phone.looks).sum();
    outcome.counts = world.quiet_counts();
    outcome
}

impl Outcome {
    fn per_hour(&self) -> f64 {
        self.reports.values().sum::<u64>() as f64 / self.user_hours
    }

    fn print(&self, name: &str) {
        let each = |count: &u64| format!("{:.2}", *count as f64 / self.user_hours);
        let reports: Vec<String> =
            self.reports.iter().map(|(cause, count)| format!("{cause:?} {}", each(count))).collect();
        println!(
            "{name}: {:.2} reports a user-hour ({}), {:.1} looks; {:.1} % of the time on the way at {:.1} m/s",
            self.per_hour(),
            reports.join(", "),
            self.looks as f64 / self.user_hours,
            100.0 * self.moving,
            self.speed
        );
        println!(
            "  {} announced, {} missed (deepest {:.1} m), {} beyond R + τ (worst {:.1} m); late by ms: {:?}",
            self.near, self.missed, self.deepest, self.false_alarms, self.farthest, self.late
        );
        let share = self.within.map(|count| format!("{:.2}", 100.0 * count as f64 / self.compared as f64));
        println!(
            "  {} of 100 friends are within 200 m, {} within 500 m, {} within 8 km; {:?}",
            share[0], share[1], share[2], self.counts
        );
    }
}

#[test]
fn over_a_day_nobody_who_keeps_quiet_misses_anybody_and_six_reports_an_hour_are_enough() {
    let day = live_a_day(&Plan::of(150, (0.0, 24.0)));
    assert!(day.near > 100 && day.counts.given > 5_000 && day.counts.asked > 500, "{day:?}");
    assert_eq!((day.missed, day.false_alarms, day.counts.unanswered), (0, 0, 0), "{day:?}");
    assert!(day.late.keys().all(|late| *late <= SAMPLE_MS), "{day:?}");
    assert!(day.per_hour() <= 6.0, "{} reports a user-hour", day.per_hour());
}

/// `cargo test --release --test spatial_oracle -- --ignored --nocapture simulated_day`; `USERS`, `FRIENDS`, `RADIUS` and `SEED` by the
/// environment.
#[test]
#[ignore = "prints the figures of load-test/README.md; takes a minute in a release build"]
fn a_simulated_day_in_figures() {
    let set = |name: &str, usual: f64| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual);
    let mut plan = Plan {
        seed: set("SEED", 1.0) as u64,
        friends: set("FRIENDS", 40.0) as usize,
        radius: set("RADIUS", 500.0),
        ..Plan::of(set("USERS", 1_000.0) as usize, (0.0, set("HOURS", 24.0)))
    };
    plan.rules.still_m = set("STILL", plan.rules.still_m);
    plan.rules.smallest_m = set("SMALLEST", plan.rules.smallest_m);
    plan.rules.lease_ms = (set("LEASE", 30.0) * 60_000.0) as i64;
    for (name, always_free, noise) in [
        ("free all day, no noise", true, 0.0),
        ("free all day, noise of 10 m", true, 10.0),
        ("free at lunch and in the evening, noise of 10 m", false, 10.0),
    ] {
        live_a_day(&Plan {
            always_free,
            noise,
            ..Plan { rules: plan.rules, settings: plan.settings, ..Plan::of(plan.people, plan.hours) }
        })
        .print(name);
    }
}
