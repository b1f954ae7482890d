//! Whole runs against the stub server: what the walkers send, and that a server which breaks a promise is found out.
use std::rc::Rc;
use std::time::Duration;

use tokio::task::LocalSet;

use crate::client::Target;
use crate::crowd::Plan;
use crate::friends::Friends;
use crate::meter::Meter;
use crate::progress::Progress;
use crate::report::Report;
use crate::scenario::{self, Scenario, Stop};
use crate::schedule::DayClock;
use crate::stub::{Breaks, Stub};

const PEOPLE: usize = 20;
const RADIUS_M: f64 = 3_000.0;

fn friends() -> Friends {
    Friends::new(1, PEOPLE, 6.0, 0.3)
}

fn scenario(stub: &Stub, seconds: Option<(u64, u64)>) -> Scenario {
    Scenario {
        url: "stub".into(),
        target: Target { address: stub.address, host: stub.address.to_string(), sources: 2 },
        tokens: (0..PEOPLE).map(|person| person.to_string()).collect(),
        plan: Plan {
            seed: 1,
            people: PEOPLE,
            radius_m: RADIUS_M,
            watchers: 0.1,
            day: DayClock { starts_at_min: 1_140.0, lively: false },
            check: true,
            polite: false,
        },
        rate: 20.0,
        seconds,
        idle: None,
        ramp: 1_000,
        grace: Duration::from_millis(300),
        meter: Meter::Nothing,
    }
}

/// Two seconds with a server that breaks this promise.
fn two_seconds(breaks: Breaks) -> (Report, Rc<Stub>) {
    in_a_city(async move {
        let stub = Stub::start(breaks, RADIUS_M, friends()).await;
        (walked(scenario(&stub, Some((0, 2))), &Stop::default()).await, stub)
    })
}

async fn walked(scenario: Scenario, stop: &Stop) -> Report {
    scenario::run(scenario, friends(), stop, &mut Progress::quiet()).await.unwrap()
}

fn in_a_city<T>(run: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, run)
}

#[test]
fn with_an_honest_server_every_fix_is_accepted_and_every_meeting_heard_by_both() {
    let (report, _) = two_seconds(Breaks::Nothing);
    assert_eq!(report.connections.opened, 20);
    assert_eq!((report.fixes.sent, report.fixes.accepted, report.fixes.lost, report.fixes.unsent), (800, 800, 0, 0));
    assert_eq!(report.latency.fix_to_ack.count, 80, "every tenth of 40 fixes from each of 20");
    assert!(report.near.pairs > 3 && report.near.by_fix == 2 * report.near.pairs, "{:?}", report.near);
    assert!(report.latency.fix_to_near.count == report.near.by_fix && report.latency.fix_to_near.p50_ms < 50.0);
    assert!(report.latency.fix_to_moved.count > 100, "{:?}", report.latency);
    assert!(report.near.due.unwrap() > 0);
    assert!(report.promises_kept(), "{}", report.table());
    let json: serde_json::Value = serde_json::from_str(&report.json().unwrap()).unwrap();
    assert_eq!(json["fixes"]["lost"], 0);
}

#[test]
fn a_server_that_does_not_acknowledge_has_lost_the_fixes() {
    let (report, _) = two_seconds(Breaks::Acks);
    assert_eq!((report.fixes.accepted, report.fixes.lost), (760, 40));
    assert!(!report.promises_kept());
}

#[test]
fn a_server_that_tells_one_side_only_is_found_out() {
    let (report, _) = two_seconds(Breaks::OneSide);
    assert!(report.near.one_sided > 0 && report.near.one_sided == report.near.pairs);
    assert!(!report.promises_kept());
}

#[test]
fn a_server_that_announces_nobody_is_found_out() {
    let (report, _) = two_seconds(Breaks::Meetings);
    assert!(report.near.missed.unwrap() > 0 && report.near.missed == report.near.due);
    assert!(!report.promises_kept());
}

#[test]
fn refused_fixes_are_lost_and_named_by_their_code() {
    let (report, _) = two_seconds(Breaks::Fixes);
    assert_eq!(report.fixes.refused.get("out_of_range"), Some(&40));
    assert_eq!((report.fixes.accepted, report.fixes.lost), (760, 40));
}

#[test]
fn a_connection_cut_in_a_measured_run_is_counted_by_its_code_and_not_opened_again() {
    let (report, _) = two_seconds(Breaks::Connections(4_503));
    assert_eq!(report.connections.drops.get(&4_503), Some(&20));
    assert!(report.fixes.unsent > 0 && !report.promises_kept());
}

#[test]
fn a_busy_server_is_asked_again() {
    let (report, _) = two_seconds(Breaks::Handshakes);
    assert_eq!(report.connections.opened, 20);
    assert!(report.promises_kept());
}

#[test]
fn the_same_seed_walks_the_same_way_on_every_run() {
    let (_, first) = two_seconds(Breaks::Nothing);
    let (_, second) = two_seconds(Breaks::Nothing);
    assert_eq!(first.track(7).len(), 40);
    for person in 0..20 {
        assert_eq!(first.track(person), second.track(person));
    }
}

#[test]
fn in_an_endless_run_everyone_comes_back_and_a_stop_ends_it() {
    let (report, stub) = in_a_city(async {
        let stub = Stub::start(Breaks::Connections(1_012), RADIUS_M, friends()).await;
        let stop = Stop::default();
        let later = stop.clone();
        tokio::task::spawn_local(async move {
            tokio::time::sleep(Duration::from_secs(3)).await;
            later.set(true);
        });
        let scenario = Scenario { plan: Plan { check: false, ..scenario(&stub, None).plan }, ..scenario(&stub, None) };
        (walked(scenario, &stop).await, stub)
    });
    assert_eq!(report.connections.drops.get(&1_012), Some(&20));
    assert!((0..20).all(|person| stub.track(person).len() > 10));
}

#[test]
fn idle_connections_say_hello_and_stay() {
    let (report, stub) = in_a_city(async {
        let stub = Stub::start(Breaks::Nothing, RADIUS_M, friends()).await;
        let scenario = Scenario { idle: Some(1), ..scenario(&stub, Some((0, 1))) };
        (walked(scenario, &Stop::default()).await, stub)
    });
    assert_eq!((report.connections.opened, report.fixes.sent), (20, 0));
    assert!(report.connections.drops.is_empty() && stub.track(0).is_empty());
}
