//! What the index tells phones of keeping quiet, and what it answers about it.
use actix::prelude::*;

use super::SpatialIndex;
use crate::actors::user::KeepQuiet;
use crate::domain::UserNo;
use crate::spatial::world::{Quiet, Told};

/// The zone in which a person may keep quiet: the one that the phone was given, or one that it could be given, for phones that cannot
/// be told of it. `None`: every fix counts.
#[derive(Debug, Message)]
#[rtype(result = "Option<Quiet>")]
pub struct QueryQuiet(pub UserNo);

impl SpatialIndex {
    /// What is lost in a full mailbox is no state: the phone reports once more than it must, or a question stays unanswered.
    pub(super) fn hush(&mut self) {
        self.world.take_told(&mut self.told);
        for Told { no, quiet } in self.told.drain(..) {
            if let Some(user) = self.deps.registry.get(no) {
                let _ = user.try_send(KeepQuiet(quiet));
            }
        }
    }
}

impl Handler<QueryQuiet> for SpatialIndex {
    type Result = MessageResult<QueryQuiet>;

    fn handle(&mut self, QueryQuiet(no): QueryQuiet, _: &mut Self::Context) -> Self::Result {
        self.drain();
        MessageResult(self.world.quiet(no).or_else(|| self.world.could_keep_quiet(no, self.deps.clock.now())))
    }
}
