//! What was removed leaves the disk. The engine only ever appends: a row that was replaced or removed stands in its
//! journal and in older tables until these are written anew by themselves, which can take for ever.
//!
//! Of its files the engine gives up tables while it runs, but never the journal that it is writing. So a purge writes
//! all tables anew beside the running store, and then shuts the engine for the moment (some 50 ms) that it takes to
//! empty the journal and open it again. A crash at any point leaves a whole store, and a note in it that a purge is owed.
use crate::store::secret::SecretError;
use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::{Durability, Embedded, Engine, WriteBatch, open_engine, write_out};
use crate::domain::{UnixMs, UserNo};
use crate::store::error::StoreError;
use crate::store::rows::{LiveRow, Row, Table};

/// The row that says that a purge is owed. Its value is another each time, so that a purge settles no debt that was made
/// while it ran.
const OWED: &[u8] = b"purge";
/// How long writing out what is in memory may take beside the running store. It is at most some 16 MiB.
const PATIENCE: Duration = Duration::from_secs(30);
/// How many rows are looked at before others may write.
const AT_ONCE: usize = 256;

impl WriteBatch {
    /// Notes that this batch removes what must leave the disk too. [`Embedded::purge`] takes the note back.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn owe_purge(&mut self) -> Result<(), SecretError> {
        self.put_raw(Table::Meta, OWED, &getrandom::u64().map_err(SecretError::from)?.to_le_bytes());
        Ok(())
    }
}

impl Embedded {
    /// Whether something was removed that the disk may still hold: after a crash before or during a purge, too.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn owes_purge(&self) -> Result<bool, StoreError> {
        Ok(self.get_raw(Table::Meta, OWED)?.is_some())
    }

    /// Whether the disk may hold positions that others have replaced since the last purge.
    #[must_use]
    pub fn has_replaced_positions(&self) -> bool {
        self.purges.positions.load(Ordering::Relaxed)
    }

    /// Makes every byte leave the folder that no row holds any more: replaced and removed rows, in tables and journals.
    /// (What the file system or the disk's own electronics keep of blocks that were given back is beyond a program.)
    ///
    /// Call it when the last write that could bring something of it back has been made. Takes about as long as writing
    /// the whole store once, and blocks: not for a thread that serves. Reading and writing go on meanwhile, except for
    /// a moment at its end. One at a time; who asks while others wait shares in the next one.
    ///
    /// # Errors
    /// When the disk refuses, or the engine does not do as it is told. The store still owes the purge then, and goes on;
    /// if even its files cannot be opened again it is closed, and [`Embedded::reopen`] is to be tried.
    pub fn purge(&self) -> Result<(), StoreError> {
        let asked = self.purges.begun.load(Ordering::SeqCst);
        let mut last = self.purges.last.lock();
        if *last > asked {
            return Ok(());
        }
        let this = self.purges.begun.fetch_add(1, Ordering::SeqCst).wrapping_add(1);
        // What is written from here on may be replaced before the next one.
        self.purges.positions.store(false, Ordering::Relaxed);
        let done = self.purge_all();
        if done.is_err() {
            self.purges.positions.store(true, Ordering::Relaxed);
        }
        done?;
        *last = this;
        Ok(())
    }

    fn purge_all(&self) -> Result<(), StoreError> {
        // In memory there is now something to write out, after everything that is to go.
        let mut note = WriteBatch::new();
        note.owe_purge().map_err(|error| incomplete(error.to_string()))?;
        self.commit(note, Durability::Power)?;
        let owed = self.get_raw(Table::Meta, OWED)?;
        let (old, rows) = self.write_tables_anew()?;
        // Most of what came meanwhile is written out before anybody has to wait for it.
        rotate(&rows)?;
        wait_for_tables(&rows, PATIENCE)?;
        drop(rows);
        let mut engine = self.engine.write();
        self.start_over(&mut engine)?;
        let is_left = |path: &&PathBuf| path.exists();
        if let Some(left) = old.iter().find(is_left) {
            return Err(incomplete(format!("{} is still there", left.display())));
        }
        drop(engine);
        self.settle(owed.as_deref())
    }

    /// Every table is read and written anew without what is replaced or removed. Returns the tables that must be gone.
    fn write_tables_anew(&self) -> Result<(BTreeSet<PathBuf>, fjall::Keyspace), StoreError> {
        // While nobody reads, so that the engine does not keep anything for a reader.
        let rows = match self.engine.write().as_ref() {
            Some(engine) => {
                rotate(&engine.rows)?;
                engine.rows.clone()
            }
            None => return Err(StoreError::Poisoned),
        };
        wait_for_tables(&rows, PATIENCE)?;
        let old = tables(rows.path()).map_err(|error| incomplete(error.to_string()))?;
        guarded(|| rows.major_compact())?;
        Ok((old, rows))
    }

    /// Shuts the engine, empties its journals, opens it again.
    fn start_over(&self, place: &mut Option<Engine>) -> Result<(), StoreError> {
        let Some(Engine { db, rows }) = place.take() else { return Err(StoreError::Poisoned) };
        let is_synced = db.persist(fjall::PersistMode::SyncAll).is_ok();
        let is_in_tables = is_synced && catch_unwind(AssertUnwindSafe(|| write_out(&rows))).unwrap_or(false);
        drop((db, rows));
        let emptied = if is_in_tables { self.folder.empty_journals().is_ok() } else { false };
        *place = Some(open_engine(&self.folder)?);
        if emptied { Ok(()) } else { Err(incomplete("the journal cannot be emptied".to_owned())) }
    }

    /// The debt is paid, unless somebody has made a new one meanwhile.
    fn settle(&self, owed: Option<&[u8]>) -> Result<(), StoreError> {
        // Alone: nobody makes a debt between the look and the removal.
        let engine = self.engine.write();
        let Some(engine) = engine.as_ref() else { return Err(StoreError::Poisoned) };
        if engine.get(Table::Meta, OWED)?.as_deref() == owed {
            let mut batch = WriteBatch::new();
            batch.remove_raw(Table::Meta, OWED);
            engine.commit(batch, Durability::Process)?;
        }
        Ok(())
    }

    /// Takes positions reported before `before` out of the rows of people for whom `is_idle` says yes: the newest fix,
    /// the live one, and one that waits for confirmation. Everything else stays: availability, devices and their newest
    /// sequence numbers, steps (a step counter's bytes hold counts and times, never a place). Returns how many people
    /// had such positions. The bytes leave the disk with [`Embedded::purge`], which is owed then.
    ///
    /// A person's actor has their row in memory and writes it whole: `is_idle` is for leaving out who is awake or has a
    /// row waiting to be written, whose positions would come back with their next write. Nothing else can go wrong
    /// when it is mistaken: rows are looked at and written while nobody else writes, so that no newer row is lost.
    ///
    /// # Errors
    /// When the store cannot be read or written; then some people may be done already.
    pub fn forget_positions(&self, before: UnixMs, is_idle: impl Fn(UserNo) -> bool) -> Result<usize, StoreError> {
        let mut silent = Vec::new();
        self.each(&[], |mut row: LiveRow| {
            if row.forget_positions(before) {
                silent.push(row.no);
            }
        })?;
        silent.retain(|no| is_idle(*no));
        let mut count = 0;
        for some in silent.chunks(AT_ONCE) {
            let engine = self.engine.write();
            let Some(engine) = engine.as_ref() else { return Err(StoreError::Poisoned) };
            let mut batch = WriteBatch::new();
            for no in some {
                let Some(bytes) = engine.get(Table::Live, &LiveRow::key_bytes(no))? else { continue };
                let row = LiveRow::decode(&LiveRow::key_bytes(no), &bytes);
                let mut row = row.map_err(|source| super::unreadable::<LiveRow>(&LiveRow::key_bytes(no), source))?;
                if row.forget_positions(before) {
                    batch.put(&row);
                }
            }
            if batch.is_empty() {
                continue;
            }
            count = batch.len().saturating_add(count);
            batch.owe_purge().map_err(|error| incomplete(error.to_string()))?;
            engine.commit(batch, Durability::Process)?;
        }
        Ok(count)
    }
}

fn incomplete(what: String) -> StoreError {
    StoreError::Engine { doing: "purge", what }
}

/// Runs work of the engine, which asserts what a thread of it that died has left behind.
fn guarded<T>(work: impl FnOnce() -> fjall::Result<T>) -> Result<T, StoreError> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(done) => done.map_err(|error| StoreError::engine("purge", &error)),
        Err(_) => Err(incomplete("the engine gave up".to_owned())),
    }
}

/// What is in memory is to be written out from now on.
fn rotate(rows: &fjall::Keyspace) -> Result<(), StoreError> {
    guarded(|| rows.rotate_memtable()).map(|_| ())
}

fn wait_for_tables(rows: &fjall::Keyspace, patience: Duration) -> Result<(), StoreError> {
    let deadline = Instant::now() + patience;
    while rows.sealed_memtable_count() > 0 {
        if Instant::now() > deadline {
            return Err(incomplete("what is in memory is not written out in time".to_owned()));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

/// The files of a tree's tables.
fn tables(tree: &Path) -> std::io::Result<BTreeSet<PathBuf>> {
    fs::read_dir(tree.join("tables"))?.map(|entry| Ok(entry?.path())).collect()
}
