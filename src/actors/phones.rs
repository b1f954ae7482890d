//! What is remembered of phones that report with apps of others, by their tokens: how their requests went, for the page on which
//! they are set up, and what they have been sent already. In memory only, and bounded; never a position, a name or a secret.
//! After a restart it begins anew.
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use rustc_hash::FxHashMap;

use crate::domain::{PhoneApp, Platform, UnixMs, UserNo};
use crate::protocol::phones::face::Face;

/// So many phones are remembered; beyond it those that have been silent for an hour make room, else newcomers are not.
const MOST: usize = 131_072;
/// Who has been silent for so long makes room, milliseconds.
const SILENT_MS: i64 = 3_600_000;
/// Of so many people the last wrong credential is remembered, for a day.
const MOST_WRONG: usize = 65_536;
const WRONG_KEPT_MS: i64 = 24 * 3_600_000;
/// A phone is asked for its steps at most this often, milliseconds.
const ASK_STEPS_EVERY_MS: i64 = 3_600_000;

/// What became of one thing that a phone said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A position that was taken in.
    Accepted,
    /// Older than the newest one: kept for the day it belongs to, moves nothing.
    Late,
    /// As old as the newest one: known already.
    Duplicate,
    /// Not readable as a position, or outside the world.
    Odd,
    /// Beyond the rate of one person's requests.
    TooOften,
    /// Ahead of the server's clock.
    Future,
    /// Older than seven days.
    TooOld,
    /// Something else than a position, and of no use here.
    Ignored,
    /// A sign of life, or steps.
    Heartbeat,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Accepted,
        Self::Late,
        Self::Duplicate,
        Self::Odd,
        Self::TooOften,
        Self::Future,
        Self::TooOld,
        Self::Ignored,
        Self::Heartbeat,
    ];

    /// As the metrics and the status spell it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Late => "late",
            Self::Duplicate => "duplicate",
            Self::Odd => "odd",
            Self::TooOften => "too_often",
            Self::Future => "future",
            Self::TooOld => "too_old",
            Self::Ignored => "ignored",
            Self::Heartbeat => "heartbeat",
        }
    }
}

/// How often each outcome was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally([u32; Outcome::ALL.len()]);

impl Tally {
    /// Counts some.
    pub fn add(&mut self, outcome: Outcome, times: u32) {
        if let Some(count) = Self::place(outcome).and_then(|at| self.0.get_mut(at)) {
            *count = count.saturating_add(times);
        }
    }

    /// How often.
    #[must_use]
    pub fn get(&self, outcome: Outcome) -> u32 {
        Self::place(outcome).and_then(|at| self.0.get(at)).copied().unwrap_or(0)
    }

    fn merge(&mut self, other: &Self) {
        for (own, others) in self.0.iter_mut().zip(other.0) {
            *own = own.saturating_add(others);
        }
    }

    fn place(outcome: Outcome) -> Option<usize> {
        Outcome::ALL.iter().position(|known| *known == outcome)
    }
}

/// What is wrong with how a phone is set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// What it sends is encrypted.
    Encrypted,
    /// Its clock is ahead.
    Clock,
    /// What it sends is no position.
    Odd,
    /// It sends positions that are older than seven days.
    TooOld,
}

/// How one phone's requests went.
#[derive(Clone, Debug)]
pub struct Phone {
    /// Whose it is.
    pub no: UserNo,
    /// With which app it last came.
    pub app: PhoneApp,
    /// What it runs on.
    pub platform: Platform,
    /// The first and the last request with a good credential.
    pub reached: (UnixMs, UnixMs),
    /// When a request was last answered well.
    pub last_ok: Option<UnixMs>,
    /// The time of the newest position that was taken in, by the phone's clock.
    pub last_fix: Option<UnixMs>,
    /// When friends were last sent to it, and how many.
    pub friends_sent: Option<(UnixMs, u32)>,
    /// The status of the last answer.
    pub last_status: Option<u16>,
    /// What became of what it said.
    pub tally: Tally,
    /// What is wrong, as far as its last positions tell.
    pub hint: Option<Hint>,
    /// Which picture of whom it has.
    faces: Vec<(UserNo, Face)>,
    /// Of which encounters it has been told, by friend and time of announcement.
    told: Vec<(UserNo, UnixMs)>,
    /// Encounters that were announced until then are told already.
    told_until: UnixMs,
    steps_asked: Option<UnixMs>,
    interval: Option<&'static str>,
}

/// A wrong credential that named an existing person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// When.
    pub t: UnixMs,
    /// With which app, as far as the path says.
    pub app: PhoneApp,
}

#[derive(Debug, Default)]
struct Book {
    phones: FxHashMap<u64, Phone>,
    wrong: FxHashMap<UserNo, Wrong>,
}

/// All phones.
#[derive(Debug, Default)]
pub struct Phones {
    book: Mutex<Book>,
    outcomes: [[AtomicU64; Outcome::ALL.len()]; PhoneApp::ALL.len()],
}

impl Phones {
    /// A request came with a good credential.
    pub fn reached(&self, token: u64, no: UserNo, app: PhoneApp, platform: Platform, now: UnixMs) {
        let mut book = self.book.lock();
        if let Some(phone) = book.phones.get_mut(&token) {
            (phone.app, phone.reached.1) = (app, now);
            if platform != Platform::Unknown {
                phone.platform = platform;
            }
            return;
        }
        if book.phones.len() >= MOST {
            book.phones.retain(|_, phone| now.since(phone.reached.1) < SILENT_MS);
            if book.phones.len() >= MOST {
                return;
            }
        }
        let phone = Phone {
            no,
            app,
            platform,
            reached: (now, now),
            last_ok: None,
            last_fix: None,
            friends_sent: None,
            last_status: None,
            tally: Tally::default(),
            hint: None,
            faces: Vec::new(),
            told: Vec::new(),
            told_until: UnixMs(i64::MIN),
            steps_asked: None,
            interval: None,
        };
        book.phones.insert(token, phone);
    }

    /// What became of a request. `newest`: the time of the newest position that was taken in.
    pub fn took(&self, token: u64, app: PhoneApp, tally: &Tally, newest: Option<UnixMs>) {
        let row = PhoneApp::ALL.iter().position(|known| *known == app).and_then(|at| self.outcomes.get(at));
        for (counter, outcome) in row.into_iter().flatten().zip(Outcome::ALL) {
            counter.fetch_add(u64::from(tally.get(outcome)), Ordering::Relaxed);
        }
        self.change(token, |phone| {
            phone.tally.merge(tally);
            phone.last_fix = phone.last_fix.max(newest);
            phone.hint = match () {
                () if tally.get(Outcome::Accepted) + tally.get(Outcome::Duplicate) > 0 => None,
                () if tally.get(Outcome::Future) > 0 => Some(Hint::Clock),
                () if tally.get(Outcome::TooOld) > 0 => Some(Hint::TooOld),
                () if tally.get(Outcome::Odd) > 0 => Some(Hint::Odd),
                () => phone.hint,
            };
        });
    }

    /// Something is wrong with how it is set up.
    pub fn hint(&self, token: u64, hint: Hint) {
        self.change(token, |phone| phone.hint = Some(hint));
    }

    /// How a request was answered.
    pub fn answered(&self, token: u64, status: u16, now: UnixMs) {
        self.change(token, |phone| {
            phone.last_status = Some(status);
            if (200..300).contains(&status) {
                phone.last_ok = Some(now);
            }
        });
    }

    /// Friends are being sent to it.
    pub fn sends_friends(&self, token: u64, count: u32, now: UnixMs) {
        self.change(token, |phone| phone.friends_sent = Some((now, count)));
    }

    /// Whether it has another picture of somebody, or none; from now on it has this one. Of so many people as are in `shown` pictures
    /// are remembered.
    #[must_use]
    pub fn needs_face(&self, token: u64, of: UserNo, face: Face) -> bool {
        self.change(token, |phone| match phone.faces.iter_mut().find(|(no, _)| *no == of) {
            Some((_, known)) => std::mem::replace(known, face) != face,
            None => {
                phone.faces.push((of, face));
                true
            }
        })
        // Of whom nothing is remembered is sent everything.
        .unwrap_or(true)
    }

    /// Forgets what it was sent of people who are not `shown` any more, so that it stays small.
    pub fn shows_only(&self, token: u64, shown: &[UserNo], near: &[UserNo]) {
        self.change(token, |phone| {
            phone.faces.retain(|(no, _)| shown.contains(no));
            phone.told.retain(|(no, _)| near.contains(no));
        });
    }

    /// Until when encounters count as told: the time of its newest position before this process heard of it.
    pub fn told_until(&self, token: u64, t: UnixMs) {
        self.change(token, |phone| {
            if phone.told_until.0 == i64::MIN {
                phone.told_until = t;
            }
        });
    }

    /// Whether it is still to be told of an encounter; from now on it has been.
    #[must_use]
    pub fn tells(&self, token: u64, friend: UserNo, announced: UnixMs) -> bool {
        self.change(token, |phone| {
            if announced <= phone.told_until {
                return false;
            }
            match phone.told.iter_mut().find(|(no, _)| *no == friend) {
                Some((_, known)) => std::mem::replace(known, announced) != announced,
                None => {
                    phone.told.push((friend, announced));
                    true
                }
            }
        })
        // Once at most: where nothing can be remembered nothing is told.
        .unwrap_or(false)
    }

    /// Whether it may be asked for its steps; from now on it has been.
    #[must_use]
    pub fn asks_steps(&self, token: u64, now: UnixMs) -> bool {
        self.change(token, |phone| {
            let is_due = phone.steps_asked.is_none_or(|asked| now.since(asked) >= ASK_STEPS_EVERY_MS);
            if is_due {
                phone.steps_asked = Some(now);
            }
            is_due
        })
        .unwrap_or(false)
    }

    /// Whether it keeps another interval; from now on it keeps this one.
    #[must_use]
    pub fn sets_interval(&self, token: u64, interval: &'static str) -> bool {
        self.change(token, |phone| phone.interval.replace(interval) != Some(interval)).unwrap_or(false)
    }

    /// Somebody with a wrong credential called themselves `no`.
    pub fn wrong(&self, no: UserNo, app: PhoneApp, now: UnixMs) {
        let mut book = self.book.lock();
        if book.wrong.len() >= MOST_WRONG {
            book.wrong.retain(|_, wrong| now.since(wrong.t) < WRONG_KEPT_MS);
        }
        if book.wrong.len() < MOST_WRONG {
            book.wrong.insert(no, Wrong { t: now, app });
        }
    }

    /// The last wrong credential of somebody who called themselves `no`, within a day.
    #[must_use]
    pub fn last_wrong(&self, no: UserNo, now: UnixMs) -> Option<Wrong> {
        self.book.lock().wrong.get(&no).copied().filter(|wrong| now.since(wrong.t) < WRONG_KEPT_MS)
    }

    /// What is known of the phone with a token.
    #[must_use]
    pub fn get(&self, token: u64) -> Option<Phone> {
        self.book.lock().phones.get(&token).cloned()
    }

    /// The token is void.
    pub fn forget(&self, token: u64) {
        self.book.lock().phones.remove(&token);
    }

    /// The person is gone: nothing about them is left, in whosever phone.
    pub fn forget_person(&self, no: UserNo) {
        let mut book = self.book.lock();
        book.phones.retain(|_, phone| phone.no != no);
        for phone in book.phones.values_mut() {
            phone.faces.retain(|(of, _)| *of != no);
            phone.told.retain(|(of, _)| *of != no);
        }
        book.wrong.remove(&no);
    }

    /// Forgets phones whose tokens do not hold any more, and old wrong credentials.
    pub fn sweep(&self, holds: impl Fn(UserNo, u64) -> bool, now: UnixMs) {
        let mut book = self.book.lock();
        book.phones.retain(|token, phone| holds(phone.no, *token));
        book.wrong.retain(|_, wrong| now.since(wrong.t) < WRONG_KEPT_MS);
    }

    /// How often each outcome was, by app.
    pub fn counts(&self) -> impl Iterator<Item = (PhoneApp, Outcome, u64)> + '_ {
        PhoneApp::ALL.into_iter().zip(&self.outcomes).flat_map(|(app, row)| {
            Outcome::ALL.into_iter().zip(row).map(move |(outcome, count)| (app, outcome, count.load(Ordering::Relaxed)))
        })
    }

    fn change<T>(&self, token: u64, change: impl FnOnce(&mut Phone) -> T) -> Option<T> {
        self.book.lock().phones.get_mut(&token).map(change)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMs = UnixMs(1_800_000_000_000);
    const ANN: UserNo = UserNo(1);
    const BOB: UserNo = UserNo(2);

    fn book() -> Phones {
        let phones = Phones::default();
        phones.reached(7, ANN, PhoneApp::OwnTracks, Platform::Ios, NOW);
        phones
    }

    #[test]
    fn an_encounter_is_told_once_to_each_phone_and_the_next_one_again() {
        let phones = book();
        phones.reached(8, ANN, PhoneApp::OwnTracks, Platform::Ios, NOW);
        for token in [7, 8] {
            assert!(phones.tells(token, BOB, NOW) && !phones.tells(token, BOB, NOW));
        }
        assert!(phones.tells(7, BOB, NOW + 1_000));
        phones.told_until(8, NOW + 2_000);
        assert!(!phones.tells(8, BOB, NOW + 2_000) && phones.tells(8, BOB, NOW + 2_001));
        assert!(!phones.tells(9, BOB, NOW), "nobody knows that phone");
    }

    #[test]
    fn a_picture_is_sent_when_it_is_another_one() {
        let phones = book();
        let face = |free| Face::of("bob", "Bob", free);
        assert!(phones.needs_face(7, BOB, face(true)) && !phones.needs_face(7, BOB, face(true)));
        assert!(phones.needs_face(7, BOB, face(false)));
        phones.shows_only(7, &[], &[]);
        assert!(phones.needs_face(7, BOB, face(false)), "it may have been forgotten there, too");
    }

    #[test]
    fn steps_are_asked_for_once_an_hour_and_an_interval_is_set_on_change() {
        let phones = book();
        assert!(
            phones.asks_steps(7, NOW)
                && !phones.asks_steps(7, NOW + 3_599_999)
                && phones.asks_steps(7, NOW + 3_600_000)
        );
        assert!(phones.sets_interval(7, "30s") && !phones.sets_interval(7, "30s") && phones.sets_interval(7, "1m"));
    }

    #[test]
    fn who_is_gone_leaves_nothing_and_a_void_token_is_forgotten() {
        let phones = book();
        phones.reached(9, BOB, PhoneApp::Traccar, Platform::Unknown, NOW);
        assert!(phones.needs_face(7, BOB, Face::of("bob", "Bob", true)) && phones.tells(7, BOB, NOW));
        phones.wrong(BOB, PhoneApp::OwnTracks, NOW);
        assert_eq!(phones.last_wrong(BOB, NOW + 1), Some(Wrong { t: NOW, app: PhoneApp::OwnTracks }));
        assert_eq!(phones.last_wrong(ANN, NOW), None);
        phones.forget_person(BOB);
        assert!(phones.get(9).is_none() && phones.last_wrong(BOB, NOW).is_none());
        assert!(phones.get(7).is_some_and(|phone| phone.faces.is_empty() && phone.told.is_empty()));
        phones.forget(7);
        assert!(phones.get(7).is_none());
    }

    #[test]
    fn a_hint_stands_until_something_good_comes() {
        let phones = book();
        let tally = |outcome| {
            let mut tally = Tally::default();
            tally.add(outcome, 1);
            tally
        };
        for (outcome, hint) in [
            (Outcome::Future, Some(Hint::Clock)),
            (Outcome::Heartbeat, Some(Hint::Clock)),
            (Outcome::TooOld, Some(Hint::TooOld)),
            (Outcome::Odd, Some(Hint::Odd)),
            (Outcome::Accepted, None),
            (Outcome::Ignored, None),
        ] {
            phones.took(7, PhoneApp::OwnTracks, &tally(outcome), None);
            assert_eq!(phones.get(7).unwrap().hint, hint, "{outcome:?}");
        }
        assert_eq!(phones.counts().map(|(.., count)| count).sum::<u64>(), 6);
    }
}
