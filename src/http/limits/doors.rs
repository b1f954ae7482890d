//! Connections at once: in total and from one address. Whoever finds no room is told so at once, and let go. Over TLS nothing
//! can be said before the handshake: so many may shake hands to be told so, and the others are only let go.
use std::cell::Cell;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use actix_rt::net::TcpStream;
use parking_lot::Mutex;
use socket2::SockRef;

use super::{Limit, Limits, Net, Room, Wait};
use crate::config::Networks;

/// Connections from one address that may shake hands at once although they are refused: to be told so.
const TOLD_PER_ADDRESS: u64 = 8;

/// How many there are of each.
#[derive(Debug, Default)]
struct Tally(Mutex<ahash::AHashMap<Net, u64>>);

impl Tally {
    /// Counts one more; false when there are as many as may be.
    fn enter(&self, net: Net, most: u64) -> bool {
        let mut all = self.0.lock();
        let inside = all.entry(net).or_default();
        let has_room = *inside < most;
        if has_room {
            *inside += 1;
        }
        has_room
    }

    fn leave(&self, net: Net) {
        let mut all = self.0.lock();
        if let Some(inside) = all.get_mut(&net) {
            *inside -= 1;
            if *inside == 0 {
                all.remove(&net);
            }
        }
    }
}

/// Who is inside.
#[derive(Debug)]
pub struct Doors {
    room: Room,
    per_address: u32,
    open: AtomicU64,
    from: Tally,
    told: AtomicU64,
    told_from: Tally,
}

impl Doors {
    pub(super) fn new(room: Room, per_address: u32) -> Self {
        Self {
            room,
            per_address,
            open: AtomicU64::new(0),
            from: Tally::default(),
            told: AtomicU64::new(0),
            told_from: Tally::default(),
        }
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
        if !limits.doors.from.enter(net, u64::from(limits.doors.per_address)) {
            limits.refused.count(Limit::AddressConnections);
            return Err((Limit::AddressConnections, Wait::SECOND));
        }
        Ok(Some(Self { limits: Arc::clone(limits), net }))
    }
}

impl Drop for Way {
    fn drop(&mut self) {
        self.limits.doors.from.leave(self.net);
    }
}

/// A place among the refused connections that shake hands to be told so, while it is held.
#[derive(Debug)]
struct Told {
    limits: Arc<Limits>,
    net: Option<Net>,
}

impl Told {
    /// `None`: too many are being told already, from that address (`net`; none: exempt) or in total.
    fn hold(limits: &Arc<Limits>, net: Option<Net>) -> Option<Self> {
        let (doors, most) = (&limits.doors, limits.doors.room.told());
        if net.is_some_and(|net| !doors.told_from.enter(net, TOLD_PER_ADDRESS.min(most / 2).max(1))) {
            return None;
        }
        // Gives back what it holds when it is dropped.
        let told = Self { limits: Arc::clone(limits), net };
        (doors.told.fetch_add(1, Ordering::Relaxed) < most).then_some(told)
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        let doors = &self.limits.doors;
        doors.told.fetch_sub(1, Ordering::Relaxed);
        if let Some(net) = self.net {
            doors.told_from.leave(net);
        }
    }
}

/// Stands where connections are accepted.
#[derive(Clone, Debug)]
pub struct Porter {
    /// What is counted.
    pub limits: Arc<Limits>,
    /// Connections from them are not counted by address; whom they forward is, in the handshake.
    pub proxies: Networks,
    /// How long the head of a connection's first request may take.
    pub head: Duration,
    /// There is a TLS handshake before anything can be said.
    pub tls: bool,
}

impl Porter {
    /// Counts a connection that was accepted just now, before anything was read from it. `None`: it is refused, and there
    /// are too many already that wait to be told so; it is to be closed at once.
    #[must_use]
    pub fn admit(&self, from: Option<IpAddr>) -> Option<Visit> {
        let from = from.filter(|address| !self.proxies.contains(*address));
        let mut visit = Visit::begin(&self.limits, from, self.head);
        if visit.refused.is_some() && self.tls {
            let net = from.and_then(|address| self.limits.net(address));
            visit.told = Some(Told::hold(&self.limits, net)?);
        }
        Some(visit)
    }
}

/// A connection, from its acceptance to its end.
#[derive(Debug)]
pub struct Visit {
    limits: Arc<Limits>,
    refused: Option<(Limit, Wait)>,
    _way: Option<Way>,
    told: Option<Told>,
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
        let (limits, since) = (Arc::clone(limits), Instant::now());
        Self { limits, refused, _way: way, told: None, since, head, asked: Cell::new(false) }
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

    /// Says so on a plain connection, without waiting for a request that may never come. Over TLS the answer is given to the
    /// first request.
    pub fn tell(&self, stream: &TcpStream) {
        if let Some((limit, wait)) = self.refused {
            let socket = SockRef::from(stream);
            let _ = socket.send(refusal(limit, wait).as_bytes());
            let _ = socket.shutdown(std::net::Shutdown::Both);
        }
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
