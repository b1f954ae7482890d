//! What a run found, for people and for programs.
use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Serialize;

use crate::tally::{Percentiles, Tally};

/// When the generator's own delay is longer than this, milliseconds, the latencies tell more about the machine than
/// about the server.
const LATE_MS: f64 = 20.0;

/// What was asked for.
#[derive(Clone, Debug, Serialize)]
pub struct Setup {
    /// The server, or `sink`.
    pub url: String,
    /// People, each with a connection.
    pub users: u32,
    /// Fixes a second from each.
    pub rate: f64,
    /// Seconds that were measured.
    pub seconds: f64,
    /// The seed.
    pub seed: u64,
    /// The mean number of friends, as it came out.
    pub mean_friends: f64,
    /// The clustering, as it came out.
    pub clustering: f64,
    /// Everyone's radius, metres.
    pub radius_m: f64,
    /// True when the run only held idle connections.
    pub idle: bool,
}

/// How connecting went.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Connections {
    /// Connections that were welcomed.
    pub opened: u64,
    /// People who never got one, by reason.
    pub refused: BTreeMap<String, u64>,
    /// Seconds it took.
    pub seconds: f64,
    /// Memory the server took for each, bytes; idle, right after connecting.
    pub bytes_each: Option<f64>,
    /// Connections that ended before the end, by close code.
    pub drops: BTreeMap<u16, u64>,
}

/// What became of the fixes, warm-up included.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Fixes {
    /// Handed to a socket.
    pub sent: u64,
    /// Decided and stored, as the server's acks say.
    pub accepted: u64,
    /// Sent but not accepted: without an ack 5 s after the end, or refused.
    pub lost: u64,
    /// Never sent, because there was no connection or it took nothing.
    pub unsent: u64,
    /// Refusals by code; part of `lost`.
    pub refused: BTreeMap<String, u64>,
    /// Fixes a second while measuring.
    pub per_second: f64,
}

/// All latencies, from the moment a fix was meant to be sent.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Latencies {
    /// To the ack of a numbered fix.
    pub fix_to_ack: Percentiles,
    /// To the `moved` that shows the fix to a friend.
    pub fix_to_moved: Percentiles,
    /// To the `near` the fix brought about.
    pub fix_to_near: Percentiles,
    /// To the write of the generator itself; part of all the others.
    pub own_delay: Percentiles,
}

/// How meetings went.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Meetings {
    /// Pairs of whom anyone heard.
    pub pairs: u64,
    /// Pairs of whom only one side heard: each is an error.
    pub one_sided: u64,
    /// `near` frames by cause: a fix.
    pub by_fix: u64,
    /// Somebody became free.
    pub by_becoming_free: u64,
    /// Within the tolerance beyond the radius.
    pub early: u64,
    /// Farther apart than may be announced: each is an error.
    pub too_far: u64,
    /// Unknown to the generator.
    pub unknown: u64,
    /// With `--check`: pairs that had to be announced.
    pub due: Option<u64>,
    /// With `--check`: those that were not; each is an error.
    pub missed: Option<u64>,
}

/// How quiet polite phones were, a person and hour.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Polite {
    /// Reports.
    pub reports: f64,
    /// Of these, by cause.
    pub causes: BTreeMap<String, f64>,
    /// Looks at the receiver.
    pub looks: f64,
}

impl Polite {
    /// From what was counted of so many people, over this many measured seconds.
    #[must_use]
    pub fn of(tally: &Tally, people: usize, seconds: f64) -> Self {
        let each = |count: u64| count as f64 * 3_600.0 / (people.max(1) as f64 * seconds.max(f64::MIN_POSITIVE));
        Self {
            reports: each(tally.reports.values().sum()),
            causes: tally.reports.iter().map(|(cause, count)| (format!("{cause:?}"), each(*count))).collect(),
            looks: each(tally.looks),
        }
    }
}

/// What a side spent while measuring.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Cost {
    /// CPU seconds for a fix, in microseconds; absent when none was sent.
    pub cpu_us_per_fix: Option<f64>,
    /// CPU seconds a second.
    pub cores: f64,
    /// Memory before anyone connected, bytes.
    pub resident_before: Option<u64>,
    /// Memory at the end of the load, bytes.
    pub resident_after: Option<u64>,
}

/// What a bare loop that counts frames spent on a frame under the same load.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Yardstick {
    /// Frames a second.
    pub per_second: f64,
    /// CPU microseconds for a frame.
    pub cpu_us_per_frame: f64,
    /// How many times that the server spends on a fix.
    pub server_is_times: Option<f64>,
}

/// Everything.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// What was asked for.
    pub setup: Setup,
    /// How connecting went.
    pub connections: Connections,
    /// What became of the fixes.
    pub fixes: Fixes,
    /// How long things took.
    pub latency: Latencies,
    /// How meetings went.
    pub near: Meetings,
    /// How quiet the phones were, if they were to be.
    pub polite: Option<Polite>,
    /// `degraded` frames received.
    pub degraded: u64,
    /// What the server spent; absent when its process is not known.
    pub server: Option<Cost>,
    /// What the generator spent.
    pub generator: Cost,
    /// The yardstick, if it was measured.
    pub yardstick: Option<Yardstick>,
}

impl Fixes {
    /// From what was counted, over this many measured seconds.
    #[must_use]
    pub fn of(tally: &Tally, seconds: f64) -> Self {
        Self {
            sent: tally.sent,
            accepted: tally.accepted(),
            lost: tally.sent.saturating_sub(tally.accepted()),
            unsent: tally.unsent,
            refused: tally.refused.clone(),
            per_second: tally.measured_sent as f64 / seconds.max(f64::MIN_POSITIVE),
        }
    }
}

impl Latencies {
    /// From what was measured.
    #[must_use]
    pub fn of(tally: &Tally) -> Self {
        Self {
            fix_to_ack: tally.fix_to_ack.percentiles(),
            fix_to_moved: tally.fix_to_moved.percentiles(),
            fix_to_near: tally.fix_to_near.percentiles(),
            own_delay: tally.own_delay.percentiles(),
        }
    }
}

impl Report {
    /// True when nothing was lost, nobody was cut off, and every meeting was announced to both sides and rightly.
    #[must_use]
    pub fn promises_kept(&self) -> bool {
        let Self { fixes, near, connections, .. } = self;
        let everyone_stayed = connections.refused.is_empty() && connections.drops.is_empty();
        let meetings = near.one_sided + near.too_far + near.missed.unwrap_or(0);
        everyone_stayed && fixes.lost == 0 && fixes.unsent == 0 && meetings == 0
    }

    /// One JSON object.
    ///
    /// # Errors
    /// When a number cannot be written as JSON.
    pub fn json(&self) -> serde_json::Result<String> {
        serde_json::to_string(self)
    }

    /// A table for people.
    #[must_use]
    pub fn table(&self) -> String {
        let mut out = String::new();
        // Writing to a String cannot fail.
        let _ = self.write_table(&mut out);
        out
    }

    fn write_table(&self, out: &mut String) -> std::fmt::Result {
        let Self { setup, connections, fixes, latency, near, .. } = self;
        writeln!(
            out,
            "\n{} people, {:.1} friends each (clustering {:.2}), seed {}, against {}",
            setup.users, setup.mean_friends, setup.clustering, setup.seed, setup.url
        )?;
        writeln!(out, "connections  {} in {:.1} s{}", connections.opened, connections.seconds, {
            connections.bytes_each.map_or(String::new(), |bytes| format!(", {:.1} kB of memory each", bytes / 1_000.0))
        })?;
        write_counts(out, "  refused", &connections.refused)?;
        write_counts(out, "  dropped, by close code", &connections.drops)?;
        if !setup.idle {
            writeln!(out, "fixes        {} sent in all, {} accepted, {} lost", fixes.sent, fixes.accepted, fixes.lost)?;
            writeln!(out, "             {:.0} a second over the {:.0} s measured", fixes.per_second, setup.seconds)?;
            if fixes.unsent > 0 {
                writeln!(out, "  unsent     {}", fixes.unsent)?;
            }
            write_counts(out, "  refused", &fixes.refused)?;
            writeln!(out, "\nms                    p50      p99    p99.9      max     count")?;
            for (name, latency) in [
                ("fix → ack", latency.fix_to_ack),
                ("fix → moved", latency.fix_to_moved),
                ("fix → near", latency.fix_to_near),
                ("own delay", latency.own_delay),
            ] {
                let Percentiles { count, p50_ms, p99_ms, p999_ms, max_ms } = latency;
                writeln!(out, "{name:<14} {p50_ms:>10.2} {p99_ms:>8.2} {p999_ms:>8.2} {max_ms:>8.2} {count:>9}")?;
            }
            if latency.own_delay.p99_ms > LATE_MS {
                writeln!(
                    out,
                    "note: the generator itself was late, because this machine was busy: these figures say little"
                )?;
            }
            writeln!(
                out,
                "\nmeetings     {} pairs, {} one-sided; near frames: {} by a fix, {} by becoming free, {} early, {} too far, {} unknown",
                near.pairs, near.one_sided, near.by_fix, near.by_becoming_free, near.early, near.too_far, near.unknown
            )?;
            if let (Some(due), Some(missed)) = (near.due, near.missed) {
                writeln!(out, "checked      {due} pairs had to be announced, {missed} were not")?;
            }
        }
        if let Some(polite) = &self.polite {
            let causes: Vec<String> = polite.causes.iter().map(|(cause, each)| format!("{cause} {each:.2}")).collect();
            let (reports, looks, causes) = (polite.reports, polite.looks, causes.join(", "));
            writeln!(out, "polite       {reports:.2} reports a person and hour ({causes}); {looks:.0} looks")?;
        }
        self.write_costs(out)
    }

    fn write_costs(&self, out: &mut String) -> std::fmt::Result {
        let rows = [("server", self.server), ("generator", Some(self.generator))];
        for (name, cost) in rows {
            let Some(cost) = cost else {
                writeln!(out, "{name:<12} CPU and memory n/a (give --pid)")?;
                continue;
            };
            write!(out, "{name:<12} ")?;
            if let Some(us) = cost.cpu_us_per_fix {
                write!(out, "{us:.2} µs of CPU a fix, {:.2} cores; ", cost.cores)?;
            }
            match (cost.resident_before, cost.resident_after) {
                (Some(before), Some(after)) => {
                    writeln!(out, "memory {} → {} MB", before / 1_000_000, after / 1_000_000)?
                }
                _ => writeln!(out)?,
            }
        }
        if let Some(yardstick) = self.yardstick {
            write!(
                out,
                "yardstick    {:.2} µs of CPU a frame, bare loop, {:.0} frames a second",
                yardstick.cpu_us_per_frame, yardstick.per_second
            )?;
            writeln!(out, "{}", {
                yardstick
                    .server_is_times
                    .map_or(String::new(), |times| format!("; the server spends {times:.2} times that"))
            })?;
        }
        Ok(())
    }
}

fn write_counts<K: std::fmt::Display>(out: &mut String, name: &str, counts: &BTreeMap<K, u64>) -> std::fmt::Result {
    for (key, count) in counts {
        writeln!(out, "{name}: {count} × {key}")?;
    }
    Ok(())
}
