//! What tells a device or a vehicle: IP and MAC addresses, IMEIs, vehicle identification numbers.
//! Versions, times, fingerprints and order numbers are left alone.
//!
//! All of them hold a digit: a word that has one is read as each of them in turn.

use core::net::Ipv6Addr;

use crate::card::luhn;
use crate::context::mentions;
use crate::digits::Number;
use crate::layer::{Hit, Step};
use crate::view::{Verdict, View, goes_on, is_word, position};

/// The longest word that is looked at; the longest IPv6 address has 45 characters.
const WORD: usize = 64;
/// The longest match, bytes.
pub(crate) const LONGEST: usize = WORD;

/// The fewest digits of any of them.
pub(crate) const FEWEST_DIGITS: usize = 1;

/// What is found, how it is told, and its shape.
pub(crate) const DETECTORS: &[(&str, &str, &str)] = &[
    (
        "ip-v4",
        "four octets; not a version, and of single digits only where words say address",
        r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}",
    ),
    (
        "ip-v6",
        "RFC 4291, a global, local or link-local address; not a time or a path of code",
        r"[0-9A-Fa-f:]*:[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*",
    ),
    (
        "mac",
        "six octets in hexadecimal, divided by : or -, or three groups divided by dots",
        r"[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5}|[0-9A-Fa-f]{4}(?:\.[0-9A-Fa-f]{4}){2}",
    ),
    (
        "imei",
        "15 digits with Luhn's check digit, where the words before say IMEI",
        r"[0-9](?:[ -]?[0-9]){14}",
    ),
    (
        "vin",
        "17 characters with the check digit of ISO 3779, or where words say vehicle",
        r"[A-HJ-NPR-Z0-9]{17}",
    ),
];

/// The next one at or after `from`.
pub(crate) fn next(view: &View<'_>, from: usize) -> Step {
    let mut at = from;
    while let Some(i) = position(view.slice(at, view.len()), |byte| byte.is_ascii_digit()) {
        let digit = at + i;
        let start = start_of(view, digit);
        let end = end_of(view, digit);
        let long = end - start > WORD;
        if end == view.len() && !view.is_last() && !long {
            return Step::Open(start);
        }
        if !long {
            match view.decide(|view| word(view, start, end)) {
                Verdict::Open => return Step::Open(start),
                Verdict::Final(Some(hit)) => return Step::Found(hit),
                Verdict::Final(None) => {}
            }
        }
        at = end;
    }
    let tail = start_of(view, view.len());
    let open = tail < view.len() && view.len() - tail <= WORD && !view.is_last();
    if open { Step::Open(tail.max(at)) } else { Step::Clear }
}

/// Where the word starts that ends at `at`, or a place more than [`WORD`] before.
fn start_of(view: &View<'_>, at: usize) -> usize {
    at - (1..=WORD + 1).take_while(|n| is_part(view.back(at, *n))).count()
}

/// The end of the word that goes on at `at`.
fn end_of(view: &View<'_>, at: usize) -> usize {
    let rest = view.slice(at, view.len());
    let length = rest.iter().take_while(|byte| is_part(**byte)).count();
    view.spend(length);
    at + length
}

const fn is_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'.' | b'-')
}

fn word(view: &View<'_>, start: usize, end: usize) -> Option<Hit> {
    if is_word(view.back(start, 1)) || goes_on(view.get(end)) {
        return None;
    }
    let text = view.slice(start, end);
    let trimmed = text.iter().rev().take_while(|byte| !byte.is_ascii_alphanumeric()).count();
    // The colons that end "fe80::" are its own.
    let text = text.get(..text.len() - trimmed)?;
    let hit = |from: usize, to: usize, score, detector, validated| Hit {
        span: start + from..start + to,
        score,
        detector,
        validated,
    };
    if is_mac(text) {
        return Some(hit(0, text.len(), 85, "mac", false));
    }
    if text.len() == 17
        && let Some(validated) = vin(view, start, text)
    {
        return Some(hit(0, 17, if validated { 90 } else { 70 }, "vin", validated));
    }
    if let Some(from) = ipv6(text) {
        return Some(hit(from, text.len(), 85, "ip-v6", false));
    }
    if let Some((from, to, score)) = ipv4(view, start, text) {
        return Some(hit(from, to, score, "ip-v4", false));
    }
    imei(view, start)
}

fn is_mac(text: &[u8]) -> bool {
    let octets = |sign: u8, groups: usize, digits: usize| {
        let mut parts = text.split(|byte| *byte == sign);
        let all = |part: &[u8]| part.len() == digits && part.iter().all(u8::is_ascii_hexdigit);
        text.len() == groups * (digits + 1) - 1 && parts.all(all)
    };
    let same =
        |byte: u8| text.iter().all(|b| !b.is_ascii_hexdigit() || b.eq_ignore_ascii_case(&byte));
    let shape = octets(b':', 6, 2) || octets(b'-', 6, 2) || octets(b'.', 3, 4);
    let date = text.iter().all(|b| b.is_ascii_digit() || *b == b'.');
    shape && !same(b'0') && !same(b'f') && !date
}

/// Where an IPv6 address starts that the word ends with.
fn ipv6(text: &[u8]) -> Option<usize> {
    let colons = text.split(|byte| *byte == b':').count() - 1;
    if !(2..=8).contains(&colons) {
        return None;
    }
    // `ip:2001:db8::1`: a name before it.
    let named = text.iter().position(|byte| *byte == b':')?;
    let is_name =
        text.get(..named)?.iter().any(|b| b.is_ascii_alphabetic() && !b.is_ascii_hexdigit());
    let from = if is_name { named + 1 } else { 0 };
    let text = core::str::from_utf8(text.get(from..)?).ok()?;
    let address: Ipv6Addr = text.parse().ok()?;
    let first = address.segments().first().copied().unwrap_or(0);
    // Global unicast, unique local, link-local: what a short name of code does not look like.
    let assigned = matches!(first, 0x2000..=0x3FFF | 0xFC00..=0xFDFF | 0xFE80..=0xFEBF);
    assigned.then_some(from)
}

/// Words that announce an address.
const ADDRESS: &[&str] = &[
    "ip",
    "ips",
    "ipv",
    "address",
    "addresses",
    "host",
    "hosts",
    "server",
    "dns",
    "ping",
    "client",
    "subnet",
    "gateway",
    "resolver",
    "nameserver",
];
/// Words that announce a version or a place in a document.
const VERSION: &[&str] = &[
    "version", "versions", "ver", "v", "release", "section", "chapter", "clause", "build",
    "firmware", "oid", "sec", "rule", "driver",
];

/// Where the first IPv4 address of the word stands, and how sure that is.
fn ipv4(view: &View<'_>, start: usize, text: &[u8]) -> Option<(usize, usize, u8)> {
    let is_number = |byte: &u8| byte.is_ascii_digit() || *byte == b'.';
    let mut at = 0;
    while let Some(i) = text.get(at..)?.iter().position(is_number) {
        let from = at + i;
        let to = from + text.get(from..)?.iter().take_while(|byte| is_number(byte)).count();
        at = to;
        let apart = |byte: Option<&u8>| byte.is_none_or(|byte| !byte.is_ascii_alphanumeric());
        let before = from.checked_sub(1).and_then(|before| text.get(before));
        if !apart(before) || !apart(text.get(to)) {
            continue;
        }
        if let Some(octets) = octets(text.get(from..to)?) {
            let small = octets.iter().all(|octet| *octet < 10);
            let said = mentions(view, start, ADDRESS);
            let version = mentions(view, start, VERSION) && !said;
            let nobody = matches!(octets, [0 | 127, ..] | [255, 255, 255, _]);
            let end = start + to;
            // `13.0.1.0` is a version rather than a network, which has its length behind it.
            let network = view.get(end) == b'/' && view.get(end + 1).is_ascii_digit();
            let padded = matches!(octets, [_, _, 0..=9, 0]) && !network;
            let version = version || product(view, start + from);
            if !version && !nobody && (said || !small && !padded) {
                let inside = matches!(
                    octets,
                    [10, ..] | [192, 168, ..] | [172, 16..=31, ..] | [169, 254, ..]
                );
                return Some((from, to, if inside { 60 } else { 80 }));
            }
        }
    }
    None
}

/// Whether a name and a slash stand before, as in `Chrome/131.0.0.0`; not `host/10.1.2.3`.
fn product(view: &View<'_>, at: usize) -> bool {
    const LONGEST: usize = 16;
    if view.back(at, 1) != b'/' {
        return false;
    }
    let name = at - 1;
    let length = (1..=LONGEST).take_while(|n| view.back(name, *n).is_ascii_alphabetic()).count();
    let name = view.slice(name - length, name);
    length > 0 && !ADDRESS.iter().any(|word| name.eq_ignore_ascii_case(word.as_bytes()))
}

/// Four numbers up to 255, without leading zeros.
fn octets(text: &[u8]) -> Option<[u8; 4]> {
    let mut octets = [0; 4];
    let mut parts = text.split(|byte| *byte == b'.');
    for octet in &mut octets {
        let part = parts.next()?;
        if part.is_empty() || part.len() > 3 || (part.len() > 1 && part.starts_with(b"0")) {
            return None;
        }
        let value = part.iter().fold(0_u32, |value, byte| value * 10 + u32::from(byte - b'0'));
        *octet = u8::try_from(value).ok()?;
    }
    parts.next().is_none().then_some(octets)
}

/// Words that announce a vehicle.
const VEHICLE: &[&str] = &["vin", "vehicle", "chassis", "car", "truck"];

/// Whether 17 characters are a vehicle's number, and whether its check digit says so.
fn vin(view: &View<'_>, start: usize, text: &[u8]) -> Option<bool> {
    // ISO 3779: no I, O, Q; weights and values of the check digit as 49 CFR 565 has them.
    const WEIGHTS: [u32; 17] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
    let value = |byte: u8| match byte {
        b'0'..=b'9' => Some(u32::from(byte - b'0')),
        b'A'..=b'H' => Some(u32::from(byte - b'A') + 1),
        b'J'..=b'N' => Some(u32::from(byte - b'J') + 1),
        b'P' => Some(7),
        b'R' => Some(9),
        b'S'..=b'Z' => Some(u32::from(byte - b'S') + 2),
        _ => None,
    };
    let mut sum = 0;
    for (byte, weight) in text.iter().zip(WEIGHTS) {
        sum += value(*byte)? * weight;
    }
    let check = match sum % 11 {
        10 => b'X',
        digit => b'0' + u8::try_from(digit).unwrap_or(0),
    };
    let letters = text.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    let serial = text.get(13..)?.iter().all(u8::is_ascii_digit);
    let right = text.get(8) == Some(&check);
    let said = mentions(view, start, VEHICLE);
    (letters > 1 && (said || (right && serial && letters > 3))).then_some(right)
}

/// The number of a mobile device: 3GPP TS 23.003, in one piece or as it is printed.
fn imei(view: &View<'_>, start: usize) -> Option<Hit> {
    const PRINTED: &[&[usize]] = &[&[15], &[2, 6, 6, 1], &[8, 6, 1]];
    let number = Number::read(view, start);
    let group = number.groups().find(|group| group.total == 15)?;
    let counts = number.counts();
    let printed = PRINTED.iter().any(|printed| counts.starts_with(printed));
    let digits = number.digits(15);
    let valid = printed
        && luhn(digits.iter().copied().map(u32::from))
        && !is_word(view.get(group.end))
        && mentions(view, start, &["imei", "imeis"]);
    valid.then_some(Hit { span: start..group.end, score: 95, detector: "imei", validated: true })
}

#[cfg(test)]
mod tests;
