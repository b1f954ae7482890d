//! Redis stops, dies, or forgets while the node runs.
use std::time::{Duration, Instant};

use crate::picture::Hours;
use crate::place::{Now, Place};
use crate::program::next_degraded;
use crate::redis_server::RedisServer;

/// An answer that had to wait for Redis would take `redis.timeout`, which is 2 s here.
const AT_ONCE: Duration = Duration::from_secs(1);

fn patient(zone: &str) -> Place {
    Place::new(&format!("hours.time_zone = \"{zone}\"\nredis.timeout = \"2s\""))
}

#[test]
fn stopped_while_people_flip_nobody_waits_everybody_is_told_and_afterwards_it_is_exact() {
    let Some(redis) = RedisServer::start() else { return };
    let now = Now::read();
    let place = patient(now.zone);
    let node = place.serve(Some(&redis.url()));
    place.add(&["ann", "ben", "cleo", "dan", "eve"]);
    node.say("ann", true);
    node.eyes(Some(&redis)).see(now.date, &[(now.hour, &["ann"], &[])]);
    let mut phone = node.connect("dan");
    node.says_of_redis(true);

    redis.pause();
    let began = Instant::now();
    let mut longest = Duration::ZERO;
    while began.elapsed() < Duration::from_millis(3_500) {
        for name in ["ann", "ben", "cleo"] {
            for free in [true, false] {
                longest = longest.max(node.say(name, free));
            }
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(longest < AT_ONCE, "somebody waited {longest:?}");
    assert!(next_degraded(&mut phone)["since"].is_i64());
    node.says_of_redis(false);

    redis.resume();
    assert!(next_degraded(&mut phone)["since"].is_null(), "and that it is back");
    node.report("eve");
    let hours: Hours<'_> = &[(now.hour, &["ann", "ben", "cleo"], &["dan", "eve"])];
    node.eyes(Some(&redis)).see(now.date, hours);
    // Late answers to what was sent before the stop change nothing any more.
    std::thread::sleep(Duration::from_millis(500));
    node.eyes(Some(&redis)).see(now.date, hours);
    assert!(node.says_of_redis(true).ready["redis"]["message"].is_null(), "what is over is not said");
}

#[test]
fn killed_and_started_again_empty_everything_is_written_again() {
    let Some(mut redis) = RedisServer::start() else { return };
    let now = Now::read();
    let place = patient(now.zone);
    let node = place.serve(Some(&redis.url()));
    place.add(&["ann", "ben"]);
    node.ingest(&["old, 20151002 185127, 40.7643503305, -73.9694356385, True"]);
    node.say("ann", true);
    let old: Hours<'_> = &[(18, &["old"], &["old"])];
    let old_day = jiff::civil::date(2015, 10, 2);
    node.eyes(Some(&redis)).see(now.date, &[(now.hour, &["ann"], &[])]);

    redis.go_down();
    node.says_of_redis(false);
    assert!(node.say("ben", true) < AT_ONCE);
    assert!(node.say("ben", false) < AT_ONCE);
    node.report("ben");
    redis.come_up();
    let eyes = node.eyes(Some(&redis));
    eyes.see(now.date, &[(now.hour, &["ann", "ben"], &["ben"])]);
    if now.zone == "UTC" {
        eyes.see(old_day, old);
    }
    node.says_of_redis(true);
}

#[test]
fn emptied_by_somebody_again_and_again_while_people_flip_everything_is_written_again() {
    let Some(redis) = RedisServer::start() else { return };
    let now = Now::read();
    let place = patient(now.zone);
    let node = place.serve(Some(&redis.url()));
    let people = ["a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8"];
    place.add(&people);
    for name in people {
        node.say(name, true);
        redis.ask(&["FLUSHALL"]);
        std::thread::sleep(Duration::from_millis(60));
    }
    let hours: Hours<'_> = &[(now.hour, &people, &[])];
    node.eyes(Some(&redis)).see(now.date, hours);
    // With nothing new to say it is noticed too.
    redis.ask(&["FLUSHALL"]);
    node.eyes(Some(&redis)).see(now.date, hours);
    node.says_of_redis(true);
}

#[test]
fn a_day_that_somebody_meddled_with_is_put_right_by_the_next_write() {
    let Some(redis) = RedisServer::start() else { return };
    let now = Now::read();
    let place = patient(now.zone);
    let node = place.serve(Some(&redis.url()));
    place.add(&["ann", "ben"]);
    node.say("ann", true);
    node.eyes(Some(&redis)).see(now.date, &[(now.hour, &["ann"], &[])]);
    node.report("ann");
    node.eyes(Some(&redis)).see(now.date, &[(now.hour, &["ann"], &["ann"])]);
    let day = format!("letshang:avail:{}", now.date);
    redis.ask(&["HINCRBY", &day, &format!("{:02}", now.hour), "41"]);
    redis.ask(&["HINCRBY", &day, &format!("{:02}:online", now.hour), "41"]);
    node.say("ben", true);
    node.report("ben");
    node.eyes(Some(&redis)).see(now.date, &[(now.hour, &["ann", "ben"], &["ann", "ben"])]);
}
