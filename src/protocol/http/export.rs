//! The files of `GET /v1/export`: everything the server knows of a person. Times are Unix milliseconds.
use serde::Serialize;
use serde_json::{Value, json};

use super::free_hours::DayHoursReply;
use super::friendship::SharingReply;
use crate::domain::{Fix, Precision, Sharing, UnixMs};

/// `profile.json`.
#[derive(Debug, Serialize)]
pub struct ExportedAccount<'a> {
    /// The id.
    pub user: &'a str,
    /// The name.
    pub name: &'a str,
    /// Whether this is an administrator.
    pub admin: bool,
    /// How near is near, metres.
    pub radius: f64,
    /// IANA name; `null`: the server's.
    pub time_zone: Option<&'a str>,
    /// Metres a step.
    pub stride: f32,
    /// When the account was made.
    pub created: i64,
    /// Hidden from everyone until then.
    pub hidden_until: Option<i64>,
    /// A position is shown only while free.
    pub only_free: bool,
    /// When the person is usually free, by their own clock.
    pub free_hours: Vec<DayHoursReply>,
    /// Stands in friends' leaderboards.
    pub on_board: bool,
    /// The devices that have reported.
    pub devices: Vec<ExportedDevice>,
}

/// A device that has reported.
#[derive(Debug, Serialize)]
pub struct ExportedDevice {
    /// Its name.
    pub device: String,
    /// The newest number that it gave to something it sent.
    pub last_seq: u64,
    /// The time of its newest position.
    pub last_t: i64,
}

/// `availability.json`.
#[derive(Debug, Default, Serialize)]
pub struct ExportedAvailability {
    /// What was said last.
    pub free: bool,
    /// A few words.
    pub note: Option<String>,
    /// When that lapses.
    pub until: Option<i64>,
    /// When it was last changed by hand.
    pub changed: Option<i64>,
    /// When a device was last heard.
    pub last_seen: Option<i64>,
}

/// One person of `friends.json`.
#[derive(Debug, Serialize)]
pub struct ExportedFriend {
    /// The id.
    pub user: String,
    /// The name.
    pub name: String,
    /// What is shared with them.
    #[serde(flatten)]
    pub shared: ExportedSharing,
}

/// What is shared with somebody, and what comes after it.
#[derive(Debug, Serialize)]
pub struct ExportedSharing {
    /// What holds now.
    #[serde(flatten)]
    pub now: SharingReply,
    /// What holds after the end; absent without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub then: Option<&'static str>,
}

impl ExportedSharing {
    /// What holds at `now` and later.
    #[must_use]
    pub fn of(sharing: &Sharing, now: UnixMs) -> Self {
        let then = sharing.ends(now).map(|_| Precision::as_str(sharing.then));
        Self { now: SharingReply::of(sharing, now), then }
    }
}

/// One invite of `invites.json`.
#[derive(Debug, Serialize)]
pub struct ExportedInvite {
    /// Its number.
    pub id: u64,
    /// When it was made.
    pub created: i64,
    /// From when on it is void.
    pub expires: i64,
    /// What will be shared with whoever accepts.
    #[serde(flatten)]
    pub shared: ExportedSharing,
}

/// One hour of `hours.json`, in the server's time zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExportedHour {
    /// `YYYY-MM-DD`.
    pub date: String,
    /// 0 to 23.
    pub hour: u8,
    /// Counted as free.
    pub free: bool,
    /// Counted as online.
    pub online: bool,
}

/// One pair of `encounters.json`.
#[derive(Debug, Serialize)]
pub struct ExportedEncounter {
    /// The friend's id.
    pub user: String,
    /// Whether the two are near now.
    pub near: bool,
    /// When both were last told.
    pub announced: i64,
}

/// `position.geojson`: the fixes that are kept, each with the role it plays.
#[must_use]
pub fn positions_geojson<'a>(fixes: impl IntoIterator<Item = (&'static str, &'a Fix)>) -> String {
    let feature = |(role, fix): (&str, &Fix)| -> Value {
        json!({
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [fix.position.lon(), fix.position.lat()]},
            "properties": {
                "role": role, "t": fix.t.0, "acc": fix.accuracy, "speed": fix.speed, "heading": fix.heading,
                "alt": fix.altitude, "battery": fix.battery, "steps": fix.steps,
            },
        })
    };
    let features: Vec<Value> = fixes.into_iter().map(feature).collect();
    super::write_spread(&json!({"type": "FeatureCollection", "features": features}))
}
