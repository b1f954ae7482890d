//! Setting a phone up, seeing how it does, and why there was no alert.
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{ANDROID, IOS, phone};
use crate::client::{Person, SQUARE, north_of};
use crate::node::{NOON, TestNode};

const MINUTE: i64 = 60_000;

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8().unwrap().into_owned()
}

#[test]
fn each_app_gets_what_it_needs_once() {
    let node = TestNode::start();
    let [ann] = node.strangers(["ann"]);
    let origin = format!("http://{}", node.address);
    let made = |app: &str| phone(&node, &ann, app, "");

    let owntracks = made("owntracks");
    let setup = &owntracks.made["setup"];
    assert_eq!((&setup["url"], &setup["user"]), (&json!(format!("{origin}/owntracks")), &json!("ann")));
    assert_eq!(setup["password"], json!(owntracks.token));
    let inline = setup["link"].as_str().unwrap().strip_prefix("owntracks:///config?inline=").unwrap();
    let configuration: Value = serde_json::from_slice(&STANDARD.decode(decoded(inline)).unwrap()).unwrap();
    assert_eq!((&configuration["_type"], &configuration["mode"]), (&json!("configuration"), &json!(3)));
    assert_eq!(
        (&configuration["password"], &configuration["deviceId"]),
        (&json!(owntracks.token), &json!("owntracks phone"))
    );
    let names: Vec<_> = setup["fields"].as_array().unwrap().iter().map(|field| field["name"].clone()).collect();
    assert_eq!(names, ["Mode", "URL", "UserID", "Password", "URL with everything in it"]);

    let traccar = made("traccar");
    let url = format!("{origin}/t/{}", traccar.token);
    assert_eq!(traccar.made["setup"]["url"], json!(url));
    assert_eq!(
        traccar.made["setup"]["qr"],
        json!(format!("{url}?id=ann&accuracy=high&distance=20&interval=60&buffer=true"))
    );

    let overland = made("overland");
    let link = overland.made["setup"]["link"].as_str().unwrap();
    let expected = format!(
        "overland://setup?url={origin}/overland&token={}&device_id=overland phone&unique_id=yes",
        overland.token
    );
    assert_eq!(decoded(link), expected);

    let gpslogger = made("gpslogger");
    let setup = &gpslogger.made["setup"];
    let properties = setup["link"].as_str().unwrap().strip_prefix("gpslogger://properties/").unwrap();
    let file = node.call("GET", properties.strip_prefix(&origin).unwrap()).send();
    assert_eq!((file.status, file.header("cache-control")), (200, Some("no-store")));
    assert!(
        file.text().contains(&format!("log_customurl_url={}\n", setup["url"].as_str().unwrap())),
        "{}",
        file.text()
    );

    let later = node.call_as(&ann, "GET", "/v1/me/phones").ok().to_string()
        + &node.call_as(&ann, "GET", "/v1/me/tokens").ok().to_string();
    assert!(!later.contains("lh_"), "{later}");
    for (body, field) in [
        (json!({"device": "x", "kind": "device", "app": "hauk"}), "app"),
        (json!({"device": "x", "kind": "full", "app": "owntracks"}), "kind"),
    ] {
        let refused = node.call_as(&ann, "POST", "/v1/me/tokens").json(&body).send();
        assert_eq!((refused.status, refused.json()["field"].clone()), (400, json!(field)));
    }
}

#[test]
fn a_phone_is_followed_from_the_first_request_to_the_first_friend_and_forgotten_with_its_token() {
    let node = TestNode::start();
    let [ann, bob] = node.friends(["ann", "bob"]);
    let phone = phone(&node, &ann, "owntracks", IOS);
    let made = phone.status(&node);
    assert_eq!(
        (&made["app"], &made["device"], &made["accepted"]),
        (&json!("owntracks"), &json!("owntracks phone"), &json!(0))
    );
    assert!(made["reached"].is_null() && made["platform"].is_null());

    node.clock.advance(1_000);
    assert_eq!(phone.owntracks(&node, r#"{"_type":"encrypted","data":"AA=="}"#).text(), "[]");
    let reached = phone.status(&node);
    assert_eq!((&reached["reached"], &reached["platform"]), (&json!(NOON.0 + 1_000), &json!("ios")));
    assert_eq!((&reached["last_status"], &reached["hint"]["code"]), (&json!(200), &json!("encrypted")));
    assert!(reached["last_fix"].is_null() && reached["friends_sent"].is_null());

    let future = format!(r#"{{"_type":"location","lat":1,"lon":2,"tst":{}}}"#, NOON.0 / 1_000 + 4_000);
    phone.owntracks(&node, future);
    assert_eq!(phone.status(&node)["hint"]["code"], "clock");

    node.connect(&bob).be_at(SQUARE);
    node.clock.advance(MINUTE);
    phone.is_at(&node, SQUARE, 1);
    let works = phone.status(&node);
    let now = NOON.0 + 1_000 + MINUTE;
    assert_eq!(works["last_fix"], json!(now - 1_000));
    assert_eq!((&works["last_ok"], &works["friends_sent"]), (&json!(now), &json!({"t": now, "count": 1})));
    assert_eq!(
        (&works["hint"], &works["accepted"], &works["reached_first"]),
        (&Value::Null, &json!(1), &json!(NOON.0 + 1_000))
    );
    let text = works.to_string();
    assert!(!text.contains("52.5") && !text.contains("13.4"), "no position: {text}");

    let bobs = node.call_as(&bob, "GET", "/v1/me/phones").ok();
    assert_eq!(bobs, json!({"phones": []}));
    let path = format!("/v1/me/phones/{}", phone.id);
    assert_eq!(node.call_as(&bob, "PATCH", &path).json(&json!({"ask_steps": true})).send().status, 404);
    assert_eq!(
        node.call_as(&ann, "PATCH", &path).json(&json!({"ask_steps": true, "near_notices": false})).send().status,
        200
    );

    let node = node.restart();
    let again = phone.status(&node);
    assert_eq!(
        (&again["app"], &again["ask_steps"], &again["near_notices"]),
        (&json!("owntracks"), &json!(true), &json!(false))
    );
    phone.is_at(&node, SQUARE, 0);
    assert!(node.node.user.phones.get(phone.id).is_some());
    assert_eq!(node.call_as(&ann, "DELETE", &format!("/v1/me/tokens/{}", phone.id)).send().status, 204);
    assert!(node.node.user.phones.get(phone.id).is_none());
    assert_eq!(phone.owntracks(&node, "").status, 401);
}

#[test]
fn a_full_token_works_as_a_password_and_not_in_an_address() {
    let node = TestNode::start();
    let [ann] = node.strangers(["ann"]);
    let body = super::location(&node, SQUARE, 0).to_string();
    let call = |path: &str| node.call("POST", path).body(body.clone());
    assert_eq!(call("/pub").header("Authorization", &super::basic("anybody", &ann.token)).send().status, 200);
    assert_eq!(call("/overland").bearer(&ann.token).send().status, 200);
    assert_eq!(call(&format!("/t/{}", ann.token)).send().status, 401);
    assert_eq!(call(&format!("/api/v1/overland/batches?api_key={}", ann.token)).send().status, 401);
    let session = node.call("POST", "/v1/session").json(&json!({"token": ann.token})).send();
    let cookie = session.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    assert_eq!(call("/pub").header("Cookie", &cookie).send().status, 401, "no cookies here");
    let value = cookie.split_once('=').unwrap().1;
    assert_eq!(call("/pub").bearer(value).send().status, 401, "nor what is in them");
}

fn alert(node: &TestNode, person: &Person, of: &str) -> Value {
    let all = node.call_as(person, "GET", "/v1/me/alerts").ok();
    let friends = all["friends"].as_array().unwrap();
    friends.iter().find(|friend| friend["user"] == of).cloned().expect("every friend is there")
}

#[test]
fn why_there_is_no_alert_is_told_step_by_step() {
    let node = TestNode::start();
    let [ann, bob] = node.friends(["ann", "bob"]);
    let state = |of: &str| alert(&node, &ann, of)["state"].as_str().unwrap().to_owned();
    let put = |person: &Person, body: Value| {
        assert_eq!(node.call_as(person, "PUT", "/v1/me/availability").json(&body).send().status, 200);
    };
    let report = |person: &Person, north: f64, acc: f64| {
        node.clock.advance(1_000);
        let (lat, lon) = north_of(SQUARE, north);
        let fix = json!({"lat": lat, "lon": lon, "t": node.clock.now().0, "acc": acc});
        assert_eq!(node.call_as(person, "POST", "/v1/fixes").json(&fix).ok()["accepted"], 1);
    };
    assert_eq!(state("bob"), "not_shown", "nobody is there");
    report(&bob, 240.0, 5.0);
    assert_eq!(state("bob"), "you_busy");
    put(&ann, json!({"free": true}));
    assert_eq!(state("bob"), "busy");
    report(&ann, 0.0, 5.0);
    let busy = alert(&node, &ann, "bob");
    assert_eq!((&busy["message"], &busy["distance"]), (&json!("bob is 240 m away, but busy."), &json!(240.0)));
    put(&bob, json!({"free": true}));
    assert_eq!(state("bob"), "near");
    report(&bob, 5_000.0, 5.0);
    report(&bob, 5_010.0, 5.0);
    node.pass(MINUTE);
    let far = alert(&node, &ann, "bob");
    assert_eq!((&far["state"], &far["distance"]), (&json!("far"), &json!(5_000.0)));
    report(&bob, 5_300.0, 5.0);
    report(&bob, 4_000.0, 5.0);
    node.pass(MINUTE);
    report(&bob, 300.0, 5.0);
    assert_eq!(state("bob"), "recently");
    node.pass(40 * MINUTE);
    assert_eq!(state("bob"), "you_stale");
    report(&ann, 0.0, 5.0);
    assert_eq!(state("bob"), "stale");
    let small = json!({"radius": 50});
    assert_eq!(node.call_as(&ann, "PATCH", "/v1/me").json(&small).send().status, 200);
    report(&bob, 20.0, 190.0);
    assert_eq!(state("bob"), "coarse");
    assert_eq!(node.call_as(&ann, "PATCH", "/v1/friends/bob").json(&json!({"sharing": "off"})).send().status, 200);
    assert_eq!(state("bob"), "you_hidden");
    assert_eq!(node.call_as(&ann, "PATCH", "/v1/friends/bob").json(&json!({"sharing": "exact"})).send().status, 200);
    assert_eq!(node.call_as(&bob, "PATCH", "/v1/friends/ann").json(&json!({"sharing": "off"})).send().status, 200);
    let hidden = alert(&node, &ann, "bob");
    assert_eq!((&hidden["state"], &hidden["distance"]), (&json!("not_shown"), &Value::Null));
    let text = hidden.to_string();
    assert!(!text.contains("free") && !text.contains("busy"), "{text}");
}

#[test]
fn who_hides_and_who_is_gone_are_explained_alike() {
    let node = TestNode::start();
    let [ann, bob, cem] = node.friends(["ann", "bob", "cem"]);
    for person in [&ann, &bob] {
        let mut phone = node.connect(person);
        phone.be_free(true);
        phone.be_at(SQUARE);
    }
    let hide = json!({"hidden_until": NOON.0 + 60 * MINUTE});
    assert_eq!(node.call_as(&bob, "PATCH", "/v1/me").json(&hide).send().status, 200);
    let (hides, gone) = (alert(&node, &ann, "bob").to_string(), alert(&node, &ann, "cem").to_string());
    assert_eq!(hides.replace("bob", "cem"), gone);
    let _ = cem;
}

#[test]
fn overland_has_the_nearest_friend_on_its_screen_and_sends_as_often_as_it_must() {
    let node = TestNode::start();
    let [ann, bob] = node.friends(["ann", "bob"]);
    let phone = phone(&node, &ann, "overland", "");
    let send = || {
        node.clock.advance(1_000);
        let at = jiff::Timestamp::from_millisecond(node.clock.now().0).unwrap().to_string();
        let point = json!({"type": "Feature", "geometry": {"type": "Point", "coordinates": [SQUARE.1, SQUARE.0]},
            "properties": {"timestamp": at, "horizontal_accuracy": 5}});
        node.call("POST", "/overland").bearer(&phone.token).json(&json!({"locations": [point]})).ok()
    };
    let line = |reply: &Value| reply["geocode"]["full_name"].as_str().map(str::to_owned);
    let alone = send();
    assert_eq!((line(&alone).as_deref(), alone["set"].is_object()), (Some("No friend in sight"), true), "{alone}");
    let mut friend = node.connect(&bob);
    friend.be_at(north_of(SQUARE, 240.0));
    assert_eq!(line(&send()).as_deref(), Some("bob 240 m, busy"));
    let until = json!({"free": true, "until": NOON.0 + 6 * 60 * MINUTE});
    assert_eq!(node.call_as(&ann, "PUT", "/v1/me/availability").json(&until).send().status, 200);
    assert_eq!(node.call_as(&bob, "PUT", "/v1/me/availability").json(&until).send().status, 200);
    let near = send();
    assert_eq!(line(&near).as_deref(), Some("bob 240 m, free till 18"));
    assert_eq!(near["set"], json!({"send_interval": "30s"}));
    assert_eq!(send()["set"], Value::Null, "only on change");
    assert_eq!(node.call_as(&bob, "PATCH", "/v1/friends/ann").json(&json!({"sharing": "off"})).send().status, 200);
    assert_eq!(line(&send()).as_deref(), Some("No friend in sight"));
}

#[test]
fn what_a_phone_sent_is_durable_before_it_is_told_so() {
    let node = TestNode::start();
    let [ann] = node.strangers(["ann"]);
    let phone = phone(&node, &ann, "owntracks", ANDROID);
    phone.is_at(&node, SQUARE, 5);
    let node = node.crash();
    assert_eq!(super::view(&node, &ann).own.unwrap().t.0, NOON.0 - 5_000);
}
