//! Every close code of the protocol, provoked through a real socket.
use std::time::Duration;

use letshang::protocol::close::CloseCode;
use serde_json::json;

use crate::client::Client;
use crate::node::{Settings, TestNode};
use crate::raw_ws::{
    BINARY, CLOSE, FIRST_TEXT, RawClient, Received, TEXT, close_payload, frame, head, request, upgrade_request,
};

/// Ann's connection to a node with these settings.
fn ann(settings: Settings<'_>) -> (TestNode, Client) {
    let node = TestNode::with(settings);
    let [ann] = node.strangers(["ann"]);
    let client = node.connect(&ann);
    (node, client)
}

/// How the server closes after these bytes.
fn after(bytes: &[u8]) -> u16 {
    let (_node, mut ann) = ann(&[("limits.message", "\"100ms\"")]);
    ann.raw.send(bytes);
    ann.expect_close().0
}

/// How the server closes a connection that begins with these headers and this message.
fn first(settings: Settings<'_>, headers: &str, message: Option<&str>) -> u16 {
    let node = TestNode::with(settings);
    let (head, mut raw) = request(node.address, upgrade_request("/v1/ws", headers).as_bytes());
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    if let Some(message) = message {
        raw.text(message);
    }
    raw.read_close().unwrap()
}

fn replaced() -> u16 {
    let node = TestNode::start();
    let [ann] = node.strangers(["ann"]);
    let mut older = node.connect(&ann);
    let _newer = node.connect(&ann);
    older.expect_close().0
}

fn stopped() -> u16 {
    let (node, mut ann) = ann(&[]);
    let stopping = std::thread::spawn(move || drop(node));
    let code = ann.expect_close().0;
    stopping.join().unwrap();
    code
}

fn twenty_errors() -> u16 {
    let (_node, mut ann) = ann(&[]);
    for _ in 0..19 {
        ann.raw.text("{}");
    }
    for _ in 0..19 {
        assert_eq!(ann.next()["code"], "missing_field");
    }
    assert!(ann.heard().is_empty(), "19 are forgiven");
    ann.raw.text("{}");
    ann.expect_close().0
}

fn flooded() -> u16 {
    let (_node, mut ann) = ann(&[("limits.frames_per_second", "1"), ("limits.frame_burst", "10")]);
    let ping = frame(TEXT, br#"{"type":"ping"}"#);
    // Some of it is over the limits and gets an error; far over them is the end.
    ann.raw.send(&ping.repeat(300));
    let code = ann.expect_close().0;
    assert!(ann.held().iter().any(|frame| frame["code"] == "rate_limited"), "{:?}", ann.held());
    code
}

/// A client that asks and asks and takes no answer.
fn reads_nothing() -> u16 {
    let settings = [
        ("limits.frames_per_second", "1000000"),
        ("limits.frame_burst", "1000000"),
        ("limits.outbox_frames", "8"),
        ("limits.outbox_bytes", "4096"),
    ];
    let (node, mut ann) = ann(&settings);
    let ping = json!({"type": "ping", "id": "x".repeat(64)}).to_string();
    let many = frame(TEXT, ping.as_bytes()).repeat(1_000);
    ann.raw.stream.set_write_timeout(Some(Duration::from_secs(5))).unwrap();
    let slow = || node.node.sockets.closed_with(CloseCode::SLOW);
    for _ in 0..500 {
        use std::io::Write;
        if slow() > 0 || ann.raw.stream.write_all(&many).is_err() {
            break;
        }
    }
    crate::node::until("the server has given up", || slow() > 0);
    // What it had sent before, and then why it is over.
    loop {
        match ann.raw.read() {
            Received::Close(code, _) => return code.unwrap(),
            Received::Text(_) | Received::Ping(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

fn says_nothing() -> u16 {
    let (_node, mut ann) = ann(&[("limits.idle", "\"1s\"")]);
    // Pings are not answered.
    loop {
        match ann.raw.read() {
            Received::Close(code, _) => return code.unwrap(),
            Received::Ping(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// The index is held up and its mailbox full: nobody new can be shown their friends.
fn index_is_overrun() -> u16 {
    use std::sync::{Arc, Mutex, mpsc};

    use letshang::actors::downlink::{About, Downlink, FriendList, MovedFriend};
    use letshang::actors::spatial_index::{QueryTicks, WatchCrowd};
    use letshang::protocol::client::View;

    /// Takes the crowd's first frame only when it is let go.
    #[derive(Debug)]
    struct Stuck(Mutex<mpsc::Receiver<()>>);
    impl Downlink for Stuck {
        fn forget(&self, _: letshang::domain::UserNo) {}
        fn state(&self, _: bytestring::ByteString) {}
        fn about(&self, _: About) {}
        fn friends(&self, _: FriendList) {}
        fn moved(&self, _: &[MovedFriend]) {}
        fn ack(&self, _: u64) {}
        fn quiet(&self, _: bytestring::ByteString) {}
        fn crowd(&self, _: bytes::Bytes) {
            // Ends when the sender is dropped.
            let _ = self.0.lock().unwrap().recv();
        }
        fn close(&self, _: CloseCode, _: &str) {}
    }

    let node = TestNode::start();
    let people = node.strangers(["ann", "bob", "cem"]);
    let (let_go, stuck) = mpsc::channel();
    let view = View { bbox: [-1.0, -1.0, 1.0, 1.0], zoom: 1.0 };
    let way: Arc<dyn Downlink> = Arc::new(Stuck(Mutex::new(stuck)));
    node.node.index.try_send(WatchCrowd { conn: 0, view: Some((view, way)) }).unwrap();
    crate::node::until("the mailbox is full", || (0..100).any(|_| node.node.index.try_send(QueryTicks).is_err()));
    let enter = |person: &crate::client::Person| {
        let headers = format!("Authorization: Bearer {}\r\n", person.token);
        request(node.address, upgrade_request("/v1/ws", &headers).as_bytes()).1
    };
    // The mailbox keeps one place for each who holds its address: the first newcomer may still get that one.
    let _first = enter(&people[0]);
    let _second = enter(&people[1]);
    let code = enter(&people[2]).read_close().unwrap();
    drop(let_go);
    crate::node::until("the index is back", || node.node.index.try_send(QueryTicks).is_ok());
    node.connect(&people[2]);
    code
}

fn disk_is_full() -> u16 {
    let place = crate::binary::Place::new(&[]);
    let root = place.administrator("root");
    let program = place.serve();
    let mut client = program.connect(&root);
    program.limit_files(Some(0));
    client.say(&json!({"type": "availability", "free": true, "seq": 1}));
    client.expect_close().0
}

/// One test a code, and the list of all of them.
macro_rules! provoked {
    ($($name:ident: $code:ident => $how:expr;)*) => {
        $(#[test]
        fn $name() {
            let code: u16 = $how;
            assert_eq!(code, CloseCode::$code.0);
        })*
        const PROVOKED: &[CloseCode] = &[$(CloseCode::$code),*];
    };
}

provoked! {
    a_clients_goodbye_is_returned: NORMAL => after(&frame(CLOSE, &close_payload(1000, b"")));
    a_client_that_goes_away_hears_so_again: GOING_AWAY => after(&frame(CLOSE, &close_payload(1001, b"")));
    a_frame_against_the_protocol_ends_the_connection: PROTOCOL => after(&frame(0x83, b""));
    binary_is_not_understood: UNSUPPORTED => after(&frame(BINARY, b"\x01"));
    text_that_is_not_utf8_ends_the_connection: NOT_UTF8 => after(&frame(TEXT, b"{\xFF"));
    a_message_that_does_not_end_ends_the_connection: POLICY => after(&frame(FIRST_TEXT, b"{"));
    a_frame_over_the_limit_is_refused_on_its_head: TOO_BIG => after(&head(TEXT, 16, 16_385));
    a_node_that_stops_says_so: RESTARTING => stopped();
    a_node_that_is_overrun_turns_newcomers_away: AT_CAPACITY => index_is_overrun();
    twenty_errors_in_a_minute_are_too_many: TOO_MANY_ERRORS => twenty_errors();
    a_wrong_token_is_not_let_in: NOT_AUTHENTICATED => first(&[], "", Some(r#"{"type":"hello","token":"wrong"}"#));
    a_fix_before_hello_is_not_let_in: NOT_AUTHENTICATED => first(&[], "", Some(r#"{"type":"fix","lat":1,"lon":2,"t":3}"#));
    a_cookie_without_our_origin_is_not_let_in: ORIGIN => first(&[], "Cookie: letshang_session=x\r\n", None);
    who_does_not_say_hello_is_not_waited_for: NO_HELLO => first(&[("limits.hello", "\"200ms\"")], "", None);
    the_older_connection_of_a_device_makes_room: REPLACED => replaced();
    a_flood_ends_the_connection: FLOOD => flooded();
    who_reads_too_slowly_is_cut: SLOW => reads_nothing();
    who_says_nothing_at_all_is_cut: IDLE => says_nothing();
    nothing_is_promised_that_cannot_be_stored: CANNOT_STORE => disk_is_full();
}

/// What no client can provoke, and where it is tested instead.
const ELSEWHERE: &[(CloseCode, &str, &str)] = &[(
    CloseCode::INTERNAL,
    "our own code must panic for it",
    "tests/sockets/closing.rs: a_panic_costs_its_own_connection_and_no_other",
)];

#[test]
fn every_close_code_of_the_protocol_is_provoked() {
    for code in CloseCode::ALL {
        let elsewhere = ELSEWHERE.iter().any(|(known, ..)| *known == code);
        assert!(PROVOKED.contains(&code) || elsewhere, "{code:?} has no test");
    }
}

#[test]
fn a_client_may_come_back_by_itself_exactly_where_the_protocol_says_so() {
    for code in CloseCode::ALL {
        let person_must_act = (4400..4500).contains(&code.0);
        let comes_back = matches!(code.0, 1001 | 1011 | 1012 | 1013 | 4500..=4599);
        assert_eq!(code.may_reconnect(), comes_back, "{code:?}");
        assert!(!(person_must_act && comes_back));
    }
}

#[test]
fn what_was_valid_before_a_bad_frame_is_acknowledged_before_the_close() {
    let (_node, mut ann) = ann(&[]);
    let fix = |seq: i64| {
        let t = crate::node::NOON.0 + seq;
        frame(TEXT, json!({"type": "fix", "lat": 1, "lon": 2, "t": t, "seq": seq}).to_string().as_bytes())
    };
    let mut segment: Vec<u8> = (1..=50).flat_map(fix).collect();
    segment.extend(frame(0x83, b""));
    ann.raw.send(&segment);
    assert_eq!(ann.expect_close().0, 1002);
    let newest = ann.held().iter().filter(|frame| frame["type"] == "ack").filter_map(|ack| ack["seq"].as_u64()).max();
    assert_eq!(newest, Some(50), "{:?}", ann.held());
}

#[test]
fn beyond_the_connection_limit_newcomers_get_503_and_nobody_is_harmed() {
    let node = TestNode::with(&[("server.max_connections", "2")]);
    let [ann, bob, cem] = node.strangers(["ann", "bob", "cem"]);
    let (mut ann, mut bob) = (node.connect(&ann), node.connect(&bob));
    let headers = format!("Authorization: Bearer {}\r\n", cem.token);
    let enter = || request(node.address, upgrade_request("/v1/ws", &headers).as_bytes());
    let (head, _) = enter();
    assert!(head.starts_with("HTTP/1.1 503 ") && head.to_lowercase().contains("retry-after"), "{head}");
    ann.be_at(crate::client::SQUARE);
    bob.raw.send(&frame(CLOSE, &close_payload(1000, b"")));
    bob.expect_close();
    drop(bob);
    crate::node::until("there is room again", || enter().0.starts_with("HTTP/1.1 101 "));
}

#[test]
fn a_token_in_the_url_is_refused_and_a_wrong_bearer_is_401() {
    let node = TestNode::start();
    let [ann] = node.strangers(["ann"]);
    let status = |path: &str, headers: &str| {
        let (head, _): (String, RawClient) = request(node.address, upgrade_request(path, headers).as_bytes());
        head[9..12].to_owned()
    };
    assert_eq!(status(&format!("/v1/ws?token={}", ann.token), ""), "400");
    assert_eq!(status(&format!("/v1/ws?access_token={}", ann.token), ""), "400");
    assert_eq!(status("/v1/ws", "Authorization: Bearer wrong\r\n"), "401");
    assert_eq!(status("/v1/ws", "Authorization: Basic YW5uOmFubg==\r\n"), "401");
}
