//! The rows of `json.rs`: what is sent, what comes of it, and why.
use letshang::domain::Code;

/// What comes of a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Then {
    /// An `error` frame, with the field at fault; the connection stays.
    Error(Code, Option<&'static str>),
    /// No error; an `ack` when the frame had a number.
    Fine,
    /// An `ack` that names these items.
    Rejected(&'static [(usize, Code)]),
}

use Then::{Error, Fine, Rejected};

/// Row, what is sent, what comes of it, and why.
pub type Row = (&'static str, String, Then, &'static str);

fn row(no: &'static str, sent: impl Into<String>, then: Then, why: &'static str) -> Row {
    (no, sent.into(), then, why)
}

/// A fix whose fields are these.
fn fix(fields: &str) -> String {
    format!(r#"{{"type":"fix","seq":1,{fields}}}"#)
}

/// A good fix with these fields besides.
fn also(fields: &str) -> String {
    fix(&format!(r#""lat":52.5,"lon":13.4,"t":NOW,{fields}"#))
}

fn availability(fields: &str) -> String {
    format!(r#"{{"type":"availability","seq":1,{fields}}}"#)
}

fn nearby(fields: &str) -> String {
    format!(r#"{{"type":"nearby","id":1,{fields}}}"#)
}

fn shapes() -> Vec<Row> {
    let bad = Error(Code::BadJson, None);
    let line = Error(Code::BadField, None);
    let deep = |open: &str, close: &str, n: usize| open.repeat(n) + &close.repeat(n);
    vec![
        row("J1", "", line, "an empty frame does not begin with {: it is read as a seed line"),
        row("J1", "null", line, "as above"),
        row("J1", "[]", line, "as above"),
        row("J1", "\"x\"", line, "as above"),
        row("J1", "7", line, "as above"),
        row("J2", r#"{"type":"fix","lat":"#, bad, "it ends too early"),
        row("J2", r#"{"type":"ping"}x"#, bad, "something follows the object"),
        row("J2", r#"{"type":"ping"}{"type":"ping"}"#, bad, "one frame is one object"),
        row("J2", "\u{feff}{\"type\":\"ping\"}", line, "a byte order mark is not {"),
        row("J2", r#"{'type':'ping'}"#, bad, "not JSON"),
        row("J2", r#"{"type":"ping",}"#, bad, "not JSON"),
        row("J2", "{\"type\":\"ping\u{0}\"}", bad, "a control character in a string"),
        row("J2", r#"{"type":"ping","id":"\ud800"}"#, bad, "half a surrogate pair is no text"),
        row("J3", also(&format!(r#""x":{}"#, deep("[", "]", 100))), Fine, "unknown fields are skipped"),
        row("J3", also(&format!(r#""x":{}"#, deep("[", "]", 7_000))), Fine, "skipped without a stack to lose"),
        row(
            "J4",
            deep("{\"a\":", "}", 2_500).replace("\"a\":}", "}"),
            Error(Code::MissingField, Some("type")),
            "as above",
        ),
        row("J4", "{".repeat(16_000), bad, "as above"),
        row("J5", r#"{"type":"dance"}"#, Error(Code::UnknownType, Some("type")), "no such frame"),
        row("J5", r#"{"type":"FIX"}"#, Error(Code::UnknownType, Some("type")), "types have one spelling"),
        row("J5", r#"{"type":""}"#, Error(Code::UnknownType, Some("type")), "no such frame"),
        row("J5", "{}", Error(Code::MissingField, Some("type")), "a frame has a type"),
        row("J5", r#"{"type":7}"#, Error(Code::BadField, Some("type")), "a type is a string"),
        row("J5", r#"{"type":null}"#, Error(Code::BadField, Some("type")), "and not null"),
        row("J6", also(r#""colour":"red","nested":{"a":[1]}"#), Fine, "clients of tomorrow say more"),
        row("J7", fix(r#""lat":1,"lat":2,"lon":3,"t":NOW"#), bad, "which of the two would hold?"),
        row("J7", r#"{"type":"ping","type":"fix"}"#, bad, "as above"),
        row("J19", also(r#""user":"bob""#), Fine, "who speaks is never decided by a field: it is not read"),
        row("-", r#"{"type":"hello","token":"x"}"#, Error(Code::Conflict, None), "hello is said once"),
        row("-", r#"{"type":"view","bbox":[0,0,1,1],"zoom":3}"#, Error(Code::Forbidden, None), "the administrator's"),
        row("-", r#"{"type":"view","bbox":[0,1],"zoom":3}"#, Error(Code::BadField, Some("bbox")), "four numbers"),
        row(
            "-",
            r#"{"type":"view","bbox":[0,1,1,0],"zoom":3}"#,
            Error(Code::OutOfRange, Some("bbox")),
            "south of north",
        ),
        row("-", r#"{"type":"view","bbox":[0,0,1,1],"zoom":25}"#, Error(Code::OutOfRange, Some("zoom")), "0 to 24"),
        row("-", r#"{"type":"map"}"#, Error(Code::MissingField, Some("open")), "open or not?"),
        row("-", r#"{"type":"map","open":1}"#, Error(Code::BadField, Some("open")), "true or false"),
        row("-", r#"{"type":"ping","id":-1}"#, Error(Code::BadField, Some("id")), "whole numbers or short strings"),
        row("-", r#"{"type":"ping","id":{}}"#, Error(Code::BadField, Some("id")), "as above"),
        row(
            "-",
            format!(r#"{{"type":"ping","id":"{}"}}"#, "x".repeat(65)),
            Error(Code::BadField, Some("id")),
            "64 bytes",
        ),
    ]
}

fn positions() -> Vec<Row> {
    let mut rows = Vec::new();
    for number in ["NaN", "Infinity", "-Infinity", "1e999", "01", "+1", "0x10", "1_0", ".5", "5.", "1e", "--1"] {
        let sent = fix(&format!(r#""lat":{number},"lon":2,"t":NOW"#));
        rows.push(row("J8", sent, Error(Code::BadJson, None), "not a number in JSON, or not one that fits"));
    }
    for value in ["\"40.7\"", "null", "true", "[1]", "{}"] {
        let sent = fix(&format!(r#""lat":{value},"lon":2,"t":NOW"#));
        rows.push(row("J9", sent, Error(Code::BadField, Some("lat")), "a latitude is a number"));
    }
    for lat in ["90.0000001", "-91", "1e300", "-1e300"] {
        let sent = fix(&format!(r#""lat":{lat},"lon":2,"t":NOW"#));
        rows.push(row("J10", sent, Error(Code::OutOfRange, Some("lat")), "outside the world"));
    }
    for lon in ["180.0000001", "-720", "1e300"] {
        let sent = fix(&format!(r#""lat":2,"lon":{lon},"t":NOW"#));
        rows.push(row("J10", sent, Error(Code::OutOfRange, Some("lon")), "outside the world"));
    }
    for (lat, lon) in [("90", "0"), ("-90", "0"), ("0.5", "180"), ("0.5", "-180"), ("-0.0", "7"), ("5e-324", "7")] {
        let sent = fix(&format!(r#""lat":{lat},"lon":{lon},"t":NOW"#));
        rows.push(row("J11", sent, Fine, "the edges belong to the world"));
    }
    rows.push(row("J12", fix(r#""lat":0,"lon":0,"t":NOW,"acc":0"#), Fine, "kept as said; it moves nobody (map.rs)"));
    for odd in [
        "\"acc\":-1",
        "\"acc\":1e9",
        "\"speed\":-1",
        "\"heading\":-1",
        "\"heading\":361",
        "\"battery\":101",
        "\"steps\":-5",
        "\"steps\":1e9",
        "\"alt\":1e300",
    ] {
        rows.push(row("J13", also(odd), Fine, "a phone with an odd sensor still has a position"));
    }
    for bad in ["acc", "speed", "heading", "alt", "battery", "steps"] {
        let sent = also(&format!(r#""{bad}":"fast""#));
        rows.push(row("J13", sent, Error(Code::BadField, Some(bad)), "an optional number is a number"));
    }
    for missing in [r#""lon":2,"t":NOW"#, r#""lat":1,"t":NOW"#, r#""lat":1,"lon":2"#] {
        let field = if missing.contains("lat") { if missing.contains("lon") { "t" } else { "lon" } } else { "lat" };
        rows.push(row("-", fix(missing), Error(Code::MissingField, Some(field)), "a fix is where and when"));
    }
    rows
}

fn times() -> Vec<Row> {
    let at = |t: &str| fix(&format!(r#""lat":52.5,"lon":13.4,"t":{t}"#));
    let future = Error(Code::FromFuture, Some("t"));
    let wrong = Error(Code::BadField, Some("t"));
    let old = Error(Code::TooOld, Some("t"));
    vec![
        row("J14", at("NOW+58000"), Fine, "clocks differ by up to a minute"),
        row("J14", at("NOW+63000"), future, "by more is wrong"),
        row("J14", at("253402300799000"), future, "the year 9999"),
        row("J14", at("9223372036854775807"), future, "the largest number"),
        row("J14", at("18446744073709551615"), future, "a larger one, saturated"),
        row("J14", at("1e18"), future, "a number all the same"),
        row("J14", at("1e300"), future, "saturated"),
        row("J14", at("-1"), Error(Code::OutOfRange, Some("t")), "before 1970"),
        row("J14", at("-9223372036854775808"), Error(Code::OutOfRange, Some("t")), "the smallest number"),
        row("J14", at("\"NOW\""), wrong, "a time is a number"),
        row("J14", at("\"2027-03-15T12:00:00Z\""), wrong, "a time is a number"),
        row("J14", at("null"), wrong, "and not null"),
        row("J15", at("NOW-604000000"), Fine, "not quite seven days"),
        row("J15", at("NOW-604801000"), old, "more than seven days: POST /v1/ingest is for those"),
        row("J15", at("1700000000"), old, "seconds where milliseconds are due: the year 1970"),
        row("J15", at("0"), old, "1970"),
        row("J22", availability(r#""free":true,"until":-1"#), Error(Code::OutOfRange, Some("until")), "before 1970"),
        row("J22", availability(r#""free":true,"until":0"#), Fine, "an end in the past is no freedom (presence.rs)"),
        row("J22", availability(r#""free":true,"until":"noon""#), Error(Code::BadField, Some("until")), "a number"),
        row("J22", availability(r#""free":true,"until":32503680000000"#), Fine, "the year 3000: until changed"),
    ]
}

fn numbers() -> Vec<Row> {
    let seq = |seq: &str| format!(r#"{{"type":"fix","lat":52.5,"lon":13.4,"t":NOW,"seq":{seq}}}"#);
    let wrong = Error(Code::BadField, Some("seq"));
    let mut rows = vec![row("J16", seq("0"), Fine, "a number"), row("J16", seq("9007199254740993"), Fine, "2^53 + 1")];
    for bad in ["-1", "1.5", "\"1\"", "18446744073709551616", "1e3", "true"] {
        rows.push(row("J16", seq(bad), wrong, "whole, from 0 to 2^64 - 1"));
    }
    rows.push(row("J16", seq("null"), Fine, "as good as absent"));
    rows
}

fn lists() -> Vec<Row> {
    let item = r#"{"lat":52.5,"lon":13.4,"t":NOW-100}"#;
    let list = |items: &str| format!(r#"{{"type":"fixes","seq":1,"fixes":[{items}]}}"#);
    let many = |n: usize| list(&vec![item; n].join(","));
    let with = |bad: &str| list(&[item, bad, item].join(","));
    vec![
        row("J18", list(""), Fine, "nothing is something to acknowledge"),
        row("J18", many(100), Fine, "as many as may be"),
        row("J18", many(101), Error(Code::TooMany, Some("fixes")), "one too many: none is stored"),
        row("J18", with(r#"{"lat":91,"lon":2,"t":NOW}"#), Rejected(&[(1, Code::OutOfRange)]), "costs only itself"),
        row("J18", with(r#"{"lat":"x","lon":2,"t":NOW}"#), Rejected(&[(1, Code::BadField)]), "costs only itself"),
        row("J18", with(r#"{"lon":2,"t":NOW}"#), Rejected(&[(1, Code::MissingField)]), "costs only itself"),
        row("J18", with(r#"{"lat":1,"lon":2,"t":0}"#), Rejected(&[(1, Code::TooOld)]), "costs only itself"),
        row("J18", with(r#"{"lat":1,"lon":2,"t":1e18}"#), Rejected(&[(1, Code::FromFuture)]), "costs only itself"),
        row("J18", with("7"), Rejected(&[(1, Code::BadField)]), "costs only itself"),
        row("J18", with("null"), Rejected(&[(1, Code::BadField)]), "costs only itself"),
        row("J18", with(r#"{"lat":1e999,"lon":2,"t":NOW}"#), Error(Code::BadJson, None), "then nothing of it is JSON"),
        row("J18", r#"{"type":"fixes","fixes":{}}"#, Error(Code::BadField, Some("fixes")), "an array"),
        row("J18", r#"{"type":"fixes","fixes":null}"#, Error(Code::BadField, Some("fixes")), "an array"),
        row("J18", r#"{"type":"fixes"}"#, Error(Code::MissingField, Some("fixes")), "which?"),
        row("J18", r#"{"type":"fixes","fixes":[],"seq":-1}"#, Error(Code::BadField, Some("seq")), "as for one fix"),
    ]
}

fn words() -> Vec<Row> {
    let note = |note: &str| availability(&format!(r#""free":true,"note":"{note}""#));
    let deceptive = Error(Code::BadField, Some("note"));
    vec![
        row("J21", note(r"\u202e evil"), deceptive, "text that runs backwards deceives"),
        row("J21", note(r"a\u200bb"), deceptive, "so does text that cannot be seen"),
        row("J21", note(r"a\u0000b"), deceptive, "and control characters"),
        row("J21", note(r"a\nb"), deceptive, "a note is one line"),
        row("J21", note("<img onerror=alert(1)>"), Fine, "markup is text, stored and shown as such"),
        row("J21", note("=HYPERLINK()"), Fine, "as above"),
        row("J21", note(&"\u{1f600}".repeat(140)), Fine, "140 characters, whatever their bytes"),
        row("J22", note(&"x".repeat(141)), Error(Code::OutOfRange, Some("note")), "141 are too many"),
        row("J22", note(&"x".repeat(15_000)), Error(Code::OutOfRange, Some("note")), "and 15,000"),
        row("J22", availability(r#""free":true,"note":7"#), Error(Code::BadField, Some("note")), "a string"),
        row("J22", availability(r#""note":"x""#), Error(Code::MissingField, Some("free")), "free or busy?"),
        row("J22", availability(r#""free":"yes""#), Error(Code::BadField, Some("free")), "true or false"),
        row("J22", availability(r#""free":null"#), Error(Code::BadField, Some("free")), "true or false"),
        row("J22", availability(r#""free":false,"note":"" "#), Fine, "an empty note is none"),
        row("J25", nearby(r#""radius":0"#), Error(Code::OutOfRange, Some("radius")), "50 m to 50 km"),
        row("J25", nearby(r#""radius":-1"#), Error(Code::OutOfRange, Some("radius")), "50 m to 50 km"),
        row("J25", nearby(r#""radius":49.999"#), Error(Code::OutOfRange, Some("radius")), "50 m to 50 km"),
        row("J25", nearby(r#""radius":50001"#), Error(Code::OutOfRange, Some("radius")), "50 m to 50 km"),
        row("J25", nearby(r#""radius":"NaN""#), Error(Code::BadField, Some("radius")), "a number"),
        row("J25", nearby(r#""limit":0"#), Error(Code::OutOfRange, Some("limit")), "1 to 1,000"),
        row("J25", nearby(r#""limit":1001"#), Error(Code::OutOfRange, Some("limit")), "1 to 1,000"),
        row("J25", nearby(r#""limit":1.5"#), Error(Code::BadField, Some("limit")), "whole"),
        row("J25", nearby(r#""free_only":"yes""#), Error(Code::BadField, Some("free_only")), "true or false"),
        row("J25", nearby(r#""radius":50,"limit":1,"free_only":true"#), Fine, "the smallest question"),
        row("J20", nearby(r#""user":"../x""#), Fine, "nobody is asked for by name: it is not read"),
    ]
}

/// All rows.
pub fn rows() -> Vec<Row> {
    [shapes(), positions(), times(), numbers(), lists(), words()].concat()
}

/// The codes that this table provokes.
pub fn codes() -> Vec<Code> {
    let of = |then: Then| match then {
        Error(code, _) => vec![code],
        Rejected(items) => items.iter().map(|(_, code)| *code).collect(),
        Fine => vec![],
    };
    rows().into_iter().flat_map(|(_, _, then, _)| of(then)).collect()
}
