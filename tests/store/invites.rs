//! Joining by a link: once, in time, whole or not at all.
use std::sync::Barrier;

use letshang::domain::{Precision, Sharing, UserNo};
use letshang::store::accounts::{Acceptor, AccountError, InviteKind, IssuedInvite, NewUser};
use letshang::store::rows::{InviteRow, TokenKind};

use super::house::{ANN, BOB, CID, House, NOW, id, phone};

const WEEK: i64 = 7 * 24 * 3_600_000;

fn roughly() -> Sharing {
    Sharing::default().changed_to(Precision::Approximate, None, NOW)
}

fn off() -> Sharing {
    Sharing::default().changed_to(Precision::Off, None, NOW)
}

fn new(name: &str) -> Acceptor {
    Acceptor::New(NewUser::named(id(name)), phone())
}

impl House {
    fn invite(&self, kind: InviteKind) -> IssuedInvite {
        self.accounts.invite(kind, NOW + WEEK, NOW).unwrap()
    }

    fn invite_of(&self, inviter: UserNo) -> IssuedInvite {
        self.invite(InviteKind::Friend { inviter, sharing: roughly() })
    }

    fn refuses(&self, invite: &IssuedInvite, acceptor: Acceptor) {
        let refused = self.accounts.accept(invite.secret.reveal(), acceptor, off(), NOW);
        assert!(matches!(refused, Err(AccountError::Unknown)), "{refused:?}");
    }
}

#[test]
fn somebody_new_joins_as_a_friend_with_what_each_chose_to_share() {
    let house = House::new().with(&["ann"], &[]);
    let invite = house.invite_of(ANN);
    let house = house.restarted();
    let seen = house.accounts.invite_by_code(invite.secret.reveal(), NOW).unwrap();
    assert_eq!(seen.kind, InviteKind::Friend { inviter: ANN, sharing: roughly() });
    assert_eq!((seen.id, seen.created, seen.expires), (invite.id, NOW, NOW + WEEK));
    assert_eq!(house.accounts.invites(ANN, NOW), [seen]);

    let accepted = house.accounts.accept(invite.secret.reveal(), new("bob"), off(), NOW).unwrap();
    assert_eq!((accepted.no, accepted.friend, accepted.is_new_friend), (BOB, Some(ANN), true));
    let house = house.restarted();
    let who = house.accounts.verify(accepted.token.unwrap().reveal(), NOW).unwrap();
    assert_eq!((who.no, who.kind, who.device, who.admin), (BOB, TokenKind::Full, phone(), false));
    assert_eq!(house.accounts.sharing(ANN, BOB), Some(roughly()));
    assert_eq!(house.accounts.sharing(BOB, ANN), Some(off()));
    assert_eq!(house.accounts.invite_by_code(invite.secret.reveal(), NOW), None);
    assert!(house.accounts.invites(ANN, NOW).is_empty() && house.store.all::<InviteRow>().unwrap().is_empty());
    house.refuses(&invite, new("cid"));
}

#[test]
fn somebody_who_is_here_befriends_without_a_new_token() {
    let house = House::new().with(&["ann", "bob"], &[]);
    let invite = house.invite_of(ANN);
    let accepted = house.accounts.accept(invite.secret.reveal(), Acceptor::Known(BOB), off(), NOW).unwrap();
    assert!(accepted.token.is_none() && accepted.is_new_friend && house.accounts.are_friends(ANN, BOB));
    assert!(house.accounts.tokens(BOB).is_empty());
}

#[test]
fn of_eight_who_open_the_link_at_once_exactly_one_is_in() {
    let house = House::new().with(&["ann", "p0", "p1", "p2", "p3"], &[]);
    for round in 0..10 {
        let invite = house.invite_of(ANN);
        let start = Barrier::new(8);
        let outcomes: Vec<_> = std::thread::scope(|threads| {
            let race = |at: u32| {
                let (house, invite, start) = (&house, &invite, &start);
                threads.spawn(move || {
                    // Half of them have an account.
                    let known = Acceptor::Known(UserNo(1 + at % 4));
                    let acceptor = if at < 4 { known } else { new(&format!("new_{round}_{at}")) };
                    start.wait();
                    house.accounts.accept(invite.secret.reveal(), acceptor, Sharing::default(), NOW)
                })
            };
            let racers: Vec<_> = (0..8).map(race).collect();
            racers.into_iter().map(|racer| racer.join().unwrap()).collect()
        });
        let (won, lost): (Vec<_>, Vec<_>) =
            outcomes.into_iter().partition(|outcome| outcome.as_ref().is_ok_and(|accepted| accepted.is_new_friend));
        assert_eq!((won.len(), lost.len()), (1, 7), "round {round}: {won:?} {lost:?}");
        let refused = lost.iter().all(|outcome| matches!(outcome, Err(AccountError::Unknown)));
        assert!(refused, "round {round}: {lost:?}");
        assert_eq!(house.accounts.friends(ANN).len(), 1);
        house.accounts.unfriend(ANN, won[0].as_ref().unwrap().no).unwrap();
    }
}

#[test]
fn an_invite_is_void_from_its_end_on_and_then_forgotten() {
    let house = House::new().with(&["ann"], &[]);
    let invite = house.invite_of(ANN);
    let code = invite.secret.reveal();
    assert!(house.accounts.invite_by_code(code, invite.expires + -1).is_some());
    assert!(house.accounts.invite_by_code(code, invite.expires).is_none());
    assert!(house.accounts.invites(ANN, invite.expires).is_empty());
    let late = house.accounts.accept(code, new("bob"), off(), invite.expires);
    assert!(matches!(late, Err(AccountError::Unknown)));
    assert_eq!(house.accounts.len(), 1);
    let friend = InviteKind::Friend { inviter: ANN, sharing: roughly() };
    house.accounts.invite(friend, NOW + 2 * WEEK, NOW + WEEK).unwrap();
    assert_eq!(house.store.all::<InviteRow>().unwrap().len(), 1, "the next invite sweeps the expired one out");
    assert_eq!(house.accounts.forget_expired(NOW + 2 * WEEK).unwrap(), 1);
    assert!(house.store.all::<InviteRow>().unwrap().is_empty());
}

#[test]
fn an_acceptance_that_fails_leaves_no_half_of_it_behind() {
    let house = House::new().with(&["ann", "bob"], &[]);
    let invite = house.invite_of(ANN);
    let taken = house.accounts.accept(invite.secret.reveal(), new("bob"), off(), NOW);
    assert!(matches!(taken, Err(AccountError::Conflict(user)) if user == id("bob")));
    house.refuses(&invite, Acceptor::Known(UserNo(99)));
    house.refuses(&invite, Acceptor::Known(ANN));
    house.accounts.block(ANN, BOB).unwrap();
    house.refuses(&invite, Acceptor::Known(BOB));
    house.accounts.unblock(ANN, BOB).unwrap();
    house.accounts.block(BOB, ANN).unwrap();
    house.refuses(&invite, Acceptor::Known(BOB));

    let house = house.restarted();
    assert_eq!(house.accounts.len(), 2);
    assert!(house.accounts.friends(ANN).is_empty() && house.accounts.shares(ANN).is_empty());
    assert_eq!(house.accounts.invites(ANN, NOW).len(), 1, "the invite is still there");
    house.accounts.accept(invite.secret.reveal(), new("cid"), off(), NOW).unwrap();
    assert_eq!(house.accounts.by_id(&id("cid")).unwrap().no, CID, "a number was not used up either");
}

#[test]
fn friends_already_and_nothing_changes() {
    let house = House::new().with(&["ann", "bob"], &[(0, 1)]);
    let invite = house.invite_of(ANN);
    let accepted = house.accounts.accept(invite.secret.reveal(), Acceptor::Known(BOB), off(), NOW).unwrap();
    assert_eq!((accepted.friend, accepted.is_new_friend), (Some(ANN), false));
    assert_eq!(house.accounts.sharing(BOB, ANN), Some(Sharing::default()));
    assert_eq!(house.accounts.invites(ANN, NOW).len(), 1);
}

#[test]
fn only_who_made_an_invite_withdraws_it() {
    let house = House::new().with(&["ann", "bob"], &[]);
    let invite = house.invite_of(ANN);
    assert!(!house.accounts.withdraw(BOB, invite.id).unwrap());
    assert!(house.accounts.withdraw(ANN, invite.id).unwrap());
    assert!(!house.accounts.withdraw(ANN, invite.id).unwrap());
    let house = house.restarted();
    house.refuses(&invite, Acceptor::Known(BOB));
}

#[test]
fn the_invites_of_somebody_who_left_lead_nowhere() {
    let house = House::new().with(&["ann", "bob"], &[]);
    let (anns, bobs) = (house.invite_of(ANN), house.invite_of(BOB));
    house.accounts.remove(&[ANN]).unwrap();
    let house = house.restarted();
    house.refuses(&anns, Acceptor::Known(BOB));
    assert!(house.accounts.invite_by_code(bobs.secret.reveal(), NOW).is_some());
    let gone = InviteKind::Friend { inviter: ANN, sharing: roughly() };
    assert!(matches!(house.accounts.invite(gone, NOW + WEEK, NOW), Err(AccountError::Unknown)));
}

#[test]
fn the_first_administrator_joins_by_the_link_that_was_printed_last() {
    let house = House::new();
    let first = house.invite(InviteKind::Administrator);
    let house = house.restarted();
    let second = house.invite(InviteKind::Administrator);
    house.refuses(&first, new("eve"));
    let eager = NewUser { admin: true, ..NewUser::named(id("ann")) };
    let accepted =
        house.accounts.accept(second.secret.reveal(), Acceptor::New(eager, phone()), Sharing::default(), NOW).unwrap();
    assert_eq!((accepted.no, accepted.friend, accepted.is_new_friend), (ANN, None, false));
    assert!(house.accounts.verify(accepted.token.unwrap().reveal(), NOW).unwrap().admin);
    house.refuses(&second, new("eve"));
    // Somebody who is here becomes one too; a friend's invite makes nobody one.
    let house = house.with(&["bob"], &[]);
    let third = house.invite(InviteKind::Administrator);
    house.accounts.accept(third.secret.reveal(), Acceptor::Known(BOB), Sharing::default(), NOW).unwrap();
    assert!(house.accounts.by_no(BOB).unwrap().admin);
    let invite = house.invite_of(ANN);
    let eager = NewUser { admin: true, ..NewUser::named(id("cid")) };
    house.accounts.accept(invite.secret.reveal(), Acceptor::New(eager, phone()), Sharing::default(), NOW).unwrap();
    assert!(!house.restarted().accounts.by_no(CID).unwrap().admin);
}

#[test]
fn whatever_is_not_the_code_of_an_invite_opens_nothing_and_a_code_is_no_token() {
    let house = House::new().with(&["ann"], &[]);
    let invite = house.invite_of(ANN);
    let code = invite.secret.reveal();
    let token = house.accounts.issue_token(ANN, TokenKind::Full, &phone(), None, NOW).unwrap();
    assert!(code.starts_with("lhi_") && code.len() == 47, "256 random bits");
    assert!(house.accounts.verify(code, NOW).is_none());
    for wrong in ["", "lhi_", &code[..46], &format!("{code} "), &code.to_uppercase(), token.secret.reveal()] {
        assert!(house.accounts.invite_by_code(wrong, NOW).is_none(), "{wrong}");
        assert!(house.accounts.accept(wrong, new("bob"), off(), NOW).is_err(), "{wrong}");
    }
    let printed = format!("{invite:?} {:?} {:?}", house.accounts.invite_by_code(code, NOW), house.accounts);
    assert!(!printed.contains(&code[4..]));
    let House { dir, store, accounts } = house;
    drop((accounts, store));
    super::erasure::finds_nothing(dir.path(), &[code.as_bytes()[4..].to_vec()]);
}
