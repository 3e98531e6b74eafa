//! Letters as texts are compared by them: without case, accents, dress and disguise, and without
//! whatever stands between them. Both sides are folded alike, so that it does not matter that some
//! different letters become one.

use unicode_normalization::UnicodeNormalization as _;

use crate::reading::{digit_of, is_invisible, latin_of, undressed};

/// A folded letter.
pub(super) type Symbol = u32;

/// The letters of a text.
pub(super) fn symbols(text: &str) -> impl Iterator<Item = Symbol> + '_ {
    text.chars().flat_map(|c| {
        let mut letters = Vec::new();
        fold(c, |letter| letters.push(letter));
        letters
    })
}

/// What a character counts as; nothing for one that is no letter.
pub(super) fn fold(c: char, mut emit: impl FnMut(Symbol)) {
    if let Ok(byte) = u8::try_from(c)
        && byte.is_ascii()
    {
        match LETTERS.get(usize::from(byte)) {
            None | Some(0) => {}
            Some(letter) => emit((*letter).into()),
        }
        return;
    }
    if is_invisible(c) {
        return;
    }
    if is_ideograph(c) {
        // As much as a few letters, and no less in a row.
        (0..3).for_each(|place| emit(u32::from(c) | place << 24));
        return;
    }
    let c = undressed(c).unwrap_or(c);
    for c in std::iter::once(c).nfkd().flat_map(char::to_lowercase) {
        if c.is_alphanumeric() {
            let c = latin_of(c).or_else(|| digit_of(c)).unwrap_or(c);
            emit(u32::from(alike(c)));
        }
    }
}

/// What each byte of ASCII counts as, which is one, too; 0 for one that is no letter.
#[expect(clippy::indexing_slicing, reason = "made while compiling, which an index outside ends")]
pub(super) const LETTERS: [u8; 128] = {
    let mut letters = [0; 128];
    let mut byte: u8 = 0;
    while byte < 128 {
        if byte.is_ascii_alphanumeric() {
            letters[byte as usize] = alike(byte.to_ascii_lowercase() as char) as u8;
        }
        byte += 1;
    }
    letters
};

/// One of the characters that are written for each other.
const fn alike(c: char) -> char {
    match c {
        '0' => 'o',
        '1' | 'l' => 'i',
        '3' => 'e',
        '4' => 'a',
        '5' => 's',
        '7' => 't',
        c => c,
    }
}

const fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}
