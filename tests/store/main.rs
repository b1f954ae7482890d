//! The store against what happens to stores: a crash at any moment, a second process, garbage, and a Redis that is
//! slow, gone, full or empty.
mod accounts;
mod crash;
mod damage;
mod figures;
mod redis;
#[path = "../support/redis.rs"]
mod redis_server;
