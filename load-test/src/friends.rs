//! Who is whose friend: a ring of neighbours, some of whom moved away (Watts and Strogatz). Its two dials are the ones
//! that matter to a proximity server: how many friends a person has, and how many of those know each other.
use crate::random::Random;

const STREAM: u64 = 0xF1;

/// A friend graph: symmetric, nobody is their own friend.
#[derive(Debug)]
pub struct Friends {
    of: Vec<Vec<u32>>,
}

impl Friends {
    /// `people` persons with about `mean` friends each; `clustering` (0 to 1) is the chance that two friends of one person
    /// know each other. A ring alone reaches (3/4) (mean − 2) / (mean − 1) at most; what is asked beyond that is not reached.
    #[must_use]
    pub fn new(seed: u64, people: usize, mean: f64, clustering: f64) -> Self {
        let mut random = Random::new(seed, STREAM, 0);
        let mean = mean.clamp(0.0, people.saturating_sub(1) as f64);
        let most = if mean > 2.0 { 0.75 * (mean - 2.0) / (mean - 1.0) } else { 0.0 };
        let moved_away = if most > 0.0 { 1.0 - (clustering / most).clamp(0.0, 1.0).cbrt() } else { 1.0 };
        let mut graph = Self { of: vec![Vec::new(); people] };
        let half = mean / 2.0;
        for person in 0..people {
            // Whole steps along the ring, and the rest of a step by chance.
            let steps = half.floor() as usize + usize::from(random.chance(half.fract()));
            for step in 1..=steps {
                let beside = (person + step) % people;
                let mut other = if random.chance(moved_away) { random.below(people) } else { beside };
                let mut tries = 0;
                while !graph.befriend(person, other) && tries < 64 {
                    other = random.below(people);
                    tries += 1;
                }
            }
        }
        graph.of.iter_mut().for_each(|friends| friends.sort_unstable());
        graph
    }

    fn befriend(&mut self, a: usize, b: usize) -> bool {
        let (Ok(small_a), Ok(small_b)) = (u32::try_from(a), u32::try_from(b)) else { return false };
        if a == b || self.of(a).contains(&small_b) {
            return false;
        }
        for (person, friend) in [(a, small_b), (b, small_a)] {
            if let Some(friends) = self.of.get_mut(person) {
                friends.push(friend);
            }
        }
        true
    }

    /// A person's friends, in ascending order.
    #[must_use]
    pub fn of(&self, person: usize) -> &[u32] {
        self.of.get(person).map_or(&[], Vec::as_slice)
    }

    /// Every friendship once, the smaller number first.
    pub fn pairs(&self) -> impl Iterator<Item = (u32, u32)> {
        (0_u32..).zip(&self.of).flat_map(|(a, friends)| friends.iter().filter(move |&&b| b > a).map(move |&b| (a, b)))
    }

    /// The mean number of friends.
    #[must_use]
    pub fn mean_degree(&self) -> f64 {
        self.of.iter().map(Vec::len).sum::<usize>() as f64 / self.of.len().max(1) as f64
    }

    /// The chance that two friends of one person know each other, averaged over people with two friends or more.
    #[must_use]
    pub fn clustering(&self) -> f64 {
        let (mut sum, mut people) = (0.0, 0_u32);
        for friends in self.of.iter().filter(|friends| friends.len() > 1) {
            let links: usize = friends.iter().map(|&friend| in_both(self.of(friend as usize), friends)).sum();
            sum += links as f64 / (friends.len() * (friends.len() - 1)) as f64;
            people += 1;
        }
        sum / f64::from(people.max(1))
    }
}

fn in_both(a: &[u32], b: &[u32]) -> usize {
    a.iter().filter(|person| b.binary_search(person).is_ok()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_number_of_friends_is_what_was_asked_within_5_percent() {
        for (people, mean) in [(5_000, 40.0), (1_000, 12.5), (300, 8.0), (50, 40.0)] {
            let graph = Friends::new(1, people, mean, 0.3);
            assert!((graph.mean_degree() / mean - 1.0).abs() < 0.05, "{people} {mean}: {}", graph.mean_degree());
        }
    }

    #[test]
    fn as_many_friends_of_a_person_know_each_other_as_was_asked() {
        for asked in [0.1, 0.3, 0.5, 0.7] {
            let graph = Friends::new(2, 4_000, 40.0, asked);
            assert!((graph.clustering() - asked).abs() < 0.05, "{asked}: {}", graph.clustering());
        }
    }

    #[test]
    fn friendship_is_mutual_and_nobody_befriends_themselves_or_anyone_twice() {
        let graph = Friends::new(3, 500, 20.0, 0.3);
        for person in 0..500_usize {
            let friends = graph.of(person);
            assert!(friends.windows(2).all(|pair| pair[0] < pair[1]));
            for &friend in friends {
                assert_ne!(friend as usize, person);
                assert!(graph.of(friend as usize).contains(&u32::try_from(person).unwrap()));
            }
        }
        assert_eq!(graph.pairs().count() * 2, (0..500).map(|person| graph.of(person).len()).sum::<usize>());
    }

    #[test]
    fn the_same_seed_gives_the_same_friends_and_few_people_do_not_hang_it() {
        let pairs = |seed| Friends::new(seed, 200, 10.0, 0.3).pairs().collect::<Vec<_>>();
        assert_eq!(pairs(5), pairs(5));
        assert_ne!(pairs(5), pairs(6));
        for people in 0..4 {
            assert!(Friends::new(1, people, 40.0, 0.3).pairs().count() <= 3);
        }
    }
}
