//! The administrator's calls: bodies under `/v1/admin`.
use serde::{Deserialize, Serialize};

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

/// A line of the audit log.
#[derive(Debug, Serialize)]
pub struct AuditEntry {
    /// When, Unix ms.
    pub t: i64,
    /// Who did it, by the id they have now; `erased`: somebody who is gone; absent: the server or its operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// What was done.
    pub action: &'static str,
    /// To whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
}

/// `GET /v1/admin/audit`.
#[derive(Debug, Serialize)]
pub struct AuditReply {
    /// Newest first.
    pub entries: Vec<AuditEntry>,
}
