//! What an iCalendar file (RFC 5545) says of when somebody is busy, and nothing else of it.
//!
//! The bytes go through `lines.rs`, which lets in only the properties that speak of time and keeps the bounds; the library parses
//! those and works out repetitions (`recur.rs`); zones are looked up in the world's table, or built from the file's own
//! definition (`zones.rs`). What is handed back is busy intervals of a window of time, and the few lines that are needed to do the
//! same for a later window.
//!
//! Busy is whatever is neither cancelled nor marked as free. What is tentative counts as busy, too: who may have to be elsewhere is
//! not somebody to walk to.
mod event;
mod lines;
mod notes;
mod recur;
mod times;
mod zones;

use std::collections::{BTreeMap, HashMap};

use calcard::icalendar::ICalendar;
use calcard::{Entry, Parser};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use thiserror::Error;

use self::event::{Context, Event, When};
use self::lines::{Block, Kind, blocks};
use self::notes::{Note, Notes};
use self::recur::{Budget, RuleError};
use self::zones::Zones;
use super::timetable::Busy;
use crate::domain::UnixMs;

pub use self::notes::MOST_NOTES;

/// The largest file, bytes.
pub const MOST_BYTES: usize = 1 << 20;
/// The most events of a file.
pub const MOST_EVENTS: usize = 5_000;
/// The longest line after unfolding, bytes.
pub const LONGEST_LINE: usize = 8_192;
/// The most exceptions of one event.
pub const MOST_EXDATES: usize = 1_000;
/// Beyond this an event's length is no reason to look further back.
const LONGEST_EVENT_S: i64 = 400 * 86_400;

/// Why a file is not used at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CalendarError {
    /// Larger than [`MOST_BYTES`].
    #[error("the calendar is larger than {MOST_BYTES} bytes")]
    TooManyBytes,
    /// More than [`MOST_EVENTS`].
    #[error("the calendar has more than {MOST_EVENTS} events")]
    TooManyEvents,
    /// More definitions of zones than anybody needs.
    #[error("the calendar defines too many time zones")]
    TooManyZones,
    /// A page of the web: a sign-in, an error.
    #[error("this is a web page, not a calendar: the address must be that of the calendar file itself")]
    WebPage,
    /// Nothing of the kind.
    #[error("this is not an iCalendar file: it has no BEGIN:VCALENDAR")]
    NoCalendar,
}

impl CalendarError {
    /// For programs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooManyBytes | Self::TooManyEvents | Self::TooManyZones => "too_large",
            Self::WebPage | Self::NoCalendar => "not_a_calendar",
        }
    }
}

/// The span of time for which busy intervals are worked out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// From here.
    pub from: UnixMs,
    /// To here.
    pub to: UnixMs,
}

/// What was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Calendar {
    /// When the person is busy.
    pub busy: Busy,
    /// How many events there are, busy or not.
    pub events: usize,
    /// What was not used and why, in words.
    pub notes: Vec<String>,
    /// The lines that are needed to read it again for a later window: a small calendar file of its own.
    pub kept: String,
}

/// Reads a file for somebody whose own time zone is `zone`.
///
/// # Errors
/// When it is too large, or no calendar.
pub fn read(bytes: &[u8], zone: &TimeZone, window: Window) -> Result<Calendar, CalendarError> {
    if bytes.len() > MOST_BYTES {
        return Err(CalendarError::TooManyBytes);
    }
    let mut notes = Notes::default();
    let found = blocks(bytes, &mut notes).map_err(|error| match error {
        CalendarError::NoCalendar if is_web_page(bytes) => CalendarError::WebPage,
        other => other,
    })?;
    Ok(Reading::new(zone, window, notes).read(found))
}

fn is_web_page(bytes: &[u8]) -> bool {
    let start = bytes.get(..1_024).unwrap_or(bytes);
    let start = String::from_utf8_lossy(start).to_ascii_lowercase();
    start.contains("<html") || start.contains("<!doctype")
}

/// Reading one file.
struct Reading {
    /// Unix seconds.
    window: (i64, i64),
    zones: Zones,
    budget: Budget,
    notes: Notes,
    busy: Vec<(i64, i64)>,
}

impl Reading {
    fn new(zone: &TimeZone, window: Window, notes: Notes) -> Self {
        let window = (window.from.0.div_euclid(1_000), window.to.0.div_euclid(1_000));
        let wall = |t: i64| TimeZone::UTC.to_datetime(Timestamp::from_second(t).unwrap_or(Timestamp::UNIX_EPOCH));
        let zones = Zones::new(zone.clone(), (wall(window.0), wall(window.1)));
        Self { window, zones, budget: Budget::default(), notes, busy: Vec::new() }
    }

    fn read(mut self, blocks: Vec<Block>) -> Calendar {
        let mut kept = String::from("BEGIN:VCALENDAR\n");
        // Zones may be defined after they are used.
        let (zones, others): (Vec<_>, Vec<_>) = blocks.into_iter().partition(|block| block.kind == Kind::Zone);
        for block in &zones {
            kept.push_str(&block.text);
            if let Some(calendar) = parsed(&block.text) {
                self.zones.define(&calendar);
            }
        }
        let mut count: usize = 0;
        let mut events: Vec<(Event, String)> = Vec::new();
        for block in others {
            let Some(calendar) = parsed(&block.text) else { continue };
            let mut context = Context { zones: &mut self.zones, budget: &mut self.budget, notes: &mut self.notes };
            if block.kind == Kind::FreeBusy {
                let component = calendar.components.first();
                self.busy.extend(component.map(|it| context.free_busy(it)).unwrap_or_default());
                kept.push_str(&block.text);
                continue;
            }
            count += 1;
            events.extend(context.event(&calendar).map(|event| (event, block.text)));
        }
        self.events(events, &mut kept);
        kept.push_str("END:VCALENDAR\n");
        let (busy, too_many) = Busy::merge(self.window.0, self.window.1, self.busy);
        if too_many {
            self.notes.add(Note::TooBusy);
        }
        Calendar { busy, events: count, notes: self.notes.words(), kept }
    }

    /// Events by their ids: a series, and what stands in the place of some of its times.
    fn events(&mut self, events: Vec<(Event, String)>, kept: &mut String) {
        let mut groups: BTreeMap<u64, Vec<(Event, String)>> = BTreeMap::new();
        for event in events {
            groups.entry(event.0.id).or_default().push(event);
        }
        for (_, group) in groups {
            let (replacing, series): (Vec<_>, Vec<_>) =
                group.into_iter().partition(|(event, _)| event.replaces.is_some());
            // The newest version of each; files with one id for everything have them all.
            let newest = series.iter().map(|(event, _)| event.sequence).max();
            let series: Vec<_> = series.into_iter().filter(|(event, _)| Some(event.sequence) == newest).collect();
            let replacing = newest_of_each(replacing);
            for (event, text) in &series {
                let lies_ahead = self.series(event, &replacing);
                if lies_ahead {
                    kept.push_str(text);
                }
            }
            for (event, text) in &replacing {
                let span = event.start.span(event.length);
                if event.is_busy {
                    self.busy.extend(span.filter(|(_, end)| *end > self.window.0));
                }
                let is_over = |t: i64| t <= self.window.0;
                let replaced = event.replaces.as_ref().map_or(i64::MIN, |when| when.unix.saturating_add(86_400));
                if !is_over(replaced) || span.is_some_and(|(_, end)| !is_over(end)) || event.and_later {
                    kept.push_str(text);
                }
            }
        }
    }

    /// The times of an event that are in nobody's place. False when it has none after the beginning of the window.
    fn series(&mut self, event: &Event, replacing: &[(Event, String)]) -> bool {
        let margin = event.length.at_most().clamp(0, LONGEST_EVENT_S);
        let (mut at, mut lies_ahead) = (vec![(event.start.clone(), event.length)], false);
        if let Some(rule) = &event.rule {
            let zone = &event.start.zone;
            let until = rule.until.as_ref().and_then(|until| end_of_rule(until, &event.start));
            let wall = |t: i64, more: i64| zone.wall(t.saturating_add(more));
            let window = wall(self.window.0, -margin - 86_400).zip(wall(self.window.1, 86_400));
            lies_ahead = until.is_none_or(|until| window.is_none_or(|(from, _)| until >= from));
            let found = match window {
                Some(window) => recur::times(rule, event.start.wall, window, until, &mut self.budget),
                None => Ok(Vec::new()),
            };
            match found {
                Ok(found) => at.extend(
                    found
                        .into_iter()
                        .filter(|wall| *wall != event.start.wall)
                        .filter_map(|wall| Some((event.start.at(wall)?, event.length))),
                ),
                Err(RuleError::Bad) => self.notes.add(Note::BadRule),
                Err(RuleError::TooComplex) => {
                    self.notes.add(Note::TooComplex);
                    return lies_ahead;
                }
            }
        }
        at.extend(event.dates.iter().map(|(when, length)| (when.clone(), length.unwrap_or(event.length))));
        for (when, length) in at {
            if event.except.iter().any(|except| except.is_same(&when)) {
                continue;
            }
            let (when, length) = match later(&when, replacing) {
                Some(change) => (change.moved(&when).unwrap_or(when), change.length),
                None if is_replaced(&when, replacing) => continue,
                None => (when, length),
            };
            let Some(span) = when.span(length) else { continue };
            lies_ahead |= span.1 > self.window.0;
            if event.is_busy && span.1 > self.window.0 && span.0 < self.window.1 {
                self.busy.push(span);
            }
        }
        lies_ahead
    }
}

/// The end of a rule by the clock of what it repeats. A day includes that day.
fn end_of_rule(until: &calcard::common::PartialDateTime, start: &When) -> Option<DateTime> {
    Some(match times::written(until)? {
        times::Written::Date(date) => date.at(23, 59, 59, 0),
        times::Written::Wall(wall) => wall,
        times::Written::Utc(unix) => start.zone.wall(unix)?,
    })
}

fn is_replaced(when: &When, replacing: &[(Event, String)]) -> bool {
    replacing.iter().any(|(event, _)| event.replaces.as_ref().is_some_and(|replaced| replaced.is_same(when)))
}

/// What changed everything from some time on, if `when` comes after it.
fn later<'a>(when: &When, replacing: &'a [(Event, String)]) -> Option<&'a Event> {
    let changes = replacing.iter().map(|(event, _)| event).filter(|event| event.and_later);
    let before = changes.filter(|event| event.replaces.as_ref().is_some_and(|replaced| replaced.unix < when.unix));
    before.max_by_key(|event| event.start.unix).filter(|_| !is_replaced(when, replacing))
}

impl Event {
    /// A later time of the series, moved as this one was.
    fn moved(&self, when: &When) -> Option<When> {
        let by = self.replaces.as_ref()?.wall.duration_until(self.start.wall);
        when.at(when.wall.checked_add(by).ok()?)
    }
}

/// Of several that stand in the place of the same time the newest; of equally new ones the last.
fn newest_of_each(replacing: Vec<(Event, String)>) -> Vec<(Event, String)> {
    let mut newest: HashMap<i64, (Event, String)> = HashMap::new();
    for (event, text) in replacing {
        let Some(replaced) = event.replaces.as_ref().map(|when| when.unix) else { continue };
        match newest.get(&replaced) {
            Some((known, _)) if known.sequence > event.sequence => {}
            _ => _ = newest.insert(replaced, (event, text)),
        }
    }
    let mut all: Vec<_> = newest.into_values().collect();
    all.sort_by_key(|(event, _)| event.replaces.as_ref().map(|when| when.unix));
    all
}

fn parsed(block: &str) -> Option<ICalendar> {
    match Parser::new(block).entry() {
        Entry::ICalendar(calendar) => Some(calendar),
        _ => None,
    }
}
