//! `[redis]`: an optional copy of the histogram.
use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

use super::keys::{Key, Kind};
use super::span::Span;

/// What each key may hold.
pub(super) const KEYS: &[Key] =
    &[("redis.url", Kind::Text), ("redis.prefix", Kind::Text), ("redis.timeout", Kind::Duration(10, 60_000))];

/// `[redis]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Redis {
    /// Where; empty: none.
    pub url: RedisUrl,
    /// What every key begins with.
    pub prefix: String,
    /// How long one command may take.
    pub timeout: Span,
}

/// A Redis address whose password is never shown.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct RedisUrl(String);

impl RedisUrl {
    /// An address as it was written.
    #[must_use]
    pub fn new(url: &str) -> Self {
        Self(url.to_owned())
    }

    /// The address with its password: only for connecting. `None` when no Redis is configured.
    #[must_use]
    pub fn reveal(&self) -> Option<&str> {
        Some(self.0.as_str()).filter(|url| !url.is_empty())
    }

    /// Whether there is a secret in it: `//USER:PASSWORD@`, or `?pass=` of a Unix socket.
    #[must_use]
    pub fn has_password(&self) -> bool {
        let after = |text: &str| text.split_once(':').is_some_and(|(_, password)| !password.is_empty());
        self.user_info().is_some_and(after) || self.0.split_once('?').is_some_and(|(_, query)| query.contains("pass"))
    }

    /// What stands between `//`, or the beginning, and the last `@`.
    fn user_info(&self) -> Option<&str> {
        self.0.get(self.scheme().len()..self.0.rfind('@')?)
    }

    /// What stands before the user: nothing, in an address that was mistyped.
    fn scheme(&self) -> &str {
        self.0.find("://").and_then(|at| self.0.get(..at.saturating_add(3))).unwrap_or_default()
    }
}

impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (shown, query) = match self.0.split_once('?') {
            Some((shown, query)) => (shown, Some(query)),
            None => (self.0.as_str(), None),
        };
        let scheme = shown.find("://").and_then(|at| shown.get(..at.saturating_add(3))).unwrap_or_default();
        match shown.rfind('@').and_then(|at| shown.get(at..)) {
            // The question mark stands in what is to be hidden.
            _ if query.is_some_and(|query| query.contains('@')) => write!(f, "{scheme}***")?,
            Some(host) => write!(f, "{scheme}***{host}")?,
            None => f.write_str(shown)?,
        }
        if query.is_some() { f.write_str("?***") } else { Ok(()) }
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for RedisUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
