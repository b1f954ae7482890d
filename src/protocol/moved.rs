//! The `moved` frame: where friends are now, written straight into a buffer because it is the frame sent most.
use serde::Serialize;

use crate::domain::{Precision, UserId};
use crate::spatial::world::Live;

#[derive(Serialize)]
struct Moved<'a> {
    user: &'a str,
    lat: f64,
    lon: f64,
    t: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    acc: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    speed: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    heading: Option<f32>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    approximate: bool,
}

/// Appends one `moved` frame with these friends to `out`: who, where as it may be shown, and how precisely that is.
pub fn encode<'a>(friends: impl IntoIterator<Item = (&'a UserId, &'a Live, Precision)>, out: &mut Vec<u8>) {
    out.extend_from_slice(br#"{"type":"moved","friends":["#);
    let mut first = true;
    for (user, live, precision) in friends {
        if !first {
            out.push(b',');
        }
        first = false;
        let finite = |number: Option<f32>| number.filter(|n| n.is_finite());
        let moved = Moved {
            user: user.as_str(),
            lat: live.position.lat(),
            lon: live.position.lon(),
            t: live.t.0,
            acc: finite(live.accuracy),
            speed: finite(live.speed),
            heading: finite(live.heading),
            approximate: precision != Precision::Exact,
        };
        // Writing plain fields to a Vec cannot fail: no map keys, no IO.
        let _ = serde_json::to_writer(&mut *out, &moved);
    }
    out.extend_from_slice(b"]}");
}

/// Appends an `ack` frame that refuses nothing.
pub fn encode_ack(seq: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(br#"{"type":"ack","seq":"#);
    let _ = serde_json::to_writer(&mut *out, &seq);
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{LatLon, UnixMs};

    fn live(lat: f64, lon: f64) -> Live {
        Live {
            position: LatLon::new(lat, lon).unwrap(),
            t: UnixMs(1_700_000_000_123),
            accuracy: None,
            speed: None,
            heading: None,
        }
    }

    fn text_of(friends: &[(UserId, Live)]) -> String {
        let mut out = Vec::new();
        encode(friends.iter().map(|(user, live)| (user, live, Precision::Exact)), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_friend_is_written_with_the_fewest_digits_that_say_it_exactly() {
        let full = Live {
            accuracy: Some(12.3),
            speed: Some(0.1),
            heading: Some(359.9),
            ..live(40.764_350_330_5, -73.969_435_638_5)
        };
        let friends =
            [(UserId::parse("ann", "user").unwrap(), full), (UserId::parse("bob", "user").unwrap(), live(0.0, -180.0))];
        assert_eq!(
            text_of(&friends),
            concat!(
                r#"{"type":"moved","friends":[{"user":"ann","lat":40.7643503305,"lon":-73.9694356385,"t":1700000000123,"#,
                r#""acc":12.3,"speed":0.1,"heading":359.9},{"user":"bob","lat":0.0,"lon":-180.0,"t":1700000000123}]}"#
            )
        );
    }

    #[test]
    fn the_centre_of_a_cell_says_that_it_is_one() {
        let mut out = Vec::new();
        let ann = UserId::parse("ann", "user").unwrap();
        encode([(&ann, &live(1.0, 2.0), Precision::Approximate)], &mut out);
        assert!(String::from_utf8(out).unwrap().contains(r#""approximate":true"#));
    }

    #[test]
    fn nobody_moved_is_still_a_frame() {
        assert_eq!(text_of(&[]), r#"{"type":"moved","friends":[]}"#);
    }

    #[test]
    fn numbers_that_are_none_are_left_out_and_never_null() {
        let odd = Live { accuracy: Some(f32::NAN), speed: Some(f32::INFINITY), ..live(1.0, 2.0) };
        assert!(!text_of(&[(UserId::parse("ann", "user").unwrap(), odd)]).contains("null"));
    }

    #[test]
    fn an_acknowledgement_carries_the_whole_range_of_numbers() {
        let mut out = Vec::new();
        encode_ack(u64::MAX, &mut out);
        assert_eq!(out, br#"{"type":"ack","seq":18446744073709551615}"#);
    }
}
