//! The OsmAnd protocol in the five shapes in which Traccar Client, OsmAnd and others speak it: form, query, nested JSON (in two
//! ways) and a JSON array. Speed is in knots where names are flat, and in m/s where they are nested.
use serde::Deserialize;
use serde_json::value::RawValue;

use super::loose::Loose;
use super::moment::{self, Unsaid};
use super::names::{Names, Said};
use super::{KNOT, Reading, first_byte, text};
use crate::domain::{FixFields, UnixMs};

/// The most positions of one request that are read.
const MOST: usize = 5_000;

/// What the speed of a flat report means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speed {
    /// Knots: as the protocol has it.
    Knots,
    /// Nobody can say: OsmAnd itself is known to send m/s. Distance over time says it better.
    Unclear,
}

/// Reads a request: its body, and its query when there is no body. Without a time it is `now`.
#[must_use]
pub fn parse(body: &[u8], query: &str, speed: Speed, now: UnixMs) -> Vec<Reading> {
    match first_byte(body) {
        None => vec![flat(&Names::of_query(query.as_bytes()), speed, now)],
        Some(b'{') => text(body).map_or_else(|| vec![Reading::Odd], |json| object(json, now)),
        Some(b'[') => list(text(body).unwrap_or_default(), |json| object(json, now)),
        Some(_) => vec![flat(&Names::of_query(body), speed, now)],
    }
}

fn list(json: &str, read: impl Fn(&str) -> Vec<Reading>) -> Vec<Reading> {
    match serde_json::from_str::<Vec<&RawValue>>(json) {
        Ok(all) => all.into_iter().take(MOST).flat_map(|one| read(one.get())).collect(),
        Err(_) => vec![Reading::Odd],
    }
}

/// A report whose names are flat.
fn flat(names: &Names<'_>, speed: Speed, now: UnixMs) -> Reading {
    let place = match names.place() {
        Ok(Some(place)) => place,
        Ok(None) if names.has(&["notificationtoken"]) => return Reading::Ignored,
        Ok(None) => return Reading::Heartbeat,
        Err(()) => return Reading::Odd,
    };
    let is_valid = match names.said(&["valid"]) {
        Said::Once(Loose::Text(text)) => !matches!(text.as_ref(), "0" | "false" | "V"),
        Said::Once(Loose::Flag(valid)) => *valid,
        _ => true,
    };
    let said = names.has(&["timestamp", "time"]);
    let Some(t) = names.moment(&["timestamp", "time"]).or((!said).then_some(now)).filter(|_| is_valid) else {
        return Reading::Odd;
    };
    let knots = names.number(&["speed"]).filter(|speed| *speed >= 0.0);
    Reading::Fix(FixFields {
        lat: place.0,
        lon: place.1,
        t: t.0,
        acc: names.number(&["accuracy", "hacc", "acc"]),
        speed: knots.filter(|_| speed == Speed::Knots).map(|speed| speed * KNOT),
        heading: names.number(&["bearing", "heading"]),
        alt: names.number(&["altitude", "alt"]),
        battery: names.number(&["batt"]),
        steps: None,
    })
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Envelope<'a> {
    #[serde(borrow)]
    location: Option<&'a RawValue>,
    #[serde(borrow)]
    battery: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Location<'a> {
    #[serde(borrow)]
    timestamp: Loose<'a>,
    #[serde(borrow)]
    coords: Option<&'a RawValue>,
    #[serde(borrow)]
    battery: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Coords<'a> {
    #[serde(borrow)]
    latitude: Loose<'a>,
    #[serde(borrow)]
    longitude: Loose<'a>,
    #[serde(borrow)]
    accuracy: Loose<'a>,
    #[serde(borrow)]
    speed: Loose<'a>,
    #[serde(borrow)]
    heading: Loose<'a>,
    #[serde(borrow)]
    altitude: Loose<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Battery<'a> {
    #[serde(borrow)]
    level: Loose<'a>,
}

/// A JSON object: nested, or as flat as a form.
fn object(json: &str, now: UnixMs) -> Vec<Reading> {
    let Ok(envelope) = serde_json::from_str::<Envelope<'_>>(json) else { return vec![Reading::Odd] };
    let battery = envelope.battery.map(RawValue::get);
    match envelope.location.map(RawValue::get) {
        Some(nested_one) if nested_one.starts_with('{') => vec![nested(nested_one, battery, now)],
        Some(several) if several.starts_with('[') => list(several, |json| vec![nested(json, battery, now)]),
        _ => vec![Names::of_json(json).map_or(Reading::Odd, |names| flat(&names, Speed::Knots, now))],
    }
}

/// A report whose position is nested: with `coords`, or with the same names in `location` itself.
fn nested(json: &str, battery: Option<&str>, now: UnixMs) -> Reading {
    let Ok(location) = serde_json::from_str::<Location<'_>>(json) else { return Reading::Odd };
    let at = location.coords.map_or(json, RawValue::get);
    let Ok(coords) = serde_json::from_str::<Coords<'_>>(at) else { return Reading::Odd };
    if coords.latitude.is_nothing() && coords.longitude.is_nothing() {
        return Reading::Heartbeat;
    }
    let place = coords.latitude.number_or_text().zip(coords.longitude.number_or_text());
    let t = match &location.timestamp {
        Loose::Absent | Loose::Null => Some(now),
        said => moment::of(said, Unsaid::Utc),
    };
    let (Some((lat, lon)), Some(t)) = (place, t) else { return Reading::Odd };
    let battery = location.battery.map(RawValue::get).or(battery);
    let level = battery.and_then(|json| serde_json::from_str::<Battery<'_>>(json).ok());
    let level = level.and_then(|battery| battery.level.number());
    Reading::Fix(FixFields {
        lat,
        lon,
        t: t.0,
        acc: coords.accuracy.number(),
        speed: coords.speed.number(),
        heading: coords.heading.number(),
        alt: coords.altitude.number(),
        battery: level.filter(|level| *level >= 0.0).map(|level| level * 100.0),
        steps: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMs = UnixMs(1_790_000_005_000);

    fn of_query(query: &str) -> Reading {
        parse(b"", query, Speed::Knots, NOW)[0]
    }

    fn of_body(body: &str) -> Vec<Reading> {
        parse(body.as_bytes(), "", Speed::Knots, NOW)
    }

    fn fields(reading: Reading) -> FixFields {
        *reading.fields().unwrap_or_else(|| panic!("{reading:?}"))
    }

    const FORM: &str = "id=alice-7f3c&lat=40.7406&lon=-73.9896&timestamp=1790000000&accuracy=12.0&altitude=10.0&speed=2.7\
        &bearing=90.0&batt=81&charge=false";

    #[test]
    fn the_same_report_is_read_from_all_five_shapes() {
        let array = r#"[{"id":"alice","lat":40.7406,"lon":-73.9896,"timestamp":1790000000,"accuracy":12.0,"altitude":10.0,
            "speed":2.7,"bearing":90.0,"batt":81,"charge":false}]"#;
        let nested = r#"{"device_id":"alice","location":{"timestamp":"2026-09-21T14:13:20.000Z","coords":{"latitude":40.7406,
            "longitude":-73.9896,"accuracy":12,"speed":1.389,"heading":90,"altitude":10},"is_moving":true,"odometer":1234,
            "event":"motionchange","battery":{"level":0.81,"is_charging":false},"activity":{"type":"walking"},"extras":{},
            "mock":false},"_":"&id=alice&lat=1"}"#;
        let variant = r#"{"device_id":"alice","location":{"latitude":40.7406,"longitude":-73.9896,"accuracy":12,"altitude":10,
            "timestamp":"2026-09-21T14:13:20Z","speed":1.389,"heading":90},"battery":{"level":0.81},"activity":"walking"}"#;
        for reading in [of_body(FORM), vec![of_query(FORM)], of_body(array), of_body(nested), of_body(variant)] {
            assert_eq!(reading.len(), 1);
            let read = fields(reading[0]);
            assert_eq!((read.lat, read.lon, read.t), (40.7406, -73.9896, 1_790_000_000_000));
            assert_eq!(
                (read.acc, read.alt, read.heading, read.battery),
                (Some(12.0), Some(10.0), Some(90.0), Some(81.0))
            );
            assert!((read.speed.unwrap() - 1.389).abs() < 0.001, "{read:?}");
        }
    }

    #[test]
    fn a_query_has_other_names_for_the_same() {
        let read =
            fields(of_query("deviceid=a&location=40.5,-73.5&heading=45&hdop=1.2&hacc=7&valid=true&driverUniqueId=x"));
        assert_eq!((read.lat, read.lon, read.heading, read.acc), (40.5, -73.5, Some(45.0), Some(7.0)));
        assert_eq!(read.t, NOW.0, "without a time it is now");
        let osmand = fields(parse(b"", FORM, Speed::Unclear, NOW)[0]);
        assert_eq!(osmand.speed, None);
    }

    #[test]
    fn a_report_without_a_place_is_a_sign_of_life() {
        for query in ["id=a&timestamp=1790000000&batt=80", "", "id=a&cell=262,1,2,3&wifi=aa-bb,-50"] {
            assert_eq!(of_query(query), Reading::Heartbeat, "{query}");
        }
        assert_eq!(
            of_body(r#"{"device_id":"a","location":{"event":"heartbeat","battery":{"level":0.5}}}"#),
            [Reading::Heartbeat]
        );
        assert_eq!(of_query("id=a&notificationToken=abc:def"), Reading::Ignored);
    }

    #[test]
    fn what_cannot_be_a_position_is_odd_and_spoils_nothing_else() {
        for query in [
            "lat=NaN&lon=1&timestamp=1790000000",
            "lat=1e400&lon=1",
            "lat=1&lat=2&lon=1",
            "location=1",
            "location=a,b",
            "lat=1&lon=2&timestamp=soon",
            "lat=1&lon=2&valid=false",
        ] {
            assert_eq!(of_query(query), Reading::Odd, "{query}");
        }
        let mixed = of_body(r#"[7, {"lat":1,"lon":2}, {"lat":"x","lon":2}, null, {"lat":3,"lon":4}]"#);
        assert_eq!(mixed.iter().filter(|reading| reading.fields().is_some()).count(), 2, "{mixed:?}");
        assert_eq!(of_body("{"), [Reading::Odd]);
        assert_eq!(of_body("[1,"), [Reading::Odd]);
    }

    #[test]
    fn minus_one_is_what_a_phone_says_that_does_not_know() {
        let json = r#"{"location":{"timestamp":"2026-09-21T14:13:20Z","coords":{"latitude":1,"longitude":2,"speed":-1,
            "heading":-1,"accuracy":5},"battery":{"level":-1}}}"#;
        let read = fields(of_body(json)[0]);
        let fix = crate::domain::Fix::recorded(&read, NOW).unwrap();
        assert_eq!((fix.speed, fix.heading, fix.battery, fix.accuracy), (None, None, None, Some(5.0)));
    }
}
