//! Who is online, who is free, on which device.
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::SQUARE;
use crate::node::{NOON, TestNode, until};

const MINUTE: i64 = 60_000;

#[test]
fn welcome_says_who_one_is_what_holds_and_who_ones_friends_are() {
    let node = TestNode::start();
    let [ann, bob, cem] = node.friends(["ann", "bob", "cem"]);
    let mut bob_phone = node.connect(&bob);
    let availability = json!({"type": "availability", "free": true, "note": "tea?", "until": NOON.0 + MINUTE});
    bob_phone.tell(availability);
    bob_phone.be_at(SQUARE);
    let ann_phone = node.connect(&ann);
    let expected = json!({
        "type": "welcome", "user": "ann", "name": "ann", "server_time": NOON.0, "free": false, "steps_today": 0,
        "last_seq": 0, "limits": {"frame_bytes": 16_384, "fixes_per_frame": 100, "frames_per_second": 100},
        "friends": [
            {"user": "bob", "name": "bob", "online": true, "free": true, "note": "tea?", "until": NOON.0 + MINUTE,
             "near": false, "lat": SQUARE.0, "lon": SQUARE.1, "t": NOON.0, "acc": 5.0},
            {"user": "cem", "name": "cem", "online": false, "free": false, "near": false},
        ],
    });
    assert_eq!(ann_phone.welcome, expected);
    let friends = node.call_as(&ann, "GET", "/v1/friends").ok();
    let with_sharing = |friend: &Value| {
        let mut friend = friend.clone();
        friend["sharing"] = json!("exact");
        friend
    };
    let over_http: Vec<Value> = expected["friends"].as_array().unwrap().iter().map(with_sharing).collect();
    assert_eq!(friends["friends"], json!(over_http), "the same over HTTP, and what ann shares with them");
    drop(cem);
}

#[test]
fn friends_hear_who_comes_online_and_strangers_do_not() {
    let node = TestNode::start();
    let [ann, bob, eve] = node.people(["ann", "bob", "eve"], &[(0, 1)]);
    let (mut ann, mut eve) = (node.connect(&ann), node.connect(&eve));
    let _bob = node.connect(&bob);
    let heard = ann.heard();
    assert_eq!(heard, [json!({"type": "presence", "user": "bob", "online": true, "free": false})]);
    assert!(eve.heard().is_empty());
}

#[test]
fn a_connection_that_breaks_and_comes_back_in_a_moment_is_not_an_exit() {
    let node = TestNode::with(&[("presence.linger", "\"1500ms\"")]);
    let [ann, bob] = node.friends(["ann", "bob"]);
    let mut ann = node.connect(&ann);
    let first = node.connect(&bob);
    assert_eq!(ann.transcript(), ["presence bob online busy"]);
    drop(first);
    let second = node.connect(&bob);
    let end = Instant::now() + Duration::from_millis(1_800);
    while Instant::now() < end {
        assert!(ann.heard().is_empty(), "bob never left");
        std::thread::sleep(Duration::from_millis(100));
    }
    drop(second);
    let gone = Instant::now();
    let presence = ann.expect("presence");
    assert_eq!((&presence["user"], &presence["online"]), (&json!("bob"), &json!(false)));
    assert!(gone.elapsed() >= Duration::from_millis(1_400), "offline only after the linger");
}

#[test]
fn a_phone_that_reports_by_http_is_online_for_a_while() {
    let node = TestNode::with(&[("presence.linger", "\"0ms\""), ("presence.http_linger", "\"700ms\"")]);
    let [ann, bob] = node.friends(["ann", "bob"]);
    let mut ann = node.connect(&ann);
    let fix = json!({"lat": SQUARE.0, "lon": SQUARE.1, "t": NOON.0});
    node.call_as(&bob, "POST", "/v1/fixes").json(&fix).ok();
    assert_eq!(ann.transcript(), ["presence bob online busy"]);
    assert_eq!(ann.expect("presence")["online"], false);
}

#[test]
fn what_was_set_by_hand_lapses_to_busy_at_its_end_and_takes_the_note_along() {
    let node = TestNode::start();
    let [ann, bob] = node.friends(["ann", "bob"]);
    let (mut ann_phone, mut bob_phone) = (node.connect(&ann), node.connect(&bob));
    for phone in [&mut ann_phone, &mut bob_phone] {
        phone.be_at(SQUARE);
    }
    bob_phone.be_free(true);
    ann_phone.heard();
    let end = NOON.0 + 5 * MINUTE;
    ann_phone.tell(json!({"type": "availability", "free": true, "note": "coffee?", "until": end}));
    let expected =
        json!({"type": "presence", "user": "ann", "online": true, "free": true, "note": "coffee?", "until": end});
    assert_eq!(bob_phone.expect("presence"), expected);
    assert_eq!(bob_phone.expect("near")["note"], "coffee?");
    node.pass(5 * MINUTE - 1);
    assert!(bob_phone.heard().is_empty(), "not a millisecond early");
    node.clock.advance(1);
    assert_eq!(bob_phone.expect("presence"), json!({"type": "presence", "user": "ann", "online": true, "free": false}));
    assert_eq!(bob_phone.expect("apart")["reason"], "busy");
    assert_eq!(node.call_as(&ann, "GET", "/v1/me/availability").ok(), json!({"free": false, "source": "default"}));
}

#[test]
fn an_end_in_the_past_is_no_freedom_at_all() {
    let node = TestNode::start();
    let [ann, bob] = node.friends(["ann", "bob"]);
    let (mut ann, mut bob) = (node.connect(&ann), node.connect(&bob));
    ann.tell(json!({"type": "availability", "free": true, "until": NOON.0}));
    assert!(!bob.heard().iter().any(|frame| frame["free"] == true));
}

#[test]
fn an_end_that_passes_while_the_node_is_down_has_passed_when_it_is_up_again() {
    let node = TestNode::start();
    let [ann, bob] = node.friends(["ann", "bob"]);
    node.connect(&ann).tell(json!({"type": "availability", "free": true, "until": NOON.0 + MINUTE}));
    node.clock.advance(2 * MINUTE);
    let node = node.restart();
    assert_eq!(node.connect(&bob).welcome["friends"][0]["free"], false);
    assert_eq!(node.connect(&ann).welcome["free"], false);
}

#[test]
fn a_newer_connection_of_the_same_device_replaces_the_older() {
    let node = TestNode::start();
    let [ann, bob] = node.friends(["ann", "bob"]);
    let mut bob = node.connect(&bob);
    let mut older = node.connect(&ann);
    let mut newer = node.connect(&ann);
    assert_eq!(older.expect_close().0, 4409);
    newer.be_free(true);
    let heard = bob.transcript();
    assert_eq!(heard, ["presence ann online busy", "presence ann online free"], "ann was online throughout");
}

#[test]
fn both_devices_of_a_person_hear_what_concerns_the_person() {
    let node = TestNode::start();
    let [ann, bob] = node.friends(["ann", "bob"]);
    let mut bob = node.connect(&bob);
    let (mut phone, mut tablet) = (node.connect(&ann), node.connect_as(&ann, "tablet"));
    bob.be_free(true);
    bob.be_at(SQUARE);
    tablet.be_free(true);
    phone.be_at(SQUARE);
    for device in [&mut phone, &mut tablet] {
        assert_eq!(device.transcript(), ["presence bob online free", "near bob"]);
    }
    assert_eq!(bob.transcript(), ["presence ann online busy", "presence ann online free", "near ann"]);
    drop(phone);
    let last = tablet.fresh_seq();
    tablet.say(&json!({"type": "availability", "free": false, "seq": last}));
    assert_eq!(tablet.expect("ack")["seq"], last, "a device's numbers are its own");
}

#[test]
fn two_people_who_become_friends_while_connected_hear_of_each_other_at_once() {
    let node = TestNode::start();
    let [ann, bob] = node.strangers(["ann", "bob"]);
    let (mut ann_phone, mut bob_phone) = (node.connect(&ann), node.connect(&bob));
    for phone in [&mut ann_phone, &mut bob_phone] {
        phone.be_free(true);
        phone.be_at(SQUARE);
        assert!(phone.heard().is_empty());
    }
    assert!(node.befriend(&ann, &bob));
    let sorted = |mut lines: Vec<String>| {
        lines.sort();
        lines
    };
    assert_eq!(sorted(ann_phone.transcript()), ["friendship bob friends", "near bob", "presence bob online free"]);
    assert_eq!(sorted(bob_phone.transcript()), ["friendship ann friends", "near ann", "presence ann online free"]);
}

#[test]
fn a_token_that_is_revoked_ends_its_connections_within_two_seconds_and_no_other() {
    let node = TestNode::start();
    let [ann, bob] = node.friends(["ann", "bob"]);
    let (mut ann_phone, mut bob_phone) = (node.connect(&ann), node.connect(&bob));
    let no = letshang::domain::UserNo(ann.no);
    let token = node.node.user.accounts.tokens(no)[0].id;
    let begin = Instant::now();
    node.node.user.accounts.revoke(no, token).unwrap();
    assert_eq!(node.call_as(&ann, "GET", "/v1/me").send().status, 401, "at once over HTTP");
    assert_eq!(ann_phone.expect_close().0, 4401);
    assert!(begin.elapsed() < Duration::from_secs(3), "{:?}", begin.elapsed());
    bob_phone.be_free(true);
}

#[test]
fn a_device_token_writes_and_reads_nothing() {
    use letshang::domain::{DeviceName, UserNo};
    use letshang::store::rows::TokenKind;
    let node = TestNode::start();
    let [mut ann, bob] = node.friends(["ann", "bob"]);
    let tracker = DeviceName::parse("tracker").unwrap();
    let issued = node.node.user.accounts.issue_token(UserNo(ann.no), TokenKind::Device, &tracker, None, NOON).unwrap();
    ann.token = issued.secret.reveal().to_owned();
    let fix = json!({"lat": SQUARE.0, "lon": SQUARE.1, "t": NOON.0});
    assert_eq!(node.call_as(&ann, "POST", "/v1/fixes").json(&fix).ok()["accepted"], 1);
    for path in ["/v1/me", "/v1/friends", "/v1/nearby", "/v1/steps", "/v1/me/availability"] {
        let reply = node.call_as(&ann, "GET", path).send();
        assert_eq!((reply.status, reply.refusal().0.as_str()), (403, "forbidden"), "{path}");
    }
    assert_eq!(node.call_as(&ann, "GET", "/v1/session").ok()["user"], Value::Null);
    let (head, mut raw) = crate::raw_ws::request(
        node.address,
        crate::raw_ws::upgrade_request("/v1/ws", &format!("Authorization: Bearer {}\r\n", ann.token)).as_bytes(),
    );
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert_eq!(raw.read_close(), Some(4401));
    assert_eq!(node.connect(&bob).welcome["friends"][0]["lat"], json!(SQUARE.0));
}

#[test]
fn availability_can_be_put_read_and_taken_back_over_http() {
    let node = TestNode::start();
    let [ann, bob] = node.friends(["ann", "bob"]);
    let mut bob = node.connect(&bob);
    let path = "/v1/me/availability";
    assert_eq!(node.call_as(&ann, "GET", path).ok(), json!({"free": false, "source": "default"}));
    let set = json!({"free": true, "note": "lunch", "until": NOON.0 + MINUTE});
    let holds = json!({"free": true, "note": "lunch", "until": NOON.0 + MINUTE, "source": "hand",
        "next": {"free": false, "source": "default"}});
    assert_eq!(node.call_as(&ann, "PUT", path).json(&set).ok(), holds);
    assert_eq!(node.call_as(&ann, "GET", path).ok(), holds);
    let me = node.call_as(&ann, "GET", "/v1/me").ok();
    let part = |name: &str| me[name].clone();
    assert_eq!((part("free"), part("note"), part("until")), (true.into(), "lunch".into(), (NOON.0 + MINUTE).into()));
    assert_eq!(node.call_as(&ann, "DELETE", path).ok(), json!({"free": false, "source": "default"}));
    let heard: Vec<Value> = bob.heard().iter().map(|frame| frame["free"].clone()).collect();
    assert_eq!(heard, [true, false], "friends hear both");
    until("nothing is owed", || node.call_as(&ann, "GET", path).ok() == json!({"free": false, "source": "default"}));
}
