//! Who was erased leaves no trace on the disk: not in a row, not in an old version of one, not in a journal.
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::civil::date;
use letshang::activity::track::Track;
use letshang::domain::{
    Availability, DeviceName, DisplayName, Fix, FixFields, Note, Precision, Sharing, UnixMs, UserNo,
};
use letshang::store::accounts::{InviteKind, NewUser};
use letshang::store::rows::{DeviceRow, InviteRow, LiveRow, PageRow, PairRow, StepsRow, TokenKind};
use letshang::store::{Accounts, Durability, Embedded, WriteBatch};

use super::house::{ANN, BOB, House, NOW, id};

const ID: &str = "zanzibar_canary_7731";
const NAME: &str = "Żółta Kanarek ☕";
const DEVICE: &str = "canary phone";
const NOTE: &str = "by the aviary";
const LAT: f64 = -6.165_917_213_477;
const LON: f64 = 39.202_641_118_905;

/// A number as it could stand in a file: as text in full and shortened, and as a float of either byte order.
pub fn forms_of(number: f64) -> Vec<Vec<u8>> {
    let text = |text: String| text.into_bytes();
    vec![
        text(number.to_string()),
        text(format!("{number:.6}")),
        number.to_le_bytes().to_vec(),
        number.to_be_bytes().to_vec(),
    ]
}

fn traces() -> Vec<Vec<u8>> {
    let texts = [ID, NAME, DEVICE, NOTE].map(|text| text.as_bytes().to_vec());
    [texts.to_vec(), forms_of(LAT), forms_of(LON)].concat()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// Where any of `traces` stands in any file of the folder.
fn found(folder: &Path, traces: &[Vec<u8>]) -> Vec<(PathBuf, usize)> {
    let mut found = Vec::new();
    for path in files(folder) {
        // The engine may remove a table just now: then it holds nothing.
        let bytes = std::fs::read(&path).unwrap_or_default();
        // A journal is one file of 64 MiB, nearly all of it zeros at the end.
        let end = bytes.rchunks(4_096).position(|chunk| chunk.iter().any(|byte| *byte != 0));
        let bytes = &bytes[..end.map_or(0, |chunks| bytes.len() - chunks * 4_096)];
        for (at, trace) in traces.iter().enumerate() {
            let first = trace[0];
            let starts = bytes.iter().enumerate().filter(|(_, byte)| **byte == first);
            if starts.map(|(start, _)| &bytes[start..]).any(|rest| rest.starts_with(trace)) {
                found.push((path.clone(), at));
            }
        }
    }
    found
}

/// Asserts that none of `traces` stands in any file of the folder.
pub fn finds_nothing(folder: &Path, traces: &[Vec<u8>]) {
    let found = found(folder, traces);
    assert!(found.is_empty(), "{found:?}");
}

fn live_row(no: UserNo, lat: f64, lon: f64, t: UnixMs) -> LiveRow {
    let fields = FixFields { lat, lon, t: t.0, acc: Some(8.0), ..FixFields::default() };
    let fix = Fix::recorded(&fields, t).unwrap();
    let name = if no == BOB { DEVICE } else { "phone" };
    LiveRow {
        no,
        hand: Some(Availability { free: true, note: (no == BOB).then(|| Note::parse(NOTE).unwrap()), until: None }),
        track: Track { newest: Some(fix), live: Some(fix), suspect: None },
        steps: vec![7; 60],
        devices: vec![DeviceRow { name: DeviceName::parse(name).unwrap(), last_seq: 1, last_t: t }],
        last_seen: t,
        changed_by_hand: t,
    }
}

/// Ann, the canary, and 200 others who are friends of both; everybody has walked and been near.
fn lived_in() -> House {
    let house = House::new();
    let mut users = vec![NewUser::named(id("ann"))];
    users.push(NewUser { name: Some(DisplayName::parse(NAME).unwrap()), ..NewUser::named(id(ID)) });
    users.extend((0..200).map(|n| NewUser::named(id(&format!("user_{n}")))));
    let friendships: Vec<_> = (2..202).flat_map(|n| [(0, n), (1, n)]).chain([(0, 1)]).collect();
    let device = DeviceName::parse(DEVICE).unwrap();
    house.accounts.create(&users, &friendships, None, NOW).unwrap();
    house.accounts.issue_token(BOB, TokenKind::Full, &device, None, NOW).unwrap();
    let house = walked(house, 0).restarted();
    let house = walked(house, 40);
    let off = Sharing::default().changed_to(Precision::Off, None, NOW);
    house.accounts.share(ANN, BOB, off).unwrap();
    house.accounts.share(BOB, ANN, off).unwrap();
    house.accounts.unfriend(BOB, UserNo(7)).unwrap();
    house.accounts.block(UserNo(7), BOB).unwrap();
    house.accounts.invite(InviteKind::Friend { inviter: BOB, sharing: off }, NOW + 1_000, NOW).unwrap();
    house
}

/// Everybody reports some times, so that there are many versions of each row.
fn walked(house: House, from: i64) -> House {
    for step in from..from + 20 {
        let mut batch = WriteBatch::new();
        for no in (0..202).map(UserNo) {
            let (lat, lon) = if no == BOB { (LAT, LON) } else { (f64::from(no.0) / 5.0, step as f64) };
            batch.put(&live_row(no, lat, lon, NOW + step));
        }
        batch.put(&StepsRow { no: BOB, date: date(2026, 1, 1 + step as i8 % 20), steps: 900 });
        batch.put(&StepsRow { no: ANN, date: date(2026, 1, 1 + step as i8 % 20), steps: 900 });
        batch.put(&PairRow { a: ANN, b: BOB, near: true, announced_at: NOW + step });
        batch.put(&PairRow { a: BOB, b: UserNo(9), near: false, announced_at: NOW + step });
        batch.put(&PairRow { a: ANN, b: UserNo(9), near: false, announced_at: NOW + step });
        house.store.commit(batch, Durability::Power).unwrap();
    }
    house
}

#[test]
fn who_is_erased_is_in_no_row_and_in_no_file_and_everybody_else_is_as_before() {
    let house = lived_in();
    // The search finds what is there: in tables and in journals, as text and as numbers.
    let before = found(house.dir.path(), &traces());
    let kinds = |ending: &str| before.iter().filter(|(path, _)| path.to_string_lossy().contains(ending)).count();
    assert!(kinds(".jnl") >= 6 && kinds("/tables/") >= 6, "{before:?}");
    let others: Vec<_> = (2..202).map(|no| house.accounts.by_no(UserNo(no)).unwrap()).collect();

    house.accounts.remove(&[BOB]).unwrap();
    assert!(house.store.owes_purge().unwrap());
    assert!(!found(house.dir.path(), &traces()).is_empty(), "removing alone is not enough");
    house.store.purge().unwrap();
    assert!(!house.store.owes_purge().unwrap());
    finds_nothing(house.dir.path(), &traces());

    let check = |house: &House| {
        assert!(house.store.all::<PageRow>().unwrap().iter().flat_map(|page| &page.people).all(|person| {
            let names = person.friends.iter().chain(&person.blocks).chain(person.shares.iter().map(|(no, _)| no));
            person.account.no != BOB && names.copied().all(|no| no != BOB)
        }));
        assert!(house.store.all::<LiveRow>().unwrap().iter().map(|row| row.no.0).eq((0..202).filter(|no| *no != 1)));
        assert!(house.store.all::<PairRow>().unwrap().iter().map(|row| (row.a, row.b)).eq([(ANN, UserNo(9))]));
        assert!(house.store.all::<StepsRow>().unwrap().iter().all(|row| row.no == ANN));
        assert!(house.store.all::<InviteRow>().unwrap().is_empty());
        assert!(house.accounts.blocked(UserNo(7)).is_empty() && house.accounts.shares(ANN).is_empty());
        let left: Vec<_> = (2..202).map(|no| house.accounts.by_no(UserNo(no)).unwrap()).collect();
        assert_eq!(left, others);
        assert_eq!(house.accounts.friends(ANN).len(), 200);
    };
    check(&house);
    let house = walked_without_bob(house).restarted();
    check(&house);
    finds_nothing(house.dir.path(), &traces());
}

/// The store goes on after a purge.
fn walked_without_bob(house: House) -> House {
    let mut batch = WriteBatch::new();
    for no in (0..202).map(UserNo).filter(|no| *no != BOB) {
        batch.put(&live_row(no, 1.0, 1.0, NOW + 100));
    }
    house.store.commit(batch, Durability::Power).unwrap();
    house
}

#[test]
fn a_purge_takes_nothing_from_those_who_write_and_read_meanwhile() {
    let house = lived_in();
    house.accounts.remove(&[BOB]).unwrap();
    let stop = AtomicBool::new(false);
    let written = std::thread::scope(|threads| {
        let writers: Vec<_> = (0..2)
            .map(|writer| {
                let (store, stop) = (&house.store, &stop);
                threads.spawn(move || {
                    let mut steps = 0;
                    while !stop.load(Ordering::Relaxed) {
                        steps += 1;
                        let mut batch = WriteBatch::new();
                        for no in (0..50).map(|n| UserNo(1_000 + writer * 100 + n)) {
                            batch.put(&StepsRow { no, date: date(2026, 5, 1), steps });
                        }
                        store.commit(batch, Durability::Process).unwrap();
                    }
                    steps
                })
            })
            .collect();
        let reader = threads.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                assert!(house.store.all::<LiveRow>().unwrap().len() == 201);
            }
        });
        // Three at once, twice: they share, and each finds the traces gone.
        let purges = || house.store.purge().map(|()| found(house.dir.path(), &traces()));
        let mut outcomes = Vec::new();
        for _ in 0..2 {
            std::thread::scope(|threads| {
                let askers: Vec<_> = (0..3).map(|_| threads.spawn(purges)).collect();
                outcomes.extend(askers.into_iter().map(|asker| asker.join()));
            });
        }
        stop.store(true, Ordering::Relaxed);
        for outcome in outcomes {
            assert_eq!(outcome.unwrap().unwrap(), []);
        }
        reader.join().unwrap();
        writers.into_iter().map(|writer| writer.join().unwrap()).collect::<Vec<_>>()
    });
    let house = house.restarted();
    for (writer, steps) in written.into_iter().enumerate() {
        for no in (0..50).map(|n| 1_000 + writer as u32 * 100 + n) {
            let row = house.store.get::<StepsRow>(&(UserNo(no), date(2026, 5, 1))).unwrap().unwrap();
            assert_eq!(row.steps, steps, "what was acknowledged last is there");
        }
    }
}

#[test]
fn a_removal_during_a_purge_is_still_owed_afterwards() {
    let house = lived_in();
    house.accounts.remove(&[UserNo(50)]).unwrap();
    for no in 51..60 {
        std::thread::scope(|threads| {
            let purge = threads.spawn(|| house.store.purge().unwrap());
            house.accounts.remove(&[UserNo(no)]).unwrap();
            purge.join().unwrap();
        });
        let name = format!("user_{}", no - 2).into_bytes();
        let is_there = found(house.dir.path(), &[name]).iter().any(|(_, _)| true);
        assert!(!is_there || house.store.owes_purge().unwrap(), "user {no} is forgotten half");
    }
    house.store.purge().unwrap();
    assert!(!house.store.owes_purge().unwrap());
}

#[test]
fn what_came_to_the_disk_after_its_person_was_removed_is_swept() {
    let house = lived_in();
    house.accounts.remove(&[BOB]).unwrap();
    house.store.purge().unwrap();
    // A row that was on its way, and then the server was killed.
    let mut batch = WriteBatch::new();
    batch.put(&live_row(BOB, LAT, LON, NOW));
    batch.put(&StepsRow { no: BOB, date: date(2026, 1, 1), steps: 5 });
    batch.put(&PairRow { a: ANN, b: BOB, near: true, announced_at: NOW });
    house.store.commit(batch, Durability::Process).unwrap();
    let house = house.restarted();
    assert_eq!(house.accounts.forget_strays().unwrap(), 3);
    assert_eq!(house.accounts.forget_strays().unwrap(), 0);
    assert!(house.store.owes_purge().unwrap());
    house.store.purge().unwrap();
    finds_nothing(house.dir.path(), &traces());
    assert_eq!((house.store.all::<LiveRow>().unwrap().len(), house.accounts.len()), (201, 201));
}

/// A row by whose number a gap shows. Of nobody who is ever erased.
fn counted(n: u32) -> StepsRow {
    StepsRow { no: UserNo(1_000_000 + n), date: date(2026, 1, 1), steps: n }
}

/// The part of the test below that runs in a process of its own: one after the other is made, walks, is erased
/// and purged. `say` tells what is done.
pub fn erase_for_ever(folder: &Path, say: impl Fn(&str)) {
    let store = Arc::new(Embedded::open(folder).unwrap());
    let accounts = Accounts::open(store.clone()).unwrap();
    let mut n = store.all::<StepsRow>().unwrap().len() as u32;
    loop {
        let mut batch = WriteBatch::new();
        batch.put(&counted(n));
        store.commit(batch, Durability::Power).unwrap();
        say(&format!("rows {n}"));
        let name = format!("victim_{:08}", std::process::id() % 10_000 * 10_000 + n);
        let made = accounts.create(&[NewUser::named(id(&name))], &[], None, NOW).unwrap();
        let no = made[0].account.no;
        let mut batch = WriteBatch::new();
        batch.put(&live_row(no, LAT, LON, NOW));
        batch.put(&counted(n + 1));
        store.commit(batch, Durability::Power).unwrap();
        accounts.remove(&[no]).unwrap();
        say(&format!("gone {name}"));
        store.purge().unwrap();
        say(&format!("purged {name}"));
        n += 2;
    }
}

#[test]
fn killed_while_purging_twenty_times_and_the_store_is_whole_and_the_purge_still_owed_or_done() {
    use rand::RngExt;
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("data");
    let (mut gone, mut rows, mut purged, mut owed) = (Vec::new(), 0, 0, 0);
    for round in 0..20 {
        let mut child = super::crash::child("erase", &folder);
        std::thread::sleep(std::time::Duration::from_millis(rand::rng().random_range(40..400)));
        child.kill().unwrap();
        let said = super::crash::lines(&mut child);
        child.wait().unwrap();
        for line in said {
            match line.split(' ').collect::<Vec<_>>()[..] {
                ["rows", n] => rows = n.parse::<u32>().unwrap() + 1,
                ["gone", name] => gone.push(name.as_bytes().to_vec()),
                ["purged", _] => purged += 1,
                _ => panic!("{line}"),
            }
        }
        let store = Arc::new(Embedded::open(&folder).unwrap());
        let accounts = Accounts::open(store.clone()).unwrap();
        let kept = store.all::<StepsRow>().unwrap();
        assert!(kept.len() as u32 >= rows, "round {round}: {} of {rows}", kept.len());
        assert!(kept.iter().zip(0..).all(|(row, n)| *row == counted(n)), "round {round}: a gap");
        let is_gone = |name: &Vec<u8>| accounts.by_id(&id(std::str::from_utf8(name).unwrap())).is_none();
        assert!(gone.iter().all(is_gone), "round {round}");
        if store.owes_purge().unwrap() {
            owed += 1;
            store.purge().unwrap();
        }
        finds_nothing(&folder, &gone);
        // One may have been made and not yet erased.
        let left: Vec<_> = accounts.everyone().iter().map(|(account, _)| account.no).collect();
        accounts.remove(&left).unwrap();
        store.purge().unwrap();
        finds_nothing(&folder, &[forms_of(LAT), forms_of(LON)].concat());
    }
    assert!(purged > 10 && owed > 0, "{purged} purges, {owed} interrupted");
}
