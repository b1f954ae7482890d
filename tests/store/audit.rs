//! The audit log: numbers only, newest first, in the same commit as what it tells of.
use letshang::domain::{Clock, Sharing, UserNo};
use letshang::store::accounts::{AUDIT_LINES, Acceptor, InviteKind, NewUser, ProfileChange};
use letshang::store::rows::{Action, AuditRow, TokenKind};
use letshang::store::{Accounts, Durability, Embedded, WriteBatch};

use super::house::{ANN, BOB, House, NOW, id, phone};

const YEAR: i64 = 365 * 24 * 3_600_000;

impl House {
    fn log(&self) -> Vec<(Action, Option<UserNo>, Option<UserNo>)> {
        let mut lines = self.accounts.audit(1_000).unwrap();
        lines.reverse();
        lines.into_iter().map(|line| (line.action, line.actor, line.subject)).collect()
    }
}

#[test]
fn what_is_done_to_accounts_is_written_down_and_nothing_when_it_is_refused() {
    let house = House::new();
    let admin = NewUser { admin: true, ..NewUser::named(id("ann")) };
    house.accounts.create(&[admin], &[], None, NOW).unwrap();
    let invite =
        house.accounts.invite(InviteKind::Friend { inviter: ANN, sharing: Sharing::default() }, NOW + 1, NOW).unwrap();
    let bob = Acceptor::New(NewUser::named(id("bob")), phone());
    house.accounts.accept(invite.secret.reveal(), bob.clone(), Sharing::default(), NOW).unwrap();
    house.accounts.accept(invite.secret.reveal(), bob, Sharing::default(), NOW).unwrap_err();
    let session = house.accounts.issue_token(BOB, TokenKind::Session, &phone(), None, NOW).unwrap();
    house.accounts.revoke(BOB, session.id).unwrap();
    house.accounts.revoke(BOB, session.id).unwrap();
    let token = house.accounts.issue_token_by(Some(ANN), BOB, TokenKind::Device, &phone(), None, NOW).unwrap();
    house.accounts.revoke_others(BOB, token.id).unwrap();
    house.accounts.block(BOB, ANN).unwrap();
    house.accounts.unblock(BOB, ANN).unwrap();
    let unlike = ProfileChange { admin: Some(false), ..ProfileChange::default() };
    house.accounts.update_by(None, ANN, unlike.clone()).unwrap();
    house.accounts.update_by(None, ANN, unlike).unwrap();
    house.accounts.remove_by(Some(BOB), &[BOB]).unwrap();
    let failed = AuditRow { t: NOW, actor: None, action: Action::SignInFailed, subject: None, detail: 7 };
    house.accounts.record(failed).unwrap();

    let (ann, bob) = (Some(ANN), Some(BOB));
    let expected = [
        (Action::UserCreated, None, ann),
        (Action::AdminGranted, None, ann),
        (Action::InviteMade, ann, None),
        (Action::UserCreated, bob, bob),
        (Action::InviteAccepted, bob, ann),
        (Action::SignIn, bob, bob),
        (Action::SignOut, bob, bob),
        (Action::TokenIssued, ann, bob),
        (Action::TokenRevoked, bob, bob),
        (Action::Blocked, bob, ann),
        (Action::Unblocked, bob, ann),
        (Action::AdminWithdrawn, None, ann),
        (Action::UserErased, bob, bob),
        (Action::SignInFailed, None, None),
    ];
    assert_eq!(house.log(), expected);
    let house = house.restarted();
    assert_eq!(house.log(), expected);
    assert_eq!(house.accounts.audit(1).unwrap(), [failed], "the newest first");
    assert_eq!(house.accounts.audit_of(BOB).unwrap().len(), 9);
    assert!(house.accounts.by_no(BOB).is_none(), "the lines hold a number that leads to nobody");
}

#[test]
fn many_made_or_erased_at_once_are_one_line() {
    let house = House::new();
    let users: Vec<_> = (0..500).map(|n| NewUser::named(id(&format!("user_{n}")))).collect();
    house.accounts.create_by(Some(ANN), &users, &[], None, NOW).unwrap();
    let everyone: Vec<_> = (0..500).map(UserNo).collect();
    house.accounts.remove(&everyone).unwrap();
    let lines = house.accounts.audit(10).unwrap();
    let told: Vec<_> = lines.iter().map(|line| (line.action, line.subject, line.detail)).collect();
    assert_eq!(told, [(Action::UserErased, None, 500), (Action::UserCreated, None, 500)]);
}

#[test]
fn the_time_of_a_line_is_that_of_the_servers_clock() {
    let dir = tempfile::tempdir().unwrap();
    let store = std::sync::Arc::new(Embedded::open(dir.path()).unwrap());
    let accounts = Accounts::open(store).unwrap().with_clock(Clock::manual(NOW + 5));
    accounts.create(&[NewUser::named(id("ann"))], &[], None, NOW).unwrap();
    accounts.remove(&[ANN]).unwrap();
    let times: Vec<_> = accounts.audit(2).unwrap().iter().map(|line| line.t).collect();
    assert_eq!(times, [NOW + 5, NOW]);
}

#[test]
fn lines_go_after_a_year_and_the_newest_one_stays_so_that_the_numbers_go_on() {
    let house = House::new();
    let line = AuditRow { t: NOW, actor: None, action: Action::SignInFailed, subject: None, detail: 0 };
    for at in 0..10 {
        house.accounts.record(AuditRow { t: NOW + at, detail: at.unsigned_abs(), ..line }).unwrap();
    }
    assert_eq!(house.accounts.forget_expired(NOW + YEAR).unwrap(), 0);
    assert_eq!(house.accounts.forget_expired(NOW + YEAR + 5).unwrap(), 5);
    assert_eq!(house.accounts.forget_expired(NOW + 2 * YEAR).unwrap(), 4);
    let house = house.restarted();
    house.accounts.record(AuditRow { t: NOW + 2 * YEAR, detail: 99, ..line }).unwrap();
    let left: Vec<_> = house.accounts.audit(10).unwrap().iter().map(|line| line.detail).collect();
    assert_eq!(left, [99, 9]);
}

#[test]
fn the_log_holds_the_newest_lines_and_no_more_than_its_bound() {
    let house = House::new();
    let line = AuditRow { t: NOW, actor: None, action: Action::SignInFailed, subject: None, detail: 0 };
    for detail in 0..10 {
        house.accounts.record(AuditRow { detail, ..line }).unwrap();
    }
    // As if there had been a hundred thousand: the last line put near the bound, as the row stands on disk.
    let raw = RawLine(AUDIT_LINES + 4);
    let mut batch = WriteBatch::new();
    batch.put(&raw);
    house.store.commit(batch, Durability::Process).unwrap();
    let house = house.restarted();
    house.accounts.record(AuditRow { detail: 1_000, ..line }).unwrap();
    let left: Vec<_> = house.accounts.audit(100).unwrap().iter().map(|line| line.detail).collect();
    assert_eq!(left, [1_000, 0, 9, 8, 7, 6, 4, 3, 2, 1, 0], "line 5 made room for line {}", AUDIT_LINES + 5);
}

/// A line at any place in the log.
struct RawLine(u64);

impl letshang::store::rows::Row for RawLine {
    const TABLE: letshang::store::rows::Table = letshang::store::rows::Table::Audit;
    type Key = u64;
    fn key_bytes(number: &u64) -> Vec<u8> {
        number.to_be_bytes().to_vec()
    }
    fn key(&self) -> u64 {
        self.0
    }
    fn encode(&self) -> Vec<u8> {
        vec![1, 12, 0, 0, 0]
    }
    fn decode(_: &[u8], _: &[u8]) -> Result<Self, letshang::store::codec::RowError> {
        Ok(Self(0))
    }
}
