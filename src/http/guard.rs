//! What stands in front of every handler: the route's policy, then the caller's rate, then the body's kind and size.
use std::cell::RefCell;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, EitherBody, MessageBody};
use actix_web::dev::{Payload, Service, ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use actix_web::{Error, HttpMessage, HttpRequest, web};
use bytes::Bytes;
use futures_util::future::Either;
use futures_util::{StreamExt, stream};

use super::auth::{Admitted, Denied, decide};
use super::body::{Bounds, watched};
use super::dashboard;
use super::error::ApiError;
use super::limits::{Limit, Visit};
use super::peer::{self, Peer};
use super::phones::{TooOften, door};
use super::policy::{Policy, Takes, Toll};
use super::state::Node;
use crate::activity::calendar::MOST_BYTES;
use crate::domain::Code;

/// Before and after everything: a connection without room is told so, encoded bodies are refused (unpacking them is a bomb),
/// and every answer carries the security headers.
pub fn outermost<S, B>(
    mut req: ServiceRequest,
    service: &S,
) -> impl Future<Output = Result<ServiceResponse<EitherBody<EitherBody<B>>>, Error>> + use<S, B>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
{
    let path = req.path().to_owned();
    let strict_transport = peer::strict_transport(&req);
    let checked = before_all(req.request());
    let held = req.headers().contains_key(TRANSFER_ENCODING).then(|| hold(&mut req));
    let outcome = passed(req, service, checked);
    async move {
        let response = outcome.await?;
        let mut response = match held {
            Some(held) => response
                .map_body(|_, body| EitherBody::right(BoxBody::new(Holding { body: Box::pin(body), _held: held }))),
            None => response.map_into_left_body(),
        };
        dashboard::harden(&path, response.headers_mut());
        if let Some((name, value)) = strict_transport {
            response.headers_mut().insert(name, value);
        }
        Ok(response)
    }
}

type Held = Rc<RefCell<Payload>>;

/// Keeps a chunked body alive after its handler has let go of it. Were it dropped, the server would read on to its end, which
/// may never come, before it does anything else with the connection; so it closes the connection instead.
fn hold(req: &mut ServiceRequest) -> Held {
    let held = Rc::new(RefCell::new(req.take_payload()));
    let shared = Rc::clone(&held);
    let pieces = stream::poll_fn(move |context| shared.borrow_mut().poll_next_unpin(context));
    req.set_payload(Payload::Stream { payload: Box::pin(pieces) });
    held
}

/// An answer that holds its request's body.
struct Holding<B> {
    body: Pin<Box<B>>,
    _held: Held,
}

impl<B: MessageBody> MessageBody for Holding<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        self.get_mut().body.as_mut().poll_next(context)
    }
}

/// In front of one path's handlers: the policy of the method that is asked for. A method without one is answered 405.
pub fn before_handler<S, B>(
    mut req: ServiceRequest,
    service: &S,
    policies: &[&'static Policy],
) -> impl Future<Output = Result<ServiceResponse<EitherBody<B>>, Error>> + use<S, B>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let policy = policies.iter().find(|policy| policy.verb.has(req.method())).copied();
    let checked = policy.map_or(Ok(()), |policy| admit(&mut req, policy));
    passed(req, service, checked)
}

/// Goes on to the service, or answers why not.
fn passed<S, B>(
    req: ServiceRequest,
    service: &S,
    checked: Result<(), ApiError>,
) -> impl Future<Output = Result<ServiceResponse<EitherBody<B>>, Error>> + use<S, B>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    match checked {
        Err(refused) => {
            let answer: Ready<Result<ServiceResponse<EitherBody<B>>, Error>> =
                ready(Ok(req.error_response(refused).map_into_right_body()));
            Either::Left(answer)
        }
        Ok(()) => {
            let answer = service.call(req);
            Either::Right(async move { answer.await.map(ServiceResponse::map_into_left_body) })
        }
    }
}

fn node(req: &HttpRequest) -> Result<&Arc<Node>, ApiError> {
    let node = req.app_data::<web::Data<Arc<Node>>>().ok_or_else(|| ApiError::unavailable("the node is starting"))?;
    Ok(node.get_ref())
}

fn before_all(req: &HttpRequest) -> Result<(), ApiError> {
    if let Some(visit) = req.conn_data::<Visit>() {
        visit.asked();
        match visit.refused() {
            None => {}
            Some((Limit::Connections, _)) => {
                return Err(ApiError::unavailable("this node has no room for another connection").and_close());
            }
            Some((_, wait)) => {
                return Err(ApiError::too_often("too many connections from this address", wait).and_close());
            }
        }
    }
    if req.headers().get_all(CONTENT_ENCODING).any(|encoding| encoding.as_bytes() != b"identity") {
        node(req)?.limits.refused.count(Limit::Encoding);
        let message = "request bodies must not be compressed";
        return Err(ApiError::with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE, Code::BadField, message).and_close());
    }
    Ok(())
}

fn admit(req: &mut ServiceRequest, policy: &'static Policy) -> Result<(), ApiError> {
    let node = Arc::clone(node(req.request())?);
    if policy.is_api() && names_token(req.query_string()) {
        let message = "a token in the URL is not read: send it as Authorization: Bearer, or in a hello frame";
        return Err(ApiError::with_status(StatusCode::BAD_REQUEST, Code::BadField, message));
    }
    let from = Peer::of(req.request()).address;
    match decide(req.request(), &node, policy) {
        // A phone that is told to wait may never come again: it is answered, and what it says is dropped and counted.
        Ok(Some(caller)) if policy.who.is_phone() => {
            if node.limits.request(caller.no).is_err() {
                req.extensions_mut().insert(TooOften);
            }
        }
        Ok(Some(caller)) => {
            node.limits.request(caller.no).map_err(|wait| ApiError::too_often("too many requests", wait))?;
            if policy.toll == Toll::InviteMade {
                let made = node.limits.invite(caller.no);
                made.map_err(|wait| ApiError::too_often("too many invites within a day", wait))?;
            }
        }
        Ok(None) => {}
        Err(denied) => {
            if denied == Denied::Wrong {
                if policy.who.is_phone() {
                    door::note_wrong(req.request(), &node, policy);
                }
                wrong_credential(&node, from)?;
            }
            return Err(denied.into());
        }
    }
    if policy.toll == Toll::InviteLook {
        let look = node.limits.invite_look(from);
        look.map_err(|wait| ApiError::too_often("too many invites were looked at from this address", wait))?;
    }
    watch_body(req, policy, &node)?;
    req.extensions_mut().insert(Admitted(policy));
    Ok(())
}

/// Counts a credential that was wrong.
///
/// # Errors
/// 429 when there were too many from there.
pub fn wrong_credential(node: &Node, from: std::net::IpAddr) -> Result<(), ApiError> {
    let counted = node.limits.wrong_credential(from);
    counted.map_err(|wait| ApiError::too_often("too many wrong credentials from this address", wait))
}

/// Whether a query has a parameter that looks like a credential.
fn names_token(query: &str) -> bool {
    let name = |pair: &str| pair.split('=').next().unwrap_or_default().to_ascii_lowercase();
    query.split('&').any(|pair| name(pair).ends_with("token"))
}

fn watch_body(req: &mut ServiceRequest, policy: &Policy, node: &Arc<Node>) -> Result<(), ApiError> {
    let limits = &node.config.limits;
    let declared = req.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    let has_body = declared.is_some_and(|length| length > 0) || req.headers().contains_key(TRANSFER_ENCODING);
    if !has_body || policy.takes == Takes::Frames {
        return Ok(());
    }
    let most = match policy.takes {
        Takes::Nothing => Some(0),
        Takes::Json => Some(limits.body_bytes),
        Takes::Calendar => Some(MOST_BYTES),
        Takes::LargeJson => Some(limits.admin_body_bytes),
        Takes::Phone => Some(limits.phone_body_bytes),
        Takes::Lines | Takes::Frames => None,
    };
    let wrong_kind = match policy.takes {
        Takes::Json | Takes::LargeJson if !is(req.request(), "application/json") => {
            Some("the content type must be application/json")
        }
        Takes::Calendar if !is(req.request(), "application/json") && !is(req.request(), "text/calendar") => {
            Some("the content type must be text/calendar or application/json")
        }
        _ => None,
    };
    if let Some(message) = wrong_kind {
        return Err(ApiError::with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE, Code::BadField, message).and_close());
    }
    if let (Some(most), Some(length)) = (most, declared)
        && usize::try_from(length).map_or(true, |length| length > most)
    {
        node.limits.refused.count(Limit::BodyBytes);
        return Err(ApiError::too_large(most));
    }
    let total = (policy.takes != Takes::Lines).then(|| limits.body_total.get());
    let bounds = Bounds { most, idle: limits.body_idle.get(), total };
    let payload = watched(req.take_payload(), bounds, Arc::clone(&node.limits));
    req.set_payload(payload);
    Ok(())
}

/// Whether the body is of this kind, with or without parameters.
fn is(req: &HttpRequest, wanted: &str) -> bool {
    let mut types = req.headers().get_all(CONTENT_TYPE);
    let (Some(kind), None) = (types.next().and_then(|kind| kind.to_str().ok()), types.next()) else { return false };
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case(wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_that_names_a_token_is_seen_in_any_place_and_case() {
        for query in ["token=x", "a=1&token=x", "TOKEN=x", "access_token=x", "token", "a&Auth_Token=1"] {
            assert!(names_token(query), "{query}");
        }
        for query in ["", "a=token", "tokens=1", "date=2027-03-15", "a=1&b=token=2"] {
            assert!(!names_token(query), "{query}");
        }
    }
}
