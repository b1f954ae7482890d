//! What friends are to each other: what one shares with whom, who sees what, ends and blocks.
use std::sync::Arc;

use actix_web::{HttpResponse, web};

use super::admin::account_error;
use super::auth::Reader;
use super::error::{ApiError, json};
use super::state::Node;
use crate::actors::downlink::Gate;
use crate::actors::spatial_index::QueryFriends;
use crate::domain::{Code, Refusal, UserId, UserNo};
use crate::protocol::http::{
    BlocksReply, PersonRow, SMALL_BODY, SharingReply, ViewReply, ViewerReply, ViewersReply, parse_sharing_body,
    sight_word, write,
};

/// `PATCH /v1/friends/{user}`: what the caller shares with a friend from now on.
///
/// # Errors
/// 404 for anybody who is not the caller's friend; 400 and 422 for a bad field; 503 when it cannot be stored.
pub async fn share(
    caller: Reader,
    path: web::Path<String>,
    payload: web::Payload,
    node: web::Data<Arc<Node>>,
) -> Result<HttpResponse, ApiError> {
    let body = node.body(payload).whole(SMALL_BODY).await?;
    let friend = friend(&node, caller.0.no, &path)?;
    let now = node.user.clock.now();
    let body = parse_sharing_body(&body, now)?;
    let shared = node.people.share(caller.0.no, friend, body.precision, body.until).await;
    let shared = shared.map_err(|error| account_error(&error))?;
    Ok(json(write(&SharingReply::of(&shared, now))))
}

/// `DELETE /v1/friends/{user}`: the friendship ends, at once and for both.
///
/// # Errors
/// 404 for anybody who is not the caller's friend; 503 when it cannot be stored.
pub async fn unfriend(
    caller: Reader,
    path: web::Path<String>,
    node: web::Data<Arc<Node>>,
) -> Result<HttpResponse, ApiError> {
    let friend = friend(&node, caller.0.no, &path)?;
    let ended = node.people.unfriend(caller.0.no, friend).await.map_err(|error| account_error(&error))?;
    if ended { Ok(HttpResponse::NoContent().finish()) } else { Err(ApiError::not_found()) }
}

/// `GET /v1/friends/{user}/view`: what the friend sees of the caller now.
///
/// # Errors
/// 404 for anybody who is not the caller's friend; 503 when the index is overloaded.
pub async fn view(
    caller: Reader,
    path: web::Path<String>,
    node: web::Data<Arc<Node>>,
) -> Result<HttpResponse, ApiError> {
    let me = caller.0.no;
    let viewer = friend(&node, me, &path)?;
    let places = node.index.send(QueryFriends(viewer)).await.map_err(|_| ApiError::unavailable("try again"))?;
    let now = node.user.clock.now();
    let (sight, friend) = node.user.friend_object(me, viewer, places.get(&me), now).ok_or_else(ApiError::not_found)?;
    Ok(json(write(&ViewReply { sight: sight_word(sight), friend })))
}

/// `GET /v1/me/viewers`: who sees what of the caller now, and until when that is agreed.
///
/// # Errors
/// 401.
pub async fn viewers(caller: Reader, node: web::Data<Arc<Node>>) -> Result<HttpResponse, ApiError> {
    let (accounts, me, now) = (&node.user.accounts, caller.0.no, node.user.clock.now());
    let viewer = |no: &UserNo| {
        let account = accounts.by_no(*no)?;
        Some(ViewerReply {
            user: account.id.as_str().to_owned(),
            name: account.name.as_str().to_owned(),
            sight: sight_word(node.user.gate.sight(me, *no)),
            until: accounts.sharing(me, *no)?.ends(now).map(|until| until.0),
        })
    };
    let viewers = accounts.friends(me).iter().filter_map(viewer).collect();
    Ok(json(write(&ViewersReply { viewers })))
}

/// `GET /v1/blocks`: whom the caller has blocked. Their name is none of the caller's business any more, also not whether it
/// changes: in its place stands the id.
///
/// # Errors
/// 401.
pub async fn blocks(caller: Reader, node: web::Data<Arc<Node>>) -> Result<HttpResponse, ApiError> {
    let person = |no: &UserNo| {
        let id = node.user.accounts.by_no(*no)?.id.as_str().to_owned();
        Some(PersonRow { user: id.clone(), name: id })
    };
    let blocked = node.user.accounts.blocked(caller.0.no).iter().filter_map(person).collect();
    Ok(json(write(&BlocksReply { blocked })))
}

/// `PUT /v1/blocks/{user}`: ends the friendship and keeps it from beginning again. Only a friend can be blocked: who could
/// block strangers could try out who is here.
///
/// # Errors
/// 404 for anybody who is neither the caller's friend nor blocked already; 409 when there are too many; 503 when it cannot
/// be stored.
pub async fn block(
    caller: Reader,
    path: web::Path<String>,
    node: web::Data<Arc<Node>>,
) -> Result<HttpResponse, ApiError> {
    let me = caller.0.no;
    if blocked(&node, me, &path).is_err() {
        let friend = friend(&node, me, &path)?;
        node.people.block(me, friend).await.map_err(|error| account_error(&error))?;
    }
    Ok(HttpResponse::NoContent().finish())
}

/// `DELETE /v1/blocks/{user}`: they may be invited again. They are not friends by that.
///
/// # Errors
/// 404 for anybody whom the caller has not blocked; 503 when it cannot be stored.
pub async fn unblock(
    caller: Reader,
    path: web::Path<String>,
    node: web::Data<Arc<Node>>,
) -> Result<HttpResponse, ApiError> {
    let other = blocked(&node, caller.0.no, &path)?;
    let was_blocked = node.people.unblock(caller.0.no, other).await.map_err(|error| account_error(&error))?;
    if was_blocked { Ok(HttpResponse::NoContent().finish()) } else { Err(ApiError::not_found()) }
}

/// The caller's friend of this id.
fn friend(node: &Node, me: UserNo, id: &str) -> Result<UserNo, ApiError> {
    let other = other(node, me, id)?;
    other.filter(|other| node.user.accounts.are_friends(me, *other)).ok_or_else(ApiError::not_found)
}

/// The person of this id whom the caller has blocked.
fn blocked(node: &Node, me: UserNo, id: &str) -> Result<UserNo, ApiError> {
    let other = other(node, me, id)?;
    other.filter(|other| node.user.accounts.blocked(me).contains(other)).ok_or_else(ApiError::not_found)
}

/// Somebody else of this id, whoever it is: not to be told from nobody yet.
fn other(node: &Node, me: UserNo, id: &str) -> Result<Option<UserNo>, ApiError> {
    let other = node.user.accounts.by_id(&UserId::parse(id, "user")?).map(|account| account.no);
    if other == Some(me) {
        return Err(Refusal::of_field(Code::BadField, "user", "user must be somebody else").into());
    }
    Ok(other)
}
