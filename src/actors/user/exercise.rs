//! Steps: what phones counted themselves, and what is known of a person's days.
use actix::prelude::*;
use jiff::civil::Date;

use super::{Promise, Speaker, User};
use crate::domain::UnixMs;

/// Steps that a device counted itself within a span of time (an OwnTracks `steps` report, the summary of an Overland trip). A span
/// that an earlier one of the same device covers adds nothing. To a request it answers with what fires once it is stored.
#[derive(Debug, Message)]
#[rtype(result = "Option<tokio::sync::oneshot::Receiver<bool>>")]
pub struct ReportSteps {
    /// Which device counted.
    pub speaker: Speaker,
    /// From when.
    pub from: UnixMs,
    /// Until when; a span of no length, one that ends more than a minute ahead of the clock and one that began more than eight days ago count nothing.
    pub to: UnixMs,
    /// How many; more than 4 a second count nothing.
    pub steps: u32,
}

/// Asks for a person's newest days.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "OwnSteps")]
pub struct QuerySteps;

/// What a person's actor knows of their steps.
#[derive(Clone, Debug)]
pub struct OwnSteps {
    /// The day that is today for this person.
    pub today: Date,
    /// The newest days, newest first.
    pub days: Vec<(Date, u32)>,
}

impl Handler<ReportSteps> for User {
    type Result = MessageResult<ReportSteps>;

    fn handle(&mut self, message: ReportSteps, ctx: &mut Self::Context) -> Self::Result {
        let ReportSteps { speaker, from, to, steps } = message;
        if !self.revive(ctx) {
            return MessageResult(None);
        }
        let Some(device) = self.device_of(&speaker, ctx) else { return MessageResult(None) };
        let now = self.now();
        if self.person.report_steps(device, from, to, steps, now) {
            self.steps_changed(now, ctx);
            self.keep_soon(ctx);
        }
        MessageResult(match speaker {
            Speaker::Connection(_) => None,
            Speaker::Request(_) => {
                let (sender, receiver) = tokio::sync::oneshot::channel();
                self.keep(Some(Promise::Reply(sender)));
                Some(receiver)
            }
        })
    }
}

impl Handler<QuerySteps> for User {
    type Result = MessageResult<QuerySteps>;

    fn handle(&mut self, _: QuerySteps, _: &mut Self::Context) -> Self::Result {
        MessageResult(OwnSteps { today: self.person.today(self.now()), days: self.person.days_of_steps() })
    }
}

impl User {
    /// Adds what is new of today's steps to everybody's, and tells the person's connections if there is any: a late fix may
    /// have changed another day alone.
    pub(super) fn steps_changed(&mut self, now: UnixMs, ctx: &mut Context<Self>) {
        let today = (self.person.today(now), self.person.steps_today(now));
        if self.steps_counted == today {
            return;
        }
        let before = if self.steps_counted.0 == today.0 { self.steps_counted.1 } else { 0 };
        self.deps.steps_today.add(i64::from(today.1) - i64::from(before), now, &self.deps.zone);
        self.steps_counted = today;
        self.tell_steps(ctx);
    }
}
