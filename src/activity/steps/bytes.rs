//! A step counter as bytes for a store: counts and times, never a place.
//!
//! Format 2: numbers are LEB128, times and slots as differences from the one before. Format 1 kept the newest day of each device; it
//! is read, and not written any more.
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::counted::{Bounds, Count, Counted};
use super::moving::Moving;
use super::slots::{PARTS, Slot, Slots};
use super::spans::{SPANS, Span, Spans};
use super::{DAYS, DEVICES, Day, Device, StepCounter};

const FORMAT_1: u8 = 1;
const FORMAT: u8 = 2;
/// More slots than two windows have are no counter.
const SLOTS: u32 = 2_000;
const HAS_COUNT: u32 = 1;
const MOVED: u32 = 2;

/// One device's day as format 1 has it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Former {
    pub index: u16,
    pub date: Date,
    walked: f32,
    count: Option<u32>,
    base: i64,
    /// Seconds since 1970.
    pub newest: u32,
}

impl Former {
    /// Spreads what was counted over the day so far.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a day's steps are few and positive")]
    pub fn hand_over(&self, day: Bounds, counted: &mut Counted, moving: &mut Moving) {
        if let Some(steps) = self.count {
            let so_far = i64::from(steps).saturating_add(self.base).max(0);
            counted.span(day.from, self.newest.max(day.from + 1), u32::try_from(so_far).unwrap_or(0));
            counted.newest = Some(Count { t: self.newest, steps, base: self.base, moved: false });
        }
        let mut slots = Slots::default();
        slots.add(day.from, self.newest, self.walked as u32 * PARTS);
        let mut spans = Spans::default();
        spans.insert(day.from, self.newest);
        *moving = Moving::remembered(slots, spans);
    }
}

/// A number for a time zone, the same on every machine: to notice that the days were summed up by another one. Never 0.
pub(super) fn zone_number(zone: &TimeZone) -> u32 {
    // FNV-1a.
    let hash = |bytes: &[u8]| {
        bytes.iter().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
    };
    let number = zone.iana_name().map_or_else(|| hash(format!("{zone:?}").as_bytes()), |name| hash(name.as_bytes()));
    number.max(1)
}

impl StepCounter {
    /// The counter as bytes for a store. What was walked since the last sample judged is not in them.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let slots: usize = self.devices.iter().map(|d| d.counted.slots.all().len() + d.moving.slots.all().len()).sum();
        let mut out = Vec::with_capacity(16 + 12 * self.days.len() + 40 * self.devices.len() + 4 * slots);
        out.push(FORMAT);
        out.extend(self.stride_m.to_le_bytes());
        out.extend(self.stored_zone.unwrap_or_else(|| zone_number(&self.zone)).to_le_bytes());
        let mut write = Writer(out);
        write.count(self.days.len());
        for day in &self.days {
            write.number(number_of(day.date));
            write.number(day.steps);
            write.number(day.before);
            write.number(u32::from(day.kept));
        }
        write.slots(&self.others);
        write.count(self.devices.len());
        for device in &self.devices {
            write.number(device.index.into());
            let newest = device.counted.newest;
            let moved = newest.is_some_and(|newest| newest.moved);
            write.number(u32::from(newest.is_some()) * HAS_COUNT + u32::from(moved) * MOVED);
            if let Some(Count { t, steps, base, .. }) = newest {
                write.number(t);
                write.number(steps);
                write.0.extend(base.to_le_bytes());
            }
            write.spans(&device.counted.spans);
            write.slots(&device.counted.slots);
            write.spans(&device.moving.known_time());
            write.slots(&device.moving.slots);
        }
        write.0
    }

    /// A counter from [`StepCounter::to_bytes`]; `None` when they are of a newer version or damaged. Its days are at hand at once; before
    /// it counts on it must be told the zone.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut read = Reader(bytes);
        let [format] = read.take()?;
        let mut counter = Self::new(f32::from_le_bytes(read.take()?));
        match format {
            FORMAT_1 => counter.read_format_1(&mut read)?,
            FORMAT => counter.read(&mut read)?,
            _ => return None,
        }
        let newest_first = counter.days.is_sorted_by(|a, b| a.date > b.date);
        let sound = read.0.is_empty() && newest_first && counter.days.len() <= DAYS && counter.devices.len() <= DEVICES;
        (sound && counter.former.len() <= DEVICES).then_some(counter)
    }

    fn read(&mut self, read: &mut Reader<'_>) -> Option<()> {
        self.stored_zone = Some(u32::from_le_bytes(read.take()?));
        for _ in 0..read.number()? {
            let date = date_of(read.number()?)?;
            let (steps, before) = (read.number()?, read.number()?);
            self.days.push(Day { date, steps, before, kept: read.number()? != 0 });
        }
        self.others = read.slots()?;
        for _ in 0..read.number()? {
            let index = u16::try_from(read.number()?).ok()?;
            let flags = read.number()?;
            let mut counted = Counted::default();
            if flags & HAS_COUNT != 0 {
                let (t, steps) = (read.number()?, read.number()?);
                let base = i64::from_le_bytes(read.take()?);
                counted.newest = Some(Count { t, steps, base, moved: flags & MOVED != 0 });
            }
            counted.spans = read.spans()?;
            counted.slots = read.slots()?;
            let known = read.spans()?;
            self.devices.push(Device { index, counted, moving: Moving::remembered(read.slots()?, known) });
        }
        Some(())
    }

    fn read_format_1(&mut self, read: &mut Reader<'_>) -> Option<()> {
        let [days] = read.take()?;
        for _ in 0..days {
            let date = date_of(u32::from_le_bytes(read.take()?))?;
            // How many of these stand in slots is known once the devices are taken over.
            self.days.push(Day { date, steps: u32::from_le_bytes(read.take()?), before: u32::MAX, kept: false });
        }
        let [devices] = read.take()?;
        for _ in 0..devices {
            let index = u16::from_le_bytes(read.take()?);
            let date = date_of(u32::from_le_bytes(read.take()?));
            let walked = Some(f32::from_le_bytes(read.take()?)).filter(|walked| (0.0..1e6).contains(walked))?;
            let [has_count] = read.take()?;
            let count = u32::from_le_bytes(read.take()?);
            let base = i64::from_le_bytes(read.take()?);
            let newest = super::moving::seconds(i64::from_le_bytes(read.take()?));
            let count = (has_count == 1).then_some(count);
            // A device that never counted has no day.
            self.former.extend(date.map(|date| Former { index, date, walked, count, base, newest }));
        }
        Some(())
    }
}

/// A day as year × 512 + month × 32 + day: in order, and the same in every time zone.
fn number_of(date: Date) -> u32 {
    let number = i32::from(date.year()) * 512 + i32::from(date.month()) * 32 + i32::from(date.day());
    u32::try_from(number).unwrap_or(0)
}

fn date_of(number: u32) -> Option<Date> {
    let part = |value: u32| i8::try_from(value).ok();
    let year = i16::try_from(number / 512).ok()?;
    Date::new(year, part(number % 512 / 32)?, part(number % 32)?).ok()
}

struct Writer(Vec<u8>);

impl Writer {
    fn number(&mut self, mut number: u32) {
        while number >= 0x80 {
            let [low, ..] = number.to_le_bytes();
            self.0.push(low | 0x80);
            number >>= 7;
        }
        let [low, ..] = number.to_le_bytes();
        self.0.push(low);
    }

    fn count(&mut self, count: usize) {
        self.number(u32::try_from(count).unwrap_or(0));
    }

    fn slots(&mut self, slots: &Slots) {
        self.count(slots.all().len());
        slots.all().iter().fold(0, |before, slot| {
            self.number(slot.at - before);
            self.number(slot.parts);
            slot.at
        });
    }

    fn spans(&mut self, spans: &Spans) {
        self.count(spans.all().len());
        spans.all().iter().fold(0, |before, span| {
            self.number(span.from - before);
            self.number(span.to - span.from);
            span.to
        });
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, tail) = self.0.split_first_chunk()?;
        self.0 = tail;
        Some(*head)
    }

    fn number(&mut self) -> Option<u32> {
        let mut number = 0_u64;
        for shift in [0, 7, 14, 21, 28] {
            let [byte] = self.take()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return u32::try_from(number).ok();
            }
        }
        None
    }

    fn slots(&mut self) -> Option<Slots> {
        let (mut at, mut slots) = (0_u32, Vec::new());
        for _ in 0..Some(self.number()?).filter(|count| *count <= SLOTS)? {
            at = at.checked_add(self.number()?)?;
            slots.push(Slot { at, parts: self.number()? });
        }
        // The last second of all, and no slot lies behind it.
        (at <= u32::MAX / super::SLOT_S).then(|| Slots::from_sorted(slots))?
    }

    fn spans(&mut self) -> Option<Spans> {
        let (mut to, mut spans) = (0_u32, Vec::new());
        for _ in 0..usize::try_from(self.number()?).ok().filter(|count| *count <= SPANS)? {
            let from = to.checked_add(self.number()?)?;
            to = from.checked_add(self.number()?)?;
            spans.push(Span { from, to });
        }
        Spans::from_sorted(spans)
    }
}
