//! `[server]` and `[dashboard]`: where and how to listen, and who an unknown visitor is.
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::ConfigError;
use super::keys::{Key, Kind};
use super::span::{DAY, Span};

/// What each key may hold.
pub(super) const KEYS: &[Key] = &[
    ("server.listen", Kind::Address),
    ("server.workers", Kind::Number(0, 256)),
    ("server.max_connections", Kind::Number(1, 1_000_000)),
    ("server.restart_jitter", Kind::Duration(0, 300_000)),
    ("server.drain", Kind::Duration(0, 4_000)),
    ("server.tls_certificate", Kind::Text),
    ("server.tls_key", Kind::Text),
    ("server.insecure_http", Kind::Flag),
    ("server.trusted_proxies", Kind::Networks),
    ("dashboard.guest", Kind::Text),
    ("dashboard.session", Kind::Duration(60_000, 400 * DAY)),
    ("dashboard.idle", Kind::Duration(60_000, 400 * DAY)),
    ("dashboard.rotate", Kind::Duration(60_000, 400 * DAY)),
];

/// `[server]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Address and port.
    pub listen: SocketAddr,
    /// HTTP threads; 0: one per core, at most 4.
    pub workers: usize,
    /// Connections at once.
    pub max_connections: usize,
    /// Upper bound of the random time clients wait before they come back.
    pub restart_jitter: Span,
    /// How long a stopping server waits for its queues.
    pub drain: Span,
    /// The certificate and what leads to its root, PEM; empty: no TLS.
    pub tls_certificate: PathBuf,
    /// The certificate's private key, PEM.
    pub tls_key: PathBuf,
    /// Plain HTTP may be spoken on an address that is not loopback.
    pub insecure_http: bool,
    /// Whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed.
    pub trusted_proxies: Networks,
}

/// IP addresses and networks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(Vec<IpNet>);

impl Networks {
    /// Whether the address is one of them. An IPv4 address within IPv6 counts as the former.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'de> Deserialize<'de> for Networks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        let networks = texts.iter().map(|text| network(text).ok_or_else(|| D::Error::custom("not a network")));
        networks.collect::<Result<_, _>>().map(Self)
    }
}

impl Serialize for Networks {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(ToString::to_string))
    }
}

/// Whether a text is an IP address or a network.
pub(super) fn is_network(text: &str) -> bool {
    network(text).is_some()
}

fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

impl Server {
    /// What one key alone does not show.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let (certificate, key) = (self.tls_certificate.as_os_str(), self.tls_key.as_os_str());
        if certificate.is_empty() == key.is_empty() {
            return Ok(());
        }
        let (key, problem) = if key.is_empty() {
            ("server.tls_key", "is missing: server.tls_certificate needs the private key that belongs to it")
        } else {
            ("server.tls_certificate", "is missing: server.tls_key is the private key of a certificate")
        };
        Err(ConfigError::OutOfBounds { key, problem: problem.to_owned() })
    }

    /// The files of certificate and key, when there is to be TLS.
    #[must_use]
    pub fn tls_files(&self) -> Option<(&Path, &Path)> {
        (!self.tls_certificate.as_os_str().is_empty()).then_some((&*self.tls_certificate, &*self.tls_key))
    }

    /// Whether tokens and positions would travel in the clear where others can listen, and nobody said that they may.
    ///
    /// # Errors
    /// A sentence with the ways out.
    pub fn refuse_exposure(&self) -> Result<(), ConfigError> {
        if self.tls_files().is_some() || self.insecure_http || self.listen.ip().to_canonical().is_loopback() {
            return Ok(());
        }
        let problem = format!(
            "{} is not a loopback address, and without TLS tokens and positions would travel in the clear: set \
             server.tls_certificate and server.tls_key, or listen on 127.0.0.1 behind a proxy that speaks TLS, or say \
             --insecure-http (server.insecure_http) if the way from the proxy to here is private",
            self.listen
        );
        Err(ConfigError::OutOfBounds { key: "server.listen", problem })
    }
}

/// `[dashboard]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Dashboard {
    /// Who an unknown visitor is; empty: nobody.
    pub guest: String,
    /// How long a browser stays signed in, whatever it does.
    pub session: Span,
    /// How long a browser that does nothing stays signed in.
    pub idle: Span,
    /// How old a session's cookie may get before it is changed for another one.
    pub rotate: Span,
}
