//! What a fix costs, beside two yardsticks in the same run: a plain scan over 40 friends in flat arrays, and a bare rstar
//! remove and insert. `cargo bench --bench spatial`; figures are worth comparing within one run only.
//!
//! People stand around Berlin as a town does: most of 40 friends within 20 km, thickest at the centre. `walking` reports
//! 10 times a second at 1.4 m/s, so most fixes stay in their disc; `thirty_seconds` reports every 30 s; `moving` is a car.
use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput};
use letshang::domain::{LatLon, Precision, UnixMs, UserNo};
use letshang::spatial::sphere::{UnitVector, chord2, chord2_of_metres, destination};
use letshang::spatial::{BoundingBox, Event, Live, Nearby, Person, Settings, World};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rstar::RTree;
use rstar::primitives::GeomWithData;

const FRIENDS: u32 = 40;
const START: i64 = 1_800_000_000_000;

fn town() -> Option<LatLon> {
    LatLon::new(52.52, 13.4).ok()
}

/// Metres as degrees, near enough for a step.
fn step(from: LatLon, bearing: f64, metres: f64) -> LatLon {
    let lat = from.lat() + metres * bearing.cos() / 111_195.0;
    let lon = from.lon() + metres * bearing.sin() / (111_195.0 * from.lat().to_radians().cos());
    LatLon::new(lat, lon).unwrap_or(from)
}

fn fix(position: LatLon, t: i64) -> Live {
    Live { position, t: UnixMs(t), accuracy: Some(8.0), speed: None, heading: None }
}

/// A world in motion: everybody reports in turn.
struct Town {
    world: World,
    spots: Vec<(LatLon, f64)>,
    random: StdRng,
    events: Vec<Event>,
    now: i64,
    next: usize,
    spread_m: f64,
}

impl Town {
    fn new(people: u32, friends: u32, spread_m: f64) -> Self {
        Self::with(Settings::default(), people, friends, spread_m, Precision::Exact)
    }

    fn with(settings: Settings, people: u32, friends: u32, spread_m: f64, shown: Precision) -> Self {
        let mut random = StdRng::seed_from_u64(u64::from(people));
        let mut world = World::new(settings);
        let mut events = Vec::new();
        for no in 0..people {
            let person = Person { free: true, ..Person::default() };
            world.set_person(UserNo(no), person, UnixMs(START), &mut events);
        }
        for no in 0..people {
            let half: Vec<UserNo> = (0..friends / 2).map(|_| UserNo(random.random_range(0..people))).collect();
            world.add_friends(UserNo(no), &half);
        }
        for owner in (0..people).map(UserNo) {
            for viewer in world.friends(owner).to_vec() {
                world.share(owner, viewer, shown, UnixMs(START), &mut events);
            }
        }
        let spots = (0..people).filter_map(|_| {
            let metres = spread_m * random.random_range(0.0..1.0f64);
            Some((destination(town()?, random.random_range(0.0..360.0), metres)?, random.random_range(0.0..6.3)))
        });
        let spots = spots.collect();
        let mut town = Self { world, spots, random, events, now: START, next: 0, spread_m };
        // Twice around, so that all have the discs they will live with.
        (0..2 * people).for_each(|_| town.report(1.0, 30_000));
        town
    }

    /// The share of fixes that leave their disc in place, over three rounds of everybody, percent.
    fn quiet_share(&mut self, metres: f64, round_ms: i64) -> f64 {
        let fixes = 3 * self.spots.len();
        let quiet = (0..fixes).filter(|_| {
            let no = UserNo(u32::try_from(self.next % self.spots.len()).unwrap_or(0));
            let before = self.world.disc(no);
            self.report(metres, round_ms);
            before == self.world.disc(no)
        });
        100.0 * quiet.count() as f64 / fixes as f64
    }

    /// The next person walks `metres` and reports; a round of everybody takes `round_ms`.
    fn report(&mut self, metres: f64, round_ms: i64) {
        let people = self.spots.len();
        if self.next >= people {
            self.next = 0;
            self.now += round_ms;
        }
        let Some((spot, course)) = self.spots.get_mut(self.next) else { return };
        if self.random.random_range(0..16u32) == 0 {
            *course += self.random.random_range(-1.0..1.0);
        }
        let (dx, dy) = (spot.lon() - 13.4, spot.lat() - 52.52);
        if (dx * 67_700.0).hypot(dy * 111_195.0) > self.spread_m {
            *course = (-dx).atan2(-dy); // turns back at the edge of town
        }
        *spot = step(*spot, *course, metres);
        let no = UserNo(u32::try_from(self.next).unwrap_or(0));
        self.world.report(no, fix(*spot, self.now), UnixMs(self.now), &mut self.events);
        self.events.clear();
        self.next += 1;
    }
}

/// The plain way: positions in a flat array, 40 indices a person, every fix compares all of them.
struct Plain {
    positions: Vec<UnitVector>,
    friends: Vec<u32>,
}

impl Plain {
    fn of(town: &Town) -> Self {
        let positions: Vec<UnitVector> = town.spots.iter().map(|(spot, _)| UnitVector::from(*spot)).collect();
        let mut random = StdRng::seed_from_u64(3);
        let people = u32::try_from(positions.len()).unwrap_or(1);
        let friends = (0..people * FRIENDS).map(|_| random.random_range(0..people)).collect();
        Self { positions, friends }
    }

    fn report(&mut self, no: usize, place: LatLon, within: f64) -> usize {
        let here = UnitVector::from(place);
        if let Some(spot) = self.positions.get_mut(no) {
            *spot = here;
        }
        let friends = self.friends.chunks_exact(FRIENDS as usize).nth(no).unwrap_or(&[]);
        let is_near =
            |friend: &&u32| self.positions.get(**friend as usize).is_some_and(|at| chord2(*at, here) <= within);
        friends.iter().filter(is_near).count()
    }
}

fn reports(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("report");
    group.throughput(Throughput::Elements(1));
    for people in [1_000, 10_000, 100_000] {
        let mut town = Town::new(people, FRIENDS, 20_000.0);
        group.bench_function(BenchmarkId::new("walking_10_hz", people), |b| b.iter(|| town.report(0.14, 100)));
        group.bench_function(BenchmarkId::new("walking_30_s", people), |b| b.iter(|| town.report(42.0, 30_000)));
        group.bench_function(BenchmarkId::new("driving_30_s", people), |b| b.iter(|| town.report(400.0, 30_000)));

        let shares = [(0.14, 100), (42.0, 30_000), (400.0, 30_000)].map(|(metres, ms)| town.quiet_share(metres, ms));
        println!("fixes inside their disc at {people} people, percent: {shares:.1?}");

        let mut plain = Plain::of(&town);
        let within = chord2_of_metres(500.0);
        let mut no = 0;
        group.bench_function(BenchmarkId::new("yardstick_plain_scan_of_40", people), |b| {
            b.iter(|| {
                no = (no + 1) % town.spots.len();
                let spot = town.spots.get(no).map(|(spot, _)| step(*spot, 1.0, 1.4));
                spot.map(|spot| plain.report(no, black_box(spot), within))
            });
        });

        let mut keys: Vec<[f64; 3]> = plain.positions.iter().map(|position| position.xyz()).collect();
        let mut tree = RTree::new();
        (0..).zip(&keys).for_each(|(no, key)| tree.insert(GeomWithData::<_, u32>::new(*key, no)));
        let mut no = 0;
        group.bench_function(BenchmarkId::new("yardstick_rstar_remove_insert", people), |b| {
            b.iter(|| {
                no = (no + 1) % people;
                let Some(key) = keys.get_mut(no as usize) else { return };
                tree.remove(&GeomWithData::new(*key, no));
                *key = [key[0] + 2e-7, key[1] - 1e-7, key[2]];
                tree.insert(GeomWithData::new(*key, no));
            });
        });
    }
    group.finish();
}

/// Everybody in one square of a few hundred metres, and one person with 5,000 friends.
fn crowds(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("crowd");
    group.throughput(Throughput::Elements(1));
    for people in [1_000, 10_000, 100_000] {
        let mut square = Town::new(people, FRIENDS, 300.0);
        group.bench_function(BenchmarkId::new("walking_10_hz_in_one_square", people), |b| {
            b.iter(|| square.report(0.14, 100));
        });
    }
    for spread_m in [1_000.0, 20_000.0] {
        // Only the hub reports while it is measured, so nobody may become stale by that.
        let patient = Settings { fresh_ms: i64::MAX / 4, ..Settings::default() };
        let mut hub = Town::with(patient, 5_001, 0, spread_m, Precision::Exact);
        let friends: Vec<UserNo> = (1..=5_000).map(UserNo).collect();
        hub.world.add_friends(UserNo(0), &friends);
        (0..10_002).for_each(|_| hub.report(1.0, 30_000));
        group.bench_function(BenchmarkId::new("hub_of_5000_walking_10_hz_within_m", spread_m), |b| {
            b.iter(|| {
                hub.next = 0;
                hub.now += 100;
                hub.report(0.14, 100);
            });
        });
    }
    group.finish();
}

/// Everybody shows all friends a cell: what that costs beyond `report`.
fn cells(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("shown_by_cells");
    group.throughput(Throughput::Elements(1));
    let people = 10_000;
    let mut town = Town::with(Settings::default(), people, FRIENDS, 20_000.0, Precision::Approximate);
    group.bench_function(BenchmarkId::new("walking_10_hz", people), |b| b.iter(|| town.report(0.14, 100)));
    group.bench_function(BenchmarkId::new("walking_30_s", people), |b| b.iter(|| town.report(42.0, 30_000)));
    group.bench_function(BenchmarkId::new("driving_30_s", people), |b| b.iter(|| town.report(400.0, 30_000)));
    let all = Nearby { radius_m: 5_000.0, limit: 20, free_only: true };
    group.bench_function("nearby_20_of_40_friends", |b| {
        b.iter(|| town.world.nearby(UserNo(77), black_box(&all), UnixMs(town.now)));
    });
    group.finish();
}

fn questions(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("question");
    let town = Town::new(100_000, FRIENDS, 20_000.0);
    let all = Nearby { radius_m: 5_000.0, limit: 20, free_only: true };
    group.bench_function("nearby_20_of_40_friends", |b| {
        b.iter(|| town.world.nearby(UserNo(77), black_box(&all), UnixMs(town.now)));
    });
    let view = BoundingBox { west: 13.39, south: 52.515, east: 13.41, north: 52.525 };
    group.bench_function("in_view_1_km_of_100000", |b| {
        b.iter(|| {
            let mut seen = 0;
            town.world.in_view(black_box(&view), &mut |_, _, _| seen += 1);
            seen
        });
    });
    group.finish();
}

fn main() {
    let measuring = Duration::from_millis(800);
    let criterion = Criterion::default().warm_up_time(Duration::from_millis(300)).measurement_time(measuring);
    let mut criterion = criterion.sample_size(20).configure_from_args();
    reports(&mut criterion);
    crowds(&mut criterion);
    cells(&mut criterion);
    questions(&mut criterion);
    criterion.final_summary();
}
