//! A person's tokens, one for each device.
use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};

use super::admin::{account_error, off_thread};
use super::auth::Reader;
use super::error::{ApiError, json};
use super::invites::origin;
use super::phones::setup::Setup;
use super::state::Node;
use crate::protocol::http::{NewTokenReply, SMALL_BODY, TokenReply, TokenScope, TokensReply, parse_token_body, write};
use crate::store::rows::{PhoneChoice, TokenKind, TokenRow};

/// `GET /v1/me/tokens`: which there are, never what they are.
///
/// # Errors
/// 401.
pub async fn list(caller: Reader, node: web::Data<Arc<Node>>) -> Result<HttpResponse, ApiError> {
    Ok(json(write(&TokensReply { tokens: rows(&node, &caller) })))
}

/// A caller's tokens as they are shown.
#[must_use]
pub fn rows(node: &Node, Reader(caller): &Reader) -> Vec<TokenReply> {
    let now = node.user.clock.now();
    let row = |token: &TokenRow| TokenReply {
        id: token.id,
        device: token.device.as_str().to_owned(),
        kind: match token.kind {
            TokenKind::Full => "full",
            TokenKind::Session => "session",
            TokenKind::Device => "device",
        },
        created: token.created.0,
        expires: token.expires.map(|expires| expires.0),
        current: token.id == caller.token_id,
    };
    node.user.accounts.tokens(caller.no).iter().filter(|token| !token.has_expired(now)).map(row).collect()
}

/// `POST /v1/me/tokens`: a token for another device, shown this once, with how to set its app up.
///
/// # Errors
/// 400 for a bad field; 409 when there are too many; 503 when it cannot be stored.
pub async fn make(
    caller: Reader,
    req: HttpRequest,
    payload: web::Payload,
    node: web::Data<Arc<Node>>,
) -> Result<HttpResponse, ApiError> {
    let body = node.body(payload).whole(SMALL_BODY).await?;
    let body = parse_token_body(&body)?;
    let (kind, word) = match body.kind {
        TokenScope::Full => (TokenKind::Full, "full"),
        TokenScope::Device => (TokenKind::Device, "device"),
    };
    let (user, no, device) = (node.user.clone(), caller.0.no, body.device.clone());
    let app = body.app;
    let issued = off_thread(move || match app {
        Some(_) => {
            let phone = PhoneChoice { app, ..PhoneChoice::default() };
            user.accounts.issue_phone_token(no, &device, phone, user.clock.now())
        }
        None => user.accounts.issue_token(no, kind, &device, None, user.clock.now()),
    })
    .await?;
    let (token, device) = (issued.secret.reveal(), body.device.as_str());
    let account = node.user.accounts.by_no(no).ok_or_else(ApiError::unauthenticated)?;
    let origin = origin(&req);
    let setup = Setup { origin: &origin, user: &account.id, device: &body.device, token };
    let setup = app.map(|app| setup.of(app));
    Ok(json(write(&NewTokenReply { id: issued.id, token, device, kind: word, setup })))
}

/// `DELETE /v1/me/tokens/{id}`: the token is void, and what is connected with it is cut.
///
/// # Errors
/// 404 when the caller has no such token.
pub async fn revoke(
    caller: Reader,
    path: web::Path<String>,
    node: web::Data<Arc<Node>>,
) -> Result<HttpResponse, ApiError> {
    let id = path.parse().map_err(|_| ApiError::not_found())?;
    let is_gone = node.people.revoke(caller.0.no, id).await.map_err(|error| account_error(&error))?;
    if is_gone { Ok(HttpResponse::NoContent().finish()) } else { Err(ApiError::not_found()) }
}

/// `DELETE /v1/me/tokens`: signs out everywhere else.
///
/// # Errors
/// 503 when it cannot be stored.
pub async fn revoke_others(caller: Reader, node: web::Data<Arc<Node>>) -> Result<HttpResponse, ApiError> {
    let revoked = node.people.revoke_others(caller.0.no, caller.0.token_id).await;
    revoked.map_err(|error| account_error(&error))?;
    Ok(HttpResponse::NoContent().finish())
}
