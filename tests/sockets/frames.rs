//! What came whole before a bad frame is answered; the bad frame gets its code.
use std::time::{Duration, Instant};

use letshang::http::socket::{ReaderLimits, SocketLimits};

use crate::raw_ws::*;
use crate::socket_server::{Setup, SocketServer, until};

/// Bad frames and their close codes (W1 to W4, W8, W9, W13, W15, W17, W19).
fn bad_frames() -> Vec<(&'static str, Vec<u8>, u16)> {
    let close = |code: u16, reason: &[u8]| frame(CLOSE, &close_payload(code, reason));
    let long_reason = [b'x'; 124];
    let mut table = vec![
        ("W1 reserved opcode 3", frame(0x83, b"x"), 1002),
        ("reserved opcode 7", frame(0x87, b""), 1002),
        ("reserved control opcode 11", frame(0x8B, b""), 1002),
        ("W2 unmasked", unmasked(TEXT, b"x"), 1002),
        ("unmasked ping", unmasked(PING, b""), 1002),
        ("W3 RSV1", frame(TEXT | 0x40, b"x"), 1002),
        ("RSV2", frame(TEXT | 0x20, b"x"), 1002),
        ("RSV3 on a ping", frame(PING | 0x10, b"x"), 1002),
        ("W4 not UTF-8", frame(TEXT, &[0xFF, 0xFE]), 1007),
        ("W8 top bit of the length", head(TEXT, 64, 1 << 63), 1002),
        ("W9 a byte too many", frame(TEXT, &[b'x'; 16_385]), 1009),
        ("W7 a head that announces 2^40 bytes", head(TEXT, 64, 1 << 40), 1009),
        ("W13 continuation of nothing", frame(LAST, b"x"), 1002),
        ("W13 a first fragment, then a new text", [frame(FIRST_TEXT, b"a"), frame(TEXT, b"b")].concat(), 1002),
        ("a first fragment, then a new first", [frame(FIRST_TEXT, b"a"), frame(FIRST_TEXT, b"b")].concat(), 1002),
        ("W15 ping of 126", frame(PING, &[0; 126]), 1002),
        ("ping of 126 whose length has not come", vec![PING, 0x80 | 126], 1002),
        ("W15 fragmented ping", frame(PING & 0x7F, b"x"), 1002),
        ("fragmented close", frame(CLOSE & 0x7F, b""), 1002),
        ("W17 close of one byte", frame(CLOSE, &[3]), 1002),
        ("W17 close whose reason is not UTF-8", close(1000, &[0xC0, 0xAF]), 1007),
        ("W17 close with a reason of 124 bytes", close(1000, &long_reason), 1002),
        ("W19 binary", frame(BINARY, b"x"), 1003),
        ("the first fragment of a binary", frame(FIRST_BINARY, b"x"), 1003),
    ];
    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535] {
        table.push(("W17 a close code that must not be sent", close(code, b""), 1002));
    }
    table
}

#[test]
fn fifty_good_messages_before_a_bad_frame_in_one_segment_are_all_answered() {
    let server = SocketServer::start(Setup::default());
    for (what, bad, code) in bad_frames() {
        let mut client = RawClient::connect(server.address, "/ws");
        let mut segment: Vec<u8> = (0..50).flat_map(|i| frame(TEXT, format!("good {i}").as_bytes())).collect();
        segment.extend(bad);
        segment.extend(frame(TEXT, b"too late"));
        client.send(&segment);
        for i in 0..50 {
            assert_eq!(client.read(), Received::Text(format!("good {i}")), "{what}");
        }
        match client.read() {
            Received::Close(got, reason) => assert_eq!((got, reason.is_empty()), (Some(code), false), "{what}"),
            other => panic!("{what}: {other:?}"),
        }
        let end = client.read();
        assert!(matches!(end, Received::End | Received::Broken(_)), "{what}: nothing follows the close, got {end:?}");
    }
    until("all sessions ended", || server.closed() == bad_frames().len());
}

#[test]
fn sixteen_kibibytes_exactly_are_accepted_however_they_are_cut() {
    let server = SocketServer::start(Setup::default());
    let mut client = RawClient::connect(server.address, "/ws");
    let text = "x".repeat(16_384);
    client.text(&text);
    assert_eq!(client.read(), Received::Text(text.clone()));

    let mut pieces = frame(FIRST_TEXT, &text.as_bytes()[..1000]);
    pieces.extend(text.as_bytes()[1000..16_000].chunks(500).flat_map(|part| frame(MIDDLE, part)));
    pieces.extend(frame(LAST, &text.as_bytes()[16_000..]));
    client.send(&pieces);
    assert_eq!(client.read(), Received::Text(text));
}

#[test]
fn w10_a_length_that_is_not_minimal_is_accepted() {
    let server = SocketServer::start(Setup::default());
    let mut client = RawClient::connect(server.address, "/ws");
    client.send(&frame_as(TEXT, 16, b"hello"));
    client.send(&frame_as(TEXT, 64, b"again"));
    assert_eq!(client.read(), Received::Text("hello".into()));
    assert_eq!(client.read(), Received::Text("again".into()));
}

#[test]
fn w11_fragments_that_sum_above_the_limit_are_too_big_on_the_head_that_says_so() {
    let server = SocketServer::start(Setup::default());
    let mut client = RawClient::connect(server.address, "/ws");
    client.send(&frame(FIRST_TEXT, &[b'x'; 1000]));
    for _ in 0..15 {
        client.send(&frame(MIDDLE, &[b'x'; 1000]));
    }
    // 16,000 so far; this head alone makes it too many.
    client.send(&head(MIDDLE, 16, 385));
    assert_eq!(client.read_close(), Some(1009));
}

#[test]
fn sixty_four_fragments_are_a_message_and_sixty_five_are_not() {
    let server = SocketServer::start(Setup::default());
    for (fragments, expected) in
        [(64, Received::Text("x".repeat(64))), (65, Received::Close(Some(1008), "too many fragments".into()))]
    {
        let mut client = RawClient::connect(server.address, "/ws");
        let mut bytes = frame(FIRST_TEXT, b"x");
        bytes.extend((0..fragments - 2).flat_map(|_| frame(MIDDLE, b"x")));
        bytes.extend(frame(LAST, b"x"));
        client.send(&bytes);
        assert_eq!(client.read(), expected);
    }
}

#[test]
fn w14_a_ping_inside_a_fragmented_message_is_answered_in_between() {
    let server = SocketServer::start(Setup::default());
    let mut client = RawClient::connect(server.address, "/ws");
    client.send(&frame(FIRST_TEXT, b"one "));
    client.send(&frame(PING, b"are you there"));
    assert_eq!(client.read(), Received::Pong(b"are you there".to_vec()));
    client.send(&frame(PONG, b"unasked"));
    client.send(&frame(MIDDLE, b""));
    client.send(&frame(LAST, b"message"));
    assert_eq!(client.read(), Received::Text("one message".into()));
}

#[test]
fn w15_a_ping_of_125_bytes_is_answered_with_its_payload() {
    let server = SocketServer::start(Setup::default());
    let mut client = RawClient::connect(server.address, "/ws");
    client.send(&frame(PING, &[7; 125]));
    assert_eq!(client.read(), Received::Pong(vec![7; 125]));
}

#[test]
fn empty_messages_are_messages() {
    let reader = ReaderLimits { binary_allowed: true, ..ReaderLimits::default() };
    let limits = SocketLimits { reader, ..Setup::default().limits };
    let server = SocketServer::start(Setup { limits, ..Setup::default() });
    let mut client = RawClient::connect(server.address, "/ws");
    client.send(&[frame(TEXT, b""), frame(BINARY, b""), frame(FIRST_TEXT, b""), frame(LAST, b"")].concat());
    let empty = [Received::Text(String::new()), Received::Binary(vec![]), Received::Text(String::new())];
    assert_eq!([client.read(), client.read(), client.read()], empty);
}

#[test]
fn every_length_around_the_borders_of_its_encodings_comes_back_the_same() {
    let reader = ReaderLimits { binary_allowed: true, frame_bytes: 200_000, fragments: 64 };
    let limits = SocketLimits { reader, ..Setup::default().limits };
    let outbox = letshang::http::socket::OutboxLimits { frames: 256, bytes: 1 << 20 };
    let server = SocketServer::start(Setup { limits, outbox, ..Setup::default() });
    let mut client = RawClient::connect(server.address, "/ws");
    for length in
        [1, 7, 8, 9, 124, 125, 126, 127, 128, 1023, 1024, 7_163, 7_164, 7_168, 8_192, 65_535, 65_536, 65_537, 200_000]
    {
        let payload: Vec<u8> = (0..length).map(|i: usize| (i * 31 % 251) as u8).collect();
        client.send(&frame(BINARY, &payload));
        assert_eq!(client.read(), Received::Binary(payload), "{length}");
    }
}

#[test]
fn w21_a_message_that_drips_is_closed_after_its_time_and_not_before() {
    let limits = SocketLimits { message: Duration::from_millis(600), ..Setup::default().limits };
    let server = SocketServer::start(Setup { limits, ..Setup::default() });
    // Inside a payload, inside a head, and between fragments with pings in the gaps.
    let payload = frame(TEXT, &[b'x'; 100]);
    let between: Vec<u8> = [frame(FIRST_TEXT, b"x"), (0..100).flat_map(|_| frame(PING, b"")).collect()].concat();
    for (what, bytes, step) in
        [("payload", &payload, 1), ("fragments", &between, 6), ("head", &payload[..1].to_vec(), 1)]
    {
        let mut client = RawClient::connect(server.address, "/ws");
        let start = Instant::now();
        let mut drops = bytes.chunks(step);
        client.stream.set_read_timeout(Some(Duration::from_millis(30))).unwrap();
        let closed = loop {
            if let Some(bytes) = drops.next() {
                client.send(bytes);
            }
            match client.read() {
                Received::Nothing | Received::Pong(_) => assert!(start.elapsed() < Duration::from_secs(5), "{what}"),
                other => break other,
            }
        };
        assert_eq!(closed, Received::Close(Some(1008), "a message took too long".into()), "{what}");
        let after = start.elapsed();
        assert!((600..1500).contains(&after.as_millis()), "{what}: after {after:?}");
    }
    // Many short messages, each whole in its time, may go on for as long as they like.
    let mut client = RawClient::connect(server.address, "/ws");
    for i in 0..40 {
        let bytes = frame(TEXT, format!("{i:02}").as_bytes());
        client.send(&bytes[..5]);
        std::thread::sleep(Duration::from_millis(30));
        client.send(&bytes[5..]);
        assert_eq!(client.read(), Received::Text(format!("{i:02}")));
    }
}

#[test]
fn answers_keep_their_order_while_the_session_makes_the_socket_wait() {
    let server = SocketServer::start(Setup::default());
    let mut client = RawClient::connect(server.address, "/ws");
    let start = Instant::now();
    client.send(&["one", "wait", "two", "three"].map(|text| frame(TEXT, text.as_bytes())).concat());
    assert_eq!([client.read(), client.read()], [Received::Text("one".into()), Received::Text("waited".into())]);
    let before = server.log.ticks.load(std::sync::atomic::Ordering::SeqCst);
    assert_eq!([client.read(), client.read()], [Received::Text("two".into()), Received::Text("three".into())]);
    assert!(start.elapsed() >= Duration::from_millis(490), "it did not wait: {:?}", start.elapsed());
    let ticks = server.log.ticks.load(std::sync::atomic::Ordering::SeqCst) - before;
    assert!(ticks >= 4, "ticks go on while nothing is read: {ticks}");
}
