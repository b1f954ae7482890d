//! One value of a phone's JSON, whatever it is. Lists and objects where none is expected are passed over: their size costs nothing.
use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A value. It has no `Debug`: it may be a token.
#[derive(Clone, Default, PartialEq)]
pub(super) enum Loose<'a> {
    #[default]
    Absent,
    Null,
    Flag(bool),
    Number(f64),
    Text(Cow<'a, str>),
    /// A list or an object.
    Other,
}

impl Loose<'_> {
    /// Whether nothing is said.
    pub fn is_nothing(&self) -> bool {
        matches!(self, Self::Absent | Self::Null)
    }

    /// Whether it is this text.
    pub fn is(&self, text: &str) -> bool {
        matches!(self, Self::Text(own) if own == text)
    }

    /// A finite number that is written as one.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) if number.is_finite() => Some(*number),
            _ => None,
        }
    }

    /// A finite number, also one in a text: forms have nothing else.
    pub fn number_or_text(&self) -> Option<f64> {
        match self {
            Self::Text(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
            other => other.number(),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Loose<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Read)
    }
}

struct Read;

impl<'de> Visitor<'de> for Read {
    type Value = Loose<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_unit<E>(self) -> Result<Loose<'de>, E> {
        Ok(Loose::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Loose<'de>, E> {
        Ok(Loose::Flag(flag))
    }

    #[expect(clippy::cast_precision_loss, reason = "no phone counts to 2^53")]
    fn visit_i64<E>(self, whole: i64) -> Result<Loose<'de>, E> {
        Ok(Loose::Number(whole as f64))
    }

    #[expect(clippy::cast_precision_loss, reason = "no phone counts to 2^53")]
    fn visit_u64<E>(self, whole: u64) -> Result<Loose<'de>, E> {
        Ok(Loose::Number(whole as f64))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Loose<'de>, E> {
        Ok(Loose::Number(number))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Loose<'de>, E> {
        Ok(Loose::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Loose<'de>, E> {
        Ok(Loose::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Loose<'de>, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Loose::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut items: A) -> Result<Loose<'de>, A::Error> {
        while items.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Loose::Other)
    }
}
