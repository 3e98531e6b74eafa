//! The arithmetic of check characters.

use crate::card;

/// The value of a digit; 0 for anything else.
pub(super) fn value(byte: u8) -> u32 {
    char::from(byte).to_digit(10).unwrap_or(0)
}

/// The value of a digit or letter to the base of 36: `A` is 10.
pub(super) fn base36(byte: u8) -> u32 {
    char::from(byte).to_digit(36).unwrap_or(0)
}

/// The character at a place; `0` where there is none.
pub(super) fn at(text: &[u8], place: usize) -> u8 {
    text.get(place).copied().unwrap_or(b'0')
}

/// A part of the text.
pub(super) fn part(text: &[u8], places: std::ops::Range<usize>) -> &[u8] {
    text.get(places).unwrap_or_default()
}

/// The number that a few digits spell.
pub(super) fn number(digits: &[u8]) -> u64 {
    digits.iter().fold(0, |n, d| n * 10 + u64::from(value(*d)))
}

/// The sum of the digits, each times its weight.
pub(super) fn weighted(digits: &[u8], weights: &[u32]) -> u32 {
    digits.iter().zip(weights).map(|(digit, weight)| value(*digit) * weight).sum()
}

/// What remains of a number of any length, in which `A` to `Z` stand for 10 to 35.
pub(super) fn remainder(text: impl IntoIterator<Item = u8>, by: u32) -> u32 {
    text.into_iter()
        .map(base36)
        .fold(0, |rest, value| (rest * if value < 10 { 10 } else { 100 } + value) % by)
}

/// The Luhn check, over digits.
pub(super) fn luhn(digits: &[u8]) -> bool {
    card::luhn(digits.iter().copied().map(value))
}

/// The check of ISO/IEC 7064 MOD 11,10, over digits.
pub(super) fn mod_11_10(digits: &[u8]) -> bool {
    let Some((last, digits)) = digits.split_last() else { return false };
    let product = digits.iter().fold(10, |product, digit| {
        let sum = (value(*digit) + product) % 10;
        2 * if sum == 0 { 10 } else { sum } % 11
    });
    (value(*last) + product) % 10 == 1
}

/// Multiplication in the dihedral group of ten, as Verhoeff's scheme uses it.
const DIHEDRAL: [[u8; 10]; 10] = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    [1, 2, 3, 4, 0, 6, 7, 8, 9, 5],
    [2, 3, 4, 0, 1, 7, 8, 9, 5, 6],
    [3, 4, 0, 1, 2, 8, 9, 5, 6, 7],
    [4, 0, 1, 2, 3, 9, 5, 6, 7, 8],
    [5, 9, 8, 7, 6, 0, 4, 3, 2, 1],
    [6, 5, 9, 8, 7, 1, 0, 4, 3, 2],
    [7, 6, 5, 9, 8, 2, 1, 0, 4, 3],
    [8, 7, 6, 5, 9, 3, 2, 1, 0, 4],
    [9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
];

/// The permutation that each place applies once more than the one before.
const PERMUTATION: [u8; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];

/// Verhoeff's check, over digits.
pub(super) fn verhoeff(digits: &[u8]) -> bool {
    let look = |table: &[u8; 10], index: u8| table.get(usize::from(index)).copied().unwrap_or(0);
    let row = |index: u8| DIHEDRAL.get(usize::from(index)).unwrap_or(&PERMUTATION);
    let last = digits.iter().rev().enumerate().fold(0, |sum, (place, digit)| {
        let digit = u8::try_from(value(*digit)).unwrap_or(0);
        let moved = (0..place % 8).fold(digit, |digit, _| look(&PERMUTATION, digit));
        look(row(sum), moved)
    });
    last == 0
}
