//! Who a request comes from, and by what kind of connection: what the kernel says, and what a proxy says that is trusted
//! (`server.trusted_proxies`). What anybody else says about it is not believed.
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::dev::ServiceRequest;
use actix_web::http::header::{HOST, HeaderMap, HeaderName, HeaderValue, STRICT_TRANSPORT_SECURITY, X_FORWARDED_FOR};
use actix_web::{HttpRequest, web};

use super::state::Node;
use crate::config::Networks;

/// `X-Forwarded-Proto`: how the client reached the proxy.
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
/// A chain of proxies is not longer than this: what is beyond is not read.
const LONGEST_CHAIN: usize = 16;
/// What browsers are told who came by TLS: for a year, no other way.
const HSTS: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// By which door a connection came in. Every connection of the node carries it (`super::entrance`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Door {
    /// The address that the node listens on.
    pub address: SocketAddr,
    /// TLS is spoken there, by the node itself.
    pub tls: bool,
}

impl Door {
    /// Of a request's connection. `None`: another server's, in tests.
    #[must_use]
    pub fn of(req: &HttpRequest) -> Option<Self> {
        req.conn_data().copied()
    }
}

/// The client at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its address: of the TCP connection, or the rightmost one of `X-Forwarded-For` that is no trusted proxy. An IPv4
    /// address within IPv6 is given as the former.
    pub address: IpAddr,
    /// It came by TLS: ours, or that of a trusted proxy.
    pub secure: bool,
}

impl Peer {
    /// The client that sent a request.
    #[must_use]
    pub fn of(req: &HttpRequest) -> Self {
        let node = req.app_data::<web::Data<Arc<Node>>>();
        let none = Networks::default();
        let trusted = node.map_or(&none, |node| &node.config.server.trusted_proxies);
        // There is always one on TCP.
        let address = req.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
        Self::seen(address, Door::of(req).is_some_and(|door| door.tls), req.headers(), trusted)
    }

    /// The client behind a TCP connection from `tcp`, which was ours by TLS or not, with these headers.
    #[must_use]
    pub fn seen(tcp: IpAddr, own_tls: bool, headers: &HeaderMap, trusted: &Networks) -> Self {
        let tcp = tcp.to_canonical();
        if !trusted.contains(tcp) {
            if headers.contains_key(X_FORWARDED_FOR) || headers.contains_key(FORWARDED_PROTO) {
                warn_once(tcp);
            }
            return Self { address: tcp, secure: own_tls };
        }
        Self { address: client(tcp, headers, trusted), secure: own_tls || came_by_tls(headers) }
    }
}

/// The exact origin of this server as the client sees it, as browsers write it: `https://maps.example:8443`. `None` when
/// the request does not name one host. Compare it with `Origin` byte by byte.
#[must_use]
pub fn own_origin(req: &HttpRequest) -> Option<String> {
    let mut hosts = req.headers().get_all(HOST);
    let (host, None) = (hosts.next()?.to_str().ok()?, hosts.next()) else { return None };
    let is_of_a_host = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
    if host.is_empty() || !host.chars().all(is_of_a_host) {
        return None;
    }
    let scheme = if Peer::of(req).secure { "https" } else { "http" };
    Some(format!("{scheme}://{host}"))
}

/// `Strict-Transport-Security` for an answer to this request: only to clients that came by TLS, others would ignore it.
#[must_use]
pub fn strict_transport(req: &ServiceRequest) -> Option<(HeaderName, HeaderValue)> {
    Peer::of(req.request()).secure.then_some((STRICT_TRANSPORT_SECURITY, HSTS))
}

/// Walks the chain of proxies from here towards the client as long as trusted ones speak.
fn client(tcp: IpAddr, headers: &HeaderMap, trusted: &Networks) -> IpAddr {
    let mut address = tcp;
    let lines: Vec<&str> = headers.get_all(X_FORWARDED_FOR).map(|line| line.to_str().unwrap_or_default()).collect();
    for hop in lines.iter().rev().flat_map(|line| line.rsplit(',')).take(LONGEST_CHAIN) {
        // A hop that is no address hides what is behind it: the one that wrote it counts.
        let Some(hop) = parse(hop.trim()) else { break };
        address = hop;
        if !trusted.contains(hop) {
            break;
        }
    }
    address
}

/// An address, as proxies write them: bare, or with a port.
fn parse(hop: &str) -> Option<IpAddr> {
    let with_port = || hop.parse().ok().map(|address: SocketAddr| address.ip());
    let bracketed = || hop.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    hop.parse().ok().or_else(with_port).or_else(bracketed).map(|address: IpAddr| address.to_canonical())
}

/// Every proxy on the way says that it was reached by TLS.
fn came_by_tls(headers: &HeaderMap) -> bool {
    let mut lines = headers.get_all(FORWARDED_PROTO).peekable();
    lines.peek().is_some()
        && lines.all(|line| {
            let said = line.to_str().unwrap_or_default();
            said.split(',').all(|proto| proto.trim().eq_ignore_ascii_case("https"))
        })
}

/// Somebody put a proxy in front and did not say so: nothing would work as they expect, and nothing else would tell.
fn warn_once(from: IpAddr) {
    static WARNED: AtomicBool = AtomicBool::new(false);
    if !WARNED.swap(true, Ordering::Relaxed) {
        tracing::warn!(
            %from,
            "forwarded addresses are not believed: their sender is not in server.trusted_proxies (said once)"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn seen(tcp: &str, headers: &[(&str, &str)]) -> Peer {
        let config = Config::from_toml("[server]\ntrusted_proxies = [\"127.0.0.1\", \"10.0.0.0/8\", \"fd00::/8\"]");
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name.parse().unwrap(), HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        Peer::seen(tcp.parse().unwrap(), false, &map, &config.unwrap().server.trusted_proxies)
    }

    fn address(tcp: &str, forwarded: &[&str]) -> String {
        let headers: Vec<_> = forwarded.iter().map(|line| ("x-forwarded-for", *line)).collect();
        seen(tcp, &headers).address.to_string()
    }

    #[test]
    fn the_rightmost_hop_that_is_no_trusted_proxy_is_the_client() {
        for (tcp, forwarded, client) in [
            ("203.0.113.9", &["198.51.100.1"][..], "203.0.113.9"),
            ("127.0.0.1", &[], "127.0.0.1"),
            ("127.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("127.0.0.1", &["6.6.6.6, 198.51.100.1"], "198.51.100.1"),
            ("127.0.0.1", &["6.6.6.6", "198.51.100.1"], "198.51.100.1"),
            ("127.0.0.1", &["6.6.6.6, 198.51.100.1, 10.1.2.3"], "198.51.100.1"),
            ("127.0.0.1", &["10.1.2.3,10.4.5.6"], "10.1.2.3"),
            ("::ffff:127.0.0.1", &["::ffff:198.51.100.1"], "198.51.100.1"),
            ("fd00::7", &["[2001:db8::1]:4711"], "2001:db8::1"),
            ("fd00::7", &["[2001:db8::1]"], "2001:db8::1"),
            ("127.0.0.1", &["198.51.100.1:4711"], "198.51.100.1"),
            ("127.0.0.1", &["6.6.6.6, unknown"], "127.0.0.1"),
            ("127.0.0.1", &["6.6.6.6, unknown, 10.1.2.3"], "10.1.2.3"),
            ("127.0.0.1", &[""], "127.0.0.1"),
            ("127.0.0.1", &["6.6.6.6, "], "127.0.0.1"),
            ("127.0.0.1", &["6.6.6.6, \u{e9}"], "127.0.0.1"),
        ] {
            assert_eq!(address(tcp, forwarded), client, "{tcp} {forwarded:?}");
        }
    }

    #[test]
    fn an_endless_chain_is_not_walked() {
        let chain = ["10.1.2.3"; 1000].join(",");
        assert_eq!(address("127.0.0.1", &[&format!("6.6.6.6,{chain}")]), "10.1.2.3");
    }

    #[test]
    fn tls_is_believed_of_a_trusted_proxy_when_the_whole_way_had_it() {
        for (tcp, said, secure) in [
            ("127.0.0.1", &["https"][..], true),
            ("127.0.0.1", &["HTTPS"], true),
            ("127.0.0.1", &["https, https"], true),
            ("127.0.0.1", &["https, http"], false),
            ("127.0.0.1", &["https", "http"], false),
            ("127.0.0.1", &["http"], false),
            ("127.0.0.1", &[""], false),
            ("127.0.0.1", &[], false),
            ("203.0.113.9", &["https"], false),
        ] {
            let headers: Vec<_> = said.iter().map(|line| ("x-forwarded-proto", *line)).collect();
            assert_eq!(seen(tcp, &headers).secure, secure, "{tcp} {said:?}");
        }
    }
}
