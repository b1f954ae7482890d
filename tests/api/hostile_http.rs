//! Bad requests against the program: what each is answered, that it costs nothing, and that the next good one works
//! (security.md, H1 to H11).
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use letshang::http::routes::policies;
use serde_json::json;

use crate::binary::{Binary, Place};
use crate::client::Person;
use crate::http::{Call, exchange, read_reply};
use crate::node::TestNode;

/// What a row sends, and what may be answered.
struct Row {
    what: String,
    bytes: Vec<u8>,
    /// After the bytes, one of these at a time until the server answers.
    drip: &'static [u8],
    statuses: &'static [u16],
}

fn row(what: impl Into<String>, bytes: impl Into<Vec<u8>>, statuses: &'static [u16]) -> Row {
    Row { what: what.into(), bytes: bytes.into(), drip: b"", statuses }
}

fn dripping(what: &str, bytes: impl Into<Vec<u8>>, drip: &'static [u8], statuses: &'static [u16]) -> Row {
    Row { drip, ..row(what, bytes, statuses) }
}

struct Target {
    node: Binary,
    ann: Person,
}

impl Target {
    fn post(&self) -> Call {
        self.node.call("POST", "/v1/fixes").bearer(&self.ann.token).header("Content-Type", "application/json")
    }

    fn rows(&self) -> Vec<Row> {
        [self.bodies(), self.kinds(), Self::paths(), self.methods(), Self::hosts()].into_iter().flatten().collect()
    }

    /// H1 and H2.
    fn bodies(&self) -> Vec<Row> {
        let length = |length: &str| self.post().header("Content-Length", length);
        let chunked = self.post().header("Transfer-Encoding", "chunked");
        let chunk = [b"1000\r\n".as_slice(), &[b' '; 4_096], b"\r\n"].concat();
        vec![
            row("H1 a body that never comes", length("100").bytes(), &[408]),
            row("H1 a body that stalls", length("100").body("{").bytes(), &[408]),
            dripping("H1 a byte at a time", length("10000").bytes(), b" ", &[408]),
            dripping("H1 a chunk at a time", chunked.clone().bytes(), b"1\r\n \r\n", &[408]),
            row("H2 one byte too many", self.post().body(" ".repeat((1 << 20) + 1)).bytes(), &[413]),
            row("H2 a length too large", length("1048577").bytes(), &[413]),
            row("H2 chunks without end", [chunked.clone().bytes(), chunk.repeat(300)].concat(), &[413]),
            row("H2 a negative length", length("-1").bytes(), &[400]),
            row("H2 two lengths", length("1").header("Content-Length", "2").body("{}").bytes(), &[400]),
            row(
                "H2 a length and chunks",
                chunked.clone().header("Content-Length", "5").body("0\r\n\r\n").bytes(),
                &[400],
            ),
            row("H2 a length with a sign", length("+5").body("12345").bytes(), &[400]),
            row("H2 a chunk of odd size", chunked.body("xyz\r\n").bytes(), &[400]),
            row("H2 two encodings", self.post().header("Transfer-Encoding", "chunked, gzip").bytes(), &[400, 501]),
        ]
    }

    /// H3 and H4.
    fn kinds(&self) -> Vec<Row> {
        let encoded = |encoding: &str| self.post().header("Content-Encoding", encoding).body("\u{1f}x").bytes();
        let kind = |kind: &str| {
            let call = self.node.call("POST", "/v1/fixes").bearer(&self.ann.token);
            call.header("Content-Type", kind).body("{}").bytes()
        };
        let untold = self.node.call("POST", "/v1/fixes").bearer(&self.ann.token).body("{}").bytes();
        let bomb = self.post().header("Content-Encoding", "gzip").body(vec![0x1f; 4 << 20]).bytes();
        let two =
            self.post().header("Content-Encoding", "identity").header("Content-Encoding", "gzip").body("x").bytes();
        vec![
            row("H3 gzip", encoded("gzip"), &[415]),
            row("H3 foo", encoded("foo"), &[415]),
            row("H3 gzip twice", encoded("gzip, gzip"), &[415]),
            row("H3 two lines", two, &[415]),
            row("H3 a bomb", bomb, &[415]),
            row("H4 another kind", kind("text/plain"), &[415]),
            row("H4 a form", kind("application/x-www-form-urlencoded"), &[415]),
            row("H4 an empty kind", kind(""), &[415]),
            row("H4 no kind", untold, &[415]),
        ]
    }

    /// H5.
    fn paths() -> Vec<Row> {
        let long = format!("/{}", "a".repeat(70_000));
        let longer = format!("/{}", "a".repeat(200_000));
        let paths = [
            "/../../etc/passwd",
            "/%2e%2e%5c",
            "/..\\..\\",
            "/%00",
            "//",
            "//etc/passwd",
            "/static/../x",
            "/index.html/../../x",
            "/%2e%2e/%2e%2e/etc/passwd",
            "/\u{e9}",
            &long,
            &longer,
        ];
        let get = |path: &&str| {
            let shown: String = path.chars().take(30).collect();
            let bytes = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
            row(format!("H5 {shown}"), bytes, &[400, 404, 414, 431])
        };
        paths.iter().map(get).collect()
    }

    /// H6.
    fn methods(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        for policy in policies() {
            let path = policy.path.replace("{path:.*}", "").replace(['{', '}'], "");
            for method in ["HEAD", "OPTIONS", "TRACE", "PUT", "PATCH", "CONNECT", "BREW"] {
                let is_declared = policies()
                    .filter(|other| other.path == policy.path)
                    .any(|other| other.verb.methods().iter().any(|known| known.as_str() == method));
                if !is_declared {
                    let what = format!("H6 {method} {path}");
                    rows.push(row(what, self.node.call(method, &path).bytes(), &[405]));
                }
            }
        }
        rows
    }

    /// H7 and H8.
    fn hosts() -> Vec<Row> {
        vec![
            row("H7 no host", "GET /health HTTP/1.1\r\n\r\n", &[400]),
            row("H7 two hosts", "GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", &[400]),
            row("H7 a host with a port", "GET /health HTTP/1.1\r\nHost: a:8080\r\nConnection: close\r\n\r\n", &[200]),
            row("H7 another host", "GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", &[200]),
            row("H8 HTTP/0.9", "GET /\r\n\r\n", &[400]),
            row("H8 a greeting of TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".as_slice(), &[400]),
            row("H8 no HTTP at all", b"\x00\xff\xfe\r\n\r\n".as_slice(), &[400]),
            row("H8 a space before the colon", "GET /health HTTP/1.1\r\nHost : a\r\n\r\n", &[400]),
            row("H8 too many headers", many_headers(), &[400, 431]),
        ]
    }
}

fn many_headers() -> String {
    let lines: String = (0..500).map(|number| format!("X-{number}: y\r\n")).collect();
    format!("GET /health HTTP/1.1\r\nHost: a\r\n{lines}\r\n")
}

fn answer(target: &Target, row: &Row) -> (u16, String) {
    let mut stream = TcpStream::connect(target.node.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(15))).unwrap();
    let _ = stream.write_all(&row.bytes);
    let mut dripper = None;
    if !row.drip.is_empty() {
        let (mut stream, drip) = (stream.try_clone().unwrap(), row.drip);
        dripper = Some(std::thread::spawn(move || {
            for _ in 0..60 {
                if stream.write_all(drip).is_err() {
                    break;
                }
                std::thread::sleep(Duration::from_millis(50));
            }
        }));
    }
    let reply = read_reply(&mut stream).unwrap_or_else(|error| panic!("{}: no answer: {error}", row.what));
    if matches!(reply.status, 400 | 408 | 413 | 415) {
        // And the connection is over, whatever of the request is still on its way.
        let begin = Instant::now();
        while matches!(stream.read(&mut [0; 4_096]), Ok(1..)) {}
        assert!(begin.elapsed() < Duration::from_secs(3), "{}: the connection stays", row.what);
    }
    if let Some(dripper) = dripper {
        dripper.join().unwrap();
    }
    (reply.status, reply.text())
}

#[test]
fn h1_to_h8_bad_requests_are_refused_and_the_next_good_one_works() {
    let place = Place::new(&[("limits.body_idle", "\"400ms\""), ("limits.body_total", "\"1s\"")]);
    let root = place.administrator("root");
    let node = place.serve();
    let [ann] = node.people(&root, ["ann"], &[]);
    let mut target = Target { node, ann };
    target.node.call("GET", "/v1/me").bearer(&target.ann.token).ok();
    let before = target.node.rss_kib();
    let rows = target.rows();
    for row in &rows {
        let (status, text) = answer(&target, row);
        assert!(row.statuses.contains(&status), "{}: {status} {text:.200}, not {:?}", row.what, row.statuses);
        assert!(!text.contains("root:") && !text.contains("evil.example"), "{}: {text:.200}", row.what);
        assert!(target.node.is_alive(), "{}", row.what);
        let begin = Instant::now();
        let me = target.node.call("GET", "/v1/me").bearer(&target.ann.token).ok();
        assert_eq!(me["user"], "ann", "{}", row.what);
        assert!(begin.elapsed() < Duration::from_millis(500), "{}: the next one took {:?}", row.what, begin.elapsed());
    }
    let grown = target.node.rss_kib().saturating_sub(before);
    assert!(rows.len() > 200 && grown < 24 * 1_024, "{} rows, {grown} KiB more", rows.len());
    let log = target.node.log();
    assert!(!log.contains(&target.ann.token) && !log.contains("panicked"), "{log}");
}

#[test]
fn h8_a_hundred_requests_in_one_go_are_answered_in_order_and_who_waits_for_a_hundred_is_told_to_go_on() {
    let node = TestNode::start();
    let [ann] = node.strangers(["ann"]);
    let mut stream = TcpStream::connect(node.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let ask = |number: usize| {
        let last = if number == 99 { "Connection: close\r\n" } else { "" };
        let path = if number.is_multiple_of(2) { "/health" } else { "/v1/nothing" };
        format!("GET {path} HTTP/1.1\r\nHost: a\r\n{last}\r\n")
    };
    stream.write_all((0..100).map(ask).collect::<String>().as_bytes()).unwrap();
    let mut all = String::new();
    stream.read_to_string(&mut all).unwrap();
    let statuses: Vec<&str> = all.match_indices("HTTP/1.1 ").map(|(at, _)| &all[at + 9..at + 12]).collect();
    let expected: Vec<&str> =
        (0..100_usize).map(|number| if number.is_multiple_of(2) { "200" } else { "404" }).collect();
    assert_eq!(statuses, expected);

    let body = json!({"token": ann.token}).to_string();
    let head = node.call("POST", "/v1/session").header("Content-Type", "application/json");
    let head = head.header("Expect", "100-continue").header("Content-Length", &body.len().to_string());
    let mut stream = TcpStream::connect(node.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.write_all(&head.bytes()).unwrap();
    let mut go_on = [0; 25];
    stream.read_exact(&mut go_on).unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(body.as_bytes()).unwrap();
    assert_eq!(read_reply(&mut stream).unwrap().status, 200);
}

#[test]
fn h9_guessing_tokens_is_slow_and_teaches_nothing() {
    let node = TestNode::with(&[
        ("limits.exempt", "[]"),
        ("limits.new_connections_per_minute", "1000"),
        ("limits.wrong_credentials_per_minute", "100"),
    ]);
    let [ann] = node.strangers(["ann"]);
    let enter = |token: &str| node.call("POST", "/v1/session").json(&json!({"token": token})).send();
    let never = format!("lh_{}", "x".repeat(43));
    let mut almost = ann.token.clone();
    almost.pop();
    almost.push(if ann.token.ends_with('A') { 'B' } else { 'A' });
    let answers: Vec<_> = [never.as_str(), "", "x", "\0", "lh_\0", almost.as_str()].map(enter).into();
    for reply in &answers {
        assert_eq!((reply.status, &reply.body), (401, &answers[0].body));
    }
    assert_eq!(enter(&"x".repeat(10 << 20)).status, 413);
    for _ in answers.len()..100 {
        assert_eq!(enter(&never).status, 401);
    }
    let beyond = enter(&never);
    assert_eq!(beyond.status, 429);
    assert!(beyond.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
    assert_eq!(enter(&ann.token).status, 200, "the right one is let in all the same");
}

#[test]
fn h10_a_cookie_that_is_not_exactly_a_living_session_is_nobodys() {
    let node = TestNode::with(&[("dashboard.session", "\"1h\"")]);
    let other = TestNode::start();
    let ([ann], [theirs]) = (node.strangers(["ann"]), other.strangers(["ann"]));
    let cookie_of = |node: &TestNode, person: &Person| {
        let reply = node.call("POST", "/v1/session").json(&json!({"token": person.token})).send();
        reply.header("set-cookie").unwrap().split(';').next().unwrap().to_owned()
    };
    let (good, foreign) = (cookie_of(&node, &ann), cookie_of(&other, &theirs));
    let status = |cookie: &str| node.call("GET", "/v1/me").header("Cookie", cookie).send().status;
    let altered = format!("{}{}", &good[..good.len() - 1], if good.ends_with('A') { 'B' } else { 'A' });
    let rows = [
        ("of another node", foreign.clone()),
        ("altered", altered),
        ("cut off", good[..good.len() - 1].to_owned()),
        ("with more behind it", format!("{good}A")),
        ("two", format!("{good}; {foreign}")),
        ("a token of the same person", format!("letshang_session={}", ann.token)),
        ("in other letters", good.replace("letshang_session", "LetsHang_Session")),
        ("empty", "letshang_session=".to_owned()),
        ("in quotes", format!("letshang_session=\"{}\"", good.split_once('=').unwrap().1)),
    ];
    for (what, cookie) in rows {
        assert_eq!(status(&cookie), 401, "{what}");
        assert_eq!(status(&good), 200, "after one {what}");
    }
    node.clock.advance(3_600_000 - 1);
    assert_eq!(status(&good), 200);
    node.clock.advance(1_001);
    assert_eq!(status(&good), 401, "over since a second");
}

#[test]
fn h11_another_page_changes_nothing_with_this_browsers_session() {
    let node = TestNode::start();
    let [ann] = node.strangers(["ann"]);
    let signed_in = node.call("POST", "/v1/session").json(&json!({"token": ann.token})).send();
    let cookie = signed_in.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let own = format!("http://{}", node.address);
    for (what, headers, status) in [
        ("our page", vec![("Origin", own.as_str()), ("Sec-Fetch-Site", "same-origin")], 200),
        ("our page in an old browser", vec![("Origin", own.as_str())], 200),
        ("another origin", vec![("Origin", "https://evil.example"), ("Sec-Fetch-Site", "cross-site")], 403),
        ("another origin in an old browser", vec![("Origin", "https://evil.example")], 403),
        ("our origin, made up", vec![("Origin", own.as_str()), ("Sec-Fetch-Site", "cross-site")], 403),
        ("a sandbox", vec![("Origin", "null"), ("Sec-Fetch-Site", "cross-site")], 403),
        ("no origin", vec![], 403),
    ] {
        let mut call = node.call("PUT", "/v1/me/availability").json(&json!({"free": true})).header("Cookie", &cookie);
        for (name, value) in headers {
            call = call.header(name, value);
        }
        assert_eq!(call.send().status, status, "{what}");
        assert_eq!(node.call_as(&ann, "GET", "/v1/me").ok()["free"], true, "{what}");
    }
    let health = exchange(node.address, b"GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
    assert_eq!(health.status, 200);
}
