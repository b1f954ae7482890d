//! OwnTracks in HTTP mode: one JSON object a request. `vel` is in km/h, `tst` in seconds; Android leaves out whatever is at its
//! default, so that on the equator there is no `lat`. Overland speaks this, too, with a `tst` that counts from 2001.
use serde::Deserialize;
use serde_json::value::RawValue;

use super::loose::Loose;
use super::{KM_H, Reading, first_byte, moment, steps, text};
use crate::domain::{FixFields, Platform, UnixMs};

/// From the beginning of 1970 to that of 2001, seconds: Apple's clocks count from there.
const SINCE_2001_S: f64 = 978_307_200.0;
/// The most objects of one request that are read: the apps send one.
const MOST: usize = 1_000;
/// The longest `tid` that is sent back.
const LONGEST_TID: usize = 64;

/// What one request says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Messages {
    /// The readings, in order.
    pub readings: Vec<Reading>,
    /// The name under which the phone keeps itself, if it says one that can be sent back.
    pub tid: Option<String>,
    /// It answers a question for its position: it must not be asked again.
    pub is_answer: bool,
    /// Something was encrypted: nobody here has the key.
    pub encrypted: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Message<'a> {
    #[serde(borrow, rename = "_type")]
    kind: Loose<'a>,
    #[serde(borrow)]
    lat: Loose<'a>,
    #[serde(borrow)]
    lon: Loose<'a>,
    #[serde(borrow)]
    tst: Loose<'a>,
    #[serde(borrow)]
    acc: Loose<'a>,
    #[serde(borrow)]
    alt: Loose<'a>,
    #[serde(borrow)]
    vel: Loose<'a>,
    #[serde(borrow)]
    cog: Loose<'a>,
    #[serde(borrow)]
    batt: Loose<'a>,
    #[serde(borrow)]
    tid: Loose<'a>,
    #[serde(borrow)]
    t: Loose<'a>,
    #[serde(borrow)]
    from: Loose<'a>,
    #[serde(borrow)]
    to: Loose<'a>,
    #[serde(borrow)]
    steps: Loose<'a>,
}

/// Reads a request. An empty one says nothing (in the app a friend was deleted).
#[must_use]
pub fn parse(body: &[u8], platform: Platform) -> Messages {
    let mut messages = Messages::default();
    let Some(json) = text(body) else {
        messages.readings.push(Reading::Odd);
        return messages;
    };
    match first_byte(body) {
        None => {}
        Some(b'[') => match serde_json::from_str::<Vec<&RawValue>>(json) {
            Ok(all) => all.into_iter().take(MOST).for_each(|one| messages.read(one.get(), platform)),
            Err(_) => messages.readings.push(Reading::Odd),
        },
        Some(_) => messages.read(json, platform),
    }
    messages
}

impl Messages {
    /// Reads one object.
    pub(super) fn read(&mut self, json: &str, platform: Platform) {
        let Ok(message) = serde_json::from_str::<Message<'_>>(json) else {
            self.readings.push(Reading::Odd);
            return;
        };
        let Loose::Text(kind) = &message.kind else {
            self.readings.push(Reading::Odd);
            return;
        };
        let reading = match kind.as_ref() {
            "location" => {
                self.is_answer |= message.t.is("r");
                let safe = |tid: &str| (1..=LONGEST_TID).contains(&tid.len()) && !tid.chars().any(char::is_control);
                if let Loose::Text(tid) = &message.tid
                    && safe(tid)
                {
                    self.tid = Some(tid.clone().into_owned());
                }
                message.position(platform).map_or(Reading::Odd, Reading::Fix)
            }
            "steps" => message.step_count().unwrap_or(Reading::Ignored),
            "encrypted" => {
                self.encrypted = true;
                Reading::Ignored
            }
            // transition, waypoint, waypoints, lwt, status, card, beacon, request, configuration, dump, and whatever comes.
            _ => Reading::Ignored,
        };
        self.readings.push(reading);
    }
}

impl Message<'_> {
    fn position(&self, platform: Platform) -> Option<FixFields> {
        let degrees = |own: &Loose<'_>, other: &Loose<'_>| match own {
            Loose::Absent if platform == Platform::Android && other.number().is_some() => Some(0.0),
            said => said.number(),
        };
        let (lat, lon) = (degrees(&self.lat, &self.lon)?, degrees(&self.lon, &self.lat)?);
        Some(FixFields {
            lat,
            lon,
            t: at(&self.tst)?.0,
            acc: self.acc.number(),
            speed: self.vel.number().filter(|vel| *vel >= 0.0).map(|vel| vel * KM_H),
            heading: self.cog.number(),
            alt: self.alt.number(),
            battery: self.batt.number(),
            steps: None,
        })
    }

    fn step_count(&self) -> Option<Reading> {
        steps(at(&self.from)?, at(&self.to)?, self.steps.number()?)
    }
}

/// Seconds since 1970, or since 2001 where that is the only way to read them.
fn at(field: &Loose<'_>) -> Option<UnixMs> {
    let seconds = field.number()?;
    let since_2001 = (0.0..SINCE_2001_S).contains(&seconds);
    moment::seconds(if since_2001 { seconds + SINCE_2001_S } else { seconds })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(json: &str, platform: Platform) -> Reading {
        let messages = parse(json.as_bytes(), platform);
        assert_eq!(messages.readings.len(), 1, "{json}");
        messages.readings[0]
    }

    #[test]
    fn a_location_is_read_with_its_units() {
        let json = r#"{"_type":"location","tid":"al","topic":"owntracks/alice/pixel","lat":40.74061,"lon":-73.98958,
            "tst":1790000000,"acc":12,"vel":36,"cog":90,"alt":10,"batt":81,"bs":1,"conn":"m","t":"p","m":1}"#;
        let expected = FixFields {
            lat: 40.74061,
            lon: -73.98958,
            t: 1_790_000_000_000,
            acc: Some(12.0),
            speed: Some(10.0),
            heading: Some(90.0),
            alt: Some(10.0),
            battery: Some(81.0),
            steps: None,
        };
        let messages = parse(json.as_bytes(), Platform::Ios);
        assert_eq!(messages.readings, [Reading::Fix(expected)]);
        assert_eq!((messages.tid.as_deref(), messages.is_answer, messages.encrypted), (Some("al"), false, false));
        assert!(parse(json.replace("\"p\"", "\"r\"").as_bytes(), Platform::Ios).is_answer);
    }

    #[test]
    fn on_the_equator_android_leaves_the_latitude_out() {
        let json = r#"{"_type":"location","lon":9.5,"tst":1790000000}"#;
        let Reading::Fix(fields) = one(json, Platform::Android) else { panic!() };
        assert_eq!((fields.lat, fields.lon), (0.0, 9.5));
        assert_eq!(one(json, Platform::Ios), Reading::Odd);
        assert_eq!(one(r#"{"_type":"location","tst":1790000000}"#, Platform::Android), Reading::Odd, "nowhere at all");
        assert_eq!(one(r#"{"_type":"location","lat":null,"lon":9.5,"tst":1}"#, Platform::Android), Reading::Odd);
    }

    #[test]
    fn a_clock_that_counts_from_2001_is_understood() {
        let since_2001 = 1_790_000_000 - 978_307_200;
        let json = format!(r#"{{"_type":"location","lat":1,"lon":2,"tst":{since_2001}}}"#);
        let Reading::Fix(fields) = one(&json, Platform::Ios) else { panic!() };
        assert_eq!(fields.t, 1_790_000_000_000);
    }

    #[test]
    fn what_is_no_position_is_told_apart_from_what_should_be_one() {
        for kind in ["transition", "waypoint", "waypoints", "lwt", "card", "status", "beacon", "request", "dump", "new"]
        {
            let json = format!(r#"{{"_type":"{kind}","lat":1.5,"lon":2,"tst":1790000000,"rad":"50"}}"#);
            assert_eq!(one(&json, Platform::Ios), Reading::Ignored, "{kind}");
        }
        for odd in [
            r#"{"_type":7,"lat":1,"lon":2,"tst":1790000000}"#,
            r#"{"lat":1,"lon":2,"tst":1790000000}"#,
            r#"{"_type":"location","lat":"1","lon":2,"tst":1790000000}"#,
            r#"{"_type":"location","lat":1,"lon":2,"tst":"1790000000"}"#,
            r#"{"_type":"location","lat":1,"lat":1,"lon":2,"tst":1790000000}"#,
            r#"{"_type":"location","lat":1e400,"lon":2,"tst":1790000000}"#,
            r#"{"_type":"location""#,
            "7",
            "lat=1&lon=2",
        ] {
            assert_eq!(one(odd, Platform::Ios), Reading::Odd, "{odd}");
        }
        assert_eq!(parse(b"\xff", Platform::Ios).readings, [Reading::Odd]);
        assert_eq!(parse(b" \n", Platform::Ios), Messages::default());
        assert!(parse(br#"{"_type":"encrypted","data":"AAAA"}"#, Platform::Ios).encrypted);
    }

    #[test]
    fn steps_are_counted_unless_the_phone_cannot() {
        let json = r#"{"_type":"steps","tst":1790000100,"from":1790000000,"to":1790000090,"steps":312,"distance":240}"#;
        let (from, to) = (UnixMs(1_790_000_000_000), UnixMs(1_790_000_090_000));
        assert_eq!(one(json, Platform::Ios), Reading::Steps { from, to, steps: 312 });
        assert_eq!(one(&json.replace("312", "-1"), Platform::Ios), Reading::Ignored);
        assert_eq!(one(&json.replace("1790000090", "1790000000"), Platform::Ios), Reading::Ignored);
    }
}
