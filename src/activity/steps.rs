//! Steps of a day: a device's own count where there is one, else metres on foot over the length of a step.
//!
//! What is kept is not days but quarters of an hour ([`slots`]), by device, and for which time each device has been heard
//! ([`spans`]). Days are sums over them in the person's time zone. So a late fix or count corrects the day to which it belongs, and
//! a new zone neither loses nor doubles a step.
//!
//! Of several devices, where one counted itself its count holds; otherwise, quarter by quarter, the larger.
mod bytes;
mod counted;
mod moving;
mod room;
mod slots;
mod spans;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use self::bytes::Former;
use self::counted::{Bounds, Counted};
use self::moving::{Changed, Moving, seconds};
use self::slots::{PARTS, SLOT_S, Slot, Slots};
use super::histogram::{civil, start_of_day};
use crate::domain::{Fix, UnixMs};

/// The length of a step where a person gave none, metres (PROTOCOL.md, section 2).
pub const DEFAULT_STRIDE_M: f32 = 0.762;
/// How many devices of one person are followed; the one silent for longest makes room.
pub const DEVICES: usize = 4;
/// For how long late reports still correct a day, seconds: they may be 7 days old, and the day in which they lie must be there as a whole.
const WINDOW_S: u32 = 9 * 86_400;
/// How many days are listed at most, if they were never asked for to be kept: of somebody who hides for long.
const DAYS: usize = 64;
/// A device that itself walked this many times as far as the others counted, and ...
const LEFT_BEHIND: (u32, u32) = (3, 2);
/// ... this many steps more, was carried while they were not.
const LEFT_BEHIND_STEPS: u32 = 1_000;

/// A day of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Day {
    date: Date,
    steps: u32,
    /// Steps that stand in no slot: counted by an older version.
    before: u32,
    /// Unchanged since [`StepCounter::days_to_keep`].
    kept: bool,
}

/// What one device says.
#[derive(Clone, Debug, Default, PartialEq)]
struct Device {
    index: u16,
    counted: Counted,
    moving: Moving,
}

/// One person's steps, over all their devices.
#[derive(Clone, Debug, PartialEq)]
pub struct StepCounter {
    stride_m: f32,
    zone: TimeZone,
    /// Newest first.
    days: Vec<Day>,
    devices: Vec<Device>,
    /// Of devices that made room.
    others: Slots,
    /// The day that was looked at last.
    looked_at: Option<(Date, Bounds)>,
    /// The zone by which the days were summed up, as it was read back.
    stored_zone: Option<u32>,
    /// Devices as an older version kept them, until the zone is known.
    former: Vec<Former>,
}

impl Default for StepCounter {
    fn default() -> Self {
        Self::new(DEFAULT_STRIDE_M)
    }
}

impl StepCounter {
    /// A counter for steps of `stride_m` metres, with days by UTC; a stride outside 0.2 to 2 m becomes the default.
    #[must_use]
    pub fn new(stride_m: f32) -> Self {
        let mut counter = Self {
            stride_m: DEFAULT_STRIDE_M,
            zone: TimeZone::UTC,
            days: Vec::new(),
            devices: Vec::new(),
            others: Slots::default(),
            looked_at: None,
            stored_zone: None,
            former: Vec::new(),
        };
        counter.set_stride(stride_m);
        counter
    }

    /// Changes the length of a step, metres, from now on; outside 0.2 to 2 m it becomes the default.
    pub fn set_stride(&mut self, stride_m: f32) {
        self.stride_m = if (0.2..=2.0).contains(&stride_m) { stride_m } else { DEFAULT_STRIDE_M };
    }

    /// Sets the zone whose midnights divide the days, also those of the last week. True when a day's count is another because of
    /// that.
    pub fn set_zone(&mut self, zone: &TimeZone) -> bool {
        let before = self.stored_zone.take().unwrap_or_else(|| bytes::zone_number(&self.zone));
        self.zone = zone.clone();
        self.looked_at = None;
        self.take_over_former();
        if before == bytes::zone_number(zone) {
            return false;
        }
        for device in &mut self.devices {
            device.counted.move_zone();
        }
        let Some((_, newest)) = self.slot_range() else { return false };
        // What lies before the window is as it was: of the first day in it a part may be forgotten.
        let known_from = newest.saturating_sub(WINDOW_S / SLOT_S - 96);
        let mut dates: Vec<Date> = self.days.iter().map(|day| day.date).collect();
        let (mut date, last) = (self.date_of(known_from * SLOT_S), self.date_of(newest * SLOT_S));
        while date <= last {
            dates.push(date);
            let Ok(next) = date.tomorrow() else { break };
            date = next;
        }
        dates.retain(|date| self.bounds(*date).to > known_from * SLOT_S);
        let changed = dates.into_iter().filter(|date| self.recount(*date)).count();
        changed > 0
    }

    /// Takes a fix of one device, in whatever order they come. True when a day's count changed.
    pub fn report(&mut self, fix: &Fix, device: u16) -> bool {
        let stride_m = self.stride_m;
        // Nearly every fix is a newer one of a known device, and only waits to be averaged with others.
        if fix.steps.is_none()
            && let Some(known) = self.devices.iter_mut().find(|known| known.index == device)
            && fix.t.0 > known.moving.newest()
        {
            let changed = known.moving.report(fix, stride_m);
            return changed.is_some() && self.changed(changed);
        }
        let Some(at) = self.device(device) else { return false };
        let Some(steps) = fix.steps else {
            let is_late = self.devices.get(at).is_some_and(|device| fix.t.0 <= device.moving.newest());
            if is_late && self.is_too_old(fix.t) {
                return false;
            }
            let changed = self.devices.get_mut(at).and_then(|device| device.moving.report(fix, stride_m));
            return changed.is_some() && self.changed(changed);
        };
        if self.is_too_old(fix.t) {
            return false;
        }
        let t = seconds(fix.t.0);
        let day = self.bounds(self.date_of(t));
        let device = self.devices.get_mut(at);
        let changed = device.is_some_and(|device| device.counted.day_so_far(t, steps, day));
        changed && self.changed(Some((day.from, t)))
    }

    /// Takes steps that one device counted itself from `from` to `to`. A span that it has told of before adds nothing; more than 4 steps a
    /// second are not believed. True when a day's count changed.
    pub fn count(&mut self, device: u16, from: UnixMs, to: UnixMs, steps: u32) -> bool {
        if self.is_too_old(from) {
            return false;
        }
        let Some(at) = self.device(device) else { return false };
        let (from, to) = (seconds(from.0), seconds(to.0));
        // What no window holds is no walk.
        if to.saturating_sub(from) > WINDOW_S {
            return false;
        }
        let changed = self.devices.get_mut(at).is_some_and(|device| device.counted.span(from, to, steps));
        changed && self.changed(Some((from, to)))
    }

    /// The steps of the day that `now` lies in.
    #[must_use]
    pub fn today(&self, now: UnixMs) -> u32 {
        self.day(civil(now, &self.zone).date()).unwrap_or(0)
    }

    /// The steps of a day; `None` when nothing was counted then or it is too long ago (the newest nine days are kept).
    #[must_use]
    pub fn day(&self, date: Date) -> Option<u32> {
        self.days.iter().find(|day| day.date == date).map(|day| day.steps)
    }

    /// The days listed, newest first.
    pub fn days(&self) -> impl Iterator<Item = (Date, u32)> + '_ {
        self.days.iter().map(|day| (day.date, day.steps))
    }

    /// The days that changed since this was called last.
    pub fn days_to_keep(&mut self) -> impl Iterator<Item = (Date, u32)> + '_ {
        let changed = self.days.iter_mut().filter(|day| !day.kept);
        changed.map(|day| {
            day.kept = true;
            (day.date, day.steps)
        })
    }

    /// True for what is so old that the day in which it lies is not known as a whole any more.
    fn is_too_old(&self, t: UnixMs) -> bool {
        self.slot_range().is_some_and(|(_, newest)| seconds(t.0) / SLOT_S + (WINDOW_S / SLOT_S - 96) < newest)
    }

    /// The oldest and the newest slot.
    fn slot_range(&self) -> Option<(u32, u32)> {
        let of = |slots: &Slots| Some((slots.all().first()?.at, slots.all().last()?.at));
        let devices = self.devices.iter().flat_map(|device| [&device.counted.slots, &device.moving.slots]);
        let ranges = devices.chain([&self.others]).filter_map(of);
        ranges.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    }

    fn device(&mut self, index: u16) -> Option<usize> {
        if let Some(at) = self.devices.iter().position(|device| device.index == index) {
            return Some(at);
        }
        if self.devices.len() >= DEVICES {
            let oldest = self.devices.iter().enumerate().min_by_key(|(_, device)| device.newest());
            let gone = oldest.map(|(at, _)| at).map(|at| self.devices.swap_remove(at))?;
            gone.slots(0, u32::MAX).for_each(|slot| self.others.raise(slot));
        }
        self.devices.reserve_exact(1);
        self.devices.push(Device { index, ..Device::default() });
        Some(self.devices.len() - 1)
    }

    /// Sums up the days of a span anew. True when one is another now.
    fn changed(&mut self, changed: Changed) -> bool {
        let Some((from, to)) = changed else { return false };
        let (mut date, last) = (self.date_of(from), self.date_of(to));
        let mut other = self.recount(date);
        while date < last {
            let Ok(next) = date.tomorrow() else { break };
            date = next;
            other |= self.recount(date);
        }
        other
    }

    fn recount(&mut self, date: Date) -> bool {
        let bounds = self.bounds(date);
        let steps = self.sum(bounds.from.div_ceil(SLOT_S), bounds.to.div_ceil(SLOT_S));
        if let Some(day) = self.days.iter_mut().find(|day| day.date == date) {
            let steps = steps.saturating_add(day.before);
            let other = steps != day.steps;
            (day.steps, day.kept) = (steps, day.kept && !other);
            return other;
        }
        if steps == 0 {
            return false;
        }
        let at = self.days.iter().position(|day| day.date < date).unwrap_or(self.days.len());
        self.days.reserve_exact(1);
        self.days.insert(at, Day { date, steps, before: 0, kept: false });
        self.forget();
        true
    }

    /// Forgets what no report can correct any more.
    fn forget(&mut self) {
        let Some((_, newest)) = self.slot_range() else { return };
        let oldest = newest.saturating_sub(WINDOW_S / SLOT_S);
        for device in &mut self.devices {
            device.counted.forget_before(oldest);
            device.moving.forget_before(oldest, oldest * SLOT_S);
        }
        self.others.forget_before(oldest);
        let first = self.date_of(oldest * SLOT_S);
        self.days.retain(|day| day.date >= first || !day.kept);
        self.days.truncate(DAYS);
    }

    /// The steps of some slots over all devices.
    fn sum(&self, from: u32, to: u32) -> u32 {
        if let [device] = self.devices.as_slice()
            && device.counted.spans.all().is_empty()
            && self.others.all().is_empty()
        {
            return device.moving.slots.sum(from, to) / PARTS;
        }
        let alone = |device: &Device| device.slots(from, to).fold(0_u32, |sum, slot| sum.saturating_add(slot.parts));
        let mut devices: Vec<(u32, &Device)> = self.devices.iter().map(|device| (alone(device), device)).collect();
        devices.sort_by_key(|(parts, _)| std::cmp::Reverse(*parts));
        let all = devices.iter().flat_map(|(_, device)| device.slots(from, to));
        let mut slots: Vec<u32> = all.chain(self.others.within(from, to).iter().copied()).map(|slot| slot.at).collect();
        slots.sort_unstable();
        slots.dedup();
        let value = |at: &u32| {
            let counts = devices.iter().find(|(_, device)| device.counted.covers(*at));
            counts.map_or_else(
                || devices.iter().map(|(_, device)| device.at(*at)).max().unwrap_or(0).max(self.others.at(*at)),
                |(_, device)| device.counted.slots.at(*at),
            )
        };
        let together = slots.iter().fold(0_u32, |sum, at| sum.saturating_add(value(at))) / PARTS;
        // Whoever carried a device took the steps that it saw: a phone that counts may have been left at home.
        let alone = devices.first().map_or(0, |(parts, _)| parts / PARTS);
        let (times, over) = LEFT_BEHIND;
        let left_behind = u64::from(alone) * u64::from(over) > u64::from(together) * u64::from(times);
        if left_behind && alone > together.saturating_add(LEFT_BEHIND_STEPS) { alone } else { together }
    }

    fn date_of(&self, t: u32) -> Date {
        match self.looked_at {
            Some((date, bounds)) if (bounds.from..bounds.to).contains(&t) => date,
            _ => civil(UnixMs(i64::from(t) * 1_000), &self.zone).date(),
        }
    }

    fn bounds(&mut self, date: Date) -> Bounds {
        if let Some((_, bounds)) = self.looked_at.filter(|(looked_at, _)| *looked_at == date) {
            return bounds;
        }
        let start = |date: Date| seconds(start_of_day(date, &self.zone).0);
        let bounds = Bounds { from: start(date), to: date.tomorrow().map_or(u32::MAX, start) };
        self.looked_at = Some((date, bounds));
        bounds
    }

    /// Takes over what an older version kept: the newest day of each device, spread over the time in which it was counted.
    fn take_over_former(&mut self) {
        for former in std::mem::take(&mut self.former) {
            let day = self.bounds(former.date);
            if let Some(at) = self.device(former.index)
                && let Some(device) = self.devices.get_mut(at)
                && (day.from..day.to).contains(&former.newest)
            {
                former.hand_over(day, &mut device.counted, &mut device.moving);
            }
        }
        for at in 0..self.days.len() {
            let Some(date) = self.days.get(at).map(|day| day.date) else { break };
            let bounds = self.bounds(date);
            let known = self.sum(bounds.from.div_ceil(SLOT_S), bounds.to.div_ceil(SLOT_S));
            if let Some(day) = self.days.get_mut(at).filter(|day| day.before == u32::MAX) {
                day.before = day.steps.saturating_sub(known);
            }
        }
    }
}

impl Device {
    /// When it was heard last, Unix milliseconds.
    fn newest(&self) -> i64 {
        let counted = self.counted.spans.all().last().map_or(i64::MIN, |span| i64::from(span.to) * 1_000);
        let known = self.moving.known_time().all().last().map_or(i64::MIN, |span| i64::from(span.to) * 1_000);
        counted.max(known)
    }

    /// The parts of a slot by this device alone.
    fn at(&self, at: u32) -> u32 {
        let counted = self.counted.slots.at(at);
        if self.counted.covers(at) { counted } else { counted.max(self.moving.slots.at(at)) }
    }

    /// The slots in which it counted or moved, each once.
    fn slots(&self, from: u32, to: u32) -> impl Iterator<Item = Slot> + '_ {
        let (counted, moving) = (&self.counted.slots, &self.moving.slots);
        let only_moved = moving.within(from, to).iter().filter(|slot| counted.at(slot.at) == 0);
        let slots = counted.within(from, to).iter().chain(only_moved);
        slots.map(|slot| Slot { at: slot.at, parts: self.at(slot.at) })
    }
}

#[cfg(test)]
#[path = "steps/tests.rs"]
mod tests;
