//! Who came near, told in the answer to a phone: once for each phone, while it is so, to who wants it.
use serde_json::{Value, json};

use super::answers::android_takes;
use super::{ANDROID, IOS, Phone, of_kind, phone};
use crate::client::{Person, SQUARE, north_of};
use crate::node::{NOON, TestNode};

const MINUTE: i64 = 60_000;

/// Ann with phones, and Bob, who is 240 m away with his own; both free.
fn ann_near_bob(node: &TestNode) -> (Person, Person) {
    let [ann, bob] = node.friends(["ann", "bob"]);
    for person in [&ann, &bob] {
        let free = json!({"free": true, "until": NOON.0 + 6 * 60 * MINUTE});
        assert_eq!(node.call_as(person, "PUT", "/v1/me/availability").json(&free).send().status, 200);
    }
    assert_eq!(node.call_as(&bob, "PATCH", "/v1/me").json(&json!({"name": "Bob"})).send().status, 200);
    report(node, &bob, 240.0);
    (ann, bob)
}

fn report(node: &TestNode, person: &Person, north: f64) {
    let (lat, lon) = north_of(SQUARE, north);
    let fix = json!({"lat": lat, "lon": lon, "t": node.clock.now().0, "acc": 5});
    assert_eq!(node.call_as(person, "POST", "/v1/fixes").json(&fix).ok()["accepted"], 1);
}

fn notices(array: &[Value]) -> Vec<Value> {
    of_kind(array, "transition").into_iter().cloned().collect()
}

fn choose(node: &TestNode, phone: &Phone, on: Value) -> u16 {
    let path = format!("/v1/me/phones/{}", phone.id);
    node.call_as(&phone.owner, "PATCH", &path).json(&json!({"near_notices": on})).send().status
}

#[test]
fn an_iphone_is_told_once_and_each_of_several() {
    let node = TestNode::start();
    let (ann, _bob) = ann_near_bob(&node);
    let (one, other) = (phone(&node, &ann, "owntracks", IOS), phone(&node, &ann, "owntracks", IOS));
    let array = one.is_at(&node, SQUARE, 2);
    android_takes(&array);
    let told = notices(&array);
    assert_eq!(told.len(), 1, "{array:#?}");
    assert_eq!((&told[0]["tid"], &told[0]["event"]), (&json!("Bob"), &json!("enter")));
    assert_eq!(told[0]["desc"], "240 m from you, free till 18:00");
    assert!(notices(&one.is_at(&node, SQUARE, 1)).is_empty(), "once");
    assert_eq!(notices(&other.is_at(&node, SQUARE, 0)).len(), 1, "the other phone, too");
    assert!(notices(&other.is_at(&node, SQUARE, 0)).is_empty(), "and a message that came twice");
}

#[test]
fn android_is_told_by_choice_and_then_by_name() {
    let node = TestNode::start();
    let (ann, _bob) = ann_near_bob(&node);
    let phone = phone(&node, &ann, "owntracks", ANDROID);
    assert!(notices(&phone.is_at(&node, SQUARE, 3)).is_empty());
    assert_eq!(choose(&node, &phone, json!(true)), 200);
    let told = notices(&phone.is_at(&node, SQUARE, 2));
    assert_eq!(told[0]["desc"], "Bob 240 m from you, free till 18:00");
    assert_eq!(choose(&node, &phone, Value::Null), 200);
    let quiet = super::phone(&node, &ann, "owntracks", IOS);
    assert_eq!(choose(&node, &quiet, json!(false)), 200);
    assert!(notices(&quiet.is_at(&node, SQUARE, 1)).is_empty());
}

#[test]
fn nothing_is_told_of_who_has_gone_turned_busy_or_hides() {
    let node = TestNode::start();
    let (ann, bob) = ann_near_bob(&node);
    // The pair meets by a fix of another device of Ann's; her phone comes later.
    report(&node, &ann, 0.0);
    node.pass(MINUTE);
    let phone = phone(&node, &ann, "owntracks", IOS);
    let hide = json!({"sharing": "off"});
    assert_eq!(node.call_as(&bob, "PATCH", "/v1/friends/ann").json(&hide).send().status, 200);
    assert!(notices(&phone.is_at(&node, SQUARE, 0)).is_empty());
    assert_eq!(node.call_as(&bob, "PATCH", "/v1/friends/ann").json(&json!({"sharing": "exact"})).send().status, 200);
    assert!(notices(&phone.is_at(&node, SQUARE, 0)).is_empty(), "an encounter that is over is not told afterwards");
}

#[test]
fn who_met_while_the_phone_was_silent_is_told_when_it_comes_if_it_is_still_so() {
    let node = TestNode::start();
    let (ann, _bob) = ann_near_bob(&node);
    report(&node, &ann, 0.0);
    node.pass(2 * MINUTE);
    let phone = phone(&node, &ann, "owntracks", IOS);
    assert_eq!(notices(&phone.is_at(&node, SQUARE, 0)).len(), 1);
}

#[test]
fn a_restart_does_not_tell_again_what_was_told() {
    let node = TestNode::start();
    let (ann, bob) = ann_near_bob(&node);
    let phone = phone(&node, &ann, "owntracks", IOS);
    assert_eq!(notices(&phone.is_at(&node, SQUARE, 0)).len(), 1);
    let node = node.restart();
    node.pass(MINUTE);
    report(&node, &bob, 230.0);
    let array = phone.is_at(&node, SQUARE, 0);
    assert!(notices(&array).is_empty(), "{array:#?}");
    assert!(super::item(&array, "card", "bob")["name"].as_str().unwrap().contains("230 m"));
}
