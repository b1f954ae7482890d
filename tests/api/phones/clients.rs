//! Every app's requests, replayed through the real server.
use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::{basic, phone, view};
use crate::client::Person;
use crate::http::{Reply, exchange};
use crate::node::TestNode;

const HERE: (f64, f64) = (40.7643503305, -73.9694356385);

struct Request {
    /// Method, path and headers, without what HTTP itself wants.
    head: String,
    body: String,
    status: u16,
    kind: String,
    at: String,
}

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/phones");
    let all = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = all.filter(|path| path.extension().is_some_and(|end| end == "http")).collect();
    files.sort();
    files
}

fn requests(text: &str) -> Vec<Request> {
    let mut requests = Vec::new();
    let mut lines = Vec::new();
    for line in text.lines() {
        let Some(expected) = line.strip_prefix("=> ") else {
            lines.push(line);
            continue;
        };
        let whole = std::mem::take(&mut lines).join("\n");
        let (head, body) = whole.trim_start().split_once("\n\n").unwrap_or((whole.trim(), ""));
        let words: Vec<&str> = expected.split(' ').collect();
        let [status, kind, _, at] = words.as_slice() else { panic!("{expected}") };
        requests.push(Request {
            head: head.to_owned(),
            body: body.trim_end().to_owned(),
            status: status.parse().unwrap(),
            kind: (*kind).to_owned(),
            at: (*at).to_owned(),
        });
    }
    requests
}

/// Fills in what stands in braces.
fn filled(text: &str, node: &TestNode, ann: &Person, token: &str, root: &Person) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let name = after.split_once('}').map(|(name, _)| name).unwrap_or_default();
        let value = match name.split_once(' ').filter(|(kind, _)| kind.chars().all(|c| c.is_ascii_uppercase())) {
            Some((kind, ago)) => ago.parse().ok().map(|ago: i64| moment(kind, node.clock.now().0 - ago * 1_000)),
            None => match name {
                "TOKEN" => Some(token.to_owned()),
                "ROOT" => Some(root.token.clone()),
                "BASIC" => Some(basic(&ann.id, token).trim_start_matches("Basic ").to_owned()),
                _ => None,
            },
        };
        match value {
            Some(value) => {
                out.push_str(&value);
                rest = &after[name.len() + 1..];
            }
            None => {
                out.push('{');
                rest = after;
            }
        }
    }
    out + rest
}

fn moment(kind: &str, ms: i64) -> String {
    let utc = Timestamp::from_millisecond(ms).unwrap();
    let seconds = ms / 1_000;
    match kind {
        "S" => seconds.to_string(),
        "MS" => ms.to_string(),
        "APPLE" => (seconds - 978_307_200).to_string(),
        "ISO" => utc.to_string(),
        "PLUS" => Timestamp::from_millisecond(ms + 7_200_000).unwrap().strftime("%Y-%m-%dT%H:%M:%S+0200").to_string(),
        "DATE" => utc.strftime("%Y-%m-%d+%H:%M:%S").to_string(),
        other => panic!("no moment is written as {other}"),
    }
}

fn is(kind: &str, reply: &Reply) -> bool {
    match kind {
        "array" => reply.text().starts_with('[') && reply.text().ends_with(']') && reply.json().is_array(),
        "ok" => reply.json()["result"] == "ok",
        "name" => reply.json()["name"] == "ann",
        "empty" => reply.body.is_empty(),
        "text" => reply.text().contains("log_customurl_url=http://"),
        "json" => reply.json().is_object(),
        other => panic!("no answer is {other}"),
    }
}

#[test]
fn what_every_app_sends_is_taken_and_answered_as_it_wants() {
    let files = files();
    assert!(files.len() >= 9, "{files:?}");
    for file in files {
        let node = TestNode::start();
        let root = node.administrator("root");
        let [ann] = node.strangers(["ann"]);
        let phone = phone(&node, &ann, "owntracks", "");
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        for (at, request) in requests(&fs::read_to_string(&file).unwrap()).iter().enumerate() {
            let fill = |text: &str| filled(text, &node, &ann, &phone.token, &root);
            let (head, body) = (fill(&request.head), fill(&request.body));
            let (line, headers) = head.split_once('\n').unwrap_or((&head, ""));
            let headers: String = headers.lines().map(|line| format!("{line}\r\n")).collect();
            let length =
                if line.starts_with("GET") { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
            let bytes = format!(
                "{line} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{length}{headers}\r\n{body}",
                node.address
            );
            let what = format!("{name}, request {at}: {line}");
            let reply = exchange(node.address, bytes.as_bytes()).unwrap();
            assert_eq!(reply.status, request.status, "{what}: {}", reply.text());
            assert!(is(&request.kind, &reply), "{what}: {:?} is not {}", reply.text(), request.kind);
            let own = view(&node, &ann).own;
            let seen =
                own.map(|own| ((own.position.lat(), own.position.lon()), (node.clock.now().0 - own.t.0) / 1_000));
            let expected = (request.at != "nowhere").then(|| (HERE, request.at.parse().unwrap()));
            assert_eq!(seen, expected, "{what}");
        }
        let status = phone.status(&node);
        assert_eq!(status["dropped"]["odd"], 0, "{name}: {status}");
    }
}

#[test]
fn units_are_what_each_app_means_by_its_numbers() {
    let node = TestNode::start();
    let people = node.strangers(["a1", "b1", "c1", "d1", "e1"]);
    let s = node.clock.now().0 / 1_000;
    let here = format!("lat={}&lon={}", HERE.0, HERE.1);
    let t = |phone: &super::Phone| format!("/t/{}", phone.token);
    for (at, person) in people.iter().enumerate() {
        let phone = phone(&node, person, "traccar", "");
        let reply = match at {
            // km/h, knots, m/s, km/h, m/s
            0 => phone.owntracks(
                &node,
                format!(r#"{{"_type":"location","lat":{},"lon":{},"tst":{s},"vel":36}}"#, HERE.0, HERE.1),
            ),
            1 => node.call("POST", &t(&phone)).body(format!("{here}&timestamp={s}&speed=19.438")).send(),
            2 => node
                .call("POST", &t(&phone))
                .body(format!(
                    r#"{{"location":{{"timestamp":{s},"coords":{{"latitude":{},"longitude":{},"speed":10}}}}}}"#,
                    HERE.0, HERE.1
                ))
                .send(),
            3 => node.call("GET", &format!("/gpslogger/{}?{here}&timestamp={s}&spd_kph=36", phone.token)).send(),
            _ => node.call("GET", &format!("/gpslogger/{}?{here}&timestamp={s}&spd=10", phone.token)).send(),
        };
        assert_eq!(reply.status, 200, "{}", reply.text());
        let speed = view(&node, person).own.unwrap().speed.unwrap();
        assert!((speed - 10.0).abs() < 0.01, "{at}: {speed}");
    }
}
