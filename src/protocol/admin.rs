//! What the command line asks a running node through the private socket in its data folder: one line of JSON each way.
use serde::{Deserialize, Serialize};

use super::told;

/// A question.
#[derive(Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum AdminRequest {
    /// Make an account.
    UserAdd {
        /// Its id.
        name: String,
        /// Whether it may administrate.
        admin: bool,
    },
    /// Make a token.
    Token {
        /// For whom.
        name: String,
        /// The device it is for.
        device: String,
    },
    /// Make two people friends.
    Befriend {
        /// One.
        a: String,
        /// The other.
        b: String,
    },
    /// Make a link that works once.
    Invite {
        /// Whose friend it makes its opener; absent: it makes an administrator.
        name: Option<String>,
    },
    /// Erase a person and everything that is theirs.
    Erase {
        /// Whom.
        name: String,
    },
    /// Where does the node listen?
    Address,
    /// The stored histogram of a day (`YYYY-MM-DD`; absent: today).
    Histogram {
        /// The day.
        date: Option<String>,
    },
}

/// An answer.
#[derive(Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AdminReply {
    /// What was made, or the answer.
    Done(String),
    /// Why not.
    Refused(String),
}

/// Reads a question.
///
/// # Errors
/// What is wrong with it, in words.
pub fn read_request(line: &str) -> Result<AdminRequest, String> {
    serde_json::from_str(line).map_err(|error| told(&error))
}

/// Writes a question.
#[must_use]
pub fn write_request(request: &AdminRequest) -> String {
    serde_json::to_string(request).unwrap_or_default()
}

/// Reads an answer.
///
/// # Errors
/// What is wrong with it, in words.
pub fn read_reply(line: &str) -> Result<AdminReply, String> {
    serde_json::from_str(line).map_err(|error| told(&error))
}

/// Writes an answer.
#[must_use]
pub fn write_reply(reply: &AdminReply) -> String {
    serde_json::to_string(reply).unwrap_or_default()
}
