//! How fast the store is here: `cargo test --release --test store -- --ignored --nocapture figures`.
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use letshang::activity::track::Track;
use letshang::domain::{Availability, DeviceName, Fix, FixFields, UnixMs, UserId, UserNo};
use letshang::store::accounts::NewUser;
use letshang::store::rows::{DeviceRow, LiveRow, TokenKind};
use letshang::store::{Accounts, Durability, Embedded, WriteBatch};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

const PEOPLE: usize = 100_000;
const FRIENDS: usize = 40;
const NOW: UnixMs = UnixMs(1_800_000_000_000);

fn live_row(no: u32, t: UnixMs, random: &mut StdRng) -> LiveRow {
    let fields = FixFields {
        lat: random.random_range(-60.0..60.0),
        lon: random.random_range(-180.0..180.0),
        t: t.0,
        acc: Some(8.0),
        speed: Some(1.3),
        ..FixFields::default()
    };
    let fix = Fix::new(&fields, t).unwrap();
    LiveRow {
        no: UserNo(no),
        hand: Some(Availability { free: true, note: None, until: None }),
        track: Track { newest: Some(fix), live: Some(fix), suspect: None },
        steps: vec![7; 60],
        devices: vec![DeviceRow { name: DeviceName::parse("phone").unwrap(), last_seq: 1_000, last_t: t }],
        last_seen: t,
        changed_by_hand: t,
    }
}

fn resident_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or("VmRSS: 0 kB");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}

fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    times[(times.len() - 1) * percent / 100]
}

#[test]
#[ignore = "a measurement: takes a minute and a disk"]
fn figures_of_100_000_people() {
    let dir = tempfile::tempdir().unwrap();
    let mut random = StdRng::seed_from_u64(1);
    println!("resident before opening: {:.1} MiB", resident_mib());
    let began = Instant::now();
    let store = Arc::new(Embedded::open(dir.path()).unwrap());
    println!("new folder: {:?}; resident {:.1} MiB", began.elapsed(), resident_mib());

    let users: Vec<_> =
        (0..PEOPLE).map(|n| NewUser::named(UserId::parse(&format!("user_{n}"), "user").unwrap())).collect();
    let mut edges = BTreeSet::new();
    while edges.len() < PEOPLE * FRIENDS / 2 {
        let (a, b) = (random.random_range(0..PEOPLE), random.random_range(0..PEOPLE));
        if a != b {
            edges.insert((a.min(b), a.max(b)));
        }
    }
    let edges: Vec<_> = edges.into_iter().collect();
    let accounts = Accounts::open(store.clone()).unwrap();
    let began = Instant::now();
    let device = DeviceName::parse("phone").unwrap();
    let created = accounts.create(&users, &edges, Some((TokenKind::Full, &device)), NOW).unwrap();
    println!("{PEOPLE} people with {FRIENDS} friends and a token each made in {:?}", began.elapsed());
    let token = created[500].token.clone().unwrap();

    let began = Instant::now();
    for first in (0..PEOPLE).step_by(1_000) {
        let mut batch = WriteBatch::new();
        for n in first..first + 1_000 {
            batch.put(&live_row(n as u32, NOW, &mut random));
        }
        store.commit(batch, Durability::Power).unwrap();
    }
    println!("{PEOPLE} live rows in commits of 1,000, each synced: {:?}", began.elapsed());
    drop((accounts, store));
    load(dir.path(), token.reveal(), "after the making");

    let store = Embedded::open(dir.path()).unwrap();
    for (size, commits) in [(1, 200), (100, 200), (500, 400), (1_000, 200)] {
        let mut times = Vec::new();
        let began = Instant::now();
        for commit in 0..commits {
            let mut batch = WriteBatch::new();
            for _ in 0..size {
                batch.put(&live_row(random.random_range(0..PEOPLE as u32), NOW + commit, &mut random));
            }
            let began = Instant::now();
            store.commit(batch, Durability::Power).unwrap();
            times.push(began.elapsed());
        }
        let rate = f64::from(size) * f64::from(commits as u32) / began.elapsed().as_secs_f64();
        println!(
            "commits of {size} rows, synced: {rate:.0} rows/s; p50 {:?}, p99 {:?}",
            percentile(&mut times, 50),
            percentile(&mut times, 99)
        );
    }
    println!("disk {:.1} MiB, resident {:.1} MiB", store.disk_space().unwrap() as f64 / 1048576.0, resident_mib());
    let crashed = dir.path().join("crashed");
    std::fs::create_dir(&crashed).unwrap();
    for name in ["format", "db"] {
        let from = dir.path().join(name);
        let copied = std::process::Command::new("cp").args(["-a", "--sparse=always"]).arg(from).arg(&crashed).status();
        assert!(copied.unwrap().success());
    }
    drop(store);
    load(&crashed, token.reveal(), "after a crash");
    for round in ["after many commits", "again", "and again"] {
        load(dir.path(), token.reveal(), round);
    }
    erase(dir.path());
}

fn erase(dir: &std::path::Path) {
    let store = Arc::new(Embedded::open(dir).unwrap());
    let accounts = Accounts::open(store.clone()).unwrap();
    let began = Instant::now();
    accounts.remove(&[UserNo(7)]).unwrap();
    println!("remove one person: {:?}", began.elapsed());
    let began = Instant::now();
    let longest = std::thread::scope(|threads| {
        let purge = threads.spawn(|| store.purge().unwrap());
        let mut longest = Duration::ZERO;
        while !purge.is_finished() {
            let mut batch = WriteBatch::new();
            batch.put(&LiveRow::empty(UserNo(8)));
            let began = Instant::now();
            store.commit(batch, Durability::Power).unwrap();
            longest = longest.max(began.elapsed());
        }
        purge.join().unwrap();
        longest
    });
    println!("  purge: {:?}; the longest commit meanwhile {longest:?}", began.elapsed());
    let began = Instant::now();
    let count = store.forget_positions(NOW + 1_000_000, |_| true).unwrap();
    println!("forget the positions of {count} people: {:?}", began.elapsed());
}

fn load(dir: &std::path::Path, token: &str, when: &str) {
    let began = Instant::now();
    let store = Arc::new(Embedded::open(dir).unwrap());
    let opened = began.elapsed();
    let (accounts, live) = std::thread::scope(|scope| {
        let live = scope.spawn(|| store.all::<LiveRow>().unwrap());
        (Accounts::open(store.clone()).unwrap(), live.join().unwrap())
    });
    let loaded = began.elapsed();
    assert_eq!((accounts.len(), live.len()), (PEOPLE, PEOPLE));
    println!("load {when}: engine {opened:?}, everything {loaded:?}; resident {:.1} MiB", resident_mib());
    let began = Instant::now();
    for _ in 0..1_000 {
        assert!(accounts.verify(token, NOW).is_some());
    }
    println!("  verify a token: {:?}", began.elapsed() / 1_000);
    let friends = accounts.friends(UserNo(500));
    let began = Instant::now();
    for _ in 0..1_000 {
        for friend in friends.iter() {
            assert!(accounts.relation(*friend, UserNo(500), NOW).friends);
        }
    }
    println!("  relation of two friends: {:?}", began.elapsed() / (1_000 * friends.len() as u32));
}
