//! An orderly stop: tell everyone, flush, go. The whole takes less than 5 s.
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use actix::prelude::*;

use crate::actors::alarm::Alarm;
use crate::actors::hourly_aggregator::{HourlyAggregator, Shutdown};
use crate::actors::journal::{FlushJournal, Journal};
use crate::actors::user::CloseAll;
use crate::http::state::Node;
use crate::protocol::close::CloseCode;

/// The actors that must be flushed.
pub struct Parts {
    /// Keeps people's state.
    pub journal: Addr<Journal>,
    /// Keeps the histogram.
    pub hours: Addr<HourlyAggregator>,
    /// Held so that it lives.
    pub _alarm: Addr<Alarm>,
}

/// Closes every connection with 1012 and a random time after which to come back, and waits a moment for them to go.
pub async fn say_goodbye(node: &Node) {
    node.stopping.begin();
    let jitter = u64::try_from(node.config.server.restart_jitter.as_ms()).unwrap_or(0);
    for no in node.user.registry.everyone() {
        let mut random = [0; 8];
        // Without randomness everybody comes back at once: a burden, not a fault.
        let _ = getrandom::fill(&mut random);
        let wait = u64::from_le_bytes(random).checked_rem(jitter + 1).unwrap_or(0);
        let reason = format!("{{\"retry_after_ms\":{wait}}}");
        node.user.registry.tell(no, CloseAll { code: CloseCode::RESTARTING, reason });
    }
    let until = Instant::now() + node.config.server.drain.get().min(Duration::from_millis(1_500));
    while Instant::now() < until && node.sockets.open.load(Ordering::Relaxed) > 0 {
        actix_rt::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Writes everything that waits.
pub async fn flush(node: &Node, parts: &Parts) {
    let drain = node.config.server.drain.get();
    let flush = async {
        for no in node.user.registry.everyone() {
            if let Some(addr) = node.user.registry.get(no) {
                let _ = addr.send(crate::actors::user::KeepNow).await;
            }
        }
        let _ = parts.journal.send(FlushJournal).await;
        let _ = parts.hours.send(Shutdown).await;
        let store = node.user.store.clone();
        // Everything that was promised is durable already; this only makes the next start quick.
        let _ = actix_web::web::block(move || store.close()).await;
    };
    if actix_rt::time::timeout(drain, flush).await.is_err() {
        tracing::warn!("not everything could be flushed in time; what was acknowledged is safe");
    }
}

/// Ends at SIGTERM or SIGINT; a second one ends the process at once. From the call on, not only from the first look at the
/// future: a signal right after the start is not to kill.
pub fn signal() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal as on};
    let signals = (on(SignalKind::terminate()), on(SignalKind::interrupt()));
    async move {
        let (Ok(mut terminate), Ok(mut interrupt)) = signals else {
            tracing::error!("signals cannot be received");
            return std::future::pending().await;
        };
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        tracing::info!("stopping; a second signal stops at once");
        actix_rt::spawn(async move {
            tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
            std::process::exit(130);
        });
    }
}
