//! WebSocket frames that are wrong, each after fifty good fixes in the same segment: those are acknowledged, whatever comes
//! of the bad frame. The frame reader alone is tested in `tests/sockets`.
use std::io::Write;
use std::time::{Duration, Instant};

use letshang::domain::Clock;
use serde_json::json;

use super::{Target, answers};
use crate::client::{Client, SQUARE};
use crate::node::until;
use crate::raw_ws::{
    BINARY, CLOSE, FIRST_BINARY, FIRST_TEXT, LAST, MIDDLE, PING, Received, TEXT, close_payload, frame, frame_as, head,
    unmasked,
};

const GOOD: u64 = 50;

/// Row, bytes, the close code or `None` when the connection stays, and why.
type Row = (&'static str, Vec<u8>, Option<u16>, &'static str);

fn rows() -> Vec<Row> {
    let ping = br#"{"type":"ping"}"#;
    let close = |code: u16, reason: &[u8]| frame(CLOSE, &close_payload(code, reason));
    let split = [frame(FIRST_TEXT, b"{\"type\":\"ping\",\"id\":\"\xC3"), frame(LAST, b"\xA9\"}")].concat();
    let parts = |n: usize| {
        let middle = frame(MIDDLE, b" ").repeat(n - 2);
        [frame(FIRST_TEXT, b"{\"type\":"), middle, frame(LAST, b"\"ping\"}")].concat()
    };
    let inside = [frame(FIRST_TEXT, b"{\"type\":"), frame(PING, b"?"), frame(LAST, b"\"ping\"}")].concat();
    let mut padded = ping.to_vec();
    padded.resize(16_384, b' ');
    let mut rows: Vec<Row> = vec![
        ("W1", frame(0x83, b"x"), Some(1002), "opcode 3 means nothing yet"),
        ("W2", unmasked(TEXT, ping), Some(1002), "a client masks"),
        ("W3", frame(TEXT | 0x40, ping), Some(1002), "compression was not agreed"),
        ("W4", frame(TEXT, b"\xFF\xFE"), Some(1007), "not UTF-8"),
        ("W5", split, None, "a character may be cut by fragments"),
        ("W6", frame(TEXT, b"{\xED\xA0\x80}"), Some(1007), "half a surrogate pair"),
        ("W6", frame(TEXT, b"{\xC0\xAF}"), Some(1007), "an overlong form"),
        ("W6", frame(TEXT, b"{\xF4\x90\x80\x80}"), Some(1007), "beyond Unicode"),
        ("W7", head(TEXT, 64, 1 << 40), Some(1009), "judged by its head"),
        ("W8", head(TEXT, 64, 1 << 63), Some(1002), "no length has the top bit"),
        ("W9", frame(TEXT, &padded), None, "16 KiB exactly"),
        ("W9", frame(TEXT, &[b' '; 16_385]), Some(1009), "and one byte more"),
        ("W10", frame_as(TEXT, 64, ping), None, "a length may be longer than it must"),
        ("W11", frame(FIRST_TEXT, &[b' '; 9_000]).repeat(1), Some(1008), "a message that does not end in time"),
        (
            "W11",
            [frame(FIRST_TEXT, &[b' '; 9_000]), frame(LAST, &[b' '; 9_000])].concat(),
            Some(1009),
            "in sum too big",
        ),
        ("W12", parts(64), None, "64 fragments"),
        ("W12", parts(65), Some(1008), "65 are too many"),
        ("W12", [frame(FIRST_TEXT, b""), frame(MIDDLE, b"").repeat(10_000)].concat(), Some(1008), "empty ones too"),
        ("W13", frame(LAST, b"x"), Some(1002), "it continues nothing"),
        ("W13", [frame(FIRST_TEXT, b"{"), frame(TEXT, ping)].concat(), Some(1002), "a message inside a message"),
        ("W14", inside, None, "a ping may come inside a message"),
        ("W15", frame(PING, &[0; 125]), None, "as long as a ping may be"),
        ("W15", frame(PING, &[0; 126]), Some(1002), "longer"),
        ("W15", frame(PING & 0x7F, b""), Some(1002), "a ping is not cut in pieces"),
        ("W17", frame(CLOSE, b"\x03"), Some(1002), "half a code"),
        ("W17", close(1000, &[0xC0, 0xAF]), Some(1007), "a reason is text"),
        ("W17", close(1000, &[b'x'; 124]), Some(1002), "a control frame is 125 bytes at most"),
        ("W19", frame(BINARY, b"\x01\x02"), Some(1003), "binary is not understood"),
        ("W19", frame(FIRST_BINARY, b"\x01"), Some(1003), "nor is its beginning"),
    ];
    for code in [0, 999, 1004, 1005, 1006, 1015, 5000] {
        rows.push(("W17", close(code, b""), Some(1002), "a code that is not sent"));
    }
    rows
}

/// Fifty fixes, numbered on from what the server knows; the last number.
fn good(client: &mut Client) -> (Vec<u8>, u64) {
    let now = Clock::System.now().0;
    let (mut bytes, mut last) = (Vec::new(), 0);
    for _ in 0..GOOD {
        last = client.fresh_seq();
        let fix = json!({"type": "fix", "lat": SQUARE.0, "lon": SQUARE.1, "t": now, "seq": last});
        bytes.extend(frame(TEXT, fix.to_string().as_bytes()));
    }
    (bytes, last)
}

#[test]
fn fifty_fixes_before_a_bad_frame_are_acknowledged_and_the_frame_gets_its_code() {
    let mut target = Target::start();
    target.run(
        &rows(),
        |(no, _, _, why)| format!("{no} {why}"),
        |target, (no, bytes, code, why)| {
            let what = format!("{no} ({why})");
            let mut ann = target.connect();
            let (mut segment, last) = good(&mut ann);
            segment.extend(bytes);
            ann.raw.send(&segment);
            let Some(code) = code else {
                while ann.expect("ack")["seq"] != last {}
                assert!(answers(&mut ann, &what).iter().all(|frame| frame["type"] != "error"), "{what}");
                return;
            };
            assert_eq!(ann.expect_close().0, *code, "{what}");
            let acked = ann.held().iter().filter(|frame| frame["type"] == "ack").filter_map(|ack| ack["seq"].as_u64());
            assert_eq!(acked.max(), Some(last), "{what}: {:?}", ann.held());
            answers(&mut target.connect(), &what);
        },
    );
}

#[test]
fn w7_a_frame_that_announces_a_terabyte_costs_no_memory_however_much_of_it_comes() {
    let target = Target::start();
    let mut warm = target.connect();
    let attack = |device: i32| {
        let device = format!("device {device}");
        let mut eve = Client::hello(target.program.address, &Clock::System, &target.root.token, &device);
        eve.raw.send(&head(TEXT, 64, 1 << 40));
        eve.raw.stream.set_write_timeout(Some(Duration::from_secs(2))).unwrap();
        let (megabyte, begin) = (vec![b'x'; 1 << 20], Instant::now());
        while eve.raw.stream.write_all(&megabyte).is_ok() {
            assert!(begin.elapsed() < Duration::from_secs(5), "the server must hang up");
        }
    };
    // The first ones make the allocator take what a burst of reading needs, and it keeps that. What is never given back
    // would grow with every batch.
    let growth = || {
        let before = target.program.rss_kib();
        (0..12).for_each(attack);
        target.program.rss_kib().saturating_sub(before)
    };
    let batches: Vec<u64> = (0..6).map(|_| growth()).collect();
    assert!(batches.iter().any(|grown| *grown < 1_024), "KiB for each twelve: {batches:?}");
    assert!(batches.iter().sum::<u64>() < 32 * 1_024, "KiB for each twelve: {batches:?}");
    answers(&mut warm, "after it");
}

#[test]
fn w18_what_follows_a_close_is_not_read() {
    let target = Target::start();
    let mut ann = target.connect();
    let before = ann.welcome["last_seq"].as_u64().unwrap();
    let (fixes, _) = good(&mut ann);
    ann.raw.send(&[frame(CLOSE, &close_payload(1000, b"bye")), fixes].concat());
    assert_eq!(ann.expect_close().0, 1000);
    assert_eq!(target.connect().welcome["last_seq"], before);
}

#[test]
fn w20_however_a_connection_breaks_what_was_said_stays_and_friends_hear_after_the_grace_only() {
    let node = crate::node::TestNode::with(&[("presence.linger", "\"600ms\"")]);
    let [ann, bob] = node.friends(["ann", "bob"]);
    let mut watcher = node.connect(&bob);
    for how in ["FIN", "RST", "half a head"] {
        let mut phone = node.connect(&ann);
        assert_eq!(watcher.expect("presence")["online"], true, "{how}");
        phone.be_at(SQUARE);
        let last = phone.welcome["last_seq"].as_u64().unwrap() + 1;
        match how {
            "RST" => socket2::SockRef::from(&phone.raw.stream).set_linger(Some(Duration::ZERO)).unwrap(),
            "half a head" => phone.raw.send(&frame(TEXT, b"{}")[..3]),
            _ => {}
        }
        let open = || node.node.sockets.open.load(std::sync::atomic::Ordering::Relaxed);
        assert_eq!(open(), 2, "{how}");
        drop(phone);
        let gone = std::time::Instant::now();
        until("the session ends", || open() == 1);
        assert!(gone.elapsed() < Duration::from_secs(1), "{how}: {:?}", gone.elapsed());
        assert_eq!(watcher.expect("presence")["online"], false, "{how}");
        assert!(gone.elapsed() >= Duration::from_millis(550), "{how}: not before the grace has passed");
        let again = node.connect(&ann);
        assert_eq!(again.welcome["last_seq"], last, "{how}");
        watcher.expect("presence");
        drop(again);
        assert_eq!(watcher.expect("presence")["online"], false);
    }
}

#[test]
fn w24_w29_frames_right_behind_a_handshake_full_of_junk_are_read() {
    let target = Target::start();
    let headers = format!(
        "Authorization: Bearer {}\r\nSec-WebSocket-Protocol: {}\r\nSec-WebSocket-Extensions: permessage-deflate\r\n",
        target.ann.token,
        "x,".repeat(4_000)
    );
    let mut bytes = crate::raw_ws::upgrade_request("/v1/ws", &headers).into_bytes();
    bytes.extend(frame(TEXT, br#"{"type":"ping","id":"early"}"#));
    let (head, mut client) = crate::raw_ws::request(target.program.address, &bytes);
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert!(!head.to_lowercase().contains("sec-websocket-protocol"), "{head}");
    assert!(!head.to_lowercase().contains("extensions"), "{head}");
    let mut heard = [client.read(), client.read()].map(|frame| match frame {
        Received::Text(text) => text,
        other => panic!("{other:?}"),
    });
    heard.sort();
    assert!(heard[0].contains(r#""type":"pong","id":"early""#) && heard[1].contains("welcome"), "{heard:?}");
}

#[test]
fn r9_whoever_sends_and_never_reads_has_all_of_it_stored() {
    let target = Target::start();
    let mut ann = target.connect();
    let mut last = 0;
    for _ in 0..20 {
        let (fixes, seq) = good(&mut ann);
        ann.raw.send(&fixes);
        last = seq;
    }
    // Nothing is read here, ever. How far it has come is to be seen from outside.
    until("all is decided", || {
        let metrics = target.program.call("GET", "/metrics").send().text();
        metrics.lines().any(|line| line == format!("letshang_fixes_total {last}"))
    });
    assert_eq!(target.connect().welcome["last_seq"], last);
}
