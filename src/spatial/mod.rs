//! Who is near whom: pure geometry and pair state, no IO and no clock of its own (`now` is a parameter).
//!
//! | module | what is there |
//! | --- | --- |
//! | [`sphere`] | unit vectors: chord² grows with great-circle distance, so no date line and no poles |
//! | [`quiet_zone`] | the disc maths: inside its own disc a person's fix needs no friend work |
//! | [`quiet`] | what a phone is promised when it keeps quiet, and why that misses and tells nothing |
//! | [`proximity`] | the states of a pair (far, near, leaving, cooling) and what moves it between them |
//! | [`grid`] | the fixed grid on which people are shown approximately |
//! | [`index`] | rstar, for what the friend graph cannot answer: who is in this view |
//! | [`world`] | everything together: commands in, [`Event`]s out |
mod encounters;
mod explain;
mod facts;
mod friend_work;
pub mod grid;
pub mod index;
mod limits;
mod paged;
mod promises;
pub mod proximity;
mod queries;
pub mod quiet;
pub mod quiet_zone;
mod shares;
mod sharing;
pub mod sphere;
mod timers;
pub mod world;

pub use explain::Why;
pub use facts::{Counts, Event, Live, Nearby, Neighbour, Person, Reason, Seen, Settings};
pub use grid::Cell;
pub use index::BoundingBox;
pub use quiet::{Quiet, QuietCounts, QuietRules, Told};
pub use world::World;
