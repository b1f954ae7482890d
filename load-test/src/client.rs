//! One connection: the handshake, then frames over a plain TCP stream. Sending never waits: what the socket does not
//! take at once is kept and written when it can, so a stalled server cannot slow the schedule down.
use std::cell::RefCell;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::Notify;

use crate::frame;
use crate::messages::{self, Heard};

/// What a connection keeps while its socket takes nothing, bytes; beyond that, fixes are given up as unsent.
const MOST_UNSENT: usize = 256 * 1024;
/// How long a server may take to answer the handshake and `hello`.
const PATIENCE: Duration = Duration::from_secs(20);
/// Room for what is read at once, bytes.
const READ_AT_ONCE: usize = 4 * 1024;
/// A connection that ended without a word (RFC 6455).
pub const NO_CLOSE_FRAME: u16 = 1006;
/// Masking must be unpredictable for browsers' sake; a load generator only has to pay for it.
const MASK: [u8; 4] = [0x5A, 0xC3, 0x96, 0x3C];

/// Where to connect.
#[derive(Clone, Debug)]
pub struct Target {
    /// The server's address.
    pub address: SocketAddr,
    /// What goes into the `Host` header.
    pub host: String,
    /// Over how many loopback addresses to spread the connections' own ends; used only with an IPv4 loopback server.
    pub sources: u8,
}

/// A connection that was welcomed.
#[derive(Debug)]
pub struct Welcomed {
    /// The stream, with everything before and including the welcome taken out.
    pub stream: TcpStream,
    /// Bytes that came after it.
    pub rest: Vec<u8>,
    /// The newest number the server has decided for this device.
    pub last_seq: u64,
    /// Frames a second the server allows, if it said.
    pub frames_per_second: Option<u32>,
}

/// Why a connection was not welcomed.
#[derive(Debug)]
pub enum NotWelcomed {
    /// Try again later (503, 1012, 1013 and the like).
    Busy(Option<Duration>),
    /// Closed with this code.
    Closed(u16),
    /// The network.
    Io(io::Error),
    /// Something no LetsHang server says.
    Odd(String),
}

impl From<io::Error> for NotWelcomed {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Connects, shakes hands and says `hello`.
///
/// # Errors
/// As [`NotWelcomed`] says.
pub async fn connect(target: &Target, index: usize, token: &str) -> Result<Welcomed, NotWelcomed> {
    let late = |_| NotWelcomed::Io(io::ErrorKind::TimedOut.into());
    tokio::time::timeout(PATIENCE, shake_hands(target, index, token)).await.map_err(late)?
}

async fn shake_hands(target: &Target, index: usize, token: &str) -> Result<Welcomed, NotWelcomed> {
    let mut stream = open(target, index).await?;
    stream.set_nodelay(true)?;
    let (key, accept) = frame::HANDSHAKE;
    let host = &target.host;
    let request = format!(
        "GET /v1/ws HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: {key}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut bytes = Vec::with_capacity(1024);
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let rest = bytes.split_off(end + 4);
            break String::from_utf8_lossy(&std::mem::replace(&mut bytes, rest)).into_owned();
        }
        more(&mut stream, &mut bytes).await?;
    };
    match head.split(' ').nth(1) {
        Some("101") if head.contains(accept) => {}
        Some("503" | "429") => return Err(NotWelcomed::Busy(retry_after(&head))),
        _ => return Err(NotWelcomed::Odd(head.lines().next().unwrap_or_default().to_owned())),
    }
    let mut hello = Vec::new();
    frame::write(&mut hello, frame::TEXT, messages::hello(token).as_bytes(), MASK);
    stream.write_all(&hello).await?;
    loop {
        while let Some((frame, taken)) = frame::read(&bytes).map_err(|_| NotWelcomed::Odd("not a frame".into()))? {
            let heard = match frame.opcode {
                frame::CLOSE => return Err(closed(frame.payload)),
                frame::TEXT => messages::read(frame.payload),
                _ => Heard::Other,
            };
            bytes.drain(..taken);
            if let Heard::Welcome { last_seq, frames_per_second } = heard {
                return Ok(Welcomed { stream, rest: bytes, last_seq, frames_per_second });
            }
        }
        more(&mut stream, &mut bytes).await?;
    }
}

async fn open(target: &Target, index: usize) -> io::Result<TcpStream> {
    let socket = if target.address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if target.sources > 1 && target.address.is_ipv4() && target.address.ip().is_loopback() {
        let last = u8::try_from(index % usize::from(target.sources)).unwrap_or(0);
        socket.bind(SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 0, 0, last.saturating_add(1))), 0))?;
    }
    socket.connect(target.address).await
}

async fn more(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Result<(), NotWelcomed> {
    if stream.read_buf(bytes).await? == 0 {
        return Err(NotWelcomed::Closed(NO_CLOSE_FRAME));
    }
    Ok(())
}

fn closed(payload: &[u8]) -> NotWelcomed {
    match frame::close_code(payload) {
        1012 | 1013 => NotWelcomed::Busy(retry_after_ms(payload)),
        code => NotWelcomed::Closed(code),
    }
}

fn retry_after(head: &str) -> Option<Duration> {
    let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with("retry-after:"))?;
    line.split(':').nth(1)?.trim().parse().ok().map(Duration::from_secs)
}

/// `retry_after_ms` in the reason of a close frame, in whatever form it is written there.
fn retry_after_ms(payload: &[u8]) -> Option<Duration> {
    let reason = std::str::from_utf8(payload.get(2..)?).ok()?;
    let after = reason.split("retry_after_ms").nth(1)?.trim_start_matches(|c: char| !c.is_ascii_digit());
    let digits = after.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok().map(Duration::from_millis)
}

/// What became of a frame that was to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Posted {
    /// The kernel has it, or will get it as soon as it takes more.
    Yes,
    /// The connection is gone, or holds as much as it may.
    No,
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The server's close code; 1006 when it said none.
    pub code: u16,
    /// How long the server asks to wait.
    pub retry_after: Option<Duration>,
}

/// A welcomed connection, used from one thread.
#[derive(Debug)]
pub struct Line {
    stream: TcpStream,
    unsent: RefCell<Vec<u8>>,
    blocked: Notify,
    hung_up: Notify,
}

impl Line {
    /// Takes a stream over.
    #[must_use]
    pub fn new(stream: TcpStream) -> Self {
        Self { stream, unsent: RefCell::default(), blocked: Notify::new(), hung_up: Notify::new() }
    }

    /// Sends a frame now, in a write of its own; what the socket does not take follows as soon as it does.
    pub fn send(&self, opcode: u8, payload: &[u8], scratch: &mut Vec<u8>) -> Posted {
        scratch.clear();
        frame::write(scratch, opcode, payload, MASK);
        let mut unsent = self.unsent.borrow_mut();
        let written = if unsent.is_empty() { self.stream.try_write(scratch) } else { Ok(0) };
        let left = match written {
            Ok(taken) => scratch.get(taken..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => scratch.as_slice(),
            Err(_) => return Posted::No,
        };
        if left.is_empty() {
            return Posted::Yes;
        }
        if unsent.len() + left.len() > MOST_UNSENT {
            return Posted::No;
        }
        unsent.extend_from_slice(left);
        self.blocked.notify_one();
        Posted::Yes
    }

    /// Ends the conversation from this side.
    pub fn hang_up(&self) {
        self.send(frame::CLOSE, &1000_u16.to_be_bytes(), &mut Vec::new());
        self.hung_up.notify_one();
    }

    /// Reads until the connection ends; gives every text to `hear`. `rest` is what came with the welcome.
    pub async fn run(&self, mut rest: Vec<u8>, mut hear: impl FnMut(&[u8])) -> Ended {
        let ended = |code| Ended { code, retry_after: None };
        loop {
            match self.understand(&rest, &mut hear) {
                Ok(taken) => rest.drain(..taken),
                Err(end) => return end,
            };
            let writing = !self.unsent.borrow().is_empty();
            let ready = tokio::select! {
                ready = self.stream.readable() => ready,
                ready = self.stream.writable(), if writing => ready.and_then(|()| self.flush()),
                () = self.blocked.notified(), if !writing => Ok(()),
                () = self.hung_up.notified() => return ended(1000),
            };
            if ready.is_err() {
                return ended(NO_CLOSE_FRAME);
            }
            rest.reserve(READ_AT_ONCE);
            match self.stream.try_read_buf(&mut rest) {
                Ok(0) => return ended(NO_CLOSE_FRAME),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return ended(NO_CLOSE_FRAME),
            }
        }
    }

    /// Goes through the whole frames in `bytes`; how many bytes they took.
    fn understand(&self, bytes: &[u8], hear: &mut impl FnMut(&[u8])) -> Result<usize, Ended> {
        let mut all = 0;
        loop {
            let left = bytes.get(all..).unwrap_or_default();
            let Some((frame, taken)) = frame::read(left).map_err(|_| Ended { code: 1002, retry_after: None })? else {
                return Ok(all);
            };
            match frame.opcode {
                frame::TEXT => hear(frame.payload),
                frame::PING => {
                    self.send(frame::PONG, frame.payload, &mut Vec::new());
                }
                frame::CLOSE => {
                    let code = frame::close_code(frame.payload);
                    self.send(frame::CLOSE, &code.to_be_bytes(), &mut Vec::new());
                    return Err(Ended { code, retry_after: retry_after_ms(frame.payload) });
                }
                _ => {}
            }
            all += taken;
        }
    }

    fn flush(&self) -> io::Result<()> {
        let mut unsent = self.unsent.borrow_mut();
        match self.stream.try_write(&unsent) {
            Ok(taken) => {
                unsent.drain(..taken);
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_may_say_when_to_come_back() {
        let head = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7\r\n\r\n";
        assert_eq!(retry_after(head), Some(Duration::from_secs(7)));
        for reason in ["retry_after_ms=1500", "{\"retry_after_ms\":1500}", "draining; retry_after_ms: 1500 please"] {
            let payload = [&1012_u16.to_be_bytes(), reason.as_bytes()].concat();
            assert_eq!(retry_after_ms(&payload), Some(Duration::from_millis(1500)), "{reason}");
        }
        assert_eq!(retry_after_ms(b""), None);
    }
}
