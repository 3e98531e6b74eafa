//! Numbers of Singapore, Australia and New Zealand.

use super::sums::{at, number, part, value, weighted};
use super::{Check, verified};

/// Identity number (Singapore): weights 2, 7 to 2, and a letter by series.
pub(in crate::id) const NRIC: Check = verified(|text| {
    let sum = weighted(part(text, 1..8), &[2, 7, 6, 5, 4, 3, 2]);
    let (more, letters): (u32, &[u8]) = match at(text, 0) {
        b'S' => (0, b"JZIHGFEDCBA"),
        b'T' => (4, b"JZIHGFEDCBA"),
        b'F' => (0, b"XWUTRQPNMLK"),
        b'G' => (4, b"XWUTRQPNMLK"),
        b'M' => (3, b"KLJNPQRTUWX"),
        _ => return false,
    };
    let place = (sum + more) % 11;
    let place = if at(text, 0) == b'M' { 10 - place } else { place };
    at(letters, place as usize) == at(text, 8)
});

/// Tax file number (Australia).
pub(in crate::id) const TFN: Check = verified(|text| {
    number(text) > 0 && weighted(text, &[1, 4, 3, 7, 5, 8, 6, 9, 10]).is_multiple_of(11)
});

/// Health card (Australia): weights 1, 3, 7, 9.
pub(in crate::id) const MEDICARE: Check = verified(|text| {
    matches!(at(text, 0), b'2'..=b'6')
        && weighted(text, &[1, 3, 7, 9, 1, 3, 7, 9]) % 10 == value(at(text, 8))
});

/// Business number (Australia): one less at the first place, modulus 89.
pub(in crate::id) const ABN: Check = verified(|text| {
    let sum = weighted(text, &[10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19]);
    at(text, 0) != b'0' && sum % 89 == 10
});

/// Tax number (New Zealand): two rows of weights.
pub(in crate::id) const IRD: Check = verified(|text| {
    let Some((check, digits)) = text.split_last() else { return false };
    let skip = 8 - digits.len().min(8);
    let row = |weights: [u32; 8]| {
        let sum = weighted(digits, weights.get(skip..).unwrap_or_default());
        (11 - sum % 11) % 11
    };
    let first = row([3, 2, 7, 6, 5, 4, 3, 2]);
    let expected = if first == 10 { row([7, 4, 3, 2, 5, 2, 7, 6]) } else { first };
    (10_000_000..150_000_000).contains(&number(text)) && expected == value(*check)
});
