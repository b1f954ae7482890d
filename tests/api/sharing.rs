//! What a friend sees: exact, approximate, nothing; for a while; hiding; only while free; and the end of a friendship.
use serde_json::{Value, json};

use crate::client::{Client, Person, SQUARE, north_of};
use crate::node::{NOON, TestNode};

const MINUTE: i64 = 60_000;

/// Ann and Bob are friends, Ann's map is open, and Bob stands in the square.
fn watched() -> (TestNode, [Person; 2], Client, Client) {
    let node = TestNode::start();
    let [ann, bob] = node.friends(["ann", "bob"]);
    let mut bob_phone = node.connect(&bob);
    bob_phone.be_at(SQUARE);
    let mut ann_phone = node.connect(&ann);
    ann_phone.say(&json!({"type": "map", "open": true}));
    let moved = ann_phone.expect("moved");
    assert_eq!(moved["friends"][0]["lat"], SQUARE.0);
    (node, [ann, bob], ann_phone, bob_phone)
}

fn share(node: &TestNode, owner: &Person, viewer: &Person, sharing: &Value) -> Value {
    node.call_as(owner, "PATCH", &format!("/v1/friends/{}", viewer.id)).json(sharing).ok()
}

fn profile(node: &TestNode, person: &Person, change: &Value) -> Value {
    node.call_as(person, "PATCH", "/v1/me").json(change).ok()
}

fn seen(node: &TestNode, viewer: &Person) -> Value {
    node.call_as(viewer, "GET", "/v1/friends").ok()["friends"][0].clone()
}

#[test]
fn who_shares_nothing_looks_offline_whatever_they_do_and_comes_back_when_they_share_again() {
    let (node, [ann, bob], mut ann_phone, mut bob_phone) = watched();
    bob_phone.be_free(true);
    assert_eq!(ann_phone.transcript(), ["presence bob online free"]);
    assert_eq!(share(&node, &bob, &ann, &json!({"sharing": "off"}))["sharing"], "off");
    assert_eq!(ann_phone.transcript(), ["presence bob offline busy"]);
    bob_phone.be_at(north_of(SQUARE, 200.0));
    bob_phone.be_free(false);
    bob_phone.be_free(true);
    assert!(ann_phone.heard().is_empty(), "nothing of it is told");
    let shown = seen(&node, &ann);
    assert_eq!((&shown["online"], &shown["free"], &shown["lat"]), (&json!(false), &json!(false), &Value::Null));
    share(&node, &bob, &ann, &json!({"sharing": "exact"}));
    let heard = ann_phone.transcript();
    assert_eq!(heard.first().map(String::as_str), Some("presence bob online free"), "{heard:?}");
    assert!(seen(&node, &ann)["lat"].is_number());
}

#[test]
fn an_approximate_friend_is_in_the_middle_of_a_cell_and_says_so() {
    let (node, [ann, bob], mut ann_phone, mut bob_phone) = watched();
    share(&node, &bob, &ann, &json!({"sharing": "approximate"}));
    let first = ann_phone.expect("moved")["friends"][0].clone();
    assert_eq!(first["approximate"], true);
    assert_ne!((&first["lat"], &first["lon"]), (&json!(SQUARE.0), &json!(SQUARE.1)));
    node.clock.advance(1_000);
    bob_phone.be_at(north_of(SQUARE, 5.0));
    let second = ann_phone.expect("moved")["friends"][0].clone();
    assert_eq!((&first["lat"], &first["lon"]), (&second["lat"], &second["lon"]), "five metres are no news");
    assert!(second.get("speed").is_none() && second.get("heading").is_none());
    ann_phone.be_at(SQUARE);
    let nearby = node.call_as(&ann, "GET", "/v1/nearby?radius=5000").ok();
    let found = &nearby["friends"][0];
    assert_eq!((&found["lat"], &found["approximate"]), (&first["lat"], &json!(true)));
    assert_eq!(found["distance"].as_f64().unwrap() % 10.0, 0.0, "rounded: {found}");
    let own = node.call_as(&bob, "GET", "/v1/friends/ann/view").ok();
    assert_eq!(
        (&own["sight"], &own["friend"]["lat"]),
        (&json!("approximate"), &first["lat"]),
        "what ann sees, bob can look at"
    );
}

#[test]
fn sharing_for_a_while_ends_by_itself_and_a_pause_too() {
    let (node, [ann, bob], mut ann_phone, _bob_phone) = watched();
    let reply = share(&node, &bob, &ann, &json!({"sharing": "exact", "until": NOON.0 + MINUTE}));
    assert_eq!(reply["sharing_until"], NOON.0 + MINUTE);
    assert!(ann_phone.heard().is_empty(), "nothing is different yet");
    node.pass(MINUTE);
    assert_eq!(ann_phone.transcript(), ["presence bob offline busy"]);
    assert!(seen(&node, &ann)["lat"].is_null());
    share(&node, &bob, &ann, &json!({"sharing": "exact"}));
    share(&node, &bob, &ann, &json!({"sharing": "off", "until": NOON.0 + 2 * MINUTE}));
    ann_phone.heard();
    node.pass(MINUTE);
    assert_eq!(ann_phone.transcript().first().map(String::as_str), Some("presence bob online busy"));
}

#[test]
fn who_hides_while_near_is_gone_like_somebody_whose_phone_fell_silent() {
    let (node, [_ann, bob], mut ann_phone, mut bob_phone) = watched();
    ann_phone.be_at(north_of(SQUARE, 100.0));
    bob_phone.be_free(true);
    ann_phone.be_free(true);
    assert_eq!(ann_phone.expect("near")["distance"], 100.0);
    bob_phone.expect("near");
    profile(&node, &bob, &json!({"hidden_until": NOON.0 + MINUTE}));
    assert_eq!(ann_phone.expect("apart")["reason"], "stale", "no word of hiding");
    assert_eq!(bob_phone.expect("apart")["reason"], "hidden");
    ann_phone.heard();
    bob_phone.be_at(north_of(SQUARE, 90.0));
    assert!(ann_phone.heard().is_empty());
    node.pass(MINUTE);
    assert_eq!(ann_phone.transcript().first().map(String::as_str), Some("presence bob online free"));
}

#[test]
fn only_while_free_shows_no_place_of_who_is_busy() {
    let (node, [ann, bob], mut ann_phone, mut bob_phone) = watched();
    profile(&node, &bob, &json!({"only_free": true}));
    ann_phone.heard();
    bob_phone.be_at(north_of(SQUARE, 20.0));
    assert!(ann_phone.heard().is_empty(), "busy");
    assert_eq!((&seen(&node, &ann)["online"], &seen(&node, &ann)["lat"]), (&json!(true), &Value::Null));
    bob_phone.be_free(true);
    assert!(seen(&node, &ann)["lat"].is_number());
}

#[test]
fn the_end_of_a_friendship_is_told_to_both_and_nothing_after_it() {
    let (node, [ann, bob], mut ann_phone, mut bob_phone) = watched();
    let reply = node.call_as(&bob, "DELETE", "/v1/friends/ann").send();
    assert_eq!(reply.status, 204);
    let ended = |user: &str| json!({"type": "friendship", "user": user, "state": "ended"});
    assert_eq!(ann_phone.heard(), [ended("bob")]);
    assert_eq!(bob_phone.heard().last(), Some(&ended("ann")));
    bob_phone.be_at(north_of(SQUARE, 30.0));
    assert!(ann_phone.heard().is_empty());
    assert_eq!(node.call_as(&ann, "GET", "/v1/friends").ok()["friends"], json!([]));
}
