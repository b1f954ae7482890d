//! Free or busy: what a person said by hand, and what holds at a moment.
use std::sync::Arc;

use super::user::is_deceptive;
use super::{Code, Refusal, UnixMs};

/// The longest note, in characters.
pub const NOTE_CHARS: usize = 140;

/// A few words beside an availability: "coffee?".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note(Arc<str>);

impl Note {
    /// Checks a note.
    ///
    /// # Errors
    /// `too_many` when longer than 140 characters, `bad_field` for control characters.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        if text.chars().count() > NOTE_CHARS {
            let message = format!("note must be at most {NOTE_CHARS} characters");
            return Err(Refusal::of_field(Code::OutOfRange, "note", message));
        }
        if text.chars().any(is_deceptive) {
            return Err(Refusal::of_field(Code::BadField, "note", "note must not contain control characters"));
        }
        Ok(Self(text.into()))
    }

    /// The note as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a person said of being free, until it lapses: to the calendar's, the weekly hours' or the default (busy).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Availability {
    /// True: would meet.
    pub free: bool,
    /// A few words for friends.
    pub note: Option<Note>,
    /// The moment from which this no longer holds; `None`: until changed.
    pub until: Option<UnixMs>,
}

impl Availability {
    /// What holds at `now`: this, or the default (busy) once it has lapsed.
    #[must_use]
    pub fn at(&self, now: UnixMs) -> Self {
        if self.has_lapsed(now) { Self::default() } else { self.clone() }
    }

    /// True when the person is free at `now`.
    #[must_use]
    pub fn is_free(&self, now: UnixMs) -> bool {
        self.free && !self.has_lapsed(now)
    }

    /// True from `until` on.
    #[must_use]
    pub fn has_lapsed(&self, now: UnixMs) -> bool {
        self.until.is_some_and(|until| until <= now)
    }
}

/// Who decided whether somebody is free: the first of these that says anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Source {
    /// The person, by hand, until it lapses.
    Hand,
    /// The person's calendar.
    Calendar,
    /// The person's weekly hours.
    Hours,
    /// Nobody: busy.
    #[default]
    Default,
}

impl Source {
    /// As it stands on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hand => "hand",
            Self::Calendar => "calendar",
            Self::Hours => "hours",
            Self::Default => "default",
        }
    }
}

/// What holds after the present state ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Next {
    /// Free then.
    pub free: bool,
    /// Who says so.
    pub source: Source,
}

/// What holds of a person at a moment, whoever decided it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Present {
    /// Would meet.
    pub free: bool,
    /// A few words for friends; only ever by hand.
    pub note: Option<Note>,
    /// When this ends, where that is known.
    pub until: Option<UnixMs>,
    /// Who decided it.
    pub source: Source,
    /// What holds from `until` on, where that is known.
    pub next: Option<Next>,
}

impl Present {
    /// What was said by hand, if it holds at `now`.
    #[must_use]
    pub fn by_hand(hand: Option<&Availability>, now: UnixMs) -> Option<Self> {
        let Availability { free, note, until } = hand.filter(|hand| !hand.has_lapsed(now))?.clone();
        Some(Self { free, note, until, source: Source::Hand, next: None })
    }

    /// What friends may read. When an appointment ends is nobody else's business: the end of being busy is told only of what was said
    /// by hand.
    #[must_use]
    pub fn shown(&self) -> Availability {
        let until = self.until.filter(|_| self.free || self.source == Source::Hand);
        Availability { free: self.free, note: self.note.clone(), until }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_set_by_hand_lapses_to_busy_at_its_end() {
        let set = Availability { free: true, note: None, until: Some(UnixMs(1_000)) };
        assert!(set.is_free(UnixMs(999)));
        assert!(!set.is_free(UnixMs(1_000)));
        assert_eq!(set.at(UnixMs(1_000)), Availability::default());
    }

    #[test]
    fn the_end_of_an_appointment_is_not_shown() {
        let until = Some(UnixMs(1_000));
        for (free, source, shown) in [
            (true, Source::Hand, until),
            (true, Source::Calendar, until),
            (true, Source::Hours, until),
            (false, Source::Hand, until),
            (false, Source::Calendar, None),
            (false, Source::Hours, None),
        ] {
            let present = Present { free, note: None, until, source, next: None };
            assert_eq!(present.shown(), Availability { free, note: None, until: shown }, "{present:?}");
        }
    }
}
