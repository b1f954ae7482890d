//! The data folder: made private, held by one process, of a format that this program knows.
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, Mode, flock};

use super::error::StoreError;
use super::journal::{self, Verdict};

/// The newest format that this program reads and the one it writes.
const FORMAT: u32 = 1;
const FORMAT_PREFIX: &str = "letshang store ";

/// A data folder that this process has for itself until the value is dropped.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// Holds the lock: the system gives it back when the process ends, however it ends.
    _lock: File,
}

impl Folder {
    /// Makes the folder when there is none (0700), takes its lock and checks its format.
    ///
    /// Sets the process's umask to 077, because the engine makes files at any time later.
    ///
    /// # Errors
    /// [`StoreError::InUse`], [`StoreError::Newer`], [`StoreError::Damaged`] or [`StoreError::Folder`].
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let failed = |source| StoreError::Folder { path: path.to_path_buf(), source };
        rustix::process::umask(Mode::RWXG | Mode::RWXO);
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
        let path = path.canonicalize().map_err(failed)?;
        let lock = take_lock(&path)?;
        let folder = Self { path, _lock: lock };
        folder.check_format()?;
        folder.keep_others_out()?;
        Ok(folder)
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the engine keeps its files.
    #[must_use]
    pub fn engine(&self) -> PathBuf {
        self.path.join("db")
    }

    /// Removes what is left of an engine that was stopped while it was being made, before it could hold anything.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when files are missing that must be there.
    pub fn clear_unfinished_engine(&self) -> Result<(), StoreError> {
        let engine = self.engine();
        if !engine.exists() || engine.join("version").exists() {
            return Ok(());
        }
        // The engine writes its version file before the first table.
        let holds_tables = fs::read_dir(engine.join("keyspaces")).is_ok_and(|mut tables| tables.next().is_some());
        if holds_tables {
            return Err(self.damaged("the file db/version is missing"));
        }
        fs::remove_dir_all(&engine).map_err(|source| StoreError::Folder { path: engine, source })
    }

    /// Cuts off what a crash left half-written at the end of a journal.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when something else is wrong with a journal, naming the byte; nothing is changed then.
    pub fn mend_journals(&self) -> Result<(), StoreError> {
        let mut torn = Vec::new();
        for (_, path) in self.journals() {
            let failed = |source| StoreError::Folder { path: path.clone(), source };
            match journal::examine(&path).map_err(failed)? {
                Verdict::Sound => {}
                Verdict::Torn(at) => torn.push((path, at)),
                Verdict::Damaged(at) => {
                    let file = path.display();
                    return Err(self.damaged(format!(
                        "{file} is wrong at byte {at} and whole commits follow (to give up all of them: \
                         truncate -s {at} {file})"
                    )));
                }
            }
        }
        for (path, at) in torn {
            journal::cut(&path, at).map_err(|source| StoreError::Folder { path, source })?;
        }
        Ok(())
    }

    /// Removes all journals but the newest and empties that one, when everything in them has been written to tables and
    /// the engine is closed.
    ///
    /// # Errors
    /// When the system refuses; what is left is then read at the next start, as after a crash.
    pub fn empty_journals(&self) -> std::io::Result<()> {
        let mut journals = self.journals();
        let newest = journals.pop();
        for (_, path) in journals {
            fs::remove_file(path)?;
        }
        newest.map_or(Ok(()), |(_, path)| journal::cut(&path, 0))
    }

    /// The engine's journals by number, oldest first.
    fn journals(&self) -> Vec<(u64, PathBuf)> {
        let Ok(entries) = fs::read_dir(self.engine()) else { return Vec::new() };
        let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
        let journals = paths.filter(|path| path.extension().is_some_and(|extension| extension == "jnl"));
        let number = |path: &Path| path.file_stem()?.to_str()?.parse::<u64>().ok();
        let mut journals: Vec<_> = journals.filter_map(|path| Some((number(&path)?, path))).collect();
        journals.sort_unstable();
        journals
    }

    /// An error that names this folder.
    #[must_use]
    pub fn damaged(&self, what: impl Into<String>) -> StoreError {
        StoreError::Damaged { path: self.path.clone(), what: what.into() }
    }

    fn check_format(&self) -> Result<(), StoreError> {
        let file = self.path.join("format");
        let failed = |source| StoreError::Folder { path: file.clone(), source };
        let mut text = String::new();
        match File::open(&file) {
            Ok(open) => {
                open.take(64).read_to_string(&mut text).map_err(|_| self.damaged("the file format is not text"))?
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                if self.engine().exists() {
                    return Err(self.damaged("the file format is missing"));
                }
                return self.write_format();
            }
            Err(error) => return Err(failed(error)),
        };
        let found = text.strip_prefix(FORMAT_PREFIX).and_then(|number| number.trim_end().parse().ok());
        match found {
            Some(FORMAT) => Ok(()),
            Some(found) if found > FORMAT => Err(StoreError::Newer { path: self.path.clone(), found, known: FORMAT }),
            _ => Err(self.damaged("the file format does not say which format it is")),
        }
    }

    /// Written aside and renamed, so that a crash leaves a whole file or none.
    fn write_format(&self) -> Result<(), StoreError> {
        let aside = self.path.join("format.new");
        let failed = |source| StoreError::Folder { path: aside.clone(), source };
        let mut file = private(&aside).map_err(failed)?;
        file.set_len(0).map_err(failed)?;
        writeln!(file, "{FORMAT_PREFIX}{FORMAT}").map_err(failed)?;
        file.sync_all().map_err(failed)?;
        fs::rename(&aside, self.path.join("format")).map_err(failed)?;
        File::open(&self.path).and_then(|folder| folder.sync_all()).map_err(failed)
    }

    /// A folder that is ours becomes ours alone, even if somebody made it with `mkdir` first.
    fn keep_others_out(&self) -> Result<(), StoreError> {
        let failed = |source| StoreError::Folder { path: self.path.clone(), source };
        let mode = fs::metadata(&self.path).map_err(failed)?.permissions().mode();
        if mode & 0o077 == 0 || !self.holds_only_ours().map_err(failed)? {
            // Files of others are here too: ours are private each by itself.
            return Ok(());
        }
        fs::set_permissions(&self.path, Permissions::from_mode(0o700)).map_err(failed)
    }

    fn holds_only_ours(&self) -> std::io::Result<bool> {
        for entry in fs::read_dir(&self.path)? {
            if !matches!(entry?.file_name().to_str(), Some("lock" | "format" | "db" | "admin.sock" | "lost+found")) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn private(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

/// A process that is just ending, or a child that is just being started, holds the lock a moment longer.
fn lock_patiently(file: &File) -> rustix::io::Result<()> {
    for _ in 0..10 {
        match flock(file, FlockOperation::NonBlockingLockExclusive) {
            Err(rustix::io::Errno::WOULDBLOCK) => std::thread::sleep(Duration::from_millis(30)),
            outcome => return outcome,
        }
    }
    flock(file, FlockOperation::NonBlockingLockExclusive)
}

fn take_lock(folder: &Path) -> Result<File, StoreError> {
    let path = folder.join("lock");
    let failed = |source| StoreError::Folder { path: path.clone(), source };
    let mut file = private(&path).map_err(failed)?;
    match lock_patiently(&file) {
        Ok(()) => {}
        Err(rustix::io::Errno::WOULDBLOCK) => {
            let mut text = String::new();
            let _ = file.take(16).read_to_string(&mut text);
            let pid = text.trim().parse::<u32>().map_or_else(|_| "?".to_owned(), |pid| pid.to_string());
            return Err(StoreError::InUse { path: folder.to_path_buf(), pid });
        }
        Err(error) => return Err(failed(error.into())),
    }
    file.set_len(0).map_err(failed)?;
    writeln!(file, "{}", std::process::id()).map_err(failed)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_made_by_a_newer_version_is_refused_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("format"), "letshang store 2\n").unwrap();
        let error = Folder::open(dir.path()).unwrap_err();
        assert!(matches!(error, StoreError::Newer { found: 2, known: 1, .. }), "{error}");
        assert!(error.to_string().contains("made by a newer version of LetsHang"));
        assert_eq!(fs::read_to_string(dir.path().join("format")).unwrap(), "letshang store 2\n");
    }

    #[test]
    fn a_folder_that_is_open_is_refused_naming_the_process() {
        let dir = tempfile::tempdir().unwrap();
        let first = Folder::open(dir.path()).unwrap();
        let error = Folder::open(dir.path()).unwrap_err().to_string();
        assert!(error.contains(&std::process::id().to_string()) && error.contains("in use by process"), "{error}");
        drop(first);
        assert!(Folder::open(dir.path()).is_ok());
    }

    #[test]
    fn a_folder_with_files_of_others_keeps_its_mode() {
        let dir = tempfile::tempdir().unwrap();
        let shared = dir.path().join("shared");
        fs::create_dir(&shared).unwrap();
        fs::write(shared.join("letter.txt"), "").unwrap();
        fs::set_permissions(&shared, Permissions::from_mode(0o755)).unwrap();
        let folder = Folder::open(&shared).unwrap();
        assert_eq!(fs::metadata(folder.path()).unwrap().permissions().mode() & 0o777, 0o755);
        assert_eq!(fs::metadata(folder.path().join("format")).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn nonsense_in_the_format_file_is_named() {
        for nonsense in [b"".as_slice(), b"\xFF\xFE", b"letshang store x", b"letshang store 0"] {
            let dir = tempfile::tempdir().unwrap();
            fs::write(dir.path().join("format"), nonsense).unwrap();
            assert!(matches!(Folder::open(dir.path()), Err(StoreError::Damaged { .. })));
        }
    }
}
