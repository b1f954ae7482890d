//! A node in this process, with a clock that the test turns.
use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use letshang::app::App;
use letshang::config::{Config, Flags};
use letshang::domain::{Clock, UnixMs};
use serde_json::json;

use crate::http::{Call, call};
use crate::picture::Eyes;
use crate::place::{PATIENCE, Place};
use crate::redis_server::RedisServer;

/// A running node. Stopped in an orderly way when dropped.
pub struct TurnedNode<'a> {
    pub address: SocketAddr,
    pub clock: Clock,
    place: &'a Place,
    redis: &'a RedisServer,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// A moment, as `2026-03-08T06:59:59.900Z`.
pub fn at(text: &str) -> UnixMs {
    UnixMs(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
}

impl<'a> TurnedNode<'a> {
    /// Starts a node whose clock stands at a moment.
    #[track_caller]
    pub fn start(place: &'a Place, redis: &'a RedisServer, moment: &str) -> Self {
        let flags = Flags {
            file: Some(place.config()),
            listen: Some("127.0.0.1:0".to_owned()),
            data: Some(place.data()),
            redis: Some(redis.url()),
            ..Flags::default()
        };
        let (config, clock) = (Config::load(&flags).unwrap(), Clock::manual(at(moment)));
        let (started, when_started) = mpsc::channel();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let hand = clock.clone();
        let thread = std::thread::spawn(move || {
            let system = actix::System::new();
            system.block_on(async move {
                let app = open(&config, &hand).await;
                started.send(app.address()).unwrap();
                app.run_until(async move { _ = stopped.await }).await.unwrap();
            });
            // The actors' own threads end with the system.
            actix::System::current().stop();
            system.run().unwrap();
        });
        let address = when_started.recv_timeout(PATIENCE).unwrap();
        Self { address, clock, place, redis, stop: Some(stop), thread: Some(thread) }
    }

    /// Turns the clock forward to a moment.
    #[track_caller]
    pub fn turn_to(&self, moment: &str) {
        let ms = at(moment).since(self.clock.now());
        assert!(ms >= 0, "{moment} is over");
        self.clock.advance(ms);
    }

    /// A person's request.
    pub fn call(&self, name: &str, method: &str, path: &str) -> Call {
        call(self.address, method, path).bearer(&self.place.token(name))
    }

    /// A person's phone reports a position: from now on, and for ten minutes of the real clock, they are online.
    #[track_caller]
    pub fn report(&self, name: &str) {
        let t = self.clock.now().0;
        let fix = json!({"lat": 52.52, "lon": 13.405, "t": t});
        let answer = self.call(name, "POST", "/v1/fixes").json(&fix).ok();
        assert_eq!(answer["accepted"], 1);
    }

    /// A person says free or busy.
    #[track_caller]
    pub fn say(&self, name: &str, free: bool) {
        self.call(name, "PUT", "/v1/me/availability").json(&json!({"free": free})).ok();
    }

    /// A person says free until a moment.
    #[track_caller]
    pub fn say_free_until(&self, name: &str, moment: &str) {
        let body = json!({"free": true, "until": at(moment).0});
        self.call(name, "PUT", "/v1/me/availability").json(&body).ok();
    }

    /// Where to look at the histogram.
    pub fn eyes(&self) -> Eyes<'_> {
        Eyes { place: self.place, address: self.address, redis: Some(self.redis) }
    }
}

/// A process that another test is just starting holds copies of all locks for a moment: that is waited for.
async fn open(config: &Config, clock: &Clock) -> App {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match App::start(config.clone(), clock.clone()).await {
            Ok(app) => return app,
            Err(error) if error.to_string().contains("in use") && Instant::now() < deadline => {
                actix_rt::time::sleep(Duration::from_millis(5)).await;
            }
            Err(error) => panic!("the node does not start: {error:#}"),
        }
    }
}

impl Drop for TurnedNode<'_> {
    fn drop(&mut self) {
        drop(self.stop.take());
        let ended = self.thread.take().map(JoinHandle::join);
        if !std::thread::panicking() {
            ended.unwrap().unwrap();
        }
    }
}
