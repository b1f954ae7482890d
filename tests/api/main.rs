//! The server as its clients see it: real nodes, real sockets, every promise of the protocol.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]
#[path = "../support/authority.rs"]
mod authority;
#[path = "../support/binary.rs"]
mod binary;
#[path = "../support/client.rs"]
mod client;
#[path = "../support/http.rs"]
mod http;
#[path = "../support/node.rs"]
mod node;
#[path = "../support/raw_ws.rs"]
mod raw_ws;
#[path = "../support/redis.rs"]
mod redis;

mod availability;
mod bad;
mod calendar_figures;
mod calendars;
mod closes;
mod codes;
mod exercise;
mod exporting;
mod fixes;
mod friendship;
mod golden;
mod hostile_http;
mod hours;
mod joining;
mod lifecycle;
mod limits;
mod map;
mod near;
mod phones;
mod policies;
mod presence;
mod profile;
mod proxies;
mod quiet;
mod rest;
mod sessions;
mod sharing;
mod signin;
mod tls;
mod tokens;
