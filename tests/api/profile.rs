//! One's own profile: what can be changed, what friends hear of it, and the end of everything.
use serde_json::{Value, json};

use crate::client::{Person, SQUARE};
use crate::node::{NOON, TestNode};

const HOUR: i64 = 3_600_000;

fn change(node: &TestNode, person: &Person, body: &Value) -> Value {
    node.call_as(person, "PATCH", "/v1/me").json(body).ok()
}

#[test]
fn a_profile_is_changed_field_by_field_and_outlives_a_restart() {
    let node = TestNode::start();
    let [ann] = node.strangers(["ann"]);
    let before = node.call_as(&ann, "GET", "/v1/me").ok();
    assert_eq!(change(&node, &ann, &json!({})), before, "nothing said, nothing changed");
    assert_eq!(change(&node, &ann, &json!({"color": "blue"})), before, "what nobody knows is passed over");
    let end = NOON.0 + HOUR;
    let changed = change(
        &node,
        &ann,
        &json!({"name": "Ann ☕", "radius": 1_200, "time_zone": "Europe/Berlin", "stride": 0.7, "hidden_until": end, "only_free": true,
            "free_hours": [{"days": ["fri"], "from": "20:00", "to": "02:00"}], "on_board": false}),
    );
    let stride = changed["stride"].as_f64().unwrap();
    assert!((stride - 0.7).abs() < 1e-6);
    let expected = json!({"user": "ann", "name": "Ann ☕", "admin": false, "radius": 1_200.0, "time_zone": "Europe/Berlin",
        "stride": stride, "free": false, "source": "hours", "until": changed["until"], "hidden_until": end, "only_free": true,
        "free_hours": [{"days": ["fri"], "from": "20:00", "to": "02:00"}], "on_board": false});
    assert_eq!(changed, expected);
    let node = node.restart();
    assert_eq!(node.call_as(&ann, "GET", "/v1/me").ok(), expected);
    let back = change(&node, &ann, &json!({"time_zone": null, "hidden_until": null, "only_free": false, "name": null}));
    assert_eq!((&back["time_zone"], back.get("hidden_until")), (&json!("UTC"), None));
    assert_eq!((&back["only_free"], &back["name"]), (&json!(false), &json!("Ann ☕")));
}

#[test]
fn hiding_ends_by_itself() {
    let node = TestNode::start();
    let [ann, bob] = node.friends(["ann", "bob"]);
    node.connect(&ann).be_at(SQUARE);
    assert_eq!(change(&node, &ann, &json!({"hidden_until": NOON.0 + 60_000}))["hidden_until"], NOON.0 + 60_000);
    let seen = || node.call_as(&bob, "GET", "/v1/friends").ok()["friends"][0].clone();
    assert_eq!(seen().get("lat"), None);
    node.pass(60_000);
    assert!(seen()["lat"].is_number());
    assert_eq!(node.call_as(&ann, "GET", "/v1/me").ok().get("hidden_until"), None);
}

#[test]
fn friends_hear_of_a_new_name() {
    let node = TestNode::start();
    let [ann, bob, cem] = node.people(["ann", "bob", "cem"], &[(0, 1)]);
    let (mut bobs, mut cems) = (node.connect(&bob), node.connect(&cem));
    change(&node, &ann, &json!({"name": "Ann the Second"}));
    let told = bobs.expect("friendship");
    assert_eq!((&told["user"], &told["state"]), (&json!("ann"), &json!("friends")));
    assert_eq!(told["friend"]["name"], "Ann the Second");
    assert_eq!(node.call_as(&bob, "GET", "/v1/friends").ok()["friends"][0]["name"], "Ann the Second");
    assert!(cems.heard().is_empty(), "strangers hear nothing");
}

#[test]
fn a_bad_profile_is_refused_by_field_and_nothing_of_it_is_kept() {
    let node = TestNode::start();
    let [ann] = node.strangers(["ann"]);
    let before = node.call_as(&ann, "GET", "/v1/me").ok();
    for (body, status, code, field) in [
        (json!({"name": "   "}), 400, "bad_field", Some("name")),
        (json!({"name": "x".repeat(65)}), 400, "bad_field", Some("name")),
        (json!({"name": "a\u{200b}b"}), 400, "bad_field", Some("name")),
        (json!({"name": ["Ann"]}), 400, "bad_field", Some("name")),
        (json!({"radius": 49}), 422, "out_of_range", Some("radius")),
        (json!({"radius": 50_001}), 422, "out_of_range", Some("radius")),
        (json!({"radius": "500"}), 400, "bad_field", Some("radius")),
        (json!({"stride": 0}), 422, "out_of_range", Some("stride")),
        (json!({"stride": {}}), 400, "bad_field", Some("stride")),
        (json!({"time_zone": "Mars/Olympus"}), 400, "bad_field", Some("time_zone")),
        (json!({"time_zone": "../../etc/passwd"}), 400, "bad_field", Some("time_zone")),
        (json!({"hidden_until": NOON.0}), 422, "out_of_range", Some("hidden_until")),
        (json!({"hidden_until": NOON.0 + 400 * 24 * HOUR}), 422, "out_of_range", Some("hidden_until")),
        (json!({"hidden_until": true}), 400, "bad_field", Some("hidden_until")),
        (json!({"only_free": "no"}), 400, "bad_field", Some("only_free")),
        (json!({"name": "Kept?", "only_free": 3}), 400, "bad_field", Some("only_free")),
        (json!([]), 400, "bad_json", None),
        (json!({"name": "x".repeat(5_000)}), 413, "too_many", None),
    ] {
        let reply = node.call_as(&ann, "PATCH", "/v1/me").json(&body).send();
        assert_eq!((reply.status, reply.refusal()), (status, (code.to_owned(), field.map(str::to_owned))), "{body}");
    }
    let twice = node
        .call_as(&ann, "PATCH", "/v1/me")
        .header("Content-Type", "application/json")
        .body(r#"{"name":"a","name":"b"}"#)
        .send();
    assert_eq!(twice.refusal().0, "bad_json");
    assert_eq!(node.call_as(&ann, "GET", "/v1/me").ok(), before);
}

#[test]
fn whoever_leaves_is_gone_for_everybody_at_once() {
    let node = TestNode::start();
    let root = node.administrator("root");
    let [ann, bob] = node.friends(["ann", "bob"]);
    let (mut anns, mut bobs) = (node.connect(&ann), node.connect(&bob));
    anns.be_at(SQUARE);
    let signed_in = node.call("POST", "/v1/session").json(&json!({"token": ann.token})).send();
    let cookie = signed_in.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let own = format!("http://{}", node.address);
    let from = |origin: &str| node.call("DELETE", "/v1/me").header("Cookie", &cookie).header("Origin", origin).send();
    assert_eq!(from("http://evil.example").status, 403, "not from a page elsewhere");
    let left = from(&own);
    assert_eq!((left.status, left.body.len()), (204, 0));
    assert!(left.header("set-cookie").unwrap().contains("Max-Age=0"), "the cookie goes too");
    assert_eq!(anns.expect_close().0, 4401);
    assert_eq!(bobs.expect("friendship")["state"], "ended");
    for path in ["/v1/me", "/v1/export", "/v1/friends"] {
        assert_eq!(node.call_as(&ann, "GET", path).send().status, 401, "{path}");
    }
    assert_eq!(node.call("GET", "/v1/me").header("Cookie", &cookie).send().status, 401);
    assert_eq!(node.call_as(&bob, "GET", "/v1/friends").ok(), json!({"friends": []}));
    assert_eq!(node.call_as(&bob, "GET", "/v1/friends/ann/view").send().status, 404);
    let log = node.call_as(&root, "GET", "/v1/admin/audit?limit=1000").ok()["entries"].clone();
    assert!(!log.to_string().contains("\"ann\"") && log.to_string().contains("\"erased\""), "{log}");
    let node = node.restart();
    assert_eq!(node.call_as(&ann, "GET", "/v1/me").send().status, 401);
    assert_eq!(node.call_as(&bob, "GET", "/v1/friends").ok(), json!({"friends": []}));
}
