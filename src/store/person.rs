//! What goes into the accounts and comes out of them.
use std::sync::Arc;

use thiserror::Error;

use super::error::StoreError;
use super::rows::{Account, TokenKind};
use super::secret::{Secret, SecretError};
use crate::domain::{Code, DeviceName, DisplayName, Radius, Refusal, UnixMs, UserId, UserNo};

/// Why an account cannot be made or changed.
#[derive(Debug, Error)]
pub enum AccountError {
    /// The id is taken.
    #[error("user {0} exists already")]
    Conflict(UserId),
    /// No such user, token or place in the list.
    #[error("no such user")]
    Unknown,
    /// Friendship with oneself.
    #[error("nobody is their own friend")]
    Oneself,
    /// The person has as many tokens as anybody can have.
    #[error("there are too many tokens: revoke one first")]
    TooManyTokens,
    /// All four billion numbers are given away.
    #[error("this server has given away all its user numbers")]
    Full,
    /// No token can be made.
    #[error(transparent)]
    Random(#[from] SecretError),
    /// The store cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AccountError {
    /// The same, as the protocol says it.
    #[must_use]
    pub fn refusal(&self) -> Refusal {
        let code = match self {
            Self::Conflict(_) => Code::Conflict,
            Self::Unknown => Code::NotFound,
            Self::Oneself => Code::BadField,
            Self::TooManyTokens => Code::TooMany,
            Self::Full | Self::Random(_) | Self::Store(_) => Code::Unavailable,
        };
        match self {
            // What is wrong with the disk is for the log.
            Self::Store(_) => Refusal::new(code, "the server cannot store this now"),
            _ => Refusal::new(code, self.to_string()),
        }
    }
}

/// A person to be made.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// The id on the wire.
    pub id: UserId,
    /// What friends read; `None`: the id.
    pub name: Option<DisplayName>,
    /// May administer.
    pub admin: bool,
    /// How near is near; `None`: the default.
    pub radius: Option<Radius>,
    /// IANA zone name, checked by the caller; `None`: the server's.
    pub time_zone: Option<String>,
}

impl NewUser {
    /// Somebody of whom only the id is known.
    #[must_use]
    pub const fn named(id: UserId) -> Self {
        Self { id, name: None, admin: false, radius: None, time_zone: None }
    }
}

/// A person that was made.
#[derive(Clone, Debug)]
pub struct Created {
    /// The account.
    pub account: Arc<Account>,
    /// The token, when one was asked for.
    pub token: Option<Secret>,
}

/// A token that was made.
#[derive(Clone, Debug)]
pub struct Issued {
    /// To be shown once.
    pub secret: Secret,
    /// To be revoked by.
    pub id: u64,
}

/// A person that was removed, with what is left to be told to others.
#[derive(Clone, Debug)]
pub struct Removed {
    /// The account as it was.
    pub account: Arc<Account>,
    /// The friends it had.
    pub friends: Arc<[UserNo]>,
}

/// Whom a token stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The person.
    pub no: UserNo,
    /// The device the token was made for.
    pub device: DeviceName,
    /// What the token may do.
    pub kind: TokenKind,
    /// The person may administer, and the token is not a device's.
    pub admin: bool,
    /// Names the token, for revoking.
    pub token_id: u64,
    /// From when on it is void.
    pub expires: Option<UnixMs>,
}

/// What to change of a profile; `None` leaves it.
#[derive(Clone, Debug, Default)]
pub struct ProfileChange {
    /// What friends read.
    pub name: Option<DisplayName>,
    /// How near is near.
    pub radius: Option<Radius>,
    /// IANA zone name, checked by the caller; `Some(None)`: the server's.
    pub time_zone: Option<Option<String>>,
    /// Length of a step, metres, checked by the caller.
    pub stride_m: Option<f32>,
    /// May administer.
    pub admin: Option<bool>,
}
