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

/// The first moment of an hour; where clocks are set back the first time that it comes.
#[must_use]
pub fn start_of_hour(HourOfDay { date, hour }: HourOfDay, zone: &TimeZone) -> UnixMs {
    let wall = date.at(i8::try_from(hour).unwrap_or(0), 0, 0, 0);
    zone.to_timestamp(wall).map_or(UnixMs(i64::MIN), |start| UnixMs(start.as_millisecond()))
}

/// The first moment of a day; where clocks are set forward at midnight the day begins an hour late.
pub(super) fn start_of_day(date: Date, zone: &TimeZone) -> UnixMs {
    start_of_hour(HourOfDay { date, hour: 0 }, zone)
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

    /// The hours in which one person is counted, in order.
    #[must_use]
    pub fn hours_of(&self, user: UserNo) -> Vec<HourKey> {
        self.sets.iter().filter(|(_, set)| set.contains(user)).map(|(key, _)| *key).collect()
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

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    const HOUR: i64 = 3_600_000;
    const MINUTE: i64 = 60_000;

    fn new_york() -> TimeZone {
        TimeZone::posix("EST5EDT,M3.2.0,M11.1.0").unwrap()
    }

    /// A zone whose clocks change by half an hour.
    fn lord_howe() -> TimeZone {
        TimeZone::posix("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0").unwrap()
    }

    fn at(text: &str) -> UnixMs {
        UnixMs(text.parse::<Timestamp>().unwrap().as_millisecond())
    }

    fn hours(from: UnixMs, to: UnixMs, zone: &TimeZone) -> Vec<(i8, u8)> {
        hours_between(from, to, zone).map(|hour| (hour.date.day(), hour.hour)).collect()
    }

    #[test]
    fn in_spring_the_skipped_hour_never_comes() {
        let zone = new_york();
        let (from, to) = (at("2026-03-08T06:30:00Z"), at("2026-03-08T08:00:00Z"));
        assert_eq!(hours(from, to, &zone), [(8, 1), (8, 3)]);
        assert_eq!(start_of_next_hour(from, &zone), at("2026-03-08T07:00:00Z"));
        let day = hours(at("2026-03-08T05:00:00Z"), at("2026-03-09T04:00:00Z"), &zone);
        assert_eq!(day.len(), 23);
    }

    #[test]
    fn in_autumn_the_repeated_hour_is_one() {
        let zone = new_york();
        let (from, to) = (at("2026-11-01T05:30:00Z"), at("2026-11-01T07:00:01Z"));
        assert_eq!(hours(from, to, &zone), [(1, 1), (1, 2)]);
        assert_eq!(start_of_next_hour(from, &zone), at("2026-11-01T07:00:00Z"));
        let day = hours(at("2026-11-01T04:00:00Z"), at("2026-11-02T05:00:00Z"), &zone);
        assert_eq!(day.len(), 24);
    }

    #[test]
    fn an_hour_begins_where_the_one_before_ends_and_the_repeated_one_the_first_time() {
        let zone = new_york();
        for t in ["2026-03-08T06:30:00Z", "2026-03-08T07:30:00Z", "2026-11-01T04:10:00Z", "2026-11-01T07:10:00Z"] {
            let start = start_of_hour(hour_of(at(t), &zone), &zone);
            assert_eq!(hour_of(start, &zone), hour_of(at(t), &zone));
            assert_ne!(hour_of(start - 1, &zone), hour_of(at(t), &zone));
        }
        let again = hour_of(at("2026-11-01T06:30:00Z"), &zone);
        assert_eq!(start_of_hour(again, &zone), at("2026-11-01T05:00:00Z"));
    }

    #[test]
    fn the_end_of_a_span_is_not_in_it_and_a_moment_is_enough() {
        let zone = new_york();
        let five = at("2026-06-01T09:00:00Z");
        assert_eq!(hours(five, five + HOUR, &zone), [(1, 5)]);
        assert_eq!(hours(five, five + HOUR + 1, &zone), [(1, 5), (1, 6)]);
        assert_eq!(hours(five, five, &zone), [(1, 5)]);
        assert_eq!(hours(five + 1, five, &zone), [(1, 5)]);
        let before_midnight = at("2026-06-02T03:59:59.999Z");
        assert_eq!(hours(before_midnight, before_midnight + 2, &zone), [(1, 23), (2, 0)]);
    }

    #[test]
    fn the_ends_of_time_are_no_trap() {
        let zone = new_york();
        for t in [i64::MIN, -1, 0, i64::MAX] {
            let _ = hour_of(UnixMs(t), &zone);
            let _ = start_of_next_hour(UnixMs(t), &zone);
            assert!(hours_between(UnixMs(t), UnixMs(t) + HOUR, &zone).count() <= 2);
        }
        assert_eq!(hours_between(UnixMs(i64::MAX - 5), UnixMs(i64::MAX), &zone).count(), 1);
    }

    #[test]
    fn bits_stand_where_redis_puts_them() {
        let mut set = UserSet::default();
        for user in [0, 7, 9, 100] {
            assert!(set.insert(UserNo(user)));
            assert!(!set.insert(UserNo(user)));
        }
        assert_eq!(&set.to_bytes()[..2], [0b1000_0001, 0b0100_0000]);
        assert_eq!((set.to_bytes().len(), set.len()), (13, 4));
        let padded = [set.to_bytes(), &[0, 0]].concat();
        assert_eq!(UserSet::from_bytes(&padded), set);
        assert_eq!(UserSet::from_bytes(&[]), UserSet::default());
    }

    #[test]
    fn everyone_counts_once_an_hour() {
        let mut histogram = Histogram::default();
        let day = date(2026, 6, 1);
        let hour = HourOfDay { date: day, hour: 17 };
        for user in [4, 5, 4, 5, 4] {
            histogram.mark(hour, Presence::Free, UserNo(user));
            histogram.mark(hour, Presence::Online, UserNo(user + 1));
        }
        histogram.mark(HourOfDay { hour: 18, ..hour }, Presence::Online, UserNo(4));
        let counts = histogram.counts(day);
        assert_eq!(counts.hours[17], HourCount { free: 2, online: 2 });
        assert_eq!(counts.hours[18], HourCount { free: 0, online: 1 });
        assert_eq!(histogram.counts(date(2026, 6, 2)), DayCounts::default());
        assert_eq!(histogram.dates(), [day]);
    }

    #[test]
    fn only_what_is_new_must_be_written() {
        let mut histogram = Histogram::default();
        let hour = HourOfDay { date: date(2026, 6, 1), hour: 17 };
        let mut stored = UserSet::default();
        stored.insert(UserNo(1));
        histogram.merge(hour, Presence::Free, &stored);
        assert_eq!(histogram.take_dirty(), []);
        histogram.mark(hour, Presence::Free, UserNo(1));
        assert_eq!(histogram.take_dirty(), []);
        histogram.mark(hour, Presence::Free, UserNo(2));
        assert_eq!(histogram.take_dirty(), [(hour, Presence::Free)]);
        assert_eq!(histogram.take_dirty(), []);
        histogram.mark_dirty([(hour, Presence::Free)]);
        histogram.forget_before(date(2026, 6, 2));
        assert_eq!(
            histogram.set(hour, Presence::Free).map(UserSet::len),
            Some(2),
            "not forgotten before it is written"
        );
        assert_eq!(histogram.take_dirty(), [(hour, Presence::Free)]);
        histogram.forget_before(date(2026, 6, 2));
        assert_eq!(histogram.dates(), []);
    }

    proptest! {
        #[test]
        fn a_span_touches_the_hours_that_its_minutes_lie_in(days in 0_i64..400, minute in 0_i64..1_440, length in 1_i64..4_000, lord in any::<bool>()) {
            let zone = if lord { lord_howe() } else { new_york() };
            let from = at("2026-01-01T00:00:00Z") + days * 24 * HOUR + minute * MINUTE;
            let to = from + length * MINUTE;
            let mut naive: Vec<HourOfDay> = (0..length).map(|m| hour_of(from + m * MINUTE, &zone)).collect();
            naive.sort();
            naive.dedup();
            prop_assert_eq!(hours_between(from, to, &zone).collect::<Vec<_>>(), naive);
        }

        #[test]
        fn the_next_hour_begins_at_the_first_minute_of_another_hour(days in 0_i64..400, minute in 0_i64..1_440, lord in any::<bool>()) {
            let zone = if lord { lord_howe() } else { new_york() };
            let t = at("2026-01-01T00:00:00Z") + days * 24 * HOUR + minute * MINUTE;
            let naive = (1..).map(|m| t + m * MINUTE).find(|&later| hour_of(later, &zone) != hour_of(t, &zone));
            prop_assert_eq!(Some(start_of_next_hour(t, &zone)), naive);
        }

        #[test]
        fn a_set_is_a_set(a in proptest::collection::vec(0_u32..500, 0..60), b in proptest::collection::vec(0_u32..500, 0..60)) {
            let set = |users: &[u32]| {
                let mut set = UserSet::default();
                users.iter().for_each(|&user| { set.insert(UserNo(user)); });
                set
            };
            let naive: BTreeSet<u32> = a.iter().chain(&b).copied().collect();
            let mut union = set(&a);
            let grew = union.union(&set(&b));
            prop_assert_eq!(grew, naive.len() > a.iter().collect::<BTreeSet<_>>().len());
            prop_assert_eq!(union.iter().map(|user| user.0).collect::<BTreeSet<_>>(), naive.clone());
            prop_assert_eq!(union.len() as usize, naive.len());
            prop_assert!((0..500).all(|user| union.contains(UserNo(user)) == naive.contains(&user)));
            prop_assert_eq!(&UserSet::from_bytes(union.to_bytes()), &union);
        }

        #[test]
        fn counts_agree_with_a_naive_count(marks in proptest::collection::vec((0_u8..24, any::<bool>(), 0_u32..40), 0..300)) {
            let day = date(2026, 11, 1);
            let mut histogram = Histogram::default();
            let mut naive = BTreeSet::new();
            for &(hour, free, user) in &marks {
                let presence = if free { Presence::Free } else { Presence::Online };
                let is_new = histogram.mark(HourOfDay { date: day, hour }, presence, UserNo(user));
                prop_assert_eq!(is_new, naive.insert((hour, free, user)));
            }
            let counts = histogram.counts(day);
            for hour in 0..24_u8 {
                let count = |free| u32::try_from(naive.iter().filter(|mark| (mark.0, mark.1) == (hour, free)).count()).unwrap();
                prop_assert_eq!(counts.hours[usize::from(hour)], HourCount { free: count(true), online: count(false) });
            }
        }
    }
}
