//! Free or busy, as a person set it by hand.
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

/// What a person said of being free, until it lapses to the default (busy).
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
}
