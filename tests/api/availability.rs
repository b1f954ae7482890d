//! Who decides whether somebody is free: by hand, then the calendar, then weekly hours, then nobody. Times are UTC; the clock begins on a
//! Monday at noon.
use letshang::domain::UserNo;
use serde_json::{Value, json};

use crate::client::{Person, SQUARE, north_of};
use crate::node::{NOON, Settings, TestNode, until};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

/// People's actors go to sleep at once.
const SLEEPY: Settings<'static> = &[("presence.linger", "\"0ms\""), ("presence.http_linger", "\"0ms\"")];

fn at(minutes: i64) -> i64 {
    NOON.0 + minutes * MINUTE
}

fn set_hours(node: &TestNode, person: &Person, hours: &Value) {
    node.call_as(person, "PATCH", "/v1/me").json(&json!({"free_hours": hours})).ok();
}

fn own(node: &TestNode, person: &Person) -> Value {
    node.call_as(person, "GET", "/v1/me/availability").ok()
}

/// A file with one-hour events at these minutes after noon.
fn calendar(minutes: &[i64]) -> String {
    let event = |minute: &i64| {
        let stamp = |minute: i64| {
            let t = jiff::Timestamp::from_millisecond(at(minute)).unwrap();
            t.strftime("%Y%m%dT%H%M%SZ").to_string()
        };
        format!("BEGIN:VEVENT\nUID:{minute}\nDTSTART:{}\nDTEND:{}\nEND:VEVENT\n", stamp(*minute), stamp(minute + 60))
    };
    format!("BEGIN:VCALENDAR\n{}END:VCALENDAR\n", minutes.iter().map(event).collect::<String>())
}

fn upload(node: &TestNode, person: &Person, text: &str) -> Value {
    node.call_as(person, "PUT", "/v1/me/calendar").header("Content-Type", "text/calendar").body(text).ok()
}

fn asleep(node: &TestNode, person: &Person) {
    until("the person's actor sleeps", || node.node.user.registry.get(UserNo(person.no)).is_none());
}

fn is_free(node: &TestNode, viewer: &Person) -> Value {
    node.call_as(viewer, "GET", "/v1/friends").ok()["friends"][0]["free"].clone()
}

#[test]
fn weekly_hours_make_free_and_busy_to_the_second_whether_or_not_anybody_is_there() {
    for settings in [SLEEPY, &[]] {
        let node = TestNode::with(settings);
        let [ann, bob] = node.friends(["ann", "bob"]);
        set_hours(&node, &ann, &json!([{"days": ["mon"], "from": "13:00", "to": "14:00"}]));
        if !settings.is_empty() {
            asleep(&node, &ann);
        }
        let mut bob_phone = node.connect(&bob);
        let frames = |heard: Vec<Value>| -> Vec<(Value, Value)> {
            heard.iter().map(|frame| (frame["free"].clone(), frame["until"].clone())).collect()
        };
        node.pass(HOUR - 1);
        assert!(bob_phone.heard().is_empty(), "not a millisecond early");
        node.pass(1);
        assert_eq!(frames(bob_phone.heard()), [(json!(true), json!(at(120)))]);
        node.pass(HOUR - 1);
        assert!(bob_phone.heard().is_empty());
        node.pass(1);
        assert_eq!(frames(bob_phone.heard()), [(json!(false), Value::Null)]);
        let is_awake = node.node.user.registry.get(UserNo(ann.no)).is_some();
        assert_eq!(is_awake, settings.is_empty(), "nobody is woken for it");
        let week = 7 * 24 * HOUR - HOUR;
        assert_eq!(
            own(&node, &ann),
            json!({"free": false, "source": "hours", "until": at(120) + week,
            "next": {"free": true, "source": "hours"}})
        );
    }
}

#[test]
fn a_calendar_makes_busy_during_its_events_and_says_to_friends_only_until_when_somebody_is_free() {
    for settings in [SLEEPY, &[]] {
        let node = TestNode::with(settings);
        let [ann, bob] = node.friends(["ann", "bob"]);
        let mut bob_phone = node.connect(&bob);
        upload(&node, &ann, &calendar(&[60]));
        until("bob hears of it", || {
            bob_phone.heard().iter().any(|frame| frame["free"] == true && frame["until"] == at(60))
        });
        assert_eq!(
            own(&node, &ann),
            json!({"free": true, "source": "calendar", "until": at(60),
            "next": {"free": false, "source": "calendar"}})
        );
        if !settings.is_empty() {
            asleep(&node, &ann);
        }
        node.pass(HOUR);
        let heard = bob_phone.heard();
        assert_eq!(heard.len(), 1, "{heard:?}");
        assert_eq!(
            (&heard[0]["free"], heard[0].get("until")),
            (&json!(false), None),
            "how long is nobody else's business"
        );
        let friend = node.call_as(&bob, "GET", "/v1/friends").ok()["friends"][0].clone();
        assert_eq!((&friend["free"], friend.get("until")), (&json!(false), None));
        assert_eq!(own(&node, &ann)["until"], at(120), "the person may know");
        node.pass(HOUR);
        assert_eq!(bob_phone.expect("presence")["free"], true);
        assert_eq!(own(&node, &ann), json!({"free": true, "source": "calendar"}));
    }
}

#[test]
fn between_events_the_weekly_hours_decide_where_there_are_any() {
    let node = TestNode::start();
    let [ann] = node.strangers(["ann"]);
    upload(&node, &ann, &calendar(&[60]));
    set_hours(&node, &ann, &json!([{"days": ["mon"], "from": "12:30", "to": "15:00"}]));
    let expected = [
        (0, false, "hours"),
        (30, true, "hours"),
        (60, false, "calendar"),
        (120, true, "hours"),
        (180, false, "hours"),
    ];
    let mut now = 0;
    for (minute, free, source) in expected {
        node.pass((minute - now) * MINUTE);
        now = minute;
        let holds = own(&node, &ann);
        assert_eq!((&holds["free"], &holds["source"]), (&json!(free), &json!(source)), "{minute}: {holds}");
    }
    set_hours(&node, &ann, &Value::Null);
    assert_eq!(own(&node, &ann), json!({"free": true, "source": "calendar"}));
    assert_eq!(node.call_as(&ann, "DELETE", "/v1/me/calendar").send().status, 204);
    assert_eq!(own(&node, &ann), json!({"free": false, "source": "default"}));
}

#[test]
fn what_is_said_by_hand_goes_before_the_calendar_until_it_lapses_to_it() {
    for settings in [SLEEPY, &[]] {
        let node = TestNode::with(settings);
        let [ann, bob] = node.friends(["ann", "bob"]);
        upload(&node, &ann, &calendar(&[30]));
        let said = json!({"free": true, "note": "skipping it", "until": at(60)});
        let holds = node.call_as(&ann, "PUT", "/v1/me/availability").json(&said).ok();
        assert_eq!(
            holds,
            json!({"free": true, "note": "skipping it", "until": at(60), "source": "hand",
            "next": {"free": false, "source": "calendar"}})
        );
        let mut bob_phone = node.connect(&bob);
        node.pass(45 * MINUTE);
        assert!(bob_phone.heard().iter().all(|frame| frame["free"] != false), "the event begins and changes nothing");
        if !settings.is_empty() {
            asleep(&node, &ann);
        }
        node.pass(15 * MINUTE);
        let heard = bob_phone.heard();
        let last = heard.iter().rfind(|frame| frame["type"] == "presence").unwrap();
        assert_eq!((&last["free"], last.get("note"), last.get("until")), (&json!(false), None, None));
        assert_eq!(own(&node, &ann)["source"], "calendar");
        let busy = json!({"free": false, "until": at(200)});
        node.call_as(&ann, "PUT", "/v1/me/availability").json(&busy).ok();
        let friend = node.call_as(&bob, "GET", "/v1/friends").ok()["friends"][0].clone();
        assert_eq!(friend["until"], at(200), "an end of being busy that was said by hand is told");
        node.pass(45 * MINUTE);
        assert_eq!(own(&node, &ann)["free"], false, "by hand still");
        assert_eq!(node.call_as(&ann, "DELETE", "/v1/me/availability").ok()["free"], true, "back to the calendar");
        assert_eq!(is_free(&node, &bob), true);
    }
}

#[test]
fn a_calendar_ends_encounters_and_does_not_announce_a_pair_anew_within_half_an_hour() {
    let node = TestNode::with(&[("presence.linger", "\"0ms\""), ("proximity.fresh", "\"3h\"")]);
    let [ann, bob] = node.friends(["ann", "bob"]);
    upload(&node, &ann, &calendar(&[10, 75]));
    let (mut ann_phone, mut bob_phone) = (node.connect(&ann), node.connect(&bob));
    bob_phone.be_free(true);
    ann_phone.be_at(SQUARE);
    bob_phone.be_at(north_of(SQUARE, 100.0));
    assert_eq!(bob_phone.expect("near")["user"], "ann");
    assert_eq!(ann_phone.expect("near")["user"], "bob");
    drop(ann_phone);
    asleep(&node, &ann);
    node.pass(10 * MINUTE);
    assert_eq!(bob_phone.expect("apart")["reason"], "busy");
    node.pass(HOUR);
    let heard = bob_phone.heard();
    assert!(heard.iter().any(|frame| frame["type"] == "near"), "70 minutes after the last time: {heard:?}");
    node.pass(5 * MINUTE);
    assert_eq!(bob_phone.expect("apart")["reason"], "busy");
    // Another calendar makes her free again five minutes later.
    upload(&node, &ann, &calendar(&[]));
    until("ann is free", || is_free(&node, &bob) == true);
    node.pass(MINUTE);
    assert!(bob_phone.heard().iter().all(|frame| frame["type"] != "near"), "not by hand: not again so soon");
}

fn free_hours_of(node: &TestNode, person: &Person, date: &str) -> Vec<u64> {
    let day = node.call_as(person, "GET", &format!("/v1/availability/histogram?date={date}")).ok();
    let hours = day["hours"].as_array().unwrap();
    (0..24).filter(|hour| hours[*hour as usize]["free"].as_u64().unwrap() > 0).collect()
}

#[test]
fn free_by_the_calendar_counts_in_its_hours_also_for_who_is_not_there_and_while_the_node_is_down() {
    let node = TestNode::with(SLEEPY);
    let [ann, root] = node.strangers(["ann", "root"]);
    set_hours(
        &node,
        &ann,
        &json!([
            {"days": ["mon"], "from": "13:10", "to": "13:20"},
            {"days": ["mon"], "from": "15:50", "to": "17:00"},
            {"days": ["mon"], "from": "19:30", "to": "19:40"},
            {"days": ["mon"], "from": "21:15", "to": "22:30"},
        ]),
    );
    asleep(&node, &ann);
    for _ in 0..8 {
        node.pass(15 * MINUTE);
    }
    until("the first is counted", || free_hours_of(&node, &root, "2027-03-15") == [13]);
    for _ in 0..8 {
        node.pass(30 * MINUTE);
    }
    until("until the full hour is not in the next one", || free_hours_of(&node, &root, "2027-03-15") == [13, 15, 16]);
    // Down from 18:00 to 21:30.
    node.clock.advance(210 * MINUTE);
    let node = node.restart();
    until("free while it was down counts", || free_hours_of(&node, &root, "2027-03-15") == [13, 15, 16, 19, 21]);
    assert_eq!(own(&node, &ann)["free"], true);
    node.pass(40 * MINUTE);
    until("and free still counts on", || free_hours_of(&node, &root, "2027-03-15") == [13, 15, 16, 19, 21, 22]);
    let node = node.crash();
    assert_eq!(own(&node, &ann)["free"], true);
    node.pass(HOUR);
    assert_eq!(own(&node, &ann)["free"], false);
    until("also after a crash", || free_hours_of(&node, &root, "2027-03-15") == [13, 15, 16, 19, 21, 22]);
}

#[test]
fn who_hides_is_not_told_of_and_not_counted_whatever_the_calendar_says() {
    let node = TestNode::with(SLEEPY);
    let [ann, bob] = node.friends(["ann", "bob"]);
    set_hours(
        &node,
        &ann,
        &json!([{"days": ["mon"], "from": "12:30", "to": "13:30"}, {"days": ["mon"], "from": "14:30", "to": "16:30"}]),
    );
    node.call_as(&ann, "PATCH", "/v1/me").json(&json!({"hidden_until": at(180)})).ok();
    asleep(&node, &ann);
    let mut bob_phone = node.connect(&bob);
    for _ in 0..5 {
        node.pass(30 * MINUTE);
    }
    assert!(bob_phone.heard().is_empty(), "nothing happens that anybody could hear");
    assert_eq!(is_free(&node, &bob), false);
    assert_eq!(free_hours_of(&node, &bob, "2027-03-15"), Vec::<u64>::new());
    node.pass(30 * MINUTE);
    let heard = bob_phone.heard();
    assert!(heard.iter().any(|frame| frame["free"] == true), "then she is there again: {heard:?}");
    until("and counts", || free_hours_of(&node, &bob, "2027-03-15") == [15]);
}

#[test]
fn a_friend_who_is_shown_nothing_hears_nothing_of_it() {
    let node = TestNode::with(SLEEPY);
    let [ann, bob] = node.friends(["ann", "bob"]);
    node.call_as(&ann, "PATCH", "/v1/friends/bob").json(&json!({"sharing": "off"})).ok();
    set_hours(&node, &ann, &json!([{"days": ["mon"], "from": "13:00", "to": "14:00"}]));
    asleep(&node, &ann);
    let mut bob_phone = node.connect(&bob);
    for _ in 0..3 {
        node.pass(HOUR);
        let friend = node.call_as(&bob, "GET", "/v1/friends").ok()["friends"][0].clone();
        assert_eq!((&friend["free"], &friend["online"], friend.get("until")), (&json!(false), &json!(false), None));
    }
    assert!(bob_phone.heard().is_empty());
}

#[test]
fn weekly_hours_are_by_the_persons_own_clock_and_follow_it() {
    let node = TestNode::start();
    let [ann] = node.strangers(["ann"]);
    set_hours(&node, &ann, &json!([{"days": ["mon"], "from": "13:00", "to": "14:00"}]));
    assert_eq!(own(&node, &ann)["free"], false);
    let me = node.call_as(&ann, "PATCH", "/v1/me").json(&json!({"time_zone": "Europe/Berlin"})).ok();
    assert_eq!((&me["free"], &me["source"], &me["until"]), (&json!(true), &json!("hours"), &json!(at(60))));
    let node = node.restart();
    assert_eq!(own(&node, &ann)["free"], true);
    node.pass(HOUR);
    assert_eq!(own(&node, &ann)["free"], false);
}

#[test]
fn bad_weekly_hours_are_refused_by_field_and_change_nothing() {
    let node = TestNode::start();
    let [ann] = node.strangers(["ann"]);
    set_hours(&node, &ann, &json!([{"days": ["sun"], "from": "10:00", "to": "24:00"}]));
    let before = node.call_as(&ann, "GET", "/v1/me").ok();
    assert_eq!(before["free_hours"], json!([{"days": ["sun"], "from": "10:00", "to": "24:00"}]));
    let entry = json!({"days": ["mon"], "from": "10:00", "to": "11:00"});
    for (hours, status, code) in [
        (json!("always"), 400, "bad_field"),
        (json!([{"days": ["someday"], "from": "10:00", "to": "11:00"}]), 400, "bad_field"),
        (json!([{"days": ["mon"], "from": "24:00", "to": "11:00"}]), 422, "out_of_range"),
        (json!(vec![entry; 22]), 413, "too_many"),
    ] {
        let reply = node.call_as(&ann, "PATCH", "/v1/me").json(&json!({"name": "X", "free_hours": hours})).send();
        assert_eq!(
            (reply.status, reply.refusal()),
            (status, (code.to_owned(), Some("free_hours".to_owned()))),
            "{hours}"
        );
    }
    assert_eq!(node.call_as(&ann, "GET", "/v1/me").ok(), before);
}
