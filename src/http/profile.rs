//! A person's own profile: changing it, and erasing everything.
use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};

use super::admin::account_error;
use super::auth::{self, Reader};
use super::error::ApiError;
use super::me::profile;
use super::state::Node;
use crate::protocol::http::{ProfileBody, SMALL_BODY, parse_profile_body};
use crate::store::accounts::ProfileChange;

/// `PATCH /v1/me`: changes what is given, and answers as `GET` does.
///
/// # Errors
/// 400 and 422 for a bad field; 503 when it cannot be stored.
pub async fn change(
    caller: Reader,
    payload: web::Payload,
    node: web::Data<Arc<Node>>,
) -> Result<HttpResponse, ApiError> {
    let body = node.body(payload).whole(SMALL_BODY).await?;
    let body = parse_profile_body(&body, node.user.clock.now())?;
    if body != ProfileBody::default() {
        let changed = node.people.change_profile(caller.0.no, change_of(body)).await;
        changed.map_err(|error| account_error(&error))?;
    }
    profile(&node, &caller.0).await
}

/// `DELETE /v1/me`: erases everything about the caller, everywhere. There is no way back.
///
/// # Errors
/// 503 when it cannot be stored; then nothing is erased.
pub async fn erase(caller: Reader, req: HttpRequest, node: web::Data<Arc<Node>>) -> Result<HttpResponse, ApiError> {
    node.people.erase(Some(caller.0.no), caller.0.no).await.map_err(|error| account_error(&error))?;
    let mut response = HttpResponse::NoContent().finish();
    let gone = auth::session_cookie(&req, String::new(), std::time::Duration::ZERO);
    response.add_cookie(&gone).map_err(|_| ApiError::unavailable("try again"))?;
    Ok(response)
}

fn change_of(body: ProfileBody) -> ProfileChange {
    ProfileChange {
        name: body.name,
        radius: body.radius,
        time_zone: body.time_zone,
        stride_m: body.stride,
        hidden_until: body.hidden_until,
        only_free: body.only_free,
        free_hours: body.free_hours,
        on_board: body.on_board,
        ..ProfileChange::default()
    }
}
