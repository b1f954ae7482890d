//! Fetching calendars from the web, without letting anybody reach this server's own network by it.
mod fetch;
mod guard;

pub use fetch::{Answer, Condition, FeedError, Fetched, Fetcher, Names, Roots, Settings, SystemNames};
pub use guard::{Guard, is_public};
