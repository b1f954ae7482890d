//! Which of a person's phones is told that it may keep quiet: the one whose fix is the live position, as long as it is connected. A browser
//! tab or a second phone that did not report it hears nothing of it: a zone is a distance from one's own last fix.
use actix::prelude::*;

use super::{Reported, User};
use crate::actors::spatial_inbox::Fact;
use crate::protocol::server::ServerFrame;
use crate::spatial::world::Quiet;

/// A zone for the phone, or a question.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct KeepQuiet(pub Quiet);

impl User {
    /// Tells the index, before a fix of `device`, whether that device can be told and asked.
    pub(super) fn mind_quiet(&mut self, device: u16, reported: &Reported) {
        if reported.live.is_none() {
            if reported.astray && self.quiet_device == Some(device) {
                self.deps.spatial.changed(Fact::Astray(self.no));
            }
            return;
        }
        let heeds = self.links.has_device(device).then_some(device);
        if heeds != self.quiet_device {
            self.quiet_device = heeds;
            self.deps.spatial.changed(Fact::Heeds(self.no, heeds.is_some()));
        }
    }

    /// A device was welcomed. If it is the one that reports, it is told what holds, or asked to report.
    pub(super) fn mind_return(&mut self, device: u16) {
        if self.quiet_device.or_else(|| self.person.last_reporter()) == Some(device) {
            self.quiet_device = Some(device);
            self.deps.spatial.changed(Fact::CameBack(self.no));
        }
    }
}

impl Handler<KeepQuiet> for User {
    type Result = ();

    fn handle(&mut self, KeepQuiet(quiet): KeepQuiet, _: &mut Self::Context) {
        let Some(device) = self.quiet_device else { return };
        let frame = ServerFrame::Quiet { radius: quiet.radius_m, until: quiet.until.0 };
        self.links.quiet(device, &frame.encode());
    }
}
