//! What must hold for every input, however hostile: one module for each place where bytes that somebody else wrote become
//! values. `fuzz_targets/` looks for inputs for which it does not; `tests/fuzz_findings.rs` replays, with a stable compiler,
//! every input that was ever found (`findings/`) and the corpora that the search starts from (`seeds/`).
#![forbid(unsafe_code)]
pub mod calendar;
pub mod certificate;
pub mod client_frames;
pub mod config;
pub mod frame_reader;
pub mod gpx;
pub mod http_bodies;
mod oracle;
pub mod phones;
pub mod redis_url;
pub mod requests;
pub mod seed_file;
pub mod seed_lines;
pub mod stored_records;

/// A place where foreign bytes become values: panics when something does not hold for these.
pub type Hold = fn(&[u8]);

/// Every target by the name of its folder in `seeds/` and `findings/`.
pub const TARGETS: &[(&str, Hold)] = &[
    ("calendar", calendar::hold),
    ("certificate", certificate::hold),
    ("client_frames", client_frames::hold),
    ("config", config::hold),
    ("frame_reader", frame_reader::hold),
    ("gpx", gpx::hold),
    ("http_bodies", http_bodies::hold),
    ("phones", phones::hold),
    ("redis_url", redis_url::hold),
    ("requests", requests::hold),
    ("seed_file", seed_file::hold),
    ("seed_lines", seed_lines::hold),
    ("stored_records", stored_records::hold),
];
