//! Numbers of the Americas.

use super::date::yymmdd;
use super::sums::{at, luhn, number, part, value, weighted};
use super::{Check, structure, verified};

/// Social security number (United States): areas, groups and serials that are given out.
pub(in crate::id) const SSN: Check = structure(|text| {
    let area = number(part(text, 0..3));
    (1..900).contains(&area)
        && area != 666
        && part(text, 3..5) != b"00"
        && part(text, 5..9) != b"0000"
        // Printed on samples and in advertisements, and withdrawn.
        && !matches!(text, b"078051120" | b"219099999" | b"457555462" | b"123456789")
});

/// Individual taxpayer number (United States): begins with 9, groups that are given out.
pub(in crate::id) const ITIN: Check = structure(|text| {
    at(text, 0) == b'9' && matches!(number(part(text, 3..5)), 50..=65 | 70..=88 | 90..=92 | 94..=99)
});

/// Employer number (United States): prefixes that are given out.
pub(in crate::id) const EIN: Check = structure(
    |text| !matches!(number(part(text, 0..2)), 0 | 7..=9 | 17..=19 | 28 | 29 | 49 | 69 | 70 | 78 | 79 | 89 | 96 | 97),
);

/// Social insurance number (Canada): Luhn, not beginning with 0 or 8.
pub(in crate::id) const SIN: Check =
    verified(|text| !matches!(at(text, 0), b'0' | b'8') && luhn(text));

fn varied(text: &[u8]) -> bool {
    text.iter().any(|digit| *digit != at(text, 0))
}

/// A check digit to modulus 11 where 10 and 11 are written 0.
fn mod_11(sum: u32) -> u32 {
    match 11 - sum % 11 {
        10 | 11 => 0,
        digit => digit,
    }
}

/// Taxpayer number of a person (Brazil): two check digits.
pub(in crate::id) const CPF: Check = verified(|text| {
    let first = weighted(text, &[10, 9, 8, 7, 6, 5, 4, 3, 2]);
    let second = weighted(text, &[11, 10, 9, 8, 7, 6, 5, 4, 3, 2]);
    varied(text) && mod_11(first) == value(at(text, 9)) && mod_11(second) == value(at(text, 10))
});

/// Taxpayer number of a firm (Brazil): two check digits.
pub(in crate::id) const CNPJ: Check = verified(|text| {
    let first = weighted(text, &[5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]);
    let second = weighted(text, &[6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]);
    varied(text) && mod_11(first) == value(at(text, 12)) && mod_11(second) == value(at(text, 13))
});

/// Tax number (Argentina): a prefix that is given out and modulus 11.
pub(in crate::id) const CUIT: Check = verified(|text| {
    let sum = weighted(text, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]);
    let check = match 11 - sum % 11 {
        11 => 0,
        10 => 9,
        digit => digit,
    };
    matches!(number(part(text, 0..2)), 20 | 23 | 24 | 27 | 30 | 33 | 34 | 50 | 51 | 55)
        && check == value(at(text, 10))
});

/// Identity number (Chile): weights 2 to 7 from the right; the check digit may be `K`.
pub(in crate::id) const RUT: Check = verified(|text| {
    let Some((check, digits)) = text.split_last() else { return false };
    let sum: u32 = digits.iter().rev().zip((2..8).cycle()).map(|(d, w)| value(*d) * w).sum();
    let expected = match 11 - sum % 11 {
        11 => b'0',
        10 => b'K',
        digit => b'0' + u8::try_from(digit).unwrap_or(0),
    };
    *check == expected && number(digits) > 999_999
});

/// Tax number (Colombia): primes from the right, modulus 11.
pub(in crate::id) const NIT: Check = verified(|text| {
    let Some((check, digits)) = text.split_last() else { return false };
    let primes = [3, 7, 13, 17, 19, 23, 29, 37, 41, 43, 47, 53, 59, 67, 71];
    let sum: u32 = digits.iter().rev().zip(primes).map(|(d, w)| value(*d) * w).sum();
    at(b"01987654321", (sum % 11) as usize) == *check
});

/// The values of letters in Mexican numbers.
fn mexican(byte: u8) -> u32 {
    let of = b"0123456789ABCDEFGHIJKLMN&OPQRSTUVWXYZ ".iter().position(|c| *c == byte);
    of.and_then(|place| u32::try_from(place).ok()).unwrap_or(0)
}

fn descending(text: &[u8], from: u32) -> u32 {
    text.iter().zip((1..=from).rev()).map(|(c, weight)| mexican(*c) * weight).sum()
}

/// Population number (Mexico): name, date, sex, state, and a check digit.
pub(in crate::id) const CURP: Check = verified(|text| {
    let sum = descending(part(text, 0..17), 18);
    yymmdd(part(text, 4..10))
        && matches!(at(text, 10), b'H' | b'M' | b'X')
        && (10 - sum % 10) % 10 == value(at(text, 17))
});

/// Taxpayer number (Mexico), of a person with 13 characters or a firm with 12: a date. Many
/// were given out whose check digit is another than the rule says.
pub(in crate::id) const RFC: Check = structure(|text| {
    let name = text.len().saturating_sub(9);
    yymmdd(part(text, name..name + 6))
});

/// Identity number (Ecuador): a province, and Luhn.
pub(in crate::id) const CEDULA: Check = verified(|text| {
    matches!(number(part(text, 0..2)), 1..=24 | 30) && at(text, 2) < b'6' && luhn(text)
});

/// A number whose only rule is Luhn.
pub(in crate::id) const LUHN: Check = verified(|text| varied(text) && luhn(text));

/// Tax number (Peru): modulus 11.
pub(in crate::id) const RUC: Check = verified(|text| {
    let sum = weighted(text, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]);
    matches!(number(part(text, 0..2)), 10 | 15 | 16 | 17 | 20)
        && (11 - sum % 11) % 10 == value(at(text, 10))
});
