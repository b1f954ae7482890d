//! Every route, in one visible table. There is no other way to be reached: a route is registered with its policy or not at
//! all, and the guard of its path lets nobody pass whom the policy does not name.
use std::rc::Rc;
use std::sync::Arc;

use actix_web::http::header::{ALLOW, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpResponse, ResponseError as _, Route, web};

use super::error::ApiError;
use super::policy::About::{Caller, Everybody, Friends, Inviter, Nobody};
use super::policy::Act::{Changes, Reads};
use super::policy::Takes::{Calendar, Frames, Json, LargeJson, Lines, Nothing};
use super::policy::Toll::{Free, InviteLook, InviteMade};
use super::policy::Verb::{Delete, Get, GetOrHead, Patch, Post, Put};
use super::policy::Who::{Administrator, Anyone, Operator, PhoneInPath, PhoneInQuery, Reader, Socket, Visitor, Writer};
use super::policy::{About, Act, Policy, Takes, Toll, Verb, Who};
use super::state::Node;
use super::{
    admin, audit, browsers, calendar, dashboard, exercise, export, friendship, guard, ingest, invites, me, phones,
    profile, session, status, tokens,
};
use crate::domain::Code;

struct Row {
    policy: Policy,
    handler: fn() -> Route,
}

/// The table. The order of paths is the order in which they are tried.
const TABLE: &[Row] = &[
    // how the node does
    row(GetOrHead, "/health", Anyone, Nothing, Reads, Nobody, Free, || web::to(status::health)),
    row(GetOrHead, "/ready", Anyone, Nothing, Reads, Nobody, Free, || web::to(status::ready)),
    row(GetOrHead, "/metrics", Operator, Nothing, Reads, Nobody, Free, || web::to(status::metrics)),
    // sign-in and the socket
    row(Get, "/v1/ws", Socket, Frames, Reads, Friends, Free, || web::to(session::websocket)),
    row(Get, "/v1/session", Anyone, Nothing, Reads, Caller, Free, || web::to(browsers::session)),
    row(Post, "/v1/session", Anyone, Json, Changes, Caller, Free, || web::to(browsers::sign_in)),
    row(Delete, "/v1/session", Reader, Nothing, Changes, Nobody, Free, || web::to(browsers::sign_out)),
    // joining
    row(Get, "/v1/invites", Reader, Nothing, Reads, Caller, Free, || web::to(invites::list)),
    row(Post, "/v1/invites", Reader, Json, Changes, Caller, InviteMade, || web::to(invites::make)),
    row(Get, "/v1/invites/{code}", Anyone, Nothing, Reads, Inviter, InviteLook, || web::to(invites::show)),
    row(Delete, "/v1/invites/{code}", Reader, Nothing, Changes, Nobody, Free, || web::to(invites::withdraw)),
    row(Post, "/v1/invites/{code}/accept", Visitor, Json, Changes, Inviter, InviteLook, || web::to(invites::accept)),
    // oneself
    row(Get, "/v1/me", Reader, Nothing, Reads, Caller, Free, || web::to(me::me)),
    row(Patch, "/v1/me", Reader, Json, Changes, Caller, Free, || web::to(profile::change)),
    row(Delete, "/v1/me", Reader, Nothing, Changes, Nobody, Free, || web::to(profile::erase)),
    row(Get, "/v1/me/availability", Reader, Nothing, Reads, Caller, Free, || web::to(me::get_availability)),
    row(Put, "/v1/me/availability", Writer, Json, Changes, Caller, Free, || web::to(me::put_availability)),
    row(Delete, "/v1/me/availability", Writer, Nothing, Changes, Caller, Free, || web::to(me::delete_availability)),
    row(Get, "/v1/me/calendar", Reader, Nothing, Reads, Caller, Free, || web::to(calendar::get)),
    row(Put, "/v1/me/calendar", Reader, Calendar, Changes, Caller, Free, || web::to(calendar::put)),
    row(Delete, "/v1/me/calendar", Reader, Nothing, Changes, Nobody, Free, || web::to(calendar::delete)),
    row(Get, "/v1/me/tokens", Reader, Nothing, Reads, Caller, Free, || web::to(tokens::list)),
    row(Post, "/v1/me/tokens", Reader, Json, Changes, Caller, Free, || web::to(tokens::make)),
    row(Delete, "/v1/me/tokens", Reader, Nothing, Changes, Nobody, Free, || web::to(tokens::revoke_others)),
    row(Delete, "/v1/me/tokens/{id}", Reader, Nothing, Changes, Nobody, Free, || web::to(tokens::revoke)),
    row(Get, "/v1/me/phones", Reader, Nothing, Reads, Caller, Free, || web::to(phones::mine::list)),
    row(Patch, "/v1/me/phones/{id}", Reader, Json, Changes, Caller, Free, || web::to(phones::mine::change)),
    row(Get, "/v1/me/alerts", Reader, Nothing, Reads, Friends, Free, || web::to(phones::alerts::list)),
    row(Get, "/v1/me/viewers", Reader, Nothing, Reads, Friends, Free, || web::to(friendship::viewers)),
    row(Get, "/v1/export", Reader, Nothing, Reads, Friends, Free, || web::to(export::export)),
    // friends
    row(Get, "/v1/friends", Reader, Nothing, Reads, Friends, Free, || web::to(me::friends)),
    row(Patch, "/v1/friends/{user}", Reader, Json, Changes, Friends, Free, || web::to(friendship::share)),
    row(Delete, "/v1/friends/{user}", Reader, Nothing, Changes, Friends, Free, || web::to(friendship::unfriend)),
    row(Get, "/v1/friends/{user}/view", Reader, Nothing, Reads, Caller, Free, || web::to(friendship::view)),
    row(Get, "/v1/blocks", Reader, Nothing, Reads, Friends, Free, || web::to(friendship::blocks)),
    row(Put, "/v1/blocks/{user}", Reader, Nothing, Changes, Friends, Free, || web::to(friendship::block)),
    row(Delete, "/v1/blocks/{user}", Reader, Nothing, Changes, Friends, Free, || web::to(friendship::unblock)),
    row(Get, "/v1/nearby", Reader, Nothing, Reads, Friends, Free, || web::to(me::get_nearby)),
    // positions, steps, hours
    row(Post, "/v1/fixes", Writer, Json, Changes, Caller, Free, || web::to(ingest::post_fixes)),
    row(Post, "/v1/ingest", Administrator, Lines, Changes, Nobody, Free, || web::to(ingest::post_ingest)),
    row(Get, "/v1/steps", Reader, Nothing, Reads, Caller, Free, || web::to(exercise::steps)),
    row(Get, "/v1/steps/leaderboard", Reader, Nothing, Reads, Friends, Free, || web::to(exercise::leaderboard)),
    row(Get, "/v1/availability/histogram", Reader, Nothing, Reads, Nobody, Free, || web::to(status::histogram)),
    // phones with apps of others: each path also with a slash behind it
    row(Post, "/owntracks", Who::Phone, Takes::Phone, Changes, Friends, Free, || web::to(phones::owntracks::post)),
    row(Post, "/pub", Who::Phone, Takes::Phone, Changes, Friends, Free, || web::to(phones::owntracks::post)),
    row(Get, "/overland", Who::Phone, Nothing, Reads, Caller, Free, || web::to(phones::overland::get)),
    row(Post, "/overland", Who::Phone, Takes::Phone, Changes, Friends, Free, || web::to(phones::overland::post)),
    row(Post, "/api/v1/overland/batches", PhoneInQuery, Takes::Phone, Changes, Nobody, Free, || {
        web::to(phones::overland::post_batch)
    }),
    row(Get, "/t/{token}", PhoneInPath, Nothing, Changes, Nobody, Free, || web::to(phones::traccar::get)),
    row(Post, "/t/{token}", PhoneInPath, Takes::Phone, Changes, Nobody, Free, || web::to(phones::traccar::post)),
    row(Get, "/gpslogger/{token}", PhoneInPath, Nothing, Changes, Nobody, Free, || web::to(phones::gpslogger::get)),
    row(Post, "/gpslogger/{token}", PhoneInPath, Takes::Phone, Changes, Nobody, Free, || {
        web::to(phones::gpslogger::post)
    }),
    row(Get, "/p/{token}.properties", PhoneInPath, Nothing, Reads, Caller, Free, || web::to(phones::setup::properties)),
    // administration
    row(Post, "/v1/admin/users", Administrator, LargeJson, Changes, Everybody, Free, || web::to(admin::create_users)),
    row(Post, "/v1/admin/users/remove", Administrator, LargeJson, Changes, Everybody, Free, || {
        web::to(admin::remove_users)
    }),
    row(Get, "/v1/admin/people", Administrator, Nothing, Reads, Everybody, Free, || web::to(admin::people)),
    row(Get, "/v1/admin/stats", Administrator, Nothing, Reads, Nobody, Free, || web::to(admin::stats)),
    row(Get, "/v1/admin/audit", Administrator, Nothing, Reads, Everybody, Free, || web::to(audit::audit)),
];

/// The web page: every other path.
const PAGES: &[Row] =
    &[row(GetOrHead, "/{path:.*}", Anyone, Nothing, Reads, Nobody, Free, || web::to(dashboard::page))];

#[expect(clippy::too_many_arguments, reason = "a row of a table")]
const fn row(
    verb: Verb,
    path: &'static str,
    who: Who,
    takes: Takes,
    act: Act,
    about: About,
    toll: Toll,
    handler: fn() -> Route,
) -> Row {
    Row { policy: Policy { verb, path, who, takes, act, about, toll }, handler }
}

/// Every route's declaration.
pub fn policies() -> impl Iterator<Item = &'static Policy> {
    TABLE.iter().chain(PAGES).map(|row| &row.policy)
}

/// Registers every route, each behind its guard. Used by the server and by tests alike.
pub fn register(config: &mut web::ServiceConfig, node: Arc<Node>) {
    config.app_data(web::Data::new(node));
    serve(config, TABLE);
    config.service(web::scope("/v1").default_service(web::to(no_such_call)));
    serve(config, PAGES);
}

fn serve(config: &mut web::ServiceConfig, table: &'static [Row]) {
    let mut paths: Vec<&'static str> = Vec::new();
    for row in table {
        if !paths.contains(&row.policy.path) {
            paths.push(row.policy.path);
        }
    }
    for path in paths {
        let rows: Vec<&'static Row> = table.iter().filter(|row| row.policy.path == path).collect();
        let policies: Rc<[&'static Policy]> = rows.iter().map(|row| &row.policy).collect();
        let allowed = allowed(&policies);
        let patterns = patterns(path, &policies);
        let mut resource = web::resource(patterns).default_service(web::to(move || wrong_method(allowed.clone())));
        for row in rows {
            for method in row.policy.verb.methods() {
                resource = resource.route((row.handler)().method(method.clone()));
            }
        }
        config.service(resource.wrap_fn(move |req, service| guard::before_handler(req, service, &policies)));
    }
}

/// The patterns of a path. People type addresses of phones by hand: with a slash too many they mean the same, and without the token
/// behind it they are refused, and do not get the page, which an app would take for success.
fn patterns(path: &'static str, policies: &[&Policy]) -> Vec<String> {
    let mut patterns = vec![path.to_owned()];
    if policies.iter().any(|policy| policy.who.is_phone()) {
        patterns.push(format!("{path}/"));
        if let Some(root) = path.strip_suffix("/{token}") {
            patterns.extend([root.to_owned(), format!("{root}/")]);
        }
    }
    patterns
}

async fn no_such_call() -> Result<HttpResponse, ApiError> {
    Err(ApiError::with_status(StatusCode::NOT_FOUND, Code::NotFound, "there is no such call"))
}

/// The methods of a path, as the header `Allow` names them.
fn allowed(policies: &[&Policy]) -> String {
    let methods = policies.iter().flat_map(|policy| policy.verb.methods());
    methods.map(Method::as_str).collect::<Vec<_>>().join(", ")
}

async fn wrong_method(allowed: String) -> HttpResponse {
    let message = format!("this call takes {allowed}");
    let refused = ApiError::with_status(StatusCode::METHOD_NOT_ALLOWED, Code::NotFound, &message);
    let mut response = refused.error_response();
    if let Ok(allowed) = HeaderValue::from_str(&allowed) {
        response.headers_mut().insert(ALLOW, allowed);
    }
    response
}
