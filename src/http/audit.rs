//! The audit log, for the administrator: who did what to whom, in the ids that people have now.
use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use parking_lot::Mutex;
use rustc_hash::FxHashMap;

use super::admin::off_thread;
use super::auth::Administrator;
use super::error::{ApiError, json};
use super::query::Query;
use super::state::Node;
use crate::domain::{Code, Refusal, UnixMs, UserNo};
use crate::protocol::http::{AuditEntry, AuditReply, write};
use crate::store::rows::{Action, AuditRow};

/// How many lines are shown when nobody says how many, and at most.
const LINES: usize = 100;
const MOST_LINES: usize = 1_000;
const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// What would fill the log if every time of it were a line.
#[derive(Debug, Default)]
pub struct Often {
    /// How many sign-ins failed since the last line, and when that was.
    failed: Mutex<(u64, Option<UnixMs>)>,
    /// When an administrator's look at everybody was last written down.
    looked: Mutex<FxHashMap<UserNo, UnixMs>>,
}

impl Often {
    /// Somebody could not sign in: a line a minute, with how many they were.
    pub fn sign_in_failed(node: &Node) {
        let now = node.user.clock.now();
        let count = {
            let mut failed = node.often.failed.lock();
            failed.0 = failed.0.saturating_add(1);
            if failed.1.is_some_and(|last| now.since(last) < MINUTE_MS) {
                return;
            }
            failed.1 = Some(now);
            std::mem::take(&mut failed.0)
        };
        let line = AuditRow { t: now, actor: None, action: Action::SignInFailed, subject: None, detail: count };
        record(node, line);
    }

    /// An administrator looks at where everybody is: a line an hour.
    pub fn crowd_opened(node: &Node, administrator: UserNo) {
        let now = node.user.clock.now();
        {
            let mut looked = node.often.looked.lock();
            if looked.get(&administrator).is_some_and(|last| now.since(*last) < HOUR_MS) {
                return;
            }
            looked.retain(|_, last| now.since(*last) < HOUR_MS);
            looked.insert(administrator, now);
        }
        let action = Action::CrowdOpened;
        record(node, AuditRow { t: now, actor: Some(administrator), action, subject: None, detail: 1 });
    }
}

/// Writes a line beside whatever is answered.
fn record(node: &Node, line: AuditRow) {
    let accounts = Arc::clone(&node.user.accounts);
    actix_rt::spawn(async move {
        if let Ok(Err(error)) = web::block(move || accounts.record(line)).await {
            tracing::warn!(%error, "a line of the audit log cannot be written");
        }
    });
}

/// `GET /v1/admin/audit?limit=`: the newest lines, newest first.
///
/// # Errors
/// 400 and 422 for a bad limit.
pub async fn audit(
    _administrator: Administrator,
    req: HttpRequest,
    node: web::Data<Arc<Node>>,
) -> Result<HttpResponse, ApiError> {
    let limit = Query::of(&req).number("limit")?.unwrap_or(LINES);
    if !(1..=MOST_LINES).contains(&limit) {
        let message = format!("limit must be 1 to {MOST_LINES}");
        return Err(Refusal::of_field(Code::OutOfRange, "limit", message).into());
    }
    let user = node.user.clone();
    let lines = off_thread(move || Ok(user.accounts.audit(limit)?)).await?;
    let id = |no: UserNo| match node.user.accounts.by_no(no) {
        Some(account) => account.id.as_str().to_owned(),
        None => "erased".to_owned(),
    };
    let entry = |line: AuditRow| AuditEntry {
        t: line.t.0,
        actor: line.actor.map(id),
        action: line.action.as_str(),
        subject: line.subject.map(id),
    };
    Ok(json(write(&AuditReply { entries: lines.into_iter().map(entry).collect() })))
}
