//! The command line (PROTOCOL.md, section 5).
mod administer;
pub mod replay;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand};

use crate::app::App;
use crate::app::listen::{self, ListenError};
use crate::config::{Config, ConfigError, Flags};
use crate::domain::Clock;
use crate::http::tls::TlsError;
use crate::protocol::admin::AdminRequest;
use crate::store::keys::Keys;
use crate::store::redis::RedisUrl;
use crate::telemetry;

/// sysexits(3): the command line is wrong.
const EX_USAGE: u8 = 64;
/// The system does not give what is needed: the address.
const EX_OSERR: u8 = 71;
/// The configuration is wrong, or the certificate.
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
        /// Speak plain HTTP on an address that is not loopback: for a proxy in front, with a private way to here
        #[arg(long)]
        insecure_http: bool,
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
        Config::load(&self.flags())
    }

    fn flags(&self) -> Flags {
        Flags { file: self.config.clone(), data: self.data.clone(), ..Flags::default() }
    }
}

/// Runs the command line.
#[must_use]
pub fn main() -> ExitCode {
    // Whatever is written is the owner's alone, before anything can be.
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    let command = match Cli::try_parse() {
        Ok(cli) => cli.command,
        Err(error) => {
            // What cannot be printed has no reader.
            let _ = error.print();
            let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            return if asked { ExitCode::SUCCESS } else { ExitCode::from(EX_USAGE) };
        }
    };
    match run(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "letshang: {error:#}");
            ExitCode::from(exit_code(&error))
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Serve { place, listen, redis, insecure_http } => {
            serve(Config::load(&Flags { listen, redis, insecure_http, ..place.flags() })?)
        }
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
            let config = Config::load(&Flags { file: Some(file.clone()), ..Flags::default() })?;
            check_redis(&config)?;
            listen::check(&config, Clock::System.now())?;
            say(&format!("{} is valid", file.display()));
            Ok(())
        }
        Command::PrintConfig { place } => {
            say(place.load()?.to_toml().trim_end());
            Ok(())
        }
    }
}

fn exit_code(error: &anyhow::Error) -> u8 {
    if error.is::<ConfigError>() || error.is::<TlsError>() {
        EX_CONFIG
    } else if error.is::<ListenError>() {
        EX_OSERR
    } else {
        1
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
    let _ = writeln!(std::io::stdout(), "{line}");
}

fn serve(config: Config) -> anyhow::Result<()> {
    check_redis(&config)?;
    telemetry::start_logging(&config.log);
    raise_open_files();
    App::run(config, |app| {
        say(&format!("listening on {}", app.url()));
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
