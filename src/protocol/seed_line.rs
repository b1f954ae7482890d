//! Seed lines: `user_20, 20151002 185127, 40.7643503305, -73.9694356385, False`.
//!
//! Five fields split by `,`; spaces around a field do not count. User: 1 to 64 of `A-Z a-z 0-9 _ -`, case-sensitive. Time:
//! `YYYYMMDD HHMMSS`, UTC, 1970 to 9999, without leap seconds. Latitude and longitude: decimal degrees in any form that
//! Rust reads as a finite number (`.5`, `5.`, `+40.7`, `4.07e1`). Availability: `true` or `false` in any case.
//! In files, empty lines and lines that begin with `#` are skipped; see [`LineSplitter`].
use std::fmt;

use jiff::civil::DateTime;
use jiff::tz::Offset;

pub use super::seed_file::{Counts, LINE_BYTES, LineSplitter};
use crate::domain::{Code, FixFields, LatLon, Refusal, UnixMs, UserId};

/// One seed line.
#[derive(Clone, Debug, PartialEq)]
pub struct SeedLine {
    /// Who.
    pub user: UserId,
    /// Where.
    pub position: LatLon,
    /// When; a seed line knows whole seconds.
    pub t: UnixMs,
    /// Free to meet.
    pub free: bool,
}

/// What is wrong with a seed line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SeedCode {
    /// Not five fields.
    FieldCount,
    /// Not a time of the form `YYYYMMDD HHMMSS`, or one that never was.
    BadTime,
    /// Not a number.
    BadNumber,
    /// Infinite or not-a-number.
    NotFinite,
    /// Outside the world.
    OutOfRange,
    /// Neither true nor false.
    BadBool,
    /// Not a user id.
    BadId,
    /// Not UTF-8.
    BadUtf8,
    /// Longer than a line may be.
    LineTooLong,
}

impl SeedCode {
    /// The code as an import's report names it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FieldCount => "field_count",
            Self::BadTime => "bad_time",
            Self::BadNumber => "bad_number",
            Self::NotFinite => "not_finite",
            Self::OutOfRange => "out_of_range",
            Self::BadBool => "bad_bool",
            Self::BadId => "bad_id",
            Self::BadUtf8 => "bad_utf8",
            Self::LineTooLong => "line_too_long",
        }
    }
}

/// Why a seed line was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeedError {
    /// Where the field at fault begins, in bytes from 1.
    pub column: usize,
    /// What is wrong.
    pub code: SeedCode,
    /// The field, as the protocol spells it.
    pub field: Option<&'static str>,
    /// A sentence for a person; it never repeats the line.
    pub message: String,
}

impl fmt::Display for SeedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column {}: {}: {}", self.column, self.code.as_str(), self.message)
    }
}

impl std::error::Error for SeedError {}

impl From<SeedError> for Refusal {
    /// The protocol's answer to a seed line on a socket or in an import.
    fn from(error: SeedError) -> Self {
        let code = match error.code {
            SeedCode::OutOfRange | SeedCode::NotFinite => Code::OutOfRange,
            SeedCode::BadUtf8 | SeedCode::LineTooLong => Code::BadJson,
            SeedCode::FieldCount | SeedCode::BadTime | SeedCode::BadNumber | SeedCode::BadBool | SeedCode::BadId => {
                Code::BadField
            }
        };
        Self { code, field: error.field, message: error.message }
    }
}

/// A field with the byte at which it begins, spaces dropped.
struct Field<'a> {
    text: &'a str,
    column: usize,
    name: &'static str,
}

impl Field<'_> {
    fn error(&self, code: SeedCode, message: impl Into<String>) -> SeedError {
        SeedError { column: self.column, code, field: Some(self.name), message: message.into() }
    }
}

impl SeedLine {
    /// The position report in the line.
    #[must_use]
    pub fn fields(&self) -> FixFields {
        FixFields { lat: self.position.lat(), lon: self.position.lon(), t: self.t.0, ..FixFields::default() }
    }

    /// Reads one line without its line break.
    ///
    /// # Errors
    /// A [`SeedError`] naming the first field at fault.
    pub fn parse(line: &str) -> Result<Self, SeedError> {
        let fields = ["user", "t", "lat", "lon", "free"];
        let count = line.split(',').count();
        if count != fields.len() {
            let message = format!("a seed line has 5 fields separated by commas, not {count}");
            return Err(SeedError { column: 1, code: SeedCode::FieldCount, field: None, message });
        }
        let mut rest = line.split(',');
        let mut begin = 1_usize;
        let [user, t, lat, lon, free] = fields.map(|name| {
            let raw = rest.next().unwrap_or_default();
            let column = begin.saturating_add(raw.bytes().take_while(|&byte| byte == b' ').count());
            begin = begin.saturating_add(raw.len()).saturating_add(1);
            Field { text: raw.trim_matches(' '), column, name }
        });
        Ok(Self {
            user: UserId::parse(user.text, user.name)
                .map_err(|refusal| user.error(SeedCode::BadId, refusal.message))?,
            t: time(&t)?,
            position: position(&lat, &lon)?,
            free: truth(&free)?,
        })
    }
}

fn time(field: &Field<'_>) -> Result<UnixMs, SeedError> {
    let bad = |why: &str| field.error(SeedCode::BadTime, format!("t must be YYYYMMDD HHMMSS in UTC{why}"));
    let Some((date, clock)) = field.text.as_bytes().split_first_chunk::<8>() else { return Err(bad("")) };
    let &[b' ', h1, h2, m1, m2, s1, s2] = clock else { return Err(bad("")) };
    let &[y1, y2, y3, y4, mo1, mo2, d1, d2] = date;
    let number = |digits: &[u8]| {
        digits.iter().try_fold(0_i16, |sum, &digit| {
            let digit = char::from(digit).to_digit(10).and_then(|digit| i16::try_from(digit).ok())?;
            sum.checked_mul(10)?.checked_add(digit)
        })
    };
    let pair = |a, b| number(&[a, b]).and_then(|number| i8::try_from(number).ok());
    let parts = (number(&[y1, y2, y3, y4]), pair(mo1, mo2), pair(d1, d2), pair(h1, h2), pair(m1, m2), pair(s1, s2));
    let (Some(year), Some(month), Some(day), Some(hour), Some(minute), Some(second)) = parts else {
        return Err(bad(""));
    };
    if year < 1970 {
        return Err(bad(", from 1970 on"));
    }
    let wall = DateTime::new(year, month, day, hour, minute, second, 0).map_err(|_| bad(", and a time that exists"))?;
    let timestamp = Offset::UTC.to_timestamp(wall).map_err(|_| bad(", up to the year 9999"))?;
    Ok(UnixMs(timestamp.as_millisecond()))
}

fn position(lat: &Field<'_>, lon: &Field<'_>) -> Result<LatLon, SeedError> {
    let (north, east) = (degrees(lat)?, degrees(lon)?);
    LatLon::new(north, east).map_err(|refusal| {
        let field = if refusal.field == Some("lon") { lon } else { lat };
        field.error(SeedCode::OutOfRange, refusal.message)
    })
}

fn degrees(field: &Field<'_>) -> Result<f64, SeedError> {
    let name = field.name;
    let number: f64 = field
        .text
        .parse()
        .map_err(|_| field.error(SeedCode::BadNumber, format!("{name} must be a number of degrees")))?;
    if number.is_finite() {
        return Ok(number);
    }
    Err(field.error(SeedCode::NotFinite, format!("{name} must be a finite number of degrees")))
}

fn truth(field: &Field<'_>) -> Result<bool, SeedError> {
    if field.text.eq_ignore_ascii_case("true") {
        Ok(true)
    } else if field.text.eq_ignore_ascii_case("false") {
        Ok(false)
    } else {
        Err(field.error(SeedCode::BadBool, "availability must be True or False"))
    }
}

impl fmt::Display for SeedLine {
    /// The line without a line break; parts of a second are dropped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let timestamp = jiff::Timestamp::from_millisecond(self.t.0.max(0)).unwrap_or(jiff::Timestamp::MAX);
        let wall = Offset::UTC.to_datetime(timestamp);
        write!(
            f,
            "{}, {}, {}, {}, {}",
            self.user,
            wall.strftime("%Y%m%d %H%M%S"),
            self.position.lat(),
            self.position.lon(),
            if self.free { "True" } else { "False" },
        )
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FOUNDING: &str = "user_20, 20151002 185127, 40.7643503305, -73.9694356385, False";

    fn line(user: &str, t: &str, lat: &str, lon: &str, free: &str) -> String {
        format!("{user}, {t}, {lat}, {lon}, {free}")
    }

    fn code(line: &str) -> Option<&'static str> {
        SeedLine::parse(line).err().map(|error| error.code.as_str())
    }

    fn with_lat(lat: &str) -> String {
        line("user_20", "20151002 185127", lat, "-73.9", "False")
    }

    #[test]
    fn the_founding_line_is_read_and_written() {
        let seed = SeedLine::parse(FOUNDING).unwrap();
        assert_eq!((seed.user.as_str(), seed.t, seed.free), ("user_20", UnixMs(1_443_811_887_000), false));
        assert_eq!((seed.position.lat(), seed.position.lon()), (40.7643503305, -73.9694356385));
        assert_eq!(seed.to_string(), FOUNDING);
    }

    #[test]
    fn spaces_do_not_count_and_their_absence_neither() {
        let seed = SeedLine::parse(FOUNDING).unwrap();
        assert_eq!(SeedLine::parse("user_20,20151002 185127,40.7643503305,-73.9694356385,false"), Ok(seed.clone()));
        assert_eq!(SeedLine::parse("  user_20 ,20151002 185127 , 40.7643503305,-73.9694356385  , FALSE "), Ok(seed));
    }

    #[test]
    fn fields_are_counted() {
        for bad in
            ["a, b, c, d", "a, b, c, d, e, f", &format!("{FOUNDING},"), "user_20;20151002 185127;1;2;True", "a\tb", ""]
        {
            assert_eq!(code(bad), Some("field_count"), "{bad}");
        }
        assert_eq!(code(&with_lat("40,7643503305")), Some("field_count"));
    }

    #[test]
    fn a_time_is_fifteen_characters_that_name_a_moment_since_1970() {
        let bad = [
            "20151002  185127",
            "2015-10-02 18:51:27",
            "20151002T185127",
            "20151002 1851",
            "20150230 000000",
            "20151332 000000",
            "20151002 240000",
            "20151002 006000",
            "20151231 235960",
            "00000101 000000",
            "19691231 235959",
            "",
            "+0151002 185127",
            "２0151002 185127",
        ];
        for t in bad {
            assert_eq!(code(&line("user_20", t, "40.7", "-73.9", "True")), Some("bad_time"), "{t}");
        }
        for (t, ms) in
            [("19700101 000000", 0), ("20160229 000000", 1_456_704_000_000), ("20260308 023000", 1_772_937_000_000)]
        {
            assert_eq!(SeedLine::parse(&line("u", t, "1", "2", "True")).map(|seed| seed.t), Ok(UnixMs(ms)), "{t}");
        }
    }

    #[test]
    fn a_number_is_what_rust_reads_if_it_is_finite_and_in_the_world() {
        for lat in ["NaN", "inf", "1e400", "-inf", "Infinity"] {
            assert_eq!(code(&with_lat(lat)), Some("not_finite"), "{lat}");
        }
        for lat in ["0x28", "", "4_0", "40.7 1", "\u{0664}"] {
            assert_eq!(code(&with_lat(lat)), Some("bad_number"), "{lat}");
        }
        for lat in ["91", "-90.0001"] {
            assert_eq!(code(&with_lat(lat)), Some("out_of_range"), "{lat}");
        }
        for (lat, degrees) in [(".5", 0.5), ("5.", 5.0), ("+40.7", 40.7), ("4.07e1", 40.7), ("-90", -90.0)] {
            assert_eq!(SeedLine::parse(&with_lat(lat)).map(|seed| seed.position.lat()), Ok(degrees), "{lat}");
        }
        let precise = format!("40.{}", "7".repeat(400));
        assert!((SeedLine::parse(&with_lat(&precise)).unwrap().position.lat() - 40.777_777).abs() < 1e-5);
        let swapped = SeedLine::parse(&line("u", "20151002 185127", "-73.96", "40.76", "True"));
        assert!(swapped.is_ok(), "swapped degrees are a place too");
    }

    #[test]
    fn availability_is_true_or_false_in_any_case() {
        for free in ["true", "TRUE", "True ", " tRue"] {
            assert_eq!(SeedLine::parse(&line("u", "20151002 185127", "1", "2", free)).map(|seed| seed.free), Ok(true));
        }
        for free in ["0", "", "Falsee", "yes", "T", "\"True\""] {
            assert_eq!(code(&line("u", "20151002 185127", "1", "2", free)), Some("bad_bool"), "{free}");
        }
    }

    #[test]
    fn an_id_is_plain_and_case_sensitive() {
        for user in ["\"user_20\"", "a\"b", "=cmd()", "../../etc", &"x".repeat(10_240), "a\0", "😀", "", "a b"] {
            assert_eq!(code(&line(user, "20151002 185127", "1", "2", "True")), Some("bad_id"), "{user}");
        }
        let of = |user| SeedLine::parse(&line(user, "20151002 185127", "1", "2", "True")).unwrap().user;
        assert_ne!(of("USER_20"), of("user_20"));
    }

    #[test]
    fn an_error_names_its_column_and_becomes_the_protocols_refusal() {
        let error = SeedLine::parse("user_20, 20151002 185127,  91, -73.9, False").unwrap_err();
        assert_eq!((error.column, error.code), (28, SeedCode::OutOfRange));
        let refusal = Refusal::from(error);
        assert_eq!((refusal.code, refusal.field), (Code::OutOfRange, Some("lat")));
        let error = SeedLine::parse("user_20, 20151002 185127, 40, -181, False").unwrap_err();
        assert_eq!(Refusal::from(error).field, Some("lon"));
        for (bad, field) in
            [(line("?", "", "", "", ""), Some("user")), (line("u", "x", "", "", ""), Some("t")), (String::new(), None)]
        {
            let refusal = Refusal::from(SeedLine::parse(&bad).unwrap_err());
            assert_eq!((refusal.code, refusal.field), (Code::BadField, field));
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(user in "[A-Za-z0-9_-]{1,64}", seconds in 0_i64..250_000_000_000, lat in -90.0..=90.0_f64, lon in -180.0..180.0_f64, free in any::<bool>()) {
            let user = UserId::parse(&user, "user").unwrap();
            let seed = SeedLine { user, position: LatLon::new(lat, lon).unwrap(), t: UnixMs(seconds * 1_000), free };
            prop_assert_eq!(SeedLine::parse(&seed.to_string()), Ok(seed));
        }

        #[test]
        fn no_line_is_fatal(line in "\\PC{0,80}") {
            let _ = SeedLine::parse(&line);
        }
    }
}
