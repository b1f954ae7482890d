//! The accounts in memory: by number, by id, by token. Lookups only; what changes it is in [`super::accounts`].
use std::sync::Arc;

use ahash::AHashMap;

use super::embedded::Embedded;
use super::error::StoreError;
use super::rows::{Account, FriendsRow, TokenKind, TokenRow};
use crate::domain::{DeviceName, UnixMs, UserId, UserNo};

/// One person: cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub account: Arc<Account>,
    pub friends: Arc<[UserNo]>,
}

/// What is known of a token without its text.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub no: UserNo,
    pub id: u64,
    pub kind: TokenKind,
    pub device: DeviceName,
    pub expires: Option<UnixMs>,
}

impl From<&TokenRow> for Token {
    fn from(row: &TokenRow) -> Self {
        Self { no: row.no, id: row.id, kind: row.kind, device: row.device.clone(), expires: row.expires }
    }
}

/// Everyone, in memory.
#[derive(Debug, Default)]
pub(super) struct Directory {
    people: Vec<Option<Person>>,
    by_id: AHashMap<UserId, UserNo>,
    tokens: AHashMap<[u8; 32], Token>,
    nobody: Arc<[UserNo]>,
}

impl Directory {
    /// Reads the three tables at once, each on its own thread.
    pub fn load(store: &Embedded) -> Result<Self, StoreError> {
        let (accounts, tokens, friends) = std::thread::scope(|scope| {
            let tokens = scope.spawn(|| load_tokens(store));
            let friends = scope.spawn(|| load_friends(store));
            let accounts = load_accounts(store);
            (accounts, tokens.join(), friends.join())
        });
        let died = |_| StoreError::Engine { doing: "read", what: "a reading thread ended early".to_owned() };
        let (mut people, by_id) = accounts?;
        for (no, friends) in friends.map_err(died)?? {
            if let Some(Some(person)) = people.get_mut(no.index()) {
                person.friends = friends;
            }
        }
        Ok(Self { people, by_id, tokens: tokens.map_err(died)??, nobody: Arc::default() })
    }

    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// The highest number in use, plus one.
    pub fn end(&self) -> u32 {
        u32::try_from(self.people.len()).unwrap_or(u32::MAX)
    }

    pub fn person(&self, no: UserNo) -> Option<&Person> {
        self.people.get(no.index())?.as_ref()
    }

    pub fn no(&self, id: &UserId) -> Option<UserNo> {
        self.by_id.get(id).copied()
    }

    pub fn token(&self, hash: &[u8; 32]) -> Option<&Token> {
        self.tokens.get(hash)
    }

    pub fn friends(&self, no: UserNo) -> Arc<[UserNo]> {
        self.person(no).map_or_else(|| self.nobody.clone(), |person| person.friends.clone())
    }

    pub fn people(&self) -> impl Iterator<Item = &Person> {
        self.people.iter().flatten()
    }

    pub fn tokens(&self) -> impl Iterator<Item = &Token> {
        self.tokens.values()
    }

    /// Adds a person or replaces the account of one.
    pub fn put_account(&mut self, account: Arc<Account>) {
        let at = account.no.index();
        if self.people.len() <= at {
            self.people.resize_with(at + 1, || None);
        }
        self.by_id.insert(account.id.clone(), account.no);
        if let Some(place) = self.people.get_mut(at) {
            let friends = place.take().map_or_else(|| self.nobody.clone(), |person| person.friends);
            *place = Some(Person { account, friends });
        }
    }

    pub fn remove(&mut self, no: UserNo) -> Option<Person> {
        let person = self.people.get_mut(no.index())?.take()?;
        self.by_id.remove(&person.account.id);
        Some(person)
    }

    pub fn put_friends(&mut self, row: FriendsRow) {
        if let Some(Some(person)) = self.people.get_mut(row.no.index()) {
            person.friends = row.friends.into();
        }
    }

    pub fn put_token(&mut self, row: &TokenRow) {
        self.tokens.insert(row.hash, Token::from(row));
    }

    pub fn remove_token(&mut self, hash: &[u8; 32]) {
        self.tokens.remove(hash);
    }

    /// Makes room for many at once.
    pub fn reserve(&mut self, people: usize, tokens: usize) {
        self.people.reserve(people);
        self.by_id.reserve(people);
        self.tokens.reserve(tokens);
    }
}

type People = (Vec<Option<Person>>, AHashMap<UserId, UserNo>);

fn load_accounts(store: &Embedded) -> Result<People, StoreError> {
    let nobody: Arc<[UserNo]> = Arc::default();
    let mut people: Vec<Option<Person>> = Vec::new();
    let mut ids = Vec::new();
    store.each(&[], |account: Account| {
        // Numbers come in order, so this only fills the gaps of those who left.
        people.resize_with(account.no.index(), || None);
        ids.push((account.id.clone(), account.no));
        people.push(Some(Person { account: Arc::new(account), friends: nobody.clone() }));
    })?;
    Ok((people, ids.into_iter().collect()))
}

fn load_tokens(store: &Embedded) -> Result<AHashMap<[u8; 32], Token>, StoreError> {
    let mut tokens = Vec::new();
    store.each(&[], |row: TokenRow| tokens.push((row.hash, Token::from(&row))))?;
    Ok(tokens.into_iter().collect())
}

fn load_friends(store: &Embedded) -> Result<Vec<(UserNo, Arc<[UserNo]>)>, StoreError> {
    let mut friends = Vec::new();
    store.each(&[], |row: FriendsRow| friends.push((row.no, row.friends.into())))?;
    Ok(friends)
}
