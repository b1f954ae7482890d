//! Near and apart: who hears what, and when.
use serde_json::json;

use crate::client::{Client, SQUARE, north_of};
use crate::node::{NOON, TestNode};

const MINUTE: i64 = 60_000;

/// Ann and Bob, friends, free, connected, and not yet anywhere.
fn ann_and_bob(node: &TestNode) -> (Client, Client) {
    let [ann, bob] = node.friends(["ann", "bob"]);
    let (mut ann, mut bob) = (node.connect(&ann), node.connect(&bob));
    ann.be_free(true);
    bob.be_free(true);
    ann.heard();
    bob.heard();
    (ann, bob)
}

/// The two, 300 m apart and announced.
fn ann_near_bob(node: &TestNode) -> (Client, Client) {
    let (mut ann, mut bob) = ann_and_bob(node);
    ann.be_at(SQUARE);
    bob.be_at(north_of(SQUARE, 300.0));
    assert_eq!(ann.transcript(), ["near bob"]);
    assert_eq!(bob.transcript(), ["near ann"]);
    (ann, bob)
}

#[test]
fn two_friends_who_come_near_both_hear_of_it_once_with_distance_and_note() {
    let node = TestNode::start();
    let (mut ann, mut bob) = ann_and_bob(&node);
    bob.tell(json!({"type": "availability", "free": true, "note": "coffee?"}));
    ann.be_at(SQUARE);
    bob.be_at(north_of(SQUARE, 3_000.0));
    assert_eq!(ann.transcript(), ["presence bob online free"], "3 km is not near");
    node.pass(MINUTE);
    bob.be_at(north_of(SQUARE, 300.0));
    let near = ann.expect("near");
    assert_eq!(
        near,
        json!({"type": "near", "user": "bob", "distance": 300.0, "free": true, "note": "coffee?", "t": NOON.0 + MINUTE})
    );
    let near = bob.expect("near");
    assert_eq!(near, json!({"type": "near", "user": "ann", "distance": 300.0, "free": true, "t": NOON.0 + MINUTE}));
    bob.be_at(north_of(SQUARE, 290.0));
    ann.be_at(north_of(SQUARE, 1.0));
    assert!(ann.heard().is_empty() && bob.heard().is_empty(), "once per encounter");
}

#[test]
fn who_turns_busy_ends_the_encounter_on_both_sides() {
    let node = TestNode::start();
    let (mut ann, mut bob) = ann_near_bob(&node);
    ann.be_free(false);
    assert_eq!(ann.transcript(), ["apart bob busy"]);
    assert_eq!(bob.transcript(), ["presence ann online busy", "apart ann busy"]);
}

#[test]
fn who_was_busy_and_is_free_again_by_hand_is_announced_again_at_once() {
    let node = TestNode::start();
    let (mut ann, mut bob) = ann_near_bob(&node);
    ann.be_free(false);
    node.pass(MINUTE);
    ann.be_free(true);
    assert_eq!(ann.transcript(), ["apart bob busy", "near bob"]);
    let heard = bob.transcript();
    assert_eq!(heard, ["presence ann online busy", "apart ann busy", "presence ann online free", "near ann"]);
}

#[test]
fn who_left_and_came_back_is_announced_again_after_thirty_minutes_and_not_before() {
    let node = TestNode::start();
    let (mut ann, mut bob) = ann_near_bob(&node);
    node.pass(MINUTE);
    bob.be_at(north_of(SQUARE, 2_000.0));
    assert!(ann.heard().is_empty(), "one fix beyond the leaving distance may be an error");
    node.pass(10_000);
    bob.be_at(north_of(SQUARE, 2_010.0));
    assert_eq!(ann.transcript(), ["apart bob left"]);
    assert_eq!(bob.transcript(), ["apart ann left"]);

    node.pass(8 * MINUTE);
    ann.be_at(north_of(SQUARE, 1.0));
    bob.be_at(north_of(SQUARE, 310.0));
    assert!(ann.heard().is_empty() && bob.heard().is_empty(), "not again within 30 minutes");

    // Both stay where they are and keep reporting; the half hour ends without any of them moving.
    for minute in [18, 26] {
        node.pass(NOON.0 + minute * MINUTE - node.clock.now().0);
        ann.be_at(north_of(SQUARE, 1.0));
        bob.be_at(north_of(SQUARE, 310.0));
    }
    node.pass(3 * MINUTE);
    assert!(ann.heard().is_empty() && bob.heard().is_empty(), "29 minutes are not 30");
    node.pass(MINUTE + 1_000);
    assert_eq!(ann.transcript(), ["near bob"]);
    assert_eq!(bob.transcript(), ["near ann"]);
}

#[test]
fn leaving_needs_two_fixes_or_thirty_seconds() {
    let node = TestNode::start();
    let (mut ann, mut bob) = ann_near_bob(&node);
    node.pass(MINUTE);
    bob.be_at(north_of(SQUARE, 2_000.0));
    node.pass(29_000);
    assert!(ann.heard().is_empty());
    node.pass(1_001);
    assert_eq!(ann.transcript(), ["apart bob left"]);
    assert_eq!(bob.transcript(), ["apart ann left"]);
}

#[test]
fn a_position_of_ten_minutes_ago_ends_the_encounter_as_stale() {
    let node = TestNode::start();
    let (mut ann, mut bob) = ann_near_bob(&node);
    node.pass(5 * MINUTE);
    ann.be_at(SQUARE);
    node.pass(5 * MINUTE - 1_000);
    assert!(ann.heard().is_empty(), "bob's fix is 9 minutes and 59 seconds old");
    node.pass(2_000);
    assert_eq!(ann.transcript(), ["apart bob stale"]);
    assert_eq!(bob.transcript(), ["apart ann stale"]);
}

#[test]
fn strangers_in_one_spot_hear_nothing_of_each_other() {
    let node = TestNode::start();
    let [ann, eve] = node.strangers(["ann", "eve"]);
    let (mut ann, mut eve) = (node.connect(&ann), node.connect(&eve));
    for client in [&mut ann, &mut eve] {
        client.say(&json!({"type": "map", "open": true}));
        client.be_free(true);
        client.be_at(SQUARE);
    }
    node.pass(1_000);
    assert!(ann.heard().is_empty() && eve.heard().is_empty());
    eve.say(&json!({"type": "nearby", "id": 1, "radius": 50_000}));
    assert_eq!(eve.expect("nearby")["friends"], json!([]));
}

#[test]
fn only_when_both_are_free_are_friends_announced() {
    let node = TestNode::start();
    let [ann, bob] = node.friends(["ann", "bob"]);
    let (mut ann, mut bob) = (node.connect(&ann), node.connect(&bob));
    ann.be_at(SQUARE);
    bob.be_at(SQUARE);
    ann.be_free(true);
    assert_eq!(bob.transcript(), ["presence ann online free"]);
    bob.be_free(true);
    assert_eq!(bob.transcript(), ["near ann"]);
    assert_eq!(ann.transcript(), ["presence bob online", "presence bob online free", "near bob"].map(fill_busy));
}

/// The first thing that is said of somebody who has just connected is that they are busy.
fn fill_busy(line: &str) -> String {
    if line.ends_with("online") { format!("{line} busy") } else { line.to_owned() }
}

#[test]
fn the_smaller_radius_of_the_two_holds() {
    let node = TestNode::start();
    let root = node.administrator("root");
    let body = json!({
        "users": [{"user": "ann", "radius": 100}, {"user": "bob", "radius": 5_000}],
        "friendships": [[0, 1]],
    });
    let made = node.call_as(&root, "POST", "/v1/admin/users").json(&body).ok();
    let connect = |at: usize| Client::connect(node.address, &node.clock, made["users"][at]["token"].as_str().unwrap());
    let (mut ann, mut bob) = (connect(0), connect(1));
    for client in [&mut ann, &mut bob] {
        client.be_free(true);
    }
    ann.be_at(SQUARE);
    bob.be_at(north_of(SQUARE, 300.0));
    let near = |client: &mut Client| client.transcript().iter().any(|line| line.starts_with("near"));
    assert!(!near(&mut ann) && !near(&mut bob), "300 m is near for bob, not for ann");
    node.pass(MINUTE);
    bob.be_at(north_of(SQUARE, 99.0));
    assert_eq!((ann.transcript(), bob.transcript()), (vec!["near bob".to_owned()], vec!["near ann".to_owned()]));
}

#[test]
fn a_position_too_coarse_for_the_radius_is_not_announced_until_a_better_one_comes() {
    let node = TestNode::start();
    let root = node.administrator("root");
    let body = json!({
        "users": [{"user": "ann", "radius": 100}, {"user": "bob", "radius": 100}],
        "friendships": [[0, 1]],
    });
    let made = node.call_as(&root, "POST", "/v1/admin/users").json(&body).ok();
    let connect = |at: usize| Client::connect(node.address, &node.clock, made["users"][at]["token"].as_str().unwrap());
    let (mut ann, mut bob) = (connect(0), connect(1));
    ann.be_free(true);
    bob.be_free(true);
    let fix = |acc: f64, t: i64| json!({"type": "fix", "lat": SQUARE.0, "lon": SQUARE.1, "t": t, "acc": acc});
    ann.tell(fix(80.0, NOON.0));
    bob.tell(fix(80.0, NOON.0));
    assert!(!bob.transcript().contains(&"near ann".to_owned()), "80² + 80² is over 100²");
    bob.tell(fix(50.0, NOON.0 + 1_000));
    assert_eq!(bob.transcript(), ["near ann"]);
}

#[test]
fn an_encounter_that_was_announced_is_not_announced_again_after_a_restart() {
    let node = TestNode::start();
    let [ann, bob] = node.friends(["ann", "bob"]);
    let (mut ann_phone, mut bob_phone) = (node.connect(&ann), node.connect(&bob));
    for phone in [&mut ann_phone, &mut bob_phone] {
        phone.be_free(true);
        phone.be_at(SQUARE);
    }
    ann_phone.expect("near");
    let node = node.restart();
    let (mut ann_phone, mut bob_phone) = (node.connect(&ann), node.connect(&bob));
    assert_eq!(ann_phone.welcome["friends"][0]["near"], true);
    ann_phone.be_at(SQUARE);
    bob_phone.be_at(SQUARE);
    assert_eq!(ann_phone.transcript(), ["presence bob online free"]);
    assert!(bob_phone.heard().is_empty());
    bob_phone.be_free(false);
    assert_eq!(ann_phone.transcript(), ["presence bob online busy", "apart bob busy"]);
}

#[test]
fn somebody_who_is_removed_leaves_every_encounter_and_every_list() {
    let node = TestNode::start();
    let root = node.administrator("root");
    let (mut ann, mut bob) = ann_near_bob(&node);
    node.call_as(&root, "POST", "/v1/admin/users/remove").json(&json!({"users": ["bob", "nobody"]})).ok();
    assert_eq!(bob.expect_close().0, 4401);
    assert_eq!(ann.transcript(), ["apart bob unfriended", "friendship bob ended"]);
    ann.say(&json!({"type": "nearby", "id": 1}));
    assert_eq!(ann.expect("nearby")["friends"], json!([]));
}
