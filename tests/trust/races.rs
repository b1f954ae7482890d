//! The act that ends it against fifty fixes a second and more: once its answer is there, nothing more comes.
//!
//! What "after" means. One thread does both: it reads the answer to the act, and then takes everything out of the viewer's
//! socket that is in it at this moment. That had left the server before the answer was read: it was on the wire. Whatever
//! about the person can be read from the viewer's socket later than that was sent after the answer, and is a violation. The
//! viewer's socket is always read, so nothing waits in it for lack of room. (A frame handed to the loopback device is
//! in the other socket before the call that sent it returns, but for a moment under load; so the strict count is of what comes
//! later than [`GRACE`] after the answer, and what comes after the viewer's own `ping`, sent after the answer, was answered is
//! counted without any grace.)
//!
//! The person's two kinds of news are both under way all the time: positions (slots, in which the newest wins) and free/busy
//! with notes (a queue). That a friendship or an encounter ended is news of the relation, not of the person, and may
//! come whenever it likes; so may the one word that somebody who hides is offline.
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use letshang::domain::{Clock, DeviceName, UserId};
use letshang::store::accounts::NewUser;
use rand::RngExt;
use serde_json::{Value, json};

use crate::client::SQUARE;
use crate::http::{Call, call};
use crate::node::TestNode;
use crate::raw_ws::{PONG, RawClient, Received, TEXT, frame, request, upgrade_request};

/// Couples that race at the same time.
const COUPLES: usize = 4;
/// How long the viewer is watched after the answer.
const WATCH: Duration = Duration::from_millis(8);
/// How long a frame may be under way inside the kernel.
const GRACE: Duration = Duration::from_micros(500);

/// How it ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Unfriend,
    UnfriendedByTheOther,
    Block,
    Hide,
    Off,
    Erase,
}

#[derive(Debug, Default)]
struct Figures {
    races: AtomicUsize,
    heard: AtomicUsize,
    on_the_wire: AtomicUsize,
    late: AtomicUsize,
}

/// Somebody who never stops telling where they are and how they are.
struct Walker {
    stop: Arc<AtomicBool>,
    /// Gives why it ended by itself.
    thread: Option<JoinHandle<String>>,
}

impl Walker {
    fn start(address: SocketAddr, token: &str) -> Self {
        let mut phone = connect(address, token);
        phone.stream.set_nonblocking(false).unwrap();
        let mut way = phone.stream.try_clone().unwrap();
        phone.stream.set_nonblocking(true).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            let mut step = 0_u32;
            while !stopped.load(Ordering::Relaxed) {
                step += 1;
                let t = Clock::System.now().0;
                let lat = SQUARE.0 + f64::from(step % 1_000) * 1e-6;
                let fix = json!({"type": "fix", "lat": lat, "lon": SQUARE.1, "t": t, "acc": 5.0});
                let is_free = step.is_multiple_of(2);
                let state = json!({"type": "availability", "free": is_free, "note": format!("step {step}")});
                let say = |message: &Value| frame(TEXT, message.to_string().as_bytes());
                let bytes = [say(&fix), say(&state)].concat();
                // An erased person's connection is closed by the server.
                if !write_whole(&mut way, &bytes) {
                    return "cannot write".to_owned();
                }
                loop {
                    match phone.read() {
                        Received::Nothing => break,
                        Received::Close(code, reason) => return format!("closed: {code:?} {reason}"),
                        Received::Text(text) if text.contains(r#""type":"error""#) => return text,
                        Received::Text(_) | Received::Pong(_) => {}
                        Received::Ping(payload) => _ = write_whole(&mut way, &frame(PONG, &payload)),
                        other => return format!("{other:?}"),
                    }
                }
                std::thread::sleep(Duration::from_millis(2));
            }
            String::new()
        });
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for Walker {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let ended = self.thread.take().map(JoinHandle::join);
        if std::thread::panicking() {
            eprintln!("the walker ended with {ended:?}");
        } else {
            ended.unwrap().unwrap();
        }
    }
}

fn write_whole(stream: &mut TcpStream, mut bytes: &[u8]) -> bool {
    while !bytes.is_empty() {
        match stream.write(bytes) {
            Ok(n) => bytes = &bytes[n..],
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                std::thread::sleep(Duration::from_millis(1))
            }
            Err(_) => return false,
        }
    }
    true
}

fn connect(address: SocketAddr, token: &str) -> RawClient {
    let headers = format!("Authorization: Bearer {token}\r\n");
    let (head, mut client) = request(address, upgrade_request("/v1/ws", &headers).as_bytes());
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert!(matches!(client.read(), Received::Text(_)));
    client.stream.set_nonblocking(true).unwrap();
    client
}

/// One viewer and one person who is viewed.
struct Couple<'a> {
    node: &'a TestNode,
    end: End,
    viewer_token: String,
    viewer_id: String,
    watch: RawClient,
    figures: &'a Figures,
}

/// Makes an account.
fn person(node: &TestNode, id: &str) -> String {
    let user = NewUser::named(UserId::parse(id, "user").unwrap());
    let phone = DeviceName::parse("phone").unwrap();
    let made = node.node.people.create(&[user], &[], Some(&phone)).unwrap();
    made[0].token.as_ref().unwrap().reveal().to_owned()
}

impl Couple<'_> {
    fn call(&self, token: &str, method: &str, path: &str) -> Call {
        call(self.node.address, method, path).bearer(token)
    }

    fn befriend(&self, token: &str) {
        let invite = self.call(token, "POST", "/v1/invites").json(&json!({})).send();
        assert!(invite.status < 300, "{}", invite.text());
        let path = format!("/v1/invites/{}/accept", invite.json()["code"].as_str().unwrap());
        let accepted = self.call(&self.viewer_token, "POST", &path).json(&json!({})).send();
        assert!(accepted.status < 300, "{}", accepted.text());
    }

    /// Begins anew to be seen.
    fn begin(&self, token: &str) {
        let change = |path: &str, body: Value| {
            let reply = self.call(token, "PATCH", path).json(&body).send();
            assert_eq!(reply.status, 200, "{}", reply.text());
        };
        match self.end {
            End::Unfriend | End::UnfriendedByTheOther | End::Erase => self.befriend(token),
            End::Block => {
                self.call(token, "DELETE", &format!("/v1/blocks/{}", self.viewer_id)).send();
                self.befriend(token);
            }
            End::Hide => change("/v1/me", json!({"hidden_until": null})),
            End::Off => change(&format!("/v1/friends/{}", self.viewer_id), json!({"sharing": "exact"})),
        }
    }

    /// The act after whose answer nothing more may come.
    fn finish(&self, id: &str, token: &str) {
        let soon = Clock::System.now().0 + 3_600_000;
        let reply = match self.end {
            End::Unfriend => self.call(token, "DELETE", &format!("/v1/friends/{}", self.viewer_id)).send(),
            End::UnfriendedByTheOther => self.call(&self.viewer_token, "DELETE", &format!("/v1/friends/{id}")).send(),
            End::Block => self.call(token, "PUT", &format!("/v1/blocks/{}", self.viewer_id)).send(),
            End::Hide => self.call(token, "PATCH", "/v1/me").json(&json!({"hidden_until": soon})).send(),
            End::Off => {
                let path = format!("/v1/friends/{}", self.viewer_id);
                self.call(token, "PATCH", &path).json(&json!({"sharing": "off"})).send()
            }
            End::Erase => self.call(token, "DELETE", "/v1/me").send(),
        };
        assert!(matches!(reply.status, 200 | 204), "{:?}: {}", self.end, reply.text());
    }

    /// Everything that can be read from the viewer's socket now.
    fn take(&mut self) -> Vec<Value> {
        let mut taken = Vec::new();
        loop {
            match self.watch.read() {
                Received::Text(text) => taken.push(serde_json::from_str(&text).unwrap()),
                Received::Ping(payload) => assert!(write_whole(&mut self.watch.stream, &frame(PONG, &payload))),
                Received::Nothing => return taken,
                other => panic!("the viewer's connection: {other:?}"),
            }
        }
    }

    /// Whether a frame says something of somebody that may not be said any more.
    fn is_late(&self, frame: &Value, id: &str) -> bool {
        let about =
            frame["user"] == id || frame["friends"].as_array().is_some_and(|all| all.iter().any(|it| it["user"] == id));
        let is_gone = frame["online"] == false && frame["free"] == false && frame.get("note").is_none();
        let allowed = match self.end {
            End::Hide | End::Off => frame["type"] == "presence" && is_gone,
            _ => frame["type"] == "friendship" && frame["state"] == "ended",
        };
        about && !allowed && frame["type"] != "apart"
    }

    fn race(&mut self, id: &str, token: &str) {
        self.begin(token);
        let begun = Instant::now();
        let mut kinds = [false; 2];
        // Both kinds of news come, and then it ends at any moment of the next interval.
        while kinds != [true; 2] {
            for frame in self.take().iter().filter(|frame| frame["type"] != "welcome") {
                kinds[0] |= frame["type"] == "moved";
                kinds[1] |= frame["type"] == "presence";
                self.figures.heard.fetch_add(1, Ordering::Relaxed);
            }
            assert!(begun.elapsed() < Duration::from_secs(10), "{:?}: {kinds:?}", self.end);
            std::thread::sleep(Duration::from_micros(300));
        }
        let wait = Duration::from_micros(rand::rng().random_range(0..20_000));
        let waiting = Instant::now();
        while waiting.elapsed() < wait {
            self.take();
        }
        self.finish(id, token);
        let answered = Instant::now();
        self.figures.on_the_wire.fetch_add(self.take().len(), Ordering::Relaxed);
        let barrier = format!("after-{id}");
        let ping = json!({"type": "ping", "id": barrier});
        assert!(write_whole(&mut self.watch.stream, &frame(TEXT, ping.to_string().as_bytes())));
        let mut is_beyond = false;
        let mut violations = Vec::new();
        while answered.elapsed() < WATCH || !is_beyond {
            let at = answered.elapsed();
            for frame in self.take() {
                is_beyond |= frame["id"] == barrier.as_str();
                if self.is_late(&frame, id) && (is_beyond || at > GRACE) {
                    self.figures.late.fetch_add(1, Ordering::Relaxed);
                    violations.push((at, frame));
                }
            }
            assert!(at < Duration::from_secs(10), "no pong");
            std::thread::sleep(Duration::from_micros(100));
        }
        assert!(violations.is_empty(), "{:?} was answered, and then came {violations:#?}", self.end);
        self.figures.races.fetch_add(1, Ordering::Relaxed);
    }
}

fn races(end: End, how_many: usize) {
    let settings = [
        ("server.workers", "2"),
        ("push.moved", "\"10ms\""),
        ("privacy.invites_per_day", "100000"),
        ("limits.frames_per_second", "100000"),
        ("limits.user_frames_per_second", "100000"),
        ("limits.user_byte_burst", "1000000000"),
        // On a machine that is busy otherwise a viewer may be late.
        ("limits.outbox_frames", "60000"),
        ("limits.outbox_bytes", "16000000"),
        ("limits.requests_per_second", "100000"),
        ("limits.request_burst", "100000"),
    ];
    let node = TestNode::with_clock(&settings, Clock::System);
    let figures = Figures::default();
    let begin = Instant::now();
    std::thread::scope(|scope| {
        for at in 0..COUPLES {
            let (node, figures) = (&node, &figures);
            scope.spawn(move || {
                let viewer_id = format!("viewer_{at}");
                let viewer_token = person(node, &viewer_id);
                let mut watch = connect(node.address, &viewer_token);
                let open = json!({"type": "map", "open": true}).to_string();
                assert!(write_whole(&mut watch.stream, &frame(TEXT, open.as_bytes())));
                let mut couple = Couple { node, end, viewer_token, viewer_id, watch, figures };
                let mut walker = None;
                for round in 0..how_many.div_ceil(COUPLES) {
                    if end == End::Erase || walker.is_none() {
                        let id = format!("walker_{at}_{round}");
                        let token = person(node, &id);
                        let walking = Walker::start(node.address, &token);
                        walker = Some((id, token, walking));
                        if matches!(end, End::Hide | End::Off) {
                            couple.befriend(&walker.as_ref().unwrap().1);
                        }
                    }
                    let (id, token, _) = walker.as_ref().unwrap();
                    couple.race(id, token);
                }
            });
        }
    });
    println!("{end:?}: {figures:?} in {:?}", begin.elapsed());
}

#[test]
fn after_the_answer_to_an_unfriend_no_frame_comes() {
    races(End::Unfriend, 1_000);
}

#[test]
fn nor_when_the_viewer_ends_it() {
    races(End::UnfriendedByTheOther, 200);
}

#[test]
fn nor_after_a_block() {
    races(End::Block, 200);
}

#[test]
fn nor_after_hiding() {
    races(End::Hide, 200);
}

#[test]
fn nor_after_sharing_ends() {
    races(End::Off, 200);
}

#[test]
fn nor_after_the_account_is_erased() {
    races(End::Erase, 200);
}
