//! Why something was refused: a code for programs, a field, and a sentence for people.
use std::fmt;

/// The protocol's error codes (PROTOCOL.md, "Error codes").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// Not JSON, or JSON of the wrong shape.
    BadJson,
    /// A frame type this server does not know.
    UnknownType,
    /// A field that must be there is absent.
    MissingField,
    /// A field of the wrong type or form.
    BadField,
    /// A number outside its bounds.
    OutOfRange,
    /// A fix older than 7 days.
    TooOld,
    /// A fix more than 60 s ahead of the server.
    FromFuture,
    /// More items than one message may carry.
    TooMany,
    /// Faster than the limits allow.
    RateLimited,
    /// No such thing, or not yours to see.
    NotFound,
    /// Known, but not allowed.
    Forbidden,
    /// Contradicts what is there.
    Conflict,
    /// A part of the server cannot serve now.
    Unavailable,
}

impl Code {
    /// Every code, in the protocol's order.
    pub const ALL: [Self; 13] = [
        Self::BadJson,
        Self::UnknownType,
        Self::MissingField,
        Self::BadField,
        Self::OutOfRange,
        Self::TooOld,
        Self::FromFuture,
        Self::TooMany,
        Self::RateLimited,
        Self::NotFound,
        Self::Forbidden,
        Self::Conflict,
        Self::Unavailable,
    ];

    /// The code as it stands on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BadJson => "bad_json",
            Self::UnknownType => "unknown_type",
            Self::MissingField => "missing_field",
            Self::BadField => "bad_field",
            Self::OutOfRange => "out_of_range",
            Self::TooOld => "too_old",
            Self::FromFuture => "from_future",
            Self::TooMany => "too_many",
            Self::RateLimited => "rate_limited",
            Self::NotFound => "not_found",
            Self::Forbidden => "forbidden",
            Self::Conflict => "conflict",
            Self::Unavailable => "unavailable",
        }
    }
}

/// A typed refusal. `message` names the field and its bounds; it never echoes a token or another person's data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What kind of refusal.
    pub code: Code,
    /// The field at fault, as the protocol spells it.
    pub field: Option<&'static str>,
    /// A sentence for a person.
    pub message: String,
}

impl Refusal {
    /// A refusal that names no field.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, field: None, message: message.into() }
    }

    /// A refusal that names the field at fault.
    pub fn of_field(code: Code, field: &'static str, message: impl Into<String>) -> Self {
        Self { code, field: Some(field), message: message.into() }
    }

    /// `field` is absent.
    #[must_use]
    pub fn missing(field: &'static str) -> Self {
        Self::of_field(Code::MissingField, field, format!("{field} is missing"))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refusal {}
