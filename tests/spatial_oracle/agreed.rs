//! What people agreed to show each other, by the words of PROTOCOL.md, section 2, "Sharing": a grid, a cell, a hold. Its own
//! arithmetic; nothing of `letshang::spatial` is used here.
use letshang::domain::LatLon;

pub const CELL_HOLD: i64 = 900_000;
pub const CELL_ACCURACY: f32 = 800.0;
const METRES_PER_DEGREE: f64 = 6_371_008.8 * std::f64::consts::PI / 180.0;
/// Longitudes closer than this, degrees, are one meridian.
const SAME: f64 = 1e-9;

/// A cell by its edges, degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Square {
    pub south: f64,
    pub north: f64,
    pub west: f64,
    pub east: f64,
}

pub fn square(place: LatLon) -> Square {
    let row = ((place.lat() + 90.0) * 100.0).floor().min(17_999.0);
    let (south, north) = (row / 100.0 - 90.0, (row + 1.0) / 100.0 - 90.0);
    let parallel = 360.0 * METRES_PER_DEGREE * south.abs().max(north.abs()).to_radians().cos();
    let cells = (parallel / (METRES_PER_DEGREE / 100.0) + 1e-6).floor().max(1.0);
    let column = ((place.lon() + 180.0) / 360.0 * cells).floor().min(cells - 1.0);
    Square { south, north, west: column / cells * 360.0 - 180.0, east: (column + 1.0) / cells * 360.0 - 180.0 }
}

impl Square {
    pub fn centre(&self) -> LatLon {
        let lat = match (self.south, self.north) {
            (_, north) if north > 89.999 => 90.0,
            (south, _) if south < -89.999 => -90.0,
            (south, north) => (south + north) / 2.0,
        };
        LatLon::new(lat, (self.west + self.east) / 2.0).unwrap()
    }

    pub fn touches(&self, other: &Self) -> bool {
        let beside = |turn: f64| self.west <= other.east + turn + SAME && other.west + turn <= self.east + SAME;
        self.south <= other.north + SAME
            && other.south <= self.north + SAME
            && [-360.0, 0.0, 360.0].iter().any(|turn| beside(*turn))
    }

    /// The point so far into the cell from its south-western corner, 0 to 1 each way, kept off the edges.
    pub fn point(&self, east: f64, north: f64) -> LatLon {
        let within = |low: f64, high: f64, part: f64| low + (high - low) * (0.000_01 + part * 0.999_98);
        LatLon::new(within(self.south, self.north, north), within(self.west, self.east, east)).unwrap()
    }
}

/// Which cell approximate friends see: all that was ever left is remembered, the rule looks at the last four.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    pub now: Option<Square>,
    left: Vec<(Square, i64)>,
}

impl Shown {
    pub fn follow(&mut self, place: LatLon, now: i64) {
        let there = square(place);
        if let Some(current) = self.now {
            let held = |(square, at): &(Square, i64)| now - at < CELL_HOLD && square.touches(&there);
            if current == there || self.left.iter().rev().take(4).any(held) {
                return;
            }
            self.left.push((current, now));
        }
        self.now = Some(there);
    }
}
