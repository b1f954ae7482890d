//! Bytes to checked values and back. The only place (with `config`) that knows serde.
#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]
pub mod admin;
pub mod client;
pub mod close;
pub mod crowd;
pub mod gpx;
pub mod http;
pub mod moved;
pub mod seed_file;
pub mod seed_line;
pub mod server;
