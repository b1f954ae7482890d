//! The audit log, for the administrator: who did what to whom, in the ids that people have now.
use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};

use super::admin::off_thread;
use super::auth::Administrator;
use super::error::{ApiError, json};
use super::query::Query;
use super::state::Node;
use crate::domain::{Code, Refusal, UserNo};
use crate::protocol::http::{AuditEntry, AuditReply, write};
use crate::store::rows::AuditRow;

/// How many lines are shown when nobody says how many, and at most.
const LINES: usize = 100;
const MOST_LINES: usize = 1_000;

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
