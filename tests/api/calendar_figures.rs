//! What calendars cost with 100,000 people who have one: `cargo test --release --test api -- --ignored --nocapture calendar_figures`.
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use letshang::actors::spatial_index::QueryCounts;
use letshang::domain::{UnixMs, UserId, UserNo};
use letshang::store::accounts::NewUser;

use crate::node::{NOON, TestNode, until};

const PEOPLE: u32 = 100_000;
const FRIENDS: usize = 20;
/// People who are there: their actors run.
const AWAKE: u32 = 2_000;
const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;
/// Monday, 2027-03-15, midnight.
const MIDNIGHT: i64 = NOON.0 - DAY / 2;

/// A working week: a meeting that all have, and four more at quarters of an hour that differ from one to the next.
fn calendar(number: u32) -> String {
    let mut text = String::from("BEGIN:VCALENDAR\r\n");
    let mut meeting = |id: u32, from: u32, minutes: u32| {
        let (hour, minute) = (from / 60, from % 60);
        let _ = write!(
            text,
            "BEGIN:VEVENT\r\nUID:{number}-{id}@example.org\r\nSUMMARY:Meeting {id}\r\nDTSTART;TZID=Europe/Berlin:20260105T{hour:02}{minute:02}00\r\n\
             DURATION:PT{minutes}M\r\nRRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR\r\nEND:VEVENT\r\n"
        );
    };
    meeting(0, 10 * 60, 30);
    for id in 1..5 {
        meeting(id, 660 + id * 90 + number * 7 % 4 * 15, 30 + number % 3 * 15);
    }
    text.push_str("END:VCALENDAR\r\n");
    text
}

/// Seconds of CPU that this process has used.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks = |at: usize| fields[at].parse::<f64>().unwrap();
    (ticks(11) + ticks(12)) / 100.0
}

fn resident_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}

#[test]
#[ignore = "a measurement"]
fn calendar_figures() {
    let node = TestNode::with(&[("presence.linger", "\"1h\""), ("presence.http_linger", "\"1h\"")]);
    let users: Vec<NewUser> =
        (0..PEOPLE).map(|no| NewUser::named(UserId::parse(&format!("p{no}"), "user").unwrap())).collect();
    let count = PEOPLE as usize;
    let friendships: Vec<(usize, usize)> =
        (0..count).flat_map(|a| (1..=FRIENDS / 2).map(move |step| (a, (a + step * 37) % count))).collect();
    node.node.people.create(&users, &friendships, None).unwrap();
    node.clock.advance(MIDNIGHT - node.clock.now().0);
    let before = resident_mib();
    let started = Instant::now();
    for no in 0..PEOPLE {
        node.node.calendars.upload(UserNo(no), calendar(no).as_bytes()).unwrap();
    }
    let took = started.elapsed();
    println!(
        "{PEOPLE} calendars given in {took:.1?}: {:.0} µs each, with the store",
        took.as_secs_f64() * 1e6 / f64::from(PEOPLE)
    );
    println!("memory: {:.0} bytes a person", (resident_mib() - before) * 1_048_576.0 / f64::from(PEOPLE));
    for no in 0..AWAKE {
        wake(&node, UserNo(no * (PEOPLE / AWAKE)));
    }
    let flips = &node.node.user.flips;
    let settled = |now: UnixMs| (0..PEOPLE).step_by(97).all(|no| flips.of(UserNo(no)).is_none_or(|at| at > now));
    until("everybody's first state is told", || settled(node.clock.now()));
    std::thread::sleep(Duration::from_secs(2));

    let (idle, started) = (cpu(), Instant::now());
    std::thread::sleep(Duration::from_secs(10));
    let idle = (cpu() - idle) / started.elapsed().as_secs_f64();
    println!("nothing flips: {:.2} % of a core (the whole node, with its timers)", idle * 100.0);

    // The whole working day in steps of 15 s, each given the time that it needs.
    let (mut used, mut moments) = (0.0, 0);
    let mut wall = Duration::ZERO;
    while node.clock.now().0 < MIDNIGHT + DAY {
        let due = (0..PEOPLE).step_by(97).filter_map(|no| flips.of(UserNo(no))).min().map_or(i64::MAX, |at| at.0);
        let next = due.min(MIDNIGHT + DAY);
        let (burst, before) = (Instant::now(), cpu());
        node.clock.advance(next - node.clock.now().0);
        if due > next {
            break;
        }
        moments += 1;
        let deadline = Instant::now() + Duration::from_secs(60);
        while flips.first().is_some_and(|at| at <= node.clock.now()) || !node.node.user.spatial.is_empty() {
            assert!(Instant::now() < deadline);
            std::thread::sleep(Duration::from_millis(1));
        }
        node.ask(&node.node.index, QueryCounts);
        let took = burst.elapsed();
        if next == MIDNIGHT + 9 * 60 * MINUTE {
            let free = node.ask(&node.node.index, QueryCounts).free;
            println!(
                "all {PEOPLE} go busy at 09:00:00 UTC: the last is told {took:.0?} later (of these up to 100 ms until the tick); free now: {free}"
            );
        }
        std::thread::sleep(Duration::from_millis(30));
        used += cpu() - before - idle * burst.elapsed().as_secs_f64();
        wall += took;
    }
    let day = 86_400.0;
    println!(
        "a working day: {moments} moments with flips, {used:.2} s of CPU for all of them: {:.4} % of a core; longest in all {wall:.1?}",
        used / day * 100.0
    );
    assert!(used / day < 0.01);
    node.clock.advance(MIDNIGHT + DAY + 9 * 60 * MINUTE + 10 * MINUTE - node.clock.now().0);
    let started = Instant::now();
    let node = node.restart();
    println!("the start alone: {:.2?}", node.node.started.elapsed());
    let free = node.ask(&node.node.index, QueryCounts).free;
    println!(
        "a stop and a start with {PEOPLE} calendars: {:.1?}; free in the middle of what all have: {free}",
        started.elapsed()
    );
    assert_eq!(free, 0);
}

/// Somebody comes: over HTTP, which keeps their actor awake.
fn wake(node: &TestNode, no: UserNo) {
    let device = letshang::domain::DeviceName::parse("phone").unwrap();
    let issued = node.node.user.accounts.issue_token(
        no,
        letshang::store::rows::TokenKind::Full,
        &device,
        None,
        node.clock.now(),
    );
    node.call("GET", "/v1/me").bearer(issued.unwrap().secret.reveal()).ok();
}
