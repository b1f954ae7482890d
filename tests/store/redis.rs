//! The histogram in Redis is exactly that of the store, whatever happened to Redis.
use std::collections::BTreeMap;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use jiff::civil::{Date, date};
use letshang::activity::histogram::{Histogram, HourOfDay, Presence, UserSet};
use letshang::actors::hourly_aggregator::{HourlyAggregator, HourlyInbox, Settings, Shutdown};
use letshang::domain::{Clock, UnixMs, UserNo};
use letshang::store::histogram_writer::{HistogramWriter, Pace, SinkState};
use letshang::store::histograms::{EmbeddedHistograms, HistogramSink, Holds};
use letshang::store::keys::Keys;
use letshang::store::redis::{RedisHistograms, RedisUrl};
use letshang::store::rows::HourRow;
use letshang::store::{Embedded, node_id};

use crate::redis_server::{RedisServer, Reply};

const DAY: Date = date(2026, 11, 21);
const PATIENCE: Duration = Duration::from_secs(20);

fn quick() -> Pace {
    let ms = Duration::from_millis;
    Pace { look_every: ms(20), pause_min: ms(5), pause_max: ms(50) }
}

/// A node's half that counts: the sets, the embedded store, and the writer to Redis.
struct Node {
    histogram: Histogram,
    store: EmbeddedHistograms,
    local: HistogramWriter,
    redis: HistogramWriter,
    turns: mpsc::Receiver<SinkState>,
    _dir: tempfile::TempDir,
}

impl Node {
    fn new(url: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let embedded = Arc::new(Embedded::open(dir.path()).unwrap());
        let store = EmbeddedHistograms::new(embedded.clone());
        let clock = Clock::System;
        let local = HistogramWriter::spawn(store.clone(), store.clone(), quick(), clock.clone(), None).unwrap();
        let keys = Keys::new("test:").unwrap();
        let timeout = Duration::from_millis(200);
        let sink =
            RedisHistograms::new(RedisUrl::parse(url).unwrap(), keys, node_id(&embedded).unwrap(), timeout).unwrap();
        let (tell, turns) = mpsc::channel();
        let watch = Box::new(move |state: &SinkState| drop(tell.send(state.clone())));
        let redis = HistogramWriter::spawn(sink, store.clone(), quick(), clock, Some(watch)).unwrap();
        Self { histogram: Histogram::default(), store, local, redis, turns, _dir: dir }
    }

    /// Marks people and hands the sets that changed to both sinks, as the aggregator does.
    fn free(&mut self, date: Date, hour: u8, people: impl IntoIterator<Item = u32>) {
        for no in people {
            self.histogram.mark(HourOfDay { date, hour }, Presence::Free, UserNo(no));
            if no % 3 == 0 {
                self.histogram.mark(HourOfDay { date, hour }, Presence::Online, UserNo(no));
            }
        }
        let keys = self.histogram.take_dirty();
        let row = |key: &(HourOfDay, Presence)| HourRow {
            key: *key,
            bitmap: self.histogram.set(key.0, key.1).unwrap().to_bytes().to_vec(),
        };
        let rows: Vec<_> = keys.iter().map(row).collect();
        self.redis.offer(rows.clone());
        self.local.offer(rows);
    }

    /// Waits for the next turn of the Redis sink.
    fn turned(&self, ok: bool) -> SinkState {
        let state = self.turns.recv_timeout(PATIENCE).expect("a turn");
        assert_eq!(state.ok, ok, "{state:?}");
        state
    }

    /// Waits until everything has been written again since `before`.
    fn rewritten(&self, before: u64) {
        let deadline = Instant::now() + PATIENCE;
        while self.redis.status().state().rewritten <= before {
            assert!(Instant::now() < deadline, "the loss is not noticed");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn is_in(&self, server: &RedisServer) {
        assert!(self.local.flush(PATIENCE) && self.redis.flush(PATIENCE), "{:?}", self.redis);
        same(server, &sets(&[&self.store]));
    }
}

type Sets = BTreeMap<(HourOfDay, Presence), UserSet>;

/// The histogram recomputed from stores.
fn sets(stores: &[&EmbeddedHistograms]) -> Sets {
    let mut sets = Sets::new();
    for store in stores {
        let mut from = Date::MIN;
        while let Some(date) = store.next_day(from).unwrap() {
            for (key, set) in store.day(date).unwrap() {
                sets.entry(key).or_default().union(&set);
            }
            from = date.tomorrow().unwrap();
        }
    }
    sets
}

/// Every bitmap, every count, and all 48 fields of each day.
fn same(server: &RedisServer, sets: &Sets) {
    assert!(!sets.is_empty());
    let keys = Keys::new("test:").unwrap();
    let mut days: BTreeMap<Date, BTreeMap<String, String>> = BTreeMap::new();
    for (key, set) in sets {
        let Reply::Text(bitmap) = server.ask(&["GET", &keys.hour(*key)]) else { panic!("no bitmap of {key:?}") };
        assert_eq!(UserSet::from_bytes(&bitmap), *set, "{key:?}");
        let zeros = || {
            let both = |hour| [format!("{hour:02}"), format!("{hour:02}:online")];
            (0..24).flat_map(both).map(|field| (field, "0".to_owned())).collect()
        };
        days.entry(key.0.date).or_insert_with(zeros).insert(Keys::field(*key), set.len().to_string());
    }
    for (date, expected) in days {
        let Reply::List(pairs) = server.ask(&["HGETALL", &keys.day(date)]) else { panic!("no hash of {date}") };
        let found: BTreeMap<_, _> = pairs.chunks(2).map(|pair| (pair[0].text(), pair[1].text())).collect();
        assert_eq!(found, expected, "{date}");
    }
    assert_eq!(server.ask(&["EXISTS", &keys.scratch()]), Reply::Number(0));
}

#[test]
fn counts_and_bitmaps_are_those_of_the_store() {
    let Some(server) = RedisServer::start() else { return };
    let mut node = Node::new(&server.url());
    node.free(DAY, 7, [0, 1, 7, 8, 9, 70_000]);
    node.free(DAY, 23, [3]);
    node.free(date(2015, 10, 2), 0, [5]);
    node.is_in(&server);
    node.free(DAY, 7, [2, 100_000]);
    node.is_in(&server);
    let count = server.ask(&["HGET", "test:avail:2026-11-21", "07"]);
    assert_eq!(count.text(), "8");
}

#[test]
fn stopped_for_seconds_and_exact_afterwards() {
    let Some(server) = RedisServer::start() else { return };
    let mut node = Node::new(&server.url());
    node.free(DAY, 7, 0..50);
    node.is_in(&server);
    server.pause();
    let began = Instant::now();
    for people in 0..20 {
        node.free(DAY, 8, people * 10..people * 10 + 10);
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(began.elapsed() < Duration::from_millis(2_500), "offering does not wait for Redis");
    let state = node.turned(false);
    assert!(state.last_error.is_some());
    server.resume();
    node.turned(true);
    node.free(DAY, 9, 0..5);
    node.is_in(&server);
}

#[test]
fn killed_and_started_again_empty() {
    let Some(mut server) = RedisServer::start() else { return };
    let mut node = Node::new(&server.url());
    node.free(date(2026, 11, 1), 7, 0..50);
    node.free(DAY, 8, 0..50);
    node.is_in(&server);
    server.go_down();
    node.turned(false);
    node.free(DAY, 9, 0..5);
    server.come_up();
    node.turned(true);
    node.is_in(&server);
}

#[test]
fn emptied_by_somebody() {
    let Some(server) = RedisServer::start() else { return };
    let mut node = Node::new(&server.url());
    node.free(date(2026, 11, 1), 7, 0..50);
    node.free(DAY, 8, 0..50);
    node.is_in(&server);
    for _ in 0..3 {
        let before = node.redis.status().state().rewritten;
        server.ask(&["FLUSHALL"]);
        node.rewritten(before);
        node.is_in(&server);
    }
}

#[test]
fn emptied_in_the_middle_of_a_write() {
    let Some(server) = RedisServer::start() else { return };
    let (url, keys) = (RedisUrl::parse(&server.url()).unwrap(), Keys::new("test:").unwrap());
    let mut sink = RedisHistograms::new(url, keys, 1, Duration::from_secs(5)).unwrap();
    let row = |hour| HourRow { key: (HourOfDay { date: DAY, hour }, Presence::Free), bitmap: vec![0x80] };
    assert_eq!(sink.check(), Ok(Holds::Unknown));
    sink.write(&[row(7)], &mut Vec::new()).unwrap();
    server.ask(&["FLUSHALL"]);
    sink.write(&[row(8)], &mut Vec::new()).unwrap();
    sink.confirm().unwrap_err();
    assert_eq!(sink.check(), Ok(Holds::Unknown), "while everything is written again");
    sink.confirm().unwrap();
    assert_eq!(sink.check(), Ok(Holds::Everything));
    sink.write(&[row(9)], &mut Vec::new()).unwrap();
    server.ask(&["FLUSHALL"]);
    sink.confirm().unwrap_err();
    assert_eq!(sink.check(), Ok(Holds::Unknown), "while something new is written");
}

#[test]
fn set_back_to_an_older_state_as_by_an_old_snapshot() {
    let Some(server) = RedisServer::start() else { return };
    let mut node = Node::new(&server.url());
    node.free(DAY, 8, 0..50);
    node.is_in(&server);
    let Reply::List(keys) = server.ask(&["KEYS", "test:node:*"]) else { panic!() };
    let older = server.ask(&["GET", &keys[0].text()]).text();
    node.free(DAY, 9, 0..50);
    node.is_in(&server);
    let before = node.redis.status().state().rewritten;
    server.ask(&["DEL", "test:avail:2026-11-21:09:free"]);
    server.ask(&["HSET", "test:avail:2026-11-21", "09", "0"]);
    server.ask(&["SET", &keys[0].text(), &older]);
    node.rewritten(before);
    node.is_in(&server);
}

#[test]
fn absent_at_the_start_and_there_later() {
    let Some(mut server) = RedisServer::not_yet(None) else { return };
    let began = Instant::now();
    let mut node = Node::new(&server.url());
    node.free(DAY, 8, 0..50);
    assert!(began.elapsed() < Duration::from_secs(1), "nobody waits for Redis at the start");
    assert!(node.local.flush(PATIENCE));
    node.turned(false);
    server.come_up();
    node.turned(true);
    node.is_in(&server);
}

#[test]
fn full_and_with_room_again() {
    let Some(server) = RedisServer::start() else { return };
    let mut node = Node::new(&server.url());
    node.free(DAY, 8, 0..50);
    node.is_in(&server);
    server.ask(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    server.ask(&["CONFIG", "SET", "maxmemory", "1mb"]);
    node.free(DAY, 8, 50..100);
    let state = node.turned(false);
    assert!(state.last_error.as_deref().is_some_and(|error| error.contains("OOM")), "{state:?}");
    node.free(DAY, 9, 0..5);
    server.ask(&["CONFIG", "SET", "maxmemory", "0"]);
    node.turned(true);
    node.is_in(&server);
}

#[test]
fn made_a_replica_that_takes_no_writes() {
    let Some(server) = RedisServer::start() else { return };
    let mut node = Node::new(&server.url());
    node.free(DAY, 8, 0..50);
    node.is_in(&server);
    server.ask(&["REPLICAOF", "127.0.0.1", "1"]);
    node.free(DAY, 9, 0..50);
    let state = node.turned(false);
    assert!(state.last_error.as_deref().is_some_and(|error| error.contains("read only")), "{state:?}");
    server.ask(&["REPLICAOF", "NO", "ONE"]);
    node.turned(true);
    node.is_in(&server);
}

#[test]
fn a_key_that_somebody_else_uses_holds_back_that_day_only() {
    let Some(server) = RedisServer::start() else { return };
    server.ask(&["SET", "test:avail:2026-11-20", "mine"]);
    let mut node = Node::new(&server.url());
    node.free(date(2026, 11, 20), 8, 0..50);
    node.free(DAY, 8, 0..50);
    let state = node.turned(false);
    assert!(state.last_error.as_deref().is_some_and(|error| error.contains("WRONGTYPE")), "{state:?}");
    let deadline = Instant::now() + PATIENCE;
    while server.ask(&["HGET", "test:avail:2026-11-21", "08"]) != Reply::Text(b"50".into()) {
        assert!(Instant::now() < deadline, "{:?}", node.redis);
        std::thread::sleep(Duration::from_millis(5));
    }
    server.ask(&["DEL", "test:avail:2026-11-20"]);
    node.turned(true);
    node.is_in(&server);
}

#[test]
fn behind_a_password_that_is_never_shown() {
    const PASSWORD: &str = "hunter2-is-no-password";
    let Some(server) = RedisServer::start_with_password(Some(PASSWORD)) else { return };
    let mut node = Node::new(&server.url());
    node.free(DAY, 8, 0..50);
    node.is_in(&server);
    for url in [server.url_without_password(), server.url().replace("hunter2", "Hunter2")] {
        let stranger = Node::new(&url);
        let state = stranger.turned(false);
        assert!(!format!("{state:?}").contains("unter2-is-no"), "{state:?}");
    }
}

#[test]
fn cut_connections_are_made_again() {
    let Some(server) = RedisServer::start() else { return };
    let mut node = Node::new(&server.url());
    for hour in 0..10 {
        node.free(DAY, hour, 0..50);
        server.ask(&["CLIENT", "KILL", "TYPE", "normal"]);
        node.free(DAY, hour, 50..60);
    }
    node.is_in(&server);
}

#[test]
fn two_nodes_add_up_to_the_union_of_their_people() {
    let Some(server) = RedisServer::start() else { return };
    let (mut one, mut two) = (Node::new(&server.url()), Node::new(&server.url()));
    one.free(DAY, 8, 0..50);
    two.free(DAY, 8, 25..75);
    two.free(DAY, 9, [1_000]);
    assert!(one.redis.flush(PATIENCE) && two.redis.flush(PATIENCE));
    assert!(one.local.flush(PATIENCE) && two.local.flush(PATIENCE));
    same(&server, &sets(&[&one.store, &two.store]));
    assert_eq!(server.ask(&["HGET", "test:avail:2026-11-21", "08"]).text(), "75");
    let before = (one.redis.status().state().rewritten, two.redis.status().state().rewritten);
    server.ask(&["FLUSHALL"]);
    one.rewritten(before.0);
    two.rewritten(before.1);
    same(&server, &sets(&[&one.store, &two.store]));
}

#[actix::test]
async fn a_stop_while_redis_hangs_takes_no_longer_than_promised_and_loses_nothing() {
    let Some(server) = RedisServer::start() else { return };
    let dir = tempfile::tempdir().unwrap();
    let start = |dir: &std::path::Path| {
        let embedded = Arc::new(Embedded::open(dir).unwrap());
        let store = EmbeddedHistograms::new(embedded.clone());
        let now = UnixMs("2026-11-21T10:30:00Z".parse::<jiff::Timestamp>().unwrap().as_millisecond());
        let clock = Clock::manual(now);
        let local = HistogramWriter::spawn(store.clone(), store.clone(), quick(), clock.clone(), None).unwrap();
        let (url, keys) = (RedisUrl::parse(&server.url()).unwrap(), Keys::new("test:").unwrap());
        let sink = RedisHistograms::new(url, keys, node_id(&embedded).unwrap(), Duration::from_millis(500)).unwrap();
        let redis = HistogramWriter::spawn(sink, store.clone(), quick(), clock.clone(), None).unwrap();
        let inbox = HourlyInbox::new(jiff::tz::TimeZone::UTC, now);
        let settings = Settings::of(jiff::tz::TimeZone::UTC);
        let aggregator =
            HourlyAggregator::new(inbox.clone(), store.clone(), local, Some(redis), clock, settings, Box::new(()));
        (inbox, now, store, actix::Actor::start(aggregator.unwrap()))
    };
    {
        let (inbox, now, store, addr) = start(dir.path());
        inbox.presence(UserNo(7), Presence::Free, true, now);
        server.pause();
        let began = Instant::now();
        let flushed = addr.send(Shutdown).await.unwrap();
        assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
        assert_eq!((flushed.store, flushed.redis), (true, Some(false)));
        assert_eq!(sets(&[&store]).len(), 1);
        while addr.connected() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        server.resume();
    }
    let (_, _, store, addr) = loop {
        // The thread that waited for Redis may hold the folder a moment longer.
        if Embedded::open(dir.path()).is_ok() {
            break start(dir.path());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    while server.ask(&["HGET", "test:avail:2026-11-21", "10"]) != Reply::Text(b"1".into()) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let flushed = addr.send(Shutdown).await.unwrap();
    assert_eq!((flushed.store, flushed.redis), (true, Some(true)));
    same(&server, &sets(&[&store]));
}
