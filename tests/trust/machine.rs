//! Random lives against the model. Each script has its own seed, which a failure names together with every act.
//!
//! `LETSHANG_TRUST_SCRIPTS` says how many scripts run instead of the usual number, `LETSHANG_TRUST_SEED` from which seed on.
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::host::Host;
use super::model::Level;
use super::script::{self, Act, SPOTS, Way};
use super::stage::{Figures, Stage};

/// Scripts on nodes in this process, unless the environment says otherwise.
const SCRIPTS: u64 = 60;
/// Scripts at the same time: most of the time each waits for a clock's tick or a start.
const AT_ONCE: usize = 8;
/// Scripts on the program itself, with kill -9.
const PROGRAM_SCRIPTS: u64 = 4;

fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap())
}

/// One life, on a host of its own.
fn live(host: Host, seed: u64) -> Figures {
    let mut rng = StdRng::seed_from_u64(seed);
    let is_program = host.is_program();
    let mut stage = Stage::new(host, rng.random_range(2..=5));
    // Some know each other from the beginning.
    let people = stage.model.people.len();
    for who in 1..people {
        let gives = if rng.random_bool(0.7) { (Level::Exact, None) } else { (Level::Approximate, None) };
        stage.act(Act::Befriend { who, whom: rng.random_range(0..who), gives, takes: (Level::Exact, None) });
    }
    for who in 0..people {
        stage.act(Act::Map { who, device: 0, open: true });
        stage.act(Act::Free { who, note: true, ms: None, way: Way::Socket(0) });
        stage.act(Act::Move { who, spot: rng.random_range(0..SPOTS), way: Way::Http });
    }
    let acts = rng.random_range(40..=80);
    let mut codes = people - 1;
    let mut crashes = 0;
    for _ in 0..acts {
        let act = script::next(&mut rng, &stage.model, codes);
        // A start takes as long as twenty acts.
        crashes += usize::from(matches!(act, Act::Crash | Act::Restart));
        if matches!(act, Act::Crash | Act::Restart) && crashes > 1 {
            continue;
        }
        if is_program && matches!(act, Act::Pass { .. }) {
            continue;
        }
        codes += usize::from(matches!(act, Act::Invite { .. } | Act::Befriend { .. }));
        stage.act(act);
        codes = codes.min(stage.links());
    }
    stage.figures
}

fn all(scripts: u64, host: impl Fn() -> Host + Sync) -> Figures {
    let first = from_environment("LETSHANG_TRUST_SEED").unwrap_or(1);
    let next = AtomicU64::new(first);
    let sum = std::sync::Mutex::new(Figures::default());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + scripts {
                        break;
                    }
                    let host = host();
                    let lived = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| live(host, seed)));
                    match lived {
                        Ok(figures) => sum.lock().unwrap().add(&figures),
                        Err(cause) => {
                            eprintln!("again: LETSHANG_TRUST_SEED={seed} LETSHANG_TRUST_SCRIPTS=1");
                            std::panic::resume_unwind(cause);
                        }
                    }
                }
            });
        }
    });
    sum.into_inner().unwrap()
}

#[test]
fn whatever_happens_nobody_learns_more_than_was_agreed() {
    let begin = Instant::now();
    let scripts = from_environment("LETSHANG_TRUST_SCRIPTS").unwrap_or(SCRIPTS);
    let figures = all(scripts, Host::node);
    println!("{scripts} scripts in {:?}: {figures:?}", begin.elapsed());
    // A test in which nothing is told proves nothing.
    assert!(scripts < SCRIPTS || (figures.moved > 100 && figures.near > 20 && figures.crashes > 5), "{figures:?}");
}

#[test]
fn whatever_happens_to_the_program_nobody_learns_more_than_was_agreed() {
    let begin = Instant::now();
    let scripts = from_environment("LETSHANG_TRUST_SCRIPTS").map_or(PROGRAM_SCRIPTS, |scripts| scripts / 10);
    let figures = all(scripts, Host::program);
    println!("{scripts} scripts in {:?}: {figures:?}", begin.elapsed());
    assert!(begin.elapsed() < Duration::from_secs(3_600));
}
