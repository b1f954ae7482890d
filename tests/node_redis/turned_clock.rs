//! Hours, days and both changes of the clocks pass, in New York. A person who reported over HTTP counts as online for
//! ten minutes of the real clock: here that is every hour until the node ends.
use jiff::civil::{Date, date};
use serde_json::json;

use crate::picture::Hours;
use crate::place::{Place, ROOT, eventually};
use crate::redis_server::RedisServer;
use crate::turned_node::TurnedNode;

const NEW_YORK: &str = "America/New_York";

#[test]
fn free_over_the_full_hour_and_over_midnight_is_in_every_hour_and_busy_before_it_is_not() {
    let Some(redis) = RedisServer::start() else { return };
    let place = Place::in_zone(NEW_YORK);
    // 22:59:59.9 on the 15th.
    let node = TurnedNode::start(&place, &redis, "2026-06-16T02:59:59.900Z");
    place.add(&["ann", "ben"]);
    let (before, after) = (date(2026, 6, 15), date(2026, 6, 16));
    let both: &[&str] = &["ann", "ben"];
    node.say("ann", true);
    node.say("ben", true);
    node.say("ben", false);
    node.report("ann");
    node.report("ben");
    node.eyes().see(before, &[(22, both, both)]);
    node.turn_to("2026-06-16T03:00:00Z");
    node.eyes().see(before, &[(22, both, both), (23, &["ann"], both)]);
    node.turn_to("2026-06-16T03:59:59.999Z");
    node.say("ben", true);
    node.eyes().see(before, &[(22, both, both), (23, both, both)]);
    node.eyes().see(after, &[]);
    node.say("ann", false);
    node.turn_to("2026-06-16T04:00:00.001Z");
    node.eyes().see(after, &[(0, &["ben"], both)]);
    node.eyes().see(before, &[(22, both, both), (23, both, both)]);
    assert_eq!(node.eyes().get(&format!("/v1/availability/histogram?date={before}"))["complete"], true);
    assert_eq!(node.eyes().get(&format!("/v1/availability/histogram?date={after}"))["complete"], false);
    let series = node.eyes().get(&format!("/v1/availability/histogram?from={before}&to={after}"));
    assert_eq!(series["days"][0]["hours"][23]["free"], 2, "{series}");
    assert_eq!(series["days"][1]["hours"][0]["free"], 1, "{series}");
}

#[test]
fn the_first_word_of_a_new_day_is_counted_though_nobody_was_there_at_midnight() {
    let Some(redis) = RedisServer::start() else { return };
    let place = Place::in_zone(NEW_YORK);
    let node = TurnedNode::start(&place, &redis, "2026-06-16T03:59:00Z");
    place.add(&["ann", "ben"]);
    for (moment, day, hours) in [
        ("2026-06-16T04:00:30Z", date(2026, 6, 16), &[(0, &["ann"][..], &[][..])]),
        ("2026-06-19T15:00:30Z", date(2026, 6, 19), &[(11, &["ann"][..], &[][..])]),
    ] {
        node.turn_to(moment);
        node.say("ann", true);
        node.say("ann", false);
        node.eyes().see(day, hours);
    }
}

#[test]
fn in_spring_the_hour_that_is_skipped_has_nobody_and_the_day_goes_on() {
    const DAY: Date = date(2026, 3, 8);
    let Some(redis) = RedisServer::start() else { return };
    let place = Place::in_zone(NEW_YORK);
    let node = TurnedNode::start(&place, &redis, "2026-03-08T05:30:00Z");
    place.add(&["ann", "ben"]);
    node.say("ann", true);
    node.report("ann");
    let (ann, both): (&[&str], &[&str]) = (&["ann"], &["ann", "ben"]);
    node.eyes().see(DAY, &[(0, ann, ann)]);
    node.turn_to("2026-03-08T06:59:59.999Z");
    node.eyes().see(DAY, &[(0, ann, ann), (1, ann, ann)]);
    // 03:00, a millisecond later.
    node.turn_to("2026-03-08T07:00:00Z");
    node.say("ben", true);
    node.report("ben");
    node.eyes().see(DAY, &[(0, ann, ann), (1, ann, ann), (3, both, both)]);
    node.turn_to("2026-03-09T03:59:59.999Z");
    let all_day: Vec<_> = (0..24).filter(|hour| *hour != 2).collect();
    let people = |hour: &u8| if *hour < 3 { (*hour, ann, ann) } else { (*hour, both, both) };
    let hours: Vec<_> = all_day.iter().map(people).collect();
    node.eyes().see(DAY, &hours);
    node.eyes().see(date(2026, 3, 9), &[]);
}

#[test]
fn in_autumn_the_hour_that_comes_twice_is_one_hour_in_which_everybody_counts_once() {
    const DAY: Date = date(2026, 11, 1);
    let Some(redis) = RedisServer::start() else { return };
    let place = Place::in_zone(NEW_YORK);
    // 01:30, for the first time.
    let node = TurnedNode::start(&place, &redis, "2026-11-01T05:30:00Z");
    place.add(&["ann", "ben", "cleo"]);
    let everyone: &[&str] = &["ann", "ben", "cleo"];
    node.say("ann", true);
    node.say("ben", true);
    node.say("ben", false);
    node.report("ann");
    node.eyes().see(DAY, &[(1, &["ann", "ben"], &["ann"])]);
    // 01:30 again.
    node.turn_to("2026-11-01T06:30:00Z");
    node.say("ben", true);
    node.say("cleo", true);
    node.say("cleo", false);
    node.report("cleo");
    node.eyes().see(DAY, &[(1, everyone, &["ann", "cleo"])]);
    node.turn_to("2026-11-01T07:00:00Z");
    let hours: Hours<'_> = &[(1, everyone, &["ann", "cleo"]), (2, &["ann", "ben"], &["ann", "cleo"])];
    node.eyes().see(DAY, hours);
    drop(node);
    // A restart, with a Redis that has lost everything, adds nothing.
    redis.ask(&["FLUSHALL"]);
    let node = TurnedNode::start(&place, &redis, "2026-11-01T07:59:59Z");
    node.eyes().see(DAY, hours);
}

#[test]
fn free_until_the_full_hour_is_not_in_the_hour_that_begins_then() {
    const DAY: Date = date(2026, 6, 16);
    let Some(redis) = RedisServer::start() else { return };
    let place = Place::in_zone("UTC");
    let node = TurnedNode::start(&place, &redis, "2026-06-16T10:30:00Z");
    place.add(&["ann", "ben", "cleo"]);
    let everyone: &[&str] = &["ann", "ben", "cleo"];
    node.say_free_until("ann", "2026-06-16T11:00:00Z");
    node.say_free_until("ben", "2026-06-16T11:00:00.001Z");
    node.say("cleo", true);
    node.eyes().see(DAY, &[(10, everyone, &[])]);
    node.turn_to("2026-06-16T11:00:00.100Z");
    node.eyes().see(DAY, &[(10, everyone, &[]), (11, &["ben", "cleo"], &[])]);
    // Whatever is told late changes nothing, and the next end is that of the next word.
    std::thread::sleep(std::time::Duration::from_millis(500));
    node.say_free_until("ann", "2026-06-16T13:00:00Z");
    node.say_free_until("ben", "2026-06-16T14:00:00Z");
    node.say("ben", true);
    node.say_free_until("cleo", "2026-06-16T12:00:00Z");
    node.turn_to("2026-06-16T11:59:59.900Z");
    node.eyes().see(DAY, &[(10, everyone, &[]), (11, everyone, &[])]);
    // A machine that slept through both ends.
    node.turn_to("2026-06-16T15:10:00Z");
    node.eyes().see(
        DAY,
        &[
            (10, everyone, &[]),
            (11, everyone, &[]),
            (12, &["ann", "ben"], &[]),
            (13, &["ben"], &[]),
            (14, &["ben"], &[]),
            (15, &["ben"], &[]),
        ],
    );
}

#[test]
fn who_stays_free_while_the_node_is_down_was_free_in_those_hours_and_online_in_none_of_them() {
    let Some(redis) = RedisServer::start() else { return };
    let place = Place::in_zone(NEW_YORK);
    // 21:50 on the 15th.
    let node = TurnedNode::start(&place, &redis, "2026-06-16T01:50:00Z");
    place.add(&["ann", "ben", "cleo"]);
    let everyone: &[&str] = &["ann", "ben", "cleo"];
    node.say("ann", true);
    node.say_free_until("ben", "2026-06-16T03:00:00Z");
    node.say("cleo", true);
    node.say("cleo", false);
    node.report("ann");
    node.eyes().see(date(2026, 6, 15), &[(21, everyone, &["ann"])]);
    drop(node);
    // 01:10 on the 16th.
    let node = TurnedNode::start(&place, &redis, "2026-06-16T05:10:00Z");
    let evening: Hours<'_> = &[(21, everyone, &["ann"]), (22, &["ann", "ben"], &[]), (23, &["ann"], &[])];
    node.eyes().see(date(2026, 6, 15), evening);
    node.eyes().see(date(2026, 6, 16), &[(0, &["ann"], &[]), (1, &["ann"], &[])]);
    node.say("ann", false);
    drop(node);
    let node = TurnedNode::start(&place, &redis, "2026-06-16T08:10:00Z");
    node.say("cleo", true);
    node.report("cleo");
    node.eyes().see(date(2026, 6, 16), &[(0, &["ann"], &[]), (1, &["ann"], &[]), (4, &["cleo"], &["cleo"])]);
    node.eyes().see(date(2026, 6, 15), evening);
}

#[test]
fn who_was_removed_is_in_no_later_hour() {
    const DAY: Date = date(2026, 6, 16);
    let Some(redis) = RedisServer::start() else { return };
    let place = Place::in_zone("UTC");
    let node = TurnedNode::start(&place, &redis, "2026-06-16T10:30:00Z");
    place.add(&["ann", "ben", "cleo"]);
    for name in ["ann", "ben", "cleo"] {
        node.say(name, true);
    }
    drop(node);
    // After a restart nobody's actor runs until they speak.
    let node = TurnedNode::start(&place, &redis, "2026-06-16T10:40:00Z");
    node.say("ann", true);
    let removed = node.call(ROOT, "POST", "/v1/admin/users/remove").json(&json!({"users": ["ann", "ben"]})).ok();
    assert_eq!(removed["removed"], 2);
    node.turn_to("2026-06-16T11:00:00Z");
    // Both who are gone have one name here, and the counts tell that they were two.
    let hours = node.eyes();
    eventually(|| {
        let day = hours.get(&format!("/v1/availability/histogram?date={DAY}"));
        let free = |hour: usize| day["hours"][hour]["free"].as_u64().unwrap();
        if (free(10), free(11)) == (3, 1) { Ok(()) } else { Err(format!("3 at 10 and 1 at 11: {day}")) }
    });
}
