//! What is counted: steps of a day, and who was free or online in an hour.
use jiff::civil::Date;

pub use crate::activity::histogram::HourKey;
use crate::activity::histogram::{HourOfDay, Presence};
use crate::domain::UserNo;
use crate::store::codec::{Decoder, Encoder, RowError};

use super::{Row, Table};

const VERSION: u8 = 1;

/// Four bytes that sort as dates do.
pub(crate) fn date_key(date: Date) -> [u8; 4] {
    let year = (date.year().cast_unsigned() ^ 0x8000).to_be_bytes();
    let [high, low] = year;
    [high, low, date.month().cast_unsigned(), date.day().cast_unsigned()]
}

fn read_date(key: &mut Decoder<'_>) -> Result<Date, RowError> {
    let [high, low, month, day] = key.array()?;
    let year = (u16::from_be_bytes([high, low]) ^ 0x8000).cast_signed();
    Date::new(year, month.cast_signed(), day.cast_signed()).map_err(|_| RowError::Value("a date"))
}

/// A person's steps on one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepsRow {
    /// Who walked.
    pub no: UserNo,
    /// On which day, in the person's time zone.
    pub date: Date,
    /// How many steps.
    pub steps: u32,
}

impl Row for StepsRow {
    const TABLE: Table = Table::Steps;
    type Key = (UserNo, Date);

    fn key_bytes((no, date): &(UserNo, Date)) -> Vec<u8> {
        [no.0.to_be_bytes(), date_key(*date)].concat()
    }

    fn key(&self) -> (UserNo, Date) {
        (self.no, self.date)
    }

    fn encode(&self) -> Vec<u8> {
        let mut row = Encoder::versioned(VERSION);
        row.uint(u64::from(self.steps));
        row.finish()
    }

    fn decode(key: &[u8], value: &[u8]) -> Result<Self, RowError> {
        let mut key = Decoder::new(key);
        let no = UserNo(key.key_u32()?);
        let date = read_date(&mut key)?;
        key.finish()?;
        let mut row = Decoder::versioned(value, VERSION)?;
        let steps = row.uint32()?;
        row.finish()?;
        Ok(Self { no, date, steps })
    }
}

fn hour_key((hour, presence): &HourKey) -> Vec<u8> {
    let mut key = Vec::with_capacity(10);
    key.extend_from_slice(&date_key(hour.date));
    key.push(hour.hour);
    key.push(match presence {
        Presence::Free => 0,
        Presence::Online => 1,
    });
    key
}

fn read_hour(key: &mut Decoder<'_>) -> Result<HourKey, RowError> {
    let date = read_date(key)?;
    let hour = key.u8()?;
    if hour > 23 {
        return Err(RowError::Value("an hour"));
    }
    let presence = match key.u8()? {
        0 => Presence::Free,
        1 => Presence::Online,
        _ => return Err(RowError::Value("a presence")),
    };
    Ok((HourOfDay { date, hour }, presence))
}

/// Who was free, or online, in one hour: a bitmap over the users' numbers, in the bit order of Redis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HourRow {
    /// Which hour, and what.
    pub key: HourKey,
    /// The bitmap.
    pub bitmap: Vec<u8>,
}

impl Row for HourRow {
    const TABLE: Table = Table::Hours;
    type Key = HourKey;

    fn key_bytes(key: &HourKey) -> Vec<u8> {
        hour_key(key)
    }

    fn key(&self) -> HourKey {
        self.key
    }

    fn encode(&self) -> Vec<u8> {
        let mut row = Encoder::versioned(VERSION);
        row.bytes(&self.bitmap);
        row.finish()
    }

    fn decode(key: &[u8], value: &[u8]) -> Result<Self, RowError> {
        let mut key = Decoder::new(key);
        let hour = read_hour(&mut key)?;
        key.finish()?;
        let mut row = Decoder::versioned(value, VERSION)?;
        let bitmap = row.bytes()?.to_vec();
        row.finish()?;
        Ok(Self { key: hour, bitmap })
    }
}

/// One person was free, or online, in one hour: written with the very commit of the change that made it so, so that a
/// crash before the next bitmap is written loses nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MarkRow {
    /// Which hour, and what.
    pub key: HourKey,
    /// Who.
    pub no: UserNo,
}

impl Row for MarkRow {
    const TABLE: Table = Table::Marks;
    type Key = (HourKey, UserNo);

    fn key_bytes((hour, no): &(HourKey, UserNo)) -> Vec<u8> {
        let mut key = hour_key(hour);
        key.extend_from_slice(&no.0.to_be_bytes());
        key
    }

    fn key(&self) -> (HourKey, UserNo) {
        (self.key, self.no)
    }

    fn encode(&self) -> Vec<u8> {
        Encoder::versioned(VERSION).finish()
    }

    fn decode(key: &[u8], value: &[u8]) -> Result<Self, RowError> {
        let mut key = Decoder::new(key);
        let hour = read_hour(&mut key)?;
        let no = UserNo(key.key_u32()?);
        key.finish()?;
        Decoder::versioned(value, VERSION)?.finish()?;
        Ok(Self { key: hour, no })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn back<R: Row>(row: &R) -> Result<R, RowError> {
        R::decode(&R::key_bytes(&row.key()), &row.encode())
    }

    #[test]
    fn rows_of_counts_are_read_back_as_written() {
        for day in [date(2026, 11, 21), date(1970, 1, 1), date(-9999, 1, 1), date(9999, 12, 31)] {
            let steps = StepsRow { no: UserNo(7), date: day, steps: 12_345 };
            assert_eq!(back(&steps), Ok(steps));
            for presence in [Presence::Free, Presence::Online] {
                let key = (HourOfDay { date: day, hour: 23 }, presence);
                let hour = HourRow { key, bitmap: vec![0x80, 0, 1] };
                assert_eq!(back(&hour), Ok(hour));
                let mark = MarkRow { key, no: UserNo(u32::MAX) };
                assert_eq!(back(&mark), Ok(mark));
            }
        }
    }

    #[test]
    fn keys_of_dates_sort_as_the_dates_do() {
        let days = [date(-9999, 1, 1), date(-1, 12, 31), date(0, 1, 1), date(2026, 9, 30), date(2026, 10, 1)];
        assert!(days.windows(2).all(|pair| date_key(pair[0]) < date_key(pair[1])));
    }
}
