//! The administrator's calls.
use std::sync::Arc;
use std::sync::atomic::Ordering;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::auth::Administrator;
use super::error::{ApiError, json};
use super::state::Node;
use crate::actors::spatial_index::QueryCounts;
use crate::domain::{Code, DeviceName, DisplayName, Radius, Refusal, UserId, UserNo};
use crate::protocol::http::{
    ModeReply, NewUserBody, NewUserReply, NewUsersBody, NewUsersReply, PeopleReply, PersonReply, RemoveUsersBody,
    RemovedReply, StatsReply, read, write,
};
use crate::store::accounts::{AccountError, NewUser};

/// How many people one `people` call names.
const PEOPLE: usize = 1_000;

/// `POST /v1/admin/users`: accounts, tokens and friendships, all or nothing.
///
/// # Errors
/// 409 when an id exists; 400 and 422 for a bad field.
pub async fn create_users(
    administrator: Administrator,
    payload: web::Payload,
    node: web::Data<Arc<Node>>,
) -> Result<HttpResponse, ApiError> {
    let body = node.body(payload).whole(node.config.limits.admin_body_bytes).await?;
    let body: NewUsersBody = read(&body)?;
    let default = Radius::metres(node.config.proximity.radius).unwrap_or_default();
    let users: Vec<NewUser> = body.users.iter().map(|user| new_user(user, default)).collect::<Result<_, _>>()?;
    let device = DeviceName::parse("first")?;
    let people = node.people.clone();
    let made = off_thread(move || people.create_by(Some(administrator.0.no), &users, &body.friendships, Some(&device)))
        .await?;
    let reply = |person: &crate::store::accounts::Created| NewUserReply {
        user: person.account.id.as_str().to_owned(),
        token: person.token.as_ref().map(|token| token.reveal().to_owned()).unwrap_or_default(),
    };
    Ok(json(write(&NewUsersReply { users: made.iter().map(reply).collect() })))
}

/// `POST /v1/admin/users/remove`.
///
/// # Errors
/// 400 for a bad id.
pub async fn remove_users(
    administrator: Administrator,
    payload: web::Payload,
    node: web::Data<Arc<Node>>,
) -> Result<HttpResponse, ApiError> {
    let body = node.body(payload).whole(node.config.limits.admin_body_bytes).await?;
    let body: RemoveUsersBody = read(&body)?;
    let ids: Vec<UserId> = body.users.iter().map(|id| UserId::parse(id, "users")).collect::<Result<_, _>>()?;
    let numbers = ids.iter().filter_map(|id| node.user.accounts.by_id(id)).map(|account| account.no).collect();
    let removed =
        node.people.erase_all(Some(administrator.0.no), numbers).await.map_err(|error| account_error(&error))?;
    Ok(json(write(&RemovedReply { removed })))
}

/// `GET /v1/admin/people?index=1,2,3`: names for the crowd view's numbers.
///
/// # Errors
/// 400 when `index` is not a list of at most 1,000 numbers.
pub async fn people(
    _administrator: Administrator,
    req: HttpRequest,
    node: web::Data<Arc<Node>>,
) -> Result<HttpResponse, ApiError> {
    let query = super::query::Query::of(&req);
    let list = query.text("index").ok_or_else(|| Refusal::missing("index"))?;
    let wrong = || Refusal::of_field(Code::BadField, "index", format!("index must be at most {PEOPLE} whole numbers"));
    let numbers: Vec<u32> =
        list.split(',').map(|number| number.trim().parse().map_err(|_| wrong())).collect::<Result<_, _>>()?;
    if numbers.len() > PEOPLE {
        return Err(wrong().into());
    }
    let person = |index: u32| {
        let account = node.user.accounts.by_no(UserNo(index))?;
        Some(PersonReply { index, user: account.id.as_str().to_owned(), name: account.name.as_str().to_owned() })
    };
    Ok(json(write(&PeopleReply { people: numbers.into_iter().filter_map(person).collect() })))
}

/// `GET /v1/admin/stats`.
///
/// # Errors
/// 503 when the index is overloaded.
pub async fn stats(_administrator: Administrator, node: web::Data<Arc<Node>>) -> Result<HttpResponse, ApiError> {
    let counts = node.index.send(QueryCounts).await.map_err(|_| ApiError::unavailable("try again"))?;
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let fixes_per_second = node.fixes_per_second_e3.load(Ordering::Relaxed) as f64 / 1_000.0;
    Ok(json(write(&StatsReply {
        users: node.user.accounts.len(),
        online: counts.online,
        free: counts.free,
        near_pairs: counts.near_pairs,
        fixes_per_second,
        steps_today: node.user.steps_today.get(node.user.clock.now(), &node.zone),
        connections: node.sockets.open.load(Ordering::Relaxed),
        uptime_s: node.started.elapsed().as_secs(),
        version: env!("CARGO_PKG_VERSION"),
        mode: ModeReply { redis: node.sinks.redis.is_some(), demo: !node.config.dashboard.guest.is_empty() },
    })))
}

/// Thousands of accounts are a few tens of milliseconds of work and one fsync: not on a thread that serves connections.
pub(super) async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, AccountError> + Send + 'static,
) -> Result<T, ApiError> {
    let done = web::block(work).await.map_err(|_| ApiError::unavailable("try again"))?;
    done.map_err(|error| account_error(&error))
}

/// What went wrong with an account, as an answer.
#[must_use]
pub fn account_error(error: &AccountError) -> ApiError {
    match error {
        AccountError::Conflict(_) => Refusal::of_field(Code::Conflict, "user", error.to_string()).into(),
        AccountError::TooManyTokens | AccountError::TooManyBlocks => {
            Refusal::new(Code::Conflict, error.to_string()).into()
        }
        AccountError::Unknown => ApiError::not_found(),
        AccountError::Oneself => Refusal::of_field(Code::BadField, "friendships", error.to_string()).into(),
        _ => {
            tracing::error!(%error, "an account could not be changed");
            let status = StatusCode::SERVICE_UNAVAILABLE;
            ApiError::with_status(status, Code::Unavailable, "the server cannot store now; try again later")
        }
    }
}

fn new_user(body: &NewUserBody, default: Radius) -> Result<NewUser, Refusal> {
    let id = UserId::parse(&body.user, "user")?;
    let name = body.name.as_deref().map(DisplayName::parse).transpose()?;
    let radius = body.radius.map(Radius::metres).transpose()?.unwrap_or(default);
    Ok(NewUser { name, radius: Some(radius), ..NewUser::named(id) })
}
