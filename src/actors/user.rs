//! One person: all their devices, their newest fix, steps and availability, and whom to tell.
//!
//! In: fixes and availability from connections and requests, encounters from the spatial index, friends' states from
//! their actors. Out: positions and changes to the spatial index, hours to the aggregator, rows to the journal, frames to
//! the person's connections. Runs on the HTTP worker where the person first came in; never waits for anything.
//!
//! Mailbox: 1,024. When full: a connection keeps its newest fix and sends it again (`http/session.rs`), other requests
//! wait; messages of state from elsewhere set [`Overrun`], which cuts the person's connections with 4503.
mod exercise;
mod handlers;
mod links;
mod messages;
mod person;
mod phones;
mod quiet;
mod steps_today;

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::prelude::*;
use bytestring::ByteString;
use jiff::tz::TimeZone;

pub use self::exercise::{OwnSteps, QuerySteps, ReportSteps};
pub use self::links::{Link, Links};
pub use self::messages::*;
pub use self::person::{Person, Reported, live_of};
pub use self::phones::{PhoneAnswer, PhoneFix, ReportPhone};
pub use self::quiet::KeepQuiet;
pub use self::steps_today::StepsToday;
use super::agenda::Agenda;
use super::alarm::Alarms;
use super::board::{Board, Standing};
use super::downlink::{About, FriendList};
use super::entitlements::Entitlements;
use super::herald::Suspended;
use super::hourly_aggregator::HourlyInbox;
use super::journal::{Journaling, Promise};
use super::phones::Phones;
use super::registry::{Overrun, Registry};
use super::spatial_inbox::{Fact, SpatialInbox};
use super::spatial_index::{FriendPlace, RequestSnapshot, SpatialIndex, WatchFriends};
use crate::activity::histogram::{Presence, hour_of};
use crate::activity::timetable::present;
use crate::domain::{Availability, Clock, Fix, Note, Present, Sight, UnixMs, UserNo};
use crate::protocol::close::CloseCode;
use crate::protocol::server::{self, Friend, Limits, Place, Rejected, ServerFrame, Welcome};
use crate::spatial::world::Reason;
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
/// An end of sharing or hiding that is no longer ago than this may not have been told yet, milliseconds.
const JUST_ENDED_MS: i64 = 2_000;
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
    /// Who may know what of whom.
    pub gate: Arc<Entitlements>,
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
    /// When what holds of somebody changes by itself.
    pub flips: Arc<Agenda>,
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
    /// Phones with apps of others.
    pub phones: Phones,
}

/// The actor.
pub struct User {
    no: UserNo,
    deps: Arc<UserDeps>,
    person: Person,
    links: Links,
    friends: Arc<[UserNo]>,
    /// Sorted: the friends who were last shown somebody who is offline, whatever this person does.
    veiled: Vec<UserNo>,
    /// Friends whose accounts are gone, the latest few: an encounter's end that is still on its way must be told by name.
    gone: Vec<FriendGone>,
    overrun: Overrun,
    online: bool,
    /// The person is left out of the hours' counts: to be hidden is to be gone.
    uncounted: bool,
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
    /// The device whose fix is the live position, if it is told of keeping quiet.
    quiet_device: Option<u16>,
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
        // As of a moment ago: what ended since then is still to be told.
        let veiled = veiled(&deps.gate, no, &friends, now - JUST_ENDED_MS);
        let steps_counted = (person.today(now), person.steps_today(now));
        let uncounted = is_hidden(&person.account, now - JUST_ENDED_MS);
        Some(Self {
            uncounted,
            steps_counted,
            no,
            person,
            links: Links::default(),
            friends,
            veiled,
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
            quiet_device: None,
            retired: false,
            deps,
        })
    }

    fn now(&self) -> UnixMs {
        self.deps.clock.now()
    }

    /// Decides one fix.
    fn take(&mut self, fix: &Fix, device: u16, ctx: &mut Context<Self>) {
        let reported = self.person.report(fix, device, self.now());
        self.follow(&reported, device, ctx);
    }

    /// Tells everyone concerned what a fix did.
    fn follow(&mut self, reported: &Reported, device: u16, ctx: &mut Context<Self>) {
        self.deps.fixes.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.mind_quiet(device, reported);
        if let Some(live) = reported.live {
            self.deps.spatial.moved(self.no, live);
        }
        if reported.steps_changed {
            self.steps_changed(self.now(), ctx);
        }
        if reported.changed {
            self.keep_soon(ctx);
        }
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

    /// Keeps the days' steps in rows of their own, for lists over many days; the person's row has the newest ones too. Friends read
    /// the rows of somebody who hides: they stand still meanwhile.
    fn keep_days(&mut self) {
        if is_hidden(&self.person.account, self.now()) {
            return;
        }
        self.days_kept = Instant::now();
        self.person.step_days().iter().for_each(|row| self.deps.journal.steps(row));
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

    /// What friends see at `now`.
    fn standing(&self, now: UnixMs) -> Standing {
        Standing { online: self.online, availability: self.present(now).shown() }
    }

    /// Puts the person's standing on the board and tells the friends who may know.
    fn announce(&self) {
        let now = self.now();
        self.deps.board.write(self.no, self.online, self.person.hand.clone());
        self.deps.board.tell(self.no, &self.present(now));
        let frame = self.presence(now);
        for friend in self.friends.iter().filter(|friend| self.veiled.binary_search(friend).is_err()) {
            self.tell_friend(*friend, Sight::Presence, frame.clone());
        }
    }

    fn presence(&self, now: UnixMs) -> ByteString {
        server::presence(self.person.account.id.as_str(), self.online, &self.present(now).shown())
    }

    /// What holds of the person at `now`.
    fn present(&self, now: UnixMs) -> Present {
        present(self.person.hand.as_ref(), self.deps.board.timetable(self.no).as_deref(), now)
    }

    fn tell_friend(&self, friend: UserNo, needs: Sight, frame: ByteString) {
        self.deps.registry.tell(friend, FriendChanged { of: self.no, needs, frame });
    }

    /// Brings friends and the index in line with what this person shares now. A friend from whom the person is hidden from now
    /// on hears what is heard of someone who goes offline, and one to whom they appear what is heard of someone who
    /// comes; where that changes nothing for the friend, nothing is said.
    fn review(&mut self) {
        let now = self.now();
        let veiled = veiled(&self.deps.gate, self.no, &self.friends, now);
        let before = std::mem::replace(&mut self.veiled, veiled);
        if self.standing(now) != Standing::default() {
            let offline = server::presence(self.person.account.id.as_str(), false, &Availability::default());
            for friend in self.friends.iter() {
                match (before.binary_search(friend).is_ok(), self.veiled.binary_search(friend).is_ok()) {
                    (false, true) => self.tell_friend(*friend, Sight::Veiled, offline.clone()),
                    (true, false) => self.tell_friend(*friend, Sight::Presence, self.presence(now)),
                    _ => {}
                }
            }
        }
        // What is said of it is what holds now, also when others change it meanwhile.
        let _order = self.deps.spatial.in_order();
        if let Some(account) = self.deps.accounts.by_no(self.no) {
            self.person.account = Account::clone(&account);
        }
        let account = &self.person.account;
        let (free, hidden) = (self.present(now).free, is_hidden(account, now));
        let person = crate::spatial::world::Person {
            radius: account.radius,
            free,
            online: self.online,
            hidden,
            only_free: account.only_free,
        };
        self.deps.spatial.changed(Fact::Person(self.no, person));
        let ends = account.hidden_until.filter(|end| *end > now);
        let shares = self.deps.accounts.shares(self.no);
        for (viewer, sharing) in shares.iter() {
            self.deps.spatial.changed(Fact::Shared { owner: self.no, viewer: *viewer, precision: sharing.at(now) });
        }
        for end in shares.iter().filter_map(|(_, sharing)| sharing.ends(now)).chain(ends) {
            self.deps.alarms.set(self.no, end);
        }
        if self.uncounted != hidden {
            self.uncounted = hidden;
            self.note_hours(Presence::Free, free, now);
            self.note_hours(Presence::Online, self.online, now);
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
        let on = on && !self.uncounted;
        match presence {
            Presence::Free if on => self.deps.hours.free_until(self.no, self.present(now).until, now),
            _ => self.deps.hours.presence(self.no, presence, on, now),
        }
        if on {
            self.deps.journal.mark(MarkRow { key: (hour_of(now, &self.deps.zone), presence), no: self.no });
        }
    }

    /// Takes over what was said by hand, or that it holds no more (`None`).
    fn set_hand(&mut self, hand: Option<Availability>, by_hand: bool) {
        let now = self.now();
        if by_hand {
            self.person.changed_by_hand = now;
        }
        self.person.hand = hand.filter(|hand| !hand.has_lapsed(now));
        self.dirty = true;
        if let Some(until) = self.person.hand.as_ref().and_then(|hand| hand.until) {
            self.deps.alarms.set(self.no, until);
        }
        // Friends first, then the index: who hears `near` has heard of the freedom, and can read the note.
        self.announce();
        let free = self.present(now).free;
        let until = self.deps.board.free_until(self.no, now);
        self.deps.spatial.changed(Fact::Free { no: self.no, free, until, by_hand });
        self.note_hours(Presence::Free, free, now);
        self.deps.schedule(self.no, now);
    }

    /// What holds may have changed by itself since `since`.
    fn flipped(&mut self, since: UnixMs) {
        let now = self.now();
        let present = self.present(now);
        if self.deps.board.tell(self.no, &present) {
            self.announce();
        }
        let until = self.deps.board.free_until(self.no, now);
        self.deps.spatial.changed(Fact::Free { no: self.no, free: present.free, until, by_hand: false });
        if !self.uncounted {
            self.deps.count_flips(self.no, since, now);
        }
        self.note_hours(Presence::Free, present.free, now);
        self.deps.schedule(self.no, now);
    }

    fn welcome(&mut self, conn: u64, places: &rustc_hash::FxHashMap<UserNo, FriendPlace>) {
        let now = self.now();
        let (steps_today, free) = (self.person.steps_today(now), self.present(now).free);
        let friends: Vec<_> = self
            .friends
            .iter()
            .filter_map(|no| {
                let (sight, friend) = self.friend(*no, places.get(no), now)?;
                Some((*no, sight, friend))
            })
            .collect();
        let Some(link) = self.links.get_mut(conn) else { return };
        if link.welcomed {
            return;
        }
        link.welcomed = true;
        let welcome = Welcome {
            user: self.person.account.id.clone(),
            name: self.person.account.name.clone(),
            server_time: now,
            free,
            steps_today,
            last_seq: self.person.last_seq(link.device),
            limits: self.deps.limits,
        };
        link.way.friends(FriendList::Welcome(Box::new(welcome), friends));
        self.deps.suspended.frames().into_iter().for_each(|frame| link.way.state(frame));
        let device = link.device;
        self.mind_return(device);
    }

    fn friend(&self, no: UserNo, place: Option<&FriendPlace>, now: UnixMs) -> Option<(Sight, Friend)> {
        self.deps.friend_object(no, self.no, place, now)
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

/// True when the person hides from everyone now.
fn is_hidden(account: &Account, now: UnixMs) -> bool {
    account.hidden_until.is_some_and(|end| end > now)
}

/// Sorted: the friends to whom a person looks offline at `now`.
fn veiled(gate: &Entitlements, no: UserNo, friends: &[UserNo], now: UnixMs) -> Vec<UserNo> {
    friends.iter().copied().filter(|friend| gate.sight_at(no, *friend, now) <= Sight::Veiled).collect()
}

impl UserDeps {
    /// `owner` as `viewer` may see them at `now`, and how much that is: the one way to make a friend object. `None` for somebody
    /// of whom the viewer may know nothing.
    #[must_use]
    pub fn friend_object(
        &self,
        owner: UserNo,
        viewer: UserNo,
        place: Option<&FriendPlace>,
        now: UnixMs,
    ) -> Option<(Sight, Friend)> {
        let account = self.accounts.by_no(owner)?;
        let sight = self.gate.sight_at(owner, viewer, now);
        let standing = self.board.standing(owner, now);
        let live = place.and_then(|place| place.live.as_ref()).filter(|(_, shown)| *shown <= sight.precision());
        let friend = Friend {
            user: account.id.as_str().to_owned(),
            name: account.name.as_str().to_owned(),
            online: standing.online,
            free: standing.availability.free,
            note: standing.availability.note.as_ref().map(|note| note.as_str().to_owned()),
            until: standing.availability.until.map(|UnixMs(until)| until),
            near: place.is_some_and(|place| place.near),
            place: live.map(|(live, precision)| Place::of(live, *precision)),
        };
        Some((sight, friend.cut_to(sight, sight)?))
    }
}

impl Actor for User {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        self.check_idle_later(ctx);
        self.review();
    }
}
