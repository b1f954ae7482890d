//! Answers that tell of people and are too long for one piece: what has not left yet is asked for again before every piece.
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use actix_web::HttpResponse;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::http::header::CONTENT_TYPE;
use bytes::Bytes;

use crate::actors::downlink::Gate;
use crate::domain::{Sight, UserNo};

/// A piece, bytes: about what the socket takes at once.
const PIECE: usize = 8 * 1024;

/// Something of an answer may not be known any more: the connection breaks off in the middle of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TakenBack;

impl fmt::Display for TakenBack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("something of the answer may not be known any more")
    }
}

impl std::error::Error for TakenBack {}

/// An answer of JSON text about `told`, each with what `viewer` must be allowed to know of them.
#[must_use]
pub fn json_about(text: String, viewer: UserNo, told: Vec<(UserNo, Sight)>, gate: Arc<dyn Gate>) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    response.insert_header((CONTENT_TYPE, "application/json"));
    if text.len() <= PIECE {
        return response.body(text);
    }
    let total = text.len() as u64;
    response.body(BoxBody::new(Told { total, rest: Bytes::from(text), viewer, told, gate }))
}

struct Told {
    total: u64,
    rest: Bytes,
    viewer: UserNo,
    told: Vec<(UserNo, Sight)>,
    gate: Arc<dyn Gate>,
}

impl MessageBody for Told {
    type Error = TakenBack;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.total)
    }

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, TakenBack>>> {
        let this = self.get_mut();
        if this.rest.is_empty() {
            return Poll::Ready(None);
        }
        if !this.told.iter().all(|(no, needs)| this.gate.sight(*no, this.viewer) >= *needs) {
            this.rest = Bytes::new();
            return Poll::Ready(Some(Err(TakenBack)));
        }
        let length = this.rest.len().min(PIECE);
        Poll::Ready(Some(Ok(this.rest.split_to(length))))
    }
}
