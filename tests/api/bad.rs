//! Bad input, row by row, against the real program: each row says what goes in, what must come out and why. After each
//! the process lives, the next good message works, and memory has not grown. Rows are numbered as in the project's
//! security review.
mod frames;
mod json;
pub mod json_rows;
mod seed;

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::binary::{Binary, Place};
use crate::client::{Client, Person};
use crate::node::Settings;

/// Far from the limits that would end a connection after twenty rows.
const SETTINGS: Settings<'static> =
    &[("limits.errors_per_minute", "1000000"), ("limits.message", "\"200ms\""), ("limits.frames_per_second", "10000")];
/// How much a row may cost for good, KiB, once everything has been touched once.
const ROW_KIB: u64 = 1_024;
/// How soon the next good message is answered; generous, because the machine is shared.
const SOON: Duration = Duration::from_secs(2);

/// The program with Ann, who sends the rows, and Bob, her friend.
struct Target {
    program: Binary,
    root: Person,
    ann: Person,
    _place: Place,
}

impl Target {
    fn start() -> Self {
        let place = Place::new(SETTINGS);
        let root = place.administrator("root");
        let program = place.serve();
        let [ann, _bob] = program.people(&root, ["ann", "bob"], &[(0, 1)]);
        Self { program, root, ann, _place: place }
    }

    fn connect(&self) -> Client {
        self.program.connect(&self.ann)
    }

    /// Goes through all rows twice: the second time memory must stay where it is.
    fn run<R>(&mut self, rows: &[R], what: impl Fn(&R) -> String, mut check: impl FnMut(&Self, &R)) {
        rows.iter().for_each(|row| check(self, row));
        let before = self.program.rss_kib();
        for row in rows {
            // The store and the allocator take pages at moments of their own; what a row costs, it costs every time.
            let mut grown = u64::MAX;
            for _ in 0..3 {
                let rss = self.program.rss_kib();
                check(self, row);
                assert!(self.program.is_alive(), "the process died of {}", what(row));
                grown = grown.min(self.program.rss_kib().saturating_sub(rss));
                if grown <= ROW_KIB {
                    break;
                }
            }
            assert!(grown <= ROW_KIB, "{}: {grown} KiB", what(row));
        }
        let grown = self.program.rss_kib().saturating_sub(before);
        assert!(grown <= 4 * ROW_KIB, "{grown} KiB over all {} rows", rows.len());
        assert!(!self.program.log().contains("panicked"), "{}", self.program.log());
    }
}

/// All frames up to the answer to a ping, which must come soon.
#[track_caller]
fn answers(client: &mut Client, what: &str) -> Vec<Value> {
    let begin = Instant::now();
    let id = client.fresh_seq();
    client.say(&serde_json::json!({"type": "ping", "id": id}));
    let mut frames = Vec::new();
    loop {
        let frame = client.next();
        if frame["type"] == "pong" && frame["id"] == id {
            assert!(begin.elapsed() < SOON, "{what}: the next good message took {:?}", begin.elapsed());
            return frames;
        }
        frames.push(frame);
    }
}

/// Replaces `NOW`, `NOW+ms` and `NOW-ms` in a row by the time.
fn timed(text: &str) -> String {
    let now = letshang::domain::Clock::System.now().0;
    let mut parts = text.split("NOW");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let signed = part.starts_with(['+', '-']);
        let end = part.char_indices().skip(usize::from(signed)).find(|(_, c)| !c.is_ascii_digit());
        let end = if signed { end.map_or(part.len(), |(at, _)| at) } else { 0 };
        let offset: i64 = part[..end].parse().unwrap_or(0);
        out.push_str(&(now + offset).to_string());
        out.push_str(&part[end..]);
    }
    out
}
