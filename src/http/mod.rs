//! Sockets, routes, sessions, static files.
pub mod admin_socket;
pub mod auth;
pub mod dashboard;
pub mod error;
pub mod frame_reader;
pub mod outbox;
pub mod routes;
pub mod session;
pub mod socket;
