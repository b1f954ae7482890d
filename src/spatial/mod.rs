//! Who is near whom: pure geometry and pair state, no IO and no clock of its own.
pub mod index;
pub mod proximity;
pub mod quiet_zone;
pub mod sphere;
pub mod world;
