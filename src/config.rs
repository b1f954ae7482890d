//! Settings: `config/default.toml` (compiled in), a file, the environment, flags, in that order. Unknown keys are errors.
mod hours;
mod limits;
mod log;
mod people;
mod redis;
mod server;
mod span;
mod store;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use self::hours::Hours;
pub use self::limits::Limits;
pub use self::log::{Log, LogFormat};
pub use self::people::{Presence, Privacy, Proximity, Push};
pub use self::redis::{Redis, RedisUrl};
pub use self::server::{Dashboard, Server};
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

impl Config {
    /// Reads defaults, file, environment and flags, and checks every bound.
    ///
    /// # Errors
    /// A [`ConfigError`] that names the key or file at fault.
    pub fn load(flags: &Flags) -> Result<Self, ConfigError> {
        let mut builder = config::Config::builder().add_source(toml_source(DEFAULT_TOML));
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
            .map_err(|error| ConfigError::Invalid(error.to_string()))?;
        let merged = builder.build().map_err(|error| ConfigError::Invalid(error.to_string()))?;
        let config: Self = merged.try_deserialize().map_err(|error| ConfigError::Invalid(error.to_string()))?;
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
            problem: format!("must be an IANA time zone such as Europe/Berlin, not {:?}", self.hours.time_zone),
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
        self.store.check()?;
        self.redis.check()?;
        self.hours.check()?;
        self.proximity.check()?;
        self.presence.check()?;
        self.privacy.check()?;
        self.push.check()?;
        self.limits.check()?;
        if !self.dashboard.guest.is_empty() && !self.server.listen.ip().is_loopback() {
            return Err(ConfigError::OutOfBounds {
                key: "dashboard.guest",
                problem: "must be empty unless server.listen is a loopback address".to_owned(),
            });
        }
        Ok(())
    }
}

fn toml_source(text: &str) -> config::File<config::FileSourceString, config::FileFormat> {
    config::File::from_str(text, config::FileFormat::Toml)
}

fn read(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })
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
