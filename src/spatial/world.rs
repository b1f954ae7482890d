//! world
use crate::domain::{LatLon, UnixMs};

/// A person's live position.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Live {
    /// Where.
    pub position: LatLon,
    /// When, by the device's clock.
    pub t: UnixMs,
    /// Accuracy, metres.
    pub accuracy: Option<f32>,
    /// Speed over ground, m/s.
    pub speed: Option<f32>,
    /// Course over ground, degrees.
    pub heading: Option<f32>,
}
