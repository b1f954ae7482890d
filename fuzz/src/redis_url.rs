//! The address of Redis, and the names of its keys.
use letshang::store::keys::{Key, Keys};
use letshang::store::redis::RedisUrl;

use super::oracle::is_sound;

/// An address is refused without repeating it, or shown without its password; a key is the one we would write, or none.
pub fn hold(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    match RedisUrl::parse(text) {
        Ok(url) => {
            let shown = format!("{url} {url:?}");
            let rest =
                ["redis://", "rediss://"].iter().find_map(|scheme| text.strip_prefix(scheme)).unwrap_or_default();
            let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
            let secret = authority.rsplit_once('@').map(|(secret, _)| secret);
            // A short secret may be in the host's name too; a long one is not there by chance.
            assert!(secret.is_none_or(|secret| secret.len() < 8 || !shown.contains(secret)), "{shown}");
        }
        Err(refusal) => {
            is_sound(&refusal, input);
            assert!(text.len() < 16 || !refusal.message.contains(text));
        }
    }
    let (prefix, key) = text.split_once('\n').unwrap_or(("letshang:", text));
    match Keys::new(prefix) {
        Ok(keys) => {
            let name = match keys.parse(key) {
                Some(Key::Day(date)) => keys.day(date),
                Some(Key::Hour(hour)) => keys.hour(hour),
                None => return,
            };
            assert_eq!(name, key);
        }
        Err(refusal) => is_sound(&refusal, input),
    }
}
