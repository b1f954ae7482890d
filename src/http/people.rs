//! Making and removing people and friendships on a running node: the store first, then everyone who must know.
use std::sync::Arc;

use crate::activity::histogram::Presence;
use crate::actors::spatial_inbox::Fact;
use crate::actors::user::{Expelled, FriendGone, FriendsEdited, UserDeps};
use crate::domain::{DeviceName, UserId, UserNo};
use crate::spatial::world::Person;
use crate::store::accounts::{AccountError, Created, Issued, NewUser};
use crate::store::rows::{Account, TokenKind};

/// Administration of a running node.
#[derive(Clone, Debug)]
pub struct People {
    deps: Arc<UserDeps>,
}

impl People {
    /// Administration over what people's actors use.
    #[must_use]
    pub fn new(deps: Arc<UserDeps>) -> Self {
        Self { deps }
    }

    /// Makes accounts and friendships among them, all or nothing.
    ///
    /// # Errors
    /// As [`Accounts::create`](crate::store::accounts::Accounts::create).
    pub fn create(
        &self,
        users: &[NewUser],
        friendships: &[(usize, usize)],
        token_for: Option<&DeviceName>,
    ) -> Result<Vec<Created>, AccountError> {
        let now = self.deps.clock.now();
        let token = token_for.map(|device| (TokenKind::Full, device));
        let created = self.deps.accounts.create(users, friendships, token, now)?;
        for person in &created {
            self.deps.spatial.changed(Fact::Person(person.account.no, person_of(&person.account)));
        }
        for (a, b) in friendships {
            if let (Some(a), Some(b)) = (created.get(*a), created.get(*b)) {
                self.deps.spatial.changed(Fact::Befriended(a.account.no, b.account.no));
            }
        }
        Ok(created)
    }

    /// Removes people and everything that is theirs. Returns how many there were.
    ///
    /// # Errors
    /// When the store cannot write.
    pub fn remove(&self, ids: &[UserId]) -> Result<usize, AccountError> {
        let numbers: Vec<UserNo> =
            ids.iter().filter_map(|id| self.deps.accounts.by_id(id)).map(|account| account.no).collect();
        let removed = self.deps.accounts.remove(&numbers)?;
        for person in &removed {
            // Only now: had the store refused, everything would have to go on as before.
            self.deps.journal.forget(person.account.no);
            self.deps.registry.tell(person.account.no, Expelled);
            let gone = FriendGone { no: person.account.no, user: person.account.id.clone() };
            for friend in person.friends.iter() {
                self.deps.registry.tell(*friend, gone.clone());
            }
            // Who is not here has no actor that could say so: nobody counts who is gone.
            for presence in [Presence::Free, Presence::Online] {
                self.deps.hours.presence(person.account.no, presence, false, self.deps.clock.now());
            }
            // Last, so that who hears of an encounter's end knows whose.
            self.deps.spatial.changed(Fact::Removed(person.account.no));
        }
        Ok(removed.len())
    }

    /// Makes a token.
    ///
    /// # Errors
    /// No such user; the store cannot write.
    pub fn token(&self, id: &UserId, device: &DeviceName) -> Result<Issued, AccountError> {
        let account = self.deps.accounts.by_id(id).ok_or(AccountError::Unknown)?;
        self.deps.accounts.issue_token(account.no, TokenKind::Full, device, None, self.deps.clock.now())
    }

    /// Makes two people friends. False when they were.
    ///
    /// # Errors
    /// No such user; one person twice; the store cannot write.
    pub fn befriend(&self, a: &UserId, b: &UserId) -> Result<bool, AccountError> {
        let number = |id| self.deps.accounts.by_id(id).map(|account| account.no).ok_or(AccountError::Unknown);
        let (a, b) = (number(a)?, number(b)?);
        let is_new = self.deps.accounts.befriend(a, b)?;
        if is_new {
            self.deps.spatial.changed(Fact::Befriended(a, b));
            for no in [a, b] {
                self.deps.registry.tell(no, FriendsEdited);
            }
        }
        Ok(is_new)
    }
}

/// What the spatial index knows of someone who is not there yet.
#[must_use]
pub fn person_of(account: &Account) -> Person {
    Person { radius: account.radius, ..Person::default() }
}
