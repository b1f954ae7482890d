//! The compiled program as a process of its own.
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::http::{Call, call};
use crate::picture::Eyes;
use crate::place::{PATIENCE, PROGRAM, Place, ROOT, eventually};
use crate::raw_ws::{RawClient, Received, request, upgrade_request};
use crate::redis_server::RedisServer;

/// A running `letshang serve`. Killed when dropped.
pub struct Program<'a> {
    pub address: SocketAddr,
    place: &'a Place,
    child: Child,
    log: Arc<Mutex<String>>,
}

/// What `/ready` and the metrics say of Redis.
#[derive(Clone, Debug, PartialEq)]
pub struct Health {
    pub ready: Value,
    pub redis_ok: bool,
}

impl Place {
    /// `letshang serve`, not yet waited for.
    pub fn serving(&self, redis: Option<&str>) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(["serve", "--listen", "127.0.0.1:0"]).args(self.arguments());
        match redis {
            // The command line is no place for a password.
            Some(url) if url.contains('@') => command.env("LETSHANG__REDIS__URL", url),
            Some(url) => command.args(["--redis", url]),
            None => &mut command,
        };
        command
    }

    /// Starts a node and waits until it listens.
    #[track_caller]
    pub fn serve(&self, redis: Option<&str>) -> Program<'_> {
        let mut command = self.serving(redis);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (said, when_said) = mpsc::channel();
        let (out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        std::thread::spawn(move || {
            BufReader::new(out).lines().map_while(Result::ok).all(|line| said.send(line).is_ok())
        });
        let log = Arc::new(Mutex::new(String::new()));
        let into = log.clone();
        std::thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(n @ 1..) = err.read(&mut chunk) {
                into.lock().unwrap().push_str(&String::from_utf8_lossy(&chunk[..n]));
            }
        });
        let line = when_said.recv_timeout(PATIENCE);
        let address = line.ok().and_then(|line| line.strip_prefix("listening on http://")?.parse().ok());
        let Some(address) = address else {
            let _ = child.kill();
            panic!("the program does not listen: {:?} {}", child.wait(), log.lock().unwrap());
        };
        Program { address, place: self, child, log }
    }
}

impl Program<'_> {
    /// A person's request.
    pub fn call(&self, name: &str, method: &str, path: &str) -> Call {
        call(self.address, method, path).bearer(&self.place.token(name))
    }

    /// A person says free or busy, and it is acknowledged. Gives how long that took.
    #[track_caller]
    pub fn say(&self, name: &str, free: bool) -> Duration {
        let began = Instant::now();
        let answer = self.call(name, "PUT", "/v1/me/availability").json(&json!({"free": free})).ok();
        assert_eq!(answer["free"], free);
        began.elapsed()
    }

    /// A person's phone reports a position: from now on, and for ten minutes, they are online.
    #[track_caller]
    pub fn report(&self, name: &str) {
        let t = jiff::Timestamp::now().as_millisecond();
        let fix = json!({"lat": 52.52, "lon": 13.405, "t": t});
        let answer = self.call(name, "POST", "/v1/fixes").json(&fix).ok();
        assert_eq!(answer["accepted"], 1);
    }

    /// Recorded lines, all of them taken.
    #[track_caller]
    pub fn ingest(&self, lines: &[&str]) {
        let answer =
            self.call(ROOT, "POST", "/v1/ingest").header("Content-Type", "text/csv").body(lines.join("\n")).ok();
        assert_eq!(answer["accepted"], lines.len(), "{answer}");
    }

    /// What `/ready` and the metrics say; the node itself must be ready.
    #[track_caller]
    pub fn health(&self) -> Health {
        let ready = call(self.address, "GET", "/ready").ok();
        assert_eq!(ready["ready"], true, "Redis does not make a node unready: {ready}");
        let metrics = call(self.address, "GET", "/metrics").send().text();
        let line = metrics.lines().find_map(|line| line.strip_prefix("letshang_redis_ok "));
        Health { ready, redis_ok: line == Some("1") }
    }

    /// Waits until `/ready` and the metrics say that Redis takes what it is given, or does not.
    #[track_caller]
    pub fn says_of_redis(&self, ok: bool) -> Health {
        let mut seen = None;
        eventually(|| {
            let health = self.health();
            let is_so = health.ready["redis"]["ok"] == ok && health.redis_ok == ok;
            seen = Some(health);
            if is_so { Ok(()) } else { Err(format!("redis is to be {ok}: {seen:?}")) }
        });
        seen.unwrap()
    }

    /// Where to look at this node's histogram.
    pub fn eyes<'a>(&'a self, redis: Option<&'a RedisServer>) -> Eyes<'a> {
        Eyes { place: self.place, address: self.address, redis }
    }

    /// A person's phone, connected.
    #[track_caller]
    pub fn connect(&self, name: &str) -> RawClient {
        let header = format!("Authorization: Bearer {}\r\n", self.place.token(name));
        let (head, client) = request(self.address, upgrade_request("/v1/ws", &header).as_bytes());
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        client
    }

    /// What it wrote to standard error so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// kill -9.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, and waits for the end.
    #[track_caller]
    pub fn stop(mut self) -> (ExitStatus, Duration) {
        let began = Instant::now();
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status, began.elapsed());
            }
            assert!(began.elapsed() < PATIENCE, "the program does not end: {}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Program<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- the program's log ---\n{}", self.log());
        }
    }
}

/// Reads on to the next `degraded` frame about Redis.
#[track_caller]
pub fn next_degraded(client: &mut RawClient) -> Value {
    loop {
        match client.read_within(PATIENCE) {
            Received::Text(text) => {
                let frame: Value = serde_json::from_str(&text).unwrap();
                if frame["type"] == "degraded" && frame["what"] == "redis" {
                    return frame;
                }
            }
            Received::Ping(_) => {}
            other => panic!("instead of `degraded`: {other:?}"),
        }
    }
}
