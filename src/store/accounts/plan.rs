//! What one commit will change: gathered first, then written all together or not at all.
use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::embedded::{Durability, WriteBatch};
use super::super::numbers::Next;
use super::super::rows::{Account, Action, AuditEntry, AuditRow, InviteRow, PhoneChoice, Row, TokenKind, TokenRow};
use super::super::secret::Secret;
use super::audit::AUDIT_LINES;
use super::{AccountError, DEFAULT_STRIDE_M, MOST_LINES, NewUser, Person};
use crate::domain::{DeviceName, DisplayName, UnixMs, UserNo, WeeklyHours};

pub(super) struct Plan {
    pub after: Next,
    /// Who is different after the commit: `None` is gone.
    pub people: BTreeMap<UserNo, Option<Person>>,
    /// The same of invites.
    pub invites: BTreeMap<u64, Option<InviteRow>>,
    /// Whatever else is written or removed.
    pub batch: WriteBatch,
    pub durability: Durability,
    lines: Vec<AuditRow>,
}

impl Plan {
    /// Nothing yet, after what was last committed.
    pub fn after(next: &Next) -> Self {
        Self {
            after: *next,
            people: BTreeMap::new(),
            invites: BTreeMap::new(),
            batch: WriteBatch::new(),
            durability: Durability::Power,
            lines: Vec::new(),
        }
    }

    pub fn change(&mut self, person: Person) {
        self.people.insert(person.account.no, Some(person));
    }

    pub fn remove(&mut self, no: UserNo) {
        self.people.insert(no, None);
    }

    pub fn removes(&self, no: UserNo) -> bool {
        matches!(self.people.get(&no), Some(None))
    }

    /// A number that names a token or an invite, never given twice.
    pub fn next_id(&mut self) -> u64 {
        let id = self.after.token;
        self.after.token = id.saturating_add(1);
        id
    }

    /// A new person, with a token when one is asked for. Still to be given to [`Plan::change`].
    pub fn make(
        &mut self,
        user: &NewUser,
        token: Option<(TokenKind, &DeviceName)>,
        now: UnixMs,
    ) -> Result<(Person, Option<Secret>), AccountError> {
        let no = UserNo(self.after.no);
        self.after.no = self.after.no.checked_add(1).ok_or(AccountError::Full)?;
        let account = Account {
            no,
            id: user.id.clone(),
            name: user.name.clone().unwrap_or_else(|| DisplayName::from(&user.id)),
            admin: user.admin,
            radius: user.radius.unwrap_or_default(),
            time_zone: user.time_zone.clone(),
            stride_m: DEFAULT_STRIDE_M,
            created: now,
            hidden_until: None,
            only_free: false,
            free_hours: WeeklyHours::default(),
            on_board: true,
        };
        let made = match token {
            Some((kind, device)) => Some(self.new_token(no, kind, device, None, now)?),
            None => None,
        };
        let (secret, token) = made.unzip();
        let person = Person {
            account: Arc::new(account),
            friends: Arc::default(),
            tokens: token.into_iter().collect(),
            shares: Arc::default(),
            blocks: Arc::default(),
        };
        Ok((person, secret))
    }

    pub fn new_token(
        &mut self,
        no: UserNo,
        kind: TokenKind,
        device: &DeviceName,
        expires: Option<UnixMs>,
        now: UnixMs,
    ) -> Result<(Secret, TokenRow), AccountError> {
        let secret = Secret::random()?;
        let id = self.next_id();
        let (hash, device, phone) = (secret.hash(), device.clone(), PhoneChoice::default());
        let row = TokenRow { hash, no, device, kind, id, created: now, expires, phone };
        Ok((secret, row))
    }

    /// A line for the audit log.
    pub fn line(&mut self, t: UnixMs, actor: Option<UserNo>, action: Action, subject: Option<UserNo>, detail: u64) {
        self.lines.push(AuditRow { t, actor, action, subject, detail });
    }

    /// The same was done to all of these.
    pub fn lines_of_all(&mut self, t: UnixMs, actor: Option<UserNo>, action: Action, subjects: &[UserNo]) {
        if subjects.len() > MOST_LINES {
            return self.line(t, actor, action, None, subjects.len() as u64);
        }
        for no in subjects {
            self.line(t, actor, action, Some(*no), 1);
        }
    }

    /// Puts the invites into the batch.
    pub fn put_invites(&mut self) {
        for (id, invite) in &self.invites {
            match invite {
                Some(invite) => self.batch.put(invite),
                None => self.batch.remove::<InviteRow>(id),
            }
        }
    }

    /// Puts the lines into the batch, each in place of the one that is too many. Returns the next numbers.
    pub fn put_lines(&mut self) -> Next {
        for line in std::mem::take(&mut self.lines) {
            let row = AuditEntry { number: self.after.line, line };
            if let Some(oldest) = row.number.checked_sub(AUDIT_LINES) {
                self.batch.remove::<AuditEntry>(&oldest);
            }
            self.batch.put(&row);
            self.after.line = row.key().saturating_add(1);
        }
        self.after
    }
}
