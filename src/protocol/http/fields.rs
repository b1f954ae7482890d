//! The fields of small request bodies: read once into values that can hold anything, then judged one by one, so that a
//! refusal names the field and what it may hold. Unknown fields are passed over, a field that is given twice is refused.
use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};

use crate::domain::{Code, DeviceName, DisplayName, Precision, Refusal, UnixMs, UserId};
use crate::protocol::client::{bad_json, not_an_object};

/// How far ahead an end that somebody chooses may lie: a leap year.
pub const LONGEST_AHEAD_MS: i64 = 366 * 24 * 3_600_000;

/// One field. It has no `Debug`: it may be a token.
#[derive(Clone, Default, PartialEq)]
pub(super) enum Field<'a> {
    #[default]
    Absent,
    Null,
    Flag(bool),
    Whole(i64),
    Number(f64),
    Text(Cow<'a, str>),
    /// A list. A body is small, so it needs no bound of its own.
    List(Vec<Field<'a>>),
    /// An object, in the order in which it was written.
    Object(Vec<(Cow<'a, str>, Field<'a>)>),
}

/// Every field that a small body may have; each call looks at its own.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Fields<'a> {
    #[serde(borrow)]
    pub name: Field<'a>,
    #[serde(borrow)]
    pub user: Field<'a>,
    #[serde(borrow)]
    pub device: Field<'a>,
    #[serde(borrow)]
    pub kind: Field<'a>,
    #[serde(borrow)]
    pub token: Field<'a>,
    #[serde(borrow)]
    pub once: Field<'a>,
    #[serde(borrow)]
    pub sharing: Field<'a>,
    #[serde(borrow)]
    pub until: Field<'a>,
    #[serde(borrow)]
    pub radius: Field<'a>,
    #[serde(borrow)]
    pub time_zone: Field<'a>,
    #[serde(borrow)]
    pub stride: Field<'a>,
    #[serde(borrow)]
    pub hidden_until: Field<'a>,
    #[serde(borrow)]
    pub only_free: Field<'a>,
    #[serde(borrow)]
    pub app: Field<'a>,
    #[serde(borrow)]
    pub near_notices: Field<'a>,
    #[serde(borrow)]
    pub ask_steps: Field<'a>,
    #[serde(borrow)]
    pub free_hours: Field<'a>,
    #[serde(borrow)]
    pub on_board: Field<'a>,
    #[serde(borrow)]
    pub url: Field<'a>,
}

impl<'a> Fields<'a> {
    /// Reads a body, which must be one JSON object.
    pub fn read(body: &'a [u8]) -> Result<Self, Refusal> {
        if body.trim_ascii_start().first().is_some_and(|first| *first != b'{') {
            return Err(not_an_object());
        }
        serde_json::from_slice(body).map_err(|error| bad_json(&error))
    }

    /// The same, where a call may also come without a body.
    pub fn read_or_none(body: &'a [u8]) -> Result<Self, Refusal> {
        if body.trim_ascii().is_empty() { Ok(Self::default()) } else { Self::read(body) }
    }

    /// A name for people; absent and `null` are `None`.
    pub fn name(&self) -> Result<Option<DisplayName>, Refusal> {
        self.name.text("name")?.map(DisplayName::parse).transpose()
    }

    /// An id; absent and `null` are `None`.
    pub fn user(&self) -> Result<Option<UserId>, Refusal> {
        self.user.text("user")?.map(|id| UserId::parse(id, "user")).transpose()
    }

    /// A device's name; absent and `null` are `None`.
    pub fn device(&self) -> Result<Option<DeviceName>, Refusal> {
        self.device.text("device")?.map(DeviceName::parse).transpose()
    }

    /// How precisely to share; absent and `null` are `None`.
    pub fn sharing(&self) -> Result<Option<Precision>, Refusal> {
        let parse = |text| {
            let wrong = || Refusal::of_field(Code::BadField, "sharing", "sharing must be exact, approximate or off");
            Precision::parse(text).ok_or_else(wrong)
        };
        self.sharing.text("sharing")?.map(parse).transpose()
    }

    /// Until when; absent and `null` are `None`.
    pub fn until(&self, now: UnixMs) -> Result<Option<UnixMs>, Refusal> {
        Ok(self.until.moment("until", now)?.flatten())
    }
}

impl Field<'_> {
    /// Text; absent and `null` are `None`.
    pub fn text(&self, field: &'static str) -> Result<Option<&str>, Refusal> {
        match self {
            Self::Absent | Self::Null => Ok(None),
            Self::Text(text) => Ok(Some(text)),
            _ => Err(bad_field(field, "a string")),
        }
    }

    /// `true` or `false`; absent and `null` are `None`.
    pub fn flag(&self, field: &'static str) -> Result<Option<bool>, Refusal> {
        match self {
            Self::Absent | Self::Null => Ok(None),
            Self::Flag(flag) => Ok(Some(*flag)),
            _ => Err(bad_field(field, "true or false")),
        }
    }

    /// A number; absent and `null` are `None`.
    pub fn number(&self, field: &'static str, what: &str) -> Result<Option<f64>, Refusal> {
        match self {
            Self::Absent | Self::Null => Ok(None),
            #[expect(clippy::cast_precision_loss, reason = "whoever sends 2^53 metres is refused by the bounds")]
            Self::Whole(whole) => Ok(Some(*whole as f64)),
            Self::Number(number) => Ok(Some(*number)),
            _ => Err(bad_field(field, what)),
        }
    }

    /// A moment that is still to come; `None`: not said, `Some(None)`: `null`.
    pub fn moment(&self, field: &'static str, now: UnixMs) -> Result<Option<Option<UnixMs>>, Refusal> {
        let t = match self {
            Self::Absent => return Ok(None),
            Self::Null => return Ok(Some(None)),
            Self::Whole(t) => *t,
            #[expect(clippy::cast_possible_truncation, reason = "it saturates, and the bounds refuse that")]
            Self::Number(t) => *t as i64,
            _ => return Err(bad_field(field, "milliseconds since 1970-01-01 UTC, or null")),
        };
        if t > now.0 && t <= (now + LONGEST_AHEAD_MS).0 {
            return Ok(Some(Some(UnixMs(t))));
        }
        let message =
            format!("{field} must be after now and at most 366 days ahead, in milliseconds since 1970-01-01 UTC");
        Err(Refusal::of_field(Code::OutOfRange, field, message))
    }

    /// True for `null`.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The refusal of a field that must be there: it is not, or it is `null`.
    pub fn missing(&self, field: &'static str) -> Refusal {
        match self {
            Self::Null => Refusal::of_field(Code::BadField, field, format!("{field} must not be null")),
            _ => Refusal::missing(field),
        }
    }
}

fn bad_field(field: &'static str, what: &str) -> Refusal {
    Refusal::of_field(Code::BadField, field, format!("{field} must be {what}"))
}

impl<'de: 'a, 'a> Deserialize<'de> for Field<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Read)
    }
}

struct Read;

/// The name of a field within an object.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Visitor<'de> for Read {
    type Value = Field<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_unit<E>(self) -> Result<Field<'de>, E> {
        Ok(Field::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Field<'de>, E> {
        Ok(Field::Flag(flag))
    }

    fn visit_i64<E>(self, whole: i64) -> Result<Field<'de>, E> {
        Ok(Field::Whole(whole))
    }

    fn visit_u64<E>(self, whole: u64) -> Result<Field<'de>, E> {
        Ok(Field::Whole(i64::try_from(whole).unwrap_or(i64::MAX)))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Field<'de>, E> {
        Ok(Field::Number(number))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Field<'de>, E> {
        Ok(Field::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Field<'de>, E> {
        Ok(Field::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Field<'de>, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Field::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut items: A) -> Result<Field<'de>, A::Error> {
        let mut object = Vec::new();
        while let Some((key, value)) = items.next_entry::<Key<'de>, Field<'de>>()? {
            object.push((key.0, value));
        }
        Ok(Field::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_one_object_with_each_field_once() {
        for bad in
            ["", " ", "null", "[]", "7", "\"x\"", "{", "{}x", r#"{"name":"a","name":"b"}"#, "{\"name\":\"\u{0}\"}"]
        {
            let refusal = Fields::read(bad.as_bytes()).err().map(|refusal| refusal.code);
            assert_eq!(refusal, Some(Code::BadJson), "{bad:?}");
        }
        assert!(Fields::read(b"{\"name\":\"\xff\"}").is_err());
        assert!(Fields::read_or_none(b" \n").is_ok() && Fields::read_or_none(b"[]").is_err());
        assert!(Fields::read(br#" {"unknown": [[{"a": 1}]], "other": {}}"#).is_ok());
    }

    #[test]
    fn a_field_that_is_something_else_is_named_with_what_it_may_be() {
        for (value, wrong) in
            [("7", true), ("true", true), ("[1]", true), ("{}", true), ("null", false), (r#""a""#, false)]
        {
            let body = format!(r#"{{"name": {value}}}"#);
            let refusal = Fields::read(body.as_bytes()).unwrap().name().err();
            let expected = wrong.then(|| Refusal::of_field(Code::BadField, "name", "name must be a string"));
            assert_eq!(refusal, expected, "{value}");
        }
    }

    #[test]
    fn a_chosen_end_lies_ahead_but_not_far() {
        let now = UnixMs(1_000);
        let ends = [
            ("1001", Ok(Some(UnixMs(1_001)))),
            ("1001.9", Ok(Some(UnixMs(1_001)))),
            ("null", Ok(None)),
            ("1000", Err(Code::OutOfRange)),
            ("-1", Err(Code::OutOfRange)),
            ("1e300", Err(Code::OutOfRange)),
            ("18446744073709551615", Err(Code::OutOfRange)),
            ("\"tomorrow\"", Err(Code::BadField)),
        ];
        for (value, expected) in ends {
            let body = format!(r#"{{"until": {value}}}"#);
            let fields = Fields::read(body.as_bytes()).unwrap();
            assert_eq!(fields.until(now).map_err(|refusal| refusal.code), expected, "{value}");
        }
        assert!(Field::Whole(1_000 + LONGEST_AHEAD_MS).moment("until", now).is_ok());
        assert!(Field::Whole(1_001 + LONGEST_AHEAD_MS).moment("until", now).is_err());
    }
}
