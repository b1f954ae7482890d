//! One event, as far as it says when somebody is busy.
use calcard::icalendar::{
    ICalendar, ICalendarComponent, ICalendarEntry, ICalendarFreeBusyType, ICalendarParameterName,
    ICalendarParameterValue, ICalendarPeriod, ICalendarProperty, ICalendarRecurrenceRule, ICalendarStatus,
    ICalendarTransparency, ICalendarValue,
};
use jiff::civil::{DateTime, Time};

use super::notes::{Note, Notes};
use super::recur::Budget;
use super::times::{Length, Written, written};
use super::zones::{Zone, Zones};

/// A moment by a certain clock.
#[derive(Clone, Debug)]
pub(super) struct When {
    /// What the clock shows; midnight of a day.
    pub wall: DateTime,
    pub zone: Zone,
    /// A whole day.
    pub is_day: bool,
    /// Unix seconds.
    pub unix: i64,
}

/// An event.
#[derive(Debug)]
pub(super) struct Event {
    /// Which of the file's ids it has.
    pub id: u64,
    pub sequence: i64,
    pub start: When,
    pub length: Length,
    pub rule: Option<Box<ICalendarRecurrenceRule>>,
    /// More times, some with lengths of their own.
    pub dates: Vec<(When, Option<Length>)>,
    pub except: Vec<When>,
    /// The time of the series in whose place this stands.
    pub replaces: Option<When>,
    /// And in place of everything after it.
    pub and_later: bool,
    /// Takes time: neither cancelled nor marked as free.
    pub is_busy: bool,
}

/// What is needed to read an event.
pub(super) struct Context<'a> {
    pub zones: &'a mut Zones,
    pub budget: &'a mut Budget,
    pub notes: &'a mut Notes,
}

impl Context<'_> {
    fn when(&mut self, time: Written, zone: Option<&str>) -> Option<When> {
        let clock = |it: &mut Self| match zone {
            Some(name) if !name.is_empty() => it.zones.get(name, it.budget, it.notes),
            _ => it.zones.own(),
        };
        Some(match time {
            // A day is a day of the person's, wherever it was written.
            Written::Date(date) => {
                let (wall, zone) = (date.to_datetime(Time::midnight()), self.zones.own());
                When { wall, unix: zone.unix(wall)?, zone, is_day: true }
            }
            Written::Wall(wall) => {
                let zone = clock(self);
                When { wall, unix: zone.unix(wall)?, zone, is_day: false }
            }
            // With a zone beside it, a time in UTC repeats by UTC all the same.
            Written::Utc(unix) => {
                let zone = Zone::Known(jiff::tz::TimeZone::UTC);
                When { wall: zone.wall(unix)?, unix, zone, is_day: false }
            }
        })
    }

    fn first(&mut self, entry: &ICalendarEntry) -> Option<When> {
        match entry.values.first()? {
            ICalendarValue::PartialDateTime(time) => self.when(written(time)?, entry.tz_id()),
            _ => None,
        }
    }

    fn all(&mut self, entry: &ICalendarEntry) -> Vec<(When, Option<Length>)> {
        let mut all = Vec::new();
        for value in &entry.values {
            let found = match value {
                ICalendarValue::PartialDateTime(time) => {
                    written(time).and_then(|time| self.when(time, entry.tz_id())).map(|when| (when, None))
                }
                ICalendarValue::Period(period) => self.period(period, entry.tz_id()),
                _ => None,
            };
            all.extend(found);
        }
        all
    }

    fn period(&mut self, period: &ICalendarPeriod, zone: Option<&str>) -> Option<(When, Option<Length>)> {
        match period {
            ICalendarPeriod::Range { start, end } => {
                let (start, end) = (self.when(written(start)?, zone)?, self.when(written(end)?, zone)?);
                let length = Length { days: 0, seconds: end.unix.saturating_sub(start.unix) };
                Some((start, Some(length)))
            }
            ICalendarPeriod::Duration { start, duration } => {
                Some((self.when(written(start)?, zone)?, Some(Length::of(duration))))
            }
        }
    }

    /// Reads an event; `None`, and a note, when it has no use.
    pub fn event(&mut self, calendar: &ICalendar) -> Option<Event> {
        let component = calendar.components.first()?;
        let mut raw = Raw::default();
        for entry in &component.entries {
            self.take(&mut raw, entry);
        }
        let Raw { id, sequence, start, end, duration, rule, dates, except, replaces, and_later, .. } = raw;
        // An instance that is cancelled often says no more than which one it is.
        let Some(start) = start.or_else(|| replaces.clone()) else {
            self.notes.add(Note::NoStart);
            return None;
        };
        if !(1_900..=2_100).contains(&start.wall.year()) {
            self.notes.add(Note::FarAway);
            return None;
        }
        let is_free = raw.is_transparent || (raw.is_marked_free && !raw.is_opaque);
        let is_busy = !raw.is_cancelled && !is_free;
        let length = length(&start, end.as_ref(), duration);
        if length.is_backwards() || length.is_nothing() {
            self.notes.add(if length.is_backwards() { Note::Backwards } else { Note::NoLength });
            // It may still stand in the place of another.
            replaces.as_ref()?;
        }
        if raw.bad_rule {
            self.notes.add(Note::BadRule);
        }
        Some(Event { id, sequence, start, length, rule, dates, except, replaces, and_later, is_busy })
    }

    fn take(&mut self, raw: &mut Raw, entry: &ICalendarEntry) {
        match (&entry.name, entry.values.first()) {
            (ICalendarProperty::Uid, Some(ICalendarValue::Text(id))) => raw.id = id.parse().unwrap_or(0),
            (ICalendarProperty::Sequence, Some(ICalendarValue::Integer(number))) => raw.sequence = *number,
            (ICalendarProperty::Dtstart, _) => raw.start = self.first(entry),
            (ICalendarProperty::Dtend, _) => raw.end = self.first(entry),
            (ICalendarProperty::Duration, Some(ICalendarValue::Duration(value))) => {
                raw.duration = Some(Length::of(value));
            }
            (ICalendarProperty::Rrule, Some(ICalendarValue::RecurrenceRule(rule))) => raw.rule = Some(rule.clone()),
            (ICalendarProperty::Rrule, Some(_)) => raw.bad_rule = true,
            (ICalendarProperty::Rdate, _) => raw.dates.extend(self.all(entry)),
            (ICalendarProperty::Exdate, _) => raw.except.extend(self.all(entry).into_iter().map(|(when, _)| when)),
            (ICalendarProperty::RecurrenceId, _) => {
                raw.replaces = self.first(entry);
                raw.and_later = entry.parameters(&ICalendarParameterName::Range).next().is_some();
            }
            (ICalendarProperty::Status, Some(ICalendarValue::Status(ICalendarStatus::Cancelled))) => {
                raw.is_cancelled = true;
            }
            (ICalendarProperty::Transp, Some(ICalendarValue::Transparency(value))) => {
                raw.is_transparent = *value == ICalendarTransparency::Transparent;
                raw.is_opaque = *value == ICalendarTransparency::Opaque;
            }
            (ICalendarProperty::Other(_), Some(ICalendarValue::Text(value))) => {
                raw.is_marked_free = value.eq_ignore_ascii_case("FREE");
            }
            _ => {}
        }
    }

    /// The busy periods of a free/busy list, Unix seconds.
    pub fn free_busy(&mut self, component: &ICalendarComponent) -> Vec<(i64, i64)> {
        let mut busy = Vec::new();
        for entry in component.entries.iter().filter(|entry| entry.name == ICalendarProperty::Freebusy) {
            let is_free = entry
                .parameters(&ICalendarParameterName::Fbtype)
                .any(|kind| matches!(kind, ICalendarParameterValue::Fbtype(ICalendarFreeBusyType::Free)));
            if !is_free {
                let spans = self.all(entry).into_iter().filter_map(|(when, length)| when.span(length?));
                busy.extend(spans);
            }
        }
        busy
    }
}

#[derive(Default)]
struct Raw {
    id: u64,
    sequence: i64,
    start: Option<When>,
    end: Option<When>,
    duration: Option<Length>,
    rule: Option<Box<ICalendarRecurrenceRule>>,
    dates: Vec<(When, Option<Length>)>,
    except: Vec<When>,
    replaces: Option<When>,
    and_later: bool,
    is_cancelled: bool,
    is_transparent: bool,
    is_opaque: bool,
    is_marked_free: bool,
    bad_rule: bool,
}

/// A day that says nothing more lasts that day; a time that says nothing more takes none (RFC 5545, section 3.6.1).
fn length(start: &When, end: Option<&When>, duration: Option<Length>) -> Length {
    match (end, duration) {
        (Some(end), _) if start.is_day && end.is_day => {
            let days = start.wall.date().duration_until(end.wall.date()).as_hours() / 24;
            // Some programs write the same day twice for a whole one.
            if days == 0 { Length::ONE_DAY } else { Length { days, seconds: 0 } }
        }
        (Some(end), _) => Length { days: 0, seconds: end.unix.saturating_sub(start.unix) },
        (None, Some(duration)) => duration,
        (None, None) if start.is_day => Length::ONE_DAY,
        (None, None) => Length { days: 0, seconds: 0 },
    }
}

impl When {
    /// Where this is if the clock shows another time.
    pub fn at(&self, wall: DateTime) -> Option<Self> {
        Some(Self { wall, unix: self.zone.unix(wall)?, zone: self.zone.clone(), is_day: self.is_day })
    }

    /// From here for as long as that, Unix seconds; `None` when that is nothing.
    pub fn span(&self, length: Length) -> Option<(i64, i64)> {
        let end = if length.days == 0 {
            self.unix
        } else {
            self.zone.unix(self.wall.checked_add(jiff::Span::new().try_days(length.days).ok()?).ok()?)?
        };
        let end = end.checked_add(length.seconds)?;
        (self.unix < end).then_some((self.unix, end))
    }

    /// The same moment, or the day on which it is.
    pub fn is_same(&self, other: &Self) -> bool {
        if self.is_day == other.is_day {
            return if self.is_day { self.wall.date() == other.wall.date() } else { self.unix == other.unix };
        }
        self.wall.date() == other.wall.date()
    }
}
