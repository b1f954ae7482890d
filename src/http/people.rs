//! Making and removing people and friendships on a running node: the store first, then everyone who must know.
use std::sync::Arc;

use actix_web::web;

use crate::activity::histogram::Presence;
use crate::actors::calendars::Calendars;
use crate::actors::journal::Promise;
use crate::actors::spatial_inbox::Fact;
use crate::actors::spatial_index::{QueryPlace, SettleIndex};
use crate::actors::user::{
    Expelled, FriendGone, FriendshipChange, FriendshipChanged, KeepNow, Review, TokenRevoked, User, UserDeps,
};
use crate::domain::{DeviceName, Precision, Sharing, UnixMs, UserId, UserNo};
use crate::spatial::world::Person;
use crate::store::StoreError;
use crate::store::accounts::{
    Accepted, Acceptor, AccountError, Accounts, Created, Issued, NewUser, ProfileChange, Removed,
};
use crate::store::rows::{Account, TokenKind};

/// Administration of a running node.
#[derive(Clone, Debug)]
pub struct People {
    deps: Arc<UserDeps>,
    calendars: Arc<Calendars>,
}

impl People {
    /// Administration over what people's actors use, and their calendars.
    #[must_use]
    pub fn new(deps: Arc<UserDeps>, calendars: Arc<Calendars>) -> Self {
        Self { deps, calendars }
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
        self.create_by(None, users, friendships, token_for)
    }

    /// The same, as `actor` wants it; `None`: who runs the server.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub fn create_by(
        &self,
        actor: Option<UserNo>,
        users: &[NewUser],
        friendships: &[(usize, usize)],
        token_for: Option<&DeviceName>,
    ) -> Result<Vec<Created>, AccountError> {
        let now = self.deps.clock.now();
        let token = token_for.map(|device| (TokenKind::Full, device));
        let created = self.deps.accounts.create_by(actor, users, friendships, token, now)?;
        for person in &created {
            self.deps.spatial.changed(Fact::Person(person.account.no, person_of(&person.account, now)));
        }
        for (a, b) in friendships {
            if let (Some(a), Some(b)) = (created.get(*a), created.get(*b)) {
                self.deps.spatial.changed(Fact::Befriended(a.account.no, b.account.no));
            }
        }
        Ok(created)
    }

    /// Removes people and everything that is theirs, as `actor` wants it (`None`: who runs the server). Returns how many there were, once their friends have been told and nothing
    /// about them can leave or be written any more.
    ///
    /// # Errors
    /// When the store cannot write; then nothing is removed.
    pub async fn remove(&self, actor: Option<UserNo>, people: Vec<UserNo>) -> Result<usize, AccountError> {
        let removed = self.store(move |accounts| accounts.remove_by(actor, &people)).await?;
        let now = self.deps.clock.now();
        for Removed { account, friends } in &removed {
            let no = account.no;
            // Only now: had the store refused, everything would have to go on as before.
            self.deps.journal.forget(no);
            self.deps.phones.forget_person(no);
            self.ask(no, Expelled).await;
            self.calendars.forget(no);
            self.deps.board.forget(no);
            self.deps.flips.set(no, None);
            for friend in friends.iter() {
                self.ask(*friend, FriendGone { no, user: account.id.clone() }).await;
            }
            // Who is not here has no actor that could say so: nobody counts who is gone.
            for presence in [Presence::Free, Presence::Online] {
                self.deps.hours.presence(no, presence, false, now);
            }
            // Last, so that who hears of an encounter's end knows whose.
            self.deps.spatial.changed(Fact::Removed(no));
        }
        self.settle().await;
        for Removed { account, friends } in &removed {
            for friend in friends.iter() {
                self.tell_changed(*friend, account.no, &account.id, FriendshipChange::Ended).await;
            }
        }
        self.written().await;
        Ok(removed.len())
    }

    /// Removes one person, and then every byte of them from the disk. False when there was nobody.
    ///
    /// # Errors
    /// When the store cannot write.
    pub async fn erase(&self, actor: Option<UserNo>, no: UserNo) -> Result<bool, AccountError> {
        Ok(self.erase_all(actor, vec![no]).await? > 0)
    }

    /// Removes people, and then every byte of them from the disk. Returns how many there were.
    ///
    /// # Errors
    /// When the store cannot write.
    pub async fn erase_all(&self, actor: Option<UserNo>, people: Vec<UserNo>) -> Result<usize, AccountError> {
        let removed = self.remove(actor, people).await?;
        if removed > 0 {
            let store = self.deps.store.clone();
            self.store(move |_| Ok(store.purge()?)).await?;
        }
        Ok(removed)
    }

    /// Makes a token.
    ///
    /// # Errors
    /// No such user; the store cannot write.
    pub fn token(&self, id: &UserId, device: &DeviceName) -> Result<Issued, AccountError> {
        let account = self.deps.accounts.by_id(id).ok_or(AccountError::Unknown)?;
        self.deps.accounts.issue_token_by(None, account.no, TokenKind::Full, device, None, self.deps.clock.now())
    }

    /// Makes two people friends. False when they were.
    ///
    /// # Errors
    /// No such user; one person twice; the store cannot write.
    pub async fn befriend(&self, a: &UserId, b: &UserId) -> Result<bool, AccountError> {
        let (a, b) = (self.number(a)?, self.number(b)?);
        let is_new = self.store(move |accounts| accounts.befriend(a, b)).await?;
        if is_new {
            self.began(a, b).await;
        }
        Ok(is_new)
    }

    /// Ends a friendship. False when there was none. When it returns, whatever was on its way about one to the other is gone.
    ///
    /// # Errors
    /// No such user; one person twice; the store cannot write.
    pub async fn unfriend(&self, a: UserNo, b: UserNo) -> Result<bool, AccountError> {
        let ended = self.store(move |accounts| accounts.unfriend(a, b)).await?;
        if ended {
            self.ended(a, b).await;
        }
        Ok(ended)
    }

    /// Ends the friendship, if there is one, and keeps `other` from becoming a friend of `no` again. `other` is not told more than
    /// that the friendship ended. False when that was so already.
    ///
    /// # Errors
    /// No such user; one person twice; the store cannot write.
    pub async fn block(&self, no: UserNo, other: UserNo) -> Result<bool, AccountError> {
        let were_friends = self.deps.accounts.are_friends(no, other);
        let is_new = self.store(move |accounts| accounts.block(no, other)).await?;
        if were_friends {
            self.ended(no, other).await;
        }
        Ok(is_new)
    }

    /// Lets somebody who was blocked be invited again. False when nobody was.
    ///
    /// # Errors
    /// The store cannot write.
    pub async fn unblock(&self, no: UserNo, other: UserNo) -> Result<bool, AccountError> {
        self.store(move |accounts| accounts.unblock(no, other)).await
    }

    /// Changes what `owner` shares with a friend from now on. When it returns, nothing leaves that is no longer allowed.
    ///
    /// # Errors
    /// [`AccountError::Unknown`] unless they are friends; the store cannot write.
    pub async fn share(
        &self,
        owner: UserNo,
        viewer: UserNo,
        precision: Precision,
        until: Option<UnixMs>,
    ) -> Result<Sharing, AccountError> {
        let now = self.deps.clock.now();
        // Awake before the change: what friends were shown until now decides what they are told.
        let owner_actor = self.deps.registry.wake(owner).ok_or(AccountError::Unknown)?;
        let change = move |before: Sharing| before.changed_to(precision, until, now);
        let sharing = self.store(move |accounts| accounts.change_share(owner, viewer, change)).await?;
        self.say_sharing(owner, viewer);
        let _ = owner_actor.send(Review).await;
        self.settle().await;
        Ok(sharing)
    }

    /// Tells the index what one shares with the other now.
    fn say_sharing(&self, owner: UserNo, viewer: UserNo) {
        let _order = self.deps.spatial.in_order();
        if let Some(sharing) = self.deps.accounts.sharing(owner, viewer) {
            let precision = sharing.at(self.deps.clock.now());
            self.deps.spatial.changed(Fact::Shared { owner, viewer, precision });
        }
    }

    /// Tells the index what holds between two people now: after the end of a friendship that it is over, also when there is
    /// another one already.
    fn say_friendship(&self, a: UserNo, b: UserNo, change: FriendshipChange) {
        let _order = self.deps.spatial.in_order();
        let (now, accounts) = (self.deps.clock.now(), &self.deps.accounts);
        let are_friends = accounts.are_friends(a, b);
        if change == FriendshipChange::Ended || !are_friends {
            self.deps.spatial.changed(Fact::Unfriended(a, b));
        }
        if !are_friends {
            return;
        }
        for (owner, viewer) in [(a, b), (b, a)] {
            if let Some(sharing) = accounts.sharing(owner, viewer).filter(|it| *it != Sharing::default()) {
                self.deps.spatial.changed(Fact::Shared { owner, viewer, precision: sharing.at(now) });
                if let Some(end) = sharing.ends(now) {
                    self.deps.alarms.set(owner, end);
                }
            }
        }
        self.deps.spatial.changed(Fact::Befriended(a, b));
    }

    /// Changes a profile, and tells everyone who must know.
    ///
    /// # Errors
    /// [`AccountError::Unknown`]; the store cannot write.
    pub async fn change_profile(&self, no: UserNo, change: ProfileChange) -> Result<Arc<Account>, AccountError> {
        let actor = self.deps.registry.wake(no).ok_or(AccountError::Unknown)?;
        // What friends may read of the days stands still from here on, should the person hide now.
        let _ = actor.send(KeepNow).await;
        self.written().await;
        let renamed = change.name.is_some();
        let retimed = change.free_hours.is_some() || change.time_zone.is_some();
        let account = self.store(move |accounts| accounts.update(no, change)).await?;
        if retimed {
            let calendars = self.calendars.clone();
            self.store(move |_| calendars.rework(no)).await?;
        }
        let _ = actor.send(Review).await;
        if renamed {
            for friend in self.deps.accounts.friends(no).iter() {
                self.tell_changed(*friend, no, &account.id, FriendshipChange::Renamed).await;
            }
        }
        self.settle().await;
        Ok(account)
    }

    /// Accepts an invite: see [`Accounts::accept`].
    ///
    /// # Errors
    /// As there.
    pub async fn accept(&self, code: String, who: Acceptor, sharing: Sharing) -> Result<Accepted, AccountError> {
        let now = self.deps.clock.now();
        let accepted = self.store(move |accounts| accounts.accept(&code, who, sharing, now)).await?;
        if accepted.token.is_some()
            && let Some(account) = self.deps.accounts.by_no(accepted.no)
        {
            self.deps.spatial.changed(Fact::Person(accepted.no, person_of(&account, now)));
        }
        if let Some(friend) = accepted.friend.filter(|_| accepted.is_new_friend) {
            self.began(accepted.no, friend).await;
        }
        Ok(accepted)
    }

    /// Makes a token void, and closes the connections that came with it. False when there is none.
    ///
    /// # Errors
    /// The store cannot write.
    pub async fn revoke(&self, no: UserNo, id: u64) -> Result<bool, AccountError> {
        let revoked = self.store(move |accounts| accounts.revoke(no, id)).await?;
        if revoked.is_some() {
            self.deps.phones.forget(id);
        }
        self.ask(no, TokenRevoked(id)).await;
        Ok(revoked.is_some())
    }

    /// Makes all of a person's tokens void but one. Returns how many.
    ///
    /// # Errors
    /// The store cannot write.
    pub async fn revoke_others(&self, no: UserNo, keep: u64) -> Result<usize, AccountError> {
        let revoked = self.store(move |accounts| accounts.revoke_others(no, keep)).await?;
        for token in &revoked {
            self.deps.phones.forget(token.token_id);
            self.ask(no, TokenRevoked(token.token_id)).await;
        }
        Ok(revoked.len())
    }

    fn number(&self, id: &UserId) -> Result<UserNo, AccountError> {
        self.deps.accounts.by_id(id).map(|account| account.no).ok_or(AccountError::Unknown)
    }

    async fn began(&self, a: UserNo, b: UserNo) {
        // What is shared is said first: the two are never near by what is not shown.
        self.say_friendship(a, b, FriendshipChange::Began);
        self.changed(a, b, FriendshipChange::Began).await;
        self.settle().await;
    }

    async fn ended(&self, a: UserNo, b: UserNo) {
        self.say_friendship(a, b, FriendshipChange::Ended);
        // The end of an encounter, if there is one, is in both mailboxes before the end of the friendship.
        self.settle().await;
        self.changed(a, b, FriendshipChange::Ended).await;
    }

    async fn changed(&self, a: UserNo, b: UserNo, change: FriendshipChange) {
        for (me, friend) in [(a, b), (b, a)] {
            if let Some(account) = self.deps.accounts.by_no(friend) {
                self.tell_changed(me, friend, &account.id, change).await;
            }
        }
    }

    /// Tells somebody that their friendship with another changed.
    async fn tell_changed(&self, me: UserNo, friend: UserNo, user: &UserId, change: FriendshipChange) {
        if self.deps.registry.get(me).is_none() {
            return;
        }
        let place = match change {
            FriendshipChange::Ended => None,
            _ => self.deps.index.send(QueryPlace { of: friend, by: me }).await.ok(),
        };
        self.ask(me, FriendshipChanged { friend, user: user.clone(), change, place }).await;
    }

    /// Has a message carried out by a person's actor, if it runs.
    async fn ask<M>(&self, no: UserNo, message: M)
    where
        M: actix::Message<Result = ()> + Send + 'static,
        User: actix::Handler<M>,
    {
        if let Some(actor) = self.deps.registry.get(no) {
            // An actor that stopped meanwhile has no connections left.
            let _ = actor.send(message).await;
        }
    }

    /// Waits until the index has decided everything said so far.
    async fn settle(&self) {
        let _ = self.deps.index.send(SettleIndex).await;
    }

    /// Waits until everything that was to be kept is.
    async fn written(&self) {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        self.deps.journal.promise(Promise::Reply(sender));
        let _ = receiver.await;
    }

    /// Writes to the store on a thread that may wait for the disk.
    async fn store<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Accounts) -> Result<T, AccountError> + Send + 'static,
    ) -> Result<T, AccountError> {
        let accounts = self.deps.accounts.clone();
        let done = web::block(move || work(&accounts)).await;
        done.unwrap_or_else(|_| {
            Err(StoreError::Engine { doing: "write", what: "the node is stopping".to_owned() }.into())
        })
    }
}

/// What the spatial index knows of someone who is not there yet.
#[must_use]
pub fn person_of(account: &Account, now: UnixMs) -> Person {
    let hidden = account.hidden_until.is_some_and(|end| end > now);
    Person { radius: account.radius, free: false, online: false, hidden, only_free: account.only_free }
}
