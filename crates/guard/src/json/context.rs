//! What the key of a value says about it: `{"ssn": 536901234}` is a number that its key names, as
//! the words before a number do in a sentence.

use crate::layer::{self, Found};
use crate::policy::Policy;

/// The longest key that is read as words, bytes.
const LONGEST: usize = 64;

/// Words of keys, in small letters and apart, that say what their value is. Under all other keys a
/// value is judged by itself.
const TELLING: &[&str] = &[
    "ssn",
    "social security",
    "social insurance",
    "national insurance",
    "national id",
    "identity number",
    "tax id",
    "taxpayer",
    "tin",
    "itin",
    "ein",
    "nino",
    "nhs",
    "aadhaar",
    "aadhar",
    "आधार",
    "passport",
    "steuernummer",
    "personnummer",
    "card",
    "account number",
    "bank account",
    "routing number",
    "phone",
    "telephone",
    "tel",
    "mobile",
    "cell",
    "cellphone",
    "landline",
    "whatsapp",
    "fax",
    "imei",
    "vin",
    "chassis",
    "ip",
    "version",
    "firmware",
    "date of birth",
    "birth date",
    "birthdate",
    "birthday",
    "dob",
    "born",
    "geburtsdatum",
    "date de naissance",
    "fecha de nacimiento",
    "data de nascimento",
    "full name",
    "first name",
    "last name",
    "surname",
    "patient name",
    "customer name",
    "address",
    "adresse",
    "anschrift",
    "dirección",
];

/// The words that stand before a value, if its key tells what it is: `dateOfBirth` is
/// `date of birth: `.
pub(super) fn of_key(key: &str) -> Option<String> {
    if key.len() > LONGEST || !may_tell(key) {
        return None;
    }
    let mut words = String::with_capacity(key.len() + 8);
    let mut small = false;
    for c in key.chars() {
        // A capital after a small letter begins a word.
        let divides = (small && c.is_uppercase()) || !is_letter(c);
        if divides && !words.is_empty() && !words.ends_with(' ') {
            words.push(' ');
        }
        if is_letter(c) {
            words.extend(c.to_lowercase());
        }
        small = c.is_lowercase();
    }
    words.truncate(words.trim_end().len());
    let starts = words.match_indices(' ').map(|(at, _)| at + 1);
    let mut rests = std::iter::once(0).chain(starts).filter_map(|at| words.get(at..));
    let tells = |rest: &str| {
        let mut after = TELLING.iter().filter_map(|word| rest.strip_prefix(word));
        after.any(|after| after.is_empty() || after.starts_with(' '))
    };
    if !rests.any(tells) {
        return None;
    }
    words.push_str(": ");
    Some(words)
}

/// For each letter, the letters that stand second in a telling word which starts with it, one bit
/// each.
#[expect(clippy::indexing_slicing, reason = "what is out of bounds does not compile")]
const SECOND: [u32; 26] = {
    let mut second = [0; 26];
    let mut at = 0;
    while at < TELLING.len() {
        let word = TELLING[at].as_bytes();
        if word[0].is_ascii() {
            second[(word[0] - b'a') as usize] |= 1 << (word[1] - b'a');
        }
        at += 1;
    }
    second
};

/// Whether some word of a key may be a telling one: nearly no key has to be read for that. A word
/// starts wherever it may, so every two letters are looked at.
fn may_tell(key: &str) -> bool {
    let letter = |byte: &u8| (byte | 0x20).wrapping_sub(b'a');
    let tells = |pair: &[u8]| match pair {
        [first, second] => {
            let seconds = SECOND.get(usize::from(letter(first))).copied().unwrap_or_default();
            seconds.checked_shr(letter(second).into()).unwrap_or_default() & 1 == 1
        }
        _ => false,
    };
    !key.is_ascii() || key.as_bytes().windows(2).any(tells)
}

/// Letters of ASCII, and what other scripts write words with.
fn is_letter(c: char) -> bool {
    c.is_ascii_alphabetic() || (!c.is_ascii() && !c.is_whitespace())
}

/// What is found in a value that stands after these words. What starts in the words is not the
/// value's; where it reaches into the value, the words say nothing.
pub(super) fn run(words: Option<&str>, value: &str, policy: Policy) -> Found {
    let Some(words) = words else { return layer::run(value, policy) };
    let mut found = layer::run(&[words, value].concat(), policy);
    let start = words.len();
    let spans = || found.findings.iter().map(|finding| &finding.span).chain(&found.opaque);
    if spans().any(|span| span.start < start && span.end > start) {
        return layer::run(value, policy);
    }
    found.findings.retain(|finding| finding.span.start >= start);
    found.opaque.retain(|span| span.start >= start);
    let spans = found.findings.iter_mut().map(|finding| &mut finding.span);
    for span in spans.chain(&mut found.opaque) {
        *span = span.start - start..span.end - start;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_telling_word_is_told_wherever_it_stands_in_a_key() {
        for word in TELLING {
            let snake = word.replace(' ', "_");
            for key in
                [snake.clone(), snake.to_uppercase(), format!("x_{snake}"), format!("{snake}2")]
            {
                assert!(of_key(&key).is_some(), "{key}");
            }
        }
        for key in ["n", "unit", "body", "note", "quantity", "name"] {
            assert_eq!(of_key(key), None, "{key}");
        }
    }
}
