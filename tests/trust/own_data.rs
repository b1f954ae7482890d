//! Who somebody is comes from the credential alone: no field of a message touches anybody else's data, and a device's token
//! writes and reads nothing.
use serde_json::{Value, json};

use crate::client::SQUARE;
use crate::node::TestNode;

/// Everything the server knows of somebody, as they are told. The audit log of oneself is left out: it grows with what one does,
/// and an export is such an act.
fn everything(node: &TestNode, token: &str) -> Vec<String> {
    let of = |path: &str| node.call("GET", path).bearer(token).send();
    let answers =
        ["/v1/me", "/v1/friends", "/v1/me/tokens", "/v1/invites", "/v1/blocks", "/v1/steps"].map(|it| of(it).text());
    let files = unpack(&of("/v1/export").body).into_iter().filter(|(name, _)| name != "audit.json");
    answers.into_iter().chain(files.map(|(name, text)| format!("{name}: {text}"))).collect()
}

/// The files of an archive that is not compressed.
fn unpack(mut bytes: &[u8]) -> Vec<(String, String)> {
    let number = |bytes: &[u8], at: usize, len: usize| {
        bytes[at..at + len].iter().rev().fold(0, |sum, byte| sum * 256 + usize::from(*byte))
    };
    let mut files = Vec::new();
    while bytes.starts_with(b"PK\x03\x04") {
        let (size, name, extra) = (number(bytes, 18, 4), number(bytes, 26, 2), number(bytes, 28, 2));
        let text = |from: usize, len: usize| String::from_utf8(bytes[from..from + len].to_vec()).unwrap();
        files.push((text(30, name), text(30 + name + extra, size)));
        bytes = &bytes[30 + name + extra + size..];
    }
    assert!(files.len() > 5, "{files:?}");
    files
}

#[test]
fn a_message_changes_its_senders_data_alone() {
    let node = TestNode::start();
    let [ann, bob, cem] = node.people(["ann", "bob", "cem"], &[(0, 1), (1, 2)]);
    let mut cem_phone = node.connect(&cem);
    cem_phone.be_at(SQUARE);
    cem_phone.be_free(true);
    let before = everything(&node, &cem.token);
    let mut phone = node.connect(&ann);
    let spoofed = |mut body: Value| {
        for field in ["user", "no", "owner", "viewer", "device", "id"] {
            body[field] = "cem".into();
        }
        body
    };
    phone.tell(spoofed(json!({"type": "fix", "lat": 1.0, "lon": 2.0, "t": node.clock.now().0, "steps": 9_999})));
    phone.tell(spoofed(json!({"type": "availability", "free": false, "note": "not me"})));
    phone.tell(spoofed(
        json!({"type": "fixes", "fixes": [{"lat": 1.0, "lon": 2.0, "t": node.clock.now().0 + 1, "user": "cem"}]}),
    ));
    phone.say(&spoofed(json!({"type": "map", "open": true})));
    phone.raw.text("cem, 20270315 120000, 1.0, 2.0, True");
    loop {
        let frame = phone.next();
        if frame["type"] == "error" {
            assert_eq!((&frame["code"], &frame["field"]), (&json!("forbidden"), &json!("user")));
            break;
        }
    }
    for (method, path, body) in [
        ("PATCH", "/v1/me", spoofed(json!({"name": "Ann", "radius": 700}))),
        ("PUT", "/v1/me/availability", spoofed(json!({"free": true}))),
        ("POST", "/v1/fixes", spoofed(json!({"lat": 1.0, "lon": 2.0, "t": node.clock.now().0 + 2}))),
        ("POST", "/v1/invites", spoofed(json!({}))),
        ("PATCH", "/v1/friends/bob", spoofed(json!({"sharing": "off"}))),
        ("DELETE", "/v1/friends/bob?user=cem", Value::Null),
    ] {
        let call = node.call_as(&ann, method, path).header("X-Limit-U", "cem");
        let reply = if method == "DELETE" { call.send() } else { call.json(&body).send() };
        assert!(reply.status < 300, "{method} {path}: {}", reply.text());
    }
    cem_phone.heard();
    for (after, before) in everything(&node, &cem.token).iter().zip(&before) {
        let differ = after.lines().zip(before.lines()).find(|(after, before)| after != before);
        assert!(after == before, "cem's is not as it was: {differ:?}");
    }
    let _ = bob;
}

#[test]
fn a_devices_token_writes_and_reads_nothing() {
    let node = TestNode::start();
    let [ann, _bob] = node.friends(["ann", "bob"]);
    let made = node.call_as(&ann, "POST", "/v1/me/tokens").json(&json!({"device": "tracker", "kind": "device"})).send();
    assert!(made.status < 300, "{}", made.text());
    let token = made.json()["token"].as_str().unwrap().to_owned();
    let call = |method: &str, path: &str| node.call(method, path).bearer(&token);
    let now = node.clock.now().0;
    assert_eq!(call("POST", "/v1/fixes").json(&json!({"lat": 1.0, "lon": 2.0, "t": now})).send().status, 200);
    assert!(call("PUT", "/v1/me/availability").json(&json!({"free": true})).send().status < 300);
    for (method, path) in [
        ("GET", "/v1/me"),
        ("PATCH", "/v1/me"),
        ("DELETE", "/v1/me"),
        ("GET", "/v1/me/availability"),
        ("GET", "/v1/me/tokens"),
        ("POST", "/v1/me/tokens"),
        ("DELETE", "/v1/me/tokens"),
        ("GET", "/v1/me/viewers"),
        ("GET", "/v1/friends"),
        ("GET", "/v1/friends/bob/view"),
        ("PATCH", "/v1/friends/bob"),
        ("DELETE", "/v1/friends/bob"),
        ("GET", "/v1/blocks"),
        ("PUT", "/v1/blocks/bob"),
        ("GET", "/v1/invites"),
        ("POST", "/v1/invites"),
        ("GET", "/v1/nearby"),
        ("GET", "/v1/steps"),
        ("GET", "/v1/steps/leaderboard"),
        ("GET", "/v1/availability/histogram"),
        ("GET", "/v1/export"),
        ("GET", "/v1/admin/stats"),
        ("GET", "/v1/admin/audit"),
    ] {
        let reply = call(method, path).json(&json!({"sharing": "off", "device": "x", "name": "x"})).send();
        assert!(matches!(reply.status, 401 | 403), "{method} {path}: {} {}", reply.status, reply.text());
        assert!(!reply.text().contains("bob") && !reply.text().contains("ann"), "{method} {path}: {}", reply.text());
    }
    assert_eq!(super::tap::Tap::connect(node.address, &token).err(), Some(4401), "and it has no live connection");
    let sign_in = node.call("POST", "/v1/session").json(&json!({"token": token})).send();
    assert!(matches!(sign_in.status, 401 | 403), "nor a session: {} {}", sign_in.status, sign_in.text());
    let friends = node.call_as(&ann, "GET", "/v1/friends").ok();
    assert_eq!(friends["friends"].as_array().unwrap().len(), 1, "nothing of it had an effect");
}
