//! A person's connections.
use std::sync::Arc;

use bytestring::ByteString;

use crate::actors::downlink::{About, Downlink, MovedFriend};
use crate::domain::UserNo;
use crate::protocol::close::CloseCode;

/// One attached connection.
#[derive(Debug)]
pub struct Link {
    /// Its number on this node.
    pub conn: u64,
    /// Its way out.
    pub way: Arc<dyn Downlink>,
    /// The token it came with.
    pub token: u64,
    /// Index into the person's devices.
    pub device: u16,
    /// Whether its map is open.
    pub map_open: bool,
    /// Whether `welcome` has been sent; nothing else goes before it.
    pub welcomed: bool,
}

/// All of a person's connections: one per device name.
#[derive(Debug, Default)]
pub struct Links(Vec<Link>);

impl Links {
    /// Adds a connection. When it is exclusive, an older one of the same device is closed with 4409 and returned.
    pub fn add(&mut self, link: Link, exclusive: bool) -> Option<Link> {
        let same = |other: &Link| exclusive && other.device == link.device;
        let older = self.0.iter().position(same).map(|at| self.0.remove(at));
        if let Some(older) = &older {
            older.way.close(CloseCode::REPLACED, "replaced by a newer connection of the same device");
        }
        self.0.push(link);
        older
    }

    /// Takes a connection out.
    pub fn remove(&mut self, conn: u64) -> Option<Link> {
        self.0.iter().position(|link| link.conn == conn).map(|at| self.0.remove(at))
    }

    /// A connection by number.
    #[must_use]
    pub fn get(&self, conn: u64) -> Option<&Link> {
        self.0.iter().find(|link| link.conn == conn)
    }

    /// A connection by number.
    pub fn get_mut(&mut self, conn: u64) -> Option<&mut Link> {
        self.0.iter_mut().find(|link| link.conn == conn)
    }

    /// True when nobody is connected.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether any map is open.
    #[must_use]
    pub fn any_map_open(&self) -> bool {
        self.0.iter().any(|link| link.map_open)
    }

    /// Queues a frame on every welcomed connection.
    pub fn state(&self, frame: &ByteString) {
        self.0.iter().filter(|link| link.welcomed).for_each(|link| link.way.state(frame.clone()));
    }

    /// Queues a frame about somebody on every welcomed connection.
    pub fn about(&self, about: &About) {
        self.0.iter().filter(|link| link.welcomed).for_each(|link| link.way.about(about.clone()));
    }

    /// Closes the connections that came with a token.
    pub fn revoke(&self, token: u64) {
        let revoked = self.0.iter().filter(|link| link.token == token);
        revoked.for_each(|link| link.way.close(CloseCode::NOT_AUTHENTICATED, "the token was revoked"));
    }

    /// Whether a device is connected.
    #[must_use]
    pub fn has_device(&self, device: u16) -> bool {
        self.0.iter().any(|link| link.device == device)
    }

    /// Tells a device of keeping quiet.
    pub fn quiet(&self, device: u16, frame: &ByteString) {
        let told = self.0.iter().filter(|link| link.welcomed && link.device == device);
        told.for_each(|link| link.way.quiet(frame.clone()));
    }

    /// Hands movements to every open map.
    pub fn moved(&self, friends: &[MovedFriend]) {
        self.0.iter().filter(|link| link.welcomed && link.map_open).for_each(|link| link.way.moved(friends));
    }

    /// Drops everything that waits about someone who is no friend any more.
    pub fn forget(&self, friend: UserNo) {
        self.0.iter().for_each(|link| link.way.forget(friend));
    }

    /// Closes every connection.
    pub fn close(&self, code: CloseCode, reason: &str) {
        self.0.iter().for_each(|link| link.way.close(code, reason));
    }
}
