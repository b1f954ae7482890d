//! Numbers that are given away once and never again.
use super::codec::{Decoder, Encoder};
use super::embedded::{Embedded, WriteBatch};
use super::error::StoreError;
use super::rows::Table;

const NEXT: &[u8] = b"next";

/// The next numbers to give away. In the store, so that the number of somebody who left is not given again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Next {
    pub no: u32,
    pub token: u64,
}

impl Next {
    pub fn put(self, batch: &mut WriteBatch) {
        let mut row = Encoder::versioned(1);
        row.uint(u64::from(self.no));
        row.uint(self.token);
        batch.put_raw(Table::Meta, NEXT, &row.finish());
    }

    pub fn load(store: &Embedded) -> Result<Self, StoreError> {
        let Some(bytes) = store.get_raw(Table::Meta, NEXT)? else { return Ok(Self { no: 0, token: 1 }) };
        let read = || {
            let mut row = Decoder::versioned(&bytes, 1)?;
            Ok(Self { no: row.uint32()?, token: row.uint()? })
        };
        read().map_err(|source| StoreError::Row { table: "meta", key: "next".to_owned(), source })
    }
}
