//! Overland's batches: GeoJSON features, longitude first. Not every feature is a place: there are visits, pauses, log lines and
//! summaries of trips, which have the only step count that Overland knows. `current` is where the phone is now, when older
//! points are still waiting.
use serde::Deserialize;
use serde_json::value::RawValue;

use super::loose::Loose;
use super::moment::{self, Unsaid};
use super::owntracks::Messages;
use super::{Reading, first_byte, steps, text};
use crate::domain::{FixFields, Platform};

/// The most features of one request that are read: a full body of the smallest ones.
const MOST: usize = 16_384;

/// What one request says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// The readings: features in order, `current` last.
    pub readings: Vec<Reading>,
    /// It spoke OwnTracks instead.
    pub owntracks: Option<Messages>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Envelope<'a> {
    #[serde(borrow)]
    locations: Option<&'a RawValue>,
    #[serde(borrow)]
    current: Option<&'a RawValue>,
    #[serde(borrow, rename = "_type")]
    kind: Loose<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Feature<'a> {
    #[serde(borrow)]
    geometry: Option<&'a RawValue>,
    #[serde(borrow)]
    properties: Properties<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Geometry<'a> {
    #[serde(borrow, rename = "type")]
    kind: Loose<'a>,
    #[serde(borrow)]
    coordinates: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Properties<'a> {
    #[serde(borrow)]
    timestamp: Loose<'a>,
    #[serde(borrow)]
    altitude: Loose<'a>,
    #[serde(borrow)]
    speed: Loose<'a>,
    #[serde(borrow)]
    course: Loose<'a>,
    #[serde(borrow)]
    horizontal_accuracy: Loose<'a>,
    #[serde(borrow)]
    battery_level: Loose<'a>,
    #[serde(borrow)]
    action: Loose<'a>,
    #[serde(borrow, rename = "type")]
    kind: Loose<'a>,
    #[serde(borrow)]
    start: Loose<'a>,
    #[serde(borrow)]
    end: Loose<'a>,
    #[serde(borrow)]
    steps: Loose<'a>,
}

/// Reads a request.
#[must_use]
pub fn parse(body: &[u8]) -> Batch {
    let mut batch = Batch::default();
    if first_byte(body).is_none() {
        return batch;
    }
    let Some((json, envelope)) =
        text(body).and_then(|json| Some((json, serde_json::from_str::<Envelope<'_>>(json).ok()?)))
    else {
        batch.readings.push(Reading::Odd);
        return batch;
    };
    if envelope.locations.is_none() && envelope.current.is_none() && matches!(envelope.kind, Loose::Text(_)) {
        let mut messages = Messages::default();
        messages.read(json, Platform::Ios);
        batch.readings.clone_from(&messages.readings);
        batch.owntracks = Some(messages);
        return batch;
    }
    match envelope.locations.map(|all| serde_json::from_str::<Vec<&RawValue>>(all.get())) {
        Some(Ok(all)) => batch.readings.extend(all.into_iter().take(MOST).map(|one| feature(one.get()))),
        Some(Err(_)) => batch.readings.push(Reading::Odd),
        None if envelope.current.is_none() => batch.readings.push(Reading::Odd),
        None => {}
    }
    if let Some(Reading::Fix(current)) = envelope.current.map(|one| feature(one.get())) {
        let newest = batch.readings.iter().filter_map(Reading::fields).map(|fields| fields.t).max();
        // The batch may end with the same point.
        if newest.is_none_or(|newest| newest < current.t) {
            batch.readings.push(Reading::Present(current));
        }
    }
    batch
}

fn feature(json: &str) -> Reading {
    let Ok(Feature { geometry, properties }) = serde_json::from_str::<Feature<'_>>(json) else { return Reading::Odd };
    if properties.kind.is("trip") {
        return trip(&properties).unwrap_or(Reading::Ignored);
    }
    if !properties.action.is_nothing() {
        return Reading::Ignored;
    }
    let point = geometry.and_then(|json| serde_json::from_str::<Geometry<'_>>(json.get()).ok());
    let point = point.filter(|point| point.kind.is("Point"));
    let numbers = point.and_then(|point| serde_json::from_str::<Vec<Loose<'_>>>(point.coordinates?.get()).ok());
    let Some(numbers) = numbers else { return Reading::Odd };
    let number = |at: usize| numbers.get(at).and_then(Loose::number);
    let t = moment::of(&properties.timestamp, Unsaid::Unknown);
    let (Some(lon), Some(lat), Some(t)) = (number(0), number(1), t) else { return Reading::Odd };
    let level = properties.battery_level.number().filter(|level| *level >= 0.0);
    Reading::Fix(FixFields {
        lat,
        lon,
        t: t.0,
        acc: properties.horizontal_accuracy.number(),
        speed: properties.speed.number(),
        heading: properties.course.number(),
        alt: properties.altitude.number().or_else(|| number(2)),
        battery: level.map(|level| level * 100.0),
        steps: None,
    })
}

fn trip(properties: &Properties<'_>) -> Option<Reading> {
    let at = |field| moment::of(field, Unsaid::Unknown);
    steps(at(&properties.start)?, at(&properties.end)?, properties.steps.number()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::UnixMs;

    fn point(lon: f64, lat: f64, second: u32) -> String {
        format!(
            r#"{{"type":"Feature","geometry":{{"type":"Point","coordinates":[{lon},{lat},3]}},"properties":{{"timestamp":
            "2026-09-21T14:13:{second:02}Z","speed":-1,"course":-1,"horizontal_accuracy":12,"motion":["walking"],
            "battery_state":"unplugged","battery_level":0.81,"wifi":"","device_id":"alice"}}}}"#
        )
    }

    fn fixes(body: &str) -> Vec<Reading> {
        parse(body.as_bytes()).readings
    }

    #[test]
    fn a_batch_is_read_with_longitude_first() {
        let body = format!(r#"{{"locations":[{}]}}"#, point(-73.98958, 40.74061, 20));
        let read = fixes(&body);
        let Reading::Fix(fields) = read[0] else { panic!("{read:?}") };
        assert_eq!((fields.lat, fields.lon, fields.t), (40.74061, -73.98958, 1_790_000_000_000));
        assert_eq!((fields.alt, fields.battery, fields.acc), (Some(3.0), Some(81.0), Some(12.0)));
        let plus = body.replace("14:13:20Z", "16:13:20+0200");
        assert_eq!(fixes(&plus)[0], read[0]);
    }

    #[test]
    fn where_the_phone_is_now_comes_last_and_once() {
        let (old, now) = (point(1.0, 2.0, 20), point(1.0, 2.1, 40));
        let read = fixes(&format!(r#"{{"locations":[{old}],"current":{now}}}"#));
        assert!(matches!(read[..], [Reading::Fix(_), Reading::Present(_)]), "{read:?}");
        let read = fixes(&format!(r#"{{"locations":[{old},{now}],"current":{now},"trip":{{"distance":1200}}}}"#));
        assert!(matches!(read[..], [Reading::Fix(_), Reading::Fix(_)]), "{read:?}");
        assert!(matches!(fixes(&format!(r#"{{"current":{now}}}"#))[..], [Reading::Present(_)]));
    }

    #[test]
    fn one_bad_feature_does_not_spoil_the_others() {
        let mut all: Vec<String> = (0..999).map(|at| point(1.0, 2.0, at % 60)).collect();
        for odd in [
            "7",
            "null",
            "[]",
            "{}",
            r#"{"geometry":{"type":"Polygon","coordinates":[[[1,2]]]},"properties":{"timestamp":"2026-09-21T14:13:20Z"}}"#,
            r#"{"geometry":{"type":"Point","coordinates":["1",2]},"properties":{"timestamp":"2026-09-21T14:13:20Z"}}"#,
            r#"{"geometry":{"type":"Point","coordinates":[1e400,2]},"properties":{"timestamp":"2026-09-21T14:13:20Z"}}"#,
            r#"{"geometry":{"type":"Point","coordinates":[1,2]},"properties":{"timestamp":"2026-09-21T14:13:20"}}"#,
            r#"{"geometry":{"type":"Point","coordinates":[1,2]},"properties":{"timestamp":"2026-09-21T14:13:20+25:00"}}"#,
            r#"{"geometry":{"type":"Point","coordinates":[1,2]},"properties":7}"#,
        ] {
            all.push(odd.to_owned());
            let read = fixes(&format!(r#"{{"locations":[{}]}}"#, all.join(",")));
            assert_eq!(read.iter().filter(|reading| reading.fields().is_some()).count(), 999, "{odd}");
            assert_eq!(read.last(), Some(&Reading::Odd), "{odd}");
            all.pop();
        }
        for odd in ["{}", r#"{"locations":{}}"#, r#"{"type":"FeatureCollection","features":[]}"#, "{", "[]", "7"] {
            assert_eq!(fixes(odd), [Reading::Odd], "{odd}");
        }
        assert_eq!(fixes(r#"{"locations":[]}"#), []);
    }

    #[test]
    fn events_are_no_places_and_trips_have_steps() {
        let visit = r#"{"type":"Feature","geometry":{"type":"Point","coordinates":[1,2]},"properties":{"action":"visit",
            "arrival_date":"2026-09-21T14:00:00Z","timestamp":"2026-09-21T14:13:20Z"}}"#;
        let pause = r#"{"type":"Feature","properties":{"action":"paused_location_updates","timestamp":"2026-09-21T14:13:20Z"}}"#;
        let trip = r#"{"type":"Feature","geometry":{"type":"Point","coordinates":[1,2]},"properties":{"type":"trip",
            "mode":"walk","start":"2026-09-21T14:00:00Z","end":"2026-09-21T14:13:20Z","duration":800,"distance":900,"steps":1200}}"#;
        let read = fixes(&format!(r#"{{"locations":[{visit},{pause},{trip}]}}"#));
        let (from, to) = (UnixMs(1_789_999_200_000), UnixMs(1_790_000_000_000));
        assert_eq!(read, [Reading::Ignored, Reading::Ignored, Reading::Steps { from, to, steps: 1_200 }]);
    }

    #[test]
    fn in_its_owntracks_mode_it_sends_a_bare_object() {
        let batch = parse(br#"{"_type":"location","lat":1,"lon":2,"tst":811692800,"topic":"owntracks/alice"}"#);
        assert_eq!(batch.readings[0].fields().unwrap().t, 1_790_000_000_000);
        assert!(batch.owntracks.is_some());
    }
}
