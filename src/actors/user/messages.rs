//! What a person's actor accepts.
use std::sync::Arc;

use actix::prelude::*;
use bytestring::ByteString;
use rustc_hash::FxHashMap;

use crate::actors::downlink::{Downlink, MovedFriend};
use crate::actors::spatial_index::FriendPlace;
use crate::domain::{Availability, DeviceName, Fix, Precision, Present, Refusal, Sight, UnixMs, UserId, UserNo};
use crate::protocol::close::CloseCode;
use crate::protocol::server::Rejected;
use crate::spatial::world::Reason;

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
    /// Which token it came with.
    pub token: u64,
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
    /// What to set; `None`: back to the calendar, the weekly hours or the default.
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
    pub present: Present,
    /// Steps today.
    pub steps_today: u32,
    /// The day that is today for this person.
    pub today: jiff::civil::Date,
}

/// A friend's state changed.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct FriendChanged {
    /// Which friend.
    pub of: UserNo,
    /// What the receiver must be allowed to know.
    pub needs: Sight,
    /// An encoded `presence` frame, shared by all who hear of it.
    pub frame: ByteString,
}

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
    /// How precisely the friend's position is shown from which the distance was worked out.
    pub shown: Precision,
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
    /// Whose hiding, being busy or silence ended it.
    pub by: Option<UserNo>,
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

/// Positions reported before this are to be forgotten.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct ForgetPositions(pub UnixMs);

/// Hands what is not kept yet to the journal.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct KeepNow;

/// A friendship began or ended, or what a friend is called changed. Answered once everything about a former friend is
/// purged from the person's connections.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct FriendshipChanged {
    /// With whom.
    pub friend: UserNo,
    /// Who that is, for the wire.
    pub user: UserId,
    /// What happened.
    pub change: FriendshipChange,
    /// Where the friend is, as far as it is shown to the receiver.
    pub place: Option<FriendPlace>,
}

/// What happened to a friendship.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FriendshipChange {
    /// They are friends from now on.
    Began,
    /// The friend has another name.
    Renamed,
    /// They are friends no longer.
    Ended,
}

/// What the person shares, or whether they hide, changed: read the accounts again. Answered once friends and the index have
/// been told.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct Review;

/// A token was revoked: the connections that came with it close.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct TokenRevoked(pub u64);

/// A friend's account is gone. Remembers who it was until the end of the friendship is told ([`FriendshipChanged`]): an
/// encounter may end first.
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

/// The account is gone: connections end.
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
