//! Refusals as HTTP answers.
use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, RETRY_AFTER};
use actix_web::{HttpResponse, ResponseError};

use super::limits::Wait;
use crate::domain::{Code, Refusal};
use crate::protocol::http::{ErrorBody, write};

/// A refused request.
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    refusal: Refusal,
    /// Seconds after which to try again, where trying again helps.
    retry_after: Option<u64>,
    /// The rest of the request is not waited for.
    closes: bool,
}

impl ApiError {
    /// A refusal with a status of its own.
    #[must_use]
    pub fn with_status(status: StatusCode, code: Code, message: &str) -> Self {
        Self::new(status, Refusal::new(code, message))
    }

    /// A refusal of a field, with a status of its own.
    #[must_use]
    pub fn of(status: StatusCode, refusal: Refusal) -> Self {
        Self::new(status, refusal)
    }

    fn new(status: StatusCode, refusal: Refusal) -> Self {
        let again = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
        Self { status, refusal, retry_after: again.then_some(1), closes: false }
    }

    /// A rate was exceeded.
    #[must_use]
    pub fn too_often(what: &str, wait: Wait) -> Self {
        let seconds = wait.seconds();
        let refusal = Refusal::new(Code::RateLimited, format!("{what}: try again in {seconds} s"));
        Self { retry_after: Some(seconds), ..Self::new(StatusCode::TOO_MANY_REQUESTS, refusal) }
    }

    /// A body has more than `most` bytes.
    #[must_use]
    pub fn too_large(most: usize) -> Self {
        let message = match most {
            0 => "this call takes no body".to_owned(),
            _ => format!("the body must be at most {most} bytes"),
        };
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, Refusal::new(Code::TooMany, message)).and_close()
    }

    /// The same, and the connection ends with the answer: the rest of the request is not waited for.
    #[must_use]
    pub fn and_close(self) -> Self {
        Self { closes: true, ..self }
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
        Self::new(status, refusal)
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
        if let Some(seconds) = self.retry_after {
            response.insert_header((RETRY_AFTER, seconds));
        }
        if self.closes {
            response.force_close();
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
