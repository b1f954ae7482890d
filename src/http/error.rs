//! Refusals as HTTP answers.
use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, RETRY_AFTER};
use actix_web::{HttpResponse, ResponseError};

use crate::domain::{Code, Refusal};
use crate::protocol::http::{ErrorBody, write};

/// A refused request.
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    refusal: Refusal,
}

impl ApiError {
    /// A refusal with a status of its own.
    #[must_use]
    pub fn with_status(status: StatusCode, code: Code, message: &str) -> Self {
        Self { status, refusal: Refusal::new(code, message) }
    }

    /// Nobody known is calling.
    #[must_use]
    pub fn unauthenticated() -> Self {
        let message = "a token or a session is needed: Authorization: Bearer TOKEN";
        Self::with_status(StatusCode::UNAUTHORIZED, Code::Forbidden, message)
    }

    /// Known, but not for you.
    #[must_use]
    pub fn forbidden(message: &str) -> Self {
        Refusal::new(Code::Forbidden, message).into()
    }

    /// The one answer about everything that is not there, or not for the caller to know of: who asks for a person, an invite
    /// or a token learns nothing from which of the two it is.
    #[must_use]
    pub fn not_found() -> Self {
        Refusal::new(Code::NotFound, "there is no such thing here for you").into()
    }

    /// A part of the server cannot serve now.
    #[must_use]
    pub fn unavailable(message: &str) -> Self {
        Refusal::new(Code::Unavailable, message).into()
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let status = match refusal.code {
            Code::BadJson | Code::UnknownType | Code::MissingField | Code::BadField => StatusCode::BAD_REQUEST,
            Code::OutOfRange | Code::TooOld | Code::FromFuture => StatusCode::UNPROCESSABLE_ENTITY,
            Code::TooMany => StatusCode::PAYLOAD_TOO_LARGE,
            Code::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            Code::NotFound => StatusCode::NOT_FOUND,
            Code::Forbidden => StatusCode::FORBIDDEN,
            Code::Conflict => StatusCode::CONFLICT,
            Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self { status, refusal }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.refusal.message)
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        if matches!(self.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
            response.insert_header((RETRY_AFTER, "1"));
        }
        let Refusal { code, message, field } = &self.refusal;
        let body = ErrorBody { code: code.as_str(), message, field: *field };
        response.insert_header((CONTENT_TYPE, "application/json")).body(write(&body))
    }
}

/// An answer of JSON text (made by `protocol::http::write`).
#[must_use]
pub fn json(text: String) -> HttpResponse {
    HttpResponse::Ok().insert_header((CONTENT_TYPE, "application/json")).body(text)
}
