//! Putting a node together: the one place that knows every actor. Built last stage first, addresses passed in `new`.
pub mod listen;
mod load;
mod mount;
mod stop;
pub mod sweep;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use actix::prelude::*;
use actix_web::dev::{Server, ServerHandle};
use anyhow::Context as _;

use self::listen::Listening;
use crate::activity::histogram::hour_of;
use crate::actors::agenda::Agenda;
use crate::actors::alarm::{Alarm, Alarms};
use crate::actors::board::Board;
use crate::actors::calendars::Calendars;
use crate::actors::critical::Stopping;
use crate::actors::entitlements::Entitlements;
use crate::actors::herald::{Herald, Suspended};
use crate::actors::journal::{Journal, Journaling};
use crate::actors::phones::Phones;
use crate::actors::registry::Registry;
use crate::actors::spatial_inbox::SpatialInbox;
use crate::actors::spatial_index::{SpatialDeps, SpatialIndex};
use crate::actors::user::{StepsToday, UserDeps};
use crate::config::{Config, Durability as DurabilityChoice};
use crate::domain::{Clock, RELEASED};
use crate::feeds::{self, Fetcher, Guard, Roots, SystemNames};
use crate::http::audit::Often;
use crate::http::browsers::Browsers;
use crate::http::limits::{Limits, Room};
use crate::http::people::People;
use crate::http::socket::SocketMetrics;
use crate::http::state::Node;
use crate::http::{admin_socket, invites};
use crate::protocol::client::FIXES_PER_FRAME;
use crate::protocol::server;
use crate::spatial::world::{QuietRules, Settings, World};
use crate::store::embedded::{Durability, Embedded};
use crate::telemetry;

/// How many calendars are fetched at once while somebody waits for it.
const FETCHED_AT_ONCE: usize = 8;

/// A node that stands and listens.
pub struct App {
    address: SocketAddr,
    url: String,
    node: Arc<Node>,
    server: Server,
    parts: stop::Parts,
    first_link: Option<String>,
}

impl App {
    /// Opens the store, starts every actor and listens. Must run inside an actix system.
    ///
    /// # Errors
    /// When the address is taken, the folder cannot be used or the settings contradict each other.
    pub async fn start(config: Config, clock: Clock) -> anyhow::Result<Self> {
        let started = Instant::now();
        let listening = Listening::take(&config, clock.now())?;
        let zone = config.zone()?;
        let store = Arc::new(Embedded::open(&config.store.data)?);
        mount::warn_of_network(store.path());
        let mut stored = load::read(&store, hour_of(clock.now(), &zone).date)?;
        let fetcher = fetcher(&config)?;
        tracing::debug!(ms = since(started), "store read");
        let accounts = Arc::new(stored.accounts.with_clock(clock.clone()));
        load::check_guest(&config, &accounts)?;

        let stopping = Stopping::default();
        let registry = Arc::new(Registry::default());
        let board = Arc::new(Board::default());
        let (alarms, flips) = (Arc::new(Alarms::default()), Arc::new(Agenda::default()));
        let spatial = Arc::new(SpatialInbox::default());
        let suspended = Arc::new(Suspended::default());
        let herald = Herald::new(registry.clone(), suspended.clone(), clock.clone()).start();
        let steps_today = StepsToday::default();

        let journal = Arc::new(Journaling::default());
        let journal_actor = on_own_thread({
            let (inbox, store, guard) = (journal.clone(), store.clone(), stopping.guard("Journal"));
            let (health, gather) = (herald.clone().recipient(), config.store.group_commit.get());
            let durability = durability(config.store.durability);
            move |_: &mut Context<Journal>| Journal::new(inbox, store, durability, gather, health, guard)
        });
        journal.connect(journal_actor.clone().recipient());

        let hours = load::hours(&config, &store, &clock, &stopping, &herald)?;

        let mut world = World::new(settings(&config));
        if let Some(rules) = quiet_rules(&config) {
            world.give_zones(rules);
        }
        let into = load::Into {
            board: &board,
            alarms: &alarms,
            flips: &flips,
            hours: &hours.inbox,
            counted_to: hours.counted_to,
            steps_today: &steps_today,
        };
        let events = world.fill(|world| load::fill(world, &accounts, &mut stored.rows, &into, &zone, clock.now()));
        tracing::debug!(ms = since(started), "world filled");
        let index = on_own_thread({
            let deps = SpatialDeps {
                inbox: spatial.clone(),
                registry: registry.clone(),
                accounts: accounts.clone(),
                journal: journal.clone(),
                clock: clock.clone(),
                moved_every: config.push.moved.get(),
                crowd_every: config.push.crowd.get(),
            };
            let guard = stopping.guard("SpatialIndex");
            move |_: &mut Context<SpatialIndex>| SpatialIndex::new(world, events, deps, guard)
        });
        spatial.connect(index.clone().recipient());

        let user = Arc::new(UserDeps {
            store,
            gate: Arc::new(Entitlements::new(accounts.clone(), board.clone(), clock.clone())),
            accounts,
            board,
            registry: registry.clone(),
            spatial,
            index: index.clone(),
            hours: hours.inbox,
            journal,
            alarms,
            flips,
            suspended,
            clock: clock.clone(),
            zone: zone.clone(),
            limits: frame_limits(&config),
            linger: config.presence.linger.get(),
            http_linger: config.presence.http_linger.get(),
            steps_every: config.push.steps.get(),
            steps_today,
            fixes: AtomicU64::new(0),
            phones: Phones::default(),
        });
        registry.equip(&user);
        let alarm = on_own_thread({
            let (people, guard) = (user.clone(), stopping.guard("Alarm"));
            move |_: &mut Context<Alarm>| Alarm::new(&people, guard)
        });
        let calendars = Arc::new(Calendars::new(user.clone(), fetcher, config.calendar.refresh.get()));
        calendars.take_up(stored.rows.calendars);
        calendars.look_after().context("cannot look after calendars")?;

        let sockets = Arc::new(SocketMetrics::default());
        let node = Arc::new_cyclic(|weak| Node {
            people: Arc::new(People::new(user.clone(), calendars.clone())),
            calendars,
            fetching: tokio::sync::Semaphore::new(FETCHED_AT_ONCE),
            metrics: telemetry::metrics(weak.clone()),
            user,
            index: index.clone(),
            hours: hours.actor.clone(),
            sinks: hours.sinks,
            sockets,
            limits: Arc::new(Limits::new(&config, Room::of(&config))),
            browsers: Browsers::default(),
            often: Often::default(),
            next_conn: AtomicU64::new(1),
            ready: AtomicBool::new(false),
            stopping,
            started,
            fixes_per_second_e3: AtomicU64::new(0),
            zone,
            config,
            certificates: listening.certificates.clone(),
        });
        let (address, url, page_url) = (listening.address, listening.url(), listening.page_url());
        let first_link = invites::first_link(&node, &page_url)?;
        let server = listening.serve(&node)?;
        let admin = admin_socket::bind(&node.config.store.data).context("cannot make the private socket")?;
        actix_rt::spawn(admin_socket::serve(admin, node.clone(), url.clone()));
        actix_rt::spawn(listen::keep_fresh(node.certificates.clone(), node.user.clock.clone()));
        actix_rt::spawn(measure_rate(node.clone()));
        actix_rt::spawn(sweep::keep_clean(node.clone()));
        actix_rt::spawn(Limits::keep_swept(Arc::downgrade(&node.limits)));
        node.ready.store(true, Ordering::Relaxed);
        tracing::info!(%address, ready_ms = since(started), "ready");
        let parts = stop::Parts { journal: journal_actor, hours: hours.actor, _alarm: alarm };
        Ok(Self { address, url, node, server, parts, first_link })
    }

    /// Runs a node in an actix system of its own until SIGTERM or SIGINT. `listening` hears when it stands.
    ///
    /// # Errors
    /// As [`App::start`] and [`App::run_until`].
    pub fn run(config: Config, listening: impl FnOnce(&Self)) -> anyhow::Result<()> {
        if Clock::System.now() < RELEASED {
            tracing::warn!(
                "the clock of this machine is before the release of this program: no tokens are made until it is set"
            );
        }
        actix::System::new().block_on(async {
            let app = Self::start(config, Clock::System).await?;
            let stopped = stop::signal();
            listening(&app);
            app.run_until(stopped).await
        })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The link that makes the first administrator, when there is nobody yet. For the operator's eyes, not for the log.
    #[must_use]
    pub fn first_link(&self) -> Option<&str> {
        self.first_link.as_deref()
    }

    /// Where it listens, as a client on this machine writes it before a path.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The node, for tests that look inside.
    #[must_use]
    pub const fn node(&self) -> &Arc<Node> {
        &self.node
    }

    /// A handle that stops the HTTP side at once (tests).
    #[must_use]
    pub fn handle(&self) -> ServerHandle {
        self.server.handle()
    }

    /// Serves until `shutdown` ends, then says goodbye to everyone, flushes and returns.
    ///
    /// # Errors
    /// When the server breaks.
    pub async fn run_until(self, shutdown: impl Future<Output = ()>) -> anyhow::Result<()> {
        let Self { node, server, parts, .. } = self;
        let handle = server.handle();
        let mut serving = actix_rt::spawn(server);
        tokio::select! {
            ended = &mut serving => {
                node.stopping.begin();
                ended.context("the server's task died")?.context("the server broke")?;
            }
            () = shutdown => {
                stop::say_goodbye(&node).await;
                stop::flush(&node, &parts).await;
                handle.stop(false).await;
            }
        }
        let _ = std::fs::remove_file(node.config.store.data.join(admin_socket::SOCKET));
        Ok(())
    }
}

/// Starts an actor on a thread of its own.
fn on_own_thread<A: Actor<Context = Context<A>>>(make: impl FnOnce(&mut Context<A>) -> A + Send + 'static) -> Addr<A> {
    A::start_in_arbiter(&Arbiter::new().handle(), make)
}

async fn measure_rate(node: Arc<Node>) {
    let mut before = (Instant::now(), 0);
    loop {
        actix_rt::time::sleep(Duration::from_secs(1)).await;
        let now = (Instant::now(), node.user.fixes.load(Ordering::Relaxed));
        let ms = now.0.duration_since(before.0).as_millis().max(1);
        let rate = u128::from(now.1 - before.1) * 1_000_000 / ms;
        node.fixes_per_second_e3.store(u64::try_from(rate).unwrap_or(u64::MAX), Ordering::Relaxed);
        before = now;
    }
}

fn since(started: Instant) -> u64 {
    u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX)
}

fn durability(choice: DurabilityChoice) -> Durability {
    match choice {
        DurabilityChoice::Power => Durability::Power,
        DurabilityChoice::Process => Durability::Process,
    }
}

fn settings(config: &Config) -> Settings {
    Settings {
        fresh_ms: config.proximity.fresh.as_ms(),
        announce_again_ms: config.proximity.announce_again.as_ms(),
        leave_hold_ms: config.proximity.leave_hold.as_ms(),
        cell_hold_ms: config.privacy.cell_hold.as_ms(),
        ..Settings::default()
    }
}

fn quiet_rules(config: &Config) -> Option<QuietRules> {
    let quiet = &config.quiet;
    quiet.enabled.then(|| QuietRules {
        lease_ms: quiet.lease.as_ms(),
        largest_m: quiet.largest,
        still_m: quiet.still,
        smallest_m: quiet.smallest,
        answer_ms: quiet.answer.as_ms(),
        asks_per_minute: quiet.probes_per_minute,
        asks_per_second: quiet.probes_per_second,
        ..QuietRules::default()
    })
}

/// Fetches calendars from the web; `None` when they are not to be.
fn fetcher(config: &Config) -> anyhow::Result<Option<Fetcher>> {
    let settings = &config.calendar;
    if !settings.subscriptions {
        return Ok(None);
    }
    let file = &settings.ca_file;
    let roots = if file.as_os_str().is_empty() { Ok(Roots::default()) } else { Roots::in_file(file) };
    let roots = roots.with_context(|| format!("cannot use calendar.ca_file, {}", file.display()))?;
    let guard = Guard { allowed: settings.allow_networks.clone() };
    let settings = feeds::Settings { guard, ports: settings.ports.clone(), roots };
    Ok(Some(Fetcher::new(settings, Arc::new(SystemNames))))
}

fn frame_limits(config: &Config) -> server::Limits {
    server::Limits {
        frame_bytes: config.limits.frame_bytes,
        fixes_per_frame: FIXES_PER_FRAME,
        frames_per_second: config.limits.frames_per_second,
    }
}
