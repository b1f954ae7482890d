//! A data folder with people in it, for the scenarios.
use std::sync::Arc;

use letshang::domain::{DeviceName, UnixMs, UserId, UserNo};
use letshang::store::accounts::NewUser;
use letshang::store::{Accounts, Embedded};

pub const NOW: UnixMs = UnixMs(1_800_000_000_000);

pub struct House {
    pub dir: tempfile::TempDir,
    pub store: Arc<Embedded>,
    pub accounts: Accounts,
}

impl House {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(Embedded::open(dir.path()).unwrap());
        Self { accounts: Accounts::open(store.clone()).unwrap(), store, dir }
    }

    pub fn restarted(self) -> Self {
        let Self { dir, store, accounts } = self;
        drop((accounts, store));
        let store = Arc::new(Embedded::open(dir.path()).unwrap());
        Self { accounts: Accounts::open(store.clone()).unwrap(), store, dir }
    }

    pub fn with(self, names: &[&str], friendships: &[(usize, usize)]) -> Self {
        let users: Vec<_> = names.iter().map(|name| NewUser::named(id(name))).collect();
        self.accounts.create(&users, friendships, None, NOW).unwrap();
        self
    }
}

pub fn id(name: &str) -> UserId {
    UserId::parse(name, "user").unwrap()
}

pub fn phone() -> DeviceName {
    DeviceName::parse("phone").unwrap()
}

pub const ANN: UserNo = UserNo(0);
pub const BOB: UserNo = UserNo(1);
pub const CID: UserNo = UserNo(2);
