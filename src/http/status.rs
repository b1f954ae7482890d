//! How the node does, and the histogram: `/health`, `/ready`, `/metrics`, `/v1/availability/histogram`.
use std::sync::Arc;
use std::sync::atomic::Ordering;

use actix_web::http::header::CONTENT_TYPE;
use actix_web::{HttpRequest, HttpResponse, web};

use super::auth::Caller;
use super::error::{ApiError, json};
use super::query::Query;
use super::state::Node;
use crate::activity::histogram::{HourCount, hour_of};
use crate::actors::hourly_aggregator::{DayHistogram, QueryError, QueryHistogram, QuerySeries};
use crate::protocol::http::{DayReply, HourReply, PartReply, ReadyReply, SeriesReply, write};

/// The most days of one series.
const DAYS: i32 = 400;

/// `GET /health`: the process answers.
pub async fn health() -> HttpResponse {
    HttpResponse::Ok().insert_header((CONTENT_TYPE, "text/plain; charset=utf-8")).body("ok\n")
}

/// `GET /ready`: 200 when it serves, 503 while it starts, stops or cannot store. Redis being away does not make a node
/// unready; it is said here.
pub async fn ready(node: web::Data<Arc<Node>>) -> HttpResponse {
    let storage_ok = !node.user.journal.is_failing() && node.sinks.own.state().ok;
    let up = node.ready.load(Ordering::Relaxed) && !node.stopping.is_under_way();
    let storage = PartReply {
        ok: storage_ok,
        since: None,
        message: (!storage_ok).then(|| "the store cannot write; nothing is acknowledged until it can".to_owned()),
    };
    let redis = node.sinks.redis.as_ref().map(|sink| {
        let state = sink.state();
        PartReply {
            ok: state.ok,
            since: (!state.ok).then_some(state.since.0),
            message: state.last_error.filter(|_| !state.ok),
        }
    });
    let ready = up && storage_ok;
    let text = write(&ReadyReply { ready, storage, redis });
    let mut response = if ready { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    response.insert_header((CONTENT_TYPE, "application/json")).body(text)
}

/// `GET /metrics`: OpenMetrics text for Prometheus.
pub async fn metrics(node: web::Data<Arc<Node>>) -> HttpResponse {
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    HttpResponse::Ok().insert_header((CONTENT_TYPE, content_type)).body((node.metrics)())
}

/// `GET /v1/availability/histogram?date=` or `?from=&to=`; without either: today.
///
/// # Errors
/// 400 and 422 for a bad date or span.
pub async fn histogram(caller: Caller, req: HttpRequest, node: web::Data<Arc<Node>>) -> Result<HttpResponse, ApiError> {
    let query = Query::of(&req);
    let time_zone = node.config.hours.time_zone.clone();
    let smallest = Some(node.config.privacy.smallest_count).filter(|count| !caller.0.admin && *count > 1);
    if query.text("from").is_none() && query.text("to").is_none() {
        let date = query.date("date")?.unwrap_or_else(|| hour_of(node.user.clock.now(), &node.zone).date);
        let day = answer(node.hours.send(QueryHistogram { date }).await)?;
        return Ok(json(write(&day_reply(&day, &time_zone, smallest))));
    }
    let (from, to) = query.span(DAYS)?;
    let days = answer(node.hours.send(QuerySeries { from, to }).await)?;
    let days = days.iter().map(|day| day_reply(day, &time_zone, smallest)).collect();
    Ok(json(write(&SeriesReply { time_zone, days })))
}

/// What the aggregator answered.
fn answer<T>(answered: Result<Result<T, QueryError>, actix::MailboxError>) -> Result<T, ApiError> {
    answered.map_err(|_| ApiError::unavailable("try again"))?.map_err(|error| {
        tracing::error!(%error, "a histogram cannot be read");
        ApiError::unavailable("the server cannot read its store now")
    })
}

/// A day's histogram as the protocol shows it. Counts below `smallest` are shown as 0: a small crowd is somebody.
#[must_use]
pub fn day_reply(day: &DayHistogram, time_zone: &str, smallest: Option<u32>) -> DayReply {
    let shown = |count: u32| if count < smallest.unwrap_or(0) { 0 } else { count };
    let hour =
        |(hour, count): (u8, &HourCount)| HourReply { hour, free: shown(count.free), online: shown(count.online) };
    let hours = (0..24).zip(&day.hours).map(hour).collect();
    DayReply { date: day.date.to_string(), time_zone: time_zone.to_owned(), complete: day.complete, smallest, hours }
}
