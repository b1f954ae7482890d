//! Sockets, routes, sessions, static files.
pub mod admin;
pub mod admin_socket;
pub mod auth;
pub mod body;
pub mod dashboard;
pub mod error;
pub mod frame_reader;
pub mod ingest;
pub mod me;
pub mod outbox;
pub mod people;
pub mod routes;
pub mod session;
pub mod socket;
pub mod state;
pub mod status;
