//! What of a calendar file was not used, and why, in words for the person who sent it.
use std::collections::BTreeMap;

/// The most sentences.
pub const MOST_NOTES: usize = 20;

/// Something that was not used as it stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Note {
    /// A repetition that would take too long to work out.
    TooComplex,
    /// An event with too many exceptions.
    TooLarge,
    /// More busy time than is kept.
    TooBusy,
    /// A rule that is no rule.
    BadRule,
    /// `EXRULE`.
    ExclusionRule,
    /// An event without a start that can be read.
    NoStart,
    /// A start before 1900 or after 2100.
    FarAway,
    /// It ends when it begins.
    NoLength,
    /// It ends before it begins.
    Backwards,
    /// The file ends, or something around it, before it does.
    Unfinished,
    /// A line that is too long.
    LongLine,
    /// A line that is no property.
    NoProperty,
    /// Components too deep within each other.
    TooDeep,
    /// A zone that nobody knows.
    UnknownZone(String),
}

/// Each kind of note with how often it happened.
#[derive(Debug, Default)]
pub(super) struct Notes(BTreeMap<Note, usize>);

impl Notes {
    pub fn add(&mut self, note: Note) {
        if self.0.len() < MOST_NOTES || self.0.contains_key(&note) {
            *self.0.entry(note).or_default() += 1;
        }
    }

    /// In words, at most [`MOST_NOTES`].
    pub fn words(&self) -> Vec<String> {
        self.0.iter().map(|(note, count)| words(note, *count)).collect()
    }
}

fn words(note: &Note, count: usize) -> String {
    let events = if count == 1 { "1 event".to_owned() } else { format!("{count} events") };
    let lines = if count == 1 { "1 line".to_owned() } else { format!("{count} lines") };
    match note {
        Note::TooComplex => format!("{events} left out: the repetition is too complex to work out (too_complex)"),
        Note::TooLarge => format!("{events} left out: more than {} exceptions (too_large)", super::MOST_EXDATES),
        Note::TooBusy => "the latest busy times are left out: there are too many".to_owned(),
        Note::BadRule => format!("{events} taken as single ones: the repetition rule cannot be read"),
        Note::ExclusionRule => format!("{events}: rules that exclude (EXRULE) are not used"),
        Note::NoStart => format!("{events} left out: no start that can be read"),
        Note::FarAway => format!("{events} left out: the start is not between the years 1900 and 2100"),
        Note::NoLength => format!("{events} left out: no length"),
        Note::Backwards => format!("{events} left out: the end is before the start"),
        Note::Unfinished => format!("{events} left out: the file ends within it"),
        Note::LongLine => format!("{lines} left out: longer than {} bytes", super::LONGEST_LINE),
        Note::NoProperty => format!("{lines} left out: not of the form NAME:value"),
        Note::TooDeep => "parts within parts within parts are left out".to_owned(),
        Note::UnknownZone(name) => format!("the time zone \"{name}\" is not known: its times are taken as UTC"),
    }
}
