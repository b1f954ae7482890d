//! What every handler may use: addresses and read models, handed in by `app`.
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Instant;

use actix::Addr;
use actix_web::web;

use super::body::Body;
use super::people::People;
use super::socket::SocketMetrics;
use super::tls::Certificates;
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
    /// Who was free when.
    pub hours: Addr<HourlyAggregator>,
    /// How the histogram's sinks do.
    pub sinks: Sinks,
    /// Counters of the socket layer.
    pub sockets: Arc<SocketMetrics>,
    /// Connections at once; beyond it newcomers are answered 503.
    pub max_connections: u64,
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
    /// A request's body, with the pauses that the settings allow.
    #[must_use]
    pub fn body(&self, payload: web::Payload) -> Body {
        Body::new(payload, self.config.limits.body_idle.get())
    }
}
