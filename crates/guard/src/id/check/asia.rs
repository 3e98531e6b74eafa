//! Numbers of east, south-east and west Asia, and of Africa.

use super::date::{yymmdd, yyyymmdd};
use super::sums::{at, base36, luhn, number, part, value, weighted};
use super::{Check, structure, verified};

/// Resident number (China, GB 11643): region, date of birth, serial, ISO/IEC 7064 MOD 11-2.
pub(in crate::id) const CN_RIC: Check = verified(|text| {
    let sum = weighted(text, &[7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]);
    at(text, 0) != b'0'
        && part(text, 0..17).iter().all(u8::is_ascii_digit)
        && yyyymmdd(part(text, 6..14))
        && at(b"10X98765432", (sum % 11) as usize) == at(text, 17)
});

/// Resident number (South Korea): a date, century and sex, weights 2 to 9.
pub(in crate::id) const RRN: Check = verified(|text| {
    let sum = weighted(text, &[2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5]);
    yymmdd(part(text, 0..6)) && (11 - sum % 11) % 10 == value(at(text, 12))
});

/// Individual number (Japan): modulus 11.
pub(in crate::id) const MY_NUMBER: Check = verified(|text| {
    let sum = weighted(text, &[6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]);
    (11 - sum % 11) % 11 % 10 == value(at(text, 11))
});

/// Identity number (Taiwan): a letter for the place, weights 9 to 1.
pub(in crate::id) const TW_ID: Check = verified(|text| {
    let letters = b"ABCDEFGHJKLMNPQRSTUVXYWZIO";
    let Some(place) = letters.iter().position(|letter| *letter == at(text, 0)) else {
        return false;
    };
    let place = u32::try_from(place).unwrap_or(0) + 10;
    let sum = place / 10 + place % 10 * 9 + weighted(part(text, 1..9), &[8, 7, 6, 5, 4, 3, 2, 1]);
    matches!(at(text, 1), b'1' | b'2' | b'8' | b'9') && (10 - sum % 10) % 10 == value(at(text, 9))
});

/// Identity number (Hong Kong): one or two letters, six digits, a check digit or `A`.
pub(in crate::id) const HKID: Check = verified(|text| {
    let letters = text.iter().take_while(|c| c.is_ascii_alphabetic()).count().min(2);
    let blank = if letters == 1 { 36 * 9 } else { 0 };
    let Some((check, rest)) = text.split_last() else { return false };
    let weights = (2_u32..=9).rev().skip(2 - letters.min(2));
    let sum: u32 = rest.iter().zip(weights).map(|(c, weight)| base36(*c) * weight).sum();
    (check.is_ascii_digit() || *check == b'A') && (blank + sum + base36(*check)).is_multiple_of(11)
});

/// Identity number (Malaysia): a date and a place.
pub(in crate::id) const MYKAD: Check = structure(|text| {
    yymmdd(part(text, 0..6))
        && !matches!(number(part(text, 6..8)), 0 | 17..=20 | 69 | 70 | 73 | 80 | 81 | 94..=97)
});

/// Identity number (Thailand): weights 13 to 2.
pub(in crate::id) const TH_PIN: Check = verified(|text| {
    let sum = weighted(text, &[13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]);
    !matches!(at(text, 0), b'0' | b'9') && (11 - sum % 11) % 10 == value(at(text, 12))
});

/// Identity number (Indonesia): province, a date with 40 added to the day for women, serial.
pub(in crate::id) const NIK: Check = structure(|text| {
    let (day, month) = (number(part(text, 6..8)) % 40, number(part(text, 8..10)));
    (11..=94).contains(&number(part(text, 0..2)))
        && super::date::is_date(number(part(text, 10..12)), month, day)
        && part(text, 12..16) != b"0000"
});

/// Identity number (Israel): Luhn.
pub(in crate::id) const IL_ID: Check = verified(|text| number(text) > 0 && luhn(text));

/// Identity number (United Arab Emirates): 784, year of birth, Luhn.
pub(in crate::id) const EMIRATES: Check = verified(|text| text.starts_with(b"784") && luhn(text));

/// Identity number (Saudi Arabia): 1 for citizens, 2 for residents, Luhn.
pub(in crate::id) const IQAMA: Check =
    verified(|text| matches!(at(text, 0), b'1' | b'2') && luhn(text));

/// Identity number (South Africa): a date, citizenship, Luhn.
pub(in crate::id) const ZA_ID: Check =
    verified(|text| yymmdd(part(text, 0..6)) && matches!(at(text, 10), b'0'..=b'2') && luhn(text));

/// Identity number (Egypt): century, date, governorate.
pub(in crate::id) const EG_ID: Check = structure(|text| {
    matches!(at(text, 0), b'2' | b'3')
        && yymmdd(part(text, 1..7))
        && matches!(number(part(text, 7..9)), 1..=35 | 88)
});
