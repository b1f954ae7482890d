//! What stands in the embedded store: one type per kind of row, its key and its bytes.
//!
//! A key is the table's byte and then the big-endian number of the person (or the date), so that a table is one range and
//! comes in the order of the numbers. What changes rarely (people, tokens, friends) stands in pages of 64 people, what
//! changes all the time in one row a person: 100,000 people are read in a tenth of a second because of it.
mod audit;
mod calendars;
mod hours;
mod invites;
mod live;
mod people;
mod sharing;
mod tokens;

pub use audit::{Action, AuditEntry, AuditRow};
pub use calendars::{CalendarRow, CalendarSource, CalendarTextRow, Feed, FetchFailure};
pub use hours::{HourKey, HourRow, MarkRow, StepsRow};
pub use invites::{InviteKind, InviteRow};
pub use live::{DeviceRow, LiveRow, PairRow};
pub use people::{Account, PAGE, PageRow, PersonRow};
pub use tokens::{PhoneChoice, TokenKind, TokenRow};

use super::codec::RowError;

/// The tables of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// Single values: the next number to give away.
    Meta,
    /// [`PageRow`] by the page's number.
    People,
    /// [`LiveRow`] by number.
    Live,
    /// [`PairRow`] by both numbers.
    Pairs,
    /// [`StepsRow`] by number and date.
    Steps,
    /// [`HourRow`] by date, hour and presence.
    Hours,
    /// [`MarkRow`] by date, hour, presence and number.
    Marks,
    /// [`InviteRow`] by its id.
    Invites,
    /// [`AuditRow`] by its place in the log.
    Audit,
    /// [`CalendarRow`] by number.
    Calendars,
    /// [`CalendarTextRow`] by number.
    CalendarTexts,
}

impl Table {
    /// The byte with which the keys of a table begin. Never changed, never given to another table.
    #[must_use]
    pub const fn byte(self) -> u8 {
        match self {
            Self::Meta => b'M',
            Self::People => b'P',
            Self::Live => b'L',
            Self::Pairs => b'N',
            Self::Steps => b'S',
            Self::Hours => b'H',
            Self::Marks => b'K',
            Self::Invites => b'I',
            Self::Audit => b'A',
            Self::Calendars => b'C',
            Self::CalendarTexts => b'T',
        }
    }

    /// The table's name in messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::People => "people",
            Self::Live => "live",
            Self::Pairs => "pairs",
            Self::Steps => "steps",
            Self::Hours => "hours",
            Self::Marks => "marks",
            Self::Invites => "invites",
            Self::Audit => "audit",
            Self::Calendars => "calendars",
            Self::CalendarTexts => "calendar texts",
        }
    }
}

/// A kind of row.
pub trait Row: Sized {
    /// Where rows of this kind stand.
    const TABLE: Table;
    /// What names one row.
    type Key;

    /// The bytes of a key.
    fn key_bytes(key: &Self::Key) -> Vec<u8>;
    /// This row's key.
    fn key(&self) -> Self::Key;
    /// This row's value.
    fn encode(&self) -> Vec<u8>;
    /// Reads a row back.
    ///
    /// # Errors
    /// When the bytes are not such a row.
    fn decode(key: &[u8], value: &[u8]) -> Result<Self, RowError>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read_all(key: &[u8], value: &[u8]) {
        let _ = PageRow::decode(key, value);
        let _ = LiveRow::decode(key, value);
        let _ = PairRow::decode(key, value);
        let _ = StepsRow::decode(key, value);
        let _ = HourRow::decode(key, value);
        let _ = MarkRow::decode(key, value);
        let _ = InviteRow::decode(key, value);
        let _ = AuditEntry::decode(key, value);
        let _ = CalendarRow::decode(key, value);
        let _ = CalendarTextRow::decode(key, value);
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_row_or_an_error(key in proptest::collection::vec(any::<u8>(), 0..16), value: Vec<u8>) {
            read_all(&key, &value);
            for version in [1, 2] {
                read_all(&key, &[&[version], value.as_slice()].concat());
            }
        }
    }
}
