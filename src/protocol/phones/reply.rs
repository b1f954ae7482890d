//! What phone apps are answered. OwnTracks on Android throws a whole answer away for one element that it cannot read, so every
//! element is one of [`Item`]: whole numbers where the apps expect them, nothing without a `tid`, no word they do not know.
use serde::Serialize;

use crate::protocol::server::Place;

/// One element of the array that OwnTracks reads.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "_type", rename_all = "lowercase")]
pub enum Item {
    /// Who somebody is.
    Card {
        /// Of whom: unlike every other of this reader, and always the same.
        tid: String,
        /// What is read.
        name: String,
        /// A picture: base64 of a PNG of 192 × 192. Only when it is another than the phone has.
        #[serde(skip_serializing_if = "Option::is_none")]
        face: Option<String>,
    },
    /// Where somebody is.
    Location {
        /// Of whom.
        tid: String,
        /// Degrees.
        lat: f64,
        /// Degrees.
        lon: f64,
        /// When, Unix seconds.
        tst: i64,
        /// Accuracy, metres.
        #[serde(skip_serializing_if = "Option::is_none")]
        acc: Option<i64>,
    },
    /// Somebody came near: the phone shows a notification for each one that it is given.
    Transition {
        /// Who; iOS reads it out.
        tid: String,
        /// `enter`.
        event: &'static str,
        /// What is read after it.
        desc: String,
        /// `c`: as for a circle. With `b` nothing would be shown.
        t: &'static str,
        /// When, Unix seconds.
        tst: i64,
        /// When what was entered was made, Unix seconds.
        wtst: i64,
        /// Degrees.
        lat: f64,
        /// Degrees.
        lon: f64,
        /// Accuracy, metres.
        acc: i64,
    },
    /// A question. Only for iOS.
    Cmd {
        /// `reportSteps`.
        action: &'static str,
        /// From when, Unix seconds.
        from: i64,
        /// Until when, Unix seconds.
        to: i64,
    },
}

impl Item {
    /// Where somebody is; `None` for exactly 0° N 0° E, which phones take for nowhere.
    #[must_use]
    pub fn location(tid: &str, place: &Place) -> Option<Self> {
        let is_nowhere = place.lat.abs() < f64::EPSILON && place.lon.abs() < f64::EPSILON;
        let (tid, acc) = (tid.to_owned(), place.acc.map(metres));
        let at = Self::Location { tid, lat: place.lat, lon: place.lon, tst: seconds(place.t), acc };
        (!is_nowhere).then_some(at)
    }

    /// Somebody came near at `tst`, Unix milliseconds.
    #[must_use]
    pub fn near(tid: &str, desc: String, tst: i64, announced: i64, place: &Place) -> Self {
        Self::Transition {
            tid: tid.to_owned(),
            event: "enter",
            desc,
            t: "c",
            tst: seconds(tst),
            wtst: seconds(announced),
            lat: place.lat,
            lon: place.lon,
            acc: place.acc.map_or(0, metres),
        }
    }

    /// Asks for the steps between two moments, Unix milliseconds.
    #[must_use]
    pub const fn ask_steps(from: i64, to: i64) -> Self {
        Self::Cmd { action: "reportSteps", from: seconds(from), to: seconds(to) }
    }
}

const fn seconds(ms: i64) -> i64 {
    ms.div_euclid(1_000)
}

#[expect(clippy::cast_possible_truncation, reason = "an accuracy is below a million")]
fn metres(accuracy: f32) -> i64 {
    accuracy.round() as i64
}

/// What Overland is answered once everything is stored.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OverlandReply {
    /// `ok`, and the phone forgets what it sent.
    pub result: &'static str,
    /// What the Tracker screen shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub geocode: Option<Geocode>,
    /// What the app sets from now on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set: Option<Set>,
}

/// A line on Overland's Tracker screen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Geocode {
    /// The line.
    pub full_name: String,
}

/// Settings of Overland.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Set {
    /// How often it sends: `30s`, `10m`. Never `off`.
    pub send_interval: &'static str,
}

/// What Overland is told of whom its token stands for.
#[derive(Debug, Serialize)]
pub struct OverlandName<'a> {
    /// The person's name.
    pub name: &'a str,
}

/// How often a phone should send that misses nothing within so many metres of where it is. The steps are coarse on purpose: what a
/// radius says of others does not follow from them.
#[must_use]
pub fn send_interval(room_m: f64) -> &'static str {
    match room_m {
        room if room < 250.0 => "30s",
        room if room < 1_000.0 => "1m",
        room if room < 2_500.0 => "2m",
        room if room < 20_000.0 => "5m",
        _ => "10m",
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Configuration<'a> {
    #[serde(rename = "_type")]
    kind: &'static str,
    mode: u8,
    url: &'a str,
    auth: bool,
    username: &'a str,
    password: &'a str,
    device_id: &'a str,
    tid: String,
    monitoring: u8,
    cmd: bool,
}

/// The settings that a link or a file brings into OwnTracks: HTTP mode, significant changes, questions allowed. `tid` is what
/// the app shows on the marker: Android takes two characters.
#[must_use]
pub fn owntracks_configuration(url: &str, user: &str, token: &str, device: &str) -> String {
    let tid = user.chars().filter(char::is_ascii_alphanumeric).take(2).collect();
    let configuration = Configuration {
        kind: "configuration",
        mode: 3,
        url,
        auth: true,
        username: user,
        password: token,
        device_id: device,
        tid,
        monitoring: 1,
        cmd: true,
    };
    serde_json::to_string(&configuration).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_what_the_apps_can_read() {
        let place = Place { lat: 40.5, lon: -73.5, t: 1_790_000_000_999, acc: Some(14.6), approximate: false };
        let json = |item: &Item| serde_json::to_string(item).unwrap();
        assert_eq!(
            json(&Item::location("bob", &place).unwrap()),
            r#"{"_type":"location","tid":"bob","lat":40.5,"lon":-73.5,"tst":1790000000,"acc":15}"#
        );
        assert_eq!(
            json(&Item::near("bob", "240 m from you".to_owned(), 1_790_000_001_000, 1_790_000_000_000, &place)),
            r#"{"_type":"transition","tid":"bob","event":"enter","desc":"240 m from you","t":"c","tst":1790000001,"wtst":1790000000,"lat":40.5,"lon":-73.5,"acc":15}"#
        );
        let card = Item::Card { tid: "bob".to_owned(), name: "Bob: busy".to_owned(), face: None };
        assert_eq!(json(&card), r#"{"_type":"card","tid":"bob","name":"Bob: busy"}"#);
        assert_eq!(json(&Item::ask_steps(0, 1_999)), r#"{"_type":"cmd","action":"reportSteps","from":0,"to":1}"#);
        assert_eq!(Item::location("x", &Place { lat: 0.0, lon: 0.0, ..place }), None);
    }

    #[test]
    fn a_phone_with_room_sends_seldom_and_is_never_switched_off() {
        let all = [0.0, 249.0, 999.0, 2_499.0, 19_999.0, 1e9, f64::NAN];
        let intervals: Vec<_> = all.into_iter().map(send_interval).collect();
        assert_eq!(intervals, ["30s", "30s", "1m", "2m", "5m", "10m", "10m"]);
    }
}
