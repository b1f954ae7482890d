//! Who there is: accounts, their tokens and their friends, in pages.
use crate::domain::{DeviceName, DisplayName, Radius, UnixMs, UserId, UserNo};
use crate::store::codec::{Decoder, Encoder, RowError};

use super::{Row, Table};

const VERSION: u8 = 1;
/// How many numbers make a page.
pub const PAGE: u32 = 64;

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

impl Account {
    fn encode(&self, row: &mut Encoder) {
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
    }

    fn decode(no: UserNo, row: &mut Decoder<'_>) -> Result<Self, RowError> {
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
    /// Names the token, for revoking.
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

    fn encode(&self, row: &mut Encoder) {
        row.raw(&self.hash);
        row.u8(match self.kind {
            TokenKind::Full => 0,
            TokenKind::Session => 1,
            TokenKind::Device => 2,
        });
        row.uint(self.id);
        row.text(self.device.as_str());
        row.int(self.created.0);
        row.u8(u8::from(self.expires.is_some()));
        if let Some(expires) = self.expires {
            row.int(expires.0);
        }
    }

    /// `before`: the token read before this one. Most devices have the name of another, and then share its text.
    fn decode(no: UserNo, row: &mut Decoder<'_>, before: &mut Option<DeviceName>) -> Result<Self, RowError> {
        let hash = row.array()?;
        let kind = match row.u8()? {
            0 => TokenKind::Full,
            1 => TokenKind::Session,
            2 => TokenKind::Device,
            _ => return Err(RowError::Value("token kind")),
        };
        let id = row.uint()?;
        let text = row.text()?;
        let device = match before {
            Some(name) if name.as_str() == text => name.clone(),
            _ => before.insert(DeviceName::parse(text)?).clone(),
        };
        let created = UnixMs(row.int()?);
        let expires = if row.u8()? == 0 { None } else { Some(UnixMs(row.int()?)) };
        Ok(Self { hash, no, device, kind, id, created, expires })
    }
}

/// A person with tokens and friends.
#[derive(Clone, Debug, PartialEq)]
pub struct PersonRow {
    /// The account.
    pub account: Account,
    /// The tokens, oldest first.
    pub tokens: Vec<TokenRow>,
    /// The friends' numbers, sorted, each once. Both sides of a friendship have the other, written in one commit.
    pub friends: Vec<UserNo>,
}

/// The people of [`PAGE`] consecutive numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct PageRow {
    /// Number of the first possible person, divided by [`PAGE`].
    pub page: u32,
    /// Who of them there is, in the order of their numbers.
    pub people: Vec<PersonRow>,
}

impl PageRow {
    /// The page on which a number stands.
    #[must_use]
    pub const fn of(no: UserNo) -> u32 {
        no.0 / PAGE
    }

    /// The numbers of a page.
    pub fn numbers(page: u32) -> impl Iterator<Item = UserNo> {
        (0..PAGE).filter_map(move |place| page.checked_mul(PAGE)?.checked_add(place).map(UserNo))
    }
}

fn encode_friends(row: &mut Encoder, friends: &[UserNo]) {
    row.uint(friends.len() as u64);
    let mut before = 0;
    for friend in friends {
        row.uint(u64::from(friend.0.wrapping_sub(before)));
        before = friend.0;
    }
}

fn decode_friends(row: &mut Decoder<'_>) -> Result<Vec<UserNo>, RowError> {
    let count = row.count()?;
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
    Ok(friends)
}

impl Row for PageRow {
    const TABLE: Table = Table::People;
    type Key = u32;

    fn key_bytes(page: &u32) -> Vec<u8> {
        page.to_be_bytes().to_vec()
    }

    fn key(&self) -> u32 {
        self.page
    }

    fn encode(&self) -> Vec<u8> {
        let mut row = Encoder::versioned(VERSION);
        row.uint(self.people.len() as u64);
        for PersonRow { account, tokens, friends } in &self.people {
            row.u8((account.no.0 % PAGE).to_le_bytes()[0]);
            account.encode(&mut row);
            row.uint(tokens.len() as u64);
            tokens.iter().for_each(|token| token.encode(&mut row));
            encode_friends(&mut row, friends);
        }
        row.finish()
    }

    fn decode(key: &[u8], value: &[u8]) -> Result<Self, RowError> {
        let mut key = Decoder::new(key);
        let page = key.key_u32()?;
        key.finish()?;
        let mut row = Decoder::versioned(value, VERSION)?;
        let count = row.count()?;
        let mut people: Vec<PersonRow> = Vec::with_capacity(count.min(PAGE as usize));
        let mut device = None;
        for _ in 0..count {
            let place = u32::from(row.u8()?);
            let no = page.checked_mul(PAGE).and_then(|first| first.checked_add(place)).filter(|_| place < PAGE);
            let no = no.map(UserNo).ok_or(RowError::Value("a person's number"))?;
            if people.last().is_some_and(|before| before.account.no >= no) {
                return Err(RowError::Value("the order of the people"));
            }
            let account = Account::decode(no, &mut row)?;
            let held = row.count()?;
            let mut tokens = Vec::with_capacity(held);
            for _ in 0..held {
                tokens.push(TokenRow::decode(no, &mut row, &mut device)?);
            }
            people.push(PersonRow { account, tokens, friends: decode_friends(&mut row)? });
        }
        row.finish()?;
        Ok(Self { page, people })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    prop_compose! {
        fn any_token(no: UserNo)(
            hash: [u8; 32], id: u64, kind in 0..3, device in "[a-z. -]{1,12}", created: i64, expires in proptest::option::of(any::<i64>()),
        ) -> TokenRow {
            let kind = [TokenKind::Full, TokenKind::Session, TokenKind::Device][kind as usize];
            let device = DeviceName::parse(&device).unwrap();
            TokenRow { hash, no, device, kind, id, created: UnixMs(created), expires: expires.map(UnixMs) }
        }
    }

    prop_compose! {
        fn any_person(no: UserNo)(
            id in "[A-Za-z0-9_-]{1,64}", name in proptest::option::of("[a-zéß<> ]{0,20}x"), admin: bool,
            radius in 50.0..=50_000.0_f64, time_zone in proptest::option::of("[A-Za-z/]{1,20}"), stride_m in 0.1..3.0_f32,
            created: i64, tokens in proptest::collection::vec(any_token(no), 0..3),
            friends in proptest::collection::btree_set(any::<u32>(), 0..60),
        ) -> PersonRow {
            let id = UserId::parse(&id, "user").unwrap();
            let name = name.map_or_else(|| DisplayName::from(&id), |name| DisplayName::parse(&name).unwrap());
            let radius = Radius::metres(radius).unwrap();
            let account = Account { no, id, name, admin, radius, time_zone, stride_m, created: UnixMs(created) };
            PersonRow { account, tokens, friends: friends.into_iter().map(UserNo).collect() }
        }
    }

    prop_compose! {
        fn any_page()(page in 0..u32::MAX / PAGE, places in proptest::collection::btree_set(0..PAGE, 0..5))
            (people in places.into_iter().map(|place| any_person(UserNo(page * PAGE + place))).collect::<Vec<_>>(), page in Just(page))
            -> PageRow { PageRow { page, people } }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn a_page_of_people_is_read_back_as_written(page in any_page()) {
            prop_assert_eq!(PageRow::decode(&PageRow::key_bytes(&page.key()), &page.encode()), Ok(page));
        }

        #[test]
        fn a_page_that_was_cut_or_grew_is_refused(page in any_page(), cut: prop::sample::Index) {
            let bytes = page.encode();
            let key = PageRow::key_bytes(&page.page);
            prop_assert!(PageRow::decode(&key, &bytes[..cut.index(bytes.len())]).is_err());
            prop_assert_eq!(PageRow::decode(&key, &[bytes, vec![0]].concat()), Err(RowError::Long));
        }
    }

    #[test]
    fn the_last_page_ends_with_the_last_number() {
        assert_eq!(PageRow::numbers(u32::MAX / PAGE).last(), Some(UserNo(u32::MAX)));
        assert_eq!(PageRow::numbers(1).next(), Some(UserNo(64)));
        assert_eq!(PageRow::of(UserNo(63)), 0);
    }
}
