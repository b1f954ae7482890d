//! Metres on foot, from one device's fixes: noise, standing around, vehicles and outliers taken out.
//!
//! Fixes are averaged into *samples* of a few seconds, so ten noisy fixes a second and one in half a minute look alike.
//! A person **stands** around a slowly following mean place until two samples in a row lie beyond the noise in one
//! direction; then they **walk**: the chords between samples add up, and about every 15 seconds the stretch is judged by its
//! speed. A stretch faster than a person proves a vehicle; after it, walking is held back until it has lasted
//! [`COOL_OFF_MS`]: a crawl in traffic is none. A pace between a walker's and a vehicle's is a **run** once it has lasted
//! [`RUN_MS`] without a vehicle's speed in between.
//!
//! A silence of more than [`GAP_MS`] ends everything. Whether it was a walk can only be guessed from its two ends:
//! [`Place::walk_to`].
mod sample;
mod spot;

use self::sample::{Bucket, GOOD_M, LONGEST_SAMPLE_MS, SAMPLE_MS, Sample, Scatter};
use self::spot::{Metres, Spot, both};
pub use self::spot::{Place, Sighting, Stretch};
use crate::domain::Fix;

/// Slower than this is standing around, metres per second (PROTOCOL.md, section 2).
pub const SLOWEST: f32 = 0.4;
/// Faster than this is no walking, metres per second (PROTOCOL.md, section 2).
pub const FASTEST: f32 = 2.5;
/// Faster than this over ten seconds or more is a vehicle, metres per second.
const VEHICLE: f32 = 5.5;
/// Up to here a pace may be a runner's, metres per second...
const RUN: f32 = 4.2;
/// ...with stretches up to this...
const SPRINT: f32 = 5.0;
/// ...seen at least this often, seconds: a bus has a runner's mean speed over a minute...
const RUN_SEEN_S: f32 = 45.0;
/// ...if it lasts for so long, milliseconds, or ends in a walk.
pub const RUN_MS: i64 = 60_000;
/// How long walking must last after a vehicle before it is believed, milliseconds...
pub const COOL_OFF_MS: i64 = 300_000;
/// ...of which the time from one sample to the next counts for at most this: a bus may do anything in between.
const SEEN_MS: i64 = 30_000;
/// After a longer silence than this nothing that was known before holds, milliseconds.
pub const GAP_MS: i64 = 300_000;
/// The shortest stretch that is judged, milliseconds: with good accuracy, and otherwise.
const STRETCH_MS: (i64, i64) = (5_000, 9_000);
/// A person's pace is judged over about this long, seconds: speed over a short stretch is mostly noise.
const PACE_S: f32 = 30.0;
/// While walking, a stretch may be this slow or this fast as long as the pace is a walker's, metres per second.
const DAWDLE: f32 = 0.25;
const DASH: f32 = 3.5;
/// The time in which the mean place of someone who stands follows the fixes, milliseconds.
const FOLLOW_MS: i64 = 150_000;
/// Faster than this from one fix to the next is an outlier, metres per second, unless it lasts for three fixes.
const OUTLIER: f32 = 70.0;

/// What a fix told.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Told {
    /// What is now known to have been covered on foot.
    pub walked: Option<Stretch>,
    /// Nothing that was known before holds: it is the first fix, or the first after a silence.
    pub begins: bool,
    /// Where that silence began.
    pub silence: Option<Place>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum State {
    #[default]
    Lost,
    Standing {
        /// Where standing began.
        origin: Spot,
        /// The slowly following mean.
        mean: Spot,
        samples: u16,
        /// The newest sample well within the noise: from here a departure is timed.
        inside: Spot,
        /// The direction in which the newest samples lay outside, and how many.
        outside: (Metres, u8),
    },
    Walking {
        /// Where the stretch that is not judged yet began.
        start: Spot,
        /// The end of its newest chord.
        anchor: Spot,
        /// The sum of its chords, metres.
        path: f32,
        /// Its usual speed, metres per second.
        pace: f32,
    },
}

/// How ground was covered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gait {
    Still,
    Walk,
    Run,
    Ride,
}

impl Gait {
    /// How a stretch was covered of which the last part was seen `seconds` apart, by its speed and the pace to which it adds.
    fn of(speed: f32, pace: f32, seconds: f32) -> Self {
        if pace < SLOWEST {
            Self::Still
        } else if pace <= FASTEST && speed <= DASH {
            Self::Walk
        } else if pace <= RUN && speed <= SPRINT && seconds <= RUN_SEEN_S {
            Self::Run
        } else {
            Self::Ride
        }
    }
}

/// A stretch, judged.
type Judged = Option<(Stretch, Gait)>;

/// One device's walking. Small, cheap to feed, and forgetful: nothing of it outlives the process.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Walking {
    newest: Option<Spot>,
    /// Accuracy of the newest fix, metres.
    newest_m: f32,
    /// The device itself named a vehicle's speed.
    newest_rides: bool,
    bucket: Bucket,
    state: State,
    /// Samples about 5, 10 and 15 seconds ago, newest first: what a vehicle is judged by.
    trail: [Spot; 3],
    /// Time of the newest sample.
    sampled: i64,
    scatter: Scatter,
    /// For how long walking is still held back after a vehicle, milliseconds.
    cool_ms: i64,
    /// What is held back.
    held: Option<Stretch>,
    /// A run that has not lasted yet.
    run: Option<Stretch>,
    /// When the run began, milliseconds.
    run_since: Option<i64>,
    outliers: u8,
}

impl Walking {
    /// Time of the newest place, Unix milliseconds.
    #[must_use]
    pub fn newest_t(&self) -> Option<i64> {
        self.newest.map(|spot| spot.t)
    }

    /// The newest place.
    #[must_use]
    pub fn newest(&self) -> Option<Place> {
        let rides = self.cool_ms > 0 || self.newest_rides;
        self.newest.map(|spot| Place { spot, accuracy: self.newest_m, rides, t: spot.t })
    }

    /// Takes a fix; says what is now known to have been covered on foot (nothing most of the time).
    /// Fixes that are not newer than the newest one are ignored.
    pub fn report(&mut self, fix: &Fix) -> Told {
        Sighting::of(fix).map_or_else(Told::default, |sighting| self.see(&sighting))
    }

    /// The same for what matters of a fix.
    pub fn see(&mut self, sighting: &Sighting) -> Told {
        let mut told = Told::default();
        let Sighting { spot, accuracy, speed } = *sighting;
        let pause = match self.newest {
            None => i64::MAX,
            Some(newest) if spot.t <= newest.t => return told,
            Some(newest) => {
                let reach = OUTLIER * spot.seconds_since(newest).max(1.0);
                if self.outliers < 2 && spot.metres_from(newest) > reach {
                    self.outliers += 1;
                    return told;
                }
                spot.t - newest.t
            }
        };
        if pause > GAP_MS {
            told = Told { walked: self.finish(), begins: true, silence: self.newest() };
        }
        self.outliers = 0;
        self.newest = Some(spot);
        self.newest_m = accuracy;
        self.newest_rides = speed.is_some_and(|speed| speed > VEHICLE);
        // After a pause the waiting fixes are a sample of their own, and so is this fix: it need not wait for the next.
        if pause >= LONGEST_SAMPLE_MS {
            told.walked = both(told.walked, self.close_bucket());
        }
        self.bucket.add(spot, accuracy, speed);
        if pause >= LONGEST_SAMPLE_MS || self.bucket.is_full(spot.t) {
            told.walked = both(told.walked, self.close_bucket());
        }
        told
    }

    /// Ends it: what is known of the newest fixes counts, and the next one begins anew.
    pub fn finish(&mut self) -> Option<Stretch> {
        let walked = self.close_bucket();
        if let State::Walking { start, anchor, path, mut pace } = std::mem::take(&mut self.state)
            && let Some(newest) = self.newest
        {
            let judged = judge(start, newest, path + newest.metres_from(anchor), &mut pace, 0.0);
            self.count(judged);
        }
        both(walked, self.release())
    }

    fn close_bucket(&mut self) -> Option<Stretch> {
        let mut sample = std::mem::take(&mut self.bucket).average()?;
        self.scatter.correct(&mut sample, matches!(self.state, State::Standing { .. }));
        self.take(&sample)
    }

    fn take(&mut self, sample: &Sample) -> Option<Stretch> {
        let spot = sample.spot;
        let silence = spot.t - std::mem::replace(&mut self.sampled, spot.t);
        self.cool_ms = (self.cool_ms - silence.min(SEEN_MS)).max(0);
        if matches!(self.state, State::Lost) || silence > GAP_MS {
            self.stand(spot);
            self.trail = [spot; 3];
        } else if self.rides(sample) {
            self.cool_ms = COOL_OFF_MS;
            self.held = None;
            self.end_run();
            self.remember(spot);
            self.stand(spot);
        } else {
            self.remember(spot);
            let judged = match self.state {
                State::Lost => None,
                State::Standing { .. } => self.while_standing(sample),
                State::Walking { .. } => self.while_walking(sample),
            };
            self.count(judged);
        }
        self.release()
    }

    fn release(&mut self) -> Option<Stretch> {
        if self.cool_ms > 0 { None } else { self.held.take() }
    }

    /// Holds what was covered on foot; a run only once it has lasted, or ends in a walk.
    fn count(&mut self, judged: Judged) {
        match judged {
            None => {}
            Some((_, Gait::Still | Gait::Ride)) => self.end_run(),
            Some((stretch, Gait::Walk)) => {
                let run = self.run.take();
                self.end_run();
                self.held = both(both(self.held, run), Some(stretch));
            }
            Some((stretch, Gait::Run)) => {
                self.run = both(self.run, Some(stretch));
                let since = *self.run_since.get_or_insert(stretch.from);
                if stretch.to - since >= RUN_MS {
                    self.held = both(self.held, self.run.take());
                }
            }
        }
    }

    fn end_run(&mut self) {
        (self.run, self.run_since) = (None, None);
    }

    fn remember(&mut self, spot: Spot) {
        let [newest, middle, _] = self.trail;
        if spot.t - newest.t >= SAMPLE_MS.1 - 500 {
            self.trail = [spot, newest, middle];
        }
    }

    /// True when nobody covers ground so fast on foot; soon after a vehicle, when nobody walks so fast.
    fn rides(&self, sample: &Sample) -> bool {
        let (fastest, noise) = if self.cool_ms > 0 { (FASTEST, sample.noise) } else { (VEHICLE, 2.0 * sample.noise) };
        if sample.speed.is_some_and(|speed| speed > fastest + 1.0) {
            return true;
        }
        let long_ago = self.trail.iter().find(|spot| sample.spot.t - spot.t >= 9_500);
        long_ago.is_some_and(|&earlier| {
            let seconds = sample.spot.seconds_since(earlier);
            // Nobody sprints for a minute.
            let fastest = if seconds > RUN_SEEN_S { fastest.min(RUN) } else { fastest };
            sample.spot.metres_from(earlier) - noise > fastest * seconds
        })
    }

    fn stand(&mut self, spot: Spot) {
        self.state = State::Standing { origin: spot, mean: spot, samples: 1, inside: spot, outside: ((0.0, 0.0), 0) };
    }

    fn while_standing(&mut self, sample: &Sample) -> Judged {
        let State::Standing { origin, mean, samples, inside, outside } = &mut self.state else { return None };
        let spot = sample.spot;
        let radius = 3.0 * sample.accuracy;
        let (east, north) = spot.from(*mean);
        let metres = east.hypot(north);
        if metres <= radius {
            *samples = samples.saturating_add(1);
            #[expect(clippy::cast_precision_loss, reason = "a share of 0 to 1")]
            let share = {
                let pause = spot.t - mean.t;
                (pause as f32 / (pause + FOLLOW_MS) as f32).max(1.0 / f32::from(*samples))
            };
            *mean = Spot { t: spot.t, ..mean.towards(spot, share) };
            outside.1 = 0;
            if metres <= radius / 2.0 {
                *inside = spot;
            }
            return None;
        }
        let ((e, n), count) = *outside;
        let same_way = e * east + n * north > 0.5 * e.hypot(n) * metres;
        *outside = ((east, north), if count > 0 && same_way { count + 1 } else { 1 });
        // A sample of many fixes errs little; one of a single fix lies far out in one case of a hundred.
        if outside.1 < if sample.fixes > 2 { 2 } else { 3 } || !sample.tried {
            return None;
        }
        // Someone who stood only briefly was on the way already: the mean has been dragged along, the origin has not.
        let begin = if *samples < 6 { *origin } else { *mean };
        let inside = *inside;
        let pace = spot.metres_from(inside) / spot.seconds_since(inside).max(0.001);
        if pace < SLOWEST {
            self.stand(spot);
            return None;
        }
        self.state = State::Walking { start: spot, anchor: spot, path: 0.0, pace };
        let stretch = Stretch { metres: spot.metres_from(begin), from: begin.t, to: spot.t };
        Some((stretch, Gait::of(pace, pace, spot.seconds_since(inside))))
    }

    fn while_walking(&mut self, sample: &Sample) -> Judged {
        let State::Walking { start, anchor, path, pace } = &mut self.state else { return None };
        let spot = sample.spot;
        let chord = spot.metres_from(*anchor);
        let seconds = spot.seconds_since(*anchor);
        let shortest = (3.0 * sample.noise).max(4.0);
        if chord < shortest.max(DAWDLE * seconds) {
            if chord < shortest && seconds < (shortest / DAWDLE).max(20.0) {
                return None;
            }
            let walked = judge(*start, *anchor, *path, pace, 0.0);
            self.stand(spot);
            return walked;
        }
        *path += chord;
        *anchor = spot;
        let long_enough = if sample.accuracy <= GOOD_M { STRETCH_MS.0 } else { STRETCH_MS.1 };
        if spot.t - start.t < long_enough {
            return None;
        }
        let walked = judge(*start, spot, *path, pace, seconds);
        (*start, *path) = (spot, 0.0);
        walked
    }
}

/// A stretch, judged by the pace to which it adds; a zigzag counts little more than where it led.
fn judge(start: Spot, end: Spot, path: f32, pace: &mut f32, seen: f32) -> Judged {
    let seconds = end.seconds_since(start);
    if seconds <= 0.0 {
        return None;
    }
    let metres = path.min(1.4 * end.metres_from(start));
    let speed = metres / seconds;
    *pace += (speed - *pace) * seconds / (seconds + PACE_S);
    Some((Stretch { metres, from: start.t, to: end.t }, Gait::of(speed, *pace, seen)))
}

#[cfg(test)]
#[path = "walking_tests.rs"]
mod tests;
