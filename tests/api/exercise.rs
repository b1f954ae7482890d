//! Steps over days and devices, and the leaderboard: late reports, counts of spans, weeks, time zones, who is on it.
use letshang::actors::user::{ReportSteps, Speaker};
use letshang::domain::{Clock, DeviceName, UnixMs, UserNo};
use serde_json::{Value, json};

use crate::client::Person;
use crate::node::{NOON, TestNode};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// A walk at 1.4 m/s with a fix every ten seconds, as the body of a request.
fn walk(from: i64, minutes: i64) -> Vec<Value> {
    let fix =
        |n: i64| json!({"lat": 52.52 + n as f64 * 14.0 / 111_195.0, "lon": 13.4, "t": from + n * 10_000, "acc": 5.0});
    (0..minutes * 6).map(fix).collect()
}

fn steps_of(minutes: i64) -> f64 {
    minutes as f64 * 60.0 * 1.4 / 0.762
}

fn is_about(steps: &Value, expected: f64) -> bool {
    (steps.as_f64().unwrap() / expected - 1.0).abs() < 0.1
}

fn post(node: &TestNode, person: &Person, fixes: &[Value]) {
    let reply = node.call_as(person, "POST", "/v1/fixes").json(&json!({"fixes": fixes})).ok();
    assert_eq!(reply["accepted"], fixes.len(), "{reply}");
}

fn count(node: &TestNode, person: &Person, steps: u32) {
    post(node, person, &[json!({"lat": 52.52, "lon": 13.4, "t": node.clock.now().0, "steps": steps})]);
}

/// A span of steps that a device counted, as the ways in of other apps report it.
fn tell(node: &TestNode, person: &Person, device: &str, from: i64, to: i64, steps: u32) {
    let addr = node.node.user.registry.get(UserNo(person.no)).expect("the person is awake");
    let speaker = Speaker::Request(DeviceName::parse(device).unwrap());
    let stored = node.ask(&addr, ReportSteps { speaker, from: UnixMs(from), to: UnixMs(to), steps });
    assert!(stored.unwrap().blocking_recv().unwrap());
}

fn steps(node: &TestNode, person: &Person, query: &str) -> Value {
    node.call_as(person, "GET", &format!("/v1/steps{query}")).ok()
}

fn day(node: &TestNode, person: &Person, date: &str) -> Value {
    steps(node, person, &format!("?from={date}&to={date}"))["days"][0]["steps"].clone()
}

/// Who stands on a person's leaderboard, with how many steps.
fn board(node: &TestNode, person: &Person, query: &str) -> Vec<(String, u64)> {
    let reply = node.call_as(person, "GET", &format!("/v1/steps/leaderboard{query}")).ok();
    let people = reply["people"].as_array().unwrap();
    for row in people {
        assert_eq!(row.get("me").is_some(), row["user"] == person.id, "{reply}");
    }
    people.iter().map(|row| (row["user"].as_str().unwrap().to_owned(), row["steps"].as_u64().unwrap())).collect()
}

fn rows(rows: &[(&str, u64)]) -> Vec<(String, u64)> {
    rows.iter().map(|(user, steps)| ((*user).to_owned(), *steps)).collect()
}

#[test]
fn a_backlog_that_comes_after_newer_fixes_corrects_yesterday_and_survives_a_restart() {
    let node = TestNode::start();
    let [ann, bob] = node.friends(["ann", "bob"]);
    post(&node, &ann, &walk(NOON.0 - 30 * MINUTE, 30));
    assert_eq!(day(&node, &ann, "2027-03-14"), Value::Null);
    let mut phone = node.connect(&ann);
    let today = phone.welcome["steps_today"].clone();
    assert!(is_about(&today, steps_of(30)), "{today}");

    // Eight hours without a network, over midnight: an hour on foot before it and half an hour after it. Newest batch first, and one twice.
    let backlog: Vec<_> = [walk(NOON.0 - 14 * HOUR, 60), walk(NOON.0 - 12 * HOUR + MINUTE, 30)].concat();
    for batch in backlog.chunks(90).rev().chain(backlog.chunks(90).take(2)) {
        let newest_first: Vec<_> = batch.iter().rev().cloned().collect();
        post(&node, &ann, &newest_first);
    }
    let yesterday = day(&node, &ann, "2027-03-14");
    assert!(is_about(&yesterday, steps_of(60)), "{yesterday}");
    let reply = steps(&node, &ann, "");
    while phone.expect("steps")["today"] != reply["today"] {}
    assert!(is_about(&reply["today"], steps_of(60)), "{reply}");
    assert_eq!(reply["week"], reply["today"], "it is Monday");
    assert_eq!(
        board(&node, &bob, "?date=2027-03-14"),
        [("ann".to_owned(), yesterday.as_u64().unwrap()), ("bob".to_owned(), 0)]
    );

    let node = node.restart();
    assert_eq!(node.connect(&ann).welcome["steps_today"], reply["today"], "right after the restart");
    post(&node, &ann, &backlog);
    assert_eq!(
        (day(&node, &ann, "2027-03-14"), steps(&node, &ann, "")["today"].clone()),
        (yesterday.clone(), reply["today"].clone())
    );
    let node = node.crash();
    assert_eq!(
        (day(&node, &ann, "2027-03-14"), steps(&node, &ann, "")["today"].clone()),
        (yesterday, reply["today"].clone())
    );
}

#[test]
fn a_correction_of_yesterday_is_not_told_as_steps_of_today() {
    let node = TestNode::start();
    let [ann] = node.strangers(["ann"]);
    let mut phone = node.connect(&ann);
    post(&node, &ann, &walk(NOON.0 - DAY, 20));
    assert!(is_about(&day(&node, &ann, "2027-03-14"), steps_of(20)));
    phone.say(&json!({"type": "ping", "id": 1}));
    assert_eq!(phone.next()["type"], "pong");
}

#[test]
fn a_devices_own_count_holds_for_the_time_it_covers_and_no_device_is_counted_twice() {
    let node = TestNode::start();
    let [ann] = node.strangers(["ann"]);
    let today = || steps(&node, &ann, "")["today"].clone();
    post(&node, &ann, &walk(NOON.0 - 4 * HOUR, 60));
    assert!(is_about(&today(), steps_of(60)));
    // The watch was there, too, and counted.
    tell(&node, &ann, "watch", NOON.0 - 4 * HOUR, NOON.0 - 3 * HOUR, 6_000);
    assert_eq!(today(), 6_000);
    tell(&node, &ann, "watch", NOON.0 - 4 * HOUR, NOON.0 - 3 * HOUR, 6_000);
    tell(&node, &ann, "watch", NOON.0 - 12 * HOUR, NOON.0 - 2 * HOUR, 6_500);
    tell(&node, &ann, "phone", NOON.0 - 4 * HOUR, NOON.0 - 3 * HOUR, 5_900);
    assert_eq!(today(), 6_500);
    // The walk after that only the phone saw.
    post(&node, &ann, &walk(NOON.0 - HOUR, 30));
    assert!(is_about(&today(), 6_500.0 + steps_of(30)), "{}", today());
    // A trip over midnight is divided; one that is too quick, or from the future, is none.
    tell(&node, &ann, "watch", NOON.0 - 13 * HOUR, NOON.0 - 12 * HOUR, 700);
    tell(&node, &ann, "watch", NOON.0 - 25 * HOUR, NOON.0 - 24 * HOUR, 60_000);
    tell(&node, &ann, "watch", NOON.0 + HOUR, NOON.0 + 2 * HOUR, 1_000);
    tell(&node, &ann, "watch", NOON.0 - 9 * DAY, NOON.0 - 9 * DAY + HOUR, 1_000);
    assert_eq!(day(&node, &ann, "2027-03-14"), 700);
    assert_eq!(day(&node, &ann, "2027-03-06"), Value::Null);
}

#[test]
fn the_leaderboard_compares_days_and_weeks() {
    let node = TestNode::start();
    let [ann, bob] = node.friends(["ann", "bob"]);
    // Monday to Wednesday.
    for (ann_steps, bob_steps) in [(1_000, 5_000), (2_000, 100), (4_000, 200)] {
        count(&node, &ann, ann_steps);
        count(&node, &bob, bob_steps);
        node.pass(DAY);
    }
    node.pass(-DAY);
    assert_eq!(steps(&node, &ann, "")["week"], 7_000);
    assert_eq!(board(&node, &ann, ""), rows(&[("ann", 4_000), ("bob", 200)]));
    assert_eq!(board(&node, &ann, "?date=2027-03-15"), rows(&[("bob", 5_000), ("ann", 1_000)]));
    for any_day in ["2027-03-15", "2027-03-17", "2027-03-21"] {
        assert_eq!(board(&node, &ann, &format!("?week={any_day}")), rows(&[("ann", 7_000), ("bob", 5_300)]));
    }
    let reply = node.call_as(&ann, "GET", "/v1/steps/leaderboard?week=2027-03-17").ok();
    assert_eq!(
        (&reply["from"], &reply["to"], &reply["date"]),
        (&json!("2027-03-15"), &json!("2027-03-21"), &Value::Null)
    );
    assert_eq!(board(&node, &ann, "?week=2027-03-14"), rows(&[("ann", 0), ("bob", 0)]));
    // The next week begins at nothing.
    node.pass(5 * DAY);
    assert_eq!(steps(&node, &ann, "")["week"], 0);
    let both = node.call_as(&ann, "GET", "/v1/steps/leaderboard?week=2027-03-17&date=2027-03-17").send();
    assert_eq!((both.status, both.refusal()), (400, ("bad_field".to_owned(), Some("week".to_owned()))));
    // A week later the days stand in rows of their own.
    node.pass(20 * DAY);
    count(&node, &ann, 10);
    let node = node.restart();
    assert_eq!(board(&node, &ann, "?week=2027-03-17"), rows(&[("ann", 7_000), ("bob", 5_300)]));
}

#[test]
fn who_is_not_on_the_board_sees_only_their_own_steps_and_is_on_nobodys() {
    let node = TestNode::start();
    let [ann, bob, cem] = node.friends(["ann", "bob", "cem"]);
    for (person, steps) in [(&ann, 300), (&bob, 200), (&cem, 100)] {
        count(&node, person, steps);
    }
    assert_eq!(board(&node, &ann, ""), rows(&[("ann", 300), ("bob", 200), ("cem", 100)]));
    node.call_as(&bob, "PATCH", "/v1/me").json(&json!({"on_board": false})).ok();
    for query in ["", "?date=2027-03-15", "?week=2027-03-15"] {
        assert_eq!(board(&node, &ann, query), rows(&[("ann", 300), ("cem", 100)]), "{query}");
        assert_eq!(board(&node, &bob, query), rows(&[("bob", 200)]), "{query}");
    }
    assert_eq!(steps(&node, &bob, "")["today"], 200);
    let node = node.restart();
    assert_eq!(board(&node, &cem, ""), rows(&[("ann", 300), ("cem", 100)]));
    node.call_as(&bob, "PATCH", "/v1/me").json(&json!({"on_board": true})).ok();
    assert_eq!(board(&node, &cem, ""), rows(&[("ann", 300), ("bob", 200), ("cem", 100)]));
}

#[test]
fn steps_of_who_hides_stand_still_in_the_week_too_and_who_shows_no_exact_position_shows_none() {
    let node = TestNode::start();
    let [ann, bob] = node.friends(["ann", "bob"]);
    count(&node, &ann, 1_000);
    node.pass(DAY);
    count(&node, &ann, 500);
    assert_eq!(board(&node, &bob, "?week=2027-03-15"), rows(&[("ann", 1_500), ("bob", 0)]));
    let until = node.clock.now().0 + 3 * DAY;
    node.call_as(&ann, "PATCH", "/v1/me").json(&json!({"hidden_until": until})).ok();
    node.pass(HOUR);
    count(&node, &ann, 900);
    node.pass(DAY);
    count(&node, &ann, 70);
    assert_eq!(board(&node, &bob, "?week=2027-03-15"), rows(&[("ann", 1_500), ("bob", 0)]));
    assert_eq!(board(&node, &ann, "?week=2027-03-15"), rows(&[("ann", 1_970), ("bob", 0)]));
    let node = node.restart();
    assert_eq!(board(&node, &bob, "?week=2027-03-15"), rows(&[("ann", 1_500), ("bob", 0)]));
    node.call_as(&ann, "PATCH", "/v1/me").json(&json!({"hidden_until": null})).ok();
    assert_eq!(board(&node, &bob, "?week=2027-03-15"), rows(&[("ann", 1_970), ("bob", 0)]));
    node.call_as(&ann, "PATCH", "/v1/friends/bob").json(&json!({"sharing": "approximate"})).ok();
    assert_eq!(board(&node, &bob, "?week=2027-03-15"), rows(&[("bob", 0), ("ann", 0)]));
}

#[test]
fn a_day_of_23_hours_ends_at_its_own_midnight() {
    // In New York 2027-03-14 has 23 hours: from 05:00 UTC to 04:00 UTC.
    let begin = UnixMs(NOON.0 - DAY - 7 * HOUR);
    let node = TestNode::with_clock(&[("hours.time_zone", "\"UTC\"")], Clock::manual(begin + 23 * HOUR - MINUTE));
    let [ann] = node.strangers(["ann"]);
    node.call_as(&ann, "PATCH", "/v1/me").json(&json!({"time_zone": "America/New_York"})).ok();
    count(&node, &ann, 9_000);
    assert_eq!(node.connect(&ann).welcome["steps_today"], 9_000);
    node.pass(2 * MINUTE);
    assert_eq!(node.connect(&ann).welcome["steps_today"], 0, "midnight came an hour early");
    tell(&node, &ann, "watch", begin.0 + 23 * HOUR - MINUTE, begin.0 + 23 * HOUR + MINUTE, 200);
    let days = steps(&node, &ann, "?from=2027-03-14&to=2027-03-15");
    assert_eq!(days["days"][1]["steps"], 100, "{days}");
    assert_eq!(days["week"], 100, "Sunday was last week's");
}

#[test]
fn a_change_of_time_zone_in_the_middle_of_a_day_neither_loses_nor_doubles_steps() {
    let node = TestNode::start();
    let [ann] = node.strangers(["ann"]);
    post(&node, &ann, &walk(NOON.0 - 11 * HOUR, 60));
    post(&node, &ann, &walk(NOON.0 - HOUR, 60));
    let all = || {
        let days = steps(&node, &ann, "?from=2027-03-13&to=2027-03-16");
        days["days"].as_array().unwrap().iter().map(|day| day["steps"].as_u64().unwrap()).sum::<u64>()
    };
    let before = all();
    for (zone, today) in [("America/New_York", 60), ("Asia/Kathmandu", 120), ("Pacific/Auckland", 60), ("UTC", 120)] {
        let me = node.call_as(&ann, "PATCH", "/v1/me").json(&json!({"time_zone": zone})).ok();
        assert_eq!(me["time_zone"], zone);
        assert!(all().abs_diff(before) <= 1, "{zone}: {} {before}", all());
        let reply = steps(&node, &ann, "");
        // In Auckland it is one o'clock the next morning.
        assert!(is_about(&reply["today"], steps_of(today)), "{zone}: {reply}");
    }
    // A longer step counts from now on.
    node.call_as(&ann, "PATCH", "/v1/me").json(&json!({"stride": 1.0})).ok();
    node.pass(HOUR);
    post(&node, &ann, &walk(NOON.0, 60));
    assert!(is_about(&json!(all() - before), 3_600.0 * 1.4), "{}", all() - before);
}

#[test]
fn who_shows_a_place_only_while_free_shows_no_steps_while_busy_hidden_or_not() {
    let node = TestNode::start();
    let [ann, bob] = node.friends(["ann", "bob"]);
    node.call_as(&ann, "PATCH", "/v1/me").json(&json!({"only_free": true})).ok();
    count(&node, &ann, 4_321);
    let shown = || node.call_as(&bob, "GET", "/v1/steps/leaderboard").ok()["people"].clone();
    let busy = shown();
    assert_eq!(busy[1]["steps"], 0, "{busy}");
    node.call_as(&ann, "PATCH", "/v1/me").json(&json!({"hidden_until": NOON.0 + HOUR})).ok();
    assert_eq!(shown(), busy, "hiding changes nothing");
}
