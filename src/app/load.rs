//! Filling a new node from its store.
use std::sync::Arc;

use actix::prelude::*;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::activity::calendar::read as read_calendar;
use crate::activity::histogram::{Presence, start_of_hour};
use crate::activity::steps::StepCounter;
use crate::activity::timetable::{Busy, Timetable, present};
use crate::actors::agenda::Agenda;
use crate::actors::alarm::Alarms;
use crate::actors::board::Board;
use crate::actors::calendars::{timetable_of, window, zone_of};
use crate::actors::critical::Stopping;
use crate::actors::herald::{Herald, RedisHealth};
use crate::actors::hourly_aggregator::{self, HourlyAggregator, HourlyInbox};
use crate::actors::user::{StepsToday, live_of};
use crate::config::Config;
use crate::domain::{Availability, Clock, UnixMs, UserId, UserNo};
use crate::http::people::person_of;
use crate::http::state::Sinks;
use crate::spatial::world::{Event, Live, Person, World};
use crate::store::accounts::Accounts;
use crate::store::embedded::Embedded;
use crate::store::histogram_writer::{HistogramWriter, Pace, SinkState};
use crate::store::histograms::EmbeddedHistograms;
use crate::store::keys::Keys;
use crate::store::node_id;
use crate::store::redis::{RedisHistograms, RedisUrl};
use crate::store::rows::{Account, CalendarRow, CalendarSource, LiveRow, PairRow};

/// What a node had when it stopped.
pub struct Stored {
    /// The directory of people.
    pub accounts: Accounts,
    /// Everything else.
    pub rows: Rows,
}

/// People's states and encounters.
pub struct Rows {
    states: Vec<State>,
    pairs: Vec<PairRow>,
    /// When people's calendars make them busy, and when those that come from the web were fetched last.
    pub calendars: Vec<(UserNo, Busy, Option<UnixMs>)>,
}

/// What of a person's row everybody else may need; the rest is read when they come.
struct State {
    no: UserNo,
    hand: Option<Availability>,
    changed_by_hand: UnixMs,
    live: Option<Live>,
    steps_today: u32,
}

/// Reads the store, people and their states side by side.
///
/// # Errors
/// When a row cannot be read.
pub fn read(store: &Arc<Embedded>, today: Date) -> anyhow::Result<Stored> {
    std::thread::scope(|threads| {
        let rows = threads.spawn(|| {
            let mut states = Vec::new();
            store.each::<LiveRow>(&[], |row| {
                let steps = StepCounter::from_bytes(&row.steps).and_then(|steps| steps.day(today));
                states.push(State {
                    no: row.no,
                    hand: row.hand,
                    changed_by_hand: row.changed_by_hand,
                    live: row.track.live.as_ref().map(live_of),
                    steps_today: steps.unwrap_or(0),
                });
            })?;
            let mut calendars = Vec::new();
            store.each(&[], |row: CalendarRow| {
                let fetched = match row.source {
                    CalendarSource::Upload => None,
                    CalendarSource::Feed(feed) => Some(feed.fetched),
                };
                calendars.push((row.no, row.busy, fetched));
            })?;
            anyhow::Ok(Rows { states, pairs: store.all()?, calendars })
        });
        let accounts = Accounts::open(store.clone())?;
        let rows = rows.join().map_err(|_| anyhow::anyhow!("the thread that reads the store died"))??;
        Ok(Stored { accounts, rows })
    })
}

/// Where states belong, besides the world.
pub struct Into<'a> {
    /// Everybody's standing.
    pub board: &'a Board,
    /// The alarm clock.
    pub alarms: &'a Alarms,
    /// When what holds of people changes by itself.
    pub flips: &'a Agenda,
    /// The aggregator's inbox.
    pub hours: &'a HourlyInbox,
    /// Up to when everybody was counted when the node stopped.
    pub counted_to: UnixMs,
    /// Everybody's steps of the day.
    pub steps_today: &'a StepsToday,
}

/// Fills the world, the board and the alarm clock. Returns encounters that nobody was told of yet.
pub fn fill(
    world: &mut World,
    accounts: &Accounts,
    rows: &mut Rows,
    into: &Into<'_>,
    zone: &TimeZone,
    now: UnixMs,
) -> Vec<Event> {
    let mut events = Vec::new();
    let everyone = accounts.everyone();
    let everyone_sharing: Vec<_> = everyone.iter().map(|(account, _)| account.clone()).collect();
    // Who is free is known before pairs are restored: a pair of which one seems busy would end at once.
    let free = restore_availability(accounts, rows, into, zone, now);
    for (account, _) in &everyone {
        let person = Person { free: free.contains(&account.no), ..person_of(account, now) };
        world.set_person(account.no, person, now, &mut events);
        world.free_until(account.no, into.board.free_until(account.no, now));
    }
    for (account, friends) in everyone {
        world.load_friends(account.no, friends);
    }
    for account in everyone_sharing {
        let shares = accounts.shares(account.no);
        for (viewer, sharing) in shares.iter() {
            world.share(account.no, *viewer, sharing.at(now), now, &mut events);
        }
        let ends = shares.iter().filter_map(|(_, sharing)| sharing.ends(now)).chain(account.hidden_until);
        ends.filter(|end| *end > now).for_each(|end| into.alarms.set(account.no, end));
    }
    for row in &rows.pairs {
        world.restore_pair(row.a, row.b, row.near, row.announced_at);
    }
    let mut walked: i64 = 0;
    for State { no, live, steps_today, .. } in std::mem::take(&mut rows.states) {
        if let Some(live) = live {
            world.report(no, live, now, &mut events);
        }
        walked += i64::from(steps_today);
    }
    into.steps_today.add(walked, now, zone);
    events
}

/// Puts on the board what was said by hand and what the timetables say, and counts the hours since the node stopped. Returns who is
/// free now.
fn restore_availability(
    accounts: &Accounts,
    rows: &Rows,
    into: &Into<'_>,
    zone: &TimeZone,
    now: UnixMs,
) -> FxHashSet<UserNo> {
    let mut busy: FxHashMap<UserNo, &Busy> = rows.calendars.iter().map(|(no, busy, _)| (*no, busy)).collect();
    let states: FxHashMap<UserNo, &State> = rows.states.iter().map(|state| (state.no, state)).collect();
    let mut free = FxHashSet::default();
    for (account, _) in accounts.everyone() {
        let no = account.no;
        let busy = busy.remove(&no).map(|busy| still_known(busy, accounts, &account, zone, now));
        let timetable = timetable_of(&account, busy, zone);
        let (hand, changed) =
            states.get(&no).map_or((None, UnixMs(0)), |state| (state.hand.as_ref(), state.changed_by_hand.min(now)));
        if let Some(until) = hand.and_then(|hand| hand.until).filter(|until| *until > now) {
            into.alarms.set(no, until);
        }
        let holds = present(hand, timetable.as_deref(), now);
        if holds.free {
            free.insert(no);
        }
        if !account.is_hidden(now) {
            count_since_the_stop(no, (hand, changed), timetable.as_deref(), into, now);
        }
        if hand.is_some() || timetable.is_some() {
            into.board.write(no, false, hand.cloned());
            into.board.set_timetable(no, timetable);
            into.board.tell(no, &holds);
            into.flips.set(no, into.board.next_flip(no, now));
        }
    }
    free
}

/// Busy intervals that reach to `now`: after a long stop they are worked out again. They are kept by who looks after calendars.
fn still_known(busy: &Busy, accounts: &Accounts, account: &Account, zone: &TimeZone, now: UnixMs) -> Busy {
    let (_, known_to) = busy.known();
    if known_to.saturating_mul(1_000) > now.0 {
        return busy.clone();
    }
    let text = accounts.calendar_text(account.no).ok().flatten();
    let again = text.and_then(|row| read_calendar(row.text.as_bytes(), &zone_of(account, zone), window(now)).ok());
    again.map_or_else(|| busy.clone(), |calendar| calendar.busy)
}

/// In which hours somebody was free while the node was down.
fn count_since_the_stop(
    no: UserNo,
    (hand, changed): (Option<&Availability>, UnixMs),
    timetable: Option<&Timetable>,
    &Into { hours, counted_to, .. }: &Into<'_>,
    now: UnixMs,
) {
    if let Some(hand) = hand.filter(|hand| hand.free) {
        let end = hand.until.map_or(now, |until| until.min(now));
        hours.was(no, Presence::Free, changed.max(counted_to), end);
        hours.still_free(no, hand.until, changed);
    }
    // From when on nothing said by hand held.
    let since = match hand {
        Some(hand) => hand.until.filter(|until| *until <= now).map(|until| until.max(changed)),
        None => Some(changed),
    };
    let (Some(since), Some(timetable)) = (since, timetable) else { return };
    for (from, to) in timetable.free_between(since.max(counted_to), now) {
        hours.was(no, Presence::Free, from, to);
    }
    let state = timetable.state_at(now);
    if state.free {
        hours.still_free(no, state.until, now);
    }
}

/// A guest must be somebody.
///
/// # Errors
/// When the configured guest is no valid id.
pub fn check_guest(config: &Config, accounts: &Accounts) -> anyhow::Result<()> {
    let guest = &config.dashboard.guest;
    if guest.is_empty() {
        return Ok(());
    }
    let id = UserId::parse(guest, "dashboard.guest")?;
    if accounts.by_id(&id).is_none() {
        tracing::warn!(%guest, "the dashboard's guest does not exist yet: letshang user add");
    }
    Ok(())
}

/// The hourly aggregator's parts.
pub struct Hours {
    /// Its way in.
    pub inbox: HourlyInbox,
    /// Up to when everybody was counted when the node stopped.
    pub counted_to: UnixMs,
    /// The actor, on a thread of its own.
    pub actor: Addr<HourlyAggregator>,
    /// How its sinks do: the embedded store, and Redis when there is one.
    pub sinks: Sinks,
}

/// Starts the hourly aggregator, with Redis when there is one. Never waits for Redis.
///
/// # Errors
/// When a histogram cannot be read, or the settings of Redis are not usable.
pub fn hours(
    config: &Config,
    store: &Arc<Embedded>,
    clock: &Clock,
    stopping: &Stopping,
    herald: &Addr<Herald>,
) -> anyhow::Result<Hours> {
    let zone = config.zone()?;
    let days = EmbeddedHistograms::new(store.clone());
    // Whoever was free when the node stopped is counted from the last hour that is known on.
    let now = clock.now();
    let counted_to = days.newest_hour()?.map_or(now, |hour| start_of_hour(hour, &zone).min(now));
    let inbox = HourlyInbox::new(zone.clone(), counted_to);
    let pace = Pace::default();
    let own = HistogramWriter::spawn(days.clone(), days.clone(), pace, clock.clone(), None)?;
    let redis = match config.redis.url.reveal() {
        None => None,
        Some(url) => {
            let keys = Keys::new(&config.redis.prefix)?;
            let sink = RedisHistograms::new(RedisUrl::parse(url)?, keys, node_id(store)?, config.redis.timeout.get())?;
            let herald = herald.clone();
            let watch = Box::new(move |state: &SinkState| drop(herald.try_send(RedisHealth { well: state.ok })));
            Some(HistogramWriter::spawn(sink, days.clone(), pace, clock.clone(), Some(watch))?)
        }
    };
    let sinks = Sinks { own: own.status(), redis: redis.as_ref().map(HistogramWriter::status) };
    let settings = hourly_aggregator::Settings {
        write_every: config.hours.flush.get(),
        retain_days: config.hours.retain_days,
        ..hourly_aggregator::Settings::of(zone)
    };
    let guard = Box::new(stopping.guard("HourlyAggregator"));
    let actor = HourlyAggregator::new(inbox.clone(), days, own, redis, clock.clone(), settings, guard)?;
    Ok(Hours { inbox, counted_to, actor: super::on_own_thread(move |_| actor), sinks })
}
