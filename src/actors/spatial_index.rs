//! Who is where, which pairs are near. One actor on its own thread; deciding is `spatial::World`'s.
//!
//! In: facts from [`SpatialInbox`], drained at most every 2 ms; queries by message. Out: encounters to the two people
//! concerned, friends' movements to open maps, the crowd to the administrator. CPU-bound, no IO.
mod crowd;
mod phones;
mod quiet;

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

pub use self::phones::{AlertView, PhoneView, QueryAlerts, QueryPhone};
pub use self::quiet::QueryQuiet;
use super::critical::CriticalGuard;
use super::downlink::{Downlink, MovedFriend};
use super::journal::Journaling;
use super::registry::Registry;
use super::spatial_inbox::{Fact, SpatialInbox};
use super::user::{FriendsMoved, FriendsSnapshot, Met, Parted};
use crate::domain::{Clock, Precision, UserNo};
use crate::protocol::client::View;
use crate::spatial::world::{Counts, Event, Live, Nearby, Neighbour, Seen, Told, World};
use crate::store::accounts::Accounts;

const DRAIN_EVERY: Duration = Duration::from_millis(2);
const TICK_EVERY: Duration = Duration::from_millis(50);

/// Facts wait in the inbox.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct TickDrain;

/// Friends around a person, nearest first.
#[derive(Debug, Message)]
#[rtype(result = "Vec<Neighbour>")]
pub struct QueryNearby(pub UserNo, pub Nearby);

/// How many people there are.
#[derive(Debug, Message)]
#[rtype(result = "Counts")]
pub struct QueryCounts;

/// Asks for the friends a person may see; the answer is a [`FriendsSnapshot`] in that person's mailbox, so that it
/// stands in one order with encounters.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct RequestSnapshot {
    /// Whose friends.
    pub no: UserNo,
    /// For which of their connections.
    pub conn: u64,
}

/// Opens or closes a person's map.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct WatchFriends(pub UserNo, pub bool);

/// Opens, changes or closes an administrator's view.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct WatchCrowd {
    /// The connection that looks.
    pub conn: u64,
    /// What it looks at; `None`: no longer.
    pub view: Option<(View, Arc<dyn Downlink>)>,
}

/// Who is near whom at this moment (for friends lists).
#[derive(Debug, Message)]
#[rtype(result = "FxHashMap<UserNo, FriendPlace>")]
pub struct QueryFriends(pub UserNo);

/// Where one person is, as another may know it.
#[derive(Debug, Message)]
#[rtype(result = "FriendPlace")]
pub struct QueryPlace {
    /// Who is looked at.
    pub of: UserNo,
    /// Who looks.
    pub by: UserNo,
}

/// Answered once everything said so far is decided and on its way to the people concerned.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct SettleIndex;

/// Says that the index is alive: used by tests of timers under load.
#[derive(Debug, Message)]
#[rtype(result = "u64")]
pub struct QueryTicks;

/// Ends the actor (tests of critical actors).
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Crash;

/// What a person may know of a friend's place.
#[derive(Clone, Copy, Debug, Default)]
pub struct FriendPlace {
    /// Where, as precisely as it is shown, when fresh.
    pub live: Option<(Live, Precision)>,
    /// An encounter is under way.
    pub near: bool,
}

/// The downstream of the index.
#[derive(Clone, Debug)]
pub struct SpatialDeps {
    /// Its way in.
    pub inbox: Arc<SpatialInbox>,
    /// Where people are reached.
    pub registry: Arc<Registry>,
    /// For ids.
    pub accounts: Arc<Accounts>,
    /// Where encounters are kept.
    pub journal: Arc<Journaling>,
    /// The wall clock.
    pub clock: Clock,
    /// Between `moved` frames.
    pub moved_every: Duration,
    /// Between crowd frames.
    pub crowd_every: Duration,
}

/// The actor.
pub struct SpatialIndex {
    world: World,
    deps: SpatialDeps,
    spare: Vec<Fact>,
    drain_armed: bool,
    events: Vec<Event>,
    told: Vec<Told>,
    viewers: FxHashMap<UserNo, Viewer>,
    /// Friend → who watches that friend.
    watched: FxHashMap<UserNo, Vec<UserNo>>,
    crowds: FxHashMap<u64, (View, Arc<dyn Downlink>)>,
    crowd_sent: Instant,
    ticks: u64,
    _guard: CriticalGuard,
}

#[derive(Debug)]
struct Viewer {
    moved: FxHashSet<UserNo>,
    sent: Option<Instant>,
}

impl SpatialIndex {
    /// An index over `world`, which `app` filled from the store; `events` came up while it was filled.
    #[must_use]
    pub fn new(world: World, events: Vec<Event>, deps: SpatialDeps, guard: CriticalGuard) -> Self {
        Self {
            world,
            deps,
            spare: Vec::new(),
            drain_armed: false,
            events,
            told: Vec::new(),
            viewers: FxHashMap::default(),
            watched: FxHashMap::default(),
            crowds: FxHashMap::default(),
            crowd_sent: Instant::now(),
            ticks: 0,
            _guard: guard,
        }
    }

    fn drain(&mut self) {
        let now = self.deps.clock.now();
        let mut facts = self.deps.inbox.take(std::mem::take(&mut self.spare));
        let mut somebody_left = false;
        for fact in facts.drain(..) {
            match fact {
                Fact::Moved(no, live) => {
                    self.world.report(no, live, now, &mut self.events);
                    self.show_again(no);
                }
                Fact::Heeds(no, heeds) => self.world.heed(no, heeds, now, &mut self.events),
                Fact::CameBack(no) => self.world.came_back(no, now),
                Fact::Astray(no) => self.world.astray(no, now, &mut self.events),
                Fact::Person(no, person) => {
                    somebody_left |= person.hidden;
                    self.world.set_person(no, person, now, &mut self.events);
                    self.show_again(no);
                }
                Fact::Shared { owner, viewer, precision } => {
                    self.world.share(owner, viewer, precision, now, &mut self.events);
                    self.show_to(owner, viewer);
                }
                Fact::Free { no, free, until, by_hand } => {
                    self.world.set_free(no, free, by_hand, now, &mut self.events);
                    self.world.free_until(no, until);
                }
                Fact::Online(no, online) => self.world.set_online(no, online),
                Fact::Befriended(a, b) => self.befriended(a, b),
                Fact::Unfriended(a, b) => self.unfriended(a, b),
                Fact::Forget(before) => _ = self.world.forget_positions(before, now, &mut self.events),
                Fact::Removed(no) => {
                    somebody_left = true;
                    self.removed(no);
                }
            }
        }
        self.spare = facts;
        if somebody_left {
            self.send_crowds();
        }
        self.deliver();
        self.push_moved();
    }

    /// What is seen of somebody may have changed: open maps are told.
    fn show_again(&mut self, no: UserNo) {
        for watcher in self.watched.get(&no).map_or(&[][..], Vec::as_slice) {
            if let Some(viewer) = self.viewers.get_mut(watcher) {
                viewer.moved.insert(no);
            }
        }
    }

    fn show_to(&mut self, owner: UserNo, viewer: UserNo) {
        if self.world.friends(viewer).binary_search(&owner).is_ok()
            && let Some(viewer) = self.viewers.get_mut(&viewer)
        {
            viewer.moved.insert(owner);
        }
    }

    fn befriended(&mut self, a: UserNo, b: UserNo) {
        self.world.befriend(a, b, self.deps.clock.now(), &mut self.events);
        self.rewatch(a);
        self.rewatch(b);
    }

    fn unfriended(&mut self, a: UserNo, b: UserNo) {
        self.world.unfriend(a, b, self.deps.clock.now(), &mut self.events);
        self.rewatch(a);
        self.rewatch(b);
    }

    fn removed(&mut self, no: UserNo) {
        self.unwatch(no);
        for friend in self.world.friends(no).to_vec() {
            if let Some(viewer) = self.viewers.get_mut(&friend) {
                viewer.moved.remove(&no);
            }
        }
        self.watched.remove(&no);
        self.world.remove(no, self.deps.clock.now(), &mut self.events);
    }

    /// Tells both sides of each encounter, and keeps it; and tells phones what they may keep quiet about.
    fn deliver(&mut self) {
        self.hush();
        for event in std::mem::take(&mut self.events) {
            match event {
                Event::Near { a, b, distance_m, t, shown_a, shown_b } => {
                    self.deps.journal.announced(a, b, t);
                    for (me, friend, shown) in [(a, b, shown_b), (b, a, shown_a)] {
                        self.tell(me, Met { friend, distance_m, t, shown });
                    }
                }
                Event::Apart { a, b, t, reason, by } => {
                    self.deps.journal.parted(a, b);
                    for (me, friend) in [(a, b), (b, a)] {
                        self.tell(me, Parted { friend, t, reason, by });
                    }
                }
            }
        }
    }

    fn tell<M>(&self, no: UserNo, message: M)
    where
        M: Message + Send + 'static,
        M::Result: Send,
        super::user::User: Handler<M>,
    {
        self.deps.registry.tell(no, message);
    }

    fn push_moved(&mut self) {
        if self.viewers.is_empty() {
            return;
        }
        let (now, wall) = (Instant::now(), self.deps.clock.now());
        for (viewer_no, viewer) in &mut self.viewers {
            let due = viewer.sent.is_none_or(|sent| now.duration_since(sent) >= self.deps.moved_every);
            if viewer.moved.is_empty() || !due {
                continue;
            }
            viewer.sent = Some(now);
            let world = &self.world;
            let accounts = &self.deps.accounts;
            let friends: Vec<MovedFriend> = viewer
                .moved
                .drain()
                .filter_map(|friend| {
                    let Seen { live, precision } = world.seen(friend, *viewer_no, wall)?;
                    Some(MovedFriend { no: friend, user: accounts.by_no(friend)?.id.clone(), live, precision })
                })
                .collect();
            if !friends.is_empty() {
                self.deps.registry.tell(*viewer_no, FriendsMoved(Arc::from(friends)));
            }
        }
    }

    fn watch(&mut self, no: UserNo) {
        self.unwatch(no);
        let friends = self.world.friends(no);
        for friend in friends {
            self.watched.entry(*friend).or_default().push(no);
        }
        // What is known already comes at once, as the first frame.
        self.viewers.insert(no, Viewer { moved: friends.iter().copied().collect(), sent: None });
    }

    fn unwatch(&mut self, no: UserNo) {
        if self.viewers.remove(&no).is_none() {
            return;
        }
        self.watched.retain(|_, watchers| {
            watchers.retain(|watcher| *watcher != no);
            !watchers.is_empty()
        });
    }

    fn rewatch(&mut self, no: UserNo) {
        if self.viewers.contains_key(&no) {
            self.watch(no);
        }
    }

    fn place(&self, of: UserNo, by: UserNo) -> FriendPlace {
        let seen = self.world.seen(of, by, self.deps.clock.now());
        FriendPlace { live: seen.map(|seen| (seen.live, seen.precision)), near: self.world.is_near(by, of) }
    }

    fn places(&self, no: UserNo) -> FxHashMap<UserNo, FriendPlace> {
        self.world.friends(no).iter().map(|friend| (*friend, self.place(*friend, no))).collect()
    }
}

impl Actor for SpatialIndex {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(4_096);
        self.deliver();
        ctx.run_interval(TICK_EVERY, |index, _| {
            index.ticks += 1;
            let now = index.deps.clock.now();
            index.drain();
            index.world.tick(now, &mut index.events);
            index.deliver();
            index.push_moved();
            index.push_crowds();
            index.deps.inbox.note_quiet(index.world.quiet_counts());
        });
    }
}

impl Handler<TickDrain> for SpatialIndex {
    type Result = ();

    fn handle(&mut self, _: TickDrain, ctx: &mut Self::Context) {
        if self.drain_armed {
            return;
        }
        self.drain_armed = true;
        ctx.run_later(DRAIN_EVERY, |index, _| {
            index.drain_armed = false;
            index.drain();
        });
    }
}

impl Handler<QueryNearby> for SpatialIndex {
    type Result = MessageResult<QueryNearby>;

    fn handle(&mut self, QueryNearby(no, query): QueryNearby, _: &mut Self::Context) -> Self::Result {
        self.drain();
        MessageResult(self.world.nearby(no, &query, self.deps.clock.now()))
    }
}

impl Handler<QueryFriends> for SpatialIndex {
    type Result = MessageResult<QueryFriends>;

    fn handle(&mut self, QueryFriends(no): QueryFriends, _: &mut Self::Context) -> Self::Result {
        self.drain();
        MessageResult(self.places(no))
    }
}

impl Handler<QueryPlace> for SpatialIndex {
    type Result = MessageResult<QueryPlace>;

    fn handle(&mut self, QueryPlace { of, by }: QueryPlace, _: &mut Self::Context) -> Self::Result {
        self.drain();
        MessageResult(self.place(of, by))
    }
}

impl Handler<QueryCounts> for SpatialIndex {
    type Result = MessageResult<QueryCounts>;

    fn handle(&mut self, _: QueryCounts, _: &mut Self::Context) -> Self::Result {
        self.drain();
        MessageResult(self.world.counts())
    }
}

impl Handler<SettleIndex> for SpatialIndex {
    type Result = ();

    fn handle(&mut self, _: SettleIndex, _: &mut Self::Context) {
        self.drain();
    }
}

impl Handler<QueryTicks> for SpatialIndex {
    type Result = MessageResult<QueryTicks>;

    fn handle(&mut self, _: QueryTicks, _: &mut Self::Context) -> Self::Result {
        MessageResult(self.ticks)
    }
}

impl Handler<RequestSnapshot> for SpatialIndex {
    type Result = ();

    fn handle(&mut self, RequestSnapshot { no, conn }: RequestSnapshot, _: &mut Self::Context) {
        self.drain();
        self.tell(no, FriendsSnapshot { conn, places: self.places(no) });
    }
}

impl Handler<WatchFriends> for SpatialIndex {
    type Result = ();

    fn handle(&mut self, WatchFriends(no, open): WatchFriends, _: &mut Self::Context) {
        self.drain();
        if open {
            self.watch(no);
            self.push_moved();
        } else {
            self.unwatch(no);
        }
    }
}

impl Handler<WatchCrowd> for SpatialIndex {
    type Result = ();

    fn handle(&mut self, WatchCrowd { conn, view }: WatchCrowd, _: &mut Self::Context) {
        self.drain();
        match view {
            Some((view, link)) => {
                link.crowd(self.crowd(&view).encode());
                self.crowds.insert(conn, (view, link));
            }
            None => drop(self.crowds.remove(&conn)),
        }
    }
}

impl Handler<Crash> for SpatialIndex {
    type Result = ();

    fn handle(&mut self, _: Crash, ctx: &mut Self::Context) {
        ctx.terminate();
    }
}
