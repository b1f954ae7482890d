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
