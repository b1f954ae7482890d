//! The library's dates and lengths as ours.
use calcard::common::PartialDateTime;
use calcard::icalendar::ICalendarDuration;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;

/// A time as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// A day.
    Date(Date),
    /// By the clock that its property names, or the person's own.
    Wall(DateTime),
    /// Unix seconds.
    Utc(i64),
}

/// `None` for the 30th of February and the like.
pub(super) fn written(time: &PartialDateTime) -> Option<Written> {
    let date = date(time)?;
    if time.hour.is_none() {
        return Some(Written::Date(date));
    }
    let wall = civil(time)?;
    Some(match offset(time) {
        Some(ahead) => Written::Utc(Offset::UTC.to_timestamp(wall).ok()?.as_second().checked_sub(ahead)?),
        None => Written::Wall(wall),
    })
}

/// The date and time as the clock shows them; midnight of a day.
pub(super) fn civil(time: &PartialDateTime) -> Option<DateTime> {
    let part = |value: Option<u8>| i8::try_from(value.unwrap_or(0)).ok();
    let hour = part(time.hour)?;
    // A leap second is the one before; `24:00:00` comes from programs that count so.
    let second = part(time.second)?.min(59);
    if hour == 24 {
        return Some(date(time)?.tomorrow().ok()?.to_datetime(Time::midnight()));
    }
    Some(date(time)?.to_datetime(Time::new(hour, part(time.minute)?, second, 0).ok()?))
}

fn date(time: &PartialDateTime) -> Option<Date> {
    let year = i16::try_from(time.year?).ok()?;
    Date::new(year, i8::try_from(time.month?).ok()?, i8::try_from(time.day?).ok()?).ok()
}

/// Seconds ahead of UTC, where that is said.
pub(super) fn offset(time: &PartialDateTime) -> Option<i64> {
    let seconds = i64::from(time.tz_hour?) * 3_600 + i64::from(time.tz_minute.unwrap_or(0)) * 60;
    (seconds <= 86_400).then_some(if time.tz_minus { -seconds } else { seconds })
}

/// What a clock in UTC shows.
pub(super) fn civil_of_unix(t: i64) -> Option<DateTime> {
    Some(Offset::UTC.to_datetime(Timestamp::from_second(t).ok()?))
}

/// How long something lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Length {
    /// By the wall clock.
    pub days: i64,
    /// And by a stopwatch.
    pub seconds: i64,
}

impl Length {
    pub const ONE_DAY: Self = Self { days: 1, seconds: 0 };

    pub fn of(duration: &ICalendarDuration) -> Self {
        let sign = if duration.neg { -1 } else { 1 };
        let days = i64::from(duration.weeks) * 7 + i64::from(duration.days);
        let clock = i64::from(duration.hours) * 3_600 + i64::from(duration.minutes) * 60 + i64::from(duration.seconds);
        Self { days: days.saturating_mul(sign), seconds: clock.saturating_mul(sign) }
    }

    /// About how many seconds: a day more than it can be.
    pub const fn at_most(self) -> i64 {
        self.days.saturating_add(1).saturating_mul(86_400).saturating_add(self.seconds)
    }

    pub const fn is_nothing(self) -> bool {
        self.days == 0 && self.seconds == 0
    }

    pub const fn is_backwards(self) -> bool {
        self.days < 0 || self.seconds < 0
    }
}
