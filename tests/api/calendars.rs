//! Calendars: uploaded, and subscribed to over TLS from a server of ours. What files say is in `tests/calendars.rs`; what flips, in
//! `availability.rs`.
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use letshang::domain::UserNo;
use letshang::store::rows::{CalendarRow, CalendarTextRow};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::authority::Authority;
use crate::client::Person;
use crate::http::Reply;
use crate::node::{NOON, TestNode, until};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Every day from 13:00 to 14:00 UTC, with words that nobody is to see.
const DAILY: &str = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:secret-id@example.org\r\nSUMMARY:Secret lunch\r\nDTSTART:20270301T130000Z\r\n\
                     DTEND:20270301T140000Z\r\nRRULE:FREQ=DAILY\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

fn put(node: &TestNode, person: &Person, text: &str) -> Reply {
    node.call_as(person, "PUT", "/v1/me/calendar")
        .header("Content-Type", "text/calendar; charset=utf-8")
        .body(text)
        .send()
}

fn subscribe(node: &TestNode, person: &Person, url: &str) -> Reply {
    node.call_as(person, "PUT", "/v1/me/calendar").json(&json!({"url": url})).send()
}

fn get(node: &TestNode, person: &Person) -> Value {
    node.call_as(person, "GET", "/v1/me/calendar").ok()
}

fn source(node: &TestNode, person: &Person) -> (Value, Value) {
    let holds = node.call_as(person, "GET", "/v1/me/availability").ok();
    (holds["free"].clone(), holds["source"].clone())
}

#[test]
fn a_calendar_is_uploaded_read_back_replaced_and_removed() {
    let node = TestNode::start();
    let [ann] = node.strangers(["ann"]);
    assert_eq!(node.call_as(&ann, "GET", "/v1/me/calendar").send().status, 404);
    let reply = put(&node, &ann, DAILY);
    assert_eq!(reply.status, 200, "{}", reply.text());
    let calendar = reply.json();
    assert_eq!(
        (&calendar["source"], &calendar["events"], &calendar["notes"]),
        (&json!("upload"), &json!(1), &json!([]))
    );
    let busy = calendar["busy"].as_array().unwrap();
    assert_eq!(busy.len(), 7);
    assert_eq!(busy[0], json!({"from": NOON.0 + HOUR, "to": NOON.0 + 2 * HOUR}));
    assert_eq!(get(&node, &ann), calendar);
    let node = node.restart();
    assert_eq!(get(&node, &ann), calendar, "it outlives the process");
    assert_eq!(source(&node, &ann), (json!(true), json!("calendar")));
    node.pass(HOUR);
    assert_eq!(source(&node, &ann), (json!(false), json!("calendar")));
    let other = put(
        &node,
        &ann,
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;TZID=Nowhere:20270320T100000\nDURATION:PT1H\nEND:VEVENT\nEND:VCALENDAR",
    )
    .json();
    assert_eq!(other["busy"].as_array().unwrap().len(), 1);
    assert_eq!(other["notes"], json!(["the time zone \"Nowhere\" is not known: its times are taken as UTC"]));
    assert_eq!(source(&node, &ann), (json!(true), json!("calendar")));
    assert_eq!(node.call_as(&ann, "DELETE", "/v1/me/calendar").send().status, 204);
    assert_eq!(node.call_as(&ann, "DELETE", "/v1/me/calendar").send().status, 204, "gone is gone");
    assert_eq!(node.call_as(&ann, "GET", "/v1/me/calendar").send().status, 404);
    assert_eq!(source(&node, &ann), (json!(false), json!("default")));
}

#[test]
fn what_is_no_calendar_is_refused_with_a_reason_and_the_one_before_stays() {
    let node = TestNode::start();
    let [ann] = node.strangers(["ann"]);
    put(&node, &ann, DAILY);
    for (text, words) in [
        ("", "BEGIN:VCALENDAR"),
        ("hello", "BEGIN:VCALENDAR"),
        ("<!DOCTYPE html><html><title>Sign in</title>", "web page"),
        (&format!("BEGIN:VCALENDAR\n{}", "BEGIN:VEVENT\nEND:VEVENT\n".repeat(5_001)), "5000 events"),
    ] {
        let reply = put(&node, &ann, text);
        assert_eq!(
            (reply.status, reply.refusal()),
            (422, ("bad_field".to_owned(), Some("calendar".to_owned()))),
            "{words}"
        );
        assert!(reply.text().contains(words), "{}", reply.text());
    }
    assert_eq!(put(&node, &ann, &" ".repeat((1 << 20) + 1)).status, 413);
    for (kind, status) in [("text/plain", 415), ("application/octet-stream", 415), ("", 415), ("application/json", 400)]
    {
        let reply = node.call_as(&ann, "PUT", "/v1/me/calendar").header("Content-Type", kind).body(DAILY).send();
        assert_eq!(reply.status, status, "{kind}: {}", reply.text());
    }
    assert_eq!(get(&node, &ann)["events"], 1);
}

#[test]
fn busy_times_are_worked_out_again_as_time_goes_on() {
    let node = TestNode::start();
    let [ann] = node.strangers(["ann"]);
    put(&node, &ann, DAILY);
    for day in 0..40 {
        node.pass(12 * HOUR);
        node.pass(12 * HOUR);
        let known = || get(&node, &ann)["busy"].as_array().unwrap().len();
        until(&format!("a week ahead is known on day {day}"), || known() == 7);
    }
    node.pass(90 * MINUTE);
    assert_eq!(source(&node, &ann), (json!(false), json!("calendar")));
    // Nobody was there to work anything out for longer than is known ahead.
    node.clock.advance(60 * DAY);
    let node = node.restart();
    assert_eq!(source(&node, &ann), (json!(false), json!("calendar")));
    node.pass(HOUR);
    assert_eq!(source(&node, &ann), (json!(true), json!("calendar")));
    until("it is kept", || get(&node, &ann)["busy"].as_array().unwrap().len() == 7);
}

#[test]
fn days_and_times_without_a_zone_are_the_persons_and_move_with_them() {
    let node = TestNode::start();
    let [ann] = node.strangers(["ann"]);
    put(&node, &ann, "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;VALUE=DATE:20270317\nEND:VEVENT\nEND:VCALENDAR\n");
    let begin = |node: &TestNode| get(node, &ann)["busy"][0]["from"].as_i64().unwrap();
    assert_eq!(begin(&node), NOON.0 + 36 * HOUR);
    node.call_as(&ann, "PATCH", "/v1/me").json(&json!({"time_zone": "America/New_York"})).ok();
    assert_eq!(begin(&node), NOON.0 + 40 * HOUR);
    let node = node.restart();
    assert_eq!(begin(&node), NOON.0 + 40 * HOUR);
}

#[test]
fn a_calendar_goes_with_its_person_and_is_in_the_export_without_words() {
    let node = TestNode::start();
    let [ann, bob] = node.friends(["ann", "bob"]);
    put(&node, &ann, DAILY);
    let export = node.call_as(&ann, "GET", "/v1/export").send();
    let text = String::from_utf8_lossy(&export.body).into_owned();
    assert!(
        text.contains("calendar.json") && text.contains("RRULE:FREQ=DAILY") && text.contains("\"source\": \"upload\"")
    );
    assert!(!text.contains("Secret") && !text.contains("secret-id"));
    let rows = |node: &TestNode| {
        let store = &node.node.user.store;
        let (row, text) = (
            store.get::<CalendarRow>(&UserNo(ann.no)).unwrap(),
            store.get::<CalendarTextRow>(&UserNo(ann.no)).unwrap(),
        );
        (row.is_some(), text.is_some())
    };
    assert_eq!(rows(&node), (true, true));
    assert_eq!(node.call_as(&ann, "DELETE", "/v1/me").send().status, 204);
    assert_eq!(rows(&node), (false, false));
    node.pass(2 * HOUR);
    let node = node.restart();
    assert_eq!(rows(&node), (false, false));
    assert_eq!(node.call_as(&bob, "GET", "/v1/friends").ok()["friends"], json!([]));
}

/// A calendar server with a certificate of our own authority, which answers every request by what it is told at the moment.
struct CalendarServer {
    port: u16,
    files: TempDir,
    answer: Arc<Mutex<String>>,
    heard: Arc<Mutex<Vec<String>>>,
}

impl CalendarServer {
    fn start() -> Self {
        let (authority, files) = (Authority::new(), tempfile::tempdir().unwrap());
        std::fs::write(files.path().join("ca.pem"), &authority.pem).unwrap();
        let pair = authority.pair();
        let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_protocol_versions(rustls::DEFAULT_VERSIONS)
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![CertificateDer::from_pem_slice(pair.certificate.as_bytes()).unwrap()], key)
            .unwrap();
        let (config, listener) = (Arc::new(config), TcpListener::bind("127.0.0.1:0").unwrap());
        let port = listener.local_addr().unwrap().port();
        let (answer, heard) = (Arc::new(Mutex::new(with_body(DAILY))), Arc::new(Mutex::new(Vec::new())));
        let (says, hears) = (answer.clone(), heard.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (config, says, hears) = (config.clone(), says.clone(), hears.clone());
                std::thread::spawn(move || {
                    let session = ServerConnection::new(config).unwrap();
                    let mut stream = StreamOwned::new(session, stream.unwrap());
                    let mut request = String::new();
                    let mut lines = BufReader::new(&mut stream);
                    while lines.read_line(&mut request).is_ok_and(|read| read > 2) {}
                    if request.is_empty() {
                        return;
                    }
                    hears.lock().unwrap().push(request.to_ascii_lowercase());
                    let text = says.lock().unwrap().clone();
                    let _ = stream.write_all(text.as_bytes());
                    stream.conn.send_close_notify();
                    let _ = stream.flush();
                    let _ = stream.sock.read(&mut [0; 1]);
                });
            }
        });
        Self { port, files, answer, heard }
    }

    /// A node that may fetch from it.
    fn node(&self) -> TestNode {
        let (ports, file) = (format!("[{}]", self.port), format!("{:?}", self.files.path().join("ca.pem")));
        TestNode::with(&[
            ("calendar.allow_networks", "[\"127.0.0.1\", \"::1\"]"),
            ("calendar.ports", &ports),
            ("calendar.ca_file", &file),
        ])
    }

    fn url(&self) -> String {
        format!("webcal://localhost:{}/private-4711/me.ics", self.port)
    }

    fn say(&self, text: String) {
        *self.answer.lock().unwrap() = text;
    }

    fn heard(&self) -> usize {
        self.heard.lock().unwrap().len()
    }
}

fn with_body(text: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/calendar\r\nETag: \"v1\"\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}",
        text.len()
    )
}

#[test]
fn a_subscription_is_fetched_at_once_and_every_hour_and_only_if_it_changed() {
    let server = CalendarServer::start();
    let node = server.node();
    let [ann] = node.strangers(["ann"]);
    let reply = subscribe(&node, &ann, &server.url());
    assert_eq!(reply.status, 200, "{}", reply.text());
    let calendar = reply.json();
    assert_eq!(
        (&calendar["source"], &calendar["url_host"], &calendar["fetched"]),
        (&json!("url"), &json!("localhost"), &json!(NOON.0))
    );
    let next = calendar["next_fetch"].as_i64().unwrap();
    assert!((NOON.0 + 54 * MINUTE..=NOON.0 + HOUR).contains(&next), "an hour, and not quite: {next}");
    assert!(!reply.text().contains("4711") && !reply.text().contains("private"), "the address is a secret");
    assert_eq!(source(&node, &ann), (json!(true), json!("calendar")));
    server.say("HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n".to_owned());
    node.pass(HOUR);
    until("it is asked again", || server.heard() == 2);
    assert!(server.heard.lock().unwrap()[1].contains("if-none-match: \"v1\""));
    until("that is noted", || get(&node, &ann)["fetched"] == NOON.0 + HOUR);
    assert_eq!(get(&node, &ann)["events"], 1);
    server.say(with_body("BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"));
    assert_eq!(source(&node, &ann), (json!(false), json!("calendar")));
    node.pass(HOUR);
    until("the new one holds", || get(&node, &ann)["events"] == 0);
    let node = node.restart();
    assert_eq!(get(&node, &ann)["url_host"], "localhost");
    let export = node.call_as(&ann, "GET", "/v1/export").send();
    assert!(!String::from_utf8_lossy(&export.body).contains("4711"));
    let before = server.heard();
    node.pass(2 * HOUR);
    until("it goes on after a restart", || server.heard() > before);
    assert_eq!(node.call_as(&ann, "DELETE", "/v1/me/calendar").send().status, 204);
    let before = server.heard();
    node.pass(3 * HOUR);
    assert_eq!(server.heard(), before, "nobody asks for what is gone");
}

#[test]
fn a_subscription_that_fails_keeps_what_it_had_says_why_and_is_asked_less_often() {
    let server = CalendarServer::start();
    let node = server.node();
    let [ann] = node.strangers(["ann"]);
    subscribe(&node, &ann, &server.url()).json();
    server.say("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned());
    let mut waits = Vec::new();
    for failures in 1..=7 {
        let next = get(&node, &ann)["next_fetch"].as_i64().unwrap();
        node.pass(next - node.clock.now().0);
        until("it is asked", || server.heard() == 1 + failures);
        until("the next time is known", || get(&node, &ann)["next_fetch"].as_i64().unwrap() > node.clock.now().0);
        let calendar = get(&node, &ann);
        assert_eq!(calendar["error"]["code"], "bad_status");
        assert!(calendar["error"]["message"].as_str().unwrap().contains("503"), "{calendar}");
        assert_eq!(calendar["events"], 1, "what it had stays");
        waits.push((calendar["next_fetch"].as_i64().unwrap() - node.clock.now().0 + HOUR / 10) / HOUR);
    }
    assert!(
        waits.is_sorted() && waits[0] == 1 && *waits.last().unwrap() >= 21 && *waits.last().unwrap() <= 24,
        "{waits:?}"
    );
    server.say(
        "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n<html><body>Please sign in: hunter2</body></html>".to_owned(),
    );
    let next = get(&node, &ann)["next_fetch"].as_i64().unwrap();
    node.pass(next - node.clock.now().0);
    until("a web page is none", || get(&node, &ann)["error"]["code"] == "not_a_calendar");
    assert!(!get(&node, &ann).to_string().contains("hunter2"), "what the other server said is not shown");
    server.say(with_body(DAILY));
    let next = get(&node, &ann)["next_fetch"].as_i64().unwrap();
    node.pass(next - node.clock.now().0);
    until("it is well again", || get(&node, &ann).get("error").is_none());
}

#[test]
fn what_cannot_be_fetched_is_refused_at_once_with_a_reason_and_the_one_before_stays() {
    let server = CalendarServer::start();
    let node = server.node();
    let [ann] = node.strangers(["ann"]);
    put(&node, &ann, DAILY);
    let rows = [
        ("ftp://example.org/x", 400, "https"),
        ("https://user:word@example.org/", 400, "user name"),
        ("https://example.org/x.ics", 422, "port"),
        ("https://10.0.0.1/x.ics", 422, "network"),
        ("https://169.254.169.254/latest", 422, "network"),
        ("https://[::ffff:10.0.0.1]/", 422, "network"),
        ("https://0x0a000001/", 422, "network"),
        ("webcal://192.168.1.1/", 422, "network"),
        ("http://example.org/x.ics", 422, "port"),
    ];
    for (url, status, words) in rows {
        let reply = subscribe(&node, &ann, url);
        assert_eq!(
            (reply.status, reply.refusal()),
            (status, ("bad_field".to_owned(), Some("url".to_owned()))),
            "{url}: {}",
            reply.text()
        );
        assert!(reply.text().contains(words), "{url}: {}", reply.text());
    }
    server.say("HTTP/1.1 302 Found\r\nLocation: https://169.254.169.254/latest/meta-data\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned());
    let reply = subscribe(&node, &ann, &server.url());
    assert!(
        reply.status == 422 && reply.text().contains("network") && !reply.text().contains("4711"),
        "{}",
        reply.text()
    );
    server.say("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n<html>".to_owned());
    let reply = subscribe(&node, &ann, &server.url());
    assert!(reply.status == 422 && reply.text().contains("web page"), "{}", reply.text());
    assert_eq!(get(&node, &ann)["source"], "upload");
    for body in [json!({}), json!({"url": null}), json!({"url": 7})] {
        let reply = node.call_as(&ann, "PUT", "/v1/me/calendar").json(&body).send();
        assert_eq!((reply.status, reply.refusal().1), (400, Some("url".to_owned())), "{body}");
    }
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_refused() {
    let server = CalendarServer::start();
    let ports = format!("[{}]", server.port);
    let node = TestNode::with(&[("calendar.allow_networks", "[\"127.0.0.1\", \"::1\"]"), ("calendar.ports", &ports)]);
    let [ann] = node.strangers(["ann"]);
    let reply = subscribe(&node, &ann, &server.url());
    assert!(reply.status == 422 && reply.text().contains("certificate"), "{}", reply.text());
    assert_eq!(server.heard(), 0);
}

#[test]
fn subscriptions_can_be_switched_off() {
    let node = TestNode::with(&[("calendar.subscriptions", "false")]);
    let [ann] = node.strangers(["ann"]);
    let reply = subscribe(&node, &ann, "https://example.org/me.ics");
    assert!(reply.status == 403 && reply.text().contains("upload"), "{}", reply.text());
    assert_eq!(put(&node, &ann, DAILY).status, 200);
}

#[test]
fn by_default_nothing_on_this_machine_can_be_reached() {
    let server = CalendarServer::start();
    let ports = format!("[{}, 443]", server.port);
    let node = TestNode::with(&[("calendar.ports", &ports)]);
    let [ann] = node.strangers(["ann"]);
    for host in ["localhost", "127.0.0.1", "127.1", "[::1]", "[::ffff:127.0.0.1]", "0"] {
        let reply = subscribe(&node, &ann, &format!("https://{host}:{}/x.ics", server.port));
        assert!(reply.status == 422 && reply.text().contains("network"), "{host}: {}", reply.text());
    }
    assert_eq!(server.heard(), 0);
}
