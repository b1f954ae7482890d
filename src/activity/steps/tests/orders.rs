//! Reports in whatever order they come, and bytes that may be anything.
use jiff::civil::date;
use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

use super::*;

/// Two hours of somebody's day: walks of various lengths with rests between them.
fn outing(random: &mut StdRng, every_s: i64) -> Vec<Fix> {
    let (mut fixes, mut metres, mut t) = (Vec::new(), 0.0, MIDNIGHT - HOUR);
    while t < MIDNIGHT + HOUR {
        for (seconds, speed) in [(random.random_range(300..900), 1.4), (random.random_range(120..600), 0.0)] {
            for _ in 0..seconds / every_s {
                metres += speed * every_s as f64;
                t += every_s * 1_000;
                fixes.push(at(metres + random.random_range(-3.0..3.0), t));
            }
        }
    }
    fixes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn blocks_of_fixes_in_any_order_give_the_same_days_within_a_twelfth(
        seed: u64, every_s in prop::sample::select(vec![1_i64, 5, 10, 30]), minutes in 10..60_i64,
    ) {
        let mut random = StdRng::seed_from_u64(seed);
        let fixes = outing(&mut random, every_s);
        let mut in_order = StepCounter::default();
        report(&mut in_order, 0, &fixes);
        let mut blocks: Vec<_> = fixes.chunks((minutes * 60 / every_s) as usize).collect();
        blocks.shuffle(&mut random);
        let mut shuffled = StepCounter::default();
        blocks.iter().for_each(|block| report(&mut shuffled, 0, block));
        for (date, steps) in in_order.days() {
            let other = shuffled.day(date).unwrap_or(0);
            prop_assert!((f64::from(other) - f64::from(steps)).abs() <= f64::from(steps) / 12.0 + 60.0, "{date} {other} {steps}");
        }
        // Told once more, in order: nothing is counted twice.
        let before: Vec<_> = shuffled.days().collect();
        report(&mut shuffled, 0, &fixes);
        for (date, steps) in before {
            prop_assert!(f64::from(shuffled.day(date).unwrap()) <= f64::from(steps) * 1.08 + 20.0);
        }
    }

    #[test]
    fn as_many_late_fixes_as_wait_give_exactly_the_same_days_in_any_order(
        seed: u64, every_s in prop::sample::select(vec![5_i64, 30, 60]), some in 2..super::room::ROOM,
    ) {
        let mut random = StdRng::seed_from_u64(seed);
        let mut fixes = outing(&mut random, every_s);
        fixes.truncate(some);
        let newest = fixes.pop().unwrap();
        let mut days = Vec::new();
        for _ in 0..3 {
            let mut counter = StepCounter::default();
            report(&mut counter, 0, &[newest]);
            report(&mut counter, 0, &fixes);
            days.push(counter.days().filter(|(_, steps)| *steps > 0).collect::<Vec<_>>());
            fixes.shuffle(&mut random);
        }
        prop_assert!(days.iter().all(|other| *other == days[0]), "{days:?}");
    }

    #[test]
    fn counts_of_the_day_and_spans_that_do_not_overlap_give_exactly_the_same_days_in_any_order(
        seed: u64, hours in proptest::collection::btree_map(0..120_i64, 0..6_000_u32, 1..40), device in 0..2_u16,
    ) {
        let mut random = StdRng::seed_from_u64(seed);
        let mut spans: Vec<_> = hours.iter().map(|(hour, steps)| (UnixMs(MIDNIGHT + hour * HOUR + 7_000), UnixMs(MIDNIGHT + (hour + 1) * HOUR), *steps)).collect();
        // The phone's count rises all day and begins anew at midnight.
        let mut counts: Vec<_> = hours.keys().map(|hour| counted(MIDNIGHT + hour * HOUR + 30 * MINUTE, (hour % 24 * 500 + 20) as f64)).collect();
        let run = |spans: &[(UnixMs, UnixMs, u32)], counts: &[Fix]| {
            let mut counter = StepCounter::default();
            spans.iter().for_each(|(from, to, steps)| _ = counter.count(device, *from, *to, *steps));
            counts.iter().for_each(|fix| _ = counter.report(fix, device + 1));
            let alone = |device: u16| counter.devices.iter().find(|it| it.index == device).unwrap();
            let sums: Vec<_> = [device, device + 1].map(|it| alone(it).counted.slots.sum(0, u32::MAX)).to_vec();
            (counter.days().map(|(date, _)| date).collect::<Vec<_>>(), sums)
        };
        let in_order = run(&spans, &counts);
        spans.shuffle(&mut random);
        counts.shuffle(&mut random);
        prop_assert_eq!(run(&spans, &counts), in_order);
    }

    #[test]
    fn any_order_of_a_days_counts_gives_the_last_count(order in Just((1..48_i64).collect::<Vec<_>>()).prop_shuffle()) {
        let mut counter = StepCounter::default();
        for half_hour in order {
            counter.report(&counted(MIDNIGHT + half_hour * 30 * MINUTE, (half_hour * 200) as f64), 0);
        }
        prop_assert_eq!(counter.days().collect::<Vec<_>>(), vec![(date(2026, 3, 2), 47 * 200)]);
    }

    #[test]
    fn damaged_bytes_are_refused_or_read_but_never_fatal(
        format in 1..3_u8, damage in proptest::collection::vec(any::<u8>(), 0..200), t in 0..MIDNIGHT,
    ) {
        let bytes = [&[format], 0.7_f32.to_le_bytes().as_slice(), damage.as_slice()].concat();
        if let Some(mut counter) = StepCounter::from_bytes(&bytes) {
            counter.set_zone(&new_york());
            counter.report(&counted(MIDNIGHT, 5.0), 0);
            report(&mut counter, 1, &[at(0.0, MIDNIGHT), at(500.0, MIDNIGHT + 10 * MINUTE), at(100.0, t), at(100.0, i64::MAX)]);
            counter.count(2, UnixMs(t), UnixMs(MIDNIGHT), 5_000);
            let bytes = counter.to_bytes();
            prop_assert_eq!(StepCounter::from_bytes(&bytes).map(|again| again.to_bytes()), Some(bytes));
        }
    }

    #[test]
    fn whatever_is_reported_is_bounded_and_can_be_kept(
        reports in proptest::collection::vec((0..10 * DAY, 0..6_u16, 0..4_u8, 0..3_000_u32), 0..400),
    ) {
        let mut counter = StepCounter::default();
        for (t, device, kind, steps) in reports {
            match kind {
                0 => _ = counter.report(&counted(MIDNIGHT + t, steps.into()), device),
                1 => _ = counter.count(device, UnixMs(MIDNIGHT + t - i64::from(steps) * 1_000), UnixMs(MIDNIGHT + t), steps),
                _ => _ = counter.report(&at(f64::from(steps), MIDNIGHT + t), device),
            }
        }
        prop_assert!(counter.devices.len() <= DEVICES && counter.days.len() <= DAYS);
        restarted(&counter);
    }
}

#[test]
fn single_fixes_in_the_worst_order_are_never_counted_twice_and_most_are_counted() {
    for every_s in [5, 30, 60] {
        for seed in 0..8 {
            let mut random = StdRng::seed_from_u64(seed);
            let mut fixes = outing(&mut random, every_s);
            let all = |fixes: &[Fix]| {
                let mut counter = StepCounter::default();
                report(&mut counter, 0, fixes);
                counter.days().map(|(_, steps)| f64::from(steps)).sum::<f64>()
            };
            let in_order = all(&fixes);
            fixes.reverse();
            let backwards = all(&fixes);
            fixes.shuffle(&mut random);
            let shuffled = all(&fixes);
            println!("every {every_s} s: backwards {:.2}, shuffled {:.2}", backwards / in_order, shuffled / in_order);
            assert!((backwards / in_order - 1.0).abs() < 0.08, "{backwards} {in_order}");
            assert!((0.7..1.08).contains(&(shuffled / in_order)), "{shuffled} {in_order}");
        }
    }
}
