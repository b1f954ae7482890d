//! Moments as phones write them.
use jiff::fmt::temporal::Pieces;
use jiff::tz::Offset;

use super::loose::Loose;
use crate::domain::UnixMs;

/// From here on a number is milliseconds: as seconds it would be the year 5138, as milliseconds it is 1973. (The original
/// decoder draws the line at 2^31, which would end in 2038; no moment that is accepted lies between the two.)
const MILLISECONDS_FROM: f64 = 1e11;
/// Beyond the year 5138 in milliseconds; still exact in a float.
const LATEST: f64 = 1e14;
/// The largest offset that a place on earth may have, seconds.
const FURTHEST_OFFSET_S: i32 = 14 * 3_600;

/// What a text without an offset means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unsaid {
    /// UTC.
    Utc,
    /// Nothing: it is not read.
    Unknown,
}

/// Seconds since 1970 as a moment.
pub(super) fn seconds(seconds: f64) -> Option<UnixMs> {
    let ms = (seconds * 1e3).round();
    #[expect(clippy::cast_possible_truncation, reason = "checked to be far within 2^53")]
    (ms.abs() < LATEST).then_some(UnixMs(ms as i64))
}

/// Seconds or milliseconds since 1970, whichever it can be.
pub(super) fn epoch(number: f64) -> Option<UnixMs> {
    seconds(if number.abs() >= MILLISECONDS_FROM { number / 1e3 } else { number })
}

/// A number, or a date and a time of day: with `T` or a space between, a fraction, `Z` or an offset with or without colon.
pub(super) fn text(text: &str, unsaid: Unsaid) -> Option<UnixMs> {
    let text = text.trim();
    if text.is_empty() || text.len() > 64 {
        return None;
    }
    if let Some(number) = text.parse().ok().filter(|number: &f64| number.is_finite()) {
        return epoch(number);
    }
    // Who writes the offset's plus into a query as it is sends a space.
    let restored = text.rsplit_once(' ').filter(|(before, after)| before.contains(['T', 't', ' ']) && is_offset(after));
    let restored = restored.map(|(before, after)| format!("{before}+{after}"));
    let pieces = Pieces::parse(restored.as_deref().unwrap_or(text)).ok()?;
    let offset = match pieces.to_numeric_offset() {
        Some(offset) if offset.seconds().abs() <= FURTHEST_OFFSET_S => offset,
        None if unsaid == Unsaid::Utc => Offset::UTC,
        _ => return None,
    };
    let at = offset.to_timestamp(pieces.date().to_datetime(pieces.time()?)).ok()?;
    Some(UnixMs(at.as_millisecond()))
}

/// A number or a text.
pub(super) fn of(field: &Loose<'_>, unsaid: Unsaid) -> Option<UnixMs> {
    match field {
        Loose::Text(said) => text(said, unsaid),
        other => epoch(other.number()?),
    }
}

fn is_offset(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    digits == 4 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b':') && text.len() <= 5
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: i64 = 1_790_000_000_000;

    #[test]
    fn every_way_in_which_phones_write_a_moment_is_read() {
        for said in [
            "1790000000",
            "1790000000.0",
            "1790000000000",
            "2026-09-21T14:13:20Z",
            "2026-09-21T14:13:20.000Z",
            "2026-09-21T16:13:20+0200",
            "2026-09-21T16:13:20+02:00",
            "2026-09-21T16:13:20 0200",
            "2026-09-21T10:13:20-04:00",
            "2026-09-21 14:13:20",
            "2026-09-21T14:13:20",
        ] {
            assert_eq!(text(said, Unsaid::Utc), Some(UnixMs(AT)), "{said}");
        }
        assert_eq!(text("1790000000.5", Unsaid::Utc), Some(UnixMs(AT + 500)));
    }

    #[test]
    fn what_is_no_moment_is_none() {
        for said in [
            "",
            "null",
            "now",
            "2026-09-21",
            "NaN",
            "inf",
            "1e400",
            "1e300",
            "2026-13-21T14:13:20Z",
            "2026-09-21T16:13:20+25:00",
            "2026-09-21T16:13:20+15:00",
            &"2".repeat(65),
        ] {
            assert_eq!(text(said, Unsaid::Utc), None, "{said}");
        }
        assert_eq!(text("2026-09-21T14:13:20", Unsaid::Unknown), None, "whose clock?");
        assert!(text("0001-01-01T00:00:00Z", Unsaid::Unknown).is_none_or(|at| at.0 < 0));
    }
}
