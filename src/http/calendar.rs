//! A person's own calendar: uploading one, subscribing to one, and what is made of it.
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{HttpRequest, HttpResponse, web};

use super::auth::Reader;
use super::error::{ApiError, json};
use super::state::Node;
use crate::activity::calendar::MOST_BYTES;
use crate::actors::calendars::GiveError;
use crate::domain::{Code, Refusal, UnixMs, UserNo};
use crate::protocol::http::{BusyReply, CalendarFailure, CalendarReply, SMALL_BODY, parse_calendar_body, write};
use crate::store::accounts::AccountError;
use crate::store::rows::{CalendarRow, CalendarSource};

/// How far ahead busy times are told, milliseconds.
const TOLD_MS: i64 = 7 * 86_400_000;

/// `GET /v1/me/calendar`.
///
/// # Errors
/// 404 when there is none; 503 when the store cannot be read.
pub async fn get(caller: Reader, node: web::Data<Arc<Node>>) -> Result<HttpResponse, ApiError> {
    reply(&node, caller.0.no).await
}

/// `PUT /v1/me/calendar`: a file, or `{url}`.
///
/// # Errors
/// 400 for a body that is not understood; 422 when it is no calendar or cannot be fetched; 503 when it cannot be stored or too many
/// calendars are being fetched.
pub async fn put(
    caller: Reader,
    req: HttpRequest,
    payload: web::Payload,
    node: web::Data<Arc<Node>>,
) -> Result<HttpResponse, ApiError> {
    let no = caller.0.no;
    let calendars = node.calendars.clone();
    if is_file(&req) {
        let body = node.body(payload).whole(MOST_BYTES).await?;
        let given = web::block(move || calendars.upload(no, &body)).await;
        refused_or(given, "calendar")?;
    } else {
        let body = node.body(payload).whole(SMALL_BODY).await?;
        let url = parse_calendar_body(&body)?;
        let _turn =
            node.fetching.try_acquire().map_err(|_| ApiError::unavailable("too many calendars are being fetched"))?;
        let given = web::block(move || calendars.subscribe(no, url)).await;
        refused_or(given, "url")?;
    }
    reply(&node, no).await
}

/// `DELETE /v1/me/calendar`.
///
/// # Errors
/// 503 when it cannot be stored.
pub async fn delete(caller: Reader, node: web::Data<Arc<Node>>) -> Result<HttpResponse, ApiError> {
    let (no, calendars) = (caller.0.no, node.calendars.clone());
    let removed = web::block(move || calendars.remove(no)).await;
    removed.map_err(|_| stopping())?.map_err(|error| unkept(&error))?;
    Ok(HttpResponse::NoContent().finish())
}

/// True for `text/calendar`; the guard lets nothing through but that and JSON.
fn is_file(req: &HttpRequest) -> bool {
    let kind = req.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.trim().get(.."text/calendar".len()).is_some_and(|kind| kind.eq_ignore_ascii_case("text/calendar"))
}

fn refused_or<E>(given: Result<Result<(), GiveError>, E>, field: &'static str) -> Result<(), ApiError> {
    let unusable = |error: &dyn std::fmt::Display| {
        let refusal = Refusal::of_field(Code::BadField, field, format!("{field}: {error}"));
        Err(ApiError::of(StatusCode::UNPROCESSABLE_ENTITY, refusal))
    };
    match given.map_err(|_| stopping())? {
        Ok(()) => Ok(()),
        Err(GiveError::Store(error)) => Err(unkept(&error)),
        Err(error @ GiveError::Off) => Err(ApiError::forbidden(&error.to_string())),
        Err(GiveError::File(error)) => unusable(&error),
        Err(GiveError::Feed(error)) => unusable(&error),
    }
}

fn stopping() -> ApiError {
    ApiError::unavailable("the node is stopping")
}

fn unkept(error: &AccountError) -> ApiError {
    match error {
        AccountError::Unknown => ApiError::unauthenticated(),
        _ => {
            tracing::error!(%error, "a calendar could not be read or kept");
            error.refusal().into()
        }
    }
}

async fn reply(node: &Node, no: UserNo) -> Result<HttpResponse, ApiError> {
    let calendars = node.calendars.clone();
    let found = web::block(move || calendars.of(no)).await;
    let found = found.map_err(|_| stopping())?.map_err(|error| unkept(&error))?;
    let (row, next_fetch) = found.ok_or_else(ApiError::not_found)?;
    let now = node.user.clock.now();
    Ok(json(write(&described(&row, next_fetch, Some((now, now + TOLD_MS))))))
}

/// A calendar as its person may read it, with the busy times of a span or all that are known.
fn described(row: &CalendarRow, next_fetch: Option<UnixMs>, span: Option<(UnixMs, UnixMs)>) -> CalendarReply {
    let (from, to) = span.unwrap_or((UnixMs(i64::MIN), UnixMs(i64::MAX)));
    let busy = row.busy.intervals().map(|(begin, end)| (begin.saturating_mul(1_000), end.saturating_mul(1_000)));
    let busy = busy.filter(|(begin, end)| *end > from.0 && *begin < to.0);
    let feed = match &row.source {
        CalendarSource::Upload => None,
        CalendarSource::Feed(feed) => Some(feed),
    };
    let error = feed.and_then(|feed| feed.error.as_ref());
    CalendarReply {
        source: if feed.is_some() { "url" } else { "upload" },
        url_host: feed.map(|feed| feed.url.host().to_owned()),
        events: row.events,
        busy: busy.map(|(from, to)| BusyReply { from, to }).collect(),
        fetched: feed.map(|feed| feed.fetched.0),
        next_fetch: next_fetch.map(|next| next.0),
        error: error.map(|error| CalendarFailure { code: error.code.clone(), message: error.message.clone() }),
        notes: row.notes.clone(),
    }
}

/// A calendar for the export.
pub(super) fn exported(row: &CalendarRow) -> CalendarReply {
    described(row, None, None)
}
