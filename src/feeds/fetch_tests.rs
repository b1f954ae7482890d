//! A fetcher against servers that mean well, and against some that do not. Loopback stands for a network that the operator has opened.
use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};

use parking_lot::Mutex;

use super::*;
use crate::config::Config;

/// Answers each request, in turn, as it is told.
struct Server {
    port: u16,
    heard: Arc<Mutex<Vec<String>>>,
}

type Reply = Box<dyn Fn(&mut TcpStream) -> std::io::Result<()> + Send>;

fn text(reply: impl Into<String>) -> Reply {
    let reply = reply.into();
    Box::new(move |stream| stream.write_all(reply.as_bytes()))
}

fn to(location: &str) -> Reply {
    text(format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"))
}

impl Server {
    fn answering(replies: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let requests = heard.clone();
        std::thread::spawn(move || {
            for reply in replies {
                let Ok((mut stream, _)) = listener.accept() else { return };
                let mut request = String::new();
                let mut lines = BufReader::new(stream.try_clone().unwrap());
                while lines.read_line(&mut request).is_ok_and(|read| read > 2) {}
                requests.lock().push(request);
                // Whoever is cut off in the middle is meant to be.
                let _ = reply(&mut stream);
            }
        });
        Self { port, heard }
    }

    fn url(&self, host: &str, path: &str) -> FeedUrl {
        FeedUrl::parse(&format!("http://{host}:{}{path}", self.port)).unwrap()
    }

    fn fetcher(&self) -> Fetcher {
        self.fetcher_with(&["127.0.0.1"])
    }

    /// Names are answered in turn; the last one stays.
    fn fetcher_with(&self, answers: &[&str]) -> Fetcher {
        fetcher(vec![self.port, 80, 443], answers)
    }
}

fn fetcher(ports: Vec<u16>, answers: &[&str]) -> Fetcher {
    let config = Config::from_toml("[calendar]\nallow_networks = [\"127.0.0.1\"]").unwrap();
    let guard = Guard { allowed: config.calendar.allow_networks };
    let answers = answers.iter().map(|list| list.split('+').map(|ip| ip.parse().unwrap()).collect()).collect();
    Fetcher::new(Settings { guard, ports, roots: Roots::default() }, Arc::new(Stub(Mutex::new(answers))))
}

/// A name server that says one thing first and another later.
#[derive(Debug)]
struct Stub(Mutex<VecDeque<Vec<std::net::IpAddr>>>);

impl Names for Stub {
    fn look_up(&self, host: &str, port: u16) -> std::io::Result<Vec<SocketAddr>> {
        if let Ok(ip) = host.parse() {
            return Ok(vec![SocketAddr::new(ip, port)]);
        }
        let mut answers = self.0.lock();
        let found = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        Ok(found.unwrap_or_default().into_iter().map(|ip| SocketAddr::new(ip, port)).collect())
    }
}

const GOOD: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/calendar\r\nETag: \"v1\"\r\nLast-Modified: Sat, 21 Nov 2026 12:00:00 GMT\r\n\
                    Content-Length: 15\r\nConnection: close\r\nSet-Cookie: a=b\r\n\r\nBEGIN:VCALENDAR";

fn new(answer: Result<Answer, FeedError>) -> Fetched {
    match answer {
        Ok(Answer::New(fetched)) => fetched,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_calendar_is_had_and_asked_for_again_only_if_it_changed() {
    let unchanged = "HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n";
    let server = Server::answering(vec![text(GOOD), text(unchanged), text(unchanged)]);
    let (fetcher, url) = (server.fetcher(), server.url("calendar.example", "/me.ics?key=4711"));
    let fetched = new(fetcher.fetch(&url, &Condition::default()));
    assert_eq!(fetched.body, b"BEGIN:VCALENDAR");
    assert_eq!(fetched.condition.etag.as_deref(), Some("\"v1\""));
    assert_eq!(fetcher.fetch(&url, &fetched.condition), Ok(Answer::Unchanged));
    assert_eq!(fetcher.fetch(&url, &Condition::default()), Err(FeedError::Status(304)), "nothing was had before");
    let heard: Vec<String> = server.heard.lock().iter().map(|request| request.to_ascii_lowercase()).collect();
    assert!(
        heard[0].starts_with("get /me.ics?key=4711 http/1.1\r\n") && heard[0].contains("accept-encoding: identity\r\n")
    );
    assert!(!heard[0].contains("if-none-match"));
    assert!(heard[1].contains("if-none-match: \"v1\"") && heard[1].contains("if-modified-since: sat, 21 nov 2026"));
    assert!(heard.iter().all(|request| !request.contains("cookie") && !request.contains("authorization")), "{heard:?}");
}

#[test]
fn redirections_are_followed_three_times_and_each_is_judged() {
    let good = Server::answering(vec![to("/two"), to("two/three"), to("http://other.example/four"), text(GOOD)]);
    // The third leads to port 80, where nobody listens; judged it is all the same.
    assert_eq!(
        good.fetcher().fetch(&good.url("calendar.example", "/"), &Condition::default()),
        Err(FeedError::Unreachable)
    );
    assert_eq!(good.heard.lock().len(), 3);
    assert!(good.heard.lock()[2].starts_with("GET /two/three "));
    let long = Server::answering((0..5).map(|_| to("/again")).collect());
    assert_eq!(
        long.fetcher().fetch(&long.url("calendar.example", "/"), &Condition::default()),
        Err(FeedError::Redirects)
    );
    assert_eq!(long.heard.lock().len(), 4);
    for (location, reason) in [
        ("http://169.254.169.254/latest/meta-data/", FeedError::Network),
        ("https://169.254.169.254/latest/meta-data/", FeedError::Network),
        ("http://[::1]/", FeedError::Network),
        ("https://[::ffff:10.0.0.1]/", FeedError::Network),
        ("https://0x0a000001/", FeedError::Network),
        ("https://example.org:6379/", FeedError::Port(String::new())),
        ("file:///etc/passwd", FeedError::Address),
        ("gopher://127.0.0.1/", FeedError::Address),
        ("https://user:word@example.org/", FeedError::Address),
    ] {
        let server = Server::answering(vec![to(location)]);
        let error = server.fetcher().fetch(&server.url("calendar.example", "/"), &Condition::default()).unwrap_err();
        assert_eq!(std::mem::discriminant(&error), std::mem::discriminant(&reason), "{location}: {error:?}");
        assert!(!error.to_string().contains("169") && !error.to_string().contains("passwd"), "{error}");
    }
}

#[test]
fn a_name_is_judged_by_every_address_it_has_each_time_that_it_is_used() {
    let server = Server::answering(vec![text(GOOD), text(GOOD)]);
    let url = server.url("rebinding.example", "/");
    let fetcher = server.fetcher_with(&["127.0.0.1", "127.0.0.2"]);
    assert!(fetcher.fetch(&url, &Condition::default()).is_ok());
    assert_eq!(fetcher.fetch(&url, &Condition::default()), Err(FeedError::Network), "it leads elsewhere by now");
    for answer in
        ["127.0.0.1+10.0.0.1", "10.0.0.1", "::1", "::ffff:192.168.0.1", "64:ff9b::a00:1", "169.254.169.254", "0.0.0.0"]
    {
        let found = server.fetcher_with(&[answer]).fetch(&url, &Condition::default());
        assert_eq!(found, Err(FeedError::Network), "{answer}");
    }
    let redirected = Server::answering(vec![to("/next"), text(GOOD)]);
    let fetcher = redirected.fetcher_with(&["127.0.0.1", "127.0.0.3"]);
    assert_eq!(fetcher.fetch(&redirected.url("a.example", "/"), &Condition::default()), Err(FeedError::Network));
    assert_eq!(redirected.heard.lock().len(), 1);
}

#[test]
fn however_a_forbidden_host_is_written_nobody_is_asked() {
    let fetcher = fetcher(vec![443, 80], &["93.184.216.34"]);
    for host in [
        "127.0.0.2",
        "2130706434",
        "0x7f000002",
        "0177.0.0.2",
        "127.2",
        "[::1]",
        "[::ffff:127.0.0.2]",
        "[::ffff:7f00:2]",
        "[::]",
        "0",
        "10.0.0.1",
        "100.64.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "[fe80::1]",
        "[fd00::1]",
        "[64:ff9b::7f00:2]",
        "[ff02::1]",
        "[2002:7f00:2::]",
        "224.0.0.1",
        "198.51.100.1",
    ] {
        for scheme in ["https", "webcal", "http"] {
            let url = FeedUrl::parse(&format!("{scheme}://{host}/x.ics")).unwrap();
            assert_eq!(fetcher.fetch(&url, &Condition::default()), Err(FeedError::Network), "{scheme}://{host}");
        }
    }
    let plain = FeedUrl::parse("http://example.org/x.ics").unwrap();
    assert_eq!(fetcher.fetch(&plain, &Condition::default()), Err(FeedError::Plain));
    let strict = Fetcher::new(Settings { ports: vec![443, 80], ..Settings::default() }, Arc::new(SystemNames));
    assert_eq!(strict.fetch(&plain, &Condition::default()), Err(FeedError::Plain));
    let port = FeedUrl::parse("https://example.org:8443/x.ics").unwrap();
    assert_eq!(strict.fetch(&port, &Condition::default()), Err(FeedError::Port("443, 80".to_owned())));
    let local = FeedUrl::parse("https://localhost/x.ics").unwrap();
    assert_eq!(strict.fetch(&local, &Condition::default()), Err(FeedError::Network));
    let nowhere = FeedUrl::parse("https://does-not-exist.invalid/x.ics").unwrap();
    assert_eq!(strict.fetch(&nowhere, &Condition::default()), Err(FeedError::NoSuchHost));
}

#[test]
fn what_is_too_large_too_slow_or_nothing_at_all_ends_soon() {
    let endless = |head: &'static str| -> Reply {
        Box::new(move |stream| {
            stream.write_all(head.as_bytes())?;
            loop {
                stream.write_all(&[b'x'; 65_536])?;
            }
        })
    };
    let drip = |head: &'static str| -> Reply {
        Box::new(move |stream| {
            stream.write_all(head.as_bytes())?;
            loop {
                stream.write_all(b"B")?;
                std::thread::sleep(Duration::from_millis(500));
            }
        })
    };
    let rows: Vec<(Reply, FeedError, u64)> = vec![
        (text("HTTP/1.1 200 OK\r\nContent-Length: 10737418240\r\n\r\n"), FeedError::TooLarge, 2),
        (endless("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"), FeedError::TooLarge, 4),
        (drip("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"), FeedError::Timeout, 8),
        (drip("HTTP/1.1 200 OK\r\nX: "), FeedError::Timeout, 8),
        (
            Box::new(|_| {
                std::thread::sleep(Duration::from_secs(7));
                Ok(())
            }),
            FeedError::Timeout,
            8,
        ),
        (endless("HTTP/1.1 200 OK\r\nX: "), FeedError::Protocol, 4),
        (text("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx"), FeedError::Encoded, 2),
        (text("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"), FeedError::Status(404), 2),
        (text("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"), FeedError::Status(503), 2),
        (text("HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n"), FeedError::Protocol, 2),
        (text("SSH-2.0-OpenSSH_9.9\r\n\r\n"), FeedError::Protocol, 2),
    ];
    let all: Vec<_> = rows
        .into_iter()
        .map(|(reply, reason, within)| {
            std::thread::spawn(move || {
                let server = Server::answering(vec![reply]);
                let started = Instant::now();
                let error =
                    server.fetcher().fetch(&server.url("slow.example", "/"), &Condition::default()).unwrap_err();
                assert_eq!(error, reason);
                assert!(started.elapsed() < Duration::from_secs(within), "{reason:?} {:?}", started.elapsed());
            })
        })
        .collect();
    all.into_iter().for_each(|row| row.join().unwrap());
    let refused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = FeedUrl::parse(&format!("http://127.0.0.1:{refused}/")).unwrap();
    assert_eq!(fetcher(vec![refused], &[]).fetch(&url, &Condition::default()), Err(FeedError::Unreachable));
}

#[test]
fn a_look_up_that_takes_too_long_ends_with_the_rest() {
    #[derive(Debug)]
    struct Sleepy;
    impl Names for Sleepy {
        fn look_up(&self, _: &str, _: u16) -> std::io::Result<Vec<SocketAddr>> {
            std::thread::sleep(Duration::from_secs(20));
            Ok(Vec::new())
        }
    }
    let fetcher = Fetcher::new(Settings { ports: vec![443], ..Settings::default() }, Arc::new(Sleepy));
    let started = Instant::now();
    let url = FeedUrl::parse("https://sleepy.example/").unwrap();
    assert_eq!(fetcher.fetch(&url, &Condition::default()), Err(FeedError::Timeout));
    assert!(started.elapsed() < Duration::from_secs(7));
}
