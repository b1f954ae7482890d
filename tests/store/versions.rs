//! Folders that earlier versions wrote.
use std::fs;
use std::path::Path;
use std::sync::Arc;

use letshang::domain::{Sharing, UserNo};
use letshang::store::accounts::ProfileChange;
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
fn a_folder_of_row_version_1_opens_with_everything_in_it_and_goes_on_as_version_2() {
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
