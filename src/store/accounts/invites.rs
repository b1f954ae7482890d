//! Joining by a link: an invite is a secret that works once, for a while.
use super::super::rows::{Account, Action, InviteRow, TokenKind};
use super::super::secret::{self, Secret};
use super::plan::Plan;
use super::{Accepted, Acceptor, AccountError, Accounts, Invite, InviteKind, IssuedInvite, NewUser, Person};
use crate::domain::{Sharing, UnixMs, UserNo};

impl Accounts {
    /// Makes an invite. The code is returned once; only its hash is kept. Invites that have expired are forgotten. While
    /// there is nobody, an administrator's invite takes the place of the ones before: of all that were printed, the last
    /// one works.
    ///
    /// # Errors
    /// [`AccountError::Unknown`] when there is no such inviter; when the store cannot write.
    pub fn invite(&self, kind: InviteKind, expires: UnixMs, now: UnixMs) -> Result<IssuedInvite, AccountError> {
        let mut next = self.next.lock();
        let mut plan = Plan::after(&next);
        let inviter = match kind {
            InviteKind::Administrator => None,
            InviteKind::Friend { inviter, .. } => Some(self.person(inviter)?.account.no),
        };
        let replaces = kind == InviteKind::Administrator && self.is_empty();
        for invite in self.directory.read().invites() {
            if invite.has_expired(now) || (replaces && invite.kind == kind) {
                plan.invites.insert(invite.id, None);
            }
        }
        let secret = Secret::random_invite()?;
        let id = plan.next_id();
        plan.invites.insert(id, Some(InviteRow { id, hash: secret.hash(), kind, created: now, expires }));
        plan.line(now, inviter, Action::InviteMade, None, id);
        self.apply(&mut next, plan)?;
        Ok(IssuedInvite { secret, id, expires })
    }

    /// A person's invites that can be accepted, oldest first.
    #[must_use]
    pub fn invites(&self, no: UserNo, now: UnixMs) -> Vec<Invite> {
        let directory = self.directory.read();
        let is_theirs = |invite: &&InviteRow| invite.inviter() == Some(no) && !invite.has_expired(now);
        directory.invites().filter(is_theirs).map(Invite::from).collect()
    }

    /// The invite behind a code; `None` for any text that is not the code of an invite that can be accepted.
    #[must_use]
    pub fn invite_by_code(&self, code: &str, now: UnixMs) -> Option<Invite> {
        self.invite_row(code, now).map(|invite| Invite::from(&invite))
    }

    /// Withdraws one's own invite. False when there is no such invite.
    ///
    /// # Errors
    /// When the store cannot write.
    pub fn withdraw(&self, no: UserNo, id: u64) -> Result<bool, AccountError> {
        let mut next = self.next.lock();
        let is_theirs = self.directory.read().invite(id).is_some_and(|invite| invite.inviter() == Some(no));
        if !is_theirs {
            return Ok(false);
        }
        let mut plan = Plan::after(&next);
        plan.invites.insert(id, None);
        plan.line(self.clock.now(), Some(no), Action::InviteWithdrawn, None, id);
        self.apply(&mut next, plan)?;
        Ok(true)
    }

    /// Accepts an invite, in one commit: the account and the token of somebody new, the friendship, what each shares with
    /// the other (`sharing`: the acceptor with the inviter), and the invite gone. An administrator's invite makes an
    /// administrator instead of a friend. When the two are friends already, nothing changes and the invite stays.
    ///
    /// # Errors
    /// [`AccountError::Unknown`] when there is no such invite or it has expired or was used, when it is the acceptor's
    /// own, when one of the two has blocked the other, and when there is no such acceptor; [`AccountError::Conflict`] when
    /// a new person's id is taken; when the store cannot write. Then nothing changes, and the invite stays.
    pub fn accept(
        &self,
        code: &str,
        acceptor: Acceptor,
        sharing: Sharing,
        now: UnixMs,
    ) -> Result<Accepted, AccountError> {
        let mut next = self.next.lock();
        let invite = self.invite_row(code, now).ok_or(AccountError::Unknown)?;
        let mut plan = Plan::after(&next);
        let (person, token) = match acceptor {
            Acceptor::Known(no) => (self.person(no)?, None),
            Acceptor::New(user, device) => {
                let user = NewUser { admin: false, ..user };
                self.check_new(std::slice::from_ref(&user))?;
                let made = plan.make(&user, Some((TokenKind::Full, &device)), now)?;
                plan.line(now, Some(made.0.account.no), Action::UserCreated, Some(made.0.account.no), 1);
                made
            }
        };
        let no = person.account.no;
        plan.line(now, Some(no), Action::InviteAccepted, invite.inviter(), invite.id);
        let friend = match invite.kind {
            InviteKind::Administrator => {
                let account = Account { admin: true, ..Account::clone(&person.account) };
                plan.change(Person { account: account.into(), ..person });
                plan.line(now, None, Action::AdminGranted, Some(no), 0);
                None
            }
            InviteKind::Friend { inviter, sharing: theirs } => {
                let host = self.person(inviter)?;
                if inviter == no || host.has_blocked(no) || person.has_blocked(inviter) {
                    return Err(AccountError::Unknown);
                }
                if person.is_friend(inviter) {
                    return Ok(Accepted { no, friend: Some(inviter), token: None, is_new_friend: false });
                }
                plan.change(host.befriending(no, theirs));
                plan.change(person.befriending(inviter, sharing));
                Some(inviter)
            }
        };
        plan.invites.insert(invite.id, None);
        self.apply(&mut next, plan)?;
        Ok(Accepted { no, friend, token, is_new_friend: friend.is_some() })
    }

    fn invite_row(&self, code: &str, now: UnixMs) -> Option<InviteRow> {
        if !secret::is_invite(code) {
            return None;
        }
        let hash = secret::hash(code);
        self.directory.read().invite_by_hash(&hash).filter(|invite| !invite.has_expired(now)).cloned()
    }
}
