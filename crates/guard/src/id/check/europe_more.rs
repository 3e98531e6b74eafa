//! Numbers of central and eastern Europe.

use super::date::is_date;
use super::sums::{at, mod_11_10, number, part, value, weighted};
use super::{Check, verified};

/// PESEL (Poland): a date whose month tells the century, weights 1, 3, 7, 9.
pub(in crate::id) const PESEL: Check = verified(|text| {
    let date =
        is_date(number(part(text, 0..2)), number(part(text, 2..4)) % 20, number(part(text, 4..6)));
    date && weighted(text, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]).is_multiple_of(10)
});

/// Tax number (Poland): modulus 11.
pub(in crate::id) const NIP: Check = verified(|text| {
    let sum = weighted(text, &[6, 5, 7, 2, 3, 4, 5, 6, 7]);
    sum % 11 == value(at(text, 9))
});

/// Personal code (Romania): a date after the first digit, modulus 11.
pub(in crate::id) const CNP: Check = verified(|text| {
    let sum = weighted(text, &[2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11;
    let date =
        is_date(number(part(text, 1..3)), number(part(text, 3..5)), number(part(text, 5..7)));
    at(text, 0) != b'0' && date && if sum == 10 { 1 } else { sum } == value(at(text, 12))
});

/// Birth number (Czechia, Slovakia): a date, 50 or 20 added to the month, divisible by 11.
pub(in crate::id) const RODNE_CISLO: Check = verified(|text| {
    let month = match number(part(text, 2..4)) {
        month @ (51..=62 | 71..=82) => month - 50,
        month => month,
    };
    let month = if month > 20 { month - 20 } else { month };
    let date = is_date(number(part(text, 0..2)), month, number(part(text, 4..6)));
    let rest = number(part(text, 0..9)) % 11 % 10;
    date && (text.len() == 9 || rest == u64::from(value(at(text, 9))))
});

/// Citizen's number (Bulgaria): a date whose month tells the century, weights, modulus 11.
pub(in crate::id) const EGN: Check = verified(|text| {
    let month = number(part(text, 2..4));
    let month = if month > 40 {
        month - 40
    } else if month > 20 {
        month - 20
    } else {
        month
    };
    let sum = weighted(text, &[2, 4, 8, 5, 10, 9, 7, 3, 6]);
    is_date(number(part(text, 0..2)), month, number(part(text, 4..6)))
        && sum % 11 % 10 == value(at(text, 9))
});

/// Personal code (Estonia, Lithuania): century, date, and two rows of weights.
pub(in crate::id) const BALTIC: Check = verified(|text| {
    let first = weighted(text, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 1]) % 11;
    let second = weighted(text, &[3, 4, 5, 6, 7, 8, 9, 1, 2, 3]) % 11;
    let check = if first == 10 { second % 10 } else { first };
    let date =
        is_date(number(part(text, 1..3)), number(part(text, 3..5)), number(part(text, 5..7)));
    matches!(at(text, 0), b'1'..=b'8') && date && check == value(at(text, 10))
});

/// Personal code (Latvia): a date, or 32 and a serial.
pub(in crate::id) const PERSONAS_KODS: Check = verified(|text| {
    let sum = 1 + weighted(text, &[10, 5, 8, 4, 2, 1, 6, 3, 7, 9]);
    let date =
        is_date(number(part(text, 4..6)), number(part(text, 2..4)), number(part(text, 0..2)));
    (text.starts_with(b"32") || date) && sum % 11 % 10 == value(at(text, 10))
});

/// Personal number (Croatia): ISO/IEC 7064 MOD 11,10.
pub(in crate::id) const OIB: Check = verified(mod_11_10);

/// Citizen's number of former Yugoslavia: a date and modulus 11.
pub(in crate::id) const JMBG: Check = verified(|text| {
    let sum = weighted(text, &[7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]);
    let date = is_date(
        number(part(text, 4..7)) + 1000,
        number(part(text, 2..4)),
        number(part(text, 0..2)),
    );
    date && (11 - sum % 11) % 11 % 10 == value(at(text, 12))
});

/// Identity number (Turkey): two check digits.
pub(in crate::id) const TCKN: Check = verified(|text| {
    let odd = weighted(text, &[1, 0, 1, 0, 1, 0, 1, 0, 1]);
    let even = weighted(text, &[0, 1, 0, 1, 0, 1, 0, 1]);
    at(text, 0) != b'0'
        && (odd * 7 + 100 - even) % 10 == value(at(text, 9))
        && (odd + even + value(at(text, 9))) % 10 == value(at(text, 10))
});

/// Taxpayer number of a person (Russia): two check digits.
pub(in crate::id) const INN: Check = verified(|text| {
    let first = weighted(text, &[7, 2, 4, 10, 3, 5, 9, 4, 6, 8]);
    let second = weighted(text, &[3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8]);
    first % 11 % 10 == value(at(text, 10)) && second % 11 % 10 == value(at(text, 11))
});

/// Insurance number (Russia): weights 9 to 1, modulus 101.
pub(in crate::id) const SNILS: Check = verified(|text| {
    let sum = weighted(text, &[9, 8, 7, 6, 5, 4, 3, 2, 1]);
    number(part(text, 0..9)) > 1_001_998 && u64::from(sum % 101 % 100) == number(part(text, 9..11))
});
