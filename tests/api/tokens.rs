//! Tokens: one for each device, shown once, void at once, and device tokens that only write.
use serde_json::{Value, json};

use crate::client::{Client, Person};
use crate::http::call;
use crate::node::{NOON, TestNode};

fn tokens(node: &TestNode, person: &Person) -> Vec<Value> {
    node.call_as(person, "GET", "/v1/me/tokens").ok()["tokens"].as_array().unwrap().clone()
}

/// Another token of the same person.
fn another(node: &TestNode, person: &Person, body: &Value) -> (u64, Person) {
    let made = node.call_as(person, "POST", "/v1/me/tokens").json(body).ok();
    let token = made["token"].as_str().unwrap().to_owned();
    (made["id"].as_u64().unwrap(), Person { token, ..person.clone() })
}

#[test]
fn a_token_is_shown_once_and_listed_without_itself() {
    let node = TestNode::start();
    let [ann] = node.strangers(["ann"]);
    node.clock.advance(1_000);
    let made = node.call_as(&ann, "POST", "/v1/me/tokens").json(&json!({"device": "laptop"})).send();
    assert_eq!((made.status, made.header("cache-control")), (200, Some("no-store")));
    let made = made.json();
    assert_eq!((&made["device"], &made["kind"]), (&json!("laptop"), &json!("full")));
    let token = made["token"].as_str().unwrap();
    assert_eq!(call(node.address, "GET", "/v1/me").bearer(token).ok()["user"], "ann");

    let listed = tokens(&node, &ann);
    let expected = json!([
        {"id": listed[0]["id"], "device": "phone", "kind": "full", "created": NOON.0, "current": true},
        {"id": made["id"], "device": "laptop", "kind": "full", "created": NOON.0 + 1_000, "current": false},
    ]);
    assert_eq!(json!(listed), expected);
    let text = json!(listed).to_string();
    assert!(!text.contains("lh_") && !text.contains(token));
}

#[test]
fn a_session_is_a_token_that_ends_by_itself() {
    let node = TestNode::with(&[("dashboard.session", "\"1h\"")]);
    let [ann] = node.strangers(["ann"]);
    assert_eq!(node.call("POST", "/v1/session").json(&json!({"token": ann.token})).send().status, 200);
    let listed = tokens(&node, &ann);
    assert_eq!((&listed[1]["kind"], &listed[1]["expires"]), (&json!("session"), &json!(NOON.0 + 3_600_000)));
    node.clock.advance(3_600_000);
    assert_eq!(tokens(&node, &ann).len(), 1);
}

#[test]
fn a_revoked_token_opens_nothing_and_what_it_opened_is_closed() {
    let node = TestNode::start();
    let [ann, bob] = node.strangers(["ann", "bob"]);
    let (id, laptop) = another(&node, &ann, &json!({"device": "laptop"}));
    let (mut with_phone, mut with_laptop) = (node.connect(&ann), node.connect(&laptop));
    let revoke = |who: &Person, id: &str| node.call_as(who, "DELETE", &format!("/v1/me/tokens/{id}")).send();
    let nothing = revoke(&ann, "999999");
    assert_eq!((nothing.status, nothing.refusal().0.as_str()), (404, "not_found"));
    for (who, which) in [(&bob, id.to_string()), (&ann, "x".to_owned()), (&ann, "-1".to_owned())] {
        assert_eq!((revoke(who, &which).status, revoke(who, &which).body), (404, nothing.body.clone()), "{which}");
    }
    assert_eq!(revoke(&ann, &id.to_string()).status, 204);
    assert_eq!(with_laptop.expect_close().0, 4401);
    assert_eq!(node.call_as(&laptop, "GET", "/v1/me").send().status, 401);
    assert_eq!(revoke(&ann, &id.to_string()).status, 404, "it is gone");
    with_phone.be_free(true);
}

#[test]
fn signing_out_everywhere_else_leaves_the_token_that_does_it() {
    let node = TestNode::start();
    let [ann, bob] = node.strangers(["ann", "bob"]);
    let (_, laptop) = another(&node, &ann, &json!({"device": "laptop"}));
    let (_, tracker) = another(&node, &ann, &json!({"device": "tracker", "kind": "device"}));
    let mut open = [node.connect(&ann), Client::hello(node.address, &node.clock, &ann.token, "tablet")];
    let signed_in = node.call("POST", "/v1/session").json(&json!({"token": ann.token})).send();
    let cookie = signed_in.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    assert_eq!(node.call_as(&laptop, "DELETE", "/v1/me/tokens").send().status, 204);
    for connection in &mut open {
        assert_eq!(connection.expect_close().0, 4401);
    }
    assert_eq!(node.call_as(&ann, "GET", "/v1/me").send().status, 401);
    assert_eq!(node.call("GET", "/v1/me").header("Cookie", &cookie).send().status, 401);
    assert_eq!(
        node.call_as(&tracker, "POST", "/v1/fixes").json(&json!({"lat": 1, "lon": 2, "t": NOON.0})).send().status,
        401
    );
    let left = tokens(&node, &laptop);
    assert_eq!((left.len(), &left[0]["current"]), (1, &json!(true)));
    assert_eq!(node.call_as(&bob, "GET", "/v1/me").send().status, 200, "nobody else's");
}

#[test]
fn a_device_token_writes_positions_and_availability_and_nothing_else() {
    let node = TestNode::start();
    let [ann, _bob] = node.friends(["ann", "bob"]);
    let (_, tracker) = another(&node, &ann, &json!({"device": "tracker", "kind": "device"}));
    let fix = json!({"lat": 52.52, "lon": 13.405, "t": NOON.0});
    assert_eq!(node.call_as(&tracker, "POST", "/v1/fixes").json(&fix).ok()["accepted"], 1);
    assert_eq!(node.call_as(&tracker, "PUT", "/v1/me/availability").json(&json!({"free": true})).send().status, 200);

    let code = node.call_as(&ann, "POST", "/v1/invites").ok()["code"].as_str().unwrap().to_owned();
    let accept = format!("/v1/invites/{code}/accept");
    for (method, path) in [
        ("GET", "/v1/me"),
        ("PATCH", "/v1/me"),
        ("DELETE", "/v1/me"),
        ("GET", "/v1/me/tokens"),
        ("POST", "/v1/me/tokens"),
        ("DELETE", "/v1/me/tokens"),
        ("DELETE", "/v1/me/tokens/1"),
        ("GET", "/v1/me/viewers"),
        ("GET", "/v1/me/availability"),
        ("GET", "/v1/friends"),
        ("PATCH", "/v1/friends/bob"),
        ("DELETE", "/v1/friends/bob"),
        ("GET", "/v1/friends/bob/view"),
        ("GET", "/v1/blocks"),
        ("PUT", "/v1/blocks/bob"),
        ("DELETE", "/v1/blocks/bob"),
        ("GET", "/v1/invites"),
        ("POST", "/v1/invites"),
        ("DELETE", "/v1/invites/1"),
        ("POST", &accept),
        ("GET", "/v1/export"),
        ("GET", "/v1/nearby"),
        ("GET", "/v1/steps"),
        ("GET", "/v1/steps/leaderboard"),
        ("GET", "/v1/availability/histogram"),
        ("GET", "/v1/admin/audit"),
        ("POST", "/v1/admin/users"),
    ] {
        let reply =
            node.call_as(&tracker, method, path).json(&json!({"device": "x", "name": "x", "sharing": "off"})).send();
        assert_eq!((reply.status, reply.refusal().0.as_str()), (403, "forbidden"), "{method} {path}: {}", reply.text());
    }
    let signed_in = node.call("POST", "/v1/session").json(&json!({"token": tracker.token})).send();
    assert_eq!(signed_in.status, 401, "it is no way into the dashboard");
    assert_eq!(tokens(&node, &ann).len(), 2, "and it has made nothing");
}

#[test]
fn a_bad_token_request_is_refused_by_field_and_too_many_are() {
    let node = TestNode::start();
    let [ann] = node.strangers(["ann"]);
    let make = |body: &Value| node.call_as(&ann, "POST", "/v1/me/tokens").json(body).send();
    for (body, code, field) in [
        (json!({}), "missing_field", Some("device")),
        (json!({"device": null}), "bad_field", Some("device")),
        (json!({"device": "a\u{0}"}), "bad_field", Some("device")),
        (json!({"device": "x".repeat(65)}), "bad_field", Some("device")),
        (json!({"device": "phone", "kind": "session"}), "bad_field", Some("kind")),
        (json!({"device": "phone", "kind": "admin"}), "bad_field", Some("kind")),
        (json!(null), "bad_json", None),
    ] {
        let reply = make(&body);
        assert_eq!((reply.status, reply.refusal()), (400, (code.to_owned(), field.map(str::to_owned))), "{body}");
    }
    for number in 1..100 {
        assert_eq!(make(&json!({"device": format!("d{number}")})).status, 200);
    }
    let reply = make(&json!({"device": "one more"}));
    assert_eq!((reply.status, reply.refusal().0.as_str()), (409, "conflict"));
}

#[test]
fn a_token_that_is_used_once_becomes_the_session() {
    let node = TestNode::start();
    let [ann] = node.strangers(["ann"]);
    let mut open = node.connect(&ann);
    let once =
        |value: &Value| node.call("POST", "/v1/session").json(&json!({"token": ann.token, "once": value})).send();
    assert_eq!((once(&json!(1)).status, once(&json!("yes")).refusal().1.as_deref()), (400, Some("once")));
    assert_eq!(once(&json!(false)).status, 200);
    assert_eq!(node.call_as(&ann, "GET", "/v1/me").send().status, 200, "it stays");
    let reply = once(&json!(true));
    assert_eq!(reply.status, 200, "{}", reply.text());
    let cookie = reply.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    assert_eq!(open.expect_close().0, 4401);
    assert_eq!(once(&json!(true)).status, 401);
    let listed = node.call("GET", "/v1/me/tokens").header("Cookie", &cookie).ok()["tokens"].clone();
    let kinds: Vec<_> = listed.as_array().unwrap().iter().map(|token| &token["kind"]).collect();
    assert_eq!(kinds, ["session", "session"]);
}
