//! Positions that are too old go, and nothing else does.
use letshang::activity::steps::StepCounter;
use letshang::activity::track::Track;
use letshang::domain::{Availability, DeviceName, Fix, FixFields, Note, UnixMs, UserNo};
use letshang::store::rows::{DeviceRow, LiveRow};
use letshang::store::{Durability, Embedded, WriteBatch};

use super::erasure::{finds_nothing, forms_of};
use super::house::{House, NOW};

const DAY: i64 = 24 * 3_600_000;
const LAT: f64 = 40.764_350_330_512;
const LON: f64 = -73.969_435_693_871;

fn fix(t: UnixMs) -> Fix {
    let fields = FixFields { lat: LAT, lon: LON, t: t.0, steps: Some(812.0), ..FixFields::default() };
    Fix::recorded(&fields, t).unwrap()
}

fn row(no: u32, newest: i64, live: i64, suspect: Option<i64>) -> LiveRow {
    let mut steps = StepCounter::new(0.8);
    steps.report(&fix(NOW + newest), 0);
    LiveRow {
        no: UserNo(no),
        hand: Some(Availability { free: true, note: Some(Note::parse("coffee?").unwrap()), until: Some(NOW + DAY) }),
        track: Track {
            newest: Some(fix(NOW + newest)),
            live: Some(fix(NOW + live)),
            suspect: suspect.map(|t| fix(NOW + t)),
        },
        steps: steps.to_bytes(),
        devices: vec![DeviceRow { name: DeviceName::parse("phone").unwrap(), last_seq: 41, last_t: NOW + newest }],
        last_seen: NOW + newest,
        changed_by_hand: NOW + live,
    }
}

#[test]
fn old_positions_leave_the_rows_and_the_disk_and_everything_else_stays() {
    let house = House::new();
    let rows = [row(0, -2 * DAY, -2 * DAY, None), row(1, 0, -2 * DAY, Some(-3 * DAY)), row(2, -DAY, -DAY, None)];
    let mut batch = WriteBatch::new();
    rows.iter().for_each(|row| batch.put(row));
    house.store.commit(batch, Durability::Process).unwrap();
    let house = house.restarted();

    assert_eq!(house.store.forget_positions(NOW + -DAY, |_| true).unwrap(), 2);
    assert_eq!(house.store.forget_positions(NOW + -DAY, |_| true).unwrap(), 0);
    let left = house.store.all::<LiveRow>().unwrap();
    let expected =
        [Track::default(), Track { newest: rows[1].track.newest, ..Track::default() }, rows[2].track.clone()];
    for ((left, before), track) in left.iter().zip(&rows).zip(expected) {
        assert_eq!(*left, LiveRow { track, ..before.clone() });
    }
    assert!(house.store.owes_purge().unwrap());
    assert_eq!(house.store.forget_positions(NOW + 1, |_| true).unwrap(), 2);
    house.store.purge().unwrap();
    assert!(!house.store.owes_purge().unwrap());
    finds_nothing(house.dir.path(), &[forms_of(LAT), forms_of(LON)].concat());
    let steps = StepCounter::from_bytes(&house.store.all::<LiveRow>().unwrap()[0].steps).unwrap();
    assert_eq!(steps.days().next().map(|(_, steps)| steps), Some(812));
}

#[test]
fn who_is_awake_is_left_alone() {
    let house = House::new();
    let mut batch = WriteBatch::new();
    let rows = [row(0, -2 * DAY, -2 * DAY, None), row(1, -2 * DAY, -2 * DAY, None)];
    rows.iter().for_each(|row| batch.put(row));
    house.store.commit(batch, Durability::Process).unwrap();
    assert_eq!(house.store.forget_positions(NOW, |no| no == UserNo(1)).unwrap(), 1);
    let left = house.store.all::<LiveRow>().unwrap();
    assert_eq!((&left[0], &left[1].track), (&rows[0], &Track::default()));
}

#[test]
fn rows_that_others_write_meanwhile_are_never_set_back() {
    let house = House::new();
    const PEOPLE: u32 = 600;
    let write = |seq: u64| {
        for first in (0..PEOPLE).step_by(100) {
            let mut batch = WriteBatch::new();
            for no in first..first + 100 {
                let mut row = row(no, -2 * DAY, -2 * DAY, None);
                row.devices[0].last_seq = seq;
                batch.put(&row);
            }
            house.store.commit(batch, Durability::Process).unwrap();
        }
    };
    write(0);
    std::thread::scope(|threads| {
        let sweep =
            threads.spawn(|| (0..20).map(|_| house.store.forget_positions(NOW, |_| true).unwrap()).sum::<usize>());
        (1..=20).for_each(&write);
        assert!(sweep.join().unwrap() > 0);
    });
    let rows = house.store.all::<LiveRow>().unwrap();
    assert_eq!(rows.len(), PEOPLE as usize);
    assert!(rows.iter().all(|row| row.devices[0].last_seq == 20), "no newer row was lost");
}

#[test]
fn a_position_that_was_replaced_leaves_the_disk_with_the_next_purge() {
    let house = House::new();
    assert!(!house.store.has_replaced_positions(), "nothing was ever written");
    for round in 0..20 {
        let mut batch = WriteBatch::new();
        batch.put(&row(0, round, round, None));
        house.store.commit(batch, Durability::Process).unwrap();
    }
    assert!(house.store.has_replaced_positions());
    house.store.purge().unwrap();
    assert!(!house.store.has_replaced_positions());
    let dir = house.dir;
    drop((house.store, house.accounts));
    let again = Embedded::open(dir.path()).unwrap();
    assert!(again.has_replaced_positions(), "what another process has written nobody remembers");
}
