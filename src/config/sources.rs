//! Where settings come from: the manual, a file, the environment, flags. Later wins, key by key.
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use toml::{Table, Value};

use super::redis::RedisUrl;
use super::{ConfigError, Flags, keys};

/// No settings are this long: what is longer is another file.
const LONGEST: u64 = 1024 * 1024;
/// No reason of the TOML reader's own is this long, characters.
const LONGEST_REASON: usize = 120;
/// What the name of a variable begins with.
const PREFIX: &str = "LETSHANG__";

/// Merges all sources into the table that holds.
///
/// # Errors
/// The first thing that is wrong with a source, naming the source.
pub(super) fn merged(manual: &str, flags: &Flags) -> Result<Table, ConfigError> {
    let mut held = parsed(manual, "the built-in settings")?;
    if let Some(path) = &flags.file {
        lay_over(&mut held, from_file(path)?);
    }
    lay_over(&mut held, from_environment(std::env::vars_os())?);
    lay_over(&mut held, from_flags(flags)?);
    Ok(held)
}

/// The manual with a text laid over it.
///
/// # Errors
/// The first thing that is wrong with the text.
pub(super) fn over(manual: &str, text: &str) -> Result<Table, ConfigError> {
    let mut held = parsed(manual, "the built-in settings")?;
    lay_over(&mut held, parsed(text, "the text")?);
    Ok(held)
}

/// Reads settings out of a text.
///
/// # Errors
/// A line that is no TOML, or a key that is wrong.
pub(super) fn parsed(text: &str, source: &str) -> Result<Table, ConfigError> {
    let table = text.parse::<Table>().map_err(|error| {
        // Not the error's own text: it repeats the line, and the line may hold a password.
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count().saturating_add(1);
        let why = error.message().lines().collect::<Vec<_>>().join(", ");
        // It may name a key, and a key may be a page.
        let why: String = why.chars().filter(|c| !c.is_control()).take(LONGEST_REASON).collect();
        ConfigError::Invalid(format!("line {line} of {source} is not TOML: {why}"))
    })?;
    keys::check(table, source)
}

fn from_file(path: &Path) -> Result<Table, ConfigError> {
    let unreadable = |source| ConfigError::Unreadable { path: path.to_owned(), source };
    let file = File::open(path).map_err(unreadable)?;
    let mode = file.metadata().map_err(unreadable)?.permissions().mode();
    let mut bytes = Vec::new();
    file.take(LONGEST + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    let wrong = |what: &str| ConfigError::Invalid(format!("the configuration file {} {what}", path.display()));
    if bytes.len() as u64 > LONGEST {
        return Err(wrong("is larger than 1 MiB: that is no configuration file"));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        wrong(&format!("is not UTF-8 text (byte {})", error.utf8_error().valid_up_to().saturating_add(1)))
    })?;
    // Empty is what a full disk or a broken copy leaves: not a wish for the defaults.
    if text.trim().is_empty() {
        return Err(wrong("is empty: start without it if the defaults are meant"));
    }
    let table = parsed(&text, &path.display().to_string())?;
    if holds_secret(&table) && mode & 0o006 != 0 {
        return Err(wrong("holds a Redis password (redis.url) and can be read by everybody: chmod 600 it"));
    }
    Ok(table)
}

fn holds_secret(table: &Table) -> bool {
    let url = table.get("redis").and_then(|redis| redis.get("url")).and_then(Value::as_str);
    url.is_some_and(|url| RedisUrl::new(url).has_password())
}

/// Variables `LETSHANG__SECTION__KEY`.
fn from_environment(
    variables: impl Iterator<Item = (std::ffi::OsString, std::ffi::OsString)>,
) -> Result<Table, ConfigError> {
    let mut table = Table::new();
    for (name, value) in variables {
        let Some(path) = name.to_str().and_then(|name| name.strip_prefix(PREFIX)) else { continue };
        let path = path.to_ascii_lowercase().replace("__", ".");
        let Some(value) = value.to_str() else {
            let name = name.display();
            return Err(ConfigError::Invalid(format!("{name} in the environment is not UTF-8 text")));
        };
        put(&mut table, &path, value);
    }
    keys::check(table, "the environment")
}

fn from_flags(flags: &Flags) -> Result<Table, ConfigError> {
    let mut table = Table::new();
    if let Some(url) = &flags.redis {
        // Everybody on the machine can read a command line.
        if RedisUrl::new(url).has_password() {
            return Err(ConfigError::Invalid(
                "a Redis password does not belong on the command line, which everybody on this machine can read: \
                 set redis.url in a file of mode 0600, or LETSHANG__REDIS__URL in the environment"
                    .to_owned(),
            ));
        }
        put(&mut table, "redis.url", url);
    }
    if let Some(address) = &flags.listen {
        put(&mut table, "server.listen", address);
    }
    if flags.insecure_http {
        put(&mut table, "server.insecure_http", "true");
    }
    keys::check(table, "a flag")
}

/// Puts a text in a table, as the type that the key has.
fn put(table: &mut Table, path: &str, text: &str) {
    let (section, key) = path.split_once('.').unwrap_or((path, ""));
    let value = keys::kind(path).map_or_else(|| Value::String(text.to_owned()), |kind| kind.parse(text));
    let section = table.entry(section.to_owned()).or_insert_with(|| Value::Table(Table::new()));
    if let Value::Table(section) = section {
        section.insert(key.to_owned(), value);
    }
}

fn lay_over(held: &mut Table, newer: Table) {
    for (name, value) in newer {
        match (held.get_mut(&name), value) {
            (Some(Value::Table(held)), Value::Table(newer)) => lay_over(held, newer),
            (_, value) => {
                held.insert(name, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Result<Table, ConfigError> {
        from_environment(variables.iter().map(|(name, value)| ((*name).into(), (*value).into())))
    }

    #[test]
    fn the_environment_says_every_kind_of_value() {
        let table = environment(&[
            ("LETSHANG__SERVER__WORKERS", "3"),
            ("LETSHANG__SERVER__TRUSTED_PROXIES", "127.0.0.1, 10.0.0.0/8"),
            ("LETSHANG__SERVER__INSECURE_HTTP", "true"),
            ("LETSHANG__PROXIMITY__RADIUS", "250"),
            ("LETSHANG__LIMITS__BODY_BYTES", "2MiB"),
            ("LETSHANG__DASHBOARD__GUEST", "007"),
            ("LETSHANG_TOKEN", "not ours"),
        ]);
        let expected = "[server]\nworkers = 3\ntrusted_proxies = [\"127.0.0.1\", \"10.0.0.0/8\"]\ninsecure_http = true\n\
            [proximity]\nradius = 250.0\n[limits]\nbody_bytes = 2097152\n[dashboard]\nguest = \"007\"";
        assert_eq!(table.unwrap(), expected.parse::<Table>().unwrap());
    }

    #[test]
    fn a_variable_that_is_no_setting_is_refused() {
        for (name, words) in [
            ("LETSHANG__SERVER__LISSTEN", "did you mean server.listen"),
            ("LETSHANG__SERVER", "no setting"),
            ("LETSHANG__", "no setting"),
            ("LETSHANG__SERVER__LISTEN__PORT", "no setting"),
        ] {
            let error = environment(&[(name, "1")]).unwrap_err().to_string();
            assert!(error.contains(words) && error.contains("environment"), "{name}: {error}");
        }
    }
}
