//! The world and the oracle side by side: every command goes to both, and every command is checked.
use letshang::domain::{LatLon, Precision, Radius, UnixMs, UserNo};
use letshang::spatial::{BoundingBox, Event, Live, Nearby, Person, Settings, World};

use crate::agreed::{CELL_ACCURACY, CELL_HOLD};
use crate::oracle::{Oracle, Seen, haversine, leave};

pub const START: i64 = 1_800_000_000_000;
pub const SETTINGS: Settings = Settings {
    fresh_ms: 600_000,
    announce_again_ms: 1_800_000,
    leave_hold_ms: 30_000,
    largest_disc_m: 5_000.0,
    cell_hold_ms: CELL_HOLD,
};

pub fn place(lat: f64, lon: f64) -> LatLon {
    LatLon::new(lat, lon).unwrap()
}

pub fn live(place: LatLon, t: i64, acc: f64) -> Live {
    let accuracy = (acc > 0.0).then_some(acc as f32);
    Live { position: place, t: UnixMs(t), accuracy, speed: None, heading: None }
}

pub struct Stage {
    pub world: World,
    pub oracle: Oracle,
    pub now: i64,
    /// All events so far.
    pub told: Vec<Event>,
    /// The time of the last command.
    last: i64,
    commands: usize,
}

type Outcome = Result<Vec<Event>, String>;

impl Stage {
    pub fn new() -> Self {
        Self {
            world: World::new(SETTINGS),
            oracle: Oracle::default(),
            now: START,
            told: Vec::new(),
            last: 0,
            commands: 0,
        }
    }

    fn command(
        &mut self,
        world: impl FnOnce(&mut World, UnixMs, &mut Vec<Event>),
        oracle: impl FnOnce(&mut Oracle),
    ) -> Outcome {
        self.commands += 1;
        let mut events = Vec::new();
        let over = self.oracle.pass_time(self.now);
        world(&mut self.world, UnixMs(self.now), &mut events);
        let before = self.oracle.clone();
        oracle(&mut self.oracle);
        for event in &events {
            self.oracle.follow(event, &before)?;
        }
        self.oracle.settle(&over, &events)?;
        self.check_state()?;
        self.told.extend(&events);
        self.last = self.now;
        Ok(events)
    }

    pub fn person(&mut self, no: u32, radius: f64, free: bool, hidden: bool) -> Outcome {
        let only_free = self.oracle.people.get(&no).is_some_and(|one| one.only_free);
        let person = Person { radius: Radius::metres(radius).unwrap(), free, online: true, hidden, only_free };
        self.command(
            |world, now, events| world.set_person(UserNo(no), person, now, events),
            |oracle| oracle.person(no, radius, free, hidden),
        )
    }

    pub fn only_free(&mut self, no: u32, only_free: bool) -> Outcome {
        let Some(person) = self.world.person(UserNo(no)).copied() else { return Ok(Vec::new()) };
        self.command(
            |world, now, events| world.set_person(UserNo(no), Person { only_free, ..person }, now, events),
            |oracle| oracle.people.get_mut(&no).into_iter().for_each(|one| one.only_free = only_free),
        )
    }

    pub fn share(&mut self, owner: u32, viewer: u32, precision: Precision) -> Outcome {
        self.command(
            |world, now, events| world.share(UserNo(owner), UserNo(viewer), precision, now, events),
            |oracle| oracle.share(owner, viewer, precision),
        )
    }

    pub fn free(&mut self, no: u32, free: bool, by_hand: bool) -> Outcome {
        self.command(
            |world, now, events| world.set_free(UserNo(no), free, by_hand, now, events),
            |oracle| oracle.free(no, free, by_hand),
        )
    }

    pub fn befriend(&mut self, a: u32, b: u32) -> Outcome {
        self.command(
            |world, now, events| world.befriend(UserNo(a), UserNo(b), now, events),
            |oracle| oracle.befriend(a, b),
        )
    }

    pub fn unfriend(&mut self, a: u32, b: u32) -> Outcome {
        self.command(
            |world, now, events| world.unfriend(UserNo(a), UserNo(b), now, events),
            |oracle| oracle.unfriend(a, b),
        )
    }

    pub fn remove(&mut self, no: u32) -> Outcome {
        self.command(|world, now, events| world.remove(UserNo(no), now, events), |oracle| oracle.remove(no))
    }

    pub fn tick(&mut self) -> Outcome {
        self.command(|world, now, events| world.tick(now, events), |_| {})
    }

    pub fn fix(&mut self, no: u32, place: LatLon, t: i64, acc: f64) -> Outcome {
        // The accuracy crosses as f32: both sides shall judge the same number.
        let acc = f64::from(acc as f32);
        let disc = self.world.disc(UserNo(no));
        // With time, pairs become due to be watched: then a fix inside the disc may be work.
        let quiet = self.last == self.now && disc.is_some() && self.world.watched(UserNo(no)).is_empty();
        let cell = self.cell(no);
        let known =
            self.oracle.people.get(&no).and_then(|one| one.seen).is_some_and(|seen| self.now - seen.t <= 600_000);
        let events = self.command(
            |world, now, events| world.report(UserNo(no), live(place, t, acc), now, events),
            |oracle| _ = oracle.fix(no, Seen { place, t, acc }),
        )?;
        let inside = disc.is_some_and(|(centre, radius)| haversine(centre, place) < radius - 0.01);
        let stays = inside && self.cell(no) == cell;
        if quiet && known && stays && self.told_of(no, &events) == 0 && self.world.disc(UserNo(no)) != disc {
            return Err(format!("{no} stayed in the disc and was given another one"));
        }
        Ok(events)
    }

    fn cell(&self, no: u32) -> Option<crate::agreed::Square> {
        self.oracle.people.get(&no)?.shown.as_ref()?.now
    }

    fn told_of(&self, no: u32, events: &[Event]) -> usize {
        let concerns = |event: &&Event| match **event {
            Event::Near { a, b, .. } | Event::Apart { a, b, .. } => a.0 == no || b.0 == no,
        };
        events.iter().filter(concerns).count()
    }

    /// Everything is built anew from what a store would have kept.
    pub fn restart(&mut self) -> Outcome {
        self.tick()?;
        let old = std::mem::replace(&mut self.world, World::new(SETTINGS));
        for (no, one) in &self.oracle.people {
            let person = Person {
                radius: Radius::metres(one.radius).unwrap(),
                free: one.free,
                online: false,
                hidden: one.hidden,
                only_free: one.only_free,
            };
            self.world.set_person(UserNo(*no), person, UnixMs(self.now), &mut Vec::new());
        }
        for no in self.oracle.people.keys() {
            let friends = old.friends(UserNo(*no)).to_vec();
            self.world.add_friends(UserNo(*no), &friends);
        }
        for ((owner, viewer), precision) in &self.oracle.shared {
            self.world.share(UserNo(*owner), UserNo(*viewer), *precision, UnixMs(self.now), &mut Vec::new());
        }
        for (a, b) in self.oracle.announced.keys() {
            let (a, b) = (UserNo(*a), UserNo(*b));
            if let Some(at) = old.announced_at(a, b) {
                self.world.restore_pair(a, b, old.is_near(a, b), at);
            }
        }
        self.oracle.restart();
        self.tick()
    }

    fn check_state(&self) -> Result<(), String> {
        for (no, one) in &self.oracle.people {
            let at = UserNo(*no);
            if let (Some(seen), Some((centre, radius))) = (one.seen, self.world.disc(at))
                && haversine(centre, seen.place) > radius + 1e-4
            {
                return Err(format!("{no} is outside the disc"));
            }
            if one.seen.is_some() != self.world.disc(at).is_some() {
                return Err(format!("{no} has a disc without a position, or none with one"));
            }
            for friend in self.world.watched(at) {
                if !self.world.watched(*friend).contains(&at) || !self.world.friends(at).contains(friend) {
                    return Err(format!("{no} watches {friend:?} alone"));
                }
            }
        }
        let near: Vec<_> = self.oracle.near_pairs().copied().collect();
        let mut said: Vec<_> = self.world.near_pairs().map(|(a, b)| (a.0, b.0)).collect();
        said.sort_unstable();
        if near != said || self.world.counts().near_pairs != near.len() {
            return Err(format!("near are {near:?}, said to be near are {said:?}"));
        }
        self.oracle.friends.iter().try_for_each(|pair| self.check_discs(*pair))?;
        // In the large scenes only the pairs are checked.
        if self.oracle.people.len() < 20 { self.check_sights() } else { Ok(()) }
    }

    /// Everybody sees of everybody what was agreed, and of those around them no more than that.
    fn check_sights(&self) -> Result<(), String> {
        let hidden = self.oracle.people.values().filter(|one| one.hidden).count();
        let (counts, people) = (self.world.counts(), self.oracle.people.values());
        let free = people.filter(|one| one.free && !one.hidden).count();
        if counts.people != self.oracle.people.len() || counts.free != free || counts.online > counts.people - hidden {
            return Err(format!("{counts:?}, but {free} are free and {hidden} hide"));
        }
        // One of them looks around after each command, which is everybody often enough over a life.
        let viewer = self.oracle.people.keys().cycle().nth(self.commands % 61);
        let radius = [90.0, 1_200.0, 1e9][self.commands / 7 % 3];
        viewer.map_or(Ok(()), |viewer| self.check_sight_of(*viewer, radius))
    }

    fn check_sight_of(&self, viewer: u32, radius: f64) -> Result<(), String> {
        let limited = |(pair, precision): (&(u32, u32), &Precision)| {
            *precision == Precision::Approximate && (pair.0 == viewer || pair.1 == viewer)
        };
        if self.oracle.shared.iter().any(limited) && self.world.quiet(UserNo(viewer)).is_some() {
            return Err(format!("{viewer} is told a quiet zone beside an approximate friend"));
        }
        for owner in self.oracle.people.keys() {
            let seen = self.world.seen(UserNo(*owner), UserNo(viewer), UnixMs(self.now));
            let due = self.oracle.sees(*owner, viewer);
            let agree = match (seen, due) {
                (Some(seen), Some((place, t))) => {
                    let precision = self.oracle.precision(*owner, viewer);
                    let veiled = seen.live.accuracy == Some(CELL_ACCURACY)
                        && (seen.live.speed, seen.live.heading) == (None, None);
                    haversine(seen.live.position, place) < 1e-3
                        && seen.live.t.0 == t
                        && seen.precision == precision
                        && (precision == Precision::Exact || veiled)
                }
                (seen, due) => seen.is_none() && due.is_none(),
            };
            if !agree {
                return Err(format!("{viewer} sees of {owner} {seen:?} and should see {due:?}"));
            }
        }
        self.check_nearby(viewer, radius)
    }

    fn check_nearby(&self, asker: u32, radius_m: f64) -> Result<(), String> {
        let query = Nearby { radius_m, limit: 100, free_only: asker.is_multiple_of(2) };
        let found = self.world.nearby(UserNo(asker), &query, UnixMs(self.now));
        let Some(here) = self.oracle.people.get(&asker).and_then(|one| one.seen) else {
            return if found.is_empty() { Ok(()) } else { Err(format!("{asker} is nowhere and finds {found:?}")) };
        };
        let mut due = Vec::new();
        let others = self.oracle.people.iter().filter(|(no, one)| **no != asker && (one.free || !query.free_only));
        for (no, _) in others {
            let Some((place, _)) = self.oracle.sees(*no, asker) else { continue };
            let distance = haversine(here.place, place);
            let said = found.iter().find(|found| found.user.0 == *no);
            let agree = said.is_none_or(|said| {
                (said.distance_m - distance).abs() < 1e-3
                    && haversine(said.live.position, place) < 1e-3
                    && said.precision == self.oracle.precision(*no, asker)
            });
            let clear = (distance - radius_m).abs() > 1e-3;
            if !agree || (clear && said.is_some() != (distance < radius_m)) {
                return Err(format!("{asker} asks within {radius_m} m; {no} is {distance} m away, said is {said:?}"));
            }
            due.extend(said.map(|said| said.user));
        }
        let sorted = found.is_sorted_by(|one, next| (one.distance_m, one.user) < (next.distance_m, next.user));
        if due.len() == found.len() && sorted {
            Ok(())
        } else {
            Err(format!("{asker} finds {found:?}, due are {due:?}"))
        }
    }

    /// The disc that stands for `owner` beside `viewer`: of somebody who is shown approximately, the shown centre alone.
    fn disc_for(&self, owner: u32, viewer: u32) -> Option<(LatLon, f64)> {
        match self.oracle.precision(owner, viewer) {
            Precision::Exact => self.world.disc(UserNo(owner)),
            _ => self.oracle.shown(owner, viewer).map(|(centre, _)| (centre, 0.0)),
        }
    }

    /// Either the pair is watched, or its discs keep their promise.
    fn check_discs(&self, pair: (u32, u32)) -> Result<(), String> {
        let (a, b) = (UserNo(pair.0), UserNo(pair.1));
        let near = self.oracle.is_near(pair);
        if self.world.is_near(a, b) != near || self.world.is_near(b, a) != near {
            return Err(format!("{pair:?} is near for one and not for the other"));
        }
        if !self.oracle.eligible(pair) || (!near && self.oracle.cooling(pair)) || self.world.watched(a).contains(&b) {
            return Ok(());
        }
        let (Some((centre_a, disc_a)), Some((centre_b, disc_b)), Some((_, r))) =
            (self.disc_for(pair.0, pair.1), self.disc_for(pair.1, pair.0), self.oracle.apart(pair))
        else {
            return Err(format!("{pair:?} may meet and has no discs"));
        };
        let (d, both) = (haversine(centre_a, centre_b), disc_a + disc_b);
        // The oracle's centres are its own arithmetic.
        let kept = if near { d + both <= leave(r) + 1e-6 } else { d - both >= r - 1e-6 };
        if kept {
            Ok(())
        } else {
            Err(format!("{pair:?} (near {near}): discs {disc_a} and {disc_b} m, {d} m apart, R {r}"))
        }
    }

    /// The view holds exactly those who are in it.
    pub fn check_view(&self, view: &BoundingBox) -> Result<(), String> {
        let mut found = Vec::new();
        self.world.in_view(view, &mut |no, _, _| found.push(no.0));
        found.sort_unstable();
        let crosses = view.west > view.east;
        let within = |place: LatLon| {
            let (east_of, west_of) = (place.lon() >= view.west, place.lon() <= view.east);
            (view.south..=view.north).contains(&place.lat())
                && if crosses { east_of || west_of } else { east_of && west_of }
        };
        let people = self.oracle.people.iter();
        let there =
            people.filter(|(_, one)| !one.hidden && one.seen.is_some_and(|seen| within(seen.place))).map(|(no, _)| *no);
        let there: Vec<u32> = there.collect();
        if there == found { Ok(()) } else { Err(format!("{there:?} are in view, said to be are {found:?}")) }
    }
}
