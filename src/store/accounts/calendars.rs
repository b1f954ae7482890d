//! People's calendars. They are written by the one writer of the accounts, so that nothing is kept of somebody who is gone.
use super::super::embedded::{Durability, WriteBatch};
use super::super::rows::{CalendarRow, CalendarTextRow};
use super::{AccountError, Accounts};
use crate::domain::{UnixMs, UserNo};

impl Accounts {
    /// A person's calendar.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn calendar(&self, no: UserNo) -> Result<Option<CalendarRow>, AccountError> {
        Ok(self.store.get(&no)?)
    }

    /// The lines of a person's calendar that say when it makes busy.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn calendar_text(&self, no: UserNo) -> Result<Option<CalendarTextRow>, AccountError> {
        Ok(self.store.get(&no)?)
    }

    /// Keeps a calendar that a person has given, in place of the one before, which is owed to be purged from the disk.
    ///
    /// # Errors
    /// [`AccountError::Unknown`]; when the store cannot write.
    pub fn give_calendar(&self, row: &CalendarRow, text: &CalendarTextRow) -> Result<(), AccountError> {
        let _writer = self.next.lock();
        self.person(row.no)?;
        let mut batch = WriteBatch::new();
        if self.calendar(row.no)?.is_some() {
            batch.owe_purge()?;
        }
        batch.put(row);
        batch.put(text);
        Ok(self.store.commit(batch, Durability::Power)?)
    }

    /// Keeps what became of a calendar since it was given at `given`: fetched again, or worked out for a later time. False, and
    /// nothing is kept, when the person has another one by now, or none.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub fn renew_calendar(
        &self,
        row: &CalendarRow,
        text: Option<&CalendarTextRow>,
        given: UnixMs,
    ) -> Result<bool, AccountError> {
        let _writer = self.next.lock();
        let is_there = self.person(row.no).is_ok() && self.calendar(row.no)?.is_some_and(|now| now.given == given);
        if is_there {
            let mut batch = WriteBatch::new();
            batch.put(row);
            text.iter().for_each(|text| batch.put(*text));
            // Whatever a loss of power takes can be fetched and worked out again.
            self.store.commit(batch, Durability::Process)?;
        }
        Ok(is_there)
    }

    /// Removes a calendar, which is owed to be purged from the disk. False when there was none.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub fn remove_calendar(&self, no: UserNo) -> Result<bool, AccountError> {
        let _writer = self.next.lock();
        if self.calendar(no)?.is_none() {
            return Ok(false);
        }
        let mut batch = WriteBatch::new();
        batch.remove::<CalendarRow>(&no);
        batch.remove::<CalendarTextRow>(&no);
        batch.owe_purge()?;
        self.store.commit(batch, Durability::Power)?;
        Ok(true)
    }
}
