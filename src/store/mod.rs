//! What outlives the process.
//!
//! [`embedded`] is the truth: one folder on the local disk. [`redis`] is a copy of the hourly histogram for dashboards
//! and for the sum over several nodes; it may be absent, slow, or lose everything, and is made whole again from here.
#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]
pub mod accounts;
pub mod codec;
mod directory;
pub mod embedded;
pub mod error;
mod folder;
pub mod histogram_writer;
pub mod histograms;
mod journal;
pub mod keys;
mod numbers;
pub mod person;
pub mod redis;
pub mod rows;
pub mod secret;

pub use accounts::Accounts;
pub use embedded::{Durability, Embedded, WriteBatch};
pub use error::StoreError;
pub use numbers::node_id;
