//! Links by which people join: bodies of `/v1/invites`.
use serde::Serialize;

use super::fields::Fields;
use super::friendship::{PersonRow, SharingBody, SharingReply};
use crate::domain::{DeviceName, DisplayName, Refusal, UnixMs, UserId};

/// The answer to `POST /v1/invites`.
#[derive(Debug, Serialize)]
pub struct InviteReply<'a> {
    /// The code, shown this once.
    pub code: &'a str,
    /// The link with the code in its fragment, which browsers send to no server.
    pub url: String,
    /// From when on it is void, Unix ms.
    pub expires: i64,
}

/// An invite of the caller's that nobody has accepted yet.
#[derive(Debug, Serialize)]
pub struct InviteRow {
    /// To be withdrawn by.
    pub id: u64,
    /// When it was made, Unix ms.
    pub created: i64,
    /// From when on it is void, Unix ms.
    pub expires: i64,
    /// What the caller will share with whoever accepts.
    #[serde(flatten)]
    pub shared: SharingReply,
}

/// `GET /v1/invites`.
#[derive(Debug, Serialize)]
pub struct InvitesReply {
    /// Oldest first.
    pub invites: Vec<InviteRow>,
}

/// `GET /v1/invites/{code}`: what whoever holds the link may know before accepting.
#[derive(Debug, Serialize)]
pub struct InviteView {
    /// Whether it makes an administrator.
    pub administrator: bool,
    /// Who invites.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inviter: Option<PersonRow>,
    /// What the inviter will share.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub shared: Option<SharingReply>,
    /// From when on it is void, Unix ms.
    pub expires: i64,
}

/// The answer to `POST /v1/invites/{code}/accept`.
#[derive(Debug, Serialize)]
pub struct AcceptReply<'a> {
    /// The acceptor's id.
    pub user: &'a str,
    /// The inviter's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub friend: Option<&'a str>,
    /// The token of a new account, shown this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<&'a str>,
}

/// How somebody accepts an invite.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AcceptBody {
    /// What friends are to read.
    pub name: Option<DisplayName>,
    /// The id that is wished for.
    pub user: Option<UserId>,
    /// The device that the token is for.
    pub device: Option<DeviceName>,
    /// What the acceptor shares with the inviter.
    pub shared: SharingBody,
}

impl AcceptBody {
    /// The refusal of a new person without a name.
    #[must_use]
    pub fn missing_name() -> Refusal {
        Refusal::missing("name")
    }
}

/// Reads the body of `POST /v1/invites`; there may be none.
///
/// # Errors
/// `bad_json`, `bad_field` on `sharing` and `until`, `out_of_range` on `until`.
pub fn parse_invite_body(body: &[u8], now: UnixMs) -> Result<SharingBody, Refusal> {
    SharingBody::of(&Fields::read_or_none(body)?, now)
}

/// Reads the body of `POST /v1/invites/{code}/accept`; there may be none.
///
/// # Errors
/// `bad_json`, `bad_field` on `name`, `user`, `device`, `sharing` and `until`, `out_of_range` on `until`.
pub fn parse_accept_body(body: &[u8], now: UnixMs) -> Result<AcceptBody, Refusal> {
    let fields = Fields::read_or_none(body)?;
    Ok(AcceptBody {
        name: fields.name()?,
        user: fields.user()?,
        device: fields.device()?,
        shared: SharingBody::of(&fields, now)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Code, Precision};

    const NOW: UnixMs = UnixMs(1_000);

    #[test]
    fn whoever_says_nothing_shares_exactly_and_without_end() {
        let exact = SharingBody { precision: Precision::Exact, until: None };
        assert_eq!(parse_invite_body(b"", NOW), Ok(exact));
        assert_eq!(parse_invite_body(b"{}", NOW), Ok(exact));
        assert_eq!(parse_accept_body(b" ", NOW), Ok(AcceptBody { shared: exact, ..AcceptBody::default() }));
        let body = br#"{"name": "Ann", "user": "ann", "device": "phone", "sharing": "approximate", "until": 2000}"#;
        let body = parse_accept_body(body, NOW).unwrap();
        assert_eq!((body.name.unwrap().as_str(), body.user.unwrap().as_str()), ("Ann", "ann"));
        assert_eq!(body.shared, SharingBody { precision: Precision::Approximate, until: Some(UnixMs(2_000)) });
    }

    #[test]
    fn a_bad_acceptance_names_the_field() {
        for (text, code, field) in [
            (r#"{"name": " "}"#, Code::BadField, "name"),
            (r#"{"name": "a\u0000"}"#, Code::BadField, "name"),
            (r#"{"user": "a b"}"#, Code::BadField, "user"),
            (r#"{"user": "../x"}"#, Code::BadField, "user"),
            (r#"{"device": "\n"}"#, Code::BadField, "device"),
            (r#"{"sharing": "all"}"#, Code::BadField, "sharing"),
            (r#"{"until": 999}"#, Code::OutOfRange, "until"),
        ] {
            let refusal = parse_accept_body(text.as_bytes(), NOW).unwrap_err();
            assert_eq!((refusal.code, refusal.field), (code, Some(field)), "{text}");
        }
        assert_eq!(parse_invite_body(br#"{"sharing": 2}"#, NOW).unwrap_err().field, Some("sharing"));
    }
}
