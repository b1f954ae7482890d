//! What is let in of a calendar file before it is parsed: whole lines of the few properties that say when somebody is busy.
//! Titles, places, guests and everything else is dropped here and seen by nobody. Every bound is enforced here.
use std::collections::HashMap;

use super::notes::{Note, Notes};
use super::{CalendarError, LONGEST_LINE, MOST_EVENTS, MOST_EXDATES};

/// Components within components are followed this far.
const DEEPEST: usize = 4;
/// How many zones a file may define, and how many changes of clocks altogether.
const MOST_ZONES: usize = 200;
const MOST_OBSERVANCES: usize = 1_000;
/// The longest name of a zone, characters.
const LONGEST_NAME: usize = 64;

/// Something that is parsed by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub kind: Kind,
    /// The lines, `BEGIN` and `END` included.
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Event,
    FreeBusy,
    Zone,
}

impl Kind {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "VEVENT" => Self::Event,
            "VFREEBUSY" => Self::FreeBusy,
            "VTIMEZONE" => Self::Zone,
            _ => return None,
        })
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Event => "VEVENT",
            Self::FreeBusy => "VFREEBUSY",
            Self::Zone => "VTIMEZONE",
        }
    }
}

/// The blocks of a file.
pub(super) fn blocks(bytes: &[u8], notes: &mut Notes) -> Result<Vec<Block>, CalendarError> {
    let mut reader = Reader { notes, stack: Vec::new(), beyond: 0, open: None, found: Vec::new(), ids: HashMap::new() };
    let (mut events, mut zones, mut is_calendar, mut observances) = (0, 0, false, 0);
    for line in unfolded(bytes) {
        let Ok(line) = line else {
            reader.notes.add(Note::LongLine);
            continue;
        };
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        let Some((name, rest)) = split_name(line) else {
            reader.notes.add(Note::NoProperty);
            continue;
        };
        let name = name.to_ascii_uppercase();
        match name.as_str() {
            "BEGIN" => {
                let what = rest.trim_start_matches(':').trim().to_ascii_uppercase();
                is_calendar |= what == "VCALENDAR";
                match Kind::of(&what) {
                    Some(Kind::Event) => events += 1,
                    Some(Kind::Zone) => zones += 1,
                    _ => observances += usize::from(matches!(what.as_str(), "STANDARD" | "DAYLIGHT")),
                }
                if events > MOST_EVENTS {
                    return Err(CalendarError::TooManyEvents);
                }
                if zones > MOST_ZONES || observances > MOST_OBSERVANCES {
                    return Err(CalendarError::TooManyZones);
                }
                reader.begin(&what);
            }
            "END" => reader.end(&rest.trim_start_matches(':').trim().to_ascii_uppercase()),
            _ => reader.property(&name, rest),
        }
    }
    if !is_calendar {
        return Err(CalendarError::NoCalendar);
    }
    if reader.open.is_some() {
        reader.notes.add(Note::Unfinished);
    }
    Ok(reader.found)
}

struct Reader<'a> {
    notes: &'a mut Notes,
    stack: Vec<String>,
    /// Components open beyond [`DEEPEST`].
    beyond: usize,
    open: Option<Open>,
    found: Vec<Block>,
    /// Events' own ids by number: the ids themselves may tell of people.
    ids: HashMap<String, usize>,
}

struct Open {
    block: Block,
    /// The depth at which it began.
    depth: usize,
    exdates: usize,
    is_refused: bool,
}

impl Reader<'_> {
    fn begin(&mut self, what: &str) {
        if self.stack.len() >= DEEPEST {
            self.beyond = self.beyond.saturating_add(1);
            self.notes.add(Note::TooDeep);
            return;
        }
        self.stack.push(what.to_owned());
        match (&mut self.open, Kind::of(what)) {
            (None, Some(kind)) => {
                let block = Block { kind, text: format!("BEGIN:{what}\n") };
                self.open = Some(Open { block, depth: self.stack.len(), exdates: 0, is_refused: false });
            }
            (Some(open), _) if open.is_observance(&self.stack) => open.line("BEGIN", ":", what),
            _ => {}
        }
    }

    fn end(&mut self, what: &str) {
        if self.beyond > 0 {
            self.beyond = self.beyond.saturating_sub(1);
            return;
        }
        let Some(place) = self.stack.iter().rposition(|open| open == what) else { return };
        if let Some(open) = &mut self.open {
            if open.depth == place + 1 {
                let mut block = std::mem::replace(&mut open.block, Block { kind: Kind::Event, text: String::new() });
                let is_refused = open.is_refused;
                self.open = None;
                block.text.push_str("END:");
                block.text.push_str(block.kind.name());
                block.text.push('\n');
                if is_refused {
                    self.notes.add(Note::TooLarge);
                } else {
                    self.found.push(block);
                }
            } else if place >= open.depth && open.is_observance(&self.stack) {
                open.line("END", ":", what);
            } else if place < open.depth {
                // Something around it ends: it never did.
                self.open = None;
                self.notes.add(Note::Unfinished);
            }
        }
        self.stack.truncate(place);
    }

    fn property(&mut self, name: &str, rest: &str) {
        let Some(open) = &mut self.open else { return };
        let is_kept = match open.block.kind {
            Kind::Event if self.stack.len() == open.depth => matches!(
                name,
                "UID"
                    | "DTSTART"
                    | "DTEND"
                    | "DURATION"
                    | "RRULE"
                    | "RDATE"
                    | "EXDATE"
                    | "EXRULE"
                    | "RECURRENCE-ID"
                    | "SEQUENCE"
                    | "STATUS"
                    | "TRANSP"
                    | "X-MICROSOFT-CDO-BUSYSTATUS"
            ),
            Kind::FreeBusy => name == "FREEBUSY",
            Kind::Zone if self.stack.len() == open.depth => matches!(name, "TZID" | "X-LIC-LOCATION"),
            Kind::Zone if open.is_observance(&self.stack) => {
                matches!(name, "DTSTART" | "TZOFFSETFROM" | "TZOFFSETTO" | "RRULE" | "RDATE")
            }
            _ => false,
        };
        if !is_kept || self.beyond > 0 {
            return;
        }
        let Some((params, value)) = split_value(rest) else { return self.notes.add(Note::NoProperty) };
        match name {
            "EXRULE" => return self.notes.add(Note::ExclusionRule),
            "UID" => {
                let next = self.ids.len();
                let number = *self.ids.entry(value.to_owned()).or_insert(next);
                return open.line(name, ":", &number.to_string());
            }
            "TZID" | "X-LIC-LOCATION" => return open.line(name, ":", &zone_name(value)),
            "EXDATE" | "RDATE" => {
                open.exdates = open.exdates.saturating_add(1 + value.matches(',').count());
                open.is_refused |= open.exdates > MOST_EXDATES;
            }
            _ => {}
        }
        // Dates, numbers, rules and single words: nothing that somebody could have written for people.
        let is_plain =
            |c: char| c.is_ascii_alphanumeric() || matches!(c, ',' | ';' | '=' | '+' | '-' | '/' | ':' | '.');
        if !value.chars().all(is_plain) {
            return self.notes.add(Note::NoProperty);
        }
        let params = kept_params(params);
        open.line(name, &format!("{params}:"), value);
    }
}

impl Open {
    fn line(&mut self, name: &str, between: &str, value: &str) {
        for part in [name, between, value, "\n"] {
            self.block.text.push_str(part);
        }
    }

    /// True within a zone's definition of one half of the year.
    fn is_observance(&self, stack: &[String]) -> bool {
        let inside = stack.get(self.depth..).unwrap_or_default();
        self.block.kind == Kind::Zone && matches!(inside, [one] if one == "STANDARD" || one == "DAYLIGHT")
    }
}

/// A zone's name as it may be kept and shown to whoever sent it.
pub(super) fn zone_name(text: &str) -> String {
    let text = text.trim().trim_matches('"');
    text.chars().filter(|c| !c.is_control() && !matches!(c, '"' | '\\')).take(LONGEST_NAME).collect()
}

/// The parameters that say something about a time, written anew.
fn kept_params(params: &str) -> String {
    let mut kept = String::new();
    for param in split_outside_quotes(params, ';') {
        let Some((name, value)) = param.split_once('=') else { continue };
        let name = name.trim().to_ascii_uppercase();
        match name.as_str() {
            "TZID" => kept.push_str(&format!(";TZID=\"{}\"", zone_name(value))),
            "VALUE" | "RANGE" | "FBTYPE" => {
                let value: String = value.chars().filter(|c| c.is_ascii_alphabetic() || *c == '-').take(32).collect();
                kept.push_str(&format!(";{name}={}", value.to_ascii_uppercase()));
            }
            _ => {}
        }
    }
    kept
}

/// `NAME` and what follows it, which begins with `;` or `:`.
fn split_name(line: &str) -> Option<(&str, &str)> {
    let end = line.find([';', ':'])?;
    let (name, rest) = line.split_at(end);
    let name = name.trim_start_matches('\u{feff}');
    let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    is_name.then_some((name, rest))
}

/// Parameters, and the value after the first colon outside quotes.
fn split_value(rest: &str) -> Option<(&str, &str)> {
    let mut quoted = false;
    for (at, c) in rest.char_indices() {
        match c {
            '"' => quoted = !quoted,
            ':' if !quoted => return Some((rest.get(..at)?, rest.get(at + 1..)?)),
            _ => {}
        }
    }
    None
}

fn split_outside_quotes(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.split(move |c: char| {
        quoted ^= c == '"';
        c == separator && !quoted
    })
}

/// The lines of a file with what was folded joined; an error for one that is too long. Ends of lines may be of any kind.
fn unfolded(bytes: &[u8]) -> impl Iterator<Item = Result<String, ()>> {
    let mut lines = physical(bytes).peekable();
    std::iter::from_fn(move || {
        let mut line = lines.next()?.to_vec();
        while let Some(more) = lines.next_if(|next| matches!(next.first(), Some(b' ' | b'\t'))) {
            if line.len() <= LONGEST_LINE {
                line.extend_from_slice(more.get(1..).unwrap_or_default());
            }
        }
        if line.len() > LONGEST_LINE {
            return Some(Err(()));
        }
        line.retain(|byte| *byte == b'\t' || *byte >= 0x20);
        Some(Ok(String::from_utf8_lossy(&line).into_owned()))
    })
}

fn physical(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(rest.len());
        let (line, after) = rest.split_at(end);
        rest = match after {
            [b'\r', b'\n', after @ ..] => after,
            [_, after @ ..] => after,
            [] => after,
        };
        Some(line)
    })
}
