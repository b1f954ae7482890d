//! Where the hourly sets are kept. The contract of a sink, and the embedded store as the one that is always there.
use std::sync::Arc;

use jiff::civil::Date;
use thiserror::Error;

use super::embedded::{Durability, Embedded, WriteBatch};
use super::error::StoreError;
use super::rows::{HourRow, MarkRow, Row};
use crate::activity::histogram::{HourKey, HourOfDay, Presence, UserSet};

/// Why a sink cannot be written now. Whether anything arrived is unknown: write the same again.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SinkError {
    /// The sink takes nothing now.
    #[error("{0}")]
    Away(String),
    /// The sink refused some of the sets, and took the others.
    #[error("{0}")]
    Refused(String),
}

impl From<StoreError> for SinkError {
    fn from(error: StoreError) -> Self {
        Self::Away(error.to_string())
    }
}

/// Whether a sink still has what it has confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// All of it.
    Everything,
    /// Perhaps not: every set must be written again.
    Unknown,
}

/// A place for hourly sets. Writes are absolute (the whole set), repeatable and mergeable (a set only grows), so that
/// a write whose outcome is unknown is simply made again. Methods may block; they are called by one writer thread.
pub trait HistogramSink: Send + 'static {
    /// The sink's name in messages and metrics.
    fn name(&self) -> &'static str;

    /// Looks whether the sink can be reached and still has everything.
    ///
    /// # Errors
    /// When it cannot be reached.
    fn check(&mut self) -> Result<Holds, SinkError>;

    /// Writes sets; the key of each that has arrived for certain is added to `written`.
    ///
    /// # Errors
    /// [`SinkError::Refused`] when every set was tried, otherwise [`SinkError::Away`]; sets that are not in `written`
    /// are to be written again.
    fn write(&mut self, sets: &[HourRow], written: &mut Vec<HourKey>) -> Result<(), SinkError>;

    /// Notes in the sink that everything so far has been written.
    ///
    /// # Errors
    /// When it cannot be reached.
    fn confirm(&mut self) -> Result<(), SinkError>;
}

/// The hourly sets in the embedded store.
#[derive(Clone, Debug)]
pub struct EmbeddedHistograms {
    store: Arc<Embedded>,
}

const fn first_hour(date: Date) -> HourKey {
    (HourOfDay { date, hour: 0 }, Presence::Free)
}

impl EmbeddedHistograms {
    /// The sets in this store.
    #[must_use]
    pub const fn new(store: Arc<Embedded>) -> Self {
        Self { store }
    }

    /// The sets of one day, marks included.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn day(&self, date: Date) -> Result<Vec<(HourKey, UserSet)>, StoreError> {
        let end = first_hour(date.tomorrow().unwrap_or(Date::MAX));
        let mut sets: Vec<(HourKey, UserSet)> = Vec::new();
        self.store
            .between(&first_hour(date), &end, |row: HourRow| sets.push((row.key, UserSet::from_bytes(&row.bitmap))))?;
        self.store.between(&(first_hour(date), NOBODY), &(end, NOBODY), |mark: MarkRow| {
            match sets.binary_search_by_key(&mark.key, |(key, _)| *key) {
                Ok(at) => _ = sets.get_mut(at).map(|(_, set)| set.insert(mark.no)),
                Err(at) => {
                    let mut set = UserSet::default();
                    set.insert(mark.no);
                    sets.insert(at, (mark.key, set));
                }
            }
        })?;
        Ok(sets)
    }

    /// The first day from `date` on that has a set.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn next_day(&self, date: Date) -> Result<Option<Date>, StoreError> {
        Ok(self.store.first_from::<HourRow>(&first_hour(date))?.map(|row| row.key.0.date))
    }

    /// The newest hour of which anything is known, marks included.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn newest_hour(&self) -> Result<Option<HourOfDay>, StoreError> {
        let written = self.store.last::<HourRow>()?.map(|row| row.key.0);
        Ok(written.max(self.store.last::<MarkRow>()?.map(|mark| mark.key.0)))
    }

    /// The hours in which somebody has been marked since their set was last written.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn marked(&self) -> Result<Vec<HourKey>, StoreError> {
        let mut keys = Vec::new();
        self.store.each(&[], |mark: MarkRow| keys.push(mark.key))?;
        keys.dedup();
        Ok(keys)
    }

    /// Removes the days before `date`.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub fn forget_before(&self, date: Date) -> Result<(), StoreError> {
        let mut batch = WriteBatch::new();
        let end = first_hour(date);
        self.store.between(&first_hour(Date::MIN), &end, |row: HourRow| batch.remove::<HourRow>(&row.key))?;
        self.store.between(&(first_hour(Date::MIN), NOBODY), &(end, NOBODY), |mark: MarkRow| {
            batch.remove::<MarkRow>(&mark.key());
        })?;
        self.store.commit(batch, Durability::Process)
    }
}

const NOBODY: crate::domain::UserNo = crate::domain::UserNo(0);

impl HistogramSink for EmbeddedHistograms {
    fn name(&self) -> &'static str {
        "store"
    }

    fn check(&mut self) -> Result<Holds, SinkError> {
        Ok(Holds::Everything)
    }

    /// One commit: each set merged with what is there, and the marks that the set now contains removed.
    fn write(&mut self, sets: &[HourRow], written: &mut Vec<HourKey>) -> Result<(), SinkError> {
        let mut batch = WriteBatch::new();
        for HourRow { key, bitmap } in sets {
            let mut set = UserSet::from_bytes(bitmap);
            if let Some(stored) = self.store.get::<HourRow>(key)? {
                set.union(&UserSet::from_bytes(&stored.bitmap));
            }
            self.store.each(&HourRow::key_bytes(key), |mark: MarkRow| {
                set.insert(mark.no);
                batch.remove::<MarkRow>(&mark.key());
            })?;
            batch.put(&HourRow { key: *key, bitmap: set.to_bytes().to_vec() });
        }
        self.store.commit(batch, Durability::Power)?;
        written.extend(sets.iter().map(|set| set.key));
        Ok(())
    }

    fn confirm(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}
