//! The socket layer alone: a real server, raw TCP clients that keep to the rules or break them one by one. The names
//! W1 to W30 are rows of the table of bad inputs in `SECURITY.md`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a test fails by panicking"
)]

#[path = "../support/raw_ws.rs"]
mod raw_ws;
#[path = "../support/socket_server.rs"]
mod socket_server;

mod closing;
mod frames;
mod handshake;
mod heartbeat;
mod reader;
mod slow_reader;
mod utf8;
