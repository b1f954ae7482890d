//! Bytes to checked values and back. The only place (with `config`) that knows serde.
#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]
pub mod admin;
pub mod client;
pub mod close;
pub mod crowd;
pub mod feed_url;
pub mod gpx;
pub mod http;
pub mod moved;
pub mod phones;
pub mod policy;
pub mod seed_file;
pub mod seed_line;
pub mod server;

/// What a parser says of what it was given, and may quote: on one line and short, for people to read.
fn told(error: &impl std::fmt::Display) -> String {
    const LONGEST: usize = 160;
    error.to_string().chars().map(|c| if c.is_control() { '\u{FFFD}' } else { c }).take(LONGEST).collect()
}
