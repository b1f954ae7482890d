//! What one address and one person may take of this node. Rates are kept by `governor`; what is refused is said, with how
//! long to wait, and counted.
mod address;
mod count;
mod doors;
mod frames;
mod people;
mod rates;
mod room;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

pub use address::Net;
pub use count::{Limit, Refused};
pub use doors::{Doors, Porter, Visit, Way};
pub use frames::Frames;
pub use people::{Budget, Seat};
pub use rates::{PerKey, Wait};
pub use room::Room;

use crate::config;
use crate::domain::UserNo;
use people::Seats;

/// How often what is kept of those who have gone quiet is forgotten.
const SWEEP: Duration = Duration::from_secs(10);
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const SECOND: Duration = Duration::from_secs(1);

/// Every limit of a node that is not a single connection's or a single message's.
#[derive(Debug)]
pub struct Limits {
    exempt: config::Networks,
    /// What was refused, by limit.
    pub refused: Refused,
    /// Connections at once, by address and in total.
    pub doors: Doors,
    seats: Seats,
    arrivals: PerKey<Net>,
    wrong: PerKey<Net>,
    sign_ins: PerKey<Net>,
    looks: PerKey<Net>,
    requests: PerKey<UserNo>,
    invites: PerKey<UserNo>,
}

impl Limits {
    /// The limits that the settings ask for. `room`: for how many connections there is room.
    #[must_use]
    pub fn new(config: &config::Config, room: Room) -> Self {
        let limits = &config.limits;
        let per_minute = |number| PerKey::new(number, number, MINUTE);
        Self {
            exempt: limits.exempt.clone(),
            refused: Refused::default(),
            doors: Doors::new(room, limits.connections_per_address),
            seats: Seats::new(limits),
            arrivals: per_minute(limits.new_connections_per_minute),
            wrong: per_minute(limits.wrong_credentials_per_minute),
            sign_ins: per_minute(limits.sign_ins_per_minute),
            looks: per_minute(limits.invite_looks_per_minute),
            requests: PerKey::new(limits.requests_per_second, limits.request_burst, SECOND),
            invites: PerKey::new(config.privacy.invites_per_day, config.privacy.invites_per_day, DAY),
        }
    }

    /// The address as limits see it; `None`: exempt.
    #[must_use]
    pub fn net(&self, address: IpAddr) -> Option<Net> {
        let address = address.to_canonical();
        (!self.exempt.contains(address)).then(|| Net::of(address))
    }

    /// Counts a credential that was wrong. Good ones are never counted, and never refused for the wrong ones.
    ///
    /// # Errors
    /// When there were too many from there within a minute.
    pub fn wrong_credential(&self, from: IpAddr) -> Result<(), Wait> {
        self.per_address(&self.wrong, Limit::WrongCredentials, from)
    }

    /// Counts a sign-in.
    ///
    /// # Errors
    /// When there were too many from there within a minute.
    pub fn sign_in(&self, from: IpAddr) -> Result<(), Wait> {
        self.per_address(&self.sign_ins, Limit::SignIns, from)
    }

    /// Counts a look at an invite, or its acceptance.
    ///
    /// # Errors
    /// When there were too many from there within a minute.
    pub fn invite_look(&self, from: IpAddr) -> Result<(), Wait> {
        self.per_address(&self.looks, Limit::InviteLooks, from)
    }

    /// Counts a new connection.
    ///
    /// # Errors
    /// When there were too many from there within a minute.
    pub fn arrival(&self, from: IpAddr) -> Result<(), Wait> {
        self.per_address(&self.arrivals, Limit::NewConnections, from)
    }

    /// Counts an invite that a person makes.
    ///
    /// # Errors
    /// When they made too many within a day.
    pub fn invite(&self, no: UserNo) -> Result<(), Wait> {
        self.invites.take(&no).inspect_err(|_| self.refused.count(Limit::Invites))
    }

    /// Counts a request that a person makes.
    ///
    /// # Errors
    /// When they make too many a second.
    pub fn request(&self, no: UserNo) -> Result<(), Wait> {
        self.requests.take(&no).inspect_err(|_| self.refused.count(Limit::Requests))
    }

    /// A place for one more connection of a person.
    ///
    /// # Errors
    /// When they have as many as anybody may have.
    pub fn seat(self: &Arc<Self>, no: UserNo) -> Result<Seat, Wait> {
        Seats::take(self, no).ok_or_else(|| {
            self.refused.count(Limit::UserConnections);
            Wait::SECOND
        })
    }

    /// How many addresses and people are remembered for their rates.
    #[must_use]
    pub fn remembered(&self) -> usize {
        [&self.arrivals, &self.wrong, &self.sign_ins, &self.looks].map(PerKey::len).iter().sum::<usize>()
            + [&self.requests, &self.invites].map(PerKey::len).iter().sum::<usize>()
            + self.seats.len()
    }

    /// Forgets everybody whose rate is as if they had never been here.
    pub fn sweep(&self) {
        for rates in [&self.arrivals, &self.wrong, &self.sign_ins, &self.looks] {
            rates.sweep();
        }
        for rates in [&self.requests, &self.invites] {
            rates.sweep();
        }
        self.seats.sweep();
    }

    /// Sweeps now and then, until the node is gone.
    pub async fn keep_swept(this: std::sync::Weak<Self>) {
        loop {
            actix_rt::time::sleep(SWEEP).await;
            let Some(limits) = this.upgrade() else { return };
            limits.sweep();
        }
    }

    fn per_address(&self, rates: &PerKey<Net>, limit: Limit, from: IpAddr) -> Result<(), Wait> {
        let Some(net) = self.net(from) else { return Ok(()) };
        rates.take(&net).inspect_err(|_| self.refused.count(limit))
    }
}
