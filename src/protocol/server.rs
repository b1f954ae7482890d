//! What the server says: typed frames → text. Field names are PROTOCOL.md's.
use bytestring::ByteString;
use serde::Serialize;

use super::client::RequestId;
use crate::domain::{Availability, Code, DisplayName, Precision, Refusal, Sight, UnixMs, UserId};
use crate::spatial::world::{Live, Reason};

/// A friend, as `welcome` and `GET /v1/friends` show them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Friend {
    /// The friend's id.
    pub user: String,
    /// The friend's name.
    pub name: String,
    /// Whether a device of theirs is connected.
    pub online: bool,
    /// Whether they would meet now.
    pub free: bool,
    /// A few words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// When that lapses, Unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<i64>,
    /// Whether an encounter is under way.
    pub near: bool,
    /// Where, when there is a fresh position; absent otherwise.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

impl Friend {
    /// What of this object one may know who now has this sight; `None`: nothing at all. It was made for a viewer with the sight
    /// `made`, and never grows.
    #[must_use]
    pub fn cut_to(mut self, sight: Sight, made: Sight) -> Option<Self> {
        if sight == Sight::Nothing {
            return None;
        }
        if sight < made {
            // What was worked out from a position that is no longer shown like that goes with it.
            (self.place, self.near) = (None, self.near && sight >= Sight::Presence);
        }
        if sight == Sight::Veiled {
            (self.online, self.free, self.note, self.until, self.near) = (false, false, None, None, false);
        }
        Some(self)
    }
}

/// A position without motion.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Place {
    /// Degrees.
    pub lat: f64,
    /// Degrees.
    pub lon: f64,
    /// Unix milliseconds.
    pub t: i64,
    /// Metres.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acc: Option<f32>,
    /// Whether this is the centre of a cell of about 1 km, and not where somebody is.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub approximate: bool,
}

/// One row of a `nearby` answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NearbyFriend {
    /// The friend's id.
    pub user: String,
    /// The friend's name.
    pub name: String,
    /// Metres, rounded: see [`rounded`].
    pub distance: f64,
    /// Whether they would meet now.
    pub free: bool,
    /// A few words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Unix milliseconds.
    pub t: i64,
    /// Degrees.
    pub lat: f64,
    /// Degrees.
    pub lon: f64,
    /// Whether this is the centre of a cell of about 1 km, from which the distance was worked out, too.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub approximate: bool,
}

/// The first frame of a connection, without the friends.
#[derive(Clone, Debug, PartialEq)]
pub struct Welcome {
    /// The caller's id.
    pub user: UserId,
    /// The caller's name.
    pub name: DisplayName,
    /// Whether the caller is free.
    pub free: bool,
    /// Today's steps.
    pub steps_today: u32,
    /// The newest `seq` of this device that is decided.
    pub last_seq: u64,
    /// What to keep to.
    pub limits: Limits,
    /// When it was made.
    pub server_time: UnixMs,
}

impl Welcome {
    /// The frame, with these friends.
    #[must_use]
    pub fn encode(&self, friends: Vec<Friend>) -> ByteString {
        let frame = ServerFrame::Welcome {
            user: self.user.as_str(),
            name: self.name.as_str(),
            server_time: self.server_time.0,
            free: self.free,
            steps_today: self.steps_today,
            last_seq: self.last_seq,
            limits: self.limits,
            friends,
        };
        frame.encode()
    }
}

/// What a client must keep to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// The largest frame and message, bytes.
    pub frame_bytes: usize,
    /// The most fixes in a `fixes` frame.
    pub fixes_per_frame: usize,
    /// Frames a second, sustained.
    pub frames_per_second: u32,
}

/// A refused item of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Rejected {
    /// Which, from 0.
    pub index: usize,
    /// Why.
    #[serde(serialize_with = "code_as_text")]
    pub code: Code,
}

/// A frame from the server. [`ServerFrame::encode`] makes the text.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerFrame<'a> {
    /// Once, after authentication.
    Welcome {
        /// The caller's id.
        user: &'a str,
        /// The caller's name.
        name: &'a str,
        /// Unix milliseconds.
        server_time: i64,
        /// Whether the caller is free.
        free: bool,
        /// Today's steps.
        steps_today: u32,
        /// The newest `seq` of this device that is decided.
        last_seq: u64,
        /// What to keep to.
        limits: Limits,
        /// The caller's friends.
        friends: Vec<Friend>,
    },
    /// Everything up to `seq` is decided.
    Ack {
        /// The newest decided number.
        seq: u64,
        /// What of it was refused.
        #[serde(skip_serializing_if = "<[Rejected]>::is_empty")]
        rejected: &'a [Rejected],
    },
    /// A friend's state changed.
    Presence {
        /// The friend.
        user: &'a str,
        /// Whether a device of theirs is connected.
        online: bool,
        /// Whether they would meet now.
        free: bool,
        /// A few words.
        #[serde(skip_serializing_if = "Option::is_none")]
        note: Option<&'a str>,
        /// When that lapses.
        #[serde(skip_serializing_if = "Option::is_none")]
        until: Option<i64>,
    },
    /// A friend came near and both are free.
    Near {
        /// The friend.
        user: &'a str,
        /// Metres, rounded: see [`rounded`].
        distance: f64,
        /// Always true today; the protocol has it.
        free: bool,
        /// A few words.
        #[serde(skip_serializing_if = "Option::is_none")]
        note: Option<&'a str>,
        /// Unix milliseconds.
        t: i64,
    },
    /// The encounter ended.
    Apart {
        /// The friend.
        user: &'a str,
        /// Unix milliseconds.
        t: i64,
        /// `left`, `busy`, `stale`, `hidden` or `unfriended`.
        reason: &'static str,
    },
    /// Friends around, nearest first.
    Nearby {
        /// The client's own name for the request.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<&'a RequestId>,
        /// The friends.
        friends: &'a [NearbyFriend],
    },
    /// A friendship began, ended, or is on offer; or what a friend is called changed.
    Friendship {
        /// The other one.
        user: &'a str,
        /// `invited`, `friends` or `ended`.
        state: &'static str,
        /// The friend, when there is one now.
        #[serde(skip_serializing_if = "Option::is_none")]
        friend: Option<&'a Friend>,
    },
    /// The phone need not report again until it is this far from its last accepted fix, or until that time.
    Quiet {
        /// Metres; 0: report now.
        radius: f64,
        /// Unix milliseconds. A time that has come: there is no zone.
        until: i64,
    },
    /// The day's count changed.
    Steps {
        /// Steps today.
        today: u32,
    },
    /// I am here.
    Pong {
        /// The client's own name for the request.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<&'a RequestId>,
        /// Unix milliseconds.
        server_time: i64,
    },
    /// A part of the promise is suspended, or (with `since` absent) kept again.
    Degraded {
        /// Which part: `storage`, `redis`.
        what: &'a str,
        /// Since when, Unix milliseconds; `null` when it is back.
        since: Option<i64>,
    },
    /// A frame was refused; the connection stays open.
    Error {
        /// For programs.
        code: &'static str,
        /// For people.
        message: &'a str,
        /// The refused frame's number.
        #[serde(skip_serializing_if = "Option::is_none")]
        seq: Option<u64>,
        /// The field at fault.
        #[serde(skip_serializing_if = "Option::is_none")]
        field: Option<&'static str>,
    },
}

impl ServerFrame<'_> {
    /// The frame's text.
    #[must_use]
    pub fn encode(&self) -> ByteString {
        // Serialising these types cannot fail: no maps with odd keys, no fallible impls.
        serde_json::to_string(self).unwrap_or_default().into()
    }
}

impl Place {
    /// A live position without its motion.
    #[must_use]
    pub fn of(live: &Live, precision: Precision) -> Self {
        let approximate = precision != Precision::Exact;
        Self { lat: live.position.lat(), lon: live.position.lon(), t: live.t.0, acc: live.accuracy, approximate }
    }
}

/// An `error` frame for a refusal.
#[must_use]
pub fn error(refusal: &Refusal, seq: Option<u64>) -> ByteString {
    let frame =
        ServerFrame::Error { code: refusal.code.as_str(), message: &refusal.message, seq, field: refusal.field };
    frame.encode()
}

/// A `presence` frame.
#[must_use]
pub fn presence(user: &str, online: bool, availability: &Availability) -> ByteString {
    let note = availability.note.as_ref().map(crate::domain::Note::as_str);
    let until = availability.until.map(|UnixMs(until)| until);
    ServerFrame::Presence { user, online, free: availability.free, note, until }.encode()
}

/// The protocol's word for why an encounter ended.
#[must_use]
pub const fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::Left => "left",
        Reason::Busy => "busy",
        Reason::Stale => "stale",
        Reason::Hidden => "hidden",
        Reason::Unfriended => "unfriended",
    }
}

/// Metres as distances are shown: to 10 m below 1 km, then to 100 m. More would be false precision, and would tell who asks
/// again and again more than the position itself does.
#[must_use]
pub fn rounded(metres: f64) -> f64 {
    let step = if metres < 1_000.0 { 10.0 } else { 100.0 };
    (metres / step).round() * step
}

impl Serialize for RequestId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Number(number) => serializer.serialize_u64(*number),
            Self::Text(text) => serializer.serialize_str(text),
        }
    }
}

fn code_as_text<S: serde::Serializer>(code: &Code, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(code.as_str())
}
