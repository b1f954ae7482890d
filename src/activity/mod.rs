//! What people do: tracks, steps, hours of availability. Pure.
pub mod calendar;
pub mod ground;
pub mod histogram;
pub mod steps;
pub mod timetable;
pub mod track;
pub mod walking;
