//! A server that does nothing: a bare Tokio TCP loop on a thread of its own that shakes hands and counts frames. What it
//! spends on a frame is the yardstick for any server on this machine; with acks it is the counterpart for measuring the
//! generator's own cost.
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::time::{ClockId, clock_gettime};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use crate::frame;

/// What the sink has counted and spent.
#[derive(Debug, Default)]
struct Counters {
    frames: AtomicU64,
    cpu_ns: AtomicU64,
}

/// A running sink; it ends when this is dropped.
#[derive(Debug)]
pub struct Sink {
    /// Where it listens.
    pub address: SocketAddr,
    counters: Arc<Counters>,
    _stop: oneshot::Sender<()>,
}

impl Sink {
    /// Starts one on a free port. `acks`: answer numbered fixes.
    ///
    /// # Errors
    /// When there is no port or no thread to be had.
    pub fn start(acks: bool) -> Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("the sink finds no port")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let counters = Arc::new(Counters::default());
        let shared = counters.clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        std::thread::Builder::new().name("sink".into()).spawn(move || {
            runtime.block_on(async move {
                tokio::select! {
                    _ = stopped => {}
                    _ = serve(listener, shared.clone(), acks) => {}
                    () = keep_account(shared) => {}
                }
            });
        })?;
        Ok(Self { address, counters, _stop: stop })
    }

    /// Frames counted so far.
    #[cfg(test)]
    pub fn frames(&self) -> u64 {
        self.counters.frames.load(Ordering::Relaxed)
    }

    /// CPU seconds the sink's thread has used, a tenth of a second ago at most.
    #[must_use]
    pub fn cpu_seconds(&self) -> f64 {
        self.counters.cpu_ns.load(Ordering::Relaxed) as f64 / 1e9
    }
}

/// Only a thread itself can ask for its CPU time without further ado.
async fn keep_account(counters: Arc<Counters>) {
    loop {
        let spent = clock_gettime(ClockId::ThreadCPUTime);
        let ns = spent.tv_sec.saturating_mul(1_000_000_000).saturating_add(spent.tv_nsec);
        counters.cpu_ns.store(u64::try_from(ns).unwrap_or(0), Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn serve(listener: std::net::TcpListener, counters: Arc<Counters>, acks: bool) -> std::io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        let counters = counters.clone();
        // A connection that fails here is one that the other side ended.
        tokio::spawn(async move {
            let _ = count(stream, &counters, acks).await;
        });
    }
}

async fn count(mut stream: TcpStream, counters: &Counters, acks: bool) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut bytes = Vec::with_capacity(4 * 1024);
    let end_of_head = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(());
        }
    };
    bytes.drain(..end_of_head);
    let accept = frame::HANDSHAKE.1;
    let head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    send(&mut stream, br#"{"type":"welcome","last_seq":0}"#).await?;
    loop {
        let mut taken = 0;
        while let Some((length, key)) = next_masked(bytes.get(taken..).unwrap_or_default()) {
            counters.frames.fetch_add(1, Ordering::Relaxed);
            if acks
                && let Some(payload) = bytes.get_mut(taken + length.header..taken + length.whole)
                && let Some(seq) = seq_of(payload, key)
            {
                send(&mut stream, format!(r#"{{"type":"ack","seq":{seq}}}"#).as_bytes()).await?;
            }
            taken += length.whole;
        }
        bytes.drain(..taken);
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(());
        }
    }
}

async fn send(stream: &mut TcpStream, payload: &[u8]) -> std::io::Result<()> {
    let mut out = vec![0x81, u8::try_from(payload.len()).unwrap_or(125).min(125)];
    out.extend_from_slice(payload);
    stream.write_all(&out).await
}

/// Bytes of a frame's head, and of the whole frame.
struct Length {
    header: usize,
    whole: usize,
}

/// The lengths and key of a whole masked frame shorter than 64 KiB, which is all that walkers send.
fn next_masked(bytes: &[u8]) -> Option<(Length, [u8; 4])> {
    let short = usize::from(bytes.get(1)? & 0x7F);
    let (length, start) = match short {
        126 => (usize::from(u16::from_be_bytes(*bytes.get(2..)?.first_chunk()?)), 4),
        short => (short, 2),
    };
    let key = *bytes.get(start..)?.first_chunk()?;
    let whole = start + 4 + length;
    (bytes.len() >= whole).then_some((Length { header: start + 4, whole }, key))
}

/// The number of a numbered fix: it stands last.
fn seq_of(payload: &mut [u8], key: [u8; 4]) -> Option<u64> {
    frame::mask(payload, key);
    let tail = payload.get(payload.len().saturating_sub(32)..)?.strip_suffix(b"}")?;
    let colon = tail.iter().rposition(|&byte| byte == b':')?;
    let digits = tail.get(colon + 1..)?;
    tail.get(..colon)?.ends_with(br#","seq""#).then(|| std::str::from_utf8(digits).ok()?.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sink_finds_frames_and_numbers() {
        let mut bytes = Vec::new();
        frame::write(&mut bytes, frame::TEXT, br#"{"type":"fix","lat":1.0,"seq":17}"#, [9, 8, 7, 6]);
        assert!(next_masked(&bytes[..bytes.len() - 1]).is_none());
        let (length, key) = next_masked(&bytes).unwrap();
        assert_eq!(length.whole, bytes.len());
        assert_eq!(seq_of(&mut bytes[length.header..], key), Some(17));
        let mut other = br#"{"type":"fix","acc":5}"#.to_vec();
        assert_eq!(seq_of(&mut other, [0; 4]), None);
    }

    #[tokio::test]
    async fn the_sink_welcomes_counts_and_acknowledges() {
        use crate::client::{Line, Target, connect};
        let sink = Sink::start(true).unwrap();
        let target = Target { address: sink.address, host: sink.address.to_string(), sources: 1 };
        let welcomed = connect(&target, 0, "token").await.unwrap();
        let line = Line::new(welcomed.stream);
        let mut scratch = Vec::new();
        line.send(frame::TEXT, br#"{"type":"fix","lat":1.0}"#, &mut scratch);
        line.send(frame::TEXT, br#"{"type":"fix","lat":1.0,"seq":1}"#, &mut scratch);
        let heard = std::cell::Cell::new(false);
        tokio::select! {
            _ = line.run(welcomed.rest, |text| { assert_eq!(text, br#"{"type":"ack","seq":1}"#); heard.set(true); }) => {}
            () = async { while !heard.get() { tokio::time::sleep(Duration::from_millis(1)).await; } } => {}
        }
        assert_eq!(sink.frames(), 3, "hello and two fixes");
    }
}
