//! Getting everyone connected, and connected again.
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use letshang::protocol::close::CloseCode;
use tokio::sync::Semaphore;
use tokio::time::sleep;

use crate::client::{self, Line, NO_CLOSE_FRAME, NotWelcomed};
use crate::crowd::Crowd;
use crate::progress::Progress;
use crate::random::Random;
use crate::scenario::{Scenario, Stop};

/// Handshakes under way at the same time.
const HANDSHAKES: usize = 128;
/// How often a person tries to connect before giving up, unless the run is for ever.
const TRIES: u32 = 8;
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(30));

/// Shared by all connections of a run, on one thread.
pub struct Run {
    /// What is to be done.
    pub scenario: Scenario,
    /// Everyone.
    pub crowd: RefCell<Crowd>,
    handshakes: Semaphore,
    /// People who got a connection.
    pub opened: Cell<u64>,
    /// People who got none, by reason.
    pub refused: RefCell<BTreeMap<String, u64>>,
    /// The fewest frames a second that any welcome allowed.
    pub slowest_limit: Cell<Option<u32>>,
    /// From now on, ends of connections are nobody's fault.
    pub ending: Cell<bool>,
}

impl Run {
    /// Nobody is connected yet.
    #[must_use]
    pub fn new(scenario: Scenario, crowd: Crowd) -> Self {
        Self {
            scenario,
            crowd: RefCell::new(crowd),
            handshakes: Semaphore::new(HANDSHAKES),
            opened: Cell::new(0),
            refused: RefCell::default(),
            slowest_limit: Cell::new(None),
            ending: Cell::new(false),
        }
    }
}

/// Connects everyone, at the scenario's pace, and returns when nobody is still trying, or on `stop`.
pub async fn everyone_connects(run: &Rc<Run>, stop: &Stop, progress: &mut Progress) {
    let people = run.scenario.plan.people;
    let began = Instant::now();
    let mut started = 0;
    loop {
        let due = began.elapsed().as_secs_f64() * f64::from(run.scenario.ramp);
        while started < people && (started as f64) < due {
            tokio::task::spawn_local(live(run.clone(), started));
            started += 1;
        }
        let opened = run.opened.get();
        let settled = opened + run.refused.borrow().values().sum::<u64>();
        progress.show("connecting", opened, people as u64, "connections");
        if settled >= people as u64 || stop.get() {
            return;
        }
        sleep(Duration::from_millis(1)).await;
    }
}

/// One person's connection, and the next one when it ends and may be had again.
async fn live(run: Rc<Run>, person: usize) {
    let forever = run.scenario.seconds.is_none();
    let mut random = Random::new(run.scenario.plan.seed, 0xBA, person as u64);
    let mut failures = 0;
    let mut was_online = false;
    loop {
        let (reason, retry_after, may_return) = match connect(&run, person).await {
            Ok(welcomed) => {
                failures = 0;
                if !was_online {
                    run.opened.set(run.opened.get() + 1);
                }
                was_online = true;
                let line = Rc::new(Line::new(welcomed.stream));
                run.crowd.borrow_mut().connected(person, line.clone(), welcomed.last_seq);
                let ended = line.run(welcomed.rest, |text| run.crowd.borrow_mut().hear(person, text)).await;
                let mut crowd = run.crowd.borrow_mut();
                crowd.dropped(person);
                if run.ending.get() {
                    return;
                }
                *crowd.tally.drops.entry(ended.code).or_default() += 1;
                if !forever {
                    return;
                }
                (format!("closed with {}", ended.code), ended.retry_after, may_return(ended.code))
            }
            Err(NotWelcomed::Busy(retry_after)) => ("busy".to_owned(), retry_after, true),
            Err(NotWelcomed::Closed(code)) => (format!("closed with {code}"), None, may_return(code)),
            Err(NotWelcomed::Io(error)) => (error.kind().to_string(), None, true),
            Err(NotWelcomed::Odd(answer)) => (answer, None, false),
        };
        failures += 1;
        if run.ending.get() || !may_return || (!forever && failures >= TRIES) {
            if !was_online {
                *run.refused.borrow_mut().entry(reason).or_default() += 1;
            }
            return;
        }
        let (first, most) = BACK_OFF;
        let wait = retry_after.unwrap_or(first * 2_u32.pow(failures.min(7))).min(most);
        sleep(wait.mul_f64(random.between(0.5, 1.5))).await;
    }
}

async fn connect(run: &Run, person: usize) -> Result<client::Welcomed, NotWelcomed> {
    let _permit = run.handshakes.acquire().await;
    let token = run.scenario.tokens.get(person).map_or("", String::as_str);
    let welcomed = client::connect(&run.scenario.target, person, token).await?;
    if let Some(limit) = welcomed.frames_per_second {
        run.slowest_limit.set(Some(run.slowest_limit.get().map_or(limit, |slowest| slowest.min(limit))));
    }
    Ok(welcomed)
}

fn may_return(code: u16) -> bool {
    code == NO_CLOSE_FRAME || CloseCode(code).may_reconnect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_comes_back_after_a_restart_but_not_after_being_refused() {
        assert!(may_return(1012) && may_return(1006) && may_return(4503));
        assert!(!may_return(4401) && !may_return(4409) && !may_return(1008));
    }
}
