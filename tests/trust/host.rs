//! What a script runs against: a node in this process with a clock that can be turned, or the program itself.
use std::net::SocketAddr;

use letshang::domain::Clock;
use serde_json::json;

use super::marks;
use crate::binary::{Binary, Place};
use crate::client::Person;
use crate::http::call;
use crate::node::{Settings, TestNode};

/// Nobody waits for anything here, and everything may be said as often as a script likes.
pub const SETTINGS: Settings<'static> = &[
    ("push.moved", "\"20ms\""),
    ("presence.linger", "\"0s\""),
    ("privacy.smallest_count", "5"),
    ("privacy.invites_per_day", "1000"),
    ("limits.frames_per_second", "1000"),
    ("limits.user_frames_per_second", "5000"),
    ("limits.requests_per_second", "10000"),
    ("limits.request_burst", "100000"),
    ("limits.invite_looks_per_minute", "10000"),
];

pub enum Host {
    Node(Box<TestNode>),
    Program(Place, Binary),
}

impl Host {
    pub fn node() -> Self {
        Self::Node(Box::new(TestNode::with(SETTINGS)))
    }

    pub fn program() -> Self {
        let place = Place::new(SETTINGS);
        let binary = place.serve();
        Self::Program(place, binary)
    }

    pub fn address(&self) -> SocketAddr {
        match self {
            Self::Node(node) => node.address,
            Self::Program(_, binary) => binary.address,
        }
    }

    pub fn clock(&self) -> Clock {
        match self {
            Self::Node(node) => node.clock.clone(),
            Self::Program(..) => Clock::System,
        }
    }

    pub fn is_program(&self) -> bool {
        matches!(self, Self::Program(..))
    }

    /// Makes so many people who know nobody.
    pub fn people(&self, how_many: usize) -> Vec<Person> {
        let root = match self {
            Self::Node(node) => node.administrator("root"),
            Self::Program(place, _) => place.administrator("root"),
        };
        let users: Vec<_> = (0..how_many).map(|p| json!({"user": marks::id(p), "name": marks::name(p, 0)})).collect();
        let made =
            call(self.address(), "POST", "/v1/admin/users").bearer(&root.token).json(&json!({"users": users})).ok();
        let token = |person: usize| made["users"][person]["token"].as_str().unwrap().to_owned();
        (0..how_many).map(|person| Person { id: marks::id(person), token: token(person), no: 0 }).collect()
    }

    /// Everything stops as it stands, without a word to anybody, and begins anew from the disk.
    pub fn crash(self) -> Self {
        match self {
            Self::Node(node) => Self::Node(Box::new(node.crash())),
            Self::Program(place, binary) => {
                binary.kill();
                let binary = place.serve();
                Self::Program(place, binary)
            }
        }
    }

    /// An orderly end, and a new beginning.
    pub fn restart(self) -> Self {
        match self {
            Self::Node(node) => Self::Node(Box::new(node.restart())),
            Self::Program(place, mut binary) => {
                binary.terminate();
                binary.wait();
                let binary = place.serve();
                Self::Program(place, binary)
            }
        }
    }
}
