//! Fixes over HTTP: `POST /v1/fixes` for a device, `POST /v1/ingest` for replays and migration.
use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use rustc_hash::FxHashSet;

use super::auth::{Administrator, Caller};
use super::error::{ApiError, json};
use super::state::Node;
use crate::activity::histogram::{Presence, hour_of};
use crate::actors::journal::Promise;
use crate::actors::user::{KeepNow, RecordSeed, ReportFixes, Speaker};
use crate::domain::fix::OLDEST_MS;
use crate::domain::{DeviceName, Fix, UnixMs, UserNo};
use crate::protocol::client;
use crate::protocol::http::{FixesReply, IngestReply, RejectedLine, write};
use crate::protocol::seed_file::{LineSplitter, no_text};
use crate::protocol::seed_line::SeedLine;
use crate::store::accounts::{AccountError, Identity, NewUser};
use crate::store::rows::MarkRow;

/// How many refused lines an answer names.
const NAMED: usize = 1_000;
/// After so many lines an import waits for the store.
const IN_FLIGHT: u64 = 20_000;

/// `POST /v1/fixes`.
///
/// # Errors
/// 400 for a body that is no fix and no list; 413; 503 when it cannot be stored.
pub async fn post_fixes(
    caller: Caller,
    payload: web::Payload,
    node: web::Data<Arc<Node>>,
) -> Result<HttpResponse, ApiError> {
    let body = node.body(payload).whole(node.config.limits.body_bytes).await?;
    let now = node.user.clock.now();
    let fixes = client::parse_fixes_body(&body)?;
    let fixes = fixes.into_iter().map(|fields| fields.and_then(|fields| Fix::new(&fields, now))).collect();
    let addr = node.user.registry.wake(caller.0.no).ok_or_else(ApiError::unauthenticated)?;
    let message = ReportFixes { speaker: Speaker::Request(caller.0.device), fixes, seq: None };
    let answer = addr.send(message).await.map_err(|_| ApiError::unavailable("try again"))?;
    until_stored(answer.stored).await?;
    Ok(json(write(&FixesReply { accepted: answer.accepted, rejected: answer.rejected })))
}

/// `POST /v1/ingest`: seed lines, streamed.
///
/// # Errors
/// 415 for another content type; 503 when it cannot be stored. Bad lines are listed, the others count.
pub async fn post_ingest(
    Administrator(administrator): Administrator,
    req: HttpRequest,
    payload: web::Payload,
    node: web::Data<Arc<Node>>,
) -> Result<HttpResponse, ApiError> {
    let content_type = req.headers().get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !content_type.is_empty() && !content_type.starts_with("text/csv") && !content_type.starts_with("text/plain") {
        let status = actix_web::http::StatusCode::UNSUPPORTED_MEDIA_TYPE;
        let message = "the content type must be text/csv";
        return Err(ApiError::with_status(status, crate::domain::Code::BadField, message));
    }
    let mut body = node.body(payload);
    let mut import = Import::new(node.get_ref().clone(), administrator.clone())?;
    let mut splitter = LineSplitter::new();
    let mut at_start = true;
    while let Some(piece) = body.next().await? {
        // It may take hours: who was shut out meanwhile says no more.
        if !is_administrator(&node, &administrator) {
            import.finish().await?;
            return Err(ApiError::unauthenticated().and_close());
        }
        if std::mem::take(&mut at_start)
            && let Some(what) = no_text(&piece)
        {
            let message = format!("the body looks like {what}, not like seed lines");
            return Err(crate::domain::Refusal::new(crate::domain::Code::BadJson, message).into());
        }
        let mut lines = Vec::new();
        splitter.feed(&piece, |number, line| lines.push((number, line.map(str::to_owned))));
        for (number, line) in lines {
            import.line(number, line.map_err(Into::into)).await?;
        }
    }
    let mut last = Vec::new();
    let counts = splitter.finish(|number, line| last.push((number, line.map(str::to_owned))));
    for (number, line) in last {
        import.line(number, line.map_err(Into::into)).await?;
    }
    import.reply.skipped = counts.skipped;
    Ok(json(write(&import.finish().await?)))
}

/// Whether somebody who was one when the request began is one now.
fn is_administrator(node: &Node, identity: &Identity) -> bool {
    let accounts = &node.user.accounts;
    accounts.is_valid(identity, node.user.clock.now())
        && accounts.by_no(identity.no).is_some_and(|account| account.admin)
}

/// Waits until the journal has kept what it promised.
///
/// # Errors
/// 503 when it could not, or when nobody promised anything.
pub async fn until_stored(promised: Option<tokio::sync::oneshot::Receiver<bool>>) -> Result<(), ApiError> {
    let stored = match promised {
        Some(stored) => stored.await.unwrap_or(false),
        None => false,
    };
    if stored { Ok(()) } else { Err(ApiError::unavailable("the server cannot store now; send it again later")) }
}

/// Marks the hour in which a seed line was said.
pub fn mark_hours(node: &Node, no: UserNo, at: UnixMs, free: bool) {
    let hour = hour_of(at, &node.zone);
    for presence in [Presence::Online, Presence::Free] {
        if presence == Presence::Free && !free {
            continue;
        }
        node.user.hours.mark(no, presence, at);
        node.user.journal.mark(MarkRow { key: (hour, presence), no });
    }
}

struct Import {
    node: Arc<Node>,
    /// Who imports.
    by: Identity,
    device: DeviceName,
    touched: FxHashSet<UserNo>,
    reply: IngestReply,
}

impl Import {
    fn new(node: Arc<Node>, by: Identity) -> Result<Self, ApiError> {
        let device = DeviceName::parse("ingest")?;
        Ok(Self { node, by, device, touched: FxHashSet::default(), reply: IngestReply::default() })
    }

    async fn line(&mut self, number: u64, line: Result<String, crate::domain::Refusal>) -> Result<(), ApiError> {
        let outcome = match line.and_then(|line| SeedLine::parse(&line).map_err(Into::into)) {
            Ok(line) => self.record(&line).await,
            Err(refusal) => Err(refusal.into()),
        };
        match outcome {
            Ok(()) => {
                self.reply.accepted += 1;
                if self.reply.accepted.is_multiple_of(IN_FLIGHT) {
                    self.settle().await?;
                }
            }
            Err(Stop::Line(refusal)) => {
                self.reply.refused += 1;
                if self.reply.rejected.len() < NAMED {
                    let index = number.saturating_sub(1);
                    let code = refusal.code.as_str();
                    self.reply.rejected.push(RejectedLine { index, code, message: refusal.message });
                }
            }
            Err(Stop::All(error)) => return Err(error),
        }
        Ok(())
    }

    async fn record(&mut self, line: &SeedLine) -> Result<(), Stop> {
        let now = self.node.user.clock.now();
        let fix = Fix::recorded(&line.fields(), now)?;
        let no = self.person(line)?;
        mark_hours(&self.node, no, line.t, line.free);
        if fix.t.0 < now.0 - OLDEST_MS {
            // Older than a live fix may be: it counts in its hour and moves nothing.
            return Ok(());
        }
        let Some(addr) = self.node.user.registry.wake(no) else { return Ok(()) };
        self.touched.insert(no);
        let record = RecordSeed { speaker: Speaker::Request(self.device.clone()), fix, free: line.free };
        addr.send(record).await.map_err(|_| Stop::All(ApiError::unavailable("try again")))
    }

    /// The person of a line; made when there is none: this is how people migrate.
    fn person(&mut self, line: &SeedLine) -> Result<UserNo, Stop> {
        if let Some(account) = self.node.user.accounts.by_id(&line.user) {
            return Ok(account.no);
        }
        let made = self
            .node
            .people
            .create_by(Some(self.by.no), &[NewUser::named(line.user.clone())], &[], None)
            .map_err(store_error)?;
        self.reply.created += 1;
        made.first().map(|person| person.account.no).ok_or_else(|| Stop::All(ApiError::unavailable("try again")))
    }

    async fn finish(self) -> Result<IngestReply, ApiError> {
        for no in &self.touched {
            if let Some(addr) = self.node.user.registry.get(*no) {
                // One that has retired meanwhile has kept its state itself.
                let _ = addr.send(KeepNow).await;
            }
        }
        self.settle().await?;
        Ok(self.reply)
    }

    /// Waits until the store has what was said so far: an import is never faster than the disk.
    async fn settle(&self) -> Result<(), ApiError> {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        self.node.user.journal.promise(Promise::Reply(sender));
        until_stored(Some(receiver)).await
    }
}

enum Stop {
    Line(crate::domain::Refusal),
    All(ApiError),
}

impl From<crate::domain::Refusal> for Stop {
    fn from(refusal: crate::domain::Refusal) -> Self {
        Self::Line(refusal)
    }
}

fn store_error(error: AccountError) -> Stop {
    Stop::All(super::admin::account_error(&error))
}
