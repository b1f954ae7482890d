//! The hours of a week in which somebody is usually free, by the clock on their wall.
use std::sync::Arc;

use super::{Code, Refusal};

/// The most entries: three a day.
pub const MOST_HOURS: usize = 21;
/// Minutes of a day; as an end: `24:00`.
pub const DAY_MINUTES: u16 = 1_440;

/// The days of the week as they are written, Monday first.
pub const DAY_NAMES: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Some days of the week: bit 0 is Monday. Never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Days(u8);

impl Days {
    /// Days by their bits. `None` for no day, or an eighth one.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Option<Self> {
        if bits == 0 || bits > 0x7F { None } else { Some(Self(bits)) }
    }

    /// Bit 0 is Monday.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// True when the day is among them; 0 is Monday.
    #[must_use]
    pub const fn contains(self, day: u8) -> bool {
        day < 7 && self.0 & (1 << day) != 0
    }

    /// Their names, Monday first.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        DAY_NAMES.into_iter().zip(0_u8..).filter(move |(_, day)| self.contains(*day)).map(|(name, _)| name)
    }
}

/// Free on some days from one time to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayHours {
    days: Days,
    from: u16,
    to: u16,
}

impl DayHours {
    /// From minute `from` (0 to 1439) of each of the days to minute `to` (1 to 1440): of the next day when `to` is not after
    /// `from`.
    ///
    /// # Errors
    /// `out_of_range`, naming the bounds.
    pub fn new(days: Days, from: u16, to: u16) -> Result<Self, Refusal> {
        if from < DAY_MINUTES && (1..=DAY_MINUTES).contains(&to) {
            return Ok(Self { days, from, to });
        }
        let message = "free_hours: from must be 00:00 to 23:59 and to 00:01 to 24:00";
        Err(Refusal::of_field(Code::OutOfRange, "free_hours", message))
    }

    /// The days on which it begins.
    #[must_use]
    pub const fn days(&self) -> Days {
        self.days
    }

    /// The minute of the day at which it begins.
    #[must_use]
    pub const fn from(&self) -> u16 {
        self.from
    }

    /// The minute of the day at which it ends; at most 1440.
    #[must_use]
    pub const fn to(&self) -> u16 {
        self.to
    }

    /// True when it ends on the day after.
    #[must_use]
    pub const fn is_over_midnight(&self) -> bool {
        self.to <= self.from
    }
}

/// The hours of a week in which somebody is usually free. Empty: nothing is said of that.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WeeklyHours(Arc<[DayHours]>);

impl WeeklyHours {
    /// Hours as they were said.
    ///
    /// # Errors
    /// `too_many` above [`MOST_HOURS`].
    pub fn new(hours: &[DayHours]) -> Result<Self, Refusal> {
        if hours.len() > MOST_HOURS {
            let message = format!("free_hours must have at most {MOST_HOURS} entries");
            return Err(Refusal::of_field(Code::TooMany, "free_hours", message));
        }
        Ok(Self(hours.into()))
    }

    /// True when nothing is said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As they were said.
    #[must_use]
    pub fn entries(&self) -> &[DayHours] {
        &self.0
    }
}

/// Minutes of a day from `HH:MM`; `24:00` is the end of the day.
#[must_use]
pub fn parse_minutes(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let two = |part: &str| (part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit())).then(|| part.parse::<u16>());
    let (hours, minutes) = (two(hours)?.ok()?, two(minutes)?.ok()?);
    let total = hours.checked_mul(60)?.checked_add(minutes)?;
    (minutes < 60 && total <= DAY_MINUTES).then_some(total)
}

/// `HH:MM` of minutes of a day.
#[must_use]
pub fn write_minutes(minutes: u16) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_are_read_as_they_are_written() {
        for minutes in 0..=DAY_MINUTES {
            assert_eq!(parse_minutes(&write_minutes(minutes)), Some(minutes));
        }
        for odd in ["24:01", "7:00", "07:0", "07:60", "0700", "", ":", "+7:00", "07:00:00", "٠٧:٠٠"] {
            assert_eq!(parse_minutes(odd), None, "{odd}");
        }
    }

    #[test]
    fn hours_lie_within_a_day_and_may_go_over_midnight() {
        let monday = Days::from_bits(1).unwrap();
        assert!(!DayHours::new(monday, 0, 1_440).unwrap().is_over_midnight());
        assert!(DayHours::new(monday, 1_320, 120).unwrap().is_over_midnight());
        assert!(DayHours::new(monday, 540, 540).unwrap().is_over_midnight(), "a whole day");
        for (from, to) in [(1_440, 60), (0, 0), (0, 1_441)] {
            let refusal = DayHours::new(monday, from, to).unwrap_err();
            assert_eq!((refusal.code, refusal.field), (Code::OutOfRange, Some("free_hours")));
        }
        assert!(Days::from_bits(0).is_none() && Days::from_bits(0x80).is_none());
        let days: Vec<_> = Days::from_bits(0b100_0001).unwrap().names().collect();
        assert_eq!(days, ["mon", "sun"]);
    }

    #[test]
    fn there_are_at_most_three_a_day() {
        let hours = DayHours::new(Days::from_bits(1).unwrap(), 0, 60).unwrap();
        assert!(WeeklyHours::new(&[hours; MOST_HOURS]).is_ok());
        assert_eq!(WeeklyHours::new(&[hours; MOST_HOURS + 1]).unwrap_err().code, Code::TooMany);
    }
}
