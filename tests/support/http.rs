//! A small HTTP client: one request, one connection, the whole answer.
#![allow(dead_code, reason = "each test binary uses its part")]
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// How long a test waits for an answer before it fails.
const PATIENCE: Duration = Duration::from_secs(15);

/// A request that is being put together.
#[derive(Clone)]
pub struct Call {
    address: SocketAddr,
    line: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

/// A request to `path` (with its query string).
pub fn call(address: SocketAddr, method: &str, path: &str) -> Call {
    Call { address, line: format!("{method} {path}"), headers: Vec::new(), body: None }
}

impl Call {
    /// Who is calling.
    pub fn bearer(self, token: &str) -> Self {
        self.header("Authorization", &format!("Bearer {token}"))
    }

    /// Adds a header; `Host` replaces the usual one.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A JSON body.
    pub fn json(self, body: &Value) -> Self {
        self.header("Content-Type", "application/json").body(body.to_string())
    }

    /// A body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// The request's bytes.
    pub fn bytes(&self) -> Vec<u8> {
        let mut head = format!("{} HTTP/1.1\r\nConnection: close\r\n", self.line);
        let has = |name: &str| self.headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name));
        if !has("host") {
            head.push_str(&format!("Host: {}\r\n", self.address));
        }
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if let Some(body) = self.body.as_ref().filter(|_| !has("content-length") && !has("transfer-encoding")) {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        [head.as_bytes(), b"\r\n", self.body.as_deref().unwrap_or_default()].concat()
    }

    /// Sends it and reads the answer.
    #[track_caller]
    pub fn send(self) -> Reply {
        let bytes = self.bytes();
        let reply = exchange(self.address, &bytes);
        reply.unwrap_or_else(|error| panic!("{}: no answer: {error}", self.line))
    }

    /// Sends it and gives the answer's JSON when it is a 200.
    #[track_caller]
    pub fn ok(self) -> Value {
        let line = self.line.clone();
        let reply = self.send();
        assert_eq!(reply.status, 200, "{line}: {}", reply.text());
        reply.json()
    }
}

/// Writes bytes to a new connection and reads an answer, up to its end.
pub fn exchange(address: SocketAddr, bytes: &[u8]) -> std::io::Result<Reply> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    // A server that refuses a large body may stop reading it: what counts is the answer.
    let _ = stream.write_all(bytes);
    read_reply(&mut stream)
}

/// Reads one answer from a connection, up to the connection's end.
pub fn read_reply(stream: &mut TcpStream) -> std::io::Result<Reply> {
    let mut all = Vec::new();
    let mut chunk = [0; 16 * 1024];
    loop {
        match stream.read(&mut chunk) {
            Ok(0) => break,
            Ok(n) => all.extend_from_slice(&chunk[..n]),
            // A reset after the answer was sent: part of the request was not read.
            Err(_) if Reply::parse(&all).is_some_and(|reply| reply.is_whole()) => break,
            Err(error) => return Err(error),
        }
        if Reply::parse(&all).is_some_and(|reply| reply.is_whole() && reply.header("content-length").is_some()) {
            break;
        }
    }
    Reply::parse(&all).ok_or_else(|| std::io::Error::other(format!("{} bytes that are no answer", all.len())))
}

/// An answer's bytes, read to their end.
pub fn parse_reply(bytes: &[u8]) -> Option<Reply> {
    Reply::parse(bytes)
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|bytes| bytes == b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let headers = lines.filter_map(|line| line.split_once(": ")).map(|(k, v)| (k.to_lowercase(), v.to_owned()));
        Some(Self { status, headers: headers.collect(), body: bytes[end + 4..].to_vec() })
    }

    fn is_whole(&self) -> bool {
        let length = self.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        self.body.len() >= length
    }

    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// An error's code and field.
    #[track_caller]
    pub fn refusal(&self) -> (String, Option<String>) {
        let body = self.json();
        let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
        (text("code").unwrap_or_default(), text("field"))
    }
}
