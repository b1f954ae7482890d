//! Every route keeps to the policy that it declares, whoever calls, and there is no route without.
use std::fs;
use std::path::{Path, PathBuf};

use letshang::domain::{DeviceName, UserNo};
use letshang::http::policy::{Act, Policy, Takes, Who};
use letshang::http::routes::policies;
use letshang::protocol::policy::{CLIENT, Speaker};
use letshang::store::rows::TokenKind;
use serde_json::json;

use crate::client::Person;
use crate::http::{Call, Reply};
use crate::node::{NOON, TestNode};
use crate::raw_ws::{RawClient, Received};

/// Who calls, and from where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Caller {
    Nobody,
    WrongToken,
    Device,
    Revoked,
    Full,
    Administrator,
    Session(From),
    AdministratorsSession(From),
}

/// What a browser says of the page that makes it call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    OwnPage,
    Unsaid,
    Elsewhere,
    CrossSite,
}

const EVERYBODY: &[Caller] = &[
    Caller::Nobody,
    Caller::WrongToken,
    Caller::Device,
    Caller::Revoked,
    Caller::Full,
    Caller::Administrator,
    Caller::Session(From::OwnPage),
    Caller::Session(From::Unsaid),
    Caller::Session(From::Elsewhere),
    Caller::Session(From::CrossSite),
    Caller::AdministratorsSession(From::OwnPage),
    Caller::AdministratorsSession(From::Unsaid),
    Caller::AdministratorsSession(From::Elsewhere),
    Caller::AdministratorsSession(From::CrossSite),
];

/// What the guard must say: 0 is "go on". Written by hand, and not by the code under test.
fn declared(policy: &Policy, caller: Caller) -> u16 {
    let changes = policy.act == Act::Changes;
    let page = match caller {
        Caller::Session(from) | Caller::AdministratorsSession(from) => match (from, changes) {
            (From::OwnPage, _) | (From::Unsaid | From::Elsewhere, false) => 0,
            (From::CrossSite, _) | (From::Unsaid | From::Elsewhere, true) => 403,
        },
        _ => 0,
    };
    let is_administrator = matches!(caller, Caller::Administrator | Caller::AdministratorsSession(_));
    let device = if caller == Caller::Device { 403 } else { 0 };
    let known = match caller {
        Caller::Nobody | Caller::WrongToken | Caller::Revoked => 401,
        _ => 0,
    };
    match policy.who {
        // No credential is looked at: only what comes from a page elsewhere is refused, and a cookie that does not say where
        // the page is from.
        Who::Anyone => page * u16::from(changes),
        // The socket tells cookies by close codes.
        Who::Socket if matches!(caller, Caller::WrongToken | Caller::Revoked) => 401,
        Who::Socket => 0,
        Who::Visitor if caller == Caller::Nobody => 0,
        Who::Visitor | Who::Reader => page.max(known).max(device),
        Who::Writer => page.max(known),
        // Phones' doors know no cookies, and in an address no token but a device's.
        Who::Phone if matches!(caller, Caller::Device | Caller::Full | Caller::Administrator) => 0,
        Who::PhoneInPath | Who::PhoneInQuery if caller == Caller::Device => 0,
        Who::Phone | Who::PhoneInPath | Who::PhoneInQuery => 401,
        Who::Administrator | Who::Operator if page != 0 => page,
        Who::Administrator | Who::Operator if known != 0 => known,
        Who::Administrator | Who::Operator if is_administrator => 0,
        Who::Administrator | Who::Operator => 403,
    }
}

/// A person of their own for each call, so that none undoes another.
fn person(node: &TestNode, number: usize, administrator: bool) -> Person {
    let id = format!("p{number}");
    if administrator {
        return node.administrator(&id);
    }
    let [person] = node.strangers([id.as_str()]);
    person
}

fn token(node: &TestNode, person: &Person, kind: TokenKind) -> String {
    let device = DeviceName::parse("other").unwrap();
    let expires = (kind == TokenKind::Session).then_some(NOON + 3_600_000);
    let issued = node.node.user.accounts.issue_token(UserNo(person.no), kind, &device, expires, NOON).unwrap();
    issued.secret.reveal().to_owned()
}

fn revoked(node: &TestNode, person: &Person, kind: TokenKind) -> String {
    let token = token(node, person, kind);
    let accounts = &node.node.user.accounts;
    let known = accounts.verify(&token, NOON).unwrap();
    accounts.revoke(known.no, known.token_id).unwrap();
    token
}

/// The path for somebody with this token: in it where the route wants it there.
fn path_with(policy: &Policy, token: &str) -> String {
    match policy.who {
        Who::PhoneInPath => policy.path.replace("{token}", token),
        Who::PhoneInQuery => format!("{}?api_key={token}", policy.path),
        _ => path_of(policy),
    }
}

fn path_of(policy: &Policy) -> String {
    policy
        .path
        .replace("{code}", "nothing")
        .replace("{id}", "77")
        .replace("{user}", "nobody")
        .replace("{token}", "nothing")
        .replace("{path:.*}", "")
}

fn with_body(call: Call, policy: &Policy, person: &Person) -> Call {
    match policy.takes {
        // A sign-in that nothing is wrong with.
        Takes::Json if policy.path == "/v1/session" => call.json(&json!({"token": person.token})),
        Takes::Json | Takes::LargeJson => call.json(&json!({})),
        Takes::Calendar => call.header("Content-Type", "text/calendar").body("BEGIN:VCALENDAR\nEND:VCALENDAR\n"),
        Takes::Lines => call.header("Content-Type", "text/csv").body("# nothing\n"),
        Takes::Phone => call.body("{}"),
        Takes::Nothing | Takes::Frames => call,
    }
}

fn send(node: &TestNode, policy: &Policy, method: &str, caller: Caller, number: usize) -> Reply {
    let administrator = matches!(caller, Caller::Administrator | Caller::AdministratorsSession(_));
    let person = person(node, number, administrator);
    let mut call = with_body(node.call(method, &path_of(policy)), policy, &person);
    if matches!(policy.who, Who::PhoneInPath | Who::PhoneInQuery) {
        let token = match caller {
            Caller::Nobody | Caller::Session(_) | Caller::AdministratorsSession(_) => "nothing".to_owned(),
            Caller::WrongToken => format!("lh_{}", "x".repeat(43)),
            Caller::Device => token(node, &person, TokenKind::Device),
            Caller::Revoked => revoked(node, &person, TokenKind::Device),
            Caller::Full | Caller::Administrator => person.token.clone(),
        };
        call = with_body(node.call(method, &path_with(policy, &token)), policy, &person);
        if !matches!(caller, Caller::Session(_) | Caller::AdministratorsSession(_)) {
            return call.send();
        }
    }
    if policy.who == Who::Operator {
        // Not from the machine itself.
        call = call.header("X-Forwarded-For", "203.0.113.9");
    }
    let call = match caller {
        Caller::Nobody => call,
        Caller::WrongToken => call.bearer(&format!("lh_{}", "x".repeat(43))),
        Caller::Device => call.bearer(&token(node, &person, TokenKind::Device)),
        Caller::Revoked => call.bearer(&revoked(node, &person, TokenKind::Full)),
        Caller::Full | Caller::Administrator => call.bearer(&person.token),
        Caller::Session(from) | Caller::AdministratorsSession(from) => {
            let session = token(node, &person, TokenKind::Session);
            let call = call.header("Cookie", &format!("letshang_session={session}"));
            let own = format!("http://{}", node.address);
            match from {
                From::OwnPage => call.header("Origin", &own).header("Sec-Fetch-Site", "same-origin"),
                From::Unsaid => call,
                From::Elsewhere => call.header("Origin", "https://evil.example"),
                From::CrossSite => call.header("Origin", &own).header("Sec-Fetch-Site", "cross-site"),
            }
        }
    };
    call.send()
}

#[test]
fn every_route_answers_everybody_as_its_policy_says() {
    let node = TestNode::with(&[("privacy.invites_per_day", "100000")]);
    let mut wrong = Vec::new();
    let mut number = 0;
    for policy in policies() {
        for method in policy.verb.methods() {
            for caller in EVERYBODY {
                number += 1;
                let reply = send(&node, policy, method.as_str(), *caller, number);
                let declared = declared(policy, *caller);
                let is_as_declared = match declared {
                    // Whatever the handler makes of it: neither "who are you" nor "not for you".
                    0 => !matches!(reply.status, 401 | 403 | 405 | 415 | 429 | 500..),
                    status => reply.status == status,
                };
                if !is_as_declared {
                    let said = format!("{} {}", reply.status, reply.text());
                    wrong.push(format!("{method} {} by {caller:?}: {said}, not {declared}", policy.path));
                }
            }
        }
    }
    assert!(number > 500 && wrong.is_empty(), "{number} calls: {wrong:#?}");
}

#[test]
fn every_route_takes_only_the_kind_and_size_of_body_that_it_declares() {
    let node = TestNode::with(&[
        ("limits.body_bytes", "2000"),
        ("limits.admin_body_bytes", "3000"),
        ("limits.phone_body_bytes", "2500"),
    ]);
    let root = node.administrator("root");
    let device = token(&node, &root, TokenKind::Device);
    for policy in policies().filter(|policy| policy.who != Who::Anyone && policy.takes != Takes::Frames) {
        let path = path_with(policy, &device);
        // A person who is erased by one of the calls would spoil the next ones: the body is refused before that.
        let call = || node.call_as(&root, policy.verb.methods()[0].as_str(), &path);
        let what = format!("{:?} {}", policy.verb, policy.path);
        let most = match policy.takes {
            Takes::Nothing => 0,
            Takes::Json => 2_000,
            Takes::LargeJson => 3_000,
            Takes::Phone => 2_500,
            Takes::Calendar => 1_048_576,
            Takes::Lines | Takes::Frames => continue,
        };
        let json = || call().header("Content-Type", "application/json");
        assert_eq!(json().body(" ".repeat(most + 1)).send().status, 413, "{what}");
        let declared = json().header("Content-Length", "99999999999999999999").body("{").send();
        assert_eq!(declared.status, 400, "{what}: a length that no number holds");
        assert_eq!(call().header("Content-Encoding", "gzip").body("x").send().status, 415, "{what}");
        if policy.takes == Takes::Nothing {
            continue;
        }
        if policy.takes == Takes::Phone {
            for kind in ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", "", "text/json"] {
                assert_eq!(call().header("Content-Type", kind).body("{}").send().status, 200, "{what}: {kind:?}");
            }
            continue;
        }
        for kind in ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", "", "text/json"] {
            assert_eq!(call().header("Content-Type", kind).body("{}").send().status, 415, "{what}: {kind:?}");
        }
        assert_eq!(call().body("{}").send().status, 415, "{what}: no kind at all");
        let chunk = format!("{most:x}\r\n{}\r\n", " ".repeat(most));
        let chunked = json().header("Transfer-Encoding", "chunked").body(format!("{chunk}1\r\nx\r\n0\r\n\r\n"));
        let served = chunked.send();
        // What has no handler yet does not read its body.
        assert!(served.status == 413 || served.text().contains("no such call"), "{what}: {}", served.text());
        let well = call().header("Content-Type", "Application/JSON; charset=utf-8").body("{}").send();
        assert!(!matches!(well.status, 413 | 415), "{what}: {}", well.text());
    }
}

#[test]
fn every_frame_is_taken_from_whom_its_policy_names_and_from_nobody_else() {
    let node = TestNode::start();
    let (root, [ann]) = (node.administrator("root"), node.strangers(["ann"]));
    for policy in CLIENT {
        let said = |person: &Person| match policy.name {
            "hello" => json!({"type": "hello", "token": person.token}).to_string(),
            "fix" => json!({"type": "fix", "lat": 1, "lon": 2, "t": NOON.0}).to_string(),
            "fixes" => json!({"type": "fixes", "fixes": []}).to_string(),
            "availability" => json!({"type": "availability", "free": true}).to_string(),
            "nearby" => json!({"type": "nearby"}).to_string(),
            "map" => json!({"type": "map", "open": true}).to_string(),
            "view" => json!({"type": "view", "bbox": [0, 0, 1, 1], "zoom": 3}).to_string(),
            "ping" => json!({"type": "ping"}).to_string(),
            "seed" => format!("{}, 20270315 120000, 40.76, -73.97, False", person.id),
            other => panic!("say here what a {other} looks like"),
        };
        let mut stranger = RawClient::connect(node.address, "/v1/ws");
        stranger.text(&said(&ann));
        match (policy.speaker, stranger.read()) {
            (Speaker::Stranger, Received::Text(text)) => assert!(text.contains("welcome"), "{text}"),
            (Speaker::Person | Speaker::Administrator, Received::Close(Some(4401), _)) => {}
            (_, other) => panic!("{} of a stranger: {other:?}", policy.name),
        }
        for (who, is_administrator) in [(&ann, false), (&root, true)] {
            let mut client = node.connect(who);
            client.raw.text(&said(who));
            client.say(&json!({"type": "ping", "id": "after"}));
            let mut refusal = None;
            loop {
                match client.raw.read() {
                    Received::Text(text) if text.contains("\"after\"") => break,
                    Received::Text(text) if text.contains("\"error\"") => refusal = Some(text),
                    Received::Text(_) | Received::Binary(_) => {}
                    other => panic!("{} of {}: {other:?}", policy.name, who.id),
                }
            }
            match policy.speaker {
                Speaker::Person => assert_eq!(refusal, None, "{} of {}", policy.name, who.id),
                Speaker::Administrator => {
                    assert_eq!(refusal.is_none(), is_administrator, "{} of {}: {refusal:?}", policy.name, who.id);
                }
                // Who has said hello is somebody.
                Speaker::Stranger => assert!(refusal.unwrap().contains("conflict")),
                Speaker::Server => panic!("{} is not a client's", policy.name),
            }
        }
    }
}

fn sources() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    found
}

#[test]
fn nothing_is_registered_beside_the_table() {
    for (path, text) in sources() {
        let is_table = path.ends_with("http/routes.rs");
        for (way, in_table) in [
            (".service(", 2),
            (".route(", 1),
            (".default_service(", 2),
            ("web::resource(", 1),
            ("web::scope(", 1),
            ("web::redirect(", 0),
            ("actix_files", 0),
            ("#[get(", 0),
            ("#[post(", 0),
            ("#[put(", 0),
            ("#[delete(", 0),
            ("#[route(", 0),
        ] {
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            let found = code.map(|line| line.matches(way).count()).sum::<usize>();
            let allowed = if is_table { in_table } else { 0 };
            assert_eq!(found, allowed, "{way} in {}", path.display());
        }
        if path.ends_with("app/listen.rs") {
            let configured = text.matches(".configure(").count();
            assert!(configured == 1 && text.contains("routes::register(config, node)"), "{}", path.display());
            assert!(text.contains(".wrap_fn(guard::outermost)"));
        }
    }
}

/// The handlers are a second lock: each that is not for everybody asks for the caller itself.
#[test]
fn every_handler_that_is_not_for_everybody_names_its_caller() {
    let sources = sources();
    let source = |module: &str| {
        let file = format!("http/{module}.rs");
        &sources.iter().find(|(path, _)| path.ends_with(&file)).unwrap_or_else(|| panic!("no {file}")).1
    };
    let table = source("routes");
    let table = &table[table.find("const TABLE").unwrap()..table.find("const PAGES").unwrap()];
    let mut seen = 0;
    for row in table.split("row(").skip(1) {
        let handler = row.split("web::to(").nth(1).unwrap().split(')').next().unwrap();
        let Some((module, name)) = handler.rsplit_once("::") else { continue };
        let module = module.replace("::", "/");
        let who = row.split(',').nth(2).unwrap().trim();
        let extractors: &[&str] = match who {
            "Reader" | "Writer" => &["Caller", "Reader", "Administrator"],
            "Administrator" => &["Administrator"],
            "Who::Phone" | "PhoneInPath" | "PhoneInQuery" => &["Phone"],
            _ => continue,
        };
        let text = source(&module);
        let signature = text.split(&format!("pub async fn {name}(")).nth(1).unwrap_or_else(|| panic!("no {handler}"));
        let signature = signature.split('{').next().unwrap();
        let names = extractors.iter().any(|extractor| signature.contains(&format!(": {extractor}")));
        assert!(names, "{handler} is for {who} and does not ask who is calling: {signature}");
        seen += 1;
    }
    assert!(seen >= 16, "{seen}");
}
