//! One person's day on foot: along the streets, across at the lights, a while at a place, and on. Pure: where somebody is
//! follows from the seed, the person's number and the time alone, however often one asks.
use crate::grid::{City, Corner, Ground};
use crate::random::Random;

const STREAM: u64 = 0x3A;
const NOISE_STREAM: u64 = 0x6E;
/// Nobody walks faster, m/s.
pub const FASTEST_M_S: f64 = 1.9;
/// GPS errors drift: two errors this far apart in time have nothing in common, milliseconds.
const DRIFT_MS: u64 = 20_000;
/// 68 of 100 errors of a two-dimensional normal distribution lie within this many deviations.
const DEVIATIONS_68: f64 = 1.509_6;

/// What a phone reports at a moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// Latitude, degrees · 10⁷ (whole: what goes on the wire is exactly this).
    pub lat_e7: i32,
    /// Longitude, degrees · 10⁷.
    pub lon_e7: i32,
    /// Accuracy, metres: 68 of 100 readings are off by less.
    pub acc: f64,
    /// Speed over ground, m/s; 0 when standing.
    pub speed: f64,
    /// Course, degrees clockwise from north; `None` when standing.
    pub heading: Option<f64>,
}

/// Where the people of a city live and meet; told from the seed.
#[derive(Debug)]
pub struct Places {
    meeting: Vec<Corner>,
    people: usize,
    /// Shortens the time that people stay in one place.
    pub lively: bool,
}

impl Places {
    /// About one meeting place for 25 people, spread from south to north.
    #[must_use]
    pub fn new(seed: u64, city: &City, people: usize, lively: bool) -> Self {
        let mut random = Random::new(seed, STREAM, u64::MAX);
        let count = (people / 25).clamp(8, 200);
        let share = |i: usize, random: &mut Random| (i as f64 + random.unit()) / count as f64;
        let meeting = (0..count).map(|i| city.corner_at(share(i, &mut random))).collect();
        Self { meeting, people: people.max(1), lively }
    }

    /// One of the three meeting places of a person's part of the ring of friends.
    fn meeting_place(&self, person: usize, random: &mut Random) -> Corner {
        let count = self.meeting.len().max(1);
        let nearest = person * count / self.people + count + random.below(3) - 1;
        self.meeting.get(nearest % count).copied().unwrap_or_default()
    }

    /// Somewhere around a person's part of the island.
    fn anywhere(&self, person: usize, city: &City, random: &mut Random) -> Corner {
        city.corner_at(person as f64 / self.people as f64 + 0.04 * random.normal())
    }
}

/// A straight piece of the way, and the wait at its end; milliseconds since the beginning of the run.
#[derive(Clone, Copy, Debug)]
struct Leg {
    from: Ground,
    to: Ground,
    start: f64,
    arrive: f64,
    leave: f64,
}

/// A person on foot.
#[derive(Debug)]
pub struct Walker {
    person: usize,
    random: Random,
    noise: Noise,
    home: Corner,
    here: Corner,
    way: Vec<Corner>,
    leg: Leg,
    metres_per_ms: f64,
    acc: f64,
}

impl Walker {
    /// A person who has been about for up to 20 minutes when the run begins.
    #[must_use]
    pub fn new(seed: u64, person: usize, city: &City, places: &Places) -> Self {
        let mut random = Random::new(seed, STREAM, person as u64);
        let home = places.anywhere(person, city, &mut random);
        let here = places.anywhere(person, city, &mut random);
        let speed = (1.35 + 0.2 * random.normal()).clamp(0.7, FASTEST_M_S);
        // Between 4 and 24 m, mostly small, in whole decimetres as it goes on the wire.
        let acc = (40.0 + 200.0 * random.unit().powi(2)).round() / 10.0;
        let start = -random.between(0.0, 1_200_000.0);
        let place = city.place(here);
        let leg = Leg { from: place, to: place, start, arrive: start, leave: start };
        let noise = Noise::new(seed, person as u64);
        let way = Vec::new();
        Self { person, random, noise, home, here, way, leg, metres_per_ms: speed / 1_000.0, acc }
    }

    /// Where the person truly is. Time must not run backwards from one call to the next.
    pub fn place_at(&mut self, ms: u64, city: &City, places: &Places) -> Ground {
        let now = ms as f64;
        while self.leg.leave <= now {
            self.leg = self.next_leg(city, places);
        }
        let Leg { from, to, start, arrive, .. } = self.leg;
        if now < arrive { from.towards(to, (now - start) / (arrive - start)) } else { to }
    }

    /// What the person's phone says, with its error. Time must not run backwards from one call to the next.
    pub fn reading_at(&mut self, ms: u64, city: &City, places: &Places) -> Reading {
        let place = self.place_at(ms, city, places);
        let deviation = self.acc / DEVIATIONS_68;
        let (east, north) = self.noise.at(ms);
        let seen = Ground { east: place.east + deviation * east, north: place.north + deviation * north };
        let (lat, lon) = seen.to_degrees();
        let walking = (ms as f64) < self.leg.arrive;
        Reading {
            lat_e7: e7(lat),
            lon_e7: e7(lon),
            acc: self.acc,
            speed: if walking { self.metres_per_ms * 1_000.0 } else { 0.0 },
            heading: walking.then(|| self.leg.from.course_to(self.leg.to)),
        }
    }

    fn next_leg(&mut self, city: &City, places: &Places) -> Leg {
        let start = self.leg.leave;
        let from = city.place(self.here);
        let Some(next) = self.way.pop() else {
            let goal = self.choose_goal(city, places);
            self.way = city.way(self.here, goal, &mut self.random);
            let (short, long) = if places.lively { (15_000.0, 120_000.0) } else { (60_000.0, 600_000.0) };
            let leave = start + self.random.between(short, long);
            return Leg { from, to: from, start, arrive: start, leave };
        };
        self.here = next;
        let to = city.place(next);
        let arrive = start + from.metres_to(to) / self.metres_per_ms;
        // Every fourth light is red.
        let wait = if self.random.chance(0.25) { self.random.between(4_000.0, 40_000.0) } else { 0.0 };
        Leg { from, to, start, arrive, leave: arrive + wait }
    }

    /// Half the time where one's friends meet, else somewhere around, else home.
    fn choose_goal(&mut self, city: &City, places: &Places) -> Corner {
        match self.random.unit() {
            x if x < 0.5 => places.meeting_place(self.person, &mut self.random),
            x if x < 0.85 => places.anywhere(self.person, city, &mut self.random),
            _ => self.home,
        }
    }
}

/// Degrees as whole tenths of a microdegree (1 cm).
#[expect(clippy::cast_possible_truncation, reason = "180 · 10⁷ fits in 31 bits")]
fn e7(degrees: f64) -> i32 {
    (degrees * 1e7).round() as i32
}

/// The drifting error of a receiver: normal in each direction at every moment, smooth in time. Between two independent
/// draws the weights are a cosine and a sine, so the deviation is 1 everywhere in between.
#[derive(Debug)]
struct Noise {
    seed: u64,
    person: u64,
    step: u64,
    draws: [(f64, f64); 2],
}

impl Noise {
    fn new(seed: u64, person: u64) -> Self {
        let mut noise = Self { seed, person, step: 0, draws: [(0.0, 0.0); 2] };
        noise.draws = [noise.draw(0), noise.draw(1)];
        noise
    }

    fn draw(&self, step: u64) -> (f64, f64) {
        let mut random = Random::new(self.seed ^ NOISE_STREAM, self.person, step);
        (random.normal(), random.normal())
    }

    fn at(&mut self, ms: u64) -> (f64, f64) {
        // People's draws fall at different moments, so that a city's errors do not turn in step.
        let ms = ms + (self.person * 7_919) % DRIFT_MS;
        let step = ms / DRIFT_MS;
        if step != self.step {
            self.step = step;
            self.draws = [self.draw(step), self.draw(step + 1)];
        }
        let turn = (ms % DRIFT_MS) as f64 / DRIFT_MS as f64 * std::f64::consts::FRAC_PI_2;
        let (sin, cos) = turn.sin_cos();
        let [(east, north), (next_east, next_north)] = self.draws;
        (cos * east + sin * next_east, cos * north + sin * next_north)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people(count: usize) -> (City, Places, Vec<Walker>) {
        let city = City::manhattan();
        let places = Places::new(1, &city, count, false);
        let walkers = (0..count).map(|person| Walker::new(1, person, &city, &places)).collect();
        (city, places, walkers)
    }

    #[test]
    fn walkers_stay_on_the_streets_and_walk_no_faster_than_people_do() {
        let (city, places, mut walkers) = people(30);
        for walker in &mut walkers {
            let mut before = walker.place_at(0, &city, &places);
            let mut walked = 0.0;
            for second in 1..1_200 {
                let place = walker.place_at(second * 1_000, &city, &places);
                let step = before.metres_to(place);
                assert!(step <= 2.0, "{step} m in a second");
                walked += step;
                before = place;
                if second % 60 == 0 {
                    assert!(city.metres_to_street(place) < 0.01);
                }
            }
            assert!(walked < 1_200.0 * 2.0);
        }
    }

    #[test]
    fn half_of_the_people_or_more_are_on_their_way() {
        let (city, places, mut walkers) = people(300);
        let walking = walkers.iter_mut().filter_map(|w| w.reading_at(60_000, &city, &places).heading).count();
        assert!((150..290).contains(&walking), "{walking} of 300");
    }

    #[test]
    fn the_same_seed_gives_the_same_positions_however_often_one_asks() {
        let (city, places, mut often) = people(5);
        let (_, _, mut seldom) = people(5);
        for (a, b) in often.iter_mut().zip(&mut seldom) {
            for tick in 0..3_000 {
                a.reading_at(tick * 100, &city, &places);
            }
            assert_eq!(a.reading_at(300_000, &city, &places), b.reading_at(300_000, &city, &places));
        }
        let mut other = Walker::new(2, 0, &city, &places);
        assert_ne!(other.reading_at(300_000, &city, &places), often[0].reading_at(300_000, &city, &places));
    }

    #[test]
    fn the_accuracy_is_honest_68_of_100_errors_lie_within_it() {
        let (city, places, mut walkers) = people(400);
        let (mut within, mut all) = (0, 0);
        for walker in &mut walkers {
            for minute in 0..20 {
                let truth = walker.place_at(minute * 60_000, &city, &places);
                let reading = walker.reading_at(minute * 60_000, &city, &places);
                let (lat, lon) = truth.to_degrees();
                let seen_lat = f64::from(reading.lat_e7) / 1e7;
                let seen_lon = f64::from(reading.lon_e7) / 1e7;
                let error = ((seen_lat - lat) * 111_049.0).hypot((seen_lon - lon) * 84_427.0);
                within += u32::from(error <= reading.acc);
                all += 1;
            }
        }
        let share = f64::from(within) / f64::from(all);
        assert!((0.66..0.70).contains(&share), "{share}");
    }

    #[test]
    fn at_ten_readings_a_second_the_error_never_looks_like_a_jump() {
        let (city, places, mut walkers) = people(50);
        for walker in &mut walkers {
            let mut before = walker.reading_at(0, &city, &places);
            for tick in 1..1_000 {
                let reading = walker.reading_at(tick * 100, &city, &places);
                let north = f64::from(reading.lat_e7 - before.lat_e7) * 0.011_105;
                let east = f64::from(reading.lon_e7 - before.lon_e7) * 0.008_443;
                assert!(north.hypot(east) < 2.0, "less than 20 m/s, far below the server's 100");
                before = reading;
            }
        }
    }

    #[test]
    fn readings_lie_in_manhattan() {
        let (city, places, mut walkers) = people(200);
        for walker in &mut walkers {
            let reading = walker.reading_at(5_000, &city, &places);
            assert!((407_000_000..408_800_000).contains(&reading.lat_e7));
            assert!((-740_250_000..-739_050_000).contains(&reading.lon_e7));
        }
    }
}
