//! Who is whose friend, who sees what of whom, and who wants to have nothing to do with whom.
use std::sync::Arc;

use super::super::rows::{Action, PairRow};
use super::plan::Plan;
use super::{AccountError, Accounts};
use crate::domain::{Precision, Relation, Sharing, UnixMs, UserNo};

/// What there is between people who have nothing to do with each other.
const STRANGERS: Relation =
    Relation { same: false, friends: false, sharing: Precision::Off, hidden: false, only_free: false, free: false };
/// How many people a person can block.
pub const MOST_BLOCKS: usize = 10_000;

impl Accounts {
    /// A person's friends, in the order of their numbers; empty for nobody.
    #[must_use]
    pub fn friends(&self, no: UserNo) -> Arc<[UserNo]> {
        self.directory.read().person(no).map(|person| person.friends.clone()).unwrap_or_default()
    }

    /// True when the two are friends.
    #[must_use]
    pub fn are_friends(&self, a: UserNo, b: UserNo) -> bool {
        self.directory.read().person(a).is_some_and(|person| person.is_friend(b))
    }

    /// What decides what `viewer` may see of `owner`; of nobody, nothing. Whether the owner is free is not known here:
    /// `free` is left false for the caller to fill in. People between whom there is a block are no friends.
    ///
    /// Asked for every frame: one read lock, no allocation, two binary searches.
    #[must_use]
    pub fn relation(&self, owner: UserNo, viewer: UserNo, now: UnixMs) -> Relation {
        self.directory.read().person(owner).map(|person| person.relation(viewer, now)).unwrap_or(STRANGERS)
    }

    /// As [`Accounts::relation`] for many owners under one lock: `take` gets each with what decides about them, and must
    /// ask nothing of the accounts itself.
    pub fn relations(&self, viewer: UserNo, owners: &[UserNo], now: UnixMs, mut take: impl FnMut(UserNo, Relation)) {
        let directory = self.directory.read();
        for owner in owners {
            take(*owner, directory.person(*owner).map(|person| person.relation(viewer, now)).unwrap_or(STRANGERS));
        }
    }

    /// What `owner` has chosen to share with `viewer`; `None`: they are no friends.
    #[must_use]
    pub fn sharing(&self, owner: UserNo, viewer: UserNo) -> Option<Sharing> {
        self.directory.read().person(owner)?.sharing(viewer)
    }

    /// What a person shares with friends where it is not [`Sharing::default`], in the order of the friends' numbers.
    #[must_use]
    pub fn shares(&self, owner: UserNo) -> Arc<[(UserNo, Sharing)]> {
        self.directory.read().person(owner).map(|person| person.shares.clone()).unwrap_or_default()
    }

    /// Sets what `owner` shares with `viewer`. Forgotten when they cease to be friends.
    ///
    /// # Errors
    /// [`AccountError::Unknown`] unless they are friends; when the store cannot write.
    pub fn share(&self, owner: UserNo, viewer: UserNo, sharing: Sharing) -> Result<(), AccountError> {
        self.change_share(owner, viewer, |_| sharing).map(|_| ())
    }

    /// As [`Accounts::share`], where what is to hold follows from what does. Returns it.
    ///
    /// # Errors
    /// As [`Accounts::share`].
    pub fn change_share(
        &self,
        owner: UserNo,
        viewer: UserNo,
        change: impl FnOnce(Sharing) -> Sharing,
    ) -> Result<Sharing, AccountError> {
        let mut next = self.next.lock();
        let person = self.person(owner)?;
        let before = person.sharing(viewer).ok_or(AccountError::Unknown)?;
        let sharing = change(before);
        if sharing != before {
            let mut plan = Plan::after(&next);
            plan.change(person.sharing_with(viewer, sharing));
            self.apply(&mut next, plan)?;
        }
        Ok(sharing)
    }

    /// Makes two people friends, each of whom shares as [`Sharing::default`] says. False when they were already.
    ///
    /// # Errors
    /// [`AccountError::Unknown`], also when one of them has blocked the other; [`AccountError::Oneself`]; when the store
    /// cannot write.
    pub fn befriend(&self, a: UserNo, b: UserNo) -> Result<bool, AccountError> {
        let mut next = self.next.lock();
        if a == b {
            return Err(AccountError::Oneself);
        }
        let (one, other) = (self.person(a)?, self.person(b)?);
        if one.has_blocked(b) || other.has_blocked(a) {
            return Err(AccountError::Unknown);
        }
        if one.is_friend(b) {
            return Ok(false);
        }
        let mut plan = Plan::after(&next);
        plan.change(one.befriending(b, Sharing::default()));
        plan.change(other.befriending(a, Sharing::default()));
        plan.lines_of_all(self.clock.now(), None, Action::Befriended, &[a, b]);
        self.apply(&mut next, plan)?;
        Ok(true)
    }

    /// Ends a friendship, and forgets what the two shared and had between them. False when there was none.
    ///
    /// # Errors
    /// [`AccountError::Unknown`], [`AccountError::Oneself`]; when the store cannot write.
    pub fn unfriend(&self, a: UserNo, b: UserNo) -> Result<bool, AccountError> {
        let mut next = self.next.lock();
        if a == b {
            return Err(AccountError::Oneself);
        }
        let (one, other) = (self.person(a)?, self.person(b)?);
        if !one.is_friend(b) {
            return Ok(false);
        }
        let mut plan = Plan::after(&next);
        plan.change(one.unfriending(b));
        plan.change(other.unfriending(a));
        plan.batch.remove::<PairRow>(&(a, b));
        self.apply(&mut next, plan)?;
        Ok(true)
    }

    /// Blocks somebody, which also ends a friendship, in one commit: no invite and no administrator makes the two friends
    /// until it is taken back. The other is not told and cannot find out. False when they were blocked already.
    ///
    /// # Errors
    /// [`AccountError::Unknown`], [`AccountError::Oneself`], [`AccountError::TooManyBlocks`]; when the store cannot write.
    pub fn block(&self, no: UserNo, other: UserNo) -> Result<bool, AccountError> {
        let mut next = self.next.lock();
        if no == other {
            return Err(AccountError::Oneself);
        }
        let (one, two) = (self.person(no)?, self.person(other)?);
        if one.has_blocked(other) {
            return Ok(false);
        }
        if one.blocks.len() >= MOST_BLOCKS {
            return Err(AccountError::TooManyBlocks);
        }
        let mut plan = Plan::after(&next);
        if one.is_friend(other) {
            plan.change(two.unfriending(no));
            plan.batch.remove::<PairRow>(&(no, other));
        }
        plan.change(one.unfriending(other).blocking(other));
        plan.line(self.clock.now(), Some(no), Action::Blocked, Some(other), 0);
        self.apply(&mut next, plan)?;
        Ok(true)
    }

    /// Takes a block back; a friendship does not come back with that. False when there was none.
    ///
    /// # Errors
    /// [`AccountError::Unknown`]; when the store cannot write.
    pub fn unblock(&self, no: UserNo, other: UserNo) -> Result<bool, AccountError> {
        let mut next = self.next.lock();
        let person = self.person(no)?;
        if !person.has_blocked(other) {
            return Ok(false);
        }
        let mut plan = Plan::after(&next);
        plan.change(person.unblocking(other));
        plan.line(self.clock.now(), Some(no), Action::Unblocked, Some(other), 0);
        self.apply(&mut next, plan)?;
        Ok(true)
    }

    /// Whom a person has blocked, in the order of their numbers.
    #[must_use]
    pub fn blocked(&self, no: UserNo) -> Arc<[UserNo]> {
        self.directory.read().person(no).map(|person| person.blocks.clone()).unwrap_or_default()
    }

    /// True when one of the two has blocked the other.
    #[must_use]
    pub fn is_blocked_between(&self, a: UserNo, b: UserNo) -> bool {
        let directory = self.directory.read();
        [(a, b), (b, a)].iter().any(|(one, other)| directory.person(*one).is_some_and(|one| one.has_blocked(*other)))
    }
}
