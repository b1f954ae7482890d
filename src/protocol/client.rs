//! What a client may say: text frame → checked [`ClientFrame`].
//!
//! The fast path reads a frame once into a flat struct. Only when that fails is it read again, slowly, to find out which
//! field is at fault and to say so.
use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, Visitor};
use serde_json::Value;

use super::seed_line::SeedLine;
use crate::domain::{Availability, Code, DeviceName, FixFields, Note, Radius, Refusal, UnixMs};

/// The most fixes in one `fixes` frame.
pub const FIXES_PER_FRAME: usize = 100;
/// The most fixes in one `POST /v1/fixes`.
pub const FIXES_PER_POST: usize = 1_000;
/// The most friends in one `nearby` answer.
pub const NEARBY_LIMIT: usize = 1_000;

/// The end of the year 9999, Unix milliseconds.
const LATEST_MS: i64 = 253_402_300_799_999;

/// A token on its way in. Its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// A client's own name for a request, echoed in the answer: a number, or a string of at most 64 bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestId {
    /// A number.
    Number(u64),
    /// A string.
    Text(Box<str>),
}

/// A checked question for friends around.
#[derive(Clone, Debug, PartialEq)]
pub struct NearbyQuery {
    /// How far, metres; `None`: the caller's own radius.
    pub radius: Option<Radius>,
    /// How many at most.
    pub limit: usize,
    /// Only friends who are free.
    pub free_only: bool,
}

/// What the administrator looks at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    /// West, south, east, north, degrees; west > east crosses the date line.
    pub bbox: [f64; 4],
    /// The map's zoom level, 0 to 24.
    pub zoom: f64,
}

/// One frame, its fields checked for type and form. Whether a fix is believable is `Fix::new`'s to say.
#[derive(Clone, Debug, PartialEq)]
pub enum ClientFrame {
    /// Who is calling.
    Hello {
        /// The token.
        token: Secret,
        /// What this device is called.
        device: Option<DeviceName>,
    },
    /// One position report.
    Fix {
        /// Its fields.
        fields: FixFields,
        /// The device's number for it.
        seq: Option<u64>,
    },
    /// Several position reports; each is read by itself.
    Fixes {
        /// The reports, in order.
        fixes: Vec<Result<FixFields, Refusal>>,
        /// The device's number for all of them.
        seq: Option<u64>,
    },
    /// Free or busy.
    Availability {
        /// What to set.
        availability: Availability,
        /// The device's number for it.
        seq: Option<u64>,
    },
    /// Which friends are around?
    Nearby {
        /// Echoed.
        id: Option<RequestId>,
        /// The question.
        query: NearbyQuery,
    },
    /// Whether the map is open.
    Map {
        /// True: live `moved` frames.
        open: bool,
    },
    /// The administrator's view.
    View(View),
    /// Are you there?
    Ping {
        /// Echoed.
        id: Option<RequestId>,
    },
    /// A seed line: position and availability of the caller.
    Seed(SeedLine),
}

/// A frame that was refused, with its `seq` where that could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedFrame {
    /// Why.
    pub refusal: Refusal,
    /// The frame's number.
    pub seq: Option<u64>,
}

impl Secret {
    /// Wraps a token.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The token itself: only for comparing its hash.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl From<Refusal> for RefusedFrame {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, seq: None }
    }
}

/// Reads one text frame.
///
/// # Errors
/// `bad_json`, `unknown_type`, `missing_field`, `bad_field`, `out_of_range` or `too_many`, naming the field.
pub fn parse(text: &str) -> Result<ClientFrame, RefusedFrame> {
    if !text.starts_with('{') {
        return SeedLine::parse(text).map(ClientFrame::Seed).map_err(|error| Refusal::from(error).into());
    }
    let raw: RawFrame<'_> = match serde_json::from_str(text) {
        Ok(raw) => raw,
        Err(error) => return parse_slowly(text, &error),
    };
    let seq = raw.seq.map(|Whole(seq)| seq);
    check(raw).map_err(|refusal| RefusedFrame { refusal: null_is_bad(refusal, text), seq })
}

/// Reads the body of `POST /v1/fixes`: one fix, or `{"fixes": […]}`.
///
/// # Errors
/// `bad_json` for the whole; each fix carries its own refusal.
pub fn parse_fixes_body(body: &[u8]) -> Result<Vec<Result<FixFields, Refusal>>, Refusal> {
    let text = std::str::from_utf8(body).map_err(|_| Refusal::new(Code::BadJson, "the body is not UTF-8"))?;
    let value: Value = serde_json::from_str(text).map_err(|error| bad_json(&error))?;
    let Value::Object(object) = &value else { return Err(not_an_object()) };
    match object.get("fixes") {
        Some(Value::Array(items)) if items.len() > FIXES_PER_POST => Err(too_many(FIXES_PER_POST)),
        Some(Value::Array(items)) => Ok(items.iter().map(fix_of_value).collect()),
        Some(_) => Err(Refusal::of_field(Code::BadField, "fixes", "fixes must be an array of fixes")),
        None => Ok(vec![fix_of_value(&value)]),
    }
}

/// Reads the body of `PUT /v1/me/availability`.
///
/// # Errors
/// As the `availability` frame.
pub fn parse_availability_body(body: &[u8]) -> Result<Availability, Refusal> {
    let text = std::str::from_utf8(body).map_err(|_| Refusal::new(Code::BadJson, "the body is not UTF-8"))?;
    match serde_json::from_str::<RawFrame<'_>>(text) {
        Ok(raw) => availability_of(&raw).map_err(|refusal| null_is_bad(refusal, text)),
        Err(error) => Err(explain(text, &error)),
    }
}

/// Checks the parameters of a nearby question, from a frame or a query string.
///
/// # Errors
/// `out_of_range` on `radius` or `limit`.
pub fn nearby_query(radius: Option<f64>, limit: Option<u64>, free_only: Option<bool>) -> Result<NearbyQuery, Refusal> {
    let radius = radius.map(Radius::metres).transpose()?;
    let limit = limit.map_or(100, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    if !(1..=NEARBY_LIMIT).contains(&limit) {
        return Err(Refusal::of_field(Code::OutOfRange, "limit", format!("limit must be 1 to {NEARBY_LIMIT}")));
    }
    Ok(NearbyQuery { radius, limit, free_only: free_only.unwrap_or(false) })
}

#[derive(Deserialize)]
struct RawFrame<'a> {
    #[serde(rename = "type", borrow, default)]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    token: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    device: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    note: Option<Cow<'a, str>>,
    lat: Option<f64>,
    lon: Option<f64>,
    t: Option<Millis>,
    acc: Option<f64>,
    speed: Option<f64>,
    heading: Option<f64>,
    alt: Option<f64>,
    battery: Option<f64>,
    steps: Option<f64>,
    fixes: Option<Vec<RawFix>>,
    seq: Option<Whole>,
    free: Option<bool>,
    until: Option<Millis>,
    id: Option<RequestId>,
    radius: Option<f64>,
    limit: Option<Whole>,
    free_only: Option<bool>,
    open: Option<bool>,
    bbox: Option<[f64; 4]>,
    zoom: Option<f64>,
}

#[derive(Deserialize)]
struct RawFix {
    lat: Option<f64>,
    lon: Option<f64>,
    t: Option<Millis>,
    acc: Option<f64>,
    speed: Option<f64>,
    heading: Option<f64>,
    alt: Option<f64>,
    battery: Option<f64>,
    steps: Option<f64>,
}

/// Milliseconds: an integer, or a float without a fraction that matters.
#[derive(Clone, Copy)]
struct Millis(i64);

/// A whole number from 0 to 2^64 − 1.
#[derive(Clone, Copy)]
struct Whole(u64);

macro_rules! fields_of {
    ($raw:expr) => {{
        let raw = &$raw;
        FixFields {
            lat: raw.lat.ok_or_else(|| Refusal::missing("lat"))?,
            lon: raw.lon.ok_or_else(|| Refusal::missing("lon"))?,
            t: raw.t.ok_or_else(|| Refusal::missing("t"))?.0,
            acc: raw.acc,
            speed: raw.speed,
            heading: raw.heading,
            alt: raw.alt,
            battery: raw.battery,
            steps: raw.steps,
        }
    }};
}

fn check(raw: RawFrame<'_>) -> Result<ClientFrame, Refusal> {
    let seq = raw.seq.map(|Whole(seq)| seq);
    let kind = raw.kind.as_deref().ok_or_else(|| Refusal::missing("type"))?;
    Ok(match kind {
        "fix" => ClientFrame::Fix { fields: fields_of!(raw), seq },
        "fixes" => {
            let fixes = raw.fixes.ok_or_else(|| Refusal::missing("fixes"))?;
            if fixes.len() > FIXES_PER_FRAME {
                return Err(too_many(FIXES_PER_FRAME));
            }
            ClientFrame::Fixes { fixes: fixes.iter().map(|fix| Ok(fields_of!(*fix))).collect(), seq }
        }
        "availability" => ClientFrame::Availability { availability: availability_of(&raw)?, seq },
        "hello" => ClientFrame::Hello {
            token: Secret::new(raw.token.as_deref().ok_or_else(|| Refusal::missing("token"))?),
            device: raw.device.as_deref().map(DeviceName::parse).transpose()?,
        },
        "nearby" => ClientFrame::Nearby {
            id: raw.id,
            query: nearby_query(raw.radius, raw.limit.map(|Whole(limit)| limit), raw.free_only)?,
        },
        "map" => ClientFrame::Map { open: raw.open.ok_or_else(|| Refusal::missing("open"))? },
        "view" => ClientFrame::View(view_of(raw.bbox, raw.zoom)?),
        "ping" => ClientFrame::Ping { id: raw.id },
        _ => return Err(unknown_type()),
    })
}

fn availability_of(raw: &RawFrame<'_>) -> Result<Availability, Refusal> {
    let free = raw.free.ok_or_else(|| Refusal::missing("free"))?;
    let note = raw.note.as_deref().filter(|note| !note.is_empty()).map(Note::parse).transpose()?;
    let until = raw.until.map(|Millis(until)| UnixMs(until));
    if until.is_some_and(|until| !(0..=LATEST_MS).contains(&until.0)) {
        let message = "until must be milliseconds since 1970-01-01 UTC, from 0 to the end of the year 9999";
        return Err(Refusal::of_field(Code::OutOfRange, "until", message));
    }
    Ok(Availability { free, note, until })
}

fn view_of(bbox: Option<[f64; 4]>, zoom: Option<f64>) -> Result<View, Refusal> {
    let bbox @ [west, south, east, north] = bbox.ok_or_else(|| Refusal::missing("bbox"))?;
    let in_range = |value: &f64, bound: f64| (-bound..=bound).contains(value);
    if ![west, east].iter().all(|lon| in_range(lon, 180.0)) || ![south, north].iter().all(|lat| in_range(lat, 90.0)) {
        let message = "bbox must be [west, south, east, north] in degrees, -180 to 180 and -90 to 90";
        return Err(Refusal::of_field(Code::OutOfRange, "bbox", message));
    }
    if south > north {
        return Err(Refusal::of_field(Code::OutOfRange, "bbox", "bbox must have south at most north"));
    }
    let zoom = zoom.ok_or_else(|| Refusal::missing("zoom"))?;
    if !(0.0..=24.0).contains(&zoom) {
        return Err(Refusal::of_field(Code::OutOfRange, "zoom", "zoom must be 0 to 24"));
    }
    Ok(View { bbox, zoom })
}

fn parse_slowly(text: &str, error: &serde_json::Error) -> Result<ClientFrame, RefusedFrame> {
    let value = match serde_json::from_str::<Value>(text) {
        Ok(value) if !error.to_string().starts_with("duplicate field") => value,
        _ => return Err(bad_json(error).into()),
    };
    let seq = value.get("seq").and_then(Value::as_u64);
    // One odd fix in a list must not cost the others.
    let kind = value.get("type").and_then(Value::as_str);
    if let (Some("fixes"), Some(Value::Array(items)), true) = (kind, value.get("fixes"), seq_is_well(&value)) {
        if items.len() > FIXES_PER_FRAME {
            return Err(RefusedFrame { refusal: too_many(FIXES_PER_FRAME), seq });
        }
        return Ok(ClientFrame::Fixes { fixes: items.iter().map(fix_of_value).collect(), seq });
    }
    Err(RefusedFrame { refusal: explain(text, error), seq })
}

fn seq_is_well(value: &Value) -> bool {
    value.get("seq").is_none_or(|seq| seq.is_null() || seq.as_u64().is_some())
}

fn fix_of_value(value: &Value) -> Result<FixFields, Refusal> {
    if !value.is_object() {
        return Err(Refusal::of_field(Code::BadField, "fixes", "each of fixes must be an object"));
    }
    if let Some(refusal) = wrong_type(value, FIX_FIELDS) {
        return Err(refusal);
    }
    let raw = RawFix::deserialize(value).map_err(|error| bad_json(&error))?;
    Ok(fields_of!(raw))
}

/// Says which field has the wrong type, or else what is wrong with the JSON.
fn explain(text: &str, error: &serde_json::Error) -> Refusal {
    let Ok(value) = serde_json::from_str::<Value>(text) else { return bad_json(error) };
    if !value.is_object() {
        return not_an_object();
    }
    wrong_type(&value, FIX_FIELDS).or_else(|| wrong_type(&value, OTHER_FIELDS)).unwrap_or_else(|| bad_json(error))
}

type Check = fn(&Value) -> bool;

fn is_whole(value: &Value) -> bool {
    value.as_u64().is_some()
}
fn is_millis(value: &Value) -> bool {
    value.is_number()
}
fn is_id(value: &Value) -> bool {
    value.as_u64().is_some() || value.as_str().is_some_and(|id| id.len() <= 64)
}
fn is_bbox(value: &Value) -> bool {
    value.as_array().is_some_and(|items| items.len() == 4 && items.iter().all(Value::is_number))
}

const FIX_FIELDS: &[(&str, Check, &str)] = &[
    ("lat", Value::is_number, "a number from -90 to 90"),
    ("lon", Value::is_number, "a number from -180 to 180"),
    ("t", is_millis, "milliseconds since 1970-01-01 UTC"),
    ("acc", Value::is_number, "a number of metres"),
    ("speed", Value::is_number, "a number of metres per second"),
    ("heading", Value::is_number, "a number of degrees"),
    ("alt", Value::is_number, "a number of metres"),
    ("battery", Value::is_number, "a number from 0 to 100"),
    ("steps", Value::is_number, "a number of steps"),
];

const OTHER_FIELDS: &[(&str, Check, &str)] = &[
    ("type", Value::is_string, "a string"),
    ("seq", is_whole, "a whole number from 0 to 2^64-1"),
    ("token", Value::is_string, "a string"),
    ("device", Value::is_string, "a string"),
    ("note", Value::is_string, "a string of at most 140 characters"),
    ("free", Value::is_boolean, "true or false"),
    ("until", is_millis, "milliseconds since 1970-01-01 UTC"),
    ("id", is_id, "a whole number or a string of at most 64 bytes"),
    ("radius", Value::is_number, "a number from 50 to 50000"),
    ("limit", is_whole, "a whole number from 1 to 1000"),
    ("free_only", Value::is_boolean, "true or false"),
    ("open", Value::is_boolean, "true or false"),
    ("bbox", is_bbox, "[west, south, east, north] in degrees"),
    ("zoom", Value::is_number, "a number from 0 to 24"),
    ("fixes", Value::is_array, "an array of fixes"),
];

fn wrong_type(value: &Value, fields: &[(&'static str, Check, &'static str)]) -> Option<Refusal> {
    fields.iter().find_map(|(field, check, what)| {
        let found = value.get(field)?;
        (!found.is_null() && !check(found))
            .then(|| Refusal::of_field(Code::BadField, field, format!("{field} must be {what}")))
    })
}

/// A required field that is there but `null` is a bad field, not a missing one.
fn null_is_bad(refusal: Refusal, text: &str) -> Refusal {
    let (Code::MissingField, Some(field)) = (refusal.code, refusal.field) else { return refusal };
    let is_null = serde_json::from_str::<Value>(text).is_ok_and(|value| value.get(field).is_some_and(Value::is_null));
    if !is_null {
        return refusal;
    }
    Refusal::of_field(Code::BadField, field, format!("{field} must not be null"))
}

pub(super) fn bad_json(error: &serde_json::Error) -> Refusal {
    let what = match error.classify() {
        serde_json::error::Category::Eof => "it ends too early",
        serde_json::error::Category::Data => "a field is given twice or has the wrong form",
        _ => "its syntax is wrong",
    };
    Refusal::new(Code::BadJson, format!("not readable as JSON: {what} (column {})", error.column()))
}

pub(super) fn not_an_object() -> Refusal {
    Refusal::new(Code::BadJson, "a message must be one JSON object")
}

fn unknown_type() -> Refusal {
    let message = "type must be hello, fix, fixes, availability, nearby, map, view or ping";
    Refusal::of_field(Code::UnknownType, "type", message)
}

fn too_many(limit: usize) -> Refusal {
    Refusal::of_field(Code::TooMany, "fixes", format!("fixes must hold at most {limit}"))
}

impl<'de> Deserialize<'de> for Millis {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl Visitor<'_> for Read {
            type Value = Millis;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("milliseconds")
            }
            fn visit_i64<E>(self, value: i64) -> Result<Millis, E> {
                Ok(Millis(value))
            }
            fn visit_u64<E>(self, value: u64) -> Result<Millis, E> {
                Ok(Millis(i64::try_from(value).unwrap_or(i64::MAX)))
            }
            #[expect(clippy::cast_possible_truncation, reason = "saturates, and both ends are out of range later")]
            fn visit_f64<E>(self, value: f64) -> Result<Millis, E> {
                Ok(Millis(value as i64))
            }
        }
        deserializer.deserialize_any(Read)
    }
}

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u64::deserialize(deserializer).map(Self)
    }
}

impl<'de> Deserialize<'de> for RequestId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl Visitor<'_> for Read {
            type Value = RequestId;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number or a string of at most 64 bytes")
            }
            fn visit_u64<E>(self, value: u64) -> Result<RequestId, E> {
                Ok(RequestId::Number(value))
            }
            fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<RequestId, E> {
                if value.len() > 64 {
                    return Err(E::custom("longer than 64 bytes"));
                }
                Ok(RequestId::Text(value.into()))
            }
        }
        deserializer.deserialize_any(Read).map_err(D::Error::custom)
    }
}
