//! Names and values without order: a query, a form, or a flat JSON object. What one app calls `bearing` is another's `dir`.
use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::loose::Loose;
use super::moment::{self, Unsaid};
use crate::domain::UnixMs;

/// More than this many known names in one request are not read.
const MOST: usize = 64;
/// A longer value is none that counts here.
const LONGEST: usize = 128;

/// Every name that means something here, in lower case.
const KNOWN: &[&str] = &[
    "lat",
    "latitude",
    "lon",
    "lng",
    "longitude",
    "location",
    "timestamp",
    "time",
    "t",
    "accuracy",
    "acc",
    "hacc",
    "altitude",
    "alt",
    "speed",
    "spd",
    "spd_kph",
    "bearing",
    "heading",
    "dir",
    "course",
    "batt",
    "battery",
    "valid",
    "notificationtoken",
];

/// The names of a request that mean something, and their values.
#[derive(Default)]
pub(super) struct Names<'a>(Vec<(&'static str, Loose<'a>)>);

/// What stands under one of several names.
pub(super) enum Said<'a, 'b> {
    /// Nothing, or a word for nothing.
    Nothing,
    /// One value.
    Once(&'b Loose<'a>),
    /// Two that differ: whoever wrote it, it cannot be known which is meant.
    Twice,
}

impl<'a> Names<'a> {
    /// Reads `a=1&b=2`, percent-encoded or not.
    pub fn of_query(query: &'a [u8]) -> Self {
        let decode = |text: &'a [u8]| -> Option<Cow<'a, str>> {
            if text.contains(&b'+') {
                let spaced: Vec<u8> = text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
                let decoded = percent_encoding::percent_decode(&spaced).decode_utf8().ok()?;
                return Some(Cow::Owned(decoded.into_owned()));
            }
            percent_encoding::percent_decode(text).decode_utf8().ok()
        };
        let mut names = Self::default();
        for pair in query.trim_ascii().split(|byte| *byte == b'&') {
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            let (name, value) = (halves.next().unwrap_or_default(), halves.next().unwrap_or_default());
            if let Some(name) = known(name) {
                let value = decode(value).filter(|value| value.len() <= LONGEST).map_or(Loose::Other, Loose::Text);
                names.push(name, value);
            }
        }
        names
    }

    /// Reads one flat JSON object.
    pub fn of_json(json: &'a str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }

    fn push(&mut self, name: &'static str, value: Loose<'a>) {
        if self.0.len() < MOST {
            self.0.push((name, value));
        }
    }

    /// What is said under any of these names; `null`, an empty text and the word `null` say nothing. The first name that says
    /// something counts.
    pub fn said(&self, names: &[&str]) -> Said<'a, '_> {
        for name in names {
            let mut found =
                self.0.iter().filter(|(known, value)| known == name && says_something(value)).map(|(_, value)| value);
            if let Some(first) = found.next() {
                return if found.any(|other| other != first) { Said::Twice } else { Said::Once(first) };
            }
        }
        Said::Nothing
    }

    /// Whether anything is said under any of these names.
    pub fn has(&self, names: &[&str]) -> bool {
        !matches!(self.said(names), Said::Nothing)
    }

    /// A finite number, written as one or as text.
    pub fn number(&self, names: &[&str]) -> Option<f64> {
        match self.said(names) {
            Said::Once(value) => value.number_or_text(),
            Said::Nothing | Said::Twice => None,
        }
    }

    /// A moment; without an offset it is in UTC.
    pub fn moment(&self, names: &[&str]) -> Option<UnixMs> {
        match self.said(names) {
            Said::Once(value) => moment::of(value, Unsaid::Utc),
            Said::Nothing | Said::Twice => None,
        }
    }

    /// Where: `lat` and `lon`, or `location=lat,lon`. `Ok(None)`: nowhere is said.
    pub fn place(&self) -> Result<Option<(f64, f64)>, ()> {
        let (lat, lon) = (self.said(&["lat", "latitude"]), self.said(&["lon", "lng", "longitude"]));
        match (lat, lon) {
            (Said::Once(lat), Said::Once(lon)) => lat.number_or_text().zip(lon.number_or_text()).map(Some).ok_or(()),
            (Said::Nothing, Said::Nothing) => match self.said(&["location"]) {
                Said::Nothing => Ok(None),
                Said::Once(Loose::Text(pair)) => {
                    let parse = |text: &str| text.trim().parse().ok().filter(|number: &f64| number.is_finite());
                    let halves = pair.split_once(',').and_then(|(lat, lon)| parse(lat).zip(parse(lon)));
                    halves.map(Some).ok_or(())
                }
                _ => Err(()),
            },
            _ => Err(()),
        }
    }
}

fn known(name: &[u8]) -> Option<&'static str> {
    KNOWN.iter().copied().find(|known| known.as_bytes().eq_ignore_ascii_case(name))
}

fn says_something(value: &Loose<'_>) -> bool {
    match value {
        Loose::Absent | Loose::Null => false,
        Loose::Text(text) => !text.trim().is_empty() && !text.trim().eq_ignore_ascii_case("null"),
        _ => true,
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Names<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Read)
    }
}

struct Read;

impl<'de> Visitor<'de> for Read {
    type Value = Names<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Names<'de>, A::Error> {
        let mut names = Names::default();
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            match known(name.as_bytes()) {
                Some(name) => {
                    let value = map.next_value()?;
                    names.push(name, value);
                }
                None => _ = map.next_value::<IgnoredAny>()?,
            }
        }
        Ok(names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_any_case_and_words_for_nothing_say_nothing() {
        let names = Names::of_query(b"LAT=1.5&lon=%2D2&acc=null&spd=&unknown=7&dir=90&bearing=");
        assert_eq!(names.place(), Ok(Some((1.5, -2.0))));
        assert!(!names.has(&["acc"]) && !names.has(&["spd"]));
        assert_eq!(names.number(&["bearing", "dir"]), Some(90.0));
    }

    #[test]
    fn what_is_said_twice_counts_only_when_it_is_the_same() {
        assert_eq!(Names::of_query(b"lat=1&lon=2&lat=1").place(), Ok(Some((1.0, 2.0))));
        assert_eq!(Names::of_query(b"lat=1&lon=2&lat=3").place(), Err(()));
        let json = Names::of_json(r#"{"lat": 1, "lon": "2", "lat": 3}"#).unwrap();
        assert_eq!(json.place(), Err(()));
    }

    #[test]
    fn a_place_is_two_numbers_or_nowhere() {
        for query in ["lat=NaN&lon=1", "lat=1e400&lon=1", "lat=1", "lon=1", "location=1", "location=a,b", "lat=x&lon=y"]
        {
            assert_eq!(Names::of_query(query.as_bytes()).place(), Err(()), "{query}");
        }
        assert_eq!(Names::of_query(b"location=1.5,%202").place(), Ok(Some((1.5, 2.0))));
        assert_eq!(Names::of_query(b"").place(), Ok(None));
    }

    #[test]
    fn a_million_names_cost_no_more_than_a_few() {
        let many = "lat=1&".repeat(100_000);
        assert_eq!(Names::of_query(many.as_bytes()).0.len(), MOST);
    }
}
