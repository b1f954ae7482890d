//! Tokens and the codes of invites: 256 random bits that are shown once. What is stored, looked up and logged is never the token itself.
use std::fmt;

use thiserror::Error;

use crate::domain::{Clock, RELEASED, UnixMs};

/// Why no secret can be made.
#[derive(Clone, Copy, Debug, Error)]
pub enum SecretError {
    /// The system has no randomness.
    #[error("the system gives no random numbers: {0}")]
    Random(#[from] getrandom::Error),
    /// The machine's clock is wrong, so a time of expiry would mean nothing.
    #[error("the clock of this machine is wrong (it is before the release of this program): set it, then try again")]
    Clock,
}

/// What every token begins with, so that people and scanners recognise one.
pub const PREFIX: &str = "lh_";
/// What the code of every invite begins with.
pub const INVITE_PREFIX: &str = "lhi_";
const RANDOM_BYTES: usize = 32;
/// 32 bytes, six bits a character.
const RANDOM_LENGTH: usize = 43;

/// A token or an invite's code, on its way to the one who will keep it. Printing one for debugging shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A new token from the system's randomness.
    ///
    /// # Errors
    /// When the system has none to give, or its clock cannot be right.
    pub fn random() -> Result<Self, SecretError> {
        Self::with_prefix(PREFIX)
    }

    /// The code of a new invite from the system's randomness.
    ///
    /// # Errors
    /// When the system has none to give, or its clock cannot be right.
    pub fn random_invite() -> Result<Self, SecretError> {
        Self::with_prefix(INVITE_PREFIX)
    }

    fn with_prefix(prefix: &str) -> Result<Self, SecretError> {
        told_the_time(Clock::System.now())?;
        let mut bytes = [0; RANDOM_BYTES];
        getrandom::fill(&mut bytes)?;
        let mut text = String::with_capacity(prefix.len().saturating_add(RANDOM_LENGTH));
        text.push_str(prefix);
        push_base64url(&mut text, &bytes);
        Ok(Self(text))
    }

    /// The token, to be handed over.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is stored of it.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        hash(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

fn told_the_time(now: UnixMs) -> Result<(), SecretError> {
    if now < RELEASED { Err(SecretError::Clock) } else { Ok(()) }
}

/// What is stored of a token or a code. Each holds 256 random bits, so one fast hash is as good as a slow one.
#[must_use]
pub fn hash(token: &str) -> [u8; 32] {
    *blake3::hash(token.as_bytes()).as_bytes()
}

/// True for text that could be a token: anything else need not be looked up.
#[must_use]
pub fn is_token(text: &str) -> bool {
    text.strip_prefix(PREFIX).is_some_and(|random| random.len() == RANDOM_LENGTH)
}

/// True for text that could be the code of an invite.
#[must_use]
pub fn is_invite(text: &str) -> bool {
    text.strip_prefix(INVITE_PREFIX).is_some_and(|random| random.len() == RANDOM_LENGTH)
}

fn push_base64url(text: &mut String, bytes: &[u8]) {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for three in bytes.chunks(3) {
        let [a, b, c] = [0, 1, 2].map(|at| three.get(at).copied().unwrap_or(0));
        let bits = u32::from_be_bytes([0, a, b, c]);
        // One character more than there are bytes.
        for shift in [18, 12, 6, 0].into_iter().take(three.len().saturating_add(1)) {
            text.push(char::from(*ALPHABET.get((bits >> shift & 63) as usize).unwrap_or(&b'A')));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_recognisable_unlike_each_other_and_not_printed() {
        let (one, two) = (Secret::random().unwrap(), Secret::random().unwrap());
        assert_ne!(one, two);
        assert!(is_token(one.reveal()) && one.reveal().is_ascii());
        assert_eq!(format!("{one:?}"), "Secret(…)");
        assert_eq!(one.hash(), hash(one.reveal()));
        let invite = Secret::random_invite().unwrap();
        assert!(is_invite(invite.reveal()) && !is_token(invite.reveal()) && !is_invite(one.reveal()));
    }

    #[test]
    fn no_secret_is_made_by_a_machine_that_does_not_know_the_time() {
        for (now, makes) in [(0, false), (RELEASED.0 - 1, false), (RELEASED.0, true)] {
            assert_eq!(told_the_time(UnixMs(now)).is_ok(), makes, "{now}");
        }
        assert!(SecretError::Clock.to_string().contains("clock of this machine is wrong"));
    }

    #[test]
    fn base64url_is_as_in_rfc_4648() {
        for (bytes, expected) in [("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            let mut text = String::new();
            push_base64url(&mut text, bytes.as_bytes());
            assert_eq!(text, expected);
        }
    }
}
