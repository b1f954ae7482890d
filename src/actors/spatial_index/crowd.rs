//! The administrator's view of everybody: as points, or counted where they are too many.
use std::time::Instant;

use rustc_hash::FxHashMap;

use super::SpatialIndex;
use crate::domain::UserNo;
use crate::protocol::client::View;
use crate::protocol::crowd::{Cell, Crowd, Items, Point};
use crate::spatial::world::BoundingBox;

/// Above this many people in view, and below this zoom, counts are sent instead of points.
const CELLS_ABOVE: usize = 5_000;
const CELLS_BELOW_ZOOM: f64 = 11.0;

impl SpatialIndex {
    pub(super) fn push_crowds(&mut self) {
        if self.crowd_sent.elapsed() >= self.deps.crowd_every {
            self.send_crowds();
        }
    }

    /// A new picture of everybody in place of the one that may wait.
    pub(super) fn send_crowds(&mut self) {
        if self.crowds.is_empty() {
            return;
        }
        self.crowd_sent = Instant::now();
        for (view, link) in self.crowds.values() {
            link.crowd(self.crowd(view).encode());
        }
    }

    pub(super) fn crowd(&self, view: &View) -> Crowd {
        let now = self.deps.clock.now();
        let [west, south, east, north] = view.bbox;
        let mut points = Vec::new();
        self.world.in_view(&BoundingBox { west, south, east, north }, &mut |no, live, person| {
            let age_s = u16::try_from(now.since(live.t).max(0) / 1_000).unwrap_or(u16::MAX);
            points.push(Point {
                no,
                lat: live.position.lat(),
                lon: live.position.lon(),
                age_s,
                free: person.free,
                online: person.online,
                stale: self.world.fresh(no, now).is_none(),
                near: false,
                accuracy: live.accuracy,
            });
        });
        let index: FxHashMap<UserNo, usize> = points.iter().enumerate().map(|(at, point)| (point.no, at)).collect();
        let mut pairs = Vec::new();
        for (a, b) in self.world.near_pairs() {
            let seen = [a, b].map(|side| index.get(&side).copied());
            for at in seen.into_iter().flatten() {
                if let Some(point) = points.get_mut(at) {
                    point.near = true;
                }
            }
            if seen.iter().any(Option::is_some) {
                pairs.push((a, b));
            }
        }
        let counts = self.world.counts();
        let as_cells = points.len() > CELLS_ABOVE && view.zoom < CELLS_BELOW_ZOOM;
        let items = if as_cells { Items::Cells(cells(view, &points)) } else { Items::Points(points) };
        let count = |people: usize| u32::try_from(people).unwrap_or(u32::MAX);
        Crowd { server_time: now.0, items, pairs, online: count(counts.online), free: count(counts.free) }
    }
}

/// People counted on a grid of at most 40 × 40 cells over the view.
fn cells(view: &View, points: &[Point]) -> Vec<Cell> {
    const ACROSS: f64 = 40.0;
    let [west, south, east, north] = view.bbox;
    let width = if east > west { east - west } else { east - west + 360.0 };
    let (step_lon, step_lat) = ((width / ACROSS).max(1e-6), ((north - south) / ACROSS).max(1e-6));
    let mut grid: FxHashMap<(u32, u32), (u32, u32)> = FxHashMap::default();
    for point in points {
        let from_west = if point.lon >= west { point.lon - west } else { point.lon - west + 360.0 };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 40, saturating")]
        let at = ((from_west / step_lon) as u32, ((point.lat - south) / step_lat) as u32);
        let cell = grid.entry(at).or_default();
        cell.0 += 1;
        cell.1 += u32::from(point.free);
    }
    let centre = |((x, y), (people, free)): ((u32, u32), (u32, u32))| {
        let lon = west + (f64::from(x) + 0.5) * step_lon;
        let lon = if lon > 180.0 { lon - 360.0 } else { lon };
        Cell { lat: south + (f64::from(y) + 0.5) * step_lat, lon, people, free }
    };
    grid.into_iter().map(centre).collect()
}
