//! Fixes, on every way in: what is taken, what is refused, what is acknowledged.
use std::io::Write as _;

use letshang::domain::UserId;
use serde_json::{Value, json};

use crate::client::{SQUARE, north_of};
use crate::http::read_reply;
use crate::node::{NOON, TestNode, until};

const DAY: i64 = 24 * 3_600_000;

/// A fix of the square at a time after noon.
fn fix(t: i64) -> Value {
    json!({"lat": SQUARE.0, "lon": SQUARE.1, "t": NOON.0 + t, "acc": 5.0})
}

#[test]
fn a_device_that_comes_back_is_told_the_newest_number_that_was_decided() {
    let node = TestNode::start();
    let [ann] = node.strangers(["ann"]);
    let mut phone = node.connect(&ann);
    for t in 0..5 {
        let mut frame = fix(t * 1_000);
        frame["type"] = "fix".into();
        phone.tell(frame);
    }
    assert_eq!(node.connect(&ann).welcome["last_seq"], 5);
    assert_eq!(node.connect_as(&ann, "tablet").welcome["last_seq"], 0, "another device counts by itself");
    let node = node.restart();
    assert_eq!(node.connect(&ann).welcome["last_seq"], 5, "also after a restart");
}

#[test]
fn numbers_may_have_gaps_repeat_and_go_back_and_are_all_answered() {
    let node = TestNode::start();
    let [ann] = node.strangers(["ann"]);
    let mut phone = node.connect(&ann);
    for seq in [0, 10, 10, 3, (1 << 53) + 1, u64::MAX - 1, u64::MAX] {
        let mut frame = fix(0);
        frame["type"] = "fix".into();
        frame["seq"] = seq.into();
        phone.say(&frame);
        assert_eq!(phone.expect("ack")["seq"], seq);
    }
    assert_eq!(node.connect(&ann).welcome["last_seq"], u64::MAX);
}

#[test]
fn one_ack_covers_every_fix_before_it() {
    let node = TestNode::start();
    let [ann, bob] = node.friends(["ann", "bob"]);
    let mut phone = node.connect(&ann);
    for step in 0..100_u32 {
        let at = north_of(SQUARE, f64::from(step));
        let t = NOON.0 - 100_000 + i64::from(step) * 1_000;
        phone.say(&json!({"type": "fix", "lat": at.0, "lon": at.1, "t": t}));
    }
    phone.tell(json!({"type": "fix", "lat": SQUARE.0, "lon": SQUARE.1, "t": NOON.0}));
    assert!(phone.heard().iter().all(|frame| frame["type"] != "ack"));
    assert_eq!(node.connect(&bob).welcome["friends"][0]["t"], NOON.0);
}

#[test]
fn late_and_repeated_fixes_are_acknowledged_and_move_nothing() {
    let node = TestNode::start();
    let [ann, bob] = node.friends(["ann", "bob"]);
    let mut phone = node.connect(&ann);
    phone.be_at(SQUARE);
    let away = north_of(SQUARE, 1_000.0);
    for t in [-5_000, 0] {
        let ack = phone.tell(json!({"type": "fix", "lat": away.0, "lon": away.1, "t": NOON.0 + t}));
        assert_eq!(ack.get("rejected"), None);
    }
    assert_eq!(node.connect(&bob).welcome["friends"][0]["lat"], SQUARE.0);
}

#[test]
fn one_bad_fix_in_a_list_costs_only_itself() {
    let node = TestNode::start();
    let [ann, bob] = node.friends(["ann", "bob"]);
    let mut phone = node.connect(&ann);
    let mut fixes: Vec<Value> = (0..100).map(|t| fix(t * 100)).collect();
    fixes[7]["lat"] = 91.into();
    fixes[8]["lat"] = "here".into();
    fixes[9] = json!([]);
    fixes[10]["t"] = (NOON.0 - 8 * DAY).into();
    fixes[11]["t"] = (NOON.0 + 61_000).into();
    fixes[12].as_object_mut().unwrap().remove("lon");
    let ack = phone.tell(json!({"type": "fixes", "fixes": fixes}));
    let expected = json!([
        {"index": 7, "code": "out_of_range"}, {"index": 8, "code": "bad_field"}, {"index": 9, "code": "bad_field"},
        {"index": 10, "code": "too_old"}, {"index": 11, "code": "from_future"}, {"index": 12, "code": "missing_field"},
    ]);
    assert_eq!(ack["rejected"], expected);
    assert_eq!(node.connect(&bob).welcome["friends"][0]["t"], NOON.0 + 9_900, "the others were taken");
}

#[test]
fn fixes_by_http_are_stored_when_answered_alone_or_many() {
    let node = TestNode::start();
    let [ann, bob] = node.friends(["ann", "bob"]);
    let post = |body: &Value| node.call_as(&ann, "POST", "/v1/fixes").json(body).ok();
    assert_eq!(post(&fix(0)), json!({"accepted": 1, "rejected": []}));
    let mut fixes: Vec<Value> = (0..1_000).map(|t| fix(1_000 + t * 10)).collect();
    fixes[999]["lon"] = (-181).into();
    let expected = json!({"accepted": 999, "rejected": [{"index": 999, "code": "out_of_range"}]});
    assert_eq!(post(&json!({"fixes": fixes})), expected);
    assert_eq!(node.connect(&bob).welcome["friends"][0]["t"], NOON.0 + 1_000 + 9_980);
    assert_eq!(post(&json!({"fixes": []})), json!({"accepted": 0, "rejected": []}));

    fixes.push(fix(2));
    let reply = node.call_as(&ann, "POST", "/v1/fixes").json(&json!({"fixes": fixes})).send();
    assert_eq!((reply.status, reply.refusal()), (413, ("too_many".to_owned(), Some("fixes".to_owned()))));
    let reply = node.call("POST", "/v1/fixes").json(&fix(0)).send();
    assert_eq!(reply.status, 401);
}

#[test]
fn a_seed_line_on_a_connection_is_a_fix_and_an_availability_of_the_caller() {
    let node = TestNode::start();
    let [ann, bob] = node.friends(["ann", "bob"]);
    let (mut ann, mut bob) = (node.connect(&ann), node.connect(&bob));
    bob.be_free(true);
    bob.be_at(SQUARE);
    ann.heard();
    ann.raw.text("ann, 20270315 115950, 52.52, 13.405, True");
    assert_eq!(bob.expect("near")["user"], "ann");
    assert_eq!(ann.expect("near")["user"], "bob");
    assert!(ann.heard().is_empty(), "a seed line is not answered");
    ann.raw.text("ann, 20270315 115900, 52.52, 13.405, False");
    assert!(ann.heard().is_empty(), "an older line does not change the present");
    ann.raw.text("ann, 20270315 115955, 52.52, 13.405, False");
    assert_eq!(bob.expect("apart")["reason"], "busy");

    ann.raw.text("bob, 20270315 115959, 10.0, 10.0, False");
    let error = ann.expect("error");
    assert_eq!((&error["code"], &error["field"]), (&json!("forbidden"), &json!("user")));
}

/// The free column of a day's histogram that is not zero, as `hour: free/online`.
fn histogram(node: &TestNode, who: &crate::client::Person, date: &str) -> Vec<String> {
    let day = node.call_as(who, "GET", &format!("/v1/availability/histogram?date={date}")).ok();
    assert_eq!((&day["date"], day["hours"].as_array().unwrap().len()), (&json!(date), 24));
    let hours = day["hours"].as_array().unwrap().iter();
    let busy = hours.filter(|hour| hour["online"] != 0 || hour["free"] != 0);
    busy.map(|hour| format!("{}: {}/{}", hour["hour"], hour["free"], hour["online"])).collect()
}

#[test]
fn an_import_makes_people_places_and_hours_and_lists_what_it_refused() {
    let node = TestNode::start();
    let root = node.administrator("root");
    let lines = "# seed\nuser_20, 20270315 101500, 52.52, 13.405, True\r\nuser_20, 20270315 115959, 52.53, 13.405, False\n\
                 user_21, 20270315 115959, 91, 13.405, True\n\nuser_21, 20270315 115959, 52.52, 13.405, true";
    let import = || {
        let call = node.call_as(&root, "POST", "/v1/ingest").header("Content-Type", "text/csv");
        call.body(lines).ok()
    };
    let reply = import();
    assert_eq!((&reply["accepted"], &reply["skipped"], &reply["created"]), (&json!(3), &json!(2), &json!(2)));
    assert_eq!((&reply["refused"], &reply["rejected"][0]["index"]), (&json!(1), &json!(3)));
    assert_eq!(reply["rejected"][0]["code"], "out_of_range");
    assert_eq!(import()["created"], 0, "again: the same people");
    let audit = node.call_as(&root, "GET", "/v1/admin/audit").ok();
    let by_root = |entry: &&Value| entry["action"] == "user_created" && entry["actor"] == "root";
    assert_eq!(audit["entries"].as_array().unwrap().iter().filter(by_root).count(), 2, "{audit}");
    // What is said today also says that they are here at noon, now.
    until("the hours are counted", || histogram(&node, &root, "2027-03-15").join(", ").starts_with("10: 1/1, 11: 1/2"));
    let stats = node.call_as(&root, "GET", "/v1/admin/stats").ok();
    assert_eq!((&stats["users"], &stats["free"]), (&json!(3), &json!(1)), "user_21 is free, user_20 no longer");
}

#[test]
fn lines_older_than_seven_days_count_in_their_hours_and_move_nobody() {
    let node = TestNode::start();
    let root = node.administrator("root");
    let line = "user_20, 20151002 185127, 40.7643503305, -73.9694356385, True\n";
    let call = node.call_as(&root, "POST", "/v1/ingest").header("Content-Type", "text/csv");
    let reply = call.body(line).ok();
    assert_eq!((&reply["accepted"], &reply["created"]), (&json!(1), &json!(1)));
    let stats = node.call_as(&root, "GET", "/v1/admin/stats").ok();
    assert_eq!((&stats["users"], &stats["free"], &stats["online"]), (&json!(2), &json!(0), &json!(0)));
    until("the hour is counted", || histogram(&node, &root, "2015-10-02") == ["18: 1/1"]);
    assert!(histogram(&node, &root, "2027-03-15").is_empty());
}

#[test]
fn only_an_administrator_may_import_and_only_text() {
    let node = TestNode::start();
    let root = node.administrator("root");
    let [ann] = node.strangers(["ann"]);
    let line = "ann, 20270315 101500, 52.52, 13.405, True\n";
    let post = |who| node.call_as(who, "POST", "/v1/ingest").body(line);
    assert_eq!(post(&ann).send().status, 403);
    assert_eq!(post(&root).header("Content-Type", "application/json").send().status, 415);
    assert_eq!(post(&root).ok()["accepted"], 1);
    let gzip = node.call_as(&root, "POST", "/v1/ingest").body(b"\x1f\x8b\x08\x00garbage\n".to_vec()).send();
    assert_eq!((gzip.status, gzip.refusal().0.as_str()), (400, "bad_json"));
    assert!(gzip.text().contains("gzip"), "{}", gzip.text());
}

#[test]
fn who_is_shut_out_in_the_middle_of_an_import_says_no_more() {
    let node = TestNode::start();
    let root = node.administrator("root");
    let extra = node.call_as(&root, "POST", "/v1/me/tokens").json(&json!({"device": "migration"})).ok();
    let head = format!(
        "POST /v1/ingest HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nTransfer-Encoding: chunked\r\n\r\n",
        node.address,
        extra["token"].as_str().unwrap()
    );
    let mut way = std::net::TcpStream::connect(node.address).unwrap();
    way.write_all(head.as_bytes()).unwrap();
    let mut line = |user: &str| {
        let line = format!("{user}, 20270315 115900, 52.52, 13.405, True\n");
        let _ = way.write_all(format!("{:x}\r\n{line}\r\n", line.len()).as_bytes());
    };
    line("before");
    let is_here = |id: &str| node.node.user.accounts.by_id(&UserId::parse(id, "user").unwrap()).is_some();
    until("the first line is taken", || is_here("before"));
    let id = extra["id"].as_u64().unwrap();
    assert_eq!(node.call_as(&root, "DELETE", &format!("/v1/me/tokens/{id}")).send().status, 204);
    line("after");
    line("after");
    let reply = read_reply(&mut way).unwrap();
    assert_eq!((reply.status, is_here("after")), (401, false), "{}", reply.text());
}

#[test]
fn the_phones_own_steps_count_and_make_a_leaderboard() {
    let node = TestNode::start();
    let [ann, bob, _eve] = node.people(["ann", "bob", "eve"], &[(0, 1)]);
    let (mut ann_phone, mut bob_phone) = (node.connect(&ann), node.connect(&bob));
    for (phone, steps) in [(&mut ann_phone, 1_234), (&mut bob_phone, 2_500)] {
        phone.tell(json!({"type": "fix", "lat": SQUARE.0, "lon": SQUARE.1, "t": NOON.0, "steps": steps}));
        assert_eq!(phone.expect("steps"), json!({"type": "steps", "today": steps}));
    }
    assert_eq!(
        node.call_as(&ann, "GET", "/v1/steps").ok(),
        json!({"days": [{"date": "2027-03-15", "steps": 1_234}], "today": 1_234, "week": 1_234})
    );
    let board = node.call_as(&ann, "GET", "/v1/steps/leaderboard").ok();
    let expected = json!([{"user": "bob", "name": "bob", "steps": 2_500}, {"user": "ann", "name": "ann", "steps": 1_234, "me": true}]);
    assert_eq!((&board["date"], &board["people"]), (&json!("2027-03-15"), &expected));

    let node = node.restart();
    assert_eq!(node.connect(&ann).welcome["steps_today"], 1_234);
    node.clock.advance(DAY);
    assert_eq!(node.connect(&ann).welcome["steps_today"], 0, "a new day");
    let days = node.call_as(&ann, "GET", "/v1/steps?from=2027-03-10&to=2027-03-16").ok();
    assert_eq!(days["days"][0], json!({"date": "2027-03-15", "steps": 1_234}));
    let board = node.call_as(&ann, "GET", "/v1/steps/leaderboard?date=2027-03-15").ok();
    assert_eq!(board["people"], expected, "yesterday's");
}

#[test]
fn steps_are_told_at_most_once_an_interval_and_the_last_count_always() {
    let node = TestNode::with(&[("push.steps", "\"300ms\"")]);
    let [ann] = node.strangers(["ann"]);
    let mut phone = node.connect(&ann);
    let begin = std::time::Instant::now();
    for step in 1..=50 {
        let t = NOON.0 + step * 10;
        phone.tell(json!({"type": "fix", "lat": SQUARE.0, "lon": SQUARE.1, "t": t, "steps": step * 2}));
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let mut frames = 1;
    while phone.expect("steps")["today"] != 100 {
        frames += 1;
    }
    let most = begin.elapsed().as_millis() / 300 + 2;
    assert!((2..=most).contains(&frames), "{frames} frames, at most {most}");
}

#[test]
fn a_walk_without_a_step_counter_counts_its_distance() {
    let node = TestNode::start();
    let [ann] = node.strangers(["ann"]);
    let mut phone = node.connect(&ann);
    // 10 minutes at 1.4 m/s: 840 m are 1,102 steps of 0.762 m.
    for second in (0..=600_i32).step_by(5) {
        let at = north_of(SQUARE, f64::from(second) * 1.4);
        let t = NOON.0 - 600_000 + i64::from(second) * 1_000;
        phone.say(&json!({"type": "fix", "lat": at.0, "lon": at.1, "t": t, "acc": 5.0}));
    }
    phone.be_at(north_of(SQUARE, 840.0));
    let steps = node.call_as(&ann, "GET", "/v1/steps").ok()["today"].as_u64().unwrap();
    assert!((1_000..=1_110).contains(&steps), "{steps}");
}
