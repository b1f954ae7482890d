//! Nobody, a stranger, somebody who blocked me and somebody who is erased cannot be told apart: the same status, headers and
//! bytes, whatever is asked. How long it takes is measured and printed.
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::Person;
use crate::http::{Reply, call};
use crate::node::TestNode;

/// Everything of an answer but the time of day.
fn whole(reply: &Reply) -> (u16, Vec<(String, String)>, String) {
    let mut headers: Vec<_> = reply.headers.iter().filter(|(name, _)| name != "date").cloned().collect();
    // Their order is drawn for each answer.
    headers.sort();
    (reply.status, headers, reply.text())
}

/// Every call that names a person, with a body that is good.
fn calls(user: &str) -> Vec<(&'static str, String, Option<Value>)> {
    vec![
        ("PATCH", format!("/v1/friends/{user}"), Some(json!({"sharing": "approximate"}))),
        ("DELETE", format!("/v1/friends/{user}"), None),
        ("GET", format!("/v1/friends/{user}/view"), None),
        ("PUT", format!("/v1/blocks/{user}"), None),
        ("DELETE", format!("/v1/blocks/{user}"), None),
    ]
}

fn ask(node: &TestNode, who: &Person, method: &str, path: &str, body: Option<&Value>) -> Reply {
    let call = node.call_as(who, method, path);
    body.map_or_else(|| call.clone(), |body| call.clone().json(body)).send()
}

fn invite(node: &TestNode, who: &Person) -> (u64, String) {
    let reply = node.call_as(who, "POST", "/v1/invites").json(&json!({})).send();
    assert!(reply.status < 300, "{}", reply.text());
    let list = node.call_as(who, "GET", "/v1/invites").ok();
    let id = list["invites"].as_array().unwrap().iter().map(|invite| invite["id"].as_u64().unwrap()).max().unwrap();
    (id, reply.json()["code"].as_str().unwrap().to_owned())
}

#[test]
fn nobody_a_stranger_and_somebody_who_blocked_me_are_the_same_bytes() {
    let node = TestNode::start();
    let [me, stranger, blocker, erased, former] =
        node.people(["me", "stranger", "blocker", "erased", "former"], &[(0, 2), (0, 3), (0, 4)]);
    assert_eq!(node.call_as(&blocker, "PUT", "/v1/blocks/me").send().status, 204);
    assert_eq!(node.call_as(&erased, "DELETE", "/v1/me").send().status, 204);
    assert_eq!(node.call_as(&former, "DELETE", "/v1/friends/me").send().status, 204);
    let _ = stranger;
    for user in ["stranger", "blocker", "erased", "former", "Nobody", "x"] {
        for ((method, path, body), (_, nobody, _)) in calls(user).into_iter().zip(calls("nobody")) {
            let [about, nobody] = [&path, &nobody].map(|path| whole(&ask(&node, &me, method, path, body.as_ref())));
            assert_eq!(about.0, 404, "{method} {path}: {}", about.2);
            assert_eq!(about, nobody, "{method} {path}");
        }
    }
    // What was asked has changed nothing.
    assert_eq!(node.call_as(&me, "GET", "/v1/friends").ok(), json!({"friends": []}));
    assert_eq!(node.call_as(&me, "GET", "/v1/blocks").ok(), json!({"blocked": []}));
}

#[test]
fn a_link_that_is_used_withdrawn_expired_or_not_for_me_is_the_same_bytes_as_none() {
    let node = TestNode::start();
    let [me, inviter, blocker, erased] = node.people(["me", "inviter", "blocker", "erased"], &[(0, 2)]);
    let (_, void) = invite(&node, &inviter);
    node.clock.advance(8 * 24 * 3_600_000);
    let (_, used) = invite(&node, &inviter);
    let [other] = node.strangers(["other"]);
    let accept =
        |who: &Person, code: &str| ask(&node, who, "POST", &format!("/v1/invites/{code}/accept"), Some(&json!({})));
    assert_eq!(accept(&other, &used).status, 200);
    let (id, withdrawn) = invite(&node, &inviter);
    assert_eq!(node.call_as(&inviter, "DELETE", &format!("/v1/invites/{id}")).send().status, 204);
    let (_, of_erased) = invite(&node, &erased);
    assert_eq!(node.call_as(&erased, "DELETE", "/v1/me").send().status, 204);
    let (others_id, of_blocker) = invite(&node, &blocker);
    assert_eq!(node.call_as(&blocker, "PUT", "/v1/blocks/me").send().status, 204);
    let (_, own) = invite(&node, &me);

    let none = "lhi_0000000000000000000000000000000000000000000";
    let nothing = whole(&accept(&me, none));
    assert_eq!(nothing.0, 404);
    for code in [&void, &used, &withdrawn, &of_erased, &of_blocker, &own, "x"] {
        assert_eq!(whole(&accept(&me, code)), nothing, "{code}");
    }
    let show = |code: &str| whole(&node.call("GET", &format!("/v1/invites/{code}")).send());
    assert_eq!(show(none).0, 404);
    for code in [&void, &used, &withdrawn, &of_erased, "x"] {
        assert_eq!(show(code), show(none), "{code}");
    }
    // Somebody else's links and tokens are no more there than none.
    let drop_invite = |id: u64| whole(&node.call_as(&me, "DELETE", &format!("/v1/invites/{id}")).send());
    assert_eq!((drop_invite(others_id), 404), (drop_invite(987_654), drop_invite(others_id).0));
    let tokens = node.call_as(&inviter, "GET", "/v1/me/tokens").ok();
    let theirs = tokens["tokens"][0]["id"].as_u64().unwrap();
    let drop_token = |id: u64| whole(&node.call_as(&me, "DELETE", &format!("/v1/me/tokens/{id}")).send());
    assert_eq!((drop_token(theirs), 404), (drop_token(987_654), drop_token(theirs).0));
    assert_eq!(node.call_as(&inviter, "GET", "/v1/me").send().status, 200, "and it still opens");
}

#[test]
fn how_long_it_takes_is_no_answer_either() {
    const CALLS: usize = 1_000;
    let node = TestNode::with(&[("limits.requests_per_second", "10000"), ("limits.request_burst", "100000")]);
    let [me, _stranger, blocker] = node.people(["me", "stranger", "blocker"], &[(0, 2)]);
    assert_eq!(node.call_as(&blocker, "PUT", "/v1/blocks/me").send().status, 204);
    let mut medians = Vec::new();
    let users = ["nobody", "stranger", "blocker"];
    let mut times: [Vec<Duration>; 3] = Default::default();
    // One after the other, so that whatever else the machine does falls on all alike.
    for _ in 0..CALLS {
        for (user, times) in users.iter().zip(&mut times) {
            let request = call(node.address, "GET", &format!("/v1/friends/{user}/view")).bearer(&me.token);
            let begin = Instant::now();
            assert_eq!(request.send().status, 404);
            times.push(begin.elapsed());
        }
    }
    for (user, times) in users.iter().zip(&mut times) {
        times.sort_unstable();
        medians.push((*user, times[CALLS / 2]));
    }
    println!("{CALLS} calls each, median: {medians:?} (reported, not judged)");
}
