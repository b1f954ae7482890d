//! The accounts in memory: by number, by id, by token. Lookups only; what changes it is in [`super::accounts`].
use std::sync::Arc;

use ahash::AHashMap;

use super::embedded::Embedded;
use super::error::StoreError;
use super::rows::{Account, PAGE, PageRow, PersonRow, TokenRow};
use crate::domain::{UserId, UserNo};

/// One person: cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub account: Arc<Account>,
    pub friends: Arc<[UserNo]>,
    pub tokens: Arc<[TokenRow]>,
}

impl Person {
    fn row(&self) -> PersonRow {
        let Self { account, friends, tokens } = self;
        PersonRow { account: Account::clone(account), tokens: tokens.to_vec(), friends: friends.to_vec() }
    }
}

/// Everyone, in memory.
#[derive(Debug, Default)]
pub(super) struct Directory {
    people: Vec<Option<Person>>,
    by_id: AHashMap<UserId, UserNo>,
    /// Whose a token is, by half of its hash; the whole hash stands with the person.
    by_token: AHashMap<u128, UserNo>,
}

fn half(hash: &[u8; 32]) -> u128 {
    let mut head = [0; 16];
    head.iter_mut().zip(hash).for_each(|(to, from)| *to = *from);
    u128::from_le_bytes(head)
}

impl Directory {
    /// Reads everyone, on two threads. `end`: the first number that was never given away.
    pub fn load(store: &Embedded, end: u32) -> Result<Self, StoreError> {
        let middle = PageRow::of(UserNo(end)) / 2;
        let (low, high) = std::thread::scope(|scope| {
            let high = scope.spawn(|| load_pages(store, middle, u32::MAX / PAGE + 1));
            (load_pages(store, 0, middle), high.join())
        });
        let died = |_| StoreError::Engine { doing: "read", what: "a reading thread ended early".to_owned() };
        let (low, high) = (low?, high.map_err(died)??);
        let count = low.len() + high.len();
        let mut directory = Self::default();
        directory.reserve(end as usize, count);
        for person in low.into_iter().chain(high) {
            let no = person.account.no;
            directory.put(no, Some(person));
        }
        Ok(directory)
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

    /// The person and token with this hash.
    pub fn token(&self, hash: &[u8; 32]) -> Option<(&Person, &TokenRow)> {
        let person = self.person(*self.by_token.get(&half(hash))?)?;
        person.tokens.iter().find(|token| token.hash == *hash).map(|token| (person, token))
    }

    pub fn people(&self) -> impl Iterator<Item = &Person> {
        self.people.iter().flatten()
    }

    /// Puts a person in place of what stood under this number, or removes it.
    pub fn put(&mut self, no: UserNo, person: Option<Person>) {
        let at = no.index();
        if self.people.len() <= at {
            if person.is_none() {
                return;
            }
            self.people.resize_with(at + 1, || None);
        }
        let Some(place) = self.people.get_mut(at) else { return };
        if let Some(before) = place.take() {
            self.by_id.remove(&before.account.id);
            before.tokens.iter().for_each(|token| _ = self.by_token.remove(&half(&token.hash)));
        }
        if let Some(person) = &person {
            self.by_id.insert(person.account.id.clone(), no);
            person.tokens.iter().for_each(|token| _ = self.by_token.insert(half(&token.hash), no));
        }
        *place = person;
    }

    /// Makes room for many at once.
    pub fn reserve(&mut self, numbers: usize, people: usize) {
        self.people.reserve(numbers.saturating_sub(self.people.len()));
        self.by_id.reserve(people);
        self.by_token.reserve(people);
    }

    /// A page as it will be stored when `changed` says who is different on it.
    pub fn page(&self, page: u32, changed: impl Fn(UserNo) -> Option<Option<Person>>) -> PageRow {
        let person = |no| changed(no).unwrap_or_else(|| self.person(no).cloned());
        PageRow { page, people: PageRow::numbers(page).filter_map(person).map(|person| person.row()).collect() }
    }
}

fn load_pages(store: &Embedded, from: u32, to: u32) -> Result<Vec<Person>, StoreError> {
    let mut people = Vec::new();
    let nobody: Arc<[UserNo]> = Arc::default();
    let none: Arc<[TokenRow]> = Arc::default();
    store.between(&from, &to, |page: PageRow| {
        people.extend(page.people.into_iter().map(|PersonRow { account, tokens, friends }| Person {
            account: Arc::new(account),
            friends: if friends.is_empty() { nobody.clone() } else { friends.into() },
            tokens: if tokens.is_empty() { none.clone() } else { tokens.into() },
        }));
    })?;
    Ok(people)
}
