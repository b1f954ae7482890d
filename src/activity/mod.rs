//! What people do: tracks, steps, hours of availability. Pure.
pub mod ground;
pub mod histogram;
pub mod steps;
pub mod track;
pub mod walking;
