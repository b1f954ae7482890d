//! Mailboxes, timers, lifecycle. Thin: logic is called here, not written.
//!
//! Every queue has a bound, a policy when full, and a counter; ARCHITECTURE.md has the table.
pub mod agenda;
pub mod alarm;
pub mod board;
pub mod calendars;
pub mod critical;
pub mod downlink;
pub mod entitlements;
pub mod flips;
pub mod herald;
pub mod hourly_aggregator;
pub mod journal;
pub mod phones;
pub mod registry;
pub mod spatial_inbox;
pub mod spatial_index;
pub mod user;
