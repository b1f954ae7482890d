//! The spatial core against the written rules: random lives of a few friends, checked after every command.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a scene that cannot be set up shall fail")]

mod agreed;
mod day;
mod hub;
mod lives;
mod oracle;
mod privacy;
mod quiet;
mod scenes;
mod sharing;
mod stage;
