//! cli
pub mod replay;
