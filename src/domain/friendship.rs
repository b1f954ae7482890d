//! What two friends agree on: how near is near.
use super::{Code, Refusal};

/// The distance at which a person wants to hear of a friend: 50 m to 50 km, by default 500 m.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Radius(f64);

impl Radius {
    /// The smallest radius, metres.
    pub const MIN_M: f64 = 50.0;
    /// The largest radius, metres.
    pub const MAX_M: f64 = 50_000.0;

    /// Checks a radius in metres.
    ///
    /// # Errors
    /// `out_of_range` on `radius` outside 50 to 50,000 m, or when it is not a number.
    pub fn metres(metres: f64) -> Result<Self, Refusal> {
        if (Self::MIN_M..=Self::MAX_M).contains(&metres) {
            return Ok(Self(metres));
        }
        Err(Refusal::of_field(Code::OutOfRange, "radius", "radius must be 50 to 50000 metres"))
    }

    /// The radius in metres.
    #[must_use]
    pub const fn as_metres(self) -> f64 {
        self.0
    }

    /// The radius that holds for a pair: the smaller of the two.
    #[must_use]
    pub fn of_pair(self, other: Self) -> Self {
        Self(self.0.min(other.0))
    }
}

impl Default for Radius {
    fn default() -> Self {
        Self(500.0)
    }
}
