//! What OwnTracks is shown of friends: only what Android's parser takes, only what the gate allows, and each friend under one name.
use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{ANDROID, IOS, Phone, item, of_kind, phone};
use crate::client::{Person, SQUARE, north_of};
use crate::node::{NOON, TestNode};

const HOUR: i64 = 3_600_000;

/// What OwnTracks on Android does with an answer, by its rules: one bad element and everything is lost.
pub fn android_takes(array: &[Value]) {
    for item in array {
        let fields = item.as_object().expect("an object");
        let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_else(|| panic!("{name} in {item}"));
        let whole = |name: &str| assert!(fields[name].is_i64(), "{name} is no whole number in {item}");
        let number = |name: &str| assert!(fields[name].is_number(), "{name} is no number in {item}");
        let no_null = fields.values().all(|value| !value.is_null());
        assert!(no_null, "null in {item}");
        match text("_type") {
            "location" => {
                assert!(!text("tid").is_empty());
                number("lat");
                number("lon");
                whole("tst");
                for name in ["acc", "vel", "alt", "cog", "batt"] {
                    assert!(fields.get(name).is_none_or(Value::is_i64), "{name} in {item}");
                }
            }
            "card" => {
                assert!(!text("tid").is_empty() && !text("name").is_empty());
                if let Some(face) = fields.get("face") {
                    let png = STANDARD.decode(face.as_str().unwrap()).expect("base64");
                    assert!(png.starts_with(b"\x89PNG\r\n") && png.len() < 3_000, "{} bytes", png.len());
                }
            }
            "transition" => {
                assert!(["enter", "leave"].contains(&text("event")) && text("t") != "b");
                assert!(!text("desc").is_empty());
                for name in ["acc", "tst", "wtst"] {
                    whole(name);
                }
                number("lat");
                number("lon");
            }
            "cmd" => {
                let known =
                    ["dump", "reportLocation", "reportStatus", "setWaypoints", "clearWaypoints", "setConfiguration"];
                assert!(known.contains(&text("action")), "{item}");
            }
            other => panic!("Android knows no {other}"),
        }
    }
    let tids: Vec<_> = of_kind(array, "card").iter().map(|card| card["tid"].clone()).collect();
    assert_eq!(tids.iter().map(Value::to_string).collect::<BTreeSet<_>>().len(), tids.len(), "{tids:?}");
}

fn stage<const N: usize>(node: &TestNode, ids: [&str; N], agent: &'static str) -> ([Person; N], Phone) {
    let people = node.friends(ids);
    let phone = phone(node, &people[0], "owntracks", agent);
    (people, phone)
}

fn be_free(node: &TestNode, person: &Person, until: Option<i64>) {
    let body = json!({"free": true, "until": until});
    assert_eq!(node.call_as(person, "PUT", "/v1/me/availability").json(&body).send().status, 200);
}

fn put_at(node: &TestNode, person: &Person, place: (f64, f64), t: i64) {
    let fix = json!({"lat": place.0, "lon": place.1, "t": t, "acc": 7.6});
    assert_eq!(node.call_as(person, "POST", "/v1/fixes").json(&fix).ok()["accepted"], 1);
}

#[test]
fn each_friend_has_a_card_and_a_place_with_what_they_show() {
    let node = TestNode::start();
    let ([ann, bob, cem, _dot], phone) = stage(&node, ["ann", "bob", "cem", "dot"], ANDROID);
    let zone = json!({"time_zone": "Europe/Berlin", "name": "Ann"});
    assert_eq!(node.call_as(&ann, "PATCH", "/v1/me").json(&zone).send().status, 200);
    assert_eq!(node.call_as(&bob, "PATCH", "/v1/me").json(&json!({"name": "Bob"})).send().status, 200);
    be_free(&node, &bob, Some(NOON.0 + 5 * HOUR));
    put_at(&node, &bob, north_of(SQUARE, 240.0), NOON.0);
    put_at(&node, &cem, north_of(SQUARE, 12_000.0), NOON.0);
    let array = phone.is_at(&node, SQUARE, 0);
    android_takes(&array);
    assert_eq!(item(&array, "card", "bob")["name"], "Bob: free till 18:00, 240 m", "in Ann's own time");
    assert_eq!(item(&array, "card", "cem")["name"], "cem: busy, 12 km");
    let bob_at = item(&array, "location", "bob");
    assert_eq!((&bob_at["tst"], &bob_at["acc"]), (&json!(NOON.0 / 1_000), &json!(8)));
    assert_eq!(
        item(&array, "card", "zz")["name"],
        "Ann: busy",
        "the owner, under the name by which the phone keeps itself"
    );
    assert_eq!(item(&array, "location", "zz")["lat"], json!(SQUARE.0));
    assert_eq!(of_kind(&array, "card").len(), 3, "dot is not there: {array:#?}");
}

#[test]
fn a_picture_is_sent_once_and_again_when_its_ring_changes() {
    let node = TestNode::start();
    let ([_, bob], phone) = stage(&node, ["ann", "bob"], ANDROID);
    put_at(&node, &bob, SQUARE, NOON.0);
    let face = |array: &[Value], tid: &str| item(array, "card", tid)["face"].as_str().map(str::to_owned);
    let first = phone.is_at(&node, SQUARE, 3);
    let busy = face(&first, "bob").expect("a face");
    assert!(face(&first, "zz").is_some());
    let second = phone.is_at(&node, SQUARE, 2);
    assert_eq!((face(&second, "bob"), face(&second, "zz")), (None, None));
    be_free(&node, &bob, None);
    let third = phone.is_at(&node, SQUARE, 1);
    let free = face(&third, "bob").expect("another face");
    assert_ne!(busy, free);
    android_takes(&third);
    let other = super::phone(&node, &phone.owner, "owntracks", IOS);
    assert!(face(&other.is_at(&node, SQUARE, 0), "bob").is_some(), "another phone has none yet");
}

#[test]
fn a_friend_has_the_same_name_of_their_own_on_every_phone_and_after_a_restart() {
    let node = TestNode::start();
    let ([_, bob, bonnie], phone) = stage(&node, ["ann", "bob", "bonnie"], ANDROID);
    put_at(&node, &bob, SQUARE, NOON.0);
    put_at(&node, &bonnie, SQUARE, NOON.0);
    let before = phone.is_at(&node, SQUARE, 2);
    android_takes(&before);
    let names: Vec<String> = of_kind(&before, "location").iter().map(|it| it["tid"].to_string()).collect();
    let node = node.restart();
    let after = phone.is_at(&node, SQUARE, 1);
    let again: Vec<String> = of_kind(&after, "location").iter().map(|it| it["tid"].to_string()).collect();
    assert_eq!(names, again);
}

#[test]
fn times_grow_with_every_new_place_and_stand_still_without() {
    let node = TestNode::start();
    let ([_, bob], phone) = stage(&node, ["ann", "bob"], IOS);
    let mut seen = Vec::new();
    for minute in 0..3 {
        put_at(&node, &bob, north_of(SQUARE, 10.0 * f64::from(minute)), node.clock.now().0);
        for _ in 0..2 {
            seen.push(item(&phone.is_at(&node, SQUARE, 0), "location", "bob")["tst"].as_i64().unwrap());
        }
        node.pass(60_000);
    }
    assert!(seen.is_sorted() && seen.first() < seen.last(), "{seen:?}");
}

#[test]
fn who_shows_nothing_is_left_out_like_who_is_not_there() {
    let node = TestNode::start();
    let ([_, bob, cem, dot], phone) = stage(&node, ["ann", "bob", "cem", "dot"], ANDROID);
    for friend in [&bob, &cem, &dot] {
        be_free(&node, friend, None);
        put_at(&node, friend, north_of(SQUARE, 300.0), NOON.0);
    }
    let count = |array: &[Value]| of_kind(array, "card").len();
    assert_eq!(count(&phone.is_at(&node, SQUARE, 5)), 4);
    let off = node.call_as(&bob, "PATCH", "/v1/friends/ann").json(&json!({"sharing": "off"})).send();
    assert_eq!(off.status, 200, "{}", off.text());
    let hide = json!({"hidden_until": NOON.0 + HOUR});
    assert_eq!(node.call_as(&cem, "PATCH", "/v1/me").json(&hide).send().status, 200);
    let array = phone.is_at(&node, SQUARE, 4);
    android_takes(&array);
    let text = json!(array).to_string();
    assert!(count(&array) == 2 && !text.contains("bob") && !text.contains("cem"), "{text}");
    assert_eq!(node.call_as(&dot, "DELETE", "/v1/friends/ann").send().status, 204);
    assert!(!json!(phone.is_at(&node, SQUARE, 3)).to_string().contains("dot"));
}

#[test]
fn who_shares_an_area_is_shown_in_its_middle_and_everything_follows_from_that() {
    let node = TestNode::start();
    let ([_, bob], phone) = stage(&node, ["ann", "bob"], ANDROID);
    let approximate = json!({"sharing": "approximate"});
    assert_eq!(node.call_as(&bob, "PATCH", "/v1/friends/ann").json(&approximate).send().status, 200);
    be_free(&node, &bob, None);
    let exact = north_of(SQUARE, 2_345.0);
    put_at(&node, &bob, exact, NOON.0);
    let array = phone.is_at(&node, SQUARE, 0);
    android_takes(&array);
    let place = item(&array, "location", "bob");
    let shown = (place["lat"].as_f64().unwrap(), place["lon"].as_f64().unwrap());
    let friends = node.call_as(&phone.owner, "GET", "/v1/friends").ok();
    assert_eq!((&place["lat"], &place["lon"]), (&friends["friends"][0]["lat"], &friends["friends"][0]["lon"]));
    assert!((shown.0 - exact.0).abs() > 1e-6 && place["acc"] == 800, "{place}");
    let name = item(&array, "card", "bob")["name"].as_str().unwrap();
    assert!(name.starts_with("bob: free, about "), "{name}");
    assert!(!json!(array).to_string().contains(&exact.0.to_string()));
}

#[test]
fn a_phone_that_calls_itself_like_a_friend_does_not_take_their_marker() {
    let node = TestNode::start();
    let ([_, bob], phone) = stage(&node, ["ann", "bob"], ANDROID);
    put_at(&node, &bob, north_of(SQUARE, 900.0), NOON.0);
    let body = json!({"_type": "location", "tid": "bob", "topic": "owntracks/bob/phone", "lat": SQUARE.0, "lon": SQUARE.1,
        "tst": NOON.0 / 1_000});
    let reply = phone.post(&node, "/pub?u=bob&d=x").header("X-Limit-U", "bob").body(body.to_string()).send();
    let array = reply.json().as_array().unwrap().clone();
    android_takes(&array);
    assert_eq!(item(&array, "location", "ann")["lat"], json!(SQUARE.0));
    assert_eq!(item(&array, "location", "bob")["lat"], json!(north_of(SQUARE, 900.0).0), "Bob has not moved");
}

#[test]
fn an_answer_has_at_most_a_hundred_friends_the_nearest() {
    let node = TestNode::start();
    let ids: Vec<String> = (0..121).map(|at| format!("p{at}")).collect();
    let ids: [&str; 121] = std::array::from_fn(|at| ids[at].as_str());
    let pairs: Vec<(usize, usize)> = (1..121).map(|at| (0, at)).collect();
    let people = node.people(ids, &pairs);
    for (at, friend) in people.iter().enumerate().skip(1) {
        put_at(&node, friend, north_of(SQUARE, 10.0 * at as f64), NOON.0);
    }
    let phone = phone(&node, &people[0], "owntracks", ANDROID);
    let array = phone.is_at(&node, SQUARE, 0);
    android_takes(&array);
    assert_eq!(of_kind(&array, "card").len(), 101, "and oneself");
    assert!(item(&array, "card", "p100")["name"].as_str().unwrap().ends_with("1 km"));
    assert!(!json!(array).to_string().contains("\"p101\""));
    assert!(json!(array).to_string().len() < 300_000);
    assert_eq!(phone.status(&node)["friends_sent"], json!({"t": NOON.0, "count": 100}));
}

#[test]
fn a_message_that_is_no_place_of_now_is_answered_with_nothing() {
    let node = TestNode::start();
    let ([_, bob], phone) = stage(&node, ["ann", "bob"], ANDROID);
    put_at(&node, &bob, SQUARE, NOON.0);
    for body in ["", "{}", r#"{"_type":"lwt","tst":1}"#, r#"{"_type":"encrypted","data":"AA=="}"#, "no json"] {
        let reply = phone.owntracks(&node, body);
        assert_eq!((reply.status, reply.text().as_str()), (200, "[]"), "{body}");
    }
    assert_eq!(phone.is_at(&node, SQUARE, 8 * 3_600), Vec::<Value>::new(), "eight hours old");
    assert!(!phone.is_at(&node, SQUARE, 0).is_empty());
}

#[test]
fn steps_are_asked_of_iphones_only_once_an_hour_and_only_by_choice() {
    let node = TestNode::start();
    let ([ann], phone) = stage(&node, ["ann"], IOS);
    let asked = |array: &[Value]| of_kind(array, "cmd").len();
    assert_eq!(asked(&phone.is_at(&node, SQUARE, 9)), 0);
    let path = format!("/v1/me/phones/{}", phone.id);
    let changed = node.call_as(&ann, "PATCH", &path).json(&json!({"ask_steps": true})).ok();
    assert_eq!(changed["ask_steps"], true);
    let mut answer = super::location(&node, SQUARE, 8);
    answer["t"] = json!("r");
    let reply = phone.owntracks(&node, answer.to_string());
    assert_eq!(asked(reply.json().as_array().unwrap()), 0, "never in reply to a reply");
    let array = phone.is_at(&node, SQUARE, 7);
    let midnight = NOON.0 / 1_000 - 12 * 3_600;
    let question = json!({"_type": "cmd", "action": "reportSteps", "from": midnight, "to": NOON.0 / 1_000});
    assert_eq!(of_kind(&array, "cmd"), [&question]);
    assert_eq!(asked(&phone.is_at(&node, SQUARE, 6)), 0);
    node.pass(HOUR);
    assert_eq!(asked(&phone.is_at(&node, SQUARE, 5)), 1);
    node.pass(HOUR);
    let android = Phone { agent: ANDROID, ..phone };
    android_takes(&android.is_at(&node, SQUARE, 4));
}
