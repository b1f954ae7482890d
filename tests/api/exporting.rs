//! The export: everything the server knows of a person, and nothing that is somebody else's to tell.
use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use serde_json::{Value, json};

use crate::client::{Person, SQUARE, north_of};
use crate::node::{NOON, TestNode, until};

/// The files of an export by name.
fn export(node: &TestNode, person: &Person) -> BTreeMap<String, String> {
    let reply = node.call_as(person, "GET", "/v1/export").send();
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.header("content-type"), Some("application/zip"));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert!(reply.header("content-disposition").unwrap().starts_with("attachment"));
    let mut archive = zip::ZipArchive::new(Cursor::new(reply.body)).unwrap();
    let names: Vec<String> = archive.file_names().map(|name| name.unwrap().into_owned()).collect();
    let mut read = |name: &str| {
        let mut text = String::new();
        archive.by_name(name).unwrap().read_to_string(&mut text).unwrap();
        text
    };
    names.into_iter().map(|name| (name.clone(), read(&name))).collect()
}

fn json_of(files: &BTreeMap<String, String>, name: &str) -> Value {
    serde_json::from_str(&files[name]).unwrap()
}

#[test]
fn an_export_holds_everything_of_a_person_who_has_done_everything() {
    let node = TestNode::start();
    let [ann, bob, cem] = node.friends(["ann", "bob", "cem"]);
    let mut phone = node.connect(&ann);
    phone.be_at(SQUARE);
    phone.tell(json!({"type": "fix", "lat": SQUARE.0, "lon": SQUARE.1, "t": NOON.0 + 1, "acc": 5.0, "steps": 4_321}));
    phone.tell(json!({"type": "availability", "free": true, "note": "coffee?", "until": NOON.0 + 3_600_000}));
    let mut bobs = node.connect(&bob);
    bobs.be_at(north_of(SQUARE, 100.0));
    bobs.be_free(true);
    assert_eq!(phone.expect("near")["user"], "bob");
    node.call_as(&ann, "PATCH", "/v1/me").json(&json!({"name": "=HYPERLINK(\"x\")", "only_free": true})).ok();
    let until_then = NOON.0 + 60_000;
    node.call_as(&ann, "PATCH", "/v1/friends/bob").json(&json!({"sharing": "approximate", "until": until_then})).ok();
    node.call_as(&ann, "PUT", "/v1/blocks/cem").send();
    let code = node.call_as(&ann, "POST", "/v1/invites").json(&json!({"sharing": "off"})).ok()["code"].clone();
    let made = node.call_as(&ann, "POST", "/v1/me/tokens").json(&json!({"device": "tracker", "kind": "device"})).ok();

    let files = export(&node, &ann);
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    let expected = [
        "README.txt",
        "audit.json",
        "availability.json",
        "blocks.json",
        "calendar.ics",
        "calendar.json",
        "encounters.json",
        "friends.json",
        "hours.json",
        "invites.json",
        "position.geojson",
        "profile.json",
        "steps.csv",
        "tokens.json",
    ];
    assert_eq!(names, expected);
    for name in &expected[1..] {
        assert!(files["README.txt"].contains(name), "the README explains {name}");
    }

    let profile = json_of(&files, "profile.json");
    assert_eq!((&profile["user"], &profile["name"]), (&json!("ann"), &json!("=HYPERLINK(\"x\")")));
    assert_eq!((&profile["only_free"], &profile["created"]), (&json!(true), &json!(NOON.0)));
    assert_eq!(
        (&profile["devices"][0]["device"], &profile["devices"][0]["last_t"]),
        (&json!("phone"), &json!(NOON.0 + 1))
    );
    let availability = json_of(&files, "availability.json");
    assert_eq!((&availability["free"], &availability["note"]), (&json!(true), &json!("coffee?")));
    assert_eq!((&availability["until"], &availability["changed"]), (&json!(NOON.0 + 3_600_000), &json!(NOON.0)));
    let friends =
        json!([{"user": "bob", "name": "bob", "sharing": "approximate", "sharing_until": until_then, "then": "off"}]);
    assert_eq!(json_of(&files, "friends.json"), friends);
    assert_eq!(json_of(&files, "blocks.json"), json!(["cem"]));
    assert_eq!(json_of(&files, "invites.json")[0]["sharing"], "off");
    let tokens = json_of(&files, "tokens.json");
    assert_eq!((&tokens[0]["device"], &tokens[1]["kind"]), (&json!("phone"), &json!("device")));
    let position = json_of(&files, "position.geojson");
    assert_eq!(position["type"], "FeatureCollection");
    for (at, role) in ["newest", "live"].iter().enumerate() {
        let feature = &position["features"][at];
        assert_eq!(feature["geometry"]["coordinates"], json!([SQUARE.1, SQUARE.0]));
        assert_eq!((&feature["properties"]["role"], &feature["properties"]["t"]), (&json!(role), &json!(NOON.0 + 1)));
    }
    assert_eq!(files["steps.csv"], "date,steps\r\n2027-03-15,4321\r\n");
    assert_eq!(json_of(&files, "encounters.json"), json!([{"user": "bob", "near": true, "announced": NOON.0}]));
    let hours = json!([{"date": "2027-03-15", "hour": 12, "free": true, "online": true}]);
    assert_eq!(json_of(&files, "hours.json"), hours);
    let audit = files["audit.json"].clone();
    for action in ["user_created", "blocked", "invite_made", "token_issued", "exported"] {
        assert!(audit.contains(action), "{action} in {audit}");
    }

    let all: String = files.values().flat_map(|text| [text.as_str(), "\n"]).collect();
    for secret in [&ann.token, code.as_str().unwrap(), made["token"].as_str().unwrap()] {
        assert!(!all.contains(secret));
    }
    drop(cem);
}

#[test]
fn an_export_tells_nothing_of_others_that_is_not_the_askers_to_know() {
    let node = TestNode::start();
    let root = node.administrator("root");
    let [ann, bob, _cem] = node.people(["ann", "bob", "cem"], &[(0, 1), (0, 2)]);
    node.connect(&bob).be_at(SQUARE);
    let canary = json!({"name": "Bob Secretname"});
    node.call_as(&ann, "GET", "/v1/friends").ok();
    node.call_as(&bob, "PUT", "/v1/blocks/ann").send();
    node.call_as(&bob, "PATCH", "/v1/me").json(&canary).ok();
    let made = node.call_as(&root, "POST", "/v1/admin/users").json(&json!({"users": [{"user": "dee"}]})).ok();
    let dee = Person { id: "dee".to_owned(), token: made["users"][0]["token"].as_str().unwrap().to_owned(), no: 0 };

    let all: String = export(&node, &ann).into_values().collect();
    for word in ["bob", "Secretname", "blocked\"", "root"] {
        assert!(!all.contains(&format!("\"{word}")), "{word} in {all}");
    }
    assert!(all.contains("\"cem\""), "a friend is named");
    let dees: String = export(&node, &dee).into_values().collect();
    assert!(!dees.contains("\"root\"") && !dees.contains("52.5"), "{dees}");
}

#[test]
fn an_export_has_the_days_and_hours_of_before_a_restart() {
    let node = TestNode::start();
    let [ann] = node.strangers(["ann"]);
    let mut phone = node.connect(&ann);
    phone.tell(json!({"type": "fix", "lat": 1.0, "lon": 2.0, "t": NOON.0, "acc": 5.0, "steps": 100}));
    phone.be_free(true);
    drop(phone);
    let node = node.restart();
    node.clock.advance(24 * 3_600_000);
    let mut phone = node.connect(&ann);
    phone.tell(json!({"type": "fix", "lat": 1.0, "lon": 2.0, "t": node.clock.now().0, "acc": 5.0, "steps": 200}));
    drop(phone);
    until("the days are exported", || {
        export(&node, &ann)["steps.csv"] == "date,steps\r\n2027-03-15,100\r\n2027-03-16,200\r\n"
    });
    let hours = json_of(&export(&node, &ann), "hours.json");
    let hours = hours.as_array().unwrap();
    assert_eq!((&hours[0]["date"], &hours[0]["hour"]), (&json!("2027-03-15"), &json!(12)));
    assert_eq!(hours.len(), 25, "free all the while");
    assert_eq!((&hours[1]["free"], &hours[1]["online"]), (&json!(true), &json!(false)));
}

#[test]
fn an_export_is_the_persons_own_and_ends_with_them() {
    let node = TestNode::start();
    let [ann] = node.strangers(["ann"]);
    assert_eq!(node.call("GET", "/v1/export").send().status, 401);
    let files = export(&node, &ann);
    assert_eq!(files["steps.csv"], "date,steps\r\n", "of somebody who has done nothing");
    assert_eq!(json_of(&files, "position.geojson"), json!({"type": "FeatureCollection", "features": []}));
    assert_eq!(json_of(&files, "hours.json"), json!([]));
    assert_eq!(node.call_as(&ann, "DELETE", "/v1/me").send().status, 204);
    assert_eq!(node.call_as(&ann, "GET", "/v1/export").send().status, 401);
}
