//! A person's own calls: profile, availability, friends, nearby.
use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};

use super::auth::Caller;
use super::error::{ApiError, json};
use super::ingest::until_stored;
use super::query::Query;
use super::session::nearby;
use super::state::Node;
use super::told::json_about;
use crate::actors::downlink::Gate;
use crate::actors::spatial_index::QueryFriends;
use crate::actors::user::{OwnState, QueryOwnState, SetAvailability, Speaker, User};
use crate::domain::{Availability, Note, Present, UnixMs, UserNo};
use crate::protocol::client::{nearby_query, parse_availability_body};
use crate::protocol::http::{
    AvailabilityReply, DayHoursReply, FriendReply, FriendsReply, MeReply, NearbyReply, SharingReply, write,
};
use crate::store::accounts::Identity;

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

fn availability_reply(present: &Present) -> HttpResponse {
    json(write(&AvailabilityReply::of(present)))
}

fn actor(node: &Node, no: UserNo) -> Result<actix::Addr<User>, ApiError> {
    node.user.registry.wake(no).ok_or_else(ApiError::unauthenticated)
}

async fn own_state(node: &Node, no: UserNo) -> Result<OwnState, ApiError> {
    actor(node, no)?.send(QueryOwnState).await.map_err(|_| ApiError::unavailable("try again"))
}
