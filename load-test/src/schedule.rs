//! When a person is free: a day of hours that suit, told from a seed. In a lively city the day passes in 24 minutes.
use crate::random::Random;

const STREAM: u64 = 0x5C;
const DAY_MIN: f64 = 1_440.0;
/// A lively day runs from 11:00 to 23:00 only, and these 720 minutes pass in 24.
const LIVELY: (f64, f64, f64) = (660.0, 720.0, 30.0);
/// What people write beside being free; most write nothing.
const NOTES: [&str; 6] = ["coffee?", "walk in the park?", "a beer after work", "lunch?", "gallery?", "up for anything"];

/// How the city's clock runs.
#[derive(Clone, Copy, Debug)]
pub struct DayClock {
    /// The minute of the day at which the run begins.
    pub starts_at_min: f64,
    /// True: the day from 11:00 to 23:00 passes in 24 minutes, over and over.
    pub lively: bool,
}

impl DayClock {
    /// The minute of the day, `ms` after the beginning.
    #[must_use]
    pub fn minute(&self, ms: u64) -> f64 {
        let minutes = ms as f64 / 60_000.0;
        if self.lively {
            let (from, span, speed) = LIVELY;
            from + (self.starts_at_min - from + minutes * speed).rem_euclid(span)
        } else {
            (self.starts_at_min + minutes).rem_euclid(DAY_MIN)
        }
    }
}

/// The hours in which one person is free, minutes of the day.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    free: Vec<(f64, f64)>,
    note: Option<&'static str>,
}

impl Schedule {
    /// A person's day: a lunch for most, an evening for nearly all, an hour in between for some.
    #[must_use]
    pub fn new(seed: u64, person: u64) -> Self {
        let mut random = Random::new(seed, STREAM, person);
        let mut free = Vec::new();
        let mut add = |from: f64, minutes: f64| free.push((from, (from + minutes).min(DAY_MIN)));
        if random.chance(0.25) {
            add(random.between(420.0, 510.0), random.between(30.0, 75.0));
        }
        if random.chance(0.7) {
            add(random.between(690.0, 780.0), random.between(40.0, 100.0));
        }
        if random.chance(0.5) {
            add(random.between(860.0, 960.0), random.between(30.0, 90.0));
        }
        if random.chance(0.9) {
            add(random.between(1_000.0, 1_110.0), random.between(120.0, 330.0));
        }
        let note = if random.chance(0.4) { NOTES.get(random.below(NOTES.len())).copied() } else { None };
        Self { free, note }
    }

    /// True when the person is free at this minute of the day.
    #[must_use]
    pub fn is_free(&self, minute: f64) -> bool {
        self.free.iter().any(|&(from, to)| from <= minute && minute < to)
    }

    /// What the person writes beside being free.
    #[must_use]
    pub const fn note(&self) -> Option<&'static str> {
        self.note
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share_free(minute: f64) -> f64 {
        (0..1_000).filter(|&person| Schedule::new(1, person).is_free(minute)).count() as f64 / 1_000.0
    }

    #[test]
    fn most_are_free_in_the_evening_some_at_lunch_and_nobody_at_night() {
        assert!(share_free(19.0 * 60.0) > 0.6);
        assert!((0.3..0.7).contains(&share_free(13.0 * 60.0)));
        assert!(share_free(3.0 * 60.0) < 0.01);
    }

    #[test]
    fn the_same_seed_gives_the_same_day() {
        assert_eq!(Schedule::new(4, 9), Schedule::new(4, 9));
    }

    #[test]
    fn a_lively_day_passes_in_24_minutes_and_has_no_night() {
        let clock = DayClock { starts_at_min: 18.0 * 60.0, lively: true };
        assert!((clock.minute(0) - 1_080.0).abs() < 1e-9);
        assert!((clock.minute(24 * 60_000) - 1_080.0).abs() < 1e-9);
        for minute in 0..60 {
            assert!((660.0..1_380.0).contains(&clock.minute(minute * 60_000)));
        }
        let calm = DayClock { starts_at_min: 23.5 * 60.0, lively: false };
        assert!((calm.minute(60 * 60_000) - 30.0).abs() < 1e-9);
    }

    #[test]
    fn in_a_lively_city_people_change_their_minds_within_minutes() {
        let clock = DayClock { starts_at_min: 1_080.0, lively: true };
        let changes: usize = (0..200)
            .map(|person| {
                let day = Schedule::new(1, person);
                let states: Vec<bool> = (0..24 * 60).map(|s| day.is_free(clock.minute(s * 1_000))).collect();
                states.windows(2).filter(|pair| pair[0] != pair[1]).count()
            })
            .sum();
        assert!(changes > 200 * 2, "{changes}");
    }
}
