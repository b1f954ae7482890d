//! Seed lines that are wrong, or only odd, on both ways in: imported by the administrator, and said on a connection.
use letshang::domain::Code;
use serde_json::json;

use super::{Target, answers};

/// What comes of a line.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Then {
    /// Taken in.
    Taken,
    /// An empty line or a comment: counted as skipped in an import.
    Skipped,
    /// Refused, with the field at fault.
    Refused(Code, Option<&'static str>),
}

use Then::{Refused, Skipped, Taken};

/// Row, the line, what comes of it, and why.
type Row = (&'static str, Vec<u8>, Then, &'static str);

const FIELDS: Then = Refused(Code::BadField, None);
const TIME: Then = Refused(Code::BadField, Some("t"));
const FREE: Then = Refused(Code::BadField, Some("free"));
const USER: Then = Refused(Code::BadField, Some("user"));

fn rows() -> Vec<Row> {
    // LINE is a good line of now; a row changes one thing.
    let mut rows: Vec<Row> = Vec::new();
    let mut row = |no, line: &str, then, why| rows.push((no, line.as_bytes().to_vec(), then, why));
    row("C1", "LINE", Taken, "the seed line");
    row("C1", "ann,CLOCK,52.52,13.405,True", Taken, "spaces are not needed");
    row("C1", "  ann ,  CLOCK , 52.52 , 13.405 ,  True  ", Taken, "and do not count");
    row("C2", "", Skipped, "nothing");
    row("C2", "   ", Skipped, "nothing to be seen");
    row("C2", "# a comment", Skipped, "a comment");
    row("C3", "ann, CLOCK, 52.52, 13.405", FIELDS, "four fields");
    row("C3", "LINE, x", FIELDS, "six fields");
    row("C3", "LINE,", FIELDS, "six, the last one empty");
    row("C3", "ann; CLOCK; 52.52; 13.405; True", FIELDS, "other separators");
    row("C3", "ann\tCLOCK\t52.52\t13.405\tTrue", FIELDS, "other separators");
    for time in [
        "20151002  185127",
        "2015-10-02 18:51:27",
        "20151002T185127",
        "20151002 1851",
        "20151002",
        "",
        "20150230 000000",
        "20151332 000000",
        "20151002 240000",
        "20151002 236000",
        "20151002 235960",
        "00000101 000000",
        "19691231 235959",
        "20151002 18512\u{0667}",
    ] {
        let line = format!("ann, {time}, 52.52, 13.405, True");
        row(if time.len() > 14 { "C4" } else { "C5" }, &line, TIME, "not a time that ever was, in its one form");
    }
    for lat in ["NaN", "inf", "-inf", "Infinity", "1e400"] {
        let line = format!("ann, CLOCK, {lat}, 13.405, True");
        row("C7", &line, Refused(Code::OutOfRange, Some("lat")), "Rust reads these, the world has no such place");
    }
    row("C8", "ann, CLOCK, 52,52, 13.405, True", FIELDS, "a decimal comma makes a field");
    for lat in [".5", "5.", "+40.7", "4.07e1", "052.52"] {
        row("C9", &format!("ann, CLOCK, {lat}, 13.405, True"), Taken, "a number in any form that Rust reads");
    }
    for lat in ["0x28", "1_0", "", "52.52N", "52 31"] {
        let line = format!("ann, CLOCK, {lat}, 13.405, True");
        row("C9", &line, Refused(Code::BadField, Some("lat")), "no number");
    }
    row("C10", "ann, CLOCK, 91, 13.405, True", Refused(Code::OutOfRange, Some("lat")), "outside the world");
    row("C10", "ann, CLOCK, 52.52, -181, True", Refused(Code::OutOfRange, Some("lon")), "outside the world");
    row("C10", "ann, CLOCK, -73.96, 40.76, True", Taken, "swapped, which nobody can see in one line");
    row("C11", &format!("ann, CLOCK, 52.{}, 13.405, True", "52".repeat(200)), Taken, "400 digits are rounded");
    for free in ["false", "FALSE", "True ", "tRuE"] {
        row("C12", &format!("ann, CLOCK, 52.52, 13.405, {free}"), Taken, "either word in any case");
    }
    for free in ["0", "1", "", "Falsee", "yes", "T"] {
        row("C12", &format!("ann, CLOCK, 52.52, 13.405, {free}"), FREE, "and nothing else");
    }
    for user in ["\"ann\"", "=cmd()", "../../etc", "a.b", "a b", "é", "", "\u{1f600}", "a\u{0}b", &"x".repeat(65)] {
        row("C13", &format!("{user}, CLOCK, 52.52, 13.405, True"), USER, "no id: neither quoted nor folded");
    }
    row("C14", &format!("{}, CLOCK, 52.52, 13.405, True", "x".repeat(4_000)), USER, "no id, and long");
    rows
}

fn timed(line: &[u8]) -> Vec<u8> {
    let Ok(text) = std::str::from_utf8(line) else { return line.to_vec() };
    let clock = jiff::Timestamp::now().strftime("%Y%m%d %H%M%S").to_string();
    text.replace("LINE", "ann, CLOCK, 52.52, 13.405, True").replace("CLOCK", &clock).into_bytes()
}

fn import(target: &Target, body: Vec<u8>) -> crate::http::Reply {
    let call = target.program.call("POST", "/v1/ingest").bearer(&target.root.token);
    call.header("Content-Type", "text/csv").body(body).send()
}

#[test]
fn every_seed_line_is_imported_or_refused_as_the_table_says() {
    let mut target = Target::start();
    target.run(
        &rows(),
        |(no, line, ..)| format!("{no} {:.60}", String::from_utf8_lossy(line)),
        |target, (no, line, then, why)| {
            let what = format!("{no} ({why}): {:.100}", String::from_utf8_lossy(line));
            // A good line before and after it: a bad one costs only itself.
            let body = [&timed(b"LINE")[..], b"\r\n", &timed(line), b"\n", &timed(b"LINE")].concat();
            let reply = import(target, body);
            assert_eq!(reply.status, 200, "{what}: {}", reply.text());
            let reply = reply.json();
            let counts = ["accepted", "skipped", "refused", "created"].map(|name| reply[name].as_u64().unwrap());
            match then {
                Taken => assert_eq!(counts, [3, 0, 0, 0], "{what}: {reply}"),
                Skipped => assert_eq!(counts, [2, 1, 0, 0], "{what}: {reply}"),
                Refused(code, field) => {
                    assert_eq!(counts, [2, 0, 1, 0], "{what}: {reply}");
                    let rejected = &reply["rejected"][0];
                    assert_eq!((&rejected["index"], &rejected["code"]), (&json!(1), &json!(code.as_str())), "{what}");
                    let message = rejected["message"].as_str().unwrap();
                    assert!(field.is_none_or(|field| message.contains(field) || field == "free"), "{what}: {message}");
                }
            }
        },
    );
}

#[test]
fn every_seed_line_on_a_connection_is_taken_or_refused_as_the_table_says() {
    let mut target = Target::start();
    let mut ann = target.connect();
    target.run(
        &rows(),
        |(no, line, ..)| format!("{no} {:.60}", String::from_utf8_lossy(line)),
        |_, (no, line, then, why)| {
            let what = format!("{no} ({why}): {:.100}", String::from_utf8_lossy(line));
            ann.raw.text(std::str::from_utf8(&timed(line)).unwrap());
            let frames = answers(&mut ann, &what);
            let errors: Vec<_> = frames.iter().filter(|frame| frame["type"] == "error").collect();
            let expected = match then {
                Taken => return assert!(errors.is_empty(), "{what}: {errors:?}"),
                // A frame is one line, and an empty one says nothing.
                Skipped => (Code::BadField, None),
                Refused(code, field) => (*code, *field),
            };
            let found: Vec<_> = errors.iter().map(|e| (e["code"].as_str().unwrap(), e["field"].as_str())).collect();
            assert_eq!(found, [(expected.0.as_str(), expected.1)], "{what}");
        },
    );
}

#[test]
fn c1_a_file_may_begin_with_a_byte_order_mark_and_end_without_a_line_break() {
    let target = Target::start();
    let body = [b"\xEF\xBB\xBF", &timed(b"LINE")[..], b"\r\n", &timed(b"LINE")].concat();
    assert_eq!(import(&target, body).json()["accepted"], 2);
    assert_eq!(import(&target, Vec::new()).json()["accepted"], 0);
}

#[test]
fn c14_ids_are_case_sensitive_and_never_folded() {
    let target = Target::start();
    let body = String::from_utf8(timed(b"LINE")).unwrap().replace("ann", "ANN");
    assert_eq!(import(&target, body.into_bytes()).json()["created"], 1);
}

#[test]
fn c15_what_is_no_text_is_named_as_what_it_is() {
    let target = Target::start();
    for (what, body) in [
        ("UTF-16", &b"\xFF\xFEa\x00n\x00n\x00"[..]),
        ("UTF-16", b"\xFE\xFF\x00a\x00n\x00n"),
        ("gzip", b"\x1F\x8B\x08\x00\x00\x00"),
    ] {
        let reply = import(&target, body.to_vec());
        assert_eq!((reply.status, reply.refusal().0.as_str()), (400, "bad_json"), "{what}");
        assert!(reply.text().contains(what), "{}", reply.text());
    }
    let reply = import(&target, [&timed(b"LINE")[..], b"\na\xFFb\n", &timed(b"LINE")].concat()).json();
    assert_eq!((&reply["accepted"], &reply["rejected"][0]["index"]), (&json!(2), &json!(1)), "{reply}");
    assert_eq!(reply["rejected"][0]["code"], "bad_json");
}

#[test]
fn c16_a_line_without_end_costs_one_refusal_and_no_memory() {
    let target = Target::start();
    let long = |bytes: usize| [&timed(b"LINE")[..], b"\n", &vec![b'x'; bytes], b"\n", &timed(b"LINE")].concat();
    import(&target, long(64 << 10));
    let before = target.program.rss_kib();
    let reply = import(&target, long(64 << 20)).json();
    assert_eq!((&reply["accepted"], &reply["refused"]), (&json!(2), &json!(1)), "{reply}");
    assert_eq!(reply["rejected"][0]["code"], "bad_json");
    let grown = target.program.rss_kib().saturating_sub(before);
    assert!(grown < 8_192, "{grown} KiB for a line of 64 MiB");
}

#[test]
fn c17_an_import_can_be_repeated_and_shuffled() {
    let target = Target::start();
    let at = |back: i64, lat: f64, free: &str| {
        let clock = jiff::Timestamp::now() - jiff::SignedDuration::from_secs(back);
        format!("ann, {}, {lat}, 13.405, {free}", clock.strftime("%Y%m%d %H%M%S"))
    };
    let lines = [at(30, 52.1, "False"), at(20, 52.1001, "True"), at(10, 52.1002, "False"), at(5, 52.1003, "True")];
    let seen = || {
        let welcome = target.connect().welcome;
        (welcome["free"].clone(), welcome["steps_today"].clone())
    };
    import(&target, lines.join("\n").into_bytes());
    let first = seen();
    assert_eq!(first.0, true);
    let mut shuffled = lines.clone();
    shuffled.swap(0, 3);
    shuffled.swap(1, 2);
    for again in [lines.join("\n"), shuffled.join("\n")] {
        assert_eq!(import(&target, again.into_bytes()).json()["accepted"], 4);
        assert_eq!(seen(), first, "the same lines in whatever order say the same");
    }
}
