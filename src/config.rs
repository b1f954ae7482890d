//! Settings: `config/default.toml` (compiled in), a file, the environment, flags, in that order. Unknown keys are errors.
#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]
mod calendar;
mod hours;
mod keys;
mod limits;
mod log;
mod people;
mod quiet;
mod redis;
mod server;
mod sources;
mod span;
mod store;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use self::calendar::Calendar;
pub use self::hours::Hours;
use self::keys::shortened;
pub use self::limits::Limits;
pub use self::log::{Log, LogFormat};
pub use self::people::{Presence, Privacy, Proximity, Push};
pub use self::quiet::Quiet;
pub use self::redis::{Redis, RedisUrl};
pub use self::server::{Dashboard, Networks, Server};
pub use self::span::Span;
pub use self::store::{Durability, Store};

/// Every key with its default, unit and reason: the manual.
pub const DEFAULT_TOML: &str = include_str!("../config/default.toml");

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
    /// Not TOML, an unknown key, or a value that the key cannot hold.
    #[error("{0}")]
    Invalid(String),
    /// A value that the part which it is for does not understand.
    #[error("{}", .0.message)]
    Refused(#[from] crate::domain::Refusal),
    /// A value that does not go with another.
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
    /// `--insecure-http`.
    pub insecure_http: bool,
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
    /// Calendars from the web.
    pub calendar: Calendar,
    /// Near and apart.
    pub proximity: Proximity,
    /// Phones that need not report.
    pub quiet: Quiet,
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

impl Config {
    /// Reads defaults, file, environment and flags, and checks every bound.
    ///
    /// # Errors
    /// A [`ConfigError`] that names the key or file at fault.
    pub fn load(flags: &Flags) -> Result<Self, ConfigError> {
        let table = sources::merged(DEFAULT_TOML, flags)?;
        let mut config: Self = table.try_into().map_err(|error: toml::de::Error| invalid(&error))?;
        if let Some(data) = &flags.data {
            config.store.data.clone_from(data);
        }
        config.validate()?;
        Ok(config)
    }

    /// Reads defaults and the text of a file, and checks every bound; neither file system nor environment is looked at.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn from_toml(text: &str) -> Result<Self, ConfigError> {
        let table = sources::over(DEFAULT_TOML, text)?;
        let config: Self = table.try_into().map_err(|error: toml::de::Error| invalid(&error))?;
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
            problem: format!(
                "must be an IANA time zone such as Europe/Berlin, not {}",
                shortened(&self.hours.time_zone)
            ),
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
        self.server.check()?;
        self.limits.check()?;
        self.quiet.check()?;
        if !self.dashboard.guest.is_empty() && !self.server.listen.ip().is_loopback() {
            return Err(ConfigError::OutOfBounds {
                key: "dashboard.guest",
                problem: "must be empty unless server.listen is a loopback address".to_owned(),
            });
        }
        Ok(())
    }
}

fn invalid(error: &toml::de::Error) -> ConfigError {
    ConfigError::Invalid(error.message().to_owned())
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
    fn a_key_that_does_not_exist_is_refused_with_the_one_that_was_meant() {
        for (toml, meant) in [
            ("[server]\nlissten = \"127.0.0.1:1\"", "did you mean server.listen?"),
            ("[sever]\nlisten = \"127.0.0.1:1\"", "did you mean server.listen?"),
            ("[server]\nframe_bytes = 5", "did you mean limits.frame_bytes?"),
            ("sever = 5", "did you mean server?"),
            ("[server]\n\"\" = 5", "there is no setting \"server.\""),
            ("[colours]\nsky = \"blue\"", "there is no setting \"colours.sky\""),
        ] {
            let error = with(toml).unwrap_err().to_string();
            assert!(error.contains(meant) && error.contains("letshang.toml"), "{toml}: {error}");
        }
    }

    #[test]
    fn a_value_that_a_key_cannot_hold_is_refused_with_what_it_can_hold() {
        for (toml, words) in [
            ("[hours]\nflush = \"5m\"", ["hours.flush", "100ms to 1m", "\"5m\""]),
            ("[hours]\nflush = \"5\"", ["hours.flush", "with its unit", "\"250ms\""]),
            ("[hours]\nflush = 5", ["hours.flush", "with its unit", "not 5"]),
            ("[hours]\ntime_zone = \"Mars/Base\"", ["hours.time_zone", "IANA", "Mars/Base"]),
            ("[proximity]\nradius = 10", ["proximity.radius", "50 to 50000", "not 10"]),
            ("[proximity]\nradius = nan", ["proximity.radius", "50 to 50000", "NaN"]),
            ("[limits]\nframe_bytes = 0", ["limits.frame_bytes", "1024 to 16777216", "not 0"]),
            ("[limits]\nframe_bytes = \"64KB\"", ["limits.frame_bytes", "KiB", "\"64KB\""]),
            ("[limits]\nframe_bytes = \"1GiB\"", ["limits.frame_bytes", "1024 to 16777216", "\"1GiB\""]),
            ("[server]\nworkers = -1", ["server.workers", "0 to 256", "not -1"]),
            ("[server]\nworkers = 1.5", ["server.workers", "0 to 256", "not 1.5"]),
            ("[server]\nworkers = true", ["server.workers", "0 to 256", "not true"]),
            ("[server]\nworkers = 99999999999999999999", ["line 2", "not TOML", "letshang.toml"]),
            ("[server]\nlisten = \"127.0.0.1:70000\"", ["server.listen", "IP address and a port", "70000"]),
            ("[server]\nlisten = [\"127.0.0.1:7000\"]", ["server.listen", "IP address and a port", "a list"]),
            ("[server]\ntrusted_proxies = [\"10.0.0.0/33\"]", ["server.trusted_proxies", "networks", "10.0.0.0/33"]),
            ("[calendar]\nrefresh = \"1s\"", ["calendar.refresh", "1m to 7d", "\"1s\""]),
            ("[calendar]\nports = []", ["calendar.ports", "1 to 65535", "a list"]),
            ("[calendar]\nports = [443, 0]", ["calendar.ports", "1 to 65535", "not 0"]),
            ("[calendar]\nallow_networks = [\"home\"]", ["calendar.allow_networks", "networks", "home"]),
            ("[store]\ndurability = \"hope\"", ["store.durability", "\"power\" or \"process\"", "hope"]),
            ("[quiet]\nlease = \"5s\"", ["quiet.lease", "1m to 1d", "\"5s\""]),
            ("[quiet]\nsmallest = 6000", ["quiet.smallest", "quiet.largest (5000)", "not 6000"]),
            ("server = 5", ["server", "must be a section", "[server]"]),
        ] {
            let error = with(toml).unwrap_err().to_string();
            assert!(words.iter().all(|word| error.contains(word)), "{toml}: {error}");
            assert!(!error.contains('\n'), "{toml}: {error}");
        }
    }

    #[test]
    fn sizes_may_carry_their_unit() {
        assert_eq!(with("[limits]\nframe_bytes = \"64KiB\"").unwrap().limits.frame_bytes, 65_536);
    }

    #[test]
    fn plain_http_is_for_loopback_unless_it_is_asked_for() {
        let exposed = |toml: &str| with(toml).unwrap().server.refuse_exposure().map_err(|error| error.to_string());
        for listen in ["127.0.0.1:80", "127.8.9.1:80", "[::1]:80", "[::ffff:127.0.0.1]:80"] {
            assert_eq!(exposed(&format!("[server]\nlisten = \"{listen}\"")), Ok(()));
        }
        for listen in ["0.0.0.0:80", "[::]:80", "192.168.1.7:80", "[::ffff:192.168.1.7]:80"] {
            let error = exposed(&format!("[server]\nlisten = \"{listen}\"")).unwrap_err();
            let words = ["server.listen", "TLS", "proxy", "--insecure-http", listen];
            assert!(words.iter().all(|word| error.contains(word)), "{error}");
        }
        assert_eq!(exposed("[server]\nlisten = \"0.0.0.0:80\"\ninsecure_http = true"), Ok(()));
        assert_eq!(exposed("[server]\nlisten = \"0.0.0.0:80\"\ntls_certificate = \"a\"\ntls_key = \"b\""), Ok(()));
    }

    #[test]
    fn a_certificate_comes_with_its_key() {
        for (alone, other) in [("tls_certificate", "tls_key"), ("tls_key", "tls_certificate")] {
            let error = with(&format!("[server]\n{alone} = \"some.pem\"")).unwrap_err().to_string();
            assert!(error.starts_with(&format!("server.{other} is missing")), "{error}");
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
    fn flags_win_over_files() {
        let flags = Flags { redis: Some("redis://localhost:6379/1".into()), ..Flags::default() };
        let config = Config::load(&flags).unwrap();
        assert_eq!(config.redis.url.reveal(), Some("redis://localhost:6379/1"));
    }

    #[test]
    fn a_redis_password_is_never_shown() {
        for (url, shown) in [
            ("redis://:hunter2@localhost:6379/0", "redis://***@localhost:6379/0"),
            ("redis://ann:hunter2@localhost:6379/0", "redis://***@localhost:6379/0"),
            ("redis://ann:hun@ter2@localhost", "redis://***@localhost"),
            ("redis+unix:///run/redis?db=1&pass=hunter2", "redis+unix:///run/redis?***"),
            ("ann:hunter2@localhost", "***@localhost"),
            ("redis://localhost", "redis://localhost"),
        ] {
            let config = Config::from_toml(&format!("[redis]\nurl = \"{url}\"")).unwrap();
            assert_eq!(config.redis.url.reveal(), Some(url));
            assert_eq!(config.redis.url.to_string(), shown);
            assert_eq!(config.redis.url.has_password(), url != shown);
            let all = format!("{config:?}{}", config.to_toml());
            assert!(!all.contains("hunter2") && !all.contains("ter2"), "{all}");
        }
        for broken in ["url = \"redis://:hunter2@localhost", "url = \"redis://:hunter2@localhost\" x"] {
            let error = Config::from_toml(&format!("[redis]\n{broken}")).unwrap_err().to_string();
            assert!(!error.contains("hunter2") && error.contains("line 2"), "{error}");
        }
    }

    #[test]
    fn a_redis_password_comes_by_a_private_file_or_the_environment_and_not_by_a_flag() {
        use std::os::unix::fs::PermissionsExt;
        let flags = Flags { redis: Some("redis://:hunter2@localhost".into()), ..Flags::default() };
        let error = Config::load(&flags).unwrap_err().to_string();
        assert!(error.contains("command line") && !error.contains("hunter2"), "{error}");

        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("letshang.toml");
        std::fs::write(&file, "[redis]\nurl = \"redis://:hunter2@localhost\"").unwrap();
        let load = |mode| {
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
            Config::load(&Flags { file: Some(file.clone()), ..Flags::default() }).map_err(|error| error.to_string())
        };
        let error = load(0o644).unwrap_err();
        assert!(error.contains("chmod 600") && !error.contains("hunter2"), "{error}");
        assert!(load(0o600).is_ok() && load(0o640).is_ok());
    }
}
