//! OwnTracks in HTTP mode: `POST /owntracks`, and `/pub`, which its handbook names.
use std::sync::Arc;

use actix_web::{HttpResponse, web};

use super::friends::{NOTHING, array};
use super::{Phone, answered, intake, whole};
use crate::actors::phones::Hint;
use crate::http::error::{ApiError, json};
use crate::http::state::Node;
use crate::protocol::phones::owntracks::{Messages, parse};

/// A message: always answered with an array. To one that says where the phone is now it has the friends.
///
/// # Errors
/// 413 for a body beyond `limits.phone_body_bytes`; 503 when it cannot be stored.
pub async fn post(phone: Phone, payload: web::Payload, node: web::Data<Arc<Node>>) -> Result<HttpResponse, ApiError> {
    let outcome = match whole(&node, payload).await {
        Ok(body) => {
            let messages = parse(&body, phone.platform);
            answer(&node, &phone, &messages).await
        }
        Err(error) => Err(error),
    };
    answered(&node, &phone, outcome)
}

async fn answer(node: &Node, phone: &Phone, messages: &Messages) -> Result<HttpResponse, ApiError> {
    let taken = intake::take(node, phone, &messages.readings).await?;
    if messages.encrypted {
        node.user.phones.hint(phone.identity.token_id, Hint::Encrypted);
    }
    if !taken.is_present {
        return Ok(json(NOTHING.to_owned()));
    }
    Ok(array(node, phone, messages.tid.as_deref(), messages.is_answer).await)
}
