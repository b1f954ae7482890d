//! Administration: through the private socket of a running node, or on the folder of a stopped one.
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};

use super::replay::{self, ReplayArgs, ReplayTarget};
use super::{Place, say};
use crate::activity::histogram::{Histogram, hour_of};
use crate::actors::hourly_aggregator::DayHistogram;
use crate::config::Config;
use crate::domain::{Clock, DeviceName, Radius, UserId};
use crate::http::admin_socket::SOCKET;
use crate::http::invites::{kind_of_link, link};
use crate::http::status::day_reply;
use crate::protocol::admin::{AdminReply, AdminRequest, read_reply, write_request};
use crate::protocol::http::write;
use crate::store::accounts::{AccountError, Accounts, NewUser};
use crate::store::embedded::Embedded;
use crate::store::histograms::EmbeddedHistograms;
use crate::store::rows::TokenKind;
use crate::telemetry::Unread;

/// Carries out `request` and prints what came of it.
///
/// # Errors
/// What is wrong, in words.
pub fn ask(place: &Place, request: &AdminRequest) -> anyhow::Result<()> {
    let config = place.load()?;
    let answer = match running(&config)? {
        Some(node) => ask_running(node, request)?,
        None => carry_out(&config, request)?,
    };
    say(&answer);
    Ok(())
}

/// Plays recordings into a node.
///
/// # Errors
/// What is wrong with a recording, or with the node.
pub fn replay(place: &Place, args: &ReplayArgs) -> anyhow::Result<()> {
    let target = target(place, args)?;
    let report = replay::run(args, &target, &mut Unread(std::io::stdout()))?;
    if !report.is_clean() {
        bail!("not everything was taken; what was is stored");
    }
    Ok(())
}

/// Where a replay goes: as told by `--to` and the environment, or to the running node of the data folder.
fn target(place: &Place, args: &ReplayArgs) -> anyhow::Result<ReplayTarget> {
    let token = std::env::var("LETSHANG_TOKEN").ok();
    if let (Some(base_url), Some(token)) = (args.to.clone(), token.clone()) {
        return Ok(ReplayTarget { base_url, token });
    }
    let config = place.load()?;
    let node = || {
        let found = running(&config)?;
        found.with_context(|| {
            format!(
                "no node runs on the folder {}: start one, name its folder with --data, or set --to and LETSHANG_TOKEN",
                config.store.data.display()
            )
        })
    };
    let base_url = match &args.to {
        Some(url) => url.clone(),
        None => ask_running(node()?, &AdminRequest::Address)?,
    };
    let token = match token {
        Some(token) => token,
        None => {
            // Seed lines name their people and need the administrator; a GPX file is one person's.
            let name = args.user.clone().context("name the person with --user, or set LETSHANG_TOKEN")?;
            ask_running(node()?, &AdminRequest::Token { name, device: "replay".to_owned() })?
        }
    };
    Ok(ReplayTarget { base_url, token })
}

fn running(config: &Config) -> anyhow::Result<Option<UnixStream>> {
    match UnixStream::connect(config.store.data.join(SOCKET)) {
        Ok(stream) => Ok(Some(stream)),
        Err(error) => match error.kind() {
            std::io::ErrorKind::NotFound | std::io::ErrorKind::ConnectionRefused => Ok(None),
            _ => Err(error).context("cannot reach the running node's private socket"),
        },
    }
}

fn ask_running(mut node: UnixStream, request: &AdminRequest) -> anyhow::Result<String> {
    node.set_read_timeout(Some(Duration::from_secs(10)))?;
    writeln!(node, "{}", write_request(request))?;
    let mut line = String::new();
    BufReader::new(node).read_line(&mut line).context("the running node did not answer")?;
    match read_reply(&line).map_err(anyhow::Error::msg)? {
        AdminReply::Done(answer) => Ok(answer),
        AdminReply::Refused(why) => bail!(why),
    }
}

fn carry_out(config: &Config, request: &AdminRequest) -> anyhow::Result<String> {
    let store = Arc::new(Embedded::open(&config.store.data)?);
    let accounts = Accounts::open(store.clone())?;
    let now = Clock::System.now();
    let number = |name: &str| -> anyhow::Result<_> {
        let id = UserId::parse(name, "user")?;
        Ok(accounts.by_id(&id).ok_or(AccountError::Unknown)?.no)
    };
    Ok(match request {
        AdminRequest::UserAdd { name, admin } => {
            let radius = Radius::metres(config.proximity.radius).ok();
            let user = NewUser { admin: *admin, radius, ..NewUser::named(UserId::parse(name, "user")?) };
            accounts.create(&[user], &[], None, now)?;
            name.clone()
        }
        AdminRequest::Token { name, device } => {
            let device = DeviceName::parse(device)?;
            let issued = accounts.issue_token_by(None, number(name)?, TokenKind::Full, &device, None, now)?;
            issued.secret.reveal().to_owned()
        }
        AdminRequest::Befriend { a, b } => {
            accounts.befriend(number(a)?, number(b)?)?;
            format!("{a} and {b} are friends")
        }
        AdminRequest::Invite { name } => {
            let inviter = name.as_deref().map(number).transpose()?;
            let issued = accounts.invite(kind_of_link(inviter), now + config.privacy.invite.as_ms(), now)?;
            link(&format!("http://{}", config.server.listen), issued.secret.reveal())
        }
        AdminRequest::Erase { name } => {
            accounts.remove(&[number(name)?])?;
            store.purge()?;
            format!("{name} is erased")
        }
        AdminRequest::Address => bail!("no node runs on the folder {}", config.store.data.display()),
        AdminRequest::Histogram { date } => {
            let zone = config.zone()?;
            let today = hour_of(now, &zone).date;
            let date = match date {
                Some(text) => text.parse().with_context(|| format!("{text} is not a day as YYYY-MM-DD"))?,
                None => today,
            };
            let mut day = Histogram::default();
            for ((hour, presence), set) in EmbeddedHistograms::new(store).day(date)? {
                day.merge(hour, presence, &set);
            }
            let day = DayHistogram { date, hours: day.counts(date).hours, complete: date < today };
            write(&day_reply(&day, &config.hours.time_zone, None))
        }
    })
}
