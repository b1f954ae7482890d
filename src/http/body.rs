//! Request bodies: bounded in size and in pauses.
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;

use super::error::ApiError;
use crate::domain::Code;

/// A body as it arrives.
pub struct Body {
    payload: web::Payload,
    idle: Duration,
}

impl Body {
    /// Reads `payload`; a pause longer than `idle` ends it.
    #[must_use]
    pub fn new(payload: web::Payload, idle: Duration) -> Self {
        Self { payload, idle }
    }

    /// The next piece.
    ///
    /// # Errors
    /// 408 after a pause that is too long; 400 when the body is broken off.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ApiError> {
        match actix_rt::time::timeout(self.idle, self.payload.next()).await {
            Ok(None) => Ok(None),
            Ok(Some(Ok(bytes))) => Ok(Some(bytes)),
            Ok(Some(Err(error))) => {
                tracing::debug!(%error, "a body broke off");
                Err(ApiError::with_status(StatusCode::BAD_REQUEST, Code::BadJson, "the body broke off"))
            }
            Err(_) => {
                let message = "the body paused for too long";
                Err(ApiError::with_status(StatusCode::REQUEST_TIMEOUT, Code::Unavailable, message))
            }
        }
    }

    /// The whole body.
    ///
    /// # Errors
    /// As [`Body::next`]; 413 beyond `limit` bytes.
    pub async fn whole(mut self, limit: usize) -> Result<Bytes, ApiError> {
        let mut whole = BytesMut::new();
        while let Some(piece) = self.next().await? {
            if whole.len() + piece.len() > limit {
                let message = format!("the body must be at most {limit} bytes");
                return Err(ApiError::with_status(StatusCode::PAYLOAD_TOO_LARGE, Code::TooMany, &message));
            }
            whole.extend_from_slice(&piece);
        }
        Ok(whole.freeze())
    }
}
