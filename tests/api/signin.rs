//! Browsers' sessions: how a cookie looks, how long it is good for, and from which pages.
use letshang::domain::{UnixMs, UserNo};
use serde_json::json;

use crate::client::Person;
use crate::http::{Call, Reply};
use crate::node::{TestNode, until};
use crate::raw_ws::{Received, request, upgrade_request};

const HOUR: i64 = 3_600_000;

fn set_cookie(reply: &Reply) -> Option<String> {
    let cookie = reply.header("set-cookie")?;
    Some(cookie.split(';').next().unwrap().to_owned())
}

fn sign_in(node: &TestNode, person: &Person) -> String {
    set_cookie(&node.call("POST", "/v1/session").json(&json!({"token": person.token})).send()).unwrap()
}

fn is_good(node: &TestNode, cookie: &str) -> bool {
    node.call("GET", "/v1/me").header("Cookie", cookie).send().status == 200
}

/// What a page does when it is opened; the new cookie, if it is given one.
fn open_page(node: &TestNode, cookie: &str) -> Option<String> {
    let reply = node.call("GET", "/v1/session").header("Cookie", cookie).send();
    assert_eq!((reply.status, reply.json()["user"].as_str()), (200, Some("ann")));
    set_cookie(&reply)
}

/// Uses a session some time later, and waits until its longer life is written: that happens beside the answer.
fn use_it(node: &TestNode, person: &Person, cookie: &str, later_ms: i64) {
    node.clock.advance(later_ms);
    assert!(is_good(node, cookie));
    let end = node.clock.now() + 12 * HOUR - HOUR;
    until("it is prolonged", || lives_until(node, person, end));
}

/// Whether a session of the person is good until then.
fn lives_until(node: &TestNode, person: &Person, end: UnixMs) -> bool {
    let tokens = node.node.user.accounts.tokens(UserNo(person.no));
    tokens.iter().any(|token| token.expires.is_some_and(|expires| expires >= end))
}

/// As through a proxy that speaks TLS.
fn by_tls(call: Call) -> Call {
    call.header("X-Forwarded-Proto", "https").header("X-Forwarded-For", "198.51.100.1")
}

#[test]
fn by_tls_the_cookie_is_bound_to_this_host_and_to_tls() {
    let node = TestNode::with(&[("server.trusted_proxies", "[\"127.0.0.1\"]")]);
    let [ann] = node.strangers(["ann"]);
    let post = || node.call("POST", "/v1/session").json(&json!({"token": ann.token}));
    let secure = by_tls(post()).send();
    let cookie = secure.header("set-cookie").unwrap();
    for part in ["__Host-letshang=lh_", "; HttpOnly", "; SameSite=Strict", "; Secure", "; Path=/", "; Max-Age="] {
        assert!(cookie.contains(part), "{part}: {cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
    assert!(secure.header("strict-transport-security").is_some());
    let plain = post().send();
    let cookie = plain.header("set-cookie").unwrap();
    assert!(cookie.starts_with("letshang_session=lh_") && !cookie.contains("Secure"), "{cookie}");
    assert_eq!(plain.header("strict-transport-security"), None);

    let (secure, plain) = (set_cookie(&secure).unwrap(), set_cookie(&plain).unwrap());
    let (secure_value, plain_value) = (secure.split_once('=').unwrap().1, plain.split_once('=').unwrap().1);
    for (cookie, tls, status) in [
        (secure.as_str(), true, 200),
        (&plain, false, 200),
        (&secure, false, 401),
        (&plain, true, 401),
        (&format!("letshang_session={secure_value}"), true, 401),
        (&format!("__Host-letshang={plain_value}"), false, 401),
        // The other kind's cookie is not looked at: it may be left from another time.
        (&format!("{secure}; letshang_session=x"), true, 200),
    ] {
        let call = node.call("GET", "/v1/me").header("Cookie", cookie);
        let reply = if tls { by_tls(call).send() } else { call.send() };
        assert_eq!(reply.status, status, "{cookie} by TLS: {tls}");
    }
    let out = by_tls(node.call("DELETE", "/v1/session").header("Cookie", &secure));
    let out = out.header("Origin", &format!("https://{}", node.address)).send();
    assert_eq!(out.status, 204);
    assert!(out.header("set-cookie").unwrap().starts_with("__Host-letshang=;"));
}

#[test]
fn signing_in_again_ends_the_session_that_was() {
    let node = TestNode::start();
    let [ann, bob] = node.strangers(["ann", "bob"]);
    let first = sign_in(&node, &ann);
    let own = format!("http://{}", node.address);
    let again = node.call("POST", "/v1/session").json(&json!({"token": bob.token}));
    let reply = again.header("Cookie", &first).header("Origin", &own).send();
    assert_eq!(reply.json()["user"], "bob");
    assert!(!is_good(&node, &first), "the browser has another one now");
    assert!(is_good(&node, &set_cookie(&reply).unwrap()));
}

#[test]
fn a_token_that_is_for_once_is_over_with_the_sign_in() {
    let node = TestNode::start();
    let [ann] = node.strangers(["ann"]);
    let enter = || node.call("POST", "/v1/session").json(&json!({"token": ann.token, "once": true})).send();
    let entered = enter();
    assert_eq!((entered.status, enter().status), (200, 401));
    assert!(is_good(&node, &set_cookie(&entered).unwrap()));
    assert_eq!(node.call_as(&ann, "GET", "/v1/me").send().status, 401);
}

#[test]
fn a_session_that_nobody_uses_is_over_after_its_idle_time_and_one_in_use_goes_on() {
    let node = TestNode::with(&[("dashboard.idle", "\"12h\""), ("dashboard.rotate", "\"300d\"")]);
    let [ann] = node.strangers(["ann"]);
    let (idle, used) = (sign_in(&node, &ann), sign_in(&node, &ann));
    for _ in 0..11 {
        use_it(&node, &ann, &used, HOUR);
    }
    node.clock.advance(HOUR - 1);
    assert!(is_good(&node, &used));
    // What is stored of its use is at most an hour old.
    let node = node.restart();
    node.clock.advance(1);
    assert!(!is_good(&node, &idle), "twelve hours");
    for _ in 0..30 {
        use_it(&node, &ann, &used, 8 * HOUR);
    }
    node.clock.advance(12 * HOUR);
    assert!(!is_good(&node, &used));
}

#[test]
fn no_session_outlives_its_longest_time_however_it_is_used() {
    let node = TestNode::with(&[("dashboard.session", "\"2d\""), ("dashboard.idle", "\"12h\"")]);
    let [ann] = node.strangers(["ann"]);
    let last = node.clock.now() + 48 * HOUR;
    let mut cookie = sign_in(&node, &ann);
    let mut changed = 0;
    for hour in 0..6 * 8 {
        node.clock.advance(HOUR - 1);
        if let Some(new) = open_page(&node, &cookie) {
            assert_ne!(new, cookie);
            changed += 1;
            cookie = new;
        }
        assert!(is_good(&node, &cookie), "hour {hour}");
        // Its longer life is written beside the answer.
        let end = (node.clock.now() + 12 * HOUR - 2 * HOUR).min(last);
        until("it is prolonged", || lives_until(&node, &ann, end));
    }
    assert_eq!(changed, 1, "once a day, and two days are not over");
    node.clock.advance(100);
    assert!(!is_good(&node, &cookie));
}

#[test]
fn an_old_cookie_is_changed_when_the_page_is_opened_and_good_for_a_minute_more() {
    let node = TestNode::with(&[("dashboard.idle", "\"20d\"")]);
    let [ann] = node.strangers(["ann"]);
    let old = sign_in(&node, &ann);
    node.clock.advance(24 * HOUR - 1);
    assert_eq!(open_page(&node, &old), None, "not a day old");
    node.clock.advance(1);
    let elsewhere =
        node.call("GET", "/v1/session").header("Cookie", &old).header("Sec-Fetch-Site", "cross-site").send();
    assert_eq!(set_cookie(&elsewhere), None, "not for a page elsewhere");
    let headers = format!("Cookie: {old}\r\nOrigin: http://{}\r\n", node.address);
    let upgrade = upgrade_request("/v1/ws", &headers).replace("localhost", &node.address.to_string());
    let (_, mut tab) = request(node.address, upgrade.as_bytes());
    assert!(matches!(tab.read(), Received::Text(_)), "a page that is open already");
    let new = open_page(&node, &old).unwrap();
    assert_ne!(new, old);
    assert_eq!(open_page(&node, &old), None, "and not twice");
    assert_eq!(open_page(&node, &new), None);
    node.clock.advance(59_999);
    assert!(is_good(&node, &old) && is_good(&node, &new), "requests may be under way");
    node.clock.advance(1);
    assert!(!is_good(&node, &old) && is_good(&node, &new));
    assert!(matches!(tab.read_within(std::time::Duration::from_millis(1_500)), Received::Nothing), "it stays open");
    let own = format!("http://{}", node.address);
    let out = node.call("DELETE", "/v1/session").header("Cookie", &new).header("Origin", &own).send();
    assert_eq!(out.status, 204);
    assert!(matches!(tab.read(), Received::Close(Some(4401), _)), "what was opened before is cut with the session");
}

#[test]
fn two_session_cookies_are_none() {
    let node = TestNode::start();
    let [ann, eve] = node.strangers(["ann", "eve"]);
    let (good, planted) = (sign_in(&node, &ann), sign_in(&node, &eve));
    for cookies in [
        format!("{good}; {planted}"),
        format!("{planted}; {good}"),
        format!("{good}; {good}"),
        format!("{good}; letshang_session="),
        format!("{good}; letshang_session=x"),
        format!("a=b; {good};{planted}"),
    ] {
        assert!(!is_good(&node, &cookies), "{cookies}");
    }
    let lines = node.call("GET", "/v1/me").header("Cookie", &good).header("Cookie", &planted).send();
    assert_eq!(lines.status, 401);
    assert!(is_good(&node, &format!("theme=dark; {good}; x=y")));
}

/// Opens a socket; the status, then the close code or 0 for `welcome`.
fn socket(node: &TestNode, headers: &str) -> (String, u16) {
    let upgrade = format!(
        "GET /v1/ws HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n",
        node.address
    );
    let (head, mut client) = request(node.address, upgrade.as_bytes());
    let status = head.split(' ').nth(1).unwrap().to_owned();
    match client.read() {
        Received::Text(_) => (status, 0),
        Received::Close(code, _) => (status, code.unwrap()),
        other => panic!("{head} {other:?}"),
    }
}

#[test]
fn only_our_own_origin_exactly_may_use_a_cookie_and_nobody_asks_a_bearer_for_one() {
    let node = TestNode::start();
    let [ann] = node.strangers(["ann"]);
    let cookie = sign_in(&node, &ann);
    let host = node.address.to_string();
    let (name, port) = host.split_once(':').unwrap();
    let origins = [
        (Some(format!("http://{host}")), true),
        (None, false),
        (Some("null".to_owned()), false),
        (Some(String::new()), false),
        (Some("http://evil.example".to_owned()), false),
        (Some(format!("http://sub.{host}")), false),
        (Some(format!("http://{name}:1{port}")), false),
        (Some(format!("http://{name}")), false),
        (Some(format!("http://{host}.evil.example")), false),
        (Some(format!("http://evil.example/{host}")), false),
        (Some(format!("HTTP://{host}")), false),
        (Some(format!("https://{host}")), false),
        (Some(format!("http://{host}/")), false),
        (Some(format!("http://localhost:{port}")), false),
    ];
    let mut rows = Vec::new();
    for (origin, own) in origins {
        let line = origin.as_ref().map(|origin| format!("Origin: {origin}\r\n")).unwrap_or_default();
        rows.push((line, own));
    }
    let own = format!("Origin: http://{host}\r\n");
    rows.push((format!("{own}{own}"), false));
    rows.push((format!("{own}Sec-Fetch-Site: cross-site\r\n"), false));
    rows.push((format!("{own}Sec-Fetch-Site: same-origin\r\n"), true));
    for (lines, is_own) in rows {
        let cookie_line = format!("Cookie: {cookie}\r\n");
        let bearer_line = format!("Authorization: Bearer {}\r\n", ann.token);
        let expected = if is_own { 0 } else { 4403 };
        assert_eq!(socket(&node, &format!("{cookie_line}{lines}")), ("101".to_owned(), expected), "{lines}");
        assert_eq!(socket(&node, &format!("{bearer_line}{lines}")).1, 0, "{lines}");
        assert_eq!(socket(&node, &format!("{bearer_line}{cookie_line}{lines}")).1, 0, "{lines}");

        let put = |credentials: &[(&str, &str)]| {
            let mut call = node.call("PUT", "/v1/me/availability").json(&json!({"free": true}));
            for line in lines.split("\r\n").filter(|line| !line.is_empty()) {
                let (name, value) = line.split_once(": ").unwrap();
                call = call.header(name, value);
            }
            for (name, value) in credentials {
                call = call.header(name, value);
            }
            call.send().status
        };
        let bearer = format!("Bearer {}", ann.token);
        let (cookie, bearer) = (("Cookie", cookie.as_str()), ("Authorization", bearer.as_str()));
        assert_eq!(put(&[cookie]), if is_own { 200 } else { 403 }, "{lines}");
        assert_eq!((put(&[bearer]), put(&[cookie, bearer])), (200, 200), "{lines}");
        // A wrong bearer is not helped by a good cookie.
        assert_eq!(put(&[cookie, ("Authorization", "Bearer x")]), 401, "{lines}");
    }
}

#[test]
fn every_answer_says_what_a_browser_may_do_with_it() {
    let node = TestNode::start();
    let [ann] = node.strangers(["ann"]);
    for call in [
        node.call("GET", "/"),
        node.call("GET", "/nothing.js"),
        node.call_as(&ann, "GET", "/v1/me"),
        node.call("GET", "/v1/me"),
        node.call("PUT", "/v1/me"),
        node.call("GET", "/health"),
        node.call("GET", "/v1/me").header("Content-Encoding", "gzip"),
    ] {
        let reply = call.header("Origin", "https://evil.example").send();
        let policy = reply.header("content-security-policy").unwrap();
        for part in [
            "default-src 'none'",
            "script-src 'self'",
            "connect-src 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        ] {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(reply.header(name), Some(value), "{name}");
        }
        assert!(reply.header("permissions-policy").unwrap().starts_with("geolocation=(self)"));
        let cors = reply.headers.iter().find(|(name, _)| name.starts_with("access-control-"));
        assert_eq!(cors, None, "no other page may read it");
    }
}

#[test]
fn a_session_is_not_changed_for_another_one_by_who_does_not_say_where_they_are() {
    let node = TestNode::start();
    let [ann] = node.strangers(["ann"]);
    let cookie = sign_in(&node, &ann);
    let again = || node.call("POST", "/v1/session").header("Cookie", &cookie).json(&json!({"token": ann.token}));
    assert_eq!(again().send().status, 403, "no Origin");
    assert!(is_good(&node, &cookie));
    assert_eq!(again().header("Origin", &format!("http://{}", node.address)).send().status, 200);
}
