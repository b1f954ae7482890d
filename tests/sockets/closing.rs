//! How a connection ends (W18, W20), and that its session hears of it once.
use std::net::Shutdown;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use letshang::actors::downlink::Downlink;
use letshang::protocol::close::CloseCode;
use socket2::SockRef;

use crate::raw_ws::*;
use crate::socket_server::{Setup, SocketServer, until};

const SOON: Duration = Duration::from_secs(1);

#[test]
fn w18_a_close_is_echoed_and_what_follows_it_is_ignored() {
    let server = SocketServer::start(Setup::default());
    for (sent, expected) in [
        (close_payload(1000, b""), Some(1000)),
        (close_payload(1000, b"that was all"), Some(1000)),
        (close_payload(1001, b""), Some(1001)),
        (close_payload(3000, b""), Some(3000)),
        (close_payload(4999, &[b'x'; 123]), Some(4999)),
        (vec![], None),
    ] {
        let mut client = RawClient::connect(server.address, "/ws");
        client.send(
            &[frame(TEXT, b"last words"), frame(CLOSE, &sent), frame(TEXT, b"too late"), frame(0x83, b"")].concat(),
        );
        assert_eq!(client.read(), Received::Text("last words".into()));
        assert_eq!(client.read(), Received::Close(expected, String::new()));
        let start = Instant::now();
        assert_eq!(client.read(), Received::End);
        assert!(start.elapsed() < SOON, "the server hangs up first: {:?}", start.elapsed());
    }
    until("all sessions ended", || server.closed() == 6 && server.open_connections() == 0);
    assert_eq!(server.messages(), 6);
    assert_eq!(server.metrics.closed_by_client.load(Ordering::SeqCst), 6);
}

#[test]
fn our_close_comes_after_everything_queued_and_ends_the_session_at_once() {
    let server = SocketServer::start(Setup::default());
    let mut client = RawClient::connect(server.address, "/ws");
    let outbox = server.outbox(0);
    for i in 0..200 {
        outbox.state(format!("{i}").into());
    }
    outbox.ack(7);
    outbox.close(CloseCode::NOT_AUTHENTICATED, "token revoked");
    outbox.state("too late".into());
    outbox.close(CloseCode::IDLE, "a second close");
    until("the session ended, though the client says nothing", || server.closed() == 1);
    client.text("ignored");
    let mut expected: Vec<_> = (0..200).map(|i| Received::Text(i.to_string())).collect();
    expected.push(Received::Text(r#"{"type":"ack","seq":7}"#.into()));
    expected.push(Received::Close(Some(4401), "token revoked".into()));
    for (i, expected) in expected.into_iter().enumerate() {
        assert_eq!(client.read(), expected, "frame {i}");
    }
    client.send(&frame(CLOSE, &close_payload(4401, b"")));
    let start = Instant::now();
    assert_eq!(client.read(), Received::End);
    assert!(start.elapsed() < SOON);
    assert_eq!((server.messages(), server.closed()), (0, 1));
    assert_eq!(server.metrics.closed_with(CloseCode::NOT_AUTHENTICATED), 1);
}

#[test]
fn a_client_that_does_not_answer_our_close_is_cut_within_two_seconds() {
    let server = SocketServer::start(Setup::default());
    let mut client = RawClient::connect(server.address, "/ws");
    let start = Instant::now();
    server.outbox(0).close(CloseCode::RESTARTING, "");
    assert_eq!(client.read_close(), Some(1012));
    assert_eq!(client.read(), Received::End);
    let took = start.elapsed();
    assert!((1000..2000).contains(&took.as_millis()), "{took:?}");
    until("nothing is left", || server.open_connections() == 0);
}

#[test]
fn a_session_can_close_its_own_connection_and_hears_no_message_after() {
    let server = SocketServer::start(Setup::default());
    let mut client = RawClient::connect(server.address, "/ws");
    client.send(&["before", "leave", "after"].map(|text| frame(TEXT, text.as_bytes())).concat());
    assert_eq!(client.read(), Received::Text("before".into()));
    assert_eq!(client.read(), Received::Close(Some(4409), "as asked".into()));
    assert_eq!(server.messages(), 2);
}

#[test]
fn a_long_reason_is_cut_between_characters_to_fit_a_control_frame() {
    let server = SocketServer::start(Setup::default());
    let mut client = RawClient::connect(server.address, "/ws");
    server.outbox(0).close(CloseCode::POLICY, &"é".repeat(100));
    assert_eq!(client.read(), Received::Close(Some(1008), "é".repeat(61)));
}

#[test]
fn w20_a_client_that_vanishes_ends_its_session_within_a_second() {
    type Leave = (&'static str, fn(&mut RawClient));
    let ways: [Leave; 4] = [
        ("FIN", |client| client.stream.shutdown(Shutdown::Both).unwrap()),
        ("half-close", |client| client.stream.shutdown(Shutdown::Write).unwrap()),
        ("half-close after three bytes of a frame", |client| {
            client.send(&frame(TEXT, b"hello")[..3]);
            client.stream.shutdown(Shutdown::Write).unwrap();
        }),
        ("RST", |client| SockRef::from(&client.stream).set_linger(Some(Duration::ZERO)).unwrap()),
    ];
    let server = SocketServer::start(Setup::default());
    for (n, (what, leave)) in ways.into_iter().enumerate() {
        let mut client = RawClient::connect(server.address, "/ws");
        client.text("hello");
        assert_eq!(client.read(), Received::Text("hello".into()));
        leave(&mut client);
        let keep = (what != "RST").then_some(client);
        let took = until(what, || server.closed() == n + 1);
        assert!(took < SOON, "{what}: {took:?}");
        let took = until(what, || server.open_connections() == 0);
        assert!(took < SOON, "{what}: the connection was open for {took:?} more");
        drop(keep);
    }
    assert_eq!(server.metrics.gone.load(Ordering::SeqCst), 4);
}

#[test]
fn what_came_before_a_fin_is_still_read() {
    let server = SocketServer::start(Setup { echo: false, ..Setup::default() });
    let mut client = RawClient::connect(server.address, "/ws");
    client.send(&(0..500).flat_map(|_| frame(TEXT, b"fix")).collect::<Vec<_>>());
    drop(client);
    until("the session ended", || server.closed() == 1);
    assert_eq!(server.messages(), 500);
}

#[test]
fn a_client_that_stops_speaking_still_hears_the_answers_and_the_close_code() {
    let server = SocketServer::start(Setup::default());
    let mut client = RawClient::connect(server.address, "/ws");
    let mut bytes: Vec<u8> = (0..50).flat_map(|i| frame(TEXT, format!("{i}").as_bytes())).collect();
    bytes.extend(frame(0x83, b""));
    client.send(&bytes);
    client.stream.shutdown(Shutdown::Write).unwrap();
    let mut expected: Vec<_> = (0..50).map(|i| Received::Text(i.to_string())).collect();
    expected.push(Received::Close(Some(1002), "reserved opcode".into()));
    expected.push(Received::End);
    assert_eq!(client.read_all(), expected);
}

#[test]
fn a_client_that_vanishes_while_output_is_pending_ends_its_session_within_a_second() {
    let server = SocketServer::start(Setup { echo: false, ..Setup::default() });
    for (n, reset) in [false, true].into_iter().enumerate() {
        let client = RawClient::connect(server.address, "/ws");
        SockRef::from(&client.stream).set_recv_buffer_size(4096).unwrap();
        let outbox = server.outbox(n);
        // More than every buffer on the way: the rest waits in the outbox.
        while outbox.has_room() {
            outbox.state("x".repeat(2048).into());
            std::thread::sleep(Duration::from_micros(200));
        }
        if reset {
            SockRef::from(&client.stream).set_linger(Some(Duration::ZERO)).unwrap();
            drop(client);
        } else {
            client.stream.shutdown(Shutdown::Write).unwrap();
            let took = until("the session ended", || server.closed() == n + 1);
            assert!(took < SOON, "{took:?}");
            continue;
        }
        let took = until("the session ended", || server.closed() == n + 1);
        assert!(took < SOON, "{took:?}");
    }
}

#[test]
fn a_panic_costs_its_own_connection_and_no_other() {
    let server = SocketServer::start(Setup::default());
    let mut bystander = RawClient::connect(server.address, "/ws");
    bystander.text("here");
    assert_eq!(bystander.read(), Received::Text("here".into()));
    let mut client = RawClient::connect(server.address, "/ws");
    client.text("panic");
    assert_eq!(client.read_close(), Some(1011));
    until("the session that panicked ended", || server.closed() == 1);
    assert_eq!(server.metrics.panics.load(Ordering::SeqCst), 1);
    bystander.text("still here");
    assert_eq!(bystander.read(), Received::Text("still here".into()));
}

#[test]
fn a_server_that_stops_ends_its_sessions() {
    let server = SocketServer::start(Setup::default());
    let clients: Vec<_> = (0..5).map(|_| RawClient::connect(server.address, "/ws")).collect();
    let log = std::sync::Arc::clone(&server.log);
    until("all are open", || log.opened.load(Ordering::SeqCst) == 5);
    drop(server);
    until("all are closed", || log.closed.load(Ordering::SeqCst) == 5);
    drop(clients);
}
