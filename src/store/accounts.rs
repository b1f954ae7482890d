//! Who there is, what they may do and who their friends are: a directory in memory, written through to the store.
//!
//! Readers take a short read lock and never wait for the disk. Writers come one at a time: they check against the
//! directory, commit, and only then change the directory, so that nobody ever sees what a crash could take back.
mod sessions;

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard, RwLock};

use super::directory::{Directory, Person};
use super::embedded::{Durability, Embedded, WriteBatch};
use super::error::StoreError;
use super::numbers::Next;
pub use super::person::{AccountError, Created, Identity, Issued, NewUser, ProfileChange, Removed};
use super::rows::{Account, LiveRow, PageRow, PairRow, Row, StepsRow, TokenKind, TokenRow};
use super::secret::{self, Secret};
use crate::domain::{DeviceName, DisplayName, UnixMs, UserId, UserNo};

/// The length of a step until a person says otherwise, metres.
pub const DEFAULT_STRIDE_M: f32 = 0.762;
/// How many tokens a person can have. The oldest session makes room for a new one.
pub const MOST_TOKENS: usize = 100;

/// Who is different after a commit: `None` is gone.
type Changes = BTreeMap<UserNo, Option<Person>>;

/// The accounts. Shared by reference between threads.
#[derive(Debug)]
pub struct Accounts {
    store: Arc<Embedded>,
    directory: RwLock<Directory>,
    /// Held by the one writer, through its commit.
    next: Mutex<Next>,
}

impl Accounts {
    /// Reads everyone from the store.
    ///
    /// # Errors
    /// When the disk or a row cannot be read.
    pub fn open(store: Arc<Embedded>) -> Result<Self, StoreError> {
        let mut next = Next::load(&store)?;
        let directory = Directory::load(&store, next.no)?;
        next.no = next.no.max(directory.end());
        Ok(Self { store, directory: RwLock::new(directory), next: Mutex::new(next) })
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.directory.read().len()
    }

    /// True when there is nobody.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The account with this number.
    #[must_use]
    pub fn by_no(&self, no: UserNo) -> Option<Arc<Account>> {
        self.directory.read().person(no).map(|person| person.account.clone())
    }

    /// The account with this id.
    #[must_use]
    pub fn by_id(&self, id: &UserId) -> Option<Arc<Account>> {
        let directory = self.directory.read();
        directory.person(directory.no(id)?).map(|person| person.account.clone())
    }

    /// A person's friends, in the order of their numbers; empty for nobody.
    #[must_use]
    pub fn friends(&self, no: UserNo) -> Arc<[UserNo]> {
        self.directory.read().person(no).map(|person| person.friends.clone()).unwrap_or_default()
    }

    /// True when the two are friends.
    #[must_use]
    pub fn are_friends(&self, a: UserNo, b: UserNo) -> bool {
        self.directory.read().person(a).is_some_and(|person| person.friends.binary_search(&b).is_ok())
    }

    /// Everyone, with their friends, in the order of their numbers.
    #[must_use]
    pub fn everyone(&self) -> Vec<(Arc<Account>, Arc<[UserNo]>)> {
        self.directory.read().people().map(|person| (person.account.clone(), person.friends.clone())).collect()
    }

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

    /// Makes people, friendships among them (as places in `users`) and, when `token` is given, a token for each: all in
    /// one commit, or nothing.
    ///
    /// # Errors
    /// [`AccountError::Conflict`] with the first id that exists or comes twice; [`AccountError::Unknown`] for a
    /// friendship outside the list; [`AccountError::Oneself`]; when the store cannot write.
    pub fn create(
        &self,
        users: &[NewUser],
        friendships: &[(usize, usize)],
        token: Option<(TokenKind, &DeviceName)>,
        now: UnixMs,
    ) -> Result<Vec<Created>, AccountError> {
        let mut next = self.next.lock();
        let mut after = *next;
        self.check_new(users)?;
        let mut changes = Changes::new();
        let mut created = Vec::with_capacity(users.len());
        let friends = circle(after.no, users.len(), friendships)?;
        for (user, friends) in users.iter().zip(friends) {
            let account = Arc::new(Account {
                no: UserNo(after.no),
                id: user.id.clone(),
                name: user.name.clone().unwrap_or_else(|| DisplayName::from(&user.id)),
                admin: user.admin,
                radius: user.radius.unwrap_or_default(),
                time_zone: user.time_zone.clone(),
                stride_m: DEFAULT_STRIDE_M,
                created: now,
            });
            after.no = after.no.checked_add(1).ok_or(AccountError::Full)?;
            let made = match token {
                Some((kind, device)) => Some(new_token(&mut after, account.no, kind, device, None, now)?),
                None => None,
            };
            let (secret, row) = made.unzip();
            let tokens = row.into_iter().collect();
            changes.insert(account.no, Some(Person { account: account.clone(), friends: friends.into(), tokens }));
            created.push(Created { account, token: secret });
        }
        self.apply(&mut next, after, changes, WriteBatch::new())?;
        Ok(created)
    }

    /// Removes people and all their rows of every kind: account, tokens, friendships on both sides, the newest
    /// position, pairs, steps. Numbers that are nobody's are passed over. Bits in hourly bitmaps stay: the count of a
    /// past hour does not change, and the number leads to nobody any more.
    ///
    /// # Errors
    /// When the store cannot be read or written; then nothing is removed.
    pub fn remove(&self, people: &[UserNo]) -> Result<Vec<Removed>, AccountError> {
        let mut next = self.next.lock();
        let mut changes = Changes::new();
        let mut removed = Vec::new();
        let directory = self.directory.read();
        for no in people {
            if let Some(person) = directory.person(*no).filter(|_| !changes.contains_key(no)) {
                changes.insert(*no, None);
                removed.push(Removed { account: person.account.clone(), friends: person.friends.clone() });
            }
        }
        for friend in removed.iter().flat_map(|gone| gone.friends.iter()) {
            let Some(person) = directory.person(*friend).filter(|_| !changes.contains_key(friend)) else { continue };
            let stays = |no: &&UserNo| !matches!(changes.get(no), Some(None));
            let friends = person.friends.iter().filter(stays).copied().collect();
            changes.insert(*friend, Some(Person { friends, ..person.clone() }));
        }
        drop(directory);
        if removed.is_empty() {
            return Ok(removed);
        }
        let mut batch = WriteBatch::new();
        for Removed { account, .. } in &removed {
            batch.remove::<LiveRow>(&account.no);
            self.store.each(&account.no.0.to_be_bytes(), |steps: StepsRow| batch.remove::<StepsRow>(&steps.key()))?;
        }
        self.store.each(&[], |pair: PairRow| {
            if [pair.a, pair.b].iter().any(|no| matches!(changes.get(no), Some(None))) {
                batch.remove::<PairRow>(&pair.key());
            }
        })?;
        let after = *next;
        self.apply(&mut next, after, changes, batch)?;
        Ok(removed)
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
        let mut next = self.next.lock();
        let mut after = *next;
        let person = self.person(no)?;
        let mut tokens: Vec<_> = person.tokens.iter().filter(|token| !token.has_expired(now)).cloned().collect();
        if tokens.len() >= MOST_TOKENS {
            // The oldest session makes room, else the oldest token of the same device.
            let session = tokens.iter().position(|token| token.kind == TokenKind::Session);
            let oldest = session.or_else(|| tokens.iter().position(|token| token.device == *device));
            tokens.remove(oldest.ok_or(AccountError::TooManyTokens)?);
        }
        let (secret, row) = new_token(&mut after, no, kind, device, expires, now)?;
        let id = row.id;
        tokens.push(row);
        let person = Person { tokens: tokens.into(), ..person };
        self.apply(&mut next, after, Changes::from([(no, Some(person))]), WriteBatch::new())?;
        Ok(Issued { secret, id })
    }

    /// Makes a token void, durably. Returns whom it stood for, so that its connections can be cut; `None` when there is
    /// no such token.
    ///
    /// # Errors
    /// When the store cannot write.
    pub fn revoke(&self, no: UserNo, id: u64) -> Result<Option<Identity>, AccountError> {
        let mut next = self.next.lock();
        let Ok(person) = self.person(no) else { return Ok(None) };
        let Some(token) = person.tokens.iter().find(|token| token.id == id) else { return Ok(None) };
        let whom = identity(&person.account, token);
        let tokens = person.tokens.iter().filter(|token| token.id != id).cloned().collect();
        let after = *next;
        let person = Person { tokens, ..person };
        self.apply(&mut next, after, Changes::from([(no, Some(person))]), WriteBatch::new())?;
        Ok(Some(whom))
    }

    /// Makes two people friends. False when they were already.
    ///
    /// # Errors
    /// [`AccountError::Unknown`], [`AccountError::Oneself`]; when the store cannot write.
    pub fn befriend(&self, a: UserNo, b: UserNo) -> Result<bool, AccountError> {
        self.change_friendship(a, b, true)
    }

    /// Ends a friendship, and forgets what the two had between them. False when there was none.
    ///
    /// # Errors
    /// [`AccountError::Unknown`], [`AccountError::Oneself`]; when the store cannot write.
    pub fn unfriend(&self, a: UserNo, b: UserNo) -> Result<bool, AccountError> {
        self.change_friendship(a, b, false)
    }

    /// Changes a profile.
    ///
    /// # Errors
    /// [`AccountError::Unknown`]; when the store cannot write.
    pub fn update(&self, no: UserNo, change: ProfileChange) -> Result<Arc<Account>, AccountError> {
        let mut next = self.next.lock();
        let person = self.person(no)?;
        let mut account = Account::clone(&person.account);
        account.name = change.name.unwrap_or(account.name);
        account.radius = change.radius.unwrap_or(account.radius);
        account.time_zone = change.time_zone.unwrap_or(account.time_zone);
        account.stride_m = change.stride_m.unwrap_or(account.stride_m);
        account.admin = change.admin.unwrap_or(account.admin);
        let account = Arc::new(account);
        let person = Person { account: account.clone(), ..person };
        let after = *next;
        self.apply(&mut next, after, Changes::from([(no, Some(person))]), WriteBatch::new())?;
        Ok(account)
    }

    fn person(&self, no: UserNo) -> Result<Person, AccountError> {
        self.directory.read().person(no).cloned().ok_or(AccountError::Unknown)
    }

    fn check_new(&self, users: &[NewUser]) -> Result<(), AccountError> {
        let directory = self.directory.read();
        let mut seen = ahash::AHashSet::with_capacity(users.len());
        match users.iter().find(|user| directory.no(&user.id).is_some() || !seen.insert(&user.id)) {
            Some(user) => Err(AccountError::Conflict(user.id.clone())),
            None => Ok(()),
        }
    }

    fn change_friendship(&self, a: UserNo, b: UserNo, befriend: bool) -> Result<bool, AccountError> {
        let mut next = self.next.lock();
        if a == b {
            return Err(AccountError::Oneself);
        }
        let mut changes = Changes::new();
        for (no, other) in [(a, b), (b, a)] {
            let person = self.person(no)?;
            let mut friends = person.friends.to_vec();
            match (friends.binary_search(&other), befriend) {
                (Err(at), true) => friends.insert(at, other),
                (Ok(at), false) => _ = friends.remove(at),
                _ => continue,
            }
            changes.insert(no, Some(Person { friends: friends.into(), ..person }));
        }
        if changes.is_empty() {
            return Ok(false);
        }
        let mut batch = WriteBatch::new();
        if !befriend {
            batch.remove::<PairRow>(&(a, b));
        }
        let after = *next;
        self.apply(&mut next, after, changes, batch)?;
        Ok(true)
    }

    /// Commits, and only then changes the directory.
    fn apply(
        &self,
        next: &mut MutexGuard<'_, Next>,
        after: Next,
        changes: Changes,
        mut batch: WriteBatch,
    ) -> Result<(), AccountError> {
        {
            let directory = self.directory.read();
            let mut pages: Vec<u32> = changes.keys().map(|no| PageRow::of(*no)).collect();
            pages.dedup();
            for page in pages {
                let row = directory.page(page, |no| changes.get(&no).cloned());
                if row.people.is_empty() { batch.remove::<PageRow>(&page) } else { batch.put(&row) }
            }
        }
        after.put(&mut batch);
        self.store.commit(batch, Durability::Power)?;
        **next = after;
        let mut directory = self.directory.write();
        directory.reserve(after.no as usize, changes.len());
        for (no, person) in changes {
            directory.put(no, person);
        }
        Ok(())
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
    }
}

fn new_token(
    next: &mut Next,
    no: UserNo,
    kind: TokenKind,
    device: &DeviceName,
    expires: Option<UnixMs>,
    now: UnixMs,
) -> Result<(Secret, TokenRow), AccountError> {
    let secret = Secret::random()?;
    let row = TokenRow { hash: secret.hash(), no, device: device.clone(), kind, id: next.token, created: now, expires };
    next.token += 1;
    Ok((secret, row))
}

/// The friends of each of `count` people who are being made, the first of them with the number `first`.
fn circle(first: u32, count: usize, friendships: &[(usize, usize)]) -> Result<Vec<Vec<UserNo>>, AccountError> {
    let mut lists: Vec<Vec<UserNo>> = vec![Vec::new(); count];
    for &(a, b) in friendships {
        if a == b {
            return Err(AccountError::Oneself);
        }
        for (from, to) in [(a, b), (b, a)] {
            let friend = u32::try_from(to).ok().filter(|_| to < count).and_then(|to| first.checked_add(to));
            let list = lists.get_mut(from).ok_or(AccountError::Unknown)?;
            list.push(UserNo(friend.ok_or(AccountError::Unknown)?));
        }
    }
    for list in &mut lists {
        list.sort_unstable();
        list.dedup();
    }
    Ok(lists)
}
