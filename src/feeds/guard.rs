//! Which addresses a calendar may be fetched from. A name proves nothing: whoever gives it decides what it leads to, and may
//! change that between two looks. So addresses are judged, each one, right before the connection is made to exactly those.
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use crate::config::Networks;

/// The rules of one server.
#[derive(Clone, Debug, Default)]
pub struct Guard {
    /// Networks that the operator has opened: a calendar server at home.
    pub allowed: Networks,
}

impl Guard {
    /// Whether somebody may be connected to at this address.
    #[must_use]
    pub fn allows(&self, address: IpAddr) -> bool {
        self.is_opened(address) || (is_public(address) && !is_own(address))
    }

    /// Whether the operator has opened the network: then it may be unencrypted, too.
    #[must_use]
    pub fn is_opened(&self, address: IpAddr) -> bool {
        self.allowed.contains(address)
    }
}

/// Whether an address is one of the public internet's. Whatever is reserved, private, local, for documentation, or carries another
/// address within it, is not.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !matches!(
        (a, b, c),
        // This network, private, loopback, link-local, private, private, multicast and reserved.
        (0 | 10 | 127 | 224..=255, ..)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 168, _)
            // Shared by providers, protocol assignments, relays of 6to4, benchmarks, documentation.
            | (100, 64..=127, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (198, 18..=19, _)
            | (198, 51, 100)
            | (203, 0, 113)
    )
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    // Only what is given out as global unicast: no loopback, mapped, compatible, translated (64:ff9b::/96), unique local,
    // link-local or multicast address is. Of it not: protocol assignments with Teredo and benchmarks (2001::/23), documentation
    // (2001:db8::/32, 3fff::/20), and 6to4, which carries an IPv4 address (2002::/16).
    matches!(a, 0x2000..=0x3FFF)
        && !(a == 0x2001 && (b < 0x0200 || b == 0x0DB8))
        && a != 0x2002
        && !(a == 0x3FFF && b < 0x1000)
}

/// Whether an address is one of this machine's: then the system would send from it to itself. Nothing is sent to find out.
fn is_own(address: IpAddr) -> bool {
    let from: SocketAddr = match address {
        IpAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        IpAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let local = UdpSocket::bind(from).and_then(|socket| {
        socket.connect((address, 443))?;
        socket.local_addr()
    });
    local.is_ok_and(|local| local.ip() == address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_internet_is_open_and_everything_else_is_not() {
        let open = [
            "1.1.1.1",
            "93.184.216.34",
            "172.15.0.1",
            "172.32.0.1",
            "100.63.0.1",
            "100.128.0.1",
            "192.0.1.1",
            "198.20.0.1",
            "223.255.255.254",
        ];
        let open6 = ["2606:4700::1111", "2a00:1450:4001::1", "2001:4860:4860::8888", "2001:200::1", "3ffe::1"];
        for address in open.iter().chain(&open6) {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
        let closed = [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
        ];
        let closed6 = [
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:1.1.1.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:0:4136:e378::1",
            "2001:2::1",
            "2001:10::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "4000::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ];
        for address in closed.iter().chain(&closed6) {
            assert!(!is_public(address.parse().unwrap()), "{address}");
            assert!(!Guard::default().allows(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn an_operator_may_open_a_network() {
        let config =
            crate::config::Config::from_toml("[calendar]\nallow_networks = [\"10.1.0.0/16\", \"::1\"]").unwrap();
        let guard = Guard { allowed: config.calendar.allow_networks };
        for (address, allowed) in
            [("10.1.2.3", true), ("10.2.2.3", false), ("::1", true), ("::ffff:10.1.2.3", true), ("1.1.1.1", true)]
        {
            assert_eq!(guard.allows(address.parse().unwrap()), allowed, "{address}");
        }
    }

    #[test]
    fn an_address_of_this_machine_is_known_as_such() {
        assert!(is_own("127.0.0.1".parse().unwrap()));
        assert!(!is_own("192.0.2.1".parse().unwrap()));
    }
}
