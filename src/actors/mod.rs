//! Mailboxes, timers, lifecycle. Thin: logic is called here, not written.
pub mod alarm;
pub mod downlink;
pub mod hourly_aggregator;
pub mod journal;
pub mod spatial_index;
pub mod user;
