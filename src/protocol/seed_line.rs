//! seed_line
