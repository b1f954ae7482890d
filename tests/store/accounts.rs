//! Accounts, tokens and friendships, and the same again after a restart.
use letshang::domain::{Code, DeviceName, DisplayName, Radius, UserNo};
use letshang::store::accounts::{AccountError, MOST_TOKENS, NewUser, ProfileChange};
use letshang::store::rows::{PairRow, StepsRow, TokenKind};
use letshang::store::{Durability, WriteBatch};

use super::house::{ANN, BOB, CID, House, NOW, id, phone};

#[test]
fn people_made_together_are_friends_as_asked_and_still_so_after_a_restart() {
    let house = House::new().with(&["ann", "bob", "cid"], &[(0, 1), (1, 2), (1, 0)]).restarted();
    let ann = house.accounts.by_id(&id("ann")).unwrap();
    assert_eq!((ann.no, ann.name.as_str(), ann.radius, ann.created), (ANN, "ann", Radius::default(), NOW));
    assert_eq!(&*house.accounts.friends(BOB), [ANN, CID]);
    assert_eq!(&*house.accounts.friends(ANN), [BOB]);
    assert!(house.accounts.are_friends(CID, BOB) && !house.accounts.are_friends(ANN, CID));
    assert_eq!(house.accounts.len(), 3);
}

#[test]
fn one_id_that_exists_and_nobody_is_made() {
    let house = House::new().with(&["ann"], &[]);
    let users = [NewUser::named(id("new")), NewUser::named(id("ann"))];
    let error = house.accounts.create(&users, &[], None, NOW).unwrap_err();
    assert_eq!(error.refusal().code, Code::Conflict);
    let twice = [NewUser::named(id("new")), NewUser::named(id("new"))];
    assert!(matches!(house.accounts.create(&twice, &[], None, NOW), Err(AccountError::Conflict(_))));
    let outside = [NewUser::named(id("new"))];
    assert!(matches!(house.accounts.create(&outside, &[(0, 1)], None, NOW), Err(AccountError::Unknown)));
    let house = house.restarted();
    assert_eq!(house.accounts.len(), 1);
    assert!(house.accounts.by_id(&id("new")).is_none());
}

#[test]
fn a_token_is_known_until_it_is_revoked_or_expires() {
    let house = House::new().with(&["ann"], &[]);
    let full = house.accounts.issue_token(ANN, TokenKind::Full, &phone(), None, NOW).unwrap();
    let session = house.accounts.issue_token(ANN, TokenKind::Session, &phone(), Some(NOW + 1_000), NOW).unwrap();
    let house = house.restarted();
    let who = house.accounts.verify(full.secret.reveal(), NOW).unwrap();
    assert_eq!(
        (who.no, who.device, who.kind, who.admin, who.token_id),
        (ANN, phone(), TokenKind::Full, false, full.id)
    );
    assert!(house.accounts.verify(session.secret.reveal(), NOW + 999).is_some());
    assert!(house.accounts.verify(session.secret.reveal(), NOW + 1_000).is_none());
    assert_eq!(house.accounts.revoke(ANN, full.id).unwrap().unwrap().token_id, full.id);
    assert!(house.accounts.verify(full.secret.reveal(), NOW).is_none());
    assert!(house.accounts.revoke(ANN, full.id).unwrap().is_none());
    let house = house.restarted();
    assert!(house.accounts.verify(full.secret.reveal(), NOW).is_none());
    let next = house.accounts.issue_token(ANN, TokenKind::Full, &phone(), None, NOW + 1_000).unwrap();
    assert_eq!(house.accounts.tokens(ANN).len(), 1, "the expired session is forgotten");
    assert!(next.id > session.id, "the id of a token that is gone is not given again");
}

#[test]
fn at_the_limit_a_session_or_an_older_token_of_the_device_makes_room_and_no_other_device_loses() {
    let house = House::new().with(&["ann"], &[]);
    let issue = |kind| house.accounts.issue_token(ANN, kind, &phone(), None, NOW);
    let first = issue(TokenKind::Session).unwrap();
    let others: Vec<_> = (1..MOST_TOKENS).map(|_| issue(TokenKind::Full).unwrap()).collect();
    issue(TokenKind::Full).unwrap();
    assert!(house.accounts.verify(first.secret.reveal(), NOW).is_none());
    assert!(others.iter().all(|token| house.accounts.verify(token.secret.reveal(), NOW).is_some()));
    let tablet = DeviceName::parse("tablet").unwrap();
    let other_device = house.accounts.issue_token(ANN, TokenKind::Full, &tablet, None, NOW);
    assert!(matches!(other_device, Err(AccountError::TooManyTokens)), "no other device loses its token");
    issue(TokenKind::Full).unwrap();
    assert!(house.accounts.verify(others[0].secret.reveal(), NOW).is_none(), "the device's own oldest one makes room");
    assert!(house.accounts.verify(others[1].secret.reveal(), NOW).is_some());
}

#[test]
fn whatever_is_not_a_token_is_nobody() {
    let house = House::new().with(&["ann"], &[]);
    let token = house.accounts.issue_token(ANN, TokenKind::Full, &phone(), None, NOW).unwrap();
    let text = token.secret.reveal();
    let cut = &text[..text.len() - 1];
    let lower = text.to_lowercase();
    for wrong in ["", "lh_", cut, &format!("{text} "), &lower, &"lh_é".repeat(11), &"x".repeat(100_000)] {
        assert!(house.accounts.verify(wrong, NOW).is_none(), "{wrong}");
    }
}

#[test]
fn a_devices_token_of_an_administrator_is_not_an_administrators() {
    let house = House::new();
    let user = NewUser { admin: true, ..NewUser::named(id("ann")) };
    house.accounts.create(&[user], &[], None, NOW).unwrap();
    for (kind, admin) in [(TokenKind::Full, true), (TokenKind::Session, true), (TokenKind::Device, false)] {
        let token = house.accounts.issue_token(ANN, kind, &phone(), None, NOW).unwrap();
        assert_eq!(house.accounts.verify(token.secret.reveal(), NOW).unwrap().admin, admin, "{kind:?}");
    }
}

#[test]
fn no_token_stands_in_the_folder_or_in_a_debug_line() {
    let house = House::new();
    let made =
        house.accounts.create(&[NewUser::named(id("ann"))], &[], Some((TokenKind::Full, &phone())), NOW).unwrap();
    let token = made[0].token.clone().unwrap();
    assert!(!format!("{made:?} {:?}", house.accounts).contains(&token.reveal()[3..]));
    drop((house.accounts, house.store));
    let mut folders = vec![house.dir.path().to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            let text = &token.reveal().as_bytes()[3..];
            assert!(!bytes.windows(text.len()).any(|window| window == text), "{}", path.display());
        }
    }
}

#[test]
fn who_is_removed_leaves_nothing_but_a_number_that_is_not_given_again() {
    let house = House::new().with(&["ann", "bob", "cid"], &[(0, 1), (1, 2), (0, 2)]);
    let token = house.accounts.issue_token(CID, TokenKind::Full, &phone(), None, NOW).unwrap();
    let mut batch = WriteBatch::new();
    let day = jiff::civil::date(2026, 11, 21);
    for no in [ANN, CID] {
        batch.put(&StepsRow { no, date: day, steps: 5 });
    }
    batch.put(&PairRow { a: ANN, b: CID, near: true, announced_at: NOW });
    batch.put(&PairRow { a: ANN, b: BOB, near: true, announced_at: NOW });
    house.store.commit(batch, Durability::Process).unwrap();

    let removed = house.accounts.remove(&[CID, UserNo(99)]).unwrap();
    assert_eq!(removed.len(), 1);
    assert_eq!((removed[0].account.id.as_str(), &*removed[0].friends), ("cid", [ANN, BOB].as_slice()));
    let house = house.restarted();
    assert_eq!(&*house.accounts.friends(ANN), [BOB]);
    assert!(house.accounts.friends(CID).is_empty());
    assert!(house.accounts.verify(token.secret.reveal(), NOW).is_none());
    assert!(house.accounts.by_id(&id("cid")).is_none() && house.accounts.by_no(CID).is_none());
    assert_eq!(house.store.all::<StepsRow>().unwrap().len(), 1);
    assert_eq!(house.store.all::<PairRow>().unwrap().len(), 1);
    let house = house.with(&["cid"], &[]);
    assert_eq!(house.accounts.by_id(&id("cid")).unwrap().no, UserNo(3));
}

#[test]
fn a_friendship_ends_on_both_sides_and_takes_the_encounter_with_it() {
    let house = House::new().with(&["ann", "bob"], &[]);
    assert!(house.accounts.befriend(ANN, BOB).unwrap());
    assert!(!house.accounts.befriend(BOB, ANN).unwrap());
    let mut batch = WriteBatch::new();
    batch.put(&PairRow { a: ANN, b: BOB, near: false, announced_at: NOW });
    house.store.commit(batch, Durability::Process).unwrap();
    assert!(house.accounts.unfriend(BOB, ANN).unwrap());
    assert!(!house.accounts.unfriend(BOB, ANN).unwrap());
    assert!(matches!(house.accounts.befriend(ANN, ANN), Err(AccountError::Oneself)));
    assert!(matches!(house.accounts.befriend(ANN, CID), Err(AccountError::Unknown)));
    let house = house.restarted();
    assert!(house.accounts.friends(ANN).is_empty() && house.accounts.friends(BOB).is_empty());
    assert!(house.store.all::<PairRow>().unwrap().is_empty());
}

#[test]
fn a_profile_changes_only_where_asked() {
    let house = House::new().with(&["ann"], &[]);
    let change = ProfileChange {
        name: Some(DisplayName::parse("Ann ☕").unwrap()),
        radius: Some(Radius::metres(750.0).unwrap()),
        time_zone: Some(Some("Europe/Berlin".into())),
        ..ProfileChange::default()
    };
    let changed = house.accounts.update(ANN, change).unwrap();
    let house = house.restarted();
    let ann = house.accounts.by_no(ANN).unwrap();
    assert_eq!(ann, changed);
    assert_eq!((ann.id.as_str(), ann.radius.as_metres(), ann.admin), ("ann", 750.0, false));
    let cleared = ProfileChange { time_zone: Some(None), ..ProfileChange::default() };
    assert_eq!(house.accounts.update(ANN, cleared).unwrap().time_zone, None);
}
