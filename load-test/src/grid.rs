//! Manhattan's streets, computed from the plan of 1811: a grid turned by 29°, with the blocks' real lengths, cut to the
//! island's shore, without Central Park, and with Broadway across it. An approximation: right to some tens of metres.
use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::island::is_on_land;
use crate::random::Random;

/// 5th Avenue and 14th Street, degrees (WGS 84): where the grid is pinned to the ground.
const ORIGIN: (f64, f64) = (40.7361, -73.9939);
/// The direction of the avenues, degrees clockwise from north.
pub const BEARING: f64 = 29.0;
/// Metres in a degree of latitude and of longitude at 40.77° north on the WGS 84 ellipsoid.
const DEGREE_M: (f64, f64) = (111_049.0, 84_427.0);
const FOOT_M: f64 = 0.3048;
/// The avenues from west to east: feet east of 5th Avenue, and the first street that has it.
/// Between centres: 900 ft from 12th to 6th, 1,020 to 3rd (Madison and Lexington halve two of those), 710, 750.
const AVENUES: [(f64, i32); 14] = [
    (-6_420.0, 14),
    (-5_520.0, 14),
    (-4_620.0, 14),
    (-3_720.0, 14),
    (-2_820.0, 14),
    (-1_920.0, 14),
    (-1_020.0, 1),
    (0.0, 8),
    (510.0, 23),
    (1_020.0, 1),
    (1_530.0, 21),
    (2_040.0, 1),
    (2_750.0, 1),
    (3_500.0, 1),
];
/// Indices into `AVENUES`.
const EIGHTH: usize = 4;
const FIFTH: usize = 7;
/// Broadway's squares, as (index of the avenue, street).
const BROADWAY: [(usize, i32); 7] = [(9, 14), (7, 23), (6, 34), (5, 45), (4, 59), (2, 72), (1, 106)];
const LAST_STREET: i32 = 155;

/// A point on the ground, metres east and north of 5th Avenue and 14th Street.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Ground {
    /// Metres east.
    pub east: f64,
    /// Metres north.
    pub north: f64,
}

impl Ground {
    /// Latitude and longitude, degrees.
    #[must_use]
    pub fn to_degrees(self) -> (f64, f64) {
        (ORIGIN.0 + self.north / DEGREE_M.0, ORIGIN.1 + self.east / DEGREE_M.1)
    }

    /// Metres to another point.
    #[must_use]
    pub fn metres_to(self, other: Self) -> f64 {
        (self.east - other.east).hypot(self.north - other.north)
    }

    /// The point at this share (0 to 1) of the way to another.
    #[must_use]
    pub fn towards(self, other: Self, share: f64) -> Self {
        Self {
            east: share.mul_add(other.east - self.east, self.east),
            north: share.mul_add(other.north - self.north, self.north),
        }
    }

    /// The course to another point, degrees clockwise from north, 0 up to 360.
    #[must_use]
    pub fn course_to(self, other: Self) -> f64 {
        (other.east - self.east).atan2(other.north - self.north).to_degrees().rem_euclid(360.0)
    }
}

/// The street's distance from 14th Street along the avenues, metres: 80.0 a block up to 59th, 81.1 above.
fn along(street: i32) -> f64 {
    f64::from(street.min(59) - 14) * 80.0 + f64::from((street - 59).max(0)) * 81.1
}

/// A corner's place, or nothing where there is no such corner: in the water, in Central Park, south of its avenue.
fn corner(avenue: usize, street: i32) -> Option<Ground> {
    let &(feet_east, first_street) = AVENUES.get(avenue)?;
    let in_the_park = avenue > EIGHTH && avenue < FIFTH && street > 59 && street < 110;
    if in_the_park || street < first_street {
        return None;
    }
    let (sin, cos) = BEARING.to_radians().sin_cos();
    let (across, along) = (feet_east * FOOT_M, along(street));
    let ground = Ground { east: along * sin + across * cos, north: along * cos - across * sin };
    let (lat, lon) = ground.to_degrees();
    is_on_land(lat, lon).then_some(ground)
}

/// A street corner's number.
pub type Corner = u16;

/// Every corner one can walk to, and the streets between them. Corners are numbered from south to north.
#[derive(Debug)]
pub struct City {
    corners: Vec<Ground>,
    streets: Vec<Vec<Corner>>,
}

impl City {
    /// Manhattan from 1st to 155th Street.
    #[must_use]
    pub fn manhattan() -> Self {
        let mut city = Self { corners: Vec::new(), streets: Vec::new() };
        let mut numbers = vec![[None::<Corner>; AVENUES.len()]; usize::try_from(LAST_STREET).unwrap_or(0) + 1];
        for (street, row) in (0..).zip(&mut numbers).skip(1) {
            for (avenue, number) in row.iter_mut().enumerate() {
                *number = corner(avenue, street).map(|ground| city.add(ground));
            }
        }
        let at = |avenue: usize, street: i32| {
            let row = numbers.get(usize::try_from(street).ok()?)?;
            *row.get(avenue)?
        };
        for street in 1..=LAST_STREET {
            let mut west = None;
            for avenue in 0..AVENUES.len() {
                let here = at(avenue, street);
                let beside_the_park = avenue == FIFTH && street > 59 && street < 110;
                if !beside_the_park {
                    city.join(west, here);
                }
                city.join(at(avenue, street - 1), here);
                west = here.or(west);
            }
        }
        for (&(avenue, street), &(next_avenue, next_street)) in BROADWAY.iter().zip(BROADWAY.iter().skip(1)) {
            city.join(at(avenue, street), at(next_avenue, next_street));
        }
        city
    }

    fn add(&mut self, ground: Ground) -> Corner {
        self.corners.push(ground);
        self.streets.push(Vec::new());
        Corner::try_from(self.corners.len() - 1).unwrap_or(Corner::MAX)
    }

    fn join(&mut self, a: Option<Corner>, b: Option<Corner>) {
        let (Some(a), Some(b)) = (a, b) else { return };
        for (from, to) in [(a, b), (b, a)] {
            if let Some(streets) = self.streets.get_mut(usize::from(from)) {
                streets.push(to);
            }
        }
    }

    /// How many corners there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.corners.len()
    }

    /// Where a corner is; the origin for a number that is none.
    #[must_use]
    pub fn place(&self, corner: Corner) -> Ground {
        self.corners.get(usize::from(corner)).copied().unwrap_or_default()
    }

    /// The corner at a share (0 to 1) of the way from south to north.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "clamped")]
    pub fn corner_at(&self, share: f64) -> Corner {
        let last = self.len().saturating_sub(1);
        ((share.clamp(0.0, 1.0) * last as f64) as usize).min(last) as Corner
    }

    /// A way from one corner to another, without the first and in reverse (the next corner is popped from its end).
    /// Not quite the shortest: every block seems up to a third longer than it is, by chance, as people's ways differ.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "decimetres within Manhattan")]
    pub fn way(&self, from: Corner, to: Corner, random: &mut Random) -> Vec<Corner> {
        let goal = self.place(to);
        let mut seen: Vec<Option<Corner>> = vec![None; self.len()];
        let mut cost = vec![u32::MAX; self.len()];
        let mut open = BinaryHeap::from([Reverse((0_u32, 0_u32, from, from))]);
        while let Some(Reverse((_, spent, here, came_from))) = open.pop() {
            match seen.get_mut(usize::from(here)) {
                Some(entry) if entry.is_none() => *entry = Some(came_from),
                _ => continue,
            }
            if here == to {
                break;
            }
            for &next in self.streets.get(usize::from(here)).into_iter().flatten() {
                let length = self.place(here).metres_to(self.place(next)) * random.between(10.0, 13.3);
                let total = spent + length as u32 + 1;
                if let Some(best) = cost.get_mut(usize::from(next)).filter(|best| total < **best) {
                    *best = total;
                    let rest = (self.place(next).metres_to(goal) * 10.0) as u32;
                    open.push(Reverse((total + rest, total, next, here)));
                }
            }
        }
        let mut way = Vec::new();
        let mut here = to;
        while here != from {
            way.push(here);
            match seen.get(usize::from(here)).copied().flatten() {
                Some(before) => here = before,
                None => return Vec::new(),
            }
        }
        way
    }

    /// Metres from a point to the nearest street.
    #[cfg(test)]
    pub fn metres_to_street(&self, point: Ground) -> f64 {
        let mut nearest = f64::INFINITY;
        for (&a, streets) in self.corners.iter().zip(&self.streets) {
            for &b in streets {
                let b = self.place(b);
                let length = a.metres_to(b);
                let share = ((point.east - a.east) * (b.east - a.east) + (point.north - a.north) * (b.north - a.north))
                    / (length * length);
                nearest = nearest.min(point.metres_to(a.towards(b, share.clamp(0.0, 1.0))));
            }
        }
        nearest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metres_off(avenue: usize, street: i32, lat: f64, lon: f64) -> f64 {
        let here = corner(avenue, street).unwrap().to_degrees();
        ((here.0 - lat) * DEGREE_M.0).hypot((here.1 - lon) * DEGREE_M.1)
    }

    #[test]
    fn known_corners_fall_where_they_are() {
        assert!(metres_off(5, 42, 40.7559, -73.9871) < 60.0, "7th Avenue and 42nd Street");
        assert!(metres_off(13, 14, 40.7315, -73.9826) < 80.0, "1st Avenue and 14th Street");
        assert!(metres_off(7, 59, 40.7645, -73.9730) < 80.0, "5th Avenue and 59th Street");
        assert!(metres_off(7, 110, 40.7971, -73.9495) < 80.0, "5th Avenue and 110th Street");
        assert!(metres_off(6, 125, 40.8083, -73.9450) < 120.0, "Lenox Avenue and 125th Street");
    }

    #[test]
    fn nobody_can_stand_in_central_park_or_in_a_river() {
        let city = City::manhattan();
        assert!(city.len() > 1_500, "{}", city.len());
        for number in 0..city.len() {
            let (lat, lon) = city.place(Corner::try_from(number).unwrap()).to_degrees();
            assert!(is_on_land(lat, lon));
        }
        let reservoir = Ground { east: (-73.9625 - ORIGIN.1) * DEGREE_M.1, north: (40.7850 - ORIGIN.0) * DEGREE_M.0 };
        assert!(city.metres_to_street(reservoir) > 250.0);
    }

    #[test]
    fn every_corner_can_be_reached_from_every_other() {
        let city = City::manhattan();
        let mut random = Random::new(1, 0, 0);
        let times_square = city.corner_at(0.3);
        for number in 0..city.len() {
            let corner = Corner::try_from(number).unwrap();
            let way = city.way(times_square, corner, &mut random);
            assert!(!way.is_empty() || corner == times_square, "{:?}", city.place(corner).to_degrees());
        }
    }

    #[test]
    fn a_way_goes_from_corner_to_corner_and_is_not_much_longer_than_it_must_be() {
        let city = City::manhattan();
        let (from, to) = (city.corner_at(0.1), city.corner_at(0.9));
        let mut way = city.way(from, to, &mut Random::new(3, 0, 0));
        let (mut here, mut metres) = (from, 0.0);
        while let Some(next) = way.pop() {
            assert!(city.streets[usize::from(here)].contains(&next));
            metres += city.place(here).metres_to(city.place(next));
            here = next;
        }
        assert_eq!(here, to);
        assert!(metres < 1.5 * city.place(from).metres_to(city.place(to)), "{metres}");
    }
}
