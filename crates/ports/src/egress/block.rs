//! A block of addresses: `10.0.0.0/8`, `fd00::/8`, or one address.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A block of addresses of one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    first: IpAddr,
    bits: u8,
}

/// Text that is no block.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no network: write it like 10.0.0.0/8, fd00::/8 or 10.1.2.3")]
pub struct NotABlock(String);

impl Block {
    /// The IPv4 addresses that have the first `bits` bits (at most 32) in common with `first`.
    pub const fn v4(first: Ipv4Addr, bits: u8) -> Self {
        Self { first: IpAddr::V4(first), bits }
    }

    /// The IPv6 addresses that have the first `bits` bits (at most 128) in common with `first`.
    pub const fn v6(first: Ipv6Addr, bits: u8) -> Self {
        Self { first: IpAddr::V6(first), bits }
    }

    /// Whether an address is in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.first, address) {
            (IpAddr::V4(first), IpAddr::V4(address)) => {
                let differs = u32::from(first) ^ u32::from(address);
                differs.checked_shr(32_u32.saturating_sub(self.bits.into())).unwrap_or(0) == 0
            }
            (IpAddr::V6(first), IpAddr::V6(address)) => {
                let differs = u128::from(first) ^ u128::from(address);
                differs.checked_shr(128_u32.saturating_sub(self.bits.into())).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

impl FromStr for Block {
    type Err = NotABlock;

    fn from_str(text: &str) -> Result<Self, NotABlock> {
        let wrong = || NotABlock(text.to_owned());
        let (first, bits) = text.split_once('/').map_or((text, None), |(f, b)| (f, Some(b)));
        let first: IpAddr = first.parse().map_err(|_| wrong())?;
        let most = if first.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), |bits| bits.parse::<u8>().map_err(|_| wrong()))?;
        if bits > most { Err(wrong()) } else { Ok(Self { first, bits }) }
    }
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_holds_its_first_and_last_address_and_not_those_beside_it() {
        for (block, inside, outside) in [
            ("10.0.0.0/8", ["10.0.0.0", "10.255.255.255"], ["9.255.255.255", "11.0.0.0"]),
            ("172.16.0.0/12", ["172.16.0.0", "172.31.255.255"], ["172.15.255.255", "172.32.0.0"]),
            ("10.1.2.3", ["10.1.2.3", "10.1.2.3"], ["10.1.2.2", "10.1.2.4"]),
            ("fd00::/8", ["fd00::", "fdff::1"], ["fcff::", "fe00::"]),
            ("::1", ["::1", "::1"], ["::", "::2"]),
            ("0.0.0.0/0", ["0.0.0.0", "255.255.255.255"], ["::", "::1"]),
        ] {
            let parsed: Block = block.parse().unwrap();
            assert!(inside.iter().all(|a| parsed.contains(a.parse().unwrap())), "{block}");
            assert!(!outside.iter().any(|a| parsed.contains(a.parse().unwrap())), "{block}");
        }
        for wrong in ["", "10.0.0.0/33", "fd00::/129", "10/8", "example.com", "10.0.0.0/-1"] {
            assert!(wrong.parse::<Block>().is_err(), "{wrong}");
        }
    }
}
