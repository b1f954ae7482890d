//! The names of Redis keys: built from dates and hours only, under one prefix. Nothing that a user chose is in a key.
use jiff::civil::Date;

use crate::activity::histogram::{HourKey, HourOfDay, Presence};
use crate::domain::{Code, Refusal};

/// The prefix until the configuration says otherwise.
pub const DEFAULT_PREFIX: &str = "letshang:";
const LONGEST_PREFIX: usize = 64;

/// Builds and reads the keys of one deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    prefix: String,
}

/// A key that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// The hash of a day's counts.
    Day(Date),
    /// The bitmap of an hour.
    Hour(HourKey),
}

impl Keys {
    /// Keys under `prefix`.
    ///
    /// # Errors
    /// `bad_field` on `redis.prefix` unless it is 1 to 64 of `A-Z a-z 0-9 _ - . :`.
    pub fn new(prefix: &str) -> Result<Self, Refusal> {
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || "_-.:".contains(c);
        if prefix.is_empty() || prefix.len() > LONGEST_PREFIX || !prefix.chars().all(is_allowed) {
            let message = format!("redis.prefix must be 1 to {LONGEST_PREFIX} of A-Z a-z 0-9 _ - . :");
            return Err(Refusal::of_field(Code::BadField, "redis.prefix", message));
        }
        Ok(Self { prefix: prefix.to_owned() })
    }

    /// The hash of a day's counts.
    #[must_use]
    pub fn day(&self, date: Date) -> String {
        format!("{}avail:{date}", self.prefix)
    }

    /// The field of such a hash that holds the count of an hour.
    #[must_use]
    pub fn field((hour, presence): HourKey) -> String {
        match presence {
            Presence::Free => format!("{:02}", hour.hour),
            Presence::Online => format!("{:02}:online", hour.hour),
        }
    }

    /// The bitmap of an hour.
    #[must_use]
    pub fn hour(&self, (hour, presence): HourKey) -> String {
        let HourOfDay { date, hour } = hour;
        let presence = match presence {
            Presence::Free => "free",
            Presence::Online => "online",
        };
        format!("{}avail:{date}:{hour:02}:{presence}", self.prefix)
    }

    /// Where a bitmap is laid while it is merged; gone when the merging script ends.
    #[must_use]
    pub fn scratch(&self) -> String {
        format!("{}scratch", self.prefix)
    }

    /// Where a node notes how far it has written, so that it notices when Redis has lost something.
    #[must_use]
    pub fn node(&self, node: u64) -> String {
        format!("{}node:{node:016x}", self.prefix)
    }

    /// Reads a key of the histogram; `None` for anything else.
    #[must_use]
    pub fn parse(&self, key: &str) -> Option<Key> {
        let rest = key.strip_prefix(&self.prefix)?.strip_prefix("avail:")?;
        let mut parts = rest.split(':');
        let date = parts.next()?.parse().ok()?;
        let read = match (parts.next(), parts.next(), parts.next()) {
            (None, None, None) => Key::Day(date),
            (Some(hour), Some(presence), None) => {
                let hour = hour.parse().ok().filter(|hour| *hour < 24)?;
                let presence = match presence {
                    "free" => Presence::Free,
                    "online" => Presence::Online,
                    _ => return None,
                };
                Key::Hour((HourOfDay { date, hour }, presence))
            }
            _ => return None,
        };
        (self.name(read) == key).then_some(read)
    }

    fn name(&self, key: Key) -> String {
        match key {
            Key::Day(date) => self.day(date),
            Key::Hour(hour) => self.hour(hour),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;
    use proptest::prelude::*;

    #[test]
    fn keys_are_those_of_the_protocol() {
        let keys = Keys::new(DEFAULT_PREFIX).unwrap();
        let hour = HourOfDay { date: date(2026, 1, 9), hour: 7 };
        assert_eq!(keys.day(hour.date), "letshang:avail:2026-01-09");
        assert_eq!(keys.hour((hour, Presence::Free)), "letshang:avail:2026-01-09:07:free");
        assert_eq!(keys.hour((hour, Presence::Online)), "letshang:avail:2026-01-09:07:online");
        assert_eq!(Keys::field((hour, Presence::Free)), "07");
        assert_eq!(Keys::field((hour, Presence::Online)), "07:online");
    }

    #[test]
    fn a_prefix_with_blanks_or_braces_is_refused() {
        for bad in ["", "a b", "{a}", "a*", "a\r\n", "ä:", &"x".repeat(65)] {
            assert!(Keys::new(bad).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn a_key_is_read_back_and_no_other_text_is_one(
            year in 1..=9999_i16, month in 1..=12_i8, day in 1..=28_i8, hour in 0..24_u8, online: bool, is_day: bool, other: String,
        ) {
            let keys = Keys::new("a:").unwrap();
            let date = date(year, month, day);
            let presence = if online { Presence::Online } else { Presence::Free };
            let key = if is_day { Key::Day(date) } else { Key::Hour((HourOfDay { date, hour }, presence)) };
            let name = keys.name(key);
            prop_assert_eq!(keys.parse(&name), Some(key));
            prop_assert_eq!(Keys::new("b:").unwrap().parse(&name), None);
            prop_assert_eq!(keys.parse(&format!("{name}{}", "0")), None);
            if let Some(read) = keys.parse(&other) {
                prop_assert_eq!(keys.name(read), other);
            }
        }
    }
}
