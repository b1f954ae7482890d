//! Who there is: accounts, their tokens and their friends, in pages.
use crate::domain::weekly_hours::{DayHours, Days, WeeklyHours};
use crate::domain::{DeviceName, DisplayName, Radius, Sharing, UnixMs, UserId, UserNo};
use crate::store::codec::{Decoder, Encoder, RowError};

use super::sharing::{decode_sharing, encode_sharing};
use super::tokens::TokenRow;
use super::{Row, Table};

/// 2: also sharing, blocks, hiding and showing a place only while free. 3: also weekly hours, being left out of the
/// leaderboard, and what is chosen for a token's phone. Pages of earlier versions are read as if nobody had chosen any of that, and get the newest version when
/// they are next written.
const VERSION: u8 = 3;
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
    /// Hidden from everyone until then; `None`, or a time that is past: not hidden.
    pub hidden_until: Option<UnixMs>,
    /// Shows a position only while free.
    pub only_free: bool,
    /// When the person is usually free, by their own clock.
    pub free_hours: WeeklyHours,
    /// Stands in friends' leaderboards of steps.
    pub on_board: bool,
}

const ADMIN: u8 = 1;
const NAMED: u8 = 1 << 1;
const ZONE: u8 = 1 << 2;
const HIDDEN: u8 = 1 << 3;
const ONLY_FREE: u8 = 1 << 4;
const HOURS: u8 = 1 << 5;
const OFF_BOARD: u8 = 1 << 6;

impl Account {
    /// True while the person hides from everyone.
    #[must_use]
    pub fn is_hidden(&self, now: UnixMs) -> bool {
        self.hidden_until.is_some_and(|until| until > now)
    }

    fn encode(&self, row: &mut Encoder) {
        // A name equal to the id, as for most, is not written twice.
        let named = self.name.as_str() != self.id.as_str();
        let flag = |on: bool, bit: u8| if on { bit } else { 0 };
        row.u8(flag(self.admin, ADMIN)
            | flag(named, NAMED)
            | flag(self.time_zone.is_some(), ZONE)
            | flag(self.hidden_until.is_some(), HIDDEN)
            | flag(self.only_free, ONLY_FREE)
            | flag(!self.free_hours.is_empty(), HOURS)
            | flag(!self.on_board, OFF_BOARD));
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
        if let Some(until) = self.hidden_until {
            row.int(until.0);
        }
        if !self.free_hours.is_empty() {
            encode_hours(row, &self.free_hours);
        }
    }

    fn decode(no: UserNo, version: u8, row: &mut Decoder<'_>) -> Result<Self, RowError> {
        let flags = row.u8()?;
        let known = match version {
            1 => ADMIN | NAMED | ZONE,
            2 => ADMIN | NAMED | ZONE | HIDDEN | ONLY_FREE,
            _ => ADMIN | NAMED | ZONE | HIDDEN | ONLY_FREE | HOURS | OFF_BOARD,
        };
        if flags & !known != 0 {
            return Err(RowError::Value("an account's flags"));
        }
        let has = |bit: u8| flags & bit != 0;
        let id = UserId::parse(row.text()?, "user")?;
        let name = if has(NAMED) { DisplayName::parse(row.text()?)? } else { DisplayName::from(&id) };
        let radius = Radius::metres(row.f64()?)?;
        let time_zone = if has(ZONE) { Some(row.text()?.to_owned()) } else { None };
        let stride_m = row.f32()?;
        if !stride_m.is_finite() {
            return Err(RowError::Value("stride"));
        }
        let created = UnixMs(row.int()?);
        let hidden_until = if has(HIDDEN) { Some(UnixMs(row.int()?)) } else { None };
        let free_hours = if has(HOURS) { decode_hours(row)? } else { WeeklyHours::default() };
        let (admin, only_free, on_board) = (has(ADMIN), has(ONLY_FREE), !has(OFF_BOARD));
        Ok(Self {
            no,
            id,
            name,
            admin,
            radius,
            time_zone,
            stride_m,
            created,
            hidden_until,
            only_free,
            free_hours,
            on_board,
        })
    }
}

fn encode_hours(row: &mut Encoder, hours: &WeeklyHours) {
    row.uint(hours.entries().len() as u64);
    for entry in hours.entries() {
        row.u8(entry.days().bits());
        row.uint(u64::from(entry.from()));
        row.uint(u64::from(entry.to()));
    }
}

fn decode_hours(row: &mut Decoder<'_>) -> Result<WeeklyHours, RowError> {
    let count = row.count()?;
    let mut hours = Vec::with_capacity(count);
    for _ in 0..count {
        let days = Days::from_bits(row.u8()?).ok_or(RowError::Value("free_hours"))?;
        let mut minutes = || u16::try_from(row.uint()?).map_err(|_| RowError::Value("free_hours"));
        hours.push(DayHours::new(days, minutes()?, minutes()?)?);
    }
    Ok(WeeklyHours::new(&hours)?)
}

/// A person with tokens, friends and what they have chosen about others.
#[derive(Clone, Debug, PartialEq)]
pub struct PersonRow {
    /// The account.
    pub account: Account,
    /// The tokens, oldest first.
    pub tokens: Vec<TokenRow>,
    /// The friends' numbers, sorted, each once. Both sides of a friendship have the other, written in one commit.
    pub friends: Vec<UserNo>,
    /// What the person shares with friends where it is not [`Sharing::default`], sorted by the friends' numbers.
    pub shares: Vec<(UserNo, Sharing)>,
    /// Whom the person has blocked, sorted.
    pub blocks: Vec<UserNo>,
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

/// Sorted numbers, each as what it is more than the one before; `also` writes what belongs to a number.
fn encode_numbers<T>(row: &mut Encoder, items: &[T], number: impl Fn(&T) -> UserNo, also: impl Fn(&mut Encoder, &T)) {
    row.uint(items.len() as u64);
    let mut before = 0;
    for item in items {
        let UserNo(no) = number(item);
        row.uint(u64::from(no.wrapping_sub(before)));
        also(row, item);
        before = no;
    }
}

fn decode_numbers<T>(
    row: &mut Decoder<'_>,
    item: impl Fn(UserNo, &mut Decoder<'_>) -> Result<T, RowError>,
) -> Result<Vec<T>, RowError> {
    let count = row.count()?;
    let mut items = Vec::with_capacity(count);
    let mut before = 0_u32;
    for at in 0..count {
        let step = row.uint32()?;
        if at > 0 && step == 0 {
            return Err(RowError::Value("a person twice"));
        }
        before = before.checked_add(step).ok_or(RowError::Value("a person's number"))?;
        items.push(item(UserNo(before), row)?);
    }
    Ok(items)
}

impl PersonRow {
    fn encode(&self, row: &mut Encoder) {
        let Self { account, tokens, friends, shares, blocks } = self;
        account.encode(row);
        row.uint(tokens.len() as u64);
        tokens.iter().for_each(|token| token.encode(row));
        encode_numbers(row, friends, |no| *no, |_, _| ());
        encode_numbers(row, shares, |(no, _)| *no, |row, (_, sharing)| encode_sharing(row, sharing));
        encode_numbers(row, blocks, |no| *no, |_, _| ());
    }

    fn decode(
        no: UserNo,
        version: u8,
        row: &mut Decoder<'_>,
        device: &mut Option<DeviceName>,
    ) -> Result<Self, RowError> {
        let account = Account::decode(no, version, row)?;
        let held = row.count()?;
        let mut tokens = Vec::with_capacity(held);
        for _ in 0..held {
            tokens.push(TokenRow::decode(no, version, row, device)?);
        }
        let friends = decode_numbers(row, |no, _| Ok(no))?;
        let (shares, blocks) = if version == 1 {
            (Vec::new(), Vec::new())
        } else {
            (decode_numbers(row, |no, row| Ok((no, decode_sharing(row)?)))?, decode_numbers(row, |no, _| Ok(no))?)
        };
        Ok(Self { account, tokens, friends, shares, blocks })
    }
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
        for person in &self.people {
            row.u8((person.account.no.0 % PAGE).to_le_bytes()[0]);
            person.encode(&mut row);
        }
        row.finish()
    }

    fn decode(key: &[u8], value: &[u8]) -> Result<Self, RowError> {
        let mut key = Decoder::new(key);
        let page = key.key_u32()?;
        key.finish()?;
        let (version, mut row) = Decoder::of_any(value, VERSION)?;
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
            people.push(PersonRow::decode(no, version, &mut row, &mut device)?);
        }
        row.finish()?;
        Ok(Self { page, people })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{PhoneApp, Precision};
    use crate::store::rows::{PhoneChoice, TokenKind};
    use proptest::prelude::*;

    prop_compose! {
        fn any_phone()(app in 0..=4_usize, near_notices: Option<bool>, ask_steps: bool) -> PhoneChoice {
            PhoneChoice { app: PhoneApp::ALL.get(app).copied(), near_notices, ask_steps }
        }
    }

    prop_compose! {
        fn any_token(no: UserNo)(
            hash: [u8; 32], id: u64, kind in 0..3, device in "[a-z. -]{1,12}", created: i64, expires in proptest::option::of(any::<i64>()), phone in any_phone(),
        ) -> TokenRow {
            let kind = [TokenKind::Full, TokenKind::Session, TokenKind::Device][kind as usize];
            let device = DeviceName::parse(&device).unwrap();
            TokenRow { hash, no, device, kind, id, created: UnixMs(created), expires: expires.map(UnixMs), phone }
        }
    }

    prop_compose! {
        fn any_sharing()(at in 0..3_usize, then in 0..3_usize, until in proptest::option::of(any::<i64>())) -> Sharing {
            let all = [Precision::Off, Precision::Approximate, Precision::Exact];
            Sharing { precision: all[at], until: until.map(UnixMs), then: all[then] }
        }
    }

    prop_compose! {
        fn any_person(no: UserNo)(
            id in "[A-Za-z0-9_-]{1,64}", name in proptest::option::of("[a-zéß<> ]{0,20}x"), admin: bool,
            radius in 50.0..=50_000.0_f64, time_zone in proptest::option::of("[A-Za-z/]{1,20}"), stride_m in 0.1..3.0_f32,
            created: i64, hidden_until in proptest::option::of(any::<i64>()), only_free: bool,
            hours in proptest::collection::vec((1_u8..0x80, 0_u16..1_440, 1_u16..=1_440), 0..4), on_board: bool,
            tokens in proptest::collection::vec(any_token(no), 0..3),
            friends in proptest::collection::btree_set(any::<u32>(), 0..60),
            shares in proptest::collection::btree_map(any::<u32>(), any_sharing(), 0..4),
            blocks in proptest::collection::btree_set(any::<u32>(), 0..4),
        ) -> PersonRow {
            let id = UserId::parse(&id, "user").unwrap();
            let name = name.map_or_else(|| DisplayName::from(&id), |name| DisplayName::parse(&name).unwrap());
            let radius = Radius::metres(radius).unwrap();
            let (created, hidden_until) = (UnixMs(created), hidden_until.map(UnixMs));
            let hours: Vec<_> = hours.into_iter()
                .map(|(days, from, to)| DayHours::new(Days::from_bits(days).unwrap(), from, to).unwrap()).collect();
            let free_hours = WeeklyHours::new(&hours).unwrap();
            let account = Account {
                no, id, name, admin, radius, time_zone, stride_m, created, hidden_until, only_free, free_hours, on_board,
            };
            PersonRow {
                account,
                tokens,
                friends: friends.into_iter().map(UserNo).collect(),
                shares: shares.into_iter().map(|(no, sharing)| (UserNo(no), sharing)).collect(),
                blocks: blocks.into_iter().map(UserNo).collect(),
            }
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

    /// The first page of a folder that the server of row version 1 wrote: `user add ann --admin`, `user add bob`,
    /// `user add cid`, `token ann`, `befriend ann bob`.
    const VERSION_1: &str = "0103000103616e6e0000000000407f406f12433ffcc888debf6801b216b26bf02995fa035ce33110893d17c0086fd87acda8 \
        7cb45b403f90a70b24000106646576696365b8cb88debf68000101010003626f620000000000407f406f12433f96ca88debf \
        680001000200036369640000000000407f406f12433fd8ca88debf680000";

    #[test]
    fn a_page_of_version_1_is_read_as_if_nobody_had_chosen_anything_yet() {
        let digits: Vec<_> = VERSION_1.chars().filter_map(|digit| digit.to_digit(16)).collect();
        let bytes: Vec<u8> = digits.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect();
        let key = PageRow::key_bytes(&0);
        let page = PageRow::decode(&key, &bytes).unwrap();
        let [ann, bob, cid] = page.people.as_slice() else { panic!("{page:?}") };
        assert_eq!(
            (ann.account.id.as_str(), ann.account.admin, ann.account.created),
            ("ann", true, UnixMs(1_795_260_748_350))
        );
        assert_eq!((ann.tokens.len(), ann.tokens[0].id, ann.tokens[0].device.as_str()), (1, 1, "device"));
        assert_eq!((ann.friends.as_slice(), bob.friends.as_slice()), ([UserNo(1)].as_slice(), [UserNo(0)].as_slice()));
        assert_eq!((cid.account.no, cid.account.id.as_str(), cid.account.admin), (UserNo(2), "cid", false));
        for person in &page.people {
            assert_eq!((person.account.hidden_until, person.account.only_free), (None, false));
            assert!(person.account.free_hours.is_empty() && person.account.on_board);
            assert!(person.shares.is_empty() && person.blocks.is_empty());
        }
        for end in 0..bytes.len() {
            assert!(PageRow::decode(&key, &bytes[..end]).is_err(), "cut at {end}");
        }
        let again = page.encode();
        assert_eq!(again[0], 3, "it is written as version 3");
        assert_eq!(PageRow::decode(&key, &again), Ok(page));
        // What version 1 did not know of cannot stand in it.
        let flags = bytes.iter().position(|byte| *byte == 3).unwrap() + 2;
        let mut odd = bytes;
        odd[flags] |= HIDDEN;
        assert_eq!(PageRow::decode(&key, &odd), Err(RowError::Value("an account's flags")));
    }

    #[test]
    fn the_last_page_ends_with_the_last_number() {
        assert_eq!(PageRow::numbers(u32::MAX / PAGE).last(), Some(UserNo(u32::MAX)));
        assert_eq!(PageRow::numbers(1).next(), Some(UserNo(64)));
        assert_eq!(PageRow::of(UserNo(63)), 0);
    }
}
