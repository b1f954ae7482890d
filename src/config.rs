//! Settings: `config/default.toml` (compiled in), a file, the environment, flags, in that order. Unknown keys are errors.
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// Every key with its default, unit and reason: the manual.
pub const DEFAULT_TOML: &str = include_str!("../config/default.toml");

/// The most characters of what a parser says of a file: it may quote the file.
const LONGEST_REPORT: usize = 200;

/// Why a configuration was refused.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The named file could not be read.
    #[error("cannot read the configuration file {path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Not TOML, an unknown key, or a value of the wrong type.
    #[error("the configuration is not valid: {0}")]
    Invalid(String),
    /// A value that the part which it is for does not understand.
    #[error("{}", .0.message)]
    Refused(#[from] crate::domain::Refusal),
    /// A value outside its bounds.
    #[error("{key} {problem}")]
    OutOfBounds {
        /// The key's path.
        key: &'static str,
        /// What is allowed.
        problem: String,
    },
}

/// What the command line may set.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// `--config`.
    pub file: Option<PathBuf>,
    /// `--listen`.
    pub listen: Option<String>,
    /// `--data`.
    pub data: Option<PathBuf>,
    /// `--redis`.
    pub redis: Option<String>,
}

/// Everything that can be set.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where and how to listen.
    pub server: Server,
    /// The web page.
    pub dashboard: Dashboard,
    /// The embedded store.
    pub store: Store,
    /// Redis, when there is one.
    pub redis: Redis,
    /// The hourly histogram.
    pub hours: Hours,
    /// Near and apart.
    pub proximity: Proximity,
    /// Online and offline.
    pub presence: Presence,
    /// Who sees what, and for how long it is kept.
    pub privacy: Privacy,
    /// How often frames are sent.
    pub push: Push,
    /// Bounds on what comes in and waits to go out.
    pub limits: Limits,
    /// Logging.
    pub log: Log,
}

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
}

/// `[dashboard]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Dashboard {
    /// Who an unknown visitor is; empty: nobody.
    pub guest: String,
    /// How long a browser stays signed in.
    pub session: Span,
}

/// `[store]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    /// The folder.
    pub data: PathBuf,
    /// How long changes are gathered.
    pub group_commit: Span,
    /// What an `ack` survives.
    pub durability: Durability,
}

/// What an `ack` survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    /// Loss of power.
    Power,
    /// Loss of the process.
    Process,
}

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

/// `[hours]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// The histogram's time zone.
    pub time_zone: String,
    /// How often it is written.
    pub flush: Span,
    /// Days kept.
    pub retain_days: u16,
}

/// `[proximity]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Proximity {
    /// How long a position counts as live.
    pub fresh: Span,
    /// When the same pair may be announced again.
    pub announce_again: Span,
    /// How long a pair must be beyond the leaving distance.
    pub leave_hold: Span,
    /// The default radius, metres.
    pub radius: f64,
}

/// `[presence]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Presence {
    /// Online after the last connection.
    pub linger: Span,
    /// Online after an HTTP report.
    pub http_linger: Span,
}

/// `[privacy]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Privacy {
    /// For how long a cell that somebody left is not shown for them again, to friends who see them approximately.
    pub cell_hold: Span,
    /// Positions older than this go; 0: only the newest is kept.
    pub retention: Span,
    /// Counts of people below this are shown as 0 to everybody but the administrator.
    pub smallest_count: u32,
    /// How long an invite can be accepted.
    pub invite: Span,
    /// How many invites a person can make in a day.
    pub invites_per_day: u32,
}

/// `[push]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Push {
    /// Between `moved` frames.
    pub moved: Span,
    /// Between crowd frames.
    pub crowd: Span,
    /// Between `steps` frames.
    pub steps: Span,
}

/// `[limits]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Largest frame and message, bytes.
    pub frame_bytes: usize,
    /// Frames a second.
    pub frames_per_second: u32,
    /// Frames at once.
    pub frame_burst: u32,
    /// Errors a minute.
    pub errors_per_minute: u32,
    /// Time for `hello`.
    pub hello: Span,
    /// Time for one message.
    pub message: Span,
    /// Silence before 4504.
    pub idle: Span,
    /// Unread output before the kernel cuts.
    pub write_stall: Span,
    /// State frames held.
    pub outbox_frames: usize,
    /// State bytes held.
    pub outbox_bytes: usize,
    /// Largest request body.
    pub body_bytes: usize,
    /// Largest body of the administrator's calls.
    pub admin_body_bytes: usize,
    /// Longest pause within a body.
    pub body_idle: Span,
}

/// `[log]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// tracing's filter.
    pub filter: String,
    /// How lines look.
    pub format: LogFormat,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// A duration that is written with its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(Duration);

/// A Redis address whose password is never shown.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct RedisUrl(String);

impl Config {
    /// Reads defaults, file, environment and flags, and checks every bound.
    ///
    /// # Errors
    /// A [`ConfigError`] that names the key or file at fault.
    pub fn load(flags: &Flags) -> Result<Self, ConfigError> {
        let mut builder = defaults();
        if let Some(path) = &flags.file {
            builder = builder.add_source(toml_source(&read(path)?));
        }
        let environment = config::Environment::with_prefix("LETSHANG").prefix_separator("__").separator("__");
        builder = builder.add_source(environment.try_parsing(true));
        builder = builder
            .set_override_option("server.listen", flags.listen.clone())
            .and_then(|builder| {
                let data = flags.data.as_ref().map(|path| path.to_string_lossy().into_owned());
                builder.set_override_option("store.data", data)
            })
            .and_then(|builder| builder.set_override_option("redis.url", flags.redis.clone()))
            .map_err(|error| invalid(&error))?;
        Self::build(builder)
    }

    /// Reads defaults and the text of a file, and checks every bound; neither file system nor environment is looked at.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn from_toml(text: &str) -> Result<Self, ConfigError> {
        Self::build(defaults().add_source(toml_source(text)))
    }

    fn build(builder: Builder) -> Result<Self, ConfigError> {
        let merged = builder.build().map_err(|error| invalid(&error))?;
        let config: Self = merged.try_deserialize().map_err(|error| invalid(&error))?;
        config.validate()?;
        Ok(config)
    }

    /// The effective settings as TOML, passwords hidden.
    #[must_use]
    pub fn to_toml(&self) -> String {
        toml::to_string_pretty(self).unwrap_or_default()
    }

    /// The histogram's time zone.
    ///
    /// # Errors
    /// When the name is not in the IANA database.
    pub fn zone(&self) -> Result<jiff::tz::TimeZone, ConfigError> {
        jiff::tz::TimeZone::get(&self.hours.time_zone).map_err(|_| ConfigError::OutOfBounds {
            key: "hours.time_zone",
            problem: format!("must be an IANA time zone such as Europe/Berlin, not {:.64?}", self.hours.time_zone),
        })
    }

    /// Threads that serve connections.
    #[must_use]
    pub fn worker_threads(&self) -> usize {
        match self.server.workers {
            0 => std::thread::available_parallelism().map_or(1, usize::from).min(4),
            workers => workers,
        }
    }

    fn validate(&self) -> Result<(), ConfigError> {
        self.zone()?;
        bounded("server.workers", self.server.workers, 0, 256)?;
        bounded("server.max_connections", self.server.max_connections, 1, 1_000_000)?;
        bounded_span("server.restart_jitter", self.server.restart_jitter, 0, 300_000)?;
        bounded_span("server.drain", self.server.drain, 0, 4_000)?;
        bounded_span("store.group_commit", self.store.group_commit, 0, 1_000)?;
        bounded_span("redis.timeout", self.redis.timeout, 10, 60_000)?;
        bounded_span("hours.flush", self.hours.flush, 100, 60_000)?;
        bounded("hours.retain_days", usize::from(self.hours.retain_days), 8, 3_660)?;
        bounded_span("proximity.fresh", self.proximity.fresh, 1_000, 24 * 3_600_000)?;
        bounded_span("proximity.announce_again", self.proximity.announce_again, 0, 7 * 24 * 3_600_000)?;
        bounded_span("proximity.leave_hold", self.proximity.leave_hold, 0, 3_600_000)?;
        bounded_span("presence.linger", self.presence.linger, 0, 24 * 3_600_000)?;
        bounded_span("presence.http_linger", self.presence.http_linger, 0, 24 * 3_600_000)?;
        bounded_span("privacy.cell_hold", self.privacy.cell_hold, 0, 24 * 3_600_000)?;
        bounded_span("privacy.retention", self.privacy.retention, 0, 366 * 24 * 3_600_000)?;
        bounded("privacy.smallest_count", self.privacy.smallest_count as usize, 1, 1_000)?;
        bounded_span("privacy.invite", self.privacy.invite, 60_000, 30 * 24 * 3_600_000)?;
        bounded("privacy.invites_per_day", self.privacy.invites_per_day as usize, 1, 100_000)?;
        bounded_span("push.moved", self.push.moved, 10, 60_000)?;
        bounded_span("push.crowd", self.push.crowd, 100, 60_000)?;
        bounded_span("push.steps", self.push.steps, 100, 3_600_000)?;
        bounded("limits.frame_bytes", self.limits.frame_bytes, 1_024, 16 << 20)?;
        bounded("limits.frames_per_second", self.limits.frames_per_second as usize, 1, 1_000_000)?;
        bounded("limits.frame_burst", self.limits.frame_burst as usize, 1, 1_000_000)?;
        bounded("limits.errors_per_minute", self.limits.errors_per_minute as usize, 1, 1_000_000)?;
        bounded_span("limits.hello", self.limits.hello, 100, 600_000)?;
        bounded_span("limits.message", self.limits.message, 100, 600_000)?;
        bounded_span("limits.idle", self.limits.idle, 1_000, 3_600_000)?;
        bounded_span("limits.write_stall", self.limits.write_stall, 1_000, 600_000)?;
        bounded("limits.outbox_frames", self.limits.outbox_frames, 8, 65_536)?;
        bounded("limits.outbox_bytes", self.limits.outbox_bytes, 4_096, 64 << 20)?;
        bounded("limits.body_bytes", self.limits.body_bytes, 1_024, 1 << 30)?;
        bounded("limits.admin_body_bytes", self.limits.admin_body_bytes, 1_024, 1 << 30)?;
        bounded_span("limits.body_idle", self.limits.body_idle, 100, 600_000)?;
        crate::domain::Radius::metres(self.proximity.radius).map_err(|_| ConfigError::OutOfBounds {
            key: "proximity.radius",
            problem: "must be 50 to 50000 metres".to_owned(),
        })?;
        if !self.dashboard.guest.is_empty() && !self.server.listen.ip().is_loopback() {
            return Err(ConfigError::OutOfBounds {
                key: "dashboard.guest",
                problem: "must be empty unless server.listen is a loopback address".to_owned(),
            });
        }
        Ok(())
    }
}

impl Span {
    /// As std's.
    #[must_use]
    pub const fn get(self) -> Duration {
        self.0
    }

    /// In milliseconds.
    #[must_use]
    pub fn as_ms(self) -> i64 {
        i64::try_from(self.0.as_millis()).unwrap_or(i64::MAX)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.0.as_millis();
        let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s")];
        match units.iter().find(|(unit, _)| ms >= *unit && ms.is_multiple_of(*unit)) {
            Some((unit, name)) => write!(f, "{}{name}", ms / unit),
            None => write!(f, "{ms}ms"),
        }
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong =
            || serde::de::Error::custom(format!("{text:?} must be a duration with its unit, such as \"250ms\""));
        let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let (number, unit) = text.split_at(digits);
        let factor = match unit.trim() {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(wrong()),
        };
        let ms = number.parse::<u64>().ok().and_then(|number| number.checked_mul(factor)).ok_or_else(wrong)?;
        Ok(Self(Duration::from_millis(ms)))
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl RedisUrl {
    /// The address with its password: only for connecting. `None` when no Redis is configured.
    #[must_use]
    pub fn reveal(&self) -> Option<&str> {
        Some(self.0.as_str()).filter(|url| !url.is_empty())
    }
}

impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&without_secrets(&self.0))
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

/// A text that may hold an address, without what stands in it before the last `@` and after the first `?`. Rather too much
/// is hidden than too little: whoever mistypes a password must not find it in a log.
fn without_secrets(text: &str) -> String {
    let (scheme, rest) = text.find("://").map_or(("", text), |at| text.split_at(at + 3));
    match (rest.rfind('@'), rest.find('?')) {
        (None, None) => text.to_owned(),
        (Some(at), Some(query)) if at > query => format!("{scheme}***"),
        (at, query) => {
            let user = if at.is_some() { "***" } else { "" };
            let place = rest.get(at.unwrap_or(0)..query.unwrap_or(rest.len())).unwrap_or_default();
            format!("{scheme}{user}{place}{}", if query.is_some() { "?***" } else { "" })
        }
    }
}

/// What a parser says of a configuration: in one line, without the lines that it quotes, cut short.
fn invalid(error: &config::ConfigError) -> ConfigError {
    let text = error.to_string();
    let is_quote = |line: &&str| {
        line.trim_start_matches([' ', '.'])
            .trim_start_matches(|c: char| c.is_ascii_digit())
            .trim_start()
            .starts_with('|')
    };
    let told = text.lines().filter(|line| !is_quote(line)).collect::<Vec<_>>().join(": ");
    let short: String =
        without_secrets(&told).chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST_REPORT).collect();
    ConfigError::Invalid(short)
}

type Builder = config::ConfigBuilder<config::builder::DefaultState>;

fn defaults() -> Builder {
    config::Config::builder().add_source(toml_source(DEFAULT_TOML))
}

fn toml_source(text: &str) -> config::File<config::FileSourceString, config::FileFormat> {
    config::File::from_str(text, config::FileFormat::Toml)
}

fn read(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })
}

fn bounded(key: &'static str, value: usize, low: usize, high: usize) -> Result<(), ConfigError> {
    if (low..=high).contains(&value) {
        return Ok(());
    }
    Err(ConfigError::OutOfBounds { key, problem: format!("must be {low} to {high}, not {value}") })
}

fn bounded_span(key: &'static str, value: Span, low_ms: u64, high_ms: u64) -> Result<(), ConfigError> {
    let (low, high) = (Span(Duration::from_millis(low_ms)), Span(Duration::from_millis(high_ms)));
    if (low..=high).contains(&value) {
        return Ok(());
    }
    Err(ConfigError::OutOfBounds { key, problem: format!("must be {low} to {high}, not {value}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(toml: &str) -> Result<Config, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("letshang.toml");
        std::fs::write(&file, toml).unwrap();
        Config::load(&Flags { file: Some(file), ..Flags::default() })
    }

    #[test]
    fn the_defaults_are_complete_and_survive_being_printed() {
        let defaults = Config::load(&Flags::default()).unwrap();
        let printed = with(&defaults.to_toml()).unwrap();
        assert_eq!(defaults.to_toml(), printed.to_toml());
    }

    #[test]
    fn an_unknown_key_is_named() {
        let error = with("[server]\nlissten = \"127.0.0.1:1\"").unwrap_err().to_string();
        assert!(error.contains("lissten"), "{error}");
    }

    #[test]
    fn a_value_out_of_bounds_is_named_with_its_bounds() {
        for (toml, words) in [
            ("[hours]\nflush = \"5m\"", ["hours.flush", "100ms to 1m"]),
            ("[hours]\nflush = \"5\"", ["must be a duration", "250ms"]),
            ("[hours]\ntime_zone = \"Mars/Base\"", ["hours.time_zone", "IANA"]),
            ("[proximity]\nradius = 10", ["proximity.radius", "50 to 50000"]),
            ("[limits]\nframe_bytes = 0", ["limits.frame_bytes", "1024"]),
        ] {
            let error = with(toml).unwrap_err().to_string();
            assert!(words.iter().all(|word| error.contains(word)), "{toml}: {error}");
        }
    }

    #[test]
    fn no_error_shows_a_password_or_a_page_of_the_file() {
        for toml in [
            "[redis]\nurl = \"redis://user:hunter2@host:6379/0\" x",
            "redis = \"redis://user:hunter2@host:6379/0\"",
            "redis = \"redis://user:a \\\" b@hunter2@host:6379/0\"",
            "redis = \"redis+unix:///run/redis.sock?pass=hunter2\"",
            &format!("redis = \"{}\"", "x".repeat(10_000)),
            &format!("[hours]\ntime_zone = \"{}\"", "x".repeat(10_000)),
        ] {
            let error = with(toml).unwrap_err().to_string();
            assert!(!error.contains("hunter2") && error.len() < 400 && error.lines().count() == 1, "{error}");
        }
    }

    #[test]
    fn an_address_of_redis_is_shown_without_its_secrets() {
        for (url, shown) in [
            ("redis://h:6379/0", "redis://h:6379/0"),
            ("redis://u:p@h/0", "redis://***@h/0"),
            ("redis://u:p@p@h/0", "redis://***@h/0"),
            ("u:p@h", "***@h"),
            ("redis+unix:///run/redis.sock?pass=p&user=u", "redis+unix:///run/redis.sock?***"),
            ("redis://u:p@h/0?protocol=resp3", "redis://***@h/0?***"),
            ("redis+unix:///run/redis.sock?pass=p@p", "redis+unix://***"),
            ("redis://u:p?p@h", "redis://***"),
            ("", ""),
        ] {
            assert_eq!(
                (RedisUrl(url.to_owned()).to_string(), without_secrets(shown)),
                (shown.to_owned(), shown.to_owned())
            );
        }
    }

    #[test]
    fn an_open_dashboard_is_refused_off_loopback() {
        let error = with("[server]\nlisten = \"0.0.0.0:80\"\n[dashboard]\nguest = \"demo\"").unwrap_err();
        assert!(error.to_string().contains("loopback"));
    }

    #[test]
    fn a_named_file_that_is_missing_is_an_error() {
        let flags = Flags { file: Some("/nowhere/letshang.toml".into()), ..Flags::default() };
        assert!(Config::load(&flags).unwrap_err().to_string().contains("/nowhere/letshang.toml"));
    }

    #[test]
    fn flags_win_over_files_and_a_redis_password_is_never_shown() {
        let flags = Flags { redis: Some("redis://:hunter2@localhost:6379/0".into()), ..Flags::default() };
        let config = Config::load(&flags).unwrap();
        assert_eq!(config.redis.url.reveal(), Some("redis://:hunter2@localhost:6379/0"));
        let shown = format!("{config:?}{}", config.to_toml());
        assert!(!shown.contains("hunter2") && shown.contains("redis://***@localhost"), "{shown}");
    }
}
