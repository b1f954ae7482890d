//! Friends, and who sees what: bodies of `/v1/friends`, `/v1/nearby`, `/v1/me/viewers` and `/v1/blocks`.
use serde::Serialize;

use super::fields::Fields;
use crate::domain::{Precision, Refusal, Sharing, Sight, UnixMs};
use crate::protocol::server::{Friend, NearbyFriend};

/// `GET /v1/friends`.
#[derive(Debug, Serialize)]
pub struct FriendsReply {
    /// The caller's friends.
    pub friends: Vec<FriendReply>,
}

/// A friend, and what the caller shares with them.
#[derive(Debug, Serialize)]
pub struct FriendReply {
    /// The friend, as the caller may see them.
    #[serde(flatten)]
    pub friend: Friend,
    /// What the caller shares with the friend.
    #[serde(flatten)]
    pub shared: SharingReply,
}

/// What somebody shares with a friend now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SharingReply {
    /// `exact`, `approximate` or `off`.
    pub sharing: &'static str,
    /// When that ends by itself, Unix ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sharing_until: Option<i64>,
}

impl SharingReply {
    /// What holds at `now`.
    #[must_use]
    pub fn of(sharing: &Sharing, now: UnixMs) -> Self {
        Self { sharing: sharing.at(now).as_str(), sharing_until: sharing.ends(now).map(|UnixMs(until)| until) }
    }
}

/// `GET /v1/friends/{user}/view`.
#[derive(Debug, Serialize)]
pub struct ViewReply {
    /// `exact`, `approximate`, `presence` or `veiled`.
    pub sight: &'static str,
    /// The caller, as the friend sees them.
    pub friend: Friend,
}

/// Somebody who may see something of the caller.
#[derive(Debug, Serialize)]
pub struct ViewerReply {
    /// The id.
    pub user: String,
    /// The name.
    pub name: String,
    /// `exact`, `approximate`, `presence` or `veiled`.
    pub sight: &'static str,
    /// When what is shared with them ends by itself, Unix ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<i64>,
}

/// `GET /v1/me/viewers`.
#[derive(Debug, Serialize)]
pub struct ViewersReply {
    /// The caller's friends.
    pub viewers: Vec<ViewerReply>,
}

/// Somebody by id and name.
#[derive(Clone, Debug, Serialize)]
pub struct PersonRow {
    /// The id.
    pub user: String,
    /// The name.
    pub name: String,
}

/// `GET /v1/blocks`.
#[derive(Debug, Serialize)]
pub struct BlocksReply {
    /// Whom the caller has blocked.
    pub blocked: Vec<PersonRow>,
}

/// `GET /v1/nearby`.
#[derive(Debug, Serialize)]
pub struct NearbyReply {
    /// Nearest first.
    pub friends: Vec<NearbyFriend>,
}

/// What is to be shared, and until when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SharingBody {
    /// How precisely.
    pub precision: Precision,
    /// `None`: until it is changed.
    pub until: Option<UnixMs>,
}

impl SharingBody {
    /// The choice, made at `now` by somebody who shared nothing special before.
    #[must_use]
    pub fn choice(self, now: UnixMs) -> Sharing {
        Sharing::default().changed_to(self.precision, self.until, now)
    }

    /// What a body with these fields says; where it says nothing: exactly, without end.
    pub(super) fn of(fields: &Fields<'_>, now: UnixMs) -> Result<Self, Refusal> {
        Ok(Self { precision: fields.sharing()?.unwrap_or_default(), until: fields.until(now)? })
    }
}

/// Reads the body of `PATCH /v1/friends/{user}`.
///
/// # Errors
/// `bad_json`, `missing_field` on `sharing`, `bad_field` on `sharing` and `until`, `out_of_range` on `until`.
pub fn parse_sharing_body(body: &[u8], now: UnixMs) -> Result<SharingBody, Refusal> {
    let fields = Fields::read(body)?;
    if fields.sharing()?.is_none() {
        return Err(fields.sharing.missing("sharing"));
    }
    SharingBody::of(&fields, now)
}

/// The protocol's word for what a friend sees.
#[must_use]
pub const fn sight_word(sight: Sight) -> &'static str {
    match sight {
        Sight::Nothing => "nothing",
        Sight::Veiled => "veiled",
        Sight::Presence => "presence",
        Sight::Approximate => "approximate",
        Sight::Exact => "exact",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Code;

    const NOW: UnixMs = UnixMs(1_000);

    #[test]
    fn what_is_shared_has_a_word_and_perhaps_an_end() {
        let read = |body: &str| parse_sharing_body(body.as_bytes(), NOW);
        let body = |precision, until| Ok(SharingBody { precision, until });
        assert_eq!(read(r#"{"sharing": "approximate"}"#), body(Precision::Approximate, None));
        assert_eq!(read(r#"{"sharing": "off", "until": 2000}"#), body(Precision::Off, Some(UnixMs(2_000))));
        assert_eq!(read(r#"{"sharing": "exact", "until": null}"#), body(Precision::Exact, None));
        for (text, code, field) in [
            ("{}", Code::MissingField, "sharing"),
            (r#"{"until": 2000}"#, Code::MissingField, "sharing"),
            (r#"{"sharing": null}"#, Code::BadField, "sharing"),
            (r#"{"sharing": "Exact"}"#, Code::BadField, "sharing"),
            (r#"{"sharing": 1}"#, Code::BadField, "sharing"),
            (r#"{"sharing": "exact", "until": 1000}"#, Code::OutOfRange, "until"),
            (r#"{"sharing": "exact", "until": []}"#, Code::BadField, "until"),
        ] {
            let refusal = read(text).unwrap_err();
            assert_eq!((refusal.code, refusal.field), (code, Some(field)), "{text}");
        }
    }

    #[test]
    fn an_hour_of_sharing_ends_and_is_said_so() {
        let hour = SharingBody { precision: Precision::Approximate, until: Some(UnixMs(2_000)) }.choice(NOW);
        let said = |now| SharingReply::of(&hour, UnixMs(now));
        assert_eq!(said(1_999), SharingReply { sharing: "approximate", sharing_until: Some(2_000) });
        assert_eq!(said(2_000), SharingReply { sharing: "off", sharing_until: None });
    }
}
