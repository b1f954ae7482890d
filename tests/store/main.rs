//! The store against what happens to stores: a crash at any moment, a second process, garbage, and a Redis that is
//! slow, gone, full or empty.
mod accounts;
mod figures;
