//! Scenarios of a replay: into a server that remembers, with a clock that a sleep moves, and over real HTTP.
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::Path;
use std::thread::JoinHandle;

use clap::Parser;

use super::*;
use crate::domain::Fix;

const NOW: UnixMs = UnixMs(1_800_000_000_000);

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    args: ReplayArgs,
}

fn args(words: &[&str]) -> ReplayArgs {
    Command::parse_from([&["replay"], words].concat()).args
}

fn fixture(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name).display().to_string()
}

struct SleptTime(i64);

impl Time for SleptTime {
    fn now(&self) -> UnixMs {
        NOW + self.0
    }

    fn sleep(&mut self, ms: i64) {
        self.0 += ms;
    }
}

/// A server that judges times as the real one does, and remembers what came in which request.
#[derive(Default)]
struct Remembering {
    requests: Vec<Vec<i64>>,
    lines: Vec<String>,
    now: i64,
}

impl Remembering {
    fn judge(&mut self, times: Vec<i64>) -> Outcome {
        let mut outcome = Outcome::default();
        for &t in &times {
            let fields = FixFields { lat: 1.0, lon: 2.0, t, ..FixFields::default() };
            match Fix::new(&fields, UnixMs(self.now)) {
                Ok(_) => outcome.accepted += 1,
                Err(refusal) => *outcome.rejected.entry(refusal.code.as_str().to_owned()).or_default() += 1,
            }
        }
        self.requests.push(times);
        outcome
    }
}

impl Courier for Remembering {
    fn seeds(&mut self, lines: &[SeedLine]) -> anyhow::Result<Outcome> {
        self.lines.extend(lines.iter().map(ToString::to_string));
        Ok(self.judge(lines.iter().map(|line| line.t.0).collect()))
    }

    fn fixes(&mut self, fixes: &[FixFields]) -> anyhow::Result<Outcome> {
        Ok(self.judge(fixes.iter().map(|fix| fix.t).collect()))
    }
}

struct Replayed {
    report: anyhow::Result<ReplayReport>,
    server: Remembering,
    printed: String,
    took_ms: i64,
}

fn replayed(args: &ReplayArgs) -> Replayed {
    let mut out = Vec::new();
    let mut server = Remembering { now: NOW.0 + 30_000, ..Remembering::default() };
    let mut time = SleptTime(0);
    let report = Recording::read(&args.files, &mut out)
        .and_then(|recording| replay(args, &recording, &mut server, &mut time, &mut out));
    Replayed { report, server, printed: String::from_utf8(out).unwrap(), took_ms: time.0 }
}

#[test]
fn a_seed_file_at_full_speed_ends_now_in_one_request() {
    let done = replayed(&args(&[&fixture("seed.csv"), "--speed", "max"]));
    let report = done.report.unwrap();
    assert_eq!((report.sent, report.accepted, report.skipped_lines, report.bad_lines), (3, 3, 2, 0));
    assert!(report.is_clean());
    assert_eq!(done.server.requests, [[NOW.0 - 30_000, NOW.0 - 20_000, NOW.0]]);
    assert!(
        done.server.lines[0].starts_with("user_20, 2027")
            && done.server.lines[0].ends_with("40.7643503305, -73.9694356385, False")
    );
    assert!(done.printed.contains("sent 3, accepted 3"), "{}", done.printed);
}

#[test]
fn at_the_speed_of_life_every_line_waits_for_its_moment() {
    let done = replayed(&args(&[&fixture("seed.csv")]));
    assert_eq!(done.server.requests, [[NOW.0], [NOW.0 + 10_000], [NOW.0 + 30_000]]);
    assert_eq!(done.took_ms, 30_000);
    let done = replayed(&args(&[&fixture("stroll.gpx"), "--speed", "2"]));
    assert_eq!(done.server.requests, [[NOW.0 - 30_000], [NOW.0 - 19_500], [NOW.0 + 30_000]]);
    assert_eq!(done.took_ms, 30_000);
}

#[test]
fn as_recorded_keeps_the_times_and_tells_what_the_server_refuses() {
    let done = replayed(&args(&[&fixture("seed.csv"), "--speed", "max", "--as-recorded"]));
    let report = done.report.unwrap();
    assert_eq!((report.sent, report.accepted, report.rejected["too_old"]), (3, 0, 3));
    assert!(!report.is_clean());
    assert_eq!(done.server.lines[0], "user_20, 20151002 185127, 40.7643503305, -73.9694356385, False");
    assert!(done.printed.contains("older than 7 days") && done.printed.contains("3 too_old"), "{}", done.printed);
}

#[test]
fn faulty_lines_are_listed_and_counted_and_the_rest_is_sent() {
    let file = fixture("seed_faulty.csv");
    let done = replayed(&args(&[&file, "--speed", "max"]));
    let report = done.report.unwrap();
    assert_eq!((report.sent, report.accepted, report.bad_lines), (2, 2, 4));
    assert!(!report.is_clean());
    for expected in [
        "line 2, column 10: bad_time",
        "line 3, column 27: out_of_range",
        "line 4, column 1: field_count",
        "line 5, column 58: bad_bool",
    ] {
        assert!(done.printed.contains(expected), "{expected} in {}", done.printed);
    }
    let strict = replayed(&args(&[&file, "--speed", "max", "--strict"]));
    assert!(strict.report.unwrap_err().to_string().contains("4 faulty lines") && strict.server.requests.is_empty());
}

#[test]
fn a_faulty_gpx_file_stops_everything_before_anything_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let bad = folder.path().join("bad.gpx");
    std::fs::write(&bad, "<gpx><trk><trkseg>\n<trkpt lat='undefined' lon='1'/></trkseg></trk></gpx>").unwrap();
    let done =
        replayed(&args(&[&fixture("seed.csv"), &fixture("stroll.gpx"), bad.to_str().unwrap(), "--speed", "max"]));
    let error = format!("{:#}", done.report.unwrap_err());
    assert!(
        error.contains("bad.gpx is refused") && error.contains("line 2: lat \"undefined\" is not a number"),
        "{error}"
    );
    assert!(done.server.requests.is_empty());
    let done = replayed(&args(&[folder.path().to_str().unwrap()]));
    assert!(done.report.is_err(), "a folder is no recording");
    let empty = folder.path().join("empty.csv");
    std::fs::write(&empty, "# nothing\n").unwrap();
    assert!(replayed(&args(&[empty.to_str().unwrap()])).report.unwrap_err().to_string().contains("nothing to send"));
}

#[test]
fn several_files_are_one_recording_in_order_of_time() {
    let folder = tempfile::tempdir().unwrap();
    let [early, late] = ["a.csv", "b.csv"].map(|name| folder.path().join(name));
    std::fs::write(&late, "u, 20151002 000001, 1, 2, True\nu, 20151002 000003, 1, 2, True\n").unwrap();
    std::fs::write(&early, "v, 20151002 000000, 1, 2, True\nv, 20151002 000002, 1, 2, True").unwrap();
    let done = replayed(&args(&[late.to_str().unwrap(), early.to_str().unwrap(), "--speed", "max"]));
    assert_eq!(done.server.requests, [[NOW.0 - 3_000, NOW.0 - 2_000, NOW.0 - 1_000, NOW.0]]);
}

#[test]
fn a_shuffled_file_at_full_speed_is_accepted_whole_unless_it_spans_more_than_a_week() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shuffled.csv");
    let lines: Vec<String> = (0..20_000_u32)
        .map(|n| {
            let minute = n * 7_919 % 8_640;
            format!("u{n}, 201510{:02} {:02}{:02}00, 1, 2, True", 1 + minute / 1_440, minute / 60 % 24, minute % 60)
        })
        .collect();
    std::fs::write(&file, lines.join("\r\n")).unwrap();
    let report = replayed(&args(&[file.to_str().unwrap(), "--speed", "max"])).report.unwrap();
    assert_eq!((report.sent, report.accepted), (20_000, 20_000));
    std::fs::write(&file, format!("{}\nu, 20151020 000000, 1, 2, True", lines.join("\n"))).unwrap();
    let report = replayed(&args(&[file.to_str().unwrap(), "--speed", "max"])).report.unwrap();
    assert_eq!((report.sent, report.accepted), (20_001, 1));
}

/// A server on a free port that gives the answers in turn and returns the requests.
fn answering(answers: Vec<String>) -> (ReplayTarget, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base_url = format!("http://{}/", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let mut requests = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut head, mut length) = (String::new(), 0);
            while reader.read_line(&mut head).unwrap() > 2 {
                let line = head.lines().last().unwrap().to_ascii_lowercase();
                if let Some(value) = line.strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            requests.push(head + &String::from_utf8(body).unwrap());
            stream.write_all(answer.as_bytes()).unwrap();
        }
        requests
    });
    (ReplayTarget { base_url, token: "secret-token".to_owned() }, server)
}

fn http(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\nretry-after: 0\r\n\r\n{body}", body.len())
}

#[test]
fn a_recording_goes_to_its_owner_over_http_and_a_busy_server_is_asked_again() {
    let (target, server) = answering(vec![
        http("200 OK", r#"{"user":"ada","name":"Ada"}"#),
        http("503 Service Unavailable", r#"{"code":"unavailable","message":"starting"}"#),
        http("200 OK", r#"{"accepted":2,"rejected":[{"index":2,"code":"too_old"}]}"#),
    ]);
    let mut out = Vec::new();
    let report = run(&args(&[&fixture("stroll.gpx"), "--speed", "max", "--user", "ada"]), &target, &mut out).unwrap();
    assert_eq!((report.sent, report.accepted, report.rejected["too_old"]), (3, 2, 1));
    let requests = server.join().unwrap();
    assert!(requests[0].starts_with("GET /v1/me HTTP/1.1\r\n") && requests[0].contains("Bearer secret-token"));
    assert_eq!(requests[1], requests[2], "asked again with the same");
    assert!(
        requests[2].starts_with("POST /v1/fixes HTTP/1.1\r\n") && requests[2].contains(r#"{"fixes":[{"#),
        "{}",
        requests[2]
    );
    assert!(!String::from_utf8(out).unwrap().contains("secret"));
}

#[test]
fn a_recording_is_not_sent_with_another_persons_token() {
    let (target, server) = answering(vec![http("200 OK", r#"{"user":"bob"}"#)]);
    let error = run(&args(&[&fixture("stroll.gpx"), "--user", "ada"]), &target, &mut Vec::new()).unwrap_err();
    assert!(error.to_string().contains("belongs to bob, not to ada"), "{error}");
    server.join().unwrap();
}

#[test]
fn seed_lines_go_to_the_import_and_a_refused_token_is_said_plainly() {
    let (target, server) = answering(vec![
        http("200 OK", r#"{"accepted":3,"rejected":{}}"#),
        http("401 Unauthorized", r#"{"code":"forbidden","message":"no"}"#),
    ]);
    let report = run(&args(&[&fixture("seed.csv"), "--speed", "max"]), &target, &mut Vec::new()).unwrap();
    assert!(report.is_clean());
    let error = run(&args(&[&fixture("seed.csv"), "--speed", "max"]), &target, &mut Vec::new()).unwrap_err();
    let error = format!("{error:#}");
    assert!(error.contains("does not know the token in LETSHANG_TOKEN") && !error.contains("secret"), "{error}");
    let requests = server.join().unwrap();
    assert!(requests[0].starts_with("POST /v1/ingest HTTP/1.1\r\n") && requests[0].contains("text/csv"));
    assert!(requests[0].trim_end().ends_with("True") && requests[0].matches("user_2").count() == 3);
}

#[test]
fn an_address_without_http_and_a_missing_token_are_refused_before_anything() {
    for (base_url, token) in [
        ("https://example.org", "t"),
        ("example.org", "t"),
        ("http://127.0.0.1:1", " "),
        ("http://127.0.0.1:1", "a\nb"),
    ] {
        let target = ReplayTarget { base_url: base_url.to_owned(), token: token.to_owned() };
        assert!(run(&args(&[&fixture("seed.csv")]), &target, &mut Vec::new()).is_err(), "{base_url}");
        assert!(!format!("{target:?}").contains(token) || token.len() < 2);
    }
}
