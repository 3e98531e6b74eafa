//! Which addresses are public: those that the IANA special-purpose registries (RFC 6890, RFC 8190)
//! do not call otherwise, in whatever way an IPv4 address is dressed up.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use largestack_ports::egress::Block;

const fn v4(a: u8, b: u8, c: u8, d: u8, bits: u8) -> Block {
    Block::v4(Ipv4Addr::new(a, b, c, d), bits)
}

const fn v6(first: u16, second: u16, third: u16, bits: u8) -> Block {
    Block::v6(Ipv6Addr::new(first, second, third, 0, 0, 0, 0, 0), bits)
}

/// The IPv4 registry's blocks that are not globally reachable, multicast, and one cloud's
/// metadata service that has a public address.
const SPECIAL_V4: &[(Block, &str)] = &[
    (v4(0, 0, 0, 0, 8), "an address of this network"),
    (v4(10, 0, 0, 0, 8), "a private address"),
    (v4(100, 64, 0, 0, 10), "an address shared by a carrier's customers"),
    (v4(127, 0, 0, 0, 8), "an address of this machine"),
    (v4(169, 254, 0, 0, 16), "a link-local address, such as a cloud's metadata service"),
    (v4(172, 16, 0, 0, 12), "a private address"),
    (v4(192, 0, 0, 0, 24), "an address for protocols"),
    (v4(192, 0, 2, 0, 24), "an address for documentation"),
    (v4(192, 88, 99, 0, 24), "an address of 6to4 relays"),
    (v4(192, 168, 0, 0, 16), "a private address"),
    (v4(198, 18, 0, 0, 15), "an address for benchmarks"),
    (v4(198, 51, 100, 0, 24), "an address for documentation"),
    (v4(203, 0, 113, 0, 24), "an address for documentation"),
    (v4(224, 0, 0, 0, 4), "a multicast address"),
    (v4(240, 0, 0, 0, 4), "a reserved address"),
    (v4(168, 63, 129, 16, 32), "a cloud's metadata service"),
];

/// What is public of IPv6 lies in here: everything else is loopback, local, multicast or reserved.
const GLOBAL_V6: Block = v6(0x2000, 0, 0, 3);
/// The IPv6 registry's blocks within it that are not, or that lead to an IPv4 address by way of
/// somebody else's relay.
const SPECIAL_V6: &[(Block, &str)] = &[
    (v6(0x2001, 0, 0, 23), "an address for protocols, such as Teredo"),
    (v6(0x2001, 0x0db8, 0, 32), "an address for documentation"),
    (v6(0x2002, 0, 0, 16), "a 6to4 address"),
    (v6(0x3fff, 0, 0, 20), "an address for documentation"),
];
/// `64:ff9b::/96` (RFC 6052): how a network without IPv4 writes IPv4 addresses.
const NAT64: Block = v6(0x64, 0xff9b, 0, 96);

/// The address that is meant: an IPv4 address that is written as one of IPv6 (`::ffff:10.0.0.1`,
/// `64:ff9b::10.0.0.1`) is that IPv4 address.
pub(super) fn meant(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    let [.., high, low] = v6.segments();
    let within = || {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    };
    if v6.to_ipv4_mapped().is_some() || NAT64.contains(address) { within() } else { address }
}

/// Why an address is not public; `None` when it is.
pub(super) fn why_not(address: IpAddr) -> Option<&'static str> {
    let address = meant(address);
    let special = match address {
        IpAddr::V4(_) => SPECIAL_V4,
        IpAddr::V6(_) if GLOBAL_V6.contains(address) => SPECIAL_V6,
        IpAddr::V6(v6) if v6.is_loopback() => return Some("an address of this machine"),
        IpAddr::V6(_) => return Some("no public address"),
    };
    special.iter().find(|(block, _)| block.contains(address)).map(|(_, why)| *why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(address: &str) -> bool {
        why_not(address.parse().unwrap()).is_some()
    }

    #[test]
    fn the_blocks_of_the_registries_are_refused_and_what_lies_beside_them_is_not() {
        for (first, last, before, after) in [
            ("0.0.0.0", "0.255.255.255", "1.0.0.0", "1.1.1.1"),
            ("10.0.0.0", "10.255.255.255", "9.255.255.255", "11.0.0.0"),
            ("100.64.0.0", "100.127.255.255", "100.63.255.255", "100.128.0.0"),
            ("127.0.0.0", "127.255.255.255", "126.255.255.255", "128.0.0.0"),
            ("169.254.0.0", "169.254.255.255", "169.253.255.255", "169.255.0.0"),
            ("172.16.0.0", "172.31.255.255", "172.15.255.255", "172.32.0.0"),
            ("192.0.0.0", "192.0.0.255", "191.255.255.255", "192.0.1.0"),
            ("192.0.2.0", "192.0.2.255", "192.0.1.255", "192.0.3.0"),
            ("192.88.99.0", "192.88.99.255", "192.88.98.255", "192.88.100.0"),
            ("192.168.0.0", "192.168.255.255", "192.167.255.255", "192.169.0.0"),
            ("198.18.0.0", "198.19.255.255", "198.17.255.255", "198.20.0.0"),
            ("198.51.100.0", "198.51.100.255", "198.51.99.255", "198.51.101.0"),
            ("203.0.113.0", "203.0.113.255", "203.0.112.255", "203.0.114.0"),
            ("224.0.0.0", "255.255.255.255", "223.255.255.255", "8.8.8.8"),
            ("168.63.129.16", "168.63.129.16", "168.63.129.15", "168.63.129.17"),
            ("2001::", "2001:1ff:ffff::", "2000:ffff::", "2001:200::"),
            ("2001:db8::", "2001:db8:ffff::", "2001:db7:ffff::", "2001:db9::"),
            ("2002::", "2002:ffff::", "2001:ffff::", "2003::"),
            ("3fff::", "3fff:fff:ffff::", "3ffe:ffff::", "3fff:1000::"),
        ] {
            assert!(refused(first) && refused(last), "{first} to {last}");
            assert!(!refused(before) && !refused(after), "{before} and {after}");
        }
        for other in [
            "::",
            "::1",
            "::7f00:1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "100::1",
            "5f00::1",
            "64:ff9b:1::1",
            "4000::1",
        ] {
            assert!(refused(other), "{other}");
        }
    }

    #[test]
    fn an_address_of_ipv4_that_is_dressed_up_is_told_by_what_it_is() {
        for inside in ["127.0.0.1", "10.0.0.1", "169.254.169.254", "192.168.1.1"] {
            for dress in ["::ffff:", "64:ff9b::"] {
                assert!(refused(&format!("{dress}{inside}")), "{dress}{inside}");
            }
        }
        assert!(!refused("::ffff:8.8.8.8") && !refused("64:ff9b::8.8.8.8"));
        // By way of somebody's relay: 6to4 and Teredo, whatever lies inside.
        assert!(refused("2002:7f00:1::") && refused("2002:808:808::"));
        assert!(refused("2001:0:4136:e378:8000:63bf:3fff:fdd2"));
    }
}
