//! What walkers say and understand (PROTOCOL.md, section 1). What is said 50,000 times a second is written by hand.
use std::borrow::Cow;

use serde::Deserialize;

use crate::walker::Reading;

/// A frame from the server, as far as walkers care.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    /// Everything up to `seq` is decided; how many of it were refused, by code.
    Ack { seq: u64, rejected: Vec<String> },
    /// Where friends are: (id, time of the fix).
    Moved(Vec<(String, i64)>),
    /// A friend is near.
    Near { user: String },
    /// Welcome: the newest number this device ever had answered, and how many frames a second are allowed.
    Welcome { last_seq: u64, frames_per_second: Option<u32> },
    /// How far the phone may go without a report, whole metres, and until when, Unix milliseconds. Radius 0: report now.
    Quiet { radius: u32, until: i64 },
    /// Something was refused.
    Error { code: String },
    /// A part of the promise is suspended, or is back.
    Degraded,
    /// Anything else.
    Other,
}

#[derive(Deserialize)]
struct Rejected<'a> {
    #[serde(borrow)]
    code: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Friend<'a> {
    #[serde(borrow)]
    user: Cow<'a, str>,
    #[serde(default)]
    t: i64,
}

#[derive(Default, Deserialize)]
struct Limits {
    frames_per_second: Option<f64>,
}

#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Ack<'a> {
    seq: u64,
    #[serde(borrow, default)]
    rejected: Vec<Rejected<'a>>,
}

#[derive(Deserialize)]
struct Moved<'a> {
    #[serde(borrow)]
    friends: Vec<Friend<'a>>,
}

#[derive(Deserialize)]
struct Quiet {
    radius: f64,
    until: i64,
}

#[derive(Deserialize)]
struct Welcome {
    #[serde(default)]
    last_seq: Option<u64>,
    #[serde(default)]
    limits: Limits,
}

/// Reads a text frame. What cannot be read is [`Heard::Other`]: a generator of load is no judge of frames.
#[must_use]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate, a radius; the cast saturates")]
pub fn read(payload: &[u8]) -> Heard {
    const ACK: &[u8] = br#"{"type":"ack","seq":"#;
    if let Some(seq) = payload.strip_prefix(ACK).and_then(|rest| whole_number(rest.strip_suffix(b"}")?)) {
        return Heard::Ack { seq, rejected: Vec::new() };
    }
    fn parse<'a, T: Deserialize<'a>>(payload: &'a [u8]) -> Option<T> {
        serde_json::from_slice(payload).ok()
    }
    let heard = match kind_of(payload).as_ref() {
        "ack" => parse::<Ack>(payload).map(|ack| Heard::Ack {
            seq: ack.seq,
            rejected: ack.rejected.into_iter().map(|rejected| rejected.code.into_owned()).collect(),
        }),
        "moved" => parse::<Moved>(payload).map(|moved| {
            Heard::Moved(moved.friends.into_iter().map(|friend| (friend.user.into_owned(), friend.t)).collect())
        }),
        "near" => parse::<Friend>(payload).map(|friend| Heard::Near { user: friend.user.into_owned() }),
        "welcome" => parse::<Welcome>(payload).map(|welcome| Heard::Welcome {
            last_seq: welcome.last_seq.unwrap_or(0),
            frames_per_second: welcome.limits.frames_per_second.map(|rate| rate as u32),
        }),
        "error" => parse::<Rejected>(payload).map(|error| Heard::Error { code: error.code.into_owned() }),
        "quiet" => {
            parse::<Quiet>(payload).map(|quiet| Heard::Quiet { radius: quiet.radius as u32, until: quiet.until })
        }
        "degraded" => Some(Heard::Degraded),
        _ => None,
    };
    heard.unwrap_or(Heard::Other)
}

/// The `type` of a frame, without reading all of it when it stands first.
fn kind_of(payload: &[u8]) -> Cow<'_, str> {
    if let Some(rest) = payload.strip_prefix(br#"{"type":""#) {
        let name = rest.split(|&byte| byte == b'"').next().unwrap_or_default();
        return String::from_utf8_lossy(name);
    }
    serde_json::from_slice::<Kind>(payload).map_or(Cow::Borrowed(""), |kind| kind.kind)
}

fn whole_number(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// `hello`, with the device's name.
#[must_use]
pub fn hello(token: &str) -> String {
    serde_json::json!({ "type": "hello", "token": token, "device": "walkers" }).to_string()
}

/// `availability`, by hand and until changed.
#[must_use]
pub fn availability(free: bool, note: Option<&str>) -> String {
    match note.filter(|_| free) {
        Some(note) => serde_json::json!({ "type": "availability", "free": true, "note": note }).to_string(),
        None => format!(r#"{{"type":"availability","free":{free}}}"#),
    }
}

/// `map`, opened.
pub const OPEN_MAP: &str = r#"{"type":"map","open":true}"#;

/// Appends a `fix`: a reading taken at `t` (Unix milliseconds), numbered when `seq` is given.
#[expect(clippy::cast_possible_truncation, reason = "metres, m/s and degrees, all small")]
pub fn fix(out: &mut Vec<u8>, reading: &Reading, t: i64, seq: Option<u64>) {
    out.extend_from_slice(br#"{"type":"fix","lat":"#);
    decimal(out, i64::from(reading.lat_e7), 7);
    out.extend_from_slice(br#","lon":"#);
    decimal(out, i64::from(reading.lon_e7), 7);
    out.extend_from_slice(br#","t":"#);
    decimal(out, t, 0);
    out.extend_from_slice(br#","acc":"#);
    decimal(out, (reading.acc * 10.0).round() as i64, 1);
    out.extend_from_slice(br#","speed":"#);
    decimal(out, (reading.speed * 100.0).round() as i64, 2);
    if let Some(heading) = reading.heading {
        out.extend_from_slice(br#","heading":"#);
        decimal(out, heading as i64, 0);
    }
    if let Some(seq) = seq {
        out.extend_from_slice(br#","seq":"#);
        decimal(out, seq as i64, 0);
    }
    out.push(b'}');
}

/// Appends `value` · 10^−`places` in plain digits.
fn decimal(out: &mut Vec<u8>, value: i64, places: usize) {
    let mut digits = [b'0'; 24];
    let mut rest = value.unsigned_abs();
    let mut used = 0;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
        used += 1;
        if rest == 0 && used > places {
            break;
        }
    }
    if value < 0 {
        out.push(b'-');
    }
    let (whole, part) = digits.split_at(digits.len() - places);
    out.extend_from_slice(whole.get(whole.len() + places - used..).unwrap_or_default());
    if places > 0 {
        out.push(b'.');
        out.extend_from_slice(part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(value: i64, places: usize) -> String {
        let mut out = Vec::new();
        decimal(&mut out, value, places);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_are_written_as_they_are() {
        assert_eq!(written(407_361_234, 7), "40.7361234");
        assert_eq!(written(-739_900_005, 7), "-73.9900005");
        assert_eq!(written(5, 1), "0.5");
        assert_eq!(written(-5, 2), "-0.05");
        assert_eq!(written(0, 0), "0");
        assert_eq!(written(1_800_000_000_123, 0), "1800000000123");
        assert_eq!(written(i64::MIN, 0), i64::MIN.to_string());
    }

    #[test]
    fn a_fix_is_json_with_the_protocols_fields() {
        let reading = Reading { lat_e7: 407_361_234, lon_e7: -739_939_000, acc: 8.5, speed: 1.35, heading: Some(29.7) };
        let mut out = Vec::new();
        fix(&mut out, &reading, 1_800_000_000_123, Some(10));
        let json: serde_json::Value = serde_json::from_slice(&out).unwrap();
        let expected = serde_json::json!({ "type": "fix", "lat": 40.7361234, "lon": -73.9939, "t": 1_800_000_000_123_i64,
            "acc": 8.5, "speed": 1.35, "heading": 29, "seq": 10 });
        assert_eq!(json, expected);
        out.clear();
        fix(&mut out, &Reading { heading: None, ..reading }, 1, None);
        let json: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert!(json.get("heading").is_none() && json.get("seq").is_none());
    }

    #[test]
    fn frames_are_understood_however_their_fields_are_ordered() {
        let ack = |seq| Heard::Ack { seq, rejected: Vec::new() };
        assert_eq!(read(br#"{"type":"ack","seq":10}"#), ack(10));
        assert_eq!(read(br#"{"seq":11,"type":"ack","new":[]}"#), ack(11));
        assert_eq!(
            read(br#"{"type":"ack","seq":12,"rejected":[{"index":0,"code":"too_old"}]}"#),
            Heard::Ack { seq: 12, rejected: vec!["too_old".into()] }
        );
        assert_eq!(
            read(br#"{"type":"moved","friends":[{"user":"w1_7","lat":1.0,"lon":2.0,"t":5,"acc":3.0}]}"#),
            Heard::Moved(vec![("w1_7".into(), 5)])
        );
        let near = br#"{"type":"near","user":"w1_7","distance":12.5,"free":true,"note":"a \"b\"","t":5}"#;
        assert_eq!(read(near), Heard::Near { user: "w1_7".into() });
        let welcome =
            br#"{"type":"welcome","user":"a","last_seq":3,"limits":{"frame_bytes":16384,"frames_per_second":50}}"#;
        assert_eq!(read(welcome), Heard::Welcome { last_seq: 3, frames_per_second: Some(50) });
        assert_eq!(
            read(br#"{"type":"error","code":"bad_field","message":"m"}"#),
            Heard::Error { code: "bad_field".into() }
        );
        let quiet = br#"{"type":"quiet","radius":441.0,"until":1805113800000}"#;
        assert_eq!(read(quiet), Heard::Quiet { radius: 441, until: 1_805_113_800_000 });
        for other in [&br#"{"type":"presence","user":"x"}"#[..], b"{", b"", b"\xFF", br#"{"type":"near"}"#] {
            assert_eq!(read(other), Heard::Other);
        }
    }

    #[test]
    fn words_that_need_escaping_are_escaped() {
        assert!(serde_json::from_str::<serde_json::Value>(&hello("a\"b")).is_ok());
        assert!(availability(true, Some("\"quoted\"")).contains(r#"\"quoted\""#));
        assert_eq!(availability(false, Some("coffee?")), r#"{"type":"availability","free":false}"#);
    }
}
