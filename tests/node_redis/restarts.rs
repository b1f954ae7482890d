//! The node stops, in an orderly way or not, and comes back.
use crate::picture::Hours;
use crate::place::{Now, Place};
use crate::redis_server::RedisServer;

/// A node that writes bitmaps only once a minute: what it knows after a kill it knows from the change's own commit.
fn slow_to_write(zone: &str) -> Place {
    Place::new(&format!("hours.time_zone = \"{zone}\"\nhours.flush = \"1m\""))
}

#[test]
fn killed_right_after_an_acknowledged_change_it_counts_that_person_in_that_hour() {
    let Some(redis) = RedisServer::start() else { return };
    let now = Now::read();
    let place = slow_to_write(now.zone);
    place.add(&["ann", "ben", "cleo"]);
    let node = place.serve(Some(&redis.url()));
    node.say("ann", true);
    node.kill();
    let node = place.serve(Some(&redis.url()));
    node.eyes(Some(&redis)).see(now.date, &[(now.hour, &["ann"], &[])]);
    // Free and busy again before the kill: free at a moment of the hour all the same.
    node.say("ben", true);
    node.say("ben", false);
    node.kill();
    let node = place.serve(Some(&redis.url()));
    node.eyes(Some(&redis)).see(now.date, &[(now.hour, &["ann", "ben"], &[])]);
    node.report("cleo");
    node.kill();
    let hours: Hours<'_> = &[(now.hour, &["ann", "ben"], &["cleo"])];
    let node = place.serve(None);
    node.eyes(None).see(now.date, hours);
    node.kill();
    let node = place.serve(Some(&redis.url()));
    node.eyes(Some(&redis)).see(now.date, hours);
}

#[test]
fn an_orderly_stop_writes_everything_to_redis_and_a_start_says_it_again_without_adding() {
    let Some(redis) = RedisServer::start() else { return };
    let now = Now::read();
    let place = slow_to_write(now.zone);
    place.add(&["ann", "ben"]);
    let node = place.serve(Some(&redis.url()));
    node.say("ann", true);
    node.report("ben");
    let (status, took) = node.stop();
    assert!(status.success() && took.as_secs() < 5, "{status} after {took:?}");
    let field = |hour: u8| redis.ask(&["HGET", &format!("letshang:avail:{}", now.date), &format!("{hour:02}")]);
    assert_eq!(field(now.hour).text(), "1", "written by the stop itself");
    let hours: Hours<'_> = &[(now.hour, &["ann"], &["ben"])];
    for _ in 0..2 {
        let node = place.serve(Some(&redis.url()));
        node.eyes(Some(&redis)).see(now.date, hours);
        let (status, _) = node.stop();
        assert!(status.success(), "{status}");
    }
}

#[test]
fn stopped_while_redis_hangs_it_ends_in_time_and_the_next_start_brings_redis_what_it_missed() {
    let Some(redis) = RedisServer::start() else { return };
    let now = Now::read();
    let place = slow_to_write(now.zone);
    place.add(&["ann", "ben"]);
    let node = place.serve(Some(&redis.url()));
    node.says_of_redis(true);
    redis.pause();
    node.say("ann", true);
    let (status, took) = node.stop();
    assert!(status.success() && took.as_secs() < 5, "{status} after {took:?}");
    let node = place.serve(Some(&redis.url()));
    node.say("ben", true);
    redis.resume();
    node.says_of_redis(true);
    drop(node);
    let node = place.serve(Some(&redis.url()));
    node.eyes(Some(&redis)).see(now.date, &[(now.hour, &["ann", "ben"], &[])]);
}
