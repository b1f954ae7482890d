//! The store against what happens to stores: a crash at any moment, a second process, garbage, and a Redis that is
//! slow, gone, full or empty.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says with a panic what is wrong"
)]
mod accounts;
mod audit;
mod crash;
mod damage;
mod erasure;
mod figures;
mod house;
mod invites;
mod redis;
#[path = "../support/redis.rs"]
mod redis_server;
mod retention;
mod sharing;
mod versions;
