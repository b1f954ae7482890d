//! A WebSocket client that can break every rule: it writes the bytes it is told to, and reads frames one by one.
#![allow(dead_code, reason = "each test binary uses its part")]
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long a test waits for the server before it fails.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// A frame's first byte: FIN and the opcode.
pub const TEXT: u8 = 0x81;
pub const BINARY: u8 = 0x82;
pub const CLOSE: u8 = 0x88;
pub const PING: u8 = 0x89;
pub const PONG: u8 = 0x8A;
/// The same without FIN.
pub const FIRST_TEXT: u8 = 0x01;
pub const FIRST_BINARY: u8 = 0x02;
pub const MIDDLE: u8 = 0x00;
pub const LAST: u8 = 0x80;

const MASK: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

/// A masked frame whose length is written in the shortest form.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let form = match payload.len() {
        0..=125 => 7,
        126..=0xFFFF => 16,
        _ => 64,
    };
    frame_as(first, form, payload)
}

/// A masked frame whose length is written in 7, 16 or 64 bits.
pub fn frame_as(first: u8, length_bits: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = head(first, length_bits, payload.len() as u64);
    bytes.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, key)| byte ^ key));
    bytes
}

/// A masked frame's head that announces `length` bytes.
pub fn head(first: u8, length_bits: u8, length: u64) -> Vec<u8> {
    let mut bytes = vec![first];
    match length_bits {
        7 => bytes.push(0x80 | u8::try_from(length).unwrap()),
        16 => {
            bytes.push(0x80 | 126);
            bytes.extend(u16::try_from(length).unwrap().to_be_bytes());
        }
        _ => {
            bytes.push(0x80 | 127);
            bytes.extend(length.to_be_bytes());
        }
    }
    bytes.extend(MASK);
    bytes
}

/// A frame without a mask.
pub fn unmasked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first, u8::try_from(payload.len()).unwrap()];
    bytes.extend(payload);
    bytes
}

/// A close frame's payload.
pub fn close_payload(code: u16, reason: &[u8]) -> Vec<u8> {
    [&code.to_be_bytes()[..], reason].concat()
}

/// What the server sent.
#[derive(Clone, PartialEq, Eq)]
pub enum Received {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<u16>, String),
    /// The connection ended: FIN.
    End,
    /// The connection ended: RST, or another fault of the transport.
    Broken(ErrorKind),
    /// Nothing came in time.
    Nothing,
}

impl std::fmt::Debug for Received {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => write!(f, "Text({} bytes: {:.40})", text.len(), text),
            Self::Binary(bytes) => write!(f, "Binary({} bytes)", bytes.len()),
            Self::Ping(bytes) => write!(f, "Ping({} bytes)", bytes.len()),
            Self::Pong(bytes) => write!(f, "Pong({} bytes)", bytes.len()),
            Self::Close(code, reason) => write!(f, "Close({code:?} {reason})"),
            Self::End => write!(f, "End"),
            Self::Broken(kind) => write!(f, "Broken({kind:?})"),
            Self::Nothing => write!(f, "Nothing"),
        }
    }
}

/// A connection after its handshake.
pub struct RawClient {
    pub stream: TcpStream,
    buffer: Vec<u8>,
}

/// The upgrade request that every client sends, with these headers besides.
pub fn upgrade_request(path: &str, headers: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
    )
}

/// Sends a request and reads the answer's head; what follows it stays in the client's buffer.
pub fn request(address: SocketAddr, request: &[u8]) -> (String, RawClient) {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    request_over(stream, request)
}

/// The same over a connection made by hand.
pub fn request_over(stream: TcpStream, request: &[u8]) -> (String, RawClient) {
    let mut client = RawClient { stream, buffer: Vec::new() };
    client.send(request);
    loop {
        if let Some(end) = client.buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            let head: Vec<u8> = client.buffer.drain(..end + 4).collect();
            return (String::from_utf8(head).unwrap(), client);
        }
        match client.fill() {
            Ok(true) => {}
            other => {
                let got = String::from_utf8_lossy(&client.buffer).into_owned();
                assert!(matches!(other, Ok(false)) && !got.is_empty(), "no answer: {other:?} {got:?}");
                return (got, client);
            }
        }
    }
}

impl RawClient {
    /// Connects to `path` and shakes hands.
    pub fn connect(address: SocketAddr, path: &str) -> Self {
        let (head, client) = request(address, upgrade_request(path, "").as_bytes());
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        client
    }

    /// Writes bytes as they are.
    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// Writes a whole text message.
    pub fn text(&mut self, text: &str) {
        self.send(&frame(TEXT, text.as_bytes()));
    }

    fn fill(&mut self) -> std::io::Result<bool> {
        let mut chunk = [0; 16 * 1024];
        let n = self.stream.read(&mut chunk)?;
        self.buffer.extend_from_slice(&chunk[..n]);
        Ok(n > 0)
    }

    /// The next frame from the server.
    pub fn read(&mut self) -> Received {
        loop {
            if let Some(received) = self.take_frame() {
                return received;
            }
            match self.fill() {
                Ok(true) => {}
                Ok(false) => return Received::End,
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    return Received::Nothing;
                }
                Err(error) => return Received::Broken(error.kind()),
            }
        }
    }

    /// The next frame, if it comes within `patience`.
    pub fn read_within(&mut self, patience: Duration) -> Received {
        self.stream.set_read_timeout(Some(patience)).unwrap();
        let received = self.read();
        self.stream.set_read_timeout(Some(PATIENCE)).unwrap();
        received
    }

    /// All frames until the connection ends, or nothing comes.
    pub fn read_all(&mut self) -> Vec<Received> {
        let mut all = Vec::new();
        loop {
            let received = self.read();
            let last = matches!(received, Received::End | Received::Broken(_) | Received::Nothing);
            all.push(received);
            if last {
                return all;
            }
        }
    }

    /// Reads on to the close frame and gives its code; what came before it is dropped.
    pub fn read_close(&mut self) -> Option<u16> {
        loop {
            match self.read() {
                Received::Close(code, _) => return code,
                Received::Text(_) | Received::Binary(_) | Received::Ping(_) | Received::Pong(_) => {}
                end => panic!("no close frame: {end:?}"),
            }
        }
    }

    fn take_frame(&mut self) -> Option<Received> {
        let [first, second, rest @ ..] = &self.buffer[..] else { return None };
        assert_eq!(second & 0x80, 0, "the server must not mask");
        let (extended, length) = match second & 0x7F {
            126 => (2, usize::from(u16::from_be_bytes(*rest.first_chunk()?))),
            127 => (8, usize::try_from(u64::from_be_bytes(*rest.first_chunk()?)).unwrap()),
            short => (0, usize::from(short)),
        };
        let payload = rest.get(extended..extended + length)?.to_vec();
        let first = *first;
        self.buffer.drain(..2 + extended + length);
        Some(match first {
            TEXT => Received::Text(String::from_utf8(payload).unwrap()),
            BINARY => Received::Binary(payload),
            PING => Received::Ping(payload),
            PONG => Received::Pong(payload),
            CLOSE => {
                let code = payload.first_chunk().map(|code| u16::from_be_bytes(*code));
                let reason = payload.get(2..).unwrap_or_default().to_vec();
                Received::Close(code, String::from_utf8(reason).unwrap())
            }
            other => panic!("the server sent a frame that begins with {other:#x}"),
        })
    }
}
