//! Whether somebody is free at a moment, by their calendar and their weekly hours, and when that changes next.
//!
//! The calendar's part is what is left of it: merged busy intervals, eight bytes each, of about two weeks. Weekly hours are worked
//! out from the clock on the person's wall for the days in question, so that changes of clocks come out right: hours that are skipped
//! end where they would have begun, and those that are repeated last as long as they do.
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::domain::weekly_hours::{DAY_MINUTES, DayHours};
use crate::domain::{Availability, Next, Present, Source, UnixMs, WeeklyHours};

/// How far ahead a change is looked for, days: a week's hours come round within it, whatever the clocks do.
const LOOK_AHEAD_DAYS: i32 = 16;
/// The most intervals that are kept.
pub const MOST_BUSY: usize = 2_000;

/// Busy intervals: sorted, apart from each other, within a span of time that is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Busy {
    /// Unix seconds of what is known: from here.
    from: i64,
    /// To here.
    to: i64,
    /// Seconds after `from`: begin and end.
    spans: Box<[(u32, u32)]>,
}

impl Busy {
    /// Merges intervals (Unix seconds, ends excluded), as far as they lie between `from` and `to`. True when there were more than
    /// [`MOST_BUSY`] and the latest are left out.
    #[must_use]
    pub fn merge(from: i64, to: i64, mut intervals: Vec<(i64, i64)>) -> (Self, bool) {
        let to = to.clamp(from, from.saturating_add(i64::from(u32::MAX)));
        intervals.sort_unstable();
        let offset = |t: i64| u32::try_from(t.clamp(from, to).saturating_sub(from)).unwrap_or(u32::MAX);
        let mut spans: Vec<(u32, u32)> = Vec::new();
        for (begin, end) in intervals {
            let (begin, end) = (offset(begin), offset(end));
            match spans.last_mut() {
                _ if begin >= end => {}
                Some((_, last)) if begin <= *last => *last = (*last).max(end),
                _ => spans.push((begin, end)),
            }
        }
        let too_many = spans.len() > MOST_BUSY;
        spans.truncate(MOST_BUSY);
        (Self { from, to, spans: spans.into() }, too_many)
    }

    /// Unix seconds of what is known: from, and to.
    #[must_use]
    pub const fn known(&self) -> (i64, i64) {
        (self.from, self.to)
    }

    /// The intervals in Unix seconds, ends excluded.
    pub fn intervals(&self) -> impl Iterator<Item = (i64, i64)> {
        let at = |offset: u32| self.from.saturating_add(i64::from(offset));
        self.spans.iter().map(move |(begin, end)| (at(*begin), at(*end)))
    }

    /// The end of the interval in which `t` lies.
    fn until(&self, t: i64) -> Option<i64> {
        let place = self.spans.partition_point(|(begin, _)| self.from.saturating_add(i64::from(*begin)) <= t);
        let (_, end) = self.spans.get(place.checked_sub(1)?)?;
        Some(self.from.saturating_add(i64::from(*end))).filter(|end| t < *end)
    }

    /// The first begin or end of an interval after `t`.
    fn next_edge(&self, t: i64) -> Option<i64> {
        if let Some(end) = self.until(t) {
            return Some(end);
        }
        let place = self.spans.partition_point(|(begin, _)| self.from.saturating_add(i64::from(*begin)) <= t);
        self.spans.get(place).map(|(begin, _)| self.from.saturating_add(i64::from(*begin)))
    }
}

/// What decides whether somebody is free when they have said nothing by hand.
#[derive(Clone, Debug, PartialEq)]
pub struct Timetable {
    /// The calendar; `None`: there is none.
    busy: Option<Busy>,
    hours: WeeklyHours,
    zone: TimeZone,
}

/// What holds at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// Would meet.
    pub free: bool,
    /// Who says so: never [`Source::Hand`].
    pub source: Source,
    /// When `free` changes; `None`: not as far as is known.
    pub until: Option<UnixMs>,
}

impl Timetable {
    /// A calendar and weekly hours in the person's zone. `None` when there is neither: then the default holds.
    #[must_use]
    pub fn new(busy: Option<Busy>, hours: WeeklyHours, zone: TimeZone) -> Option<Self> {
        (busy.is_some() || !hours.is_empty()).then_some(Self { busy, hours, zone })
    }

    /// The calendar's part.
    #[must_use]
    pub const fn busy(&self) -> Option<&Busy> {
        self.busy.as_ref()
    }

    /// What holds at `now`, and until when.
    #[must_use]
    pub fn state_at(&self, now: UnixMs) -> State {
        let (free, source) = self.decide(now);
        State { free, source, until: self.next_flip(now) }
    }

    /// The first moment after `now` at which `free` changes, as far as is known.
    #[must_use]
    pub fn next_flip(&self, now: UnixMs) -> Option<UnixMs> {
        let (free, _) = self.decide(now);
        let end = now + i64::from(LOOK_AHEAD_DAYS) * 86_400_000;
        let mut at = now;
        while let Some(edge) = self.next_edge(at).filter(|edge| *edge > at && *edge < end) {
            if self.decide(edge).0 != free {
                return Some(edge);
            }
            at = edge;
        }
        None
    }

    /// The spans between `from` and `to` in which the person is free.
    #[must_use]
    pub fn free_between(&self, from: UnixMs, to: UnixMs) -> Vec<(UnixMs, UnixMs)> {
        let mut spans: Vec<(UnixMs, UnixMs)> = Vec::new();
        let mut at = from;
        while at < to {
            let next = self.next_edge(at).filter(|edge| *edge > at && *edge < to).unwrap_or(to);
            if self.decide(at).0 {
                match spans.last_mut() {
                    Some((_, end)) if *end == at => *end = next,
                    _ => spans.push((at, next)),
                }
            }
            at = next;
        }
        spans
    }

    fn decide(&self, now: UnixMs) -> (bool, Source) {
        if let Some(busy) = &self.busy {
            if busy.until(seconds(now)).is_some() {
                return (false, Source::Calendar);
            }
            if self.hours.is_empty() {
                return (true, Source::Calendar);
            }
        }
        let today = self.zone.to_datetime(timestamp(now)).date();
        let mut hours = today.yesterday().ok().into_iter().chain([today]).flat_map(|date| self.hours_on(date));
        (hours.any(|(begin, end)| begin <= now && now < end), Source::Hours)
    }

    fn hours_on(&self, date: Date) -> impl Iterator<Item = (UnixMs, UnixMs)> {
        let day = u8::try_from(date.weekday().to_monday_zero_offset()).unwrap_or(0);
        let entries = self.hours.entries().iter().filter(move |entry| entry.days().contains(day));
        entries.filter_map(move |entry: &DayHours| {
            let last = if entry.is_over_midnight() { date.tomorrow().ok()? } else { date };
            Some((self.at(date, entry.from())?, self.at(last, entry.to())?))
        })
    }

    /// The moment of a wall clock's time. One that is skipped comes as much later as the clock goes forward; of two the first.
    fn at(&self, date: Date, minutes: u16) -> Option<UnixMs> {
        let (date, minutes) = if minutes == DAY_MINUTES { (date.tomorrow().ok()?, 0) } else { (date, minutes) };
        let (hour, minute) = (i8::try_from(minutes / 60).ok()?, i8::try_from(minutes % 60).ok()?);
        self.zone.to_timestamp(date.at(hour, minute, 0, 0)).ok().map(|t| UnixMs(t.as_millisecond()))
    }

    /// The first moment after `now` at which anything may change.
    fn next_edge(&self, now: UnixMs) -> Option<UnixMs> {
        let calendar = self.busy.as_ref().and_then(|busy| busy.next_edge(seconds(now))).map(milliseconds);
        let hours = if self.hours.is_empty() { None } else { self.next_hours_edge(now) };
        calendar.into_iter().chain(hours).filter(|edge| *edge > now).min()
    }

    fn next_hours_edge(&self, now: UnixMs) -> Option<UnixMs> {
        let first = self.zone.to_datetime(timestamp(now)).date().yesterday().ok()?;
        // Nothing begins a day early or ends two days late: once a day has an edge, that of the next can be earlier, and no other.
        let mut nearest = None;
        let mut days_more = 2;
        for date in first.series(jiff::Span::new().days(1)).take(10) {
            let edges = self.hours_on(date).flat_map(|(begin, end)| [begin, end]);
            nearest = edges.filter(|edge| *edge > now).chain(nearest).min();
            if nearest.is_some() {
                days_more -= 1;
                if days_more == 0 {
                    break;
                }
            }
        }
        nearest
    }
}

/// What holds of a person at `now`: by hand, else by the timetable, else the default.
#[must_use]
pub fn present(hand: Option<&Availability>, timetable: Option<&Timetable>, now: UnixMs) -> Present {
    let next_of = |at: UnixMs| match timetable {
        Some(timetable) => {
            let (free, source) = timetable.decide(at);
            Next { free, source }
        }
        None => Next { free: false, source: Source::Default },
    };
    if let Some(by_hand) = Present::by_hand(hand, now) {
        let next = by_hand.until.map(next_of);
        return Present { next, ..by_hand };
    }
    let Some(timetable) = timetable else { return Present::default() };
    let State { free, source, until } = timetable.state_at(now);
    Present { free, note: None, until, source, next: until.map(next_of) }
}

fn timestamp(t: UnixMs) -> Timestamp {
    Timestamp::from_millisecond(t.0).unwrap_or(if t.0 < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

const fn seconds(t: UnixMs) -> i64 {
    t.0.div_euclid(1_000)
}

const fn milliseconds(seconds: i64) -> UnixMs {
    UnixMs(seconds.saturating_mul(1_000))
}

#[cfg(test)]
#[path = "timetable_tests.rs"]
mod tests;
