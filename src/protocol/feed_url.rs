//! The address of a calendar that is subscribed to. It is a secret: calendars are shared by addresses that nobody can guess.
use std::fmt;

use url::{Host, Url};

use crate::domain::{Code, Refusal};

/// The longest address, bytes.
pub const LONGEST_URL: usize = 2_048;

/// An address that may be fetched from, as far as that can be told from the address itself.
#[derive(Clone, PartialEq, Eq)]
pub struct FeedUrl(Url);

impl FeedUrl {
    /// Checks an address. `webcal:` and `webcals:` stand for `https:`.
    ///
    /// # Errors
    /// `bad_field` of `url`, saying what it must be; the address itself is not repeated.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let text = text.trim();
        if text.len() > LONGEST_URL {
            return Err(wrong(&format!("at most {LONGEST_URL} bytes long")));
        }
        let webcal = ["webcal://", "webcals://"].into_iter().find_map(|scheme| {
            let (start, rest) = text.split_at_checked(scheme.len())?;
            start.eq_ignore_ascii_case(scheme).then(|| format!("https://{rest}"))
        });
        Self::of(Url::parse(webcal.as_deref().unwrap_or(text)).map_err(|_| wrong(KIND))?)
    }

    /// Where a redirection leads.
    ///
    /// # Errors
    /// As [`FeedUrl::parse`].
    pub fn join(&self, location: &str) -> Result<Self, Refusal> {
        if location.len() > LONGEST_URL {
            return Err(wrong(&format!("at most {LONGEST_URL} bytes long")));
        }
        Self::of(self.0.join(location).map_err(|_| wrong(KIND))?)
    }

    fn of(mut url: Url) -> Result<Self, Refusal> {
        if !matches!(url.scheme(), "https" | "http") {
            return Err(wrong(KIND));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("without a user name and password"));
        }
        if url.host().is_none() || url.as_str().len() > LONGEST_URL {
            return Err(wrong(KIND));
        }
        url.set_fragment(None);
        Ok(Self(url))
    }

    /// The whole address, to be fetched or stored and never to be shown.
    #[must_use]
    pub fn reveal(&self) -> &str {
        self.0.as_str()
    }

    /// The host, which may be shown to whoever gave the address.
    #[must_use]
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// The address that stands in place of a host's name, if one does.
    #[must_use]
    pub fn ip(&self) -> Option<std::net::IpAddr> {
        match self.0.host()? {
            Host::Ipv4(ip) => Some(ip.into()),
            Host::Ipv6(ip) => Some(ip.into()),
            Host::Domain(_) => None,
        }
    }

    /// The port, where none is written that of the scheme.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.0.port_or_known_default().unwrap_or(0)
    }

    /// True for `https`.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.0.scheme() == "https"
    }
}

const KIND: &str = "the https address of a calendar, such as https://example.org/me.ics";

fn wrong(what: &str) -> Refusal {
    Refusal::of_field(Code::BadField, "url", format!("url must be {what}"))
}

impl fmt::Debug for FeedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FeedUrl({}…)", self.host())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_by_its_host_alone() {
        let url = FeedUrl::parse(" webcal://Calendar.Example.org/private-4711/basic.ics#top ").unwrap();
        assert_eq!(url.reveal(), "https://calendar.example.org/private-4711/basic.ics");
        assert_eq!((url.host(), url.port(), url.is_encrypted()), ("calendar.example.org", 443, true));
        assert!(!format!("{url:?}").contains("4711"));
        assert_eq!(url.join("/other.ics").unwrap().reveal(), "https://calendar.example.org/other.ics");
        assert_eq!(url.join("http://10.0.0.1/x").unwrap().ip(), Some([10, 0, 0, 1].into()));
    }

    #[test]
    fn however_an_address_is_written_it_is_the_same_address() {
        for (text, ip) in [
            ("https://2130706433/", "127.0.0.1"),
            ("https://0x7f000001/", "127.0.0.1"),
            ("https://0177.0.0.1/", "127.0.0.1"),
            ("https://127.1/", "127.0.0.1"),
            ("https://[::ffff:127.0.0.1]/", "::ffff:127.0.0.1"),
            ("https://①②⑦.0.0.1/", "127.0.0.1"),
        ] {
            assert_eq!(FeedUrl::parse(text).unwrap().ip(), Some(ip.parse().unwrap()), "{text}");
        }
        assert_eq!(FeedUrl::parse("https://bücher.example/").unwrap().host(), "xn--bcher-kva.example");
    }

    #[test]
    fn what_is_no_address_of_a_calendar_is_refused_without_being_repeated() {
        let long = format!("https://example.org/{}", "secret".repeat(400));
        for text in [
            "",
            "secret",
            "file:///etc/secret",
            "ftp://secret.org/",
            "data:text/calendar,secret",
            "https://",
            "https://user:secret@example.org/",
            "https://secret@example.org/",
            "https://1.2.3.256/secret",
            "webcal://",
            "gopher://secret/",
            &long,
        ] {
            let refusal = FeedUrl::parse(text).unwrap_err();
            assert_eq!((refusal.code, refusal.field), (Code::BadField, Some("url")), "{text}");
            assert!(!refusal.message.contains("secret"), "{text}");
        }
    }
}
