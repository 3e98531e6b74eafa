//! Numbers of India.

use super::sums::{at, base36, luhn, number, part, verhoeff};
use super::{Check, structure, verified};

/// Aadhaar (UIDAI): twelve digits, Verhoeff, not beginning with 0 or 1, not a palindrome.
pub(in crate::id) const AADHAAR: Check =
    verified(|text| at(text, 0) > b'1' && !text.iter().eq(text.iter().rev()) && verhoeff(text));

/// A number with Verhoeff's check digit: Aadhaar's virtual id, ABHA.
pub(in crate::id) const VERHOEFF: Check = verified(|text| at(text, 0) > b'0' && verhoeff(text));

/// PAN (income tax department): the fourth letter says what kind of person it is.
pub(in crate::id) const PAN: Check = structure(pan);

fn pan(text: &[u8]) -> bool {
    b"ABCFGHJLPTEK".contains(&at(text, 3)) && part(text, 5..9) != b"0000"
}

/// GSTIN: state, PAN, registration, `Z` by default, and a check character to the base of 36.
pub(in crate::id) const GSTIN: Check = verified(|text| {
    let state = number(part(text, 0..2));
    let sum: u32 = part(text, 0..14)
        .iter()
        .zip([1, 2].iter().cycle())
        .map(|(c, weight)| {
            let product = base36(*c) * weight;
            product / 36 + product % 36
        })
        .sum();
    (matches!(state, 1..=38 | 97 | 99))
        && pan(part(text, 2..12))
        && at(text, 12) != b'0'
        && at(text, 13).is_ascii_alphabetic()
        && (sum + base36(at(text, 14))).is_multiple_of(36)
});

/// Voter's number (EPIC): three letters, six digits and Luhn's digit.
pub(in crate::id) const EPIC: Check = verified(|text| luhn(part(text, 3..10)));

/// States and territories as licences and number plates spell them.
const STATES: &[&[u8; 2]] = &[
    b"AN", b"AP", b"AR", b"AS", b"BR", b"CG", b"CH", b"DD", b"DL", b"DN", b"GA", b"GJ", b"HP",
    b"HR", b"JH", b"JK", b"KA", b"KL", b"LA", b"LD", b"MH", b"ML", b"MN", b"MP", b"MZ", b"NL",
    b"OD", b"OR", b"PB", b"PY", b"RJ", b"SK", b"TN", b"TR", b"TS", b"TG", b"UK", b"UA", b"UP",
    b"WB",
];

/// A number that begins with the letters of a state.
pub(in crate::id) const STATE: Check = structure(|text| is_state(part(text, 0..2)));

fn is_state(letters: &[u8]) -> bool {
    STATES.iter().any(|state| state.as_slice() == letters)
}

/// Company number (CIN): listed or not, industry, state, year of founding, kind, serial.
pub(in crate::id) const CIN: Check = structure(|text| {
    matches!(at(text, 0), b'L' | b'U')
        && is_state(part(text, 6..8))
        && (1850..2100).contains(&number(part(text, 8..12)))
});

/// Small enterprise number: `UDYAM`, state, district, serial.
pub(in crate::id) const UDYAM: Check =
    structure(|text| text.starts_with(b"UDYAM") && is_state(part(text, 5..7)));

/// Branch code of a bank (IFSC): the fifth character is zero.
pub(in crate::id) const IFSC: Check = structure(|text| at(text, 4) == b'0');
