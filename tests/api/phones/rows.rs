//! Bad and odd requests of phones (security.md, 5.4, rows O, A and L), and that the next good one works.
//!
//! Where that table asks for 400 or 404 (A2), the founding promise holds: a well-authenticated phone is never refused for
//! what it says.
use serde_json::json;

use super::{IOS, basic, phone, view};
use crate::client::SQUARE;
use crate::http::Call;
use crate::node::{NOON, TestNode};

/// What must come of a request.
#[derive(Clone, Copy, PartialEq)]
enum Want {
    /// 200, an array.
    Array,
    /// 200 and nothing.
    Empty,
    /// 200 and `ok`.
    Ok,
    /// This status.
    Status(u16),
}
use Want::{Array, Empty, Ok, Status};

/// The reason under which it is counted, if it is.
type Why = Option<&'static str>;

struct Row {
    name: &'static str,
    /// Method and path; `T` is the token.
    call: &'static str,
    body: String,
    want: Want,
    why: Why,
}

fn row(name: &'static str, call: &'static str, body: impl Into<String>, want: Want, why: Why) -> Row {
    Row { name, call, body: body.into(), want, why }
}

fn feature(properties: &str, geometry: &str) -> String {
    format!(r#"{{"type":"Feature","geometry":{geometry},"properties":{properties}}}"#)
}

fn rows(s: i64) -> Vec<Row> {
    let own = |body: &str| body.replace("NOW", &s.to_string());
    let point = r#"{"type":"Point","coordinates":[13.405,52.52]}"#;
    let good = feature(r#"{"timestamp":"2027-03-15T11:59:00Z"}"#, point);
    let batch = |features: &str| format!(r#"{{"locations":[{features}]}}"#);
    let of = |properties: &str| batch(&feature(properties, point));
    let thousand = vec![good.clone(); 1_000].join(",");
    vec![
        row("O1 a number", "POST /owntracks", own(r#"{"_type":7,"lat":1,"lon":2,"tst":NOW}"#), Array, Some("odd")),
        row("O1 nothing", "POST /owntracks", own(r#"{"lat":1,"lon":2,"tst":NOW}"#), Array, Some("odd")),
        row("O1 unknown", "POST /owntracks", own(r#"{"_type":"teleport","lat":1,"lon":2,"tst":NOW}"#), Array, None),
        row("O1 empty", "POST /owntracks", "", Array, None),
        row("O1 no JSON", "POST /owntracks", "hello", Array, Some("odd")),
        row("O1 broken", "POST /pub", r#"{"_type":"location","lat":"#, Array, Some("odd")),
        row("O1 deep", "POST /pub", "[".repeat(100_000), Array, Some("odd")),
        row("O1 not UTF-8", "POST /pub", "{\"_type\":\"location\",\"desc\":\"\u{0}\"}", Array, Some("odd")),
        row("O3 tst 0", "POST /owntracks", r#"{"_type":"location","lat":1,"lon":2,"tst":0}"#, Array, Some("too_old")),
        row(
            "O3 future",
            "POST /owntracks",
            format!(r#"{{"_type":"location","lat":1,"lon":2,"tst":{}}}"#, s + 4_000),
            Array,
            Some("future"),
        ),
        row(
            "O3 tst text",
            "POST /owntracks",
            own(r#"{"_type":"location","lat":1,"lon":2,"tst":"NOW"}"#),
            Array,
            Some("odd"),
        ),
        row(
            "O3 lat text",
            "POST /owntracks",
            own(r#"{"_type":"location","lat":"1","lon":2,"tst":NOW}"#),
            Array,
            Some("odd"),
        ),
        row("O3 encrypted", "POST /owntracks", r#"{"_type":"encrypted","data":"AAAA"}"#, Array, None),
        row(
            "O3 outside",
            "POST /owntracks",
            own(r#"{"_type":"location","lat":91,"lon":2,"tst":NOW}"#),
            Array,
            Some("odd"),
        ),
        row(
            "O3 nowhere",
            "POST /owntracks",
            own(r#"{"_type":"location","lat":0,"lon":0,"tst":NOW}"#),
            Array,
            Some("odd"),
        ),
        row("A1 seconds", "GET /t/T?id=x&lat=1&lon=2&timestamp=1443811887", "", Empty, Some("too_old")),
        row("A1 ms", "GET /t/T?id=x&lat=1&lon=2&timestamp=1443811887000", "", Empty, Some("too_old")),
        row("A1 ISO", "GET /t/T?id=x&lat=1&lon=2&timestamp=2015-10-02T18:51:27Z", "", Empty, Some("too_old")),
        row("A1 date", "GET /t/T?id=x&lat=1&lon=2&timestamp=2014-06-04+09:10:11", "", Empty, Some("too_old")),
        row("A2 NaN", "GET /t/T?id=x&lat=NaN&lon=2", "", Empty, Some("odd")),
        row("A2 1e400", "GET /t/T?id=x&lat=1e400&lon=2", "", Empty, Some("odd")),
        row("A2 two lat", "GET /t/T?id=x&lat=1&lat=2&lon=3", "", Empty, Some("odd")),
        row("A2 location=1", "GET /t/T?id=x&location=1", "", Empty, Some("odd")),
        row("A2 location=a,b", "GET /t/T?id=x&location=a,b", "", Empty, Some("odd")),
        row("A2 no id", "GET /t/T?lat=91&lon=2", "", Empty, Some("odd")),
        row("A2 no known id", "GET /t/T?id=somebody-else&lat=91&lon=2", "", Empty, Some("odd")),
        row("A2 nothing", "GET /t/T", "", Empty, None),
        row("A3 HEAD", "HEAD /t/T?lat=1&lon=2", "", Status(405), None),
        row("A3 HEAD", "HEAD /gpslogger/T?lat=1&lon=2", "", Status(405), None),
        row(
            "A4 unknown",
            "POST /t/T",
            r#"{"location":{"timestamp":"2015-10-02T18:51:27Z","coords":{"latitude":1,"longitude":2,"speed":-1,"heading":-1},"battery":{"level":-1}}}"#,
            Empty,
            Some("too_old"),
        ),
        row("A form of noise", "POST /t/T", "%ff=%00&&&===&lat&lon", Empty, None),
        row("A JSON broken", "POST /t/T", "{\"location\":", Empty, Some("odd")),
        row("L1 none", "POST /overland", batch(""), Ok, None),
        row("L1 a thousand", "POST /overland", batch(&thousand), Ok, Some("late")),
        row("L1 one bad", "POST /overland", batch(&format!("{good},7")), Ok, Some("odd")),
        row("L1 no GeoJSON", "POST /overland", r#"{"hello":1}"#, Ok, Some("odd")),
        row("L1 no JSON", "POST /overland", "hello", Ok, Some("odd")),
        row(
            "L1 swapped",
            "POST /overland",
            batch(&feature(
                r#"{"timestamp":"2027-03-15T11:59:00Z"}"#,
                r#"{"type":"Point","coordinates":[52.52,113.405]}"#,
            )),
            Ok,
            Some("odd"),
        ),
        row(
            "L1 polygon",
            "POST /overland",
            batch(&feature(r#"{"timestamp":"2027-03-15T11:59:00Z"}"#, r#"{"type":"Polygon","coordinates":[[[1,2]]]}"#)),
            Ok,
            Some("odd"),
        ),
        row("L2 no zone", "POST /overland", of(r#"{"timestamp":"2027-03-15T11:59:00"}"#), Ok, Some("odd")),
        row("L2 +25:00", "POST /overland", of(r#"{"timestamp":"2027-03-15T11:59:00+25:00"}"#), Ok, Some("odd")),
        row("L2 year 1", "POST /overland", of(r#"{"timestamp":"0001-01-01T00:00:00Z"}"#), Ok, Some("odd")),
        row("L bad batch", "POST /api/v1/overland/batches?api_key=T", "hello", Ok, Some("odd")),
        row("G null", "GET /gpslogger/T?lat=null&lon=null", "", Empty, None),
        row("G words", "GET /gpslogger/T?lat=here&lon=there", "", Empty, Some("odd")),
        row("large", "POST /owntracks", "x".repeat(1_048_577), Status(413), None),
        row("large", "POST /t/T", "x".repeat(1_048_577), Status(413), None),
    ]
}

#[test]
fn odd_requests_are_counted_and_the_next_good_one_works() {
    let node = TestNode::start();
    let [ann] = node.strangers(["ann"]);
    let phone = phone(&node, &ann, "owntracks", IOS);
    let authorization = basic("ann", &phone.token);
    let call = |call: &str, body: &str| -> Call {
        let (method, path) = call.split_once(' ').unwrap();
        let path = path.replace("/T", &format!("/{}", phone.token)).replace("=T", &format!("={}", phone.token));
        let call = node.call(method, &path).header("User-Agent", IOS);
        let by_header = ["/owntracks", "/pub", "/overland"].contains(&path.as_str());
        let call = if by_header { call.header("Authorization", &authorization) } else { call };
        if method == "POST" { call.body(body) } else { call }
    };
    let mut good = 0;
    for Row { name, call: line, body, want, why } in rows(NOON.0 / 1_000) {
        // A live place that is not older than those of the rows.
        good += 1;
        node.clock.advance(1_000);
        let s = node.clock.now().0 / 1_000;
        let message = format!(r#"{{"_type":"location","lat":{},"lon":{},"tst":{s}}}"#, SQUARE.0, SQUARE.1);
        let before = phone.status(&node);
        let reply = call(line, &body).send();
        let text = reply.text();
        let is_so = match want {
            Array => reply.status == 200 && reply.json().is_array(),
            Empty => reply.status == 200 && text.is_empty(),
            Ok => reply.status == 200 && reply.json()["result"] == "ok",
            Status(status) => reply.status == status,
        };
        assert!(is_so, "{name}: {line}: {} {text}", reply.status);
        let after = phone.status(&node);
        if let Some(why) = why {
            let count = |status: &serde_json::Value| status["dropped"][why].as_u64().unwrap_or(0);
            assert!(count(&after) > count(&before), "{name}: not counted as {why}: {after}");
        } else {
            assert_eq!(
                after["dropped"],
                before["dropped"].as_object().map_or(after["dropped"].clone(), |it| json!(it)),
                "{name}"
            );
        }
        let next = call("POST /owntracks", &message).send();
        assert_eq!(next.status, 200, "after {name}: {}", next.text());
        assert_eq!(view(&node, &ann).own.unwrap().t.0, s * 1_000, "after {name}");
    }
    assert_eq!(phone.status(&node)["accepted"], good);
}

#[test]
fn a_wrong_secret_is_refused_with_the_same_words_everywhere_and_changes_nothing() {
    let node = TestNode::start();
    let [ann] = node.strangers(["ann"]);
    let phone = phone(&node, &ann, "owntracks", IOS);
    let wrong = format!("lh_{}", "x".repeat(43));
    let mut said = Vec::new();
    for (token, full) in [(wrong.as_str(), false), (ann.token.as_str(), true), ("x", false)] {
        for path in ["/t/T", "/gpslogger/T", "/p/T.properties"] {
            said.push(node.call("GET", &path.replace('T', token)).send());
        }
        said.push(node.call("POST", &format!("/t/{token}")).body("lat=1&lon=2").send());
        said.push(node.call("POST", &format!("/api/v1/overland/batches?api_key={token}")).body("{}").send());
        if !full {
            said.push(node.call("POST", "/overland").bearer(token).body("{}").send());
            said.push(node.call("POST", "/owntracks").header("Authorization", &basic("ann", token)).body("{}").send());
            said.push(node.call("POST", "/pub").header("Authorization", &basic("nobody", token)).body("{}").send());
        }
    }
    for path in ["/t", "/t/", "/gpslogger", "/owntracks", "/pub", "/overland", "/api/v1/overland/batches"] {
        said.push(node.call("POST", path).body("{}").send());
    }
    for reply in &said {
        assert_eq!((reply.status, reply.text()), (401, said[0].text()));
        assert_eq!(reply.header("www-authenticate"), None);
    }
    assert!(view(&node, &ann).own.is_none());
    // Only the person who was named hears of it, and only there.
    let mine = node.call_as(&ann, "GET", "/v1/me/phones").ok();
    assert_eq!(mine["wrong_credentials"], json!({"t": NOON.0, "app": "owntracks"}));
    let [bob] = node.strangers(["bob"]);
    assert_eq!(node.call_as(&bob, "GET", "/v1/me/phones").ok(), json!({"phones": []}));
    assert!(phone.status(&node)["reached"].is_null());
}

#[test]
fn wrong_secrets_count_against_their_address_and_good_ones_never_do() {
    let node = TestNode::with(&[("limits.exempt", "[]"), ("limits.wrong_credentials_per_minute", "5")]);
    let [ann] = node.strangers(["ann"]);
    let phone = phone(&node, &ann, "traccar", "");
    let wrong = |at: u32| node.call("GET", &format!("/t/lh_{at:043}?lat=1&lon=2")).send().status;
    let statuses: Vec<u16> = (0..8).map(wrong).collect();
    assert_eq!(statuses, [401, 401, 401, 401, 401, 429, 429, 429]);
    assert_eq!(node.call("GET", &format!("/t/{}?lat=1&lon=2", phone.token)).send().status, 200);
}

#[test]
fn a_camera_that_opens_the_set_up_code_sees_words_and_reports_nothing() {
    let node = TestNode::start();
    let [ann] = node.strangers(["ann"]);
    let phone = phone(&node, &ann, "traccar", "");
    let qr = phone.made["setup"]["qr"].as_str().unwrap();
    let path = qr.split_once("//").unwrap().1.split_once('/').unwrap().1;
    let page = node.call("GET", &format!("/{path}")).header("Accept", "text/html,*/*").send();
    assert_eq!((page.status, page.header("cache-control")), (200, Some("no-store")));
    assert!(page.text().contains("Traccar Client") && !page.text().contains(&phone.token));
    assert_eq!(phone.status(&node)["last_ok"], serde_json::Value::Null);
}
