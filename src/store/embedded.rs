//! The embedded store: one folder, one process, nothing to install. Everything that must outlive the process is here.
mod purge;

use std::ops::{Bound, RangeBounds};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use fjall::config::{BlockSizePolicy, CompressionPolicy, FilterPolicy};
use fjall::{CompressionType, Database, Keyspace, KeyspaceCreateOptions, PersistMode, Slice};
use parking_lot::{Mutex, RwLock};

use super::codec::RowError;
use super::error::StoreError;
use super::folder::Folder;
use super::rows::{Row, Table};

/// What a committed batch survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Power loss: the disk has confirmed it (`fdatasync`).
    Power,
    /// The end of the process, by whatever signal: the system has it.
    Process,
}

/// Changes that are made together or not at all.
#[derive(Debug, Default)]
pub struct WriteBatch {
    changes: Vec<(Slice, Option<Slice>)>,
    /// A position is among them: the one before stays on the disk until a purge.
    positions: bool,
}

impl WriteBatch {
    /// Nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { changes: Vec::new(), positions: false }
    }

    /// Writes a row, in place of the one with the same key.
    pub fn put<R: Row>(&mut self, row: &R) {
        self.put_raw(R::TABLE, &R::key_bytes(&row.key()), &row.encode());
    }

    /// Removes a row, if it is there.
    pub fn remove<R: Row>(&mut self, key: &R::Key) {
        self.remove_raw(R::TABLE, &R::key_bytes(key));
    }

    /// How many changes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.changes.len()
    }

    /// True when a commit would do nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    pub(super) fn put_raw(&mut self, table: Table, key: &[u8], value: &[u8]) {
        self.positions |= table == Table::Live;
        self.changes.push((full_key(table, key), Some(value.into())));
    }

    fn remove_raw(&mut self, table: Table, key: &[u8]) {
        self.changes.push((full_key(table, key), None));
    }
}

fn full_key(table: Table, key: &[u8]) -> Slice {
    [&[table.byte()], key].concat().into()
}

struct Engine {
    db: Database,
    /// All tables: one tree is made and opened with an eighth of the syncs that eight take.
    rows: Keyspace,
}

impl Engine {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Slice>, StoreError> {
        self.rows.get(full_key(table, key)).map_err(|error| StoreError::engine("read", &error))
    }

    fn commit(&self, batch: WriteBatch, durability: Durability) -> Result<(), StoreError> {
        let mode = match durability {
            Durability::Power => PersistMode::SyncData,
            Durability::Process => PersistMode::Buffer,
        };
        let mut changes = fjall::OwnedWriteBatch::with_capacity(self.db.clone(), batch.len()).durability(Some(mode));
        for (key, value) in batch.changes {
            match value {
                Some(value) => changes.insert(&self.rows, key, value),
                None => changes.remove(&self.rows, key),
            }
        }
        changes.commit().map_err(|error| StoreError::engine("write", &error))
    }
}

/// The purges of one process, counted from 1.
#[derive(Default)]
struct Purges {
    begun: AtomicU64,
    /// The last one that succeeded. Held by the one that runs.
    last: Mutex<u64>,
    /// Positions were written since the last one began.
    positions: AtomicBool,
}

/// The store. Shared by reference between threads; every method may block on the disk.
pub struct Embedded {
    /// `None` after a failed [`Embedded::reopen`].
    engine: RwLock<Option<Engine>>,
    folder: Folder,
    purges: Purges,
}

impl std::fmt::Debug for Embedded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Embedded").field("folder", &self.folder.path()).finish_non_exhaustive()
    }
}

impl Embedded {
    /// Opens the store in `dir`, making it when there is none. What a crash left half-written at the end of the journal
    /// is dropped: it was acknowledged to nobody.
    ///
    /// # Errors
    /// See [`StoreError`]: in use by another process, made by a newer version, damaged, or not readable.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        let folder = Folder::open(dir)?;
        let engine = open_engine(&folder)?;
        let has_positions = engine.rows.prefix([Table::Live.byte()]).next().is_some();
        let purges = Purges { positions: AtomicBool::new(has_positions), ..Purges::default() };
        Ok(Self { engine: RwLock::new(Some(engine)), folder, purges })
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Makes a batch of changes, all or none. Returns when they are as durable as asked.
    ///
    /// # Errors
    /// When the disk refuses. Whether the batch was made is then unknown until [`Embedded::reopen`] or a restart; to make
    /// the same batch again is always right.
    pub fn commit(&self, batch: WriteBatch, durability: Durability) -> Result<(), StoreError> {
        if batch.is_empty() {
            return Ok(());
        }
        if batch.positions {
            self.purges.positions.store(true, Ordering::Relaxed);
        }
        self.with_engine(|engine| engine.commit(batch, durability))
    }

    /// One row.
    ///
    /// # Errors
    /// When the disk or the row cannot be read.
    pub fn get<R: Row>(&self, key: &R::Key) -> Result<Option<R>, StoreError> {
        let key = R::key_bytes(key);
        match self.get_raw(R::TABLE, &key)? {
            Some(value) => R::decode(&key, &value).map(Some).map_err(|source| unreadable::<R>(&key, source)),
            None => Ok(None),
        }
    }

    /// Every row of a kind, in the order of the keys.
    ///
    /// # Errors
    /// When the disk or a row cannot be read.
    pub fn all<R: Row>(&self) -> Result<Vec<R>, StoreError> {
        let mut rows = Vec::new();
        self.each(&[], |row| rows.push(row))?;
        Ok(rows)
    }

    /// Every row of a kind whose key begins with `prefix`, in the order of the keys.
    ///
    /// # Errors
    /// When the disk or a row cannot be read.
    pub fn each<R: Row>(&self, prefix: &[u8], mut take: impl FnMut(R)) -> Result<(), StoreError> {
        let first = full_key(R::TABLE, prefix);
        let end = match first.iter().rposition(|byte| *byte < 0xFF).and_then(|last| first.get(..=last)) {
            // The next key that does not begin so: the prefix with its last byte counted up.
            Some([head @ .., last]) => Bound::Excluded([head, &[last.saturating_add(1)]].concat().into()),
            _ => Bound::Unbounded,
        };
        self.each_raw(R::TABLE, (Bound::Included(first), end), |key, value| {
            take(R::decode(key, value).map_err(|source| unreadable::<R>(key, source))?);
            Ok(())
        })
    }

    /// Every row of a kind from the key `from` up to but not including `to`, in the order of the keys.
    ///
    /// # Errors
    /// When the disk or a row cannot be read.
    pub fn between<R: Row>(&self, from: &R::Key, to: &R::Key, mut take: impl FnMut(R)) -> Result<(), StoreError> {
        let key = |key: &R::Key| full_key(R::TABLE, &R::key_bytes(key));
        let (from, to) = (key(from), key(to));
        if from >= to {
            return Ok(());
        }
        self.each_raw(R::TABLE, from..to, |key, value| {
            take(R::decode(key, value).map_err(|source| unreadable::<R>(key, source))?);
            Ok(())
        })
    }

    /// The first row of a kind from the key `from` on.
    ///
    /// # Errors
    /// When the disk or the row cannot be read.
    pub fn first_from<R: Row>(&self, from: &R::Key) -> Result<Option<R>, StoreError> {
        let from = full_key(R::TABLE, &R::key_bytes(from));
        let end = Slice::from([R::TABLE.byte().saturating_add(1)]);
        self.with_engine(|engine| engine.rows.range(from..end).next().map(read_row::<R>).transpose())
    }

    /// The last row of a kind, in the order of the keys.
    ///
    /// # Errors
    /// When the disk or the row cannot be read.
    pub fn last<R: Row>(&self) -> Result<Option<R>, StoreError> {
        let (from, end) = (Slice::from([R::TABLE.byte()]), Slice::from([R::TABLE.byte().saturating_add(1)]));
        self.with_engine(|engine| engine.rows.range(from..end).next_back().map(read_row::<R>).transpose())
    }

    /// The last rows of a kind, last first, as many as there are up to `limit`.
    ///
    /// # Errors
    /// When the disk or a row cannot be read.
    pub fn newest<R: Row>(&self, limit: usize) -> Result<Vec<R>, StoreError> {
        let (from, end) = (Slice::from([R::TABLE.byte()]), Slice::from([R::TABLE.byte().saturating_add(1)]));
        self.with_engine(|engine| engine.rows.range(from..end).rev().take(limit).map(read_row::<R>).collect())
    }

    /// How many bytes the folder's journal and tables take.
    ///
    /// # Errors
    /// When the system cannot tell.
    pub fn disk_space(&self) -> Result<u64, StoreError> {
        self.with_engine(|engine| engine.db.disk_space().map_err(|error| StoreError::engine("measure itself", &error)))
    }

    /// Opens the engine again after [`StoreError::Poisoned`]: when the disk was full and has space again, the store
    /// takes writes again. The lock of the folder is held throughout.
    ///
    /// # Errors
    /// As [`Embedded::open`]; the store stays closed, and this may be tried again.
    pub fn reopen(&self) -> Result<(), StoreError> {
        let _purge = self.purges.last.lock();
        let mut engine = self.engine.write();
        // The old engine must be gone before the new one reads its files.
        *engine = None;
        *engine = Some(open_engine(&self.folder)?);
        Ok(())
    }

    pub(super) fn get_raw(&self, table: Table, key: &[u8]) -> Result<Option<Slice>, StoreError> {
        self.with_engine(|engine| engine.get(table, key))
    }

    fn each_raw(
        &self,
        table: Table,
        range: impl RangeBounds<Slice>,
        mut take: impl FnMut(&[u8], &[u8]) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.with_engine(|engine| {
            for row in engine.rows.range(range) {
                let (key, value) = row.into_inner().map_err(|error| StoreError::engine("read", &error))?;
                take(key.strip_prefix(&[table.byte()]).unwrap_or_default(), &value)?;
            }
            Ok(())
        })
    }

    fn with_engine<T>(&self, work: impl FnOnce(&Engine) -> Result<T, StoreError>) -> Result<T, StoreError> {
        match self.engine.read().as_ref() {
            Some(engine) => work(engine),
            None => Err(StoreError::Poisoned),
        }
    }
}

impl Embedded {
    /// Writes out what is in memory, so that the next start need not read a journal, and lets go of the files. Whatever
    /// is asked of the store afterwards fails.
    pub fn close(&self) {
        // A purge holds a part of the engine.
        let _purge = self.purges.last.lock();
        let Some(Engine { db, rows }) = self.engine.write().take() else { return };
        // Nobody is left to tell of a failure; what was promised to survive power loss has been synced before.
        let is_synced = db.persist(PersistMode::SyncAll).is_ok();
        // A thread of the engine that died leaves locks behind at which the engine asserts.
        let is_in_tables = is_synced && catch_unwind(AssertUnwindSafe(|| write_out(&rows))).unwrap_or(false);
        drop((db, rows));
        if is_in_tables {
            let _ = self.folder.empty_journals();
        }
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.close();
    }
}

/// Writes what is in memory to tables, within two seconds; true when all of it is there. Then the journal holds nothing
/// that is needed, and the next start need not read it.
fn write_out(rows: &Keyspace) -> bool {
    let deadline = Instant::now() + Duration::from_secs(2);
    if rows.rotate_memtable().is_err() {
        return false;
    }
    while rows.sealed_memtable_count() > 0 {
        if Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    true
}

fn read_row<R: Row>(row: fjall::Guard) -> Result<R, StoreError> {
    let (key, value) = row.into_inner().map_err(|error| StoreError::engine("read", &error))?;
    let key = key.get(1..).unwrap_or_default();
    R::decode(key, &value).map_err(|source| unreadable::<R>(key, source))
}

fn unreadable<R: Row>(key: &[u8], source: RowError) -> StoreError {
    let key = key.iter().map(|byte| format!("{byte:02x}")).collect();
    StoreError::Row { table: R::TABLE.name(), key, source }
}

/// The engine asserts some of what it reads; a damaged folder must give an error all the same.
fn open_engine(folder: &Folder) -> Result<Engine, StoreError> {
    folder.clear_unfinished_engine()?;
    folder.mend_journals()?;
    for tries_left in (0..10).rev() {
        match catch_unwind(AssertUnwindSafe(|| try_open(folder))) {
            Ok(Ok(engine)) => return Ok(engine),
            // The folder is ours: a child that is just being started holds the engine's own lock a moment longer.
            Ok(Err(fjall::Error::Locked)) if tries_left > 0 => std::thread::sleep(Duration::from_millis(30)),
            Ok(Err(error)) => return Err(describe(folder, error)),
            Err(_) => break,
        }
    }
    Err(folder.damaged("the engine cannot make sense of its files"))
}

/// Options for small nodes: the directory in memory answers nearly every read, so the engine needs little cache and no
/// filters, and its write buffers are kept small.
fn try_open(folder: &Folder) -> fjall::Result<Engine> {
    let db = Database::builder(folder.engine())
        .cache_size(4 * 1024 * 1024)
        .max_journaling_size(64 * 1024 * 1024)
        .journal_compression(CompressionType::None)
        .max_cached_files(Some(64))
        // With two, one spins while the other compacts.
        .worker_threads(1)
        .open()?;
    let options = || {
        KeyspaceCreateOptions::default()
            .max_memtable_size(8 * 1024 * 1024)
            .data_block_size_policy(BlockSizePolicy::all(16 * 1024))
            .data_block_compression_policy(CompressionPolicy::disabled())
            .filter_policy(FilterPolicy::disabled())
    };
    let rows = db.keyspace("rows", options)?;
    Ok(Engine { db, rows })
}

fn describe(folder: &Folder, error: fjall::Error) -> StoreError {
    match error {
        fjall::Error::Io(source) => StoreError::Folder { path: folder.engine(), source },
        fjall::Error::Locked => StoreError::InUse { path: folder.path().to_path_buf(), pid: "?".to_owned() },
        other => folder.damaged(format!("{other:?}")),
    }
}
