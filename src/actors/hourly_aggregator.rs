//! Who was free and online in which hour of which day. Facts come through [`HourlyInbox`], never through the mailbox:
//! the mailbox holds questions and the tick, and the tick comes from a thread of its own, so that no load delays it.
//! Finished sets go to one [`HistogramWriter`] per sink; this actor waits for none of them.
mod inbox;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use actix::{Actor, ActorContext, AsyncContext, Context, Handler, Message, MessageResult, WeakAddr};
use jiff::civil::Date;
use jiff::{Span, tz::TimeZone};
use thiserror::Error;

pub use inbox::HourlyInbox;

use crate::activity::histogram::{DayCounts, Histogram, HourCount, HourKey, hour_of};
use crate::domain::{Clock, UserNo};
use crate::store::StoreError;
use crate::store::histogram_writer::HistogramWriter;
use crate::store::histograms::EmbeddedHistograms;
use crate::store::rows::HourRow;

/// The longest series that is answered, days.
pub const LONGEST_SERIES: usize = 400;
/// Questions that may wait; more are refused with "busy".
const MAILBOX: usize = 256;

/// Asks for the histogram of a day.
#[derive(Debug, Message)]
#[rtype(result = "Result<DayHistogram, QueryError>")]
pub struct QueryHistogram {
    /// The day, in the server's time zone.
    pub date: Date,
}

/// Asks for the histograms of a span of days, both ends included.
#[derive(Debug, Message)]
#[rtype(result = "Result<Vec<DayHistogram>, QueryError>")]
pub struct QuerySeries {
    /// The first day.
    pub from: Date,
    /// The last day.
    pub to: Date,
}

/// Asks in which hours one person is counted, of the days that are in memory: the store has the others.
#[derive(Debug, Message)]
#[rtype(result = "Vec<HourKey>")]
pub struct QueryHoursOf(pub UserNo);

/// Writes everything and stops the actor. Takes as long as the embedded store needs, and two seconds for Redis.
#[derive(Debug, Message)]
#[rtype(result = "Flushed")]
pub struct Shutdown;

/// The histogram of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayHistogram {
    /// The day.
    pub date: Date,
    /// By hour of the day.
    pub hours: [HourCount; 24],
    /// True when the day is over.
    pub complete: bool,
}

/// Which sinks have everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flushed {
    /// The embedded store.
    pub store: bool,
    /// Redis; `None` when there is none.
    pub redis: Option<bool>,
}

/// Why a question has no answer.
#[derive(Debug, Error)]
pub enum QueryError {
    /// More than [`LONGEST_SERIES`] days, or the end before the beginning.
    #[error("a series must be 1 to {LONGEST_SERIES} days, its end not before its beginning")]
    Span,
    /// An older day cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Let the time pass.
#[derive(Message)]
#[rtype(result = "()")]
struct TickHours;

/// How the aggregator works.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The server's time zone: a day and its hours are those of this zone.
    pub zone: TimeZone,
    /// How often the inbox is drained.
    pub tick: Duration,
    /// How often sets that changed are handed to the sinks; at the end of an hour they are in any case.
    pub write_every: Duration,
    /// How many days are kept.
    pub retain_days: u16,
}

impl Settings {
    /// Drained every 250 ms, written every minute, kept for 400 days.
    #[must_use]
    pub const fn of(zone: TimeZone) -> Self {
        Self { zone, tick: Duration::from_millis(250), write_every: Duration::from_secs(60), retain_days: 400 }
    }
}

/// The actor. Run it on an arbiter of its own.
pub struct HourlyAggregator {
    inbox: HourlyInbox,
    days: EmbeddedHistograms,
    store: HistogramWriter,
    redis: Option<HistogramWriter>,
    clock: Clock,
    settings: Settings,
    /// The days that are `loaded`, whole.
    histogram: Histogram,
    loaded: BTreeSet<Date>,
    today: Date,
    hour: u8,
    written_at: Instant,
    /// True while a tick is in the mailbox: there is never more than one.
    tick_waits: Arc<AtomicBool>,
    /// The system must not go on without this actor: whatever is here learns of its end by being dropped.
    _guard: Box<dyn Send>,
}

impl HourlyAggregator {
    /// Reads yesterday, today, and the hours with marks that no written set contains yet.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn new(
        inbox: HourlyInbox,
        days: EmbeddedHistograms,
        store: HistogramWriter,
        redis: Option<HistogramWriter>,
        clock: Clock,
        settings: Settings,
        guard: Box<dyn Send>,
    ) -> Result<Self, StoreError> {
        let now = hour_of(clock.now(), &settings.zone);
        let mut aggregator = Self {
            inbox,
            days,
            store,
            redis,
            clock,
            settings,
            histogram: Histogram::default(),
            loaded: BTreeSet::new(),
            today: now.date,
            hour: now.hour,
            written_at: Instant::now(),
            tick_waits: Arc::default(),
            _guard: guard,
        };
        aggregator.load(now.date)?;
        aggregator.load(now.date.yesterday().unwrap_or(now.date))?;
        let marked = aggregator.days.marked()?;
        for (hour, _) in &marked {
            aggregator.load(hour.date)?;
        }
        aggregator.histogram.mark_dirty(marked);
        aggregator.write();
        Ok(aggregator)
    }

    /// Reads a day, unless it is here already; true when it was not.
    fn load(&mut self, date: Date) -> Result<bool, StoreError> {
        if self.loaded.contains(&date) {
            return Ok(false);
        }
        for ((hour, presence), set) in self.days.day(date)? {
            self.histogram.merge(hour, presence, &set);
        }
        self.loaded.insert(date);
        Ok(true)
    }

    /// Takes over what is in the inbox, and hands on what is due.
    fn pass(&mut self, last: bool) {
        let now = self.clock.now();
        let marks = if last { self.inbox.drain_last(now) } else { self.inbox.drain(now) };
        for date in marks.keys().map(|(hour, _)| hour.date).collect::<BTreeSet<_>>() {
            match self.load(date) {
                // The journal may have been quicker: then the day that was read has these marks already, and no sink does.
                Ok(true) => self.histogram.mark_dirty(marks.keys().filter(|(hour, _)| hour.date == date).copied()),
                Ok(false) => {}
                // The sinks merge, so a set that lacks what could not be read takes nothing away.
                Err(error) => tracing::warn!(%date, %error, "cannot read a day of the histogram"),
            }
        }
        for ((hour, presence), set) in marks {
            for user in set.iter() {
                self.histogram.mark(hour, presence, user);
            }
        }
        let hour = hour_of(now, &self.settings.zone);
        let new_day = hour.date != self.today;
        if last || new_day || hour.hour != self.hour || self.written_at.elapsed() >= self.settings.write_every {
            self.write();
        }
        (self.today, self.hour) = (hour.date, hour.hour);
        if new_day {
            self.forget();
        }
    }

    fn write(&mut self) {
        self.written_at = Instant::now();
        let sets: Vec<_> = self.histogram.take_dirty().into_iter().filter_map(|key| self.row(key)).collect();
        if let Some(redis) = &self.redis {
            redis.offer(sets.iter().cloned());
        }
        self.store.offer(sets);
    }

    fn row(&self, key: HourKey) -> Option<HourRow> {
        let set = self.histogram.set(key.0, key.1)?;
        Some(HourRow { key, bitmap: set.to_bytes().to_vec() })
    }

    /// Lets go of days that are over: from memory when they are written, from the store when they are too old.
    fn forget(&mut self) {
        let keep = self.today.saturating_sub(Span::new().days(1));
        if self.store.is_idle() {
            self.histogram.forget_before(keep);
            self.loaded.retain(|date| *date >= keep);
        }
        let oldest = self.today.saturating_sub(Span::new().days(i64::from(self.settings.retain_days)));
        if let Err(error) = self.days.forget_before(oldest) {
            tracing::warn!(%error, "cannot remove old days of the histogram");
        }
    }

    fn day(&self, date: Date) -> Result<DayHistogram, QueryError> {
        let mut counts = self.histogram.counts(date);
        if !self.loaded.contains(&date) {
            let mut day = Histogram::default();
            for ((hour, presence), set) in self.days.day(date)? {
                day.merge(hour, presence, &set);
            }
            counts = day.counts(date);
        }
        let DayCounts { hours } = counts;
        let today = hour_of(self.clock.now(), &self.settings.zone).date;
        Ok(DayHistogram { date, hours, complete: date < today })
    }
}

impl Actor for HourlyAggregator {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        let (addr, waits, every) = (ctx.address().downgrade(), self.tick_waits.clone(), self.settings.tick);
        let ticking = std::thread::Builder::new().name("hours-tick".to_owned());
        if let Err(error) = ticking.spawn(move || tick(&addr, &waits, every)) {
            tracing::error!(%error, "no thread for the hourly tick");
            ctx.stop();
        }
    }
}

/// Sends a tick whenever the last one has been handled, until the actor is gone.
fn tick(addr: &WeakAddr<HourlyAggregator>, waits: &AtomicBool, every: Duration) {
    loop {
        std::thread::sleep(every);
        let Some(addr) = addr.upgrade().filter(|addr| addr.connected()) else { return };
        if !waits.swap(true, Ordering::AcqRel) && addr.try_send(TickHours).is_err() {
            // Questions fill the mailbox; the next tick tries again.
            waits.store(false, Ordering::Release);
        }
    }
}

impl Handler<TickHours> for HourlyAggregator {
    type Result = ();

    fn handle(&mut self, _: TickHours, _: &mut Self::Context) {
        self.tick_waits.store(false, Ordering::Release);
        self.pass(false);
    }
}

impl Handler<QueryHistogram> for HourlyAggregator {
    type Result = Result<DayHistogram, QueryError>;

    fn handle(&mut self, query: QueryHistogram, _: &mut Self::Context) -> Self::Result {
        self.day(query.date)
    }
}

impl Handler<QuerySeries> for HourlyAggregator {
    type Result = Result<Vec<DayHistogram>, QueryError>;

    fn handle(&mut self, QuerySeries { from, to }: QuerySeries, _: &mut Self::Context) -> Self::Result {
        let days = from.series(Span::new().days(1)).take_while(|date| *date <= to);
        let days: Vec<_> = days.take(LONGEST_SERIES + 1).collect();
        if days.is_empty() || days.len() > LONGEST_SERIES {
            return Err(QueryError::Span);
        }
        days.into_iter().map(|date| self.day(date)).collect()
    }
}

impl Handler<QueryHoursOf> for HourlyAggregator {
    type Result = Vec<HourKey>;

    fn handle(&mut self, QueryHoursOf(user): QueryHoursOf, _: &mut Self::Context) -> Self::Result {
        self.pass(false);
        self.histogram.hours_of(user)
    }
}

impl Handler<Shutdown> for HourlyAggregator {
    type Result = MessageResult<Shutdown>;

    fn handle(&mut self, _: Shutdown, ctx: &mut Self::Context) -> Self::Result {
        self.pass(true);
        let store = self.store.flush(Duration::from_secs(5));
        let redis = self.redis.as_ref().map(|redis| redis.flush(Duration::from_secs(2)));
        ctx.stop();
        MessageResult(Flushed { store, redis })
    }
}

#[cfg(test)]
mod tests;
