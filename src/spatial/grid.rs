//! The fixed grid on which people are shown to those who may know only about where they are.
//!
//! Rows are 0.01° of latitude, counted from the south pole. Every row is cut from −180° on into equal cells, as many as fit
//! when none is narrower at its poleward edge than the row is high: 1,112 m each way, and hardly more (1 % at 89°, twice
//! that width beside the poles). So the date line is an edge like any other. The caps around the poles, 1,112 m in radius,
//! are one cell each. The grid depends on nobody: a cell says where it is, and nothing about where in it somebody stands.
use crate::domain::LatLon;

/// Rows from pole to pole.
const ROWS: u16 = 18_000;
/// Rows in a degree of latitude.
const ROWS_PER_DEGREE: f64 = 100.0;
/// Cells that fit around the equator: its circumference over the height of a row.
const CELLS_AROUND: f64 = 36_000.0;

/// One cell of the grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cell {
    row: u16,
    column: u16,
}

/// How many cells a row has.
fn columns(row: u16) -> u16 {
    let northwards = row >= ROWS / 2;
    let rows_from_equator = if northwards { row + 1 - ROWS / 2 } else { ROWS / 2 - row };
    let poleward_edge = f64::from(rows_from_equator) / ROWS_PER_DEGREE;
    // At 60° the exact number is whole, and a cosine may err to either side of it.
    floor_to(CELLS_AROUND * poleward_edge.to_radians().cos() + 1e-6, u16::MAX).max(1)
}

/// Rounds down to 0 to `most`.
fn floor_to(value: f64, most: u16) -> u16 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates: what is wanted")]
    let whole = value as u16;
    whole.min(most)
}

impl Cell {
    /// The cell a place is in. An edge belongs to the cell north or east of it.
    #[must_use]
    pub fn of(place: LatLon) -> Self {
        let row = floor_to((place.lat() + 90.0) * ROWS_PER_DEGREE, ROWS - 1);
        let columns = columns(row);
        let around = (place.lon() + 180.0) / 360.0;
        Self { row, column: floor_to(around * f64::from(columns), columns - 1) }
    }

    /// The middle of its latitudes and longitudes; of a polar cap, the pole.
    #[must_use]
    pub fn centre(self) -> LatLon {
        let lat = match self.row {
            0 => -90.0,
            row if row >= ROWS - 1 => 90.0,
            row => (f64::from(row) + 0.5) / ROWS_PER_DEGREE - 90.0,
        };
        let lon = (f64::from(self.column) + 0.5) * 360.0 / f64::from(columns(self.row)) - 180.0;
        let centre = LatLon::new(lat, lon);
        debug_assert!(centre.is_ok(), "{self:?} has its centre at {lat}, {lon}");
        centre.unwrap_or(LatLon::ORIGIN)
    }

    /// True when the two are one, or have a piece of edge or a corner in common.
    #[must_use]
    pub fn touches(self, other: Self) -> bool {
        if self.row.abs_diff(other.row) > 1 {
            return false;
        }
        // Longitudes as fractions of the circle over the common denominator, so that nothing is rounded.
        let (own, others) = (i64::from(columns(self.row)), i64::from(columns(other.row)));
        let around = own * others;
        let (west, east) = (i64::from(self.column) * others, (i64::from(self.column) + 1) * others);
        let (other_west, other_east) = (i64::from(other.column) * own, (i64::from(other.column) + 1) * own);
        [-around, 0, around].iter().any(|turn| west <= other_east + turn && other_west + turn <= east)
    }
}
