//! The audit log, and what goes by itself when its time has come.
use super::super::embedded::Durability;
use super::super::error::StoreError;
use super::super::rows::{AuditEntry, AuditRow};
use super::plan::Plan;
use super::{AccountError, Accounts, Person};
use crate::domain::{UnixMs, UserNo};

/// How many lines the audit log has at most: a new one takes the place of the oldest.
pub const AUDIT_LINES: u64 = 100_000;
/// How old a line gets, milliseconds: 365 days.
const LONGEST_MS: i64 = 365 * 24 * 3_600_000;

impl Accounts {
    /// Adds a line to the audit log. What this type does itself it has written down in the same commit: this is for
    /// what happens elsewhere. The line survives the end of the process; power loss may take the newest ones.
    ///
    /// # Errors
    /// When the store cannot write.
    pub fn record(&self, line: AuditRow) -> Result<(), AccountError> {
        let mut next = self.next.lock();
        let mut plan = Plan::after(&next);
        plan.durability = Durability::Process;
        plan.line(line.t, line.actor, line.action, line.subject, line.detail);
        self.apply(&mut next, plan)
    }

    /// The newest lines of the audit log, newest first.
    ///
    /// # Errors
    /// When the disk or a row cannot be read.
    pub fn audit(&self, limit: usize) -> Result<Vec<AuditRow>, StoreError> {
        Ok(self.store.newest::<AuditEntry>(limit)?.into_iter().map(|entry| entry.line).collect())
    }

    /// The lines in which a person is actor or subject, oldest first.
    ///
    /// # Errors
    /// When the disk or a row cannot be read.
    pub fn audit_of(&self, no: UserNo) -> Result<Vec<AuditRow>, StoreError> {
        let mut lines = Vec::new();
        self.store.each(&[], |AuditEntry { line, .. }| {
            if line.actor == Some(no) || line.subject == Some(no) {
                lines.push(line);
            }
        })?;
        Ok(lines)
    }

    /// Forgets invites and tokens that have expired, and lines of the audit log that are older than a year. For the daily
    /// sweep: nothing of it has been valid since it expired. Returns how many.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub fn forget_expired(&self, now: UnixMs) -> Result<usize, AccountError> {
        let mut next = self.next.lock();
        let mut plan = Plan::after(&next);
        let mut count = 0;
        {
            let directory = self.directory.read();
            for invite in directory.invites().filter(|invite| invite.has_expired(now)) {
                plan.invites.insert(invite.id, None);
                count += 1;
            }
            for person in directory.people() {
                let expired = person.tokens.iter().filter(|token| token.has_expired(now)).count();
                if expired > 0 {
                    let tokens = person.tokens.iter().filter(|token| !token.has_expired(now)).cloned().collect();
                    plan.change(Person { tokens, ..person.clone() });
                    count += expired;
                }
            }
        }
        let oldest = now - LONGEST_MS;
        self.store.each(&[], |AuditEntry { number, line }| {
            // The newest line stays, however old: the numbers go on from it.
            if line.t < oldest && number + 1 < next.line {
                plan.batch.remove::<AuditEntry>(&number);
                count += 1;
            }
        })?;
        if count > 0 {
            self.apply(&mut next, plan)?;
        }
        Ok(count)
    }
}
