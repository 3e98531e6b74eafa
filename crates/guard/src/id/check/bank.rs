//! Bank codes and accounts.

use super::sums::{at, luhn, number, part, remainder, value, weighted};
use super::{Check, structure, verified};

/// Lengths of an IBAN by country (SWIFT's registry).
const IBANS: &[(&[u8; 2], usize)] = &[
    (b"AD", 24),
    (b"AE", 23),
    (b"AL", 28),
    (b"AT", 20),
    (b"AZ", 28),
    (b"BA", 20),
    (b"BE", 16),
    (b"BG", 22),
    (b"BH", 22),
    (b"BI", 27),
    (b"BR", 29),
    (b"BY", 28),
    (b"CH", 21),
    (b"CR", 22),
    (b"CY", 28),
    (b"CZ", 24),
    (b"DE", 22),
    (b"DJ", 27),
    (b"DK", 18),
    (b"DO", 28),
    (b"EE", 20),
    (b"EG", 29),
    (b"ES", 24),
    (b"FI", 18),
    (b"FK", 18),
    (b"FO", 18),
    (b"FR", 27),
    (b"GB", 22),
    (b"GE", 22),
    (b"GI", 23),
    (b"GL", 18),
    (b"GR", 27),
    (b"GT", 28),
    (b"HR", 21),
    (b"HU", 28),
    (b"IE", 22),
    (b"IL", 23),
    (b"IQ", 23),
    (b"IS", 26),
    (b"IT", 27),
    (b"JO", 30),
    (b"KW", 30),
    (b"KZ", 20),
    (b"LB", 28),
    (b"LC", 32),
    (b"LI", 21),
    (b"LT", 20),
    (b"LU", 20),
    (b"LV", 21),
    (b"LY", 25),
    (b"MC", 27),
    (b"MD", 24),
    (b"ME", 22),
    (b"MK", 19),
    (b"MN", 20),
    (b"MR", 27),
    (b"MT", 31),
    (b"MU", 30),
    (b"NI", 28),
    (b"NL", 18),
    (b"NO", 15),
    (b"OM", 23),
    (b"PK", 24),
    (b"PL", 28),
    (b"PS", 29),
    (b"PT", 25),
    (b"QA", 29),
    (b"RO", 24),
    (b"RS", 22),
    (b"RU", 33),
    (b"SA", 24),
    (b"SC", 31),
    (b"SD", 18),
    (b"SE", 24),
    (b"SI", 19),
    (b"SK", 24),
    (b"SM", 27),
    (b"SO", 23),
    (b"ST", 25),
    (b"SV", 28),
    (b"TL", 23),
    (b"TN", 24),
    (b"TR", 26),
    (b"UA", 29),
    (b"VA", 22),
    (b"VG", 24),
    (b"XK", 20),
    (b"YE", 30),
];

/// Account number (ISO 13616): country, two check digits, MOD 97-10 (ISO/IEC 7064).
pub(in crate::id) const IBAN: Check = verified(|text| {
    let known = IBANS.iter().any(|(land, length)| text.starts_with(*land) && text.len() == *length);
    let turned = part(text, 4..text.len()).iter().chain(part(text, 0..4)).copied();
    known && remainder(turned, 97) == 1
});

/// Routing number (American Bankers Association): weights 3, 7, 1.
pub(in crate::id) const ABA: Check = verified(|text| {
    number(text) > 0 && weighted(text, &[3, 7, 1, 3, 7, 1, 3, 7, 1]).is_multiple_of(10)
});

/// Number of a Mexican account (CLABE): weights 3, 7, 1.
pub(in crate::id) const CLABE: Check = verified(|text| {
    let weights: [u32; 17] = std::array::from_fn(|i| match i % 3 {
        0 => 3,
        1 => 7,
        _ => 1,
    });
    let sum: u32 = part(text, 0..17)
        .iter()
        .zip(weights)
        .map(|(digit, weight)| value(*digit) * weight % 10)
        .sum();
    (10 - sum % 10) % 10 == value(at(text, 17))
});

/// Digits that are no payment card's.
pub(in crate::id) const NO_CARD: Check =
    structure(|text| !((13..20).contains(&text.len()) && luhn(text)));
