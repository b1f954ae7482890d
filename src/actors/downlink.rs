//! How actors speak to a connection without knowing sockets: the contract that `http/outbox.rs` keeps.
//!
//! What tells of a person carries who that is ([`About`], [`FriendList`], [`MovedFriend`]) until it is written out; there, and
//! only there, the [`Gate`] is asked again with the facts of that moment.
use bytes::Bytes;
use bytestring::ByteString;

use crate::domain::{Precision, Sight, UserId, UserNo};
use crate::protocol::client::RequestId;
use crate::protocol::close::CloseCode;
use crate::protocol::server::{Friend, NearbyFriend, Welcome};
use crate::spatial::world::Live;

/// A friend's newest position, on its way to one connection.
#[derive(Clone, Debug, PartialEq)]
pub struct MovedFriend {
    /// The friend, for coalescing.
    pub no: UserNo,
    /// The friend, for the wire.
    pub user: UserId,
    /// Where the friend is, as the viewer may see it.
    pub live: Live,
    /// How precisely that is: it is written out only while that much is allowed.
    pub precision: Precision,
}

/// A whole encoded frame that tells of one person.
#[derive(Clone, Debug)]
pub struct About {
    /// Of whom.
    pub of: UserNo,
    /// What the receiver must be allowed to know when it is written out.
    pub needs: Sight,
    /// Whether that person must see the receiver, too: encounters are told to both or to neither.
    pub mutual: bool,
    /// The frame.
    pub frame: ByteString,
    /// What goes out in its place to one who may not know it, but may still know that there is such a friend.
    pub otherwise: Option<ByteString>,
}

/// A list of friends: made when asked for, cut to what is allowed when it is written out.
#[derive(Clone, Debug)]
pub enum FriendList {
    /// The first frame of a connection. Friends with what was allowed when their objects were made.
    Welcome(Box<Welcome>, Vec<(UserNo, Sight, Friend)>),
    /// The answer to `nearby`.
    Nearby(Option<RequestId>, Vec<(UserNo, Sight, NearbyFriend)>),
}

/// Decides, with the facts of this moment, what one person may know of another. Called wherever a frame or an answer about a
/// person is written out; must be quick and never wait for the disk.
pub trait Gate: Send + Sync + std::fmt::Debug {
    /// What `viewer` may know of `owner` now.
    fn sight(&self, owner: UserNo, viewer: UserNo) -> Sight;
    /// Leaves of `friends` those whose position may be shown to `viewer` as precisely as it stands there.
    fn keep(&self, viewer: UserNo, friends: &mut Vec<MovedFriend>);
    /// Counts what was made while it was allowed, and was not sent because it no longer is.
    fn late_drop(&self);
}

/// One connection's way out. Every method returns at once; what cannot be sent now is held within bounds.
pub trait Downlink: Send + Sync + std::fmt::Debug {
    /// Queues a whole encoded frame, in order. Never dropped: when 256 frames or 64 KiB are unsent, the connection
    /// closes with 4503 instead. The frame tells of nobody but the receiver.
    fn state(&self, frame: ByteString);
    /// Queues a frame about a person, in order with [`Self::state`] and under the same bound. Dropped when it is written out
    /// only if the receiver may not know it any more.
    fn about(&self, about: About);
    /// Queues a list of friends, in order with [`Self::state`] and under the same bound.
    fn friends(&self, list: FriendList);
    /// Takes friends' positions; latest wins per friend, one `moved` frame when the socket can take it.
    fn moved(&self, friends: &[MovedFriend]);
    /// Drops everything about a person that waits: the friendship has ended.
    fn forget(&self, friend: UserNo);
    /// Acknowledges everything up to `seq`: a slot, latest wins.
    fn ack(&self, seq: u64);
    /// What the phone is told of keeping quiet, encoded: a slot, latest wins.
    fn quiet(&self, frame: ByteString);
    /// The administrator's crowd, binary: a slot, latest wins.
    fn crowd(&self, frame: Bytes);
    /// Closes after everything already queued.
    fn close(&self, code: CloseCode, reason: &str);
}
