//! Whoever is shown approximately is shown as a function of the cell: one script in two worlds, in which every fix of that person
//! is another place in the same cell. Everything a friend hears and can ask for is the same.
//!
//! Left out is the list of steps: it counts the distance walked, by design.
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use super::grid;
use crate::client::At;
use crate::node::TestNode;

/// Nine cells around one, by their centres.
fn cells() -> Vec<At> {
    let centre = grid::centre((52.525, 13.405));
    let place = |row: f64, column: f64| grid::centre((centre.0 + row * 0.01, centre.1 + column * 0.016_5));
    [-1.0, 0.0, 1.0].iter().flat_map(|row| [-1.0, 0.0, 1.0].map(|column| place(*row, column))).collect()
}

/// What a friend learns while somebody goes from cell to cell; where in the cell is drawn from `world`.
fn trace(seed: u64, world: u64) -> Vec<String> {
    let (mut script, mut within) = (StdRng::seed_from_u64(seed), StdRng::seed_from_u64(world));
    let node = TestNode::with(&[("push.moved", "\"20ms\""), ("quiet.enabled", "true")]);
    let [walker, friend] = node.friends(["walker", "friend"]);
    let share = node.call_as(&walker, "PATCH", "/v1/friends/friend").json(&json!({"sharing": "approximate"})).send();
    assert_eq!(share.status, 200, "{}", share.text());
    let (mut phone, mut watch) = (node.connect(&walker), node.connect(&friend));
    for (person, radius) in [(&walker, 3_000), (&friend, 1_500)] {
        let set = node.call_as(person, "PATCH", "/v1/me").json(&json!({"radius": radius})).send();
        assert_eq!(set.status, 200, "{}", set.text());
    }
    watch.say(&json!({"type": "map", "open": true}));
    phone.be_free(true);
    watch.be_free(true);
    let cells = cells();
    let mut record: Vec<String> = Vec::new();
    let mut cell = cells[4];
    for _ in 0..30 {
        // The walker mostly stays, and may stand anywhere in the cell, a step from its edge too; no way is so long that it
        // would be a jump.
        node.pass(*[60_000, 70_000, 120_000, 400_000].choose(&mut script).unwrap());
        if script.random_bool(0.4) {
            cell = *cells.choose(&mut script).unwrap();
        }
        let at = (cell.0 + within.random_range(-0.004_99..0.004_99), cell.1 + within.random_range(-0.007..0.007));
        assert!(grid::same(grid::centre(at), cell), "{at:?}");
        phone.be_at(at);
        match script.random_range(0..4) {
            0 => {
                let (row, column) = (script.random_range(-0.02..0.02), script.random_range(-0.03..0.03));
                watch.be_at((52.525 + row, 13.405 + column));
            }
            1 => phone.be_free(script.random_bool(0.7)),
            2 => watch.be_free(script.random_bool(0.7)),
            _ => {}
        }
        std::thread::sleep(std::time::Duration::from_millis(90));
        watch.say(&json!({"type": "nearby", "id": 1, "radius": 50_000}));
        watch.say(&json!({"type": "nearby", "id": 2, "radius": 1_000}));
        let frames = watch.heard();
        // Whether two movements went into one frame is a matter of real time: the places in order are not.
        let of_moved =
            |frame: &Value| frame["friends"].as_array().unwrap().iter().map(Value::to_string).collect::<Vec<_>>();
        let (moved, others): (Vec<_>, Vec<_>) = frames.iter().partition(|frame| frame["type"] == "moved");
        let mut places: Vec<String> = moved.into_iter().flat_map(of_moved).collect();
        places.dedup();
        record.extend(places);
        // So it is when a quiet zone was told, and whether one that was overtaken still was: the latest is not.
        let (quiet, others): (Vec<_>, Vec<_>) = others.into_iter().partition(|frame| frame["type"] == "quiet");
        record.extend(others.into_iter().chain(quiet.into_iter().next_back()).map(Value::to_string));
        for path in ["/v1/friends", "/v1/nearby?radius=50000", "/v1/nearby?radius=700"] {
            record.push(node.call_as(&friend, "GET", path).send().text());
        }
    }
    record
}

#[test]
fn what_is_told_of_somebody_shown_approximately_is_a_function_of_the_cell() {
    std::thread::scope(|scope| {
        for seed in 1..=3 {
            scope.spawn(move || {
                let [one, other] = [10, 20].map(|world| trace(seed, seed + world));
                for (one, other) in one.iter().zip(&other) {
                    assert_eq!(one, other, "seed {seed}");
                }
                assert_eq!(one.len(), other.len());
                for kind in ["distance", "approximate", "quiet"] {
                    assert!(one.iter().any(|line| line.contains(kind)), "{kind}");
                }
            });
        }
    });
}

#[test]
fn noise_at_an_edge_or_a_corner_does_not_show_where_the_edge_is() {
    let node = TestNode::with(&[("push.moved", "\"20ms\"")]);
    let [walker, friend] = node.friends(["walker", "friend"]);
    let share = node.call_as(&walker, "PATCH", "/v1/friends/friend").json(&json!({"sharing": "approximate"})).send();
    assert_eq!(share.status, 200, "{}", share.text());
    let mut phone = node.connect(&walker);
    let (row, column) = (cells()[4], cells()[5]);
    // The corner of two cells of a row and the row above.
    let corner = (row.0 + 0.005, f64::midpoint(row.1, column.1));
    let mut noise = StdRng::seed_from_u64(7);
    let (mut shown, mut entered) = (Vec::<At>::new(), std::collections::BTreeSet::new());
    for _ in 0..80 {
        // Ten seconds each: less than the hold altogether.
        node.clock.advance(10_000);
        let at = (corner.0 + noise.random_range(-1e-4..1e-4), corner.1 + noise.random_range(-1e-4..1e-4));
        entered.insert(format!("{:?}", grid::centre(at)));
        phone.be_at(at);
        let friends = node.call_as(&friend, "GET", "/v1/friends").ok();
        let [lat, lon] = ["lat", "lon"].map(|name| friends["friends"][0][name].as_f64().unwrap());
        if shown.last().is_none_or(|last| !grid::same(*last, (lat, lon))) {
            shown.push((lat, lon));
        }
    }
    assert!(entered.len() >= 3, "{entered:?}");
    assert!(shown.len() <= 2, "one change within the hold: {shown:?}");
}
