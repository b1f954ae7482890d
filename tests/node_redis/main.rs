//! A whole node with a real Redis: the histogram of who was free and online is exact over HTTP, on the command line and in
//! Redis, whatever happens to the clock, the node and Redis.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]
#[path = "../support/http.rs"]
mod http;
#[path = "../support/raw_ws.rs"]
mod raw_ws;
#[path = "../support/redis.rs"]
mod redis_server;

mod outages;
mod picture;
mod place;
mod program;
mod restarts;
mod start;
mod turned_clock;
mod turned_node;
