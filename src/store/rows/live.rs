//! What is newest of a person, and which pairs are near.
use crate::activity::track::Track;
use crate::domain::{Availability, DeviceName, Fix, FixFields, Note, UnixMs, UserNo};
use crate::store::codec::{Decoder, Encoder, RowError};

use super::{Row, Table};

/// 2: nothing said by hand is told apart from busy by hand. What version 1 has is taken as said by hand if it says anything:
/// free, a note or an end.
const VERSION: u8 = 2;
/// Of the rows of pairs.
const PAIR_VERSION: u8 = 1;

/// A device that has reported: what it needs to know after a reconnect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceRow {
    /// The device.
    pub name: DeviceName,
    /// The newest sequence number that is decided.
    pub last_seq: u64,
    /// The time of its newest fix.
    pub last_t: UnixMs,
}

/// Everything about a person that changes as they walk, in one row: one group commit writes it once per person.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveRow {
    /// Whose.
    pub no: UserNo,
    /// What was set by hand, as it was set; `None`: the calendar, the weekly hours or the default decide.
    pub hand: Option<Availability>,
    /// The newest fix, the live one, and one that waits for confirmation.
    pub track: Track,
    /// The step counter's own bytes.
    pub steps: Vec<u8>,
    /// The devices that have reported.
    pub devices: Vec<DeviceRow>,
    /// When a device of this person was last heard.
    pub last_seen: UnixMs,
    /// When availability was last changed by hand.
    pub changed_by_hand: UnixMs,
}

impl LiveRow {
    /// Somebody who has done nothing yet.
    #[must_use]
    pub fn empty(no: UserNo) -> Self {
        Self {
            no,
            hand: None,
            track: Track::default(),
            steps: Vec::new(),
            devices: Vec::new(),
            last_seen: UnixMs(0),
            changed_by_hand: UnixMs(0),
        }
    }

    /// Takes out the positions reported before `before`. True when there were any.
    pub fn forget_positions(&mut self, before: UnixMs) -> bool {
        self.track.forget_before(before)
    }
}

const FREE: u8 = 1;
const NOTE: u8 = 1 << 1;
const UNTIL: u8 = 1 << 2;
const NEWEST: u8 = 1 << 3;
const LIVE: u8 = 1 << 4;
/// The live fix is the newest fix: written once.
const LIVE_IS_NEWEST: u8 = 1 << 5;
const SUSPECT: u8 = 1 << 6;
const HAND: u8 = 1 << 7;

impl Row for LiveRow {
    const TABLE: Table = Table::Live;
    type Key = UserNo;

    fn key_bytes(no: &UserNo) -> Vec<u8> {
        no.0.to_be_bytes().to_vec()
    }

    fn key(&self) -> UserNo {
        self.no
    }

    fn encode(&self) -> Vec<u8> {
        let mut row = Encoder::versioned(VERSION);
        let (note, until) = self.hand.as_ref().map_or((&None, &None), |hand| (&hand.note, &hand.until));
        let Track { newest, live, suspect } = &self.track;
        let live_is_newest = live.is_some() && live == newest;
        let flag = |on: bool, bit: u8| if on { bit } else { 0 };
        row.u8(flag(self.hand.as_ref().is_some_and(|hand| hand.free), FREE)
            | flag(self.hand.is_some(), HAND)
            | flag(note.is_some(), NOTE)
            | flag(until.is_some(), UNTIL)
            | flag(newest.is_some(), NEWEST)
            | flag(live.is_some() && !live_is_newest, LIVE)
            | flag(live_is_newest, LIVE_IS_NEWEST)
            | flag(suspect.is_some(), SUSPECT));
        row.int(self.last_seen.0);
        row.int(self.changed_by_hand.0);
        if let Some(note) = note {
            row.text(note.as_str());
        }
        if let Some(until) = until {
            row.int(until.0);
        }
        let live = if live_is_newest { &None } else { live };
        for fix in [newest, live, suspect].into_iter().flatten() {
            encode_fix(&mut row, fix);
        }
        row.bytes(&self.steps);
        row.uint(self.devices.len() as u64);
        for device in &self.devices {
            row.text(device.name.as_str());
            row.uint(device.last_seq);
            row.int(device.last_t.0);
        }
        row.finish()
    }

    fn decode(key: &[u8], value: &[u8]) -> Result<Self, RowError> {
        let mut key = Decoder::new(key);
        let no = UserNo(key.key_u32()?);
        key.finish()?;
        let (version, mut row) = Decoder::of_any(value, VERSION)?;
        let flags = row.u8()?;
        let has = |bit: u8| flags & bit != 0;
        let last_seen = UnixMs(row.int()?);
        let changed_by_hand = UnixMs(row.int()?);
        let note = if has(NOTE) { Some(Note::parse(row.text()?)?) } else { None };
        let until = if has(UNTIL) { Some(UnixMs(row.int()?)) } else { None };
        let newest = if has(NEWEST) { Some(decode_fix(&mut row)?) } else { None };
        let live = match (has(LIVE_IS_NEWEST), has(LIVE)) {
            (true, false) => newest,
            (false, true) => Some(decode_fix(&mut row)?),
            (false, false) => None,
            (true, true) => return Err(RowError::Value("the live fix")),
        };
        let suspect = if has(SUSPECT) { Some(decode_fix(&mut row)?) } else { None };
        let steps = row.bytes()?.to_vec();
        let count = row.count()?;
        let mut devices = Vec::with_capacity(count);
        for _ in 0..count {
            let name = DeviceName::parse(row.text()?)?;
            devices.push(DeviceRow { name, last_seq: row.uint()?, last_t: UnixMs(row.int()?) });
        }
        row.finish()?;
        let said = has(FREE) || note.is_some() || until.is_some();
        let by_hand = match version {
            1 if has(HAND) => return Err(RowError::Value("a person's flags")),
            1 => said,
            _ if said && !has(HAND) => return Err(RowError::Value("a person's flags")),
            _ => has(HAND),
        };
        let hand = by_hand.then(|| Availability { free: has(FREE), note, until });
        let track = Track { newest, live, suspect };
        Ok(Self { no, hand, track, steps, devices, last_seen, changed_by_hand })
    }
}

fn encode_fix(row: &mut Encoder, fix: &Fix) {
    let readings = [fix.accuracy, fix.speed, fix.heading, fix.altitude];
    let present = readings.iter().enumerate().fold(0, |bits, (at, value)| bits | u8::from(value.is_some()) << at);
    row.u8(present | u8::from(fix.battery.is_some()) << 4 | u8::from(fix.steps.is_some()) << 5);
    row.f64(fix.position.lat());
    row.f64(fix.position.lon());
    row.int(fix.t.0);
    for value in readings.into_iter().flatten() {
        row.f32(value);
    }
    if let Some(battery) = fix.battery {
        row.u8(battery);
    }
    if let Some(steps) = fix.steps {
        row.uint(u64::from(steps));
    }
}

/// Reads a fix through the one constructor of fixes, so that nothing impossible comes out of the store.
fn decode_fix(row: &mut Decoder<'_>) -> Result<Fix, RowError> {
    let present = row.u8()?;
    let lat = row.f64()?;
    let lon = row.f64()?;
    let t = row.int()?;
    let mut reading = |bit: u8| -> Result<Option<f64>, RowError> {
        if present & bit == 0 { Ok(None) } else { Ok(Some(f64::from(row.f32()?))) }
    };
    let (acc, speed, heading, alt) = (reading(1)?, reading(2)?, reading(4)?, reading(8)?);
    let battery = if present & 16 == 0 { None } else { Some(f64::from(row.u8()?)) };
    let steps = if present & 32 == 0 { None } else { Some(f64::from(row.uint32()?)) };
    let fields = FixFields { lat, lon, t, acc, speed, heading, alt, battery, steps };
    Ok(Fix::recorded(&fields, UnixMs(t))?)
}

/// A pair that is near, or that was announced not long ago.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PairRow {
    /// The smaller number.
    pub a: UserNo,
    /// The larger number.
    pub b: UserNo,
    /// True: near now.
    pub near: bool,
    /// When both were last told.
    pub announced_at: UnixMs,
}

impl Row for PairRow {
    const TABLE: Table = Table::Pairs;
    type Key = (UserNo, UserNo);

    fn key_bytes((a, b): &(UserNo, UserNo)) -> Vec<u8> {
        let mut key = Vec::with_capacity(8);
        key.extend_from_slice(&a.min(b).0.to_be_bytes());
        key.extend_from_slice(&a.max(b).0.to_be_bytes());
        key
    }

    fn key(&self) -> (UserNo, UserNo) {
        (self.a, self.b)
    }

    fn encode(&self) -> Vec<u8> {
        let mut row = Encoder::versioned(PAIR_VERSION);
        row.u8(u8::from(self.near));
        row.int(self.announced_at.0);
        row.finish()
    }

    fn decode(key: &[u8], value: &[u8]) -> Result<Self, RowError> {
        let mut key = Decoder::new(key);
        let (a, b) = (UserNo(key.key_u32()?), UserNo(key.key_u32()?));
        key.finish()?;
        if a >= b {
            return Err(RowError::Value("a pair"));
        }
        let mut row = Decoder::versioned(value, PAIR_VERSION)?;
        let near = row.u8()? != 0;
        let announced_at = UnixMs(row.int()?);
        row.finish()?;
        Ok(Self { a, b, near, announced_at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    prop_compose! {
        fn any_fix()(
            lat in -90.0..=90.0_f64, lon in -180.0..=180.0_f64, t in 0..1_i64 << 50,
            acc in proptest::option::of(0.0..1e6_f32), speed in proptest::option::of(0.0..1e4_f32),
            heading in proptest::option::of(0.0..360.0_f32), alt in proptest::option::of(-12e3..1e6_f32),
            battery in proptest::option::of(0..=100_u8), steps in proptest::option::of(0..=200_000_u32),
        ) -> Fix {
            let fields = FixFields {
                lat, lon, t, acc: acc.map(f64::from), speed: speed.map(f64::from), heading: heading.map(f64::from),
                alt: alt.map(f64::from), battery: battery.map(f64::from), steps: steps.map(f64::from),
            };
            Fix::recorded(&fields, UnixMs(t)).unwrap()
        }
    }

    proptest! {
        #[test]
        fn the_newest_of_a_person_is_read_back_as_written(
            no: u32, by_hand: bool, free: bool, note in proptest::option::of("[a-z ☕]{0,140}"), until in proptest::option::of(any::<i64>()),
            newest in proptest::option::of(any_fix()), live in proptest::option::of(any_fix()), same: bool,
            suspect in proptest::option::of(any_fix()), steps: Vec<u8>, seq: u64, last_t: i64, devices in 0..4_usize,
        ) {
            let hand = by_hand.then(|| Availability { free, note: note.map(|text| Note::parse(&text).unwrap()), until: until.map(UnixMs) });
            let track = Track { newest, live: if same { newest } else { live }, suspect };
            let device = DeviceRow { name: DeviceName::parse("phone").unwrap(), last_seq: seq, last_t: UnixMs(last_t) };
            let row = LiveRow {
                no: UserNo(no), hand, track, steps, devices: vec![device; devices],
                last_seen: UnixMs(last_t), changed_by_hand: UnixMs(-last_t.max(0)),
            };
            prop_assert_eq!(LiveRow::decode(&LiveRow::key_bytes(&row.key()), &row.encode()), Ok(row));
        }

        #[test]
        fn a_row_of_version_1_is_by_hand_if_it_says_anything(
            free: bool, note in proptest::option::of("[a-z]{0,9}"), until in proptest::option::of(any::<i64>()),
            fix in proptest::option::of(any_fix()), steps: Vec<u8>,
        ) {
            // As the server of version 1 wrote it.
            let mut row = Encoder::versioned(1);
            let bit = |on: bool, bit: u8| if on { bit } else { 0 };
            row.u8(bit(free, 1) | bit(note.is_some(), 2) | bit(until.is_some(), 4) | bit(fix.is_some(), 8 | 32));
            row.int(7);
            row.int(8);
            note.iter().for_each(|note| row.text(note));
            until.iter().for_each(|until| row.int(*until));
            fix.iter().for_each(|fix| encode_fix(&mut row, fix));
            row.bytes(&steps);
            row.uint(1);
            row.text("phone");
            row.uint(41);
            row.int(9);
            let (key, bytes) = (LiveRow::key_bytes(&UserNo(5)), row.finish());
            let read = LiveRow::decode(&key, &bytes).unwrap();
            let says = free || note.is_some() || until.is_some();
            let hand = says.then(|| Availability {
                free, note: note.map(|text| Note::parse(&text).unwrap()), until: until.map(UnixMs),
            });
            prop_assert_eq!(&read.hand, &hand);
            prop_assert_eq!((read.last_seen, read.changed_by_hand, &read.steps), (UnixMs(7), UnixMs(8), &steps));
            prop_assert_eq!((read.track.live, read.track.newest, read.devices[0].last_seq), (fix, fix, 41));
            let again = read.encode();
            prop_assert_eq!((again[0], LiveRow::decode(&key, &again)), (2, Ok(read)));
        }

        #[test]
        fn a_pair_is_read_back_as_written_whichever_comes_first(a in 0..1_000_u32, b in 1_000..2_000_u32, near: bool, at: i64) {
            let row = PairRow { a: UserNo(a), b: UserNo(b), near, announced_at: UnixMs(at) };
            prop_assert_eq!(PairRow::decode(&PairRow::key_bytes(&(row.b, row.a)), &row.encode()), Ok(row));
        }
    }
}
