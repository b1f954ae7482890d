//! A viewer who reads nothing: whatever waits for the socket is looked at again when it is written out, and what waited about
//! somebody who is no friend any more is gone for good, also when they are friends again.
//!
//! The viewer says `ping` and `nearby` and reads no answer, until there are many times more of them than the kernel holds: what
//! is told from there on waits in the server. Then the act, and then the viewer reads everything.
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value, json};

use crate::client::{At, Client, Person, SQUARE, north_of};
use crate::node::{TestNode, until};
use crate::raw_ws::{PONG, RawClient, Received, TEXT, frame, request, upgrade_request};

/// A place and a note that are told while nothing can be sent.
const WAITING: (At, &str) = ((52.521_234_5, 13.406_543_2), "said while it waited");
/// How many frames the viewer says. The answers are about 500 KB, and the kernel holds about 150 KB of them.
const QUESTIONS: usize = 6_000;
/// One of so many of them asks who is around.
const ROUND: usize = 100;

struct Scene {
    node: TestNode,
    walker: Person,
    phone: Client,
    viewer: Person,
    watch: RawClient,
}

fn question(at: usize) -> Vec<u8> {
    let padding = "x".repeat(40);
    let text = match at % ROUND {
        0 => json!({"type": "nearby", "id": format!("{at:08}{padding}"), "radius": 5000}),
        _ => json!({"type": "ping", "id": format!("{at:08}{padding}")}),
    };
    frame(TEXT, text.to_string().as_bytes())
}

impl Scene {
    fn new() -> Self {
        let settings = [
            ("push.moved", "\"20ms\""),
            ("limits.frames_per_second", "1000000"),
            ("limits.frame_burst", "1000000"),
            ("limits.user_frames_per_second", "1000000"),
            ("limits.user_frame_burst", "1000000"),
            ("limits.user_bytes_per_second", "1000000000"),
            ("limits.user_byte_burst", "1000000000"),
            ("limits.outbox_frames", "60000"),
            ("limits.outbox_bytes", "16000000"),
        ];
        let node = TestNode::with(&settings);
        let [walker, viewer] = node.friends(["walker", "viewer"]);
        let mut phone = node.connect(&walker);
        phone.be_at(SQUARE);
        phone.tell(json!({"type": "availability", "free": true, "note": "before"}));
        node.connect(&viewer).be_at(north_of(SQUARE, 50.0));
        let headers = format!("Authorization: Bearer {}\r\n", viewer.token);
        let (head, mut watch) = request(node.address, upgrade_request("/v1/ws", &headers).as_bytes());
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        watch.text(r#"{"type": "map", "open": true}"#);
        let seen = watch.read();
        assert!(matches!(&seen, Received::Text(text) if text.contains("welcome")), "{seen:?}");
        std::thread::sleep(Duration::from_millis(100));
        let mut scene = Self { node, walker, phone, viewer, watch };
        scene.fill();
        scene
    }

    /// Asks and asks; the answers fill the way to the viewer.
    fn fill(&mut self) {
        let frames_in = || self.node.node.sockets.frames_in.load(Ordering::Relaxed);
        let expected = frames_in() + QUESTIONS as u64;
        let questions: Vec<u8> = (1..=QUESTIONS).flat_map(question).collect();
        self.watch.send(&questions);
        until("every question is read", || frames_in() >= expected);
    }

    /// Something is told that cannot be sent.
    fn tell(&mut self) {
        self.phone.be_at(north_of(SQUARE, 5.0));
        let (lat, lon) = WAITING.0;
        let t = self.node.clock.now().0 + 2_000;
        self.phone.tell(json!({"type": "fix", "lat": lat, "lon": lon, "t": t, "acc": 5.0}));
        self.phone.tell(json!({"type": "availability", "free": true, "note": WAITING.1}));
        self.phone.heard();
        // The index sends movements every so often.
        std::thread::sleep(Duration::from_millis(150));
    }

    /// Everything that comes when the viewer reads again, up to the answer to a last `ping`.
    fn read_all(&mut self) -> Vec<Value> {
        self.watch.text(r#"{"type": "ping", "id": "the end"}"#);
        let mut heard: Vec<Value> = Vec::new();
        while heard.last().is_none_or(|frame| frame["id"] != "the end") {
            match self.watch.read() {
                Received::Text(text) => heard.push(serde_json::from_str(&text).unwrap()),
                Received::Ping(payload) => self.watch.send(&frame(PONG, &payload)),
                Received::Pong(_) => {}
                other => panic!("{other:?} after {} frames", heard.len()),
            }
        }
        // What is in slots comes after it.
        while let Received::Text(text) = self.watch.read_within(Duration::from_millis(200)) {
            heard.push(serde_json::from_str(&text).unwrap());
        }
        heard
    }

    /// Which of what waited came all the same.
    fn leaks(heard: &[Value]) -> Vec<String> {
        let (lat, note) = (WAITING.0.0.to_string(), WAITING.1);
        // The last answers were surely not sent before the act.
        let waiting = QUESTIONS / 2..=QUESTIONS;
        let is_old_list = |frame: &Value| {
            let number = frame["id"].as_str().and_then(|id| id.get(..8)?.parse::<usize>().ok());
            frame["type"] == "nearby" && number.is_some_and(|number| waiting.contains(&number))
        };
        let leaks = heard.iter().filter(|frame| {
            let text = frame.to_string();
            text.contains(&lat) || text.contains(note) || (is_old_list(frame) && text.contains("walker"))
        });
        leaks.map(Value::to_string).collect()
    }

    fn act(&self, method: &str, path: &str, body: Option<Value>) {
        let call = self.node.call_as(&self.walker, method, path);
        let reply = body.map_or_else(|| call.clone(), |body| call.clone().json(&body)).send();
        assert!(reply.status < 300, "{}", reply.text());
    }
}

#[test]
fn what_waits_is_sent_while_it_may_be_known() {
    let mut scene = Scene::new();
    scene.tell();
    let heard = scene.read_all();
    let leaks = Scene::leaks(&heard);
    for kind in ["moved", "presence", "nearby"] {
        assert!(leaks.iter().any(|frame| frame.contains(&format!(r#""type":"{kind}""#))), "{kind}: {leaks:?}");
    }
}

#[test]
fn what_waits_is_not_sent_when_it_may_not_be_known_any_more() {
    let hidden = json!({"hidden_until": crate::node::NOON.0 + 3_600_000});
    for (method, path, body) in [
        ("DELETE", "/v1/friends/viewer", None),
        ("PUT", "/v1/blocks/viewer", None),
        ("PATCH", "/v1/friends/viewer", Some(json!({"sharing": "off"}))),
        ("PATCH", "/v1/me", Some(hidden)),
        ("DELETE", "/v1/me", None),
    ] {
        let mut scene = Scene::new();
        scene.tell();
        scene.act(method, path, body);
        let heard = scene.read_all();
        assert_eq!(Scene::leaks(&heard), Vec::<String>::new(), "{method} {path}");
    }
}

#[test]
fn an_exact_place_that_waits_is_not_sent_once_only_the_cell_is_shared() {
    let mut scene = Scene::new();
    scene.tell();
    scene.act("PATCH", "/v1/friends/viewer", Some(json!({"sharing": "approximate"})));
    let heard = scene.read_all();
    let exact = heard.iter().filter(|frame| frame.to_string().contains(&WAITING.0.0.to_string()));
    assert_eq!(exact.collect::<Vec<_>>(), Vec::<&Value>::new());
}

#[test]
fn what_waited_before_a_friendship_ended_is_not_sent_when_they_are_friends_again() {
    let mut scene = Scene::new();
    scene.tell();
    scene.act("DELETE", "/v1/friends/viewer", None);
    // In between: elsewhere, with another note.
    let t = scene.node.clock.now().0 + 4_000;
    scene.phone.tell(json!({"type": "fix", "lat": 52.521_5, "lon": 13.406_9, "t": t, "acc": 5.0}));
    scene.phone.tell(json!({"type": "availability", "free": true, "note": "said in between"}));
    let invite = scene.node.call_as(&scene.walker, "POST", "/v1/invites").json(&json!({})).send().json();
    let path = format!("/v1/invites/{}/accept", invite["code"].as_str().unwrap());
    assert_eq!(scene.node.call_as(&scene.viewer, "POST", &path).json(&json!({})).send().status, 200);
    scene.phone.tell(json!({"type": "availability", "free": true, "note": "friends again"}));
    std::thread::sleep(Duration::from_millis(150));
    let heard = scene.read_all();
    let (lat, note) = (WAITING.0.0.to_string(), WAITING.1);
    let old = heard.iter().map(Value::to_string).filter(|frame| frame.contains(&lat) || frame.contains(note));
    assert_eq!(old.collect::<Vec<_>>(), Vec::<String>::new());
    assert!(heard.iter().any(|frame| frame["note"] == "friends again"), "and what is new comes");
}

/// Somebody with so many friends that a list of them does not fit into what the kernel holds; the last of them acts.
fn crowd() -> (TestNode, Person, Person) {
    let node = TestNode::start();
    let root = node.administrator("root");
    let ids = std::iter::once("viewer".to_owned()).chain((1..2_500).map(|at| format!("friend_of_many_{at}")));
    let users: Vec<Value> = ids.chain(["the_last".to_owned()]).map(|id| json!({"user": id})).collect();
    let friendships: Vec<[usize; 2]> = (1..users.len()).map(|at| [0, at]).collect();
    let made =
        node.call_as(&root, "POST", "/v1/admin/users").json(&json!({"users": users, "friendships": friendships}));
    let made = made.ok();
    let person = |at: usize| {
        let user = &made["users"][at];
        let no = u32::try_from(at).unwrap() + 1;
        Person { id: user["user"].as_str().unwrap().to_owned(), token: user["token"].as_str().unwrap().to_owned(), no }
    };
    (node, person(0), person(2_500))
}

#[test]
fn a_long_answer_breaks_off_before_somebody_who_left_meanwhile() {
    use std::io::{Read as _, Write as _};

    let (node, viewer, last) = crowd();
    for path in ["/v1/friends", "/v1/ws"] {
        let whole = |leaves: bool| {
            let headers = format!("Authorization: Bearer {}\r\n", viewer.token);
            let mut way = std::net::TcpStream::connect(node.address).unwrap();
            rustix::net::sockopt::set_socket_recv_buffer_size(&way, 4_096).unwrap();
            way.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            way.write_all(upgrade_or_get(path, &headers).as_bytes()).unwrap();
            let (mut heard, mut piece) = (Vec::new(), vec![0; 65_536]);
            let has = |heard: &[u8], text: &str| heard.windows(text.len()).any(|bytes| bytes == text.as_bytes());
            // The list was made once its first friend is here. Not more is read than that: the rest waits in the server.
            while !has(&heard, "friend_of_many_1\"") {
                let read = way.read(&mut piece[..512]).unwrap();
                assert_ne!(read, 0, "{path}");
                heard.extend_from_slice(&piece[..read]);
            }
            if leaves {
                assert_eq!(node.call_as(&last, "DELETE", "/v1/friends/viewer").send().status, 204);
            }
            while !has(&heard, "the_last") {
                let Ok(read @ 1..) = way.read(&mut piece) else { break };
                heard.extend_from_slice(&piece[..read]);
            }
            String::from_utf8_lossy(&heard).into_owned()
        };
        assert!(whole(false).contains("the_last"), "{path}");
        let broken = whole(true);
        assert!(!broken.contains("the_last"), "{path}: {}", broken.len());
        assert!(node.befriend(&viewer, &last));
    }
}

fn upgrade_or_get(path: &str, headers: &str) -> String {
    match path {
        "/v1/ws" => upgrade_request(path, headers),
        _ => format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n"),
    }
}
