//! Sockets, routes, sessions, static files.
pub mod admin_socket;
pub mod auth;
pub mod dashboard;
pub mod error;
mod frame_header;
pub mod frame_reader;
mod handshake;
mod moved_slots;
pub mod outbox;
mod outbox_queue;
pub mod routes;
pub mod session;
pub mod socket;
mod socket_actor;
pub mod socket_metrics;
mod socket_stream;
pub mod tcp;
mod ticker;
