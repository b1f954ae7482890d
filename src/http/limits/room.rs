//! How many connections there is room for: the settings, and the limit of open files.
use crate::config::Config;

/// Files that are not connections: the store, logs, timers, what the program is started with.
const OWN_FILES: u64 = 128;

/// Connections at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// WebSockets. Beyond it newcomers are answered 503.
    pub sockets: u64,
    /// Connections of every kind. Beyond it newcomers are answered 503 as soon as they are accepted, and let go.
    pub connections: u64,
    /// Connections that are accepted at all. What is between is for the moment that a refusal takes.
    pub accepted: u64,
}

impl Room {
    /// What the settings and this process's limit of open files allow.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        let files = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX);
        Self::within(config.server.max_connections as u64, files)
    }

    /// Refused connections that may shake hands (TLS) at once to be told so; at least two. With them and all others inside
    /// there still is room to accept more, and to close them.
    #[must_use]
    pub const fn told(self) -> u64 {
        self.accepted.saturating_sub(self.connections) / 2
    }

    fn within(most: u64, files: u64) -> Self {
        let accepted = files.saturating_sub(OWN_FILES).max(16).min(most.saturating_mul(2).saturating_add(512));
        let connections = accepted - (accepted / 8).clamp(4, 256);
        // Whoever asks how the node does must get through when it is full of sockets.
        let sockets = most.min(connections - (connections / 6).clamp(2, 512));
        Self { sockets, connections, accepted }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_accepted_fits_into_the_open_files_and_refusals_have_room() {
        for files in [0, 64, 128, 150, 256, 1_024, 20_000, 1 << 20, u64::MAX] {
            for most in [1, 2, 100, 20_000, 1_000_000] {
                let room = Room::within(most, files);
                assert!(room.sockets >= 1 && room.sockets <= most, "{files} {most} {room:?}");
                assert!(room.sockets < room.connections && room.connections < room.accepted, "{files} {most} {room:?}");
                assert!(room.told() >= 2 && room.connections + room.told() < room.accepted, "{files} {most} {room:?}");
                if files >= 256 {
                    assert!(room.accepted + OWN_FILES <= files, "{files} {most} {room:?}");
                }
            }
        }
        assert_eq!(Room::within(20_000, 1 << 20).sockets, 20_000);
        assert_eq!(Room::within(20_000, 256), Room { sockets: 94, connections: 112, accepted: 128 });
    }
}
