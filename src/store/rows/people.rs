//! Who there is: accounts, their tokens and their friends.
use crate::domain::{DeviceName, DisplayName, Radius, UnixMs, UserId, UserNo};
use crate::store::codec::{Decoder, Encoder, RowError};

use super::{Row, Table};

const VERSION: u8 = 1;

/// A person's account.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    /// The dense number, never given twice.
    pub no: UserNo,
    /// The id on the wire.
    pub id: UserId,
    /// What friends read.
    pub name: DisplayName,
    /// True: may administer this server.
    pub admin: bool,
    /// How near is near, metres.
    pub radius: Radius,
    /// IANA name of the zone in which the person's day begins; `None`: the server's.
    pub time_zone: Option<String>,
    /// Length of one step, metres.
    pub stride_m: f32,
    /// When the account was made.
    pub created: UnixMs,
}

impl Row for Account {
    const TABLE: Table = Table::Accounts;
    type Key = UserNo;

    fn key_bytes(no: &UserNo) -> Vec<u8> {
        no.0.to_be_bytes().to_vec()
    }

    fn key(&self) -> UserNo {
        self.no
    }

    fn encode(&self) -> Vec<u8> {
        let mut row = Encoder::versioned(VERSION);
        // A name equal to the id, as for most, is not written twice.
        let named = self.name.as_str() != self.id.as_str();
        row.u8(u8::from(self.admin) | u8::from(named) << 1 | u8::from(self.time_zone.is_some()) << 2);
        row.text(self.id.as_str());
        if named {
            row.text(self.name.as_str());
        }
        row.f64(self.radius.as_metres());
        if let Some(zone) = &self.time_zone {
            row.text(zone);
        }
        row.f32(self.stride_m);
        row.int(self.created.0);
        row.finish()
    }

    fn decode(key: &[u8], value: &[u8]) -> Result<Self, RowError> {
        let mut key = Decoder::new(key);
        let no = UserNo(key.key_u32()?);
        key.finish()?;
        let mut row = Decoder::versioned(value, VERSION)?;
        let flags = row.u8()?;
        let id = UserId::parse(row.text()?, "user")?;
        let name = if flags & 2 == 0 { DisplayName::from(&id) } else { DisplayName::parse(row.text()?)? };
        let radius = Radius::metres(row.f64()?)?;
        let time_zone = if flags & 4 == 0 { None } else { Some(row.text()?.to_owned()) };
        let stride_m = row.f32()?;
        if !stride_m.is_finite() {
            return Err(RowError::Value("stride"));
        }
        let created = UnixMs(row.int()?);
        row.finish()?;
        Ok(Self { no, id, name, admin: flags & 1 != 0, radius, time_zone, stride_m, created })
    }
}

/// What a token may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// Everything its user may.
    Full,
    /// The dashboard's cookie: as `Full`, until it expires.
    Session,
    /// Writes fixes and availability, reads nothing.
    Device,
}

/// A token: its hash only. The token itself is shown once and stored nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRow {
    /// BLAKE3 of the token's text.
    pub hash: [u8; 32],
    /// Whose it is.
    pub no: UserNo,
    /// The device it was made for.
    pub device: DeviceName,
    /// What it may do.
    pub kind: TokenKind,
    /// Names the token among its user's, for revoking.
    pub id: u64,
    /// When it was made.
    pub created: UnixMs,
    /// From when on it is void; `None`: until revoked.
    pub expires: Option<UnixMs>,
}

impl TokenRow {
    /// True from `expires` on.
    #[must_use]
    pub fn has_expired(&self, now: UnixMs) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }
}

impl Row for TokenRow {
    const TABLE: Table = Table::Tokens;
    type Key = (UserNo, u64);

    fn key_bytes((no, id): &(UserNo, u64)) -> Vec<u8> {
        let mut key = Vec::with_capacity(12);
        key.extend_from_slice(&no.0.to_be_bytes());
        key.extend_from_slice(&id.to_be_bytes());
        key
    }

    fn key(&self) -> (UserNo, u64) {
        (self.no, self.id)
    }

    fn encode(&self) -> Vec<u8> {
        let mut row = Encoder::versioned(VERSION);
        row.raw(&self.hash);
        row.u8(match self.kind {
            TokenKind::Full => 0,
            TokenKind::Session => 1,
            TokenKind::Device => 2,
        });
        row.text(self.device.as_str());
        row.int(self.created.0);
        // 0: never; otherwise how long after its making.
        row.int(self.expires.map_or(0, |expires| expires.since(self.created).max(1)));
        row.finish()
    }

    fn decode(key: &[u8], value: &[u8]) -> Result<Self, RowError> {
        let mut key = Decoder::new(key);
        let no = UserNo(key.key_u32()?);
        let id = u64::from_be_bytes(key.array()?);
        key.finish()?;
        let mut row = Decoder::versioned(value, VERSION)?;
        let hash = row.array()?;
        let kind = match row.u8()? {
            0 => TokenKind::Full,
            1 => TokenKind::Session,
            2 => TokenKind::Device,
            _ => return Err(RowError::Value("token kind")),
        };
        let device = DeviceName::parse(row.text()?)?;
        let created = UnixMs(row.int()?);
        let lasts = row.int()?;
        row.finish()?;
        Ok(Self { hash, no, device, kind, id, created, expires: (lasts != 0).then(|| created + lasts) })
    }
}

/// A person's friends, in the order of their numbers. Both sides of a friendship have their own row, written in one commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FriendsRow {
    /// Whose friends.
    pub no: UserNo,
    /// Sorted, each once.
    pub friends: Vec<UserNo>,
}

impl Row for FriendsRow {
    const TABLE: Table = Table::Friends;
    type Key = UserNo;

    fn key_bytes(no: &UserNo) -> Vec<u8> {
        no.0.to_be_bytes().to_vec()
    }

    fn key(&self) -> UserNo {
        self.no
    }

    fn encode(&self) -> Vec<u8> {
        let mut row = Encoder::versioned(VERSION);
        row.uint(self.friends.len() as u64);
        let mut before = 0;
        for friend in &self.friends {
            row.uint(u64::from(friend.0.wrapping_sub(before)));
            before = friend.0;
        }
        row.finish()
    }

    fn decode(key: &[u8], value: &[u8]) -> Result<Self, RowError> {
        let mut key = Decoder::new(key);
        let no = UserNo(key.key_u32()?);
        key.finish()?;
        let mut row = Decoder::versioned(value, VERSION)?;
        let count = usize::try_from(row.uint()?).map_err(|_| RowError::Short)?;
        if count > row.left() {
            return Err(RowError::Short);
        }
        let mut friends = Vec::with_capacity(count);
        let mut before = 0_u32;
        for at in 0..count {
            let step = row.uint32()?;
            if at > 0 && step == 0 {
                return Err(RowError::Value("a friend twice"));
            }
            before = before.checked_add(step).ok_or(RowError::Value("a friend's number"))?;
            friends.push(UserNo(before));
        }
        row.finish()?;
        Ok(Self { no, friends })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn back<R: Row>(row: &R) -> Result<R, RowError> {
        R::decode(&R::key_bytes(&row.key()), &row.encode())
    }

    proptest! {
        #[test]
        fn an_account_is_read_back_as_written(
            no: u32, id in "[A-Za-z0-9_-]{1,64}", name in "[a-zéß<> ]{0,20}x", admin: bool, radius in 50.0..=50_000.0_f64,
            zone in proptest::option::of("[A-Za-z/]{1,20}"), stride_m in 0.1..3.0_f32, created: i64,
        ) {
            let id = UserId::parse(&id, "user").unwrap();
            let name = DisplayName::parse(&name).unwrap();
            let radius = Radius::metres(radius).unwrap();
            let account =
                Account { no: UserNo(no), id, name, admin, radius, time_zone: zone, stride_m, created: UnixMs(created) };
            prop_assert_eq!(back(&account), Ok(account));
        }

        #[test]
        fn a_token_is_read_back_as_written(hash: [u8; 32], no: u32, id: u64, kind in 0..3, created in 0..1_i64 << 50, lasts in proptest::option::of(1..1_i64 << 50)) {
            let kind = [TokenKind::Full, TokenKind::Session, TokenKind::Device][kind as usize];
            let device = DeviceName::parse("Pixel 9").unwrap();
            let created = UnixMs(created);
            let token = TokenRow { hash, no: UserNo(no), device, kind, id, created, expires: lasts.map(|ms| created + ms) };
            prop_assert_eq!(back(&token), Ok(token));
        }

        #[test]
        fn friends_are_read_back_as_written(no: u32, friends in proptest::collection::btree_set(any::<u32>(), 0..60)) {
            let row = FriendsRow { no: UserNo(no), friends: friends.into_iter().map(UserNo).collect() };
            prop_assert_eq!(back(&row), Ok(row));
        }
    }

    #[test]
    fn a_row_that_was_cut_is_refused_at_every_length() {
        let id = UserId::parse("ann", "user").unwrap();
        let name = DisplayName::parse("Ann").unwrap();
        let radius = Radius::default();
        let account = Account {
            no: UserNo(1),
            id,
            name,
            admin: false,
            radius,
            time_zone: Some("Europe/Berlin".into()),
            stride_m: 0.762,
            created: UnixMs(1_800_000_000_000),
        };
        let bytes = account.encode();
        for length in 0..bytes.len() {
            assert!(Account::decode(&[0, 0, 0, 1], &bytes[..length]).is_err(), "{length}");
        }
        let longer = [bytes.as_slice(), &[0]].concat();
        assert_eq!(Account::decode(&[0, 0, 0, 1], &longer), Err(RowError::Long));
    }
}
