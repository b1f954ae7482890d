//! `[redis]`: an optional copy of the histogram.
use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

use super::ConfigError;
use super::span::{Span, bounded_span};

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
    /// The address with its password: only for connecting. `None` when no Redis is configured.
    #[must_use]
    pub fn reveal(&self) -> Option<&str> {
        Some(self.0.as_str()).filter(|url| !url.is_empty())
    }
}

impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.find("://"), self.0.rfind('@')) {
            (Some(scheme), Some(at)) if at > scheme => {
                let (head, tail) = (self.0.get(..scheme + 3), self.0.get(at..));
                write!(f, "{}***{}", head.unwrap_or_default(), tail.unwrap_or_default())
            }
            _ => f.write_str(&self.0),
        }
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

impl Redis {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        bounded_span("redis.timeout", self.timeout, 10, 60_000)?;
        Ok(())
    }
}
