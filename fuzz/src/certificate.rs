//! A certificate, of which we read when it holds.
use letshang::http::certificate_dates::{Dates, read};

/// The years 0 to 9999, Unix milliseconds.
const YEARS: std::ops::RangeInclusive<i64> = -62_167_219_200_000..=253_402_300_799_999;

/// Bytes are no certificate, or its dates are within the years that can be written, whatever follows it.
pub fn hold(input: &[u8]) {
    let dates = read(input);
    if let Some(Dates { begins, ends }) = dates {
        assert!(YEARS.contains(&begins.0) && YEARS.contains(&ends.0), "{dates:?}");
        assert_eq!(read(&[input, b"and more"].concat()), dates);
    }
}
