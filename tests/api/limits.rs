//! What one address and one person may take: each limit refuses what is beyond it, says so, and keeps nobody else out.
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::binary::Place;
use crate::http::{Call, Reply, exchange, read_reply};
use crate::node::{Settings, TestNode, until};
use crate::raw_ws::{RawClient, Received, request, upgrade_request};

/// A node that exempts nobody.
fn strict(settings: Settings<'_>) -> TestNode {
    TestNode::with(&[settings, &[("limits.exempt", "[]")]].concat())
}

/// How often a limit refused so far, by `/metrics`.
fn refused(node: &TestNode, limit: &str) -> u64 {
    let text = (node.node.metrics)();
    let name = format!("letshang_refused_total{{limit=\"{limit}\"}} ");
    let line = text.lines().find_map(|line| line.strip_prefix(&name));
    line.unwrap_or_else(|| panic!("{name} is not in {text}")).parse().unwrap()
}

fn seconds_to_wait(reply: &Reply) -> u64 {
    assert_eq!((reply.status, reply.refusal().0.as_str()), (429, "rate_limited"), "{}", reply.text());
    reply.header("retry-after").unwrap().parse().unwrap()
}

fn wrong(node: &TestNode) -> Call {
    node.call("GET", "/v1/me").bearer(&format!("lh_{}", "x".repeat(43)))
}

#[test]
fn wrong_credentials_are_counted_by_address_and_right_ones_never_refused_for_them() {
    let node = strict(&[("limits.wrong_credentials_per_minute", "3")]);
    let [ann] = node.strangers(["ann"]);
    assert_eq!(wrong(&node).send().status, 401);
    assert_eq!(node.call("GET", "/v1/me").header("Cookie", "letshang_session=x").send().status, 401);
    assert_eq!(node.call("POST", "/v1/session").json(&json!({"token": "x"})).send().status, 401);
    for beyond in [
        wrong(&node),
        node.call("GET", "/v1/me").header("Authorization", "Basic eDp5"),
        node.call("POST", "/v1/session").json(&json!({"token": "x"})),
        node.call("GET", "/v1/session").header("Cookie", "letshang_session=x"),
        node.call("GET", "/v1/ws").bearer("x"),
    ] {
        assert!((1..=60).contains(&seconds_to_wait(&beyond.send())));
    }
    let mut hello = RawClient::connect(node.address, "/v1/ws");
    hello.text(r#"{"type":"hello","token":"x"}"#);
    assert!(matches!(hello.read(), Received::Close(Some(4429), _)));
    assert_eq!(refused(&node, "wrong_credentials"), 6);
    // No credential is not a wrong one, and a right one is let in.
    assert_eq!(node.call("GET", "/v1/me").send().status, 401);
    node.call_as(&ann, "GET", "/v1/me").ok();
    node.connect(&ann);
    let signed_in = node.call("POST", "/v1/session").json(&json!({"token": ann.token})).send();
    assert_eq!(signed_in.status, 200);
}

#[test]
fn behind_a_proxy_the_forwarded_address_counts() {
    let node = TestNode::with(&[
        ("limits.wrong_credentials_per_minute", "1"),
        ("limits.connections_per_address", "1"),
        ("limits.new_connections_per_minute", "3"),
        ("server.trusted_proxies", "[\"127.0.0.1\"]"),
    ]);
    let [ann] = node.strangers(["ann"]);
    let from = |address: &str| wrong(&node).header("X-Forwarded-For", address).send().status;
    assert_eq!([from("198.51.100.1"), from("198.51.100.1"), from("198.51.100.2")], [401, 429, 401]);
    // An IPv6 household is one.
    assert_eq!([from("2001:db8::1"), from("2001:db8::2"), from("2001:db8:0:1::1")], [401, 429, 401]);
    // The proxy itself is on this machine, which is exempt.
    assert_eq!([wrong(&node).send().status, wrong(&node).send().status], [401, 401]);

    let socket = |address: &str| {
        let headers = format!("Authorization: Bearer {}\r\nX-Forwarded-For: {address}\r\n", ann.token);
        let (head, client) = request(node.address, upgrade_request("/v1/ws", &headers).as_bytes());
        (head.split(' ').nth(1).unwrap().to_owned(), client)
    };
    let (first, held) = socket("198.51.100.1");
    let (second, _) = socket("198.51.100.1");
    let (other, _held) = socket("198.51.100.2");
    assert_eq!([first, second, other], ["101", "429", "101"]);
    assert_eq!(refused(&node, "address_connections"), 1);
    drop(held);
    until("the address has room again", || node.node.sockets.open.load(std::sync::atomic::Ordering::Relaxed) < 2);
    std::thread::sleep(Duration::from_millis(50));
    let (third, _held) = socket("198.51.100.1");
    assert_eq!(third, "101");
    let (fourth, _) = socket("198.51.100.1");
    assert_eq!((fourth.as_str(), refused(&node, "new_connections")), ("429", 1), "the fourth within a minute");
}

#[test]
fn sign_ins_are_counted_by_address() {
    let node = strict(&[("limits.sign_ins_per_minute", "2")]);
    let [ann] = node.strangers(["ann"]);
    let sign_in = || node.call("POST", "/v1/session").json(&json!({"token": ann.token})).send();
    assert_eq!([sign_in().status, sign_in().status], [200, 200]);
    assert!((1..=30).contains(&seconds_to_wait(&sign_in())));
    assert_eq!(refused(&node, "sign_ins"), 1);
    node.call_as(&ann, "GET", "/v1/me").ok();
}

#[test]
fn an_address_has_so_many_connections_at_once_and_hears_so_without_asking() {
    let node = strict(&[("limits.connections_per_address", "3")]);
    let [ann] = node.strangers(["ann"]);
    let held: Vec<_> = (0..3).map(|_| TcpStream::connect(node.address).unwrap()).collect();
    until("all three are counted", || node.node.limits.doors.open() == 3);
    let mut silent = TcpStream::connect(node.address).unwrap();
    silent.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let refusal = read_reply(&mut silent).unwrap();
    assert_eq!(seconds_to_wait(&refusal), 1);
    assert_eq!(silent.read(&mut [0; 1]).unwrap_or(0), 0, "and the connection is over");
    assert_eq!(node.call_as(&ann, "GET", "/v1/me").send().status, 429);
    assert_eq!(refused(&node, "address_connections"), 2);
    drop(held);
    until("they are gone", || node.node.limits.doors.open() == 0);
    node.call_as(&ann, "GET", "/v1/me").ok();
}

#[test]
fn an_address_makes_so_many_connections_a_minute() {
    let node = strict(&[("limits.new_connections_per_minute", "5")]);
    for _ in 0..5 {
        assert_eq!(node.call("GET", "/health").send().status, 200);
    }
    assert!((1..=12).contains(&seconds_to_wait(&node.call("GET", "/health").send())));
    assert_eq!(refused(&node, "new_connections"), 1);
}

#[test]
fn this_machine_is_exempt_unless_the_settings_say_otherwise() {
    let node = TestNode::with(&[("limits.new_connections_per_minute", "1"), ("limits.sign_ins_per_minute", "1")]);
    for _ in 0..5 {
        assert_eq!(node.call("GET", "/health").send().status, 200);
    }
    assert_eq!(refused(&node, "new_connections"), 0);
}

#[test]
fn a_person_has_so_many_sockets_at_once() {
    let node = TestNode::with(&[("limits.connections_per_user", "2")]);
    let [ann, bob] = node.strangers(["ann", "bob"]);
    let (first, _second) = (node.connect_as(&ann, "phone"), node.connect_as(&ann, "watch"));
    let mut third = RawClient::connect(node.address, "/v1/ws");
    third.text(&json!({"type": "hello", "token": ann.token, "device": "tablet"}).to_string());
    assert!(matches!(third.read(), Received::Close(Some(1013), _)));
    assert_eq!(refused(&node, "user_connections"), 1);
    node.connect(&bob);
    drop(first);
    until("there is room again", || {
        let mut again = RawClient::connect(node.address, "/v1/ws");
        again.text(&json!({"type": "hello", "token": ann.token, "device": "tablet"}).to_string());
        matches!(again.read(), Received::Text(_))
    });
}

/// Says pings over two connections in turn, until one of them is closed; the answers of both.
fn flood(node: &TestNode, who: &crate::client::Person, frames: usize, frame: &str) -> Vec<Received> {
    let mut clients = [node.connect_as(who, "one"), node.connect_as(who, "two")];
    for number in 0..frames {
        clients[number % 2].raw.text(frame);
    }
    let mut heard = Vec::new();
    for client in &mut clients {
        loop {
            match client.raw.read_within(Duration::from_millis(500)) {
                Received::Nothing | Received::End | Received::Broken(_) => break,
                other => heard.push(other),
            }
        }
    }
    heard
}

fn errors(heard: &[Received]) -> usize {
    heard.iter().filter(|heard| matches!(heard, Received::Text(text) if text.contains("rate_limited"))).count()
}

fn pongs(heard: &[Received]) -> usize {
    heard.iter().filter(|heard| matches!(heard, Received::Text(text) if text.contains("pong"))).count()
}

#[test]
fn all_connections_of_a_person_together_say_so_many_frames() {
    let node = TestNode::with(&[("limits.user_frames_per_second", "1"), ("limits.user_frame_burst", "20")]);
    let [ann, bob] = node.strangers(["ann", "bob"]);
    let ping = r#"{"type":"ping"}"#;
    // Each of the two connections says its own hello before it is known, and 15 pings.
    let heard = flood(&node, &ann, 30, ping);
    assert!((20..=24).contains(&pongs(&heard)), "{heard:?}");
    assert!(errors(&heard) >= 1, "{heard:?}");
    let says = |heard: &Received| matches!(heard, Received::Text(text) if text.contains("all your devices together"));
    assert!(heard.iter().any(says), "{heard:?}");
    let (of_person, of_connection) = (refused(&node, "user_frames"), refused(&node, "frames"));
    assert!((6..=10).contains(&of_person), "{of_person}");
    assert_eq!(of_connection, 0, "no connection was too fast by itself");
    assert_eq!(pongs(&flood(&node, &bob, 10, ping)), 10, "others are not concerned");
    // Leaving and coming back fills nothing.
    assert!(pongs(&flood(&node, &ann, 10, ping)) <= 5);
    let far_beyond = flood(&node, &ann, 900, ping);
    assert!(
        far_beyond.iter().any(|heard| matches!(heard, Received::Close(Some(4429), _))),
        "{:?}",
        errors(&far_beyond)
    );
}

#[test]
fn all_connections_of_a_person_together_say_so_many_bytes() {
    let node = TestNode::with(&[
        ("limits.frame_bytes", "2048"),
        ("limits.user_bytes_per_second", "1024"),
        ("limits.user_byte_burst", "8192"),
    ]);
    let [ann] = node.strangers(["ann"]);
    let large = format!("{:2000}", r#"{"type":"ping"}"#);
    let heard = flood(&node, &ann, 10, &large);
    assert!((4..=6).contains(&pongs(&heard)), "{heard:?}");
    assert!(refused(&node, "user_bytes") >= 4);
}

#[test]
fn a_connection_says_so_many_frames() {
    let node = TestNode::with(&[("limits.frames_per_second", "1"), ("limits.frame_burst", "10")]);
    let [ann] = node.strangers(["ann"]);
    let mut client = node.connect(&ann);
    for _ in 0..12 {
        client.raw.text(r#"{"type":"ping"}"#);
    }
    until("it is too fast", || refused(&node, "frames") >= 1);
}

#[test]
fn a_person_makes_so_many_requests() {
    let node = TestNode::with(&[("limits.requests_per_second", "1"), ("limits.request_burst", "3")]);
    let [ann, bob] = node.strangers(["ann", "bob"]);
    for _ in 0..3 {
        node.call_as(&ann, "GET", "/v1/me").ok();
    }
    assert_eq!(seconds_to_wait(&node.call_as(&ann, "GET", "/v1/me").send()), 1);
    assert_eq!(refused(&node, "requests"), 1);
    node.call_as(&bob, "GET", "/v1/me").ok();
    std::thread::sleep(Duration::from_millis(1_050));
    node.call_as(&ann, "GET", "/v1/me").ok();
}

#[test]
fn a_person_makes_so_many_invites_a_day() {
    let node = TestNode::with(&[("privacy.invites_per_day", "2")]);
    let [ann, bob] = node.strangers(["ann", "bob"]);
    let invite = |who| node.call_as(who, "POST", "/v1/invites").json(&json!({})).send();
    assert!(invite(&ann).status != 429 && invite(&ann).status != 429);
    let wait = seconds_to_wait(&invite(&ann));
    assert!((40_000..=43_200).contains(&wait), "{wait}: half a day until the next one");
    assert_eq!(refused(&node, "invites"), 1);
    assert_ne!(invite(&bob).status, 429);
}

#[test]
fn an_address_looks_at_so_many_invites() {
    let node = strict(&[("limits.invite_looks_per_minute", "2")]);
    let look = || node.call("GET", "/v1/invites/lhi_nothing").send();
    let accept = || node.call("POST", "/v1/invites/lhi_nothing/accept").json(&json!({})).send();
    assert!(look().status != 429 && accept().status != 429);
    assert!((1..=30).contains(&seconds_to_wait(&look())));
    assert!((1..=30).contains(&seconds_to_wait(&accept())));
    assert_eq!(refused(&node, "invite_looks"), 2);
}

#[test]
fn a_body_that_drips_ends_at_its_time_and_one_that_pauses_before() {
    let node = TestNode::with(&[("limits.body_idle", "\"300ms\""), ("limits.body_total", "\"1s\"")]);
    let root = node.administrator("root");
    let head = |path: &str, kind: &str| {
        let call = node.call_as(&root, "POST", path).header("Content-Type", kind).header("Content-Length", "1000");
        let mut stream = TcpStream::connect(node.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream.write_all(&call.bytes()).unwrap();
        stream
    };
    let ended = |mut stream: TcpStream| {
        let reply = read_reply(&mut stream).unwrap();
        let begin = Instant::now();
        let mut rest = [0; 64];
        assert!(matches!(stream.read(&mut rest), Ok(0) | Err(_)) && begin.elapsed() < Duration::from_secs(1));
        reply.status
    };
    let begin = Instant::now();
    let mut dripping = head("/v1/fixes", "application/json");
    while begin.elapsed() < Duration::from_millis(1_300) && dripping.write_all(b" ").is_ok() {
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(ended(dripping), 408);
    assert!((900..3_000).contains(&begin.elapsed().as_millis()), "{:?}", begin.elapsed());

    let begin = Instant::now();
    assert_eq!(ended(head("/v1/fixes", "application/json")), 408);
    assert!((250..900).contains(&begin.elapsed().as_millis()), "{:?}", begin.elapsed());
    assert_eq!(refused(&node, "body_time"), 2);

    // An import may take its time, but not pause.
    let mut import = head("/v1/ingest", "text/csv");
    for _ in 0..30 {
        import.write_all(b"#\n").unwrap();
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(refused(&node, "body_time"), 2, "after one and a half seconds it goes on");
    assert_eq!(ended(import), 408);
    let large = node.call_as(&root, "POST", "/v1/fixes").header("Content-Type", "application/json");
    assert_eq!(large.body(" ".repeat(2 << 20)).send().status, 413);
    assert_eq!((refused(&node, "body_time"), refused(&node, "body_bytes")), (3, 1));
}

#[test]
fn a_head_that_drips_ends_at_its_time() {
    let node = TestNode::with(&[("limits.head", "\"500ms\"")]);
    let mut slow = TcpStream::connect(node.address).unwrap();
    slow.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let begin = Instant::now();
    for byte in b"GET /health HTTP/1.1\r\nHost: a\r\nX-Long: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    {
        if slow.write_all(&[*byte]).is_err() || begin.elapsed() > Duration::from_millis(700) {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(read_reply(&mut slow).unwrap().status, 408);
    assert!(begin.elapsed() < Duration::from_secs(4), "{:?}", begin.elapsed());
    until("it is counted", || refused(&node, "head") == 1);
}

#[test]
fn a_body_that_is_encoded_is_counted() {
    let node = TestNode::start();
    assert_eq!(node.call("POST", "/v1/session").header("Content-Encoding", "br").body("x").send().status, 415);
    assert_eq!(refused(&node, "encoding"), 1);
}

#[test]
fn with_more_connections_than_open_files_everybody_hears_something() {
    let place = Place::new(&[("server.workers", "2"), ("limits.head", "\"1s\"")]);
    let mut node = place.serve_with_files(256);
    let own = node.open_files();
    for (what, said) in [("sockets", upgrade_request("/v1/ws", "")), ("silence", String::new())] {
        let mut streams: Vec<TcpStream> = (0..1_000)
            .map(|_| {
                let mut stream = TcpStream::connect(node.address).unwrap();
                stream.set_read_timeout(Some(Duration::from_secs(8))).unwrap();
                // The refusal may be there already, and the connection over.
                let _ = stream.write_all(said.as_bytes());
                stream
            })
            .collect();
        let mut statuses = std::collections::BTreeMap::<String, usize>::new();
        for stream in &mut streams {
            let mut head = [0; 12];
            let status = match stream.read_exact(&mut head) {
                Ok(()) => String::from_utf8_lossy(&head[9..]).into_owned(),
                Err(error) => format!("{:?}", error.kind()),
            };
            *statuses.entry(status).or_default() += 1;
        }
        let count = |status: &str| statuses.get(status).copied().unwrap_or(0);
        // A reset is a refusal, too: the answer was overtaken by the end. Silence would be `WouldBlock`.
        let heard = count("101") + count("408") + count("503") + count("ConnectionReset") + count("UnexpectedEof");
        assert_eq!(heard, 1_000, "{what}: {statuses:?}");
        assert!(count("503") >= 800, "{what}: {statuses:?}");
        assert!((60..=120).contains(&(count("101") + count("408"))), "{what}: {statuses:?}");
        assert!(node.is_alive());
        drop(streams);
        let begin = Instant::now();
        let healthy = || exchange(node.address, b"GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        while !healthy().is_ok_and(|reply| reply.status == 200) {
            assert!(begin.elapsed() < Duration::from_secs(1), "{what}: it has not recovered");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    // The one that asks.
    let open = || node.call("GET", "/metrics").send().text().lines().any(|line| line == "letshang_http_connections 1");
    until("no connection is left", open);
    assert!(node.open_files() <= own + 16, "{} open files, {own} at the start", node.open_files());
}
