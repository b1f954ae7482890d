//! The administrator's crowd view, binary: 16 bytes a person instead of 90 of JSON (web.md, section 2).
//!
//! Little-endian. Header, 32 bytes: `"LHC1"`, kind u8 (0 points, 1 cells), three zero bytes, server time f64 (Unix ms),
//! items u32, near pairs u32, people online u32, people free u32. Then the items, 16 bytes each, then the pairs, two u32
//! each. `web/src` holds the decoder; `tests/fixtures/frames/crowd-*.bin` are read by both sides' tests.
use bytes::{BufMut, Bytes, BytesMut};

use crate::domain::UserNo;

/// A person in view.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Who.
    pub no: UserNo,
    /// Degrees.
    pub lat: f64,
    /// Degrees.
    pub lon: f64,
    /// How old the position is, seconds.
    pub age_s: u16,
    /// Would meet now.
    pub free: bool,
    /// A device is connected.
    pub online: bool,
    /// The position is no longer fresh.
    pub stale: bool,
    /// Near somebody.
    pub near: bool,
    /// Metres.
    pub accuracy: Option<f32>,
}

/// People of one cell of the view.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cell {
    /// The cell's centre, degrees.
    pub lat: f64,
    /// The cell's centre, degrees.
    pub lon: f64,
    /// People in it.
    pub people: u32,
    /// How many of them are free.
    pub free: u32,
}

/// What is in view.
#[derive(Clone, Debug, PartialEq)]
pub enum Items {
    /// Everyone.
    Points(Vec<Point>),
    /// Counts.
    Cells(Vec<Cell>),
}

/// One crowd frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Crowd {
    /// Unix milliseconds.
    pub server_time: i64,
    /// Who is in view.
    pub items: Items,
    /// Near pairs with a side in view.
    pub pairs: Vec<(UserNo, UserNo)>,
    /// People online, in view or not.
    pub online: u32,
    /// People free, in view or not.
    pub free: u32,
}

impl Crowd {
    /// How long the frame is, bytes.
    fn bytes(&self) -> usize {
        let items = match &self.items {
            Items::Points(points) => points.len(),
            Items::Cells(cells) => cells.len(),
        };
        items.saturating_mul(16).saturating_add(self.pairs.len().saturating_mul(8)).saturating_add(32)
    }

    /// The frame's bytes.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let (kind, items) = match &self.items {
            Items::Points(points) => (0, points.len()),
            Items::Cells(cells) => (1, cells.len()),
        };
        let mut out = BytesMut::with_capacity(self.bytes());
        out.put_slice(b"LHC1");
        out.put_slice(&[kind, 0, 0, 0]);
        #[expect(clippy::cast_precision_loss, reason = "milliseconds stay exact in f64 for 285,000 years")]
        out.put_f64_le(self.server_time as f64);
        for count in [items, self.pairs.len()] {
            out.put_u32_le(u32::try_from(count).unwrap_or(u32::MAX));
        }
        out.put_u32_le(self.online);
        out.put_u32_le(self.free);
        match &self.items {
            Items::Points(points) => points.iter().for_each(|point| put_point(&mut out, point)),
            Items::Cells(cells) => cells.iter().for_each(|cell| put_cell(&mut out, cell)),
        }
        for (a, b) in &self.pairs {
            out.put_u32_le(a.0);
            out.put_u32_le(b.0);
        }
        out.freeze()
    }
}

fn put_point(out: &mut BytesMut, point: &Point) {
    let flags =
        u8::from(point.free) | u8::from(point.online) << 1 | u8::from(point.stale) << 2 | u8::from(point.near) << 3;
    out.put_u32_le(point.no.0);
    out.put_i32_le(e7(point.lat));
    out.put_i32_le(e7(point.lon));
    out.put_u16_le(point.age_s);
    out.put_u8(flags);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to a byte")]
    out.put_u8(point.accuracy.map_or(255, |metres| metres.clamp(0.0, 255.0) as u8));
}

fn put_cell(out: &mut BytesMut, cell: &Cell) {
    out.put_i32_le(e7(cell.lat));
    out.put_i32_le(e7(cell.lon));
    out.put_u32_le(cell.people);
    out.put_u32_le(cell.free);
}

#[expect(clippy::cast_possible_truncation, reason = "at most 1.8e9 in either direction")]
fn e7(degrees: f64) -> i32 {
    (degrees * 1e7).round() as i32
}
