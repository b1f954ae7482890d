//! The command line.
use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use clap::{Parser, ValueEnum};

/// The address that stands for the built-in sink instead of a server.
pub const SINK: &str = "sink";

/// Seeded people who walk through Manhattan and tell a LetsHang server where they are.
///
/// The administrator's token is read from the environment variable LETSHANG_TOKEN or from --token-file, never from the
/// command line. Exit code: 0 when every promise held, 1 when a fix was lost or a meeting went wrong, 2 when the run
/// could not be made.
#[derive(Clone, Debug, Parser)]
#[command(name = "walkers", version)]
pub struct Options {
    /// How many people, each with a connection of their own
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub users: u32,
    /// Fixes a second from each of them
    #[arg(long, default_value_t = 10.0)]
    pub rate: f64,
    /// Seconds of load that are measured, after the warm-up; 0: until Ctrl-C
    #[arg(long, default_value_t = 30)]
    pub duration: u64,
    /// Seconds of load before measuring begins
    #[arg(long, default_value_t = 2)]
    pub warmup: u64,
    /// Until Ctrl-C or SIGTERM, coming back after every interruption (the same as --duration 0)
    #[arg(long)]
    pub forever: bool,
    /// What everything random follows from: the same seed, the same walks, friends and days
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// The mean number of friends
    #[arg(long, default_value_t = 40.0)]
    pub friends: f64,
    /// The chance that two friends of a person know each other, 0 to 0.7
    #[arg(long, default_value_t = 0.3)]
    pub clustering: f64,
    /// Everyone's radius, metres
    #[arg(long, default_value_t = 500.0)]
    pub radius: f64,
    /// The share of people whose map is open, at least one person; 0: nobody
    #[arg(long, default_value_t = 0.01)]
    pub watchers: f64,
    /// The city's time of day when the run begins
    #[arg(long, default_value = "18:30", value_parser = minute_of_day)]
    pub clock: f64,
    /// A day from 11:00 to 23:00 passes in 24 minutes, and people stay nowhere for long
    #[arg(long)]
    pub lively: bool,
    /// Also compare every fix with all friends by brute force: was everyone announced? (at most 2,000 users)
    #[arg(long)]
    pub check: bool,
    /// Phones keep quiet as the server asks (`quiet`): everybody looks at their receiver every 5 s and reports only when due; without --rate
    #[arg(long, conflicts_with_all = ["rate", "idle"])]
    pub polite: bool,
    /// Measure memory only: open this many connections that say `hello` and nothing else
    #[arg(long, value_name = "CONNECTIONS", conflicts_with_all = ["users", "rate", "forever", "check"])]
    pub idle: Option<u32>,
    /// The server: http://HOST:PORT (no TLS), or `sink` for a built-in one that only counts and acknowledges
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    pub url: String,
    /// The server's process, for its CPU time and memory; found by itself when the server is on this machine
    #[arg(long)]
    pub pid: Option<u32>,
    /// A file that holds the administrator's token
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// First measure, under the same load, what a bare loop that only counts frames costs on this machine now
    #[arg(long)]
    pub yardstick: bool,
    /// What is printed to standard output
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub report: Format,
    /// Connections a second while connecting
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub ramp: u32,
    /// Loopback addresses (127.0.0.1 and up) to connect from; by default one for every 20,000 connections
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=250))]
    pub sources: Option<u8>,
}

/// How to report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Table,
    /// One JSON object.
    Json,
}

fn minute_of_day(text: &str) -> Result<f64> {
    let (hour, minute) = text.split_once(':').context("write the time as HH:MM")?;
    let (hour, minute): (u32, u32) = (hour.parse()?, minute.parse()?);
    ensure!(hour < 24 && minute < 60, "write the time as HH:MM, 00:00 to 23:59");
    Ok(f64::from(hour * 60 + minute))
}

impl Options {
    /// Checks what the types do not say.
    ///
    /// # Errors
    /// With a sentence about the option at fault.
    pub fn validate(mut self) -> Result<Self> {
        self.forever |= self.duration == 0;
        if self.polite {
            self.rate = 1_000.0 / crate::polite::SAMPLE_MS as f64;
        }
        if let Some(connections) = self.idle {
            ensure!(connections > 0, "--idle: at least one connection");
            self.users = connections;
            self.friends = 0.0;
            self.watchers = 0.0;
        }
        ensure!(self.rate > 0.0 && self.rate <= 1_000.0, "--rate: more than 0, at most 1000 fixes a second");
        ensure!((0.0..=1_000.0).contains(&self.friends), "--friends: 0 to 1000");
        ensure!((0.0..=1.0).contains(&self.clustering), "--clustering: 0 to 1");
        ensure!((0.0..=1.0).contains(&self.watchers), "--watchers: a share, 0 to 1");
        ensure!((50.0..=50_000.0).contains(&self.radius), "--radius: 50 to 50000 metres");
        ensure!(!self.check || self.users <= 2_000, "--check compares everyone with everyone: at most 2000 users");
        Ok(self)
    }

    /// `host:port` of the server.
    ///
    /// # Errors
    /// When the address is of a form that is not spoken here.
    pub fn authority(&self) -> Result<String> {
        let url = self.url.trim_end_matches('/');
        let host = match url.split_once("://") {
            Some(("http" | "ws", host)) => host,
            Some(_) => bail!("--url {url}: only http:// (walkers speak no TLS; test behind the proxy, not through it)"),
            None => url,
        };
        ensure!(!host.is_empty() && !host.contains('/'), "--url {url}: http://HOST:PORT, without a path");
        Ok(if host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok()) {
            host.to_owned()
        } else {
            format!("{host}:80")
        })
    }

    /// The administrator's token.
    ///
    /// # Errors
    /// When there is none, or its file cannot be read.
    pub fn token(&self) -> Result<String> {
        let token = match &self.token_file {
            Some(path) => std::fs::read_to_string(path).with_context(|| format!("{}", path.display()))?,
            None => match std::env::var("LETSHANG_TOKEN") {
                Ok(token) => token,
                Err(_) => bail!("no administrator token: set LETSHANG_TOKEN or give --token-file FILE"),
            },
        };
        ensure!(!token.trim().is_empty(), "the administrator's token is empty");
        Ok(token.trim().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Options> {
        Options::try_parse_from(line.split(' '))?.validate()
    }

    #[test]
    fn the_founding_test_needs_nothing_else() {
        let options = parsed("walkers --users 5000 --rate 10").unwrap();
        assert_eq!((options.users, options.rate, options.forever), (5_000, 10.0, false));
        assert_eq!(options.authority().unwrap(), "127.0.0.1:8080");
    }

    #[test]
    fn polite_phones_look_every_five_seconds() {
        let options = parsed("walkers --users 300 --polite --check").unwrap();
        assert!(options.polite && (options.rate - 0.2).abs() < 1e-9);
        assert!(parsed("walkers --polite --rate 3").is_err());
    }

    #[test]
    fn a_duration_of_0_is_for_ever() {
        assert!(parsed("walkers --users 300 --rate 0.5 --duration 0").unwrap().forever);
        assert!(parsed("walkers --users 300 --rate 0.5 --forever --lively").unwrap().forever);
    }

    #[test]
    fn what_cannot_be_is_refused_with_a_sentence() {
        for line in
            ["--rate 0", "--radius 10", "--check", "--clock 25:00", "--users 0", "--watchers 2", "--idle 5 --users 3"]
        {
            assert!(parsed(&format!("walkers {line}")).is_err(), "{line}");
        }
        let with = |url: &str| Options { url: url.into(), ..parsed("walkers").unwrap() };
        assert!(with("https://example.org").authority().is_err());
        assert!(with("http://example.org/path").authority().is_err());
        assert_eq!(with("ws://example.org/").authority().unwrap(), "example.org:80");
    }

    #[test]
    fn the_token_comes_from_a_file_or_the_environment_never_from_the_command_line() {
        assert!(parsed("walkers --token abc").is_err());
        let file = std::env::temp_dir().join(format!("walkers-token-{}", std::process::id()));
        std::fs::write(&file, "secret\n").unwrap();
        let options = Options { token_file: Some(file.clone()), ..parsed("walkers").unwrap() };
        assert_eq!(options.token().unwrap(), "secret");
        std::fs::remove_file(file).unwrap();
    }
}
