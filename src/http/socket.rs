//! WebSocket connections: what a session is to them, and how a request becomes one.
//!
//! Three parts meet here. The response body carries the [`Outbox`] to the socket and is polled by actix-http. The actor
//! ([`super::socket_actor`]) reads, and runs as a task of its own: were it polled from the body, as
//! `actix-web-actors` does by itself, a client that does not read would freeze it. The [`Session`] gives frames meaning.
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::future::LocalBoxFuture;

pub use super::frame_reader::{Message, ReaderLimits};
use super::handshake;
use super::outbox::OutboxBody;
pub use super::outbox::{Outbox, OutboxLimits, WRITE_BUFFER};
use super::socket_actor;
pub use super::socket_metrics::SocketMetrics;
pub use super::tcp::{DISCONNECT_TIMEOUT, TcpOptions, on_connect, on_connect_with};
use crate::actors::downlink::Downlink;
use crate::protocol::close::CloseCode;

/// How long a close frame waits, at most, for the answers to what was said before it.
pub const SETTLE_WITHIN: Duration = Duration::from_secs(2);

/// What follows a message.
pub enum Flow {
    /// The next message.
    Continue,
    /// Nothing is read from this client until the future ends: back-pressure. Ticks go on, order is kept.
    Wait(LocalBoxFuture<'static, ()>),
}

/// What a connection means. All calls come one after the other, on the connection's worker thread.
pub trait Session: Unpin + 'static {
    /// The handshake is done; before anything else.
    fn opened(&mut self, _link: &Link) {}
    /// A whole message. None comes after [`Self::closed`], nor once the outbox is closing.
    fn message(&mut self, message: Message, link: &Link) -> Flow;
    /// Ends when everything said so far is answered; `None`: it is. When the client breaks the protocol, the close frame
    /// waits for it: what was valid before is acknowledged (PROTOCOL.md, "Close codes").
    fn settled(&mut self) -> Option<LocalBoxFuture<'static, ()>> {
        None
    }
    /// Once a second, also under load and while nothing is read.
    fn tick(&mut self, link: &Link);
    /// The last call, exactly once, however the connection ended: the client or the server closed it, or it broke.
    /// What is queued for the client may still be on its way.
    fn closed(&mut self);
}

/// A session's own connection.
#[derive(Clone, Debug)]
pub struct Link {
    outbox: Arc<Outbox>,
    peer: Option<SocketAddr>,
}

impl Link {
    /// The way out, to be shared with the actors that speak to this client.
    #[must_use]
    pub const fn outbox(&self) -> &Arc<Outbox> {
        &self.outbox
    }

    /// Where the connection comes from.
    #[must_use]
    pub const fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }

    /// Closes after everything queued. No message comes after this one.
    pub fn close(&self, code: CloseCode, reason: &str) {
        self.outbox.close(code, reason);
    }
}

/// What every connection keeps to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketLimits {
    /// Sizes and kinds of messages.
    pub reader: ReaderLimits,
    /// From the first byte of a message to its last; then 1008. Told at a tick, so never early and up to a tick late.
    pub message: Duration,
    /// Silence after which the server pings.
    pub ping_after: Duration,
    /// Silence after which the connection is closed with 4504.
    pub idle: Duration,
    /// How long a client may take to answer our close frame.
    pub close_wait: Duration,
    /// How long we read on, and drop what comes, after a frame that broke the rules. Hanging up on bytes that are still
    /// on their way would make the kernel send a reset, which can overtake the close frame.
    pub drain: Duration,
    /// Between ticks; 50 ms to 1.5 s.
    pub tick: Duration,
    /// Pings answered a second; [`u32::MAX`]: all.
    pub pongs_per_second: u32,
    /// Pings answered at once.
    pub pong_burst: u32,
    /// Unanswered pings between two ticks after which the connection is closed with 4429.
    pub pings_over: u32,
}

impl Default for SocketLimits {
    fn default() -> Self {
        Self {
            reader: ReaderLimits::default(),
            message: Duration::from_secs(10),
            ping_after: Duration::from_secs(25),
            idle: Duration::from_secs(60),
            close_wait: Duration::from_millis(1500),
            drain: Duration::from_millis(250),
            tick: Duration::from_secs(1),
            pongs_per_second: 10,
            pong_burst: 20,
            pings_over: 100,
        }
    }
}

/// Turns a request into a connection: checks the handshake, starts the session, answers 101.
///
/// The server must be built with `.on_connect(on_connect)` (or [`on_connect_with`]), `.h1_write_buffer_size(WRITE_BUFFER)`
/// (without it up to 32 KiB more wait for a slow reader) and `.client_disconnect_timeout(DISCONNECT_TIMEOUT)` (without it
/// closing takes a second longer).
///
/// # Errors
/// What [`handshake::answer`] says; then the session was dropped without a call.
pub fn serve<S: Session>(
    req: &HttpRequest,
    payload: web::Payload,
    session: S,
    outbox: Arc<Outbox>,
    limits: Arc<SocketLimits>,
) -> Result<HttpResponse, actix_web::Error> {
    let mut response = handshake::answer(req)?;
    let link = Link { outbox: Arc::clone(&outbox), peer: req.peer_addr() };
    let body = OutboxBody::new(outbox);
    socket_actor::start(session, link, payload, limits);
    Ok(response.body(body))
}
