//! Starting, stopping, being killed: what survives, and what is said.
use std::time::{Duration, Instant};

use letshang::actors::spatial_index::{Crash, QueryTicks};
use letshang::domain::{Clock, LatLon, UnixMs, UserNo};
use letshang::spatial::world::Live;
use serde_json::{Value, json};

use crate::binary::Place;
use crate::client::{Client, SQUARE, north_of};
use crate::http::call;
use crate::node::{NOON, TestNode};

#[test]
fn on_sigterm_everyone_is_told_when_to_come_back_and_the_process_ends_well() {
    let place = Place::new(&[("server.restart_jitter", "\"10s\"")]);
    let root = place.administrator("root");
    let mut program = place.serve();
    let ids: [String; 40] = std::array::from_fn(|at| format!("user_{at}"));
    let people = program.people(&root, ids.each_ref().map(String::as_str), &[]);
    let mut phones: Vec<_> = people.iter().map(|person| program.connect(person)).collect();
    for phone in &mut phones {
        phone.be_at(SQUARE);
    }
    program.terminate();
    let mut waits = Vec::new();
    for phone in &mut phones {
        let (code, reason) = phone.expect_close();
        let reason: Value = serde_json::from_str(&reason).unwrap();
        assert_eq!(code, 1012);
        waits.push(reason["retry_after_ms"].as_u64().unwrap());
    }
    let (code, took) = program.wait();
    assert_eq!(code, Some(0), "{}", program.log());
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert!(waits.iter().all(|wait| *wait <= 10_000));
    waits.sort_unstable();
    assert!(waits[39] - waits[0] > 1_000, "they do not all come at once: {waits:?}");
    assert!(!program.log().contains("ERROR"), "{}", program.log());

    let program = place.serve();
    let me = program.connect(&people[0]);
    assert_eq!(me.welcome["last_seq"], 1);
}

#[test]
fn a_stopping_node_is_not_ready_and_lets_nobody_in() {
    let node = TestNode::start();
    let [ann] = node.strangers(["ann"]);
    node.node.stopping.begin();
    let ready = node.call("GET", "/ready").send();
    assert_eq!((ready.status, &ready.json()["ready"]), (503, &json!(false)));
    let headers = format!("Authorization: Bearer {}\r\n", ann.token);
    let upgrade = crate::raw_ws::upgrade_request("/v1/ws", &headers);
    let (head, _) = crate::raw_ws::request(node.address, upgrade.as_bytes());
    assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
}

#[test]
fn connections_that_are_gone_leave_no_open_file_and_no_memory() {
    let place = Place::new(&[]);
    let root = place.administrator("root");
    let program = place.serve();
    let [ann] = program.people(&root, ["ann"], &[]);
    let burst = || {
        let phones: Vec<_> = (0..100)
            .map(|n| Client::hello(program.address, &Clock::System, &ann.token, &format!("device {}", n % 25)))
            .collect();
        assert!(program.open_files() > 100);
        drop(phones);
    };
    burst();
    let files = program.open_files();
    let settled = || {
        let metrics = program.call("GET", "/metrics").send().text();
        metrics.lines().any(|line| line == "letshang_connections 0")
    };
    crate::node::until("all are gone", settled);
    let (files, memory) = (files.min(program.open_files()), program.rss_kib());
    for _ in 0..3 {
        burst();
        crate::node::until("all are gone", settled);
    }
    crate::node::until("their files are closed", || program.open_files() <= files + 1);
    let grown = program.rss_kib().saturating_sub(memory);
    assert!(grown < 4_096, "{grown} KiB after 300 connections");
}

#[test]
fn a_second_signal_ends_the_process_at_once() {
    let place = Place::new(&[("server.drain", "\"4s\"")]);
    let mut program = place.serve();
    assert_eq!(program.call("GET", "/ready").ok()["ready"], true);
    program.terminate();
    program.terminate();
    let (code, took) = program.wait();
    assert!(matches!(code, Some(0 | 130)), "{code:?}");
    assert!(took < Duration::from_secs(5));
}

#[test]
fn a_second_process_on_the_folder_is_refused_and_says_why() {
    let place = Place::new(&[]);
    let mut program = place.serve();
    let second = place.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert!(!second.status.success());
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    let line = said.lines().find(|line| line.starts_with("letshang:")).unwrap_or_default();
    assert!(line.contains("in use") || line.contains("another"), "{said}");
    assert!(line.contains(&place.data().display().to_string()), "{said}");
    assert!(program.is_alive());
    program.call("GET", "/health").send();
}

#[test]
fn the_command_line_administrates_a_running_node() {
    let place = Place::new(&[]);
    let root = place.administrator("root");
    let program = place.serve();
    let [ann, bob] = program.people(&root, ["ann", "bob"], &[]);
    let mut phone = program.connect(&ann);
    program.connect(&bob);
    place.run_ok(&["befriend", "ann", "bob"]);
    assert_eq!(phone.expect("presence")["user"], "bob");
    let again = place.run(&["user", "add", "ann"]);
    assert!(!again.status.success());
    assert!(String::from_utf8_lossy(&again.stderr).contains("exists"), "{again:?}");
}

/// What ann was told is stored.
#[derive(Debug, Default, PartialEq)]
struct Promised {
    seq: u64,
    free: bool,
    note: String,
    lat: f64,
    t: i64,
    steps: u64,
}

#[test]
fn everything_acknowledged_is_there_after_kill_9_ten_times_over() {
    let place = Place::new(&[]);
    let root = place.administrator("root");
    let mut program = place.serve();
    let [ann, watcher] = program.people(&root, ["ann", "watcher"], &[(0, 1)]);
    let mut promised = Promised::default();
    let mut made: Vec<String> = Vec::new();
    for round in 0..10_u32 {
        let mut phone = program.connect(&ann);
        let before = Promised {
            seq: phone.welcome["last_seq"].as_u64().unwrap(),
            free: phone.welcome["free"].as_bool().unwrap(),
            note: promised.note.clone(),
            steps: phone.welcome["steps_today"].as_u64().unwrap(),
            ..promised
        };
        assert_eq!(before, promised, "round {round}");
        let seen = program.connect(&watcher).welcome["friends"][0].clone();
        if round > 0 {
            assert_eq!((&seen["lat"], &seen["t"]), (&json!(promised.lat), &json!(promised.t)), "round {round}");
            assert_eq!((&seen["free"], &seen["near"]), (&json!(promised.free), &json!(false)), "round {round}");
            assert_eq!(seen["note"].as_str().unwrap_or_default(), promised.note, "round {round}");
        }
        for id in &made {
            let again = program.call("POST", "/v1/admin/users").bearer(&root.token);
            assert_eq!(again.json(&json!({"users": [{"user": id}]})).send().status, 409, "round {round}: {id}");
        }

        promised.free = round % 2 == 0;
        promised.note = format!("round {round}");
        let ack = phone.tell(json!({"type": "availability", "free": promised.free, "note": promised.note}));
        promised.seq = ack["seq"].as_u64().unwrap();
        for step in 0..(round * 7 % 20 + 1) {
            let at = north_of(SQUARE, f64::from(round * 20 + step));
            promised.lat = at.0;
            promised.steps += 3;
            promised.t = Clock::System.now().0.max(promised.t + 1);
            let fix = json!({"type": "fix", "lat": at.0, "lon": at.1, "t": promised.t, "steps": promised.steps});
            promised.seq = phone.tell(fix)["seq"].as_u64().unwrap();
        }
        let id = format!("made_{round}");
        program.people(&root, [id.as_str()], &[]);
        made.push(id);
        if !promised.free {
            promised.note.clear();
            promised.seq = phone.tell(json!({"type": "availability", "free": false}))["seq"].as_u64().unwrap();
        }
        program.kill();
        program = place.serve();
    }
}

#[test]
fn when_the_disk_is_full_nothing_is_acknowledged_and_when_it_has_room_again_all_goes_on() {
    let place = Place::new(&[]);
    let root = place.administrator("root");
    let program = place.serve();
    let [ann, bob] = program.people(&root, ["ann", "bob"], &[(0, 1)]);
    let (mut ann_phone, mut bob_phone) = (program.connect(&ann), program.connect(&bob));
    ann_phone.be_at(SQUARE);
    program.limit_files(Some(0));
    ann_phone.say(&json!({"type": "availability", "free": true, "seq": 900}));
    assert_eq!(ann_phone.expect_close().0, 4507);
    assert!(ann_phone.held().iter().all(|frame| frame["seq"] != 900), "no ack: {:?}", ann_phone.held());
    let degraded = bob_phone.expect("degraded");
    assert_eq!(degraded["what"], "storage");
    assert!(degraded["since"].is_i64(), "{degraded}");
    let ready = program.call("GET", "/ready").send();
    assert_eq!((ready.status, &ready.json()["storage"]["ok"]), (503, &json!(false)));
    let fix = json!({"lat": SQUARE.0, "lon": SQUARE.1, "t": Clock::System.now().0});
    let refused = call(program.address, "POST", "/v1/fixes").bearer(&ann.token).json(&fix).send();
    assert_eq!((refused.status, refused.refusal().0.as_str()), (503, "unavailable"));
    assert_eq!(refused.header("retry-after"), Some("1"));
    let body = json!({"users": [{"user": "cem"}]});
    let refused = program.call("POST", "/v1/admin/users").bearer(&root.token).json(&body).send();
    assert_eq!(refused.status, 503);

    program.limit_files(None);
    let back = bob_phone.expect("degraded");
    assert_eq!((&back["what"], &back["since"]), (&json!("storage"), &Value::Null));
    assert_eq!(program.call("GET", "/ready").send().status, 200);
    let mut phone = program.connect(&ann);
    phone.be_free(true);
    assert_eq!(program.call("POST", "/v1/admin/users").bearer(&root.token).json(&body).send().status, 200);
    program.kill();
    let program = place.serve();
    assert_eq!(program.connect(&ann).welcome["free"], true);
}

/// Set in the child process of the test below.
const CRASH: &str = "LETSHANG_TEST_CRASH";

#[test]
fn the_process_ends_with_70_when_a_critical_actor_dies() {
    if std::env::var_os(CRASH).is_some() {
        let node = TestNode::start();
        node.node.index.try_send(Crash).unwrap();
        std::thread::sleep(Duration::from_secs(10));
        return;
    }
    let name = "lifecycle::the_process_ends_with_70_when_a_critical_actor_dies";
    let this = std::env::current_exe().unwrap();
    let child = std::process::Command::new(this).args(["--exact", name, "--nocapture"]).env(CRASH, "1").output();
    let child = child.unwrap();
    assert_eq!(child.status.code(), Some(70), "{child:?}");
    let said = String::from_utf8_lossy(&child.stderr).into_owned();
    assert!(said.contains("letshang: the actor SpatialIndex died"), "{said}");
}

#[test]
fn the_index_keeps_its_time_while_it_is_flooded() {
    let node = TestNode::start();
    let [ann] = node.strangers(["ann"]);
    let spatial = &node.node.user.spatial;
    let position = LatLon::new(SQUARE.0, SQUARE.1).unwrap();
    let live = |t: i64| Live { position, t: UnixMs(NOON.0 + t), accuracy: None, speed: None, heading: None };
    let before = node.ask(&node.node.index, QueryTicks);
    let (begin, mut sent) = (Instant::now(), 0_i64);
    while begin.elapsed() < Duration::from_secs(1) {
        // 50,000 a second, in bursts of a millisecond's worth.
        for _ in 0..50 {
            sent += 1;
            spatial.moved(UserNo(ann.no), live(sent));
        }
        let due = Duration::from_millis(sent.unsigned_abs() / 50);
        std::thread::sleep(due.saturating_sub(begin.elapsed()));
    }
    let ticks = node.ask(&node.node.index, QueryTicks) - before;
    assert!(ticks >= 10, "{ticks} of 20 ticks in a second with {sent} facts");
    crate::node::until("all facts are taken", || node.node.user.spatial.is_empty());
}
