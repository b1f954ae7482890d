//! What a person's actor accepts.
use std::sync::Arc;

use actix::prelude::*;
use bytestring::ByteString;
use rustc_hash::FxHashMap;

use crate::actors::downlink::{Downlink, MovedFriend};
use crate::actors::spatial_index::FriendPlace;
use crate::domain::{Availability, DeviceName, Fix, Refusal, UnixMs, UserId, UserNo};
use crate::protocol::close::CloseCode;
use crate::protocol::server::Rejected;
use crate::spatial::world::Reason;
use crate::store::rows::Account;

/// Which device speaks, and where its answer goes.
#[derive(Clone, Debug)]
pub enum Speaker {
    /// A connection that has attached.
    Connection(u64),
    /// A request over HTTP by the named device.
    Request(DeviceName),
}

/// A connection has authenticated; `welcome` follows on its link.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Attach {
    /// The connection's number, unique on this node.
    pub conn: u64,
    /// Its way out.
    pub link: Arc<dyn Downlink>,
    /// Which device.
    pub device: DeviceName,
    /// Whether it replaces an older connection of the same device. Browser tabs do not replace each other.
    pub exclusive: bool,
}

/// A connection is gone. Sent from one place, once; harmless twice.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Detach {
    /// The connection's number.
    pub conn: u64,
}

/// A fix from a connection.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct ReportFix {
    /// The connection's number.
    pub conn: u64,
    /// The fix.
    pub fix: Fix,
    /// To be acknowledged.
    pub seq: Option<u64>,
}

/// Several fixes; each is decided by itself. Answers with what was refused, once the rest is durable; to a
/// connection the answer goes as an `ack` on its link, and the result here is empty at once.
#[derive(Debug, Message)]
#[rtype(result = "FixesAnswer")]
pub struct ReportFixes {
    /// Who speaks.
    pub speaker: Speaker,
    /// The fixes, each checked.
    pub fixes: Vec<Result<Fix, Refusal>>,
    /// To be acknowledged.
    pub seq: Option<u64>,
}

/// What became of several fixes. The receiver yields true once they are durable.
pub struct FixesAnswer {
    /// How many were accepted (late and duplicate ones too).
    pub accepted: usize,
    /// The refused ones.
    pub rejected: Vec<Rejected>,
    /// Fires when durable; `None` when the answer went to the connection.
    pub stored: Option<tokio::sync::oneshot::Receiver<bool>>,
}

/// Free or busy, set by hand.
#[derive(Debug, Message)]
#[rtype(result = "Option<tokio::sync::oneshot::Receiver<bool>>")]
pub struct SetAvailability {
    /// Who speaks.
    pub speaker: Speaker,
    /// What to set; `None` clears to the default.
    pub availability: Option<Availability>,
    /// To be acknowledged.
    pub seq: Option<u64>,
}

/// One checked seed line of this person: a fix, and availability as the person said it then.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct RecordSeed {
    /// Who speaks.
    pub speaker: Speaker,
    /// The fix.
    pub fix: Fix,
    /// What it said of being free.
    pub free: bool,
}

/// Opens or closes the map of a connection.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct OpenMap {
    /// The connection's number.
    pub conn: u64,
    /// True: send `moved`.
    pub open: bool,
}

/// The person's state for `GET /v1/me` and the like.
#[derive(Debug, Message)]
#[rtype(result = "OwnState")]
pub struct QueryOwnState;

/// What a person's actor knows of the person.
#[derive(Clone, Debug)]
pub struct OwnState {
    /// What holds now.
    pub availability: Availability,
    /// Steps today.
    pub steps_today: u32,
    /// The day that is today for this person.
    pub today: jiff::civil::Date,
}

/// A friend's state changed: an encoded `presence` frame, shared by all who hear of it.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct FriendChanged(pub ByteString);

/// An encounter began.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Met {
    /// With whom.
    pub friend: UserNo,
    /// Metres.
    pub distance_m: f64,
    /// When.
    pub t: UnixMs,
}

/// An encounter ended.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Parted {
    /// With whom.
    pub friend: UserNo,
    /// When.
    pub t: UnixMs,
    /// Why.
    pub reason: Reason,
}

/// Friends moved while the map is open.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct FriendsMoved(pub Arc<[MovedFriend]>);

/// The index's answer to a new connection: what its `welcome` may show.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct FriendsSnapshot {
    /// For which connection.
    pub conn: u64,
    /// Friends' places.
    pub places: FxHashMap<UserNo, FriendPlace>,
}

/// The moment has come at which what was set by hand lapses.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct Lapsed;

/// Hands what is not kept yet to the journal.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct KeepNow;

/// The person's friendships changed.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct FriendsEdited;

/// A friend's account is gone.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct FriendGone {
    /// Who it was: nobody can look it up any more.
    pub no: UserNo,
    /// Who it was, for the wire.
    pub user: UserId,
}

/// Asks that everything said so far is kept and acknowledged; then the sender fires.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Settle(pub tokio::sync::oneshot::Sender<bool>);

/// The person's account changed.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct AccountEdited(pub Account);

/// The account, or one token of it, is gone: connections end.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Expelled;

/// A frame for every connection of the person (`degraded`).
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct TellAll(pub ByteString);

/// Every connection of the person must close.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct CloseAll {
    /// With which code.
    pub code: CloseCode,
    /// And reason.
    pub reason: String,
}
