//! Who there is, what they may do and who their friends are: a directory in memory, written through to the store.
//!
//! Readers take a short read lock and never wait for the disk. Writers come one at a time: they check against the
//! directory, commit, and only then change the directory, so that nobody ever sees what a crash could take back.
mod audit;
mod calendars;
mod friends;
mod invites;
mod plan;
mod sessions;
mod sweep;
mod tokens;

use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard, RwLock};

pub use self::audit::AUDIT_LINES;
pub use self::friends::MOST_BLOCKS;
use self::plan::Plan;
pub use self::tokens::MOST_TOKENS;
use super::directory::{Directory, Person, shared};
use super::embedded::Embedded;
use super::error::StoreError;
use super::numbers::Next;
pub use super::person::{
    Accepted, Acceptor, AccountError, Created, Identity, Invite, Issued, IssuedInvite, NewUser, ProfileChange, Removed,
};
pub use super::rows::InviteKind;
use super::rows::{Account, Action, CalendarRow, CalendarTextRow, LiveRow, PageRow, PairRow, Row, StepsRow, TokenKind};
use crate::domain::{Clock, DeviceName, UnixMs, UserId, UserNo};

/// The length of a step until a person says otherwise, metres.
pub const DEFAULT_STRIDE_M: f32 = 0.762;
/// When more people than this are made or erased at once, the audit log has one line for all of them.
const MOST_LINES: usize = 100;

/// The accounts. Shared by reference between threads.
#[derive(Debug)]
pub struct Accounts {
    store: Arc<Embedded>,
    directory: RwLock<Directory>,
    /// Held by the one writer, through its commit.
    next: Mutex<Next>,
    /// Of the audit log.
    clock: Clock,
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
        Ok(Self { store, directory: RwLock::new(directory), next: Mutex::new(next), clock: Clock::System })
    }

    /// The same, with the times in the audit log from this clock where a call does not bring its own.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
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

    /// Everyone, with their friends, in the order of their numbers.
    #[must_use]
    pub fn everyone(&self) -> Vec<(Arc<Account>, Arc<[UserNo]>)> {
        self.directory.read().people().map(|person| (person.account.clone(), person.friends.clone())).collect()
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
        self.create_by(None, users, friendships, token, now)
    }

    /// As [`Accounts::create`], done by this administrator.
    ///
    /// # Errors
    /// As [`Accounts::create`].
    pub fn create_by(
        &self,
        actor: Option<UserNo>,
        users: &[NewUser],
        friendships: &[(usize, usize)],
        token: Option<(TokenKind, &DeviceName)>,
        now: UnixMs,
    ) -> Result<Vec<Created>, AccountError> {
        let mut next = self.next.lock();
        let mut plan = Plan::after(&next);
        self.check_new(users)?;
        let mut created = Vec::with_capacity(users.len());
        let friends = circle(next.no, users.len(), friendships)?;
        for (user, friends) in users.iter().zip(friends) {
            let (mut person, token) = plan.make(user, token, now)?;
            person.friends = shared(friends);
            created.push(Created { account: person.account.clone(), token });
            plan.change(person);
        }
        let numbers: Vec<_> = created.iter().map(|person| person.account.no).collect();
        plan.lines_of_all(now, actor, Action::UserCreated, &numbers);
        if token.is_some() {
            plan.lines_of_all(now, actor, Action::TokenIssued, &numbers);
        }
        if !friendships.is_empty() {
            plan.line(now, actor, Action::Befriended, None, friendships.len() as u64);
        }
        for person in created.iter().filter(|person| person.account.admin) {
            plan.line(now, actor, Action::AdminGranted, Some(person.account.no), 0);
        }
        self.apply(&mut next, plan)?;
        Ok(created)
    }

    /// Removes people and all their rows of every kind: account, tokens, friendships, sharing and blocks on both sides,
    /// invites, the newest position, pairs, steps. Numbers that are nobody's are passed over. Bits in hourly bitmaps
    /// stay: the count of a past hour does not change, and the number leads to nobody any more. So do lines of the audit
    /// log, which hold only that number.
    ///
    /// What the disk still holds of them goes with [`Embedded::purge`], which the store owes from here on.
    ///
    /// # Errors
    /// When the store cannot be read or written; then nothing is removed.
    pub fn remove(&self, people: &[UserNo]) -> Result<Vec<Removed>, AccountError> {
        self.remove_by(None, people)
    }

    /// As [`Accounts::remove`], done by this person: an administrator, or the one who leaves.
    ///
    /// # Errors
    /// As [`Accounts::remove`].
    pub fn remove_by(&self, actor: Option<UserNo>, people: &[UserNo]) -> Result<Vec<Removed>, AccountError> {
        let mut next = self.next.lock();
        let mut plan = Plan::after(&next);
        let removed = self.leave_behind(people, &mut plan);
        if removed.is_empty() {
            return Ok(removed);
        }
        for Removed { account, .. } in &removed {
            plan.batch.remove::<LiveRow>(&account.no);
            plan.batch.remove::<CalendarRow>(&account.no);
            plan.batch.remove::<CalendarTextRow>(&account.no);
            let steps = account.no.0.to_be_bytes();
            self.store.each(&steps, |steps: StepsRow| plan.batch.remove::<StepsRow>(&steps.key()))?;
        }
        let mut pairs = Vec::new();
        self.store.each(&[], |pair: PairRow| pairs.push(pair.key()))?;
        for (a, b) in pairs {
            if plan.removes(a) || plan.removes(b) {
                plan.batch.remove::<PairRow>(&(a, b));
            }
        }
        plan.batch.owe_purge()?;
        let numbers: Vec<_> = removed.iter().map(|person| person.account.no).collect();
        plan.lines_of_all(self.clock.now(), actor, Action::UserErased, &numbers);
        self.apply(&mut next, plan)?;
        Ok(removed)
    }

    /// Takes people out of the directory, and what others hold that names them.
    fn leave_behind(&self, people: &[UserNo], plan: &mut Plan) -> Vec<Removed> {
        let directory = self.directory.read();
        let mut removed: Vec<Removed> = Vec::new();
        for no in people {
            if let Some(person) = directory.person(*no).filter(|_| !plan.removes(*no)) {
                plan.remove(*no);
                removed.push(Removed { account: person.account.clone(), friends: person.friends.clone() });
            }
        }
        if removed.is_empty() {
            return removed;
        }
        let friends = removed.iter().flat_map(|gone| gone.friends.iter()).copied();
        let blockers = directory.people().filter(|person| person.blocks.iter().any(|no| plan.removes(*no)));
        let mut others: Vec<_> = friends.chain(blockers.map(|person| person.account.no)).collect();
        others.sort_unstable();
        others.dedup();
        for no in others {
            if let Some(person) = directory.person(no).filter(|_| !plan.removes(no)) {
                plan.change(person.clone().forgetting(|no| plan.removes(no)));
            }
        }
        for invite in directory.invites() {
            if invite.inviter().is_some_and(|inviter| plan.removes(inviter)) {
                plan.invites.insert(invite.id, None);
            }
        }
        removed
    }

    /// Changes a profile.
    ///
    /// # Errors
    /// [`AccountError::Unknown`]; when the store cannot write.
    pub fn update(&self, no: UserNo, change: ProfileChange) -> Result<Arc<Account>, AccountError> {
        self.update_by(Some(no), no, change)
    }

    /// As [`Accounts::update`], done by this administrator; `None`: by the operator at the machine.
    ///
    /// # Errors
    /// As [`Accounts::update`].
    pub fn update_by(
        &self,
        actor: Option<UserNo>,
        no: UserNo,
        change: ProfileChange,
    ) -> Result<Arc<Account>, AccountError> {
        let mut next = self.next.lock();
        let mut plan = Plan::after(&next);
        let person = self.person(no)?;
        let mut account = Account::clone(&person.account);
        if change.admin.is_some_and(|admin| admin != account.admin) {
            let action = if account.admin { Action::AdminWithdrawn } else { Action::AdminGranted };
            plan.line(self.clock.now(), actor, action, Some(no), 0);
        }
        account.name = change.name.unwrap_or(account.name);
        account.radius = change.radius.unwrap_or(account.radius);
        account.time_zone = change.time_zone.unwrap_or(account.time_zone);
        account.stride_m = change.stride_m.unwrap_or(account.stride_m);
        account.admin = change.admin.unwrap_or(account.admin);
        account.hidden_until = change.hidden_until.unwrap_or(account.hidden_until);
        account.only_free = change.only_free.unwrap_or(account.only_free);
        account.free_hours = change.free_hours.unwrap_or(account.free_hours);
        account.on_board = change.on_board.unwrap_or(account.on_board);
        let account = Arc::new(account);
        plan.change(Person { account: account.clone(), ..person });
        self.apply(&mut next, plan)?;
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

    /// Commits, and only then changes the directory.
    fn apply(&self, next: &mut MutexGuard<'_, Next>, mut plan: Plan) -> Result<(), AccountError> {
        {
            let directory = self.directory.read();
            let mut pages: Vec<u32> = plan.people.keys().map(|no| PageRow::of(*no)).collect();
            pages.dedup();
            for page in pages {
                let row = directory.page(page, |no| plan.people.get(&no).cloned());
                if row.people.is_empty() { plan.batch.remove::<PageRow>(&page) } else { plan.batch.put(&row) }
            }
        }
        let Plan { after, people, invites, durability, .. } = &plan;
        let (after, durability) = (*after, *durability);
        let (people, invites) = (people.len(), invites.len());
        if people > 0 || invites > 0 {
            after.put(&mut plan.batch);
        }
        plan.put_invites();
        let after = plan.put_lines();
        self.store.commit(std::mem::take(&mut plan.batch), durability)?;
        **next = after;
        if people > 0 || invites > 0 {
            let mut directory = self.directory.write();
            directory.reserve(after.no as usize, people);
            for (no, person) in plan.people {
                directory.put(no, person);
            }
            for (id, invite) in plan.invites {
                directory.put_invite(id, invite);
            }
        }
        Ok(())
    }
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
