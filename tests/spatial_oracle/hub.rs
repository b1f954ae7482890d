//! Five thousand friends, and crowds of strangers.
use letshang::domain::{UnixMs, UserNo};
use letshang::spatial::sphere::destination;
use letshang::spatial::{BoundingBox, Nearby, World};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::stage::{SETTINGS, START, Stage, live, place};

#[test]
fn one_with_five_thousand_friends_in_town_hears_of_each_that_comes_near_once() {
    let mut random = StdRng::seed_from_u64(5_000);
    let mut stage = Stage::new();
    let home = place(0.0, 179.99);
    for no in 0..=5_000 {
        // The checks look at every pair after every command: the crowd is set up on both sides without them.
        let person = letshang::spatial::Person { free: true, ..Default::default() };
        stage.world.set_person(UserNo(no), person, UnixMs(START), &mut Vec::new());
        stage.oracle.person(no, 500.0, true, false);
    }
    let friends: Vec<UserNo> = (1..=5_000).map(UserNo).collect();
    stage.world.add_friends(UserNo(0), &friends);
    let mut spots = vec![home];
    for no in 1..=5_000 {
        stage.oracle.befriend(0, no);
        let there = destination(home, random.random_range(0.0..360.0), random.random_range(0.0..4_000.0)).unwrap();
        stage.world.report(UserNo(no), live(there, START, 0.0), UnixMs(START), &mut Vec::new());
        stage.oracle.fix(no, letshang_seen(there));
        spots.push(there);
    }
    let first = stage.fix(0, home, START, 0.0).unwrap();
    assert!(first.len() > 200, "{}", first.len());
    let mut looked_at = 0;
    for step in 1..=60 {
        stage.now += 1_000;
        let no = if step % 2 == 0 { 0 } else { random.random_range(1..=5_000u32) };
        let spot = &mut spots[no as usize];
        *spot = destination(*spot, random.random_range(0.0..360.0), if no == 0 { 12.0 } else { 300.0 }).unwrap();
        looked_at += stage.world.watched(UserNo(0)).len();
        stage.fix(no, *spot, stage.now, 0.0).unwrap();
    }
    assert!(looked_at / 60 < 2_000, "{} of 5,000 friends are looked at for every fix", looked_at / 60);
    let near = stage.world.near_friends(UserNo(0));
    assert_eq!(near.len(), stage.world.counts().near_pairs);
}

fn letshang_seen(place: letshang::domain::LatLon) -> crate::oracle::Seen {
    crate::oracle::Seen { place, t: START, acc: 0.0 }
}

#[test]
fn thousands_of_strangers_on_one_spot_cost_nobody_a_disc() {
    let mut world = World::new(SETTINGS);
    let mut events = Vec::new();
    let square = place(52.52, 13.4);
    let now = UnixMs(START);
    for no in 0..3_000 {
        let person = letshang::spatial::Person { free: true, ..Default::default() };
        world.set_person(UserNo(no), person, now, &mut events);
        world.report(UserNo(no), live(square, START, 0.0), now, &mut events);
    }
    assert!(events.is_empty());
    assert_eq!(world.disc(UserNo(77)).map(|(_, radius)| radius), Some(5_000.0));
    let view = BoundingBox { west: 13.39, south: 52.51, east: 13.41, north: 52.53 };
    let count = |world: &World| {
        let mut found = 0;
        world.in_view(&view, &mut |_, _, _| found += 1);
        found
    };
    assert_eq!(count(&world), 3_000);
    for no in 0..1_500 {
        world.remove(UserNo(no), now, &mut events);
    }
    assert_eq!((count(&world), world.counts().people), (1_500, 1_500));
    let away = destination(square, 10.0, 5_100.0).unwrap();
    world.report(UserNo(2_000), live(away, START + 1, 0.0), now, &mut events);
    assert_eq!(count(&world), 1_499);
}

#[test]
fn nearest_first_is_by_true_distance_and_leaves_out_who_cannot_be_seen() {
    let mut stage = Stage::new();
    let home = place(-90.0, 0.0);
    for no in 0..10 {
        stage.person(no, 50.0, no % 2 == 0, no == 4).unwrap();
    }
    for no in 1..9 {
        stage.befriend(0, no).unwrap();
        let there = destination(home, f64::from(no) * 77.0, 1_000.0 - 100.0 * f64::from(no)).unwrap();
        stage.fix(no, there, START - i64::from(no == 8) * 590_000, 0.0).unwrap();
    }
    let ask = |stage: &Stage, radius_m, limit, free_only| -> Vec<u32> {
        let query = Nearby { radius_m, limit, free_only };
        stage.world.nearby(UserNo(0), &query, UnixMs(stage.now)).iter().map(|found| found.user.0).collect()
    };
    assert!(ask(&stage, 1e9, 9, false).is_empty(), "one without a position is near nobody");
    stage.fix(0, home, START, 0.0).unwrap();
    assert_eq!(ask(&stage, 1e9, 9, false), [8, 7, 6, 5, 3, 2, 1]);
    assert_eq!(ask(&stage, 600.5, 9, true), [8, 6]);
    assert_eq!(ask(&stage, f64::INFINITY, 3, false), [8, 7, 6]);
    assert!(ask(&stage, f64::NAN, 3, false).is_empty() && ask(&stage, 1e9, 0, false).is_empty());
    stage.now += 20_000;
    assert_eq!(ask(&stage, 1e9, 2, false), [7, 6], "8 has become stale");
}
