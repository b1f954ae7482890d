//! Clients that read late, little or never (W30).
use std::net::TcpStream;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use letshang::actors::downlink::{About, Downlink, MovedFriend};
use letshang::domain::{LatLon, Precision, Sight, UnixMs, UserId, UserNo};
use letshang::http::socket::{Outbox, OutboxLimits, ReaderLimits, SocketLimits, TcpOptions};
use letshang::protocol::close::CloseCode;
use letshang::spatial::world::Live;
use socket2::{Domain, Socket, Type};

use crate::raw_ws::*;
use crate::socket_server::{Setup, SocketServer, until};

/// A client with a small receive buffer, so that little of what it does not read is on its side.
fn reluctant(server: &SocketServer) -> RawClient {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.connect(&server.address.into()).unwrap();
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let (head, client) = request_over(stream, upgrade_request("/ws", "").as_bytes());
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    client
}

fn friend(no: u32, t: i64) -> MovedFriend {
    let position = LatLon::new(40.0 + f64::from(no) / 1000.0, -73.5).unwrap();
    let live = Live { position, t: UnixMs(t), accuracy: Some(5.0), speed: None, heading: None };
    MovedFriend {
        no: UserNo(no),
        user: UserId::parse(&format!("u{no}"), "user").unwrap(),
        live,
        precision: Precision::Exact,
    }
}

/// Moves forty friends until nothing more is taken from the outbox.
fn stall(outbox: &Outbox, friends: u32) -> i64 {
    let mut t = 0;
    let mut still = 0;
    while still < 50 {
        t += 1;
        let before = outbox.metrics().bytes_out.load(Ordering::SeqCst);
        outbox.moved(&(0..friends).map(|no| friend(no, t)).collect::<Vec<_>>());
        std::thread::sleep(Duration::from_millis(1));
        let after = outbox.metrics().bytes_out.load(Ordering::SeqCst);
        still = if after == before { still + 1 } else { 0 };
    }
    t
}

#[test]
fn after_a_stall_come_all_state_frames_in_order_and_the_newest_position_of_each_friend() {
    let server = SocketServer::start(Setup::default());
    let mut client = reluctant(&server);
    let outbox = server.outbox(0);
    let mut t = stall(&outbox, 40);
    let stale = outbox.metrics().bytes_out.load(Ordering::SeqCst);
    // A stall: states, acknowledgements and positions go on.
    for i in 0..200_u32 {
        outbox.state(format!("state {i}").into());
        outbox.ack(u64::from(i));
        t += 1;
        outbox.moved(&(0..40).map(|no| friend(no, t)).collect::<Vec<_>>());
    }
    outbox.crowd(vec![1].into());
    outbox.crowd(vec![2].into());
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(outbox.metrics().bytes_out.load(Ordering::SeqCst), stale, "the socket took more: nothing stalled");

    // What was in buffers comes first: positions that were fresh when the socket took them.
    let mut buffered = 0;
    let first_state = loop {
        match client.read() {
            Received::Text(text) if text.starts_with(r#"{"type":"moved""#) => buffered += text.len(),
            other => break other,
        }
    };
    println!("{buffered} bytes of older positions were in buffers, of {stale} the socket took");
    assert_eq!(first_state, Received::Text("state 0".into()));
    for i in 1..200 {
        assert_eq!(client.read(), Received::Text(format!("state {i}")));
    }
    assert_eq!(client.read(), Received::Text(r#"{"type":"ack","seq":199}"#.into()));
    let Received::Text(moved) = client.read() else { panic!("no moved frame") };
    assert_eq!(moved.matches(&format!(r#""t":{t},"#)).count(), 40, "each friend's newest: {moved}");
    assert_eq!(moved.matches(r#""user""#).count(), 40, "and no other");
    assert_eq!(client.read(), Received::Binary(vec![2]));
    assert_eq!(client.read_within(Duration::from_millis(100)), Received::Nothing);
    assert!(buffered < 400_000, "the kernel held {buffered} bytes");
}

#[test]
fn a_friend_that_is_forgotten_during_a_stall_is_not_shown_after_it() {
    let server = SocketServer::start(Setup::default());
    let mut client = reluctant(&server);
    let outbox = server.outbox(0);
    let t = stall(&outbox, 40) + 1;
    outbox.moved(&(0..40).map(|no| friend(no, t)).collect::<Vec<_>>());
    outbox.state("u7 is no friend any more".into());
    outbox.forget(UserNo(7));
    while client.read() != Received::Text("u7 is no friend any more".into()) {}
    let Received::Text(moved) = client.read() else { panic!("no moved frame") };
    assert_eq!((moved.matches(r#""user""#).count(), moved.contains(r#""u7""#)), (39, false), "{moved}");
}

#[test]
fn what_may_not_be_known_any_more_when_it_is_written_out_is_not_written_out() {
    let server = SocketServer::start(Setup::default());
    let mut client = reluctant(&server);
    let outbox = server.outbox(0);
    let t = stall(&outbox, 40) + 1;
    let about = |of: u32, needs, text: &str, otherwise: Option<&str>| {
        let otherwise = otherwise.map(Into::into);
        outbox.about(About { of: UserNo(of), needs, mutual: false, frame: text.into(), otherwise });
    };
    outbox.moved(&(0..40).map(|no| friend(no, t)).collect::<Vec<_>>());
    about(7, Sight::Presence, "u7 is free", None);
    about(7, Sight::Presence, "u7 left", Some("u7 fell silent"));
    about(8, Sight::Presence, "u8 is free", None);
    about(9, Sight::Exact, "u9 is 20 m away", None);
    server.gate.set(UserNo(7), Sight::Veiled);
    server.gate.set(UserNo(8), Sight::Nothing);
    server.gate.set(UserNo(9), Sight::Approximate);
    outbox.state("now".into());
    let mut texts = Vec::new();
    while texts.last().is_none_or(|text| text != "now") {
        match client.read() {
            Received::Text(text) if text.starts_with(r#"{"type":"moved""#) => {}
            Received::Text(text) => texts.push(text),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(texts, ["u7 fell silent", "now"]);
    let Received::Text(moved) = client.read() else { panic!("no moved frame") };
    assert_eq!(moved.matches(r#""user""#).count(), 37, "{moved}");
}

#[test]
fn w30_a_client_that_leaves_too_much_state_unread_is_closed_as_slow() {
    for (what, size) in [("257 frames", 10), ("64 KiB", 2000)] {
        let server = SocketServer::start(Setup::default());
        let mut client = reluctant(&server);
        let outbox = server.outbox(0);
        stall(&outbox, 40);
        let mut sent = 0;
        while !outbox.is_closing() {
            outbox.state("x".repeat(size).into());
            sent += 1;
            assert!(sent <= 257, "{what}: {sent}");
        }
        assert_eq!(sent, if size == 10 { 257 } else { 34 }, "{what}");
        let took = until("the session ended, though nothing was read", || server.closed() == 1);
        assert!(took < Duration::from_millis(200), "{took:?}");
        assert_eq!(client.read_close(), Some(4503), "{what}: told as soon as it reads");
        assert_eq!(server.metrics.closed_with(CloseCode::SLOW), 1);
        assert_eq!(server.metrics.slow.load(Ordering::SeqCst), 1);
    }
}

#[test]
fn the_kernel_cuts_a_client_that_takes_nothing_and_all_of_it_is_gone() {
    let tcp = TcpOptions { write_stall: Duration::from_secs(2), ..TcpOptions::default() };
    let server = SocketServer::start(Setup { tcp, ..Setup::default() });
    let mut client = reluctant(&server);
    let outbox = server.outbox(0);
    let start = Instant::now();
    stall(&outbox, 40);
    let stalled = start.elapsed();
    until("the session ended", || server.closed() == 1);
    let took = start.elapsed() - stalled;
    assert!((1500..4500).contains(&took.as_millis()), "cut {took:?} after the stall");
    until("the connection is gone", || server.open_connections() == 0);
    assert_eq!(std::sync::Arc::strong_count(&outbox), 2, "only the test and its log still hold the outbox");
    outbox.state("into the void".into());
    let frames = client.read_all();
    assert!(matches!(frames.last(), Some(Received::Broken(_) | Received::End)), "{:?}", frames.last());
}

#[test]
fn a_client_that_sends_and_does_not_read_is_still_read() {
    let server = SocketServer::start(Setup { echo: false, ..Setup::default() });
    let mut client = reluctant(&server);
    stall(&server.outbox(0), 40);
    for _ in 0..2000 {
        client.text("a fix");
    }
    until("all are read", || server.messages() == 2000);
    assert_eq!(server.closed(), 0);
}

#[test]
fn an_echo_under_back_pressure_loses_and_reorders_nothing() {
    let reader = ReaderLimits { frame_bytes: 100_000, ..ReaderLimits::default() };
    // With a slow clock, so that it is the outbox that says when there is room again, and not the next tick.
    let limits = SocketLimits { reader, tick: Duration::from_millis(1500), ..SocketLimits::default() };
    let outbox = OutboxLimits { frames: 16, bytes: 65_536 };
    let server = SocketServer::start(Setup { limits, outbox, ..Setup::default() });
    let mut client = reluctant(&server);
    let mut writer = client.stream.try_clone().unwrap();
    let text = |i: usize| format!("{i} {}", "x".repeat(i * 7919 % 20_000));
    let writing = std::thread::spawn(move || {
        for i in 0..1000 {
            std::io::Write::write_all(&mut writer, &frame(TEXT, text(i).as_bytes())).unwrap();
        }
    });
    std::thread::sleep(Duration::from_millis(700));
    assert!(server.messages() < 1000, "nothing waited: {}", server.messages());
    let start = Instant::now();
    for i in 0..1000 {
        assert_eq!(client.read(), Received::Text(text(i)));
    }
    assert!(start.elapsed() < Duration::from_secs(20), "it waits too long: {:?}", start.elapsed());
    writing.join().unwrap();
    assert_eq!(server.metrics.slow.load(Ordering::SeqCst), 0);
}

#[test]
fn a_large_state_frame_may_always_be_sent_alone() {
    let server = SocketServer::start(Setup::default());
    let mut client = RawClient::connect(server.address, "/ws");
    let welcome = "w".repeat(300_000);
    let outbox = server.outbox(0);
    outbox.state(welcome.clone().into());
    outbox.state("and the next".into());
    assert_eq!(client.read(), Received::Text(welcome));
    assert_eq!(client.read(), Received::Text("and the next".into()));
}

#[test]
fn one_slow_reader_does_not_slow_the_others() {
    let server = SocketServer::start(Setup::default());
    let slow = reluctant(&server);
    let outbox = server.outbox(0);
    stall(&outbox, 40);
    let mut quick = RawClient::connect(server.address, "/ws");
    let start = Instant::now();
    for i in 0..500 {
        outbox.moved(&[friend(i % 40, i64::from(i))]);
        quick.text("hello");
        assert_eq!(quick.read(), Received::Text("hello".into()));
    }
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    drop(slow);
}
