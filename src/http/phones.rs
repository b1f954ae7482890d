//! Phones with apps that were not made for this server: OwnTracks, Traccar Client and OsmAnd, Overland, GPSLogger.
//!
//! Each app's way in is a file of its own; all lead to [`intake`]. An authenticated phone is never refused for what it says: an app
//! throws away what was refused, nags its owner or stops behind it for good. What cannot be used is answered like everything else,
//! counted, and shown to its owner ([`mine`]). Refused are only: a wrong secret (401), a body that is too large to be read
//! (413: what was not read must not be acknowledged), and everything while the server cannot store (503: come again).
//!
//! These routes know no cookies: whoever calls shows a token, in a header (`Basic`, `Bearer`) or, where an app can do no better, in
//! the path or the query. There it must be a device token, which reads nothing but the answers made for it here.
pub mod alerts;
pub mod door;
mod friends;
pub mod gpslogger;
mod intake;
pub mod mine;
pub mod overland;
pub mod owntracks;
pub mod setup;
pub mod traccar;

use std::future::{Ready, ready};
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::header::USER_AGENT;
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse, ResponseError, web};

use super::auth::{Admitted, caller};
use super::error::ApiError;
use super::state::Node;
use crate::domain::{PhoneApp, Platform};
use crate::store::accounts::Identity;

/// A phone with a good credential.
#[derive(Clone, Debug)]
pub struct Phone {
    /// Whose it is, and which token it showed.
    pub identity: Identity,
    /// The app that its path is for.
    pub app: PhoneApp,
    /// What it runs on.
    pub platform: Platform,
    /// It is OsmAnd itself.
    pub is_osmand: bool,
    /// Its owner's requests come faster than `limits.requests_per_second`: what it says is answered, and dropped.
    pub too_often: bool,
}

/// Marks a request beyond its person's rate that is answered nevertheless.
#[derive(Clone, Copy, Debug)]
pub struct TooOften;

impl FromRequest for Phone {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(phone(req))
    }
}

fn phone(req: &HttpRequest) -> Result<Phone, ApiError> {
    let identity = caller(req)?;
    let node = req.app_data::<web::Data<Arc<Node>>>().ok_or_else(|| ApiError::unavailable("the node is starting"))?;
    let path = req.extensions().get::<Admitted>().map_or("", |admitted| admitted.0.path);
    let agent = req.headers().get(USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    let (app, platform) = (app_of(path), Platform::of_agent(agent));
    node.user.phones.reached(identity.token_id, identity.no, app, platform, node.user.clock.now());
    let platform = match platform {
        Platform::Unknown => node.user.phones.get(identity.token_id).map_or(platform, |phone| phone.platform),
        said => said,
    };
    let (is_osmand, too_often) = (agent.starts_with("OsmAnd"), req.extensions().get::<TooOften>().is_some());
    Ok(Phone { identity, app, platform, is_osmand, too_often })
}

/// Which app a route is for.
#[must_use]
pub fn app_of(path: &str) -> PhoneApp {
    match path.split('/').nth(1).unwrap_or_default() {
        "t" => PhoneApp::Traccar,
        "overland" => PhoneApp::Overland,
        "gpslogger" | "p" | "api" => PhoneApp::GpsLogger,
        _ => PhoneApp::OwnTracks,
    }
}

/// Remembers how a phone was answered.
fn answered(node: &Node, phone: &Phone, outcome: Result<HttpResponse, ApiError>) -> Result<HttpResponse, ApiError> {
    let status = match &outcome {
        Ok(answer) => answer.status(),
        Err(error) => error.status_code(),
    };
    node.user.phones.answered(phone.identity.token_id, status.as_u16(), node.user.clock.now());
    outcome
}

/// A phone's body, whole.
async fn whole(node: &Node, payload: web::Payload) -> Result<bytes::Bytes, ApiError> {
    node.body(payload).whole(node.config.limits.phone_body_bytes).await
}
