//! How actors speak to a connection without knowing sockets: the contract that `http/outbox.rs` keeps.
use bytes::Bytes;
use bytestring::ByteString;

use crate::domain::{UserId, UserNo};
use crate::protocol::close::CloseCode;
use crate::spatial::world::Live;

/// A friend's newest position, on its way to one connection.
#[derive(Clone, Debug, PartialEq)]
pub struct MovedFriend {
    /// The friend, for coalescing.
    pub no: UserNo,
    /// The friend, for the wire.
    pub user: UserId,
    /// Where the friend is.
    pub live: Live,
}

/// One connection's way out. Every method returns at once; what cannot be sent now is held within bounds.
pub trait Downlink: Send + Sync + std::fmt::Debug {
    /// Queues a whole encoded frame, in order. Never dropped: when 256 frames or 64 KiB are unsent, the connection
    /// closes with 4503 instead.
    fn state(&self, frame: ByteString);
    /// Takes friends' positions; latest wins per friend, one `moved` frame when the socket can take it.
    fn moved(&self, friends: &[MovedFriend]);
    /// Drops a friend's waiting position: it must not arrive after the friendship ended.
    fn forget(&self, friend: UserNo);
    /// Acknowledges everything up to `seq`: a slot, latest wins.
    fn ack(&self, seq: u64);
    /// The administrator's crowd, binary: a slot, latest wins.
    fn crowd(&self, frame: Bytes);
    /// Closes after everything already queued.
    fn close(&self, code: CloseCode, reason: &str);
}
