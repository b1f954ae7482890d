//! Bodies of HTTP requests and answers (PROTOCOL.md, section 3).
use serde::{Deserialize, Serialize};
use serde_json::error::Category;

use super::server::{Friend, NearbyFriend, Rejected};
use crate::domain::{Code, Refusal};

/// An error's body.
#[derive(Debug, Serialize)]
pub struct ErrorBody<'a> {
    /// For programs.
    pub code: &'static str,
    /// For people.
    pub message: &'a str,
    /// The field at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<&'static str>,
}

/// The answer to `POST /v1/fixes`.
#[derive(Debug, Serialize)]
pub struct FixesReply {
    /// How many were accepted.
    pub accepted: usize,
    /// The others.
    pub rejected: Vec<Rejected>,
}

/// A refused seed line.
#[derive(Debug, Serialize)]
pub struct RejectedLine {
    /// The line, from 0.
    pub index: u64,
    /// Why, for programs.
    pub code: &'static str,
    /// Why, for people: what was expected in which column.
    pub message: String,
}

/// The answer to `POST /v1/ingest`.
#[derive(Debug, Default, Serialize)]
pub struct IngestReply {
    /// Lines taken in.
    pub accepted: u64,
    /// Empty lines and comments.
    pub skipped: u64,
    /// Accounts that did not exist and were made.
    pub created: u64,
    /// How many lines were refused.
    pub refused: u64,
    /// The first thousand of them.
    pub rejected: Vec<RejectedLine>,
}

/// The body of `POST /v1/session`.
#[derive(Debug, Default, Deserialize)]
pub struct SessionBody {
    /// The token; absent: as the guest, where there is one.
    pub token: Option<String>,
}

/// Who is signed in.
#[derive(Debug, Serialize)]
pub struct SessionReply<'a> {
    /// The id.
    pub user: &'a str,
    /// The name.
    pub name: &'a str,
    /// Whether this is an administrator.
    pub admin: bool,
}

/// `GET /v1/session`.
#[derive(Debug, Serialize)]
pub struct WhoReply<'a> {
    /// Who is signed in; `null`: nobody.
    pub user: Option<&'a str>,
    /// Whether a visitor may come in as the guest.
    pub guest: bool,
}

/// `GET /v1/me`.
#[derive(Debug, Serialize)]
pub struct MeReply<'a> {
    /// The id.
    pub user: &'a str,
    /// The name.
    pub name: &'a str,
    /// Whether this is an administrator.
    pub admin: bool,
    /// Metres.
    pub radius: f64,
    /// IANA name.
    pub time_zone: &'a str,
    /// Metres a step.
    pub stride: f32,
    /// Would meet now.
    pub free: bool,
    /// A few words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<&'a str>,
    /// When that lapses, Unix ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<i64>,
}

/// `GET /v1/me/availability`.
#[derive(Debug, Serialize)]
pub struct AvailabilityReply<'a> {
    /// Would meet now.
    pub free: bool,
    /// A few words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<&'a str>,
    /// When that lapses, Unix ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<i64>,
}

/// `GET /v1/friends`.
#[derive(Debug, Serialize)]
pub struct FriendsReply {
    /// The caller's friends.
    pub friends: Vec<Friend>,
}

/// `GET /v1/nearby`.
#[derive(Debug, Serialize)]
pub struct NearbyReply {
    /// Nearest first.
    pub friends: Vec<NearbyFriend>,
}

/// One hour of the histogram.
#[derive(Debug, Serialize)]
pub struct HourReply {
    /// 0 to 23.
    pub hour: u8,
    /// Distinct people free.
    pub free: u32,
    /// Distinct people online.
    pub online: u32,
}

/// One day of the histogram.
#[derive(Debug, Serialize)]
pub struct DayReply {
    /// `YYYY-MM-DD`.
    pub date: String,
    /// The node's time zone.
    pub time_zone: String,
    /// Whether the day is over.
    pub complete: bool,
    /// 24 hours.
    pub hours: Vec<HourReply>,
}

/// Several days of the histogram.
#[derive(Debug, Serialize)]
pub struct SeriesReply {
    /// The node's time zone.
    pub time_zone: String,
    /// The days, oldest first.
    pub days: Vec<DayReply>,
}

/// One day's steps.
#[derive(Debug, Serialize)]
pub struct StepsDay {
    /// `YYYY-MM-DD`, in the person's time zone.
    pub date: String,
    /// Steps.
    pub steps: u32,
}

/// `GET /v1/steps`.
#[derive(Debug, Serialize)]
pub struct StepsReply {
    /// Steps today.
    pub today: u32,
    /// Days with steps, oldest first.
    pub days: Vec<StepsDay>,
}

/// One row of the leaderboard.
#[derive(Debug, Serialize)]
pub struct LeaderReply {
    /// The id.
    pub user: String,
    /// The name.
    pub name: String,
    /// Steps.
    pub steps: u32,
}

/// `GET /v1/steps/leaderboard`.
#[derive(Debug, Serialize)]
pub struct LeaderboardReply {
    /// `YYYY-MM-DD`.
    pub date: String,
    /// Most first.
    pub people: Vec<LeaderReply>,
}

/// One account of `POST /v1/admin/users`.
#[derive(Debug, Deserialize)]
pub struct NewUserBody {
    /// The id.
    pub user: String,
    /// The name; absent: the id.
    pub name: Option<String>,
    /// Metres; absent: the node's default.
    pub radius: Option<f64>,
}

/// `POST /v1/admin/users`.
#[derive(Debug, Deserialize)]
pub struct NewUsersBody {
    /// The accounts.
    pub users: Vec<NewUserBody>,
    /// Friendships between them, as indices into `users`.
    #[serde(default)]
    pub friendships: Vec<(usize, usize)>,
}

/// One made account.
#[derive(Debug, Serialize)]
pub struct NewUserReply {
    /// The id.
    pub user: String,
    /// Its token, shown once.
    pub token: String,
}

/// The answer to `POST /v1/admin/users`.
#[derive(Debug, Serialize)]
pub struct NewUsersReply {
    /// In the order of the request.
    pub users: Vec<NewUserReply>,
}

/// `POST /v1/admin/users/remove`.
#[derive(Debug, Deserialize)]
pub struct RemoveUsersBody {
    /// The ids.
    pub users: Vec<String>,
}

/// The answer to it.
#[derive(Debug, Serialize)]
pub struct RemovedReply {
    /// How many there were.
    pub removed: usize,
}

/// One person of `GET /v1/admin/people`.
#[derive(Debug, Serialize)]
pub struct PersonReply {
    /// The crowd view's number.
    pub index: u32,
    /// The id.
    pub user: String,
    /// The name.
    pub name: String,
}

/// `GET /v1/admin/people`.
#[derive(Debug, Serialize)]
pub struct PeopleReply {
    /// Those that exist.
    pub people: Vec<PersonReply>,
}

/// Which parts of the product this node runs with.
#[derive(Debug, Serialize)]
pub struct ModeReply {
    /// Redis is configured.
    pub redis: bool,
    /// The dashboard is open to guests.
    pub demo: bool,
}

/// `GET /v1/admin/stats`.
#[derive(Debug, Serialize)]
pub struct StatsReply {
    /// Accounts.
    pub users: usize,
    /// People online.
    pub online: usize,
    /// People free.
    pub free: usize,
    /// Encounters under way.
    pub near_pairs: usize,
    /// Over the last seconds.
    pub fixes_per_second: f64,
    /// Everybody's.
    pub steps_today: u64,
    /// WebSocket connections.
    pub connections: u64,
    /// Since the start.
    pub uptime_s: u64,
    /// Of this program.
    pub version: &'static str,
    /// Which parts run.
    pub mode: ModeReply,
}

/// One part of `/ready`.
#[derive(Debug, Serialize)]
pub struct PartReply {
    /// Works as promised.
    pub ok: bool,
    /// Since when it does not, Unix ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<i64>,
    /// What is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// `GET /ready`.
#[derive(Debug, Serialize)]
pub struct ReadyReply {
    /// Serves.
    pub ready: bool,
    /// The embedded store.
    pub storage: PartReply,
    /// Redis, when configured. The node serves on without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redis: Option<PartReply>,
}

/// Writes an answer's JSON.
#[must_use]
pub fn write<T: Serialize>(body: &T) -> String {
    serde_json::to_string(body).unwrap_or_default()
}

/// Reads a request's JSON.
///
/// # Errors
/// `bad_json`, with where. What was sent is not repeated: it may be a token.
pub fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| {
        let (told, at) = (error.to_string(), format!("line {} column {}", error.line(), error.column()));
        let what = match error.classify() {
            Category::Eof => "it ends too early",
            Category::Data if told.starts_with("missing field") => told.split(" at line").next().unwrap_or_default(),
            Category::Data => "a field is given twice or has the wrong form",
            Category::Syntax | Category::Io => "its syntax is wrong",
        };
        Refusal::new(Code::BadJson, format!("the body is not what is expected here: {what} ({at})"))
    })
}
