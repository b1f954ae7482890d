//! Phones that keep quiet as asked, and phones that do not, over the real server.
use letshang::actors::spatial_index::QueryQuiet;
use letshang::domain::UserNo;
use serde_json::json;

use crate::client::{At, Client, Person, SQUARE, north_of};
use crate::node::{NOON, TestNode, until};

const MINUTE: i64 = 60_000;

fn node() -> TestNode {
    TestNode::with(&[("quiet.enabled", "true")])
}

/// Ann at the square and Bob so many metres north of it, friends and connected; Ann free, Bob as said.
fn ann_and_bob(node: &TestNode, apart: f64, bob_free: bool) -> (Client, Client) {
    let [ann, bob] = node.friends(["ann", "bob"]);
    let (mut ann, mut bob) = (node.connect(&ann), node.connect(&bob));
    ann.be_free(true);
    bob.be_free(bob_free);
    bob.be_at(north_of(SQUARE, apart));
    ann.be_at(SQUARE);
    (ann, bob)
}

/// What a phone was told last: the radius, and for how many minutes from now.
#[track_caller]
fn told(node: &TestNode, client: &mut Client) -> (f64, f64) {
    let mut frame = client.expect("quiet");
    for later in client.heard() {
        if later["type"] == "quiet" {
            frame = later;
        }
    }
    let until = frame["until"].as_i64().unwrap() - node.clock.now().0;
    (frame["radius"].as_f64().unwrap(), until as f64 / MINUTE as f64)
}

#[track_caller]
fn told_nothing(client: &mut Client) -> Vec<serde_json::Value> {
    let heard = client.heard();
    assert!(heard.iter().all(|frame| frame["type"] != "quiet"), "{heard:?}");
    heard
}

fn kinds(frames: &[serde_json::Value]) -> Vec<&str> {
    frames
        .iter()
        .map(|frame| frame["type"].as_str().unwrap())
        .filter(|kind| !["quiet", "presence"].contains(kind))
        .collect()
}

fn metric(node: &TestNode, name: &str) -> u64 {
    let text = (node.node.metrics)();
    let line = |line: &str| {
        let (found, value) = line.split_once(' ')?;
        (found.trim_end_matches("_total") == format!("letshang_quiet_{name}")).then(|| value.parse().unwrap())
    };
    text.lines().find_map(line).expect("such a metric")
}

/// What a person is shown of friends.
fn friends_of(node: &TestNode, token: &str) -> String {
    node.call("GET", "/v1/friends").bearer(token).send().text()
}

#[test]
fn a_zone_comes_after_a_fix_half_the_way_to_the_nearest_free_friend() {
    let node = node();
    let (mut ann, mut bob) = ann_and_bob(&node, 10_000.0, true);
    // 9,500 m of room, half of it, less what is kept for noise and being slow, rounded down by the root of two from 5,000.
    assert_eq!(told(&node, &mut ann), (3_535.0, 30.0));
    assert_eq!(told(&node, &mut bob), (0.0, 0.5), "when he reported, she was nowhere, and 5,000 m is more than half");
    bob.be_at(north_of(SQUARE, 10_000.0));
    assert_eq!(told(&node, &mut bob), (3_535.0, 30.0));
    until("it is counted", || (metric(&node, "zones"), metric(&node, "given")) == (2, 3));
}

#[test]
fn who_may_meet_nobody_may_go_as_far_as_anybody() {
    let node = node();
    let (mut ann, mut bob) = ann_and_bob(&node, 30.0, false);
    assert_eq!((told(&node, &mut ann), told(&node, &mut bob)), ((5_000.0, 30.0), (5_000.0, 30.0)));
}

#[test]
fn a_friend_who_comes_free_nearby_is_asked_and_so_is_who_has_too_large_a_zone_for_that() {
    let node = node();
    let (mut ann, mut bob) = ann_and_bob(&node, 1_500.0, false);
    assert_eq!((told(&node, &mut ann).0, told(&node, &mut bob).0), (5_000.0, 5_000.0));
    node.pass(2 * MINUTE);
    bob.be_free(true);
    assert_eq!((told(&node, &mut ann), told(&node, &mut bob)), ((0.0, 0.5), (0.0, 0.5)));
    ann.be_at(north_of(SQUARE, 3.0));
    bob.be_at(north_of(SQUARE, 1_490.0));
    assert_eq!((told(&node, &mut ann).0, told(&node, &mut bob).0), (441.0, 441.0), "of 993 m");
    until("it is counted", || (metric(&node, "probes"), metric(&node, "answered")) == (2, 2));
}

#[test]
fn when_the_friend_leaves_or_is_busy_the_zone_grows_without_a_report() {
    let node = node();
    let (mut ann, mut bob) = ann_and_bob(&node, 1_500.0, true);
    assert_eq!(told(&node, &mut ann).0, 441.0);
    node.pass(2 * MINUTE);
    bob.be_free(false);
    node.pass(3_000);
    let until = 30.0 - 2.0 - 3.0 / 60.0;
    assert_eq!(told(&node, &mut ann), (5_000.0, until), "the lease ends when it would have ended");
}

#[test]
fn who_keeps_quiet_stays_fresh_and_near_until_the_lease_is_over() {
    let node = node();
    let (mut ann, mut bob) = ann_and_bob(&node, 300.0, true);
    assert!(kinds(&ann.heard()).contains(&"near") && kinds(&bob.heard()).contains(&"near"));
    bob.be_at(north_of(SQUARE, 300.0)); // the zone he had when she was nowhere is too large
    node.pass(15 * MINUTE);
    bob.be_at(north_of(SQUARE, 300.0));
    node.pass(15 * MINUTE);
    let heard = (ann.heard(), bob.heard());
    assert!(kinds(&heard.0).is_empty() && kinds(&heard.1).is_empty(), "30 minutes, as agreed: {heard:?}");
    assert!(friends_of(&node, bob.token()).contains("\"lat\""), "shown where she was");
    node.pass(31_000);
    assert_eq!(kinds(&ann.heard()), ["apart"]);
    assert_eq!(bob.expect("apart")["reason"], "stale");
    assert!(!friends_of(&node, bob.token()).contains("\"lat\""));
    until("it is counted", || metric(&node, "run_out") == 1);
}

#[test]
fn a_phone_that_never_obeys_is_served_as_if_there_were_no_zones_and_left_in_peace() {
    let node = node();
    let (mut ann, mut bob) = ann_and_bob(&node, 3_000.0, true);
    assert_eq!((told(&node, &mut ann).0, told(&node, &mut bob).0), (883.0, 0.0));
    let mut heard = Vec::new();
    for step in 1..=8 {
        node.pass(30_000);
        ann.be_at(north_of(SQUARE, f64::from(step) * 5.0));
        bob.be_at(north_of(SQUARE, 3_000.0 - f64::from(step) * 300.0));
        heard.extend(ann.heard());
    }
    let quiet: Vec<_> = heard.iter().filter(|frame| frame["type"] == "quiet").collect();
    assert!(quiet.len() == 1 && quiet[0]["radius"] == 1.0, "told once that there is none: {quiet:?}");
    assert_eq!(kinds(&heard), Vec::<&str>::new(), "560 m and more");
    node.pass(30_000);
    bob.be_at(north_of(SQUARE, 530.0));
    assert_eq!(kinds(&ann.heard()), ["near"], "by the first fix within 500 m");
    until("it is counted", || metric(&node, "ignored") >= 1);
}

/// Ann has shown that she obeys: 5 km of zone, two minutes of silence, and a report at its edge.
fn ann_obeys(node: &TestNode) -> (Client, Client) {
    let [ann, bob] = node.friends(["ann", "bob"]);
    let (mut ann, mut bob) = (node.connect(&ann), node.connect(&bob));
    ann.be_free(true);
    bob.be_free(true);
    ann.be_at(north_of(SQUARE, -6_000.0));
    node.pass(2 * MINUTE);
    ann.be_at(SQUARE);
    ann.heard();
    bob.heard();
    (ann, bob)
}

#[test]
fn nobody_is_announced_on_the_word_of_a_phone_that_may_be_elsewhere_before_it_has_answered() {
    let node = node();
    let (mut ann, mut bob) = ann_obeys(&node);
    node.pass(5 * MINUTE);
    bob.be_at(north_of(SQUARE, 100.0));
    let heard = ann.heard();
    assert_eq!(kinds(&heard), Vec::<&str>::new(), "she may be 5 km away");
    assert!(heard.iter().any(|frame| frame["type"] == "quiet" && frame["radius"] == 0.0), "{heard:?}");
    ann.be_at(north_of(SQUARE, -50.0));
    assert_eq!(
        (ann.expect("near")["distance"].as_f64(), bob.expect("near")["distance"].as_f64()),
        (Some(150.0), Some(150.0))
    );
}

#[test]
fn who_obeyed_and_does_not_answer_is_announced_to_nobody_and_blocks_nobodys_zone() {
    let node = node();
    let (mut ann, mut bob) = ann_obeys(&node);
    node.pass(5 * MINUTE);
    bob.be_at(north_of(SQUARE, 1_100.0));
    let radius = told(&node, &mut bob).0;
    node.pass(31_000);
    assert_eq!(kinds(&ann.heard()), Vec::<&str>::new());
    until("it is counted", || metric(&node, "unanswered") == 1);
    node.pass(70_000);
    assert!(told(&node, &mut bob).0 > radius, "his grows: {radius} m was for ann");
    bob.be_at(north_of(SQUARE, 100.0));
    assert_eq!(kinds(&ann.heard()), Vec::<&str>::new(), "100 m from where she was seven minutes ago");
    ann.be_at(north_of(SQUARE, 10.0));
    ann.expect("near");
    bob.expect("near");
}

#[test]
fn who_never_obeyed_and_does_not_answer_is_taken_by_the_last_fix_as_ever() {
    let node = node();
    let (mut ann, mut bob) = ann_and_bob(&node, 5_000.0, true);
    node.pass(3 * MINUTE);
    bob.be_at(north_of(SQUARE, 100.0));
    assert_eq!(kinds(&ann.heard()), Vec::<&str>::new());
    node.pass(31_000);
    ann.expect("near");
    bob.expect("near");
}

#[test]
fn a_phone_that_comes_back_is_told_what_holds_and_after_a_restart_it_is_asked_to_report() {
    let node = node();
    let [ann, bob] = node.friends(["ann", "bob"]);
    let mut phone = node.connect_as(&ann, "phone");
    phone.be_at(SQUARE);
    assert_eq!(told(&node, &mut phone).0, 5_000.0);
    drop(phone);
    node.pass(10 * MINUTE);
    let mut phone = node.connect_as(&ann, "phone");
    assert_eq!(told(&node, &mut phone), (5_000.0, 20.0));
    let mut tab = node.connect_as(&ann, "tab");
    told_nothing(&mut tab);
    drop((phone, tab));
    let node = node.restart();
    let mut phone = node.connect_as(&ann, "phone");
    assert_eq!(told(&node, &mut phone).0, 0.0);
    let (mut tab, mut never) = (node.connect_as(&ann, "tab"), node.connect(&bob));
    phone.be_at(north_of(SQUARE, 50.0));
    assert_eq!(told(&node, &mut phone).0, 5_000.0);
    told_nothing(&mut tab);
    told_nothing(&mut never);
}

#[test]
fn a_fix_that_is_too_coarse_is_no_centre_and_the_phone_is_asked_for_a_better_one() {
    let node = node();
    let (mut ann, _bob) = ann_and_bob(&node, 5_000.0, true);
    told(&node, &mut ann);
    node.pass(2 * MINUTE);
    ann.tell(json!({"type": "fix", "lat": SQUARE.0, "lon": SQUARE.1, "t": node.clock.now().0, "acc": 900.0}));
    assert_eq!(told(&node, &mut ann).0, 0.0);
}

#[test]
fn a_phone_that_cannot_be_told_is_promised_nothing_but_its_server_side_may_ask_what_there_would_be() {
    let node = node();
    let [ann, bob] = node.friends(["ann", "bob"]);
    let mut tab = node.connect_as(&ann, "tab");
    let post = |person: &Person, place: At| {
        let fix = json!({"lat": place.0, "lon": place.1, "t": node.clock.now().0, "acc": 5.0});
        node.call_as(person, "POST", "/v1/fixes").json(&fix).ok();
    };
    for person in [&ann, &bob] {
        node.call_as(person, "PUT", "/v1/me/availability").json(&json!({"free": true})).ok();
    }
    post(&ann, SQUARE);
    post(&bob, north_of(SQUARE, 3_000.0));
    told_nothing(&mut tab);
    let quiet = node.ask(&node.node.index, QueryQuiet(UserNo(ann.no))).unwrap();
    assert_eq!((quiet.radius_m, quiet.until.0), (883.0, NOON.0 + 30 * MINUTE));
    node.pass(MINUTE);
    post(&bob, north_of(SQUARE, 550.0));
    assert_eq!(node.ask(&node.node.index, QueryQuiet(UserNo(ann.no))), None, "every fix counts");
    assert_eq!(metric(&node, "zones"), 0);
    node.pass(11 * MINUTE);
    tab.be_at(SQUARE);
    assert_eq!(told(&node, &mut tab).0, 5_000.0, "bob is stale, whatever zone he could have had");
}

#[test]
fn somebody_who_hides_shrinks_nobodys_zone() {
    let node = node();
    let [ann, bob] = node.friends(["ann", "bob"]);
    let hidden = json!({"hidden_until": NOON.0 + 60 * MINUTE});
    node.call_as(&bob, "PATCH", "/v1/me").json(&hidden).ok();
    let (mut ann, mut bob) = (node.connect(&ann), node.connect(&bob));
    ann.be_free(true);
    bob.be_free(true);
    bob.be_at(north_of(SQUARE, 600.0));
    ann.be_at(SQUARE);
    assert_eq!(told(&node, &mut ann).0, 5_000.0);
    node.pass(2 * MINUTE);
    bob.be_at(north_of(SQUARE, 100.0));
    told_nothing(&mut ann);
}
