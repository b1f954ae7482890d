//! The rules one by one, as short scenes. Every command in them is checked by the oracle as well.
use letshang::domain::{UnixMs, UserNo};
use letshang::spatial::sphere::destination;
use letshang::spatial::{Event, Reason};

use crate::stage::{START, Stage, live, place};

const MINUTE: i64 = 60_000;

/// Two friends, 0 and 1, in Berlin, `metres` apart, with the default radius.
fn two(metres: f64) -> Stage {
    let mut stage = Stage::new();
    for no in 0..2 {
        stage.person(no, 500.0, true, false).unwrap();
    }
    stage.befriend(0, 1).unwrap();
    at(&mut stage, 0, 0.0);
    at(&mut stage, 1, metres);
    stage
}

/// Reports `who` `metres` east of the origin and says what was told.
fn at(stage: &mut Stage, who: u32, metres: f64) -> Vec<String> {
    coarse(stage, who, metres, 0.0)
}

fn coarse(stage: &mut Stage, who: u32, metres: f64, acc: f64) -> Vec<String> {
    let there = destination(place(52.52, 13.4), 90.0, metres).unwrap();
    words(&stage.fix(who, there, stage.now, acc).unwrap())
}

fn words(events: &[Event]) -> Vec<String> {
    let word = |event: &Event| match event {
        Event::Near { .. } => "near".to_owned(),
        Event::Apart { reason, .. } => format!("{reason:?}"),
    };
    events.iter().map(word).collect()
}

fn later(stage: &mut Stage, ms: i64) -> Vec<String> {
    stage.now += ms;
    words(&stage.tick().unwrap())
}

/// Both report where they are every five minutes, so that nobody becomes stale. Says what was told.
fn stay(stage: &mut Stage, minutes: i64) -> Vec<String> {
    let mut told = Vec::new();
    for _ in 0..minutes / 5 {
        told.extend(later(stage, 5 * MINUTE));
        for who in 0..2 {
            let here = stage.world.live(UserNo(who)).unwrap().position;
            told.extend(words(&stage.fix(who, here, stage.now, 0.0).unwrap()));
        }
    }
    told
}

#[test]
fn coming_near_is_told_once_and_leaving_needs_the_longer_distance() {
    let mut stage = two(900.0);
    let walk = [600.0, 501.0, 499.0, 300.0, 520.0, 674.0, 300.0, 499.0, 501.0];
    let mut told = Vec::new();
    for metres in walk {
        stage.now += 60_000;
        told.extend(at(&mut stage, 0, 0.0));
        told.extend(at(&mut stage, 1, metres));
    }
    assert_eq!(told, ["near"]);
}

#[test]
fn the_second_fix_out_of_reach_ends_it_and_so_do_thirty_seconds() {
    let mut stage = two(100.0);
    stage.now += 1_000;
    assert!(at(&mut stage, 1, 676.0).is_empty());
    stage.now += 1_000;
    assert_eq!(at(&mut stage, 0, 0.1), ["Left"], "the other side's fix counts as well");

    let mut stage = two(100.0);
    stage.now += 1_000;
    assert!(at(&mut stage, 1, 676.0).is_empty());
    assert!(later(&mut stage, 29_999).is_empty());
    assert_eq!(later(&mut stage, 1), ["Left"]);
    assert!(later(&mut stage, 100_000).is_empty());
}

#[test]
fn one_stray_fix_ends_nothing() {
    let mut stage = two(100.0);
    for _ in 0..5 {
        stage.now += 10_000;
        assert!(at(&mut stage, 1, 5_000.0).is_empty());
        stage.now += 10_000;
        assert!(at(&mut stage, 1, 100.0).is_empty());
    }
    assert!(later(&mut stage, 60_000).is_empty());
}

#[test]
fn coarse_positions_wait_for_better_ones_although_nobody_moves() {
    let mut stage = two(5_000.0);
    stage.now += 1_000;
    assert!(coarse(&mut stage, 1, 10.0, 501.0).is_empty());
    stage.now += 1_000;
    assert!(coarse(&mut stage, 0, 0.0, 3.0).is_empty());
    stage.now += 1_000;
    assert_eq!(coarse(&mut stage, 1, 10.0, 499.0), ["near"]);
}

#[test]
fn who_is_still_near_when_the_half_hour_is_over_hears_it_then() {
    let mut stage = two(100.0);
    stage.now += 1_000;
    at(&mut stage, 1, 900.0);
    stage.now += 1_000;
    assert_eq!(at(&mut stage, 1, 900.0), ["Left"]);
    stage.now += 1_000;
    assert!(at(&mut stage, 1, 200.0).is_empty(), "back within the half hour");
    assert!(stay(&mut stage, 25).is_empty());
    stage.now = START + 30 * MINUTE - 1;
    assert!(words(&stage.tick().unwrap()).is_empty());
    assert_eq!(later(&mut stage, 1), ["near"], "no fix was needed");
    assert!(stay(&mut stage, 60).is_empty(), "and never again while they stay");
}

#[test]
fn busy_and_free_again_by_hand_may_be_told_at_once() {
    let mut stage = two(100.0);
    assert_eq!(words(&stage.free(0, false, false).unwrap()), ["Busy"]);
    assert!(stage.free(0, true, true).unwrap().is_empty(), "the calendar made it busy");
    assert!(stage.free(0, false, true).unwrap().is_empty());
    assert!(stage.free(0, true, false).unwrap().is_empty(), "the calendar made it free");
    assert!(stage.free(1, false, true).unwrap().is_empty());
    assert_eq!(words(&stage.free(1, true, true).unwrap()), ["near"]);
    assert!(stage.free(1, true, true).unwrap().is_empty());
}

#[test]
fn who_falls_silent_is_stale_after_ten_minutes_and_not_told_again_within_the_half_hour() {
    let mut stage = two(100.0);
    assert!(later(&mut stage, 10 * MINUTE).is_empty());
    assert_eq!(later(&mut stage, 1), ["Stale"]);
    assert!(at(&mut stage, 0, 0.0).is_empty() && at(&mut stage, 1, 50.0).is_empty());
    assert!(stay(&mut stage, 15).is_empty());
    assert_eq!(stay(&mut stage, 10), ["near"]);
    assert_eq!(stage.told.len(), 3);
}

#[test]
fn a_report_finds_a_silent_friend_stale_though_no_tick_came() {
    let mut stage = two(100.0);
    stage.now += 10 * MINUTE + 1;
    assert_eq!(at(&mut stage, 0, 3.0), ["Stale"]);
}

#[test]
fn a_fix_that_arrives_ten_minutes_old_still_counts_and_an_older_one_is_stale() {
    for (age, told) in [(10 * MINUTE, vec!["near"]), (10 * MINUTE + 1, vec![])] {
        let mut stage = Stage::new();
        for no in 0..2 {
            stage.person(no, 500.0, true, false).unwrap();
        }
        stage.befriend(0, 1).unwrap();
        at(&mut stage, 0, 0.0);
        let events = stage.fix(1, place(52.52, 13.4), stage.now - age, 0.0).unwrap();
        assert_eq!(words(&events), told);
    }
}

#[test]
fn hiding_unfriending_and_going_end_it_at_once() {
    let mut stage = two(100.0);
    assert_eq!(words(&stage.person(1, 500.0, true, true).unwrap()), ["Hidden"]);
    let mut stage = two(100.0);
    assert_eq!(words(&stage.unfriend(1, 0).unwrap()), ["Unfriended"]);
    assert!(stage.befriend(0, 1).unwrap().is_empty(), "the half hour holds for the pair");
    let mut stage = two(100.0);
    assert_eq!(words(&stage.remove(1).unwrap()), ["Unfriended"]);
    assert!(stage.world.friends(UserNo(0)).is_empty() && stage.world.person(UserNo(1)).is_none());
}

#[test]
fn a_new_radius_is_looked_at_at_once() {
    let mut stage = two(900.0);
    assert!(stage.person(0, 1_000.0, true, false).unwrap().is_empty(), "the smaller radius holds");
    assert_eq!(words(&stage.person(1, 1_000.0, true, false).unwrap()), ["near"]);
    assert!(stage.person(1, 100.0, true, false).unwrap().is_empty());
    assert_eq!(later(&mut stage, 30_000), ["Left"]);
}

#[test]
fn new_friends_who_stand_together_hear_it() {
    let mut stage = Stage::new();
    for no in 0..2 {
        stage.person(no, 500.0, true, false).unwrap();
        at(&mut stage, no, f64::from(no) * 10.0);
    }
    assert_eq!(words(&stage.befriend(1, 0).unwrap()), ["near"]);
    assert!(stage.befriend(0, 1).unwrap().is_empty() && stage.befriend(0, 0).unwrap().is_empty());
}

#[test]
fn after_a_restart_nothing_is_told_twice() {
    let mut stage = two(100.0);
    stage.now += MINUTE;
    assert!(stage.restart().unwrap().is_empty());
    assert!(stage.world.is_near(UserNo(0), UserNo(1)));
    assert!(at(&mut stage, 0, 0.0).is_empty() && at(&mut stage, 1, 400.0).is_empty());
    stage.now += 1_000;
    assert!(at(&mut stage, 1, 700.0).is_empty());
    stage.now += 1_000;
    assert_eq!(at(&mut stage, 1, 700.0), ["Left"]);
    stage.restart().unwrap();
    assert!(at(&mut stage, 0, 0.0).is_empty() && at(&mut stage, 1, 1.0).is_empty(), "the half hour is kept as well");
}

#[test]
fn after_a_restart_who_does_not_come_back_is_stale() {
    let mut stage = two(100.0);
    stage.restart().unwrap();
    stage.now += 5 * MINUTE;
    assert!(at(&mut stage, 0, 0.0).is_empty());
    assert!(later(&mut stage, 5 * MINUTE - 1).is_empty());
    assert_eq!(later(&mut stage, 1), ["Stale"]);
    stage.restart().unwrap();
    let mut stage = two(100.0);
    stage.restart().unwrap();
    assert_eq!(words(&stage.free(1, false, true).unwrap()), ["Busy"]);
    assert_eq!(stage.told.last().map(|event| matches!(event, Event::Apart { reason: Reason::Busy, .. })), Some(true));
}

#[test]
fn who_was_never_inserted_is_nobody() {
    let mut stage = two(100.0);
    let stranger = UserNo(u32::MAX - 7);
    let (now, mut events) = (UnixMs(START), Vec::new());
    let world = &mut stage.world;
    world.report(stranger, live(place(52.52, 13.4), START, 0.0), now, &mut events);
    world.set_free(stranger, true, true, now, &mut events);
    world.set_online(stranger, true);
    world.befriend(UserNo(0), stranger, now, &mut events);
    world.add_friends(stranger, &[UserNo(0)]);
    world.add_friends(UserNo(0), &[stranger]);
    world.restore_pair(UserNo(0), stranger, true, now);
    world.remove(stranger, now, &mut events);
    assert!(events.is_empty() && world.live(stranger).is_none() && world.disc(stranger).is_none());
    assert_eq!((world.friends(UserNo(0)), world.counts().people), (&[UserNo(1)][..], 2));
    stage.person(u32::MAX, 500.0, true, false).unwrap();
    stage.befriend(0, u32::MAX).unwrap();
    assert_eq!(at(&mut stage, u32::MAX, 3.0), ["near"]);
}

#[test]
fn from_the_moment_at_which_being_free_is_known_to_end_nobody_is_announced() {
    let mut stage = two(900.0);
    let (end, mut events) = (UnixMs(stage.now + 10_000), Vec::new());
    let near = destination(place(52.52, 13.4), 90.0, 100.0).unwrap();
    // What follows is told to the world alone, not to the oracle.
    stage.world.free_until(UserNo(0), Some(end));
    stage.world.report(UserNo(1), live(near, end.0, 0.0), end, &mut events);
    assert_eq!((words(&events), stage.world.person(UserNo(0)).unwrap().free), (vec![], false));
    stage.world.set_free(UserNo(0), true, true, end + 50, &mut events);
    assert_eq!(words(&events), ["near"], "what is said of it later holds");
    // Said anew in time: the end that was known before is none.
    stage.world.free_until(UserNo(0), Some(end + 1_000));
    stage.world.set_free(UserNo(0), true, false, end + 1_000, &mut events);
    stage.world.tick(end + 2_000, &mut events);
    assert_eq!(words(&events), ["near"]);
}
