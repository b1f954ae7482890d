//! What goes by itself when its time has come. Called once a day, and by whoever wants it sooner.
use super::super::rows::{AuditEntry, LiveRow, PairRow, Row, StepsRow};
use super::audit::LONGEST_MS;
use super::plan::Plan;
use super::{AccountError, Accounts, Person};
use crate::domain::{UnixMs, UserNo};

impl Accounts {
    /// Forgets invites and tokens that have expired, and lines of the audit log that are older than a year. For the daily
    /// sweep: nothing of it has been valid since it expired. Returns how many.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub fn forget_expired(&self, now: UnixMs) -> Result<usize, AccountError> {
        let mut next = self.next.lock();
        let mut plan = Plan::after(&next);
        let mut count = 0_usize;
        {
            let directory = self.directory.read();
            for invite in directory.invites().filter(|invite| invite.has_expired(now)) {
                plan.invites.insert(invite.id, None);
                count = count.saturating_add(1);
            }
            for person in directory.people() {
                let expired = person.tokens.iter().filter(|token| token.has_expired(now)).count();
                if expired > 0 {
                    let tokens = person.tokens.iter().filter(|token| !token.has_expired(now)).cloned().collect();
                    plan.change(Person { tokens, ..person.clone() });
                    count = expired.saturating_add(count);
                }
            }
        }
        let oldest = now - LONGEST_MS;
        self.store.each(&[], |AuditEntry { number, line }| {
            // The newest line stays, however old: the numbers go on from it.
            if line.t < oldest && number.saturating_add(1) < next.line {
                plan.batch.remove::<AuditEntry>(&number);
                count = count.saturating_add(1);
            }
        })?;
        if count > 0 {
            self.apply(&mut next, plan)?;
        }
        Ok(count)
    }

    /// Removes newest positions, steps and pairs of numbers that are nobody's: a crash in the middle of a removal can
    /// leave one that was still on its way to the disk. Returns how many; then a purge is owed. To be called at a start
    /// at which one is owed, and daily, before it.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub fn forget_strays(&self) -> Result<usize, AccountError> {
        let mut next = self.next.lock();
        let mut plan = Plan::after(&next);
        let (mut live, mut steps, mut pairs) = (Vec::new(), Vec::new(), Vec::new());
        let is_nobody = |no: UserNo| self.directory.read().person(no).is_none();
        self.store.each(&[], |row: LiveRow| live.push(row.no))?;
        self.store.each(&[], |row: StepsRow| steps.push(row.key()))?;
        self.store.each(&[], |row: PairRow| pairs.push(row.key()))?;
        live.iter().filter(|no| is_nobody(**no)).for_each(|no| plan.batch.remove::<LiveRow>(no));
        steps.iter().filter(|(no, _)| is_nobody(*no)).for_each(|key| plan.batch.remove::<StepsRow>(key));
        let strays = pairs.iter().filter(|(a, b)| is_nobody(*a) || is_nobody(*b));
        strays.for_each(|key| plan.batch.remove::<PairRow>(key));
        let count = plan.batch.len();
        if count > 0 {
            plan.batch.owe_purge()?;
            self.apply(&mut next, plan)?;
        }
        Ok(count)
    }
}
