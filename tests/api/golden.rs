//! Golden frames: what the real encoder writes, kept as files that the web page's tests read too. After a change of the
//! protocol that is meant, `LETSHANG_BLESS=1 cargo test --test api golden` writes them anew.
use std::path::{Path, PathBuf};

use bytes::Bytes;
use letshang::domain::{Availability, Code, LatLon, Note, Precision, Refusal, UnixMs, UserId, UserNo};
use letshang::protocol::client::RequestId;
use letshang::protocol::crowd::{Cell, Crowd, Items, Point};
use letshang::protocol::moved;
use letshang::protocol::server::{self, Friend, Limits, NearbyFriend, Place, Rejected, ServerFrame};
use letshang::spatial::world::{Live, Reason};

const T: i64 = 1_805_112_000_000;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/frames")
}

fn friend(user: &str, name: &str) -> Friend {
    Friend {
        user: user.to_owned(),
        name: name.to_owned(),
        online: false,
        free: false,
        note: None,
        until: None,
        near: false,
        place: None,
    }
}

fn welcome() -> String {
    let friends = vec![
        Friend {
            online: true,
            free: true,
            note: Some("coffee?".to_owned()),
            until: Some(T + 3_600_000),
            near: true,
            place: Some(Place { lat: 52.520_8, lon: 13.405_4, t: T - 2_000, acc: Some(4.5), approximate: false }),
            ..friend("bob", "Bob <b>\u{1f44b}</b>")
        },
        friend("cem", "Cem"),
    ];
    let frame = ServerFrame::Welcome {
        user: "ann",
        name: "Ann",
        server_time: T,
        free: true,
        steps_today: 1_234,
        last_seq: 42,
        limits: Limits { frame_bytes: 16_384, fixes_per_frame: 100, frames_per_second: 100 },
        friends,
    };
    frame.encode().to_string()
}

fn moved() -> String {
    let place = |lat, lon| LatLon::new(lat, lon).unwrap();
    let still =
        Live { position: place(-33.856_8, 151.215_3), t: UnixMs(T), accuracy: None, speed: None, heading: None };
    let walking = Live {
        position: place(52.520_8, 13.405_4),
        accuracy: Some(4.5),
        speed: Some(1.4),
        heading: Some(270.0),
        ..still
    };
    let (bob, cem) = (UserId::parse("bob", "user").unwrap(), UserId::parse("cem", "user").unwrap());
    let mut out = Vec::new();
    moved::encode([(&bob, &walking, Precision::Exact), (&cem, &still, Precision::Approximate)], &mut out);
    String::from_utf8(out).unwrap()
}

fn nearby() -> String {
    let row = |user: &str, distance: f64, note: Option<&str>| NearbyFriend {
        user: user.to_owned(),
        name: user.to_uppercase(),
        distance,
        free: note.is_some(),
        note: note.map(str::to_owned),
        t: T,
        lat: 52.520_8,
        lon: 13.405_4,
        approximate: note.is_none(),
    };
    let friends = [row("bob", 10.0, Some("coffee?")), row("cem", 460.0, None)];
    ServerFrame::Nearby { id: Some(&RequestId::Text("7".into())), friends: &friends }.encode().to_string()
}

fn friendship(state: &'static str) -> String {
    let bob = friend("bob", "Bob");
    let friend = (state == "friends").then_some(&bob);
    ServerFrame::Friendship { user: "bob", state, friend }.encode().to_string()
}

fn texts() -> Vec<(&'static str, String)> {
    let set = Availability { free: true, note: Some(Note::parse("coffee?").unwrap()), until: Some(UnixMs(T)) };
    let frame = |frame: ServerFrame<'_>| frame.encode().to_string();
    let rejected = [Rejected { index: 3, code: Code::OutOfRange }, Rejected { index: 7, code: Code::TooOld }];
    let refusal = Refusal::of_field(Code::OutOfRange, "lat", "lat must be -90 to 90 degrees");
    let mut ack = Vec::new();
    moved::encode_ack(42, &mut ack);
    let mut rows = vec![
        ("welcome", welcome()),
        ("ack", String::from_utf8(ack).unwrap()),
        ("friendship-friends", friendship("friends")),
        ("friendship-ended", friendship("ended")),
        ("ack-rejected", frame(ServerFrame::Ack { seq: 42, rejected: &rejected })),
        ("moved", moved()),
        ("presence", server::presence("bob", true, &set).to_string()),
        ("presence-offline", server::presence("bob", false, &Availability::default()).to_string()),
        ("near", frame(ServerFrame::Near { user: "bob", distance: 310.0, free: true, note: Some("coffee?"), t: T })),
        ("nearby", nearby()),
        ("quiet", frame(ServerFrame::Quiet { radius: 441.0, until: T + 1_800_000 })),
        ("quiet-probe", frame(ServerFrame::Quiet { radius: 0.0, until: T + 30_000 })),
        ("steps", frame(ServerFrame::Steps { today: 1_234 })),
        ("pong", frame(ServerFrame::Pong { id: Some(&RequestId::Number(7)), server_time: T })),
        ("pong-plain", frame(ServerFrame::Pong { id: None, server_time: T })),
        ("degraded", frame(ServerFrame::Degraded { what: "storage", since: Some(T) })),
        ("degraded-over", frame(ServerFrame::Degraded { what: "storage", since: None })),
        ("error", server::error(&refusal, Some(42)).to_string()),
        ("error-plain", server::error(&Refusal::new(Code::BadJson, "not readable as JSON"), None).to_string()),
    ];
    for (name, reason) in [
        ("apart-left", Reason::Left),
        ("apart-busy", Reason::Busy),
        ("apart-stale", Reason::Stale),
        ("apart-hidden", Reason::Hidden),
        ("apart-unfriended", Reason::Unfriended),
    ] {
        rows.push((name, frame(ServerFrame::Apart { user: "bob", t: T, reason: server::reason(reason) })));
    }
    rows
}

fn crowds() -> Vec<(&'static str, Bytes)> {
    let point = |no: u32, lat: f64, lon: f64| Point {
        no: UserNo(no),
        lat,
        lon,
        age_s: 0,
        free: false,
        online: false,
        stale: false,
        near: false,
        accuracy: None,
    };
    let points = vec![
        Point { free: true, online: true, near: true, accuracy: Some(5.0), ..point(1, 52.520_8, 13.405_4) },
        Point { online: true, near: true, age_s: 42, accuracy: Some(300.0), ..point(2, 52.521, 13.406) },
        Point { stale: true, age_s: u16::MAX, ..point(70_000, -89.999_999_9, -180.0) },
    ];
    let cells = vec![
        Cell { lat: 52.5, lon: 13.5, people: 6_000, free: 1_200 },
        Cell { lat: -0.5, lon: 179.5, people: 1, free: 0 },
    ];
    let crowd = |items, pairs| Crowd { server_time: T, items, pairs, online: 5_000, free: 1_201 }.encode();
    vec![
        ("crowd-points", crowd(Items::Points(points), vec![(UserNo(1), UserNo(2))])),
        ("crowd-cells", crowd(Items::Cells(cells), vec![])),
        ("crowd-empty", crowd(Items::Points(vec![]), vec![])),
    ]
}

fn compare(file: &str, written: &[u8], differ: &mut Vec<String>) {
    let path = folder().join(file);
    if std::env::var_os("LETSHANG_BLESS").is_some() {
        std::fs::create_dir_all(folder()).unwrap();
        std::fs::write(&path, written).unwrap();
    }
    if std::fs::read(&path).ok().as_deref() != Some(written) {
        differ.push(file.to_owned());
    }
}

#[test]
fn golden_frames_are_what_the_encoder_writes() {
    let mut differ = Vec::new();
    let mut names = Vec::new();
    for (name, text) in texts() {
        let file = format!("{name}.json");
        compare(&file, format!("{text}\n").as_bytes(), &mut differ);
        names.push(file);
    }
    for (name, bytes) in crowds() {
        let file = format!("{name}.bin");
        compare(&file, &bytes, &mut differ);
        names.push(file);
    }
    assert!(differ.is_empty(), "meant? then LETSHANG_BLESS=1 cargo test --test api golden: {differ:?}");
    let files = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let strangers: Vec<_> = files.filter(|file| !names.contains(file)).collect();
    assert!(strangers.is_empty(), "nobody writes these: {strangers:?}");
}

/// Every kind of frame, found out by the compiler: a new one does not build until it has its golden file.
fn file_of(frame: &ServerFrame<'_>) -> &'static str {
    match frame {
        ServerFrame::Welcome { .. } => "welcome",
        ServerFrame::Ack { .. } => "ack",
        ServerFrame::Presence { .. } => "presence",
        ServerFrame::Near { .. } => "near",
        ServerFrame::Apart { .. } => "apart-left",
        ServerFrame::Nearby { .. } => "nearby",
        ServerFrame::Friendship { .. } => "friendship-friends",
        ServerFrame::Quiet { .. } => "quiet",
        ServerFrame::Steps { .. } => "steps",
        ServerFrame::Pong { .. } => "pong",
        ServerFrame::Degraded { .. } => "degraded",
        ServerFrame::Error { .. } => "error",
    }
}

#[test]
fn every_golden_frame_is_an_object_of_its_own_type() {
    let steps = file_of(&ServerFrame::Steps { today: 0 });
    assert!(texts().iter().any(|(name, _)| *name == steps));
    for (name, text) in texts() {
        let frame: serde_json::Value = serde_json::from_str(&text).unwrap();
        let kind = frame["type"].as_str().unwrap();
        assert!(name == kind || name.starts_with(&format!("{kind}-")), "{name} holds a {kind}");
    }
}

#[test]
fn what_a_real_node_sends_has_the_fields_of_the_golden_frames() {
    use crate::client::SQUARE;
    let node = crate::node::TestNode::start();
    let [ann, bob] = node.friends(["ann", "bob"]);
    let (mut ann, mut bob) = (node.connect(&ann), node.connect(&bob));
    let golden = |kind: &str| -> serde_json::Value {
        serde_json::from_str(&texts().into_iter().find(|(name, _)| *name == kind).unwrap().1).unwrap()
    };
    let names = |frame: &serde_json::Value| {
        let names = frame.as_object().unwrap().keys().cloned();
        names.collect::<std::collections::BTreeSet<String>>()
    };
    assert_eq!(names(&ann.welcome), names(&golden("welcome")));
    let note = serde_json::json!({"type": "availability", "free": true, "note": "x", "until": T + 60_000});
    for phone in [&mut ann, &mut bob] {
        phone.tell(note.clone());
        phone.be_at(SQUARE);
    }
    ann.heard();
    assert_eq!(names(&bob.expect("near")), names(&golden("near")));
    assert_eq!(names(&bob.expect("presence")), names(&golden("presence")));
    bob.be_free(false);
    assert_eq!(names(&bob.expect("apart")), names(&golden("apart-left")));
    bob.say(&serde_json::json!({"type": "ping", "id": 7}));
    assert_eq!(names(&bob.expect("pong")), names(&golden("pong")));
}
