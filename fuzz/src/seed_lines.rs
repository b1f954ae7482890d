//! One seed line.
use letshang::domain::Refusal;
use letshang::protocol::seed_line::SeedLine;

use super::oracle::{is_believable, is_short, is_sound};

/// A line is refused in few words that name a place within it, or is read again as the same when it is written.
pub fn hold(input: &[u8]) {
    if let Ok(line) = std::str::from_utf8(input) {
        hold_line(line);
    }
}

/// As [`hold`], for text.
pub fn hold_line(line: &str) {
    match SeedLine::parse(line) {
        Ok(seed) => {
            is_believable(&seed.fields());
            assert!((1..=64).contains(&seed.user.as_str().len()));
            assert!(seed.t.0 >= 0 && seed.t.0 % 1_000 == 0, "{:?}", seed.t);
            assert_eq!(SeedLine::parse(&seed.to_string()), Ok(seed));
        }
        Err(error) => {
            assert!((1..=line.len() + 1).contains(&error.column), "column {} of {line:?}", error.column);
            is_short(&error.to_string(), line.as_bytes());
            is_sound(&Refusal::from(error), line.as_bytes());
        }
    }
}
