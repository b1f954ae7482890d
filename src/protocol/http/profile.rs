//! One's own profile and availability: bodies of `/v1/me` and `/v1/me/availability`.
use serde::Serialize;

use super::fields::Fields;
use super::free_hours::{DayHoursReply, parse_free_hours};
use crate::domain::{Code, DisplayName, Note, Present, Radius, Refusal, UnixMs, WeeklyHours};

/// `GET /v1/me`.
#[derive(Debug, Serialize)]
pub struct MeReply<'a> {
    /// The id.
    pub user: &'a str,
    /// The name.
    pub name: &'a str,
    /// Whether this is an administrator.
    pub admin: bool,
    /// Metres.
    pub radius: f64,
    /// IANA name.
    pub time_zone: &'a str,
    /// Metres a step.
    pub stride: f32,
    /// Would meet now.
    pub free: bool,
    /// A few words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<&'a str>,
    /// When that lapses, Unix ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<i64>,
    /// Who decided that: `hand`, `calendar`, `hours` or `default`.
    pub source: &'static str,
    /// Hidden from everyone until then, Unix ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hidden_until: Option<i64>,
    /// A position is shown only while free.
    pub only_free: bool,
    /// When the person is usually free, by their own clock.
    pub free_hours: Vec<DayHoursReply>,
    /// Stands in friends' leaderboards.
    pub on_board: bool,
}

/// `GET /v1/me/availability`.
#[derive(Debug, Serialize)]
pub struct AvailabilityReply<'a> {
    /// Would meet now.
    pub free: bool,
    /// A few words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<&'a str>,
    /// When that ends, Unix ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<i64>,
    /// Who decided it: `hand`, `calendar`, `hours` or `default`.
    pub source: &'static str,
    /// What holds then, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<NextReply>,
}

/// What holds after the end of an availability.
#[derive(Debug, Serialize)]
pub struct NextReply {
    /// Would meet then.
    pub free: bool,
    /// Who says so.
    pub source: &'static str,
}

impl<'a> AvailabilityReply<'a> {
    /// What holds, as its person may read it.
    #[must_use]
    pub fn of(present: &'a Present) -> Self {
        Self {
            free: present.free,
            note: present.note.as_ref().map(Note::as_str),
            until: present.until.map(|UnixMs(until)| until),
            source: present.source.as_str(),
            next: present.next.map(|next| NextReply { free: next.free, source: next.source.as_str() }),
        }
    }
}

/// What `PATCH /v1/me` changes; `None` leaves it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProfileBody {
    /// What friends read.
    pub name: Option<DisplayName>,
    /// How near is near.
    pub radius: Option<Radius>,
    /// IANA name; `Some(None)`: the server's.
    pub time_zone: Option<Option<String>>,
    /// Metres a step.
    pub stride: Option<f32>,
    /// Hidden from everyone until then; `Some(None)`: no longer.
    pub hidden_until: Option<Option<UnixMs>>,
    /// A position is shown only while free.
    pub only_free: Option<bool>,
    /// When the person is usually free; empty: nothing is said of that.
    pub free_hours: Option<WeeklyHours>,
    /// Stands in friends' leaderboards.
    pub on_board: Option<bool>,
}

/// The shortest and the longest step, metres: what the step counter takes.
const STRIDE_M: std::ops::RangeInclusive<f64> = 0.2..=2.0;

/// Reads the body of `PATCH /v1/me`.
///
/// # Errors
/// `bad_json`, or `bad_field` and `out_of_range` with the field's bounds.
pub fn parse_profile_body(body: &[u8], now: UnixMs) -> Result<ProfileBody, Refusal> {
    let fields = Fields::read(body)?;
    let radius = fields.radius.number("radius", "a number from 50 to 50000")?;
    let stride = fields.stride.number("stride", "a number from 0.2 to 2")?;
    if stride.is_some_and(|stride| !STRIDE_M.contains(&stride)) {
        return Err(Refusal::of_field(Code::OutOfRange, "stride", "stride must be 0.2 to 2 metres"));
    }
    let time_zone = match fields.time_zone.text("time_zone")? {
        Some(name) => Some(Some(zone_name(name)?)),
        None => fields.time_zone.is_null().then_some(None),
    };
    Ok(ProfileBody {
        name: fields.name()?,
        radius: radius.map(Radius::metres).transpose()?,
        time_zone,
        #[expect(clippy::cast_possible_truncation, reason = "within the bounds above")]
        stride: stride.map(|stride| stride as f32),
        hidden_until: fields.hidden_until.moment("hidden_until", now)?,
        only_free: fields.only_free.flag("only_free")?,
        free_hours: parse_free_hours(&fields.free_hours)?,
        on_board: fields.on_board.flag("on_board")?,
    })
}

/// The zone as the table of zones spells it.
fn zone_name(name: &str) -> Result<String, Refusal> {
    let wrong = || {
        let message = "time_zone must be an IANA time zone such as Europe/Berlin";
        Refusal::of_field(Code::BadField, "time_zone", message)
    };
    if name.len() > 64 {
        return Err(wrong());
    }
    let zone = jiff::tz::TimeZone::get(name).map_err(|_| wrong())?;
    zone.iana_name().map(str::to_owned).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMs = UnixMs(1_000);

    #[test]
    fn what_is_not_said_stays_and_null_takes_back() {
        assert_eq!(parse_profile_body(b"{}", NOW), Ok(ProfileBody::default()));
        let body = br#"{"time_zone": null, "hidden_until": null, "name": null, "only_free": true}"#;
        let expected = ProfileBody {
            time_zone: Some(None),
            hidden_until: Some(None),
            only_free: Some(true),
            ..ProfileBody::default()
        };
        assert_eq!(parse_profile_body(body, NOW), Ok(expected));
        let body =
            r#"{"name": " Ann ☕ ", "radius": 50, "time_zone": "europe/berlin", "stride": 2, "hidden_until": 1001}"#;
        let expected = ProfileBody {
            name: Some(DisplayName::parse("Ann ☕").unwrap()),
            radius: Some(Radius::metres(50.0).unwrap()),
            time_zone: Some(Some("Europe/Berlin".to_owned())),
            stride: Some(2.0),
            hidden_until: Some(Some(UnixMs(1_001))),
            ..ProfileBody::default()
        };
        assert_eq!(parse_profile_body(body.as_bytes(), NOW), Ok(expected));
    }

    #[test]
    fn a_bad_profile_names_the_field() {
        let rows = [
            (r#"{"name": ""}"#, Code::BadField, "name"),
            (r#"{"name": "a\u202eb"}"#, Code::BadField, "name"),
            (r#"{"radius": 49.9}"#, Code::OutOfRange, "radius"),
            (r#"{"radius": "far"}"#, Code::BadField, "radius"),
            (r#"{"stride": 0.1}"#, Code::OutOfRange, "stride"),
            (r#"{"stride": 2.1}"#, Code::OutOfRange, "stride"),
            (r#"{"stride": true}"#, Code::BadField, "stride"),
            (r#"{"time_zone": "../../etc/passwd"}"#, Code::BadField, "time_zone"),
            (r#"{"time_zone": "Mars/Olympus"}"#, Code::BadField, "time_zone"),
            (r#"{"time_zone": ""}"#, Code::BadField, "time_zone"),
            (r#"{"time_zone": 1}"#, Code::BadField, "time_zone"),
            (r#"{"hidden_until": 1000}"#, Code::OutOfRange, "hidden_until"),
            (r#"{"hidden_until": "soon"}"#, Code::BadField, "hidden_until"),
            (r#"{"only_free": 1}"#, Code::BadField, "only_free"),
            (r#"{"on_board": "no"}"#, Code::BadField, "on_board"),
            (r#"{"free_hours": "always"}"#, Code::BadField, "free_hours"),
        ];
        for (body, code, field) in rows {
            let refusal = parse_profile_body(body.as_bytes(), NOW).unwrap_err();
            assert_eq!((refusal.code, refusal.field), (code, Some(field)), "{body}");
            assert!(refusal.message.starts_with(field), "{body}: {}", refusal.message);
        }
    }
}
