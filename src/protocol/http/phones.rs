//! A person's phones: bodies of `/v1/me/phones` and `/v1/me/alerts`, and what to type into which app.
use serde::Serialize;

use super::fields::Fields;
use crate::domain::{Code, Refusal};

/// `GET /v1/me/phones`.
#[derive(Debug, Serialize)]
pub struct PhonesReply {
    /// Oldest token first.
    pub phones: Vec<PhoneReply>,
    /// The last wrong credential that named the caller, within a day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wrong_credentials: Option<WrongReply>,
}

/// How one phone's requests went. Times are Unix milliseconds.
#[derive(Debug, Serialize)]
pub struct PhoneReply {
    /// The token's id.
    pub id: u64,
    /// The device it was made for.
    pub device: String,
    /// The app it was made for, or else the one it came with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app: Option<&'static str>,
    /// `ios` or `android`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<&'static str>,
    /// Whether friends who come near are announced in answers; absent: as suits the platform.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub near_notices: Option<bool>,
    /// Whether it is asked for its steps.
    pub ask_steps: bool,
    /// The last request with a good credential.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reached: Option<i64>,
    /// The first one, since this server started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reached_first: Option<i64>,
    /// When a request was last answered well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_ok: Option<i64>,
    /// The time of the newest position that was taken in, by the phone's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_fix: Option<i64>,
    /// When friends were last sent to it, and how many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub friends_sent: Option<SentReply>,
    /// The HTTP status of the last answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_status: Option<u16>,
    /// Positions taken in, since this server started.
    pub accepted: u32,
    /// Positions that moved nothing, by reason.
    pub dropped: DroppedReply,
    /// What is wrong with how it is set up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<HintReply>,
}

/// Friends sent to a phone.
#[derive(Debug, Serialize)]
pub struct SentReply {
    /// When.
    pub t: i64,
    /// How many.
    pub count: u32,
}

/// Positions that moved nothing.
#[derive(Debug, Default, Serialize)]
pub struct DroppedReply {
    /// Older than the newest.
    pub late: u32,
    /// Known already.
    pub duplicate: u32,
    /// Not readable, or outside the world.
    pub odd: u32,
    /// Beyond the rate of one person.
    pub too_often: u32,
    /// Ahead of the server's clock.
    pub future: u32,
    /// Older than seven days.
    pub too_old: u32,
}

/// What is wrong, and what to do.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct HintReply {
    /// For programs.
    pub code: &'static str,
    /// For people.
    pub message: &'static str,
}

/// A wrong credential.
#[derive(Debug, Serialize)]
pub struct WrongReply {
    /// When.
    pub t: i64,
    /// The app whose address was called.
    pub app: &'static str,
}

/// The body of `PATCH /v1/me/phones/{id}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PhoneBody {
    /// Whether friends who come near are announced in answers; `Some(None)`: as suits the platform.
    pub near_notices: Option<Option<bool>>,
    /// Whether it is asked for its steps.
    pub ask_steps: Option<bool>,
}

/// `GET /v1/me/alerts`.
#[derive(Debug, Serialize)]
pub struct AlertsReply {
    /// Every friend.
    pub friends: Vec<AlertReply>,
}

/// Why a friend is announced, or is not.
#[derive(Debug, Serialize)]
pub struct AlertReply {
    /// The friend's id.
    pub user: String,
    /// The friend's name.
    pub name: String,
    /// `near`, `far`, `busy`, `you_busy`, `stale`, `you_stale`, `coarse`, `recently`, `not_shown` or `you_hidden`.
    pub state: &'static str,
    /// In words.
    pub message: String,
    /// Metres, rounded, where a position is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distance: Option<f64>,
}

/// How to set an app up. There is a secret in it; it is shown once.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct SetupReply {
    /// The address to send to.
    pub url: String,
    /// The name to sign in with, where the app asks for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The password, where the app asks for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// What opens the app with everything filled in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// The text of a code to be scanned.
    pub qr: String,
    /// What to type where links do nothing.
    pub fields: Vec<SetupField>,
}

/// One thing to type.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct SetupField {
    /// What the app calls it.
    pub name: &'static str,
    /// What to type.
    pub value: String,
}

/// Reads the body of `PATCH /v1/me/phones/{id}`.
///
/// # Errors
/// `bad_json`; `bad_field` on `near_notices` and `ask_steps`; `missing_field` when neither is there.
pub fn parse_phone_body(body: &[u8]) -> Result<PhoneBody, Refusal> {
    let fields = Fields::read(body)?;
    let near_notices = match fields.near_notices.flag("near_notices")? {
        Some(on) => Some(Some(on)),
        None => fields.near_notices.is_null().then_some(None),
    };
    let ask_steps = fields.ask_steps.flag("ask_steps")?;
    if near_notices.is_none() && ask_steps.is_none() {
        let message = "near_notices or ask_steps must be there";
        return Err(Refusal::of_field(Code::MissingField, "near_notices", message));
    }
    Ok(PhoneBody { near_notices, ask_steps })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_is_changed_in_what_is_said_and_in_nothing_else() {
        let parse = |body: &str| parse_phone_body(body.as_bytes());
        assert_eq!(
            parse(r#"{"near_notices": true}"#),
            Ok(PhoneBody { near_notices: Some(Some(true)), ask_steps: None })
        );
        assert_eq!(parse(r#"{"near_notices": null}"#), Ok(PhoneBody { near_notices: Some(None), ask_steps: None }));
        assert_eq!(parse(r#"{"ask_steps": false}"#), Ok(PhoneBody { near_notices: None, ask_steps: Some(false) }));
        for (body, code) in [
            ("{}", Code::MissingField),
            (r#"{"near_notices": 1}"#, Code::BadField),
            (r#"{"ask_steps": "yes"}"#, Code::BadField),
            ("[]", Code::BadJson),
        ] {
            assert_eq!(parse(body).unwrap_err().code, code, "{body}");
        }
    }
}
