//! Addresses of crypto-currencies, told by their checksums: base58check, bech32 and EIP-55.

mod hash;

use hash::keccak256;
use sha2::{Digest as _, Sha256};

use crate::layer::{Hit, Step};
use crate::reading::runs;
use crate::view::{Verdict, View, goes_on, is_word, position};

/// The shortest address.
const SHORTEST: usize = 26;
/// The longest: of a shielded or delegated account in bech32.
pub(crate) const LONGEST: usize = 90;
/// The fewest digits of any address: the `1` of bech32, the `0` of hexadecimal.
pub(crate) const FEWEST_DIGITS: usize = 1;

/// What is found, how it is told, and its shape.
pub(crate) const DETECTORS: &[(&str, &str, &str)] = &[
    (
        "btc-address",
        "base58 with a checksum of SHA-256 twice, of Bitcoin and its relatives",
        r"[123A-HJ-NP-Za-km-z][1-9A-HJ-NP-Za-km-z]{25,34}",
    ),
    (
        "bech32-address",
        "the checksum of BIP 173 or BIP 350, of a known network",
        r"(?:bc|tb|bcrt|ltc|cosmos|osmo|bnb|terra)1[02-9ac-hj-np-z]{6,}",
    ),
    (
        "eth-address",
        "0x and 40 hexadecimal digits; with capitals, those of EIP-55",
        r"0x[0-9A-Fa-f]{40}",
    ),
];

/// Networks whose addresses are written in bech32: what stands before the `1`.
const NETWORKS: &[&[u8]] = &[b"bc", b"tb", b"bcrt", b"ltc", b"cosmos", b"osmo", b"bnb", b"terra"];
/// First bytes of base58 addresses: Bitcoin, its test network, Litecoin, Dogecoin, Dash, Tron.
const VERSIONS: &[u8] = &[0x00, 0x05, 0x6F, 0xC4, 0x30, 0x32, 0x1E, 0x16, 0x4C, 0x41];

/// The next address at or after `from`.
pub(crate) fn next(view: &View<'_>, from: usize) -> Step {
    let rest = view.slice(from, view.len());
    view.spend(rest.len().min(SHORTEST));
    // Words this long are rare, and told by looking at every twenty-sixth byte.
    let Some(first) = runs(rest, SHORTEST, |byte| byte.is_ascii_alphanumeric()).next() else {
        return tail(view, from);
    };
    let mut at = from + first.start;
    while let Some(i) = position(view.slice(at, view.len()), |byte| byte.is_ascii_digit()) {
        let digit = at + i;
        let start = start_of(view, digit);
        let end = end_of(view, digit);
        let length = end - start;
        if end == view.len() && !view.is_last() && length <= LONGEST {
            return Step::Open(start);
        }
        if (SHORTEST..=LONGEST).contains(&length) {
            match view.decide(|view| address(view, start, end)) {
                Verdict::Open => return Step::Open(start),
                Verdict::Final(Some(hit)) => return Step::Found(hit),
                Verdict::Final(None) => {}
            }
        }
        at = end;
    }
    tail(view, at)
}

/// What is undecided where no address was found from `at` on.
fn tail(view: &View<'_>, at: usize) -> Step {
    if view.is_last() {
        return Step::Clear;
    }
    let tail = start_of(view, view.len());
    let open = tail < view.len() && view.len() - tail <= LONGEST;
    if open { Step::Open(tail.max(at)) } else { Step::Clear }
}

fn start_of(view: &View<'_>, at: usize) -> usize {
    at - (1..=LONGEST + 1).take_while(|n| view.back(at, *n).is_ascii_alphanumeric()).count()
}

fn end_of(view: &View<'_>, at: usize) -> usize {
    let rest = view.slice(at, view.len());
    let length = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    view.spend(length);
    at + length
}

fn address(view: &View<'_>, start: usize, end: usize) -> Option<Hit> {
    if is_word(view.back(start, 1)) || goes_on(view.get(end)) {
        return None;
    }
    let text = view.slice(start, end);
    view.spend(text.len());
    let hit = |detector, validated| Hit {
        span: start..end,
        score: if validated { 99 } else { 85 },
        detector,
        validated,
    };
    if let Some(digits) = text.strip_prefix(b"0x") {
        return eip55(digits).map(|validated| hit("eth-address", validated));
    }
    if bech32(text) {
        return Some(hit("bech32-address", true));
    }
    base58check(text).then(|| hit("btc-address", true))
}

/// Whether 40 hexadecimal digits have capitals where EIP-55 wants them; nothing if they have them
/// elsewhere.
fn eip55(digits: &[u8]) -> Option<bool> {
    if digits.len() != 40 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let small = !digits.iter().any(u8::is_ascii_uppercase);
    let large = !digits.iter().any(u8::is_ascii_lowercase);
    if small || large {
        let zeros = digits.iter().all(|digit| Some(digit) == digits.first());
        return (!zeros).then_some(false);
    }
    let hash = keccak256(&digits.to_ascii_lowercase());
    let nibbles = hash.iter().flat_map(|byte| [byte >> 4, byte & 0xF]);
    let right = digits.iter().zip(nibbles).all(|(digit, nibble)| {
        digit.is_ascii_digit() || digit.is_ascii_uppercase() == (nibble > 7)
    });
    right.then_some(true)
}

/// The checksum of bech32 (BIP 173) and bech32m (BIP 350).
fn bech32(text: &[u8]) -> bool {
    const ALPHABET: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    const GENERATOR: [u32; 5] = [0x3B6A_57B2, 0x2650_8E6D, 0x1EA1_19FA, 0x3D42_33DD, 0x2A14_62B3];
    let begins = |network: &&[u8]| {
        text.get(..network.len()).is_some_and(|start| start.eq_ignore_ascii_case(network))
    };
    if !NETWORKS.iter().any(begins) {
        return false;
    }
    let mixed = text.iter().any(u8::is_ascii_uppercase) && text.iter().any(u8::is_ascii_lowercase);
    let lower = text.to_ascii_lowercase();
    let Some(divider) = lower.iter().rposition(|byte| *byte == b'1') else { return false };
    let (network, data) = lower.split_at(divider);
    let data = data.get(1..).unwrap_or_default();
    if mixed || !NETWORKS.contains(&network) || data.len() < 6 {
        return false;
    }
    let mut sum = 1_u32;
    let mut feed = |value: u32| {
        let top = sum >> 25;
        sum = (sum & 0x1FF_FFFF) << 5 ^ value;
        for (bit, generator) in GENERATOR.iter().enumerate() {
            if top >> bit & 1 == 1 {
                sum ^= generator;
            }
        }
    };
    for byte in network {
        feed(u32::from(byte >> 5));
    }
    feed(0);
    for byte in network {
        feed(u32::from(byte & 31));
    }
    for byte in data {
        let value = ALPHABET.iter().position(|known| known == byte);
        let Some(value) = value.and_then(|value| u32::try_from(value).ok()) else { return false };
        feed(value);
    }
    matches!(sum, 1 | 0x2BC8_30A3)
}

/// The checksum of base58check: the first four bytes of SHA-256 twice.
fn base58check(text: &[u8]) -> bool {
    const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    // One look at each byte rules nearly every hash out; arithmetic is for the rest.
    let known = |byte: &u8| byte.is_ascii_alphanumeric() && !b"0OIl".contains(byte);
    if !(SHORTEST..=35).contains(&text.len()) || !text.iter().all(known) {
        return false;
    }
    let mut bytes = [0_u8; 25];
    for byte in text {
        let Some(value) = ALPHABET.iter().position(|b| b == byte) else { return false };
        let mut carry = value;
        for place in bytes.iter_mut().rev() {
            carry += usize::from(*place) * 58;
            *place = u8::try_from(carry & 0xFF).unwrap_or(0);
            carry >>= 8;
        }
        if carry > 0 {
            return false;
        }
    }
    let (payload, sum) = bytes.split_at(21);
    let known = payload.first().is_some_and(|version| VERSIONS.contains(version));
    known && Sha256::digest(Sha256::digest(payload)).starts_with(sum)
}

#[cfg(test)]
mod tests;
