//! Nobody learns more than was agreed: the invariants of friends, sharing and trust, proved on everything that leaves a real
//! server through real sockets.
//!
//! | module | what it proves |
//! | --- | --- |
//! | [`machine`] | random lives of two to five people against a model that was written from the rules alone: every frame and every answer |
//! | [`races`] | nothing about a person reaches a viewer after the act that ended it was answered |
//! | [`hiding`] | who hides is the same bytes as who is gone |
//! | [`cells`] | what is told of someone shown approximately is a function of the cell |
//! | [`uniform`] | nobody, a stranger and somebody who blocked me are the same bytes |
//! | [`own_data`] | a message changes its sender's data alone; a device's token reads nothing |
//! | [`doors`] | revoked tokens, expired sessions, invites that several want |
//! | [`canary`] | a secret is nowhere in what the program wrote; of who was erased nothing is left |
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]
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

mod canary;
mod cells;
mod doors;
mod grid;
mod hiding;
mod host;
mod judge;
mod keys;
mod machine;
mod marks;
mod model;
mod own_data;
mod races;
mod script;
mod stage;
mod tap;
mod uniform;
