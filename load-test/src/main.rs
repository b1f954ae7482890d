//! `walkers`: seeded people who walk through Manhattan, for measuring a LetsHang server and for showing one.
#![forbid(unsafe_code)]
mod admin;
mod client;
mod crowd;
mod frame;
mod friends;
mod grid;
mod island;
mod meetings;
mod messages;
mod meter;
mod options;
mod polite;
mod process;
mod progress;
mod ramp;
mod random;
mod report;
#[cfg(test)]
mod runs;
mod scenario;
mod schedule;
mod sink;
#[cfg(test)]
mod stub;
mod tally;
mod time;
mod walker;

use std::net::ToSocketAddrs;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::LocalSet;

use crate::admin::{Admin, Ids};
use crate::client::Target;
use crate::crowd::Plan;
use crate::friends::Friends;
use crate::meter::Meter;
use crate::options::{Format, Options, SINK};
use crate::progress::Progress;
use crate::report::{Report, Yardstick};
use crate::scenario::{Scenario, Stop};
use crate::schedule::DayClock;
use crate::sink::Sink;

/// How long after the last fix an ack may come.
const GRACE: Duration = Duration::from_secs(5);
/// Files this process opens besides connections.
const OTHER_FILES: u64 = 64;
/// Warm-up and measured time of the yardstick, seconds.
const YARDSTICK_S: (u64, u64) = (1, 4);
/// Connections from one address before its ports run short.
const CONNECTIONS_PER_ADDRESS: u32 = 20_000;

fn main() -> ExitCode {
    let mut progress = Progress::new();
    let made = Options::parse().validate().and_then(|options| {
        let report = run(&options, &mut progress)?;
        match options.report {
            Format::Json => println!("{}", report.json()?),
            Format::Table if options.forever => {
                progress.say(&format!("{} fixes sent, {} pairs met", report.fixes.sent, report.near.pairs));
            }
            Format::Table => println!("{}", report.table()),
        }
        Ok(options.forever || report.promises_kept())
    });
    match made {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            progress.say(&format!("walkers: {error:#}"));
            ExitCode::from(2)
        }
    }
}

fn run(options: &Options, progress: &mut Progress) -> Result<Report> {
    let most_files = process::raise_open_files();
    let ends = if options.url == SINK { 2 } else { 1 };
    if u64::from(options.users) * ends + OTHER_FILES > most_files {
        bail!("{} connections need more open files than the {most_files} allowed here (ulimit -Hn)", options.users);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let stop = Stop::default();
    let tasks = LocalSet::new();
    tasks.block_on(&runtime, async { listen_for_signals(stop.clone()) })?;

    let measured = options.yardstick.then(|| {
        let people = u64::from(options.users).min(most_files.saturating_sub(OTHER_FILES) / 2);
        progress.say("measuring the yardstick: a bare loop that counts frames");
        let sink = yardstick(options, usize::try_from(people).unwrap_or(1).max(1))?;
        anyhow::Ok(tasks.block_on(&runtime, scenario::run(sink, nobodys_friends(), &stop, progress))?)
    });
    let measured = measured.transpose()?;

    let people = usize::try_from(options.users)?;
    let friends = Friends::new(options.seed, people, options.friends, options.clustering);
    let mut report = if options.url == SINK {
        let sink = Sink::start(true)?;
        let scenario = scenario(options, sink.address.to_string(), Meter::Sink(sink), vec![String::new(); people])?;
        tasks.block_on(&runtime, scenario::run(scenario, friends, &stop, progress))?
    } else {
        let authority = options.authority()?;
        let admin = Admin::new(format!("http://{authority}"), options.token()?);
        let ids = Ids::of(options.seed);
        progress.say(&format!("making {people} users and {} friendships", friends.pairs().count()));
        let tokens = admin.make(&ids, people, options.radius, &friends)?;
        let walked = scenario(options, authority, Meter::Nothing, tokens)
            .and_then(|scenario| Ok(tasks.block_on(&runtime, scenario::run(scenario, friends, &stop, progress))?));
        match admin.remove(&ids, people) {
            Ok(removed) => progress.say(&format!("removed {removed} users")),
            Err(error) => progress.say(&format!("could not remove the users: {error:#}")),
        }
        walked?
    };
    report.yardstick = measured.and_then(|sink| as_yardstick(&sink, &report));
    Ok(report)
}

/// What is to be done, against a server or the sink.
fn scenario(options: &Options, authority: String, meter: Meter, tokens: Vec<String>) -> Result<Scenario> {
    let address = authority
        .to_socket_addrs()
        .with_context(|| format!("{authority}: no such host"))?
        .next()
        .with_context(|| format!("{authority} has no address"))?;
    let meter = match (meter, options.pid) {
        (Meter::Nothing, Some(pid)) => Meter::Process(pid),
        (Meter::Nothing, None) if address.ip().is_loopback() => {
            process::listener_of(address.port()).map_or(Meter::Nothing, Meter::Process)
        }
        (meter, _) => meter,
    };
    let by_need = u8::try_from(options.users.div_ceil(CONNECTIONS_PER_ADDRESS)).unwrap_or(u8::MAX);
    Ok(Scenario {
        url: options.url.clone(),
        target: Target { address, host: authority, sources: options.sources.unwrap_or(by_need) },
        plan: Plan {
            seed: options.seed,
            people: tokens.len(),
            radius_m: options.radius,
            watchers: options.watchers,
            day: DayClock { starts_at_min: options.clock, lively: options.lively },
            check: options.check,
            polite: options.polite,
        },
        tokens,
        rate: options.rate,
        seconds: (!options.forever).then_some((options.warmup, options.duration)),
        idle: options.idle.map(|_| options.duration),
        ramp: options.ramp,
        grace: GRACE,
        meter,
    })
}

/// The same load, as far as open files allow, on a sink that does not even acknowledge.
fn yardstick(options: &Options, people: usize) -> Result<Scenario> {
    let sink = Sink::start(false)?;
    let plain = scenario(options, sink.address.to_string(), Meter::Sink(sink), vec![String::new(); people])?;
    let plan = Plan { watchers: 0.0, check: false, ..plain.plan };
    Ok(Scenario { plan, seconds: Some(YARDSTICK_S), idle: None, grace: Duration::ZERO, ..plain })
}

fn nobodys_friends() -> Friends {
    Friends::new(0, 0, 0.0, 0.0)
}

fn as_yardstick(sink: &Report, report: &Report) -> Option<Yardstick> {
    let cpu_us_per_frame = sink.server?.cpu_us_per_fix?;
    let server_is_times = report.server.and_then(|server| server.cpu_us_per_fix).map(|us| us / cpu_us_per_frame);
    Some(Yardstick { per_second: sink.fixes.per_second, cpu_us_per_frame, server_is_times })
}

/// The first Ctrl-C or SIGTERM ends the run in good order, the second at once.
fn listen_for_signals(stop: Stop) -> Result<()> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let stop = Rc::clone(&stop);
    tokio::task::spawn_local(async move {
        let mut signals = 0;
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            signals += 1;
            stop.set(true);
            if signals > 1 {
                std::process::exit(130);
            }
        }
    });
    Ok(())
}
