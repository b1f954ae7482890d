//! Which people have an actor running now, and how to wake one.
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use actix::prelude::*;
use parking_lot::RwLock;
use rustc_hash::FxHashMap;

use super::user::{User, UserDeps};
use crate::domain::UserNo;

/// Online people's actors by number.
#[derive(Default)]
pub struct Registry {
    users: RwLock<FxHashMap<UserNo, Entry>>,
    /// Weak: the dependencies hold the registry, and the store must be closed when the node is gone.
    deps: OnceLock<Weak<UserDeps>>,
    overflows: AtomicU64,
}

struct Entry {
    addr: Addr<User>,
    overrun: Overrun,
}

/// Set when a message of state could not be put into a person's mailbox: their connections must then be closed with
/// 4503, so that on return they get the server's state. A state frame is late, or the connection ends; it is never
/// silently missing.
#[derive(Clone, Debug, Default)]
pub struct Overrun(Arc<AtomicBool>);

impl Overrun {
    /// Whether it happened since the last call.
    #[must_use]
    pub fn take(&self) -> bool {
        self.0.load(Ordering::Relaxed) && self.0.swap(false, Ordering::Relaxed)
    }
}

impl Registry {
    /// Hands in what every [`User`] needs. Called once, by `app`, when all actors stand.
    pub fn equip(&self, deps: &Arc<UserDeps>) {
        // A second call would be a mistake in `app`; the first one holds.
        let _ = self.deps.set(Arc::downgrade(deps));
    }

    /// A person's actor, if it runs.
    #[must_use]
    pub fn get(&self, no: UserNo) -> Option<Addr<User>> {
        self.users.read().get(&no).map(|entry| entry.addr.clone())
    }

    /// A person's actor; started on the calling thread's arbiter when there is none.
    /// `None` when the account does not exist (any more) or the node is not ready.
    pub fn wake(&self, no: UserNo) -> Option<Addr<User>> {
        if let Some(addr) = self.get(no) {
            return Some(addr);
        }
        let deps = self.deps.get()?.upgrade()?;
        let mut users = self.users.write();
        if let Some(entry) = users.get(&no) {
            return Some(entry.addr.clone());
        }
        let overrun = Overrun::default();
        let addr = User::load(no, deps, overrun.clone())?.start();
        users.insert(no, Entry { addr: addr.clone(), overrun });
        Some(addr)
    }

    /// Sends a message of state to a person's actor, if it runs. When the mailbox is full the person is cut instead
    /// (see [`Overrun`]) and the overflow is counted.
    pub fn tell<M>(&self, no: UserNo, message: M)
    where
        M: Message + Send + 'static,
        M::Result: Send,
        User: Handler<M>,
    {
        tell(&self.users.read(), &self.overflows, no, message);
    }

    /// As [`Registry::tell`], where what is lost must be said again: false when the mailbox was full, `None` when the actor does not run
    /// (any more).
    pub fn try_tell<M>(&self, no: UserNo, message: M) -> Option<bool>
    where
        M: Message + Send + 'static,
        M::Result: Send,
        User: Handler<M>,
    {
        let users = self.users.read();
        let sent = users.get(&no)?.addr.try_send(message);
        Some(!matches!(sent, Err(SendError::Full(_))))
    }

    /// Does something while a person's actor does not run and cannot be woken; `None` when it runs. Must be quick, and must not wait
    /// for the index.
    pub fn if_asleep<T>(&self, no: UserNo, work: impl FnOnce(&Awake<'_>) -> T) -> Option<T> {
        let users = self.users.read();
        if users.contains_key(&no) {
            return None;
        }
        Some(work(&Awake { users: &users, overflows: &self.overflows }))
    }

    /// Takes a person's actor out; it forwards what still reaches it and stops.
    pub fn retire(&self, no: UserNo) {
        self.users.write().remove(&no);
    }

    /// Puts a retired actor back in its place. False when a newer one has it.
    pub fn revive(&self, no: UserNo, addr: Addr<User>, overrun: Overrun) -> bool {
        let mut users = self.users.write();
        let vacant = !users.contains_key(&no);
        if vacant {
            users.insert(no, Entry { addr, overrun });
        }
        vacant
    }

    /// How many actors run.
    #[must_use]
    pub fn len(&self) -> usize {
        self.users.read().len()
    }

    /// True when nobody's actor runs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.users.read().is_empty()
    }

    /// How often a mailbox was full.
    #[must_use]
    pub fn overflows(&self) -> u64 {
        self.overflows.load(Ordering::Relaxed)
    }

    /// Everyone whose actor runs.
    #[must_use]
    pub fn everyone(&self) -> Vec<UserNo> {
        self.users.read().keys().copied().collect()
    }
}

/// The people whose actors run, while nobody can be woken.
pub struct Awake<'a> {
    users: &'a FxHashMap<UserNo, Entry>,
    overflows: &'a AtomicU64,
}

impl Awake<'_> {
    /// Whether somebody's actor runs.
    #[must_use]
    pub fn has(&self, no: UserNo) -> bool {
        self.users.contains_key(&no)
    }

    /// As [`Registry::tell`].
    pub fn tell<M>(&self, no: UserNo, message: M)
    where
        M: Message + Send + 'static,
        M::Result: Send,
        User: Handler<M>,
    {
        tell(self.users, self.overflows, no, message);
    }
}

fn tell<M>(users: &FxHashMap<UserNo, Entry>, overflows: &AtomicU64, no: UserNo, message: M)
where
    M: Message + Send + 'static,
    M::Result: Send,
    User: Handler<M>,
{
    let Some(entry) = users.get(&no) else { return };
    if let Err(SendError::Full(_)) = entry.addr.try_send(message) {
        entry.overrun.0.store(true, Ordering::Relaxed);
        overflows.fetch_add(1, Ordering::Relaxed);
    }
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registry").field("users", &self.len()).finish_non_exhaustive()
    }
}
