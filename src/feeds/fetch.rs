//! One calendar from the web: a few requests within five seconds, every address judged, at most a megabyte taken.
use std::fmt;
use std::io::Read as _;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use thiserror::Error;
use ureq::http::Uri;
use ureq::http::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, LOCATION,
};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Body};

use super::guard::Guard;
use crate::activity::calendar::MOST_BYTES;
use crate::protocol::feed_url::FeedUrl;

/// From the first name that is looked up to the last byte.
const TOTAL: Duration = Duration::from_secs(5);
/// How often an answer may send elsewhere.
const REDIRECTS: usize = 3;
/// The longest header that is kept to be sent back, bytes.
const LONGEST_HEADER: usize = 512;
/// How many addresses of a name are tried.
const MOST_ADDRESSES: usize = 16;

/// Why a calendar was not had. Nothing of what the other server said is repeated.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FeedError {
    /// The address, or one that it leads to, is no address of a calendar.
    #[error("the address leads to something that is no https address")]
    Address,
    /// Neither encrypted nor in a network that the operator has opened.
    #[error("the address must begin with https:// (or webcal://)")]
    Plain,
    /// A port that the operator has not allowed.
    #[error("the address must not name a port other than {0}")]
    Port(String),
    /// Into a network that nobody may reach through this server.
    #[error("the address leads into a network that calendars are not fetched from")]
    Network,
    /// No such name.
    #[error("there is no server by the name of that address")]
    NoSuchHost,
    /// Nobody answers.
    #[error("the server of that address does not answer")]
    Unreachable,
    /// The certificate is not good, or the two did not agree.
    #[error("the server of that address cannot prove that it is the one: its certificate is not trusted")]
    Certificate,
    /// Slower than [`TOTAL`].
    #[error("the server of that address was slower than 5 seconds")]
    Timeout,
    /// Larger than [`MOST_BYTES`].
    #[error("what lies at that address is larger than {MOST_BYTES} bytes")]
    TooLarge,
    /// Another status than 200 and 304.
    #[error("the server of that address answers with status {0}")]
    Status(u16),
    /// More than [`REDIRECTS`].
    #[error("the server of that address sends on more than {REDIRECTS} times")]
    Redirects,
    /// Compressed although nobody asked for that.
    #[error("the server of that address sends what it has compressed, which was not asked for")]
    Encoded,
    /// It is not HTTP.
    #[error("the server of that address does not speak HTTP")]
    Protocol,
}

impl FeedError {
    /// For programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Address | Self::Plain | Self::Port(_) => "bad_address",
            Self::Network => "forbidden_network",
            Self::NoSuchHost => "no_such_host",
            Self::Unreachable | Self::Protocol => "unreachable",
            Self::Certificate => "bad_certificate",
            Self::Timeout => "timeout",
            Self::TooLarge => "too_large",
            Self::Status(_) => "bad_status",
            Self::Redirects => "too_many_redirects",
            Self::Encoded => "encoded",
        }
    }

    /// Whether it may be otherwise in a while without anybody doing anything here.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        !matches!(self, Self::Address | Self::Plain | Self::Port(_))
    }
}

/// What was had last time, so that nothing is sent that is known already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Condition {
    /// The server's name for it.
    pub etag: Option<String>,
    /// When the server says it changed last.
    pub last_modified: Option<String>,
}

/// What an address gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Something.
    New(Fetched),
    /// What was had before.
    Unchanged,
}

/// A calendar as it came.
#[derive(Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The bytes, not looked at.
    pub body: Vec<u8>,
    /// For the next time.
    pub condition: Condition,
}

impl fmt::Debug for Fetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetched").field("bytes", &self.body.len()).finish_non_exhaustive()
    }
}

/// Where names are looked up.
pub trait Names: Send + Sync + fmt::Debug {
    /// The addresses of a host.
    ///
    /// # Errors
    /// When there are none.
    fn look_up(&self, host: &str, port: u16) -> std::io::Result<Vec<SocketAddr>>;
}

/// The system's names.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemNames;

impl Names for SystemNames {
    fn look_up(&self, host: &str, port: u16) -> std::io::Result<Vec<SocketAddr>> {
        Ok((host, port).to_socket_addrs()?.take(MOST_ADDRESSES).collect())
    }
}

/// Whose signatures prove who a server is: the usual authorities of the web, and others that the operator trusts.
#[derive(Clone, Default)]
pub struct Roots(Vec<Certificate<'static>>);

impl fmt::Debug for Roots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Roots({} more)", self.0.len())
    }
}

impl Roots {
    /// The authorities in a file, PEM.
    ///
    /// # Errors
    /// When the file cannot be read or has none.
    pub fn in_file(path: &Path) -> std::io::Result<Self> {
        let wrong = || std::io::Error::other("there is no PEM certificate in it");
        let pem = std::fs::read(path)?;
        let mut found = Vec::new();
        for item in parse_pem(&pem) {
            if let PemItem::Certificate(certificate) = item.map_err(|_| wrong())? {
                found.push(certificate);
            }
        }
        if found.is_empty() { Err(wrong()) } else { Ok(Self(found)) }
    }
}

/// How calendars are fetched.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Which addresses may be reached.
    pub guard: Guard,
    /// Which ports.
    pub ports: Vec<u16>,
    /// Who is trusted besides the usual authorities.
    pub roots: Roots,
}

/// Fetches calendars. Blocks; shared by threads.
#[derive(Clone)]
pub struct Fetcher {
    agent: Agent,
    settings: Arc<Settings>,
}

impl fmt::Debug for Fetcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetcher").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Fetcher {
    /// A fetcher by these rules.
    #[must_use]
    pub fn new(settings: Settings, names: Arc<dyn Names>) -> Self {
        let usual = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().map(|root| Certificate::from_der(root));
        let roots: Vec<_> = usual.chain(settings.roots.0.iter().cloned()).collect();
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::Specific(Arc::new(roots)))
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .build();
        let config = Agent::config_builder()
            .tls_config(tls)
            // A proxy of the environment would look names up itself, behind the guard's back.
            .proxy(None)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .save_redirect_history(false)
            .timeout_global(Some(TOTAL))
            .max_response_header_size(32 * 1024)
            // Nothing is left open: a connection that was judged once would otherwise be used again later.
            .max_idle_connections(0)
            .user_agent(concat!("LetsHang/", env!("CARGO_PKG_VERSION")))
            .build();
        let settings = Arc::new(settings);
        let resolver = Judge { settings: settings.clone(), names };
        Self { agent: Agent::with_parts(config, DefaultConnector::new(), resolver), settings }
    }

    /// Fetches what lies at an address, unless it is what was had before.
    ///
    /// # Errors
    /// A [`FeedError`] that says why not.
    pub fn fetch(&self, url: &FeedUrl, had: &Condition) -> Result<Answer, FeedError> {
        let deadline = Instant::now() + TOTAL;
        let mut url = url.clone();
        for hop in 0..=REDIRECTS {
            self.judge(&url)?;
            let answer = self.ask(&url, had, (hop > 0).then_some(deadline))?;
            let status = answer.status().as_u16();
            match status {
                200 => return take(answer).map(Answer::New),
                304 if *had != Condition::default() => return Ok(Answer::Unchanged),
                301 | 302 | 303 | 307 | 308 => {
                    let location = answer.headers().get(LOCATION).and_then(|location| location.to_str().ok());
                    url = url.join(location.ok_or(FeedError::Protocol)?).map_err(|_| FeedError::Address)?;
                }
                _ => return Err(FeedError::Status(status)),
            }
        }
        Err(FeedError::Redirects)
    }

    /// What can be said of an address before its name is looked up.
    fn judge(&self, url: &FeedUrl) -> Result<(), FeedError> {
        let guard = &self.settings.guard;
        if url.ip().is_some_and(|ip| !guard.allows(ip)) {
            return Err(FeedError::Network);
        }
        if !url.is_encrypted() && !url.ip().is_some_and(|ip| guard.is_opened(ip)) && guard.allowed.is_empty() {
            return Err(FeedError::Plain);
        }
        if !self.settings.ports.contains(&url.port()) {
            let ports = self.settings.ports.iter().map(u16::to_string).collect::<Vec<_>>().join(", ");
            return Err(FeedError::Port(ports));
        }
        Ok(())
    }

    fn ask(
        &self,
        url: &FeedUrl,
        had: &Condition,
        deadline: Option<Instant>,
    ) -> Result<ureq::http::Response<Body>, FeedError> {
        let mut request =
            self.agent.get(url.reveal()).header(ACCEPT, "text/calendar").header(ACCEPT_ENCODING, "identity");
        let conditions = [(IF_NONE_MATCH, &had.etag), (IF_MODIFIED_SINCE, &had.last_modified)];
        for (name, value) in conditions {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        if let Some(deadline) = deadline {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(FeedError::Timeout);
            }
            request = request.config().timeout_global(Some(left)).build();
        }
        request.call().map_err(|error| reason(&error))
    }
}

/// The body of an answer, as far as it may be long.
fn take(mut answer: ureq::http::Response<Body>) -> Result<Fetched, FeedError> {
    let header = |name| {
        let text = answer.headers().get(name)?.to_str().ok()?;
        (text.len() <= LONGEST_HEADER).then(|| text.to_owned())
    };
    if header(CONTENT_ENCODING).is_some_and(|encoding| !encoding.eq_ignore_ascii_case("identity")) {
        return Err(FeedError::Encoded);
    }
    let condition = Condition { etag: header(ETAG), last_modified: header(LAST_MODIFIED) };
    if answer.body().content_length().is_some_and(|length| length > MOST_BYTES as u64) {
        return Err(FeedError::TooLarge);
    }
    let mut body = Vec::new();
    let mut reader = answer.body_mut().as_reader().take(MOST_BYTES as u64 + 1);
    reader.read_to_end(&mut body).map_err(|error| reason_of_io(&error))?;
    if body.len() > MOST_BYTES { Err(FeedError::TooLarge) } else { Ok(Fetched { body, condition }) }
}

fn reason(error: &ureq::Error) -> FeedError {
    match error {
        ureq::Error::Io(error) => reason_of_io(error),
        ureq::Error::Timeout(_) => FeedError::Timeout,
        ureq::Error::HostNotFound => FeedError::NoSuchHost,
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) => FeedError::Certificate,
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => FeedError::Address,
        ureq::Error::ConnectionFailed => FeedError::Unreachable,
        _ => FeedError::Protocol,
    }
}

fn reason_of_io(error: &std::io::Error) -> FeedError {
    if let Some(judged) = error.get_ref().and_then(|inner| inner.downcast_ref::<FeedError>()) {
        return judged.clone();
    }
    if let Some(inner) = error.get_ref().and_then(|inner| inner.downcast_ref::<ureq::Error>()) {
        return reason(inner);
    }
    if error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>()) {
        return FeedError::Certificate;
    }
    match error.kind() {
        std::io::ErrorKind::TimedOut | std::io::ErrorKind::WouldBlock => FeedError::Timeout,
        std::io::ErrorKind::InvalidData => FeedError::Certificate,
        _ => FeedError::Unreachable,
    }
}

/// Looks names up and lets through only what may be connected to; the connection is made to exactly these addresses.
#[derive(Debug)]
struct Judge {
    settings: Arc<Settings>,
    names: Arc<dyn Names>,
}

impl Judge {
    fn addresses(&self, uri: &Uri, patience: Duration) -> Result<Vec<SocketAddr>, FeedError> {
        let host = uri.host().ok_or(FeedError::Address)?.trim_start_matches('[').trim_end_matches(']').to_owned();
        let is_encrypted = uri.scheme_str() == Some("https");
        let port = uri.port_u16().unwrap_or(if is_encrypted { 443 } else { 80 });
        let names = self.names.clone();
        let (sender, receiver) = sync_channel(1);
        // The system's look-up cannot be told to hurry.
        std::thread::spawn(move || sender.send(names.look_up(&host, port)));
        let found = match receiver.recv_timeout(patience) {
            Ok(found) => found.map_err(|_| FeedError::NoSuchHost)?,
            Err(RecvTimeoutError::Timeout) => return Err(FeedError::Timeout),
            Err(RecvTimeoutError::Disconnected) => return Err(FeedError::NoSuchHost),
        };
        let guard = &self.settings.guard;
        // One that is not allowed is enough: who has such a name is up to something.
        if found.iter().any(|address| !guard.allows(address.ip())) {
            return Err(FeedError::Network);
        }
        if !is_encrypted && found.iter().any(|address| !guard.is_opened(address.ip())) {
            return Err(FeedError::Plain);
        }
        if found.is_empty() { Err(FeedError::NoSuchHost) } else { Ok(found) }
    }
}

impl Resolver for Judge {
    fn resolve(
        &self,
        uri: &Uri,
        _: &ureq::config::Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let patience = (*timeout.after).min(TOTAL);
        let found = self.addresses(uri, patience).map_err(|error| ureq::Error::Io(std::io::Error::other(error)))?;
        let mut resolved = self.empty();
        for address in found.into_iter().take(MOST_ADDRESSES) {
            resolved.push(address);
        }
        Ok(resolved)
    }
}

#[cfg(test)]
#[path = "fetch_tests.rs"]
mod tests;
