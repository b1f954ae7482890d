//! Steps of a day: the phone's own count where it sends one, else metres walked over the length of a stride.
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::histogram::hour_of;
use super::walking::Walking;
use crate::domain::{Fix, UnixMs};

/// The length of a step where a person gave none, metres (PROTOCOL.md, section 2).
pub const DEFAULT_STRIDE_M: f32 = 0.762;
/// How many days are kept.
const DAYS: usize = 4;
/// How many devices of one person are followed; the one silent for longest makes room.
const DEVICES: usize = 4;
/// Nobody takes more steps a second: a count that says so at the start of a day is still yesterday's.
const STEPS_PER_SECOND: i64 = 4;
const FORMAT: u8 = 1;

/// What a fix did to the count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepChange {
    /// Nothing.
    Same,
    /// The count of a day is another now.
    Counted {
        /// The day, in the person's time zone.
        date: Date,
        /// Its steps so far.
        steps: u32,
    },
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Day {
    date: Date,
    steps: u32,
}

/// One device's part of a day.
#[derive(Clone, Debug, PartialEq)]
struct Device {
    index: u16,
    date: Date,
    /// Steps from distance.
    walked: f32,
    /// The phone's newest count, once it sent one that day.
    count: Option<u32>,
    /// What to add to `count`: what was counted before the phone restarted, less what was yesterday's.
    base: i64,
    /// Time of its newest fix.
    newest: UnixMs,
    walking: Walking,
}

/// One person's steps, over all their devices: of several devices the larger count holds, they are never added up.
#[derive(Clone, Debug, PartialEq)]
pub struct StepCounter {
    stride_m: f32,
    /// Newest first.
    days: Vec<Day>,
    devices: Vec<Device>,
}

impl StepCounter {
    /// A counter for steps of `stride_m` metres; a stride outside 0.2 to 2 m becomes the default.
    #[must_use]
    pub fn new(stride_m: f32) -> Self {
        let mut counter = Self { stride_m: DEFAULT_STRIDE_M, days: Vec::new(), devices: Vec::new() };
        counter.set_stride(stride_m);
        counter
    }

    /// Changes the length of a step, metres, from now on; outside 0.2 to 2 m it becomes the default.
    pub fn set_stride(&mut self, stride_m: f32) {
        self.stride_m = if (0.2..=2.0).contains(&stride_m) { stride_m } else { DEFAULT_STRIDE_M };
    }

    /// Takes a fix of one device. Fixes that are not newer than the device's newest are ignored.
    pub fn report(&mut self, fix: &Fix, device: u16, zone: &TimeZone) -> StepChange {
        let stride_m = self.stride_m;
        let Some(device) = self.device(device) else { return StepChange::Same };
        if fix.t <= device.newest {
            return StepChange::Same;
        }
        device.newest = fix.t;
        if let Some(count) = fix.steps {
            device.count_to(count, fix.t, zone);
        } else {
            let metres = device.walking.report(fix);
            if metres <= 0.0 {
                return StepChange::Same;
            }
            device.turn_to(hour_of(fix.t, zone).date);
            device.walked += metres / stride_m;
        }
        let date = device.date;
        self.total(date)
    }

    /// The steps of the day that `now` lies in.
    #[must_use]
    pub fn today(&self, now: UnixMs, zone: &TimeZone) -> u32 {
        self.day(hour_of(now, zone).date).unwrap_or(0)
    }

    /// The steps of a day; `None` when nothing was counted then or it is too long ago (the newest four days are kept).
    #[must_use]
    pub fn day(&self, date: Date) -> Option<u32> {
        self.days.iter().find(|day| day.date == date).map(|day| day.steps)
    }

    /// The days kept, newest first.
    pub fn days(&self) -> impl Iterator<Item = (Date, u32)> + '_ {
        self.days.iter().map(|day| (day.date, day.steps))
    }

    /// The counts as bytes for a store. What was walked since the last sample judged is not in them.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(7 + 8 * self.days.len() + 31 * self.devices.len());
        out.push(FORMAT);
        out.extend(self.stride_m.to_le_bytes());
        out.extend(u8::try_from(self.days.len()).unwrap_or(u8::MAX).to_le_bytes());
        for day in &self.days {
            out.extend(number_of(day.date).to_le_bytes());
            out.extend(day.steps.to_le_bytes());
        }
        out.extend(u8::try_from(self.devices.len()).unwrap_or(u8::MAX).to_le_bytes());
        for device in &self.devices {
            out.extend(device.index.to_le_bytes());
            out.extend(number_of(device.date).to_le_bytes());
            out.extend(device.walked.to_le_bytes());
            out.push(u8::from(device.count.is_some()));
            out.extend(device.count.unwrap_or(0).to_le_bytes());
            out.extend(device.base.to_le_bytes());
            out.extend(device.newest.0.to_le_bytes());
        }
        out
    }

    /// A counter from [`StepCounter::to_bytes`]; `None` when they are of another version or damaged.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes;
        if take::<1>(&mut rest)? != [FORMAT] {
            return None;
        }
        let mut counter = Self::new(f32::from_le_bytes(take(&mut rest)?));
        let [days] = take(&mut rest)?;
        for _ in 0..days {
            let date = date_of(i32::from_le_bytes(take(&mut rest)?))?;
            counter.days.push(Day { date, steps: u32::from_le_bytes(take(&mut rest)?) });
        }
        let [devices] = take(&mut rest)?;
        for _ in 0..devices {
            let mut device = Device::new(u16::from_le_bytes(take(&mut rest)?));
            device.date = date_of(i32::from_le_bytes(take(&mut rest)?))?;
            device.walked = Some(f32::from_le_bytes(take(&mut rest)?)).filter(|walked| (0.0..1e9).contains(walked))?;
            let [has_count] = take(&mut rest)?;
            let count = u32::from_le_bytes(take(&mut rest)?);
            device.count = (has_count == 1).then_some(count);
            device.base = i64::from_le_bytes(take(&mut rest)?);
            device.newest = UnixMs(i64::from_le_bytes(take(&mut rest)?));
            counter.devices.push(device);
        }
        let sound = rest.is_empty() && counter.days.len() <= DAYS && counter.devices.len() <= DEVICES;
        sound.then_some(counter)
    }

    fn device(&mut self, index: u16) -> Option<&mut Device> {
        let at = self.devices.iter().position(|device| device.index == index);
        let at = at.unwrap_or_else(|| {
            if self.devices.len() >= DEVICES {
                let oldest = self.devices.iter().enumerate().min_by_key(|(_, device)| device.newest);
                if let Some(oldest) = oldest.map(|(at, _)| at) {
                    self.devices.swap_remove(oldest);
                }
            }
            self.devices.reserve_exact(1);
            self.devices.push(Device::new(index));
            self.devices.len() - 1
        });
        self.devices.get_mut(at)
    }

    /// Recomputes a day: phones' own counts hold where there are any, and of several devices the largest.
    fn total(&mut self, date: Date) -> StepChange {
        let of_day = || self.devices.iter().filter(|device| device.date == date);
        let counted = of_day().filter_map(Device::counted).max();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a day's steps are few and positive"
        )]
        let steps = counted.unwrap_or_else(|| of_day().map(|device| device.walked as u32).max().unwrap_or(0));
        if let Some(day) = self.days.iter_mut().find(|day| day.date == date) {
            if day.steps == steps {
                return StepChange::Same;
            }
            day.steps = steps;
        } else {
            let at = self.days.iter().position(|day| day.date < date).unwrap_or(self.days.len());
            self.days.insert(at, Day { date, steps });
            self.days.truncate(DAYS);
        }
        StepChange::Counted { date, steps }
    }
}

/// A day as year × 512 + month × 32 + day: in order, and the same in every time zone.
fn number_of(date: Date) -> i32 {
    i32::from(date.year()) * 512 + i32::from(date.month()) * 32 + i32::from(date.day())
}

fn date_of(number: i32) -> Option<Date> {
    let part = |value: i32| i8::try_from(value).ok();
    let year = i16::try_from(number.div_euclid(512)).ok()?;
    let month = number.rem_euclid(512);
    Date::new(year, part(month / 32)?, part(month % 32)?).ok()
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk()?;
    *rest = tail;
    Some(*head)
}

impl Device {
    fn new(index: u16) -> Self {
        Self {
            index,
            date: Date::ZERO,
            walked: 0.0,
            count: None,
            base: 0,
            newest: UnixMs(i64::MIN),
            walking: Walking::default(),
        }
    }

    fn turn_to(&mut self, date: Date) {
        if self.date != date {
            self.date = date;
            self.walked = 0.0;
            self.count = None;
            self.base = 0;
        }
    }

    fn counted(&self) -> Option<u32> {
        self.count.map(|count| u32::try_from((i64::from(count).saturating_add(self.base)).max(0)).unwrap_or(u32::MAX))
    }

    /// Takes the phone's own count.
    fn count_to(&mut self, count: u32, t: UnixMs, zone: &TimeZone) {
        let now = super::histogram::civil(t, zone);
        if self.date != now.date() {
            let yesterday = self.count;
            self.turn_to(now.date());
            let seconds = i64::from(now.hour()) * 3_600 + i64::from(now.minute()) * 60 + i64::from(now.second());
            if i64::from(count) > STEPS_PER_SECOND * (seconds + 60) {
                // The phone has not turned to the new day yet: only what came since yesterday's count is today's.
                self.base = -i64::from(yesterday.filter(|&yesterday| yesterday <= count).unwrap_or(count));
            }
        } else if let Some(before) = self.count
            && count < before
        {
            if count > before / 2 {
                return; // a correction or a report out of order: the larger count holds
            }
            self.base = self.base.saturating_add(i64::from(before)); // the phone restarted, or turned to the new day late
        }
        self.count = Some(count);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::FixFields;

    /// 2026-03-02 00:00 UTC.
    const MIDNIGHT: i64 = 1_772_409_600_000;
    const HOUR: i64 = 3_600_000;

    fn counted(t: i64, steps: f64) -> Fix {
        let fields = FixFields { lat: 40.76, lon: -73.97, t, steps: Some(steps), ..FixFields::default() };
        Fix::recorded(&fields, UnixMs(t)).unwrap()
    }

    fn walk(counter: &mut StepCounter, device: u16, from: i64, seconds: i64) {
        for second in 0..seconds {
            let t = from + second * 1_000;
            let lon = -73.97 + second as f64 * 1.4 / (111_195.0 * 40.76_f64.to_radians().cos());
            let fields = FixFields { lat: 40.76, lon, t, acc: Some(4.0), ..FixFields::default() };
            counter.report(&Fix::recorded(&fields, UnixMs(t)).unwrap(), device, &TimeZone::UTC);
        }
    }

    fn today(counter: &StepCounter, t: i64) -> u32 {
        counter.today(UnixMs(t), &TimeZone::UTC)
    }

    fn after(counts: &[(i64, f64)]) -> StepCounter {
        let mut counter = StepCounter::new(DEFAULT_STRIDE_M);
        for &(t, steps) in counts {
            counter.report(&counted(MIDNIGHT + t, steps), 0, &TimeZone::UTC);
        }
        counter
    }

    #[test]
    fn the_phones_own_count_is_the_count() {
        let mut counter = StepCounter::new(DEFAULT_STRIDE_M);
        let date = jiff::civil::date(2026, 3, 2);
        let zone = TimeZone::UTC;
        let change = counter.report(&counted(MIDNIGHT + HOUR, 100.0), 0, &zone);
        assert_eq!(change, StepChange::Counted { date, steps: 100 });
        assert_eq!(counter.report(&counted(MIDNIGHT + HOUR + 1, 100.0), 0, &zone), StepChange::Same);
        assert_eq!(counter.report(&counted(MIDNIGHT + HOUR, 900.0), 0, &zone), StepChange::Same, "late");
        assert_eq!((today(&counter, MIDNIGHT + 2 * HOUR), counter.day(date)), (100, Some(100)));
        assert_eq!(today(&counter, MIDNIGHT + 24 * HOUR), 0);
    }

    #[test]
    fn a_phone_that_restarts_or_corrects_itself_loses_nothing() {
        let restarted = after(&[(8 * HOUR, 5_000.0), (9 * HOUR, 10.0), (10 * HOUR, 300.0)]);
        assert_eq!(today(&restarted, MIDNIGHT + 10 * HOUR), 5_300);
        let corrected = after(&[(8 * HOUR, 5_000.0), (9 * HOUR, 4_990.0), (10 * HOUR, 5_010.0)]);
        assert_eq!(today(&corrected, MIDNIGHT + 10 * HOUR), 5_010);
    }

    #[test]
    fn a_phone_that_turns_to_the_new_day_late_does_not_bring_yesterdays_steps() {
        let late = after(&[(-HOUR, 8_000.0), (30_000, 8_003.0), (60_000, 8_010.0), (300_000, 4.0), (900_000, 54.0)]);
        assert_eq!(today(&late, MIDNIGHT + HOUR), 64);
        assert_eq!(today(&late, MIDNIGHT - 1), 8_000);
        let unknown = after(&[(30_000, 8_003.0), (60_000, 8_010.0)]);
        assert_eq!(today(&unknown, MIDNIGHT + HOUR), 7);
        let in_time = after(&[(-HOUR, 8_000.0), (9 * HOUR, 900.0)]);
        assert_eq!(today(&in_time, MIDNIGHT + 9 * HOUR), 900);
    }

    #[test]
    fn the_day_is_the_persons_own() {
        let new_york = TimeZone::posix("EST5EDT,M3.2.0,M11.1.0").unwrap();
        let mut counter = StepCounter::new(DEFAULT_STRIDE_M);
        counter.report(&counted(MIDNIGHT + 4 * HOUR, 700.0), 0, &new_york);
        assert_eq!(counter.day(jiff::civil::date(2026, 3, 1)), Some(700));
        assert_eq!(counter.today(UnixMs(MIDNIGHT + 5 * HOUR), &new_york), 0);
    }

    #[test]
    fn distance_counts_where_the_phone_does_not_and_a_stride_is_the_persons() {
        let mut counter = StepCounter::new(DEFAULT_STRIDE_M);
        walk(&mut counter, 0, MIDNIGHT + HOUR, 600);
        let plain = f64::from(today(&counter, MIDNIGHT + 2 * HOUR));
        assert!((plain / (600.0 * 1.4 / 0.762) - 1.0).abs() < 0.1, "{plain}");
        let mut tall = StepCounter::new(1.0);
        walk(&mut tall, 0, MIDNIGHT + HOUR, 600);
        assert!((f64::from(today(&tall, MIDNIGHT + 2 * HOUR)) / (plain * 0.762) - 1.0).abs() < 0.01);
        assert_eq!(StepCounter::new(f32::NAN), StepCounter::new(DEFAULT_STRIDE_M));
    }

    #[test]
    fn two_devices_in_one_pocket_are_one_walk() {
        let mut counter = StepCounter::new(DEFAULT_STRIDE_M);
        walk(&mut counter, 0, MIDNIGHT + HOUR, 600);
        let alone = today(&counter, MIDNIGHT + 2 * HOUR);
        walk(&mut counter, 1, MIDNIGHT + HOUR, 600);
        assert_eq!(today(&counter, MIDNIGHT + 2 * HOUR), alone);
        counter.report(&counted(MIDNIGHT + 2 * HOUR, 5_000.0), 2, &TimeZone::UTC);
        counter.report(&counted(MIDNIGHT + 2 * HOUR, 4_000.0), 3, &TimeZone::UTC);
        assert_eq!(today(&counter, MIDNIGHT + 2 * HOUR), 5_000);
        counter.report(&counted(MIDNIGHT + 2 * HOUR, 6_000.0), 4, &TimeZone::UTC);
        assert_eq!((today(&counter, MIDNIGHT + 2 * HOUR), counter.devices.len()), (6_000, DEVICES));
    }

    #[test]
    fn the_newest_days_are_kept_and_survive_as_bytes() {
        let mut counter = StepCounter::new(0.7);
        for day in 0..6 {
            walk(&mut counter, 0, MIDNIGHT + day * 24 * HOUR + HOUR, 120);
            counter.report(&counted(MIDNIGHT + day * 24 * HOUR + 8 * HOUR, 1_000.0 + day as f64), 1, &TimeZone::UTC);
        }
        let dates: Vec<_> = counter.days().map(|(date, steps)| (date.day(), steps)).collect();
        assert_eq!(dates, [(7, 1_005), (6, 1_004), (5, 1_003), (4, 1_002)]);
        let bytes = counter.to_bytes();
        let mut back = StepCounter::from_bytes(&bytes).unwrap();
        assert_eq!(back.to_bytes(), bytes);
        assert!(bytes.len() < 128, "{}", bytes.len());
        let t = MIDNIGHT + 5 * 24 * HOUR + 8 * HOUR;
        assert_eq!(back.report(&counted(t, 9_000.0), 1, &TimeZone::UTC), StepChange::Same, "known before the restart");
        assert_eq!(today(&back, t), 1_005);
    }

    proptest! {
        #[test]
        fn damaged_bytes_are_refused_or_read_but_never_fatal(damage in proptest::collection::vec(any::<u8>(), 0..80)) {
            let bytes = [&[FORMAT], damage.as_slice()].concat();
            if let Some(mut counter) = StepCounter::from_bytes(&bytes) {
                counter.report(&counted(MIDNIGHT, 5.0), 0, &TimeZone::UTC);
            }
        }
    }

    #[test]
    fn a_person_takes_little_memory() {
        assert!(size_of::<Device>() + size_of::<StepCounter>() <= 320);
    }
}
