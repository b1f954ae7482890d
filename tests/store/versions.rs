//! Folders that earlier versions wrote.
use std::fs;
use std::path::Path;
use std::sync::Arc;

use letshang::domain::weekly_hours::{DayHours, Days};
use letshang::domain::{Availability, Note, Precision, Sharing, UnixMs, UserNo, WeeklyHours};
use letshang::store::accounts::ProfileChange;
use letshang::store::rows::LiveRow;
use letshang::store::{Accounts, Embedded};

use super::house::{ANN, BOB, CID, NOW};

/// What `letshang token ann` printed when the folder was made.
const TOKEN: &str = "lh_NhH7cY-i7sihQf8snTxxvaOY01M7aeVY_QEMa0TpeCw";

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(&path, &to).unwrap();
        }
    }
}

/// `tests/store/version1` was made by the server of row version 1: `user add ann --admin`, `user add bob`,
/// `user add cid`, `token ann`, `befriend ann bob`.
#[test]
fn a_folder_of_row_version_1_opens_with_everything_in_it_and_goes_on_as_the_newest() {
    let dir = tempfile::tempdir().unwrap();
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/store/version1"), dir.path());
    let open = || Accounts::open(Arc::new(Embedded::open(dir.path()).unwrap())).unwrap();
    {
        let accounts = open();
        assert_eq!(accounts.len(), 3);
        assert_eq!(accounts.verify(TOKEN, NOW).map(|who| (who.no, who.admin)), Some((ANN, true)));
        assert_eq!(accounts.sharing(ANN, BOB), Some(Sharing::default()));
        assert_eq!((accounts.sharing(ANN, CID), accounts.blocked(ANN).len()), (None, 0));
        let ann = accounts.by_no(ANN).unwrap();
        assert_eq!((ann.hidden_until, ann.only_free), (None, false));
        let change = ProfileChange { only_free: Some(true), ..ProfileChange::default() };
        accounts.update(ANN, change).unwrap();
        accounts.block(CID, BOB).unwrap();
    }
    let accounts = open();
    assert!(accounts.by_no(ANN).unwrap().only_free && accounts.are_friends(ANN, BOB));
    assert_eq!(&*accounts.blocked(CID), [BOB]);
    assert_eq!(accounts.verify(TOKEN, NOW).map(|who| who.no), Some(ANN));
    assert!(accounts.by_no(UserNo(3)).is_none());
}

/// `tests/store/version2` was made by the server of page version 2: as version 1, with dan, who never did anything. Ann shows her
/// place only while free and said that she is, bob said that he is busy and shares less with ann, cid is busy until a time.
#[test]
fn a_folder_of_page_version_2_opens_with_what_was_said_by_hand_and_goes_on_as_the_newest() {
    let dir = tempfile::tempdir().unwrap();
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/store/version2"), dir.path());
    let weekend =
        WeeklyHours::new(&[DayHours::new(Days::from_bits(0b110_0000).unwrap(), 600, 1_320).unwrap()]).unwrap();
    {
        let store = Arc::new(Embedded::open(dir.path()).unwrap());
        let accounts = Accounts::open(store.clone()).unwrap();
        let ann = accounts.by_no(ANN).unwrap();
        assert_eq!((ann.only_free, ann.time_zone.as_deref()), (true, Some("Europe/Berlin")));
        assert!(ann.free_hours.is_empty() && ann.on_board);
        assert_eq!(accounts.sharing(BOB, ANN).map(|sharing| sharing.precision), Some(Precision::Approximate));
        let hand = |no: UserNo| store.get::<LiveRow>(&no).unwrap().and_then(|row| row.hand);
        let note = |text: &str| Some(Note::parse(text).unwrap());
        assert_eq!(hand(ANN), Some(Availability { free: true, note: note("coffee?"), until: None }));
        assert_eq!(hand(BOB), None, "busy and nothing more says nothing");
        let until = Some(UnixMs(1_826_000_000_000));
        assert_eq!(hand(CID), Some(Availability { free: false, note: note("deep work"), until }));
        assert!(store.get::<LiveRow>(&UserNo(3)).unwrap().is_none());
        let change =
            ProfileChange { free_hours: Some(weekend.clone()), on_board: Some(false), ..ProfileChange::default() };
        accounts.update(BOB, change).unwrap();
    }
    let accounts = Accounts::open(Arc::new(Embedded::open(dir.path()).unwrap())).unwrap();
    let bob = accounts.by_no(BOB).unwrap();
    assert_eq!((&bob.free_hours, bob.on_board), (&weekend, false));
    assert!(accounts.by_no(ANN).unwrap().on_board && accounts.are_friends(ANN, BOB));
}
