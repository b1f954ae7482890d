//! quiet_zone
