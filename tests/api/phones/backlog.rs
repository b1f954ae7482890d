//! What a phone has kept through hours without network: cheap, silent, and nowhere near the present.
use std::io::Write as _;
use std::net::TcpStream;
use std::time::Instant;

use serde_json::{Value, json};

use super::{IOS, basic, phone, view};
use crate::client::{SQUARE, north_of};
use crate::http::read_reply;
use crate::node::{NOON, TestNode};

#[test]
fn a_thousand_old_places_move_nobody_and_alarm_nobody() {
    let node = TestNode::start();
    let [ann, bob] = node.friends(["ann", "bob"]);
    let mut watch = node.connect_as(&ann, "watch");
    let mut friend = node.connect(&bob);
    watch.be_free(true);
    friend.be_free(true);
    // Bob stands where Ann came by hours ago; she herself is far by now, and her watch says so.
    friend.be_at(SQUARE);
    let now_at = north_of(SQUARE, 40_000.0);
    watch.be_at(now_at);
    watch.say(&json!({"type": "map", "open": true}));
    watch.heard();
    friend.heard();
    let phone = phone(&node, &ann, "owntracks", IOS);
    let authorization = basic("ann", &phone.token);
    let begin = Instant::now();
    let mut stream = TcpStream::connect(node.address).unwrap();
    stream.set_nodelay(true).unwrap();
    for at in 0..1_000_i64 {
        let tst = NOON.0 / 1_000 - 8 * 3_600 + at * 28;
        let (lat, lon) = north_of(SQUARE, (at as f64 - 500.0) * 20.0);
        let body = format!(r#"{{"_type":"location","lat":{lat},"lon":{lon},"tst":{tst},"acc":9,"tid":"an"}}"#);
        let head = format!(
            "POST /owntracks HTTP/1.1\r\nHost: {}\r\nAuthorization: {authorization}\r\nUser-Agent: {IOS}\r\nContent-Length: {}\r\n\r\n",
            node.address,
            body.len()
        );
        stream.write_all((head + &body).as_bytes()).unwrap();
        let reply = read_reply(&mut stream).unwrap();
        assert_eq!((reply.status, reply.text().as_str()), (200, "[]"), "point {at}");
    }
    println!("1,000 points one by one: {:?}", begin.elapsed());
    let own = view(&node, &ann).own.unwrap();
    assert_eq!((own.position.lat(), own.t), (now_at.0, NOON), "the watch's place is the newest");
    let news = |heard: Vec<Value>| heard.into_iter().filter(|frame| frame["type"] != "steps").collect::<Vec<_>>();
    assert_eq!(news(watch.heard()), Vec::<Value>::new(), "her own steps alone: the walk belongs to her day");
    assert_eq!(news(friend.heard()), Vec::<Value>::new(), "nobody hears of anything");
    let status = phone.status(&node);
    assert_eq!((&status["accepted"], &status["dropped"]["late"]), (&json!(0), &json!(1_000)));
    // And then the present.
    let array = phone.is_at(&node, now_at, -1);
    assert_eq!(super::of_kind(&array, "card").len(), 2);
}

#[test]
fn where_overland_is_now_counts_before_what_it_still_has_to_send_and_is_not_walked() {
    let node = TestNode::start();
    let [ann] = node.strangers(["ann"]);
    let phone = phone(&node, &ann, "overland", "");
    let feature = |north: f64, ago: i64| {
        let (lat, lon) = north_of(SQUARE, north);
        let at = jiff::Timestamp::from_millisecond(NOON.0 - ago * 1_000).unwrap();
        json!({"type": "Feature", "geometry": {"type": "Point", "coordinates": [lon, lat]},
            "properties": {"timestamp": at.to_string(), "horizontal_accuracy": 5, "speed": -1}})
    };
    let send = |body: Value| node.call("POST", "/overland").bearer(&phone.token).json(&body).ok();
    // An hour's walk of 100 points, the first half with where the phone is now.
    let walk: Vec<_> = (0..100).map(|at| feature(f64::from(at) * 14.0, 3_600 - i64::from(at) * 10)).collect();
    let now = feature(1_400.0, 5);
    assert_eq!(send(json!({"locations": walk[..50], "current": now}))["result"], "ok");
    assert_eq!(view(&node, &ann).own.unwrap().t.0, NOON.0 - 5_000);
    let half = node.call_as(&ann, "GET", "/v1/steps").ok()["today"].as_u64().unwrap();
    assert_eq!(send(json!({"locations": walk[50..]}))["result"], "ok");
    let whole = node.call_as(&ann, "GET", "/v1/steps").ok()["today"].as_u64().unwrap();
    assert_eq!(view(&node, &ann).own.unwrap().t.0, NOON.0 - 5_000, "the second half is late");
    let expected = 99.0 * 14.0 / 0.762;
    println!("{half} steps, then {whole}; walked: {expected}");
    assert!((whole as f64) < expected * 1.15, "{whole} of {expected}");
}

#[test]
fn too_many_at_once_are_answered_well_and_dropped_and_the_next_good_one_counts() {
    let node = TestNode::with(&[("limits.requests_per_second", "1"), ("limits.request_burst", "5")]);
    let [ann] = node.strangers(["ann"]);
    let phone = phone(&node, &ann, "traccar", "");
    let path = format!("/t/{}", phone.token);
    let s = NOON.0 / 1_000;
    for at in 0..30 {
        let body = format!("id=ann&lat={}&lon={}&timestamp={}", SQUARE.0, SQUARE.1, s - 60 + at);
        assert_eq!(node.call("POST", &path).body(body).send().status, 200, "{at}");
    }
    std::thread::sleep(std::time::Duration::from_millis(1_200));
    let body = format!("id=ann&lat={}&lon={}&timestamp={s}", SQUARE.0, SQUARE.1);
    assert_eq!(node.call("POST", &path).body(body).send().status, 200);
    assert_eq!(view(&node, &ann).own.unwrap().t, NOON);
    std::thread::sleep(std::time::Duration::from_millis(1_200));
    let status = phone.status(&node);
    let (accepted, dropped) = (status["accepted"].as_u64().unwrap(), status["dropped"]["too_often"].as_u64().unwrap());
    assert!(accepted >= 4 && dropped >= 20 && accepted + dropped == 31, "{status}");
    let metrics = node.call("GET", "/metrics").send().text();
    let line = format!("letshang_phone_points_total{{app=\"traccar\",outcome=\"too_often\"}} {dropped}");
    assert!(metrics.contains(&line), "{metrics}");
}
