//! proximity
