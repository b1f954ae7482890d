//! What all sockets together did, for `/metrics`. Plain counters: reading them costs the sockets nothing.
use std::sync::atomic::{AtomicU64, Ordering};

use crate::protocol::close::CloseCode;

/// Counters shared by every socket of a node.
#[derive(Debug, Default)]
pub struct SocketMetrics {
    /// Connections that are open now: from the handshake until the kernel took the last byte or gave up.
    pub open: AtomicU64,
    /// Connections so far.
    pub opened: AtomicU64,
    /// Frames from clients, control frames among them. Brought up to date once a second and connection.
    pub frames_in: AtomicU64,
    /// Frames to clients.
    pub frames_out: AtomicU64,
    /// Bytes of those frames, heads included.
    pub bytes_out: AtomicU64,
    /// Positions that were overtaken by a newer one of the same friend before the socket could take them.
    pub moved_coalesced: AtomicU64,
    /// Connections whose state frames could no longer be held (4503).
    pub slow: AtomicU64,
    /// Pings that were not answered because there were too many.
    pub pings_ignored: AtomicU64,
    /// Sessions that ended without a close frame from either side.
    pub gone: AtomicU64,
    /// Sessions that the client closed.
    pub closed_by_client: AtomicU64,
    /// Sessions whose code panicked.
    pub panics: AtomicU64,
    by_code: [AtomicU64; CloseCode::ALL.len()],
    other_code: AtomicU64,
}

impl SocketMetrics {
    /// How many sessions the server closed, by code.
    pub fn closed(&self) -> impl Iterator<Item = (CloseCode, u64)> + '_ {
        CloseCode::ALL.iter().zip(&self.by_code).map(|(&code, count)| (code, count.load(Ordering::Relaxed)))
    }

    /// How many sessions the server closed with `code`.
    #[must_use]
    pub fn closed_with(&self, code: CloseCode) -> u64 {
        self.closed().find(|(known, _)| *known == code).map_or(0, |(_, count)| count)
    }

    pub(super) fn count_close(&self, code: CloseCode) {
        let known = CloseCode::ALL.iter().position(|known| *known == code).and_then(|index| self.by_code.get(index));
        add(known.unwrap_or(&self.other_code), 1);
    }
}

pub(super) fn add(counter: &AtomicU64, amount: u64) {
    if amount > 0 {
        counter.fetch_add(amount, Ordering::Relaxed);
    }
}
