//! Browsers' sessions: signing in and out, and how long a cookie is good for. A session ends when nobody has used it for a
//! while, at the latest a fixed time after its sign-in; its cookie is changed for another one every day.
use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use parking_lot::Mutex;
use rustc_hash::FxHashMap;

use super::admin::account_error;
use super::audit::Often;
use super::auth::{self, Caller, Credential};
use super::error::{ApiError, json};
use super::guard::wrong_credential;
use super::peer::Peer;
use super::state::Node;
use crate::config::Dashboard;
use crate::domain::{DeviceName, UnixMs, UserId, UserNo};
use crate::protocol::http::{SMALL_BODY, SessionReply, WhoReply, parse_session_body, write};
use crate::store::accounts::{Identity, Issued};
use crate::store::rows::TokenKind;

/// How long a cookie that was changed for another one is still good: requests with it may be under way.
const OVERLAP_MS: i64 = 60_000;

/// The sessions that this process has seen.
#[derive(Debug, Default)]
pub struct Browsers {
    /// When a session's present cookie was made. One that is not known is taken for old.
    made: Mutex<FxHashMap<u64, UnixMs>>,
    /// When a session was prolonged the last time, or that was tried.
    prolonged: Mutex<FxHashMap<u64, UnixMs>>,
}

impl Browsers {
    /// Notes that a session is in use. What is stored of that moves in steps, a twelfth of the idle time long.
    pub fn used(&self, node: &Node, session: &Identity) {
        let settings = &node.config.dashboard;
        let (idle, longest) = (settings.idle.as_ms(), settings.session.as_ms());
        let (now, step) = (node.user.clock.now(), idle / 12);
        let left = session.expires.map_or(0, |expires| expires.since(now));
        if session.kind != TokenKind::Session || left > idle - step {
            return;
        }
        {
            let mut prolonged = self.prolonged.lock();
            if prolonged.get(&session.token_id).is_some_and(|last| now.since(*last) < step) {
                return;
            }
            note(&mut prolonged, session.token_id, now, step);
        }
        let (accounts, no, id) = (Arc::clone(&node.user.accounts), session.no, session.token_id);
        actix_rt::spawn(async move {
            let written = web::block(move || accounts.prolong_session(no, id, idle, longest, now)).await;
            if let Ok(Err(error)) = written {
                tracing::warn!(%error, "a session cannot be prolonged");
            }
        });
    }

    fn is_old(&self, session: &Identity, rotate: i64, now: UnixMs) -> bool {
        self.made.lock().get(&session.token_id).is_none_or(|made| now.since(*made) >= rotate)
    }
}

/// Notes something of a session, and forgets of the others what is older than `kept_ms`.
fn note(times: &mut FxHashMap<u64, UnixMs>, id: u64, now: UnixMs, kept_ms: i64) {
    if times.len() >= times.capacity() {
        times.retain(|_, time| now.since(*time) < kept_ms);
    }
    times.insert(id, now);
}

/// `POST /v1/session`: a token (or, on an open demonstration node, nothing) for a cookie. A session that the browser had is
/// over with it; with `once` the token is, too.
///
/// # Errors
/// 401 for a wrong token; 403 from another origin; 429.
pub async fn sign_in(
    req: HttpRequest,
    payload: web::Payload,
    node: web::Data<Arc<Node>>,
) -> Result<HttpResponse, ApiError> {
    let body = node.body(payload).whole(SMALL_BODY).await?;
    let body = parse_session_body(&body)?;
    let (accounts, now, from) = (&node.user.accounts, node.user.clock.now(), Peer::of(&req).address);
    let token = match &body.token {
        Some(token) => {
            let identity = accounts.verify(token.reveal(), now).filter(|identity| identity.kind == TokenKind::Full);
            let Some(identity) = identity else {
                Often::sign_in_failed(&node);
                wrong_credential(&node, from)?;
                return Err(ApiError::unauthenticated());
            };
            Some(identity)
        }
        None => None,
    };
    let no =
        token.as_ref().map(|token| token.no).or_else(|| guest(&req, &node)).ok_or_else(ApiError::unauthenticated)?;
    let account = accounts.by_no(no).ok_or_else(ApiError::unauthenticated)?;
    // Only those count who may come in: nobody is kept out by another's wrong tokens.
    let counted = node.limits.sign_in(from);
    counted.map_err(|wait| ApiError::too_often("too many sign-ins from this address", wait))?;
    let before = match auth::credential(&req, &node) {
        Credential::Cookie(Some(session)) => Some(session),
        _ => None,
    };
    let settings = &node.config.dashboard;
    let expires = now + settings.idle.as_ms().min(settings.session.as_ms());
    let browser = DeviceName::parse("browser")?;
    let issued = accounts.issue_token(no, TokenKind::Session, &browser, Some(expires), now);
    let issued = issued.map_err(|error| account_error(&error))?;
    for over in before.into_iter().chain(token.filter(|_| body.once)) {
        node.people.revoke(over.no, over.token_id).await.map_err(|error| account_error(&error))?;
    }
    let reply = SessionReply { user: account.id.as_str(), name: account.name.as_str(), admin: account.admin };
    with_cookie(json(write(&reply)), &req, &node, &issued)
}

/// An answer that brings a new cookie.
fn with_cookie(
    mut response: HttpResponse,
    req: &HttpRequest,
    node: &Node,
    issued: &Issued,
) -> Result<HttpResponse, ApiError> {
    let Dashboard { session, rotate, .. } = &node.config.dashboard;
    note(&mut node.browsers.made.lock(), issued.id, node.user.clock.now(), rotate.as_ms());
    let cookie = auth::session_cookie(req, issued.secret.reveal().to_owned(), session.get());
    response.add_cookie(&cookie).map_err(|_| ApiError::unavailable("try again"))?;
    Ok(response)
}

fn guest(req: &HttpRequest, node: &Node) -> Option<UserNo> {
    let guest = &node.config.dashboard.guest;
    // Behind a proxy everybody comes from loopback: then nobody is a guest.
    if guest.is_empty() || !auth::is_local(req) || !auth::is_loopback_host(req) {
        return None;
    }
    let id = UserId::parse(guest, "guest").ok()?;
    node.user.accounts.by_id(&id).map(|account| account.no)
}

/// `GET /v1/session`: who this browser is signed in as, if anybody; never 401, so that a page can ask first. A cookie that is
/// older than it should get is changed for another one; requests with it that are under way still count.
///
/// # Errors
/// 429 after too many wrong credentials from one address.
pub async fn session(req: HttpRequest, node: web::Data<Arc<Node>>) -> Result<HttpResponse, ApiError> {
    let (shown, known) = match auth::credential(&req, &node) {
        Credential::Bearer(known) | Credential::Cookie(known) => (true, known),
        Credential::None => (false, None),
    };
    if shown && known.is_none() {
        wrong_credential(&node, Peer::of(&req).address)?;
    }
    // A device token reads nothing, not even whose it is.
    let known = known.filter(|identity| identity.kind != TokenKind::Device);
    let user = known.as_ref().and_then(|identity| node.user.accounts.by_no(identity.no));
    let guest = guest(&req, &node).is_some();
    let response = json(write(&WhoReply { user: user.as_ref().map(|account| account.id.as_str()), guest }));
    // A page elsewhere does not make a browser change its cookie.
    match known.filter(|session| session.kind == TokenKind::Session && !auth::is_cross_site(&req)) {
        Some(session) => match rotated(&node, &session)? {
            Some(issued) => with_cookie(response, &req, &node, &issued),
            None => Ok(response),
        },
        None => Ok(response),
    }
}

fn rotated(node: &Node, session: &Identity) -> Result<Option<Issued>, ApiError> {
    let (settings, now) = (&node.config.dashboard, node.user.clock.now());
    let is_over_soon = session.expires.is_none_or(|expires| expires.since(now) <= OVERLAP_MS);
    if is_over_soon || !node.browsers.is_old(session, settings.rotate.as_ms(), now) {
        return Ok(None);
    }
    let accounts = &node.user.accounts;
    let issued = accounts.rotate_session(session.no, session.token_id, OVERLAP_MS, settings.session.as_ms(), now);
    issued.map_err(|error| account_error(&error))
}

/// `DELETE /v1/session`.
///
/// # Errors
/// 401 without one.
pub async fn sign_out(caller: Caller, req: HttpRequest, node: web::Data<Arc<Node>>) -> Result<HttpResponse, ApiError> {
    if let Credential::Cookie(Some(session)) = auth::credential(&req, &node) {
        let revoked = node.people.revoke(session.no, session.token_id).await;
        revoked.map_err(|error| account_error(&error))?;
    }
    drop(caller);
    let mut response = HttpResponse::NoContent().finish();
    let gone = auth::session_cookie(&req, String::new(), std::time::Duration::ZERO);
    response.add_cookie(&gone).map_err(|_| ApiError::unavailable("try again"))?;
    Ok(response)
}
