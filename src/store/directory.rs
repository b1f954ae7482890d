//! The accounts in memory: by number, by id, by token; and the invites. Lookups only; what changes it is in
//! [`super::accounts`].
use std::collections::BTreeMap;
use std::sync::Arc;

use ahash::AHashMap;

use super::embedded::Embedded;
use super::error::StoreError;
use super::rows::{Account, InviteRow, PAGE, PageRow, PersonRow, TokenRow};
use crate::domain::{Precision, Relation, Sharing, UnixMs, UserId, UserNo};

/// One person: cheap to clone. What is empty, as nearly always `shares` and `blocks`, takes no memory of its own.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub account: Arc<Account>,
    pub friends: Arc<[UserNo]>,
    pub tokens: Arc<[TokenRow]>,
    /// What is shared with friends where it is not [`Sharing::default`].
    pub shares: Arc<[(UserNo, Sharing)]>,
    pub blocks: Arc<[UserNo]>,
}

impl Person {
    pub fn is_friend(&self, other: UserNo) -> bool {
        self.friends.binary_search(&other).is_ok()
    }

    pub fn has_blocked(&self, other: UserNo) -> bool {
        self.blocks.binary_search(&other).is_ok()
    }

    /// What this person shares with a friend; `None`: they are no friends.
    pub fn sharing(&self, viewer: UserNo) -> Option<Sharing> {
        if !self.is_friend(viewer) {
            return None;
        }
        let exception = self.shares.binary_search_by_key(&viewer, |(no, _)| *no).ok();
        Some(exception.and_then(|at| self.shares.get(at)).map_or_else(Sharing::default, |(_, sharing)| *sharing))
    }

    /// What decides what `viewer` may see of this person.
    pub fn relation(&self, viewer: UserNo, now: UnixMs) -> Relation {
        let sharing = self.sharing(viewer);
        Relation {
            same: self.account.no == viewer,
            friends: sharing.is_some(),
            sharing: sharing.map_or(Precision::Off, |sharing| sharing.at(now)),
            hidden: self.account.is_hidden(now),
            only_free: self.account.only_free,
            free: false,
        }
    }

    /// The same with another choice for one friend.
    pub fn sharing_with(self, viewer: UserNo, sharing: Sharing) -> Self {
        let is_exception = sharing != Sharing::default();
        match self.shares.binary_search_by_key(&viewer, |(no, _)| *no) {
            Err(_) if !is_exception => self,
            place => {
                let mut shares = self.shares.to_vec();
                match place {
                    Ok(at) if is_exception => _ = shares.get_mut(at).map(|place| place.1 = sharing),
                    Ok(at) => _ = shares.remove(at),
                    Err(at) => shares.insert(at, (viewer, sharing)),
                }
                Self { shares: shared(shares), ..self }
            }
        }
    }

    /// The same with one more friend.
    pub fn befriending(self, other: UserNo, sharing: Sharing) -> Self {
        Self { friends: with(&self.friends, other), ..self }.sharing_with(other, sharing)
    }

    /// The same with one friend fewer, and nothing shared with them.
    pub fn unfriending(self, other: UserNo) -> Self {
        Self { friends: without(&self.friends, other), ..self }.sharing_with(other, Sharing::default())
    }

    /// The same with somebody blocked.
    pub fn blocking(self, other: UserNo) -> Self {
        Self { blocks: with(&self.blocks, other), ..self }
    }

    /// The same with somebody blocked no more.
    pub fn unblocking(self, other: UserNo) -> Self {
        Self { blocks: without(&self.blocks, other), ..self }
    }

    /// The same without anything that names any of those who are gone.
    pub fn forgetting(self, is_gone: impl Fn(UserNo) -> bool) -> Self {
        Self {
            friends: shared(self.friends.iter().copied().filter(|no| !is_gone(*no)).collect()),
            shares: shared(self.shares.iter().copied().filter(|(no, _)| !is_gone(*no)).collect()),
            blocks: shared(self.blocks.iter().copied().filter(|no| !is_gone(*no)).collect()),
            ..self
        }
    }

    fn row(&self) -> PersonRow {
        let Self { account, friends, tokens, shares, blocks } = self;
        PersonRow {
            account: Account::clone(account),
            tokens: tokens.to_vec(),
            friends: friends.to_vec(),
            shares: shares.to_vec(),
            blocks: blocks.to_vec(),
        }
    }
}

fn with(list: &Arc<[UserNo]>, no: UserNo) -> Arc<[UserNo]> {
    let Err(at) = list.binary_search(&no) else { return list.clone() };
    let mut longer = list.to_vec();
    longer.insert(at, no);
    longer.into()
}

fn without(list: &Arc<[UserNo]>, no: UserNo) -> Arc<[UserNo]> {
    if list.binary_search(&no).is_err() {
        return list.clone();
    }
    shared(list.iter().copied().filter(|other| *other != no).collect())
}

/// Everyone, in memory.
#[derive(Debug, Default)]
pub(super) struct Directory {
    people: Vec<Option<Person>>,
    by_id: AHashMap<UserId, UserNo>,
    /// Whose a token is, by half of its hash; the whole hash stands with the person.
    by_token: AHashMap<u128, UserNo>,
    /// By their ids. Few: they expire.
    invites: BTreeMap<u64, InviteRow>,
    /// An invite's id, by half of its hash.
    by_code: AHashMap<u128, u64>,
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
        let count = low.len().saturating_add(high.len());
        let mut directory = Self::default();
        directory.reserve(end as usize, count);
        for person in low.into_iter().chain(high) {
            let no = person.account.no;
            directory.put(no, Some(person));
        }
        store.each(&[], |invite: InviteRow| directory.put_invite(invite.id, Some(invite)))?;
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

    /// The invite with this hash.
    pub fn invite_by_hash(&self, hash: &[u8; 32]) -> Option<&InviteRow> {
        self.invite(*self.by_code.get(&half(hash))?).filter(|invite| invite.hash == *hash)
    }

    pub fn invite(&self, id: u64) -> Option<&InviteRow> {
        self.invites.get(&id)
    }

    /// All invites, oldest first.
    pub fn invites(&self) -> impl Iterator<Item = &InviteRow> {
        self.invites.values()
    }

    /// Puts an invite in place, or removes it.
    pub fn put_invite(&mut self, id: u64, invite: Option<InviteRow>) {
        if let Some(before) = self.invites.remove(&id) {
            self.by_code.remove(&half(&before.hash));
        }
        if let Some(invite) = invite {
            self.by_code.insert(half(&invite.hash), id);
            self.invites.insert(id, invite);
        }
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
            self.people.resize_with(at.saturating_add(1), || None);
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
    store.between(&from, &to, |page: PageRow| {
        people.extend(page.people.into_iter().map(|row| Person {
            account: Arc::new(row.account),
            friends: shared(row.friends),
            tokens: shared(row.tokens),
            shares: shared(row.shares),
            blocks: shared(row.blocks),
        }));
    })?;
    Ok(people)
}

/// The standard library keeps one empty `Arc` for everybody: the default one. `from` an empty list would make another.
pub(super) fn shared<T>(list: Vec<T>) -> Arc<[T]> {
    if list.is_empty() { Arc::default() } else { list.into() }
}
