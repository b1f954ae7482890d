//! Who: names of people and devices, and the dense number that stands for a person inside the server.
use std::fmt;
use std::sync::Arc;

use super::{Code, Refusal};

/// A person's dense number on this node: an index into flat arrays and the bit of the hourly bitmaps.
/// Given once per account, never reused, never shown on the wire except to the administrator's crowd view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserNo(pub u32);

impl UserNo {
    /// The number as an index.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A person's id on the wire: 1 to 64 of `A-Z a-z 0-9 _ -`, case-sensitive.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(Arc<str>);

/// What friends read instead of the id: 1 to 64 characters, no control or bidirectional-override characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisplayName(Arc<str>);

/// The name of one of a person's devices: 1 to 64 of `A-Z a-z 0-9 _ - .` and space.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceName(Arc<str>);

const LONGEST: usize = 64;

fn check_ascii(text: &str, field: &'static str, also: &str, what: &str) -> Result<(), Refusal> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || also.contains(c);
    if text.is_empty() || text.len() > LONGEST || !text.chars().all(allowed) {
        return Err(Refusal::of_field(Code::BadField, field, format!("{field} must be 1 to {LONGEST} of {what}")));
    }
    Ok(())
}

/// True for characters that change how the text around them is shown, or that cannot be shown.
#[must_use]
pub fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

impl UserId {
    /// Checks an id.
    ///
    /// # Errors
    /// `bad_field` on `field` when it is empty, longer than 64, or has other characters.
    pub fn parse(text: &str, field: &'static str) -> Result<Self, Refusal> {
        check_ascii(text, field, "_-", "A-Z a-z 0-9 _ -")?;
        Ok(Self(text.into()))
    }

    /// The id as it stands on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl DisplayName {
    /// Checks a display name; surrounding white space is dropped.
    ///
    /// # Errors
    /// `bad_field` on `name` when it is empty, longer than 64 characters, or has characters that deceive.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let text = text.trim();
        let length = text.chars().count();
        if length == 0 || length > LONGEST || text.chars().any(is_deceptive) {
            let message = format!("name must be 1 to {LONGEST} characters without control characters");
            return Err(Refusal::of_field(Code::BadField, "name", message));
        }
        Ok(Self(text.into()))
    }

    /// The name as it is shown.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&UserId> for DisplayName {
    fn from(id: &UserId) -> Self {
        Self(id.0.clone())
    }
}

impl DeviceName {
    /// Checks a device name.
    ///
    /// # Errors
    /// `bad_field` on `device` when it is empty, longer than 64, or has other characters.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        check_ascii(text, "device", "_-. ", "A-Z a-z 0-9 _ - . and space")?;
        Ok(Self(text.into()))
    }

    /// The name as it stands on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

macro_rules! show_as_text {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}
show_as_text!(UserId, DisplayName, DeviceName);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_refused_with_its_bounds() {
        for bad in ["", "=cmd()", "../../etc", "a b", "é", "\0", "a:b", &"x".repeat(65)] {
            let refusal = UserId::parse(bad, "user").unwrap_err();
            assert_eq!((refusal.code, refusal.field), (Code::BadField, Some("user")), "{bad}");
            assert!(refusal.message.contains("1 to 64"));
        }
        assert_ne!(UserId::parse("USER_20", "user"), UserId::parse("user_20", "user"));
    }

    #[test]
    fn a_display_name_may_be_markup_but_not_a_disguise() {
        assert_eq!(DisplayName::parse(" <img onerror> ").unwrap().as_str(), "<img onerror>");
        for bad in ["", "   ", "a\u{202E}b", "a\u{0}b", &"x".repeat(65)] {
            assert!(DisplayName::parse(bad).is_err(), "{bad:?}");
        }
    }
}
