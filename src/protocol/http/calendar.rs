//! One's own calendar: bodies of `/v1/me/calendar`.
use serde::Serialize;

use super::fields::Fields;
use crate::domain::Refusal;
use crate::protocol::feed_url::FeedUrl;

/// `GET` and `PUT /v1/me/calendar`, and `calendar.json` of the export.
#[derive(Debug, Serialize)]
pub struct CalendarReply {
    /// `upload` or `url`.
    pub source: &'static str,
    /// The host of a subscription. The rest of its address is a secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url_host: Option<String>,
    /// How many events it has.
    pub events: u32,
    /// When it makes busy.
    pub busy: Vec<BusyReply>,
    /// When it was had last, Unix ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fetched: Option<i64>,
    /// When it is looked at next, Unix ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_fetch: Option<i64>,
    /// Why the newest state could not be had.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<CalendarFailure>,
    /// What was not used, and why.
    pub notes: Vec<String>,
}

/// A busy time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct BusyReply {
    /// From, Unix ms.
    pub from: i64,
    /// To, Unix ms.
    pub to: i64,
}

/// Why a subscription could not be had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CalendarFailure {
    /// For programs.
    pub code: String,
    /// For people.
    pub message: String,
}

/// Reads the body of `PUT /v1/me/calendar` as JSON.
///
/// # Errors
/// `bad_json`, `missing_field` and `bad_field` of `url`.
pub fn parse_calendar_body(body: &[u8]) -> Result<FeedUrl, Refusal> {
    let fields = Fields::read(body)?;
    let url = fields.url.text("url")?.ok_or_else(|| fields.url.missing("url"))?;
    FeedUrl::parse(url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Code;

    #[test]
    fn a_subscription_names_its_address() {
        let url = parse_calendar_body(br#"{"url": "webcal://example.org/me.ics"}"#).unwrap();
        assert_eq!(url.reveal(), "https://example.org/me.ics");
        for (body, code) in [
            ("{}", Code::MissingField),
            (r#"{"url": null}"#, Code::BadField),
            (r#"{"url": 7}"#, Code::BadField),
            (r#"{"url": "file:///etc/passwd"}"#, Code::BadField),
            ("[]", Code::BadJson),
        ] {
            let refusal = parse_calendar_body(body.as_bytes()).unwrap_err();
            assert_eq!(refusal.code, code, "{body}");
            assert_eq!(refusal.field, (code != Code::BadJson).then_some("url"), "{body}");
        }
    }
}
