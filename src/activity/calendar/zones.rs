//! Which clock a time is by: a zone of the world's table by any of its many names, one that the file defines itself, or the
//! person's own.
use std::collections::HashMap;

use calcard::common::timezone::Tz;
use calcard::icalendar::{
    ICalendar, ICalendarComponent, ICalendarComponentType, ICalendarProperty, ICalendarRecurrenceRule, ICalendarValue,
};
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use jiff::{Span, Timestamp};

use super::notes::{Note, Notes};
use super::recur::{Budget, times};
use super::times::{civil, civil_of_unix};

/// The clocks of a file.
#[derive(Debug)]
pub(super) struct Zones {
    own: TimeZone,
    by_name: HashMap<String, Zone>,
    defined: HashMap<String, Definition>,
    /// What clocks are looked up for, by any of them.
    window: (DateTime, DateTime),
}

/// A clock.
#[derive(Clone, Debug)]
pub(super) enum Zone {
    /// Of the world's table.
    Known(TimeZone),
    /// Of the file.
    Custom(std::sync::Arc<[Change]>),
}

/// From `at` (Unix seconds) on, clocks are `to` seconds ahead of UTC, and before it `from`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Change {
    at: i64,
    from: i64,
    to: i64,
}

#[derive(Debug, Default)]
struct Definition {
    location: Option<String>,
    observances: Vec<Observance>,
}

#[derive(Debug)]
struct Observance {
    start: DateTime,
    from: i64,
    to: i64,
    rule: Option<Box<ICalendarRecurrenceRule>>,
    dates: Vec<DateTime>,
}

impl Zones {
    /// The person's own zone, and what of the times of a file matters.
    pub fn new(own: TimeZone, window: (DateTime, DateTime)) -> Self {
        Self { own, by_name: HashMap::new(), defined: HashMap::new(), window }
    }

    /// The clock of times that name none.
    pub fn own(&self) -> Zone {
        Zone::Known(self.own.clone())
    }

    /// Takes in a zone that the file defines.
    pub fn define(&mut self, calendar: &ICalendar) {
        let Some(zone) = calendar.components.first() else { return };
        let mut definition = Definition::default();
        let mut name = None;
        for entry in &zone.entries {
            match (&entry.name, entry.values.first()) {
                (ICalendarProperty::Tzid, Some(ICalendarValue::Text(text))) => name = Some(text.clone()),
                (ICalendarProperty::Other(other), Some(ICalendarValue::Text(text))) if other == "X-LIC-LOCATION" => {
                    definition.location = Some(text.clone());
                }
                _ => {}
            }
        }
        let is_part = |part: &&ICalendarComponent| {
            matches!(part.component_type, ICalendarComponentType::Standard | ICalendarComponentType::Daylight)
        };
        definition.observances = calendar.components.iter().filter(is_part).filter_map(Observance::of).collect();
        if let Some(name) = name {
            self.defined.entry(name).or_insert(definition);
        }
    }

    /// The clock of a name; UTC, and a note, for one that nobody knows.
    pub fn get(&mut self, name: &str, budget: &mut Budget, notes: &mut Notes) -> Zone {
        if let Some(zone) = self.by_name.get(name) {
            return zone.clone();
        }
        let zone = self.find(name, budget).unwrap_or_else(|| {
            notes.add(Note::UnknownZone(super::lines::zone_name(name)));
            Zone::Known(TimeZone::UTC)
        });
        self.by_name.insert(name.to_owned(), zone.clone());
        zone
    }

    fn find(&self, name: &str, budget: &mut Budget) -> Option<Zone> {
        // A name of the world's table means that, whatever the file says of it: those definitions are often old or wrong.
        if let Some(zone) = of_the_world(name) {
            return Some(Zone::Known(zone));
        }
        let definition = self.defined.get(name);
        if let Some(zone) = definition.and_then(|it| of_the_world(it.location.as_ref()?)) {
            return Some(Zone::Known(zone));
        }
        if let Some(changes) = definition.and_then(|it| it.changes(self.window, budget)) {
            return Some(Zone::Custom(changes.into()));
        }
        // `UTC+2` and `(UTC+02:00) Somewhere`: better than nothing.
        fixed(name).or_else(|| of_the_library(name)).map(Zone::Known)
    }
}

/// A zone of the world's table: by its name, by the end of a path, or by one of the names that Windows and Exchange have for it.
fn of_the_world(name: &str) -> Option<TimeZone> {
    if name.is_empty() || name.len() > 255 {
        return None;
    }
    if matches!(name, "Z" | "UTC" | "GMT" | "Etc/UTC") {
        return Some(TimeZone::UTC);
    }
    if let Ok(zone) = TimeZone::get(name) {
        return Some(zone);
    }
    // `/mozilla.org/20050126_1/Europe/Berlin`.
    if name.starts_with('/') {
        let parts: Vec<&str> = name.split('/').collect();
        let ends = (2..=3).filter_map(|count| parts.get(parts.len().checked_sub(count)?..));
        if let Some(zone) = ends.filter_map(|end| TimeZone::get(&end.join("/")).ok()).next() {
            return Some(zone);
        }
    }
    of_the_library(name).filter(|zone| zone.iana_name().is_some_and(|name| !name.starts_with("Etc/")))
}

/// A clock that is always as far from UTC as its name says: `UTC+2`, `GMT-05:30`.
fn fixed(name: &str) -> Option<TimeZone> {
    let rest = name.strip_prefix("UTC").or_else(|| name.strip_prefix("GMT"))?.trim();
    let (sign, rest) = match rest.strip_prefix('+') {
        Some(rest) => (1, rest),
        None => (-1, rest.strip_prefix('-')?),
    };
    let (hours, minutes) = rest.split_once(':').unwrap_or((rest, "0"));
    let (hours, minutes): (u8, u8) = (hours.parse().ok()?, minutes.parse().ok()?);
    let seconds = (i32::from(hours) * 60 + i32::from(minutes)) * 60;
    (hours <= 14 && minutes < 60).then_some(())?;
    Some(TimeZone::fixed(Offset::from_seconds(seconds * sign).ok()?))
}

/// A zone by one of the names that the library knows.
fn of_the_library(name: &str) -> Option<TimeZone> {
    let zone: Tz = name.parse().ok()?;
    TimeZone::get(&zone.name()?).ok()
}

impl Observance {
    fn of(part: &ICalendarComponent) -> Option<Self> {
        let (mut start, mut from, mut to, mut rule, mut dates) = (None, None, None, None, Vec::new());
        for entry in &part.entries {
            match (&entry.name, entry.values.first()?) {
                (ICalendarProperty::Dtstart, ICalendarValue::PartialDateTime(time)) => start = civil(time),
                (ICalendarProperty::Tzoffsetfrom, ICalendarValue::PartialDateTime(time)) => {
                    from = super::times::offset(time)
                }
                (ICalendarProperty::Tzoffsetto, ICalendarValue::PartialDateTime(time)) => {
                    to = super::times::offset(time)
                }
                (ICalendarProperty::Rrule, ICalendarValue::RecurrenceRule(value)) => rule = Some(value.clone()),
                (ICalendarProperty::Rdate, _) => dates.extend(entry.values.iter().filter_map(|value| match value {
                    ICalendarValue::PartialDateTime(time) => civil(time),
                    _ => None,
                })),
                _ => {}
            }
        }
        Some(Self { start: start?, from: from?, to: to?, rule, dates })
    }

    /// The times at which it begins, by the clock before it; near the window, and the last one before.
    fn begins(&self, (from, to): (DateTime, DateTime), budget: &mut Budget) -> Vec<DateTime> {
        let mut begins = vec![self.start];
        begins.extend(&self.dates);
        if let Some(rule) = &self.rule {
            let until = rule.until.as_ref().and_then(civil);
            // Ended long ago: its last time is about its end.
            begins.extend(until.filter(|until| *until < from));
            begins.extend(times(rule, self.start, (from, to), until, budget).unwrap_or_default());
        }
        begins
    }
}

impl Definition {
    /// `None` when it says nothing.
    fn changes(&self, (from, to): (DateTime, DateTime), budget: &mut Budget) -> Option<Vec<Change>> {
        // Two winters back, so that there is a change before whatever is asked for.
        let from = from.checked_sub(Span::new().days(800)).ok()?;
        let to = to.checked_add(Span::new().days(60)).ok()?;
        let mut changes = Vec::new();
        for part in &self.observances {
            for begin in part.begins((from, to), budget) {
                let at = Offset::UTC.to_timestamp(begin).ok()?.as_second().saturating_sub(part.from);
                changes.push(Change { at, from: part.from, to: part.to });
            }
        }
        changes.sort_by_key(|change| change.at);
        (!changes.is_empty()).then_some(changes)
    }
}

impl Zone {
    /// Unix seconds of a wall clock's time. One that is skipped is read with the clock before the change; of two it is the first.
    pub fn unix(&self, wall: DateTime) -> Option<i64> {
        match self {
            Self::Known(zone) => zone.to_timestamp(wall).ok().map(Timestamp::as_second),
            Self::Custom(changes) => {
                let local = Offset::UTC.to_timestamp(wall).ok()?.as_second();
                let around = changes.iter().flat_map(|change| [change.from, change.to]);
                let moment =
                    |offset: i64| Some(local.saturating_sub(offset)).filter(|t| offset_at(changes, *t) == offset);
                let skipped = || local.saturating_sub(offset_at(changes, local.saturating_sub(2 * 86_400)));
                Some(around.filter_map(moment).min().unwrap_or_else(skipped))
            }
        }
    }

    /// What the clock shows at `t` (Unix seconds).
    pub fn wall(&self, t: i64) -> Option<DateTime> {
        match self {
            Self::Known(zone) => Some(zone.to_datetime(Timestamp::from_second(t).ok()?)),
            Self::Custom(changes) => civil_of_unix(t.saturating_add(offset_at(changes, t))),
        }
    }
}

fn offset_at(changes: &[Change], t: i64) -> i64 {
    let place = changes.partition_point(|change| change.at <= t);
    match place.checked_sub(1).and_then(|before| changes.get(before)) {
        Some(change) => change.to,
        None => changes.first().map_or(0, |change| change.from),
    }
}
