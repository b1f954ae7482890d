//! What every handler may use: addresses and read models, handed in by `app`.
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Instant;

use actix::Addr;
use actix_web::web;

use super::audit::Often;
use super::body::Body;
use super::browsers::Browsers;
use super::limits::Limits;
use super::people::People;
use super::socket::SocketMetrics;
use super::tls::Certificates;
use crate::actors::calendars::Calendars;
use crate::actors::critical::Stopping;
use crate::actors::hourly_aggregator::HourlyAggregator;
use crate::actors::spatial_index::SpatialIndex;
use crate::actors::user::UserDeps;
use crate::config::Config;
use crate::store::histogram_writer::SinkStatus;

/// Where the histogram is written.
#[derive(Debug)]
pub struct Sinks {
    /// The embedded store.
    pub own: SinkStatus,
    /// Redis, when there is one.
    pub redis: Option<SinkStatus>,
}

/// The node, as its HTTP side sees it.
pub struct Node {
    /// Settings.
    pub config: Config,
    /// The node's time zone, as written.
    pub zone: jiff::tz::TimeZone,
    /// What people's actors use too.
    pub user: Arc<UserDeps>,
    /// Making and removing accounts and friendships.
    pub people: Arc<People>,
    /// Who is where.
    pub index: Addr<SpatialIndex>,
    /// People's calendars.
    pub calendars: Arc<Calendars>,
    /// Turns for fetching calendars that somebody waits for.
    pub fetching: tokio::sync::Semaphore,
    /// Who was free when.
    pub hours: Addr<HourlyAggregator>,
    /// How the histogram's sinks do.
    pub sinks: Sinks,
    /// Counters of the socket layer.
    pub sockets: Arc<SocketMetrics>,
    /// What one address and one person may take.
    pub limits: Arc<Limits>,
    /// Browsers' sessions in use.
    pub browsers: Browsers,
    /// What is not written down every time.
    pub often: Often,
    /// The next connection's number.
    pub next_conn: AtomicU64,
    /// True once everything stands.
    pub ready: AtomicBool,
    /// Set when an orderly stop begins.
    pub stopping: Stopping,
    /// When the node started.
    pub started: Instant,
    /// Fixes a second, times 1,000, over the last second.
    pub fixes_per_second_e3: AtomicU64,
    /// What TLS clients are shown; none: plain HTTP.
    pub certificates: Option<Arc<Certificates>>,
    /// Writes `/metrics`.
    pub metrics: Box<dyn Fn() -> String + Send + Sync>,
}

impl Node {
    /// A request's body, within the bounds that the guard keeps it to.
    #[must_use]
    pub fn body(&self, payload: web::Payload) -> Body {
        Body::new(payload)
    }
}
