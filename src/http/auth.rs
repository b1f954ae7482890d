//! Who is calling: a bearer token or the dashboard's session cookie. Never a field of a body, never the URL.
use std::future::{Ready, ready};
use std::sync::Arc;

use actix_web::cookie::{Cookie, SameSite, time::Duration as CookieAge};
use actix_web::dev::Payload;
use actix_web::http::{Method, header};
use actix_web::{FromRequest, HttpRequest, web};

use super::error::ApiError;
use super::state::Node;
use crate::store::accounts::Identity;
use crate::store::rows::TokenKind;

/// The session cookie's name.
pub const COOKIE: &str = "letshang_session";

/// Someone known.
#[derive(Clone, Debug)]
pub struct Caller(pub Identity);

/// Somebody with a full token or a session. Device tokens, which only write positions and availability, are nobody here.
#[derive(Clone, Debug)]
pub struct Reader(pub Identity);

/// An administrator.
#[derive(Clone, Debug)]
pub struct Administrator(pub Identity);

/// How a request says who is calling.
pub enum Credential {
    /// `Authorization: Bearer`.
    Bearer(Option<Identity>),
    /// The session cookie.
    Cookie(Option<Identity>),
    /// Not at all.
    None,
}

/// Reads a request's credential.
#[must_use]
pub fn credential(req: &HttpRequest, node: &Node) -> Credential {
    let now = node.user.clock.now();
    if let Some(value) = req.headers().get(header::AUTHORIZATION) {
        let scheme = |value: &'_ str| value.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("bearer "));
        let token = value.to_str().ok().filter(|value| scheme(value)).and_then(|value| value.get(7..));
        return Credential::Bearer(token.and_then(|token| node.user.accounts.verify(token.trim(), now)));
    }
    match req.cookie(COOKIE) {
        Some(cookie) => {
            let found = node.user.accounts.verify(cookie.value(), now);
            Credential::Cookie(found.filter(|identity| identity.kind == TokenKind::Session))
        }
        None => Credential::None,
    }
}

/// Whether the request's `Origin` is the server's own: scheme, host and port, exactly.
#[must_use]
pub fn is_own_origin(req: &HttpRequest) -> bool {
    let Some(origin) = req.headers().get(header::ORIGIN).and_then(|origin| origin.to_str().ok()) else { return false };
    let Some(host) = req.headers().get(header::HOST).and_then(|host| host.to_str().ok()) else { return false };
    // A proxy in front may speak TLS for us; the host must match all the same.
    origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://")).is_some_and(|own| own == host)
}

/// Whether the request names this server by a loopback name: keeps a page elsewhere from reaching an open node under
/// a name of its own (DNS rebinding).
#[must_use]
pub fn is_loopback_host(req: &HttpRequest) -> bool {
    let Some(host) = req.headers().get(header::HOST).and_then(|host| host.to_str().ok()) else { return false };
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((v6, _)) => v6,
        None => host.split_once(':').map_or(host, |(name, _)| name),
    };
    name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The cookie that carries a session.
#[must_use]
pub fn session_cookie(value: String, age: std::time::Duration) -> Cookie<'static> {
    let seconds = i64::try_from(age.as_secs()).unwrap_or(i64::MAX);
    Cookie::build(COOKIE, value)
        .path("/")
        .http_only(true)
        .same_site(SameSite::Strict)
        .max_age(CookieAge::seconds(seconds))
        .finish()
}

fn caller(req: &HttpRequest) -> Result<Identity, ApiError> {
    let node = req.app_data::<web::Data<Arc<Node>>>().ok_or_else(|| ApiError::unavailable("the node is starting"))?;
    match credential(req, node) {
        Credential::Bearer(Some(identity)) => Ok(identity),
        Credential::Cookie(Some(identity)) => {
            // A cookie is sent by the browser whoever asks; what changes something must come from our own page.
            let reads = matches!(*req.method(), Method::GET | Method::HEAD);
            if reads || is_own_origin(req) {
                return Ok(identity);
            }
            Err(ApiError::forbidden("requests with the session cookie must come from the dashboard itself"))
        }
        _ => Err(ApiError::unauthenticated()),
    }
}

impl FromRequest for Caller {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(caller(req).and_then(|identity| {
            // A device token writes; what it may read is only the answer of its own request.
            let writes = req.method() == Method::POST || req.method() == Method::PUT;
            if identity.kind == TokenKind::Device && !writes {
                return Err(ApiError::forbidden("a device token can only write"));
            }
            Ok(Self(identity))
        }))
    }
}

impl FromRequest for Reader {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(caller(req).and_then(|identity| {
            if identity.kind == TokenKind::Device {
                return Err(ApiError::forbidden("a device token can only write"));
            }
            Ok(Self(identity))
        }))
    }
}

impl FromRequest for Administrator {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(caller(req).and_then(|identity| {
            if identity.admin { Ok(Self(identity)) } else { Err(ApiError::forbidden("this is the administrator's")) }
        }))
    }
}
