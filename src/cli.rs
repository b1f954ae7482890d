//! The command line (PROTOCOL.md, section 5).
mod administer;
pub mod replay;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::app::App;
use crate::config::{Config, ConfigError, Flags};
use crate::protocol::admin::AdminRequest;
use crate::store::keys::Keys;
use crate::store::redis::RedisUrl;
use crate::telemetry;

/// sysexits(3): the configuration is wrong.
const EX_CONFIG: u8 = 78;

/// A self-hosted real-time geolocation server for friends who want to meet and walk more.
#[derive(Debug, Parser)]
#[command(name = "letshang", version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a node
    Serve {
        #[command(flatten)]
        place: Place,
        /// Address and port to listen on; port 0 takes a free one and prints it
        #[arg(long, value_name = "ADDR")]
        listen: Option<String>,
        /// Also write the hourly histogram to this Redis
        #[arg(long, value_name = "URL")]
        redis: Option<String>,
    },
    /// Make and change accounts
    #[command(subcommand)]
    User(UserCommand),
    /// Make a token for somebody and print it; it is shown this once
    Token {
        /// Whose
        name: String,
        /// The device it is for
        #[arg(long, default_value = "device")]
        device: String,
        #[command(flatten)]
        place: Place,
    },
    /// Make two people friends
    Befriend {
        /// One
        a: String,
        /// The other
        b: String,
        #[command(flatten)]
        place: Place,
    },
    /// Make a link that works once and print it: whoever opens it becomes somebody's friend, or an administrator
    Invite {
        /// Whose friend
        #[arg(required_unless_present = "admin", conflicts_with = "admin")]
        name: Option<String>,
        /// An administrator instead
        #[arg(long)]
        admin: bool,
        #[command(flatten)]
        place: Place,
    },
    /// Erase somebody and everything that is theirs. There is no way back
    Erase {
        /// Whom
        name: String,
        #[command(flatten)]
        place: Place,
    },
    /// Play a recording (GPX or seed lines) into a running node
    Replay {
        #[command(flatten)]
        args: replay::ReplayArgs,
        #[command(flatten)]
        place: Place,
    },
    /// Print the stored histogram of a day
    Histogram {
        /// The day, YYYY-MM-DD; today when absent
        #[arg(long, value_name = "DAY")]
        date: Option<String>,
        #[command(flatten)]
        place: Place,
    },
    /// Say what is wrong with a configuration file
    CheckConfig {
        /// The file
        file: PathBuf,
    },
    /// Print the settings that hold
    PrintConfig {
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Debug, Subcommand)]
enum UserCommand {
    /// Make an account
    Add {
        /// Its id: 1 to 64 of A-Z a-z 0-9 _ -
        name: String,
        /// It may administrate
        #[arg(long)]
        admin: bool,
        #[command(flatten)]
        place: Place,
    },
}

/// Where the node is.
#[derive(Args, Clone, Debug, Default)]
pub struct Place {
    /// Configuration file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The node's folder
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

impl Place {
    /// The settings that hold there.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn load(&self) -> Result<Config, ConfigError> {
        self.load_with(None, None)
    }

    fn load_with(&self, listen: Option<String>, redis: Option<String>) -> Result<Config, ConfigError> {
        Config::load(&Flags { file: self.config.clone(), data: self.data.clone(), listen, redis })
    }
}

/// Runs the command line.
#[must_use]
pub fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Serve { place, listen, redis } => serve(&place, listen, redis),
        Command::User(UserCommand::Add { name, admin, place }) => {
            administer::ask(&place, &AdminRequest::UserAdd { name, admin })
        }
        Command::Token { name, device, place } => administer::ask(&place, &AdminRequest::Token { name, device }),
        Command::Befriend { a, b, place } => administer::ask(&place, &AdminRequest::Befriend { a, b }),
        Command::Invite { name, admin: _, place } => administer::ask(&place, &AdminRequest::Invite { name }),
        Command::Erase { name, place } => administer::ask(&place, &AdminRequest::Erase { name }),
        Command::Histogram { date, place } => administer::ask(&place, &AdminRequest::Histogram { date }),
        Command::Replay { args, place } => administer::replay(&place, &args),
        Command::CheckConfig { file } => {
            let flags = Flags { file: Some(file.clone()), ..Flags::default() };
            let checked = Config::load(&flags).and_then(|config| check_redis(&config));
            checked.map(|()| say(&format!("{} is valid", file.display()))).map_err(Into::into)
        }
        Command::PrintConfig { place } => {
            place.load().map(|config| say(config.to_toml().trim_end())).map_err(Into::into)
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("letshang: {error:#}");
            if error.downcast_ref::<ConfigError>().is_some() { ExitCode::from(EX_CONFIG) } else { ExitCode::FAILURE }
        }
    }
}

/// What only the store can judge of the settings.
fn check_redis(config: &Config) -> Result<(), ConfigError> {
    Keys::new(&config.redis.prefix)?;
    config.redis.url.reveal().map_or(Ok(()), |url| RedisUrl::parse(url).map(drop))?;
    Ok(())
}

/// Prints a line; a reader that has gone away is no error.
fn say(line: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stdout(), "{line}");
}

fn serve(place: &Place, listen: Option<String>, redis: Option<String>) -> anyhow::Result<()> {
    let config = place.load_with(listen, redis)?;
    check_redis(&config)?;
    telemetry::start_logging(&config.log);
    raise_open_files();
    App::run(config, |app| {
        say(&format!("listening on http://{}", app.address()));
        if let Some(link) = app.first_link() {
            say(&format!("nobody is here yet: this link makes an administrator, once: {link}"));
        }
    })
}

/// Every connection is an open file; the soft limit is raised to what the system allows.
fn raise_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }) {
        tracing::warn!(%error, "the limit of open files could not be raised");
    }
}
