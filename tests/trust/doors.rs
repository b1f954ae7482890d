//! Who may come in, and for how long: tokens that are taken back, sessions that end, links that several people want at once.
use std::sync::Barrier;
use std::time::{Duration, Instant};

use serde_json::json;

use super::tap::Tap;
use crate::client::Person;
use crate::node::TestNode;
use crate::raw_ws::{Received, request};

/// A void credential's connections are closed within this.
const WITHIN: Duration = Duration::from_secs(1);

fn token(node: &TestNode, person: &Person, device: &str) -> (u64, String) {
    let made = node.call_as(person, "POST", "/v1/me/tokens").json(&json!({"device": device})).send();
    assert!(made.status < 300, "{}", made.text());
    let made = made.json();
    (made["id"].as_u64().unwrap(), made["token"].as_str().unwrap().to_owned())
}

#[test]
fn every_connection_of_a_revoked_token_ends_within_a_second_and_no_other() {
    let node = TestNode::with(&[("server.workers", "2")]);
    let [ann] = node.strangers(["ann"]);
    for round in 0..20 {
        let (id, secret) = token(&node, &ann, &format!("device-{round}"));
        let mut kept = Tap::connect(node.address, &ann.token).unwrap();
        let mut tap = Tap::connect(node.address, &secret).unwrap();
        // One says where it is all the time, the other one's act ends it.
        let streaming = std::thread::scope(|scope| {
            let stream = scope.spawn(|| {
                for at in 0.. {
                    let t = node.clock.now().0 + at;
                    tap.say(&json!({"type": "fix", "lat": 1.0, "lon": 2.0, "t": t}));
                    if tap.read_to_the_end(Duration::from_millis(1)).is_some() || at > 5_000 {
                        return (tap.closed, Instant::now());
                    }
                }
                (None, Instant::now())
            });
            std::thread::sleep(Duration::from_millis(3));
            let revoked = node.call_as(&ann, "DELETE", &format!("/v1/me/tokens/{id}")).send();
            assert_eq!(revoked.status, 204);
            let answered = Instant::now();
            let (code, ended) = stream.join().unwrap();
            assert_eq!(code, Some(4401));
            ended.saturating_duration_since(answered)
        });
        assert!(streaming < WITHIN, "{streaming:?}");
        assert_eq!(node.call("GET", "/v1/me").bearer(&secret).send().status, 401);
        kept.barrier();
        assert_eq!(kept.closed, None, "the other device stays");
    }
}

#[test]
fn whoever_connects_while_the_token_is_revoked_is_out_within_a_second() {
    let node = TestNode::with(&[("server.workers", "2")]);
    let [ann] = node.strangers(["ann"]);
    for round in 0..30 {
        let (id, secret) = token(&node, &ann, &format!("device-{round}"));
        let start = Barrier::new(2);
        std::thread::scope(|scope| {
            let late = scope.spawn(|| {
                start.wait();
                Tap::connect(node.address, &secret)
            });
            start.wait();
            assert_eq!(node.call_as(&ann, "DELETE", &format!("/v1/me/tokens/{id}")).send().status, 204);
            let answered = Instant::now();
            match late.join().unwrap() {
                Ok(mut tap) => assert_eq!(tap.read_to_the_end(WITHIN), Some(4401), "after {:?}", answered.elapsed()),
                Err(code) => assert!(matches!(code, 401 | 4401), "{code}"),
            }
        });
    }
}

#[test]
fn a_session_that_expired_opens_nothing_and_its_connection_ends() {
    let node = TestNode::with(&[
        ("dashboard.session", "\"1h\""),
        ("dashboard.idle", "\"1h\""),
        ("dashboard.rotate", "\"1h\""),
    ]);
    let [ann] = node.strangers(["ann"]);
    let signed_in = node.call("POST", "/v1/session").json(&json!({"token": ann.token})).send();
    assert_eq!(signed_in.status, 200, "{}", signed_in.text());
    let cookie = signed_in.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let upgrade = format!(
        "GET /v1/ws HTTP/1.1\r\nHost: {0}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nCookie: {cookie}\r\nOrigin: http://{0}\r\n\r\n",
        node.address
    );
    let (head, mut page) = request(node.address, upgrade.as_bytes());
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert!(matches!(page.read(), Received::Text(_)));
    let ask = || node.call("GET", "/v1/me").header("Cookie", &cookie).send().status;
    node.clock.advance(3_600_000 - 1_000);
    assert_eq!(ask(), 200, "a second before its end");
    node.clock.advance(1_001);
    let ended = Instant::now();
    assert_eq!(ask(), 401);
    assert_eq!(page.read_close(), Some(4401));
    // It is looked at every so often.
    assert!(ended.elapsed() < 2 * WITHIN, "{:?}", ended.elapsed());
}

#[test]
fn of_several_who_accept_a_link_at_once_one_becomes_a_friend() {
    let node = TestNode::with(&[("server.workers", "2"), ("privacy.invites_per_day", "1000")]);
    let ids = ["ann", "b0", "b1", "b2", "b3", "b4", "b5", "b6"];
    let people = node.strangers(ids);
    let [ann, others @ ..] = &people;
    for round in 0..20 {
        let invite = node.call_as(ann, "POST", "/v1/invites").json(&json!({})).send();
        let path = format!("/v1/invites/{}/accept", invite.json()["code"].as_str().unwrap());
        let start = Barrier::new(others.len());
        let statuses: Vec<u16> = std::thread::scope(|scope| {
            let accept = |person: &Person| {
                start.wait();
                node.call_as(person, "POST", &path).json(&json!({})).send().status
            };
            let asked: Vec<_> = others.iter().map(|person| scope.spawn(move || accept(person))).collect();
            asked.into_iter().map(|asked| asked.join().unwrap()).collect()
        });
        let friends = node.call_as(ann, "GET", "/v1/friends").ok();
        let friends = friends["friends"].as_array().unwrap();
        assert_eq!(friends.len(), 1, "round {round}: {statuses:?}");
        assert_eq!(statuses.iter().filter(|status| **status < 300).count(), 1, "{statuses:?}");
        let path = format!("/v1/friends/{}", friends[0]["user"].as_str().unwrap());
        assert_eq!(node.call_as(ann, "DELETE", &path).send().status, 204);
    }
}

#[test]
fn links_that_cross_make_one_friendship_and_a_withdrawn_one_makes_none() {
    let node = TestNode::start();
    let [ann, bob] = node.strangers(["ann", "bob"]);
    let code = |person: &Person| {
        let invite = node.call_as(person, "POST", "/v1/invites").json(&json!({})).send();
        invite.json()["code"].as_str().unwrap().to_owned()
    };
    let (of_ann, of_bob) = (code(&ann), code(&bob));
    let accept = |person: &Person, code: &str| {
        node.call_as(person, "POST", &format!("/v1/invites/{code}/accept")).json(&json!({})).send().status
    };
    std::thread::scope(|scope| {
        let one = scope.spawn(|| accept(&bob, &of_ann));
        let other = scope.spawn(|| accept(&ann, &of_bob));
        assert_eq!((one.join().unwrap(), other.join().unwrap()), (200, 200));
    });
    for person in [&ann, &bob] {
        let friends = node.call_as(person, "GET", "/v1/friends").ok();
        assert_eq!(friends["friends"].as_array().unwrap().len(), 1);
    }
    assert_eq!(node.call_as(&ann, "DELETE", "/v1/friends/bob").send().status, 204);
    for person in [&ann, &bob] {
        assert_eq!(node.call_as(person, "GET", "/v1/friends").ok(), json!({"friends": []}));
    }
}

#[test]
fn a_page_from_elsewhere_can_do_nothing_with_the_cookie() {
    let node = TestNode::start();
    let [ann, _bob] = node.friends(["ann", "bob"]);
    let signed_in = node.call("POST", "/v1/session").json(&json!({"token": ann.token})).send();
    let cookie = signed_in.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let own = format!("http://{}", node.address);
    let others = [
        "http://evil.example".to_owned(),
        "null".to_owned(),
        format!("{own}.evil.example"),
        own.replace("http", "https"),
    ];
    for origin in others {
        let change = node.call("DELETE", "/v1/friends/bob").header("Cookie", &cookie).header("Origin", &origin).send();
        assert_eq!(change.status, 403, "{origin}: {}", change.text());
        let upgrade = format!(
            "GET /v1/ws HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nCookie: {cookie}\r\nOrigin: {origin}\r\n\r\n",
            node.address
        );
        let (head, mut page) = request(node.address, upgrade.as_bytes());
        let is_refused = head.starts_with("HTTP/1.1 403 ") || page.read_close() == Some(4403);
        assert!(is_refused, "{origin}: {head}");
    }
    let change = node.call("DELETE", "/v1/friends/bob").header("Cookie", &cookie).header("Origin", &own).send();
    assert_eq!(change.status, 204, "{}", change.text());
}
