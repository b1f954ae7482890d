//! How a person's phones do, for the page on which they are set up.
use std::sync::Arc;

use actix_web::{HttpResponse, web};

use crate::actors::phones::{Hint, Outcome, Phone};
use crate::domain::PhoneApp;
use crate::http::admin::off_thread;
use crate::http::auth::Reader;
use crate::http::error::{ApiError, json};
use crate::http::state::Node;
use crate::protocol::http::{
    DroppedReply, HintReply, PhoneReply, PhonesReply, SMALL_BODY, SentReply, WrongReply, parse_phone_body, write,
};
use crate::store::rows::{PhoneChoice, TokenKind, TokenRow};

/// `GET /v1/me/phones`: every token that was made for an app or came with one, and how its requests went.
///
/// # Errors
/// 401.
pub async fn list(caller: Reader, node: web::Data<Arc<Node>>) -> Result<HttpResponse, ApiError> {
    let (no, now) = (caller.0.no, node.user.clock.now());
    let tokens = node.user.accounts.tokens(no);
    let held = tokens.iter().filter(|token| !token.has_expired(now) && token.kind != TokenKind::Session);
    let phones = held.filter_map(|token| row(token, node.user.phones.get(token.id).as_ref())).collect();
    let wrong = node.user.phones.last_wrong(no, now);
    let wrong_credentials = wrong.map(|wrong| WrongReply { t: wrong.t.0, app: wrong.app.as_str() });
    Ok(json(write(&PhonesReply { phones, wrong_credentials })))
}

/// `PATCH /v1/me/phones/{id}` `{near_notices?, ask_steps?}`.
///
/// # Errors
/// 400 for a bad field; 404 when the caller has no such token; 503 when it cannot be stored.
pub async fn change(
    caller: Reader,
    path: web::Path<String>,
    payload: web::Payload,
    node: web::Data<Arc<Node>>,
) -> Result<HttpResponse, ApiError> {
    let body = node.body(payload).whole(SMALL_BODY).await?;
    let body = parse_phone_body(&body)?;
    let id: u64 = path.parse().map_err(|_| ApiError::not_found())?;
    let (user, no) = (node.user.clone(), caller.0.no);
    let choose = move |phone: PhoneChoice| PhoneChoice {
        near_notices: body.near_notices.unwrap_or(phone.near_notices),
        ask_steps: body.ask_steps.unwrap_or(phone.ask_steps),
        ..phone
    };
    let token =
        off_thread(move || user.accounts.choose_phone(no, id, choose)).await?.ok_or_else(ApiError::not_found)?;
    let phone = node.user.phones.get(id);
    Ok(json(write(&shown(&token, phone.as_ref()))))
}

/// A token that is a phone's: made for an app, or seen with one.
fn row(token: &TokenRow, phone: Option<&Phone>) -> Option<PhoneReply> {
    (token.phone.app.is_some() || phone.is_some()).then(|| shown(token, phone))
}

fn shown(token: &TokenRow, phone: Option<&Phone>) -> PhoneReply {
    let tally = phone.map(|phone| phone.tally).unwrap_or_default();
    PhoneReply {
        id: token.id,
        device: token.device.as_str().to_owned(),
        app: token.phone.app.or(phone.map(|phone| phone.app)).map(PhoneApp::as_str),
        platform: phone.and_then(|phone| phone.platform.as_str()),
        near_notices: token.phone.near_notices,
        ask_steps: token.phone.ask_steps,
        reached: phone.map(|phone| phone.reached.1.0),
        reached_first: phone.map(|phone| phone.reached.0.0),
        last_ok: phone.and_then(|phone| phone.last_ok).map(|t| t.0),
        last_fix: phone.and_then(|phone| phone.last_fix).map(|t| t.0),
        friends_sent: phone.and_then(|phone| phone.friends_sent).map(|(t, count)| SentReply { t: t.0, count }),
        last_status: phone.and_then(|phone| phone.last_status),
        accepted: tally.get(Outcome::Accepted),
        dropped: DroppedReply {
            late: tally.get(Outcome::Late),
            duplicate: tally.get(Outcome::Duplicate),
            odd: tally.get(Outcome::Odd),
            too_often: tally.get(Outcome::TooOften),
            future: tally.get(Outcome::Future),
            too_old: tally.get(Outcome::TooOld),
        },
        hint: phone.and_then(|phone| phone.hint).map(hint),
    }
}

fn hint(hint: Hint) -> HintReply {
    let (code, message) = match hint {
        Hint::Encrypted => (
            "encrypted",
            "The app encrypts what it sends, and nobody here has the key: clear the encryption key in the app's settings.",
        ),
        Hint::Clock => ("clock", "The phone's clock is ahead: set it to the network's time."),
        Hint::Odd => ("odd", "What came is no position: compare the address in the app with the one shown here."),
        Hint::TooOld => (
            "too_old",
            "Only positions older than seven days came: the phone sends what it had kept, or its clock is behind.",
        ),
    };
    HintReply { code, message }
}
