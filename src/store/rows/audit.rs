//! What was done to accounts, and by whom: numbers only. No row holds a text, a position or what a token was.
use crate::domain::{UnixMs, UserNo};
use crate::store::codec::{Decoder, Encoder, RowError};

use super::{Row, Table};

const VERSION: u8 = 1;

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident = $byte:literal $word:literal,)*) => {
        /// What was done. The subject is whom it was done to; what `detail` of [`AuditRow`] means stands with each.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Action {
            $($(#[$doc])* $name,)*
        }

        impl Action {
            /// Every action.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The word for it in answers.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            const fn byte(self) -> u8 {
                match self { $(Self::$name => $byte,)* }
            }

            const fn of(byte: u8) -> Option<Self> {
                match byte { $($byte => Some(Self::$name),)* _ => None }
            }
        }
    };
}

// A byte is never changed and never given to another action.
actions! {
    /// An account was made. Detail: 1, or how many when they were made together and without a subject.
    UserCreated = 1 "user_created",
    /// An account was erased. Detail: as for `UserCreated`.
    UserErased = 2 "user_erased",
    /// Somebody became an administrator.
    AdminGranted = 3 "admin_granted",
    /// Somebody is no administrator any more.
    AdminWithdrawn = 4 "admin_withdrawn",
    /// A token was made. Detail: its id.
    TokenIssued = 5 "token_issued",
    /// A token was revoked. Detail: its id.
    TokenRevoked = 6 "token_revoked",
    /// An invite was made. Detail: its id.
    InviteMade = 7 "invite_made",
    /// An invite was accepted; the actor accepted, the subject had invited. Detail: its id.
    InviteAccepted = 8 "invite_accepted",
    /// An invite was withdrawn. Detail: its id.
    InviteWithdrawn = 9 "invite_withdrawn",
    /// A session was begun. Detail: its token's id.
    SignIn = 10 "sign_in",
    /// A session was ended. Detail: its token's id.
    SignOut = 11 "sign_out",
    /// Somebody could not sign in. Detail: what the caller counts.
    SignInFailed = 12 "sign_in_failed",
    /// Somebody was blocked by the actor.
    Blocked = 13 "blocked",
    /// The actor took a block back.
    Unblocked = 14 "unblocked",
    /// Somebody fetched everything the server knows of them.
    Exported = 15 "exported",
    /// Somebody was made another's friend, not by an invite: by an administrator or the operator. A line for each of the two, or one for all
    /// who were made friends together. Detail: as for `UserCreated`.
    Befriended = 16 "befriended",
    /// The actor began to look at the view of everybody; once an hour.
    CrowdOpened = 17 "crowd_opened",
}

/// One line of the audit log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditRow {
    /// When.
    pub t: UnixMs,
    /// Who did it; `None`: the operator at the machine, the server itself, or somebody unknown.
    pub actor: Option<UserNo>,
    /// What.
    pub action: Action,
    /// To whom. A number that is nobody's any more was a person who has been erased.
    pub subject: Option<UserNo>,
    /// A number whose meaning [`Action`] says.
    pub detail: u64,
}

/// A line with its place in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its place, from the first ever written.
    pub number: u64,
    /// The line.
    pub line: AuditRow,
}

const ACTOR: u8 = 1;
const SUBJECT: u8 = 1 << 1;

impl Row for AuditEntry {
    const TABLE: Table = Table::Audit;
    type Key = u64;

    fn key_bytes(number: &u64) -> Vec<u8> {
        number.to_be_bytes().to_vec()
    }

    fn key(&self) -> u64 {
        self.number
    }

    fn encode(&self) -> Vec<u8> {
        let AuditRow { t, actor, action, subject, detail } = self.line;
        let flag = |on: bool, bit: u8| if on { bit } else { 0 };
        let mut row = Encoder::versioned(VERSION);
        row.u8(action.byte());
        row.u8(flag(actor.is_some(), ACTOR) | flag(subject.is_some(), SUBJECT));
        row.int(t.0);
        for no in [actor, subject].into_iter().flatten() {
            row.uint(u64::from(no.0));
        }
        row.uint(detail);
        row.finish()
    }

    fn decode(key: &[u8], value: &[u8]) -> Result<Self, RowError> {
        let mut key = Decoder::new(key);
        let number = key.key_u64()?;
        key.finish()?;
        let mut row = Decoder::versioned(value, VERSION)?;
        let action = Action::of(row.u8()?).ok_or(RowError::Value("an action"))?;
        let flags = row.u8()?;
        if flags & !(ACTOR | SUBJECT) != 0 {
            return Err(RowError::Value("an audit line's flags"));
        }
        let t = UnixMs(row.int()?);
        let mut no = |bit: u8| -> Result<Option<UserNo>, RowError> {
            if flags & bit == 0 { Ok(None) } else { Ok(Some(UserNo(row.uint32()?))) }
        };
        let (actor, subject) = (no(ACTOR)?, no(SUBJECT)?);
        let detail = row.uint()?;
        row.finish()?;
        Ok(Self { number, line: AuditRow { t, actor, action, subject, detail } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_action_has_its_own_byte_and_word() {
        for (at, action) in Action::ALL.iter().enumerate() {
            assert_eq!(Action::of(action.byte()), Some(*action));
            for other in &Action::ALL[at + 1..] {
                assert!(action.byte() != other.byte() && action.as_str() != other.as_str(), "{action:?} {other:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_line_is_read_back_as_written(
            number: u64, t: i64, actor in proptest::option::of(any::<u32>()), subject in proptest::option::of(any::<u32>()),
            action in 0..Action::ALL.len(), detail: u64, cut: prop::sample::Index,
        ) {
            let (actor, subject) = (actor.map(UserNo), subject.map(UserNo));
            let line = AuditRow { t: UnixMs(t), actor, action: Action::ALL[action], subject, detail };
            let row = AuditEntry { number, line };
            let (key, bytes) = (AuditEntry::key_bytes(&number), row.encode());
            prop_assert!(AuditEntry::decode(&key, &bytes[..cut.index(bytes.len())]).is_err());
            prop_assert_eq!(AuditEntry::decode(&key, &bytes), Ok(row));
        }
    }
}
