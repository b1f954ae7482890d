//! The hourly histogram in Redis: a copy for dashboards, and the sum over several nodes. Redis may be absent, slow,
//! full, or lose everything: nothing here is the only place of anything.
//!
//! A time-out is neither a failure nor a success (100,003 timed-out `INCR`s had all been applied), so every write is
//! absolute and repeatable: see `merge_hour.lua`. That Redis has lost data shows in a key of this node that holds how
//! far it has written: when it is gone, or an older value came back, everything is written again.
use std::fmt;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, ErrorKind, RedisError, Script, ServerErrorKind};
use tokio::runtime::Runtime;

use super::histograms::{HistogramSink, Holds, SinkError};
use super::keys::Keys;
use super::rows::{HourKey, HourRow};
use crate::domain::{Code, Refusal};

/// Where Redis is. Its password is shown nowhere.
#[derive(Clone)]
pub struct RedisUrl {
    client: Client,
}

impl RedisUrl {
    /// Reads `redis://[USER:PASSWORD@]HOST:PORT[/DB]` or `redis+unix:///PATH`.
    ///
    /// # Errors
    /// `bad_field` on `redis.url`; the message does not repeat the URL.
    pub fn parse(url: &str) -> Result<Self, Refusal> {
        let client = Client::open(url).map_err(|_| {
            let message = "redis.url must be redis://[USER:PASSWORD@]HOST:PORT[/DB] or redis+unix:///PATH";
            Refusal::of_field(Code::BadField, "redis.url", message)
        })?;
        Ok(Self { client })
    }

    fn secrets(&self) -> impl Iterator<Item = &str> {
        let settings = self.client.get_connection_info().redis_settings();
        [settings.password(), settings.username()].into_iter().flatten().filter(|secret| !secret.is_empty())
    }
}

/// Host, port and database, without user and password.
impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let info = self.client.get_connection_info();
        write!(f, "redis://{}/{}", info.addr(), info.redis_settings().db())
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisUrl({self})")
    }
}

/// The histogram in Redis. Used by one writer thread, which waits for it; never by an actor.
pub struct RedisHistograms {
    url: RedisUrl,
    keys: Keys,
    node: u64,
    timeout: Duration,
    merge: Script,
    confirm: Script,
    /// Made by the first use, so that it lives and ends on the writer's thread.
    link: Option<Link>,
    /// Tells this life of the process from earlier ones.
    generation: u64,
    round: u64,
    /// What the node's key held when it was last known, and what has been sent since without an answer.
    confirmed: Option<String>,
    sent: Option<String>,
    /// What it holds while everything is written again.
    begun: Option<String>,
}

struct Link {
    runtime: Runtime,
    connection: Option<MultiplexedConnection>,
}

impl RedisHistograms {
    /// The histogram under `keys`, written by the node that calls itself `node`. Connects to nothing yet. `timeout`
    /// bounds every single answer, the connecting included.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn new(url: RedisUrl, keys: Keys, node: u64, timeout: Duration) -> Result<Self, getrandom::Error> {
        let merge = Script::new(include_str!("merge_hour.lua"));
        let confirm = Script::new(include_str!("confirm.lua"));
        let generation = getrandom::u64()?;
        let (link, confirmed, sent, begun) = (None, None, None, None);
        Ok(Self { url, keys, node, timeout, merge, confirm, link, generation, round: 0, confirmed, sent, begun })
    }

    /// Runs one exchange on a connection, which is made if need be and given up when its state is not known.
    fn exchange<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut MultiplexedConnection) -> Result<T, RedisError>,
    ) -> Result<T, RedisError> {
        let link = match &mut self.link {
            Some(link) => link,
            none => {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
                none.insert(Link { runtime, connection: None })
            }
        };
        let Link { runtime, connection } = link;
        runtime.block_on(async {
            let connected = match connection.take() {
                Some(connected) => Ok(connected),
                None => {
                    let config = AsyncConnectionConfig::new()
                        .set_connection_timeout(Some(self.timeout))
                        .set_response_timeout(Some(self.timeout));
                    // A stopped Redis still accepts: only this clock ends the wait for its greeting.
                    let connecting = self.url.client.get_multiplexed_async_connection_with_config(&config);
                    let connected = tokio::time::timeout(self.timeout.saturating_mul(2), connecting).await;
                    connected.unwrap_or_else(|_| Err((ErrorKind::Io, "no answer while connecting").into()))
                }
            };
            let mut connected = connected?;
            let outcome = work(&mut connected).await;
            if !outcome.as_ref().is_err_and(is_link_lost) {
                *connection = Some(connected);
            }
            outcome
        })
    }

    /// A value for the node's key that was never used before.
    fn next_value(&mut self) -> String {
        self.round = self.round.wrapping_add(1);
        format!("{:016x}:{}", self.generation, self.round)
    }

    fn describe(&self, error: &RedisError) -> SinkError {
        let mut text = format!("{}: {error}", self.url);
        for secret in self.url.secrets() {
            text = text.replace(secret, "…");
        }
        if is_about_one_set(error) { SinkError::Refused(text) } else { SinkError::Away(text) }
    }
}

/// After anything but an answer of the server, late answers could be taken for those of the next question.
fn is_link_lost(error: &RedisError) -> bool {
    !matches!(error.kind(), ErrorKind::Server(_) | ErrorKind::Extension)
}

/// The server refused this one set (as when somebody else uses its key); it may take the others.
fn is_about_one_set(error: &RedisError) -> bool {
    matches!(error.kind(), ErrorKind::Server(ServerErrorKind::ResponseError) | ErrorKind::Extension)
}

impl HistogramSink for RedisHistograms {
    fn name(&self) -> &'static str {
        "redis"
    }

    fn check(&mut self) -> Result<Holds, SinkError> {
        let key = self.keys.node(self.node);
        let found: Option<String> = self
            .exchange(async |redis| redis::cmd("GET").arg(&key).query_async(redis).await)
            .map_err(|error| self.describe(&error))?;
        if found.is_some() && (found == self.confirmed || found == self.sent) {
            (self.confirmed, self.begun) = (found, None);
            return Ok(Holds::Everything);
        }
        // Laid down before anything is written again: what Redis loses from here on, it loses with this.
        (self.confirmed, self.sent) = (None, None);
        let value = self.next_value();
        self.exchange(async |redis| redis::cmd("SET").arg(key).arg(&value).query_async::<()>(redis).await)
            .map_err(|error| self.describe(&error))?;
        self.begun = Some(value);
        Ok(Holds::Unknown)
    }

    fn write(&mut self, sets: &[HourRow], written: &mut Vec<HourKey>) -> Result<(), SinkError> {
        let mut first_refusal = None;
        for HourRow { key, bitmap } in sets {
            let script = self.merge.clone();
            let mut merge = script.prepare_invoke();
            merge.key(self.keys.hour(*key)).key(self.keys.scratch()).key(self.keys.day(key.0.date));
            merge.arg(bitmap.as_slice()).arg(Keys::field(*key));
            match self.exchange(async |redis| merge.invoke_async::<u64>(redis).await) {
                Ok(_) => written.push(*key),
                Err(error) => match self.describe(&error) {
                    refused @ SinkError::Refused(_) => _ = first_refusal.get_or_insert(refused),
                    away @ SinkError::Away(_) => return Err(away),
                },
            }
        }
        first_refusal.map_or(Ok(()), Err)
    }

    fn confirm(&mut self) -> Result<(), SinkError> {
        let value = self.next_value();
        self.sent = Some(value.clone());
        let held = self.begun.as_ref().or(self.confirmed.as_ref()).cloned().unwrap_or_default();
        let script = self.confirm.clone();
        let mut confirm = script.prepare_invoke();
        confirm.key(self.keys.node(self.node)).arg(held).arg(value);
        match self.exchange(async |redis| confirm.invoke_async::<bool>(redis).await) {
            Ok(true) => {
                (self.confirmed, self.begun) = (self.sent.take(), None);
                Ok(())
            }
            Ok(false) => Err(SinkError::Away(format!("{}: lost what was being written", self.url))),
            Err(error) => Err(self.describe(&error)),
        }
    }
}

impl fmt::Debug for RedisHistograms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisHistograms").field("url", &self.url).field("keys", &self.keys).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_shown() {
        let url = RedisUrl::parse("redis://ann:hunter2@127.0.0.1:6379/3").unwrap();
        assert_eq!(url.to_string(), "redis://127.0.0.1:6379/3");
        let histograms = RedisHistograms::new(url, Keys::new("x:").unwrap(), 1, Duration::from_millis(1)).unwrap();
        let error = RedisError::from((ErrorKind::Client, "odd", "hunter2 of ann".to_owned()));
        for text in [format!("{histograms:?}"), histograms.describe(&error).to_string()] {
            assert!(!text.contains("hunter2"), "{text}");
        }
    }

    #[test]
    fn a_url_that_is_none_is_refused_without_repeating_it() {
        for bad in ["", "hunter2", "http://ann:hunter2@host", "redis://ann:hunter2@", "redis://:hunter2@host:port"] {
            let refusal = RedisUrl::parse(bad).unwrap_err();
            assert_eq!(refusal.field, Some("redis.url"));
            assert!(!refusal.message.contains("hunter2"));
        }
    }
}
