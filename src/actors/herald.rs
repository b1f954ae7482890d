//! Tells everybody who is connected when a part of the promise is suspended, and when it is back.
use std::sync::Arc;

use actix::prelude::*;

use super::journal::StorageHealth;
use super::registry::Registry;
use super::user::TellAll;
use crate::domain::Clock;
use crate::protocol::server::ServerFrame;

/// Redis went away or came back.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct RedisHealth {
    /// Whether it answers.
    pub well: bool,
}

/// The actor. Rare messages only; not critical: without it `/ready` and the metrics still tell.
pub struct Herald {
    registry: Arc<Registry>,
    clock: Clock,
}

impl Herald {
    /// A herald to everyone in `registry`.
    #[must_use]
    pub fn new(registry: Arc<Registry>, clock: Clock) -> Self {
        Self { registry, clock }
    }

    fn proclaim(&self, what: &'static str, well: bool) {
        let since = (!well).then(|| self.clock.now().0);
        let frame = ServerFrame::Degraded { what, since }.encode();
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
