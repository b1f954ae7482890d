//! A person's own calls: profile, availability, friends, nearby, steps.
use std::cmp::Reverse;
use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};

use super::auth::Caller;
use super::error::{ApiError, json};
use super::ingest::until_stored;
use super::query::{Query, days};
use super::session::nearby;
use super::state::Node;
use super::told::json_about;
use crate::activity::steps::StepCounter;
use crate::actors::downlink::Gate;
use crate::actors::spatial_index::QueryFriends;
use crate::actors::user::{OwnState, QueryOwnState, SetAvailability, Speaker, User};
use crate::domain::{Availability, Note, Precision, Present, Sight, UnixMs, UserNo};
use crate::protocol::client::{nearby_query, parse_availability_body};
use crate::protocol::http::{
    AvailabilityReply, DayHoursReply, FriendReply, FriendsReply, LeaderReply, LeaderboardReply, MeReply, NearbyReply,
    SharingReply, StepsDay, StepsReply, write,
};
use crate::store::StoreError;
use crate::store::accounts::Identity;
use crate::store::rows::{LiveRow, StepsRow};

/// The most days of one steps call.
const DAYS: i32 = 400;

/// `GET /v1/me`.
///
/// # Errors
/// 401.
pub async fn me(caller: Caller, node: web::Data<Arc<Node>>) -> Result<HttpResponse, ApiError> {
    profile(&node, &caller.0).await
}

/// The caller's profile, and what holds of them now.
///
/// # Errors
/// 401 when the account is gone.
pub async fn profile(node: &Node, caller: &Identity) -> Result<HttpResponse, ApiError> {
    let account = node.user.accounts.by_no(caller.no).ok_or_else(ApiError::unauthenticated)?;
    let own = own_state(node, caller.no).await?;
    let now = node.user.clock.now();
    Ok(json(write(&MeReply {
        user: account.id.as_str(),
        name: account.name.as_str(),
        admin: caller.admin,
        radius: account.radius.as_metres(),
        time_zone: account.time_zone.as_deref().unwrap_or(&node.config.hours.time_zone),
        stride: account.stride_m,
        free: own.present.free,
        note: own.present.note.as_ref().map(Note::as_str),
        until: own.present.until.map(|UnixMs(until)| until),
        source: own.present.source.as_str(),
        hidden_until: account.hidden_until.filter(|until| *until > now).map(|UnixMs(until)| until),
        only_free: account.only_free,
        free_hours: DayHoursReply::all(&account.free_hours),
        on_board: account.on_board,
    })))
}

/// `GET /v1/me/availability`.
///
/// # Errors
/// 401.
pub async fn get_availability(caller: Caller, node: web::Data<Arc<Node>>) -> Result<HttpResponse, ApiError> {
    let own = own_state(&node, caller.0.no).await?;
    Ok(availability_reply(&own.present))
}

/// `PUT /v1/me/availability`.
///
/// # Errors
/// 400 and 422 for a bad field; 503 when it cannot be stored.
pub async fn put_availability(
    caller: Caller,
    payload: web::Payload,
    node: web::Data<Arc<Node>>,
) -> Result<HttpResponse, ApiError> {
    let body = node.body(payload).whole(node.config.limits.body_bytes).await?;
    let availability = parse_availability_body(&body)?;
    set_availability(&node, caller, Some(availability)).await
}

/// `DELETE /v1/me/availability`: back to the calendar, the weekly hours or the default.
///
/// # Errors
/// 503 when it cannot be stored.
pub async fn delete_availability(caller: Caller, node: web::Data<Arc<Node>>) -> Result<HttpResponse, ApiError> {
    set_availability(&node, caller, None).await
}

async fn set_availability(
    node: &Node,
    caller: Caller,
    availability: Option<Availability>,
) -> Result<HttpResponse, ApiError> {
    let addr = actor(node, caller.0.no)?;
    let message = SetAvailability { speaker: Speaker::Request(caller.0.device), availability, seq: None };
    let stored = addr.send(message).await.map_err(|_| ApiError::unavailable("try again"))?;
    until_stored(stored).await?;
    let own = own_state(node, caller.0.no).await?;
    Ok(availability_reply(&own.present))
}

/// `GET /v1/friends`.
///
/// # Errors
/// 401; 503 when the index is overloaded.
pub async fn friends(caller: Caller, node: web::Data<Arc<Node>>) -> Result<HttpResponse, ApiError> {
    let no = caller.0.no;
    let places = node.index.send(QueryFriends(no)).await.map_err(|_| ApiError::unavailable("try again"))?;
    let now = node.user.clock.now();
    let mut told = Vec::new();
    let friend = |other: &UserNo| {
        let (sight, friend) = node.user.friend_object(*other, no, places.get(other), now)?;
        let shared = SharingReply::of(&node.user.accounts.sharing(no, *other)?, now);
        told.push((*other, sight));
        Some(FriendReply { friend, shared })
    };
    let friends = node.user.accounts.friends(no).iter().filter_map(friend).collect();
    Ok(json_about(write(&FriendsReply { friends }), no, told, node.user.gate.clone()))
}

/// `GET /v1/nearby?radius=&limit=&free_only=`.
///
/// # Errors
/// 400 and 422 for a bad parameter.
pub async fn get_nearby(
    caller: Caller,
    req: HttpRequest,
    node: web::Data<Arc<Node>>,
) -> Result<HttpResponse, ApiError> {
    let query = Query::of(&req);
    let query = nearby_query(query.number("radius")?, query.number("limit")?, query.flag("free_only")?)?;
    let no = caller.0.no;
    let found = nearby(&node, no, &query).await?;
    // Written out here: asked again with what holds now.
    let allowed = found.into_iter().filter(|(friend, needs, _)| node.user.gate.sight(*friend, no) >= *needs);
    let (told, friends) = allowed.map(|(no, needs, friend)| ((no, needs), friend)).unzip();
    Ok(json_about(write(&NearbyReply { friends }), no, told, node.user.gate.clone()))
}

/// `GET /v1/steps?from=&to=`; without both: today.
///
/// # Errors
/// 400 and 422 for a bad parameter.
pub async fn steps(caller: Caller, req: HttpRequest, node: web::Data<Arc<Node>>) -> Result<HttpResponse, ApiError> {
    let query = Query::of(&req);
    let own = own_state(&node, caller.0.no).await?;
    let asked = query.text("from").is_some() || query.text("to").is_some();
    let (from, to) = if asked { query.span(DAYS)? } else { (own.today, own.today) };
    let mut rows = Vec::new();
    for date in days(from, to) {
        let steps = if date == own.today { Some(own.steps_today) } else { stored_steps(&node, caller.0.no, date)? };
        if let Some(steps) = steps {
            rows.push(StepsDay { date: date.to_string(), steps });
        }
    }
    Ok(json(write(&StepsReply { today: own.steps_today, days: rows })))
}

/// `GET /v1/steps/leaderboard?date=`; without: today.
///
/// # Errors
/// 400 for a bad date.
pub async fn leaderboard(
    caller: Caller,
    req: HttpRequest,
    node: web::Data<Arc<Node>>,
) -> Result<HttpResponse, ApiError> {
    let own = own_state(&node, caller.0.no).await?;
    let date = Query::of(&req).date("date")?.unwrap_or(own.today);
    let mut people = Vec::new();
    let friends = node.user.accounts.friends(caller.0.no);
    for no in std::iter::once(caller.0.no).chain(friends.iter().copied()) {
        let Some(account) = node.user.accounts.by_no(no) else { continue };
        let steps = shown_steps(&node, no, caller.0.no, date).await?;
        let (user, name) = (account.id.as_str().to_owned(), account.name.as_str().to_owned());
        people.push(LeaderReply { user, name, steps });
    }
    people.sort_by_key(|person| Reverse(person.steps));
    Ok(json(write(&LeaderboardReply { date: date.to_string(), people })))
}

/// A day's steps of a friend as the asker may see them: none unless the position is shown exactly. Of somebody who hides, those of the moment at which they hid: what is
/// seen of somebody who is not there.
async fn shown_steps(node: &Node, no: UserNo, asker: UserNo, date: jiff::civil::Date) -> Result<u32, ApiError> {
    let relation = node.user.accounts.relation(no, asker, node.user.clock.now());
    if !relation.same && relation.hidden && relation.sharing == Precision::Exact {
        let row = node.user.store.get::<StepsRow>(&(no, date)).map_err(|error| unreadable(&error))?;
        return Ok(row.map_or(0, |row| row.steps));
    }
    // Steps are counted from positions: whoever is not shown those is not shown how far they lie apart.
    if node.user.gate.sight(no, asker) < Sight::Exact {
        return Ok(0);
    }
    if let Some(addr) = node.user.registry.get(no)
        && let Ok(state) = addr.send(QueryOwnState).await
        && state.today == date
    {
        return Ok(state.steps_today);
    }
    Ok(stored_steps(node, no, date)?.unwrap_or(0))
}

fn unreadable(error: &StoreError) -> ApiError {
    tracing::error!(%error, "steps cannot be read");
    ApiError::unavailable("the server cannot read its store now")
}

/// A day's steps as they are kept: the newest days stand in the person's own row, older ones in rows of their own.
fn stored_steps(node: &Node, no: UserNo, date: jiff::civil::Date) -> Result<Option<u32>, ApiError> {
    let read = || {
        let live = match node.user.journal.pending(no) {
            Some(row) => Some(row),
            None => node.user.store.get::<LiveRow>(&no)?,
        };
        let newest = live.and_then(|row| StepCounter::from_bytes(&row.steps)).and_then(|steps| steps.day(date));
        match newest {
            Some(steps) => Ok(Some(steps)),
            None => Ok(node.user.store.get::<StepsRow>(&(no, date))?.map(|row| row.steps)),
        }
    };
    read().map_err(|error: StoreError| unreadable(&error))
}

fn availability_reply(present: &Present) -> HttpResponse {
    json(write(&AvailabilityReply::of(present)))
}

fn actor(node: &Node, no: UserNo) -> Result<actix::Addr<User>, ApiError> {
    node.user.registry.wake(no).ok_or_else(ApiError::unauthenticated)
}

async fn own_state(node: &Node, no: UserNo) -> Result<OwnState, ApiError> {
    actor(node, no)?.send(QueryOwnState).await.map_err(|_| ApiError::unavailable("try again"))
}
