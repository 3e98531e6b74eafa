//! Numbers of western and southern Europe.

use super::date::{ddmmyy, is_date, yymmdd};
use super::sums::{at, base36, luhn, mod_11_10, number, part, value, weighted};
use super::{Check, structure, verified};

/// National insurance number (United Kingdom): a prefix that is given out, a suffix A to D.
pub(in crate::id) const NINO: Check = structure(|text| {
    let prefix = part(text, 0..2);
    let never: [&[u8]; 7] = [b"BG", b"GB", b"KN", b"NK", b"NT", b"TN", b"ZZ"];
    !never.contains(&prefix)
        && !b"DFIQUV".contains(&at(text, 0))
        && !b"DFIOQUV".contains(&at(text, 1))
        && matches!(at(text, 8), b'A'..=b'D')
});

/// Patient's number (NHS, United Kingdom): modulus 11.
pub(in crate::id) const NHS: Check = verified(|text| {
    let sum = weighted(text, &[10, 9, 8, 7, 6, 5, 4, 3, 2]);
    (11 - sum % 11) % 11 == value(at(text, 9))
});

/// Taxpayer reference (United Kingdom): the first digit checks the others.
pub(in crate::id) const UTR: Check = verified(|text| {
    let sum = weighted(part(text, 1..10), &[6, 7, 8, 9, 10, 5, 4, 3, 2]);
    at(b"21987654321", (sum % 11) as usize) == at(text, 0)
});

/// Tax id (Germany): one digit of the first ten twice or thrice, ISO/IEC 7064 MOD 11,10.
pub(in crate::id) const IDNR: Check = verified(|text| {
    let mut counts = [0_usize; 10];
    for digit in part(text, 0..10) {
        if let Some(count) = counts.get_mut(value(*digit) as usize) {
            *count += 1;
        }
    }
    let repeated: Vec<usize> = counts.into_iter().filter(|count| *count > 1).collect();
    at(text, 0) != b'0' && matches!(repeated.as_slice(), [2 | 3]) && mod_11_10(text)
});

/// Pension insurance number (Germany): district, date of birth, letter, serial, check digit.
pub(in crate::id) const RVNR: Check = verified(|text| {
    let letter = base36(at(text, 8)).saturating_sub(9);
    let digits: Vec<u32> = part(text, 0..8)
        .iter()
        .map(|d| value(*d))
        .chain([letter / 10, letter % 10])
        .chain(part(text, 9..11).iter().map(|d| value(*d)))
        .collect();
    let product = |(digit, weight): (&u32, u32)| {
        let product = digit * weight;
        product / 10 + product % 10
    };
    let sum: u32 = digits.iter().zip([2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1]).map(product).sum();
    ddmmyy(part(text, 2..8)) && sum % 10 == value(at(text, 11))
});

/// Social security number (France): sex, year, month, place, serial, 97 less the rest.
pub(in crate::id) const NIR: Check = verified(|text| {
    // Corsica's departments are 2A and 2B.
    let mut digits: Vec<u8> = text.to_vec();
    let island = match part(text, 5..7) {
        b"2A" => b"19".as_slice(),
        b"2B" => b"18".as_slice(),
        _ => part(text, 5..7),
    };
    digits.splice(5..7.min(text.len()), island.iter().copied());
    b"123478".contains(&at(text, 0))
        && digits.iter().all(u8::is_ascii_digit)
        && 97 - number(part(&digits, 0..13)) % 97 == number(part(&digits, 13..15))
});

/// Tax number (France): the last three digits are the rest by 511.
pub(in crate::id) const SPI: Check = verified(|text| {
    at(text, 0) <= b'3' && number(part(text, 0..10)) % 511 == number(part(text, 10..13))
});

fn dni_letter(of: u64) -> u8 {
    at(b"TRWAGMYFPDXBNJZSQVHLCKE", usize::try_from(of % 23).unwrap_or(0))
}

/// Identity number (Spain): the letter is the rest by 23.
pub(in crate::id) const DNI: Check =
    verified(|text| dni_letter(number(part(text, 0..8))) == at(text, 8));

/// Foreigner's number (Spain): X, Y, Z stand for 0, 1, 2.
pub(in crate::id) const NIE: Check = verified(|text| {
    let Some(first) = at(text, 0).checked_sub(b'X').filter(|n| *n < 3) else { return false };
    dni_letter(u64::from(first) * 10_000_000 + number(part(text, 1..8))) == at(text, 8)
});

const MONTHS: &[u8; 12] = b"ABCDEHLMPRST";

/// Tax code (Italy), with letters for digits where two people would share one.
pub(in crate::id) const CODICE_FISCALE: Check = verified(|text| {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(u64::from(byte - b'0')),
        _ => b"LMNPQRSTUV".iter().position(|letter| *letter == byte).map(|n| n as u64),
    };
    let day = digit(at(text, 9)).zip(digit(at(text, 10))).map(|(tens, ones)| tens * 10 + ones);
    let digits = [6, 7, 12, 13, 14].iter().all(|place| digit(at(text, *place)).is_some());
    let odd = |byte: u8| {
        const VALUES: [u32; 26] = [
            1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25,
            24, 23,
        ];
        VALUES.get(even(byte) as usize).copied().unwrap_or(0)
    };
    let sum: u32 = part(text, 0..15)
        .iter()
        .enumerate()
        .map(|(i, byte)| if i % 2 == 0 { odd(*byte) } else { even(*byte) })
        .sum();
    digits
        && day.is_some_and(|day| (1..=31).contains(&(day % 40)))
        && MONTHS.contains(&at(text, 8))
        && at(text, 11).is_ascii_alphabetic()
        && sum % 26 + u32::from(b'A') == u32::from(at(text, 15))
});

fn even(byte: u8) -> u32 {
    let value = base36(byte);
    if value < 10 { value } else { value - 10 }
}

/// Tax number (Portugal): modulus 11.
pub(in crate::id) const PT_NIF: Check = verified(|text| {
    let sum = weighted(text, &[9, 8, 7, 6, 5, 4, 3, 2]);
    at(text, 0) != b'0' && (11 - sum % 11) % 11 % 10 == value(at(text, 8))
});

/// Citizen's number (Netherlands): weights 9 to 2 and -1.
pub(in crate::id) const BSN: Check = verified(|text| {
    let sum = weighted(text, &[9, 8, 7, 6, 5, 4, 3, 2]);
    number(text) > 0 && sum % 11 == value(at(text, 8)) % 11
});

/// National number (Belgium): 97 less the rest, with a 2 before it for births since 2000.
pub(in crate::id) const BE_NN: Check = verified(|text| {
    let (base, check) = (number(part(text, 0..9)), number(part(text, 9..11)));
    let month = number(part(text, 2..4)) % 20;
    let date = month == 0 || is_date(number(part(text, 0..2)), month, number(part(text, 4..6)));
    let fits = |n: u64| 97 - n % 97 == check;
    date && (fits(base) || (number(part(text, 0..2)) < 40 && fits(base + 2_000_000_000)))
});

/// Personal public service number (Ireland): weights 8 to 2, the second letter 9.
pub(in crate::id) const PPS: Check = verified(|text| {
    let letter = |byte: u8| b"WABCDEFGHIJKLMNOPQRSTUV".iter().position(|l| *l == byte);
    let second = if text.len() == 9 { letter(at(text, 8)) } else { Some(0) };
    let sum = weighted(text, &[8, 7, 6, 5, 4, 3, 2]) as usize;
    second.is_some_and(|second| letter(at(text, 7)) == Some((sum + 9 * second) % 23))
});

/// Insurance number (Switzerland): 756, and the check digit of an article number.
pub(in crate::id) const AHV: Check = verified(|text| {
    let weights: [u32; 13] = std::array::from_fn(|i| if i % 2 == 0 { 1 } else { 3 });
    text.starts_with(b"756") && weighted(text, &weights).is_multiple_of(10)
});

/// Insurance number (Austria): the fourth digit checks the others; the last six are a date.
pub(in crate::id) const SVNR: Check = verified(|text| {
    let sum = weighted(text, &[3, 7, 9, 0, 5, 8, 4, 2, 1, 6]);
    let month = number(part(text, 6..8));
    at(text, 0) != b'0'
        && sum % 11 == value(at(text, 3))
        && (ddmmyy(part(text, 4..10)) || (13..=16).contains(&month))
});

/// Insurance number (Greece): day, month, year, and Luhn.
pub(in crate::id) const AMKA: Check = verified(|text| ddmmyy(part(text, 0..6)) && luhn(text));

/// Personal number (Sweden): Luhn over ten digits, with a date, or a day above 60.
pub(in crate::id) const PERSONNUMMER: Check = verified(|text| {
    let ten = part(text, text.len() - text.len().min(10)..text.len());
    let mut date = part(ten, 0..6).to_vec();
    if let Some(tens) = date.get_mut(4).filter(|tens| **tens >= b'6') {
        *tens -= 6;
    }
    let century = text.len() == 10 || matches!(number(part(text, 0..2)), 18..=20);
    century && yymmdd(&date) && luhn(ten)
});

/// Birth number (Norway): a date, or one with 4 or 8 added to a tens place, and two check digits.
pub(in crate::id) const FODSELSNUMMER: Check = verified(|text| {
    let (day, month) = (number(part(text, 0..2)) % 40, number(part(text, 2..4)) % 40);
    let first = weighted(text, &[3, 7, 6, 1, 8, 9, 4, 5, 2]);
    let second = weighted(text, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]);
    is_date(number(part(text, 4..6)), month, day)
        && (11 - first % 11) % 11 == value(at(text, 9))
        && (11 - second % 11) % 11 == value(at(text, 10))
});

/// Person number (Denmark): a date. Its check digit is no longer kept.
pub(in crate::id) const CPR: Check = structure(|text| ddmmyy(part(text, 0..6)));

/// Identity code (Finland): date, serial and a character for the rest by 31.
pub(in crate::id) const HETU: Check = verified(|text| {
    // A letter for the century; the hyphen of the last one is a separator.
    let (century, rest) = match text.len() {
        11 => (at(text, 6), part(text, 7..11)),
        _ => (b'A', part(text, 6..10)),
    };
    let base = number(part(text, 0..6)) * 1000 + number(part(rest, 0..3));
    let check = at(b"0123456789ABCDEFHJKLMNPRSTUVWXY", usize::try_from(base % 31).unwrap_or(0));
    b"ABCDEFUVWXY".contains(&century) && ddmmyy(part(text, 0..6)) && at(rest, 3) == check
});

/// Identity number (Iceland): a date, or a day above 40, and modulus 11 at the ninth place.
pub(in crate::id) const KENNITALA: Check = verified(|text| {
    let day = number(part(text, 0..2)) % 40;
    let date = is_date(number(part(text, 4..6)), number(part(text, 2..4)), day);
    date && weighted(text, &[3, 2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11)
        && matches!(at(text, 9), b'0' | b'9')
});
