//! The histogram of a whole node: over hours, days and daylight saving, through restarts, with and without Redis.
use std::time::{Duration, Instant};

use letshang::domain::{Clock, UnixMs};
use serde_json::{Value, json};

use crate::binary::Binary;
use crate::client::Person;
use crate::node::{TestNode, until};
use crate::redis::{RedisServer, Reply};

const HOUR: i64 = 3_600_000;

/// Free and online people of each hour of a day.
type Day = Vec<(u64, u64)>;

fn ask(node: &TestNode, person: &Person, date: &str) -> Day {
    let reply = node.call_as(person, "GET", &format!("/v1/availability/histogram?date={date}")).ok();
    assert_eq!(reply["date"], date);
    counts(&reply)
}

fn counts(day: &Value) -> Day {
    let hours = day["hours"].as_array().unwrap();
    assert_eq!(
        hours.iter().map(|hour| hour["hour"].as_u64().unwrap()).collect::<Vec<_>>(),
        (0..24).collect::<Vec<_>>()
    );
    hours.iter().map(|hour| (hour["free"].as_u64().unwrap(), hour["online"].as_u64().unwrap())).collect()
}

/// What Redis says of a day, or nothing when it has no such day.
fn in_redis(redis: &RedisServer, date: &str) -> Option<Day> {
    let key = format!("letshang:avail:{date}");
    let number = |field: &str| match redis.ask(&["HGET", &key, field]) {
        Reply::Text(text) => Some(String::from_utf8(text).unwrap().parse::<u64>().unwrap()),
        _ => None,
    };
    (0..24).map(|hour| Some((number(&format!("{hour:02}"))?, number(&format!("{hour:02}:online"))?))).collect()
}

fn set_free(node: &TestNode, person: &Person, free: bool) {
    node.call_as(person, "PUT", "/v1/me/availability").json(&json!({"free": free})).ok();
}

#[track_caller]
fn until_counted(node: &TestNode, person: &Person, date: &str, hour: usize, expected: (u64, u64)) {
    until(&format!("{date} {hour}h to be {expected:?}"), || ask(node, person, date)[hour] == expected);
}

#[test]
fn everybody_counts_once_an_hour_however_often_they_change() {
    let node = TestNode::start();
    let [ann, bob, cleo] = node.strangers(["ann", "bob", "cleo"]);
    for _ in 0..3 {
        set_free(&node, &ann, true);
        set_free(&node, &ann, false);
    }
    set_free(&node, &bob, true);
    let _phone = node.connect(&cleo);
    until_counted(&node, &ann, "2027-03-15", 12, (2, 1));
    node.pass(HOUR);
    until_counted(&node, &ann, "2027-03-15", 13, (1, 1));
    assert_eq!(ask(&node, &ann, "2027-03-15")[12], (2, 1), "an hour that is over stays as it was");
    let node = node.restart();
    assert_eq!(ask(&node, &ann, "2027-03-15")[12], (2, 1), "also after a restart");
    until_counted(&node, &ann, "2027-03-15", 13, (1, 1));
}

#[test]
fn whoever_is_free_over_midnight_counts_on_both_days() {
    let node = TestNode::start();
    let [ann] = node.strangers(["ann"]);
    set_free(&node, &ann, true);
    node.pass(14 * HOUR);
    until_counted(&node, &ann, "2027-03-16", 2, (1, 0));
    let (first, second) = (ask(&node, &ann, "2027-03-15"), ask(&node, &ann, "2027-03-16"));
    assert_eq!(first.iter().map(|hour| hour.0).collect::<Vec<_>>(), [vec![0; 12], vec![1; 12]].concat());
    assert_eq!(second.iter().map(|hour| hour.0).sum::<u64>(), 3);
    let reply = node.call_as(&ann, "GET", "/v1/availability/histogram?from=2027-03-15&to=2027-03-16").ok();
    let complete: Vec<_> = reply["days"].as_array().unwrap().iter().map(|day| day["complete"].clone()).collect();
    assert_eq!(complete, [true, false]);
}

#[test]
fn the_hours_are_those_of_the_configured_zone_also_when_its_clocks_change() {
    let new_york = [("hours.time_zone", "\"America/New_York\"")];
    // 2026-03-08: 01:30 EST is followed by 03:00 EDT. 2026-11-01: 01:30 comes twice.
    for (start, date, present, absent) in [
        (UnixMs(1_772_951_400_000), "2026-03-08", vec![1, 3, 4], vec![0, 2, 5]),
        (UnixMs(1_793_511_000_000), "2026-11-01", vec![1, 2], vec![0, 3, 4]),
    ] {
        let node = TestNode::with_clock(&new_york, Clock::manual(start));
        let [ann] = node.strangers(["ann"]);
        set_free(&node, &ann, true);
        for _ in 0..2 {
            node.pass(HOUR);
            until("the hour to be noticed", || {
                node.ask(
                    &node.node.hours,
                    letshang::actors::hourly_aggregator::QueryHistogram { date: date.parse().unwrap() },
                )
                .is_ok()
            });
            std::thread::sleep(Duration::from_millis(300));
        }
        let last = *present.last().unwrap();
        until_counted(&node, &ann, date, last, (1, 0));
        let day = ask(&node, &ann, date);
        assert!(present.iter().all(|hour| day[*hour].0 == 1), "{date}: {day:?}");
        assert!(absent.iter().all(|hour| day[*hour].0 == 0), "{date}: {day:?}");
    }
}

#[test]
fn redis_holds_the_protocols_keys_and_what_the_node_says() {
    let Some(redis) = RedisServer::start() else { return };
    let url = format!("{:?}", redis.url());
    let node = TestNode::with(&[("redis.url", &url), ("hours.flush", "\"100ms\"")]);
    let [ann, bob, cleo] = node.strangers(["ann", "bob", "cleo"]);
    for person in [&ann, &cleo] {
        set_free(&node, person, true);
    }
    let _phone = node.connect(&bob);
    until("Redis to have the hour", || in_redis(&redis, "2027-03-15").is_some_and(|day| day[12] == (2, 1)));
    assert_eq!(in_redis(&redis, "2027-03-15"), Some(ask(&node, &ann, "2027-03-15")));
    // People are numbered from 0 in the order in which they were made; bit 0 is the first.
    let bit = |who: &str| redis.ask(&["GETBIT", "letshang:avail:2027-03-15:12:free", who]);
    let numbers = [&ann, &bob, &cleo].map(|person| {
        let id = letshang::domain::UserId::parse(&person.id, "user").unwrap();
        node.node.user.accounts.by_id(&id).unwrap().no.0.to_string()
    });
    assert_eq!(numbers.clone().map(|no| bit(&no)), [Reply::Number(1), Reply::Number(0), Reply::Number(1)]);
    assert_eq!(redis.ask(&["GETBIT", "letshang:avail:2027-03-15:12:online", &numbers[1]]), Reply::Number(1));
    assert_eq!(redis.ask(&["BITCOUNT", "letshang:avail:2027-03-15:12:free"]), Reply::Number(2));
}

#[test]
fn a_node_serves_without_redis_says_so_and_makes_up_for_everything_once_it_is_there() {
    let Some(mut redis) = RedisServer::not_yet(None) else { return };
    let url = format!("{:?}", redis.url());
    let node = TestNode::with(&[("redis.url", &url), ("hours.flush", "\"100ms\""), ("redis.timeout", "\"200ms\"")]);
    let [ann, bob] = node.strangers(["ann", "bob"]);
    let mut phone = node.connect(&bob);
    set_free(&node, &ann, true);
    let redis_is = |ok: bool| {
        let ready = node.call("GET", "/ready").send();
        assert_eq!(ready.status, 200, "without Redis a node is ready all the same");
        ready.json()["redis"]["ok"] == ok
    };
    until("the node to say that Redis is away", || redis_is(false));
    assert!(node.call("GET", "/metrics").send().text().contains("letshang_redis_ok 0"));
    assert_eq!(phone.expect("degraded")["what"], "redis");
    // Absent at the start, then there.
    redis.come_up();
    let exact = |redis: &RedisServer, what: &str| {
        until(what, || in_redis(redis, "2027-03-15").as_ref() == Some(&ask(&node, &ann, "2027-03-15")));
    };
    exact(&redis, "everything to arrive");
    until("the node to say that Redis is back", || redis_is(true));
    assert_eq!(phone.expect("degraded")["since"], Value::Null);
    // Stopped: requests are as quick as ever, and nothing is counted twice afterwards.
    redis.pause();
    set_free(&node, &bob, true);
    let begun = Instant::now();
    node.pass(HOUR);
    for free in [false, true, false, true] {
        set_free(&node, &ann, free);
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "a stopped Redis holds nobody up");
    until("the node to notice", || redis_is(false));
    redis.resume();
    exact(&redis, "what happened meanwhile to arrive");
    // Flushed, then killed and empty again.
    redis.ask(&["FLUSHALL"]);
    exact(&redis, "a flushed Redis to be filled again");
    redis.go_down();
    node.pass(HOUR);
    redis.come_up();
    until_counted(&node, &ann, "2027-03-15", 14, (2, 1));
    exact(&redis, "an empty Redis to be filled again");
}

#[test]
fn a_killed_node_counts_everyone_whose_change_was_acknowledged() {
    let program = crate::binary::Place::new(&[("hours.flush", "\"60s\"")]);
    let root = program.administrator("root");
    let served = program.serve();
    let people = served.people(&root, ["ann", "bob", "cleo"], &[]);
    let today = |served: &Binary| {
        let reply = served.call("GET", "/v1/availability/histogram").bearer(&root.token).ok();
        counts(&reply).iter().map(|hour| hour.0).max().unwrap()
    };
    for person in &people {
        let call = served.call("PUT", "/v1/me/availability").bearer(&person.token);
        call.json(&json!({"free": true})).ok();
        let call = served.call("PUT", "/v1/me/availability").bearer(&person.token);
        call.json(&json!({"free": false})).ok();
    }
    served.kill();
    let served = program.serve();
    assert_eq!(today(&served), 3, "nothing but the acknowledged change itself was written before the kill");
}

#[test]
fn recorded_lines_count_in_their_own_hours_and_move_nobody() {
    let node = TestNode::start();
    let root = node.administrator("root");
    let lines = "ann, 20151002 185127, 40.7, -73.9, True\nann, 20151002 185959, 40.7, -73.9, False\n\
                 bob, 20151002 190000, 40.7, -73.9, False\n";
    let call = node.call_as(&root, "POST", "/v1/ingest").header("content-type", "text/csv").body(lines);
    let reply = call.ok();
    assert_eq!((&reply["accepted"], &reply["refused"]), (&json!(3), &json!(0)));
    until_counted(&node, &root, "2015-10-02", 18, (1, 1));
    until_counted(&node, &root, "2015-10-02", 19, (0, 1));
    let reply = node.call_as(&root, "GET", "/v1/admin/stats").ok();
    assert_eq!((&reply["online"], &reply["free"]), (&json!(0), &json!(0)));
}
