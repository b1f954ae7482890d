//! Steps: answers of `/v1/steps` and `/v1/steps/leaderboard`.
use serde::Serialize;

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
    /// Steps from Monday to today.
    pub week: u32,
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
    /// True for the one who asks; absent for others.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub me: bool,
}

/// `GET /v1/steps/leaderboard`.
#[derive(Debug, Default, Serialize)]
pub struct LeaderboardReply {
    /// The day, `YYYY-MM-DD`, when a day was asked for...
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// ...otherwise the Monday of the week...
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// ...and its Sunday.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Most first.
    pub people: Vec<LeaderReply>,
}
