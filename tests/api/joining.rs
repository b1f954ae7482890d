//! Joining by a link: from the first start of an empty node to two friends, and everything that a link does not do.
use serde_json::{Value, json};

use crate::binary::Place;
use crate::client::Person;
use crate::http::Reply;
use crate::node::{NOON, TestNode};

const DAY: i64 = 24 * 3_600_000;

/// The code in a link.
fn code_of(link: &str) -> String {
    link.split_once("/join#").unwrap().1.to_owned()
}

fn invite(node: &TestNode, inviter: &Person, sharing: &Value) -> String {
    let made = node.call_as(inviter, "POST", "/v1/invites").json(sharing).ok();
    made["code"].as_str().unwrap().to_owned()
}

fn show(node: &TestNode, code: &str) -> Reply {
    node.call("GET", &format!("/v1/invites/{code}")).send()
}

fn accept(node: &TestNode, code: &str, body: &Value) -> Reply {
    node.call("POST", &format!("/v1/invites/{code}/accept")).json(body).send()
}

fn accept_as(node: &TestNode, who: &Person, code: &str) -> Reply {
    node.call_as(who, "POST", &format!("/v1/invites/{code}/accept")).json(&json!({})).send()
}

/// The person that an acceptance made.
fn made(reply: &Reply) -> Person {
    assert_eq!(reply.status, 200, "{}", reply.text());
    let text = |name: &str| reply.json()[name].as_str().unwrap().to_owned();
    Person { id: text("user"), token: text("token"), no: 0 }
}

/// A code that looks right and is nobody's.
fn no_code() -> String {
    format!("lhi_{}", "A".repeat(43))
}

#[track_caller]
fn is_nothing(node: &TestNode, reply: &Reply, what: &str) {
    let nothing = show(node, &no_code());
    assert_eq!((nothing.status, nothing.refusal().0.as_str()), (404, "not_found"));
    assert_eq!((reply.status, &reply.body, reply.headers.len()), (404, &nothing.body, nothing.headers.len()), "{what}");
}

#[test]
fn from_the_first_link_to_two_friends() {
    let node = TestNode::start();
    let link = node.first_link.clone().unwrap();
    assert!(link.starts_with(&format!("http://{}/join#lhi_", node.address)), "{link}");
    let code = code_of(&link);
    assert_eq!(show(&node, &code).json(), json!({"administrator": true, "expires": NOON.0 + 7 * DAY}));
    let reply = accept(&node, &code, &json!({"name": "Ann B.", "device": "browser"}));
    let ann = made(&reply);
    assert_eq!((ann.id.as_str(), &reply.json()["friend"]), ("ann-b", &Value::Null));

    // The page trades the token for a session, which leaves no token in the browser.
    let signed_in = node.call("POST", "/v1/session").json(&json!({"token": ann.token, "once": true})).send();
    assert_eq!((signed_in.status, &signed_in.json()["admin"]), (200, &json!(true)), "{}", signed_in.text());
    let cookie = signed_in.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    assert_eq!(node.call_as(&ann, "GET", "/v1/me").send().status, 401, "the token is used up");
    let own = format!("http://{}", node.address);
    let as_ann = |method: &str, path: &str| node.call(method, path).header("Cookie", &cookie).header("Origin", &own);
    assert_eq!(as_ann("GET", "/v1/me").ok()["name"], "Ann B.");

    let invited = as_ann("POST", "/v1/invites").json(&json!({"sharing": "approximate"})).ok();
    let code = invited["code"].as_str().unwrap();
    assert_eq!(invited["url"], format!("{own}/join#{code}"));
    assert_eq!(invited["expires"], NOON.0 + 7 * DAY);
    let waiting = as_ann("GET", "/v1/invites").ok()["invites"].clone();
    assert_eq!(waiting[0]["sharing"], "approximate");
    assert!(!waiting.to_string().contains("lhi_"), "a code is shown once");
    let shown = show(&node, code).json();
    assert_eq!(shown["inviter"], json!({"user": "ann-b", "name": "Ann B."}));
    assert_eq!((&shown["administrator"], &shown["sharing"]), (&json!(false), &json!("approximate")));

    let reply = accept(&node, code, &json!({"name": "Bea", "sharing": "exact"}));
    let bea = made(&reply);
    assert_eq!((bea.id.as_str(), &reply.json()["friend"]), ("bea", &json!("ann-b")));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    let friend_of = |friends: &Value| {
        let friends = friends["friends"].as_array().unwrap();
        assert_eq!(friends.len(), 1);
        (friends[0]["user"].clone(), friends[0]["sharing"].clone())
    };
    let anns = as_ann("GET", "/v1/friends").ok();
    assert_eq!(friend_of(&anns), (json!("bea"), json!("approximate")));
    let beas = node.call_as(&bea, "GET", "/v1/friends").ok();
    assert_eq!(friend_of(&beas), (json!("ann-b"), json!("exact")));
    assert_eq!(node.call_as(&bea, "GET", "/v1/me").ok()["admin"], false);
    assert_eq!(as_ann("GET", "/v1/invites").ok(), json!({"invites": []}), "it worked once");

    let log = as_ann("GET", "/v1/admin/audit").ok()["entries"].clone();
    let lines: Vec<String> = log
        .as_array()
        .unwrap()
        .iter()
        .map(|line| {
            let word = |name: &str| line[name].as_str().unwrap_or("-").to_owned();
            format!("{} {} {}", word("actor"), word("action"), word("subject"))
        })
        .collect();
    for line in ["bea invite_accepted ann-b", "ann-b invite_made -", "ann-b sign_in ann-b", "- admin_granted ann-b"] {
        assert!(lines.iter().any(|found| found == line), "{line} in {lines:#?}");
    }
    assert_eq!(node.restart().first_link, None, "somebody is here");
}

#[test]
fn as_long_as_nobody_is_here_only_the_newest_first_link_works() {
    let node = TestNode::start();
    let first = code_of(node.first_link.as_ref().unwrap());
    let node = node.restart();
    let second = code_of(node.first_link.as_ref().unwrap());
    assert_ne!(first, second);
    is_nothing(&node, &show(&node, &first), "the link of the start before");
    is_nothing(&node, &accept(&node, &first, &json!({"name": "Ann"})), "the link of the start before");
    assert_eq!(node.call("POST", "/v1/session").json(&json!({"token": second})).send().status, 401);
    let ann = made(&accept(&node, &second, &json!({"name": "Ann"})));
    assert_eq!(node.call_as(&ann, "GET", "/v1/me").ok()["admin"], true);
    is_nothing(&node, &accept(&node, &second, &json!({"name": "Eve"})), "a second use");
}

#[test]
fn a_friend_accepts_with_the_account_they_have() {
    let node = TestNode::start();
    let [ann, bob] = node.strangers(["ann", "bob"]);
    let mut phone = node.connect(&ann);
    let code = invite(&node, &ann, &json!({}));
    let reply = accept_as(&node, &bob, &code);
    assert_eq!((reply.status, reply.json()), (200, json!({"user": "bob", "friend": "ann"})));
    let told = phone.expect("friendship");
    assert_eq!((&told["user"], &told["state"]), (&json!("bob"), &json!("friends")));
    is_nothing(&node, &accept_as(&node, &bob, &code), "a second use");

    let again = invite(&node, &ann, &json!({}));
    assert_eq!(accept_as(&node, &bob, &again).json()["friend"], "ann", "they are friends already: all is well");
    assert_eq!(show(&node, &again).status, 200, "and the link is left for somebody else");
}

#[test]
fn a_browser_accepts_with_its_session_from_our_own_page_only() {
    let node = TestNode::start();
    let [ann, bob] = node.strangers(["ann", "bob"]);
    let signed_in = node.call("POST", "/v1/session").json(&json!({"token": bob.token})).send();
    let cookie = signed_in.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let code = invite(&node, &ann, &json!({}));
    let path = format!("/v1/invites/{code}/accept");
    let with = |cookie: &str, origin: &str| {
        node.call("POST", &path).header("Cookie", cookie).header("Origin", origin).json(&json!({})).send()
    };
    let own = format!("http://{}", node.address);
    assert_eq!(with(&cookie, "http://evil.example").status, 403);
    assert_eq!(with(&cookie, &own).json(), json!({"user": "bob", "friend": "ann"}));
}

#[test]
fn a_browser_whose_session_is_over_can_still_join() {
    let node = TestNode::start();
    let [ann, bob] = node.strangers(["ann", "bob"]);
    let signed_in = node.call("POST", "/v1/session").json(&json!({"token": bob.token})).send();
    let cookie = signed_in.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    assert_eq!(node.call_as(&bob, "DELETE", "/v1/me").send().status, 204);
    let code = invite(&node, &ann, &json!({}));
    let call = node.call("POST", &format!("/v1/invites/{code}/accept")).header("Cookie", &cookie);
    let own = format!("http://{}", node.address);
    let reply = call.header("Origin", &own).json(&json!({"name": "Bob again"})).send();
    assert_eq!(made(&reply).id, "bob-again");
}

#[test]
fn an_administrators_link_makes_somebody_who_is_here_an_administrator() {
    use letshang::store::rows::InviteKind;
    let node = TestNode::start();
    let [bob] = node.strangers(["bob"]);
    let issued = node.node.user.accounts.invite(InviteKind::Administrator, NOON + 1_000, NOON).unwrap();
    let code = issued.secret.reveal();
    assert_eq!(accept_as(&node, &bob, code).json(), json!({"user": "bob"}));
    assert_eq!(node.call_as(&bob, "GET", "/v1/me").ok()["admin"], true);
    is_nothing(&node, &accept(&node, code, &json!({"name": "Eve"})), "a second use");
}

#[test]
fn a_credential_that_does_not_hold_makes_no_account() {
    let node = TestNode::start();
    let [ann, bob] = node.strangers(["ann", "bob"]);
    let body = json!({"device": "pedometer", "kind": "device"});
    let device = node.call_as(&bob, "POST", "/v1/me/tokens").json(&body).ok()["token"].as_str().unwrap().to_owned();
    let code = invite(&node, &ann, &json!({}));
    let path = format!("/v1/invites/{code}/accept");
    let body = json!({"name": "Bob"});
    assert_eq!(node.call("POST", &path).bearer("lh_wrong").json(&body).send().status, 401);
    assert_eq!(node.call("POST", &path).bearer(&device).json(&body).send().status, 403);
    assert_eq!(show(&node, &code).status, 200, "the link is still good");
    assert_eq!(node.node.user.accounts.len(), 2);
}

#[test]
fn whatever_cannot_be_accepted_answers_alike() {
    let node = TestNode::start();
    let [ann, bob, cem] = node.strangers(["ann", "bob", "cem"]);
    for code in ["x", "1", "lhi_", &no_code(), &ann.token, "..%2f", "%00", &"a".repeat(4_000)] {
        is_nothing(&node, &show(&node, code), code);
        is_nothing(&node, &accept(&node, code, &json!({"name": "Eve"})), code);
        is_nothing(&node, &accept_as(&node, &bob, code), code);
    }

    let own = invite(&node, &ann, &json!({}));
    is_nothing(&node, &accept_as(&node, &ann, &own), "one's own");

    let id = node.call_as(&ann, "GET", "/v1/invites").ok()["invites"][0]["id"].as_u64().unwrap();
    let withdraw = |who: &Person, id: &str| node.call_as(who, "DELETE", &format!("/v1/invites/{id}")).send();
    is_nothing(&node, &withdraw(&bob, &id.to_string()), "somebody else's");
    assert_eq!(withdraw(&ann, &id.to_string()).status, 204);
    for gone in [&id.to_string(), "999999", "-1", "x", "99999999999999999999999"] {
        is_nothing(&node, &withdraw(&ann, gone), gone);
    }
    is_nothing(&node, &show(&node, &own), "withdrawn");
    is_nothing(&node, &accept_as(&node, &bob, &own), "withdrawn");

    let expired = invite(&node, &ann, &json!({}));
    node.clock.advance(7 * DAY - 1);
    assert_eq!(show(&node, &expired).status, 200);
    node.clock.advance(1);
    is_nothing(&node, &show(&node, &expired), "expired");
    is_nothing(&node, &accept(&node, &expired, &json!({"name": "Eve"})), "expired");
    assert_eq!(node.call_as(&ann, "GET", "/v1/invites").ok(), json!({"invites": []}));

    // Blocked, in both directions; whoever is blocked does not even see whose link it is.
    let first = invite(&node, &ann, &json!({}));
    assert_eq!(accept_as(&node, &bob, &first).status, 200);
    assert_eq!(node.call_as(&ann, "PUT", "/v1/blocks/bob").send().status, 204);
    let (anns, bobs) = (invite(&node, &ann, &json!({})), invite(&node, &bob, &json!({})));
    is_nothing(&node, &accept_as(&node, &bob, &anns), "by who is blocked");
    is_nothing(&node, &accept_as(&node, &ann, &bobs), "of who is blocked");
    let shown = node.call_as(&bob, "GET", &format!("/v1/invites/{anns}")).send();
    is_nothing(&node, &shown, "to who is blocked");
    assert_eq!(accept_as(&node, &cem, &anns).status, 200, "others are welcome");

    let orphan = invite(&node, &cem, &json!({}));
    assert_eq!(node.call_as(&cem, "DELETE", "/v1/me").send().status, 204);
    is_nothing(&node, &show(&node, &orphan), "of somebody who is gone");
    is_nothing(&node, &accept_as(&node, &bob, &orphan), "of somebody who is gone");
}

#[test]
fn an_id_is_made_from_the_name_and_nobody_can_try_out_who_is_here() {
    let node = TestNode::start();
    let [ann] = node.strangers(["ann"]);
    let join = |body: &Value| made(&accept(&node, &invite(&node, &ann, &json!({})), body)).id;
    let is_numbered = |id: &str, stem: &str| {
        let number: u32 = id.strip_prefix(stem).and_then(|rest| rest.strip_prefix('-')).unwrap().parse().unwrap();
        assert!((10..10_000).contains(&number), "{id}");
    };
    assert_eq!(join(&json!({"name": "Jean-Luc  Picard"})), "jean-luc-picard");
    is_numbered(&join(&json!({"name": "Ann"})), "ann");
    assert_eq!(join(&json!({"user": "Bob_7"})), "Bob_7");
    is_numbered(&join(&json!({"user": "ann", "name": "Another"})), "ann");
    assert_eq!(join(&json!({"name": "小林"})), "friend");
    is_numbered(&join(&json!({"name": "☕"})), "friend");
}

#[test]
fn a_bad_acceptance_is_refused_by_field_and_leaves_the_link_as_it_is() {
    let node = TestNode::start();
    let [ann] = node.strangers(["ann"]);
    let code = invite(&node, &ann, &json!({}));
    for (body, status, code_word, field) in [
        (json!({}), 400, "missing_field", Some("name")),
        (json!({"name": ""}), 400, "bad_field", Some("name")),
        (json!({"name": "a\u{202e}b"}), 400, "bad_field", Some("name")),
        (json!({"name": "x".repeat(65)}), 400, "bad_field", Some("name")),
        (json!({"name": 7}), 400, "bad_field", Some("name")),
        (json!({"user": "a b"}), 400, "bad_field", Some("user")),
        (json!({"name": "Eve", "device": "a\nb"}), 400, "bad_field", Some("device")),
        (json!({"name": "Eve", "sharing": "everything"}), 400, "bad_field", Some("sharing")),
        (json!({"name": "Eve", "until": NOON.0}), 422, "out_of_range", Some("until")),
        (json!({"name": "Eve", "until": NOON.0 + 367 * DAY}), 422, "out_of_range", Some("until")),
        (json!([]), 400, "bad_json", None),
        (json!({"x": "y".repeat(4_096)}), 413, "too_many", None),
    ] {
        let reply = accept(&node, &code, &body);
        let refusal = (code_word.to_owned(), field.map(str::to_owned));
        assert_eq!((reply.status, reply.refusal()), (status, refusal), "{body}");
    }
    for (body, status, field) in [
        (json!({"sharing": 1}), 400, "sharing"),
        (json!({"sharing": "exact", "until": "soon"}), 400, "until"),
        (json!({"until": 0}), 422, "until"),
    ] {
        let reply = node.call_as(&ann, "POST", "/v1/invites").json(&body).send();
        assert_eq!((reply.status, reply.refusal().1.as_deref()), (status, Some(field)), "{body}");
    }
    assert_eq!(node.node.user.accounts.len(), 1);
    assert_eq!(accept(&node, &code, &json!({"name": "Eve"})).status, 200);
    assert_eq!(node.call("POST", "/v1/invites").send().status, 401);
}

#[test]
fn a_link_may_share_for_a_while_only() {
    let node = TestNode::start();
    let [ann] = node.strangers(["ann"]);
    let until = NOON.0 + 3_600_000;
    let code = invite(&node, &ann, &json!({"sharing": "exact", "until": until}));
    let shown = show(&node, &code).json();
    assert_eq!((&shown["sharing"], &shown["sharing_until"]), (&json!("exact"), &json!(until)));
    made(&accept(&node, &code, &json!({"name": "Bea", "sharing": "approximate", "until": until})));
    let shared = || node.call_as(&ann, "GET", "/v1/friends").ok()["friends"][0].clone();
    assert_eq!((&shared()["sharing"], &shared()["sharing_until"]), (&json!("exact"), &json!(until)));
    node.pass(3_600_000);
    assert_eq!((&shared()["sharing"], &shared()["sharing_until"]), (&json!("off"), &Value::Null));
}

#[test]
fn the_program_prints_its_first_link_for_the_operator_and_not_into_the_log() {
    let place = Place::new(&[]);
    let mut running = place.serve();
    crate::node::until("the link is printed", || running.printed().contains("/join#lhi_"));
    let (printed, origin) = (running.printed(), format!("http://{}", running.address));
    let code = code_of(printed.split_whitespace().find(|word| word.contains("/join#")).unwrap());
    let accepted = running.call("POST", &format!("/v1/invites/{code}/accept")).json(&json!({"name": "Root"})).ok();
    assert_eq!(accepted["user"], "root");
    let root = Person { id: "root".to_owned(), token: accepted["token"].as_str().unwrap().to_owned(), no: 0 };

    let link = place.run_ok(&["invite", "root"]);
    assert!(link.starts_with(&format!("{origin}/join#lhi_")), "{link}");
    let path = format!("/v1/invites/{}/accept", code_of(&link));
    assert_eq!(running.call("POST", &path).json(&json!({"name": "Bea"})).ok()["friend"], "root");
    let second = place.run_ok(&["invite", "--admin"]);
    assert_eq!(running.call("GET", &format!("/v1/invites/{}", code_of(&second))).ok()["administrator"], true);
    assert!(!place.run(&["invite"]).status.success() && !place.run(&["invite", "nobody"]).status.success());
    assert_eq!(place.run_ok(&["erase", "bea"]), "bea is erased");
    assert!(!place.run(&["erase", "bea"]).status.success());
    assert_eq!(running.call("GET", "/v1/friends").bearer(&root.token).ok(), json!({"friends": []}));
    for secret in [code, code_of(&link), code_of(&second), root.token] {
        assert!(!running.log().contains(&secret), "{}", running.log());
    }
    running.terminate();
    running.wait();
    assert!(place.run_ok(&["invite", "--admin"]).contains("/join#lhi_"), "also on a stopped node");
    assert_eq!(place.run_ok(&["erase", "root"]), "root is erased");
    assert!(place.serve().printed().contains("listening on"));
}
