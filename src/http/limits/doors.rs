//! Connections at once: in total and from one address. Whoever finds no room is told so at once, and let go.
use std::any::Any;
use std::cell::Cell;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use actix_rt::net::TcpStream;
use actix_web::dev::Extensions;
use parking_lot::Mutex;
use socket2::SockRef;

use super::{Limit, Limits, Net, Room, Wait};
use crate::http::tcp::stream_of;

/// Who is inside.
#[derive(Debug)]
pub struct Doors {
    room: Room,
    per_address: u32,
    open: AtomicU64,
    from: Mutex<ahash::AHashMap<Net, u32>>,
}

impl Doors {
    pub(super) fn new(room: Room, per_address: u32) -> Self {
        Self { room, per_address, open: AtomicU64::new(0), from: Mutex::default() }
    }

    /// For how many connections there is room.
    #[must_use]
    pub const fn room(&self) -> Room {
        self.room
    }

    /// Connections that are open now, of every kind.
    #[must_use]
    pub fn open(&self) -> u64 {
        self.open.load(Ordering::Relaxed)
    }

    /// Counts one more from an address; false when there are as many as may be.
    fn enter(&self, net: Net) -> bool {
        let mut from = self.from.lock();
        let inside = from.entry(net).or_default();
        let has_room = *inside < self.per_address;
        if has_room {
            *inside += 1;
        }
        has_room
    }

    fn leave(&self, net: Net) {
        let mut from = self.from.lock();
        if let Some(inside) = from.get_mut(&net) {
            *inside -= 1;
            if *inside == 0 {
                from.remove(&net);
            }
        }
    }
}

/// A place among the connections from one address, while it is held.
#[derive(Debug)]
pub struct Way {
    limits: Arc<Limits>,
    net: Net,
}

impl Way {
    /// One more from an address, which came by now; `None`: exempt.
    ///
    /// # Errors
    /// When it has as many as it may have, or when too many came from there within a minute.
    pub fn from(limits: &Arc<Limits>, address: IpAddr) -> Result<Option<Self>, (Limit, Wait)> {
        let Some(net) = limits.net(address) else { return Ok(None) };
        limits.arrival(address).map_err(|wait| (Limit::NewConnections, wait))?;
        if !limits.doors.enter(net) {
            limits.refused.count(Limit::AddressConnections);
            return Err((Limit::AddressConnections, Wait::SECOND));
        }
        Ok(Some(Self { limits: Arc::clone(limits), net }))
    }
}

impl Drop for Way {
    fn drop(&mut self) {
        self.limits.doors.leave(self.net);
    }
}

/// A connection, from its acceptance to its end.
#[derive(Debug)]
pub struct Visit {
    limits: Arc<Limits>,
    refused: Option<(Limit, Wait)>,
    _way: Option<Way>,
    since: Instant,
    /// How long the head of its first request may take.
    head: Duration,
    asked: Cell<bool>,
}

impl Visit {
    fn begin(limits: &Arc<Limits>, address: Option<IpAddr>, head: Duration) -> Self {
        let open = limits.doors.open.fetch_add(1, Ordering::Relaxed);
        let way = if open >= limits.doors.room.connections {
            limits.refused.count(Limit::Connections);
            Err((Limit::Connections, Wait::SECOND))
        } else {
            address.map_or(Ok(None), |address| Way::from(limits, address))
        };
        let (way, refused) = match way {
            Ok(way) => (way, None),
            Err(refused) => (None, Some(refused)),
        };
        Self { limits: Arc::clone(limits), refused, _way: way, since: Instant::now(), head, asked: Cell::new(false) }
    }

    /// Notes that a whole request came.
    pub fn asked(&self) {
        self.asked.set(true);
    }

    /// Why the connection is refused, and for how long, if it is.
    #[must_use]
    pub const fn refused(&self) -> Option<(Limit, Wait)> {
        self.refused
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.limits.doors.open.fetch_sub(1, Ordering::Relaxed);
        // The server's clock for this is read twice a second only.
        if !self.asked.get() && self.refused.is_none() && self.since.elapsed() >= self.head / 2 {
            self.limits.refused.count(Limit::Head);
        }
    }
}

/// For `HttpServer::on_connect`: counts the connection, and tells one that finds no room so. Connections from proxies are
/// not counted by address; whom they forward is, in the handshake.
pub fn on_connect(
    limits: Arc<Limits>,
    is_proxy: impl Fn(IpAddr) -> bool + Send + Sync + 'static,
    head: Duration,
) -> impl Fn(&dyn Any, &mut Extensions) + Send + Sync + 'static {
    move |connection, extensions| {
        let stream = stream_of(connection);
        let address = stream.and_then(|stream| stream.peer_addr().ok()).map(|address| address.ip());
        let visit = Visit::begin(&limits, address.filter(|address| !is_proxy(*address)), head);
        // Without waiting for a request that may never come. Over TLS the answer is given to the first request.
        let plain = stream.filter(|_| connection.is::<TcpStream>());
        if let (Some((limit, wait)), Some(stream)) = (visit.refused, plain) {
            let socket = SockRef::from(stream);
            let _ = socket.send(refusal(limit, wait).as_bytes());
            let _ = socket.shutdown(std::net::Shutdown::Both);
        }
        extensions.insert(visit);
    }
}

/// What a refused connection is told, whatever it was going to ask.
fn refusal(limit: Limit, wait: Wait) -> String {
    let (status, code, message) = match limit {
        Limit::Connections => {
            ("503 Service Unavailable", "unavailable", "this node has no room for another connection")
        }
        _ => ("429 Too Many Requests", "rate_limited", "too many connections from this address"),
    };
    let body = format!("{{\"code\":\"{code}\",\"message\":\"{message}\"}}");
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nretry-after: {}\r\n\
         cache-control: no-store\r\nconnection: close\r\n\r\n{body}",
        body.len(),
        wait.seconds(),
    )
}
