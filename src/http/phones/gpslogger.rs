//! GPSLogger's custom URL: `/gpslogger/{token}?lat=%LAT&lon=%LON&…`, in whatever way its owner set it up.
use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};

use super::{Phone, answered, intake, whole};
use crate::http::error::ApiError;
use crate::http::state::Node;
use crate::protocol::phones::gpslogger::parse;

/// A report in the query.
///
/// # Errors
/// 503 when it cannot be stored.
pub async fn get(phone: Phone, req: HttpRequest, node: web::Data<Arc<Node>>) -> Result<HttpResponse, ApiError> {
    let reading = parse(b"", req.query_string(), node.user.clock.now());
    let taken = intake::take(&node, &phone, &[reading]).await;
    answered(&node, &phone, taken.map(|_| HttpResponse::Ok().finish()))
}

/// A report in the body, or in the query of a request with an empty one.
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
            let reading = parse(&body, req.query_string(), node.user.clock.now());
            intake::take(&node, &phone, &[reading]).await
        }
        Err(error) => Err(error),
    };
    answered(&node, &phone, taken.map(|_| HttpResponse::Ok().finish()))
}
