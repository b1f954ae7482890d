//! A proxy in front of the node: whom it speaks for, and when it is believed.
use std::net::SocketAddr;
use std::sync::{Arc, mpsc};

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpRequest, HttpServer, web};
use letshang::http::peer::{Peer, own_origin};
use letshang::http::state::Node;
use serde_json::json;

use crate::authority::Between;
use crate::client::{Client, SQUARE};
use crate::http::call;
use crate::node::TestNode;

/// What Caddy and nginx add to a request that came by TLS from 198.51.100.7.
const ADDED: &str = "X-Forwarded-For: 198.51.100.7\r\nX-Forwarded-Proto: https\r\n";

fn trusting() -> TestNode {
    TestNode::with(&[("server.trusted_proxies", "[\"127.0.0.1\"]")])
}

fn hsts(reply: &crate::http::Reply) -> bool {
    reply.header("strict-transport-security").is_some()
}

#[test]
fn a_trusted_proxy_says_that_the_client_came_by_tls() {
    let node = trusting();
    let proxy = Between::proxy(node.address, ADDED);
    assert!(hsts(&call(proxy.address, "GET", "/health").send()));
    // Whoever comes past the proxy came in the clear.
    assert!(!hsts(&node.call("GET", "/health").send()));
    let plain = Between::proxy(node.address, "X-Forwarded-For: 198.51.100.7\r\nX-Forwarded-Proto: http\r\n");
    assert!(!hsts(&call(plain.address, "GET", "/health").send()));
}

#[test]
fn nobody_else_is_believed() {
    let node = TestNode::with(&[("server.trusted_proxies", "[\"10.0.0.0/8\"]")]);
    let proxy = Between::proxy(node.address, ADDED);
    assert!(!hsts(&call(proxy.address, "GET", "/health").send()));
    let reply = node.call("GET", "/health").header("X-Forwarded-Proto", "https").send();
    assert!(!hsts(&reply));
}

#[test]
fn a_websocket_passes_a_proxy() {
    let node = trusting();
    let [ann] = node.strangers(["ann"]);
    let proxy = Between::proxy(node.address, ADDED);
    let mut client = Client::connect(proxy.address, &node.clock, &ann.token);
    client.be_free(true);
    client.be_at(SQUARE);
    client.say(&json!({"type": "ping", "id": "through"}));
    assert_eq!(client.expect("pong")["id"], "through");
}

/// Tells every caller what the node would think of them: address, security, own origin.
struct Mirror {
    address: SocketAddr,
    handle: ServerHandle,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Mirror {
    fn of(node: &Arc<Node>) -> Self {
        let (started, when_started) = mpsc::channel();
        let node = web::Data::new(node.clone());
        let thread = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let server = HttpServer::new(move || App::new().app_data(node.clone()).default_service(web::to(look)));
                let server = server.workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
                let address = server.addrs()[0];
                let server = server.run();
                started.send((address, server.handle())).unwrap();
                server.await.unwrap();
            });
        });
        let (address, handle) = when_started.recv().unwrap();
        Self { address, handle, thread: Some(thread) }
    }
}

impl Drop for Mirror {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
        drop(self.thread.take().map(std::thread::JoinHandle::join));
    }
}

async fn look(req: HttpRequest) -> String {
    let peer = Peer::of(&req);
    format!("{} {} {}", peer.address, peer.secure, own_origin(&req).unwrap_or_default())
}

#[test]
fn the_client_behind_a_trusted_proxy_is_seen_and_so_is_the_address_it_asked() {
    let (trusting, wary) = (trusting(), TestNode::start());
    for (node, lines, seen) in [
        (&trusting, ADDED, "198.51.100.7 true https://maps.example"),
        (&wary, "", "127.0.0.1 false http://maps.example"),
        (&wary, ADDED, "127.0.0.1 false http://maps.example"),
    ] {
        let mirror = Mirror::of(&node.node);
        let proxy = Between::proxy(mirror.address, lines);
        let reply = call(proxy.address, "GET", "/").header("Host", "maps.example").send();
        assert_eq!(reply.text(), seen);
        // What the client claims stands to the left of what the proxy knows.
        let forged = call(proxy.address, "GET", "/").header("Host", "maps.example");
        let forged = forged.header("X-Forwarded-For", "6.6.6.6").send();
        assert_eq!(forged.text(), seen);
    }
}

#[test]
fn an_origin_is_made_of_one_plain_host() {
    let node = TestNode::start();
    let mirror = Mirror::of(&node.node);
    for (host, origin) in [
        ("maps.example", "http://maps.example"),
        ("maps.example:8443", "http://maps.example:8443"),
        ("[::1]:8080", "http://[::1]:8080"),
        ("user@maps.example", ""),
        ("maps.example/path", ""),
        ("", ""),
    ] {
        let reply = call(mirror.address, "GET", "/").header("Host", host).send();
        if reply.status == 200 {
            assert_eq!(reply.text(), format!("127.0.0.1 false {origin}"), "{host}");
        } else {
            assert_eq!((reply.status, origin), (400, ""), "{host}");
        }
    }
    let two = call(mirror.address, "GET", "/").header("Host", "maps.example").header("Host", "evil.example").send();
    assert!(two.status == 400 || two.text() == "127.0.0.1 false ", "{}", two.text());
}
