//! `letshang replay FILE…`: recordings and seed files into a running server.
//!
//! Reading and checking come first ([`recording`]), then *when* each event is due and what time it carries ([`plan`], pure),
//! then sending ([`courier`]). A GPX file with any fault, or under `--strict` a seed file with one, stops everything
//! before the first byte is sent.
pub mod courier;
pub mod plan;
pub mod recording;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;

use self::courier::{Courier, HttpCourier, Outcome};
use self::plan::{Plan, Speed};
use self::recording::{Item, Recording, Timeline};
use crate::domain::fix::OLDEST_MS;
use crate::domain::{Clock, FixFields, UnixMs, UserId};
use crate::protocol::seed_line::SeedLine;

/// Most seed lines in one request at full speed.
const SEED_BATCH: usize = 5_000;
/// Most fixes in one request at full speed.
const FIX_BATCH: usize = 500;
/// Seed lines that are due within this of each other share a request, milliseconds.
const TOGETHER_MS: i64 = 20;
/// How often progress is printed, milliseconds.
const PROGRESS_MS: i64 = 2_000;

/// Replays GPX recordings and seed files into a running server.
///
/// Times are shifted so that the recording's last fix arrives as the replay ends, never in the future: at --speed 1 the recording
/// begins now; at --speed N its last part is followed live; at --speed max it ends now. All files of one call are one
/// recording and keep their distances in time. The token is read from the environment variable LETSHANG_TOKEN: for seed
/// files an administrator's, for GPX files that of the person whose recording it is.
#[derive(Args, Clone, Debug)]
pub struct ReplayArgs {
    /// GPX files, or files of seed lines.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// How many times faster than it happened, or `max` for as fast as the server takes it.
    /// Without it: 1, or `max` with --as-recorded.
    #[arg(long, value_name = "N|max", default_value = "1", default_value_if("as_recorded", "true", "max"))]
    pub speed: Speed,
    /// The server, as `http://HOST:PORT`; without it, the one that the configuration names.
    #[arg(long, value_name = "URL")]
    pub to: Option<String>,
    /// Keep the recorded times. What is older than 7 days goes to history and histograms only.
    #[arg(long)]
    pub as_recorded: bool,
    /// Whose GPX recording it is: refused unless the token is theirs.
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// Send nothing when any line of a seed file is faulty.
    #[arg(long)]
    pub strict: bool,
}

/// Where to send, and with whose rights.
#[derive(Clone)]
pub struct ReplayTarget {
    /// `http://HOST:PORT`.
    pub base_url: String,
    /// A bearer token. Never printed.
    pub token: String,
}

impl std::fmt::Debug for ReplayTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReplayTarget").field("base_url", &self.base_url).finish_non_exhaustive()
    }
}

/// What came of a replay.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReplayReport {
    /// Events sent.
    pub sent: u64,
    /// Of these, taken by the server.
    pub accepted: u64,
    /// Of these, refused by the server, by code.
    pub rejected: BTreeMap<String, u64>,
    /// Faulty lines of seed files, which were not sent.
    pub bad_lines: u64,
    /// Empty lines and comments of seed files.
    pub skipped_lines: u64,
    /// How long sending took, seconds.
    pub seconds: f64,
}

impl ReplayReport {
    /// True when every line was sound and every event was taken: the command's exit code is 0.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.bad_lines == 0 && self.rejected.is_empty() && self.accepted == self.sent
    }

    fn add(&mut self, sent: usize, outcome: Outcome) {
        self.sent += sent as u64;
        self.accepted += outcome.accepted;
        for (code, count) in outcome.rejected {
            *self.rejected.entry(code).or_default() += count;
        }
    }
}

/// Runs the command; progress and summary go to `out`. The caller exits non-zero unless the report
/// [is clean](ReplayReport::is_clean).
///
/// # Errors
/// When a file cannot be read or a GPX file is faulty (then nothing was sent), when the token is refused or another person's, or when
/// the server stops answering.
pub fn run(args: &ReplayArgs, target: &ReplayTarget, out: &mut dyn Write) -> anyhow::Result<ReplayReport> {
    let recording = Recording::read(&args.files, out)?;
    let mut courier = HttpCourier::new(target)?;
    if recording.has_gpx {
        let wanted = args.user.as_deref().map(|user| UserId::parse(user, "--user")).transpose()?;
        let owner = courier.whoami()?;
        if let Some(wanted) = wanted
            && wanted.as_str() != owner
        {
            bail!("the token in LETSHANG_TOKEN belongs to {owner}, not to {wanted}: use a token of {wanted}");
        }
    }
    replay(args, &recording, &mut courier, &mut SystemTime, out)
}

/// The clock of a replay: a test's stands still until it is slept on.
pub trait Time {
    /// The present moment.
    fn now(&self) -> UnixMs;
    /// Waits.
    fn sleep(&mut self, ms: i64);
}

struct SystemTime;

impl Time for SystemTime {
    fn now(&self) -> UnixMs {
        Clock::System.now()
    }

    fn sleep(&mut self, ms: i64) {
        std::thread::sleep(Duration::from_millis(u64::try_from(ms).unwrap_or(0)));
    }
}

fn replay(
    args: &ReplayArgs,
    recording: &Recording,
    courier: &mut dyn Courier,
    time: &mut dyn Time,
    out: &mut dyn Write,
) -> anyhow::Result<ReplayReport> {
    let mut report = ReplayReport {
        bad_lines: recording.bad_lines,
        skipped_lines: recording.skipped_lines,
        ..ReplayReport::default()
    };
    if args.strict && recording.bad_lines > 0 {
        bail!("{} faulty lines: nothing was sent (--strict)", recording.bad_lines);
    }
    let Some(span) = recording.span else { bail!("there is nothing to send: no file has a sound line or point") };
    let began = time.now();
    let plan = Plan::new(span, args.speed, args.as_recorded, began);
    writeln!(out, "{} events over {:.0} s; {}", recording.events, plan.seconds_recorded(), plan.describe())?;
    if plan.oldest() < began - OLDEST_MS {
        writeln!(out, "what is older than 7 days goes to history and histograms only, or is refused as too_old")?;
    }
    let mut sender = Sender { plan, courier, report: &mut report, seeds: Vec::new(), fixes: Vec::new() };
    let mut printed = began;
    for event in Timeline::open(recording)? {
        let event = event.with_context(|| format!("stopped after {} events", sender.report.sent))?;
        if plan.is_paced() {
            let wait = plan.due(event.t).since(time.now());
            if wait > 0 {
                sender.flush()?;
                let together = if matches!(event.item, Item::Seed(_)) { TOGETHER_MS } else { 0 };
                time.sleep(plan.due(event.t).since(time.now()).max(together));
            }
        }
        sender.push(event.t, event.item)?;
        let now = time.now();
        if now.since(printed) >= PROGRESS_MS {
            printed = now;
            writeln!(out, "{} of {} sent", sender.report.sent, recording.events)?;
        }
    }
    sender.flush()?;
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of a run")]
    let seconds = time.now().since(began) as f64 / 1e3;
    report.seconds = seconds;
    summarise(&report, out)?;
    if report.sent != recording.events {
        bail!("{} events were read at first, {} when sending: a file has changed", recording.events, report.sent);
    }
    Ok(report)
}

fn summarise(report: &ReplayReport, out: &mut dyn Write) -> std::io::Result<()> {
    #[expect(clippy::cast_precision_loss, reason = "a rate for a person to read")]
    let rate = report.sent as f64 / report.seconds.max(0.001);
    let ReplayReport { sent, accepted, bad_lines, skipped_lines, seconds, .. } = report;
    writeln!(out, "sent {sent}, accepted {accepted}, in {seconds:.1} s ({rate:.0} events/s)")?;
    for (code, count) in &report.rejected {
        writeln!(out, "refused by the server: {count} {code}")?;
    }
    if bad_lines + skipped_lines > 0 {
        writeln!(out, "not sent: {bad_lines} faulty lines, {skipped_lines} empty lines and comments")?;
    }
    Ok(())
}

/// Gathers what is due into requests.
struct Sender<'a> {
    plan: Plan,
    courier: &'a mut dyn Courier,
    report: &'a mut ReplayReport,
    seeds: Vec<SeedLine>,
    fixes: Vec<FixFields>,
}

impl Sender<'_> {
    fn push(&mut self, t: UnixMs, item: Item) -> anyhow::Result<()> {
        let t = self.plan.shifted(t);
        match item {
            Item::Seed(line) => self.seeds.push(SeedLine { t, ..line }),
            Item::Fix(fields) => self.fixes.push(FixFields { t: t.0, ..fields }),
        }
        let together = if self.plan.is_paced() { 1 } else { FIX_BATCH };
        if self.fixes.len() >= together || self.seeds.len() >= SEED_BATCH {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> anyhow::Result<()> {
        if !self.seeds.is_empty() {
            let outcome = self.courier.seeds(&self.seeds).with_context(|| self.so_far())?;
            self.report.add(self.seeds.len(), outcome);
            self.seeds.clear();
        }
        if !self.fixes.is_empty() {
            let outcome = self.courier.fixes(&self.fixes).with_context(|| self.so_far())?;
            self.report.add(self.fixes.len(), outcome);
            self.fixes.clear();
        }
        Ok(())
    }

    fn so_far(&self) -> String {
        let sent = self.report.sent;
        format!("stopped after {sent} events (with --as-recorded a rerun is safe: what is stored is only acknowledged)")
    }
}

#[cfg(test)]
#[path = "replay/tests.rs"]
mod tests;
