//! What stands in the embedded store: one type per kind of row, its key and its bytes.
//!
//! Keys begin with the big-endian number of the person (or with the date), so that everything of a person is one short
//! range and a table read from end to end comes in the order of the numbers.
mod hours;
mod live;
mod people;

pub use hours::{HourKey, HourRow, MarkRow, StepsRow};
pub use live::{DeviceRow, LiveRow, PairRow};
pub use people::{Account, FriendsRow, TokenKind, TokenRow};

use super::codec::RowError;

/// The tables of the store. The order is that of [`Table::ALL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// Single values: the next number to give away.
    Meta,
    /// [`Account`] by number.
    Accounts,
    /// [`TokenRow`] by number and token id.
    Tokens,
    /// [`FriendsRow`] by number.
    Friends,
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
}

impl Table {
    /// Every table.
    pub const ALL: [Self; 9] = [
        Self::Meta,
        Self::Accounts,
        Self::Tokens,
        Self::Friends,
        Self::Live,
        Self::Pairs,
        Self::Steps,
        Self::Hours,
        Self::Marks,
    ];

    /// The table's name on disk and in messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Accounts => "accounts",
            Self::Tokens => "tokens",
            Self::Friends => "friends",
            Self::Live => "live",
            Self::Pairs => "pairs",
            Self::Steps => "steps",
            Self::Hours => "hours",
            Self::Marks => "marks",
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
        let _ = Account::decode(key, value);
        let _ = TokenRow::decode(key, value);
        let _ = FriendsRow::decode(key, value);
        let _ = LiveRow::decode(key, value);
        let _ = PairRow::decode(key, value);
        let _ = StepsRow::decode(key, value);
        let _ = HourRow::decode(key, value);
        let _ = MarkRow::decode(key, value);
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_row_or_an_error(key in proptest::collection::vec(any::<u8>(), 0..16), value: Vec<u8>) {
            read_all(&key, &value);
            let mut current = vec![1];
            current.extend_from_slice(&value);
            read_all(&key, &current);
        }
    }
}
