//! HTTP: status, administration, and what every answer keeps to.
use std::collections::BTreeMap;
use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use letshang::http::routes::policies;
use serde_json::json;

use crate::http::{call, exchange, read_reply};
use crate::node::{NOON, TestNode};

/// Every route of the API and of the node's own state, with the methods that it has.
fn routes() -> BTreeMap<String, Vec<&'static str>> {
    let mut routes: BTreeMap<String, Vec<&'static str>> = BTreeMap::new();
    for policy in policies().filter(|policy| !policy.path.contains(".*")) {
        let path = policy.path.replace("{code}", "x").replace("{id}", "1").replace("{user}", "x");
        routes.entry(path).or_default().extend(policy.verb.methods().iter().map(|method| match method.as_str() {
            "GET" => "GET",
            "HEAD" => "HEAD",
            "POST" => "POST",
            "PUT" => "PUT",
            "PATCH" => "PATCH",
            "DELETE" => "DELETE",
            other => panic!("{other}"),
        }));
    }
    routes
}

#[test]
fn a_node_says_how_it_does() {
    let node = TestNode::start();
    let health = node.call("GET", "/health").send();
    assert_eq!((health.status, health.text().as_str()), (200, "ok\n"));
    let head = node.call("HEAD", "/health").send();
    assert_eq!((head.status, head.header("content-length"), head.body.len()), (200, Some("3"), 0));
    assert_eq!(node.call("GET", "/ready").ok(), json!({"ready": true, "storage": {"ok": true}}));
    let [ann] = node.strangers(["ann"]);
    let _phone = node.connect(&ann);
    let metrics = node.call("GET", "/metrics").send();
    assert!(metrics.header("content-type").unwrap().starts_with("application/openmetrics-text"));
    for line in
        ["letshang_connections 1", "letshang_accounts 1", "letshang_storage_ok 1", "letshang_redis_ok 0", "# EOF"]
    {
        assert!(metrics.text().lines().any(|found| found == line), "{line} in {}", metrics.text());
    }
}

#[test]
fn every_route_refuses_the_methods_it_does_not_have() {
    let node = TestNode::start();
    for (path, methods) in &routes() {
        for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"] {
            let reply = node.call(method, path).send();
            if methods.contains(&method) {
                assert_ne!(reply.status, 405, "{method} {path}");
            } else {
                assert_eq!(reply.status, 405, "{method} {path}: {}", reply.text());
                let allowed = reply.header("allow").unwrap();
                assert!(!allowed.is_empty() && !allowed.split(", ").any(|other| other == method), "{path}: {allowed}");
            }
        }
    }
    assert_eq!(node.call("GET", "/v1/nothing").send().refusal().0, "not_found");
}

#[test]
fn every_answer_carries_the_security_headers() {
    let node = TestNode::start();
    for (path, status) in [("/", 200), ("/health", 200), ("/v1/me", 401), ("/v1/nothing", 404), ("/v1/ws?token=x", 400)]
    {
        let reply = node.call("GET", path).send();
        assert_eq!(reply.status, status, "{path}");
        let policy = reply.header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
        assert!(policy.contains("frame-ancestors 'none'"));
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(reply.header("referrer-policy"), Some("no-referrer"), "{path}");
        assert_eq!(reply.header("cache-control") == Some("no-store"), path.starts_with("/v1/"), "{path}");
    }
    let page = node.call("GET", "/").send();
    assert!(page.header("content-type").unwrap().starts_with("text/html"));
    let head = node.call("HEAD", "/").send();
    assert_eq!((head.status, head.body.len()), (200, 0));
}

#[test]
fn no_path_leads_to_a_file_of_the_machine() {
    let node = TestNode::start();
    let long = format!("/{}", "a".repeat(8_000));
    for path in [
        "/../../etc/passwd",
        "/static/../../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/..%5c..%5cetc%5cpasswd",
        "/%00",
        "//etc/passwd",
        "/etc/passwd.txt",
        "/etc/../passwd",
        "/index.html%00.js",
        &long,
    ] {
        let reply = node.call("GET", path).send();
        assert!(matches!(reply.status, 400 | 404), "{path}: {}", reply.status);
        assert!(!reply.text().contains("root:"), "{path}");
    }
}

#[test]
fn bodies_are_bounded_in_size_and_pauses_and_never_unpacked() {
    let node = TestNode::with(&[("limits.body_idle", "\"200ms\""), ("limits.body_bytes", "10000")]);
    let [ann] = node.strangers(["ann"]);
    let post = || node.call_as(&ann, "POST", "/v1/fixes").header("Content-Type", "application/json");
    for encoding in ["gzip", "foo", "gzip, gzip", "br"] {
        let reply = post().header("Content-Encoding", encoding).body(b"\x1f\x8b".to_vec()).send();
        assert_eq!(reply.status, 415, "{encoding}");
    }
    assert_eq!(post().header("Content-Encoding", "identity").body("[]").send().status, 400);
    let large = post().body(" ".repeat(10_001)).send();
    assert_eq!((large.status, large.refusal().0.as_str()), (413, "too_many"));
    let padded = format!("{:10000}", json!({"lat": 1, "lon": 2, "t": NOON.0}).to_string());
    assert_eq!(post().body(padded).send().status, 200, "10,000 bytes are not too many");

    let begin = Instant::now();
    let stalled = post().header("Content-Length", "100").body("{").send();
    assert_eq!(stalled.status, 408);
    assert!(begin.elapsed() >= Duration::from_millis(200));

    let mut endless = TcpStream::connect(node.address).unwrap();
    endless.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    endless.write_all(&post().header("Transfer-Encoding", "chunked").bytes()).unwrap();
    let chunk = [b"1000\r\n".as_slice(), &[b' '; 4_096], b"\r\n"].concat();
    for _ in 0..100 {
        if endless.write_all(&chunk).is_err() {
            break;
        }
    }
    assert_eq!(read_reply(&mut endless).unwrap().status, 413);
}

#[test]
fn requests_that_smuggle_are_refused() {
    let node = TestNode::start();
    let [ann] = node.strangers(["ann"]);
    let post = || node.call_as(&ann, "POST", "/v1/fixes");
    let rows = [
        ("a negative length", post().header("Content-Length", "-1")),
        ("two lengths", post().header("Content-Length", "1").header("Content-Length", "2")),
        ("a length and chunks", post().header("Content-Length", "5").header("Transfer-Encoding", "chunked")),
    ];
    for (what, bad) in rows {
        let reply = exchange(node.address, &[&bad.bytes()[..], b"0\r\n\r\n"].concat()).unwrap();
        assert_eq!(reply.status, 400, "{what}");
    }
    for raw in [
        "GET /health HTTP/1.1\r\n\r\n",
        "GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "\x16\x03\x01\x02\r\n\r\n",
    ] {
        match exchange(node.address, raw.as_bytes()) {
            Ok(reply) => assert_eq!(reply.status, 400, "{raw:?}"),
            Err(error) => assert!(!error.to_string().contains("timed out"), "{raw:?}: {error}"),
        }
    }
    assert_eq!(node.call("GET", "/health").send().status, 200);
}

#[test]
fn an_administrator_makes_people_all_or_nothing() {
    let node = TestNode::start();
    let root = node.administrator("root");
    let make = |body: &serde_json::Value| node.call_as(&root, "POST", "/v1/admin/users").json(body).send();
    let made = make(&json!({"users": [{"user": "ann", "name": "Ann B."}, {"user": "bob"}], "friendships": [[0, 1]]}));
    assert_eq!(made.status, 200, "{}", made.text());
    let token = made.json()["users"][0]["token"].as_str().unwrap().to_owned();
    let me = call(node.address, "GET", "/v1/me").bearer(&token).ok();
    let expected = json!({"user": "ann", "name": "Ann B.", "admin": false, "radius": 500.0, "time_zone": "UTC",
        "stride": me["stride"], "free": false, "source": "default", "only_free": false, "free_hours": [], "on_board": true});
    assert_eq!(me, expected);
    assert!((me["stride"].as_f64().unwrap() - 0.762).abs() < 1e-6);
    assert_eq!(call(node.address, "GET", "/v1/friends").bearer(&token).ok()["friends"][0]["user"], "bob");

    let rows = [
        (json!({"users": [{"user": "cem"}, {"user": "ann"}]}), 409, "conflict"),
        (json!({"users": [{"user": "cem"}, {"user": "cem"}]}), 409, "conflict"),
        (json!({"users": [{"user": "a b"}]}), 400, "bad_field"),
        (json!({"users": [{"user": "cem", "name": "\u{202e}"}]}), 400, "bad_field"),
        (json!({"users": [{"user": "cem", "radius": 49}]}), 422, "out_of_range"),
        (json!({"users": [{"user": "cem"}], "friendships": [[0, 0]]}), 400, "bad_field"),
        (json!({"users": [{"user": "cem"}], "friendships": [[0, 1]]}), 404, "not_found"),
        (json!({"people": []}), 400, "bad_json"),
        (json!([]), 400, "bad_json"),
    ];
    for (body, status, code) in rows {
        let reply = make(&body);
        assert_eq!((reply.status, reply.refusal().0.as_str()), (status, code), "{body}");
    }
    let remove = |ids: &serde_json::Value| node.call_as(&root, "POST", "/v1/admin/users/remove").json(ids).ok();
    assert_eq!(remove(&json!({"users": ["cem"]})), json!({"removed": 0}), "nothing was made of what was refused");
    assert_eq!(remove(&json!({"users": ["ann", "ann", "nobody"]}))["removed"], 1);
    assert_eq!(call(node.address, "GET", "/v1/me").bearer(&token).send().status, 401);
    assert_eq!(make(&json!({"users": [{"user": "ann"}]})).status, 200, "the id is free again");
}

#[test]
fn the_administrators_calls_are_closed_to_others() {
    let node = TestNode::start();
    let [ann] = node.strangers(["ann"]);
    for (path, methods) in routes().iter().filter(|(path, _)| path.contains("/admin/")) {
        let anonymous = node.call(methods[0], path).send();
        assert_eq!((anonymous.status, anonymous.refusal().0.as_str()), (401, "forbidden"), "{path}");
        let reply = node.call_as(&ann, methods[0], path).send();
        assert_eq!((reply.status, reply.refusal().0.as_str()), (403, "forbidden"), "{path}");
    }
}

#[test]
fn query_parameters_are_checked_and_named() {
    let node = TestNode::start();
    let root = node.administrator("root");
    for (path, status, code, field) in [
        ("/v1/nearby?radius=49", 422, "out_of_range", "radius"),
        ("/v1/nearby?radius=NaN", 422, "out_of_range", "radius"),
        ("/v1/nearby?radius=far", 400, "bad_field", "radius"),
        ("/v1/nearby?limit=0", 422, "out_of_range", "limit"),
        ("/v1/nearby?limit=-1", 400, "bad_field", "limit"),
        ("/v1/nearby?free_only=maybe", 400, "bad_field", "free_only"),
        ("/v1/steps?from=2027-03-15", 400, "missing_field", "to"),
        ("/v1/steps?from=2027-03-15&to=2027-03-14", 422, "out_of_range", "to"),
        ("/v1/steps?from=1927-03-15&to=2027-03-14", 422, "out_of_range", "to"),
        ("/v1/steps?from=2027-02-30&to=2027-03-14", 400, "bad_field", "from"),
        ("/v1/steps/leaderboard?date=today", 400, "bad_field", "date"),
        ("/v1/steps/leaderboard?week=11", 400, "bad_field", "week"),
        ("/v1/steps/leaderboard?week=9999-12-31", 422, "out_of_range", "week"),
        ("/v1/availability/histogram?date=20270315", 400, "bad_field", "date"),
        ("/v1/availability/histogram?to=2027-03-15", 400, "missing_field", "from"),
        ("/v1/admin/people", 400, "missing_field", "index"),
        ("/v1/admin/people?index=1,x", 400, "bad_field", "index"),
        ("/v1/admin/audit?limit=0", 422, "out_of_range", "limit"),
        ("/v1/admin/audit?limit=1001", 422, "out_of_range", "limit"),
        ("/v1/admin/audit?limit=all", 400, "bad_field", "limit"),
    ] {
        let reply = node.call_as(&root, "GET", path).send();
        assert_eq!((reply.status, reply.refusal()), (status, (code.to_owned(), Some(field.to_owned()))), "{path}");
    }
}
