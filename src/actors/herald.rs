//! Tells everybody who is connected when a part of the promise is suspended, and when it is back.
use std::collections::BTreeMap;
use std::sync::Arc;

use actix::prelude::*;
use bytestring::ByteString;
use parking_lot::Mutex;

use super::journal::StorageHealth;
use super::registry::Registry;
use super::user::TellAll;
use crate::domain::{Clock, UnixMs};
use crate::protocol::server::ServerFrame;

/// Redis went away or came back.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct RedisHealth {
    /// Whether it answers.
    pub well: bool,
}

/// Which parts are suspended now, and since when: for those who connect meanwhile.
#[derive(Debug, Default)]
pub struct Suspended(Mutex<BTreeMap<&'static str, UnixMs>>);

impl Suspended {
    /// A `degraded` frame for each part.
    #[must_use]
    pub fn frames(&self) -> Vec<ByteString> {
        let frame = |(what, since): (&&str, &UnixMs)| ServerFrame::Degraded { what, since: Some(since.0) }.encode();
        self.0.lock().iter().map(frame).collect()
    }
}

/// The actor. Rare messages only; not critical: without it `/ready` and the metrics still tell.
pub struct Herald {
    registry: Arc<Registry>,
    suspended: Arc<Suspended>,
    clock: Clock,
}

impl Herald {
    /// A herald to everyone in `registry`.
    #[must_use]
    pub fn new(registry: Arc<Registry>, suspended: Arc<Suspended>, clock: Clock) -> Self {
        Self { registry, suspended, clock }
    }

    fn proclaim(&self, what: &'static str, well: bool) {
        let since = (!well).then(|| self.clock.now());
        match since {
            Some(since) => _ = self.suspended.0.lock().insert(what, since),
            None => _ = self.suspended.0.lock().remove(what),
        }
        let frame = ServerFrame::Degraded { what, since: since.map(|since| since.0) }.encode();
        for no in self.registry.everyone() {
            self.registry.tell(no, TellAll(frame.clone()));
        }
    }
}

impl Actor for Herald {
    type Context = Context<Self>;
}

impl Handler<StorageHealth> for Herald {
    type Result = ();

    fn handle(&mut self, StorageHealth { well }: StorageHealth, _: &mut Self::Context) {
        self.proclaim("storage", well);
    }
}

impl Handler<RedisHealth> for Herald {
    type Result = ();

    fn handle(&mut self, RedisHealth { well }: RedisHealth, _: &mut Self::Context) {
        self.proclaim("redis", well);
    }
}
