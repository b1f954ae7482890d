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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::spatial::sphere::{EARTH_RADIUS_M, metres_between};

    const ROW_M: f64 = EARTH_RADIUS_M * 0.01 * std::f64::consts::PI / 180.0;

    fn at(lat: f64, lon: f64) -> LatLon {
        LatLon::new(lat, lon).unwrap()
    }

    fn cell(row: u16, column: u16) -> Cell {
        Cell { row, column }
    }

    /// South, west, north, east.
    fn edges(cell: Cell) -> [f64; 4] {
        let (south, width) = (f64::from(cell.row) / 100.0 - 90.0, 360.0 / f64::from(columns(cell.row)));
        let west = f64::from(cell.column) * width - 180.0;
        [south, west, south + 0.01, west + width]
    }

    #[test]
    fn every_row_is_cut_into_cells_as_wide_as_high_and_no_cosine_decides_how_many() {
        for row in 0..ROWS {
            let poleward = f64::from((row + 1).max(ROWS - row) - ROWS / 2) / 100.0;
            let fit = 36_000.0 * poleward.to_radians().cos();
            let whole = f64::from(columns(row));
            assert!(whole <= fit + 1e-6 || whole == 1.0, "row {row}: {whole} cells where {fit} fit");
            assert!(whole + 1.0 > fit, "row {row}: {whole} cells where {fit} fit");
            let decided_by = (fit + 1e-6 - (fit + 1e-6).round()).abs();
            assert!(decided_by > 1e-9, "row {row}: {fit} would be rounded one way here and another way there");
            assert_eq!(columns(row), columns(ROWS - 1 - row), "both halves of the earth are alike");
        }
        assert_eq!([columns(9_000), columns(15_000 - 1), columns(ROWS - 2), columns(ROWS - 1)], [35_999, 18_000, 6, 1]);
    }

    #[test]
    fn cells_away_from_the_poles_are_a_kilometre_wide_and_hardly_more() {
        for row in 1..ROWS - 1 {
            let [south, west, north, east] = edges(cell(row, 0));
            // Along the parallel; the great circle between two corners is shorter by less than a part in a thousand.
            let width = |lat: f64| EARTH_RADIUS_M * lat.to_radians().cos() * (east - west).to_radians();
            let (narrow, wide) = (width(south).min(width(north)), width(south).max(width(north)));
            assert!(narrow > ROW_M - 0.001, "row {row}: {narrow} m");
            assert!(wide < 2.1 * ROW_M, "row {row}: {wide} m");
            assert!(wide < 1.03 * ROW_M || south.abs().max(north.abs()) > 89.0, "row {row}: {wide} m");
        }
    }

    #[test]
    fn the_date_line_is_an_edge_and_the_poles_are_one_cell_each() {
        for lat in [-89.985, -52.3, 0.0, 0.005, 60.0, 77.777, 89.98] {
            let row = Cell::of(at(lat, 0.0)).row;
            assert_eq!(Cell::of(at(lat, 180.0)), cell(row, 0));
            assert_eq!(Cell::of(at(lat, -180.0)), cell(row, 0));
            assert_eq!(Cell::of(at(lat, 180.0_f64.next_down())), cell(row, columns(row) - 1));
            assert_eq!(Cell::of(at(lat, (-180.0_f64).next_up())), cell(row, 0));
        }
        for (pole, row) in [(90.0, ROWS - 1), (-90.0, 0)] {
            for lon in [-180.0, -1.0, 0.0, 179.9] {
                assert_eq!(Cell::of(at(pole, lon)), cell(row, 0));
                assert_eq!(Cell::of(at(pole * 0.9999, lon)), cell(row, 0));
            }
            assert_eq!(cell(row, 0).centre().lat(), pole);
        }
    }

    #[test]
    fn neighbours_touch_across_rows_the_date_line_and_the_poles_and_nobody_else_does() {
        let equator = cell(9_000, 0);
        let last = columns(9_000) - 1;
        assert!(equator.touches(equator) && equator.touches(cell(9_000, 1)) && equator.touches(cell(9_000, last)));
        assert!(equator.touches(cell(9_001, last)) && equator.touches(cell(8_999, 1)));
        assert!(
            !equator.touches(cell(9_000, 2)) && !equator.touches(cell(9_002, 0)) && !equator.touches(cell(9_001, 3))
        );
        for column in 0..6 {
            assert!(cell(0, 0).touches(cell(1, column)) && cell(1, column).touches(cell(0, 0)));
            assert!(!cell(0, 0).touches(cell(2, column)));
        }
        assert!(cell(1, 0).touches(cell(1, 5)) && !cell(1, 0).touches(cell(1, 3)));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4_096) })]

        #[test]
        fn every_place_is_in_its_cell_and_so_is_the_centre(
            lat in prop_oneof![-90.0..=90.0f64, 89.9..=90.0f64, -90.0..-89.9f64, (0..18_000u16).prop_map(|row| f64::from(row) / 100.0 - 90.0)],
            lon in prop_oneof![-180.0..=180.0f64, 179.99..=180.0f64],
        ) {
            let here = at(lat, lon);
            let cell = Cell::of(here);
            let [south, west, north, east] = edges(cell);
            prop_assert!((south - 1e-9..=north + 1e-9).contains(&here.lat()), "{cell:?}");
            prop_assert!((west - 1e-9..=east + 1e-9).contains(&here.lon()), "{cell:?}");
            prop_assert_eq!(Cell::of(cell.centre()), cell);
            let off = metres_between(here, cell.centre());
            prop_assert!(off < 800.0 || here.lat().abs() > 87.0 && off < 1_250.0, "{} m from the centre", off);
        }

        #[test]
        fn who_steps_over_an_edge_is_in_a_cell_that_touches(lat in -90.0..=90.0f64, lon in -180.0..=180.0f64, bearing in 0.0..360.0f64) {
            let there = crate::spatial::sphere::destination(at(lat, lon), bearing, 0.5).unwrap();
            prop_assert!(Cell::of(at(lat, lon)).touches(Cell::of(there)));
            prop_assert!(Cell::of(there).touches(Cell::of(at(lat, lon))));
        }
    }
}
