//! A configuration file.
use letshang::config::Config;

use super::oracle::is_short;

/// A file is refused in few words, or what it sets is printed, read again as the same, and keeps its bounds.
pub fn hold(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let config = match Config::from_toml(text) {
        Ok(config) => config,
        Err(error) => {
            let message = error.to_string();
            is_short(&message, input);
            let secret =
                message.split_once("://").and_then(|(_, rest)| rest.rsplit_once('@')).map(|(secret, _)| secret);
            assert!(secret.is_none_or(|secret| secret == "***"), "a password is shown: {message}");
            return;
        }
    };
    let printed = config.to_toml();
    let url = config.redis.url.reveal().unwrap_or_default();
    if let Some((secret, _)) = url.split_once("://").and_then(|(_, rest)| rest.rsplit_once('@')) {
        // A short one may stand elsewhere by chance.
        let is_telling = secret.len() >= 8 && text.matches(secret).count() == 1;
        assert!(!is_telling || !format!("{printed}{config:?}").contains(secret), "a password is shown: {printed}");
    }
    let again = Config::from_toml(&printed).unwrap_or_else(|error| panic!("{error}: {printed}"));
    assert_eq!(again.to_toml(), printed);
    assert!((1..=256).contains(&config.worker_threads()));
    assert!((1..=1_000_000).contains(&config.server.max_connections));
    assert!((1_024..=16 << 20).contains(&config.limits.frame_bytes));
    assert!(config.dashboard.guest.is_empty() || config.server.listen.ip().is_loopback());
    assert!(config.zone().is_ok());
}
