//! Positions from phones with apps of others: each is told what became of it, none is refused.
use actix::prelude::*;

use super::*;
use crate::activity::track::is_nowhere;
use crate::actors::phones::{Outcome, Tally};
use crate::domain::DeviceName;

/// A phone's checked positions, in the order in which they were taken.
#[derive(Debug, Message)]
#[rtype(result = "PhoneAnswer")]
pub struct ReportPhone {
    /// Which device.
    pub device: DeviceName,
    /// The positions; none is a sign of life.
    pub fixes: Vec<PhoneFix>,
}

/// A position of a phone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PhoneFix {
    /// The position.
    pub fix: Fix,
    /// Older ones are still to come: it says where the phone is, and nothing of how it went there.
    pub present: bool,
}

/// What became of a phone's positions.
#[derive(Debug, Default)]
pub struct PhoneAnswer {
    /// How many were accepted, late, duplicate, odd.
    pub tally: Tally,
    /// The time of the newest one that was accepted.
    pub newest: Option<UnixMs>,
    /// The time of the newest position of this device before, as far as the store knows.
    pub before: UnixMs,
    /// Fires when durable; `None` when nobody could take them.
    pub stored: Option<tokio::sync::oneshot::Receiver<bool>>,
}

impl Handler<ReportPhone> for User {
    type Result = MessageResult<ReportPhone>;

    fn handle(&mut self, ReportPhone { device, fixes }: ReportPhone, ctx: &mut Self::Context) -> Self::Result {
        let mut answer = PhoneAnswer::default();
        if !self.revive(ctx) {
            return MessageResult(answer);
        }
        let Some(device) = self.device_of(&Speaker::Request(device), ctx) else { return MessageResult(answer) };
        answer.before = self.person.last_t(device);
        for PhoneFix { fix, present } in &fixes {
            let newest = self.person.newest();
            let outcome = match newest {
                _ if is_nowhere(fix) => Outcome::Odd,
                Some(newest) if fix.t < newest => Outcome::Late,
                Some(newest) if fix.t == newest => Outcome::Duplicate,
                _ => Outcome::Accepted,
            };
            answer.tally.add(outcome, 1);
            if outcome == Outcome::Accepted {
                answer.newest = Some(fix.t);
            }
            if outcome != Outcome::Odd {
                let now = self.now();
                let reported = match present {
                    true => self.person.report_present(fix, device, now),
                    false => self.person.report(fix, device, now),
                };
                self.follow(&reported, device, ctx);
            }
        }
        let (sender, receiver) = tokio::sync::oneshot::channel();
        self.keep(Some(Promise::Reply(sender)));
        answer.stored = Some(receiver);
        MessageResult(answer)
    }
}
