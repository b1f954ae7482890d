//! Joining by a link: making invites, showing what one grants, accepting it.
use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};

use super::admin::{account_error, off_thread};
use super::auth::{self, Credential, Reader};
use super::error::{ApiError, json};
use super::peer;
use super::state::Node;
use crate::domain::{Code, DeviceName, DisplayName, Radius, Refusal, Sharing, UserId, UserNo};
use crate::protocol::http::{
    AcceptBody, AcceptReply, InviteReply, InviteRow, InviteView, InvitesReply, PersonRow, SMALL_BODY, SharingReply,
    parse_accept_body, parse_invite_body, write,
};
use crate::store::accounts::{Accepted, Acceptor, AccountError, Identity, Invite, NewUser};
use crate::store::rows::{InviteKind, TokenKind};

/// How often another number is tried for an id that is taken.
const TRIES: usize = 16;
/// What an id is cut to before a number is put behind it.
const LONGEST_STEM: usize = 56;

/// `POST /v1/invites`: a link that makes its opener the caller's friend.
///
/// # Errors
/// 400 and 422 for a bad field; 503 when it cannot be stored.
pub async fn make(
    caller: Reader,
    req: HttpRequest,
    payload: web::Payload,
    node: web::Data<Arc<Node>>,
) -> Result<HttpResponse, ApiError> {
    let now = node.user.clock.now();
    let body = node.body(payload).whole(SMALL_BODY).await?;
    let sharing = parse_invite_body(&body, now)?.choice(now);
    let kind = InviteKind::Friend { inviter: caller.0.no, sharing };
    let (user, expires) = (node.user.clone(), now + node.config.privacy.invite.as_ms());
    let issued = off_thread(move || user.accounts.invite(kind, expires, now)).await?;
    let code = issued.secret.reveal();
    Ok(json(write(&InviteReply { code, url: link(&origin(&req), code), expires: issued.expires.0 })))
}

/// `GET /v1/invites`: the caller's, as long as nobody has accepted them.
///
/// # Errors
/// 401.
pub async fn list(caller: Reader, node: web::Data<Arc<Node>>) -> Result<HttpResponse, ApiError> {
    let now = node.user.clock.now();
    let row = |invite: Invite| match invite.kind {
        InviteKind::Administrator => None,
        InviteKind::Friend { sharing, .. } => Some(InviteRow {
            id: invite.id,
            created: invite.created.0,
            expires: invite.expires.0,
            shared: SharingReply::of(&sharing, now),
        }),
    };
    let invites = node.user.accounts.invites(caller.0.no, now).into_iter().filter_map(row).collect();
    Ok(json(write(&InvitesReply { invites })))
}

/// `DELETE /v1/invites/{id}`: the link is void.
///
/// # Errors
/// 404 when there is no such invite of the caller's.
pub async fn withdraw(
    caller: Reader,
    path: web::Path<String>,
    node: web::Data<Arc<Node>>,
) -> Result<HttpResponse, ApiError> {
    let id = path.parse().map_err(|_| ApiError::not_found())?;
    let (user, no) = (node.user.clone(), caller.0.no);
    let is_gone = off_thread(move || user.accounts.withdraw(no, id)).await?;
    if is_gone { Ok(HttpResponse::NoContent().finish()) } else { Err(ApiError::not_found()) }
}

/// `GET /v1/invites/{code}`: what the link grants, for whoever holds it.
///
/// # Errors
/// 404 for everything but the code of an invite that can be accepted.
pub async fn show(
    req: HttpRequest,
    path: web::Path<String>,
    node: web::Data<Arc<Node>>,
) -> Result<HttpResponse, ApiError> {
    let (accounts, now) = (&node.user.accounts, node.user.clock.now());
    let invite = accounts.invite_by_code(&path, now).ok_or_else(ApiError::not_found)?;
    let expires = invite.expires.0;
    let InviteKind::Friend { inviter, sharing } = invite.kind else {
        return Ok(json(write(&InviteView { administrator: true, inviter: None, shared: None, expires })));
    };
    let viewer = match auth::credential(&req, &node) {
        Credential::Bearer(viewer) | Credential::Cookie(viewer) => viewer,
        Credential::None => None,
    };
    if viewer.is_some_and(|viewer| accounts.is_blocked_between(viewer.no, inviter)) {
        return Err(ApiError::not_found());
    }
    let inviter = accounts.by_no(inviter).ok_or_else(ApiError::not_found)?;
    Ok(json(write(&InviteView {
        administrator: false,
        inviter: Some(PersonRow { user: inviter.id.as_str().to_owned(), name: inviter.name.as_str().to_owned() }),
        shared: Some(SharingReply::of(&sharing, now)),
        expires,
    })))
}

/// `POST /v1/invites/{code}/accept`: with a credential the caller becomes the inviter's friend, or an administrator;
/// without one an account is made first, and its token is in the answer.
///
/// # Errors
/// 404 for everything but the code of an invite that the caller can accept; 400 and 422 for a bad field; 401 and 403 for a
/// credential that does not hold.
pub async fn accept(
    req: HttpRequest,
    payload: web::Payload,
    path: web::Path<String>,
    node: web::Data<Arc<Node>>,
) -> Result<HttpResponse, ApiError> {
    let known = acceptor(&req, &node)?;
    let body = node.body(payload).whole(SMALL_BODY).await?;
    let body = parse_accept_body(&body, node.user.clock.now())?;
    // Who does not hold an invite learns nothing from what an id would have met.
    node.user.accounts.invite_by_code(&path, node.user.clock.now()).ok_or_else(ApiError::not_found)?;
    let accepted = match known {
        Some(caller) => {
            let sharing = body.shared.choice(node.user.clock.now());
            node.people.accept(path.into_inner(), Acceptor::Known(caller.no), sharing).await
        }
        None => join(&node, &path, body).await?,
    };
    let accepted = accepted.map_err(|error| account_error(&error))?;
    let account = node.user.accounts.by_no(accepted.no).ok_or_else(ApiError::not_found)?;
    let friend = accepted.friend.and_then(|friend| node.user.accounts.by_no(friend));
    Ok(json(write(&AcceptReply {
        user: account.id.as_str(),
        friend: friend.as_ref().map(|friend| friend.id.as_str()),
        token: accepted.token.as_ref().map(|token| token.reveal()),
    })))
}

/// Who accepts, when it is somebody known. A session that is over is nobody: the browser cannot help sending it.
fn acceptor(req: &HttpRequest, node: &Node) -> Result<Option<Identity>, ApiError> {
    let known = match auth::credential(req, node) {
        Credential::Bearer(Some(known)) => known,
        Credential::Bearer(None) => return Err(ApiError::unauthenticated()),
        Credential::Cookie(Some(known)) if auth::is_own_origin(req) => known,
        Credential::Cookie(Some(_)) => {
            return Err(ApiError::forbidden("requests with the session cookie must come from the dashboard itself"));
        }
        Credential::Cookie(None) | Credential::None => return Ok(None),
    };
    if known.kind == TokenKind::Device {
        return Err(ApiError::forbidden("a device token can only write"));
    }
    Ok(Some(known))
}

/// Makes an account for somebody new. The id is what they wish, or made from their name; when it is taken, with a number
/// behind it. (So who accepts can tell that somebody here has an id they wished for, at the price of an invite and an account.)
async fn join(node: &Node, code: &str, body: AcceptBody) -> Result<Result<Accepted, AccountError>, ApiError> {
    let name = match (&body.name, &body.user) {
        (Some(name), _) => name.clone(),
        (None, Some(id)) => DisplayName::from(id),
        (None, None) => return Err(Refusal::missing("name").into()),
    };
    let wish = match body.user {
        Some(id) => id,
        None => id_from(&name)?,
    };
    let device = match body.device {
        Some(device) => device,
        None => DeviceName::parse("first")?,
    };
    let radius = Radius::metres(node.config.proximity.radius).ok();
    let mut id = wish.clone();
    for _ in 0..TRIES {
        let user = NewUser { name: Some(name.clone()), radius, ..NewUser::named(id) };
        let sharing = body.shared.choice(node.user.clock.now());
        match node.people.accept(code.to_owned(), Acceptor::New(user, device.clone()), sharing).await {
            Err(AccountError::Conflict(_)) => id = numbered(&wish)?,
            decided => return Ok(decided),
        }
    }
    Err(Refusal::of_field(Code::Conflict, "user", "user: this id and many like it are taken").into())
}

/// An id made from a name: its ASCII letters and digits in lower case, a dash for whatever is between them.
fn id_from(name: &DisplayName) -> Result<UserId, Refusal> {
    let mut id = String::with_capacity(name.as_str().len());
    for c in name.as_str().chars().flat_map(char::to_lowercase) {
        if c.is_ascii_alphanumeric() {
            id.push(c);
        } else if !id.is_empty() && !id.ends_with('-') {
            id.push('-');
        }
    }
    let id = id.trim_end_matches('-');
    UserId::parse(if id.is_empty() { "friend" } else { id }, "user")
}

/// The same id with a number behind it, one that says nothing about how many of them there are.
fn numbered(wish: &UserId) -> Result<UserId, ApiError> {
    let random = getrandom::u32().map_err(|_| ApiError::unavailable("try again"))?;
    let stem: String = wish.as_str().chars().take(LONGEST_STEM).collect();
    Ok(UserId::parse(&format!("{stem}-{}", 10 + random % 9_990), "user")?)
}

/// The link that carries a code, in the fragment: browsers send it to no server, so it is in nobody's log.
#[must_use]
pub fn link(origin: &str, code: &str) -> String {
    format!("{origin}/join#{code}")
}

/// What a link from the command line grants: friendship with somebody, or administration.
#[must_use]
pub fn kind_of_link(inviter: Option<UserNo>) -> InviteKind {
    match inviter {
        Some(inviter) => InviteKind::Friend { inviter, sharing: Sharing::default() },
        None => InviteKind::Administrator,
    }
}

/// The link that makes the first administrator, on a node without anybody; it takes the place of the one before. Nothing
/// else grants anything: there is no password that everybody knows.
///
/// # Errors
/// When the store cannot write.
pub fn first_link(node: &Node, origin: &str) -> Result<Option<String>, AccountError> {
    let (accounts, now) = (&node.user.accounts, node.user.clock.now());
    if !accounts.is_empty() {
        return Ok(None);
    }
    let issued = accounts.invite(InviteKind::Administrator, now + node.config.privacy.invite.as_ms(), now)?;
    Ok(Some(link(origin, issued.secret.reveal())))
}

/// Where the caller reaches this server. The link goes to the caller alone, so a made-up `Host` fools nobody else.
#[must_use]
pub fn origin(req: &HttpRequest) -> String {
    peer::own_origin(req).unwrap_or_else(|| {
        let door = peer::Door::of(req);
        let scheme = if door.is_some_and(|door| door.tls) { "https" } else { "http" };
        let address = door.map_or_else(|| req.app_config().local_addr(), |door| door.address);
        format!("{scheme}://{address}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_made_of_what_a_name_has_in_ascii() {
        for (name, id) in [
            ("Ann", "ann"),
            ("Ann B.", "ann-b"),
            ("  Jean-Luc  Picard ", "jean-luc-picard"),
            ("Łukasz", "ukasz"),
            ("小林", "friend"),
            ("☕", "friend"),
            ("../../etc", "etc"),
            ("_", "friend"),
            (&"x".repeat(64), &"x".repeat(64)),
        ] {
            assert_eq!(id_from(&DisplayName::parse(name).unwrap()).unwrap().as_str(), id, "{name}");
        }
    }

    #[test]
    fn an_id_that_is_taken_gets_a_number_and_stays_an_id() {
        for wish in ["ann", &"x".repeat(64)] {
            let wish = UserId::parse(wish, "user").unwrap();
            let (one, other) = (numbered(&wish).unwrap(), numbered(&wish).unwrap());
            assert!(one.as_str().len() <= 64 && other.as_str().len() <= 64);
            let number: u32 = one.as_str().rsplit_once('-').unwrap().1.parse().unwrap();
            assert!((10..10_000).contains(&number));
        }
    }
}
