//! What every type of frame declares: who may say it, and whom it tells of. A new type does not compile without.
use super::client::ClientFrame;
use super::server::ServerFrame;

/// Who may say a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Speaker {
    /// Somebody who has not said who they are.
    Stranger,
    /// Somebody signed in: with a full token or a browser's session.
    Person,
    /// An administrator.
    Administrator,
    /// The server.
    Server,
}

/// Whom a frame tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum About {
    /// Whose connection it is.
    Oneself,
    /// Friends, as far as each of them shows.
    Friend,
    /// Nobody: questions, answers about the server.
    Nobody,
    /// Everybody, or as many as are in view: the administrator's.
    Crowd,
}

/// A type's declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FramePolicy {
    /// The `type` on the wire.
    pub name: &'static str,
    /// Who may say it.
    pub speaker: Speaker,
    /// Whom it tells of.
    pub about: About,
}

const fn says(name: &'static str, speaker: Speaker, about: About) -> FramePolicy {
    FramePolicy { name, speaker, about }
}

/// Every type of frame that a client may say. A seed line has no `type`; its name here stands for it.
pub const CLIENT: &[FramePolicy] = &[HELLO, FIX, FIXES, AVAILABILITY, ASK_NEARBY, MAP, VIEW, PING, SEED];
const HELLO: FramePolicy = says("hello", Speaker::Stranger, About::Oneself);
const FIX: FramePolicy = says("fix", Speaker::Person, About::Oneself);
const FIXES: FramePolicy = says("fixes", Speaker::Person, About::Oneself);
const AVAILABILITY: FramePolicy = says("availability", Speaker::Person, About::Oneself);
const ASK_NEARBY: FramePolicy = says("nearby", Speaker::Person, About::Nobody);
const MAP: FramePolicy = says("map", Speaker::Person, About::Nobody);
const VIEW: FramePolicy = says("view", Speaker::Administrator, About::Nobody);
const PING: FramePolicy = says("ping", Speaker::Person, About::Nobody);
const SEED: FramePolicy = says("seed", Speaker::Person, About::Oneself);

/// Every type of frame that the server says. `moved` is written by [`super::moved`], `crowd` by [`super::crowd`].
pub const SERVER: &[FramePolicy] =
    &[WELCOME, ACK, MOVED, PRESENCE, NEAR, APART, NEARBY, QUIET, STEPS, FRIENDSHIP, PONG, DEGRADED, ERROR, CROWD];
const WELCOME: FramePolicy = says("welcome", Speaker::Server, About::Friend);
const ACK: FramePolicy = says("ack", Speaker::Server, About::Oneself);
const MOVED: FramePolicy = says("moved", Speaker::Server, About::Friend);
const PRESENCE: FramePolicy = says("presence", Speaker::Server, About::Friend);
const NEAR: FramePolicy = says("near", Speaker::Server, About::Friend);
const APART: FramePolicy = says("apart", Speaker::Server, About::Friend);
const NEARBY: FramePolicy = says("nearby", Speaker::Server, About::Friend);
/// A distance from one's own fix, made of nothing but what one is shown: see `spatial/quiet.rs`.
const QUIET: FramePolicy = says("quiet", Speaker::Server, About::Oneself);
const STEPS: FramePolicy = says("steps", Speaker::Server, About::Oneself);
const FRIENDSHIP: FramePolicy = says("friendship", Speaker::Server, About::Friend);
const PONG: FramePolicy = says("pong", Speaker::Server, About::Nobody);
const DEGRADED: FramePolicy = says("degraded", Speaker::Server, About::Nobody);
const ERROR: FramePolicy = says("error", Speaker::Server, About::Oneself);
const CROWD: FramePolicy = says("crowd", Speaker::Server, About::Crowd);

impl ClientFrame {
    /// What this type declares.
    #[must_use]
    pub const fn policy(&self) -> FramePolicy {
        match self {
            Self::Hello { .. } => HELLO,
            Self::Fix { .. } => FIX,
            Self::Fixes { .. } => FIXES,
            Self::Availability { .. } => AVAILABILITY,
            Self::Nearby { .. } => ASK_NEARBY,
            Self::Map { .. } => MAP,
            Self::View(_) => VIEW,
            Self::Ping { .. } => PING,
            Self::Seed(_) => SEED,
        }
    }
}

impl ServerFrame<'_> {
    /// What this type declares.
    #[must_use]
    pub const fn policy(&self) -> FramePolicy {
        match self {
            Self::Welcome { .. } => WELCOME,
            Self::Ack { .. } => ACK,
            Self::Presence { .. } => PRESENCE,
            Self::Near { .. } => NEAR,
            Self::Apart { .. } => APART,
            Self::Nearby { .. } => NEARBY,
            Self::Quiet { .. } => QUIET,
            Self::Steps { .. } => STEPS,
            Self::Friendship { .. } => FRIENDSHIP,
            Self::Pong { .. } => PONG,
            Self::Degraded { .. } => DEGRADED,
            Self::Error { .. } => ERROR,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::Value;

    use super::*;

    /// The types of the frames that both sides' tests read.
    fn golden() -> Vec<(String, String)> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/frames");
        let name_and_type = |entry: std::io::Result<std::fs::DirEntry>| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.extension().is_some_and(|extension| extension == "bin") {
                return (name, "crowd".to_owned());
            }
            let frame: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            (name, frame["type"].as_str().unwrap().to_owned())
        };
        std::fs::read_dir(folder).unwrap().map(name_and_type).collect()
    }

    #[test]
    fn every_golden_frame_is_of_a_declared_type() {
        for (file, kind) in golden() {
            assert!(SERVER.iter().any(|policy| policy.name == kind), "{file}: nobody declared {kind}");
        }
    }

    #[test]
    fn every_type_that_is_read_is_declared_under_its_own_name() {
        let said = [
            r#"{"type":"hello","token":"x"}"#,
            r#"{"type":"fix","lat":1,"lon":2,"t":3}"#,
            r#"{"type":"fixes","fixes":[]}"#,
            r#"{"type":"availability","free":true}"#,
            r#"{"type":"nearby"}"#,
            r#"{"type":"map","open":true}"#,
            r#"{"type":"view","bbox":[0,0,1,1],"zoom":3}"#,
            r#"{"type":"ping"}"#,
            "ann, 20151002 185127, 40.7643503305, -73.9694356385, False",
        ];
        assert_eq!(said.len(), CLIENT.len());
        for (text, declared) in said.iter().zip(CLIENT) {
            let policy = crate::protocol::client::parse(text).unwrap().policy();
            assert_eq!(&policy, declared, "{text}");
            let named = serde_json::from_str::<Value>(text)
                .map_or("seed".to_owned(), |frame| frame["type"].as_str().unwrap().to_owned());
            assert_eq!(policy.name, named, "{text}");
        }
    }

    #[test]
    fn every_type_that_is_written_is_declared_under_its_own_name() {
        let frames = [
            ServerFrame::Ack { seq: 1, rejected: &[] },
            ServerFrame::Quiet { radius: 1.0, until: 1 },
            ServerFrame::Steps { today: 1 },
            ServerFrame::Pong { id: None, server_time: 1 },
            ServerFrame::Apart { user: "ann", t: 1, reason: "left" },
            ServerFrame::Degraded { what: "storage", since: None },
            ServerFrame::Nearby { id: None, friends: &[] },
        ];
        for frame in frames {
            let written: Value = serde_json::from_str(&frame.encode()).unwrap();
            assert_eq!(written["type"], frame.policy().name);
        }
    }

    #[test]
    fn nothing_of_the_crowd_is_said_to_anybody_but_an_administrator() {
        let crowd = SERVER.iter().filter(|policy| policy.about == About::Crowd);
        assert_eq!(crowd.map(|policy| policy.name).collect::<Vec<_>>(), ["crowd"]);
        let asks = CLIENT.iter().filter(|policy| policy.speaker == Speaker::Administrator);
        assert_eq!(asks.map(|policy| policy.name).collect::<Vec<_>>(), ["view"], "what is answered by the crowd");
    }
}
