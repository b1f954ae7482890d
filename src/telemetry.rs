//! Logs and metrics.
use std::io::{ErrorKind, Write};
use std::sync::Weak;
use std::sync::atomic::Ordering;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use tracing_subscriber::EnvFilter;

use crate::config::{Log, LogFormat};
use crate::http::state::Node;

/// A way out whose reader may have gone away (`| head`): the work goes on without.
#[derive(Debug)]
pub struct Unread<W>(pub W);

impl<W: Write> Write for Unread<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self.0.write(bytes) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(bytes.len()),
            outcome => outcome,
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self.0.flush() {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            outcome => outcome,
        }
    }
}

/// Starts logging to standard error. A second call in one process does nothing.
pub fn start_logging(log: &Log) {
    let mut filter = EnvFilter::try_new(&log.filter).unwrap_or_else(|_| EnvFilter::new("info"));
    // They write down the addresses of calendars, which are secrets: "trace" is not to mean that.
    for silent in ["ureq=off", "ureq_proto=off"] {
        if let Ok(silent) = silent.parse() {
            filter = filter.add_directive(silent);
        }
    }
    let colours = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(colours)
        .log_internal_errors(false)
        .with_writer(|| Unread(std::io::stderr()));
    // It fails when a test has set one already; that one holds.
    let _ = match log.format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
}

/// What writes `/metrics`. Everything is read from the parts themselves when asked; nothing is counted twice.
#[must_use]
pub fn metrics(node: Weak<Node>) -> Box<dyn Fn() -> String + Send + Sync> {
    let mut registry = Registry::with_prefix("letshang");
    registry.register_collector(Box::new(NodeCollector(node)));
    Box::new(move || {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = prometheus_client::encoding::text::encode(&mut text, &registry);
        text
    })
}

type ByLabel = Family<Vec<(String, String)>, Counter>;

#[derive(Debug)]
struct NodeCollector(Weak<Node>);

impl Collector for NodeCollector {
    fn encode(&self, mut out: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let Some(node) = self.0.upgrade() else { return Ok(()) };
        let (user, sockets) = (&node.user, &node.sockets);
        let load = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        let (commits, rows) = user.journal.written();
        let quiet = user.spatial.quiet();
        let (looks, in_vain) = node.calendars.counts();
        for (name, help, value) in [
            ("fixes", "Fixes taken in", load(&user.fixes)),
            ("connections_opened", "WebSocket connections so far", load(&sockets.opened)),
            ("frames_in", "Frames from clients", load(&sockets.frames_in)),
            ("frames_out", "Frames to clients", load(&sockets.frames_out)),
            ("bytes_out", "Bytes of frames to clients", load(&sockets.bytes_out)),
            ("moved_coalesced", "Positions overtaken before a slow socket took them", load(&sockets.moved_coalesced)),
            ("slow_closed", "Connections closed with 4503", load(&sockets.slow)),
            ("pings_ignored", "Pings that were not answered", load(&sockets.pings_ignored)),
            ("session_panics", "Sessions whose code panicked", load(&sockets.panics)),
            ("spatial_coalesced", "Positions overtaken in the spatial index's inbox", user.spatial.coalesced()),
            ("quiet_given", "Quiet zones given to phones", quiet.given),
            ("quiet_probes", "Phones asked for a position out of turn", quiet.asked),
            ("quiet_answered", "Of these, for which one came in time", quiet.answered),
            ("quiet_unanswered", "Of these, for which none did", quiet.unanswered),
            ("quiet_run_out", "Quiet zones that ran out without a report", quiet.run_out),
            ("quiet_ignored", "Quiet zones taken back because the phone kept reporting", quiet.ignored),
            ("user_mailbox_overflows", "Messages of state that found a full mailbox", user.registry.overflows()),
            ("journal_commits", "Batches written to the embedded store", commits),
            ("journal_rows", "Rows written to the embedded store", rows),
            ("calendar_fetches", "Looks at calendars on the web", looks),
            ("calendar_failures", "Of these, in vain", in_vain),
        ] {
            let counter = ConstCounter::new(value);
            counter.encode(out.encode_descriptor(name, help, None, counter.metric_type())?)?;
        }
        let now = user.clock.now();
        let lag = node.sinks.redis.as_ref().map_or(0, |sink| sink.state().lag_ms(now));
        let redis_up = node.sinks.redis.as_ref().map_or(0, |sink| i64::from(sink.state().ok));
        for (name, help, value) in [
            ("connections", "WebSocket connections open", i64::try_from(load(&sockets.open)).unwrap_or(i64::MAX)),
            (
                "http_connections",
                "Connections of every kind open",
                i64::try_from(node.limits.doors.open()).unwrap_or(i64::MAX),
            ),
            (
                "limits_remembered",
                "Addresses and people whose rates are remembered",
                i64::try_from(node.limits.remembered()).unwrap_or(i64::MAX),
            ),
            ("accounts", "Accounts", i64::try_from(user.accounts.len()).unwrap_or(i64::MAX)),
            ("people_awake", "People whose actor runs", i64::try_from(user.registry.len()).unwrap_or(i64::MAX)),
            (
                "spatial_inbox",
                "Facts that wait for the spatial index",
                i64::try_from(user.spatial.len()).unwrap_or(i64::MAX),
            ),
            ("quiet_zones", "Quiet zones that hold", i64::try_from(quiet.zones).unwrap_or(i64::MAX)),
            ("redis_lag_ms", "How long the oldest set of the histogram waits for Redis", lag),
            ("storage_ok", "1 while the embedded store can write", i64::from(!user.journal.is_failing())),
            ("redis_ok", "1 while Redis is configured and takes writes", redis_up),
            ("ready", "1 while the node is ready", i64::from(node.ready.load(Ordering::Relaxed))),
        ] {
            let gauge = ConstGauge::new(value);
            gauge.encode(out.encode_descriptor(name, help, None, gauge.metric_type())?)?;
        }
        if let Some(certificates) = &node.certificates {
            let failures = ConstCounter::new(certificates.reload_failures());
            let help = "How often the TLS certificate could not be read again";
            failures.encode(out.encode_descriptor("tls_reload_failures", help, None, failures.metric_type())?)?;
            let left = ConstGauge::new(certificates.expires_in(now));
            let help = "Seconds until the TLS certificate expires";
            left.encode(out.encode_descriptor("tls_certificate_expires", help, None, left.metric_type())?)?;
        }
        let refused = ByLabel::default();
        for (limit, count) in node.limits.refused.counts() {
            refused.get_or_create(&vec![("limit".to_owned(), limit.as_str().to_owned())]).inc_by(count);
        }
        let help = "Connections, requests and frames refused, by limit";
        refused.encode(out.encode_descriptor("refused", help, None, refused.metric_type())?)?;
        let points = ByLabel::default();
        for (app, outcome, count) in user.phones.counts().filter(|(.., count)| *count > 0) {
            let label = |name: &str, value: &str| (name.to_owned(), value.to_owned());
            points.get_or_create(&vec![label("app", app.as_str()), label("outcome", outcome.as_str())]).inc_by(count);
        }
        let help = "What phones with apps of others said, by what became of it";
        points.encode(out.encode_descriptor("phone_points", help, None, points.metric_type())?)?;
        let closed = ByLabel::default();
        for (code, count) in sockets.closed().filter(|(_, count)| *count > 0) {
            closed.get_or_create(&vec![("code".to_owned(), code.0.to_string())]).inc_by(count);
        }
        closed.encode(out.encode_descriptor(
            "closed",
            "Connections the server closed, by code",
            None,
            closed.metric_type(),
        )?)
    }
}
