//! What outlives the process.
pub mod accounts;
pub mod embedded;
pub mod histograms;
pub mod keys;
pub mod redis;
pub mod rows;
