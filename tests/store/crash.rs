//! `kill -9` at any moment: what was acknowledged is there, each batch whole or not at all.
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::date;
use letshang::domain::{DeviceName, UnixMs, UserId, UserNo};
use letshang::store::accounts::NewUser;
use letshang::store::rows::{StepsRow, TokenKind};
use letshang::store::{Accounts, Durability, Embedded, StoreError, WriteBatch};
use rand::RngExt;

const FOLDER: &str = "LETSHANG_TEST_FOLDER";
const TASK: &str = "LETSHANG_TEST_TASK";
const NOW: UnixMs = UnixMs(1_800_000_000_000);

/// Runs this test binary again, as a process that can be killed.
pub fn child(task: &str, folder: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "crash::a_process_of_its_own", "--nocapture", "--test-threads=1"]);
    command.env(FOLDER, folder).env(TASK, task).stdout(Stdio::piped()).stderr(Stdio::null());
    command.spawn().unwrap()
}

/// Not a test by itself: the part of the others that runs in a process of its own.
#[test]
fn a_process_of_its_own() {
    let (Ok(task), Some(folder)) = (std::env::var(TASK), std::env::var_os(FOLDER)) else { return };
    let folder = Path::new(&folder);
    match task.as_str() {
        "write" => write_for_ever(folder),
        "erase" => super::erasure::erase_for_ever(folder, say),
        "open" => match Embedded::open(folder) {
            Ok(_) => say("opened"),
            Err(error) => say(&format!("refused: {error}")),
        },
        other => panic!("no such task: {other}"),
    }
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // In one write: a line is there whole, or it was not acknowledged.
    out.write_all(format!("\n@{line}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

/// Two rows a batch, in which the halves must agree; every tenth time an account with a token as well.
fn write_for_ever(folder: &Path) {
    let store = Arc::new(Embedded::open(folder).unwrap());
    let accounts = Accounts::open(store.clone()).unwrap();
    let mut n = store.all::<StepsRow>().unwrap().len() as u32 / 2;
    let phone = DeviceName::parse("phone").unwrap();
    loop {
        let mut batch = WriteBatch::new();
        for half in [1, 2] {
            batch.put(&StepsRow { no: UserNo(n), date: date(2026, 1, half), steps: n });
        }
        store.commit(batch, Durability::Power).unwrap();
        say(&format!("rows {n}"));
        if n.is_multiple_of(10) {
            let user = NewUser::named(UserId::parse(&format!("user_{n}"), "user").unwrap());
            let made = accounts.create(&[user], &[], Some((TokenKind::Full, &phone)), NOW).unwrap();
            say(&format!("token user_{n} {}", made[0].token.as_ref().unwrap().reveal()));
        }
        n += 1;
    }
}

pub fn lines(child: &mut Child) -> Vec<String> {
    let out = BufReader::new(child.stdout.take().unwrap());
    let whole = out.split(b'\n').map_while(Result::ok).map(|line| String::from_utf8_lossy(&line).into_owned());
    whole.filter_map(|line| line.strip_prefix('@').map(str::to_owned)).collect()
}

#[test]
fn killed_twenty_times_while_writing_and_nothing_acknowledged_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("data");
    let (mut tokens, mut last_acknowledged) = (Vec::new(), None);
    for round in 0..20 {
        let mut child = child("write", &folder);
        std::thread::sleep(Duration::from_millis(rand::rng().random_range(20..250)));
        child.kill().unwrap();
        let said = lines(&mut child);
        child.wait().unwrap();
        for line in said {
            let words: Vec<_> = line.split(' ').collect();
            match words[..] {
                ["rows", n] => last_acknowledged = n.parse::<u32>().ok(),
                ["token", user, token] => tokens.push((user.to_owned(), token.to_owned())),
                _ => panic!("{line}"),
            }
        }
        let store = Arc::new(Embedded::open(&folder).unwrap());
        let rows = store.all::<StepsRow>().unwrap();
        // Numbers come one after the other, so nothing is missing in the middle, and both halves are there.
        assert!(rows.iter().zip(0..).all(|(row, at)| row.steps == at / 2 && row.no == UserNo(at / 2)), "{round}");
        assert!(rows.len().is_multiple_of(2), "round {round}: half a batch");
        assert!(last_acknowledged.is_none_or(|n| rows.len() as u32 / 2 > n), "round {round}: {last_acknowledged:?}");
        let accounts = Accounts::open(store).unwrap();
        for (user, token) in &tokens {
            let who = accounts.verify(token, NOW).unwrap_or_else(|| panic!("round {round}: {user}"));
            assert_eq!(accounts.by_no(who.no).unwrap().id.as_str(), user);
        }
    }
    assert!(last_acknowledged.is_some_and(|n| n > 100), "the children wrote: {last_acknowledged:?}");
    assert!(!tokens.is_empty());
}

#[test]
fn killed_while_the_folder_is_being_made() {
    for round in 0..20 {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("data");
        let mut child = child("write", &folder);
        std::thread::sleep(Duration::from_millis(round * 2));
        child.kill().unwrap();
        child.wait().unwrap();
        let store = Embedded::open(&folder).unwrap_or_else(|error| panic!("round {round}: {error}"));
        assert!(store.all::<StepsRow>().unwrap().len().is_multiple_of(2));
    }
}

#[test]
fn a_second_process_is_refused_naming_the_first_and_the_folder() {
    let dir = tempfile::tempdir().unwrap();
    let store = Embedded::open(dir.path()).unwrap();
    let mut second = child("open", dir.path());
    let said = lines(&mut second);
    second.wait().unwrap();
    let folder = dir.path().canonicalize().unwrap();
    let expected = format!("refused: the folder {} is in use by process {}:", folder.display(), std::process::id());
    assert!(said.len() == 1 && said[0].starts_with(&expected), "{said:?}");
    drop(store);
    let mut third = child("open", dir.path());
    assert_eq!(lines(&mut third), ["opened"]);
    third.wait().unwrap();
}

#[test]
fn the_lock_of_a_process_that_was_killed_is_free() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = child("write", dir.path());
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    while !matches!(Embedded::open(dir.path()), Err(StoreError::InUse { pid, .. }) if pid == child.id().to_string()) {
        assert!(std::time::Instant::now() < deadline);
        // The child needs a moment in which nobody else has the folder.
        std::thread::sleep(Duration::from_millis(20));
        if child.try_wait().unwrap().is_some() {
            // This loop had the folder for a moment when the child wanted it: again.
            child = self::child("write", dir.path());
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(Embedded::open(dir.path()).is_ok());
}
