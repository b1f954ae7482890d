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
