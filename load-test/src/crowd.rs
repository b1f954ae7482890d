//! Everyone of a run, seen from their phones: what each one sends when its turn comes, and what its frames mean.
use std::collections::VecDeque;
use std::rc::Rc;

use letshang::domain::UnixMs;

use crate::admin::Ids;
use crate::client::{Line, Posted};
use crate::frame;
use crate::friends::Friends;
use crate::grid::City;
use crate::meetings::{Cause, Meetings, Sent, Trail, cause};
use crate::messages::{self, Heard};
use crate::polite::{Look, Pace, Polite};
use crate::schedule::{DayClock, Schedule};
use crate::tally::Tally;
use crate::time::RunClock;
use crate::walker::{Places, Reading, Walker};

/// Every so many fixes one carries a number (PROTOCOL.md, `seq`).
const NUMBERED_EVERY: u64 = 10;
/// How often a person looks at the clock to become free or busy, milliseconds.
const LOOK_EVERY_MS: u64 = 1_000;
/// How much nearer than the radius polite people must truly be before they had to be announced, metres: 95 of 100 errors of two of the
/// coarsest phones (24 m) are smaller.
const NOISE_M: f64 = 56.0;

/// A numbered fix that waits for its ack.
#[derive(Debug)]
struct Waiting {
    seq: u64,
    meant_ms: u64,
    /// How many of the person's fixes its ack covers in all.
    covers: u64,
}

/// One person and the phone.
#[derive(Debug)]
struct Person {
    walker: Walker,
    schedule: Schedule,
    line: Option<Rc<Line>>,
    watches: bool,
    greeted: bool,
    next_look_ms: u64,
    sent: u64,
    covered: u64,
    seq: u64,
    waiting: VecDeque<Waiting>,
    phone: Polite,
    /// When the phone last looked at its receiver.
    looked_ms: u64,
}

impl Person {
    /// Sends a fix taken at a moment of the run (which is also given as Unix milliseconds). False when the connection does not take it.
    fn say(
        &mut self,
        line: &Line,
        reading: &Reading,
        (meant_ms, unix): (u64, i64),
        numbered: bool,
        text: &mut Vec<u8>,
        scratch: &mut Vec<u8>,
    ) -> bool {
        let seq = numbered.then_some(self.seq + 1);
        text.clear();
        messages::fix(text, reading, unix, seq);
        if line.send(frame::TEXT, text, scratch) == Posted::No {
            return false;
        }
        self.sent += 1;
        if let Some(seq) = seq {
            self.seq = seq;
            self.waiting.push_back(Waiting { seq, meant_ms, covers: self.sent });
        }
        true
    }
}

/// How a crowd is to be made.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What everything random follows from.
    pub seed: u64,
    /// How many people.
    pub people: usize,
    /// Everyone's radius, metres.
    pub radius_m: f64,
    /// The share of people whose map is open; 0: nobody's.
    pub watchers: f64,
    /// How the city's day runs.
    pub day: DayClock,
    /// Compare by brute force who must be announced.
    pub check: bool,
    /// Phones keep quiet as asked.
    pub polite: bool,
}

/// Everyone.
#[derive(Debug)]
pub struct Crowd {
    /// What was counted.
    pub tally: Tally,
    /// Who heard of whom.
    pub meetings: Meetings,
    /// The run's time.
    pub clock: RunClock,
    plan: Plan,
    ids: Ids,
    city: City,
    places: Places,
    friends: Friends,
    people: Vec<Person>,
    trails: Vec<Trail>,
    load_from_ms: u64,
    measure_from_ms: u64,
    text: Vec<u8>,
    scratch: Vec<u8>,
}

impl Crowd {
    /// Makes everyone; nobody is connected yet.
    #[must_use]
    pub fn new(plan: Plan, friends: Friends) -> Self {
        let city = City::manhattan();
        let places = Places::new(plan.seed, &city, plan.people, plan.day.lively);
        let watchers =
            if plan.watchers > 0.0 { (plan.watchers * plan.people as f64).ceil().max(1.0) as usize } else { 0 };
        let watch_every = plan.people.checked_div(watchers).unwrap_or(usize::MAX).max(1);
        let person = |index: usize| Person {
            walker: Walker::new(plan.seed, index, &city, &places),
            schedule: Schedule::new(plan.seed, index as u64),
            line: None,
            watches: watchers > 0 && index.is_multiple_of(watch_every),
            greeted: false,
            next_look_ms: 0,
            sent: 0,
            covered: 0,
            seq: 0,
            waiting: VecDeque::new(),
            phone: Polite::default(),
            looked_ms: 0,
        };
        let people = (0..plan.people).map(person).collect();
        Self {
            tally: Tally::default(),
            meetings: Meetings::default(),
            clock: RunClock::start(),
            ids: Ids::of(plan.seed),
            trails: (0..plan.people).map(|_| Trail::default()).collect(),
            plan,
            city,
            places,
            friends,
            people,
            load_from_ms: 0,
            measure_from_ms: 0,
            text: Vec::with_capacity(256),
            scratch: Vec::with_capacity(256),
        }
    }

    /// The load begins at one moment and is measured from another on, milliseconds of the run.
    pub const fn begin_load(&mut self, load_from_ms: u64, measure_from_ms: u64) {
        self.load_from_ms = load_from_ms;
        self.measure_from_ms = measure_from_ms;
    }

    /// A person's phone is connected; the server has decided everything up to `last_seq`.
    pub fn connected(&mut self, person: usize, line: Rc<Line>, last_seq: u64) {
        self.acked(person, last_seq, None);
        if let Some(person) = self.people.get_mut(person) {
            // An ack speaks of its own connection: what an earlier one left open stays lost.
            person.waiting.clear();
            self.tally.given_up += person.sent - person.covered;
            person.covered = person.sent;
            person.line = Some(line);
            person.greeted = false;
            person.seq = person.seq.max(last_seq);
        }
    }

    /// A person's connection is gone.
    pub fn dropped(&mut self, person: usize) {
        if let Some(person) = self.people.get_mut(person) {
            person.line = None;
        }
    }

    /// Ends every conversation.
    pub fn hang_up(&mut self) {
        self.meetings.conclude(&self.trails);
        self.people.iter_mut().filter_map(|person| person.line.take()).for_each(|line| line.hang_up());
    }

    /// How many are connected.
    #[must_use]
    pub fn online(&self) -> usize {
        self.people.iter().filter(|person| person.line.is_some()).count()
    }

    /// True when every fix that was sent is decided.
    #[must_use]
    pub fn all_decided(&self) -> bool {
        self.tally.covered + self.tally.given_up >= self.tally.sent
    }

    /// It is a person's turn: says free or busy when that changed, then sends the fix meant for this moment.
    pub fn send_fix(&mut self, index: usize, meant_ms: u64, last: bool) {
        self.look_at_the_clock(index, meant_ms);
        if self.plan.polite {
            return self.keep_quiet(index, meant_ms);
        }
        let Self { people, trails, text, scratch, city, places, tally, clock, .. } = self;
        let (Some(person), Some(trail)) = (people.get_mut(index), trails.get_mut(index)) else { return };
        let Some(line) = &person.line else {
            tally.unsent += 1;
            return;
        };
        let line = Rc::clone(line);
        let reading = person.walker.reading_at(meant_ms - self.load_from_ms, city, places);
        let numbered = last || (person.sent + 1).is_multiple_of(NUMBERED_EVERY);
        if !person.say(&line, &reading, (meant_ms, clock.unix(meant_ms).0), numbered, text, scratch) {
            tally.unsent += 1;
            return;
        }
        tally.sent += 1;
        if meant_ms >= self.measure_from_ms {
            tally.measured_sent += 1;
            // One of eight is enough: the clock is not free.
            if tally.sent.is_multiple_of(8) {
                tally.own_delay.record(clock.now_us().saturating_sub(meant_ms * 1_000));
            }
        }
        trail.push(Sent { ms: meant_ms, lat_e7: reading.lat_e7, lon_e7: reading.lon_e7 });
        if self.plan.check
            && let Ok(number) = u32::try_from(index)
        {
            self.meetings.check(number, self.friends.of(index), self.plan.radius_m, &self.trails);
        }
    }

    /// It is a polite person's turn: the phone looks at its receiver if it must, and reports if it must. Where the person truly is is
    /// remembered, for the comparison by brute force.
    fn keep_quiet(&mut self, index: usize, meant_ms: u64) {
        let Self { people, trails, city, places, .. } = self;
        let (Some(person), Some(trail)) = (people.get_mut(index), trails.get_mut(index)) else { return };
        let ms = meant_ms.max(person.looked_ms);
        let (lat, lon) = person.walker.place_at(ms - self.load_from_ms, city, places).to_degrees();
        trail.push(Sent::of(ms, lat, lon));
        self.look_at_the_phone(index, ms);
        if self.plan.check
            && let Ok(number) = u32::try_from(index)
        {
            let radius_m = (self.plan.radius_m - NOISE_M).max(0.0);
            self.meetings.check(number, self.friends.of(index), radius_m, &self.trails);
        }
    }

    fn look_at_the_phone(&mut self, index: usize, now_ms: u64) {
        let Self { people, text, scratch, city, places, tally, clock, .. } = self;
        let Some(person) = people.get_mut(index) else { return };
        let Some(line) = person.line.clone() else {
            tally.unsent += 1;
            return;
        };
        let ms = now_ms.max(person.looked_ms);
        let reading = person.walker.reading_at(ms - self.load_from_ms, city, places);
        let (pace, unix) = (Pace::of(reading.speed), clock.unix(ms).0);
        if !person.phone.looks_at(pace, unix) {
            return;
        }
        person.looked_ms = ms;
        let measured = ms >= self.measure_from_ms;
        tally.looks += u64::from(measured);
        let degrees = |e7: i32| f64::from(e7) / 1e7;
        let look = Look { lat: degrees(reading.lat_e7), lon: degrees(reading.lon_e7), acc: reading.acc };
        let Some(cause) = person.phone.look(look, pace, unix) else { return };
        if !person.say(&line, &reading, (ms, unix), true, text, scratch) {
            tally.unsent += 1;
            return;
        }
        tally.sent += 1;
        if measured {
            tally.measured_sent += 1;
            *tally.reports.entry(cause).or_default() += 1;
            tally.own_delay.record(clock.now_us().saturating_sub(ms * 1_000));
        }
    }

    /// A polite phone is told how far it may go; when it is asked for a fix it does not wait for its turn.
    fn told(&mut self, index: usize, radius: u32, until: i64) {
        let now_ms = self.clock.now_us() / 1_000;
        let unix = self.clock.unix(now_ms).0;
        let Some(person) = self.people.get_mut(index).filter(|_| self.plan.polite) else { return };
        person.phone.hear(f64::from(radius), until, unix);
        if radius == 0 && now_ms >= self.load_from_ms && self.load_from_ms > 0 {
            self.look_at_the_phone(index, now_ms);
        }
    }

    fn look_at_the_clock(&mut self, index: usize, now_ms: u64) {
        let Self { people, trails, scratch, .. } = self;
        let (Some(person), Some(trail)) = (people.get_mut(index), trails.get_mut(index)) else { return };
        let Some(line) = &person.line else { return };
        if person.greeted && now_ms < person.next_look_ms {
            return;
        }
        person.next_look_ms = now_ms + LOOK_EVERY_MS;
        let free = person.schedule.is_free(self.plan.day.minute(now_ms - self.load_from_ms));
        if !person.greeted && person.watches {
            line.send(frame::TEXT, messages::OPEN_MAP.as_bytes(), scratch);
        }
        if !person.greeted || free != trail.free_since_ms.is_some() {
            let text = messages::availability(free, person.schedule.note());
            line.send(frame::TEXT, text.as_bytes(), scratch);
            trail.free_since_ms = free.then_some(now_ms);
            if person.greeted {
                person.phone.change_availability();
            }
        }
        person.greeted = true;
    }

    /// A text frame came to a person's phone.
    pub fn hear(&mut self, index: usize, payload: &[u8]) {
        self.tally.heard += 1;
        match messages::read(payload) {
            Heard::Ack { seq, rejected } => {
                let now_us = self.clock.now_us();
                self.acked(index, seq, Some(now_us));
                rejected.into_iter().for_each(|code| self.refuse(code));
            }
            Heard::Error { code } => self.refuse(code),
            Heard::Moved(friends) => self.moved(&friends),
            Heard::Near { user } => self.near(index, &user),
            Heard::Quiet { radius, until } => self.told(index, radius, until),
            Heard::Degraded => self.tally.degraded += 1,
            Heard::Welcome { .. } | Heard::Other => {}
        }
    }

    fn refuse(&mut self, code: String) {
        *self.tally.refused.entry(code).or_default() += 1;
    }

    /// Everything up to `seq` is decided. Measured when a time is given (a `welcome` answers nothing in particular).
    fn acked(&mut self, index: usize, seq: u64, now_us: Option<u64>) {
        let Some(person) = self.people.get_mut(index) else { return };
        while let Some(waiting) = person.waiting.pop_front_if(|waiting| waiting.seq <= seq) {
            self.tally.covered += waiting.covers - person.covered;
            person.covered = waiting.covers;
            if let Some(now_us) = now_us.filter(|_| waiting.meant_ms >= self.measure_from_ms) {
                self.tally.fix_to_ack.record(now_us.saturating_sub(waiting.meant_ms * 1_000));
            }
        }
    }

    /// The `t` of a friend's position is the moment its fix was meant to be sent.
    fn moved(&mut self, friends: &[(String, i64)]) {
        let now_us = self.clock.now_us();
        self.tally.moved_frames += 1;
        for (id, t) in friends {
            let Some(meant_ms) = self.clock.moment(UnixMs(*t)).filter(|_| self.ids.person(id).is_some()) else {
                continue;
            };
            if meant_ms >= self.measure_from_ms {
                self.tally.fix_to_moved.record(now_us.saturating_sub(meant_ms * 1_000));
            }
        }
    }

    fn near(&mut self, index: usize, id: &str) {
        let now_us = self.clock.now_us();
        let (Some(other), Ok(listener)) = (self.ids.person(id), u32::try_from(index)) else { return };
        let (Some(mine), Some(theirs)) = (self.trails.get(index), self.trails.get(other as usize)) else { return };
        match cause(mine, theirs, self.plan.radius_m) {
            Cause::Fix(meant_ms) => {
                self.tally.near_by_fix += 1;
                if meant_ms >= self.measure_from_ms {
                    self.tally.fix_to_near.record(now_us.saturating_sub(meant_ms * 1_000));
                }
            }
            Cause::BecameFree(_) => self.tally.near_by_becoming_free += 1,
            Cause::Early => self.tally.near_early += 1,
            Cause::TooFar => self.tally.near_too_far += 1,
            Cause::Unknown => self.tally.near_unknown += 1,
        }
        self.meetings.hear(listener, other);
    }
}
