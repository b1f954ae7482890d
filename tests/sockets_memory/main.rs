//! Memory and CPU of the socket layer, measured in this process: the tests take turns, so that what one sees is its own.
//! The figures of the `#[ignore]`d ones are for people:
//! `cargo test --release --test sockets_memory -- --ignored --nocapture --test-threads 1`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a test fails by panicking"
)]

#[path = "../support/raw_ws.rs"]
mod raw_ws;
#[path = "../support/socket_server.rs"]
mod socket_server;

mod figures;

use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use letshang::actors::downlink::{Downlink, MovedFriend};
use letshang::domain::{LatLon, Precision, UnixMs, UserId, UserNo};
use letshang::http::socket::{Outbox, TcpOptions};
use letshang::spatial::world::Live;

use raw_ws::*;
use socket_server::{Setup, SocketServer, until};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const MIB: u64 = 1 << 20;

fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Resident memory of this process, bytes; `None` where there is no /proc.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? * 1024)
}

/// The least growth of five runs: what an attack costs it costs each time, what the allocator sets up it sets up once.
fn least_growth_during(mut work: impl FnMut(&mut dyn FnMut())) -> Option<u64> {
    (0..5).map(|_| growth_during(&mut work)).min().flatten()
}

/// What `work` added to resident memory while it ran, sampled after every step it reports.
fn growth_during(work: impl FnOnce(&mut dyn FnMut())) -> Option<u64> {
    let before = resident()?;
    let mut most = before;
    work(&mut || most = most.max(resident().unwrap_or(0)));
    Some(most.saturating_sub(before))
}

#[track_caller]
fn assert_growth(what: &str, growth: Option<u64>, limit: u64) {
    let Some(growth) = growth else { return println!("skipped: no /proc/self/status here") };
    println!("{what}: resident memory grew by {} KiB", growth / 1024);
    assert!(growth < limit, "{what}: {growth} bytes");
}

fn warmed_up() -> SocketServer {
    let server = SocketServer::start(Setup::default());
    for _ in 0..3 {
        let mut client = RawClient::connect(server.address, "/ws");
        for length in [10, 1000, 16_000] {
            client.text(&"x".repeat(length));
            client.read();
        }
    }
    until("the warm-up is over", || server.open_connections() == 0);
    server
}

/// Announces a tebibyte and streams `mebibytes` of it, or as much as is taken.
fn announce_and_stream(server: &SocketServer, mebibytes: usize, step: &mut dyn FnMut()) {
    let mut client = RawClient::connect(server.address, "/ws");
    client.send(&head(TEXT, 64, 1 << 40));
    assert_eq!(client.read(), Received::Close(Some(1009), "message too big".into()));
    let noise = [b'x'; 64 * 1024];
    for _ in 0..mebibytes * 16 {
        // Until we hang up, what it sends is dropped.
        if client.stream.write_all(&noise).is_err() {
            break;
        }
        step();
    }
}

#[test]
fn w7_a_head_that_announces_a_tebibyte_costs_nothing_and_is_closed_at_once() {
    let _turn = alone();
    let server = warmed_up();
    let growth = least_growth_during(|step| announce_and_stream(&server, 256, step));
    assert_growth("2^40 bytes announced, up to 256 MiB sent", growth, MIB);
}

/// Opens a message and continues it with nothing `thousands` of times.
fn continue_with_nothing(server: &SocketServer, thousands: usize, step: &mut dyn FnMut()) {
    let mut client = RawClient::connect(server.address, "/ws");
    client.send(&frame(FIRST_TEXT, b""));
    let thousand: Vec<u8> = (0..1000).flat_map(|_| frame(MIDDLE, b"")).collect();
    for _ in 0..thousands {
        if client.stream.write_all(&thousand).is_err() {
            break;
        }
        step();
    }
    let mut seen = client.read_all();
    if !seen.contains(&Received::Close(Some(1008), "too many fragments".into())) {
        // The reset that a client gets when it never stops sending can overtake the close frame: then the counter tells.
        assert!(matches!(seen.pop(), Some(Received::Broken(_))), "{seen:?}");
    }
}

#[test]
fn w12_a_million_empty_continuations_cost_nothing_and_are_closed() {
    let _turn = alone();
    let server = warmed_up();
    let growth = least_growth_during(|step| continue_with_nothing(&server, 1000, step));
    assert_eq!(server.metrics.closed_with(letshang::protocol::close::CloseCode::POLICY), 5);
    assert_growth("a million empty continuations", growth, MIB);
}

#[test]
fn frames_that_drip_a_large_message_hold_what_was_received_and_no_more() {
    let _turn = alone();
    let server = warmed_up();
    let mut clients: Vec<RawClient> = (0..500).map(|_| RawClient::connect(server.address, "/ws")).collect();
    for client in &mut clients {
        client.text("a first message, so that what a connection needs is there");
        client.read();
    }
    let growth = growth_during(|step| {
        for client in &mut clients {
            client.send(&head(TEXT, 16, 16_384));
            client.send(b"x");
        }
        std::thread::sleep(Duration::from_millis(300));
        step();
    });
    assert_growth("500 unfinished messages of 16 KiB", growth, 500 * 8 * 1024);
}

fn friends(count: u32, t: i64) -> Vec<MovedFriend> {
    let position = LatLon::new(40.0, -73.5).unwrap();
    let live = Live { position, t: UnixMs(t), accuracy: Some(5.0), speed: Some(1.25), heading: Some(90.0) };
    (0..count)
        .map(|no| MovedFriend {
            no: UserNo(no),
            user: UserId::parse(&format!("u{no}"), "user").unwrap(),
            live,
            precision: Precision::Exact,
        })
        .collect()
}

/// Pushes positions and, as long as there is room, state; gives the largest growth of resident memory.
fn push_without_end(outboxes: &[Arc<Outbox>], before: u64) -> u64 {
    let mut most = 0;
    for t in 0..400 {
        let moved = friends(40, t);
        for outbox in outboxes {
            outbox.moved(&moved);
            if outbox.has_room() {
                outbox.state("x".repeat(1000).into());
            }
        }
        if t % 10 == 0 {
            std::thread::sleep(Duration::from_millis(5));
            most = most.max(resident().unwrap().saturating_sub(before));
        }
    }
    most
}

/// A thousand clients that never read, each with forty friends that move all the time and with state that piles up to just
/// below the bound; then they go.
#[test]
fn a_thousand_clients_that_never_read_are_bounded_and_leave_nothing() {
    let _turn = alone();
    let tcp = TcpOptions { write_stall: Duration::from_secs(60), ..TcpOptions::default() };
    let server = SocketServer::start(Setup { tcp, ..Setup::default() });
    let Some(before) = resident() else { return println!("skipped: no /proc/self/status here") };
    let clients: Vec<TcpStream> = (0..1000).map(|_| RawClient::connect(server.address, "/ws").stream).collect();
    until("all are open", || server.open_connections() == 1000);
    let idle = resident().unwrap() - before;
    let outboxes: Vec<_> = server.log.outboxes.lock().unwrap().clone();
    // The traffic comes from a thread that ends, because the allocator keeps what other threads give back until the thread
    // that asked for it asks again.
    let traffic = outboxes.clone();
    let mut most = std::thread::spawn(move || push_without_end(&traffic, before)).join().unwrap();
    std::thread::sleep(Duration::from_millis(500));
    most = most.max(resident().unwrap() - before);
    let stuck = outboxes.iter().filter(|outbox| !outbox.has_room()).count();
    let coalesced = server.metrics.moved_coalesced.load(Ordering::SeqCst);
    println!(
        "1000 idle: {} KiB each; stalled under traffic: {} KiB each ({stuck} with half their state full, {coalesced} positions overtaken)",
        idle / 1000 / 1024,
        most / 1000 / 1024
    );
    assert!(stuck > 900, "only {stuck} stalled");
    assert!(most < 1000 * 100 * 1024, "{most} bytes");
    drop(clients);
    until("all are gone", || server.open_connections() == 0 && server.closed() == 1000);
    drop(outboxes);
    server.log.outboxes.lock().unwrap().clear();
    // mimalloc gives pages back a second after they were freed, when it is asked for something large (or at once with
    // MIMALLOC_PURGE_DELAY=0): a server at work asks all the time, this one must be made to.
    let mut after = u64::MAX;
    for _ in 0..60 {
        drop(std::hint::black_box(vec![1_u8; 4 << 20]));
        std::thread::sleep(Duration::from_millis(100));
        after = resident().unwrap().saturating_sub(before);
        if after < most / 4 {
            break;
        }
    }
    println!("after they went: {} KiB in all, of {} KiB", after / 1024, most / 1024);
    assert!(after < most / 4, "{after} of {most} bytes are still there");
}
