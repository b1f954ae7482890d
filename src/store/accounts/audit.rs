//! The audit log.
use super::super::embedded::Durability;
use super::super::error::StoreError;
use super::super::rows::{AuditEntry, AuditRow};
use super::plan::Plan;
use super::{AccountError, Accounts};
use crate::domain::UserNo;

/// How many lines the audit log has at most: a new one takes the place of the oldest.
pub const AUDIT_LINES: u64 = 100_000;
/// How old a line gets, milliseconds: 365 days.
pub(super) const LONGEST_MS: i64 = 365 * 24 * 3_600_000;

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
}
