//! The histogram: answers of `/v1/availability/histogram`.
use serde::Serialize;

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
    /// Counts below this are shown as 0; absent: every count is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smallest: Option<u32>,
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
