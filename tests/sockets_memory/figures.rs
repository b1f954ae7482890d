//! Figures for people: CPU per frame and memory per idle connection.
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

use super::{alone, resident};
use crate::raw_ws::*;
use crate::socket_server::{Setup, SocketServer, until};

/// CPU time of all threads of this process whose name begins so.
fn cpu_of(prefix: &str) -> Duration {
    let mut ticks = 0;
    for task in std::fs::read_dir("/proc/self/task").unwrap() {
        let Ok(stat) = std::fs::read_to_string(task.unwrap().path().join("stat")) else { continue };
        let (name, rest) = (stat.split(['(', ')']).nth(1).unwrap(), stat.rsplit(')').next().unwrap());
        if name.starts_with(prefix) {
            let fields: Vec<&str> = rest.split_whitespace().collect();
            ticks += fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
        }
    }
    Duration::from_millis(ticks * 10)
}

/// Sends `rate` fixes a second over `connections` for `seconds`, each in a write of its own, and says what a frame cost.
fn cpu_per_frame(echo: bool, connections: usize, rate: u64, per_write: usize, seconds: u64) {
    let server = SocketServer::start(Setup { echo, ..Setup::default() });
    let fix = br#"{"type":"fix","lat":40.7643503305,"lon":-73.9694356385,"t":1700000000123,"acc":5.5,"speed":1.25}"#;
    let bytes = frame(TEXT, fix).repeat(per_write);
    let mut clients: Vec<TcpStream> =
        (0..connections).map(|_| RawClient::connect(server.address, "/ws").stream).collect();
    let stop = Arc::new(AtomicBool::new(false));
    let answered = Arc::new(AtomicU64::new(0));
    let readers: Vec<_> = clients
        .chunks(connections.div_ceil(2))
        .map(|streams| {
            let mut streams: Vec<TcpStream> = streams.iter().map(|s| s.try_clone().unwrap()).collect();
            let (stop, answered) = (Arc::clone(&stop), Arc::clone(&answered));
            streams.iter().for_each(|s| s.set_read_timeout(Some(Duration::from_millis(1))).unwrap());
            std::thread::spawn(move || {
                let mut buffer = vec![0; 65_536];
                while echo && !stop.load(Ordering::Relaxed) {
                    for stream in &mut streams {
                        answered.fetch_add(stream.read(&mut buffer).unwrap_or(0) as u64, Ordering::Relaxed);
                    }
                }
            })
        })
        .collect();
    let worker = "actix-rt|system";
    let (cpu, start, before) = (cpu_of(worker), Instant::now(), server.messages());
    let mut sent = 0_u64;
    while start.elapsed() < Duration::from_secs(seconds) {
        let due = (start.elapsed().as_micros() as u64 * rate) / 1_000_000;
        while sent < due {
            let client = &mut clients[(sent as usize / per_write) % connections];
            client.write_all(&bytes).unwrap();
            sent += per_write as u64;
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    let frames = (server.messages() - before) as f64;
    let spent = cpu_of(worker) - cpu;
    let unit = answered.load(Ordering::Relaxed) / (2 + fix.len() as u64);
    println!(
        "{} {connections} connections, {per_write} frames a write: {:.0} frames/s, {:.2} µs of CPU each, {unit} answers read",
        if echo { "echo" } else { "sink" },
        frames / start.elapsed().as_secs_f64(),
        spent.as_secs_f64() * 1e6 / frames
    );
    stop.store(true, Ordering::Relaxed);
    readers.into_iter().for_each(|reader| reader.join().unwrap());
}

#[test]
#[ignore = "a measurement"]
fn cpu_of_a_frame() {
    let _turn = alone();
    for per_write in [1, 10] {
        for echo in [false, true] {
            cpu_per_frame(echo, 200, 50_000, per_write, 4);
        }
    }
}

#[test]
#[ignore = "a measurement"]
fn memory_of_ten_thousand_idle_connections() {
    let _turn = alone();
    let limits = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let wanted = rustix::process::Rlimit { current: limits.maximum, maximum: limits.maximum };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, wanted).unwrap();
    // Both ends are in this process.
    let count = (limits.maximum.unwrap_or(1 << 20) as usize).saturating_sub(200).min(20_000) / 2;
    let limits = letshang::http::socket::SocketLimits::default();
    let server = SocketServer::start(Setup { limits, echo: true, ..Setup::default() });
    drop(RawClient::connect(server.address, "/ws"));
    let before = resident().unwrap();
    let clients: Vec<TcpStream> = (0..count)
        .map(|i| {
            let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
            let from = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2 + (i / 20_000) as u8));
            socket.bind(&SocketAddr::new(from, 0).into()).unwrap();
            socket.connect(&server.address.into()).unwrap();
            let stream = TcpStream::from(socket);
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            request_over(stream, upgrade_request("/ws", "").as_bytes()).1.stream
        })
        .collect();
    until("all are open", || server.open_connections() as usize >= count);
    std::thread::sleep(Duration::from_secs(1));
    let idle = resident().unwrap() - before;
    let cpu = cpu_of("actix-rt|system");
    std::thread::sleep(Duration::from_secs(4));
    let ticking = (cpu_of("actix-rt|system") - cpu) / 4;
    println!(
        "{count} idle connections: {} bytes each; their clock costs {ticking:?} of CPU a second",
        idle / count as u64
    );
    for client in &clients {
        (&*client).write_all(&frame(TEXT, &[b'x'; 300])).unwrap();
    }
    std::thread::sleep(Duration::from_secs(1));
    println!("after one echo each: {} bytes each", (resident().unwrap() - before) / count as u64);
    drop(clients);
    until("all are gone", || server.open_connections() <= 1);
    server.log.outboxes.lock().unwrap().clear();
    for _ in 0..20 {
        drop(RawClient::connect(server.address, "/ws"));
        std::thread::sleep(Duration::from_millis(100));
    }
    println!("after they went: {} KiB in all", resident().unwrap().saturating_sub(before) / 1024);
}

/// What the kernel takes for a client that reads nothing, and how fast one that reads gets large frames, by `SO_SNDBUF`.
#[test]
#[ignore = "a measurement"]
fn send_buffers() {
    use letshang::actors::downlink::Downlink;
    use letshang::http::socket::TcpOptions;
    let _turn = alone();
    for kib in [8, 16, 32, 64, 128, 4096] {
        let tcp = TcpOptions { send_buffer: kib * 1024, ..TcpOptions::default() };
        let server = SocketServer::start(Setup { tcp, ..Setup::default() });
        let _unread = RawClient::connect(server.address, "/ws");
        let outbox = server.outbox(0);
        let mut still = 0;
        let mut taken = 0;
        while still < 100 {
            outbox.moved(&super::friends(40, 1));
            std::thread::sleep(Duration::from_micros(500));
            let now = server.metrics.bytes_out.load(Ordering::SeqCst);
            still = if now == taken { still + 1 } else { 0 };
            taken = now;
        }
        let mut reader = RawClient::connect(server.address, "/ws");
        let outbox = server.outbox(1);
        let (cpu, start) = (cpu_of("actix-rt|system"), Instant::now());
        for _ in 0..2000 {
            outbox.crowd(vec![1; 80_000].into());
            assert!(matches!(reader.read(), Received::Binary(_)));
        }
        println!(
            "{kib} KiB: {} KiB taken from a server whose client reads nothing; 80 kB frames: {:.0} µs each, {:.0} µs of CPU",
            taken / 1024,
            start.elapsed().as_secs_f64() * 1e6 / 2000.0,
            (cpu_of("actix-rt|system") - cpu).as_secs_f64() * 1e6 / 2000.0
        );
    }
}
