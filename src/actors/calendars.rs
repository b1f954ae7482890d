//! People's calendars: given, subscribed to, looked after. Everything here may wait for the disk or for other servers, and is called
//! on threads that may: those of the requests that wait for it, and four of its own.
//!
//! What is due when is in one [`Agenda`]: the next look at a subscription, or the day on which busy intervals are worked out for two
//! more weeks, whichever comes first. After a change the person's timetable is put on the board, and the next round of flips tells
//! everybody (`flips.rs`).
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use jiff::tz::TimeZone;
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use thiserror::Error;

use super::agenda::Agenda;
use super::user::UserDeps;
use crate::activity::calendar::{Calendar, CalendarError, Window, read};
use crate::activity::timetable::{Busy, Timetable};
use crate::domain::{UnixMs, UserNo};
use crate::feeds::{Answer, Condition, FeedError, Fetched, Fetcher};
use crate::protocol::feed_url::FeedUrl;
use crate::store::accounts::AccountError;
use crate::store::rows::{Account, CalendarRow, CalendarSource, CalendarTextRow, Feed, FetchFailure};

const DAY_MS: i64 = 86_400_000;
/// Busy intervals are worked out from a day ago: an event that has begun goes on.
const BEFORE_MS: i64 = DAY_MS;
/// And so far ahead.
const AHEAD_MS: i64 = 15 * DAY_MS;
/// When less than this is left, they are worked out again.
const LEFT_MS: i64 = 7 * DAY_MS;
/// The longest wait between two looks at a subscription that fails, in times of the usual one.
const LONGEST_WAIT: i64 = 24;
/// How many calendars are looked after at once.
const THREADS: usize = 4;
/// How often a thread without work looks for some.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Why a calendar was not taken.
#[derive(Debug, Error)]
pub enum GiveError {
    /// The file is none, or too large.
    #[error(transparent)]
    File(#[from] CalendarError),
    /// It cannot be had from its address.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// The administrator has switched subscriptions off.
    #[error("this server does not fetch calendars: upload the file instead")]
    Off,
    /// It cannot be kept.
    #[error(transparent)]
    Store(#[from] AccountError),
}

/// The span of time for which busy intervals are worked out at `now`.
#[must_use]
pub fn window(now: UnixMs) -> Window {
    Window { from: now - BEFORE_MS, to: now + AHEAD_MS }
}

/// The zone of a person's days.
#[must_use]
pub fn zone_of(account: &Account, default: &TimeZone) -> TimeZone {
    let own = account.time_zone.as_deref().and_then(|name| TimeZone::get(name).ok());
    own.unwrap_or_else(|| default.clone())
}

/// What decides whether somebody is free, besides what they say by hand.
#[must_use]
pub fn timetable_of(account: &Account, busy: Option<Busy>, default: &TimeZone) -> Option<Arc<Timetable>> {
    Timetable::new(busy, account.free_hours.clone(), zone_of(account, default)).map(Arc::new)
}

/// People's calendars.
#[derive(Debug)]
pub struct Calendars {
    deps: Arc<UserDeps>,
    /// `None`: subscriptions are off.
    fetcher: Option<Fetcher>,
    refresh_ms: i64,
    due: Agenda,
    /// When each subscription is looked at next.
    next_fetch: Mutex<FxHashMap<UserNo, UnixMs>>,
    /// Held while a timetable is made of what the store has, so that the last one made is of the newest.
    applying: Mutex<()>,
    fetches: AtomicU64,
    failures: AtomicU64,
}

impl Calendars {
    /// Calendars of everybody; `fetcher` for those that come from the web, looked at every `refresh`.
    #[must_use]
    pub fn new(deps: Arc<UserDeps>, fetcher: Option<Fetcher>, refresh: Duration) -> Self {
        Self {
            deps,
            fetcher,
            refresh_ms: i64::try_from(refresh.as_millis()).unwrap_or(i64::MAX),
            due: Agenda::default(),
            next_fetch: Mutex::default(),
            applying: Mutex::default(),
            fetches: AtomicU64::new(0),
            failures: AtomicU64::new(0),
        }
    }

    /// Starts the threads that look after calendars. They end with what they work on.
    ///
    /// # Errors
    /// When there are no threads to be had.
    pub fn look_after(self: &Arc<Self>) -> std::io::Result<()> {
        for number in 0..THREADS {
            let calendars = Arc::downgrade(self);
            let thread = std::thread::Builder::new().name(format!("calendars-{number}"));
            thread.spawn(move || look_after(&calendars))?;
        }
        Ok(())
    }

    /// Looks at subscriptions and what else is due at times after the start, so that not all of them come at once.
    pub fn take_up(&self, rows: impl IntoIterator<Item = (UserNo, Busy, Option<UnixMs>)>) {
        let now = self.deps.clock.now();
        for (no, busy, fetched) in rows {
            let next = fetched.map(|fetched| {
                let due = fetched + self.refresh_ms;
                if due > now { due } else { now + random_below(self.refresh_ms) }
            });
            self.plan(no, &busy, next);
        }
    }

    /// A person's calendar as it is kept, and when it is looked at next.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn of(&self, no: UserNo) -> Result<Option<(CalendarRow, Option<UnixMs>)>, AccountError> {
        let next = self.next_fetch.lock().get(&no).copied();
        Ok(self.deps.accounts.calendar(no)?.map(|row| (row, next)))
    }

    /// Takes a file for a person's calendar.
    ///
    /// # Errors
    /// When it is none; when it cannot be kept. Then the one before stays.
    pub fn upload(&self, no: UserNo, bytes: &[u8]) -> Result<(), GiveError> {
        self.give(no, CalendarSource::Upload, bytes)
    }

    /// Subscribes to a calendar, which is fetched at once.
    ///
    /// # Errors
    /// When it cannot be had, is none or cannot be kept. Then the one before stays.
    pub fn subscribe(&self, no: UserNo, url: FeedUrl) -> Result<(), GiveError> {
        let fetcher = self.fetcher.as_ref().ok_or(GiveError::Off)?;
        let fetched = match self.counted(fetcher.fetch(&url, &Condition::default()))? {
            Answer::New(fetched) => fetched,
            // Nothing was had that could be unchanged.
            Answer::Unchanged => return Err(FeedError::Protocol.into()),
        };
        let Fetched { body, condition } = fetched;
        let source = CalendarSource::Feed(Box::new(Feed {
            url,
            etag: condition.etag,
            last_modified: condition.last_modified,
            digest: *blake3::hash(&body).as_bytes(),
            fetched: self.deps.clock.now(),
            error: None,
        }));
        self.give(no, source, &body)
    }

    fn give(&self, no: UserNo, source: CalendarSource, bytes: &[u8]) -> Result<(), GiveError> {
        let now = self.deps.clock.now();
        let account = self.deps.accounts.by_no(no).ok_or(AccountError::Unknown)?;
        let calendar = read(bytes, &zone_of(&account, &self.deps.zone), window(now))?;
        let next = matches!(source, CalendarSource::Feed(_)).then(|| now + self.wait(0));
        let (row, text) = rows(no, now, source, calendar);
        self.deps.accounts.give_calendar(&row, &text)?;
        self.plan(no, &row.busy, next);
        self.apply(no)?;
        Ok(())
    }

    /// Removes a person's calendar. False when there was none.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub fn remove(&self, no: UserNo) -> Result<bool, AccountError> {
        let was_there = self.deps.accounts.remove_calendar(no)?;
        self.forget(no);
        self.apply(no)?;
        Ok(was_there)
    }

    /// Somebody is gone, or their calendar is.
    pub fn forget(&self, no: UserNo) {
        let _nobody_applies = self.applying.lock();
        self.due.set(no, None);
        self.next_fetch.lock().remove(&no);
    }

    /// The person's weekly hours or time zone changed: days and times without a zone are by that.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub fn rework(&self, no: UserNo) -> Result<(), AccountError> {
        if let Some(row) = self.deps.accounts.calendar(no)? {
            self.work_out(row, self.deps.clock.now())?;
        }
        self.apply(no)
    }

    /// How often a subscription was looked at, and how often in vain.
    #[must_use]
    pub fn counts(&self) -> (u64, u64) {
        (self.fetches.load(Ordering::Relaxed), self.failures.load(Ordering::Relaxed))
    }

    /// Puts on the board what decides whether somebody is free.
    fn apply(&self, no: UserNo) -> Result<(), AccountError> {
        let _one_at_a_time = self.applying.lock();
        let busy = self.deps.accounts.calendar(no)?.map(|row| row.busy);
        let Some(account) = self.deps.accounts.by_no(no) else { return Ok(()) };
        let timetable = timetable_of(&account, busy, &self.deps.zone);
        self.deps.board.set_timetable(no, timetable);
        self.deps.look_again(no);
        Ok(())
    }

    /// Does what is due for somebody.
    fn attend(&self, no: UserNo) {
        let now = self.deps.clock.now();
        let zone = || self.deps.accounts.by_no(no).and_then(|account| account.time_zone.clone());
        let zone_before = zone();
        let done = self.deps.accounts.calendar(no).and_then(|row| match row {
            Some(row) => {
                // Whatever becomes of it, it is looked after again.
                self.due.set(no, Some(now + self.wait(0)));
                self.attend_to(row, now)
            }
            None => Ok(()),
        });
        // The person has moved to another zone meanwhile: that was looked after, and has been set back just now.
        let done = if zone() == zone_before { done } else { done.and_then(|()| self.rework(no)) };
        if let Err(error) = done {
            tracing::warn!(no = no.0, %error, "a calendar could not be looked after; trying again later");
        }
    }

    fn attend_to(&self, row: CalendarRow, now: UnixMs) -> Result<(), AccountError> {
        let no = row.no;
        let fetch_at = self.next_fetch.lock().get(&no).copied();
        if let (CalendarSource::Feed(feed), Some(fetcher)) = (&row.source, &self.fetcher)
            && fetch_at.is_none_or(|at| at <= now)
        {
            let had = Condition { etag: feed.etag.clone(), last_modified: feed.last_modified.clone() };
            let answer = self.counted(fetcher.fetch(&feed.url, &had));
            return self.fetched(row, answer);
        }
        self.work_out(row, now)?;
        self.apply(no)
    }

    /// Keeps what a look at a subscription gave.
    fn fetched(&self, mut row: CalendarRow, answer: Result<Answer, FeedError>) -> Result<(), AccountError> {
        let (no, now, given) = (row.no, self.deps.clock.now(), row.given);
        let CalendarSource::Feed(feed) = &mut row.source else { return Ok(()) };
        let failed_before = feed.error.as_ref().map_or(0, |error| error.times);
        let mut calendar = None;
        let failure = match answer {
            Err(error) => Some((error.code(), error.to_string())),
            Ok(Answer::Unchanged) => None,
            Ok(Answer::New(Fetched { body, condition })) => {
                let digest = *blake3::hash(&body).as_bytes();
                if digest != feed.digest {
                    let account = self.deps.accounts.by_no(no).ok_or(AccountError::Unknown)?;
                    calendar = Some(read(&body, &zone_of(&account, &self.deps.zone), window(now)));
                }
                match &calendar {
                    Some(Err(error)) => Some((error.code(), error.to_string())),
                    _ => {
                        (feed.etag, feed.last_modified, feed.digest) =
                            (condition.etag, condition.last_modified, digest);
                        None
                    }
                }
            }
        };
        feed.error = failure.map(|(code, message)| FetchFailure {
            code: code.to_owned(),
            message,
            times: failed_before.saturating_add(1),
        });
        if feed.error.is_none() {
            feed.fetched = now;
        }
        let next = now + self.wait(feed.error.as_ref().map_or(0, |error| error.times));
        let is_there = match calendar {
            Some(Ok(calendar)) => {
                let (new, text) = rows(no, given, row.source.clone(), calendar);
                row = new;
                self.deps.accounts.renew_calendar(&row, Some(&text), given)?
            }
            _ => self.deps.accounts.renew_calendar(&row, None, given)?,
        };
        if !is_there {
            return Ok(());
        }
        self.plan(no, &row.busy, Some(next));
        let (_, known_to) = row.busy.known();
        if known_to.saturating_mul(1_000) <= (now + LEFT_MS).0 {
            self.work_out(row, now)?;
        }
        self.apply(no)
    }

    /// Works busy intervals out from the lines that are kept, for the two weeks from now on.
    fn work_out(&self, row: CalendarRow, now: UnixMs) -> Result<(), AccountError> {
        let (no, given) = (row.no, row.given);
        let account = self.deps.accounts.by_no(no).ok_or(AccountError::Unknown)?;
        let Some(kept) = self.deps.accounts.calendar_text(no)? else { return Ok(()) };
        // It was read before; what is kept is less than that.
        let Ok(calendar) = read(kept.text.as_bytes(), &zone_of(&account, &self.deps.zone), window(now)) else {
            return Ok(());
        };
        let row = CalendarRow { busy: calendar.busy, ..row };
        let text = CalendarTextRow { no, text: calendar.kept };
        if self.deps.accounts.renew_calendar(&row, Some(&text).filter(|text| text.text != kept.text), given)? {
            let next = self.next_fetch.lock().get(&no).copied();
            self.plan(no, &row.busy, next);
        }
        Ok(())
    }

    /// Sets when a calendar is looked after next.
    fn plan(&self, no: UserNo, busy: &Busy, next_fetch: Option<UnixMs>) {
        let mut fetches = self.next_fetch.lock();
        match next_fetch.filter(|_| self.fetcher.is_some()) {
            Some(at) => _ = fetches.insert(no, at),
            None => _ = fetches.remove(&no),
        }
        let (_, known_to) = busy.known();
        let work_out_at = UnixMs(known_to.saturating_mul(1_000)) - LEFT_MS - random_below(DAY_MS);
        let at = fetches.get(&no).copied().map_or(work_out_at, |fetch| fetch.min(work_out_at));
        self.due.set(no, Some(at));
    }

    /// How long to wait after so many failures in a row, milliseconds: longer each time, and never quite the same.
    fn wait(&self, failures: u32) -> i64 {
        let times = 1_i64.checked_shl(failures.saturating_sub(1).min(5)).unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT);
        let wait = self.refresh_ms.saturating_mul(times);
        wait.saturating_sub(random_below(wait / 10))
    }

    fn counted(&self, answer: Result<Answer, FeedError>) -> Result<Answer, FeedError> {
        self.fetches.fetch_add(1, Ordering::Relaxed);
        if answer.is_err() {
            self.failures.fetch_add(1, Ordering::Relaxed);
        }
        answer
    }
}

fn look_after(calendars: &Weak<Calendars>) {
    loop {
        let Some(calendars) = calendars.upgrade() else { return };
        if let Some((_, no)) = calendars.due.next_due(calendars.deps.clock.now()) {
            calendars.attend(no);
            continue;
        }
        drop(calendars);
        std::thread::sleep(LOOK_EVERY);
    }
}

fn rows(no: UserNo, given: UnixMs, source: CalendarSource, calendar: Calendar) -> (CalendarRow, CalendarTextRow) {
    let Calendar { busy, events, notes, kept } = calendar;
    let events = u32::try_from(events).unwrap_or(u32::MAX);
    (CalendarRow { no, given, source, busy, events, notes }, CalendarTextRow { no, text: kept })
}

/// A random number from 0 up to but not including `most`; 0 where there is no randomness: then everything comes at once, which is a
/// burden and not a fault.
fn random_below(most: i64) -> i64 {
    let random = i64::try_from(getrandom::u64().unwrap_or(0) >> 2).unwrap_or(0);
    random.checked_rem(most.max(1)).unwrap_or(0)
}
