//! Dates inside of numbers.

use super::sums::number;

/// Whether year, month and day are a date. A year of two digits may be of any century.
pub(super) fn is_date(year: u64, month: u64, day: u64) -> bool {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap || year < 100 && year.is_multiple_of(4) => 29,
        2 => 28,
        _ => return false,
    };
    (1..=days).contains(&day)
}

/// Whether six digits are year, month and day.
pub(super) fn yymmdd(digits: &[u8]) -> bool {
    digits.len() == 6 && date(digits, 0, 2, 4, 2)
}

/// Whether six digits are day, month and year.
pub(super) fn ddmmyy(digits: &[u8]) -> bool {
    digits.len() == 6 && date(digits, 4, 2, 0, 2)
}

/// Whether eight digits are year, month and day, of a person who may still live.
pub(super) fn yyyymmdd(digits: &[u8]) -> bool {
    let year = digits.get(..4).map_or(0, number);
    digits.len() == 8 && (1850..2100).contains(&year) && date(digits, 0, 4, 6, 4)
}

fn date(digits: &[u8], year: usize, month: usize, day: usize, wide: usize) -> bool {
    let read = |at: usize, wide: usize| digits.get(at..at + wide).map_or(0, number);
    is_date(read(year, wide), read(month, 2), read(day, 2))
}
