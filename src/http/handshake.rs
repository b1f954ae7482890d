//! The opening handshake, stricter than the framework's: one key of 16 bytes, one version, HTTP/1.1, no extension and no
//! subprotocol in the answer.
use actix_http::ws::HandshakeError;
use actix_web::http::{Version, header};
use actix_web::{HttpRequest, HttpResponseBuilder};
use actix_web_actors::ws;

/// Checks an upgrade request and prepares the answer.
///
/// # Errors
/// 400 for anything that is not exactly one WebSocket handshake over HTTP/1.1, 405 for a method other than GET, 426 with
/// the version we speak for another version.
pub(super) fn answer(req: &HttpRequest) -> Result<HttpResponseBuilder, actix_web::Error> {
    let count = |name| req.headers().get_all(name).count();
    if req.version() != Version::HTTP_11 {
        return Err(HandshakeError::NoConnectionUpgrade.into());
    }
    if count(header::SEC_WEBSOCKET_KEY) > 1 {
        return Err(HandshakeError::BadWebsocketKey.into());
    }
    if count(header::SEC_WEBSOCKET_VERSION) > 1 {
        return Err(HandshakeError::NoVersionHeader.into());
    }
    // A chunked request has a body of its own; its bytes are not frames.
    if req.headers().contains_key(header::TRANSFER_ENCODING) {
        return Err(HandshakeError::NoWebsocketUpgrade.into());
    }
    actix_http::ws::verify_handshake(req.head())?;
    Ok(ws::handshake(req)?)
}
