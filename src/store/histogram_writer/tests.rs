use std::sync::mpsc;

use jiff::civil::date;

use super::*;
use crate::activity::histogram::{HourOfDay, Presence};
use crate::store::Embedded;

/// A sink that a test breaks and mends.
#[derive(Clone, Default)]
struct Shelf(Arc<Mutex<Inside>>);

#[derive(Default)]
struct Inside {
    sets: BTreeMap<HourKey, Vec<u8>>,
    broken: bool,
    refused: Option<HourKey>,
    holds_nothing: bool,
    tries: u32,
}

impl HistogramSink for Shelf {
    fn name(&self) -> &'static str {
        "shelf"
    }

    fn check(&mut self) -> Result<Holds, SinkError> {
        let mut inside = self.0.lock();
        inside.tries += 1;
        match inside.broken {
            true => Err(SinkError::Away("broken".into())),
            false if inside.holds_nothing => Ok(Holds::Unknown),
            false => Ok(Holds::Everything),
        }
    }

    fn write(&mut self, sets: &[HourRow], written: &mut Vec<HourKey>) -> Result<(), SinkError> {
        let mut inside = self.0.lock();
        for set in sets.iter().filter(|set| Some(set.key) != inside.refused) {
            written.push(set.key);
        }
        for set in sets.iter().filter(|set| written.contains(&set.key)) {
            inside.sets.insert(set.key, set.bitmap.clone());
        }
        if written.len() == sets.len() { Ok(()) } else { Err(SinkError::Refused("one was refused".into())) }
    }

    fn confirm(&mut self) -> Result<(), SinkError> {
        self.0.lock().holds_nothing = false;
        Ok(())
    }
}

struct Bench {
    shelf: Shelf,
    store: EmbeddedHistograms,
    writer: HistogramWriter,
    edges: mpsc::Receiver<SinkState>,
    _dir: tempfile::TempDir,
}

fn bench(broken: bool) -> Bench {
    let dir = tempfile::tempdir().unwrap();
    let store = EmbeddedHistograms::new(Arc::new(Embedded::open(dir.path()).unwrap()));
    let shelf = Shelf::default();
    shelf.0.lock().broken = broken;
    let ms = Duration::from_millis;
    let pace = Pace { look_every: ms(10), pause_min: ms(2), pause_max: ms(10) };
    let (tell, edges) = mpsc::channel();
    let watch: Watch = Box::new(move |state| drop(tell.send(state.clone())));
    let clock = Clock::manual(UnixMs(1_000));
    let writer = HistogramWriter::spawn(shelf.clone(), store.clone(), pace, clock, Some(watch)).unwrap();
    Bench { shelf, store, writer, edges, _dir: dir }
}

fn set(hour: u8, bitmap: &[u8]) -> HourRow {
    HourRow { key: (HourOfDay { date: date(2026, 11, 21), hour }, Presence::Free), bitmap: bitmap.to_vec() }
}

const PATIENCE: Duration = Duration::from_secs(10);

#[test]
fn what_is_offered_arrives_and_the_newest_wins() {
    let bench = bench(false);
    bench.writer.offer([set(7, &[1]), set(8, &[2])]);
    bench.writer.offer([set(7, &[3])]);
    assert!(bench.writer.flush(PATIENCE));
    assert_eq!(bench.shelf.0.lock().sets.values().cloned().collect::<Vec<_>>(), [[3], [2]]);
    let state = bench.writer.status().state();
    assert!(state.ok && state.waiting == 0 && state.written >= 2 && state.last_error.is_none());
}

#[test]
fn a_sink_that_fails_is_told_once_tried_again_and_told_when_it_is_back() {
    let bench = bench(true);
    bench.writer.offer([set(7, &[1])]);
    let began = bench.edges.recv_timeout(PATIENCE).unwrap();
    assert_eq!((began.ok, began.last_error.as_deref(), began.since), (false, Some("broken"), UnixMs(1_000)));
    assert!(!bench.writer.flush(Duration::from_millis(30)), "nothing has arrived");
    let state = bench.writer.status().state();
    assert_eq!((state.waiting, state.lag_ms(UnixMs(5_000))), (1, 4_000));
    bench.shelf.0.lock().broken = false;
    assert!(bench.edges.recv_timeout(PATIENCE).unwrap().ok);
    assert!(bench.writer.flush(PATIENCE));
    assert_eq!(bench.shelf.0.lock().sets.len(), 1);
    assert!(bench.edges.try_recv().is_err(), "each turn is told once");
}

#[test]
fn one_set_that_is_refused_does_not_hold_back_the_others() {
    let bench = bench(false);
    bench.shelf.0.lock().refused = Some(set(7, &[]).key);
    bench.writer.offer([set(6, &[1]), set(7, &[1]), set(8, &[1])]);
    assert!(!bench.edges.recv_timeout(PATIENCE).unwrap().ok);
    assert_eq!(bench.writer.status().state().waiting, 1);
    assert_eq!(bench.shelf.0.lock().sets.len(), 2);
    bench.shelf.0.lock().refused = None;
    assert!(bench.writer.flush(PATIENCE));
}

#[test]
fn a_sink_that_lost_everything_gets_every_day_from_the_store() {
    let mut bench = bench(false);
    let mut old = set(3, &[0x80]);
    old.key.0.date = date(2025, 1, 1);
    bench.store.write(&[old, set(4, &[0x40])], &mut Vec::new()).unwrap();
    bench.writer.offer([set(5, &[0x20])]);
    assert!(bench.writer.flush(PATIENCE));
    assert_eq!(bench.shelf.0.lock().sets.len(), 1);
    let rewritten = bench.writer.status().state().rewritten;
    {
        let mut inside = bench.shelf.0.lock();
        inside.sets.clear();
        inside.holds_nothing = true;
    }
    bench.store.write(&[set(5, &[0x20])], &mut Vec::new()).unwrap();
    while bench.writer.status().state().rewritten == rewritten {
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(bench.shelf.0.lock().sets.len(), 3);
}

#[test]
fn a_failing_sink_is_left_alone_for_a_while() {
    let bench = bench(true);
    std::thread::sleep(Duration::from_millis(100));
    let tries = bench.shelf.0.lock().tries;
    assert!((3..=45).contains(&tries), "{tries} tries in 100 ms with pauses of 2 to 10 ms");
}
