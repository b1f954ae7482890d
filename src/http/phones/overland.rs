//! Overland: `/overland`, with the token as bearer; and the same batches from GPSLogger's Dawarich target.
use std::sync::Arc;

use actix_web::{HttpResponse, web};

use super::{Phone, answered, friends, intake, whole};
use crate::actors::phones::Hint;
use crate::http::error::{ApiError, json};
use crate::http::state::Node;
use crate::protocol::http::write;
use crate::protocol::phones::overland::parse;
use crate::protocol::phones::reply::{OverlandName, OverlandReply};

/// Whose token it is, for the app's screen.
///
/// # Errors
/// 401.
pub async fn get(phone: Phone, node: web::Data<Arc<Node>>) -> Result<HttpResponse, ApiError> {
    let account = node.user.accounts.by_no(phone.identity.no).ok_or_else(ApiError::unauthenticated)?;
    answered(&node, &phone, Ok(json(write(&OverlandName { name: account.name.as_str() }))))
}

/// A batch. The answer says `ok` once it is stored: only then the phone forgets it.
///
/// # Errors
/// 413 for a body beyond `limits.phone_body_bytes`; 503 when it cannot be stored.
pub async fn post(phone: Phone, payload: web::Payload, node: web::Data<Arc<Node>>) -> Result<HttpResponse, ApiError> {
    let outcome = match take(&node, &phone, payload).await {
        Ok(true) => Ok(friends::overland(&node, &phone).await),
        Ok(false) => Ok(ok()),
        Err(error) => Err(error),
    };
    answered(&node, &phone, outcome)
}

/// The same from an app that shows nothing of the answer.
///
/// # Errors
/// As [`post`].
pub async fn post_batch(
    phone: Phone,
    payload: web::Payload,
    node: web::Data<Arc<Node>>,
) -> Result<HttpResponse, ApiError> {
    let outcome = take(&node, &phone, payload).await.map(|_| ok());
    answered(&node, &phone, outcome)
}

/// Takes a batch; true when it says where the phone is now.
async fn take(node: &Node, phone: &Phone, payload: web::Payload) -> Result<bool, ApiError> {
    let batch = parse(&whole(node, payload).await?);
    let taken = intake::take(node, phone, &batch.readings).await?;
    if batch.owntracks.is_some_and(|messages| messages.encrypted) {
        node.user.phones.hint(phone.identity.token_id, Hint::Encrypted);
    }
    Ok(taken.is_present)
}

fn ok() -> HttpResponse {
    json(write(&OverlandReply { result: "ok", geocode: None, set: None }))
}
