//! LetsHang: a self-hosted, actor-based real-time geolocation server for friends who want to meet and walk more.
//!
//! The modules are floors; each one may import only those below it (ARCHITECTURE.md, enforced by `tests/floors.rs`):
//!
//! | floor | modules | what is there |
//! | --- | --- | --- |
//! | 6 | `main`, [`cli`] | parse, build, run, exit code |
//! | 5 | [`app`], [`telemetry`] | the one place that knows every actor |
//! | 4 | [`http`] | sockets, routes, sessions, static files |
//! | 3 | [`actors`] | mailboxes, timers, lifecycle |
//! | 2 | [`store`], [`feeds`] | what outlives the process; what comes from elsewhere |
//! | 1 | [`spatial`], [`activity`], [`protocol`] | pure: no async, no IO, no clock of their own |
//! | 0 | [`domain`], [`config`] | values that cannot be wrong |
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(clippy::float_cmp, clippy::cast_possible_truncation, clippy::cast_possible_wrap, clippy::cast_sign_loss)
)]
#![cfg_attr(not(test), deny(clippy::print_stdout))]
pub mod activity;
pub mod actors;
pub mod app;
pub mod cli;
pub mod config;
pub mod domain;
pub mod feeds;
pub mod http;
pub mod protocol;
pub mod spatial;
pub mod store;
pub mod telemetry;
