//! What the aggregator is told: facts are laid here by any thread at any rate, and nobody waits for anybody.
use std::collections::BTreeMap;
use std::sync::Arc;

use ahash::AHashMap;
use jiff::tz::TimeZone;
use parking_lot::Mutex;

use crate::activity::histogram::{HourKey, Presence, UserSet, hour_of, hours_between};
use crate::domain::{UnixMs, UserNo};

/// Takes facts about who is free and online. Bounded: the latest state per person, and one bit per person and hour
/// until the next drain. Nothing is lost: a person who was free for a tenth of a second was free in that hour.
#[derive(Clone, Debug)]
pub struct HourlyInbox(Arc<Mutex<Inbox>>);

#[derive(Debug)]
struct Inbox {
    zone: TimeZone,
    free: AHashMap<UserNo, Stay>,
    online: AHashMap<UserNo, Stay>,
    /// Up to this moment everyone who is on has been marked.
    rolled_to: UnixMs,
    /// A jump of the clock that was seen and not yet acted upon.
    jump_seen: bool,
    marks: BTreeMap<HourKey, UserSet>,
}

/// Since when somebody is free or online, and when that ends by itself.
#[derive(Clone, Copy, Debug)]
struct Stay {
    since: UnixMs,
    until: Option<UnixMs>,
}

impl Stay {
    /// The part of this stay from `from` up to but not including `to`; `None` when there is none.
    fn within(self, from: UnixMs, to: UnixMs) -> Option<(UnixMs, UnixMs)> {
        let (from, to) = (self.since.max(from), self.until.map_or(to, |until| until.min(to)));
        (from < to).then_some((from, to))
    }

    fn has_ended(self, now: UnixMs) -> bool {
        self.until.is_some_and(|until| until <= now)
    }
}

/// A tick comes every 250 ms; a gap beyond this is a machine that slept, or a clock that was set.
const JUMP_MS: i64 = 60_000;

impl HourlyInbox {
    /// An empty inbox for a server in `zone` that has counted everybody up to `counted_to`: now, or when it stopped.
    #[must_use]
    pub fn new(zone: TimeZone, counted_to: UnixMs) -> Self {
        let (free, online) = (AHashMap::new(), AHashMap::new());
        // Nobody sleeps yet who would have to be waited for.
        let jump_seen = true;
        Self(Arc::new(Mutex::new(Inbox {
            zone,
            free,
            online,
            rolled_to: counted_to,
            jump_seen,
            marks: BTreeMap::new(),
        })))
    }

    /// A person became free or online (`on`), or ceased to be, at `at`. Saying what is known already is harmless.
    pub fn presence(&self, user: UserNo, presence: Presence, on: bool, at: UnixMs) {
        if on {
            self.0.lock().begin(user, presence, Stay { since: at, until: None });
        } else {
            self.0.lock().end(user, presence, at);
        }
    }

    /// A person became free at `at`, and is busy again from `until` on, whenever that is told.
    pub fn free_until(&self, user: UserNo, until: Option<UnixMs>, at: UnixMs) {
        self.0.lock().begin(user, Presence::Free, Stay { since: at, until });
    }

    /// A person was set free at `set` before the node started, and has been since, while it was down too.
    pub fn still_free(&self, user: UserNo, until: Option<UnixMs>, set: UnixMs) {
        let mut inbox = self.0.lock();
        let since = set.max(inbox.rolled_to);
        inbox.begin(user, Presence::Free, Stay { since, until });
    }

    /// A person was free or online from `from` up to but not including `to`, which is past.
    pub fn was(&self, user: UserNo, presence: Presence, from: UnixMs, to: UnixMs) {
        if from < to {
            self.0.lock().mark_span(user, presence, from, to);
        }
    }

    /// A person was free or online at `at`: a recording of the past.
    pub fn mark(&self, user: UserNo, presence: Presence, at: UnixMs) {
        let mut inbox = self.0.lock();
        let hour = hour_of(at, &inbox.zone);
        inbox.marks.entry((hour, presence)).or_default().insert(user);
    }

    /// How many people are free and how many online.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        let inbox = self.0.lock();
        (inbox.free.len(), inbox.online.len())
    }

    /// Lets the clock pass to `now`, and takes who was what in which hour since the last time.
    #[must_use]
    pub fn drain(&self, now: UnixMs) -> BTreeMap<HourKey, UserSet> {
        let mut inbox = self.0.lock();
        inbox.roll(now);
        std::mem::take(&mut inbox.marks)
    }

    /// As [`HourlyInbox::drain`], without waiting for news after a jump of the clock: nothing will come any more.
    #[must_use]
    pub fn drain_last(&self, now: UnixMs) -> BTreeMap<HourKey, UserSet> {
        self.0.lock().jump_seen = true;
        self.drain(now)
    }
}

impl Inbox {
    fn people(&mut self, presence: Presence) -> &mut AHashMap<UserNo, Stay> {
        match presence {
            Presence::Free => &mut self.free,
            Presence::Online => &mut self.online,
        }
    }

    fn begin(&mut self, user: UserNo, presence: Presence, stay: Stay) {
        if let Some(known) = self.people(presence).get_mut(&user) {
            if !known.has_ended(stay.since) {
                known.until = stay.until;
                return;
            }
            self.end(user, presence, stay.since);
        }
        self.people(presence).insert(user, stay);
        // Told late: those who are on have been marked up to `rolled_to` already, so this one is too.
        if let Some((from, to)) = stay.within(stay.since, stay.since.max(self.rolled_to) + 1) {
            self.mark_span(user, presence, from, to);
        }
    }

    fn end(&mut self, user: UserNo, presence: Presence, at: UnixMs) {
        let Some(stay) = self.people(presence).remove(&user) else { return };
        if let Some((from, to)) = stay.within(self.rolled_to, at) {
            self.mark_span(user, presence, from, to);
        }
    }

    fn mark_span(&mut self, user: UserNo, presence: Presence, from: UnixMs, to: UnixMs) {
        for hour in hours_between(from, to, &self.zone) {
            self.marks.entry((hour, presence)).or_default().insert(user);
        }
    }

    /// Everyone who is on is on at `now`, whatever the clock said before.
    fn count_from(&mut self, now: UnixMs) {
        self.rolled_to = now;
        let hour = hour_of(now, &self.zone);
        for (presence, people) in [(Presence::Free, &mut self.free), (Presence::Online, &mut self.online)] {
            for (user, stay) in people.iter_mut().filter(|(_, stay)| !stay.has_ended(now)) {
                stay.since = now.min(stay.since);
                self.marks.entry((hour, presence)).or_default().insert(*user);
            }
        }
    }

    /// Marks everyone who is on in every hour that began since the last time.
    fn roll(&mut self, now: UnixMs) {
        let passed = now.since(self.rolled_to);
        if passed < 0 {
            // The clock was set back. A little is noise; after much, time is counted from here.
            if passed < -JUMP_MS {
                self.count_from(now);
            }
            return;
        }
        // Whoever slept through the end of an availability is about to say so: wait for that once.
        if passed > JUMP_MS && !self.jump_seen {
            self.jump_seen = true;
            return;
        }
        self.jump_seen = false;
        let from = self.rolled_to;
        self.rolled_to = now;
        if hour_of(from, &self.zone) == hour_of(now, &self.zone) && passed <= JUMP_MS {
            return;
        }
        let hours: Vec<_> = hours_between(from, now + 1, &self.zone).collect();
        for (presence, people) in [(Presence::Free, &mut self.free), (Presence::Online, &mut self.online)] {
            let is_throughout = |stay: &Stay| stay.since <= from && !stay.has_ended(now);
            let (throughout, partly): (Vec<_>, Vec<_>) = people.iter().partition(|(_, stay)| is_throughout(stay));
            for hour in &hours {
                let set = self.marks.entry((*hour, presence)).or_default();
                throughout.iter().for_each(|(user, _)| _ = set.insert(**user));
            }
            for (user, stay) in partly {
                // Whoever came since then was marked when told; here only what has passed since is added.
                let Some((since, to)) = stay.within(from, now + 1) else { continue };
                for hour in hours_between(since, to, &self.zone) {
                    self.marks.entry((hour, presence)).or_default().insert(*user);
                }
            }
            people.retain(|_, stay| !stay.has_ended(now));
        }
        self.marks.retain(|_, set| !set.is_empty());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Presence::{Free, Online};

    const ANN: UserNo = UserNo(1);
    const BOB: UserNo = UserNo(2);
    const MINUTE: i64 = 60_000;
    const HOUR: i64 = 60 * MINUTE;

    fn at(text: &str) -> UnixMs {
        UnixMs(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
    }

    fn inbox(now: &str) -> (HourlyInbox, UnixMs) {
        (HourlyInbox::new(TimeZone::UTC, at(now)), at(now))
    }

    /// "7:1" is user 1 in hour 7.
    fn shown(marks: BTreeMap<HourKey, UserSet>, presence: Presence) -> String {
        let people = |set: &UserSet| set.iter().map(|user| user.0.to_string()).collect::<Vec<_>>().join(",");
        let of = marks.iter().filter(|((_, of), _)| *of == presence);
        of.map(|((hour, _), set)| format!("{}:{}", hour.hour, people(set))).collect::<Vec<_>>().join(" ")
    }

    /// Ticks every quarter of a second, as the server does.
    fn ticked(inbox: &HourlyInbox, from: UnixMs, ms: i64) -> BTreeMap<HourKey, UserSet> {
        let mut all: BTreeMap<HourKey, UserSet> = BTreeMap::new();
        for step in 1..=ms / 250 {
            for (key, set) in inbox.drain(from + step * 250) {
                all.entry(key).or_default().union(&set);
            }
        }
        all
    }

    #[test]
    fn free_for_a_tenth_of_a_second_between_two_drains_counts() {
        let (inbox, now) = inbox("2026-11-21T10:30:00Z");
        inbox.presence(ANN, Free, true, now + 10);
        inbox.presence(ANN, Free, false, now + 110);
        assert_eq!(shown(inbox.drain(now + 250), Free), "10:1");
        assert_eq!(shown(inbox.drain(now + 500), Free), "", "only once");
        assert_eq!(inbox.counts(), (0, 0));
    }

    #[test]
    fn over_the_full_hour_between_two_drains_is_in_both_hours() {
        let (inbox, now) = inbox("2026-11-21T10:59:59.800Z");
        inbox.presence(ANN, Free, true, now + 50);
        inbox.presence(ANN, Free, false, now + 240);
        inbox.presence(BOB, Free, true, now + 50);
        inbox.presence(BOB, Free, false, now + 200);
        assert_eq!(shown(inbox.drain(now + 250), Free), "10:1,2 11:1", "until 11:00:00.000 is not in hour 11");
    }

    #[test]
    fn who_stays_is_in_every_hour_that_begins() {
        let (inbox, now) = inbox("2026-11-21T10:30:00Z");
        inbox.presence(ANN, Online, true, now);
        inbox.presence(BOB, Free, true, now + HOUR);
        let marks = ticked(&inbox, now, 3 * HOUR);
        assert_eq!(shown(marks.clone(), Online), "10:1 11:1 12:1 13:1");
        assert_eq!(shown(marks, Free), "11:2 12:2 13:2");
    }

    #[test]
    fn a_machine_that_slept_marks_who_is_still_there_and_not_who_lapsed_meanwhile() {
        let (inbox, now) = inbox("2026-11-21T10:30:00Z");
        inbox.presence(ANN, Free, true, now);
        inbox.presence(BOB, Free, true, now);
        assert_eq!(shown(inbox.drain(now + 250), Free), "10:1,2");
        let awake = at("2026-11-21T14:10:00Z");
        assert_eq!(shown(inbox.drain(awake), Free), "", "one tick for those who have something to say");
        inbox.presence(BOB, Free, false, at("2026-11-21T12:00:00Z"));
        assert_eq!(shown(inbox.drain(awake + 250), Free), "10:1,2 11:1,2 12:1 13:1 14:1");
    }

    #[test]
    fn who_is_free_until_the_full_hour_is_not_in_the_next_one_however_late_that_is_told() {
        let (inbox, now) = inbox("2026-11-21T10:30:00Z");
        let eleven = at("2026-11-21T11:00:00Z");
        inbox.free_until(ANN, Some(eleven), now);
        inbox.free_until(BOB, Some(eleven + 1), now);
        assert_eq!(shown(ticked(&inbox, now, 31 * MINUTE), Free), "10:1,2 11:2");
        for late in [ANN, BOB] {
            inbox.presence(late, Free, false, eleven + 2 * HOUR);
        }
        assert_eq!(inbox.counts(), (0, 0));
        assert_eq!(shown(inbox.drain(now + 31 * MINUTE), Free), "");
    }

    #[test]
    fn the_end_that_was_said_last_holds() {
        let (inbox, now) = inbox("2026-11-21T10:30:00Z");
        inbox.free_until(ANN, Some(now + HOUR), now);
        inbox.free_until(ANN, Some(now + 3 * HOUR), now + 1);
        inbox.free_until(BOB, Some(now + 3 * HOUR), now);
        inbox.free_until(BOB, Some(now + HOUR), now + 1);
        assert_eq!(shown(ticked(&inbox, now, 5 * HOUR), Free), "10:1,2 11:1,2 12:1 13:1");
    }

    #[test]
    fn free_again_after_an_end_that_nobody_told_leaves_a_gap() {
        let (inbox, now) = inbox("2026-11-21T10:30:00Z");
        inbox.free_until(ANN, Some(now + 40 * MINUTE), now);
        inbox.free_until(ANN, None, now + 2 * HOUR);
        let marks = inbox.drain(now + 2 * HOUR);
        assert_eq!(shown(marks, Free), "10:1 11:1 12:1");
    }

    #[test]
    fn who_is_still_free_after_the_node_was_down_is_in_the_hours_between_until_the_end() {
        let stopped = at("2026-11-21T10:00:00Z");
        let inbox = HourlyInbox::new(TimeZone::UTC, stopped);
        let now = stopped + 3 * HOUR + MINUTE;
        inbox.still_free(ANN, None, stopped - 24 * HOUR);
        inbox.still_free(BOB, Some(stopped + 2 * HOUR), stopped + 30 * MINUTE);
        inbox.still_free(UserNo(3), Some(stopped - HOUR), stopped - 2 * HOUR);
        inbox.presence(UserNo(4), Online, true, now);
        let marks = inbox.drain(now);
        assert_eq!(shown(marks.clone(), Free), "10:1,2 11:1,2 12:1 13:1");
        assert_eq!(shown(marks, Online), "13:4");
        assert_eq!(inbox.counts(), (1, 1));
    }

    #[test]
    fn a_change_told_late_is_counted_where_it_happened() {
        let (inbox, now) = inbox("2026-11-21T11:00:00Z");
        inbox.presence(ANN, Free, true, now - 100);
        assert_eq!(shown(inbox.drain(now), Free), "10:1 11:1");
    }

    #[test]
    fn the_hour_that_a_change_of_clocks_repeats_is_one_hour_and_the_skipped_one_none() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        for (begin, hours) in [("2026-10-24T23:30:00Z", "1:1 2:1 3:1"), ("2026-03-28T23:30:00Z", "0:1 1:1 3:1 4:1")] {
            let inbox = HourlyInbox::new(berlin.clone(), at(begin));
            inbox.presence(ANN, Free, true, at(begin));
            assert_eq!(shown(ticked(&inbox, at(begin), 3 * HOUR), Free), hours, "{begin}");
        }
    }

    #[test]
    fn a_clock_that_is_set_back_counts_from_there() {
        let (inbox, now) = inbox("2026-11-21T12:30:00Z");
        inbox.presence(ANN, Free, true, now);
        let _ = inbox.drain(now + 250);
        let back = now - 3 * HOUR;
        assert_eq!(shown(inbox.drain(back), Free), "9:1");
        inbox.presence(BOB, Free, true, back + 500);
        assert_eq!(shown(ticked(&inbox, back, 31 * MINUTE), Free), "9:1,2 10:1,2");
    }

    #[test]
    fn the_past_is_marked_without_touching_the_present() {
        let (inbox, now) = inbox("2026-11-21T12:30:00Z");
        inbox.mark(ANN, Free, at("2015-10-02T18:51:27Z"));
        assert_eq!(shown(inbox.drain(now), Free), "18:1");
        assert_eq!(inbox.counts(), (0, 0));
    }
}
