//! Links by which people join and become friends.
use crate::domain::{Sharing, UnixMs, UserNo};
use crate::store::codec::{Decoder, Encoder, RowError};

use super::sharing::{decode_sharing, encode_sharing};
use super::{Row, Table};

const VERSION: u8 = 1;

/// What an invite grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InviteKind {
    /// Makes its acceptor an administrator.
    Administrator,
    /// Makes its acceptor a friend.
    Friend {
        /// Of whom.
        inviter: UserNo,
        /// What the inviter will share with the acceptor.
        sharing: Sharing,
    },
}

/// An invite: its hash only. The code is shown once and stored nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InviteRow {
    /// Names the invite, for withdrawing.
    pub id: u64,
    /// BLAKE3 of the code's text.
    pub hash: [u8; 32],
    /// What it grants.
    pub kind: InviteKind,
    /// When it was made.
    pub created: UnixMs,
    /// From when on it is void.
    pub expires: UnixMs,
}

impl InviteRow {
    /// True from `expires` on.
    #[must_use]
    pub fn has_expired(&self, now: UnixMs) -> bool {
        self.expires <= now
    }

    /// Who made it; `None`: the server itself.
    #[must_use]
    pub const fn inviter(&self) -> Option<UserNo> {
        match self.kind {
            InviteKind::Administrator => None,
            InviteKind::Friend { inviter, .. } => Some(inviter),
        }
    }
}

impl Row for InviteRow {
    const TABLE: Table = Table::Invites;
    type Key = u64;

    fn key_bytes(id: &u64) -> Vec<u8> {
        id.to_be_bytes().to_vec()
    }

    fn key(&self) -> u64 {
        self.id
    }

    fn encode(&self) -> Vec<u8> {
        let mut row = Encoder::versioned(VERSION);
        row.raw(&self.hash);
        row.int(self.created.0);
        row.int(self.expires.0);
        match &self.kind {
            InviteKind::Administrator => row.u8(0),
            InviteKind::Friend { inviter, sharing } => {
                row.u8(1);
                row.uint(u64::from(inviter.0));
                encode_sharing(&mut row, sharing);
            }
        }
        row.finish()
    }

    fn decode(key: &[u8], value: &[u8]) -> Result<Self, RowError> {
        let mut key = Decoder::new(key);
        let id = key.key_u64()?;
        key.finish()?;
        let mut row = Decoder::versioned(value, VERSION)?;
        let hash = row.array()?;
        let (created, expires) = (UnixMs(row.int()?), UnixMs(row.int()?));
        let kind = match row.u8()? {
            0 => InviteKind::Administrator,
            1 => InviteKind::Friend { inviter: UserNo(row.uint32()?), sharing: decode_sharing(&mut row)? },
            _ => return Err(RowError::Value("invite kind")),
        };
        row.finish()?;
        Ok(Self { id, hash, kind, created, expires })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Precision;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_invite_is_read_back_as_written(
            id: u64, hash: [u8; 32], created: i64, expires: i64, inviter in proptest::option::of(any::<u32>()),
            until in proptest::option::of(any::<i64>()), precision in 0..3_usize, then in 0..3_usize,
            cut: prop::sample::Index,
        ) {
            let all = [Precision::Off, Precision::Approximate, Precision::Exact];
            let sharing = Sharing { precision: all[precision], until: until.map(UnixMs), then: all[then] };
            let friend = |inviter| InviteKind::Friend { inviter: UserNo(inviter), sharing };
            let kind = inviter.map_or(InviteKind::Administrator, friend);
            let row = InviteRow { id, hash, kind, created: UnixMs(created), expires: UnixMs(expires) };
            let (key, bytes) = (InviteRow::key_bytes(&id), row.encode());
            prop_assert!(InviteRow::decode(&key, &bytes[..cut.index(bytes.len())]).is_err());
            prop_assert_eq!(InviteRow::decode(&key, &bytes), Ok(row));
            prop_assert_eq!(InviteRow::decode(&key, &[bytes, vec![0]].concat()), Err(RowError::Long));
        }
    }
}
