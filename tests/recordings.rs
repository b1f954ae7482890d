//! Steps from real recordings, which lie beside the project in `../shared/data/gpx` and are not part of it.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]
use std::path::Path;

use letshang::activity::ground::metres_between;
use letshang::activity::steps::StepCounter;
use letshang::activity::walking::{Stretch, Walking};
use letshang::domain::{Fix, UnixMs};
use letshang::protocol::gpx;

/// Metres (PROTOCOL.md, section 2).
const STRIDE: f64 = 0.762;

/// The points of a real recording, every `nth` of them; `None` with a message where the recordings are absent.
fn recording(name: &str, nth: usize) -> Option<Vec<Fix>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = ["../shared", "../../shared"].map(|folder| root.join(folder).join("data/gpx").join(name));
    let Some(path) = path.into_iter().find(|path| path.exists()) else {
        println!("skipped: ../shared/data/gpx/{name} is absent");
        return None;
    };
    let points = gpx::parse(&std::fs::read(path).unwrap()).unwrap();
    Some(points.iter().step_by(nth).map(|point| Fix::recorded(point, UnixMs(point.t)).unwrap()).collect())
}

fn steps_of(fixes: &[Fix]) -> f64 {
    let mut walking = Walking::default();
    let mut walked: Vec<Stretch> = fixes.iter().filter_map(|fix| walking.report(fix).walked).collect();
    walked.extend(walking.finish());
    walked.iter().map(|stretch| f64::from(stretch.metres)).fold(0.0, |sum, metres| sum + metres) / STRIDE
}

/// What a person's counter makes of them.
fn counted<'a>(fixes: impl Iterator<Item = &'a Fix>) -> f64 {
    let mut counter = StepCounter::default();
    fixes.for_each(|fix| _ = counter.report(fix, 0));
    counter.days().map(|(_, steps)| f64::from(steps)).sum()
}

/// Steps by distance over the stretches of `seconds` that went at the speed of somebody on foot (a runner's up to 4 m/s): a plain
/// measure to compare with.
fn plain_steps(fixes: &[Fix], seconds: f64) -> f64 {
    let mut metres = 0.0;
    let mut start = fixes[0];
    for fix in fixes {
        let lasted = fix.t.since(start.t) as f64 / 1e3;
        if lasted >= seconds {
            let went = metres_between(start.position, fix.position);
            metres += if (0.4..=4.0).contains(&(went / lasted)) { went } else { 0.0 };
            start = *fix;
        }
    }
    metres / STRIDE
}

#[test]
fn a_recorded_city_bus_gives_next_to_no_steps_however_often_it_reports() {
    for nth in [1, 2, 3, 5, 7, 10, 15, 20, 30, 45, 60] {
        let Some(fixes) = recording("304_to_UL_2019-02-18_0745.gpx", nth) else { return };
        let (steps, counted) = (steps_of(&fixes), counted(fixes.iter()));
        println!(
            "bus, every {nth}. fix: {steps:.0} steps, {counted:.0} with what was guessed of silences, of {:.0} by plain distance",
            plain_steps(&fixes, 30.0)
        );
        assert!(steps < 200.0 && (nth > 2 || counted < 50.0), "{steps} steps from every {nth}. fix");
        assert!(counted < 500.0, "{counted} steps from every {nth}. fix");
    }
}

#[test]
fn recorded_walks_and_runs_give_their_distance_over_the_stride() {
    for (name, seconds) in
        [("apple_watch_route.gpx", 1.0), ("garmin-activity.gpx", 60.0), ("garmin_with_extensions.gpx", 60.0)]
    {
        for nth in [1, 2, 3] {
            let Some(fixes) = recording(name, nth) else { return };
            let (steps, plain) = (steps_of(&fixes), plain_steps(&fixes, seconds));
            println!("{name}, every {nth}. fix: {steps:.0} steps, {plain:.0} by plain distance");
            assert!((steps / plain - 1.0).abs() < 0.15, "{steps} steps in {name}, {plain} by plain distance");
        }
    }
}

#[test]
fn what_a_counter_says_of_a_recording_does_not_depend_on_what_comes_late() {
    for name in ["garmin-activity.gpx", "garmin_with_extensions.gpx"] {
        let Some(fixes) = recording(name, 1) else { return };
        let total = |order: &[&Fix]| counted(order.iter().copied());
        let in_order: Vec<_> = fixes.iter().collect();
        let live = total(&in_order);
        let (first, rest) = in_order.split_at(fixes.len() / 4);
        let newest_first: Vec<_> = first.iter().chain(rest.last()).chain(rest).copied().collect();
        let halves: Vec<_> = in_order[fixes.len() / 2..].iter().chain(&in_order[..fixes.len() / 2]).copied().collect();
        let batches: Vec<_> = in_order.chunks(100).rev().flatten().copied().collect();
        let doubled: Vec<_> = in_order.iter().chain(&in_order).copied().collect();
        let orders = [("current first", newest_first), ("halves", halves), ("batches", batches), ("twice", doubled)];
        for (order, fixes) in orders {
            let late = total(&fixes);
            println!("{name}, {order}: {late} steps, {live} in order");
            assert!((late / live - 1.0).abs() < 0.05, "{name}, {order}: {late} steps, {live} in order");
        }
    }
}
