//! What is read from the disk: rows, and what stands within them. The first byte chooses which, the second is the length of
//! the key; a new kind of row is one line of [`RECORDS`].
use std::fmt::Debug;

use letshang::activity::histogram::UserSet;
use letshang::activity::steps::StepCounter;
use letshang::store::rows::{
    AuditEntry, CalendarRow, CalendarTextRow, HourRow, InviteRow, LiveRow, MarkRow, PageRow, PairRow, Row, StepsRow,
};

use super::oracle::is_short;

type Record = fn(key: &[u8], value: &[u8]);

const RECORDS: &[(&str, Record)] = &[
    ("people", row::<PageRow>),
    ("live", row::<LiveRow>),
    ("pairs", row::<PairRow>),
    ("steps", row::<StepsRow>),
    ("hours", row::<HourRow>),
    ("marks", row::<MarkRow>),
    ("steps of today", steps_of_today),
    ("bitmap", bitmap),
    ("invites", row::<InviteRow>),
    ("audit", row::<AuditEntry>),
    ("calendars", row::<CalendarRow>),
    ("calendar texts", row::<CalendarTextRow>),
];

/// Bytes are refused, or are a record that is written and read again as the same.
pub fn hold(input: &[u8]) {
    let Some((&[choice, key], rest)) = input.split_first_chunk::<2>() else { return };
    let (key, value) = rest.split_at(usize::from(key).min(rest.len()));
    let (_, record) = RECORDS[usize::from(choice) % RECORDS.len()];
    record(key, value);
}

fn row<R: Row + PartialEq + Debug>(key: &[u8], value: &[u8]) {
    match R::decode(key, value) {
        Ok(row) => {
            let (key, value) = (R::key_bytes(&row.key()), row.encode());
            let again = R::decode(&key, &value);
            assert_eq!(again.as_ref(), Ok(&row));
            assert!(again.is_ok_and(|again| again.encode() == value), "one row is written in one way");
        }
        Err(error) => is_short(&error.to_string(), value),
    }
}

fn steps_of_today(_: &[u8], value: &[u8]) {
    let Some(counter) = StepCounter::from_bytes(value) else { return };
    let written = counter.to_bytes();
    let again = StepCounter::from_bytes(&written);
    assert!(again.is_some_and(|again| again.to_bytes() == written));
}

fn bitmap(_: &[u8], value: &[u8]) {
    let set = UserSet::from_bytes(value);
    assert!(value.starts_with(set.to_bytes()));
    assert_eq!(set.iter().count(), set.len() as usize);
    assert!(set.iter().all(|user| set.contains(user)));
    let mut again = UserSet::default();
    set.iter().for_each(|user| assert!(again.insert(user)));
    assert_eq!(again, set);
}
