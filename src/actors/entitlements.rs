//! The gate with the node's own facts: who is friends with whom and shares what is the accounts', who is free is the board's.
//! Both are changed before anyone is told that they were, so that what was taken back is denied from then on.
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::board::Board;
use super::downlink::{Gate, MovedFriend};
use crate::domain::{Clock, Relation, Sight, UnixMs, UserNo, entitlement};
use crate::store::accounts::Accounts;

/// Asks [`entitlement::sight`] with current facts.
#[derive(Debug)]
pub struct Entitlements {
    accounts: Arc<Accounts>,
    board: Arc<Board>,
    clock: Clock,
    late_drops: AtomicU64,
}

impl Entitlements {
    /// The gate of a node.
    #[must_use]
    pub const fn new(accounts: Arc<Accounts>, board: Arc<Board>, clock: Clock) -> Self {
        Self { accounts, board, clock, late_drops: AtomicU64::new(0) }
    }

    /// What `viewer` may know of `owner` at `now`, given what is known now.
    #[must_use]
    pub fn sight_at(&self, owner: UserNo, viewer: UserNo, now: UnixMs) -> Sight {
        self.decide(owner, self.accounts.relation(owner, viewer, now), now)
    }

    /// How often something was made while it was allowed and not sent because it no longer was.
    #[must_use]
    pub fn late_drops(&self) -> u64 {
        self.late_drops.load(Ordering::Relaxed)
    }

    fn decide(&self, owner: UserNo, relation: Relation, now: UnixMs) -> Sight {
        // Only who shows a position while free alone needs the second look.
        let free = relation.only_free && self.board.is_free(owner, now);
        entitlement::sight(&Relation { free, ..relation })
    }
}

impl Gate for Entitlements {
    fn sight(&self, owner: UserNo, viewer: UserNo) -> Sight {
        self.sight_at(owner, viewer, self.clock.now())
    }

    fn keep(&self, viewer: UserNo, friends: &mut Vec<MovedFriend>) {
        let now = self.clock.now();
        let before = friends.len();
        friends.retain(|friend| {
            let relation = self.accounts.relation(friend.no, viewer, now);
            self.decide(friend.no, relation, now) >= Sight::from(friend.precision)
        });
        self.late_drops.fetch_add((before - friends.len()) as u64, Ordering::Relaxed);
    }

    fn late_drop(&self) {
        self.late_drops.fetch_add(1, Ordering::Relaxed);
    }
}
