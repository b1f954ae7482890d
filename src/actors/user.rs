//! One person: all their devices, their newest fix, steps and availability, and whom to tell.
//!
//! In: fixes and availability from connections and requests, encounters from the spatial index, friends' states from
//! their actors. Out: positions and changes to the spatial index, hours to the aggregator, rows to the journal, frames to
//! the person's connections. Runs on the HTTP worker where the person first came in; never waits for anything.
//!
//! Mailbox: 1,024. When full: a connection keeps its newest fix and sends it again (`http/session.rs`), other requests
//! wait; messages of state from elsewhere set [`Overrun`], which cuts the person's connections with 4503.
mod handlers;
mod links;
mod messages;
mod person;
mod steps_today;

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::prelude::*;
use jiff::tz::TimeZone;

pub use self::links::{Link, Links};
pub use self::messages::*;
pub use self::person::{Person, Reported, live_of};
pub use self::steps_today::StepsToday;
use super::alarm::Alarms;
use super::board::{Board, Standing};
use super::herald::Suspended;
use super::hourly_aggregator::HourlyInbox;
use super::journal::{Journaling, Promise};
use super::registry::{Overrun, Registry};
use super::spatial_inbox::{Fact, SpatialInbox};
use super::spatial_index::{FriendPlace, RequestSnapshot, SpatialIndex, WatchFriends};
use crate::activity::histogram::{Presence, hour_of};
use crate::domain::{Availability, Clock, Fix, Note, UnixMs, UserNo};
use crate::protocol::close::CloseCode;
use crate::protocol::server::{self, Friend, Limits, Place, Rejected, ServerFrame};
use crate::store::accounts::Accounts;
use crate::store::embedded::Embedded;
use crate::store::rows::{Account, LiveRow, MarkRow};

const MAILBOX: usize = 1_024;
/// How many friends who are gone are remembered.
const MOST_GONE: usize = 32;
/// A person's state is written at the latest this long after it changed, also when nothing asked for an `ack`.
const KEEP_WITHIN: Duration = Duration::from_secs(1);
/// The days' steps are written in rows of their own at most this often.
const KEEP_DAYS_EVERY: Duration = Duration::from_secs(30);
/// How long an actor that retired still forwards what reaches it.
const RETIRING: Duration = Duration::from_secs(1);

/// What every person's actor needs.
#[derive(Debug)]
pub struct UserDeps {
    /// The directory of people.
    pub accounts: Arc<Accounts>,
    /// The embedded store, for loading.
    pub store: Arc<Embedded>,
    /// What friends may read.
    pub board: Arc<Board>,
    /// Other people's actors.
    pub registry: Arc<Registry>,
    /// The way into the spatial index.
    pub spatial: Arc<SpatialInbox>,
    /// The spatial index, for questions.
    pub index: Addr<SpatialIndex>,
    /// The way into the hourly aggregator.
    pub hours: HourlyInbox,
    /// The way into the journal.
    pub journal: Arc<Journaling>,
    /// The alarm clock.
    pub alarms: Arc<Alarms>,
    /// What is suspended now.
    pub suspended: Arc<Suspended>,
    /// The wall clock.
    pub clock: Clock,
    /// The node's time zone.
    pub zone: TimeZone,
    /// What clients are told to keep to.
    pub limits: Limits,
    /// Online after the last connection.
    pub linger: Duration,
    /// Online after a report over HTTP.
    pub http_linger: Duration,
    /// Between `steps` frames.
    pub steps_every: Duration,
    /// Everybody's steps of the node's day, for the dashboard.
    pub steps_today: StepsToday,
    /// Fixes accepted, for the metrics.
    pub fixes: std::sync::atomic::AtomicU64,
}

/// The actor.
pub struct User {
    no: UserNo,
    deps: Arc<UserDeps>,
    person: Person,
    links: Links,
    friends: Arc<[UserNo]>,
    /// Friends whose accounts are gone, the latest few: an encounter's end that is still on its way must be told by name.
    gone: Vec<FriendGone>,
    overrun: Overrun,
    online: bool,
    /// Until when reports over HTTP keep the person online.
    http_until: Option<Instant>,
    dirty: bool,
    keep_armed: bool,
    steps_sent: Option<Instant>,
    steps_armed: bool,
    /// The day and its steps that are in everybody's total.
    steps_counted: (jiff::civil::Date, u32),
    days_kept: Instant,
    idle_check: Option<SpawnHandle>,
    retired: bool,
}

impl User {
    /// Loads a person from the store. `None` when there is no such account.
    #[must_use]
    pub fn load(no: UserNo, deps: Arc<UserDeps>, overrun: Overrun) -> Option<Self> {
        let account = Account::clone(&*deps.accounts.by_no(no)?);
        let row = deps.journal.pending(no).or_else(|| match deps.store.get::<LiveRow>(&no) {
            Ok(row) => row,
            Err(error) => {
                tracing::error!(%error, "a person's row cannot be read; starting from nothing");
                None
            }
        });
        let person = Person::load(account, row, &deps.zone);
        let friends = deps.accounts.friends(no);
        let now = deps.clock.now();
        let steps_counted = (person.today(now), person.steps_today(now));
        Some(Self {
            steps_counted,
            no,
            person,
            links: Links::default(),
            friends,
            gone: Vec::new(),
            overrun,
            online: false,
            http_until: None,
            dirty: false,
            keep_armed: false,
            steps_sent: None,
            steps_armed: false,
            days_kept: Instant::now(),
            idle_check: None,
            retired: false,
            deps,
        })
    }

    fn now(&self) -> UnixMs {
        self.deps.clock.now()
    }

    /// Decides one fix.
    fn take(&mut self, fix: &Fix, device: u16, ctx: &mut Context<Self>) {
        let now = self.now();
        self.deps.fixes.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let reported = self.person.report(fix, device, now);
        if let Some(live) = reported.live {
            self.deps.spatial.moved(self.no, live);
        }
        if reported.steps_changed {
            self.count_steps(now);
            self.tell_steps(ctx);
        }
        if reported.changed {
            self.keep_soon(ctx);
        }
    }

    /// Adds what is new of today's steps to everybody's.
    fn count_steps(&mut self, now: UnixMs) {
        let today = (self.person.today(now), self.person.steps_today(now));
        let before = if self.steps_counted.0 == today.0 { self.steps_counted.1 } else { 0 };
        self.deps.steps_today.add(i64::from(today.1) - i64::from(before), now, &self.deps.zone);
        self.steps_counted = today;
    }

    fn keep_soon(&mut self, ctx: &mut Context<Self>) {
        self.dirty = true;
        if self.keep_armed {
            return;
        }
        self.keep_armed = true;
        ctx.run_later(KEEP_WITHIN, |user, _| {
            user.keep_armed = false;
            if user.dirty {
                user.keep(None);
            }
        });
    }

    fn keep(&mut self, promise: Option<Promise>) {
        if self.dirty {
            self.dirty = false;
            if self.days_kept.elapsed() >= KEEP_DAYS_EVERY {
                self.keep_days();
            }
            self.deps.journal.keep(self.person.row(), promise);
        } else if let Some(promise) = promise {
            self.deps.journal.promise(promise);
        }
    }

    /// Keeps the days' steps in rows of their own, for lists over many days; the person's row has the newest ones too.
    fn keep_days(&mut self) {
        self.days_kept = Instant::now();
        self.person.step_days(self.now()).iter().for_each(|row| self.deps.journal.steps(row));
    }

    /// Acknowledges `seq` of a connection once what it covers is durable.
    fn acknowledge(&mut self, conn: u64, seq: u64, rejected: &[Rejected]) {
        let Some(link) = self.links.get(conn) else { return };
        let (way, device) = (link.way.clone(), link.device);
        self.person.decided(device, seq);
        self.dirty = true;
        let promise = if rejected.is_empty() {
            Promise::Ack(way, seq)
        } else {
            Promise::Frame(way, ServerFrame::Ack { seq, rejected }.encode())
        };
        self.keep(Some(promise));
    }

    fn tell_steps(&mut self, ctx: &mut Context<Self>) {
        if self.links.is_empty() || self.steps_armed {
            return;
        }
        let every = self.deps.steps_every;
        let wait = self.steps_sent.map_or(Duration::ZERO, |sent| every.saturating_sub(sent.elapsed()));
        if wait.is_zero() {
            self.steps_sent = Some(Instant::now());
            let today = self.person.steps_today(self.now());
            self.links.state(&ServerFrame::Steps { today }.encode());
            return;
        }
        self.steps_armed = true;
        ctx.run_later(wait, |user, ctx| {
            user.steps_armed = false;
            user.tell_steps(ctx);
        });
    }

    fn standing(&self) -> Standing {
        Standing { online: self.online, availability: self.person.availability.clone() }
    }

    /// Puts the person's standing on the board and tells friends.
    fn announce(&self) {
        let now = self.now();
        self.deps.board.write(self.no, self.standing());
        let frame = server::presence(self.person.account.id.as_str(), self.online, &self.person.availability.at(now));
        for friend in self.friends.iter() {
            self.deps.registry.tell(*friend, FriendChanged(frame.clone()));
        }
    }

    fn set_online(&mut self, online: bool) {
        if self.online == online {
            return;
        }
        self.online = online;
        self.deps.spatial.changed(Fact::Online(self.no, online));
        self.note_hours(Presence::Online, online, self.now());
        self.announce();
    }

    /// Tells the aggregator, and keeps the hour's mark with the change itself.
    fn note_hours(&self, presence: Presence, on: bool, now: UnixMs) {
        match presence {
            Presence::Free if on => self.deps.hours.free_until(self.no, self.person.availability.until, now),
            _ => self.deps.hours.presence(self.no, presence, on, now),
        }
        if on {
            self.deps.journal.mark(MarkRow { key: (hour_of(now, &self.deps.zone), presence), no: self.no });
        }
    }

    fn set_availability(&mut self, availability: Availability, by_hand: bool) {
        let now = self.now();
        if by_hand {
            self.person.changed_by_hand = now;
        }
        self.person.availability = availability;
        self.dirty = true;
        let free = self.person.availability.is_free(now);
        if let Some(until) = self.person.availability.until.filter(|until| *until > now) {
            self.deps.alarms.set(self.no, until);
        }
        // Friends first, then the index: who hears `near` has heard of the freedom, and can read the note.
        self.announce();
        self.deps.spatial.changed(Fact::Free { no: self.no, free, by_hand });
        self.note_hours(Presence::Free, free, now);
    }

    fn welcome(&mut self, conn: u64, places: &rustc_hash::FxHashMap<UserNo, FriendPlace>) {
        let now = self.now();
        let steps_today = self.person.steps_today(now);
        let friends = self.friends.iter().filter_map(|no| self.friend(*no, places.get(no), now)).collect();
        let Some(link) = self.links.get_mut(conn) else { return };
        if link.welcomed {
            return;
        }
        link.welcomed = true;
        let frame = ServerFrame::Welcome {
            user: self.person.account.id.as_str(),
            name: self.person.account.name.as_str(),
            server_time: now.0,
            free: self.person.availability.is_free(now),
            steps_today,
            last_seq: self.person.last_seq(link.device),
            limits: self.deps.limits,
            friends,
        };
        link.way.state(frame.encode());
        self.deps.suspended.frames().into_iter().for_each(|frame| link.way.state(frame));
    }

    fn friend(&self, no: UserNo, place: Option<&FriendPlace>, now: UnixMs) -> Option<Friend> {
        friend_object(&self.deps.accounts, &self.deps.board, no, place, now)
    }

    /// The device a speaker speaks for; `None` when a connection is not attached (any more).
    fn device_of(&mut self, speaker: &Speaker, ctx: &mut Context<Self>) -> Option<u16> {
        match speaker {
            Speaker::Connection(conn) => self.links.get(*conn).map(|link| link.device),
            Speaker::Request(name) => {
                self.http_until = Some(Instant::now() + self.deps.http_linger);
                let device = self.person.device(name);
                self.set_online(true);
                self.check_idle_later(ctx);
                Some(device)
            }
        }
    }

    fn check_idle_later(&mut self, ctx: &mut Context<Self>) {
        if let Some(handle) = self.idle_check.take() {
            ctx.cancel_future(handle);
        }
        let http = self.http_until.map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()));
        let wait = http.max(self.deps.linger);
        self.idle_check = Some(ctx.run_later(wait, |user, ctx| {
            user.idle_check = None;
            user.rest_if_idle(ctx);
        }));
    }

    fn rest_if_idle(&mut self, ctx: &mut Context<Self>) {
        if !self.links.is_empty() {
            return;
        }
        if self.http_until.is_some_and(|until| until > Instant::now()) {
            return self.check_idle_later(ctx);
        }
        self.set_online(false);
        self.keep_days();
        self.keep(None);
        self.retired = true;
        self.deps.registry.retire(self.no);
        ctx.run_later(RETIRING, |user, ctx| {
            if user.retired {
                ctx.stop();
            }
        });
    }

    /// An actor that has retired takes its place again when something still reaches it, unless a newer one has it.
    fn revive(&mut self, ctx: &mut Context<Self>) -> bool {
        if self.retired && self.deps.registry.revive(self.no, ctx.address(), self.overrun.clone()) {
            self.retired = false;
            self.check_idle_later(ctx);
        }
        !self.retired
    }

    /// Cuts the connections when a message of state was lost to a full mailbox.
    fn mind_overrun(&mut self) {
        if self.overrun.take() {
            self.links.close(CloseCode::SLOW, "too much at once; come back for the present state");
        }
    }
}

/// A friend as the protocol shows one. `None` when the account is gone.
#[must_use]
pub fn friend_object(
    accounts: &Accounts,
    board: &Board,
    no: UserNo,
    place: Option<&FriendPlace>,
    now: UnixMs,
) -> Option<Friend> {
    let account = accounts.by_no(no)?;
    let standing = board.standing(no, now);
    Some(Friend {
        user: account.id.as_str().to_owned(),
        name: account.name.as_str().to_owned(),
        online: standing.online,
        free: standing.availability.free,
        note: standing.availability.note.as_ref().map(|note| note.as_str().to_owned()),
        until: standing.availability.until.map(|UnixMs(until)| until),
        near: place.is_some_and(|place| place.near),
        place: place.and_then(|place| place.live.as_ref()).map(Place::of),
    })
}

impl Actor for User {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        self.check_idle_later(ctx);
    }
}
