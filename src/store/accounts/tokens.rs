//! Tokens: who may speak for whom, from which device, until when.
use std::sync::Arc;

use super::super::rows::{Account, Action, PhoneChoice, TokenKind, TokenRow};
use super::super::secret;
use super::plan::Plan;
use super::{AccountError, Accounts, Identity, Issued, Person};
use crate::domain::{DeviceName, UnixMs, UserNo};

/// How many tokens a person can have. The oldest session makes room for a new one.
pub const MOST_TOKENS: usize = 100;

impl Accounts {
    /// A person's tokens: their hashes, devices and ids, oldest first.
    #[must_use]
    pub fn tokens(&self, no: UserNo) -> Arc<[TokenRow]> {
        self.directory.read().person(no).map(|person| person.tokens.clone()).unwrap_or_default()
    }

    /// Whom a token stands for at `now`; `None` for any text that is not a valid token.
    #[must_use]
    pub fn verify(&self, token: &str, now: UnixMs) -> Option<Identity> {
        if !secret::is_token(token) {
            return None;
        }
        let hash = secret::hash(token);
        let directory = self.directory.read();
        let (person, token) = directory.token(&hash).filter(|(_, token)| !token.has_expired(now))?;
        Some(identity(&person.account, token))
    }

    /// Whether the token behind an identity still holds.
    #[must_use]
    pub fn is_valid(&self, identity: &Identity, now: UnixMs) -> bool {
        self.directory.read().person(identity.no).is_some_and(|person| {
            person.tokens.iter().any(|token| token.id == identity.token_id && !token.has_expired(now))
        })
    }

    /// Makes a token for a person's device. It is returned once; only its hash is kept. Tokens of the person that have
    /// expired are forgotten.
    ///
    /// # Errors
    /// [`AccountError::Unknown`]; [`AccountError::TooManyTokens`]; when the store cannot write.
    pub fn issue_token(
        &self,
        no: UserNo,
        kind: TokenKind,
        device: &DeviceName,
        expires: Option<UnixMs>,
        now: UnixMs,
    ) -> Result<Issued, AccountError> {
        self.issue_token_by(Some(no), no, kind, device, expires, now)
    }

    /// As [`Accounts::issue_token`], done by this administrator; `None`: by the operator at the machine.
    ///
    /// # Errors
    /// As [`Accounts::issue_token`].
    pub fn issue_token_by(
        &self,
        actor: Option<UserNo>,
        no: UserNo,
        kind: TokenKind,
        device: &DeviceName,
        expires: Option<UnixMs>,
        now: UnixMs,
    ) -> Result<Issued, AccountError> {
        self.issue(actor, no, (kind, device), expires, PhoneChoice::default(), now)
    }

    /// Makes a device token for the phone of which this is chosen.
    ///
    /// # Errors
    /// As [`Accounts::issue_token`].
    pub fn issue_phone_token(
        &self,
        no: UserNo,
        device: &DeviceName,
        phone: PhoneChoice,
        now: UnixMs,
    ) -> Result<Issued, AccountError> {
        self.issue(Some(no), no, (TokenKind::Device, device), None, phone, now)
    }

    /// Changes what is chosen for the phone that has a token. `None` when the person has no such token.
    ///
    /// # Errors
    /// When the store cannot write.
    pub fn choose_phone(
        &self,
        no: UserNo,
        id: u64,
        choose: impl FnOnce(PhoneChoice) -> PhoneChoice,
    ) -> Result<Option<TokenRow>, AccountError> {
        let mut next = self.next.lock();
        let Ok(person) = self.person(no) else { return Ok(None) };
        let mut tokens = person.tokens.to_vec();
        let Some(token) = tokens.iter_mut().find(|token| token.id == id && token.kind != TokenKind::Session) else {
            return Ok(None);
        };
        token.phone = choose(token.phone);
        let changed = token.clone();
        let mut plan = Plan::after(&next);
        plan.change(Person { tokens: tokens.into(), ..person });
        self.apply(&mut next, plan)?;
        Ok(Some(changed))
    }

    fn issue(
        &self,
        actor: Option<UserNo>,
        no: UserNo,
        (kind, device): (TokenKind, &DeviceName),
        expires: Option<UnixMs>,
        phone: PhoneChoice,
        now: UnixMs,
    ) -> Result<Issued, AccountError> {
        let mut next = self.next.lock();
        let mut plan = Plan::after(&next);
        let person = self.person(no)?;
        let mut tokens: Vec<_> = person.tokens.iter().filter(|token| !token.has_expired(now)).cloned().collect();
        if tokens.len() >= MOST_TOKENS {
            // The oldest session makes room, else the oldest token of the same device.
            let session = tokens.iter().position(|token| token.kind == TokenKind::Session);
            let oldest = session.or_else(|| tokens.iter().position(|token| token.device == *device));
            tokens.remove(oldest.ok_or(AccountError::TooManyTokens)?);
        }
        let (secret, row) = plan.new_token(no, kind, device, expires, now)?;
        let id = row.id;
        tokens.push(TokenRow { phone, ..row });
        plan.change(Person { tokens: tokens.into(), ..person });
        let action = if kind == TokenKind::Session { Action::SignIn } else { Action::TokenIssued };
        plan.line(now, actor, action, Some(no), id);
        self.apply(&mut next, plan)?;
        Ok(Issued { secret, id })
    }

    /// Makes a token void, durably. Returns whom it stood for, so that its connections can be cut; `None` when there is
    /// no such token.
    ///
    /// # Errors
    /// When the store cannot write.
    pub fn revoke(&self, no: UserNo, id: u64) -> Result<Option<Identity>, AccountError> {
        Ok(self.revoke_where(no, |token| token.id == id)?.pop())
    }

    /// Makes all of a person's tokens void but one, in one commit. Returns whom they stood for.
    ///
    /// # Errors
    /// When the store cannot write.
    pub fn revoke_others(&self, no: UserNo, keep: u64) -> Result<Vec<Identity>, AccountError> {
        self.revoke_where(no, |token| token.id != keep)
    }

    fn revoke_where(&self, no: UserNo, is_void: impl Fn(&TokenRow) -> bool) -> Result<Vec<Identity>, AccountError> {
        let mut next = self.next.lock();
        let Ok(person) = self.person(no) else { return Ok(Vec::new()) };
        let void: Vec<_> = person.tokens.iter().filter(|token| is_void(token)).cloned().collect();
        if void.is_empty() {
            return Ok(Vec::new());
        }
        let mut plan = Plan::after(&next);
        for token in &void {
            let action = if token.kind == TokenKind::Session { Action::SignOut } else { Action::TokenRevoked };
            plan.line(self.clock.now(), Some(no), action, Some(no), token.id);
        }
        let whom = void.iter().map(|token| identity(&person.account, token)).collect();
        let tokens = person.tokens.iter().filter(|token| !is_void(token)).cloned().collect();
        plan.change(Person { tokens, ..person });
        self.apply(&mut next, plan)?;
        Ok(whom)
    }
}

fn identity(account: &Account, token: &TokenRow) -> Identity {
    Identity {
        no: token.no,
        device: token.device.clone(),
        kind: token.kind,
        admin: account.admin && token.kind != TokenKind::Device,
        token_id: token.id,
        expires: token.expires,
        phone: token.phone,
    }
}
