//! The apps on people's phones that report here unchanged.

/// An app that a token was made for, or that a request came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PhoneApp {
    /// OwnTracks in HTTP mode.
    OwnTracks,
    /// Traccar Client, OsmAnd, and whatever else speaks their protocol.
    Traccar,
    /// Overland.
    Overland,
    /// GPSLogger.
    GpsLogger,
}

impl PhoneApp {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::OwnTracks, Self::Traccar, Self::Overland, Self::GpsLogger];

    /// As the protocol and the metrics spell it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OwnTracks => "owntracks",
            Self::Traccar => "traccar",
            Self::Overland => "overland",
            Self::GpsLogger => "gpslogger",
        }
    }

    /// The app of this name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|app| app.as_str() == text)
    }
}

/// What a phone runs on, as its `User-Agent` says it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Platform {
    /// iPhones and iPads.
    Ios,
    /// Android.
    Android,
    /// Something else, or nothing was said.
    #[default]
    Unknown,
}

impl Platform {
    /// What a `User-Agent` tells. OwnTracks on Android says its name; apps on iOS send the system's default, which names CFNetwork.
    #[must_use]
    pub fn of_agent(agent: &str) -> Self {
        let has =
            |word: &str| agent.as_bytes().windows(word.len()).any(|part| part.eq_ignore_ascii_case(word.as_bytes()));
        if has("android") || has("okhttp") || has("dalvik") {
            Self::Android
        } else if has("cfnetwork") || has("darwin") || has("iphone") || has("ipad") {
            Self::Ios
        } else {
            Self::Unknown
        }
    }

    /// As the protocol spells it; `None` when it is not known.
    #[must_use]
    pub const fn as_str(self) -> Option<&'static str> {
        match self {
            Self::Ios => Some("ios"),
            Self::Android => Some("android"),
            Self::Unknown => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_is_read_as_it_is_written() {
        for app in PhoneApp::ALL {
            assert_eq!(PhoneApp::parse(app.as_str()), Some(app));
        }
        assert_eq!(PhoneApp::parse("OwnTracks"), None);
    }

    #[test]
    fn platforms_are_told_apart_by_what_their_apps_call_themselves() {
        for (agent, platform) in [
            ("Owntracks-Android/gms/420412000", Platform::Android),
            ("okhttp/4.12.0", Platform::Android),
            ("OwnTracks/26.2.3 CFNetwork/3826.500.111 Darwin/24.5.0", Platform::Ios),
            ("Overland/1 CFNetwork/1 Darwin/1", Platform::Ios),
            ("curl/8.5.0", Platform::Unknown),
            ("", Platform::Unknown),
        ] {
            assert_eq!(Platform::of_agent(agent), platform, "{agent}");
        }
    }
}
