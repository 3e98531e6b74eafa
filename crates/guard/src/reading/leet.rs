//! Digits and signs in place of letters: `1gn0re`, `pr3v10us`, `p@ssw0rd`.

use super::windows::windows;
use super::{Made, look};

/// The words in letters.
pub(super) fn leet(text: &str) -> Option<Made> {
    let bytes = text.as_bytes();
    if !look::mixes(bytes) {
        return None;
    }
    let mut edits = Vec::new();
    let mut at = 0;
    while let Some(start) = bytes.get(at..)?.iter().position(|b| is_part(*b)).map(|i| at + i) {
        let length = bytes.get(start..)?.iter().take_while(|b| is_part(**b)).count();
        let end = start + length;
        // Signs at the end are the sentence's.
        let word = text.get(start..end).unwrap_or_default().trim_end_matches(['!', '$', '@', '|']);
        if let Some(written) = in_letters(word.as_bytes()) {
            edits.push((start..start + word.len(), written));
        }
        at = end;
    }
    windows(text, &edits)
}

/// The word in letters, if it mixes them with what stands for them.
fn in_letters(word: &[u8]) -> Option<String> {
    let letters = word.iter().filter(|b| b.is_ascii_alphabetic()).count();
    let mixed = letters > 0 && letters < word.len() && word.len() > 2 && word.len() < 64;
    mixed.then(|| {
        let pairs = word.iter().zip(word.iter().skip(1).chain([&b' ']));
        pairs.map(|(byte, next)| char::from(letter(*byte, *next))).collect()
    })
}

fn letter(byte: u8, next: u8) -> u8 {
    match byte {
        b'0' => b'o',
        // Two of them are rather the end of "all".
        b'1' if next == b'1' => b'l',
        b'1' | b'!' | b'|' => b'i',
        b'2' => b'z',
        b'3' => b'e',
        b'4' | b'@' => b'a',
        b'5' | b'$' => b's',
        b'6' | b'9' => b'g',
        b'7' => b't',
        b'8' => b'b',
        other => other,
    }
}

const fn is_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || look::is_sign(byte)
}
