//! Signing in: bodies of `/v1/session`.
use serde::Serialize;

use super::fields::Fields;
use crate::domain::Refusal;
use crate::protocol::client::Secret;

/// Who is signed in.
#[derive(Debug, Serialize)]
pub struct SessionReply<'a> {
    /// The id.
    pub user: &'a str,
    /// The name.
    pub name: &'a str,
    /// Whether this is an administrator.
    pub admin: bool,
}

/// `GET /v1/session`.
#[derive(Debug, Serialize)]
pub struct WhoReply<'a> {
    /// Who is signed in; `null`: nobody.
    pub user: Option<&'a str>,
    /// Whether a visitor may come in as the guest.
    pub guest: bool,
}

/// The body of `POST /v1/session`.
#[derive(Debug, Default)]
pub struct SessionBody {
    /// The token; absent: as the guest, where there is one.
    pub token: Option<Secret>,
    /// The token is not needed again: it is revoked.
    pub once: bool,
}

/// Reads the body of `POST /v1/session`; there may be none.
///
/// # Errors
/// `bad_json`, or `bad_field` on `token` or `once`.
pub fn parse_session_body(body: &[u8]) -> Result<SessionBody, Refusal> {
    let fields = Fields::read_or_none(body)?;
    let token = fields.token.text("token")?.map(Secret::new);
    Ok(SessionBody { token, once: fields.once.flag("once")?.unwrap_or(false) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_to_be_used_once_is_not_printed() {
        let body = parse_session_body(br#"{"token": "lh_secret", "once": true}"#).unwrap();
        assert!(body.once && !format!("{body:?}").contains("secret"));
        assert!(parse_session_body(b"").unwrap().token.is_none());
        assert_eq!(parse_session_body(br#"{"once": 1}"#).unwrap_err().field, Some("once"));
    }
}
