//! Everybody's steps today, kept up to date as they walk.
use jiff::civil::Date;
use jiff::tz::TimeZone;
use parking_lot::Mutex;

use crate::activity::histogram::hour_of;
use crate::domain::UnixMs;

/// The sum over all people of the node's day.
#[derive(Debug, Default)]
pub struct StepsToday(Mutex<Option<(Date, u64)>>);

impl StepsToday {
    /// Adds steps (or takes corrected ones away).
    pub fn add(&self, steps: i64, now: UnixMs, zone: &TimeZone) {
        let today = hour_of(now, zone).date;
        let mut held = self.0.lock();
        let before = held.filter(|(date, _)| *date == today).map_or(0, |(_, steps)| steps);
        *held = Some((today, before.saturating_add_signed(steps)));
    }

    /// The sum.
    #[must_use]
    pub fn get(&self, now: UnixMs, zone: &TimeZone) -> u64 {
        let today = hour_of(now, zone).date;
        self.0.lock().filter(|(date, _)| *date == today).map_or(0, |(_, steps)| steps)
    }
}
