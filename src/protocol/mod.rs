//! Bytes to checked values and back. The only place (with `config`) that knows serde.
pub mod client;
pub mod close;
pub mod crowd;
pub mod gpx;
pub mod moved;
pub mod seed_file;
pub mod seed_line;
pub mod server;
