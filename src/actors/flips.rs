//! Calendars and weekly hours make people free and busy at the moment they say, whether or not anybody is here.
//!
//! What holds of somebody is never stored: the board works it out from what was said by hand and the timetable, for the moment
//! that is asked about. What must happen when it changes is telling: the index, the hours, and friends who are here. [`Agenda`] has
//! the next such moment of everybody, one entry a person, and the [`Alarm`](super::alarm::Alarm) comes by ten times a second.
//! Somebody whose actor runs is told by it, so that nothing overtakes what they say by hand meanwhile; for everybody else it
//! is done here, without waking anybody.
use std::time::Duration;

use actix::prelude::*;

use super::downlink::Gate as _;
use super::registry::Awake;
use super::spatial_inbox::Fact;
use super::user::{FriendChanged, UserDeps};
use crate::activity::histogram::Presence;
use crate::domain::{Sight, Source, UnixMs, UserNo};
use crate::protocol::server;

/// What was put off because somebody's mailbox was full is tried again after this, milliseconds.
const AGAIN_MS: i64 = 100;

/// What holds of the person changed by itself: `since` is when.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct Flipped {
    /// The boundary, which may be a moment ago.
    pub since: UnixMs,
}

impl UserDeps {
    /// Looks again at what holds of somebody, from now on: their timetable is another one.
    pub fn look_again(&self, no: UserNo) {
        self.flips.set(no, Some(self.clock.now()));
    }

    /// Sets when what holds of somebody changes next.
    pub fn schedule(&self, no: UserNo, now: UnixMs) {
        self.flips.set(no, self.board.next_flip(no, now));
    }

    /// Does what is due.
    pub fn flip_whoever_is_due(&self) {
        while let Some((since, no)) = self.flips.next_due(self.clock.now()) {
            self.flip(no, since);
        }
    }

    fn flip(&self, no: UserNo, since: UnixMs) {
        loop {
            let now = self.clock.now();
            match self.registry.if_asleep(no, |awake| self.flip_asleep(no, since, now, awake)) {
                // There is no room for what the index must know: it makes some within milliseconds.
                Some(false) => std::thread::sleep(Duration::from_millis(1)),
                Some(true) => return,
                None => match self.registry.try_tell(no, Flipped { since }) {
                    Some(true) => return,
                    Some(false) => return self.flips.set(no, Some(now + AGAIN_MS)),
                    // It went to sleep just now.
                    None => {}
                },
            }
        }
    }

    /// Tells everybody who must know what holds of somebody whose actor does not run. False when that has to wait.
    fn flip_asleep(&self, no: UserNo, since: UnixMs, now: UnixMs, awake: &Awake<'_>) -> bool {
        let Some(account) = self.accounts.by_no(no) else { return true };
        let present = self.board.present(no, now);
        if !self.spatial.has_room() {
            return false;
        }
        if !account.is_hidden(now) {
            self.count_flips(no, since, now);
        }
        if self.board.tell(no, &present) {
            let mut frame = None;
            for friend in self.accounts.friends(no).iter().filter(|friend| awake.has(**friend)) {
                if self.gate.sight(no, *friend) < Sight::Presence {
                    continue;
                }
                let make =
                    || server::presence(account.id.as_str(), self.board.standing(no, now).online, &present.shown());
                let frame = frame.get_or_insert_with(make).clone();
                awake.tell(*friend, FriendChanged { of: no, needs: Sight::Presence, frame });
            }
        }
        // Friends first, then the index: who hears `near` has heard of the freedom.
        let until = self.board.free_until(no, now);
        self.spatial.changed_now(Fact::Free { no, free: present.free, until, by_hand: false });
        self.schedule(no, now);
        true
    }

    /// Counts the hours in which somebody was free since `since`, by what their timetable says.
    pub fn count_flips(&self, no: UserNo, since: UnixMs, now: UnixMs) {
        let mut at = since;
        loop {
            let present = self.board.present(no, at);
            if present.free {
                self.hours.free_until(no, present.until, at);
            } else {
                self.hours.presence(no, Presence::Free, false, at);
            }
            match present.until {
                Some(next) if next <= now && next > at && present.source != Source::Hand => at = next,
                _ => return,
            }
        }
    }
}
