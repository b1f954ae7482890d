//! The private socket in the data folder, by which the command line administrates a running node. Only the folder's owner
//! can reach it.
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};

use super::invites::{kind_of_link, link};
use super::state::Node;
use crate::actors::hourly_aggregator::QueryHistogram;
use crate::domain::{DeviceName, Refusal, UserId, UserNo};
use crate::protocol::admin::{AdminReply, AdminRequest, read_request, write_reply};
use crate::protocol::http::write;
use crate::store::accounts::{AccountError, NewUser};

/// The socket's name in the data folder.
pub const SOCKET: &str = "admin.sock";
const LONGEST_LINE: u64 = 4_096;
const PATIENCE: Duration = Duration::from_secs(5);

/// Listens on the private socket.
///
/// # Errors
/// When the socket cannot be made in `data`.
pub fn bind(data: &Path) -> std::io::Result<UnixListener> {
    let path: PathBuf = data.join(SOCKET);
    // The folder's lock is ours, so a socket left there is a dead one.
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Answers until the node stops.
pub async fn serve(listener: UnixListener, node: Arc<Node>, address: String) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let (node, address) = (node.clone(), address.clone());
                actix_rt::spawn(async move {
                    if let Err(error) = answer(stream, &node, &address).await {
                        tracing::debug!(%error, "an administration call broke off");
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "the administration socket cannot accept");
                actix_rt::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn answer(stream: UnixStream, node: &Node, address: &str) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    let mut reader = BufReader::new(read.take(LONGEST_LINE));
    actix_rt::time::timeout(PATIENCE, reader.read_line(&mut line)).await??;
    let reply = match read_request(&line) {
        Ok(request) => carry_out(request, node, address).await,
        Err(error) => AdminReply::Refused(error),
    };
    write.write_all(write_reply(&reply).as_bytes()).await?;
    write.write_all(b"\n").await
}

async fn carry_out(request: AdminRequest, node: &Node, address: &str) -> AdminReply {
    let outcome = match request {
        AdminRequest::Address => Ok(address.to_owned()),
        AdminRequest::UserAdd { name, admin } => add(node, &name, admin),
        AdminRequest::Token { name, device } => token(node, &name, &device),
        AdminRequest::Befriend { a, b } => befriend(node, &a, &b).await,
        AdminRequest::Invite { name } => invite(node, name, address),
        AdminRequest::Erase { name } => erase(node, &name).await,
        AdminRequest::Histogram { date } => histogram(node, date).await,
    };
    outcome.map_or_else(AdminReply::Refused, AdminReply::Done)
}

fn add(node: &Node, name: &str, admin: bool) -> Result<String, String> {
    let id = UserId::parse(name, "user").map_err(sentence)?;
    let radius = crate::domain::Radius::metres(node.config.proximity.radius).ok();
    let user = NewUser { admin, radius, ..NewUser::named(id) };
    node.people.create(&[user], &[], None).map_err(account_sentence)?;
    Ok(name.to_owned())
}

fn token(node: &Node, name: &str, device: &str) -> Result<String, String> {
    let id = UserId::parse(name, "user").map_err(sentence)?;
    let device = DeviceName::parse(device).map_err(sentence)?;
    let issued = node.people.token(&id, &device).map_err(account_sentence)?;
    Ok(issued.secret.reveal().to_owned())
}

async fn befriend(node: &Node, a: &str, b: &str) -> Result<String, String> {
    let (one, other) = (UserId::parse(a, "user").map_err(sentence)?, UserId::parse(b, "user").map_err(sentence)?);
    node.people.befriend(&one, &other).await.map_err(account_sentence)?;
    Ok(format!("{a} and {b} are friends"))
}

fn invite(node: &Node, name: Option<String>, address: &str) -> Result<String, String> {
    let inviter = name.map(|name| number(node, &name)).transpose()?;
    let kind = kind_of_link(inviter);
    let now = node.user.clock.now();
    let issued = node.user.accounts.invite(kind, now + node.config.privacy.invite.as_ms(), now);
    Ok(link(address, issued.map_err(account_sentence)?.secret.reveal()))
}

async fn erase(node: &Node, name: &str) -> Result<String, String> {
    let erased = node.people.erase(None, number(node, name)?).await.map_err(account_sentence)?;
    if erased { Ok(format!("{name} is erased")) } else { Err(account_sentence(AccountError::Unknown)) }
}

fn number(node: &Node, name: &str) -> Result<UserNo, String> {
    let id = UserId::parse(name, "user").map_err(sentence)?;
    let account = node.user.accounts.by_id(&id).ok_or(AccountError::Unknown).map_err(account_sentence)?;
    Ok(account.no)
}

async fn histogram(node: &Node, date: Option<String>) -> Result<String, String> {
    let today = crate::activity::histogram::hour_of(node.user.clock.now(), &node.zone).date;
    let date = match date {
        Some(text) => text.parse().map_err(|_| format!("{text} is not a day as YYYY-MM-DD"))?,
        None => today,
    };
    let day = node.hours.send(QueryHistogram { date }).await.map_err(|error| error.to_string())?;
    let day = day.map_err(|error| error.to_string())?;
    Ok(write(&super::status::day_reply(&day, &node.config.hours.time_zone, None)))
}

fn sentence(refusal: Refusal) -> String {
    refusal.message
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn account_sentence(error: AccountError) -> String {
    error.to_string()
}
