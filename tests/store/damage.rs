//! Files that are not as they were left: told apart, never a panic, and nobody else can read them.
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use jiff::civil::date;
use letshang::domain::UserNo;
use letshang::store::rows::StepsRow;
use letshang::store::{Durability, Embedded, WriteBatch};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

const ROWS: u32 = 200;

/// A store with rows 0 to 199, each its own commit, as a crash leaves it.
fn crashed() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let store = Embedded::open(&dir.path().join("live")).unwrap();
    for n in 0..ROWS {
        let mut batch = WriteBatch::new();
        batch.put(&StepsRow { no: UserNo(n), date: date(2026, 1, 1), steps: n });
        store.commit(batch, Durability::Process).unwrap();
    }
    copy(&dir.path().join("live"), &dir.path().join("crashed"));
    drop(store);
    dir
}

/// The journal is one file of 64 MiB, nearly all of it a hole: only its beginning is copied.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &to);
        } else {
            let mut bytes = fs::read(&path).unwrap();
            bytes.truncate(256 * 1024);
            fs::write(&to, bytes).unwrap();
        }
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

fn journal(folder: &Path) -> PathBuf {
    files(folder).into_iter().find(|path| path.extension().is_some_and(|ending| ending == "jnl")).unwrap()
}

/// How many rows there are; they must be the first ones, without a gap.
fn rows(folder: &Path) -> u32 {
    let rows = Embedded::open(folder).unwrap().all::<StepsRow>().unwrap();
    assert!(rows.iter().zip(0..).all(|(row, n)| row.steps == n), "a gap");
    rows.len() as u32
}

#[test]
fn nothing_in_the_folder_is_for_anybody_else() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("data");
    let store = Embedded::open(&folder).unwrap();
    for n in 0..2_000 {
        let mut batch = WriteBatch::new();
        for day in 1..=28 {
            batch.put(&StepsRow { no: UserNo(n), date: date(2026, 1, day), steps: n });
        }
        store.commit(batch, Durability::Process).unwrap();
    }
    let check = || {
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o700);
        for path in files(&folder) {
            assert_eq!(mode(&path) & 0o077, 0, "{}", path.display());
            assert_eq!(mode(path.parent().unwrap()) & 0o077, 0, "{}", path.display());
        }
    };
    check();
    drop(store);
    check();
}

#[test]
fn a_journal_that_was_cut_anywhere_in_its_tail_loses_only_the_tail() {
    let dir = crashed();
    let whole = fs::read(journal(&dir.path().join("crashed"))).unwrap();
    let end = whole.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    for cut in (end - 400..=end).rev().step_by(7) {
        let folder = dir.path().join(format!("cut{cut}"));
        copy(&dir.path().join("crashed"), &folder);
        fs::write(journal(&folder), &whole[..cut]).unwrap();
        let left = rows(&folder);
        assert!(left >= ROWS - 9 && (cut < end || left == ROWS), "cut at {cut} of {end}: {left} rows");
        // And the store goes on from there.
        let store = Embedded::open(&folder).unwrap();
        let mut batch = WriteBatch::new();
        batch.put(&StepsRow { no: UserNo(left), date: date(2026, 1, 1), steps: left });
        store.commit(batch, Durability::Process).unwrap();
        drop(store);
        assert_eq!(rows(&folder), left + 1);
    }
}

#[test]
fn zeros_after_the_end_of_the_journal_are_nothing() {
    let dir = crashed();
    let folder = dir.path().join("crashed");
    let mut bytes = fs::read(journal(&folder)).unwrap();
    bytes.resize(bytes.len() + 1024 * 1024, 0);
    fs::write(journal(&folder), bytes).unwrap();
    assert_eq!(rows(&folder), ROWS);
}

#[test]
fn a_bit_that_fell_over_in_the_middle_of_the_journal_is_refused_and_the_file_left_as_it_is() {
    let dir = crashed();
    let folder = dir.path().join("crashed");
    let journal = journal(&folder);
    let whole = fs::read(&journal).unwrap();
    let end = whole.iter().rposition(|byte| *byte != 0).unwrap();
    let mut random = StdRng::seed_from_u64(7);
    for _ in 0..150 {
        let mut bytes = whole.clone();
        // The number of the first commit is confirmed by nothing.
        let at = random.random_range(13..end / 2);
        bytes[at] ^= 1 << random.random_range(0..8);
        fs::write(&journal, &bytes).unwrap();
        let error = Embedded::open(&folder).map(|_| ()).expect_err(&format!("bit at {at}"));
        assert!(error.to_string().contains("damaged"), "{error}");
        assert!(fs::read(&journal).unwrap() == bytes, "the evidence at {at} is gone");
    }
    fs::write(&journal, &whole).unwrap();
    assert_eq!(rows(&folder), ROWS);
}

#[test]
fn garbage_in_any_file_is_an_error_or_harmless_but_never_a_panic() {
    let dir = crashed();
    let live = dir.path().join("live");
    let count = files(&live).len();
    let mut random = StdRng::seed_from_u64(3);
    for at in 0..count {
        for kind in 0..4 {
            let folder = dir.path().join(format!("bad{at}-{kind}"));
            copy(&live, &folder);
            let path = files(&folder)[at].clone();
            let mut bytes = fs::read(&path).unwrap();
            match kind {
                0 => bytes.clear(),
                1 => bytes = (0..500).map(|_| random.random()).collect(),
                2 => bytes.truncate(bytes.len() / 2),
                _ => bytes.iter_mut().for_each(|byte| *byte = !*byte),
            }
            fs::write(&path, bytes).unwrap();
            let name = path.strip_prefix(&folder).unwrap().display().to_string();
            match Embedded::open(&folder).and_then(|store| store.all::<StepsRow>()) {
                Ok(rows) => assert!(rows.iter().zip(0..).all(|(row, n)| row.steps == n), "{name} {kind}"),
                Err(error) => assert!(!error.to_string().is_empty(), "{name} {kind}"),
            }
            fs::remove_dir_all(&folder).unwrap();
        }
    }
}

#[test]
fn a_store_that_is_opened_again_in_place_has_everything_and_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let store = Embedded::open(dir.path()).unwrap();
    for n in 0..20 {
        let mut batch = WriteBatch::new();
        batch.put(&StepsRow { no: UserNo(n), date: date(2026, 1, 1), steps: n });
        store.commit(batch, Durability::Power).unwrap();
        store.reopen().unwrap();
    }
    assert_eq!(store.all::<StepsRow>().unwrap().len(), 20);
    drop(store);
    assert_eq!(rows(dir.path()), 20);
}
