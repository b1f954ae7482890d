//! Silence, pings and the clock (W16), with shortened limits.
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use letshang::http::socket::SocketLimits;
use letshang::protocol::close::CloseCode;

use crate::raw_ws::*;
use crate::socket_server::{Setup, SocketServer, until};

const MS: Duration = Duration::from_millis(1);

fn shortened() -> Setup {
    let limits = SocketLimits { ping_after: 250 * MS, idle: 600 * MS, ..Setup::default().limits };
    Setup { limits, ..Setup::default() }
}

#[test]
fn a_silent_client_is_pinged_and_then_closed_as_idle() {
    let server = SocketServer::start(shortened());
    let mut client = RawClient::connect(server.address, "/ws");
    let start = Instant::now();
    assert_eq!(client.read(), Received::Ping(vec![]));
    let pinged = start.elapsed();
    assert_eq!(client.read_close(), Some(4504));
    let closed = start.elapsed();
    assert!((200..450).contains(&pinged.as_millis()), "pinged after {pinged:?}");
    assert!((550..900).contains(&closed.as_millis()), "closed after {closed:?}");
    assert_eq!(server.metrics.closed_with(CloseCode::IDLE), 1);
}

#[test]
fn a_client_that_answers_pings_or_sends_anything_is_kept() {
    let server = SocketServer::start(shortened());
    let mut answering = RawClient::connect(server.address, "/ws");
    let mut speaking = RawClient::connect(server.address, "/ws");
    let start = Instant::now();
    speaking.stream.set_read_timeout(Some(100 * MS)).unwrap();
    answering.stream.set_read_timeout(Some(100 * MS)).unwrap();
    while start.elapsed() < 2000 * MS {
        speaking.text("hello");
        assert_eq!(speaking.read(), Received::Text("hello".into()), "never pinged");
        match answering.read() {
            Received::Ping(payload) => answering.send(&frame(PONG, &payload)),
            other => assert_eq!(other, Received::Nothing),
        }
    }
    assert_eq!(server.closed(), 0);
}

#[test]
fn w16_pings_are_answered_up_to_their_rate_and_a_flood_is_closed() {
    let limits = SocketLimits { tick: Duration::from_secs(1), ..SocketLimits::default() };
    let server = SocketServer::start(Setup { limits, ..Setup::default() });
    let mut client = RawClient::connect(server.address, "/ws");
    client.send(&(0..60).flat_map(|i| frame(PING, &[i])).collect::<Vec<_>>());
    for i in 0..20 {
        assert_eq!(client.read(), Received::Pong(vec![i]), "the burst");
    }
    assert_eq!(client.read_within(50 * MS), Received::Nothing, "more than the burst is not answered");
    client.text("still welcome");
    assert_eq!(client.read(), Received::Text("still welcome".into()));
    std::thread::sleep(1100 * MS);
    client.send(&(0..15).flat_map(|i| frame(PING, &[i])).collect::<Vec<_>>());
    let answered = std::iter::from_fn(|| match client.read_within(100 * MS) {
        Received::Pong(_) => Some(()),
        _ => None,
    });
    let answered = answered.count();
    assert!((9..=15).contains(&answered), "{answered} after a second");
    client.send(&(0..400).flat_map(|_| frame(PING, b"x")).collect::<Vec<_>>());
    assert_eq!(client.read_close(), Some(4429));
    assert_eq!(server.metrics.closed_with(CloseCode::FLOOD), 1);
}

#[test]
fn ticks_come_once_a_period_also_under_load() {
    let server = SocketServer::start(Setup { echo: false, ..Setup::default() });
    let address = server.address;
    let client = std::thread::spawn(move || {
        let mut client = RawClient::connect(address, "/ws");
        let burst: Vec<u8> = (0..500).flat_map(|_| frame(TEXT, b"a fix of some length, again and again")).collect();
        let start = Instant::now();
        while start.elapsed() < 2000 * MS {
            client.send(&burst);
        }
    });
    until("it is open", || server.log.opened.load(Ordering::SeqCst) == 1);
    let (before, start) = (server.log.ticks.load(Ordering::SeqCst), Instant::now());
    std::thread::sleep(1500 * MS);
    let ticks = server.log.ticks.load(Ordering::SeqCst) - before;
    let expected = start.elapsed().as_millis() as usize / 50;
    client.join().unwrap();
    assert!((expected / 2..=expected + 2).contains(&ticks), "{ticks} ticks where {expected} were due");
    assert!(server.messages() > 10_000, "it was not under load");
}

#[test]
fn frames_are_counted_in_and_out() {
    let server = SocketServer::start(Setup::default());
    let mut client = RawClient::connect(server.address, "/ws");
    for _ in 0..10 {
        client.text("hello");
        client.read();
    }
    until("they are counted", || server.metrics.frames_in.load(Ordering::SeqCst) == 10);
    assert_eq!(server.metrics.frames_out.load(Ordering::SeqCst), 10);
    assert_eq!(server.metrics.bytes_out.load(Ordering::SeqCst), 70);
    client.text("one more");
    client.read();
    drop(client);
    until("the session ended", || server.closed() == 1);
    assert_eq!(server.metrics.frames_in.load(Ordering::SeqCst), 11);
}
