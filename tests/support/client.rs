//! A person's connection, as a phone has one: says typed frames, keeps what it hears until a test asks for it.
#![allow(dead_code, reason = "each test binary uses its part")]
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use letshang::domain::Clock;
use serde_json::{Value, json};

use crate::http::call;
use crate::raw_ws::{PATIENCE, RawClient, Received, request, upgrade_request};

/// A place, degrees north and east.
pub type At = (f64, f64);

/// A square in a town.
pub const SQUARE: At = (52.52, 13.405);

/// So many metres north of a place.
pub fn north_of((lat, lon): At, metres: f64) -> At {
    (lat + metres / 111_195.080_233, lon)
}

/// Somebody with a token.
#[derive(Clone, Debug)]
pub struct Person {
    pub id: String,
    pub token: String,
    pub no: u32,
}

/// An authenticated connection.
pub struct Client {
    pub raw: RawClient,
    pub welcome: Value,
    /// What was heard and not asked for yet.
    held: VecDeque<Value>,
    address: SocketAddr,
    token: String,
    clock: Clock,
    seq: u64,
    last_t: i64,
}

impl Client {
    /// Connects with the token in the upgrade request and reads `welcome`.
    #[track_caller]
    pub fn connect(address: SocketAddr, clock: &Clock, token: &str) -> Self {
        let client = Self::upgrade(address, clock, token, &format!("Authorization: Bearer {token}\r\n"));
        client.welcomed()
    }

    /// Connects and says `hello` as a device.
    #[track_caller]
    pub fn hello(address: SocketAddr, clock: &Clock, token: &str, device: &str) -> Self {
        let mut client = Self::upgrade(address, clock, token, "");
        client.say(&json!({"type": "hello", "token": token, "device": device}));
        client.welcomed()
    }

    #[track_caller]
    fn upgrade(address: SocketAddr, clock: &Clock, token: &str, headers: &str) -> Self {
        let (head, raw) = request(address, upgrade_request("/v1/ws", headers).as_bytes());
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        Self {
            raw,
            welcome: Value::Null,
            held: VecDeque::new(),
            address,
            token: token.to_owned(),
            clock: clock.clone(),
            seq: 0,
            last_t: 0,
        }
    }

    #[track_caller]
    fn welcomed(mut self) -> Self {
        self.welcome = self.next();
        assert_eq!(self.welcome["type"], "welcome", "the first frame: {}", self.welcome);
        self.seq = self.welcome["last_seq"].as_u64().unwrap();
        self
    }

    /// What it came with.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Says a frame.
    pub fn say(&mut self, frame: &Value) {
        self.raw.text(&frame.to_string());
    }

    /// A number that this client has not used.
    pub fn fresh_seq(&mut self) -> u64 {
        self.seq += 1;
        self.seq
    }

    /// Says a frame with a number, and waits until it is acknowledged.
    #[track_caller]
    pub fn tell(&mut self, mut frame: Value) -> Value {
        let seq = self.fresh_seq();
        frame["seq"] = seq.into();
        self.say(&frame);
        loop {
            let ack = self.expect("ack");
            if ack["seq"].as_u64().unwrap() >= seq {
                return ack;
            }
        }
    }

    /// Reports a position of now and waits until it is acknowledged.
    #[track_caller]
    pub fn be_at(&mut self, place: At) {
        self.last_t = (self.last_t + 1).max(self.clock.now().0);
        let (lat, lon, t) = (place.0, place.1, self.last_t);
        self.tell(json!({"type": "fix", "lat": lat, "lon": lon, "t": t, "acc": 5.0}));
    }

    /// Says free or busy and waits until it is acknowledged.
    #[track_caller]
    pub fn be_free(&mut self, free: bool) {
        self.tell(json!({"type": "availability", "free": free}));
    }

    /// The next frame of a kind; others wait until they are asked for. An `error` that nobody asked for fails the test.
    #[track_caller]
    pub fn expect(&mut self, kind: &str) -> Value {
        self.expect_within(kind, PATIENCE)
    }

    /// The same, within `patience`.
    #[track_caller]
    pub fn expect_within(&mut self, kind: &str, patience: Duration) -> Value {
        if let Some(at) = self.held.iter().position(|frame| frame["type"] == kind) {
            return self.held.remove(at).unwrap();
        }
        let deadline = Instant::now() + patience;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "no {kind} within {patience:?}; held: {:?}", self.held);
            let Some(frame) = self.read(left) else { continue };
            if frame["type"] == kind {
                return frame;
            }
            assert_ne!(frame["type"], "error", "while waiting for {kind}: {frame}");
            self.held.push_back(frame);
        }
    }

    /// The next frame, whatever it is.
    #[track_caller]
    pub fn next(&mut self) -> Value {
        if let Some(frame) = self.held.pop_front() {
            return frame;
        }
        self.read(PATIENCE).expect("a frame in time")
    }

    #[track_caller]
    fn read(&mut self, patience: Duration) -> Option<Value> {
        match self.raw.read_within(patience.max(Duration::from_millis(1))) {
            Received::Text(text) => Some(serde_json::from_str(&text).unwrap()),
            Received::Ping(payload) => {
                self.raw.send(&crate::raw_ws::frame(crate::raw_ws::PONG, &payload));
                None
            }
            Received::Pong(_) | Received::Nothing => None,
            other => panic!("instead of a frame: {other:?}; held: {:?}", self.held),
        }
    }

    /// Everything heard so far, once all that has been acknowledged to anybody has had its effect on this person: the
    /// index and then the person's actor are asked something, and last the connection itself.
    #[track_caller]
    pub fn heard(&mut self) -> Vec<Value> {
        call(self.address, "GET", "/v1/nearby").bearer(&self.token).ok();
        call(self.address, "GET", "/v1/me").bearer(&self.token).ok();
        let id = format!("all-until-{}", self.fresh_seq());
        self.say(&json!({"type": "ping", "id": id}));
        loop {
            if self.held.back().is_some_and(|frame| frame["type"] == "pong" && frame["id"] == id) {
                self.held.pop_back();
                return self.held.drain(..).collect();
            }
            if let Some(frame) = self.read(PATIENCE) {
                self.held.push_back(frame);
            }
        }
    }

    /// What was heard, as `type user` or `type user reason` each: a session's transcript.
    #[track_caller]
    pub fn transcript(&mut self) -> Vec<String> {
        let line = |frame: &Value| {
            let words = ["type", "user", "reason", "state"].map(|name| frame[name].as_str().unwrap_or_default());
            let line = words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
            if frame["type"] != "presence" {
                return line;
            }
            let (online, free) = (frame["online"] == true, frame["free"] == true);
            format!("{line} {} {}", if online { "online" } else { "offline" }, if free { "free" } else { "busy" })
        };
        self.heard().iter().map(line).collect()
    }

    /// Reads on to the close frame.
    #[track_caller]
    pub fn expect_close(&mut self) -> (u16, String) {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            match self.raw.read_within(Duration::from_secs(1)) {
                Received::Close(code, reason) => return (code.unwrap_or(1005), reason),
                Received::Text(text) => self.held.push_back(serde_json::from_str(&text).unwrap()),
                Received::Ping(_) | Received::Pong(_) | Received::Binary(_) | Received::Nothing => {}
                other => panic!("instead of a close frame: {other:?}; held: {:?}", self.held),
            }
        }
        panic!("no close frame in time; held: {:?}", self.held)
    }

    /// What was heard and not asked for, without waiting for more.
    pub fn held(&self) -> &VecDeque<Value> {
        &self.held
    }
}
