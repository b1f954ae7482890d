//! The state of one person, apart from connections: what is loaded, changed and kept.
use jiff::tz::TimeZone;

use crate::activity::steps::{StepChange, StepCounter};
use crate::activity::track::{Accepted, Track};
use crate::domain::{Availability, DeviceName, Fix, UnixMs};
use crate::spatial::world::Live;
use crate::store::rows::{Account, DeviceRow, LiveRow, StepsRow};

/// How many devices of a person are remembered; beyond it the one silent for longest makes room.
const DEVICES: usize = 32;

/// A person.
pub struct Person {
    /// The account.
    pub account: Account,
    /// The person's time zone: whose midnight ends their day of steps.
    pub zone: TimeZone,
    /// What was set by hand, as it was set.
    pub availability: Availability,
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
        let zone = account.time_zone.as_deref().and_then(|name| TimeZone::get(name).ok());
        let stride_m = account.stride_m;
        let fresh = || StepCounter::new(stride_m);
        let row = row.unwrap_or_else(|| LiveRow::empty(account.no));
        Self {
            zone: zone.unwrap_or_else(|| default_zone.clone()),
            availability: row.availability,
            changed_by_hand: row.changed_by_hand,
            track: row.track,
            steps: StepCounter::from_bytes(&row.steps).unwrap_or_else(fresh),
            devices: row.devices,
            last_seen: row.last_seen,
            account,
        }
    }

    /// The row that keeps this state.
    #[must_use]
    pub fn row(&self) -> LiveRow {
        LiveRow {
            no: self.account.no,
            availability: self.availability.clone(),
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

    /// Takes a fix in.
    pub fn report(&mut self, fix: &Fix, device: u16, now: UnixMs) -> Reported {
        self.last_seen = now;
        let accepted = self.track.accept(*fix);
        if let Some(row) = self.devices.get_mut(usize::from(device)) {
            row.last_t = row.last_t.max(fix.t);
        }
        if matches!(accepted, Accepted::Duplicate) {
            return Reported { live: None, steps_changed: false, changed: false, astray: false };
        }
        // Late, doubtful and impossible fixes say nothing about walking.
        let walks = matches!(accepted, Accepted::Live | Accepted::Coarse);
        let steps_changed = walks && self.steps.report(fix, device, &self.zone) != StepChange::Same;
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
        self.steps.today(now, &self.zone)
    }

    /// Today, in the person's time zone.
    #[must_use]
    pub fn today(&self, now: UnixMs) -> jiff::civil::Date {
        crate::activity::histogram::hour_of(now, &self.zone).date
    }

    /// The days of steps worth keeping: today's and yesterday's.
    #[must_use]
    pub fn step_days(&self, now: UnixMs) -> Vec<StepsRow> {
        let today = self.today(now);
        let days = [Some(today), today.yesterday().ok()];
        let row = |date| Some(StepsRow { no: self.account.no, date, steps: self.steps.day(date)? });
        days.into_iter().flatten().filter_map(row).collect()
    }
}

/// The live position that a fix gives.
#[must_use]
pub fn live_of(fix: &Fix) -> Live {
    Live { position: fix.position, t: fix.t, accuracy: fix.accuracy, speed: fix.speed, heading: fix.heading }
}
