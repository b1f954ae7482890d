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
        let commas = line.bytes().filter(|&byte| byte == b',').count();
        if commas + 1 != fields.len() {
            let message = format!("a seed line has 5 fields separated by commas, not {}", commas + 1);
            return Err(SeedError { column: 1, code: SeedCode::FieldCount, field: None, message });
        }
        let mut rest = line.split(',');
        let mut begin = 0;
        let [user, t, lat, lon, free] = fields.map(|name| {
            let raw = rest.next().unwrap_or_default();
            let column = begin + 1 + (raw.len() - raw.trim_start_matches(' ').len());
            begin += raw.len() + 1;
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
        digits.iter().try_fold(0_i16, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + i16::from(digit - b'0')))
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
            "{}, {:04}{:02}{:02} {:02}{:02}{:02}, {}, {}, {}",
            self.user,
            wall.year(),
            wall.month(),
            wall.day(),
            wall.hour(),
            wall.minute(),
            wall.second(),
            self.position.lat(),
            self.position.lon(),
            if self.free { "True" } else { "False" },
        )
    }
}
