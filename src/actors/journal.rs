//! Group commit: what people's actors changed is gathered for a few milliseconds, written as one batch, made durable, and
//! only then acknowledged. One actor on its own thread, so that a slow disk holds up nothing but acknowledgements.
//!
//! The inbox coalesces per person (a newer row replaces the waiting one), so its bound is the number of people online.
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use actix::prelude::*;
use bytestring::ByteString;
use parking_lot::Mutex;
use rustc_hash::{FxHashMap, FxHashSet};

use super::critical::CriticalGuard;
use super::downlink::Downlink;
use crate::domain::{UnixMs, UserNo};
use crate::protocol::close::CloseCode;
use crate::store::embedded::{Durability, Embedded, WriteBatch};
use crate::store::rows::{LiveRow, MarkRow, PairRow, StepsRow};

/// How long the actor of someone who was removed may still have something to say.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// What is owed once a change is durable.
pub enum Promise {
    /// An acknowledgement, coalesced with others of the connection.
    Ack(Arc<dyn Downlink>, u64),
    /// An acknowledgement that says more than a number.
    Frame(Arc<dyn Downlink>, ByteString),
    /// The answer to a request: true when stored.
    Reply(tokio::sync::oneshot::Sender<bool>),
}

/// Changes wait.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct TickCommit;

/// Writes what waits, now.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct FlushJournal;

/// Told when the store stops or resumes keeping its promise.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct StorageHealth {
    /// Whether writes succeed.
    pub well: bool,
}

/// The journal's inbox, shared by every producer.
#[derive(Default)]
pub struct Journaling {
    waiting: Mutex<Waiting>,
    wake: OnceLock<Recipient<TickCommit>>,
    failing: AtomicBool,
    commits: AtomicU64,
    rows: AtomicU64,
}

#[derive(Default)]
struct Waiting {
    live: FxHashMap<UserNo, LiveRow>,
    steps: FxHashMap<(UserNo, jiff::civil::Date), u32>,
    marks: FxHashSet<MarkRow>,
    pairs: FxHashMap<(UserNo, UserNo), PairChange>,
    /// People who were removed, and when: what their actors still say in their last moments is not written.
    gone: FxHashMap<UserNo, Instant>,
    /// Of those, whose rows are to be taken out once more: one may have been written during the removal.
    erase: Vec<UserNo>,
    /// What is being written just now.
    writing: Arc<FxHashMap<UserNo, LiveRow>>,
    promises: Vec<Promise>,
    woken: bool,
}

#[derive(Clone, Copy, Debug)]
enum PairChange {
    Announced(UnixMs),
    AnnouncedAndParted(UnixMs),
    Parted,
}

fn in_order(a: UserNo, b: UserNo) -> (UserNo, UserNo) {
    if a < b { (a, b) } else { (b, a) }
}

impl std::fmt::Debug for Journaling {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journaling").field("failing", &self.failing).finish_non_exhaustive()
    }
}

impl Journaling {
    /// Names the actor to wake. Called once, by `app`.
    pub fn connect(&self, wake: Recipient<TickCommit>) {
        let _ = self.wake.set(wake);
        self.change(|_| ());
    }

    /// Keeps a person's state; `promises` are kept once it is durable.
    pub fn keep(&self, row: LiveRow, promises: impl IntoIterator<Item = Promise>) {
        if self.waiting.lock().gone.contains_key(&row.no) {
            return promises.into_iter().for_each(Promise::break_off);
        }
        self.change(|waiting| {
            waiting.live.insert(row.no, row);
            waiting.promises.extend(promises);
        });
    }

    /// Keeps a promise with the next commit, whatever else is in it.
    pub fn promise(&self, promise: Promise) {
        self.change(|waiting| waiting.promises.push(promise));
    }

    /// Keeps a day's steps.
    pub fn steps(&self, row: &StepsRow) {
        self.change(|waiting| {
            if !waiting.gone.contains_key(&row.no) {
                waiting.steps.insert((row.no, row.date), row.steps);
            }
        });
    }

    /// Keeps that a person was free or online in an hour.
    pub fn mark(&self, row: MarkRow) {
        self.change(|waiting| _ = waiting.marks.insert(row));
    }

    /// Keeps that a pair was announced.
    pub fn announced(&self, a: UserNo, b: UserNo, at: UnixMs) {
        self.change(|waiting| _ = waiting.pairs.insert(in_order(a, b), PairChange::Announced(at)));
    }

    /// Keeps that an encounter is over; when it was announced stays known.
    pub fn parted(&self, a: UserNo, b: UserNo) {
        self.change(|waiting| {
            let change = waiting.pairs.entry(in_order(a, b)).or_insert(PairChange::Parted);
            if let PairChange::Announced(at) = *change {
                *change = PairChange::AnnouncedAndParted(at);
            }
        });
    }

    /// A person's row that is not written yet.
    #[must_use]
    pub fn pending(&self, no: UserNo) -> Option<LiveRow> {
        let waiting = self.waiting.lock();
        waiting.live.get(&no).or_else(|| waiting.writing.get(&no)).cloned()
    }

    /// From now on nothing of this person is written.
    pub fn forget(&self, no: UserNo) {
        self.change(|waiting| {
            waiting.live.remove(&no);
            waiting.gone.insert(no, Instant::now());
            waiting.erase.push(no);
        });
    }

    /// True while writes fail.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.failing.load(Ordering::Relaxed)
    }

    /// Batches and rows written.
    #[must_use]
    pub fn written(&self) -> (u64, u64) {
        (self.commits.load(Ordering::Relaxed), self.rows.load(Ordering::Relaxed))
    }

    fn change(&self, change: impl FnOnce(&mut Waiting)) {
        let mut waiting = self.waiting.lock();
        change(&mut waiting);
        let Some(wake) = self.wake.get() else { return };
        if waiting.woken {
            return;
        }
        waiting.woken = true;
        drop(waiting);
        if wake.try_send(TickCommit).is_err() {
            self.waiting.lock().woken = false;
        }
    }
}

/// The actor.
pub struct Journal {
    inbox: Arc<Journaling>,
    store: Arc<Embedded>,
    durability: Durability,
    gather: Duration,
    health: Recipient<StorageHealth>,
    armed: bool,
    _guard: CriticalGuard,
}

impl Journal {
    /// A journal that gathers for `gather` and then writes to `store`.
    #[must_use]
    pub fn new(
        inbox: Arc<Journaling>,
        store: Arc<Embedded>,
        durability: Durability,
        gather: Duration,
        health: Recipient<StorageHealth>,
        guard: CriticalGuard,
    ) -> Self {
        Self { inbox, store, durability, gather, health, armed: false, _guard: guard }
    }

    fn commit(&mut self) {
        let mut waiting = {
            let mut inbox = self.inbox.waiting.lock();
            let mut gone = std::mem::take(&mut inbox.gone);
            gone.retain(|_, since| since.elapsed() < LAST_WORDS);
            let waiting = std::mem::take(&mut *inbox);
            inbox.gone = gone;
            waiting
        };
        if !waiting.erase.is_empty() {
            let inbox = self.inbox.waiting.lock();
            waiting.live.retain(|no, _| !inbox.gone.contains_key(no));
            waiting.steps.retain(|(no, _), _| !inbox.gone.contains_key(no));
            waiting.pairs.retain(|(a, b), _| !inbox.gone.contains_key(a) && !inbox.gone.contains_key(b));
        }
        waiting.writing = Arc::new(std::mem::take(&mut waiting.live));
        self.inbox.waiting.lock().writing = waiting.writing.clone();
        let promises = std::mem::take(&mut waiting.promises);
        match self.write(&waiting) {
            Ok(rows) => {
                self.inbox.commits.fetch_add(1, Ordering::Relaxed);
                self.inbox.rows.fetch_add(rows, Ordering::Relaxed);
                self.set_failing(false);
                self.inbox.waiting.lock().writing = Arc::default();
                promises.into_iter().for_each(Promise::fulfil);
            }
            Err(error) => {
                if !self.inbox.is_failing() {
                    tracing::error!(%error, "the store cannot write");
                }
                self.set_failing(true);
                promises.into_iter().for_each(Promise::break_off);
                self.put_back(waiting);
            }
        }
    }

    fn write(&self, waiting: &Waiting) -> Result<u64, crate::store::StoreError> {
        let mut batch = WriteBatch::default();
        let mut rows = waiting.writing.len() + waiting.steps.len() + waiting.marks.len() + waiting.erase.len();
        waiting.writing.values().for_each(|row| batch.put(row));
        waiting.erase.iter().for_each(|no| batch.remove::<LiveRow>(no));
        for ((no, date), steps) in &waiting.steps {
            batch.put(&StepsRow { no: *no, date: *date, steps: *steps });
        }
        waiting.marks.iter().for_each(|row| batch.put(row));
        for ((a, b), change) in &waiting.pairs {
            let row = match *change {
                PairChange::Announced(at) => Some(PairRow { a: *a, b: *b, near: true, announced_at: at }),
                PairChange::AnnouncedAndParted(at) => Some(PairRow { a: *a, b: *b, near: false, announced_at: at }),
                PairChange::Parted => self.store.get::<PairRow>(&(*a, *b))?.map(|row| PairRow { near: false, ..row }),
            };
            if let Some(row) = row {
                batch.put(&row);
                rows += 1;
            }
        }
        if rows > 0 {
            self.store.commit(batch, self.durability)?;
        }
        Ok(rows as u64)
    }

    /// What could not be written waits for the next try, unless something newer came meanwhile.
    fn put_back(&self, unwritten: Waiting) {
        let mut inbox = self.inbox.waiting.lock();
        inbox.writing = Arc::default();
        for (no, row) in unwritten.writing.iter() {
            if !inbox.gone.contains_key(no) {
                inbox.live.entry(*no).or_insert_with(|| row.clone());
            }
        }
        inbox.erase.extend(unwritten.erase);
        for (key, steps) in unwritten.steps {
            inbox.steps.entry(key).or_insert(steps);
        }
        for (pair, change) in unwritten.pairs {
            let newer = inbox.pairs.entry(pair).or_insert(change);
            if let (PairChange::Parted, PairChange::Announced(at)) = (*newer, change) {
                *newer = PairChange::AnnouncedAndParted(at);
            }
        }
        inbox.marks.extend(unwritten.marks);
    }

    /// After a failed write the engine takes no more until it is opened again. While the disk still refuses it is left
    /// as it is, so that reading goes on.
    fn recover(&mut self) {
        if !takes_writes(self.store.path()) {
            return;
        }
        if let Err(error) = self.store.reopen() {
            tracing::error!(%error, "the store cannot be opened again yet");
            return;
        }
        self.commit();
    }

    fn set_failing(&self, failing: bool) {
        if self.inbox.failing.swap(failing, Ordering::Relaxed) != failing {
            if !failing {
                tracing::info!("the store can write again");
            }
            let _ = self.health.try_send(StorageHealth { well: !failing });
        }
    }
}

/// Whether a file of a few blocks can be written to `folder` and made durable.
fn takes_writes(folder: &std::path::Path) -> bool {
    use std::io::Write;
    let probe = folder.join("probe");
    let written = std::fs::File::create(&probe).and_then(|mut file| {
        file.write_all(&[0; 64 * 1024])?;
        file.sync_all()
    });
    let _ = std::fs::remove_file(&probe);
    written.is_ok()
}

impl Promise {
    fn fulfil(self) {
        match self {
            Self::Ack(link, seq) => link.ack(seq),
            Self::Frame(link, text) => link.state(text),
            // The caller may be gone; then nobody waits for the answer.
            Self::Reply(reply) => drop(reply.send(true)),
        }
    }

    fn break_off(self) {
        match self {
            Self::Ack(link, _) | Self::Frame(link, _) => link.close(CloseCode::CANNOT_STORE, "the server cannot store"),
            Self::Reply(reply) => drop(reply.send(false)),
        }
    }
}

impl Actor for Journal {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        // A failed write is tried again without waiting for somebody to change something.
        ctx.run_interval(Duration::from_secs(1), |journal, _| {
            if journal.inbox.is_failing() {
                journal.recover();
            }
        });
    }
}

impl Handler<TickCommit> for Journal {
    type Result = ();

    fn handle(&mut self, _: TickCommit, ctx: &mut Self::Context) {
        if self.armed {
            return;
        }
        self.armed = true;
        ctx.run_later(self.gather, |journal, _| {
            journal.armed = false;
            journal.commit();
        });
    }
}

impl Handler<FlushJournal> for Journal {
    type Result = ();

    fn handle(&mut self, _: FlushJournal, _: &mut Self::Context) {
        self.commit();
    }
}
