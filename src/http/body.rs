//! Request bodies: bounded in size, in pauses and in time. The guard watches each one while it is read, whatever the handler
//! does with it.
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::StatusCode;
use actix_web::web;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use futures_util::stream;

use super::error::ApiError;
use super::limits::{Limit, Limits};
use crate::domain::Code;

/// What a body must keep to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Bytes; `None`: any number.
    pub(super) most: Option<usize>,
    /// Between two pieces.
    pub(super) idle: Duration,
    /// From the first to the last; `None`: any time.
    pub(super) total: Option<Duration>,
}

/// A body that ends with an error when it does not keep to its bounds.
pub(super) fn watched(payload: Payload, bounds: Bounds, limits: Arc<Limits>) -> Payload {
    let watch = Watch { payload, bounds, limits, begun: Instant::now(), bytes: 0 };
    let pieces = stream::unfold(Some(watch), |watch| async {
        let mut watch = watch?;
        match watch.next().await {
            None => None,
            Some(Ok(piece)) => Some((Ok(piece), Some(watch))),
            Some(Err(error)) => Some((Err(error), None)),
        }
    });
    Payload::Stream { payload: Box::pin(pieces) }
}

struct Watch {
    payload: Payload,
    bounds: Bounds,
    limits: Arc<Limits>,
    begun: Instant,
    bytes: usize,
}

impl Watch {
    async fn next(&mut self) -> Option<Result<Bytes, PayloadError>> {
        let left = self.bounds.total.map_or(Duration::MAX, |total| total.saturating_sub(self.begun.elapsed()));
        let Ok(piece) = actix_rt::time::timeout(self.bounds.idle.min(left), self.payload.next()).await else {
            self.limits.refused.count(Limit::BodyTime);
            return Some(Err(PayloadError::Io(io::ErrorKind::TimedOut.into())));
        };
        if let Some(Ok(piece)) = &piece {
            self.bytes = self.bytes.saturating_add(piece.len());
            if self.bounds.most.is_some_and(|most| self.bytes > most) {
                self.limits.refused.count(Limit::BodyBytes);
                return Some(Err(PayloadError::Overflow));
            }
        }
        piece
    }
}

/// A body as it arrives.
pub struct Body {
    payload: web::Payload,
}

impl Body {
    /// Reads `payload`, which the guard watches.
    #[must_use]
    pub fn new(payload: web::Payload) -> Self {
        Self { payload }
    }

    /// The next piece.
    ///
    /// # Errors
    /// 408 after a pause that is too long, or when it takes too long altogether; 413 when it is too large; 400 when it is
    /// broken off.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ApiError> {
        match self.payload.next().await {
            None => Ok(None),
            Some(Ok(bytes)) => Ok(Some(bytes)),
            Some(Err(PayloadError::Overflow)) => {
                let message = "the body is too large";
                Err(ApiError::with_status(StatusCode::PAYLOAD_TOO_LARGE, Code::TooMany, message).and_close())
            }
            Some(Err(PayloadError::Io(error))) if error.kind() == io::ErrorKind::TimedOut => {
                let message = "the body paused for too long, or took too long altogether";
                Err(ApiError::with_status(StatusCode::REQUEST_TIMEOUT, Code::Unavailable, message).and_close())
            }
            Some(Err(error)) => {
                tracing::debug!(%error, "a body broke off");
                Err(ApiError::with_status(StatusCode::BAD_REQUEST, Code::BadJson, "the body broke off").and_close())
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
                return Err(ApiError::too_large(limit));
            }
            whole.extend_from_slice(&piece);
        }
        Ok(whole.freeze())
    }
}
