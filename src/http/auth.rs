//! Who is calling: a bearer token or the dashboard's session cookie. Never a field of a body, never the URL. (Phones with apps of
//! others have doors of their own: `phones/door.rs`.)
use std::future::{Ready, ready};
use std::sync::Arc;

use actix_web::cookie::{Cookie, SameSite, time::Duration as CookieAge};
use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderMap, HeaderName};
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};

use super::error::ApiError;
use super::peer::{Peer, own_origin};
use super::phones::door;
use super::policy::{Act, Policy, Who};
use super::state::Node;
use crate::store::accounts::Identity;
use crate::store::rows::TokenKind;
use crate::store::secret;

/// The session cookie of connections by TLS. The prefix makes browsers keep it to this host and to TLS.
const SECURE_COOKIE: &str = "__Host-letshang";
/// The session cookie of plain connections: to a node on the machine itself.
const PLAIN_COOKIE: &str = "letshang_session";
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

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

/// Why a caller may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// Nobody said who they are.
    Unknown,
    /// What they showed is not, or no longer, good.
    Wrong,
    /// A browser's session, but the request does not come from our own page.
    Elsewhere,
    /// A device token, which only writes.
    OnlyWrites,
    /// Not an administrator.
    NotAdministrator,
}

impl From<Denied> for ApiError {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Unknown | Denied::Wrong => Self::unauthenticated(),
            Denied::Elsewhere => Self::forbidden("with a browser's session this must come from the dashboard itself"),
            Denied::OnlyWrites => Self::forbidden("a device token can only write"),
            Denied::NotAdministrator => Self::forbidden("this is the administrator's"),
        }
    }
}

/// The policy under which the guard has let a request through. Without it no extractor knows anybody.
#[derive(Clone, Copy, Debug)]
pub struct Admitted(pub &'static Policy);

/// Reads a request's credential. A header wins over a cookie: a page elsewhere can make a browser send the latter only.
#[must_use]
pub fn credential(req: &HttpRequest, node: &Node) -> Credential {
    let now = node.user.clock.now();
    let mut bearers = req.headers().get_all(header::AUTHORIZATION);
    if let Some(value) = bearers.next() {
        let is_bearer = |value: &str| value.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("bearer "));
        let token = value.to_str().ok().filter(|value| is_bearer(value)).and_then(|value| value.get(7..));
        let token = token.filter(|_| bearers.next().is_none());
        return Credential::Bearer(token.and_then(|token| node.user.accounts.verify(token.trim(), now)));
    }
    match session_of(req.headers(), Peer::of(req).secure) {
        Sessions::None => Credential::None,
        Sessions::One(token) => {
            let found = node.user.accounts.verify(token, now).filter(|found| found.kind == TokenKind::Session);
            Credential::Cookie(found.inspect(|session| node.browsers.used(node, session)))
        }
        Sessions::Unclear => Credential::Cookie(None),
    }
}

enum Sessions<'a> {
    None,
    One(&'a str),
    /// Several, or one that cannot be: somebody has planted another one. Neither is believed.
    Unclear,
}

/// The session cookie for this kind of connection. The other kind's is not looked at.
fn session_of(headers: &HeaderMap, secure: bool) -> Sessions<'_> {
    let name = if secure { SECURE_COOKIE } else { PLAIN_COOKIE };
    let mut found = Sessions::None;
    for line in headers.get_all(header::COOKIE) {
        // What is not text may hide one.
        let Ok(line) = line.to_str() else { return Sessions::Unclear };
        for (known, value) in line.split(';').filter_map(|pair| pair.split_once('=')) {
            if known.trim() == name {
                found = match found {
                    Sessions::None if secret::is_token(value.trim()) => Sessions::One(value.trim()),
                    _ => Sessions::Unclear,
                };
            }
        }
    }
    found
}

/// Whether the request's `Origin` is the server's own: scheme, host and port, exactly.
#[must_use]
pub fn is_own_origin(req: &HttpRequest) -> bool {
    let mut origins = req.headers().get_all(header::ORIGIN);
    let (Some(origin), None) = (origins.next().and_then(|origin| origin.to_str().ok()), origins.next()) else {
        return false;
    };
    own_origin(req).is_some_and(|own| own == origin)
}

/// Whether a browser says that a page elsewhere has made it send this.
#[must_use]
pub fn is_cross_site(req: &HttpRequest) -> bool {
    req.headers().get_all(SEC_FETCH_SITE).any(|site| site.as_bytes().eq_ignore_ascii_case(b"cross-site"))
}

/// Whether a request that shows no credential was made by a page elsewhere.
fn is_foreign(req: &HttpRequest) -> bool {
    is_cross_site(req) || (req.headers().contains_key(header::ORIGIN) && !is_own_origin(req))
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

/// Whether somebody on this machine itself is calling, and no proxy for somebody else.
#[must_use]
pub fn is_local(req: &HttpRequest) -> bool {
    let direct = req.peer_addr().is_some_and(|peer| peer.ip().to_canonical().is_loopback());
    let is_forwarding = |name: &HeaderName| {
        let name = name.as_str();
        name == "forwarded" || name == "x-real-ip" || name.starts_with("x-forwarded-")
    };
    direct && !req.headers().keys().any(is_forwarding)
}

/// The cookie that carries a session over this request's kind of connection.
#[must_use]
pub fn session_cookie(req: &HttpRequest, value: String, age: std::time::Duration) -> Cookie<'static> {
    let secure = Peer::of(req).secure;
    let seconds = i64::try_from(age.as_secs()).unwrap_or(i64::MAX);
    Cookie::build(if secure { SECURE_COOKIE } else { PLAIN_COOKIE }, value)
        .path("/")
        .http_only(true)
        .secure(secure)
        .same_site(SameSite::Strict)
        .max_age(CookieAge::seconds(seconds))
        .finish()
}

/// Who is calling under a policy, if it lets them: the one decision of the guard and of the extractors behind it.
///
/// # Errors
/// Why not.
pub fn decide(req: &HttpRequest, node: &Node, policy: &Policy) -> Result<Option<Identity>, Denied> {
    if policy.who == Who::Anyone {
        let changes = policy.act == Act::Changes;
        // A browser that sends its cookie says where the page is from.
        let has_session = || !matches!(session_of(req.headers(), Peer::of(req).secure), Sessions::None);
        let from_elsewhere = || is_foreign(req) || (has_session() && !is_own_origin(req));
        return if changes && from_elsewhere() { Err(Denied::Elsewhere) } else { Ok(None) };
    }
    if policy.who.is_phone() {
        return door::identity(req, node, policy.who).map(Some);
    }
    let known = match credential(req, node) {
        Credential::Bearer(known) => Some(known.ok_or(Denied::Wrong)?),
        // The socket closes with a code of its own for cookies.
        Credential::Cookie(_) if policy.who == Who::Socket => None,
        Credential::Cookie(known) => {
            // A browser sends a cookie whoever asks; what changes something must come from our own page.
            if is_cross_site(req) || (policy.act == Act::Changes && !is_own_origin(req)) {
                return Err(Denied::Elsewhere);
            }
            match known {
                // A browser cannot help sending a session that is over.
                None if policy.who == Who::Visitor => None,
                known => Some(known.ok_or(Denied::Wrong)?),
            }
        }
        Credential::None if policy.act == Act::Changes && is_foreign(req) => return Err(Denied::Elsewhere),
        Credential::None => None,
    };
    match (policy.who, &known) {
        (Who::Anyone | Who::Visitor | Who::Socket, None) => Ok(known),
        (Who::Operator, _) if is_local(req) => Ok(known),
        (_, None) => Err(Denied::Unknown),
        (Who::Writer | Who::Socket | Who::Phone | Who::PhoneInPath | Who::PhoneInQuery, Some(_)) => Ok(known),
        (_, Some(caller)) if caller.kind == TokenKind::Device => Err(Denied::OnlyWrites),
        (Who::Administrator | Who::Operator, Some(caller)) if !caller.admin => Err(Denied::NotAdministrator),
        (_, Some(_)) => Ok(known),
    }
}

/// Whom the guard has let in.
///
/// # Errors
/// 401, or 403 when no guard has.
pub(super) fn caller(req: &HttpRequest) -> Result<Identity, ApiError> {
    let node = req.app_data::<web::Data<Arc<Node>>>().ok_or_else(|| ApiError::unavailable("the node is starting"))?;
    let admitted = req.extensions().get::<Admitted>().copied();
    let Some(Admitted(policy)) = admitted else { return Err(ApiError::forbidden("nobody may call this")) };
    decide(req, node, policy)?.ok_or_else(ApiError::unauthenticated)
}

impl FromRequest for Caller {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(caller(req).map(Self))
    }
}

impl FromRequest for Reader {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(caller(req).and_then(|identity| {
            if identity.kind == TokenKind::Device { Err(Denied::OnlyWrites.into()) } else { Ok(Self(identity)) }
        }))
    }
}

impl FromRequest for Administrator {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(caller(req).and_then(|identity| {
            if identity.admin { Ok(Self(identity)) } else { Err(Denied::NotAdministrator.into()) }
        }))
    }
}
