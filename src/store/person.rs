//! What goes into the accounts and comes out of them.
use std::sync::Arc;

use thiserror::Error;

use super::error::StoreError;
use super::rows::{Account, InviteKind, InviteRow, PhoneChoice, TokenKind};
use super::secret::{Secret, SecretError};
use crate::domain::{Code, DeviceName, DisplayName, Radius, Refusal, UnixMs, UserId, UserNo, WeeklyHours};

/// Why an account cannot be made or changed.
#[derive(Debug, Error)]
pub enum AccountError {
    /// The id is taken.
    #[error("user {0} exists already")]
    Conflict(UserId),
    /// No such user, token, invite or place in the list; or none that may be known of: nobody learns from this error
    /// that somebody else has blocked them.
    #[error("no such user")]
    Unknown,
    /// Friendship with oneself.
    #[error("nobody is their own friend")]
    Oneself,
    /// The person has as many tokens as anybody can have.
    #[error("there are too many tokens: revoke one first")]
    TooManyTokens,
    /// The person has blocked as many people as anybody can.
    #[error("too many people are blocked: take a block back first")]
    TooManyBlocks,
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
            Self::TooManyTokens | Self::TooManyBlocks => Code::TooMany,
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
    /// What is chosen for the phone that has it.
    pub phone: PhoneChoice,
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
    /// Hidden from everyone until then; `Some(None)`: hidden no more.
    pub hidden_until: Option<Option<UnixMs>>,
    /// Shows a position only while free.
    pub only_free: Option<bool>,
    /// When the person is usually free; empty: nothing is said of that.
    pub free_hours: Option<WeeklyHours>,
    /// Stands in friends' leaderboards.
    pub on_board: Option<bool>,
}

/// An invite that was made.
#[derive(Clone, Debug)]
pub struct IssuedInvite {
    /// The code, to be shown once.
    pub secret: Secret,
    /// To be withdrawn by.
    pub id: u64,
    /// From when on it is void.
    pub expires: UnixMs,
}

/// An invite that can be accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invite {
    /// To be withdrawn by.
    pub id: u64,
    /// What it grants.
    pub kind: InviteKind,
    /// When it was made.
    pub created: UnixMs,
    /// From when on it is void.
    pub expires: UnixMs,
}

impl From<&InviteRow> for Invite {
    fn from(row: &InviteRow) -> Self {
        Self { id: row.id, kind: row.kind, created: row.created, expires: row.expires }
    }
}

/// Who accepts an invite.
#[derive(Clone, Debug)]
pub enum Acceptor {
    /// Somebody with an account.
    Known(UserNo),
    /// Somebody who gets an account, and a full token for this device. Whether the new person may administer is the
    /// invite's to say, not the [`NewUser`]'s.
    New(NewUser, DeviceName),
}

/// What became of an invite that was accepted.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// Who accepted.
    pub no: UserNo,
    /// Who had invited; `None`: an administrator's invite.
    pub friend: Option<UserNo>,
    /// The token of somebody new, to be shown once.
    pub token: Option<Secret>,
    /// False: the two were friends already, and nothing was changed.
    pub is_new_friend: bool,
}
