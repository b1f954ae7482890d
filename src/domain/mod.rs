//! Floor 0: values that cannot be wrong. Everything here is made by a constructor that refuses bad input with a
//! [`Refusal`]; nothing here does IO, reads a clock, or knows a wire format.
pub mod availability;
pub mod clock;
pub mod entitlement;
pub mod fix;
pub mod friendship;
pub mod phone;
pub mod refusal;
pub mod sharing;
pub mod user;
pub mod weekly_hours;

pub use availability::{Availability, Next, Note, Present, Source};
pub use clock::{Clock, RELEASED, UnixMs};
pub use entitlement::{Relation, Sight};
pub use fix::{Fix, FixFields, LatLon};
pub use friendship::Radius;
pub use phone::{PhoneApp, Platform};
pub use refusal::{Code, Refusal};
pub use sharing::{Precision, Sharing};
pub use user::{DeviceName, DisplayName, UserId, UserNo};
pub use weekly_hours::WeeklyHours;
