//! What is kept no longer than it must be: positions past their time, invites and tokens that have run out, and what a crash left
//! of people who are gone; then every byte of it leaves the disk.
use std::sync::Arc;
use std::time::Duration;

use crate::actors::spatial_inbox::Fact;
use crate::actors::user::ForgetPositions;
use crate::domain::UnixMs;
use crate::http::state::Node;
use crate::store::accounts::AccountError;

/// How often it is looked what has run out.
const EVERY: Duration = Duration::from_secs(3_600);

/// Sweeps at the start and then every hour.
pub async fn keep_clean(node: Arc<Node>) {
    loop {
        sweep(&node).await;
        actix_rt::time::sleep(EVERY).await;
    }
}

/// Sweeps once.
pub async fn sweep(node: &Arc<Node>) {
    let now = node.user.clock.now();
    let retention = node.config.privacy.retention.as_ms();
    let before = (retention > 0).then(|| now - retention);
    if let Some(before) = before {
        node.user.spatial.changed(Fact::Forget(before));
        for no in node.user.registry.everyone() {
            if let Some(actor) = node.user.registry.get(no) {
                let _ = actor.send(ForgetPositions(before)).await;
            }
        }
    }
    let node = node.clone();
    let holds = |no, token| node.user.accounts.tokens(no).iter().any(|held| held.id == token && !held.has_expired(now));
    node.user.phones.sweep(holds, now);
    // Behind everything that connections need; the disk may take its time.
    match actix_web::web::block(move || clean(&node, before, now)).await {
        Ok(Ok(0)) => {}
        Ok(Ok(gone)) => tracing::info!(gone, "what was kept long enough is gone"),
        Ok(Err(error)) => tracing::error!(%error, "what was kept long enough could not be removed; trying again later"),
        Err(error) => tracing::error!(%error, "the sweep ended early"),
    }
}

fn clean(node: &Node, before: Option<UnixMs>, now: UnixMs) -> Result<usize, AccountError> {
    let user = &node.user;
    let mut gone = user.accounts.forget_expired(now)? + user.accounts.forget_strays()?;
    if let Some(before) = before {
        let is_idle = |no| user.registry.get(no).is_none() && user.journal.pending(no).is_none();
        gone += user.store.forget_positions(before, is_idle)?;
    }
    // A position that a newer one has replaced is past its time, whatever its age, and so is what was removed.
    if user.store.owes_purge()? || user.store.has_replaced_positions() {
        user.store.purge()?;
    }
    Ok(gone)
}
