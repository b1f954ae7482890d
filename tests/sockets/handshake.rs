//! Who is let in (W23, W24, W29).
use std::time::{Duration, Instant};

use crate::raw_ws::*;
use crate::socket_server::{Setup, SocketServer, until};

fn status(server: &SocketServer, bytes: &str) -> (u16, String) {
    let (head, _) = request(server.address, bytes.as_bytes());
    (head.split(' ').nth(1).unwrap().parse().unwrap(), head.to_ascii_lowercase())
}

#[test]
fn a_proper_handshake_is_answered_with_the_hash_of_its_key_and_no_more() {
    let server = SocketServer::start(Setup::default());
    let (code, head) = status(&server, &upgrade_request("/ws", "Sec-WebSocket-Extensions: permessage-deflate\r\n"));
    assert_eq!(code, 101);
    assert!(head.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="), "{head}");
    for absent in ["extensions", "protocol:", "content-type", "transfer-encoding", "content-length"] {
        assert!(!head.contains(absent), "{absent} in {head}");
    }
}

#[test]
fn w23_what_is_not_exactly_one_handshake_is_refused_and_no_session_is_made() {
    let server = SocketServer::start(Setup::default());
    let good = upgrade_request("/ws", "");
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let version = "Sec-WebSocket-Version: 13\r\n";
    let table = [
        ("no key", good.replace(key, ""), 400),
        ("a key of 15 bytes", good.replace("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25j"), 400),
        ("a key that is not base64", good.replace("dGhlIHNhbXBsZSBub25jZQ==", "!GhlIHNhbXBsZSBub25jZQ=="), 400),
        ("two keys", good.replace(key, &key.repeat(2)), 400),
        ("two versions", good.replace(version, &version.repeat(2)), 400),
        ("versions 13 and 8", good.replace(version, &format!("{version}Sec-WebSocket-Version: 8\r\n")), 400),
        ("no version", good.replace(version, ""), 400),
        ("version 12", good.replace("Version: 13", "Version: 12"), 426),
        ("version 8", good.replace("Version: 13", "Version: 8"), 426),
        ("HTTP/1.0", good.replace("HTTP/1.1", "HTTP/1.0"), 400),
        ("no upgrade", good.replace("Upgrade: websocket\r\n", ""), 400),
        ("upgrade to something else", good.replace("Upgrade: websocket", "Upgrade: h2c"), 400),
        ("no connection header", good.replace("Connection: Upgrade\r\n", ""), 400),
        ("a chunked body", good.replace("\r\n\r\n", "\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400),
        ("two hosts", good.replace("Host: localhost\r\n", "Host: a\r\nHost: b\r\n"), 400),
        ("POST", good.replace("GET", "POST").replace("\r\n\r\n", "\r\nContent-Length: 0\r\n\r\n"), 405),
    ];
    for (what, bytes, expected) in table {
        let (code, head) = status(&server, &bytes);
        assert_eq!(code, expected, "{what}: {head}");
        if code == 426 {
            assert!(head.contains("sec-websocket-version: 13"), "{head}");
        }
    }
    assert_eq!(server.log.opened.load(std::sync::atomic::Ordering::SeqCst), 0);
    assert_eq!(server.open_connections(), 0);
}

#[test]
fn w24_eight_kibibytes_of_subprotocols_are_ignored() {
    let server = SocketServer::start(Setup::default());
    let junk = format!("Sec-WebSocket-Protocol: {}\r\n", "a,".repeat(4096));
    let start = Instant::now();
    let (code, head) = status(&server, &upgrade_request("/ws", &junk));
    assert_eq!(code, 101);
    assert!(!head.contains("sec-websocket-protocol"));
    assert!(start.elapsed() < Duration::from_millis(500));
}

#[test]
fn w29_frames_that_come_with_the_handshake_are_read() {
    let server = SocketServer::start(Setup::default());
    let mut bytes = upgrade_request("/ws", "").into_bytes();
    bytes.extend(frame(TEXT, b"early"));
    bytes.extend(frame(TEXT, b"bird"));
    let (head, mut client) = request(server.address, &bytes);
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert_eq!([client.read(), client.read()], [Received::Text("early".into()), Received::Text("bird".into())]);
}

#[test]
fn a_client_that_leaves_before_the_answer_leaves_nothing_behind() {
    let server = SocketServer::start(Setup::default());
    for _ in 0..20 {
        let mut stream = std::net::TcpStream::connect(server.address).unwrap();
        std::io::Write::write_all(&mut stream, upgrade_request("/ws", "").as_bytes()).unwrap();
    }
    until("all are gone", || {
        server.open_connections() == 0 && server.closed() == server.log.opened.load(std::sync::atomic::Ordering::SeqCst)
    });
}
