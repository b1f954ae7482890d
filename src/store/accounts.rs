//! Who there is, what they may do and who their friends are: a directory in memory, written through to the store.
//!
//! Readers take a short read lock and never wait for the disk. Writers come one at a time: they check against the
//! directory, commit, and only then change the directory, so that nobody ever sees what a crash could take back.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use super::directory::{Directory, Token};
use super::embedded::{Durability, Embedded, WriteBatch};
use super::error::StoreError;
use super::numbers::Next;
pub use super::person::{AccountError, Created, Identity, Issued, NewUser, ProfileChange, Removed};
use super::rows::{Account, FriendsRow, LiveRow, PairRow, Row, StepsRow, TokenKind, TokenRow};
use super::secret::{self, Secret};
use crate::domain::{DeviceName, DisplayName, UnixMs, UserId, UserNo};

/// The length of a step until a person says otherwise, metres.
pub const DEFAULT_STRIDE_M: f32 = 0.762;
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
        let directory = Directory::load(&store)?;
        let mut next = Next::load(&store)?;
        next.no = next.no.max(directory.end());
        next.token = directory.tokens().map(|token| token.id + 1).fold(next.token, u64::max);
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
        self.directory.read().friends(no)
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

    /// Whom a token stands for at `now`; `None` for any text that is not a valid token.
    #[must_use]
    pub fn verify(&self, token: &str, now: UnixMs) -> Option<Identity> {
        if !secret::is_token(token) {
            return None;
        }
        let hash = secret::hash(token);
        let directory = self.directory.read();
        let found = directory.token(&hash).filter(|token| token.expires.is_none_or(|expires| now < expires))?;
        identity(&directory, found, hash)
    }

    /// Whether the token behind an identity still holds.
    #[must_use]
    pub fn is_valid(&self, identity: &Identity, now: UnixMs) -> bool {
        let directory = self.directory.read();
        let token = directory.token(&identity.hash);
        token.is_some_and(|token| token.expires.is_none_or(|expires| now < expires))
            && directory.person(identity.no).is_some()
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
        let mut batch = WriteBatch::new();
        let mut created = Vec::with_capacity(users.len());
        let mut token_rows = Vec::new();
        self.check_new(users)?;
        for user in users {
            let account = Account {
                no: UserNo(after.no),
                id: user.id.clone(),
                name: user.name.clone().unwrap_or_else(|| DisplayName::from(&user.id)),
                admin: user.admin,
                radius: user.radius.unwrap_or_default(),
                time_zone: user.time_zone.clone(),
                stride_m: DEFAULT_STRIDE_M,
                created: now,
            };
            after.no = after.no.checked_add(1).ok_or(AccountError::Full)?;
            batch.put(&account);
            let secret = match token {
                Some((kind, device)) => {
                    let (secret, row) = new_token(&mut after, account.no, kind, device, None, now)?;
                    batch.put(&row);
                    token_rows.push(row);
                    Some(secret)
                }
                None => None,
            };
            created.push(Created { account: Arc::new(account), token: secret });
        }
        let friends_rows = circle(&created, friendships)?;
        for row in &friends_rows {
            batch.put(row);
        }
        after.put(&mut batch);
        self.store.commit(batch, Durability::Power)?;
        *next = after;
        let mut directory = self.directory.write();
        directory.reserve(created.len(), token_rows.len());
        for person in &created {
            directory.put_account(person.account.clone());
        }
        for row in &token_rows {
            directory.put_token(row);
        }
        for row in friends_rows {
            directory.put_friends(row);
        }
        Ok(created)
    }

    /// Removes people and all their rows of every kind: account, tokens, friendships on both sides, the newest
    /// position, pairs, steps. Numbers that are nobody's are passed over. Bits in hourly bitmaps stay: the count of a
    /// past hour does not change, and the number leads to nobody any more.
    ///
    /// # Errors
    /// When the store cannot be read or written; then nothing is removed.
    pub fn remove(&self, people: &[UserNo]) -> Result<Vec<Removed>, AccountError> {
        let _one_at_a_time = self.next.lock();
        let mut batch = WriteBatch::new();
        let mut hashes = Vec::new();
        let mut leaving = BTreeMap::new();
        for no in people {
            if let Some(person) = self.directory.read().person(*no) {
                leaving.insert(*no, Removed { account: person.account.clone(), friends: person.friends.clone() });
            }
        }
        if leaving.is_empty() {
            return Ok(Vec::new());
        }
        for no in leaving.keys() {
            let prefix = no.0.to_be_bytes();
            self.store.each(&prefix, |token: TokenRow| {
                batch.remove::<TokenRow>(&token.key());
                hashes.push(token.hash);
            })?;
            self.store.each(&prefix, |steps: StepsRow| batch.remove::<StepsRow>(&steps.key()))?;
            batch.remove::<Account>(no);
            batch.remove::<FriendsRow>(no);
            batch.remove::<LiveRow>(no);
        }
        self.store.each(&[], |pair: PairRow| {
            if leaving.contains_key(&pair.a) || leaving.contains_key(&pair.b) {
                batch.remove::<PairRow>(&pair.key());
            }
        })?;
        let staying: BTreeSet<UserNo> = leaving.values().flat_map(|gone| gone.friends.iter().copied()).collect();
        let mut friends_rows = Vec::new();
        for no in staying.into_iter().filter(|no| !leaving.contains_key(no)) {
            let friends = self.friends(no).iter().copied().filter(|friend| !leaving.contains_key(friend)).collect();
            friends_rows.push(FriendsRow { no, friends });
        }
        for row in &friends_rows {
            batch.put(row);
        }
        self.store.commit(batch, Durability::Power)?;
        let mut directory = self.directory.write();
        for no in leaving.keys() {
            directory.remove(*no);
        }
        for hash in &hashes {
            directory.remove_token(hash);
        }
        for row in friends_rows {
            directory.put_friends(row);
        }
        Ok(leaving.into_values().collect())
    }

    /// Makes a token for a person's device. It is returned once; only its hash is kept.
    ///
    /// # Errors
    /// [`AccountError::Unknown`]; when the store cannot write.
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
        self.by_no(no).ok_or(AccountError::Unknown)?;
        let (secret, row) = new_token(&mut after, no, kind, device, expires, now)?;
        let mut batch = WriteBatch::new();
        batch.put(&row);
        after.put(&mut batch);
        self.store.commit(batch, Durability::Power)?;
        *next = after;
        self.directory.write().put_token(&row);
        Ok(Issued { secret, id: row.id })
    }

    /// A person's tokens: their hashes, devices and ids.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn tokens(&self, no: UserNo) -> Result<Vec<TokenRow>, StoreError> {
        let mut tokens = Vec::new();
        self.store.each(&no.0.to_be_bytes(), |row| tokens.push(row))?;
        Ok(tokens)
    }

    /// Makes a token void, durably. Returns whom it stood for, so that its connections can be cut; `None` when there is
    /// no such token.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub fn revoke(&self, no: UserNo, id: u64) -> Result<Option<Identity>, AccountError> {
        let _one_at_a_time = self.next.lock();
        let Some(row) = self.store.get::<TokenRow>(&(no, id))? else { return Ok(None) };
        let mut batch = WriteBatch::new();
        batch.remove::<TokenRow>(&row.key());
        self.store.commit(batch, Durability::Power)?;
        let mut directory = self.directory.write();
        directory.remove_token(&row.hash);
        Ok(identity(&directory, &Token::from(&row), row.hash))
    }

    /// Forgets tokens that expired before `now`. Returns how many.
    ///
    /// # Errors
    /// When the store cannot write.
    pub fn forget_expired(&self, now: UnixMs) -> Result<usize, AccountError> {
        let _one_at_a_time = self.next.lock();
        let void = |token: &&Token| token.expires.is_some_and(|expires| expires <= now);
        let keys: Vec<_> =
            self.directory.read().tokens().filter(void).map(|token| (token.no, token.id)).collect();
        let mut batch = WriteBatch::new();
        let mut hashes = Vec::new();
        for key in &keys {
            if let Some(row) = self.store.get::<TokenRow>(key)? {
                hashes.push(row.hash);
            }
            batch.remove::<TokenRow>(key);
        }
        self.store.commit(batch, Durability::Power)?;
        let mut directory = self.directory.write();
        hashes.iter().for_each(|hash| directory.remove_token(hash));
        Ok(keys.len())
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
        let _one_at_a_time = self.next.lock();
        let mut account = Account::clone(&*self.by_no(no).ok_or(AccountError::Unknown)?);
        account.name = change.name.unwrap_or(account.name);
        account.radius = change.radius.unwrap_or(account.radius);
        account.time_zone = change.time_zone.unwrap_or(account.time_zone);
        account.stride_m = change.stride_m.unwrap_or(account.stride_m);
        account.admin = change.admin.unwrap_or(account.admin);
        let mut batch = WriteBatch::new();
        batch.put(&account);
        self.store.commit(batch, Durability::Power)?;
        let account = Arc::new(account);
        self.directory.write().put_account(account.clone());
        Ok(account)
    }

    fn check_new(&self, users: &[NewUser]) -> Result<(), AccountError> {
        let directory = self.directory.read();
        let mut seen = ahash::AHashSet::with_capacity(users.len());
        match users.iter().find(|user| directory.no(&user.id).is_some() || !seen.insert(&user.id)) {
            Some(user) => Err(AccountError::Conflict(user.id.clone())),
            None => Ok(()),
        }
    }

    fn change_friendship(&self, a: UserNo, b: UserNo, friends: bool) -> Result<bool, AccountError> {
        let _one_at_a_time = self.next.lock();
        if a == b {
            return Err(AccountError::Oneself);
        }
        let (of_a, of_b) = {
            let directory = self.directory.read();
            let of = |no| directory.person(no).map(|person| person.friends.to_vec()).ok_or(AccountError::Unknown);
            (of(a)?, of(b)?)
        };
        let rows = [(a, of_a, b), (b, of_b, a)].map(|(no, mut list, other)| {
            match (list.binary_search(&other), friends) {
                (Err(at), true) => list.insert(at, other),
                (Ok(at), false) => _ = list.remove(at),
                _ => {}
            }
            FriendsRow { no, friends: list }
        });
        if rows.iter().all(|row| row.friends.len() == self.friends(row.no).len()) {
            return Ok(false);
        }
        let mut batch = WriteBatch::new();
        rows.iter().for_each(|row| batch.put(row));
        if !friends {
            batch.remove::<PairRow>(&(a, b));
        }
        self.store.commit(batch, Durability::Power)?;
        let mut directory = self.directory.write();
        rows.into_iter().for_each(|row| directory.put_friends(row));
        Ok(true)
    }
}

fn identity(directory: &Directory, token: &Token, hash: [u8; 32]) -> Option<Identity> {
    let account = &directory.person(token.no)?.account;
    Some(Identity {
        no: token.no,
        device: token.device.clone(),
        kind: token.kind,
        admin: account.admin && token.kind != TokenKind::Device,
        token_id: token.id,
        expires: token.expires,
        hash,
    })
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

/// The rows of friendships among people who are being made.
fn circle(created: &[Created], friendships: &[(usize, usize)]) -> Result<Vec<FriendsRow>, AccountError> {
    let mut lists: Vec<Vec<UserNo>> = vec![Vec::new(); created.len()];
    let no = |place: usize| created.get(place).map(|person| person.account.no).ok_or(AccountError::Unknown);
    for &(a, b) in friendships {
        if a == b {
            return Err(AccountError::Oneself);
        }
        for (from, to) in [(a, b), (b, a)] {
            let friend = no(to)?;
            lists.get_mut(from).ok_or(AccountError::Unknown)?.push(friend);
        }
    }
    let rows = created.iter().zip(lists).filter(|(_, friends)| !friends.is_empty());
    Ok(rows
        .map(|(person, mut friends)| {
            friends.sort_unstable();
            friends.dedup();
            FriendsRow { no: person.account.no, friends }
        })
        .collect())
}
