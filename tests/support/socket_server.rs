//! A real server on a free port with nothing behind its sockets: it echoes, and notes what its sessions were told.
#![allow(dead_code, reason = "each test binary uses its part")]
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpRequest, HttpServer, web};
use letshang::actors::downlink::{Downlink, Gate, MovedFriend};
use letshang::domain::{Sight, UserNo};
use letshang::http::socket::{
    DISCONNECT_TIMEOUT, Flow, Link, Message, Outbox, OutboxLimits, Session, SocketLimits, SocketMetrics, TcpOptions,
    WRITE_BUFFER, on_connect_with, serve,
};

#[derive(Clone, Copy)]
pub struct Setup {
    pub limits: SocketLimits,
    pub outbox: OutboxLimits,
    pub tcp: TcpOptions,
    /// Answer each message with itself.
    pub echo: bool,
}

impl Default for Setup {
    fn default() -> Self {
        let limits = SocketLimits { tick: Duration::from_millis(50), ..SocketLimits::default() };
        Self { limits, outbox: OutboxLimits::default(), tcp: TcpOptions::default(), echo: true }
    }
}

/// Lets everything through but what is said otherwise.
#[derive(Debug, Default)]
pub struct OpenGate(Mutex<Vec<(UserNo, Sight)>>);

impl OpenGate {
    pub fn set(&self, owner: UserNo, sight: Sight) {
        self.0.lock().unwrap().push((owner, sight));
    }
}

impl Gate for OpenGate {
    fn sight(&self, owner: UserNo, _: UserNo) -> Sight {
        let limited = self.0.lock().unwrap();
        limited.iter().find(|(no, _)| *no == owner).map_or(Sight::Exact, |(_, sight)| *sight)
    }

    fn keep(&self, viewer: UserNo, friends: &mut Vec<MovedFriend>) {
        friends.retain(|friend| self.sight(friend.no, viewer) >= Sight::from(friend.precision));
    }

    fn late_drop(&self) {}
}

/// What all sessions of a server were told.
#[derive(Default)]
pub struct Log {
    pub opened: AtomicUsize,
    pub messages: AtomicUsize,
    pub ticks: AtomicUsize,
    pub closed: AtomicUsize,
    /// In order of opening.
    pub outboxes: Mutex<Vec<Arc<Outbox>>>,
}

pub struct SocketServer {
    pub address: SocketAddr,
    pub log: Arc<Log>,
    pub metrics: Arc<SocketMetrics>,
    pub gate: Arc<OpenGate>,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

struct Noted {
    log: Arc<Log>,
    echo: bool,
    over: bool,
}

impl Session for Noted {
    fn opened(&mut self, link: &Link) {
        self.log.opened.fetch_add(1, Ordering::SeqCst);
        self.log.outboxes.lock().unwrap().push(Arc::clone(link.outbox()));
    }

    fn message(&mut self, message: Message, link: &Link) -> Flow {
        assert!(!self.over, "a message after closed");
        self.log.messages.fetch_add(1, Ordering::SeqCst);
        if let Message::Text(text) = &message {
            match &text[..] {
                "panic" => panic!("as the test asked"),
                "leave" => {
                    link.close(letshang::protocol::close::CloseCode::REPLACED, "as asked");
                    return Flow::Continue;
                }
                "wait" => {
                    link.outbox().state("waited".into());
                    return Flow::Wait(Box::pin(tokio::time::sleep(Duration::from_millis(500))));
                }
                _ => {}
            }
        }
        if !self.echo {
            return Flow::Continue;
        }
        match message {
            Message::Text(text) => link.outbox().state(text),
            Message::Binary(bytes) => link.outbox().binary(bytes),
        }
        if link.outbox().has_room() { Flow::Continue } else { Flow::Wait(Box::pin(link.outbox().room())) }
    }

    fn tick(&mut self, _: &Link) {
        self.log.ticks.fetch_add(1, Ordering::SeqCst);
    }

    fn closed(&mut self) {
        assert!(!std::mem::replace(&mut self.over, true), "closed twice");
        self.log.closed.fetch_add(1, Ordering::SeqCst);
    }
}

impl SocketServer {
    pub fn start(setup: Setup) -> Self {
        let log = Arc::new(Log::default());
        let metrics = Arc::new(SocketMetrics::default());
        let (started, when_started) = mpsc::channel();
        let gate = Arc::new(OpenGate::default());
        let (for_app, for_metrics, for_gate) = (Arc::clone(&log), Arc::clone(&metrics), Arc::clone(&gate));
        let thread = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let limits = Arc::new(setup.limits);
                let server = HttpServer::new(move || {
                    let (log, metrics, limits) = (Arc::clone(&for_app), Arc::clone(&for_metrics), Arc::clone(&limits));
                    let gate = Arc::clone(&for_gate);
                    let upgrade = move |req: HttpRequest, payload: web::Payload| {
                        let session = Noted { log: Arc::clone(&log), echo: setup.echo, over: false };
                        let outbox = Outbox::gated(setup.outbox, Arc::clone(&metrics), gate.clone());
                        outbox.belongs_to(UserNo(u32::MAX));
                        let answer = serve(&req, payload, session, outbox, Arc::clone(&limits));
                        async move { answer }
                    };
                    App::new().service(web::resource("/ws").route(web::get().to(upgrade)))
                })
                .workers(1)
                .max_connections(50_000)
                .backlog(8192)
                .shutdown_timeout(0)
                .disable_signals()
                .h1_write_buffer_size(WRITE_BUFFER)
                .client_disconnect_timeout(DISCONNECT_TIMEOUT)
                .on_connect(on_connect_with(setup.tcp))
                .bind("127.0.0.1:0")
                .unwrap();
                let address = server.addrs()[0];
                let server = server.run();
                started.send((address, server.handle())).unwrap();
                server.await.unwrap();
            });
        });
        let (address, handle) = when_started.recv().unwrap();
        Self { address, log, metrics, gate, handle, thread: Some(thread) }
    }

    /// The outbox of the `n`-th session that opened.
    pub fn outbox(&self, n: usize) -> Arc<Outbox> {
        until("the session opens", || self.log.outboxes.lock().unwrap().len() > n);
        Arc::clone(&self.log.outboxes.lock().unwrap()[n])
    }

    pub fn closed(&self) -> usize {
        self.log.closed.load(Ordering::SeqCst)
    }

    pub fn messages(&self) -> usize {
        self.log.messages.load(Ordering::SeqCst)
    }

    pub fn open_connections(&self) -> u64 {
        self.metrics.open.load(Ordering::SeqCst)
    }
}

impl Drop for SocketServer {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
        let ended = self.thread.take().map(JoinHandle::join);
        if !std::thread::panicking() {
            ended.unwrap().unwrap();
        }
    }
}

/// Waits until something holds, and says how long that took; fails after ten seconds.
#[track_caller]
pub fn until(what: &str, holds: impl Fn() -> bool) -> Duration {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(10), "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
    start.elapsed()
}
