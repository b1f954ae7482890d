//! What answers to phones and the page about them ask of the index.
use actix::prelude::*;
use rustc_hash::FxHashMap;

use super::{FriendPlace, SpatialIndex};
use crate::domain::{UnixMs, UserNo};
use crate::spatial::world::{Live, Why};

/// Where the friends of somebody are who has just reported, and whom they have met.
#[derive(Debug, Message)]
#[rtype(result = "PhoneView")]
pub struct QueryPhone(pub UserNo);

/// Why there is an alert of a friend, or none.
#[derive(Debug, Message)]
#[rtype(result = "AlertView")]
pub struct QueryAlerts(pub UserNo);

/// What a phone may be told.
#[derive(Clone, Debug, Default)]
pub struct PhoneView {
    /// Where the person is, when that is fresh.
    pub own: Option<Live>,
    /// What the person may know of friends' places.
    pub places: FxHashMap<UserNo, FriendPlace>,
    /// The friends who are near, and when that was announced.
    pub met: Vec<(UserNo, UnixMs)>,
}

/// What decides about alerts. Facts: what may be said of them is the gate's to decide.
#[derive(Clone, Debug, Default)]
pub struct AlertView {
    /// The asker has a fresh position.
    pub is_fresh: bool,
    /// What the asker may know of friends' places.
    pub places: FxHashMap<UserNo, FriendPlace>,
    /// By friend; nobody who is nowhere.
    pub why: FxHashMap<UserNo, Why>,
}

impl Handler<QueryPhone> for SpatialIndex {
    type Result = MessageResult<QueryPhone>;

    fn handle(&mut self, QueryPhone(no): QueryPhone, _: &mut Self::Context) -> Self::Result {
        self.drain();
        let now = self.deps.clock.now();
        let met = self.world.near_friends(no).into_iter();
        let met = met.filter_map(|friend| Some((friend, self.world.announced_at(no, friend)?))).collect();
        MessageResult(PhoneView { own: self.world.fresh(no, now).copied(), places: self.places(no), met })
    }
}

impl Handler<QueryAlerts> for SpatialIndex {
    type Result = MessageResult<QueryAlerts>;

    fn handle(&mut self, QueryAlerts(no): QueryAlerts, _: &mut Self::Context) -> Self::Result {
        self.drain();
        let now = self.deps.clock.now();
        let friends = self.world.friends(no).iter();
        let why = friends.filter_map(|friend| Some((*friend, self.world.explain(no, *friend, now)?))).collect();
        MessageResult(AlertView { is_fresh: self.world.fresh(no, now).is_some(), places: self.places(no), why })
    }
}
