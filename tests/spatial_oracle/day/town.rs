//! Where people are all day, as in scale.md, 1.3: twenty cities by Zipf's law, forty friends each of whom six in ten live in the same
//! city, and somewhat over eight in a hundred minutes spent on the way. Seeded; a place is a pure function of time.
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

pub const DAY_S: f64 = 86_400.0;
const CITIES: usize = 20;
/// The middle of the first city, degrees; the others lie east of it, a degree apart.
const FIRST: (f64, f64) = (48.0, 2.0);
pub const METRES_PER_DEGREE: f64 = 6_371_008.8 * std::f64::consts::PI / 180.0;

/// How homes, and how offices, cafés and parks lie around the middle of a city: deviation in each direction, metres. So that 9 of 100
/// friendships are within 8 km and 0.1 within 500 m, as in scale.md's simulation.
const HOMES_M: f64 = 11_000.0;
const PLACES_M: f64 = 9_000.0;

/// Metres east and north of the middle of one's city.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Ground {
    pub east: f64,
    pub north: f64,
}

impl Ground {
    pub fn to(self, other: Self) -> f64 {
        (other.east - self.east).hypot(other.north - self.north)
    }

    fn towards(self, other: Self, part: f64) -> Self {
        let between = |from: f64, to: f64| from + (to - from) * part;
        Self { east: between(self.east, other.east), north: between(self.north, other.north) }
    }

    /// Degrees, in a city: exact enough over a city to compare flat distances with great circles to a few centimetres.
    pub fn degrees(self, city: usize) -> (f64, f64) {
        let lat = FIRST.0 + self.north / METRES_PER_DEGREE;
        (lat, FIRST.1 + city as f64 + self.east / (METRES_PER_DEGREE * lat.to_radians().cos()))
    }
}

/// A stay or a way, from one second of the day to another.
#[derive(Clone, Copy, Debug)]
struct Leg {
    from: Ground,
    to: Ground,
    start: f64,
    end: f64,
}

pub struct Resident {
    pub city: usize,
    legs: Vec<Leg>,
    /// Seconds of the day from which and to which they are free, by rising time.
    free: Vec<(f64, f64)>,
    at: usize,
}

impl Resident {
    /// Where, and how fast, m/s. Time must not run backwards.
    pub fn at(&mut self, second: f64) -> (Ground, f64) {
        while self.legs.get(self.at + 1).is_some_and(|next| next.start <= second) {
            self.at += 1;
        }
        let leg = self.legs[self.at];
        let (metres, seconds) = (leg.from.to(leg.to), leg.end - leg.start);
        if metres == 0.0 || second >= leg.end {
            return (leg.to, 0.0);
        }
        (leg.from.towards(leg.to, (second - leg.start) / seconds), metres / seconds)
    }

    pub fn is_free(&self, second: f64) -> bool {
        self.free.iter().any(|(from, to)| (*from..*to).contains(&second))
    }

    /// Seconds on the way, and metres.
    pub fn moving(&self) -> (f64, f64) {
        let ways = self.legs.iter().filter(|leg| leg.from != leg.to);
        ways.fold((0.0, 0.0), |(seconds, metres), leg| (seconds + leg.end - leg.start, metres + leg.from.to(leg.to)))
    }
}

pub struct Town {
    pub people: Vec<Resident>,
    pub friends: Vec<(u32, u32)>,
}

struct Days<'a> {
    random: &'a mut StdRng,
    legs: Vec<Leg>,
    here: Ground,
    now: f64,
}

impl Days<'_> {
    fn stay(&mut self, until: f64) {
        if until > self.now {
            self.legs.push(Leg { from: self.here, to: self.here, start: self.now, end: until });
            self.now = until;
        }
    }

    /// On foot when it is near; else by bicycle or something faster. Ways are in two straight pieces, as streets are.
    fn go(&mut self, there: Ground) {
        let metres = self.here.to(there);
        let speed = match metres {
            x if x < 1_200.0 => self.random.random_range(1.1..1.6),
            x if x < 3_500.0 => self.random.random_range(2.8..5.5),
            _ => self.random.random_range(5.0..13.0),
        };
        let corner = Ground { east: there.east, north: self.here.north };
        for to in [corner, there] {
            let end = self.now + self.here.to(to) / speed;
            if end > self.now {
                self.legs.push(Leg { from: self.here, to, start: self.now, end });
                (self.here, self.now) = (to, end);
            }
        }
    }
}

impl Town {
    pub fn new(seed: u64, people: usize, friends: usize, always_free: bool) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let harmonic: f64 = (1..=CITIES).map(|rank| 1.0 / rank as f64).sum();
        let mut homes = Vec::new();
        for rank in 1..=CITIES {
            let share = people as f64 / rank as f64 / harmonic;
            homes.extend(std::iter::repeat_n(rank - 1, share.round() as usize));
        }
        homes.resize(people, 0);
        let mut normal = {
            let mut random = StdRng::seed_from_u64(seed + 1);
            move |deviation: f64| {
                let (u, v): (f64, f64) = (random.random_range(1e-12..1.0), random.random_range(0.0..1.0));
                deviation * (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
            }
        };
        let mut spot = |deviation: f64| Ground { east: normal(deviation), north: normal(deviation) };
        // Offices, cafés and parks, more of them where more people live; friends share them.
        let places: Vec<Vec<Ground>> = (0..CITIES)
            .map(|city| {
                (0..(homes.iter().filter(|home| **home == city).count() * 2).max(60)).map(|_| spot(PLACES_M)).collect()
            })
            .collect();
        let mut residents = Vec::new();
        for &city in &homes {
            let home = spot(HOMES_M);
            let mut day = Days { random: &mut random, legs: Vec::new(), here: home, now: 0.0 };
            // Near places before far ones: the nearest of some.
            let pick = |random: &mut StdRng, from: Ground, of: usize| {
                let tried = (0..of).filter_map(|_| places[city].choose(random).copied());
                tried.min_by(|a, b| from.to(*a).total_cmp(&from.to(*b))).unwrap_or(from)
            };
            let work = pick(day.random, home, 3);
            let hour = 3_600.0;
            let leave = day.random.random_range(6.5..9.5) * hour;
            day.stay(leave);
            day.go(work);
            let lunch = day.random.random_range(11.8..13.2) * hour;
            day.stay(lunch);
            if day.random.random_bool(0.8) {
                let there = Ground {
                    east: work.east + day.random.random_range(-600.0..600.0),
                    north: work.north + day.random.random_range(-600.0..600.0),
                };
                day.go(there);
                let back = day.now + day.random.random_range(0.3..0.7) * hour;
                day.stay(back);
                day.go(work);
            }
            let evening = day.random.random_range(16.5..18.5) * hour;
            day.stay(evening);
            for _ in 0..day.random.random_range(0..4) {
                let there = pick(day.random, day.here, 6);
                day.go(there);
                let leave = day.now + day.random.random_range(0.4..1.5) * hour;
                day.stay(leave);
            }
            day.go(home);
            if day.random.random_bool(0.9) {
                let around = |random: &mut StdRng| random.random_range(-900.0..900.0);
                let there = Ground { east: home.east + around(day.random), north: home.north + around(day.random) };
                day.go(there);
                day.go(home);
            }
            day.stay(DAY_S + 1.0);
            let legs = day.legs;
            let free = if always_free {
                vec![(0.0, DAY_S + 1.0)]
            } else {
                let from = random.random_range(16.0..19.0) * hour;
                vec![
                    (11.5 * hour, random.random_range(13.0..14.0) * hour),
                    (from, from + random.random_range(3.0..6.0) * hour),
                ]
            };
            residents.push(Resident { city, legs, free, at: 0 });
        }
        let friends = Self::befriend(&mut random, &homes, friends);
        Self { people: residents, friends }
    }

    fn befriend(random: &mut StdRng, homes: &[usize], mean: usize) -> Vec<(u32, u32)> {
        let by_city: Vec<Vec<u32>> = (0..CITIES)
            .map(|city| (0u32..).zip(homes).filter(|(_, home)| **home == city).map(|(no, _)| no).collect())
            .collect();
        let mut pairs = std::collections::BTreeSet::new();
        for (no, city) in (0u32..).zip(homes) {
            for _ in 0..mean / 2 {
                for _ in 0..20 {
                    let in_city = random.random_bool(0.6);
                    let other = if in_city {
                        by_city[*city].choose(random).copied()
                    } else {
                        Some(random.random_range(0..homes.len() as u32))
                    };
                    let Some(other) = other.filter(|other| *other != no) else { continue };
                    if pairs.insert((no.min(other), no.max(other))) {
                        break;
                    }
                }
            }
        }
        pairs.into_iter().collect()
    }
}
