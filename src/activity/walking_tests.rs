//! Scenarios of walking: simulated people with seeded noise. Real recordings are in `tests/recordings.rs`.
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::*;
use crate::domain::{FixFields, UnixMs};

const STRIDE: f64 = 0.762;
const T0: i64 = 1_772_000_000_000;
const SEEDS: std::ops::Range<u64> = 0..8;

/// Someone who moves, and a receiver that errs.
struct Person {
    rng: StdRng,
    walking: Walking,
    /// Metres east and north of where it began.
    at: (f64, f64),
    t: i64,
    every_ms: i64,
    /// Standard deviation of the error per axis, metres: fresh in every fix, and slowly drifting.
    noise: f64,
    drift: f64,
    drifted: (f64, f64),
    accuracy: Option<f64>,
    /// The speed that the device names, whatever it does.
    speed: Option<f32>,
    walked: f64,
}

impl Person {
    fn with_a_fix_every(every_ms: i64, noise: f64, accuracy: Option<f64>, seed: u64) -> Self {
        let rng = StdRng::seed_from_u64(seed);
        let walking = Walking::default();
        let origin = (0.0, 0.0);
        let speed = None;
        Self {
            rng,
            walking,
            at: origin,
            t: T0,
            every_ms,
            noise,
            drift: 0.0,
            drifted: origin,
            accuracy,
            speed,
            walked: 0.0,
        }
    }

    fn normal(&mut self) -> f64 {
        let (a, b): (f64, f64) = (self.rng.random::<f64>().max(1e-12), self.rng.random());
        (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos()
    }

    /// Goes on for so many seconds; a corner is turned every 100 seconds.
    fn go(&mut self, seconds: f64, speed: f64) -> &mut Self {
        let dt = self.every_ms as f64 / 1e3;
        let fixes = (seconds / dt).round() as i64;
        for fix in 0..fixes {
            let direction = (fix as f64 * dt / 100.0).floor() * std::f64::consts::FRAC_PI_2;
            self.at.0 += speed * dt * direction.cos();
            self.at.1 += speed * dt * direction.sin();
            self.t += self.every_ms;
            let keep = (-dt / 90.0).exp();
            let kick = self.drift * (1.0 - keep * keep).sqrt();
            self.drifted = (self.drifted.0 * keep + kick * self.normal(), self.drifted.1 * keep + kick * self.normal());
            let east = self.at.0 + self.drifted.0 + self.noise * self.normal();
            let north = self.at.1 + self.drifted.1 + self.noise * self.normal();
            let fix = Fix { speed: self.speed, ..fix_at(east, north, self.t, self.accuracy) };
            self.walked += f64::from(metres(self.walking.report(&fix)));
        }
        self
    }

    fn steps(&self) -> f64 {
        self.walked / STRIDE
    }
}

fn metres(told: Told) -> f32 {
    told.walked.map_or(0.0, |walked| walked.metres)
}

fn fix_at(east: f64, north: f64, t: i64, acc: Option<f64>) -> Fix {
    let lat = 40.76 + north / 111_195.0;
    let lon = -73.97 + east / (111_195.0 * 40.76_f64.to_radians().cos());
    Fix::recorded(&FixFields { lat, lon, t, acc, ..FixFields::default() }, UnixMs(t)).unwrap()
}

#[test]
fn eight_hours_of_standing_still_under_ten_metres_of_noise_are_no_walk() {
    for every_ms in [1_000, 5_000, 10_000, 30_000, 60_000, 600_000] {
        for accuracy in [None, Some(5.0), Some(10.0), Some(20.0)] {
            for speed in [None, Some(0.0), Some(1.4)] {
                let mut most = 0.0_f64;
                for seed in SEEDS {
                    let mut person = Person::with_a_fix_every(every_ms, 10.0, accuracy, seed);
                    person.speed = speed;
                    most = most.max(person.go(8.0 * 3_600.0, 0.0).steps());
                }
                println!("standing: {most:.0} steps at most, every {every_ms} ms, {accuracy:?}, {speed:?} m/s");
                // A receiver that claims to be three times as exact as it is.
                let limit = if accuracy == Some(5.0) { 200.0 } else { 50.0 };
                assert!(most < limit, "{most} steps, every {every_ms} ms, {accuracy:?}, {speed:?} m/s");
            }
        }
    }
}

#[test]
fn a_position_that_drifts_about_a_desk_is_no_walk() {
    for every_ms in [1_000, 30_000] {
        for seed in SEEDS {
            let mut person = Person::with_a_fix_every(every_ms, 2.0, Some(12.0), seed);
            person.drift = 10.0;
            let steps = person.go(8.0 * 3_600.0, 0.0).steps();
            assert!(steps < 50.0, "{steps} steps at a fix every {every_ms} ms, seed {seed}");
        }
    }
}

#[test]
fn ten_minutes_of_walking_are_counted_at_every_rate_and_with_every_noise() {
    let phones = [(3.0, None), (3.0, Some(3.0)), (5.0, Some(8.0)), (10.0, None), (10.0, Some(10.0))];
    for every_ms in [100, 1_000, 5_000, 30_000] {
        for (noise, accuracy) in phones {
            let mut share = 0.0;
            for seed in SEEDS {
                let mut person = Person::with_a_fix_every(every_ms, noise, accuracy, seed);
                share += person.go(600.0, 1.4).walked / (600.0 * 1.4) / 8.0;
            }
            assert!((share - 1.0).abs() < 0.15, "{share} at a fix every {every_ms} ms, {noise} m, {accuracy:?}");
        }
    }
}

#[test]
fn slow_and_brisk_walkers_are_walkers() {
    for speed in [0.7, 2.2] {
        for every_ms in [100, 1_000] {
            let mut person = Person::with_a_fix_every(every_ms, 3.0, Some(5.0), 1);
            let share = person.go(900.0, speed).walked / (900.0 * speed);
            assert!((share - 1.0).abs() < 0.15, "{share} at {speed} m/s");
        }
    }
}

#[test]
fn a_run_counts_and_a_ride_on_a_bicycle_does_not() {
    for (speed, expected) in [(2.8, 1.0), (3.2, 1.0), (3.6, 1.0), (5.5, 0.0), (7.0, 0.0)] {
        for every_ms in [1_000, 5_000, 10_000, 30_000] {
            for noise in [3.0, 5.0] {
                let mut share = 0.0;
                for seed in SEEDS {
                    let mut person = Person::with_a_fix_every(every_ms, noise, Some(5.0), seed);
                    share += person.go(1_200.0, speed).walked / (1_200.0 * speed) / 8.0;
                }
                println!("run: {share:.2} at {speed} m/s, every {every_ms} ms, {noise} m");
                assert!((share - expected).abs() < 0.15, "{share} at {speed} m/s, every {every_ms} ms, {noise} m");
            }
        }
    }
}

#[test]
fn a_dash_for_the_bus_is_a_part_of_the_walk_and_one_that_becomes_a_ride_is_a_part_of_the_ride() {
    let mut person = Person::with_a_fix_every(1_000, 3.0, Some(5.0), 1);
    let share = person.go(300.0, 1.4).go(30.0, 3.2).go(300.0, 1.4).walked / (600.0 * 1.4 + 30.0 * 3.2);
    assert!((share - 1.0).abs() < 0.1, "{share}");
    let mut person = Person::with_a_fix_every(1_000, 3.0, Some(5.0), 1);
    let before = person.go(300.0, 1.4).walked;
    let after = person.go(30.0, 3.2).go(120.0, 9.0).walked;
    // The dash itself was one, and no more.
    assert!(after - before < 100.0, "{before} {after}");
}

#[test]
fn a_long_silence_tells_where_it_began_and_the_newest_stretch_is_not_lost() {
    let mut person = Person::with_a_fix_every(1_000, 0.0, Some(5.0), 1);
    person.go(100.0, 1.4);
    let told = person.walking.report(&fix_at(500.0, 0.0, person.t + 400_000, Some(5.0)));
    assert!(told.begins && told.silence.is_some_and(|place| place.t == person.t));
    assert!((person.walked + f64::from(metres(told)) - 140.0).abs() < 15.0, "{} {told:?}", person.walked);
}

#[test]
fn the_load_generators_people_have_plausible_steps_after_two_minutes() {
    for accuracy in [Some(3.0), Some(5.0)] {
        for seed in SEEDS {
            let mut person = Person::with_a_fix_every(100, 3.0, accuracy, seed);
            let share = person.go(120.0, 1.4).walked / (120.0 * 1.4);
            assert!((share - 1.0).abs() < 0.2, "{share}");
        }
    }
}

#[test]
fn stops_on_the_way_add_nothing() {
    for (every_ms, noise, accuracy) in [(100, 3.0, Some(4.0)), (1_000, 5.0, Some(8.0)), (30_000, 10.0, Some(10.0))] {
        let mut person = Person::with_a_fix_every(every_ms, noise, accuracy, 3);
        for _ in 0..6 {
            person.go(300.0, 1.4).go(300.0, 0.0);
        }
        let share = person.walked / (6.0 * 300.0 * 1.4);
        assert!((share - 1.0).abs() < 0.15, "{share} at a fix every {every_ms} ms");
    }
}

#[test]
fn a_ride_counts_nothing_and_the_walk_after_it_counts_in_full_once_it_has_lasted() {
    for every_ms in [1_000, 30_000] {
        let mut person = Person::with_a_fix_every(every_ms, 3.0, Some(5.0), 4);
        // A bus in traffic: now fast, now at walking speed, now at a stop.
        for _ in 0..5 {
            person.go(60.0, 10.0).go(60.0, 1.3).go(30.0, 0.0).go(60.0, 10.0);
        }
        assert!(person.steps() < 20.0, "{} steps in the bus", person.steps());
        person.walked = 0.0;
        person.go(180.0, 1.4);
        assert!(person.steps() < 1.0, "not believed yet: {}", person.steps());
        person.go(420.0, 1.4);
        let share = person.walked / (600.0 * 1.4);
        assert!((0.8..1.15).contains(&share), "{share} at a fix every {every_ms} ms");
    }
}

#[test]
fn a_speedometer_gives_a_ride_away_even_where_the_positions_do_not() {
    let mut walking = Walking::default();
    let mut walked = 0.0;
    for minute in 0..20 {
        let mut fix = fix_at(f64::from(minute) * 84.0, 0.0, T0 + i64::from(minute) * 60_000, Some(5.0));
        fix.speed = Some(9.0);
        walked += metres(walking.report(&fix));
    }
    assert!(walked < 1.0, "{walked} m");
}

#[test]
fn one_wild_fix_does_not_disturb_a_walk() {
    let mut walking = Walking::default();
    let mut walked = 0.0;
    for second in 0..600 {
        let wild = if second % 97 == 50 { 400.0 } else { 0.0 };
        let fix = fix_at(f64::from(second) * 1.4, wild, T0 + i64::from(second) * 1_000, Some(5.0));
        walked += f64::from(metres(walking.report(&fix)));
    }
    assert!((walked / (600.0 * 1.4) - 1.0).abs() < 0.1, "{walked} m");
}

#[test]
fn a_silence_says_nothing_and_late_or_coarse_fixes_are_ignored() {
    let mut walking = Walking::default();
    assert!(metres(walking.report(&fix_at(0.0, 0.0, T0, Some(5.0)))) < 0.1);
    assert!(
        metres(walking.report(&fix_at(600.0, 0.0, T0 + 600_000, Some(5.0)))) < 0.1,
        "ten minutes later, 600 m away"
    );
    let before = walking.clone();
    assert!(metres(walking.report(&fix_at(5.0, 0.0, T0 + 599_000, Some(5.0)))) < 0.1, "late");
    assert!(metres(walking.report(&fix_at(5.0, 0.0, T0 + 700_000, Some(150.0)))) < 0.1, "coarse");
    assert_eq!(walking, before);
}

#[test]
fn a_walk_crosses_the_date_line_unharmed() {
    let mut walking = Walking::default();
    let mut walked = 0.0;
    for second in 0..600_i32 {
        let east = f64::from(second - 300) * 1.4 / 111_195.0;
        let lon = if east < 0.0 { 180.0 + east } else { east - 180.0 };
        let t = T0 + i64::from(second) * 1_000;
        let fields = FixFields { lat: 0.0, lon, t, acc: Some(5.0), ..FixFields::default() };
        walked += f64::from(metres(walking.report(&Fix::recorded(&fields, UnixMs(t)).unwrap())));
    }
    assert!((walked / (600.0 * 1.4) - 1.0).abs() < 0.1, "{walked} m");
}
