//! Addresses as limits see them.
use std::net::IpAddr;

/// Where somebody comes from: one IPv4 address, or the 64 bits of an IPv6 address that a household shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Net {
    /// An IPv4 address, or the first 16 bits of one.
    V4(u32),
    /// The first 64 bits of an IPv6 address, or the first 32 of them.
    V6(u64),
}

impl Net {
    /// Of an address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address.to_bits()),
            IpAddr::V6(address) => Self::V6(u64::try_from(address.to_bits() >> 64).unwrap_or(u64::MAX)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(text: &str) -> Net {
        Net::of(text.parse().unwrap())
    }

    #[test]
    fn a_household_with_ipv6_is_one_and_its_ipv4_neighbours_are_not() {
        assert_eq!(net("2001:db8:1:2::1"), net("2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert_ne!(net("2001:db8:1:2::1"), net("2001:db8:1:3::1"));
        assert_ne!(net("192.0.2.1"), net("192.0.2.2"));
        assert_eq!(net("192.0.2.1"), net("::ffff:192.0.2.1"), "the same address, written as IPv6");
    }
}
