//! What every key may hold, checked before anything is made of it, so that every complaint names key, bounds and source.
use std::net::SocketAddr;
use std::time::Duration;

use toml::{Table, Value};

use super::{ConfigError, RedisUrl, Span};

/// What a key may hold. Bounds are included.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// true or false.
    Flag,
    /// A whole number.
    Number(i64, i64),
    /// A number of bytes, as a whole number or with a unit.
    Bytes(i64, i64),
    /// A number.
    Decimal(f64, f64),
    /// Milliseconds, written with a unit.
    Duration(u64, u64),
    /// One of these.
    Word(&'static [&'static str]),
    /// Any text. It may be a secret: never repeated.
    Text,
    /// An IP address and a port.
    Address,
    /// IP addresses and networks.
    Networks,
    /// TCP ports, at least one.
    Ports,
}

/// A key's path and what it may hold.
pub(super) type Key = (&'static str, Kind);

const SECTIONS: &[&[Key]] = &[
    super::server::KEYS,
    super::store::KEYS,
    super::redis::KEYS,
    super::hours::KEYS,
    super::calendar::KEYS,
    super::people::KEYS,
    super::quiet::KEYS,
    super::limits::KEYS,
    super::log::KEYS,
];

/// Every key.
pub(super) fn all() -> impl Iterator<Item = &'static Key> {
    SECTIONS.iter().copied().flatten()
}

/// What the key at `path` may hold.
pub(super) fn kind(path: &str) -> Option<Kind> {
    all().find(|(known, _)| *known == path).map(|(_, kind)| *kind)
}

/// Checks every value of a source, and brings sizes into bytes. `source` is named in every complaint.
///
/// # Errors
/// The first key that does not exist or holds what it must not.
pub(super) fn check(table: Table, source: &str) -> Result<Table, ConfigError> {
    let mut checked = Table::new();
    for (section, keys) in table {
        let Value::Table(keys) = keys else {
            return Err(ConfigError::Invalid(match section_exists(&section) {
                true => format!("{section} in {source} must be a section: [{section}]"),
                false => unknown(&section, source),
            }));
        };
        let mut values = Table::new();
        for (key, value) in keys {
            let path = format!("{section}.{key}");
            let Some(kind) = kind(&path) else { return Err(ConfigError::Invalid(unknown(&path, source))) };
            let value = kind.read(value).map_err(|problem| {
                ConfigError::Invalid(format!("{path} must be {}, not {problem} (in {source})", kind.demand()))
            })?;
            values.insert(key, value);
        }
        if !section_exists(&section) {
            return Err(ConfigError::Invalid(unknown(&section, source)));
        }
        checked.insert(section, Value::Table(values));
    }
    Ok(checked)
}

fn section_exists(section: &str) -> bool {
    all().any(|(path, _)| path.split('.').next() == Some(section))
}

/// A complaint about a name that is no key, with the key that was probably meant.
fn unknown(path: &str, source: &str) -> String {
    let said = shortened(path);
    match nearest(path) {
        Some(known) => format!("there is no setting {said} (in {source}); did you mean {known}?"),
        None => format!("there is no setting {said} (in {source})"),
    }
}

/// The known key that differs least: a misspelt name, or the right name in the wrong section.
fn nearest(path: &str) -> Option<&'static str> {
    let last = path.rsplit('.').next().unwrap_or_default();
    let distance = |known: &'static str| {
        let name = known.rsplit('.').next().unwrap_or_default();
        // Not only a misspelling: another section holds a key of this name.
        let moved = if name == last { 2 } else { usize::MAX };
        let section = known.split('.').next().unwrap_or_default();
        let lone = if path.contains('.') { usize::MAX } else { strsim::osa_distance(section, path).saturating_add(1) };
        strsim::osa_distance(known, path).min(moved).min(lone)
    };
    let (away, known) = all().map(|(known, _)| (distance(known), *known)).min()?;
    let closest = if path.contains('.') { known } else { known.split('.').next().unwrap_or(known) };
    (away <= 3 && path.len() < 100).then_some(closest)
}

/// A text of the source, quoted, short and on one line. An address in it, wherever it strayed, loses its password.
pub(super) fn shortened(text: &str) -> String {
    let address = text.contains("://").then(|| RedisUrl::new(text).to_string());
    let text = address.as_deref().unwrap_or(text);
    let short: String = text.chars().take(60).collect();
    if short.len() < text.len() { format!("{short:?}…") } else { format!("{short:?}") }
}

impl Kind {
    /// What is allowed, in words that follow "must be".
    fn demand(self) -> String {
        let span = |ms| Span::from(Duration::from_millis(ms));
        match self {
            Self::Flag => "true or false".to_owned(),
            Self::Number(low, high) => format!("a whole number, {low} to {high}"),
            Self::Bytes(low, high) => {
                format!(
                    "a number of bytes, {low} to {high}, or a text with a unit (B, KiB, MiB, GiB) such as \"64KiB\""
                )
            }
            Self::Decimal(low, high) => format!("a number, {low} to {high}"),
            Self::Duration(low, high) => {
                format!("a duration with its unit (ms, s, m, h, d) such as \"250ms\", {} to {}", span(low), span(high))
            }
            Self::Word(words) => words.iter().map(|word| format!("{word:?}")).collect::<Vec<_>>().join(" or "),
            Self::Text => "a text".to_owned(),
            Self::Address => "an IP address and a port, such as \"127.0.0.1:8080\"".to_owned(),
            Self::Networks => "a list of IP addresses and networks, such as [\"127.0.0.1\", \"10.0.0.0/8\"]".to_owned(),
            Self::Ports => "a list of 1 to 64 ports, 1 to 65535, such as [443, 8443]".to_owned(),
        }
    }

    /// The value as it is stored, or what it is instead of what it must be.
    fn read(self, value: Value) -> Result<Value, String> {
        let within =
            |number: i64, low: i64, high: i64| (low..=high).contains(&number).then_some(Value::Integer(number));
        let read = match (self, &value) {
            (Self::Flag, Value::Boolean(_)) | (Self::Text, Value::String(_)) => Some(value.clone()),
            (Self::Number(low, high) | Self::Bytes(low, high), Value::Integer(number)) => within(*number, low, high),
            (Self::Bytes(low, high), Value::String(text)) => bytes(text).and_then(|number| within(number, low, high)),
            #[expect(clippy::cast_precision_loss, reason = "any such number is out of bounds")]
            (Self::Decimal(low, high), Value::Integer(number)) => {
                (low..=high).contains(&(*number as f64)).then_some(Value::Float(*number as f64))
            }
            (Self::Decimal(low, high), Value::Float(number)) => (low..=high).contains(number).then(|| value.clone()),
            (Self::Duration(low, high), Value::String(text)) => {
                let span = text.parse::<Span>().ok().and_then(|span| u64::try_from(span.as_ms()).ok());
                span.is_some_and(|ms| (low..=high).contains(&ms)).then(|| value.clone())
            }
            (Self::Word(words), Value::String(text)) => words.contains(&text.as_str()).then(|| value.clone()),
            (Self::Address, Value::String(text)) => text.parse::<SocketAddr>().is_ok().then(|| value.clone()),
            (Self::Networks, Value::Array(list)) => {
                if let Some(wrong) = list.iter().find(|entry| !entry.as_str().is_some_and(super::server::is_network)) {
                    return Err(shown(wrong));
                }
                Some(value.clone())
            }
            (Self::Ports, Value::Array(list)) => {
                let is_port = |entry: &Value| entry.as_integer().is_some_and(|port| (1..=65_535).contains(&port));
                if let Some(wrong) = list.iter().find(|entry| !is_port(entry)) {
                    return Err(shown(wrong));
                }
                (1..=64).contains(&list.len()).then(|| value.clone())
            }
            _ => None,
        };
        read.ok_or_else(|| if matches!(self, Self::Text) { value.type_str().to_owned() } else { shown(&value) })
    }

    /// A value out of a text, as environment and flags give it.
    pub(super) fn parse(self, text: &str) -> Value {
        let otherwise = || Value::String(text.to_owned());
        match self {
            Self::Flag => text.parse().map_or_else(|_| otherwise(), Value::Boolean),
            Self::Number(..) | Self::Bytes(..) => text.parse().map_or_else(|_| otherwise(), Value::Integer),
            Self::Decimal(..) => text.parse().map_or_else(|_| otherwise(), Value::Float),
            Self::Networks => {
                let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
                Value::Array(entries.map(|entry| Value::String(entry.to_owned())).collect())
            }
            Self::Ports => {
                let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
                let port = |entry: &str| entry.parse().map_or_else(|_| Value::String(entry.to_owned()), Value::Integer);
                Value::Array(entries.map(port).collect())
            }
            Self::Duration(..) | Self::Word(_) | Self::Text | Self::Address => otherwise(),
        }
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => shortened(text),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Boolean(flag) => flag.to_string(),
        Value::Datetime(_) => "a date".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Table(_) => "a section".to_owned(),
    }
}

/// `64KiB` and the like. Decimal units (KB) are not taken: half of the world means 1024 by them.
fn bytes(text: &str) -> Option<i64> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    let factor = match unit.trim_start() {
        "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    number.parse::<i64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_of_the_manual_is_known_and_every_known_key_is_in_the_manual() {
        let manual: Table = super::super::DEFAULT_TOML.parse().unwrap();
        let mut written: Vec<String> = Vec::new();
        for (section, keys) in &manual {
            written.extend(keys.as_table().unwrap().keys().map(|key| format!("{section}.{key}")));
        }
        let mut known: Vec<String> = all().map(|(path, _)| (*path).to_owned()).collect();
        written.sort();
        known.sort();
        assert_eq!(written, known);
    }

    #[test]
    fn sizes_have_binary_units() {
        for (text, bytes) in
            [("1B", Some(1)), ("64KiB", Some(65_536)), ("2 MiB", Some(2 << 20)), ("1GiB", Some(1 << 30))]
        {
            assert_eq!(super::bytes(text), bytes, "{text}");
        }
        for text in ["", "64", "64KB", "64kib", "-1KiB", "KiB", "9223372036854775807KiB", "1.5MiB"] {
            assert_eq!(super::bytes(text), None, "{text}");
        }
    }
}
