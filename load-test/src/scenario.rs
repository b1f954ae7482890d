//! A run from the first connection to the last ack: connect, settle, walk, wait for what is still under way, hang up.
use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::client::Target;
use crate::crowd::{Crowd, Plan};
use crate::friends::Friends;
use crate::meter::Meter;
use crate::progress::Progress;
use crate::ramp::{Run, everyone_connects};
use crate::report::{Connections, Cost, Fixes, Latencies, Meetings, Polite, Report, Setup};
use crate::time::Alarm;

/// `near` frames need no ack: they get this long in any case.
const LISTEN_ON: Duration = Duration::from_millis(600);
/// Fixes sent before the readers get a turn.
const BURST: u32 = 32;

/// What is to be done.
#[derive(Debug)]
pub struct Scenario {
    /// How it is named in the report.
    pub url: String,
    /// Where to connect.
    pub target: Target,
    /// Everyone's token, in order.
    pub tokens: Vec<String>,
    /// Who is who and how they live.
    pub plan: Plan,
    /// Fixes a second from each.
    pub rate: f64,
    /// Seconds of load before measuring, and measured; `None`: until told to stop.
    pub seconds: Option<(u64, u64)>,
    /// Send no fixes: hold idle connections for this many seconds.
    pub idle: Option<u64>,
    /// Connections a second.
    pub ramp: u32,
    /// How long after the last fix an ack may come; zero: none is expected.
    pub grace: Duration,
    /// How the server's CPU and memory are read.
    pub meter: Meter,
}

/// Set when the run shall end soon.
pub type Stop = Rc<Cell<bool>>;

/// Makes a run on this thread's `LocalSet`.
///
/// # Errors
/// When the kernel has no timer for it. What goes wrong with the server is in the report.
pub async fn run(
    scenario: Scenario,
    friends: Friends,
    stop: &Stop,
    progress: &mut Progress,
) -> std::io::Result<Report> {
    let mut setup = Setup {
        url: scenario.url.clone(),
        users: u32::try_from(scenario.plan.people).unwrap_or(u32::MAX),
        rate: scenario.rate,
        seconds: 0.0,
        seed: scenario.plan.seed,
        mean_friends: friends.mean_degree(),
        clustering: friends.clustering(),
        radius_m: scenario.plan.radius_m,
        idle: scenario.idle.is_some(),
    };
    let (check, polite, people) = (scenario.plan.check, scenario.plan.polite, scenario.plan.people);
    let crowd = Crowd::new(scenario.plan.clone(), friends);
    let run = Rc::new(Run::new(scenario, crowd));
    let resident_before = run.scenario.meter.resident_bytes();
    let began = Instant::now();
    everyone_connects(&run, stop, progress).await;
    let seconds = began.elapsed().as_secs_f64();
    settle(&run).await;
    let grown =
        run.scenario.meter.resident_bytes().zip(resident_before).map(|(now, before)| now.saturating_sub(before));
    let opened = run.opened.get();
    let bytes_each = grown.map(|bytes| bytes as f64 / opened.max(1) as f64);
    if let Some(limit) = run.slowest_limit.get().filter(|&limit| f64::from(limit) < run.scenario.rate + 1.0) {
        progress.say(&format!(
            "warning: this server allows {limit} frames a second on a connection; fixes will be refused"
        ));
    }
    let spent = match run.scenario.idle {
        Some(seconds) => hold(&run, seconds, stop, progress).await,
        None => walk(&run, stop, progress).await?,
    };
    setup.seconds = spent.seconds;
    let resident_after = run.scenario.meter.resident_bytes();
    if run.scenario.seconds.is_some() {
        last_words(&run).await;
    }
    run.ending.set(true);
    run.crowd.borrow_mut().hang_up();
    tokio::task::yield_now().await;

    let crowd = run.crowd.borrow();
    let (tally, meetings) = (&crowd.tally, &crowd.meetings);
    let fixes = Fixes::of(tally, spent.seconds);
    let cost = |cpu: f64, resident_before, resident_after| Cost {
        cpu_us_per_fix: (tally.measured_sent > 0).then(|| cpu * 1e6 / tally.measured_sent as f64),
        cores: cpu / spent.seconds.max(f64::MIN_POSITIVE),
        resident_before,
        resident_after,
    };
    Ok(Report {
        setup,
        connections: Connections {
            opened,
            refused: run.refused.borrow().clone(),
            seconds,
            bytes_each,
            drops: tally.drops.clone(),
        },
        fixes,
        latency: Latencies::of(tally),
        near: Meetings {
            pairs: meetings.pairs(),
            one_sided: meetings.one_sided(),
            by_fix: tally.near_by_fix,
            by_becoming_free: tally.near_by_becoming_free,
            early: tally.near_early,
            too_far: tally.near_too_far,
            unknown: tally.near_unknown,
            due: check.then(|| meetings.due()),
            missed: check.then(|| meetings.missed()),
        },
        polite: polite.then(|| Polite::of(tally, people, spent.seconds)),
        degraded: tally.degraded,
        server: spent.server_cpu.map(|cpu| cost(cpu, resident_before, resident_after)),
        generator: cost(spent.own_cpu, None, None),
        yardstick: None,
    })
}

/// Waits until the server has told everyone who is there: no frame for half a second, 10 s at most.
async fn settle(run: &Run) {
    let mut heard = None;
    for _ in 0..20 {
        let now = Some(run.crowd.borrow().tally.heard);
        if heard == now {
            return;
        }
        heard = now;
        sleep(Duration::from_millis(500)).await;
    }
}

/// What was spent while measuring.
#[derive(Debug, Default)]
struct Spent {
    seconds: f64,
    server_cpu: Option<f64>,
    own_cpu: f64,
}

/// A moment from which spending is counted.
struct Since {
    moment: Instant,
    server_cpu: Option<f64>,
    own_cpu: f64,
}

impl Since {
    fn now(meter: &Meter) -> Self {
        Self { moment: Instant::now(), server_cpu: meter.server_cpu_seconds(), own_cpu: meter.own_cpu_seconds() }
    }

    fn spent(&self, meter: &Meter) -> Spent {
        Spent {
            seconds: self.moment.elapsed().as_secs_f64(),
            server_cpu: meter.server_cpu_seconds().zip(self.server_cpu).map(|(now, before)| now - before),
            own_cpu: meter.own_cpu_seconds() - self.own_cpu,
        }
    }
}

async fn hold(run: &Run, seconds: u64, stop: &Stop, progress: &mut Progress) -> Spent {
    let since = Since::now(&run.scenario.meter);
    while since.moment.elapsed().as_secs() < seconds && !stop.get() {
        progress.show("idle", since.moment.elapsed().as_secs(), seconds, "s");
        sleep(Duration::from_millis(100)).await;
    }
    since.spent(&run.scenario.meter)
}

/// The load: the k-th fix of all is meant for the moment k / (people · rate). So every person sends at the same interval,
/// everyone at a different moment, and nobody waits for anything: the schedule is never put off (no coordinated omission).
async fn walk(run: &Run, stop: &Stop, progress: &mut Progress) -> std::io::Result<Spent> {
    let alarm = Alarm::new()?;
    let Scenario { plan, rate, seconds, meter, .. } = &run.scenario;
    let people = plan.people as u64;
    let us_per_fix = 1e6 / (rate * plan.people as f64);
    let stride = stride(people);
    let clock = run.crowd.borrow().clock;
    // A little ahead, so that the first fix is not late.
    let from_ms = clock.now_us() / 1_000 + 20;
    let (warm_up, measured) = seconds.unwrap_or((0, 0));
    let measure_from_ms = from_ms + warm_up * 1_000;
    let rounds = seconds.map(|_| ((warm_up + measured) as f64 * rate).ceil().max(1.0) as u64);
    let mut end = rounds.map_or(u64::MAX, |rounds| rounds * people);
    run.crowd.borrow_mut().begin_load(from_ms, measure_from_ms);

    let mut since = Since::now(meter);
    let mut measuring = warm_up == 0;
    let mut next = 0_u64;
    loop {
        let now_ms = clock.now_us() / 1_000;
        if !measuring && now_ms >= measure_from_ms {
            since = Since::now(meter);
            measuring = true;
        }
        if stop.get() {
            // Everyone's turn comes once more, so that everyone's last fix is a numbered one; but not in an endless run.
            end = end.min(if seconds.is_some() { next + people } else { next });
        }
        let mut burst = 0;
        let meant_ms = |k: u64| from_ms + (k as f64 * us_per_fix / 1_000.0) as u64;
        while next < end && meant_ms(next) <= now_ms {
            let person = usize::try_from(next % people * stride % people).unwrap_or(0);
            run.crowd.borrow_mut().send_fix(person, meant_ms(next), end - next <= people);
            next += 1;
            burst += 1;
            if burst == BURST {
                burst = 0;
                tokio::task::yield_now().await;
            }
        }
        if next >= end {
            return Ok(since.spent(meter));
        }
        show_walking(run, now_ms.saturating_sub(from_ms) / 1_000, progress);
        let wait_us = (meant_ms(next) * 1_000).saturating_sub(clock.now_us());
        // Ten times a second at least, to see whether to stop.
        alarm.sleep(Duration::from_micros(wait_us.min(100_000))).await?;
    }
}

fn show_walking(run: &Run, second: u64, progress: &mut Progress) {
    let crowd = run.crowd.borrow();
    match run.scenario.seconds {
        Some((warm_up, measured)) => progress.show("walking", second, warm_up + measured, "s"),
        None => progress.show_with("walking", || {
            format!("{} online, {} fixes sent, {} pairs met", crowd.online(), crowd.tally.sent, crowd.meetings.pairs())
        }),
    }
}

/// A step through everyone that is far from neighbours (the golden section) and visits each person once.
fn stride(people: u64) -> u64 {
    let divides = |mut a: u64, mut b: u64| {
        while b != 0 {
            (a, b) = (b, a % b);
        }
        a
    };
    let golden = (people as f64 * 0.618) as u64;
    (golden.max(1)..=people.max(1)).find(|&step| divides(step, people) == 1).unwrap_or(1)
}

async fn last_words(run: &Run) {
    let began = Instant::now();
    let grace = run.scenario.grace;
    while began.elapsed() < LISTEN_ON.min(grace) || (began.elapsed() < grace && !run.crowd.borrow().all_decided()) {
        sleep(Duration::from_millis(20)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everyones_turn_comes_once_in_a_round_and_neighbours_are_apart() {
        for people in [1_u64, 2, 3, 10, 300, 5_000, 9_973] {
            let step = stride(people);
            let turns: std::collections::HashSet<u64> = (0..people).map(|k| k * step % people).collect();
            assert_eq!(turns.len() as u64, people);
        }
    }
}
