//! Who sees what of whom, and blocks: the same again after a restart.
use letshang::domain::{Precision, Relation, Sharing, UnixMs, UserNo};
use letshang::store::accounts::{AccountError, ProfileChange};
use letshang::store::rows::PairRow;
use letshang::store::{Durability, WriteBatch};

use super::house::{ANN, BOB, CID, House, NOW};

const OFF: Sharing = Sharing { precision: Precision::Off, until: None, then: Precision::Off };

const STRANGERS: Relation =
    Relation { same: false, friends: false, sharing: Precision::Off, hidden: false, only_free: false, free: false };

fn roughly_for_an_hour() -> Sharing {
    Sharing::default().changed_to(Precision::Approximate, Some(NOW + 3_600_000), NOW)
}

#[test]
fn what_is_shared_with_one_friend_survives_a_restart_and_changes_nothing_for_another() {
    let house = House::new().with(&["ann", "bob", "cid"], &[(0, 1), (0, 2)]);
    house.accounts.share(ANN, BOB, roughly_for_an_hour()).unwrap();
    house.accounts.share(CID, ANN, OFF).unwrap();
    let house = house.restarted();
    assert_eq!(house.accounts.sharing(ANN, BOB), Some(roughly_for_an_hour()));
    assert_eq!(house.accounts.sharing(ANN, CID), Some(Sharing::default()));
    assert_eq!(house.accounts.sharing(BOB, ANN), Some(Sharing::default()), "each decides for their own side");
    assert_eq!(house.accounts.sharing(BOB, CID), None);
    assert_eq!(&*house.accounts.shares(ANN), [(BOB, roughly_for_an_hour())]);
    assert_eq!(&*house.accounts.shares(CID), [(ANN, OFF)]);
    house.accounts.share(ANN, BOB, Sharing::default()).unwrap();
    assert!(house.accounts.shares(ANN).is_empty(), "only what is not the default is kept");
    assert!(house.restarted().accounts.shares(ANN).is_empty());
}

#[test]
fn nothing_is_shared_with_who_is_no_friend() {
    let house = House::new().with(&["ann", "bob"], &[]);
    for viewer in [BOB, ANN, UserNo(99)] {
        assert!(matches!(house.accounts.share(ANN, viewer, OFF), Err(AccountError::Unknown)), "{viewer:?}");
    }
    assert!(matches!(house.accounts.share(UserNo(99), ANN, OFF), Err(AccountError::Unknown)));
}

#[test]
fn the_end_of_a_friendship_forgets_what_both_shared() {
    let house = House::new().with(&["ann", "bob"], &[(0, 1)]);
    house.accounts.share(ANN, BOB, OFF).unwrap();
    house.accounts.share(BOB, ANN, roughly_for_an_hour()).unwrap();
    assert!(house.accounts.unfriend(ANN, BOB).unwrap());
    let house = house.restarted();
    assert!(house.accounts.shares(ANN).is_empty() && house.accounts.shares(BOB).is_empty());
    assert!(house.accounts.befriend(BOB, ANN).unwrap());
    assert_eq!(house.accounts.sharing(ANN, BOB), Some(Sharing::default()));
}

#[test]
fn the_relation_of_two_people_says_all_that_was_chosen_at_that_moment() {
    let house = House::new().with(&["ann", "bob", "cid"], &[(0, 1)]);
    let friends = Relation { friends: true, sharing: Precision::Exact, ..STRANGERS };
    let at = |owner, viewer, now| house.accounts.relation(owner, viewer, now);
    assert_eq!(at(ANN, BOB, NOW), friends);
    assert_eq!(at(ANN, CID, NOW), STRANGERS);
    assert_eq!(at(ANN, UserNo(99), NOW), STRANGERS);
    assert_eq!(at(UserNo(99), ANN, NOW), STRANGERS);
    assert_eq!(at(ANN, ANN, NOW), Relation { same: true, ..STRANGERS });

    house.accounts.share(ANN, BOB, roughly_for_an_hour()).unwrap();
    assert_eq!(at(ANN, BOB, NOW).sharing, Precision::Approximate);
    assert_eq!(at(ANN, BOB, NOW + 3_599_999).sharing, Precision::Approximate);
    assert_eq!(at(ANN, BOB, NOW + 3_600_000).sharing, Precision::Off, "the hour is over");
    assert_eq!(at(BOB, ANN, NOW), friends);

    let until = Some(Some(NOW + 1_000));
    let hide = ProfileChange { hidden_until: until, only_free: Some(true), ..ProfileChange::default() };
    house.accounts.update(BOB, hide).unwrap();
    let hidden = Relation { hidden: true, only_free: true, ..friends };
    assert_eq!(at(BOB, ANN, NOW + 999), hidden);
    assert_eq!(at(BOB, ANN, NOW + 1_000), Relation { hidden: false, ..hidden });
    let show = ProfileChange { hidden_until: Some(None), ..ProfileChange::default() };
    house.accounts.update(BOB, show).unwrap();
    assert_eq!(at(BOB, ANN, NOW), Relation { hidden: false, ..hidden });

    let mut seen = Vec::new();
    house.accounts.relations(ANN, &[CID, BOB, ANN, UserNo(99)], NOW, |owner, relation| seen.push((owner, relation)));
    assert_eq!(seen, [CID, BOB, ANN, UserNo(99)].map(|owner| (owner, at(owner, ANN, NOW))));
}

#[test]
fn hiding_and_showing_a_place_only_while_free_survive_a_restart() {
    let house = House::new().with(&["ann"], &[]);
    let until = UnixMs(i64::MAX);
    let hide = ProfileChange { hidden_until: Some(Some(until)), only_free: Some(true), ..ProfileChange::default() };
    house.accounts.update(ANN, hide).unwrap();
    let ann = house.restarted().accounts.by_no(ANN).unwrap();
    assert_eq!((ann.hidden_until, ann.only_free, ann.is_hidden(NOW)), (Some(until), true, true));
}

#[test]
fn a_block_ends_the_friendship_and_forgets_what_both_shared() {
    let house = House::new().with(&["ann", "bob", "cid"], &[(0, 1), (0, 2)]);
    house.accounts.share(ANN, BOB, OFF).unwrap();
    house.accounts.share(BOB, ANN, OFF).unwrap();
    house.accounts.share(ANN, CID, OFF).unwrap();
    let mut batch = WriteBatch::new();
    batch.put(&PairRow { a: ANN, b: BOB, near: true, announced_at: NOW });
    batch.put(&PairRow { a: ANN, b: CID, near: true, announced_at: NOW });
    house.store.commit(batch, Durability::Process).unwrap();

    assert!(house.accounts.block(BOB, ANN).unwrap());
    assert!(!house.accounts.block(BOB, ANN).unwrap(), "blocked already");
    let house = house.restarted();
    assert_eq!((&*house.accounts.friends(ANN), &*house.accounts.friends(BOB)), ([CID].as_slice(), [].as_slice()));
    assert_eq!((&*house.accounts.shares(ANN), &*house.accounts.shares(BOB)), ([(CID, OFF)].as_slice(), [].as_slice()));
    assert_eq!(house.store.all::<PairRow>().unwrap().len(), 1);
    assert_eq!((&*house.accounts.blocked(BOB), &*house.accounts.blocked(ANN)), ([ANN].as_slice(), [].as_slice()));
    assert!(house.accounts.is_blocked_between(ANN, BOB) && house.accounts.is_blocked_between(BOB, ANN));
    assert!(!house.accounts.is_blocked_between(ANN, CID));
    for (one, other) in [(ANN, BOB), (BOB, ANN)] {
        let error = house.accounts.befriend(one, other).unwrap_err();
        assert!(matches!(error, AccountError::Unknown), "as if there were nobody: {error}");
        assert_eq!(house.accounts.relation(one, other, NOW), STRANGERS);
    }

    assert!(house.accounts.unblock(BOB, ANN).unwrap());
    assert!(!house.accounts.unblock(BOB, ANN).unwrap());
    assert!(!house.accounts.are_friends(ANN, BOB), "a friendship does not come back by itself");
    assert!(house.accounts.befriend(ANN, BOB).unwrap());
}

#[test]
fn a_stranger_can_be_blocked_but_nobody_and_oneself_cannot() {
    let house = House::new().with(&["ann", "bob"], &[]);
    assert!(house.accounts.block(ANN, BOB).unwrap());
    assert!(matches!(house.accounts.block(ANN, ANN), Err(AccountError::Oneself)));
    assert!(matches!(house.accounts.block(ANN, UserNo(99)), Err(AccountError::Unknown)));
    assert!(matches!(house.accounts.block(UserNo(99), ANN), Err(AccountError::Unknown)));
}

#[test]
fn both_can_block_each_other_and_both_must_take_it_back() {
    let house = House::new().with(&["ann", "bob"], &[(0, 1)]);
    assert!(house.accounts.block(ANN, BOB).unwrap() && house.accounts.block(BOB, ANN).unwrap());
    assert!(house.accounts.unblock(ANN, BOB).unwrap());
    assert!(house.accounts.befriend(ANN, BOB).is_err());
    assert!(house.accounts.unblock(BOB, ANN).unwrap());
    assert!(house.accounts.befriend(ANN, BOB).unwrap());
}
