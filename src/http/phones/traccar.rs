//! Traccar Client, OsmAnd and others that speak their protocol: `/t/{token}`.
use std::sync::Arc;

use actix_web::http::header::{ACCEPT, CONTENT_TYPE};
use actix_web::{HttpRequest, HttpResponse, web};

use super::{Phone, answered, intake, whole};
use crate::http::error::ApiError;
use crate::http::state::Node;
use crate::protocol::phones::Reading;
use crate::protocol::phones::osmand::{Speed, parse};

/// What a browser shows that was given the address by a camera.
const PAGE: &str = include_str!("traccar.html");

/// A report in the query, or the set-up code opened with a camera.
///
/// # Errors
/// 503 when it cannot be stored.
pub async fn get(phone: Phone, req: HttpRequest, node: web::Data<Arc<Node>>) -> Result<HttpResponse, ApiError> {
    let readings = parse(b"", req.query_string(), speed(&phone), node.user.clock.now());
    let accepts = req.headers().get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    if readings == [Reading::Heartbeat] && accepts.contains("text/html") {
        return Ok(HttpResponse::Ok().insert_header((CONTENT_TYPE, "text/html; charset=utf-8")).body(PAGE));
    }
    let taken = intake::take(&node, &phone, &readings).await;
    answered(&node, &phone, taken.map(|_| HttpResponse::Ok().finish()))
}

/// A report in the body: form, nested or flat JSON, or a list.
///
/// # Errors
/// 413 for a body beyond `limits.phone_body_bytes`; 503 when it cannot be stored.
pub async fn post(
    phone: Phone,
    req: HttpRequest,
    payload: web::Payload,
    node: web::Data<Arc<Node>>,
) -> Result<HttpResponse, ApiError> {
    let taken = match whole(&node, payload).await {
        Ok(body) => {
            let readings = parse(&body, req.query_string(), speed(&phone), node.user.clock.now());
            intake::take(&node, &phone, &readings).await
        }
        Err(error) => Err(error),
    };
    answered(&node, &phone, taken.map(|_| HttpResponse::Ok().finish()))
}

fn speed(phone: &Phone) -> Speed {
    if phone.is_osmand { Speed::Unclear } else { Speed::Knots }
}
