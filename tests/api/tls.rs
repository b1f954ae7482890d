//! TLS by the node itself: what clients get, how a certificate is replaced under them, and who cannot disturb them.
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use actix_web::{App, HttpServer};
use letshang::domain::{Clock, UnixMs};
use letshang::http::socket::{TcpOptions, on_connect_with};
use letshang::http::tls::Certificates;
use socket2::{Domain, SockRef, Socket, Type};
use tempfile::TempDir;

use crate::authority::{Authority, Between, FAR_OFF, LONG_AGO, Pair, read_reply, shake, shake_over, shown};
use crate::binary::{Binary, Place};
use crate::client::{Client, SQUARE, north_of};
use crate::http::{Reply, call};
use crate::node::{NOON, Settings, TestNode, until};

/// A node that speaks TLS, with the files of its certificate.
struct Secure {
    node: TestNode,
    authority: Authority,
    files: TempDir,
    first: Pair,
}

impl Secure {
    fn start() -> Self {
        Self::with(&[])
    }

    fn with(settings: Settings<'_>) -> Self {
        let (authority, files) = (Authority::new(), tempfile::tempdir().unwrap());
        let first = authority.pair();
        let [certificate, key] = written(&first, files.path());
        let pair = [("server.tls_certificate", certificate.as_str()), ("server.tls_key", key.as_str())];
        let node = TestNode::with(&[settings, &pair].concat());
        Self { node, authority, files, first }
    }

    fn address(&self) -> SocketAddr {
        self.node.address
    }

    fn certificates(&self) -> &Certificates {
        self.node.node.certificates.as_ref().unwrap()
    }

    fn get(&self, path: &str) -> crate::http::Reply {
        self.authority.send(self.address(), &call(self.address(), "GET", path))
    }

    fn metric(&self, name: &str) -> f64 {
        let text = self.get("/metrics").text();
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned));
        line.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
    }
}

/// Certificate and key in a folder, as the settings name them.
fn written(pair: &Pair, folder: &Path) -> [String; 2] {
    let (certificate, key) = pair.write(folder);
    [certificate, key].map(|path| format!("{path:?}"))
}

/// A connection from another address of this machine.
fn from(source: [u8; 4], server: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((source, 0)).into()).unwrap();
    socket.connect(&server.into()).unwrap();
    socket.into()
}

/// What a client at 127.0.0.2 gets over TLS.
fn neighbour(authority: &Authority, server: SocketAddr, path: &str) -> Reply {
    let mut stream = shake_over(from([127, 0, 0, 2], server), authority.client()).unwrap();
    stream.write_all(&call(server, "GET", path).bytes()).unwrap();
    read_reply(&mut stream)
}

/// Those that the server has not hung up on.
fn still_open(streams: &mut [TcpStream]) -> usize {
    let is_open = |stream: &mut TcpStream| {
        stream.set_nonblocking(true).unwrap();
        matches!(stream.read(&mut [0; 1]), Err(error) if error.kind() == ErrorKind::WouldBlock)
    };
    streams.iter_mut().filter_map(|stream| is_open(stream).then_some(())).count()
}

/// A process of its own that speaks TLS and may have 256 open files: it accepts 128 connections, 112 of them to stay.
fn small_process(authority: &Authority, settings: Settings<'_>) -> (Binary, Place, TempDir) {
    let files = tempfile::tempdir().unwrap();
    let [certificate, key] = written(&authority.pair(), files.path());
    let pair = [("server.tls_certificate", certificate.as_str()), ("server.tls_key", key.as_str())];
    let place = Place::new(&[settings, &pair].concat());
    (place.serve_with_files(256), place, files)
}

#[test]
fn friends_meet_over_tls() {
    let secure = Secure::start();
    let [ann, ben] = secure.node.friends(["ann", "ben"]);
    let tunnel = Between::tunnel(secure.address(), &secure.authority);
    let connect = |token: &str| Client::connect(tunnel.address, &secure.node.clock, token);
    let (mut a, mut b) = (connect(&ann.token), connect(&ben.token));
    for client in [&mut a, &mut b] {
        client.be_free(true);
    }
    a.be_at(SQUARE);
    b.be_at(north_of(SQUARE, 100.0));
    assert_eq!(a.expect("near")["user"], "ben");
    assert_eq!(b.expect("near")["user"], "ann");
}

#[test]
fn both_versions_of_tls_are_spoken_and_http_1_alone() {
    let secure = Secure::start();
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let client = secure.authority.client_of(&[version], &["h2", "http/1.1"]);
        let stream = shake(secure.address(), client).unwrap();
        assert_eq!(stream.conn.protocol_version(), Some(version.version));
        assert_eq!(stream.conn.alpn_protocol(), Some(&b"http/1.1"[..]));
    }
    let only_h2 = secure.authority.client_of(rustls::DEFAULT_VERSIONS, &["h2"]);
    assert!(shake(secure.address(), only_h2).is_err());
}

#[test]
fn browsers_are_told_to_stay_with_tls_and_only_over_tls() {
    let secure = Secure::start();
    for path in ["/health", "/", "/v1/me", "/nothing.txt"] {
        let told = secure.get(path).header("strict-transport-security").map(str::to_owned);
        assert_eq!(told.as_deref(), Some("max-age=31536000"), "{path}");
    }
    let plain = TestNode::start();
    assert_eq!(plain.call("GET", "/health").send().header("strict-transport-security"), None);
}

#[test]
fn a_new_certificate_is_shown_to_newcomers_while_old_connections_live() {
    let secure = Secure::start();
    let [ann] = secure.node.strangers(["ann"]);
    let tunnel = Between::tunnel(secure.address(), &secure.authority);
    let mut old = Client::connect(tunnel.address, &secure.node.clock, &ann.token);
    assert_eq!(shown(&secure.authority.connect(secure.address()).unwrap()), secure.first.der);

    let second = secure.authority.pair_of(LONG_AGO, (2027, 4, 1));
    second.write(secure.files.path());
    secure.certificates().look(NOON);
    assert_eq!(shown(&secure.authority.connect(secure.address()).unwrap()), second.der);
    old.be_free(true);
    old.be_at(SQUARE);
    assert_eq!(secure.metric("letshang_tls_reload_failures_total"), 0.0);
    // To the first of April at midnight from the fifteenth of March at noon.
    assert_eq!(secure.metric("letshang_tls_certificate_expires"), 16.5 * 86_400.0);
}

#[test]
fn files_that_have_not_changed_are_not_read_again() {
    let secure = Secure::start();
    // Reading it again would be refused: then it would have expired.
    secure.certificates().look(UnixMs(i64::MAX / 2));
    assert_eq!(secure.certificates().reload_failures(), 0);
}

#[test]
fn a_pair_that_is_not_in_order_changes_nothing() {
    let secure = Secure::start();
    let (certificate, key) = (secure.files.path().join("certificate.pem"), secure.files.path().join("key.pem"));
    let other = secure.authority.pair();
    let expired = secure.authority.pair_of(LONG_AGO, (2027, 3, 15));
    let early = secure.authority.pair_of((2027, 3, 16), FAR_OFF);
    type Harm<'a> = Box<dyn Fn() + 'a>;
    let harms: Vec<(&str, Harm<'_>)> = vec![
        ("cannot read", Box::new(|| std::fs::remove_file(&certificate).unwrap())),
        ("cannot read", Box::new(|| std::fs::remove_file(&key).unwrap())),
        ("holds no certificate", Box::new(|| std::fs::write(&certificate, "").unwrap())),
        ("holds no certificate", Box::new(|| std::fs::write(&certificate, &other.key).unwrap())),
        (
            "not in order as PEM",
            Box::new(|| {
                std::fs::write(&certificate, &other.certificate[..other.certificate.len() / 2]).unwrap();
            }),
        ),
        (
            "no X.509 certificate",
            Box::new(|| {
                std::fs::write(&certificate, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
            }),
        ),
        ("larger than 1 MiB", Box::new(|| std::fs::write(&certificate, vec![b'x'; (1 << 20) + 1]).unwrap())),
        ("holds no private key", Box::new(|| std::fs::write(&key, &other.certificate).unwrap())),
        ("is not the private key of", Box::new(|| std::fs::write(&key, &other.key).unwrap())),
        ("is not the private key of", Box::new(|| std::fs::write(&certificate, &other.certificate).unwrap())),
        (
            "everybody can read",
            Box::new(|| {
                std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
            }),
        ),
        ("expired on 2027-03-15", Box::new(|| drop(expired.write(secure.files.path())))),
        ("valid only from 2027-03-16", Box::new(|| drop(early.write(secure.files.path())))),
    ];
    for (count, (words, harm)) in harms.iter().enumerate() {
        secure.first.write(secure.files.path());
        harm();
        let error = secure.certificates().reload(NOON).unwrap_err().to_string();
        assert!(error.contains(words) && error.contains(".pem") && !error.contains('\n'), "{words}: {error}");
        assert!(!error.contains("PRIVATE KEY"), "{error}");
        assert_eq!(shown(&secure.authority.connect(secure.address()).unwrap()), secure.first.der, "{words}");
        assert_eq!(secure.metric("letshang_tls_reload_failures_total"), (count + 1) as f64);
    }
    // The look a minute later finds what was mended.
    let mended = secure.authority.pair();
    mended.write(secure.files.path());
    secure.certificates().look(NOON);
    assert_eq!(shown(&secure.authority.connect(secure.address()).unwrap()), mended.der);
}

#[test]
fn a_certificate_whose_half_comes_later_is_taken_when_both_are_there() {
    let secure = Secure::start();
    let second = secure.authority.pair();
    std::fs::write(secure.files.path().join("certificate.pem"), &second.certificate).unwrap();
    secure.certificates().look(NOON);
    assert_eq!(shown(&secure.authority.connect(secure.address()).unwrap()), secure.first.der);
    second.write(secure.files.path());
    secure.certificates().look(NOON);
    assert_eq!(shown(&secure.authority.connect(secure.address()).unwrap()), second.der);
}

#[test]
fn tls_on_the_plain_port_and_http_on_the_secure_port_come_to_nothing() {
    let (secure, plain) = (Secure::start(), TestNode::start());
    assert!(secure.authority.connect(plain.address).is_err());
    assert_eq!(plain.call("GET", "/health").send().status, 200);

    let mut stream = TcpStream::connect(secure.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    assert_eq!(secure.get("/health").status, 200);
}

#[test]
fn clients_that_say_nothing_are_hung_up_on_after_five_seconds_and_keep_out_nobody() {
    let secure = Secure::start();
    let began = Instant::now();
    // More than actix lets shake hands at once unless it is told to.
    let mut silent: Vec<TcpStream> = (0..300).map(|_| TcpStream::connect(secure.address()).unwrap()).collect();
    for _ in 0..3 {
        assert_eq!(secure.get("/health").status, 200);
    }
    assert!(began.elapsed() < Duration::from_secs(4), "others had to wait: {:?}", began.elapsed());
    for stream in &mut silent {
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        assert!(matches!(stream.read(&mut [0; 16]), Ok(0)), "not hung up on");
    }
    let took = began.elapsed();
    assert!((4_500..9_000).contains(&took.as_millis()), "{took:?}");
}

#[test]
fn silent_handshakes_of_one_address_keep_out_no_other() {
    let authority = Authority::new();
    let (node, _place, _files) = small_process(
        &authority,
        &[
            ("server.max_connections", "100"),
            ("limits.exempt", "[]"),
            ("limits.connections_per_address", "10"),
            ("limits.new_connections_per_minute", "100000"),
        ],
    );
    let (own, metrics) = (node.open_files(), || neighbour(&authority, node.address, "/metrics").text());
    // More than it can accept at once.
    let mut flood: Vec<TcpStream> = (0..300).map(|_| TcpStream::connect(node.address).unwrap()).collect();
    assert_eq!(neighbour(&authority, node.address, "/health").status, 200);
    // Had the newcomer waited for a place, the first would have given up theirs. They are still there: the ten that this
    // address may have, and a few that may be told why there are no more. All others are closed already.
    assert_eq!((still_open(&mut flood[..14]), still_open(&mut flood[14..])), (14, 0));
    let refused = "letshang_refused_total{limit=\"address_connections\"} 290";
    assert!(metrics().lines().any(|line| line == refused), "{}", metrics());
    assert!(node.open_files() <= own + 14 + 16, "{} open files, {own} at the start", node.open_files());
    drop(flood);
    // The one that asks.
    until("no connection is left", || metrics().lines().any(|line| line == "letshang_http_connections 1"));
    assert!(node.open_files() <= own + 16, "{} open files, {own} at the start", node.open_files());
}

#[test]
fn whom_an_address_has_no_room_for_hears_so_over_tls_unless_too_many_do() {
    let secure = Secure::with(&[("limits.exempt", "[]"), ("limits.connections_per_address", "3")]);
    let doors = &secure.node.node.limits.doors;
    let silent =
        |number: usize| -> Vec<_> { (0..number).map(|_| TcpStream::connect(secure.address()).unwrap()).collect() };
    let held = silent(3);
    let told = secure.get("/health");
    assert_eq!((told.status, told.header("retry-after")), (429, Some("1")));
    until("it is gone", || doors.open() == 3);

    let mut waiting = silent(8);
    until("they are counted, before they say anything", || doors.open() == 11);
    for _ in 0..3 {
        assert!(
            secure.authority.connect(secure.address()).is_err(),
            "a handshake beyond those that are refused already"
        );
    }
    assert_eq!(still_open(&mut waiting), 8);
    assert_eq!(neighbour(&secure.authority, secure.address(), "/health").status, 200);
    drop((held, waiting));
    until("they are gone", || doors.open() == 0);
    assert_eq!(secure.get("/health").status, 200);
}

#[test]
fn a_full_node_says_so_over_tls() {
    let authority = Authority::new();
    let (node, _place, _files) = small_process(&authority, &[]);
    let mut silent: Vec<TcpStream> = (0..112).map(|_| TcpStream::connect(node.address).unwrap()).collect();
    assert_eq!(neighbour(&authority, node.address, "/health").status, 503);
    assert_eq!(still_open(&mut silent), 112);
    // Those who are refused and say nothing have their own bound: beyond it, nobody waits.
    let mut more: Vec<TcpStream> = (0..100).map(|_| TcpStream::connect(node.address).unwrap()).collect();
    until("most of them are let go", || still_open(&mut more) <= 8);
    assert_eq!(still_open(&mut silent), 112);
    drop((silent, more));
    until("there is room again", || {
        let reply = shake(node.address, authority.client()).map(|mut stream| {
            let _ = stream.write_all(&call(node.address, "GET", "/health").bytes());
            read_reply(&mut stream).status
        });
        reply.is_ok_and(|status| status == 200)
    });
}

#[test]
fn the_kernel_is_told_about_connections_within_tls_too() {
    let (authority, files) = (Authority::new(), tempfile::tempdir().unwrap());
    let (certificate, key) = authority.pair().write(files.path());
    let certificates = Certificates::open(&certificate, &key, Clock::System.now()).unwrap();
    let options = TcpOptions { write_stall: Duration::from_secs(7), ..TcpOptions::default() };
    let (seen, when_seen) = mpsc::sync_channel(1);
    let (started, when_started) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let server = HttpServer::new(App::new)
                .workers(1)
                .disable_signals()
                .on_connect(move |connection, extensions| {
                    on_connect_with(options)(connection, extensions);
                    type Within = actix_tls::accept::rustls_0_23::TlsStream<actix_web::rt::net::TcpStream>;
                    let tls = connection.downcast_ref::<Within>().unwrap();
                    let socket = SockRef::from(tls.get_ref().0);
                    let _ = seen.send((socket.tcp_user_timeout().unwrap(), socket.tcp_nodelay().unwrap()));
                })
                .bind_rustls_0_23("127.0.0.1:0", certificates.server_config().unwrap())
                .unwrap();
            let address = server.addrs()[0];
            let server = server.run();
            started.send((address, server.handle())).unwrap();
            server.await.unwrap();
        });
    });
    let (address, handle) = when_started.recv().unwrap();
    assert_eq!(authority.send(address, &call(address, "GET", "/")).status, 404);
    assert_eq!(when_seen.recv().unwrap(), (Some(Duration::from_secs(7)), true));
    drop(handle.stop(false));
    thread.join().unwrap();
}
