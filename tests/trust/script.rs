//! Random lives: what two to five people do, one act after the other.
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

use super::model::{Level, Model};

/// How many devices everybody has.
pub const DEVICES: usize = 2;
/// How many places there are around the corner at which four cells meet.
pub const SPOTS: usize = 16;

/// The way something is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// By a device's connection, if it has one.
    Socket(usize),
    Http,
    /// With OwnTracks, whose answer shows friends; what it cannot say goes as [`Way::Http`].
    Phone,
}

/// One act. Ends are milliseconds from when it is done.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Act {
    Move {
        who: usize,
        spot: usize,
        way: Way,
    },
    /// Several fixes in one message, a few metres each.
    Walk {
        who: usize,
        spot: usize,
        fixes: usize,
        way: Way,
    },
    /// A fix for whose answer nobody waits: the next act may overtake it.
    Fire {
        who: usize,
        spot: usize,
        device: usize,
    },
    Free {
        who: usize,
        note: bool,
        ms: Option<i64>,
        way: Way,
    },
    Busy {
        who: usize,
        way: Way,
    },
    Befriend {
        who: usize,
        whom: usize,
        gives: (Level, Option<i64>),
        takes: (Level, Option<i64>),
    },
    Invite {
        who: usize,
        gives: (Level, Option<i64>),
    },
    Accept {
        who: usize,
        code: usize,
        gives: (Level, Option<i64>),
    },
    Withdraw {
        code: usize,
    },
    Part {
        who: usize,
        whom: usize,
    },
    Block {
        who: usize,
        whom: usize,
    },
    Unblock {
        who: usize,
        whom: usize,
    },
    Share {
        who: usize,
        whom: usize,
        level: Level,
        ms: Option<i64>,
    },
    Hide {
        who: usize,
        ms: i64,
    },
    Show {
        who: usize,
    },
    OnlyFree {
        who: usize,
        on: bool,
    },
    Rename {
        who: usize,
    },
    Connect {
        who: usize,
        device: usize,
    },
    Drop {
        who: usize,
        device: usize,
    },
    Map {
        who: usize,
        device: usize,
        open: bool,
    },
    /// `nearby` over a connection.
    Around {
        who: usize,
        device: usize,
    },
    /// Every question that can be asked over HTTP.
    Ask {
        who: usize,
        whom: usize,
    },
    Revoke {
        who: usize,
        device: usize,
    },
    Issue {
        who: usize,
        device: usize,
    },
    Erase {
        who: usize,
    },
    /// Nothing happens for a moment of real time: what waits in slots comes out.
    Wait,
    /// The clock is turned.
    Pass {
        ms: i64,
    },
    /// As kill -9, and back.
    Crash,
    Restart,
}

/// The next act of a script.
pub fn next(rng: &mut StdRng, model: &Model, codes: usize) -> Act {
    let alive = model.alive();
    let who = *alive.choose(rng).unwrap();
    // Mostly somebody who matters to them, sometimes anybody, also somebody who is gone.
    let friends: Vec<usize> = model.friends(who).into_iter().collect();
    let anybody = (who + rng.random_range(1..model.people.len())) % model.people.len();
    let whom = if rng.random_bool(0.85) { friends.choose(rng).copied().unwrap_or(anybody) } else { anybody };
    let blocked: Vec<usize> = model.everyone().filter(|other| model.blocks[who][*other]).collect();
    let device = rng.random_range(0..DEVICES);
    let way = match rng.random_range(0..8) {
        0..6 => Way::Socket(device),
        6 => Way::Http,
        _ => Way::Phone,
    };
    // Two people are mostly at the same few places: otherwise nobody would ever be near.
    let spot = if rng.random_bool(0.7) { [5, 6, 9, 10][rng.random_range(0..4)] } else { rng.random_range(0..SPOTS) };
    let end = |rng: &mut StdRng| rng.random_bool(0.4).then(|| rng.random_range(1..400) * 1_000);
    let level = *Level::ALL.choose(rng).unwrap();
    let choice = |rng: &mut StdRng| {
        let level = *[Level::Exact, Level::Exact, Level::Approximate, Level::Off].choose(rng).unwrap();
        (level, end(rng).filter(|_| level != Level::Off))
    };
    match rng.random_range(0..1_000) {
        0..150 => Act::Move { who, spot, way },
        150..180 => Act::Walk { who, spot, fixes: rng.random_range(2..6), way },
        180..250 => Act::Fire { who, spot, device },
        250..340 => Act::Free { who, note: rng.random_bool(0.7), ms: end(rng), way },
        340..365 => Act::Busy { who, way },
        365..435 => Act::Befriend { who, whom: anybody, gives: choice(rng), takes: choice(rng) },
        435..450 => Act::Invite { who, gives: choice(rng) },
        450..475 if codes > 0 => Act::Accept { who, code: rng.random_range(0..codes), gives: choice(rng) },
        475..480 if codes > 0 => Act::Withdraw { code: rng.random_range(0..codes) },
        450..490 => Act::Part { who, whom },
        490..505 => Act::Block { who, whom },
        505..520 => Act::Unblock { who, whom: blocked.choose(rng).copied().unwrap_or(anybody) },
        520..590 => Act::Share { who, whom, level, ms: end(rng) },
        590..630 => Act::Hide { who, ms: rng.random_range(1..600) * 1_000 },
        630..655 => Act::Show { who },
        655..680 => Act::OnlyFree { who, on: rng.random_bool(0.5) },
        680..695 => Act::Rename { who },
        695..735 => Act::Connect { who, device },
        735..755 => Act::Drop { who, device },
        755..790 => Act::Map { who, device, open: rng.random_bool(0.8) },
        790..820 => Act::Around { who, device },
        820..900 => Act::Ask { who, whom },
        900..910 => Act::Revoke { who, device },
        910..922 => Act::Issue { who, device },
        922..928 if alive.len() > 2 => Act::Erase { who },
        928..950 => Act::Wait,
        950..985 => Act::Pass { ms: *[5_000, 60_000, 200_000, 700_000, 1_900_000].choose(rng).unwrap() },
        985..993 => Act::Crash,
        993..996 => Act::Restart,
        _ => Act::Wait,
    }
}
