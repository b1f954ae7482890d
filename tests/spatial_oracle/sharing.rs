//! Sharing as short scenes. Every command in them is checked by the oracle as well.
use letshang::domain::{LatLon, Precision, UnixMs, UserNo};
use letshang::spatial::sphere::destination;
use letshang::spatial::{BoundingBox, Event, Nearby, Person, Reason, World};

use crate::agreed::square;
use crate::oracle::haversine;
use crate::stage::{SETTINGS, START, Stage, live, place};

const MINUTE: i64 = 60_000;
use Precision::{Approximate, Exact, Off};

/// The middle of a cell in Berlin, and `metres` east of it.
fn town(metres: f64) -> LatLon {
    destination(square(place(52.525, 13.4)).centre(), 90.0, metres).unwrap()
}

/// Two friends in Berlin, 0 in the middle of a cell, 1 `metres` east of it.
fn two(metres: f64) -> Stage {
    let mut stage = Stage::new();
    for no in 0..2 {
        stage.person(no, 500.0, true, false).unwrap();
    }
    stage.befriend(0, 1).unwrap();
    stage.fix(0, town(0.0), START, 0.0).unwrap();
    stage.fix(1, town(metres), START, 0.0).unwrap();
    stage
}

fn sees(stage: &Stage, viewer: u32, owner: u32) -> Option<Precision> {
    stage.world.seen(UserNo(owner), UserNo(viewer), UnixMs(stage.now)).map(|seen| seen.precision)
}

fn near(events: &[Event]) -> Vec<(f64, Precision, Precision)> {
    let near = |event: &Event| match *event {
        Event::Near { distance_m, shown_a, shown_b, .. } => Some((distance_m.round(), shown_a, shown_b)),
        Event::Apart { .. } => None,
    };
    events.iter().filter_map(near).collect()
}

fn apart(events: &[Event]) -> Vec<(Reason, Option<u32>)> {
    let apart = |event: &Event| match *event {
        Event::Apart { reason, by, .. } => Some((reason, by.map(|by| by.0))),
        Event::Near { .. } => None,
    };
    events.iter().filter_map(apart).collect()
}

#[test]
fn a_pair_meets_and_parts_by_the_cell_and_not_by_where_in_it_somebody_stands() {
    let mut stage = two(900.0);
    stage.share(0, 1, Approximate).unwrap();
    stage.now += 1_000;
    assert!(stage.fix(0, town(450.0), stage.now, 0.0).unwrap().is_empty(), "450 m away, but shown 900 m away");
    stage.now += 1_000;
    assert_eq!(near(&stage.fix(1, town(-490.0), stage.now, 0.0).unwrap()), [(490.0, Approximate, Exact)]);
    stage.now += 1_000;
    assert!(stage.fix(0, town(500.0), stage.now, 150.0).unwrap().is_empty(), "990 m away, but shown where they were");
    for metres in [700.0, 1_700.0] {
        stage.now += MINUTE;
        assert!(apart(&stage.fix(0, town(metres), stage.now, 0.0).unwrap()).is_empty() || metres > 1_000.0);
    }
    assert!(!stage.world.is_near(UserNo(0), UserNo(1)), "two fixes in cells too far away");
}

#[test]
fn nothing_shown_in_one_direction_means_that_neither_hears_anything() {
    for (owner, viewer) in [(0, 1), (1, 0)] {
        let mut stage = two(100.0);
        assert_eq!(apart(&stage.share(owner, viewer, Off).unwrap()), [(Reason::Hidden, Some(owner))]);
        assert_eq!((sees(&stage, viewer, owner), sees(&stage, owner, viewer)), (None, Some(Exact)));
        stage.now += 31 * MINUTE;
        for no in 0..2 {
            assert!(stage.fix(no, town(5.0), stage.now, 0.0).unwrap().is_empty());
        }
        assert_eq!(near(&stage.share(owner, viewer, Exact).unwrap()).len(), 1, "both stand there still");
    }
}

#[test]
fn who_shows_a_place_only_while_free_is_seen_only_while_free() {
    let mut stage = two(3_000.0);
    let ask = |stage: &Stage| {
        let query = Nearby { radius_m: 1e9, limit: 9, free_only: false };
        stage.world.nearby(UserNo(1), &query, UnixMs(stage.now)).len()
    };
    stage.only_free(0, true).unwrap();
    assert_eq!((sees(&stage, 1, 0), ask(&stage)), (Some(Exact), 1));
    stage.free(0, false, true).unwrap();
    assert_eq!((sees(&stage, 1, 0), ask(&stage)), (None, 0));
    assert_eq!(sees(&stage, 0, 0), Some(Exact), "not from oneself");
    stage.only_free(0, false).unwrap();
    assert_eq!((sees(&stage, 1, 0), ask(&stage)), (Some(Exact), 1));
}

#[test]
fn unfriending_forgets_what_both_shared() {
    let mut stage = two(3_000.0);
    stage.share(0, 1, Approximate).unwrap();
    stage.share(1, 0, Off).unwrap();
    stage.unfriend(1, 0).unwrap();
    assert_eq!((sees(&stage, 0, 1), sees(&stage, 1, 0)), (None, None));
    stage.befriend(0, 1).unwrap();
    assert_eq!((sees(&stage, 0, 1), sees(&stage, 1, 0)), (Some(Exact), Some(Exact)));
}

#[test]
fn what_was_agreed_before_they_became_friends_holds_from_the_first_moment() {
    let mut stage = Stage::new();
    for no in 0..2 {
        stage.person(no, 500.0, true, false).unwrap();
        stage.fix(no, town(300.0), START, 0.0).unwrap();
    }
    stage.share(1, 0, Approximate).unwrap();
    assert_eq!(sees(&stage, 0, 1), None);
    assert_eq!(near(&stage.befriend(0, 1).unwrap()), [(300.0, Exact, Approximate)]);
    assert_eq!(sees(&stage, 0, 1), Some(Approximate));
    stage.remove(1).unwrap();
    stage.person(1, 500.0, true, false).unwrap();
    stage.befriend(0, 1).unwrap();
    stage.fix(1, town(300.0), START + 1, 0.0).unwrap();
    assert_eq!(sees(&stage, 0, 1), Some(Exact), "somebody else who was given the number");
}

#[test]
fn after_a_restart_what_was_agreed_holds_before_anybody_has_reported() {
    let mut stage = two(300.0);
    assert_eq!(apart(&stage.share(0, 1, Approximate).unwrap()), []);
    assert!(stage.world.is_near(UserNo(0), UserNo(1)));
    stage.restart().unwrap();
    stage.now += 1_000;
    stage.fix(0, town(333.0), stage.now, 0.0).unwrap();
    let seen = stage.world.seen(UserNo(0), UserNo(1), UnixMs(stage.now)).unwrap();
    assert!(haversine(seen.live.position, town(0.0)) < 0.01 && seen.precision == Approximate);
    stage.share(1, 0, Off).unwrap();
    stage.restart().unwrap();
    assert!(!stage.world.is_near(UserNo(0), UserNo(1)));

    // Stored as near, and nothing is shared any more: it ends as soon as anything happens.
    let mut world = World::new(SETTINGS);
    let (mut events, now) = (Vec::new(), UnixMs(START));
    for no in 0..2 {
        world.set_person(UserNo(no), Person { free: true, ..Person::default() }, now, &mut events);
    }
    world.load_friends(UserNo(0), [UserNo(1)].into());
    world.load_friends(UserNo(1), [UserNo(0)].into());
    world.share(UserNo(1), UserNo(0), Off, now, &mut events);
    world.restore_pair(UserNo(0), UserNo(1), true, now);
    assert!(events.is_empty());
    world.report(UserNo(0), live(town(0.0), START, 0.0), now, &mut events);
    assert_eq!(apart(&events), [(Reason::Hidden, Some(1))]);
}

#[test]
fn who_hides_is_not_in_view_and_not_counted() {
    let mut stage = two(3_000.0);
    let view = BoundingBox { west: 13.0, south: 52.0, east: 14.0, north: 53.0 };
    let in_view = |stage: &Stage| {
        let mut found = Vec::new();
        stage.world.in_view(&view, &mut |no, _, _| found.push(no.0));
        found.sort_unstable();
        found
    };
    assert_eq!(in_view(&stage), [0, 1]);
    stage.person(1, 500.0, true, true).unwrap();
    assert_eq!((in_view(&stage), stage.world.counts().free, stage.world.counts().people), (vec![0], 1, 2));
    stage.free(1, false, true).unwrap();
    stage.world.set_online(UserNo(1), false);
    stage.world.set_online(UserNo(1), true);
    assert_eq!((stage.world.counts().free, stage.world.counts().online), (1, 1));
    stage.person(1, 500.0, false, false).unwrap();
    assert_eq!((stage.world.counts().free, stage.world.counts().online), (1, 2));
    stage.remove(1).unwrap();
    assert_eq!((stage.world.counts().free, stage.world.counts().online), (1, 1));
}

#[test]
fn forty_approximate_friends_far_away_cost_no_look_at_a_fix() {
    let mut stage = Stage::new();
    for no in 0..=40 {
        stage.person(no, 500.0, true, false).unwrap();
    }
    for no in 1..=40 {
        stage.befriend(0, no).unwrap();
        let there = destination(town(0.0), f64::from(no) * 9.0, 12_000.0 + 100.0 * f64::from(no)).unwrap();
        stage.fix(no, there, START, 0.0).unwrap();
    }
    stage.fix(0, town(0.0), START, 0.0).unwrap();
    for no in 1..=40 {
        // Some one way, some the other, some both.
        if no % 3 != 0 {
            stage.share(0, no, Approximate).unwrap();
        }
        if no % 3 != 1 {
            stage.share(no, 0, Approximate).unwrap();
        }
    }
    stage.now += 1_000;
    stage.fix(0, town(2_000.0), stage.now, 0.0).unwrap();
    stage.now += 1_000;
    let middle = square(town(2_000.0)).centre();
    stage.fix(0, middle, stage.now, 0.0).unwrap();
    let disc = stage.world.disc(UserNo(0)).unwrap();
    assert!(disc.1 > 3_000.0, "{} m", disc.1);
    for step in 0..100 {
        stage.now += 100;
        let there = destination(middle, f64::from(step) * 71.0, f64::from(step) * 4.0).unwrap();
        stage.fix(0, there, stage.now, 0.0).unwrap();
        assert!(stage.world.watched(UserNo(0)).is_empty());
        assert_eq!(stage.world.disc(UserNo(0)), Some(disc), "a new disc is a look at all friends");
    }
}
