//! A person's tokens: bodies of `/v1/me/tokens`.
use serde::Serialize;

use super::SetupReply;
use super::fields::Fields;
use crate::domain::{Code, DeviceName, PhoneApp, Refusal};

/// What a token that somebody asks for may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TokenScope {
    /// Everything its user may.
    #[default]
    Full,
    /// Writes fixes and availability, reads nothing.
    Device,
}

/// The body of `POST /v1/me/tokens`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenBody {
    /// The device it is for.
    pub device: DeviceName,
    /// What it may do.
    pub kind: TokenScope,
    /// The app that will report with it.
    pub app: Option<PhoneApp>,
}

/// A token, without the token.
#[derive(Debug, Serialize)]
pub struct TokenReply {
    /// To be revoked by.
    pub id: u64,
    /// The device it was made for.
    pub device: String,
    /// `full`, `session` or `device`.
    pub kind: &'static str,
    /// When it was made, Unix ms.
    pub created: i64,
    /// From when on it is void, Unix ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<i64>,
    /// Whether the caller uses it.
    pub current: bool,
}

/// `GET /v1/me/tokens`.
#[derive(Debug, Serialize)]
pub struct TokensReply {
    /// Oldest first.
    pub tokens: Vec<TokenReply>,
}

/// The answer to `POST /v1/me/tokens`.
#[derive(Serialize)]
pub struct NewTokenReply<'a> {
    /// To be revoked by.
    pub id: u64,
    /// The token, shown this once.
    pub token: &'a str,
    /// The device it is for.
    pub device: &'a str,
    /// `full` or `device`.
    pub kind: &'static str,
    /// How to set the app up that it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub setup: Option<SetupReply>,
}

/// Reads the body of `POST /v1/me/tokens`.
///
/// # Errors
/// `bad_json`, `missing_field` on `device`, `bad_field` on `device`, `kind` and `app`.
pub fn parse_token_body(body: &[u8]) -> Result<TokenBody, Refusal> {
    let fields = Fields::read(body)?;
    let device = fields.device()?.ok_or_else(|| fields.device.missing("device"))?;
    let kind = match fields.kind.text("kind")? {
        None | Some("full") => TokenScope::Full,
        Some("device") => TokenScope::Device,
        Some(_) => return Err(Refusal::of_field(Code::BadField, "kind", "kind must be full or device")),
    };
    let unknown = || Refusal::of_field(Code::BadField, "app", "app must be owntracks, traccar, overland or gpslogger");
    let app = fields.app.text("app")?.map(|app| PhoneApp::parse(app).ok_or_else(unknown)).transpose()?;
    if app.is_some() && kind != TokenScope::Device {
        let message = "a token for an app must be of the kind device";
        return Err(Refusal::of_field(Code::BadField, "kind", message));
    }
    Ok(TokenBody { device, kind, app })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_for_a_device_and_full_unless_said_otherwise() {
        let kind = |body: &str| parse_token_body(body.as_bytes()).map(|body| body.kind);
        assert_eq!(kind(r#"{"device": "phone"}"#), Ok(TokenScope::Full));
        assert_eq!(kind(r#"{"device": "phone", "kind": "device"}"#), Ok(TokenScope::Device));
        for (text, code, field) in [
            ("{}", Code::MissingField, "device"),
            (r#"{"device": null}"#, Code::BadField, "device"),
            (r#"{"device": ""}"#, Code::BadField, "device"),
            (r#"{"device": "phone", "kind": "session"}"#, Code::BadField, "kind"),
            (r#"{"device": "phone", "kind": 1}"#, Code::BadField, "kind"),
            (r#"{"device": "phone", "kind": "device", "app": "hauk"}"#, Code::BadField, "app"),
            (r#"{"device": "phone", "app": "owntracks"}"#, Code::BadField, "kind"),
        ] {
            let refusal = parse_token_body(text.as_bytes()).unwrap_err();
            assert_eq!((refusal.code, refusal.field), (code, Some(field)), "{text}");
        }
    }
}
