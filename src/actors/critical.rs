//! Actors without which the server must not go on.
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Held by a critical actor. When it is dropped while the server is not stopping (the actor panicked, its thread
/// ended), the process exits with code 70 and the actor's name: half a server would tell half the truth.
#[derive(Debug)]
pub struct CriticalGuard {
    name: &'static str,
    stopping: Stopping,
}

/// Shared by all guards: set before an orderly stop.
#[derive(Clone, Debug, Default)]
pub struct Stopping(Arc<AtomicBool>);

impl Stopping {
    /// From now on critical actors may end.
    pub fn begin(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether an orderly stop is under way.
    #[must_use]
    pub fn is_under_way(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// A guard for the actor `name`.
    #[must_use]
    pub fn guard(&self, name: &'static str) -> CriticalGuard {
        CriticalGuard { name, stopping: self.clone() }
    }
}

impl Drop for CriticalGuard {
    fn drop(&mut self) {
        if self.stopping.is_under_way() {
            return;
        }
        tracing::error!(actor = self.name, "critical actor died, the process ends");
        eprintln!("letshang: the actor {} died; the process ends", self.name);
        std::process::exit(70);
    }
}
