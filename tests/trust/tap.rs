//! A device's connection that keeps every frame as the bytes it came in.
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::raw_ws::{PONG, RawClient, Received, frame, request, upgrade_request};

/// How long the server may take for an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// One connection.
pub struct Tap {
    pub raw: RawClient,
    /// Frames heard and not judged yet, in order.
    heard: Vec<String>,
    /// How it ended: the close code, or 0 for a connection that broke.
    pub closed: Option<u16>,
    next: u64,
    seq: u64,
    /// The clock's milliseconds that were given to a fix last.
    pub map_open: bool,
}

impl Tap {
    /// Connects with a token and reads on to `welcome`; gives the status, or the close code, when it is refused.
    pub fn connect(address: SocketAddr, token: &str) -> Result<Self, u16> {
        let headers = format!("Authorization: Bearer {token}\r\n");
        let (head, raw) = request(address, upgrade_request("/v1/ws", &headers).as_bytes());
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        if status != 101 {
            return Err(status);
        }
        let mut tap = Self { raw, heard: Vec::new(), closed: None, next: 0, seq: 0, map_open: false };
        match tap.read_on(|frame| frame["type"] == "welcome") {
            Some(welcome) => {
                tap.seq = welcome["last_seq"].as_u64().unwrap();
                Ok(tap)
            }
            None => Err(tap.closed.unwrap_or(0)),
        }
    }

    pub fn say(&mut self, message: &Value) {
        // A connection that the server closed cannot be written to; what came before it is still read.
        let _ = std::io::Write::write_all(
            &mut self.raw.stream,
            &frame(crate::raw_ws::TEXT, message.to_string().as_bytes()),
        );
    }

    /// Says something with a number and waits for its `ack`; false when the connection ended before.
    pub fn tell(&mut self, mut message: Value) -> bool {
        self.seq += 1;
        let seq = self.seq;
        message["seq"] = seq.into();
        self.say(&message);
        let ack = self.read_on(|frame| frame["type"] == "ack" && frame["seq"].as_u64().unwrap() >= seq);
        if let Some(ack) = &ack {
            assert!(ack.get("rejected").is_none(), "{message}: {ack}");
        }
        ack.is_some()
    }

    /// Everything heard up to the answer to a `ping` that is sent now: what comes later was written later than now.
    pub fn barrier(&mut self) -> Vec<String> {
        self.next += 1;
        let id = format!("barrier-{}", self.next);
        if self.closed.is_none() {
            self.say(&json!({"type": "ping", "id": id}));
            self.read_on(|frame| frame["type"] == "pong" && frame["id"] == id.as_str());
        }
        std::mem::take(&mut self.heard)
    }

    /// Reads on until the connection ends; gives the close code, or 0.
    pub fn read_to_the_end(&mut self, patience: Duration) -> Option<u16> {
        let deadline = Instant::now() + patience;
        while self.closed.is_none() && Instant::now() < deadline {
            self.read_one(deadline.saturating_duration_since(Instant::now()));
        }
        self.closed
    }

    fn read_on(&mut self, mut is_it: impl FnMut(&Value) -> bool) -> Option<Value> {
        let deadline = Instant::now() + PATIENCE;
        while self.closed.is_none() {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "no answer in {PATIENCE:?}; heard: {:?}", self.heard);
            let Some(frame) = self.read_one(left) else { continue };
            if is_it(&frame) {
                return Some(frame);
            }
            assert_ne!(frame["type"], "error", "unasked: {frame}");
        }
        None
    }

    fn read_one(&mut self, patience: Duration) -> Option<Value> {
        match self.raw.read_within(patience.max(Duration::from_millis(1))) {
            Received::Text(text) => {
                let frame = serde_json::from_str(&text).unwrap();
                self.heard.push(text);
                Some(frame)
            }
            Received::Ping(payload) => {
                let _ = std::io::Write::write_all(&mut self.raw.stream, &frame(PONG, &payload));
                None
            }
            Received::Pong(_) | Received::Nothing => None,
            Received::Close(code, reason) => {
                self.closed = Some(code.unwrap_or(1005));
                self.heard.push(json!({"type": "close", "reason": reason}).to_string());
                None
            }
            Received::End | Received::Broken(_) => {
                self.closed = Some(0);
                None
            }
            Received::Binary(bytes) => panic!("a binary frame of {} bytes", bytes.len()),
        }
    }
}
