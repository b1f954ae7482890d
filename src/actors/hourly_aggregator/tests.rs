use actix::Addr;
use jiff::civil::date;

use super::*;
use crate::activity::histogram::Presence::{Free, Online};
use crate::activity::histogram::UserSet;
use crate::domain::{UnixMs, UserNo};
use crate::store::histogram_writer::Pace;
use crate::store::rows::MarkRow;
use crate::store::{Durability, Embedded, WriteBatch};

const HOUR: i64 = 3_600_000;

struct Node {
    dir: tempfile::TempDir,
    embedded: Arc<Embedded>,
    inbox: HourlyInbox,
    clock: Clock,
    addr: Addr<HourlyAggregator>,
}

fn at(text: &str) -> UnixMs {
    UnixMs(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
}

/// A node in UTC that drains every 2 ms and writes every 20 ms.
fn node(dir: tempfile::TempDir, now: UnixMs) -> Node {
    let embedded = Arc::new(Embedded::open(dir.path()).unwrap());
    let clock = Clock::manual(now);
    let days = EmbeddedHistograms::new(embedded.clone());
    let writer = HistogramWriter::spawn(days.clone(), days.clone(), Pace::default(), clock.clone(), None).unwrap();
    let inbox = HourlyInbox::new(TimeZone::UTC, now);
    let settings = Settings {
        tick: Duration::from_millis(2),
        write_every: Duration::from_millis(20),
        ..Settings::of(TimeZone::UTC)
    };
    let aggregator =
        HourlyAggregator::new(inbox.clone(), days, writer, None, clock.clone(), settings, Box::new(())).unwrap();
    Node { dir, embedded, inbox, clock, addr: aggregator.start() }
}

impl Node {
    async fn day(&self, date: Date) -> DayHistogram {
        self.addr.send(QueryHistogram { date }).await.unwrap().unwrap()
    }

    /// Waits until the day's hours are as asked: `[(hour, free, online)]`, the others zero.
    async fn shows(&self, date: Date, expected: &[(usize, u32, u32)]) {
        let mut hours = [HourCount::default(); 24];
        expected.iter().for_each(|&(hour, free, online)| hours[hour] = HourCount { free, online });
        for _ in 0..2_000 {
            if self.day(date).await.hours == hours {
                return;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        assert_eq!(self.day(date).await.hours, hours);
    }

    async fn stopped(self) -> (tempfile::TempDir, Flushed) {
        let flushed = self.addr.send(Shutdown).await.unwrap();
        while self.addr.connected() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let Self { dir, embedded, addr, .. } = self;
        drop(addr);
        while Arc::strong_count(&embedded) > 1 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        (dir, flushed)
    }
}

const DAY: Date = date(2026, 11, 21);

#[actix::test]
async fn an_hour_counts_everyone_once_and_the_next_one_begins_with_who_is_still_there() {
    let node = node(tempfile::tempdir().unwrap(), at("2026-11-21T10:30:00Z"));
    let now = node.clock.now();
    for _ in 0..3 {
        node.inbox.presence(UserNo(1), Free, true, now);
        node.inbox.presence(UserNo(1), Free, false, now + 10);
    }
    node.inbox.presence(UserNo(2), Free, true, now);
    node.inbox.presence(UserNo(2), Online, true, now);
    node.shows(DAY, &[(10, 2, 1)]).await;
    node.clock.advance(HOUR);
    node.shows(DAY, &[(10, 2, 1), (11, 1, 1)]).await;
    assert!(!node.day(DAY).await.complete);
    node.clock.advance(14 * HOUR);
    node.shows(DAY.tomorrow().unwrap(), &[(0, 1, 1), (1, 1, 1)]).await;
    assert!(node.day(DAY).await.complete);
}

#[actix::test]
async fn a_restart_knows_the_day_and_adds_to_it() {
    let before = node(tempfile::tempdir().unwrap(), at("2026-11-21T10:30:00Z"));
    before.inbox.presence(UserNo(1), Free, true, before.clock.now());
    before.inbox.mark(UserNo(9), Online, at("2015-10-02T18:51:27Z"));
    let (dir, flushed) = before.stopped().await;
    assert_eq!(flushed, Flushed { store: true, redis: None });
    let after = node(dir, at("2026-11-21T10:40:00Z"));
    after.shows(DAY, &[(10, 1, 0)]).await;
    after.shows(date(2015, 10, 2), &[(18, 0, 1)]).await;
    after.inbox.presence(UserNo(2), Free, true, after.clock.now());
    after.inbox.mark(UserNo(8), Online, at("2015-10-02T18:00:00Z"));
    after.shows(DAY, &[(10, 2, 0)]).await;
    after.shows(date(2015, 10, 2), &[(18, 0, 2)]).await;
}

#[actix::test]
async fn a_mark_written_before_a_crash_is_counted_and_then_part_of_the_set() {
    let dir = tempfile::tempdir().unwrap();
    let key = (hour_of(at("2026-11-21T10:59:00Z"), &TimeZone::UTC), Free);
    {
        let store = Embedded::open(dir.path()).unwrap();
        let mut batch = WriteBatch::new();
        batch.put(&MarkRow { key, no: UserNo(5) });
        store.commit(batch, Durability::Power).unwrap();
    }
    let node = node(dir, at("2026-11-21T11:00:00Z"));
    node.shows(DAY, &[(10, 1, 0)]).await;
    let (dir, _) = node.stopped().await;
    let store = Embedded::open(dir.path()).unwrap();
    assert!(store.all::<MarkRow>().unwrap().is_empty());
    let rows = store.all::<HourRow>().unwrap();
    assert_eq!(rows.len(), 1);
    assert!(UserSet::from_bytes(&rows[0].bitmap).contains(UserNo(5)));
}

#[actix::test]
async fn a_series_is_in_order_and_bounded() {
    let node = node(tempfile::tempdir().unwrap(), at("2026-11-21T10:30:00Z"));
    node.inbox.presence(UserNo(1), Free, true, node.clock.now());
    node.shows(DAY, &[(10, 1, 0)]).await;
    let ask = |from, to| node.addr.send(QuerySeries { from, to });
    let days = ask(date(2026, 11, 19), date(2026, 11, 22)).await.unwrap().unwrap();
    assert_eq!(days.iter().map(|day| day.date.day()).collect::<Vec<_>>(), [19, 20, 21, 22]);
    assert_eq!(days[2].hours[10].free, 1);
    assert_eq!(days.iter().map(|day| day.complete).collect::<Vec<_>>(), [true, true, false, false]);
    assert_eq!(ask(date(2026, 1, 1), date(2027, 2, 4)).await.unwrap().unwrap().len(), LONGEST_SERIES);
    assert!(matches!(ask(date(2026, 1, 1), date(2027, 2, 5)).await.unwrap(), Err(QueryError::Span)));
    assert!(matches!(ask(date(2026, 1, 2), date(2026, 1, 1)).await.unwrap(), Err(QueryError::Span)));
}

#[actix::test]
async fn ticks_go_on_while_questions_flood_the_mailbox() {
    let node = node(tempfile::tempdir().unwrap(), at("2026-11-21T10:30:00Z"));
    let addr = node.addr.clone();
    let flood = actix::spawn(async move {
        loop {
            for _ in 0..MAILBOX * 2 {
                let _ = addr.try_send(QueryHistogram { date: DAY });
            }
            tokio::task::yield_now().await;
        }
    });
    node.inbox.presence(UserNo(1), Free, true, node.clock.now());
    node.shows(DAY, &[(10, 1, 0)]).await;
    node.clock.advance(HOUR);
    node.shows(DAY, &[(10, 1, 0), (11, 1, 0)]).await;
    flood.abort();
}

#[actix::test]
async fn days_beyond_the_retention_go_when_a_new_day_begins() {
    let node = node(tempfile::tempdir().unwrap(), at("2026-11-21T23:30:00Z"));
    node.inbox.mark(UserNo(1), Free, at("2025-10-01T12:00:00Z"));
    node.inbox.mark(UserNo(1), Free, at("2026-10-01T12:00:00Z"));
    node.shows(date(2025, 10, 1), &[(12, 1, 0)]).await;
    while node.embedded.all::<HourRow>().unwrap().len() < 2 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    node.clock.advance(HOUR);
    node.shows(date(2025, 10, 1), &[]).await;
    node.shows(date(2026, 10, 1), &[(12, 1, 0)]).await;
}

#[actix::test]
async fn the_guard_is_dropped_with_the_actor() {
    struct Guard(Arc<AtomicBool>);
    impl Drop for Guard {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let dropped = Arc::new(AtomicBool::new(false));
    let days = EmbeddedHistograms::new(Arc::new(Embedded::open(dir.path()).unwrap()));
    let clock = Clock::manual(at("2026-11-21T10:30:00Z"));
    let writer = HistogramWriter::spawn(days.clone(), days.clone(), Pace::default(), clock.clone(), None).unwrap();
    let inbox = HourlyInbox::new(TimeZone::UTC, clock.now());
    let guard = Box::new(Guard(dropped.clone()));
    let settings = Settings::of(TimeZone::UTC);
    let addr = HourlyAggregator::new(inbox, days, writer, None, clock, settings, guard).unwrap().start();
    assert!(!dropped.load(Ordering::SeqCst));
    addr.send(Shutdown).await.unwrap();
    while !dropped.load(Ordering::SeqCst) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
