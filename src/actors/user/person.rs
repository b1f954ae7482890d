//! The state of one person, apart from connections: what is loaded, changed and kept.
use jiff::tz::TimeZone;

use crate::activity::steps::StepCounter;
use crate::activity::track::{Accepted, Track};
use crate::domain::fix::{FUTURE_MS, OLDEST_MS};
use crate::domain::{Availability, DeviceName, Fix, UnixMs};
use crate::spatial::world::Live;
use crate::store::rows::{Account, DeviceRow, LiveRow, StepsRow};

/// How many devices of a person are remembered; beyond it the one silent for longest makes room.
const DEVICES: usize = 32;
/// How long ago a span of steps may have begun, milliseconds: a day's that ended as long ago as a fix may be old.
const OLDEST_STEPS_MS: i64 = OLDEST_MS + 24 * 3_600_000;

/// A person.
pub struct Person {
    /// The account.
    pub account: Account,
    /// The person's time zone: whose midnight ends their day of steps.
    pub zone: TimeZone,
    /// What was set by hand, as it was set; `None`: nothing.
    pub hand: Option<Availability>,
    /// When that was.
    pub changed_by_hand: UnixMs,
    track: Track,
    steps: StepCounter,
    devices: Vec<DeviceRow>,
    last_seen: UnixMs,
}

/// What a fix did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reported {
    /// The new live position, if it moved the person.
    pub live: Option<Live>,
    /// Whether the day's steps changed.
    pub steps_changed: bool,
    /// Whether anything changed that must be kept.
    pub changed: bool,
    /// Newest, and yet no live position: too coarse, or a jump.
    pub astray: bool,
}

impl Person {
    /// A person as the store knows them.
    #[must_use]
    pub fn load(account: Account, row: Option<LiveRow>, default_zone: &TimeZone) -> Self {
        let zone = zone_of(&account, default_zone);
        let row = row.unwrap_or_else(|| LiveRow::empty(account.no));
        let mut steps = StepCounter::from_bytes(&row.steps).unwrap_or_default();
        steps.set_stride(account.stride_m);
        steps.set_zone(&zone);
        Self {
            zone,
            hand: row.hand,
            changed_by_hand: row.changed_by_hand,
            track: row.track,
            steps,
            devices: row.devices,
            last_seen: row.last_seen,
            account,
        }
    }

    /// Takes over what changed of the account. True when the days' steps are others because of it.
    pub fn review(&mut self, account: Account, default_zone: &TimeZone) -> bool {
        self.zone = zone_of(&account, default_zone);
        self.steps.set_stride(account.stride_m);
        self.account = account;
        self.steps.set_zone(&self.zone)
    }

    /// The row that keeps this state.
    #[must_use]
    pub fn row(&self) -> LiveRow {
        LiveRow {
            no: self.account.no,
            hand: self.hand.clone(),
            track: self.track.clone(),
            steps: self.steps.to_bytes(),
            devices: self.devices.clone(),
            last_seen: self.last_seen,
            changed_by_hand: self.changed_by_hand,
        }
    }

    /// The index of a device, remembered from now on.
    pub fn device(&mut self, name: &DeviceName) -> u16 {
        let known = self.devices.iter().position(|device| device.name == *name);
        let index = known.unwrap_or_else(|| {
            let fresh = DeviceRow { name: name.clone(), last_seq: 0, last_t: UnixMs(0) };
            if self.devices.len() < DEVICES {
                self.devices.push(fresh);
                return self.devices.len() - 1;
            }
            let oldest = self.devices.iter().enumerate().min_by_key(|(_, device)| device.last_t);
            let index = oldest.map_or(0, |(index, _)| index);
            if let Some(place) = self.devices.get_mut(index) {
                *place = fresh;
            }
            index
        });
        u16::try_from(index).unwrap_or(0)
    }

    /// The newest decided number of a device.
    #[must_use]
    pub fn last_seq(&self, device: u16) -> u64 {
        self.devices.get(usize::from(device)).map_or(0, |device| device.last_seq)
    }

    /// Remembers that everything up to `seq` of a device is decided.
    pub fn decided(&mut self, device: u16, seq: u64) {
        if let Some(device) = self.devices.get_mut(usize::from(device)) {
            device.last_seq = device.last_seq.max(seq);
        }
    }

    /// The time of the newest fix of any device.
    #[must_use]
    pub fn newest(&self) -> Option<UnixMs> {
        self.track.newest.as_ref().map(|fix| fix.t)
    }

    /// The time of the newest fix of a device; 0 when it has sent none.
    #[must_use]
    pub fn last_t(&self, device: u16) -> UnixMs {
        self.devices.get(usize::from(device)).map_or(UnixMs(0), |device| device.last_t)
    }

    /// Takes in where a phone is that still has older fixes to send: it moves the person, and says nothing of how they walked.
    pub fn report_present(&mut self, fix: &Fix, device: u16, now: UnixMs) -> Reported {
        self.last_seen = now;
        let accepted = self.track.accept(*fix);
        if let Some(row) = self.devices.get_mut(usize::from(device)) {
            row.last_t = row.last_t.max(fix.t);
        }
        let live = (accepted == Accepted::Live).then(|| live_of(fix));
        let astray = matches!(accepted, Accepted::Coarse | Accepted::Suspect);
        Reported { live, steps_changed: false, changed: accepted != Accepted::Duplicate, astray }
    }

    /// Takes a fix in.
    pub fn report(&mut self, fix: &Fix, device: u16, now: UnixMs) -> Reported {
        self.last_seen = now;
        let accepted = self.track.accept(*fix);
        if let Some(row) = self.devices.get_mut(usize::from(device)) {
            row.last_t = row.last_t.max(fix.t);
        }
        // Late, doubtful and repeated fixes are late or doubtful for one of several devices only: steps judge by device.
        let counts = accepted != Accepted::NullIsland || fix.steps.is_some();
        let steps_changed = counts && self.steps.report(fix, device);
        if accepted == Accepted::Duplicate && !steps_changed {
            return Reported { live: None, steps_changed, changed: false, astray: false };
        }
        let live = (accepted == Accepted::Live).then(|| live_of(fix));
        let astray = matches!(accepted, Accepted::Coarse | Accepted::Suspect);
        Reported { live, steps_changed, changed: true, astray }
    }

    /// The device whose fix is the newest, if any ever came.
    #[must_use]
    pub fn last_reporter(&self) -> Option<u16> {
        let reported = self.devices.iter().enumerate().filter(|(_, device)| device.last_t.0 > 0);
        u16::try_from(reported.max_by_key(|(_, device)| device.last_t)?.0).ok()
    }

    /// Forgets positions reported before `before`. True when there were any.
    pub fn forget_positions(&mut self, before: UnixMs) -> bool {
        self.track.forget_before(before)
    }

    /// Today's steps.
    #[must_use]
    pub fn steps_today(&self, now: UnixMs) -> u32 {
        self.steps.today(now)
    }

    /// Today, in the person's time zone.
    #[must_use]
    pub fn today(&self, now: UnixMs) -> jiff::civil::Date {
        crate::activity::histogram::hour_of(now, &self.zone).date
    }

    /// Takes steps that a device counted itself. True when a day's steps changed.
    pub fn report_steps(&mut self, device: u16, from: UnixMs, to: UnixMs, steps: u32, now: UnixMs) -> bool {
        self.last_seen = now;
        let recent = now - OLDEST_STEPS_MS <= from && to <= now + FUTURE_MS;
        recent && self.steps.count(device, from, to, steps)
    }

    /// The newest days of steps, newest first.
    #[must_use]
    pub fn days_of_steps(&self) -> Vec<(jiff::civil::Date, u32)> {
        self.steps.days().collect()
    }

    /// The days of steps that changed since they were last asked for here.
    pub fn step_days(&mut self) -> Vec<StepsRow> {
        let no = self.account.no;
        self.steps.days_to_keep().map(|(date, steps)| StepsRow { no, date, steps }).collect()
    }
}

fn zone_of(account: &Account, default_zone: &TimeZone) -> TimeZone {
    let own = account.time_zone.as_deref().and_then(|name| TimeZone::get(name).ok());
    own.unwrap_or_else(|| default_zone.clone())
}

/// The live position that a fix gives.
#[must_use]
pub fn live_of(fix: &Fix) -> Live {
    Live { position: fix.position, t: fix.t, accuracy: fix.accuracy, speed: fix.speed, heading: fix.heading }
}
