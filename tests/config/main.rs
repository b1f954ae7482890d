//! The program's command line, settings, signals and start, as the person sees them who runs it (security.md, 5.5): every
//! mistake is told in one line, with the exit code of sysexits(3).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]
#[path = "../support/authority.rs"]
mod authority;
#[path = "../support/http.rs"]
mod http;

mod certificates;
mod files;
mod program;
mod reload;
mod start;
mod usage;
mod values;
