//! Scenarios of a day's steps. Orders in which reports come are in `orders.rs`.
use jiff::civil::date;

use super::*;
use crate::domain::FixFields;

#[path = "tests/orders.rs"]
mod orders;

/// 2026-03-02 00:00 UTC.
const MIDNIGHT: i64 = 1_772_409_600_000;
const MINUTE: i64 = 60_000;
const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

fn counted(t: i64, steps: f64) -> Fix {
    let fields = FixFields { lat: 40.76, lon: -73.97, t, steps: Some(steps), ..FixFields::default() };
    Fix::recorded(&fields, UnixMs(t)).unwrap()
}

/// A fix some metres east of the square.
fn at(metres: f64, t: i64) -> Fix {
    let lon = -73.97 + metres / (111_195.0 * 40.76_f64.to_radians().cos());
    let fields = FixFields { lat: 40.76, lon, t, acc: Some(4.0), ..FixFields::default() };
    Fix::recorded(&fields, UnixMs(t)).unwrap()
}

/// A walk at 1.4 m/s with a fix every `every_s` seconds.
fn walk(from: i64, seconds: i64, every_s: i64) -> Vec<Fix> {
    (0..seconds / every_s).map(|n| at((n * every_s) as f64 * 1.4, from + n * every_s * 1_000)).collect()
}

fn steps_of(seconds: i64) -> f64 {
    seconds as f64 * 1.4 / f64::from(DEFAULT_STRIDE_M)
}

fn new_york() -> TimeZone {
    TimeZone::posix("EST5EDT,M3.2.0,M11.1.0").unwrap()
}

fn in_zone(zone: &TimeZone) -> StepCounter {
    let mut counter = StepCounter::default();
    counter.set_zone(zone);
    counter
}

fn report(counter: &mut StepCounter, device: u16, fixes: &[Fix]) {
    fixes.iter().for_each(|fix| _ = counter.report(fix, device));
}

fn today(counter: &StepCounter, t: i64) -> u32 {
    counter.today(UnixMs(t))
}

fn after(counts: &[(i64, f64)]) -> StepCounter {
    let mut counter = StepCounter::default();
    counts.iter().for_each(|&(t, steps)| _ = counter.report(&counted(MIDNIGHT + t, steps), 0));
    counter
}

fn is_about(steps: u32, expected: f64) -> bool {
    (f64::from(steps) / expected - 1.0).abs() < 0.1
}

fn restarted(counter: &StepCounter) -> StepCounter {
    let mut again = StepCounter::from_bytes(&counter.to_bytes()).unwrap();
    assert!(!again.set_zone(&counter.zone));
    assert_eq!(again.to_bytes(), counter.to_bytes());
    again
}

#[test]
fn the_phones_own_count_is_the_count() {
    let mut counter = StepCounter::default();
    assert!(counter.report(&counted(MIDNIGHT + HOUR, 100.0), 0));
    assert!(!counter.report(&counted(MIDNIGHT + HOUR + 1, 100.0), 0));
    assert!(!counter.report(&counted(MIDNIGHT + HOUR / 2, 90.0), 0), "late, and known");
    assert_eq!((today(&counter, MIDNIGHT + 2 * HOUR), counter.day(date(2026, 3, 2))), (100, Some(100)));
    assert_eq!(today(&counter, MIDNIGHT + DAY), 0);
}

#[test]
fn a_phone_that_restarts_or_corrects_itself_loses_nothing() {
    let restarted = after(&[(8 * HOUR, 5_000.0), (9 * HOUR, 10.0), (10 * HOUR, 300.0)]);
    assert_eq!(today(&restarted, MIDNIGHT + 10 * HOUR), 5_300);
    let corrected = after(&[(8 * HOUR, 5_000.0), (9 * HOUR, 4_990.0), (10 * HOUR, 5_010.0)]);
    assert_eq!(today(&corrected, MIDNIGHT + 10 * HOUR), 5_010);
}

#[test]
fn a_phone_that_turns_to_the_new_day_late_does_not_bring_yesterdays_steps() {
    let late = after(&[(-HOUR, 8_000.0), (30_000, 8_003.0), (60_000, 8_010.0), (300_000, 4.0), (900_000, 54.0)]);
    assert_eq!((today(&late, MIDNIGHT + HOUR), today(&late, MIDNIGHT - 1)), (64, 8_000));
    let unknown = after(&[(30_000, 8_003.0), (60_000, 8_010.0)]);
    assert_eq!(today(&unknown, MIDNIGHT + HOUR), 7);
    let in_time = after(&[(-HOUR, 8_000.0), (9 * HOUR, 900.0)]);
    assert_eq!(today(&in_time, MIDNIGHT + 9 * HOUR), 900);
}

#[test]
fn the_day_is_the_persons_own() {
    let mut counter = in_zone(&new_york());
    counter.report(&counted(MIDNIGHT + 4 * HOUR, 700.0), 0);
    assert_eq!((counter.day(date(2026, 3, 1)), today(&counter, MIDNIGHT + 5 * HOUR)), (Some(700), 0));
}

#[test]
fn days_of_23_and_25_hours_are_days() {
    // Clocks go forward at 2:00 on 2026-03-08 and back at 2:00 on 2026-11-01.
    for (day, hours, utc_midnight) in
        [(date(2026, 3, 8), 23, MIDNIGHT + 6 * DAY), (date(2026, 11, 1), 25, MIDNIGHT + 244 * DAY)]
    {
        let mut counter = in_zone(&new_york());
        let begin = utc_midnight + if hours == 23 { 5 * HOUR } else { 4 * HOUR };
        let end = begin + hours * HOUR;
        // A quarter of an hour in every hour of the day and around it.
        for hour in -3..hours + 3 {
            counter.count(0, UnixMs(begin + hour * HOUR), UnixMs(begin + hour * HOUR + 15 * MINUTE), 100);
        }
        let days: Vec<_> = counter.days().collect();
        let expected = [(day.tomorrow().unwrap(), 300), (day, 100 * hours as u32), (day.yesterday().unwrap(), 300)];
        assert_eq!(days, expected);
        // A span over the whole day and one over both midnights.
        let mut whole = in_zone(&new_york());
        whole.count(0, UnixMs(begin), UnixMs(end), 9_200);
        assert_eq!(whole.days().collect::<Vec<_>>(), [(day, 9_200)]);
        whole.count(1, UnixMs(begin - HOUR), UnixMs(begin), 50);
        assert_eq!(whole.day(day.yesterday().unwrap()), Some(50));
        let mut own = in_zone(&new_york());
        own.report(&counted(end - 1_000, 12_000.0), 0);
        own.report(&counted(end + 8 * HOUR, 900.0), 0);
        assert_eq!(own.days().map(|(_, steps)| steps).collect::<Vec<_>>(), [900, 12_000]);
    }
}

#[test]
fn distance_counts_where_the_phone_does_not_and_a_stride_is_the_persons() {
    let mut counter = StepCounter::default();
    report(&mut counter, 0, &walk(MIDNIGHT + HOUR, 600, 1));
    let plain = today(&counter, MIDNIGHT + 2 * HOUR);
    assert!(is_about(plain, steps_of(600)), "{plain}");
    let mut tall = StepCounter::new(1.0);
    report(&mut tall, 0, &walk(MIDNIGHT + HOUR, 600, 1));
    assert!((f64::from(today(&tall, MIDNIGHT + 2 * HOUR)) / (f64::from(plain) * 0.762) - 1.0).abs() < 0.01);
    assert_eq!(StepCounter::new(f32::NAN), StepCounter::default());
}

#[test]
fn two_devices_in_one_pocket_are_one_walk() {
    let mut counter = StepCounter::default();
    report(&mut counter, 0, &walk(MIDNIGHT + HOUR, 600, 1));
    let alone = today(&counter, MIDNIGHT + 2 * HOUR);
    report(&mut counter, 1, &walk(MIDNIGHT + HOUR, 600, 1));
    assert_eq!(today(&counter, MIDNIGHT + 2 * HOUR), alone);
    counter.report(&counted(MIDNIGHT + 2 * HOUR, 700.0), 2);
    assert_eq!(today(&counter, MIDNIGHT + 2 * HOUR), 700, "one of them counts");
    for (device, steps) in [(2, 5_000.0), (3, 4_000.0), (4, 6_000.0)] {
        counter.report(&counted(MIDNIGHT + 3 * HOUR, steps), device);
    }
    assert_eq!((today(&counter, MIDNIGHT + 2 * HOUR), counter.devices.len()), (6_000, DEVICES));
}

#[test]
fn what_another_device_walks_after_the_last_count_is_added_and_a_phone_left_at_home_takes_nothing_away() {
    let mut counter = StepCounter::default();
    counter.report(&counted(MIDNIGHT + 12 * HOUR, 6_000.0), 0);
    report(&mut counter, 1, &walk(MIDNIGHT + 14 * HOUR, 600, 1));
    assert!(is_about(today(&counter, MIDNIGHT + 15 * HOUR), 6_000.0 + steps_of(600)));
    let mut runner = StepCounter::default();
    report(&mut runner, 1, &walk(MIDNIGHT + 8 * HOUR, 3_600, 5));
    runner.report(&counted(MIDNIGHT + 12 * HOUR, 200.0), 0);
    assert!(is_about(today(&runner, MIDNIGHT + 12 * HOUR), steps_of(3_600)));
}

#[test]
fn a_span_of_steps_counts_once_however_often_and_in_whatever_pieces_it_is_told() {
    let mut counter = StepCounter::default();
    let mut tell = |from: i64, to: i64, steps| {
        counter.count(0, UnixMs(MIDNIGHT + from * HOUR), UnixMs(MIDNIGHT + to * HOUR), steps);
        counter.day(date(2026, 3, 2)).unwrap_or(0)
    };
    assert_eq!(tell(8, 10, 3_000), 3_000);
    assert_eq!(tell(8, 10, 3_000), 3_000, "the same again");
    assert_eq!(tell(8, 10, 3_100), 3_100, "corrected");
    assert_eq!(tell(8, 9, 2_500), 3_100, "a part of it");
    assert_eq!(tell(0, 11, 4_000), 4_000, "it has grown");
    assert_eq!(tell(0, 11, 3_900), 4_000);
    assert_eq!(
        tell(10, 12, 1_000),
        4_900,
        "of the nine hours before 8 and from 10 to 11 this tells one again: 100 steps"
    );
    assert_eq!(tell(14, 14, 5), 4_900, "no length");
    assert_eq!(tell(15, 14, 5), 4_900, "backwards");
    assert_eq!(tell(14, 15, 20_000), 4_900, "nobody runs so fast");
}

#[test]
fn a_span_over_midnight_is_divided_by_time() {
    let mut counter = StepCounter::default();
    assert!(counter.count(0, UnixMs(MIDNIGHT - HOUR), UnixMs(MIDNIGHT + 3 * HOUR), 400));
    assert_eq!((counter.day(date(2026, 3, 1)), counter.day(date(2026, 3, 2))), (Some(100), Some(300)));
}

#[test]
fn a_trip_that_the_phone_counted_replaces_what_was_worked_out_for_it() {
    let mut counter = StepCounter::default();
    report(&mut counter, 0, &walk(MIDNIGHT + 8 * HOUR, 3_600, 1));
    counter.count(0, UnixMs(MIDNIGHT + 8 * HOUR), UnixMs(MIDNIGHT + 9 * HOUR), 5_555);
    report(&mut counter, 0, &walk(MIDNIGHT + 11 * HOUR, 600, 1));
    assert!(is_about(today(&counter, MIDNIGHT + 12 * HOUR), 5_555.0 + steps_of(600)));
}

#[test]
fn a_backlog_corrects_the_day_it_belongs_to_and_counts_once() {
    let walked = walk(MIDNIGHT - 2 * HOUR, 4 * 3_600, 30);
    let mut counter = StepCounter::default();
    // The phone was without a network for eight hours; it sends the present first, then the rest in order, twice.
    report(&mut counter, 0, &[at(0.0, MIDNIGHT - 3 * HOUR), at(50_000.0, MIDNIGHT + 6 * HOUR)]);
    assert_eq!(counter.days().count(), 0);
    for _ in 0..2 {
        report(&mut counter, 0, &walked);
        for day in [date(2026, 3, 1), date(2026, 3, 2)] {
            assert!(is_about(counter.day(day).unwrap(), steps_of(7_200)), "{day}: {:?}", counter.day(day));
        }
    }
    let before = counter.days().collect::<Vec<_>>();
    let mut counter = restarted(&counter);
    report(&mut counter, 0, &walked);
    assert_eq!(counter.days().collect::<Vec<_>>(), before, "and after a restart");
}

#[test]
fn a_backlog_may_come_between_live_fixes_and_from_a_second_device() {
    let (late, live) = (walk(MIDNIGHT + 8 * HOUR, 3_600, 10), walk(MIDNIGHT + 20 * HOUR, 3_600, 10));
    let mut counter = StepCounter::default();
    for (late, live) in late.iter().zip(&live) {
        report(&mut counter, 0, &[*live, *late]);
        report(&mut counter, 1, &[*live]);
    }
    report(&mut counter, 1, &late);
    let steps = today(&counter, MIDNIGHT + 21 * HOUR);
    assert!(is_about(steps, steps_of(7_200)), "{steps}");
}

#[test]
fn a_week_old_backlog_still_counts_and_an_older_one_does_not() {
    let mut counter = StepCounter::default();
    report(&mut counter, 0, &walk(MIDNIGHT + 8 * DAY, 600, 5));
    report(&mut counter, 0, &walk(MIDNIGHT + DAY + HOUR, 600, 5));
    assert!(is_about(counter.day(date(2026, 3, 3)).unwrap(), steps_of(600)));
    report(&mut counter, 0, &walk(MIDNIGHT - 2 * DAY, 600, 5));
    assert_eq!(counter.days().count(), 2);
}

#[test]
fn a_silent_walk_of_minutes_counts_and_a_ride_or_a_long_silence_does_not() {
    let silent = |metres: f64, minutes: i64| {
        let mut counter = StepCounter::default();
        report(&mut counter, 0, &[at(0.0, MIDNIGHT + HOUR), at(metres, MIDNIGHT + HOUR + minutes * MINUTE)]);
        today(&counter, MIDNIGHT + 3 * HOUR)
    };
    assert_eq!(silent(1_000.0, 12), 1_312, "1.4 m/s");
    assert_eq!(silent(1_000.0, 5), 0, "3.3 m/s");
    assert_eq!(silent(150.0, 6), 0, "hardly moved");
    assert_eq!(silent(2_000.0, 30), 0, "anything may have happened");
    // A walker's mean speed next to a ride is a bus at a stop.
    let stops = [
        at(0.0, MIDNIGHT),
        at(700.0, MIDNIGHT + 10 * MINUTE),
        at(6_000.0, MIDNIGHT + 20 * MINUTE),
        at(6_700.0, MIDNIGHT + 30 * MINUTE),
    ];
    let mut bus = StepCounter::default();
    report(&mut bus, 0, &stops);
    assert_eq!(today(&bus, MIDNIGHT + HOUR), 0);
}

#[test]
fn what_really_happened_in_a_silence_replaces_the_guess() {
    let live = [at(0.0, MIDNIGHT + HOUR), at(1_200.0, MIDNIGHT + HOUR + 15 * MINUTE)];
    let mut counter = StepCounter::default();
    report(&mut counter, 0, &live);
    assert_eq!(today(&counter, MIDNIGHT + 2 * HOUR), 1_574);
    // In truth they sat, and then took a taxi.
    let sat = (1..26).map(|n| at(0.0, MIDNIGHT + HOUR + n * 30_000));
    let rode = (1..5).map(|n| at(n as f64 * 300.0, MIDNIGHT + HOUR + 13 * MINUTE + n * 20_000));
    report(&mut counter, 0, &sat.chain(rode).collect::<Vec<_>>());
    assert!(today(&counter, MIDNIGHT + 2 * HOUR) < 20, "{}", today(&counter, MIDNIGHT + 2 * HOUR));
    // In truth they walked to and fro.
    let mut counter = StepCounter::default();
    report(&mut counter, 0, &live);
    let swung = (1..150).map(|n| {
        at(
            1_260.0 * (n as f64 / 100.0).min(1.0) - 600.0 * (n as f64 / 100.0 - 1.0).max(0.0),
            MIDNIGHT + HOUR + n * 6_000,
        )
    });
    let swung: Vec<_> = swung.collect();
    report(&mut counter, 0, &swung);
    assert!(
        is_about(today(&counter, MIDNIGHT + 2 * HOUR), (1_260.0 + 300.0) / 0.762),
        "{}",
        today(&counter, MIDNIGHT + 2 * HOUR)
    );
    // One late fix alone leaves the rest a guess.
    let mut counter = StepCounter::default();
    report(&mut counter, 0, &live);
    report(&mut counter, 0, &[at(600.0, MIDNIGHT + HOUR + 450_000)]);
    assert!(is_about(today(&counter, MIDNIGHT + 2 * HOUR), 1_574.0), "{}", today(&counter, MIDNIGHT + 2 * HOUR));
}

#[test]
fn a_change_of_zone_neither_loses_nor_doubles_a_step() {
    let zones = [
        TimeZone::UTC,
        new_york(),
        TimeZone::fixed(jiff::tz::offset(5)),
        TimeZone::fixed(jiff::tz::Offset::from_seconds(20_700).unwrap()),
    ];
    for from in &zones {
        for to in &zones {
            let mut counter = in_zone(from);
            for hour in -30..20 {
                counter.count(0, UnixMs(MIDNIGHT + hour * HOUR), UnixMs(MIDNIGHT + (hour + 1) * HOUR), 64);
                report(&mut counter, 1, &walk(MIDNIGHT + hour * HOUR, 1_200, 10));
            }
            let all = |counter: &StepCounter| counter.days().map(|(_, steps)| steps).sum::<u32>();
            let before = (all(&counter), counter.days().collect::<Vec<_>>());
            counter.set_zone(to);
            // Days are whole steps: the fractions of two or three days may add up to one.
            assert!(all(&counter).abs_diff(before.0) <= 2, "{from:?} {to:?}: {} {}", all(&counter), before.0);
            assert_eq!(all(&restarted(&counter)), all(&counter));
            counter.set_zone(from);
            assert_eq!(counter.days().filter(|(_, steps)| *steps > 0).collect::<Vec<_>>(), before.1, "and back");
        }
    }
}

#[test]
fn a_phone_that_counts_goes_on_over_a_change_of_zone() {
    // Its midnight was New York's all along; the account learns it at 15:00 there.
    let mut counter = StepCounter::default();
    let fives: Vec<_> = (0..120).map(|n| MIDNIGHT + 5 * HOUR + n * 5 * MINUTE).collect();
    let count = |t: i64| ((t - MIDNIGHT - 5 * HOUR) / MINUTE * 5) as f64;
    fives.iter().for_each(|t| _ = counter.report(&counted(*t, count(*t)), 0));
    assert_eq!(counter.days().map(|(_, steps)| steps).sum::<u32>(), 2_975);
    counter.set_zone(&new_york());
    for n in 120..200 {
        let t = MIDNIGHT + 5 * HOUR + n * 5 * MINUTE;
        counter.report(&counted(t, count(t)), 0);
    }
    assert_eq!(counter.days().filter(|(_, steps)| *steps > 0).collect::<Vec<_>>(), [(date(2026, 3, 2), 199 * 25)]);
    // The account is set to another zone than the phone's: its count goes on from what it was.
    let mut counter = StepCounter::default();
    (0..120).for_each(|n| _ = counter.report(&counted(MIDNIGHT + n * 5 * MINUTE, (n * 25) as f64), 0));
    counter.set_zone(&new_york());
    (120..130).for_each(|n| _ = counter.report(&counted(MIDNIGHT + n * 5 * MINUTE, (n * 25) as f64), 0));
    assert_eq!(counter.days().map(|(_, steps)| steps).sum::<u32>(), 129 * 25);
}

#[test]
fn a_fifth_device_takes_nothing_away() {
    let mut counter = StepCounter::default();
    for device in 0..6 {
        report(&mut counter, device, &walk(MIDNIGHT + i64::from(device) * HOUR, 600, 5));
    }
    assert_eq!(counter.devices.len(), DEVICES);
    assert!(is_about(today(&counter, MIDNIGHT + 7 * HOUR), steps_of(3_600)));
    assert_eq!(today(&restarted(&counter), MIDNIGHT + 7 * HOUR), today(&counter, MIDNIGHT + 7 * HOUR));
}

#[test]
fn the_newest_days_are_kept_and_survive_as_bytes() {
    let mut counter = StepCounter::new(0.7);
    for day in 0..12 {
        report(&mut counter, 0, &walk(MIDNIGHT + day * DAY + HOUR, 120, 1));
        counter.report(&counted(MIDNIGHT + day * DAY + 8 * HOUR, 1_000.0 + day as f64), 1);
        assert_eq!(counter.days_to_keep().count(), 1);
        assert_eq!(counter.days_to_keep().count(), 0);
    }
    let dates: Vec<_> = counter.days().map(|(date, steps)| (date.day(), steps)).collect();
    assert_eq!(dates[..2], [(13, 1_011), (12, 1_010)]);
    assert_eq!(dates.len(), 10);
    let mut back = restarted(&counter);
    let t = MIDNIGHT + 11 * DAY + 8 * HOUR;
    assert!(!back.report(&counted(t - HOUR, 900.0), 1), "known before the restart");
    assert_eq!(today(&back, t), 1_011);
    back.report(&counted(t + HOUR, 2_000.0), 1);
    assert_eq!(today(&back, t), 2_000);
}

#[test]
fn what_the_first_format_kept_is_taken_over() {
    // Written by the version before: device 0 walked 500 steps on 2026-03-02, device 1 counted 1,200 until noon.
    let mut old = vec![1];
    old.extend(0.8_f32.to_le_bytes());
    old.push(2);
    for (day, steps) in [(2_u32, 1_200_u32), (1, 7_000)] {
        old.extend((2_026 * 512 + 3 * 32 + day).to_le_bytes());
        old.extend(steps.to_le_bytes());
    }
    old.push(2);
    for (index, walked, count) in [(0_u16, 500.0_f32, None), (1, 0.0, Some(1_150_u32))] {
        old.extend(index.to_le_bytes());
        old.extend((2_026_u32 * 512 + 3 * 32 + 2).to_le_bytes());
        old.extend(walked.to_le_bytes());
        old.push(u8::from(count.is_some()));
        old.extend(count.unwrap_or(0).to_le_bytes());
        old.extend(50_i64.to_le_bytes());
        old.extend((MIDNIGHT + 12 * HOUR).to_le_bytes());
    }
    let mut counter = StepCounter::from_bytes(&old).unwrap();
    assert_eq!(counter.days().map(|(_, steps)| steps).collect::<Vec<_>>(), [1_200, 7_000]);
    counter.set_zone(&TimeZone::UTC);
    counter.report(&counted(MIDNIGHT + 13 * HOUR, 1_450.0), 1);
    assert_eq!(counter.day(date(2026, 3, 2)), Some(1_500));
    report(&mut counter, 0, &walk(MIDNIGHT - 10 * HOUR, 600, 5));
    assert!(
        is_about(counter.day(date(2026, 3, 1)).unwrap(), 7_000.0 + 600.0 * 1.4 / 0.8),
        "late, on a day before the change"
    );
    let before = counter.days().collect::<Vec<_>>();
    assert_eq!(restarted(&counter).days().collect::<Vec<_>>(), before);
    assert!(StepCounter::from_bytes(&old[..old.len() - 1]).is_none());
    assert!(StepCounter::from_bytes(&[3, 0, 0, 0, 0]).is_none());
}

#[test]
fn a_person_takes_little_memory() {
    let mut counter = StepCounter::default();
    let now = size_of::<StepCounter>() + size_of::<Device>();
    // A week of five hours on foot a day, in 20 pieces a day, the worst that is likely of one phone.
    for piece in 0..140 {
        report(&mut counter, 0, &walk(MIDNIGHT + piece * DAY / 20, 900, 5));
    }
    let device = &counter.devices[0];
    let heap =
        device.counted.slots.heap_bytes() + device.moving.heap_bytes() + counter.days.capacity() * size_of::<Day>();
    println!("{now} bytes at once, {heap} more after a week; {} as bytes", counter.to_bytes().len());
    assert!(now <= 704, "{now}");
    assert!(heap <= 4_096, "{heap}");
    assert!(counter.to_bytes().len() <= 1_500);
}
