//! A real node in this process: its own actix system on its own thread, its own port, folder and clock.
#![allow(dead_code, reason = "each test binary uses its part")]
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use actix::prelude::*;
use letshang::app::App;
use letshang::config::{Config, Flags};
use letshang::domain::{Clock, DeviceName, UnixMs, UserId, UserNo};
use letshang::http::state::Node;
use letshang::store::accounts::{NewUser, ProfileChange};
use tempfile::TempDir;

use crate::client::{Client, Person};
use crate::http::{Call, call};

/// Noon of a Monday: 2027-03-15 12:00 UTC. Where manual clocks begin.
pub const NOON: UnixMs = UnixMs(1_805_112_000_000);

/// What is different from the default settings, as `("section.key", "TOML value")`.
pub type Settings<'a> = &'a [(&'a str, &'a str)];

/// Small and quick: one worker, no waiting for the disk, every count shown.
const QUICK: Settings<'static> = &[
    ("server.workers", "1"),
    ("store.durability", "\"process\""),
    ("store.group_commit", "\"1ms\""),
    ("push.moved", "\"50ms\""),
    ("push.crowd", "\"100ms\""),
    ("push.steps", "\"100ms\""),
    ("privacy.smallest_count", "1"),
    // The phones of most tests report when a test says so, and not when they are due.
    ("quiet.enabled", "false"),
];

/// A configuration of these settings on a folder, as a file's text.
pub fn settings_file(settings: Settings<'_>) -> String {
    let merged: BTreeMap<_, _> = QUICK.iter().chain(settings).copied().collect();
    merged.iter().map(|(key, value)| format!("{key} = {value}\n")).collect()
}

/// A running node.
pub struct TestNode {
    pub address: SocketAddr,
    pub clock: Clock,
    pub node: Arc<Node>,
    /// What it printed for the first administrator.
    pub first_link: Option<String>,
    folder: Arc<TempDir>,
    config: Config,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl TestNode {
    /// A node whose clock stands at [`NOON`] until it is turned.
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// The same with other settings.
    pub fn with(settings: Settings<'_>) -> Self {
        Self::with_clock(settings, Clock::manual(NOON))
    }

    /// A node with this clock.
    pub fn with_clock(settings: Settings<'_>, clock: Clock) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let file = folder.path().join("letshang.toml");
        std::fs::write(&file, settings_file(settings)).unwrap();
        let flags = Flags {
            file: Some(file),
            listen: Some("127.0.0.1:0".to_owned()),
            data: Some(folder.path().join("data")),
            ..Flags::default()
        };
        Self::run(Config::load(&flags).unwrap(), clock, folder)
    }

    fn run(config: Config, clock: Clock, folder: Arc<TempDir>) -> Self {
        let (started, when_started) = mpsc::channel();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let (for_app, hand) = (config.clone(), clock.clone());
        let thread = std::thread::spawn(move || {
            let system = actix::System::new();
            system.block_on(async move {
                let app = start(&for_app, &hand).await;
                started.send((app.address(), app.node().clone(), app.first_link().map(str::to_owned))).unwrap();
                app.run_until(async move { _ = stopped.await }).await.expect("the node stops well");
            });
            // The actors' own threads end with the system.
            actix::System::current().stop();
            system.run().unwrap();
        });
        let started = when_started.recv_timeout(Duration::from_secs(20));
        let (address, node, first_link) = started.expect("the node starts in time");
        Self { address, clock, node, first_link, folder, config, stop: Some(stop), thread: Some(thread) }
    }

    fn halt(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            if !std::thread::panicking() {
                ended.expect("the node's thread ends well");
            }
        }
    }

    /// Stops the node in an orderly way and starts another one on its folder, with the same clock.
    pub fn restart(mut self) -> Self {
        self.halt();
        let (config, clock, folder) = (self.config.clone(), self.clock.clone(), self.folder.clone());
        drop(self);
        Self::run(config, clock, folder)
    }

    /// Where the node keeps its data.
    pub fn data(&self) -> std::path::PathBuf {
        self.folder.path().join("data")
    }

    /// Starts another node on what is on the disk now, and only then ends this one: what it would still have written is lost,
    /// as with kill -9.
    pub fn crash(mut self) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        copy(self.folder.path(), folder.path());
        self.halt();
        let mut config = self.config.clone();
        config.store.data = folder.path().join("data");
        let clock = self.clock.clone();
        drop(self);
        Self::run(config, clock, folder)
    }

    /// Makes people who are all friends of each other.
    pub fn friends<const N: usize>(&self, ids: [&str; N]) -> [Person; N] {
        let pairs: Vec<(usize, usize)> = (0..N).flat_map(|a| (a + 1..N).map(move |b| (a, b))).collect();
        self.people(ids, &pairs)
    }

    /// Makes people who know nobody.
    pub fn strangers<const N: usize>(&self, ids: [&str; N]) -> [Person; N] {
        self.people(ids, &[])
    }

    /// Makes people and the friendships among them.
    pub fn people<const N: usize>(&self, ids: [&str; N], friendships: &[(usize, usize)]) -> [Person; N] {
        let users: Vec<NewUser> = ids.iter().map(|id| NewUser::named(UserId::parse(id, "user").unwrap())).collect();
        let phone = DeviceName::parse("phone").unwrap();
        let made = self.node.people.create(&users, friendships, Some(&phone)).unwrap();
        let person = |at: usize| Person {
            id: ids[at].to_owned(),
            token: made[at].token.as_ref().unwrap().reveal().to_owned(),
            no: made[at].account.no.0,
        };
        std::array::from_fn(person)
    }

    /// Makes an administrator.
    pub fn administrator(&self, id: &str) -> Person {
        let [person] = self.strangers([id]);
        let change = ProfileChange { admin: Some(true), ..ProfileChange::default() };
        self.node.user.accounts.update(UserNo(person.no), change).unwrap();
        person
    }

    /// Connects a person's phone.
    #[track_caller]
    pub fn connect(&self, person: &Person) -> Client {
        Client::connect(self.address, &self.clock, &person.token)
    }

    /// Connects another device of a person.
    #[track_caller]
    pub fn connect_as(&self, person: &Person, device: &str) -> Client {
        Client::hello(self.address, &self.clock, &person.token, device)
    }

    /// A request.
    pub fn call(&self, method: &str, path: &str) -> Call {
        call(self.address, method, path)
    }

    /// A person's request.
    pub fn call_as(&self, person: &Person, method: &str, path: &str) -> Call {
        self.call(method, path).bearer(&person.token)
    }

    /// Makes two people friends, as the administrator's command does. False when they were.
    pub fn befriend(&self, a: &Person, b: &Person) -> bool {
        let id = |person: &Person| UserId::parse(&person.id, "user").unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(self.node.people.befriend(&id(a), &id(b))).unwrap()
    }

    /// Asks an actor something from outside its system.
    pub fn ask<A, M>(&self, actor: &Addr<A>, message: M) -> M::Result
    where
        A: Actor<Context = Context<A>> + Handler<M>,
        M: Message + Send + 'static,
        M::Result: Send,
    {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(actor.send(message)).expect("the actor lives")
    }

    /// Turns the clock and waits until the index and the alarm clock have looked at it.
    pub fn pass(&self, ms: i64) {
        use letshang::actors::spatial_index::{QueryCounts, QueryTicks};
        // What was reported so far was reported at this moment, not at the next.
        self.ask(&self.node.index, QueryCounts);
        self.clock.advance(ms);
        let begin = Instant::now();
        let ticks = self.ask(&self.node.index, QueryTicks);
        until("the index has ticked", || self.ask(&self.node.index, QueryTicks) >= ticks + 2);
        // The alarm clock looks every 100 ms and cannot be asked.
        std::thread::sleep(Duration::from_millis(150).saturating_sub(begin.elapsed()));
    }
}

/// Copies a folder with everything in it; what goes away meanwhile is left out.
fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        // The administrator's door is a socket, and is made anew.
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() {
            copy(&entry.path(), &target);
        } else if kind.is_file()
            && let Err(error) = std::fs::copy(entry.path(), &target)
        {
            assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{}", entry.path().display());
        }
    }
}

/// The folder's lock goes with the last actor of the node before, and a process that another test is just starting holds
/// copies of all locks for a moment: that is waited for.
async fn start(config: &Config, clock: &Clock) -> App {
    let deadline = Instant::now() + Duration::from_secs(10);
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

impl Drop for TestNode {
    fn drop(&mut self) {
        self.halt();
    }
}

/// Waits until something holds; fails after ten seconds.
#[track_caller]
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !holds() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(3));
    }
}
