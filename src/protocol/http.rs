//! Bodies of HTTP requests and answers (PROTOCOL.md, section 3), by subject.
mod admin;
mod calendar;
mod csv;
mod export;
mod fields;
mod free_hours;
mod friendship;
mod hours;
mod invites;
mod phones;
mod profile;
mod ready;
mod reports;
mod session;
mod steps;
mod tokens;

use serde::{Deserialize, Serialize};
use serde_json::error::Category;

pub use admin::{
    AuditEntry, AuditReply, ModeReply, NewUserBody, NewUserReply, NewUsersBody, NewUsersReply, PeopleReply,
    PersonReply, RemoveUsersBody, RemovedReply, StatsReply,
};
pub use calendar::{BusyReply, CalendarFailure, CalendarReply, parse_calendar_body};
pub use csv::steps_csv;
pub use export::{
    ExportedAccount, ExportedAvailability, ExportedDevice, ExportedEncounter, ExportedFriend, ExportedHour,
    ExportedInvite, ExportedSharing, positions_geojson,
};
pub use fields::LONGEST_AHEAD_MS;
pub use free_hours::DayHoursReply;
pub use friendship::{
    BlocksReply, FriendReply, FriendsReply, NearbyReply, PersonRow, SharingBody, SharingReply, ViewReply, ViewerReply,
    ViewersReply, parse_sharing_body, sight_word,
};
pub use hours::{DayReply, HourReply, SeriesReply};
pub use invites::{
    AcceptBody, AcceptReply, InviteReply, InviteRow, InviteView, InvitesReply, parse_accept_body, parse_invite_body,
};
pub use phones::{
    AlertReply, AlertsReply, DroppedReply, HintReply, PhoneBody, PhoneReply, PhonesReply, SentReply, SetupField,
    SetupReply, WrongReply, parse_phone_body,
};
pub use profile::{AvailabilityReply, MeReply, NextReply, ProfileBody, parse_profile_body};
pub use ready::{PartReply, ReadyReply};
pub use reports::{FixesReply, IngestReply, RejectedLine};
pub use session::{SessionBody, SessionReply, WhoReply, parse_session_body};
pub use steps::{LeaderReply, LeaderboardReply, StepsDay, StepsReply};
pub use tokens::{NewTokenReply, TokenBody, TokenReply, TokenScope, TokensReply, parse_token_body};

use crate::domain::{Code, Refusal};

/// The largest body of the calls that are a handful of fields, bytes.
pub const SMALL_BODY: usize = 4_096;

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

/// Writes an answer's JSON.
#[must_use]
pub fn write<T: Serialize>(body: &T) -> String {
    serde_json::to_string(body).unwrap_or_default()
}

/// Writes JSON for people to read too.
#[must_use]
pub fn write_spread<T: Serialize>(body: &T) -> String {
    serde_json::to_string_pretty(body).unwrap_or_default()
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
