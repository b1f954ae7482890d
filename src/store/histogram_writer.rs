//! One thread per sink that writes what it is offered until it has arrived. Whoever offers never waits.
//!
//! What waits is bounded: one set per hour and presence, the newest in place of the older. A sink that fails is left
//! alone for a growing, jittered time; a sink that lost its data gets every retained day again from the embedded store.
use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use jiff::civil::Date;
use parking_lot::{Condvar, Mutex};

use super::histograms::{EmbeddedHistograms, HistogramSink, Holds, SinkError};
use super::rows::{HourKey, HourRow};
use crate::domain::{Clock, UnixMs};

/// When a writer tries.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// How often a sink that works is looked at, whether or not there is something to write.
    pub look_every: Duration,
    /// How long a failing sink is left alone at first.
    pub pause_min: Duration,
    /// And at most.
    pub pause_max: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        let ms = Duration::from_millis;
        Self { look_every: ms(2_000), pause_min: ms(100), pause_max: ms(10_000) }
    }
}

/// How a sink is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SinkState {
    /// The sink.
    pub name: &'static str,
    /// True while it takes what it is given.
    pub ok: bool,
    /// Since when it is, or is not, `ok`.
    pub since: UnixMs,
    /// Since when the oldest set that has not arrived waits.
    pub behind_since: Option<UnixMs>,
    /// How many sets wait.
    pub waiting: usize,
    /// How many sets have arrived.
    pub written: u64,
    /// How often everything was written again because the sink had lost something. The first time is the start.
    pub rewritten: u64,
    /// What went wrong last, for the log: it names the sink's address, never a password.
    pub last_error: Option<String>,
}

impl SinkState {
    /// How long the oldest set that has not arrived has waited at `now`, milliseconds.
    #[must_use]
    pub fn lag_ms(&self, now: UnixMs) -> i64 {
        self.behind_since.map_or(0, |since| now.since(since).max(0))
    }
}

/// Called from the writer's thread when a sink begins or ceases to fail.
pub type Watch = Box<dyn Fn(&SinkState) + Send>;

struct Offer {
    bitmap: Vec<u8>,
    since: UnixMs,
}

struct Desk {
    offers: BTreeMap<HourKey, Offer>,
    /// Everything in the store is to be written before the offers.
    everything: bool,
    /// Somebody waits for the writing.
    hurry: bool,
    stop: bool,
    state: SinkState,
}

struct Shared {
    desk: Mutex<Desk>,
    /// Told of new offers, hurry and stop.
    work: Condvar,
    /// Told of every round.
    done: Condvar,
}

/// Reads how a sink is doing; cheap to clone.
#[derive(Clone)]
pub struct SinkStatus(Arc<Shared>);

impl SinkStatus {
    /// How the sink is doing now.
    #[must_use]
    pub fn state(&self) -> SinkState {
        let desk = self.0.desk.lock();
        let behind_since = desk.offers.values().map(|offer| offer.since).min();
        SinkState { behind_since, waiting: desk.offers.len(), ..desk.state.clone() }
    }
}

impl std::fmt::Debug for SinkStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.state().fmt(f)
    }
}

/// A sink with its thread. Dropping it ends the thread after the round it is in.
pub struct HistogramWriter {
    shared: Arc<Shared>,
    clock: Clock,
    thread: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for HistogramWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("HistogramWriter").field(&self.status()).finish()
    }
}

impl HistogramWriter {
    /// Starts the thread. `all` is where everything is read from when the sink has lost something.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn spawn(
        sink: impl HistogramSink,
        all: EmbeddedHistograms,
        pace: Pace,
        clock: Clock,
        watch: Option<Watch>,
    ) -> std::io::Result<Self> {
        let name = sink.name();
        let state = SinkState {
            name,
            ok: true,
            since: clock.now(),
            behind_since: None,
            waiting: 0,
            written: 0,
            rewritten: 0,
            last_error: None,
        };
        let desk = Desk { offers: BTreeMap::new(), everything: false, hurry: false, stop: false, state };
        let shared = Arc::new(Shared { desk: Mutex::new(desk), work: Condvar::new(), done: Condvar::new() });
        let writer = Writer { shared: shared.clone(), sink, all, pace, clock: clock.clone(), watch, failures: 0 };
        let thread = std::thread::Builder::new().name(format!("hours-{name}")).spawn(move || writer.run())?;
        Ok(Self { shared, clock, thread: Some(thread) })
    }

    /// Hands over sets: whole, each in place of an older one of the same hour. Returns at once.
    pub fn offer(&self, sets: impl IntoIterator<Item = HourRow>) {
        let now = self.clock.now();
        let mut desk = self.shared.desk.lock();
        for HourRow { key, bitmap } in sets {
            let since = desk.offers.get(&key).map_or(now, |waiting| waiting.since);
            desk.offers.insert(key, Offer { bitmap, since });
        }
        drop(desk);
        self.shared.work.notify_all();
    }

    /// Tries at once, and waits until everything has arrived, at most `patience`; true when it has.
    #[must_use]
    pub fn flush(&self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        let mut desk = self.shared.desk.lock();
        while !desk.offers.is_empty() || desk.everything {
            desk.hurry = true;
            self.shared.work.notify_all();
            if self.shared.done.wait_until(&mut desk, deadline).timed_out() {
                return desk.offers.is_empty() && !desk.everything;
            }
        }
        true
    }

    /// True when nothing waits.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.shared.desk.lock().offers.is_empty()
    }

    /// How the sink is doing, to be kept by whoever shows it.
    #[must_use]
    pub fn status(&self) -> SinkStatus {
        SinkStatus(self.shared.clone())
    }
}

impl Drop for HistogramWriter {
    fn drop(&mut self) {
        self.shared.desk.lock().stop = true;
        self.shared.work.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The thread's side.
struct Writer<S> {
    shared: Arc<Shared>,
    sink: S,
    all: EmbeddedHistograms,
    pace: Pace,
    clock: Clock,
    watch: Option<Watch>,
    /// In a row.
    failures: u32,
}

impl<S: HistogramSink> Writer<S> {
    fn run(mut self) {
        loop {
            let outcome = self.round();
            self.report(outcome);
            if !self.wait() {
                return;
            }
        }
    }

    /// Waits for work; false when it is time to end.
    fn wait(&self) -> bool {
        let pause = if self.failures == 0 { self.pace.look_every } else { self.pause() };
        let deadline = Instant::now() + pause;
        let mut desk = self.shared.desk.lock();
        while !desk.stop && !desk.hurry && (self.failures > 0 || desk.offers.is_empty()) {
            if self.shared.work.wait_until(&mut desk, deadline).timed_out() {
                break;
            }
        }
        desk.hurry = false;
        !desk.stop
    }

    /// Doubles with every failure, and lies anywhere in the upper half, so that many nodes do not come back as one.
    fn pause(&self) -> Duration {
        let doubled = self.pace.pause_min.saturating_mul(1 << self.failures.saturating_sub(1).min(16));
        let whole = doubled.min(self.pace.pause_max);
        let share = f64::from(getrandom::u32().unwrap_or(u32::MAX / 2)) / f64::from(u32::MAX);
        whole.mul_f64(0.5 + share / 2.0)
    }

    fn round(&mut self) -> Result<(), SinkError> {
        if self.sink.check()? == Holds::Unknown {
            self.shared.desk.lock().everything = true;
        }
        let mut refused = None;
        let mut is_news = false;
        if self.shared.desk.lock().everything {
            refused = self.write_everything()?;
            let mut desk = self.shared.desk.lock();
            desk.everything = false;
            desk.state.rewritten = desk.state.rewritten.saturating_add(1);
            is_news = true;
        }
        let offers: Vec<HourRow> = {
            let desk = self.shared.desk.lock();
            desk.offers.iter().map(|(key, offer)| HourRow { key: *key, bitmap: offer.bitmap.clone() }).collect()
        };
        if !offers.is_empty() {
            is_news = true;
            let mut written = Vec::new();
            let outcome = self.sink.write(&offers, &mut written);
            self.settle(&offers, &written);
            refused = refused.or(refusal(outcome)?);
        }
        if is_news {
            self.sink.confirm()?;
        }
        refused.map_or(Ok(()), Err)
    }

    /// Takes what has arrived off the desk, unless it has been replaced by something newer meanwhile.
    fn settle(&self, offers: &[HourRow], written: &[HourKey]) {
        let mut desk = self.shared.desk.lock();
        desk.state.written = desk.state.written.saturating_add(written.len() as u64);
        for HourRow { key, bitmap } in offers.iter().filter(|offer| written.contains(&offer.key)) {
            if desk.offers.get(key).is_some_and(|offer| offer.bitmap == *bitmap) {
                desk.offers.remove(key);
            }
        }
    }

    /// Writes every day of the store. What the sink refuses waits on the desk like any other set.
    fn write_everything(&mut self) -> Result<Option<SinkError>, SinkError> {
        let mut refused = None;
        let mut from = Date::MIN;
        while let Some(date) = self.all.next_day(from)? {
            if self.shared.desk.lock().stop {
                return Err(SinkError::Away("stopped while everything was written again".to_owned()));
            }
            let sets = self.all.day(date)?;
            let sets: Vec<_> =
                sets.into_iter().map(|(key, set)| HourRow { key, bitmap: set.to_bytes().to_vec() }).collect();
            let mut written = Vec::new();
            if let Some(error) = refusal(self.sink.write(&sets, &mut written))? {
                let since = self.clock.now();
                let mut desk = self.shared.desk.lock();
                for HourRow { key, bitmap } in sets.into_iter().filter(|set| !written.contains(&set.key)) {
                    desk.offers.entry(key).or_insert(Offer { bitmap, since });
                }
                refused.get_or_insert(error);
            }
            let Ok(next) = date.tomorrow() else { break };
            from = next;
        }
        Ok(refused)
    }

    fn report(&mut self, outcome: Result<(), SinkError>) {
        let ok = outcome.is_ok();
        self.failures = if ok { 0 } else { self.failures.saturating_add(1) };
        let turned = {
            let mut desk = self.shared.desk.lock();
            let turned = desk.state.ok != ok;
            if turned {
                desk.state.since = self.clock.now();
            }
            desk.state.ok = ok;
            if let Err(error) = outcome {
                desk.state.last_error = Some(error.to_string());
            }
            turned
        };
        if let (true, Some(watch)) = (turned, &self.watch) {
            watch(&SinkStatus(self.shared.clone()).state());
        }
        self.shared.done.notify_all();
    }
}

/// Sets that were refused do not keep the others from going on.
fn refusal(outcome: Result<(), SinkError>) -> Result<Option<SinkError>, SinkError> {
    match outcome {
        Ok(()) => Ok(None),
        Err(refused @ SinkError::Refused(_)) => Ok(Some(refused)),
        Err(away) => Err(away),
    }
}

#[cfg(test)]
mod tests;
