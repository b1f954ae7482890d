//! What can go wrong with the folder of the store, in sentences for the person who runs the server.
use std::path::PathBuf;

use thiserror::Error;

use super::codec::RowError;

/// Why the store cannot be opened, read or written.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The folder or a file in it cannot be made or read.
    #[error("cannot use {path}: {source}")]
    Folder {
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Another process has the folder open.
    #[error("the folder {path} is in use by process {pid}: stop it first, or choose another folder")]
    InUse {
        /// The folder.
        path: PathBuf,
        /// The other process, as it wrote itself into the lock file; `?` when it could not be read.
        pid: String,
    },
    /// Written by a newer server.
    #[error(
        "the folder {path} was made by a newer version of LetsHang (its format is {found}, this version reads up to \
         {known}): use that version or a newer one"
    )]
    Newer {
        /// The folder.
        path: PathBuf,
        /// The format in the folder.
        found: u32,
        /// The newest format this program knows.
        known: u32,
    },
    /// Files that are not what a server wrote.
    #[error("the store in {path} is damaged: {what}; nothing was changed, restore the folder from a backup")]
    Damaged {
        /// The folder.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// One row cannot be read.
    #[error("a row of table {table} (key {key}) cannot be read: {source}")]
    Row {
        /// The table.
        table: &'static str,
        /// The key, in hexadecimal.
        key: String,
        /// What is wrong with it.
        source: RowError,
    },
    /// An earlier write failed: what is on the disk is not known until the store is opened again.
    #[error("an earlier write to the disk failed, so the store takes no more until the server is restarted")]
    Poisoned,
    /// A read or write failed.
    #[error("the store cannot {doing}: {what}")]
    Engine {
        /// What was tried.
        doing: &'static str,
        /// What the engine said.
        what: String,
    },
}

impl StoreError {
    pub(super) fn engine(doing: &'static str, error: &fjall::Error) -> Self {
        match error {
            fjall::Error::Poisoned => Self::Poisoned,
            fjall::Error::Io(error) => Self::Engine { doing, what: error.to_string() },
            other => Self::Engine { doing, what: format!("{other:?}") },
        }
    }
}
