//! What friends agree on, over HTTP: what one shares with whom, who sees what, ends, blocks, and the silence about others.
use serde_json::{Value, json};

use crate::client::{Person, SQUARE};
use crate::http::Reply;
use crate::node::{NOON, TestNode, until};

const HOUR: i64 = 3_600_000;

fn share(node: &TestNode, owner: &Person, viewer: &str, body: &Value) -> Reply {
    node.call_as(owner, "PATCH", &format!("/v1/friends/{viewer}")).json(body).send()
}

fn view(node: &TestNode, owner: &Person, viewer: &str) -> Value {
    node.call_as(owner, "GET", &format!("/v1/friends/{viewer}/view")).ok()
}

#[test]
fn what_is_shared_with_a_friend_is_shown_to_its_owner_with_its_end() {
    let node = TestNode::start();
    let [ann, bob] = node.friends(["ann", "bob"]);
    let mine = || node.call_as(&ann, "GET", "/v1/friends").ok()["friends"][0].clone();
    assert_eq!((&mine()["sharing"], mine().get("sharing_until")), (&json!("exact"), None), "so it begins");
    assert_eq!(share(&node, &ann, "bob", &json!({"sharing": "approximate"})).json(), json!({"sharing": "approximate"}));
    let end = NOON.0 + HOUR;
    let pause = share(&node, &ann, "bob", &json!({"sharing": "off", "until": end})).json();
    assert_eq!(pause, json!({"sharing": "off", "sharing_until": end}));
    assert_eq!((&mine()["sharing"], &mine()["sharing_until"]), (&json!("off"), &json!(end)));
    node.pass(HOUR);
    assert_eq!(
        (&mine()["sharing"], mine().get("sharing_until")),
        (&json!("approximate"), None),
        "a pause ends in what was"
    );
    let bobs = node.call_as(&bob, "GET", "/v1/friends").ok()["friends"][0].clone();
    assert_eq!(bobs["sharing"], "exact", "what bob shares is bob's");
}

#[test]
fn everybody_can_look_at_themselves_with_a_friends_eyes() {
    let node = TestNode::start();
    let [ann, bob] = node.friends(["ann", "bob"]);
    let mut phone = node.connect(&ann);
    phone.be_at(SQUARE);
    phone.be_free(true);
    let seen = view(&node, &ann, "bob");
    assert_eq!((&seen["sight"], &seen["friend"]["lat"]), (&json!("exact"), &json!(SQUARE.0)));
    let bobs = node.call_as(&bob, "GET", "/v1/friends").ok()["friends"][0].clone();
    for (field, value) in seen["friend"].as_object().unwrap() {
        assert_eq!(&bobs[field], value, "{field}: the same as bob sees");
    }
    let viewers = || node.call_as(&ann, "GET", "/v1/me/viewers").ok()["viewers"].clone();
    assert_eq!(viewers(), json!([{"user": "bob", "name": "bob", "sight": "exact"}]));

    let end = NOON.0 + HOUR;
    share(&node, &ann, "bob", &json!({"sharing": "approximate", "until": end}));
    let seen = view(&node, &ann, "bob");
    assert_eq!((&seen["sight"], &seen["friend"]["approximate"]), (&json!("approximate"), &json!(true)));
    assert_ne!(seen["friend"]["lat"], SQUARE.0);
    assert_eq!(viewers(), json!([{"user": "bob", "name": "bob", "sight": "approximate", "until": end}]));

    node.call_as(&ann, "PATCH", "/v1/me").json(&json!({"only_free": true})).ok();
    phone.be_free(false);
    let seen = view(&node, &ann, "bob");
    assert_eq!((&seen["sight"], seen["friend"].get("lat")), (&json!("presence"), None));
    assert_eq!(seen["friend"]["online"], true);

    node.call_as(&ann, "PATCH", "/v1/me").json(&json!({"hidden_until": end})).ok();
    let veiled = json!({"user": "ann", "name": "ann", "online": false, "free": false, "near": false});
    assert_eq!(view(&node, &ann, "bob"), json!({"sight": "veiled", "friend": veiled}));
    assert_eq!(viewers()[0]["sight"], "veiled");
    node.call_as(&ann, "PATCH", "/v1/me").json(&json!({"hidden_until": null})).ok();
    share(&node, &ann, "bob", &json!({"sharing": "off"}));
    assert_eq!(view(&node, &ann, "bob"), json!({"sight": "veiled", "friend": veiled}), "the same as hidden");
}

#[test]
fn a_friendship_ends_for_both_and_leaves_nothing_agreed() {
    let node = TestNode::start();
    let [ann, bob] = node.friends(["ann", "bob"]);
    let mut phone = node.connect(&bob);
    share(&node, &ann, "bob", &json!({"sharing": "approximate"}));
    assert_eq!(node.call_as(&ann, "DELETE", "/v1/friends/bob").send().status, 204);
    let told = phone.expect("friendship");
    assert_eq!((&told["user"], &told["state"]), (&json!("ann"), &json!("ended")));
    for person in [&ann, &bob] {
        assert_eq!(node.call_as(person, "GET", "/v1/friends").ok(), json!({"friends": []}));
        assert_eq!(node.call_as(person, "GET", "/v1/me/viewers").ok(), json!({"viewers": []}));
    }
    assert_eq!(node.call_as(&ann, "DELETE", "/v1/friends/bob").send().status, 404, "there is none any more");
    let code = node.call_as(&ann, "POST", "/v1/invites").ok()["code"].as_str().unwrap().to_owned();
    node.call_as(&bob, "POST", &format!("/v1/invites/{code}/accept")).ok();
    assert_eq!(node.call_as(&ann, "GET", "/v1/friends").ok()["friends"][0]["sharing"], "exact", "they begin anew");
}

#[test]
fn who_is_blocked_is_a_friend_no_more_and_does_not_learn_why() {
    let node = TestNode::start();
    let [ann, bob, cem] = node.friends(["ann", "bob", "cem"]);
    let mut phone = node.connect(&bob);
    let blocks = |who: &Person| node.call_as(who, "GET", "/v1/blocks").ok()["blocked"].clone();
    let block = |who: &Person, whom: &str| node.call_as(who, "PUT", &format!("/v1/blocks/{whom}")).send().status;
    assert_eq!((block(&ann, "bob"), block(&ann, "bob")), (204, 204), "again changes nothing");
    assert_eq!(blocks(&ann), json!([{"user": "bob", "name": "bob"}]));
    assert_eq!(phone.expect("friendship")["state"], "ended", "the same as an unfriending");
    assert_eq!(blocks(&bob), json!([]));
    let friends = node.call_as(&ann, "GET", "/v1/friends").ok()["friends"].clone();
    assert_eq!((friends.as_array().unwrap().len(), &friends[0]["user"]), (1, &json!("cem")));
    assert_eq!(block(&bob, "ann"), 404, "they are friends no more");
    node.call_as(&bob, "PATCH", "/v1/me").json(&json!({"name": "Bob in Rome"})).ok();
    assert_eq!(blocks(&ann), json!([{"user": "bob", "name": "bob"}]), "a new name is not for who is no friend");
    let node = node.restart();
    let blocked = node.call_as(&ann, "GET", "/v1/blocks").ok()["blocked"].clone();
    assert_eq!(blocked[0]["user"], "bob", "also after a restart");
    let unblock = || node.call_as(&ann, "DELETE", "/v1/blocks/bob").send().status;
    assert_eq!((unblock(), unblock()), (204, 404));
    assert_eq!(node.call_as(&ann, "GET", "/v1/friends").ok()["friends"].as_array().unwrap().len(), 1, "not by that");
    drop(cem);
}

/// Every call about somebody, for somebody who does not exist, a stranger, and somebody who has blocked the caller.
#[test]
fn a_stranger_nobody_and_who_has_blocked_me_are_the_same_bytes() {
    let node = TestNode::start();
    let [ann, bob] = node.friends(["ann", "bob"]);
    node.strangers(["stranger"]);
    node.call_as(&bob, "PUT", "/v1/blocks/ann").send();
    let calls = [
        ("PATCH", "/v1/friends/{}", Some(json!({"sharing": "off"}))),
        ("PATCH", "/v1/friends/{}", Some(json!({"sharing": "nonsense"}))),
        ("DELETE", "/v1/friends/{}", None),
        ("GET", "/v1/friends/{}/view", None),
        ("PUT", "/v1/blocks/{}", None),
        ("DELETE", "/v1/blocks/{}", None),
    ];
    let shape = |reply: &Reply| {
        let headers: Vec<_> = reply.headers.iter().filter(|(name, _)| name != "date").cloned().collect();
        (reply.status, headers, reply.body.clone())
    };
    let mut answers = Vec::new();
    for (method, path, body) in calls {
        for id in ["nobody", "stranger", "bob"] {
            let call = node.call_as(&ann, method, &path.replace("{}", id));
            let reply = match &body {
                Some(body) => call.json(body).send(),
                None => call.send(),
            };
            assert_eq!(reply.status, 404, "{method} {path} {id}: {}", reply.text());
            answers.push(shape(&reply));
        }
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:#?}");
    assert_eq!(node.call_as(&ann, "GET", "/v1/blocks").ok(), json!({"blocked": []}));
}

#[test]
fn what_is_asked_badly_is_refused_by_field() {
    let node = TestNode::start();
    let [ann, _bob] = node.friends(["ann", "bob"]);
    for (path, body, status, code, field) in [
        ("/v1/friends/bob", json!({}), 400, "missing_field", Some("sharing")),
        ("/v1/friends/bob", json!({"sharing": "city"}), 400, "bad_field", Some("sharing")),
        ("/v1/friends/bob", json!({"sharing": "exact", "until": NOON.0 - 1}), 422, "out_of_range", Some("until")),
        ("/v1/friends/bob", json!("off"), 400, "bad_json", None),
        ("/v1/friends/ann", json!({"sharing": "off"}), 400, "bad_field", Some("user")),
        ("/v1/friends/a%20b", json!({"sharing": "off"}), 400, "bad_field", Some("user")),
        ("/v1/friends/*", json!({"sharing": "off"}), 400, "bad_field", Some("user")),
        ("/v1/friends/a:b", json!({"sharing": "off"}), 400, "bad_field", Some("user")),
        ("/v1/friends/%E2%80%AE", json!({"sharing": "off"}), 400, "bad_field", Some("user")),
    ] {
        let reply = node.call_as(&ann, "PATCH", path).json(&body).send();
        let refusal = (code.to_owned(), field.map(str::to_owned));
        assert_eq!((reply.status, reply.refusal()), (status, refusal), "{path} {body}");
    }
    for (method, path) in [("DELETE", "/v1/friends/ann"), ("GET", "/v1/friends/ann/view"), ("PUT", "/v1/blocks/ann")] {
        let reply = node.call_as(&ann, method, path).send();
        assert_eq!((reply.status, reply.refusal().1.as_deref()), (400, Some("user")), "{path}: that is oneself");
    }
    let twice = node
        .call_as(&ann, "PATCH", "/v1/friends/bob")
        .header("Content-Type", "application/json")
        .body(r#"{"sharing":"off","sharing":"exact"}"#)
        .send();
    assert_eq!(twice.refusal().0, "bad_json");
}

#[test]
fn small_crowds_are_shown_as_none_to_everybody_but_the_administrator() {
    let node = TestNode::with(&[("privacy.smallest_count", "3")]);
    let root = node.administrator("root");
    let people = node.strangers(["ann", "bob", "cem"]);
    for person in &people[..2] {
        node.call_as(person, "PUT", "/v1/me/availability").json(&json!({"free": true})).ok();
    }
    let today = |who: &Person| node.call_as(who, "GET", "/v1/availability/histogram").ok();
    until("two are counted", || today(&root)["hours"][12]["free"] == 2);
    assert_eq!(today(&root).get("smallest"), None);
    let shown = today(&people[0]);
    assert_eq!((&shown["hours"][12]["free"], &shown["smallest"]), (&json!(0), &json!(3)));
    node.call_as(&people[2], "PUT", "/v1/me/availability").json(&json!({"free": true})).ok();
    until("three are shown", || today(&people[0])["hours"][12]["free"] == 3);
    let series = node.call_as(&people[0], "GET", "/v1/availability/histogram?from=2027-03-15&to=2027-03-15").ok();
    assert_eq!((&series["days"][0]["smallest"], &series["days"][0]["hours"][12]["free"]), (&json!(3), &json!(3)));
}

#[test]
fn what_is_shared_at_once_from_many_places_is_what_is_shown_afterwards() {
    let node = TestNode::start();
    let [ann, bob] = node.friends(["ann", "bob"]);
    node.connect(&ann).be_at(crate::client::SQUARE);
    for round in 0..15 {
        std::thread::scope(|threads| {
            for at in 0..8 {
                let (node, ann) = (&node, &ann);
                let sharing = if at % 2 == 0 { "exact" } else { "approximate" };
                threads.spawn(move || share(node, ann, "bob", &json!({"sharing": sharing})));
            }
        });
        let agreed = node.call_as(&ann, "GET", "/v1/friends").ok()["friends"][0]["sharing"].clone();
        let shown = node.call_as(&bob, "GET", "/v1/friends").ok()["friends"][0].clone();
        let is_cell = shown["approximate"] == true;
        assert!(shown["lat"].is_number() && is_cell == (agreed == "approximate"), "{round}: {agreed} but {shown}");
    }
}

#[test]
fn who_is_renamed_stays_where_they_are() {
    let node = TestNode::start();
    let [ann, bob] = node.friends(["ann", "bob"]);
    node.connect(&ann).be_at(crate::client::SQUARE);
    let mut watching = node.connect(&bob);
    node.call_as(&ann, "PATCH", "/v1/me").json(&json!({"name": "Ann B."})).ok();
    let renamed = watching.expect("friendship");
    let friend = &renamed["friend"];
    assert_eq!((&friend["name"], &friend["lat"]), (&json!("Ann B."), &json!(crate::client::SQUARE.0)), "{renamed}");
}

#[test]
fn what_administrators_do_to_people_and_see_of_them_is_written_down() {
    let node = TestNode::start();
    let root = node.administrator("root");
    let users = json!({"users": [{"user": "ann"}, {"user": "ben"}, {"user": "cleo"}], "friendships": [[0, 1], [1, 2]]});
    node.call_as(&root, "POST", "/v1/admin/users").json(&users).ok();
    let wrong = json!({"token": format!("lh_{}", "A".repeat(43))});
    for _ in 0..3 {
        assert_eq!(node.call("POST", "/v1/session").json(&wrong).send().status, 401);
    }
    let mut page = node.connect(&root);
    let view = json!({"type": "view", "bbox": [-180, -90, 180, 90], "zoom": 3});
    page.say(&view);
    page.say(&view);
    let lines = || {
        let audit = node.call_as(&root, "GET", "/v1/admin/audit").ok();
        let line =
            |entry: &Value| format!("{} {}", entry["actor"].as_str().unwrap_or("-"), entry["action"].as_str().unwrap());
        audit["entries"].as_array().unwrap().iter().map(line).collect::<Vec<_>>()
    };
    crate::node::until("all three are written down", || {
        ["root befriended", "root crowd_opened", "- sign_in_failed"]
            .iter()
            .all(|line| lines().iter().any(|found| found == line))
    });
    assert_eq!(lines().iter().filter(|line| line.ends_with("crowd_opened") || line.ends_with("failed")).count(), 2);
}
