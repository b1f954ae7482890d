//! Who was free and online in which hour of which day: exact sets, counted once per person.
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use crate::domain::{UnixMs, UserNo};

/// An hour of a calendar day, as a wall clock shows it. The hour that a change of clocks repeats is one hour of the
/// day, the one it skips never comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HourOfDay {
    /// The day.
    pub date: Date,
    /// 0 to 23.
    pub hour: u8,
}

fn timestamp(t: UnixMs) -> Timestamp {
    Timestamp::from_millisecond(t.0).unwrap_or(if t.0 < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

/// What a wall clock in `zone` shows at `t`; times beyond the years −9999 to 9999 are those years' ends.
pub(super) fn civil(t: UnixMs, zone: &TimeZone) -> DateTime {
    zone.to_datetime(timestamp(t))
}

/// The hour of the day that `t` lies in.
#[must_use]
pub fn hour_of(t: UnixMs, zone: &TimeZone) -> HourOfDay {
    let wall = civil(t, zone);
    HourOfDay { date: wall.date(), hour: u8::try_from(wall.hour()).unwrap_or(0) }
}

/// The first moment after `t` that lies in another hour of the day.
#[must_use]
pub fn start_of_next_hour(t: UnixMs, zone: &TimeZone) -> UnixMs {
    const HOUR_MS: i64 = 3_600_000;
    let hour = hour_of(t, zone);
    let mut at = t;
    // More than one turn only where clocks are set back: the repeated hour is the same hour of the day.
    for _ in 0..4 {
        let wall = civil(at, zone);
        let into_hour =
            i64::from(wall.minute()) * 60_000 + i64::from(wall.second()) * 1_000 + i64::from(wall.millisecond());
        let full = at + (HOUR_MS - into_hour);
        let change = zone.following(timestamp(at)).next().map(|change| UnixMs(change.timestamp().as_millisecond()));
        at = change.filter(|&change| at < change && change < full).unwrap_or(full);
        if hour_of(at, zone) != hour {
            break;
        }
    }
    at
}

/// Every hour of the day that the span from `from` up to but not including `to` touches, each once, in order. An empty
/// or backward span touches the hour of `from`: being free for a moment is being free.
pub fn hours_between(from: UnixMs, to: UnixMs, zone: &TimeZone) -> impl Iterator<Item = HourOfDay> {
    let mut next = Some(from);
    // Where clocks are set back just after midnight, the last hour of the day and the first of the next both return.
    let mut before: [Option<HourOfDay>; 2] = [None; 2];
    std::iter::from_fn(move || {
        loop {
            let at = next?;
            let hour = hour_of(at, zone);
            let following = start_of_next_hour(at, zone);
            next = (following < to && following > at).then_some(following);
            if !before.contains(&Some(hour)) {
                before = [Some(hour), before[0]];
                return Some(hour);
            }
        }
    })
}

/// What a person was during an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Presence {
    /// Free at any moment of it.
    Free,
    /// Connected at any moment of it.
    Online,
}

/// A set of people as a bitmap. Its bytes are what Redis `SETBIT` makes: user 0 is the highest bit of the first byte.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserSet {
    /// Never ends with a zero byte, so that equal sets are equal.
    bits: Vec<u8>,
    len: u32,
}

const fn place(user: UserNo) -> (usize, u8) {
    (user.index() / 8, 0x80 >> (user.0 % 8))
}

impl UserSet {
    /// Adds a person; true when they were not in the set.
    pub fn insert(&mut self, user: UserNo) -> bool {
        let (at, bit) = place(user);
        if at >= self.bits.len() {
            self.bits.resize(at + 1, 0);
        }
        let Some(byte) = self.bits.get_mut(at) else { return false };
        let is_new = *byte & bit == 0;
        *byte |= bit;
        self.len += u32::from(is_new);
        is_new
    }

    /// True when the person is in the set.
    #[must_use]
    pub fn contains(&self, user: UserNo) -> bool {
        let (at, bit) = place(user);
        self.bits.get(at).is_some_and(|byte| byte & bit != 0)
    }

    /// How many people.
    #[must_use]
    pub const fn len(&self) -> u32 {
        self.len
    }

    /// True for nobody.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds everyone of another set; true when that changed anything.
    pub fn union(&mut self, other: &Self) -> bool {
        if self.bits.len() < other.bits.len() {
            self.bits.resize(other.bits.len(), 0);
        }
        let before = self.len;
        for (mine, theirs) in self.bits.iter_mut().zip(&other.bits) {
            self.len += (theirs & !*mine).count_ones();
            *mine |= theirs;
        }
        self.len != before
    }

    /// Everyone in it, lowest number first.
    pub fn iter(&self) -> impl Iterator<Item = UserNo> + '_ {
        self.bits.iter().zip(0_u32..).flat_map(|(&byte, at)| {
            (0..8_u32).filter(move |bit| byte & (0x80 >> bit) != 0).map(move |bit| UserNo(at * 8 + bit))
        })
    }

    /// The bitmap as Redis holds it, without zero bytes at its end.
    #[must_use]
    pub fn to_bytes(&self) -> &[u8] {
        &self.bits
    }

    /// A set from such a bitmap of any length.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let used = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        let bits = bytes.get(..used).unwrap_or_default().to_vec();
        let len = bits.iter().map(|byte| byte.count_ones()).sum();
        Self { bits, len }
    }
}

/// How many people in one hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HourCount {
    /// Free at any moment of it.
    pub free: u32,
    /// Online at any moment of it.
    pub online: u32,
}

/// The histogram of a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DayCounts {
    /// By hour of the day.
    pub hours: [HourCount; 24],
}

/// One set of the histogram.
pub type HourKey = (HourOfDay, Presence);

/// The sets of every hour kept, and which of them changed since they were last written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    sets: BTreeMap<HourKey, UserSet>,
    dirty: BTreeSet<HourKey>,
}

impl Histogram {
    /// Notes that a person was free or online in an hour; true when that is new.
    pub fn mark(&mut self, hour: HourOfDay, presence: Presence, user: UserNo) -> bool {
        let is_new = self.sets.entry((hour, presence)).or_default().insert(user);
        if is_new {
            self.dirty.insert((hour, presence));
        }
        is_new
    }

    /// Adds a stored set, as at a start; what it brings is not dirty.
    pub fn merge(&mut self, hour: HourOfDay, presence: Presence, set: &UserSet) {
        self.sets.entry((hour, presence)).or_default().union(set);
    }

    /// The people of one hour.
    #[must_use]
    pub fn set(&self, hour: HourOfDay, presence: Presence) -> Option<&UserSet> {
        self.sets.get(&(hour, presence))
    }

    /// The counts of one day.
    #[must_use]
    pub fn counts(&self, date: Date) -> DayCounts {
        let mut counts = DayCounts::default();
        let first = (HourOfDay { date, hour: 0 }, Presence::Free);
        let last = (HourOfDay { date, hour: 23 }, Presence::Online);
        for ((hour, presence), set) in self.sets.range(first..=last) {
            if let Some(count) = counts.hours.get_mut(usize::from(hour.hour)) {
                match presence {
                    Presence::Free => count.free = set.len(),
                    Presence::Online => count.online = set.len(),
                }
            }
        }
        counts
    }

    /// The days of which anything is known, oldest first.
    #[must_use]
    pub fn dates(&self) -> Vec<Date> {
        let mut dates: Vec<Date> = self.sets.keys().map(|(hour, _)| hour.date).collect();
        dates.dedup();
        dates
    }

    /// Which sets changed since this was last asked. A caller that fails to write them gives them back with
    /// [`Histogram::mark_dirty`].
    pub fn take_dirty(&mut self) -> Vec<HourKey> {
        std::mem::take(&mut self.dirty).into_iter().collect()
    }

    /// Says that sets must be written (again).
    pub fn mark_dirty(&mut self, keys: impl IntoIterator<Item = HourKey>) {
        self.dirty.extend(keys);
    }

    /// Forgets the days before `date` that have been written.
    pub fn forget_before(&mut self, date: Date) {
        let Self { sets, dirty } = self;
        sets.retain(|key, _| key.0.date >= date || dirty.contains(key));
    }
}
