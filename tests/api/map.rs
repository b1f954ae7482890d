//! Looking around: the open map, friends nearby, the administrator's crowd.
use std::time::{Duration, Instant};

use serde_json::json;

use crate::client::{Client, SQUARE, north_of};
use crate::node::{NOON, TestNode};
use crate::raw_ws::Received;

#[test]
fn movements_are_sent_only_while_the_map_is_open() {
    let node = TestNode::start();
    let [ann, bob] = node.friends(["ann", "bob"]);
    let (mut ann, mut bob) = (node.connect(&ann), node.connect(&bob));
    bob.be_at(SQUARE);
    ann.heard();
    node.pass(1_000);
    assert!(ann.heard().is_empty(), "no map, no movements");

    ann.say(&json!({"type": "map", "open": true}));
    let moved = ann.expect("moved");
    let expected = json!([{"user": "bob", "lat": SQUARE.0, "lon": SQUARE.1, "t": NOON.0, "acc": 5.0}]);
    assert_eq!(moved["friends"], expected, "what is known comes at once");
    let next = north_of(SQUARE, 20.0);
    bob.tell(json!({"type": "fix", "lat": next.0, "lon": next.1, "t": NOON.0 + 1_000, "speed": 1.5, "heading": 90}));
    let expected =
        json!([{"user": "bob", "lat": next.0, "lon": next.1, "t": NOON.0 + 1_000, "speed": 1.5, "heading": 90.0}]);
    assert_eq!(ann.expect("moved")["friends"], expected);

    ann.say(&json!({"type": "map", "open": false}));
    ann.heard();
    node.pass(1_000);
    bob.be_at(north_of(SQUARE, 40.0));
    node.pass(1_000);
    assert!(ann.heard().is_empty());
}

#[test]
fn many_movements_become_one_frame_an_interval_and_the_newest_wins() {
    let node = TestNode::with(&[("push.moved", "\"250ms\"")]);
    let [ann, bob] = node.friends(["ann", "bob"]);
    let (mut ann, mut bob) = (node.connect(&ann), node.connect(&bob));
    ann.say(&json!({"type": "map", "open": true}));
    ann.heard();
    let begin = Instant::now();
    let mut last = SQUARE;
    for step in 0..60 {
        last = north_of(SQUARE, f64::from(step));
        bob.be_at(last);
        std::thread::sleep(Duration::from_millis(10));
    }
    let mut frames = 0;
    loop {
        let moved = ann.expect("moved");
        frames += 1;
        assert_eq!(moved["friends"].as_array().unwrap().len(), 1);
        if moved["friends"][0]["lat"] == json!(last.0) {
            break;
        }
    }
    let most = begin.elapsed().as_millis() / 250 + 2;
    assert!((2..=most).contains(&frames), "{frames} frames, at most {most} in {:?}", begin.elapsed());
}

#[test]
fn a_late_fix_a_coarse_one_and_a_jump_move_nobody() {
    let node = TestNode::start();
    let [ann, bob] = node.friends(["ann", "bob"]);
    let (mut ann, mut bob) = (node.connect(&ann), node.connect(&bob));
    bob.be_at(SQUARE);
    ann.say(&json!({"type": "map", "open": true}));
    ann.expect("moved");
    let fix = |metres: f64, t: i64, acc: f64| {
        let at = north_of(SQUARE, metres);
        json!({"type": "fix", "lat": at.0, "lon": at.1, "t": NOON.0 + t, "acc": acc})
    };
    bob.tell(fix(50.0, -5_000, 5.0));
    bob.tell(fix(50.0, 0, 5.0));
    bob.tell(fix(60.0, 1_000, 201.0));
    bob.tell(fix(5_000.0, 2_000, 5.0));
    node.pass(3_000);
    assert!(ann.heard().iter().all(|frame| frame["type"] != "moved"), "late, known, coarse, a jump");
    bob.tell(fix(5_001.0, 3_000, 5.0));
    let moved = ann.expect("moved");
    assert_eq!(moved["friends"][0]["t"], NOON.0 + 3_000, "the next fix confirms the jump");
}

#[test]
fn null_island_and_a_stale_friend_are_not_on_the_map() {
    let node = TestNode::start();
    let [ann, bob, cem] = node.friends(["ann", "bob", "cem"]);
    let (mut ann, mut bob, mut cem) = (node.connect(&ann), node.connect(&bob), node.connect(&cem));
    bob.be_at((0.0, 0.0));
    cem.be_at(SQUARE);
    node.pass(601_000);
    ann.be_at(SQUARE);
    ann.say(&json!({"type": "map", "open": true}));
    ann.say(&json!({"type": "nearby", "id": "all", "radius": 50_000}));
    assert_eq!(ann.expect("nearby")["friends"], json!([]));
    assert!(ann.heard().iter().all(|frame| frame["type"] != "moved"));
}

#[test]
fn nearby_is_sorted_bounded_and_can_leave_out_the_busy() {
    let node = TestNode::start();
    let [ann, bob, cem, dan, eve] = node.people(["ann", "bob", "cem", "dan", "eve"], &[(0, 1), (0, 2), (0, 3)]);
    let mut ann_phone = node.connect(&ann);
    ann_phone.be_at(SQUARE);
    for (person, metres, free) in [(&bob, 400.0, true), (&cem, 100.0, false), (&dan, 900.0, true), (&eve, 1.0, true)] {
        let mut phone = node.connect(person);
        phone.be_at(north_of(SQUARE, metres));
        phone.tell(json!({"type": "availability", "free": free, "note": "hi"}));
    }
    let mut ask = |question: &str| {
        let mut frame: serde_json::Value = serde_json::from_str(question).unwrap();
        frame["type"] = "nearby".into();
        frame["id"] = 7.into();
        ann_phone.say(&frame);
        let reply = ann_phone.expect("nearby");
        assert_eq!(reply["id"], 7);
        let row = |row: &serde_json::Value| format!("{} {}", row["user"].as_str().unwrap(), row["distance"]);
        reply["friends"].as_array().unwrap().iter().map(row).collect::<Vec<_>>()
    };
    assert_eq!(ask("{}"), ["cem 100.0", "bob 400.0"], "within the own radius of 500 m");
    assert_eq!(ask(r#"{"radius": 50000}"#), ["cem 100.0", "bob 400.0", "dan 900.0"]);
    assert_eq!(ask(r#"{"radius": 50000, "limit": 1}"#), ["cem 100.0"]);
    assert_eq!(ask(r#"{"radius": 50000, "free_only": true}"#), ["bob 400.0", "dan 900.0"]);
    assert_eq!(ask(r#"{"radius": 99}"#), Vec::<String>::new());

    let reply = node.call_as(&ann, "GET", "/v1/nearby?radius=50000&limit=1&free_only=true").ok();
    let at = north_of(SQUARE, 400.0);
    let expected = json!([{"user": "bob", "name": "bob", "distance": 400.0, "free": true, "note": "hi", "t": NOON.0,
        "lat": at.0, "lon": at.1}]);
    assert_eq!(reply["friends"], expected);
}

/// A crowd frame, decoded by hand as a dashboard does.
#[derive(Debug, PartialEq)]
struct Decoded {
    kind: u8,
    server_time: f64,
    online: u32,
    free: u32,
    items: Vec<[u8; 16]>,
    pairs: Vec<(u32, u32)>,
}

fn decode(bytes: &[u8]) -> Decoded {
    let u32_at = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    assert_eq!((&bytes[..4], &bytes[5..8]), (&b"LHC1"[..], &[0, 0, 0][..]));
    let (items, pairs) = (u32_at(16) as usize, u32_at(20) as usize);
    assert_eq!(bytes.len(), 32 + items * 16 + pairs * 8);
    let pair = |at: usize| (u32_at(32 + items * 16 + at * 8), u32_at(36 + items * 16 + at * 8));
    Decoded {
        kind: bytes[4],
        server_time: f64::from_le_bytes(bytes[8..16].try_into().unwrap()),
        online: u32_at(24),
        free: u32_at(28),
        items: (0..items).map(|at| bytes[32 + at * 16..48 + at * 16].try_into().unwrap()).collect(),
        pairs: (0..pairs).map(pair).collect(),
    }
}

fn next_crowd(client: &mut Client) -> Decoded {
    loop {
        match client.raw.read() {
            Received::Binary(bytes) => return decode(&bytes),
            Received::Text(_) | Received::Ping(_) => {}
            other => panic!("instead of a crowd frame: {other:?}"),
        }
    }
}

#[test]
fn the_administrator_sees_everyone_in_view_and_the_pairs_that_are_near() {
    let node = TestNode::start();
    let root = node.administrator("root");
    let [ann, bob, cem] = node.people(["ann", "bob", "cem"], &[(0, 1)]);
    let (mut ann_phone, mut bob_phone) = (node.connect(&ann), node.connect(&bob));
    for (phone, place) in [(&mut ann_phone, SQUARE), (&mut bob_phone, north_of(SQUARE, 100.0))] {
        phone.be_free(true);
        phone.be_at(place);
    }
    node.connect(&cem).be_at((0.0, 90.0));
    let mut desk = node.connect(&root);
    desk.say(&json!({"type": "view", "bbox": [13.0, 52.0, 14.0, 53.0], "zoom": 14}));
    let mut crowd = next_crowd(&mut desk);
    #[expect(clippy::cast_precision_loss, reason = "exact for 285,000 years")]
    let now = NOON.0 as f64;
    assert_eq!((crowd.kind, crowd.server_time, crowd.free), (0, now, 2));
    assert_eq!(crowd.online, 4, "cem lingers, root looks");
    assert_eq!(crowd.pairs, [(ann.no, bob.no)]);
    crowd.items.sort();
    let expect = |no: u32, at: (f64, f64)| {
        let mut item = [0; 16];
        item[..4].copy_from_slice(&no.to_le_bytes());
        #[expect(clippy::cast_possible_truncation, reason = "degrees times 1e7 fit")]
        let e7 = |degrees: f64| ((degrees * 1e7).round() as i32).to_le_bytes();
        item[4..8].copy_from_slice(&e7(at.0));
        item[8..12].copy_from_slice(&e7(at.1));
        // Age 0 s; free, online and near; accurate to 5 m.
        item[14..].copy_from_slice(&[1 | 2 | 8, 5]);
        item
    };
    assert_eq!(crowd.items, [expect(ann.no, SQUARE), expect(bob.no, north_of(SQUARE, 100.0))]);

    desk.say(&json!({"type": "view", "bbox": [89.0, -1.0, 91.0, 1.0], "zoom": 14}));
    let begin = Instant::now();
    while next_crowd(&mut desk).items.first().is_none_or(|item| item[..4] != cem.no.to_le_bytes()) {
        assert!(begin.elapsed() < Duration::from_secs(5), "the new view replaces the old one");
    }
    let names = node.call_as(&root, "GET", &format!("/v1/admin/people?index={},999", cem.no)).ok();
    assert_eq!(names, json!({"people": [{"index": cem.no, "user": "cem", "name": "cem"}]}));
}

#[test]
fn a_crowd_keeps_coming_and_shows_positions_grow_old() {
    let node = TestNode::start();
    let root = node.administrator("root");
    let [ann] = node.strangers(["ann"]);
    node.connect(&ann).be_at(SQUARE);
    let mut desk = node.connect(&root);
    desk.say(&json!({"type": "view", "bbox": [-180, -90, 180, 90], "zoom": 0}));
    assert_eq!(next_crowd(&mut desk).items.len(), 1);
    node.clock.advance(700_000);
    let begin = Instant::now();
    loop {
        let item = next_crowd(&mut desk).items[0];
        let (age, flags) = (u16::from_le_bytes([item[12], item[13]]), item[14]);
        if (age, flags & 4) == (700, 4) {
            break;
        }
        assert!(begin.elapsed() < Duration::from_secs(5), "age {age}, flags {flags}");
    }
}

#[test]
fn the_crowd_is_the_administrators_alone() {
    let node = TestNode::start();
    let [ann, _bob] = node.friends(["ann", "bob"]);
    let mut ann = node.connect(&ann);
    ann.say(&json!({"type": "view", "bbox": [-180, -90, 180, 90], "zoom": 0}));
    let error = ann.expect("error");
    assert_eq!(error["code"], "forbidden");
    ann.heard();
}

#[test]
fn a_wide_view_of_many_people_is_counted_by_cells_and_a_close_one_is_not() {
    use letshang::domain::{LatLon, UnixMs, UserId, UserNo};
    use letshang::spatial::world::Live;
    use letshang::store::accounts::NewUser;
    let node = TestNode::start();
    let root = node.administrator("root");
    let ids = (0..6_000).map(|n| NewUser::named(UserId::parse(&format!("user_{n}"), "user").unwrap()));
    let made = node.node.people.create(&ids.collect::<Vec<_>>(), &[], None).unwrap();
    for (n, person) in (0_u32..).zip(&made) {
        let position = LatLon::new(52.0 + f64::from(n % 100) * 0.01, 13.0 + f64::from(n / 100) * 0.01).unwrap();
        let live = Live { position, t: UnixMs(NOON.0), accuracy: None, speed: None, heading: None };
        node.node.user.spatial.moved(UserNo(person.account.no.0), live);
    }
    let mut desk = node.connect(&root);
    let view = |zoom: u32| json!({"type": "view", "bbox": [12.9, 51.9, 14.1, 53.1], "zoom": zoom});
    desk.say(&view(8));
    let cells = next_crowd(&mut desk);
    assert_eq!(cells.kind, 1);
    assert!((100..=1_681).contains(&cells.items.len()), "{} cells", cells.items.len());
    let people: u32 = cells.items.iter().map(|cell| u32::from_le_bytes(cell[8..12].try_into().unwrap())).sum();
    assert_eq!(people, 6_000, "everyone is in one cell");
    desk.say(&view(11));
    let begin = Instant::now();
    while next_crowd(&mut desk).items.len() != 6_000 {
        assert!(begin.elapsed() < Duration::from_secs(5), "close up everyone is shown");
    }
}
