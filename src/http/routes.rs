//! Every route, in one visible order.
use std::sync::Arc;

use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_ENCODING;
use actix_web::{Error, HttpRequest, HttpResponse, web};
use futures_util::future::{Either, ready};

use super::error::ApiError;
use super::state::Node;
use super::{admin, audit, dashboard, export, friendship, ingest, invites, me, peer, profile, session, status, tokens};
use crate::domain::Code;

/// Registers every route. Used by the server and by tests alike.
pub fn register(config: &mut web::ServiceConfig, node: Arc<Node>) {
    config
        .app_data(web::Data::new(node))
        .service(resource("/health").route(web::get().to(status::health)).route(web::head().to(status::health)))
        .service(resource("/ready").route(web::get().to(status::ready)).route(web::head().to(status::ready)))
        .service(resource("/metrics").route(web::get().to(status::metrics)).route(web::head().to(status::metrics)))
        .service(
            web::scope("/v1")
                .service(resource("/ws").route(web::get().to(session::websocket)))
                .service(
                    resource("/session")
                        .route(web::get().to(me::session))
                        .route(web::post().to(me::sign_in))
                        .route(web::delete().to(me::sign_out)),
                )
                .service(
                    resource("/me")
                        .route(web::get().to(me::me))
                        .route(web::patch().to(profile::change))
                        .route(web::delete().to(profile::erase)),
                )
                .service(
                    resource("/me/tokens")
                        .route(web::get().to(tokens::list))
                        .route(web::post().to(tokens::make))
                        .route(web::delete().to(tokens::revoke_others)),
                )
                .service(resource("/me/tokens/{id}").route(web::delete().to(tokens::revoke)))
                .service(resource("/me/viewers").route(web::get().to(friendship::viewers)))
                .service(resource("/export").route(web::get().to(export::export)))
                .service(resource("/invites").route(web::get().to(invites::list)).route(web::post().to(invites::make)))
                .service(
                    resource("/invites/{code}")
                        .route(web::get().to(invites::show))
                        .route(web::delete().to(invites::withdraw)),
                )
                .service(resource("/invites/{code}/accept").route(web::post().to(invites::accept)))
                .service(
                    resource("/friends/{user}")
                        .route(web::patch().to(friendship::share))
                        .route(web::delete().to(friendship::unfriend)),
                )
                .service(resource("/friends/{user}/view").route(web::get().to(friendship::view)))
                .service(resource("/blocks").route(web::get().to(friendship::blocks)))
                .service(
                    resource("/blocks/{user}")
                        .route(web::put().to(friendship::block))
                        .route(web::delete().to(friendship::unblock)),
                )
                .service(resource("/admin/audit").route(web::get().to(audit::audit)))
                .service(
                    resource("/me/availability")
                        .route(web::get().to(me::get_availability))
                        .route(web::put().to(me::put_availability))
                        .route(web::delete().to(me::delete_availability)),
                )
                .service(resource("/friends").route(web::get().to(me::friends)))
                .service(resource("/nearby").route(web::get().to(me::get_nearby)))
                .service(resource("/fixes").route(web::post().to(ingest::post_fixes)))
                .service(resource("/ingest").route(web::post().to(ingest::post_ingest)))
                .service(resource("/availability/histogram").route(web::get().to(status::histogram)))
                .service(resource("/steps").route(web::get().to(me::steps)))
                .service(resource("/steps/leaderboard").route(web::get().to(me::leaderboard)))
                .service(resource("/admin/users").route(web::post().to(admin::create_users)))
                .service(resource("/admin/users/remove").route(web::post().to(admin::remove_users)))
                .service(resource("/admin/people").route(web::get().to(admin::people)))
                .service(resource("/admin/stats").route(web::get().to(admin::stats)))
                .default_service(web::to(no_such_call)),
        )
        .service(
            web::resource("/{path:.*}").route(web::get().to(dashboard::page)).route(web::head().to(dashboard::page)),
        );
}

fn resource(path: &str) -> actix_web::Resource {
    web::resource(path).default_service(web::to(wrong_method))
}

async fn no_such_call() -> Result<HttpResponse, ApiError> {
    Err(ApiError::with_status(StatusCode::NOT_FOUND, Code::NotFound, "there is no such call"))
}

async fn wrong_method(req: HttpRequest) -> Result<HttpResponse, ApiError> {
    tracing::debug!(method = %req.method(), "wrong method");
    Err(ApiError::with_status(StatusCode::METHOD_NOT_ALLOWED, Code::NotFound, "this call has another method"))
}

/// What every request passes through: encoded bodies are refused (unpacking them is a bomb), and every answer carries the
/// security headers.
pub fn guard<S, B>(
    req: ServiceRequest,
    service: &S,
) -> impl Future<Output = Result<ServiceResponse<actix_web::body::EitherBody<B>>, Error>> + use<S, B>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: actix_web::body::MessageBody,
{
    let path = req.path().to_owned();
    let strict_transport = peer::strict_transport(&req);
    let encoding = req.headers().get(CONTENT_ENCODING);
    let outcome = if encoding.is_some_and(|encoding| encoding.as_bytes() != b"identity") {
        let message = "request bodies must not be compressed";
        let refused = ApiError::with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE, Code::BadField, message);
        Either::Left(ready(Ok(req.error_response(refused).map_into_right_body())))
    } else {
        let answer = service.call(req);
        Either::Right(async move { answer.await.map(ServiceResponse::map_into_left_body) })
    };
    async move {
        let mut response = outcome.await?;
        dashboard::harden(&path, response.headers_mut());
        if let Some((name, value)) = strict_transport {
            response.headers_mut().insert(name, value);
        }
        Ok(response)
    }
}
