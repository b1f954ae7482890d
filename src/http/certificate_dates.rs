//! From when and until when a certificate holds (X.509, RFC 5280, 4.1): the one thing in it that we need and rustls does
//! not tell.
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::domain::UnixMs;

const SEQUENCE: u8 = 0x30;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
/// The version, which may be absent.
const VERSION: u8 = 0xA0;

/// When a certificate holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dates {
    /// Not before.
    pub begins: UnixMs,
    /// Not after.
    pub ends: UnixMs,
}

/// Reads the dates of a certificate in DER; `None` when it is not one.
#[must_use]
pub fn read(certificate: &[u8]) -> Option<Dates> {
    let (certificate, _) = expect(certificate, SEQUENCE)?;
    let (mut rest, _) = expect(certificate, SEQUENCE)?;
    if rest.first() == Some(&VERSION) {
        rest = element(rest)?.2;
    }
    // Serial number, signature algorithm, issuer.
    for _ in 0..3 {
        rest = element(rest)?.2;
    }
    let (validity, _) = expect(rest, SEQUENCE)?;
    let (begins, rest) = time(validity)?;
    let (ends, _) = time(rest)?;
    Some(Dates { begins, ends })
}

/// The element at the beginning of `der`: tag, content, what follows.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, first], rest) = der.split_first_chunk()?;
    let (length, rest) = match first {
        0..=0x7F => (usize::from(first), rest),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7F))?;
            (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

fn expect(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    element(der).filter(|(found, ..)| *found == tag).map(|(_, content, rest)| (content, rest))
}

fn time(der: &[u8]) -> Option<(UnixMs, &[u8])> {
    let (tag, content, rest) = element(der)?;
    let digits = content.strip_suffix(b"Z")?;
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let pairs: Vec<i16> = digits
        .chunks_exact(2)
        .map(|pair| pair.iter().fold(0, |number, digit| number * 10 + i16::from(digit - b'0')))
        .collect();
    let (year, rest_of_it) = match (tag, pairs.as_slice()) {
        (UTC_TIME, [year, rest @ ..]) => (if *year < 50 { 2000 } else { 1900 } + year, rest),
        (GENERALIZED_TIME, [century, year, rest @ ..]) => (century * 100 + year, rest),
        _ => return None,
    };
    let &[month, day, hour, minute, second] = rest_of_it else { return None };
    let small = |number: i16| i8::try_from(number).ok();
    let date = DateTime::new(year, small(month)?, small(day)?, small(hour)?, small(minute)?, small(second)?, 0).ok()?;
    // The last day of the year 9999, which stands for "never", is a little beyond jiff's end of time.
    let at = TimeZone::UTC.to_timestamp(date).unwrap_or(Timestamp::MAX);
    Some((UnixMs(at.as_millisecond()), rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    fn certificate(begins: (i32, u8, u8), ends: (i32, u8, u8)) -> Vec<u8> {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.not_before = date_time_ymd(begins.0, begins.1, begins.2);
        params.not_after = date_time_ymd(ends.0, ends.1, ends.2);
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    fn day(text: &str) -> UnixMs {
        UnixMs(format!("{text}T00:00:00Z").parse::<Timestamp>().unwrap().as_millisecond())
    }

    #[test]
    fn dates_of_both_centuries_and_notations_are_read() {
        for (begins, ends, first, last) in [
            ((2026, 11, 21), (2027, 2, 19), "2026-11-21", "2027-02-19"),
            ((1975, 1, 1), (2049, 12, 31), "1975-01-01", "2049-12-31"),
            ((2050, 1, 1), (2150, 2, 28), "2050-01-01", "2150-02-28"),
        ] {
            let dates = Dates { begins: day(first), ends: day(last) };
            assert_eq!(read(&certificate(begins, ends)), Some(dates));
        }
    }

    #[test]
    fn a_certificate_that_never_ends_is_read() {
        let (at, rest) = time(b"\x18\x0F99991231235959Z").unwrap();
        assert!(at > day("9999-01-01") && rest.is_empty());
    }

    #[test]
    fn no_piece_of_a_certificate_and_no_flipped_byte_is_anything_but_read_or_refused() {
        let whole = certificate((2026, 11, 21), (2027, 2, 19));
        for end in 0..whole.len() {
            assert_eq!(read(&whole[..end]), None);
        }
        for at in 0..whole.len() {
            for byte in [0, 0x7F, 0x80, 0x84, 0xFF] {
                let mut flipped = whole.clone();
                flipped[at] = byte;
                let _ = read(&flipped);
            }
        }
    }
}
