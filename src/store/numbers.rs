//! Numbers that are given away once and never again.
use super::codec::{Decoder, Encoder};
use super::embedded::{Durability, Embedded, WriteBatch};
use super::error::StoreError;
use super::rows::{AuditEntry, Table};

const NEXT: &[u8] = b"next";

/// The next numbers to give away. In the store, so that the number of somebody who left is not given again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Next {
    pub no: u32,
    /// Of a token or an invite.
    pub token: u64,
    /// Of a line in the audit log. Not in the row: it follows from the log.
    pub line: u64,
}

impl Next {
    pub fn put(self, batch: &mut WriteBatch) {
        let mut row = Encoder::versioned(1);
        row.uint(u64::from(self.no));
        row.uint(self.token);
        batch.put_raw(Table::Meta, NEXT, &row.finish());
    }

    pub fn load(store: &Embedded) -> Result<Self, StoreError> {
        let line = store.last::<AuditEntry>()?.map_or(0, |entry| entry.number.saturating_add(1));
        let Some(bytes) = store.get_raw(Table::Meta, NEXT)? else { return Ok(Self { no: 0, token: 1, line }) };
        let read = || {
            let mut row = Decoder::versioned(&bytes, 1)?;
            Ok(Self { no: row.uint32()?, token: row.uint()?, line })
        };
        read().map_err(|source| StoreError::Row { table: "meta", key: "next".to_owned(), source })
    }
}

const NODE: &[u8] = b"node";

/// The number by which this data folder calls itself towards other systems; made at its first use.
///
/// # Errors
/// When the store cannot be read or written.
pub fn node_id(store: &Embedded) -> Result<u64, StoreError> {
    if let Some(bytes) = store.get_raw(Table::Meta, NODE)? {
        let read = || Decoder::versioned(&bytes, 1)?.uint();
        return read().map_err(|source| StoreError::Row { table: "meta", key: "node".to_owned(), source });
    }
    let id =
        getrandom::u64().map_err(|error| StoreError::Engine { doing: "name this node", what: error.to_string() })?;
    let mut row = Encoder::versioned(1);
    row.uint(id);
    let mut batch = WriteBatch::new();
    batch.put_raw(Table::Meta, NODE, &row.finish());
    store.commit(batch, Durability::Power)?;
    Ok(id)
}
