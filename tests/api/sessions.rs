//! The dashboard's sign-in: cookies, origins, guests.
use serde_json::json;

use crate::client::Person;
use crate::http::Reply;
use crate::node::TestNode;
use crate::raw_ws::{Received, request};

/// The session cookie of an answer, as a browser sends it back.
fn cookie_of(reply: &Reply) -> String {
    let cookie = reply.header("set-cookie").unwrap();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    cookie.split(';').next().unwrap().to_owned()
}

fn sign_in(node: &TestNode, person: &Person) -> String {
    let reply = node.call("POST", "/v1/session").json(&json!({"token": person.token})).send();
    assert_eq!((reply.status, reply.json()["user"].as_str()), (200, Some(person.id.as_str())));
    cookie_of(&reply)
}

/// Opens a socket as a browser does; the close code, or `None` when `welcome` came.
fn open_socket(node: &TestNode, cookie: &str, origin: Option<&str>) -> Option<u16> {
    let origin = origin.map(|origin| format!("Origin: {origin}\r\n")).unwrap_or_default();
    let upgrade = format!(
        "GET /v1/ws HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nCookie: {cookie}\r\n{origin}\r\n",
        node.address
    );
    let (head, mut client) = request(node.address, upgrade.as_bytes());
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    match client.read() {
        Received::Text(text) => {
            assert!(text.contains("welcome"), "{text}");
            None
        }
        Received::Close(code, _) => code,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_browser_signs_in_with_a_token_and_out_again() {
    let node = TestNode::start();
    let [ann] = node.strangers(["ann"]);
    let own = format!("http://{}", node.address);
    let cookie = sign_in(&node, &ann);
    let get = |cookie: &str| node.call("GET", "/v1/me").header("Cookie", cookie).send();
    assert_eq!(get(&cookie).json()["user"], "ann");
    assert_eq!(open_socket(&node, &cookie, Some(&own)), None);
    assert_eq!(open_socket(&node, &cookie, None), Some(4403));
    assert_eq!(open_socket(&node, &cookie, Some("http://evil.example")), Some(4403));
    assert_eq!(open_socket(&node, &cookie, Some("null")), Some(4403));
    assert_eq!(open_socket(&node, &cookie, Some(&format!("{own}.evil.example"))), Some(4403));

    let put = |origin: Option<&str>| {
        let call = node.call("PUT", "/v1/me/availability").header("Cookie", &cookie).json(&json!({"free": true}));
        let call = match origin {
            Some(origin) => call.header("Origin", origin),
            None => call,
        };
        call.send().status
    };
    assert_eq!((put(None), put(Some("http://evil.example")), put(Some(&own))), (403, 403, 200));

    let altered = format!("{}x", &cookie[..cookie.len() - 1]);
    assert_eq!(get(&altered).status, 401);
    assert_eq!(get(&format!("letshang_session={}", ann.token)).status, 401, "a token is no session");
    let out = node.call("DELETE", "/v1/session").header("Cookie", &cookie).header("Origin", &own).send();
    assert_eq!(out.status, 204);
    assert_eq!(get(&cookie).status, 401);
    assert_eq!(open_socket(&node, &cookie, Some(&own)), Some(4401));
}

#[test]
fn signing_in_needs_a_good_token_from_our_own_page() {
    let node = TestNode::start();
    let [ann] = node.strangers(["ann"]);
    let post = |body: &serde_json::Value| node.call("POST", "/v1/session").json(body);
    assert_eq!(post(&json!({"token": "wrong"})).send().status, 401);
    assert_eq!(post(&json!({})).send().status, 401, "there is no guest");
    assert_eq!(post(&json!({"token": 7})).send().status, 400);
    let good = json!({"token": ann.token});
    assert_eq!(post(&good).header("Origin", "http://evil.example").send().status, 403);
    assert_eq!(post(&good).header("Origin", &format!("http://{}", node.address)).send().status, 200);
}

#[test]
fn a_session_ends_at_its_time_also_on_an_open_socket() {
    let node = TestNode::with(&[("dashboard.session", "\"1h\"")]);
    let [ann] = node.strangers(["ann"]);
    let cookie = sign_in(&node, &ann);
    let own = format!("http://{}", node.address);
    node.clock.advance(3_599_999);
    assert_eq!(open_socket(&node, &cookie, Some(&own)), None);
    node.clock.advance(1);
    assert_eq!(open_socket(&node, &cookie, Some(&own)), Some(4401));
    assert_eq!(node.call("GET", "/v1/me").header("Cookie", &cookie).send().status, 401);
}

#[test]
fn browser_tabs_of_one_person_do_not_replace_each_other() {
    let node = TestNode::start();
    let [ann] = node.strangers(["ann"]);
    let (first, second) = (sign_in(&node, &ann), sign_in(&node, &ann));
    let own = format!("http://{}", node.address);
    let upgrade = |cookie: &str| {
        let headers = format!("Cookie: {cookie}\r\nOrigin: {own}\r\n");
        let upgrade =
            crate::raw_ws::upgrade_request("/v1/ws", &headers).replace("localhost", &node.address.to_string());
        let (_, mut client) = request(node.address, upgrade.as_bytes());
        assert!(matches!(client.read(), Received::Text(_)));
        client
    };
    let mut tabs = [upgrade(&first), upgrade(&first), upgrade(&second)];
    for tab in &mut tabs {
        tab.text(r#"{"type":"ping","id":1}"#);
        assert!(matches!(tab.read(), Received::Text(_)));
    }
}

#[test]
fn a_guest_is_let_in_by_a_loopback_name_only() {
    let node = TestNode::with(&[("dashboard.guest", "\"demo\"")]);
    node.strangers(["demo"]);
    let port = node.address.port();
    let enter = |host: &str| node.call("POST", "/v1/session").header("Host", host).json(&json!({})).send();
    for host in ["localhost", "127.0.0.1", "[::1]", "127.8.9.10"] {
        let reply = enter(&format!("{host}:{port}"));
        assert_eq!((reply.status, reply.json()["user"].as_str()), (200, Some("demo")), "{host}");
        assert!(cookie_of(&reply).starts_with("letshang_session="));
    }
    for host in ["evil.example", "localhost.evil.example", "10.0.0.1", "[::2]", "127.0.0.1.evil.example", ""] {
        assert_eq!(enter(&format!("{host}:{port}")).status, 401, "{host}");
    }
}
