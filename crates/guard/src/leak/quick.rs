//! A look at a text that costs next to nothing and tells that no instructions stand in it.

use super::filter::CODE;
use super::fold::{Symbol, ascii};
use super::grams::{SHORT, Short};
use super::{GRAM, Instructions};

/// Of so many short grams in a row one is looked at: one of them lies in every gram.
const EVERY: usize = GRAM - SHORT + 1;
/// Fewer pairs of hexadecimal digits spell no gram.
const PAIRS: usize = GRAM;

impl Instructions {
    /// Whether no gram of the instructions, nor the canary, stands in a text as it is or in what it could
    /// spell. `false` says nothing: texts of other letters than ASCII and those with codes are read.
    pub(super) fn cannot_stand_in(&self, text: &str) -> bool {
        let bytes = text.as_bytes();
        let mut letters = Letters { last: 0, read: 0 };
        let (mut word, mut pairs) = (0, 0);
        for (at, byte) in bytes.iter().enumerate() {
            if !byte.is_ascii() {
                return false;
            }
            if let Some(letter) = ascii(*byte)
                && letters.push(letter).is_some_and(|short| self.short.has(short))
            {
                return false;
            }
            if byte.is_ascii_graphic() {
                word += 1;
                continue;
            }
            pairs += usize::from(is_pair(bytes, at, word));
            if may_be_code(bytes, at, word) {
                return false;
            }
            word = 0;
        }
        pairs += usize::from(is_pair(bytes, bytes.len(), word));
        pairs < PAIRS && !may_be_code(bytes, bytes.len(), word)
    }
}

/// The last letters of a text.
struct Letters {
    /// One byte each.
    last: u64,
    read: usize,
}

impl Letters {
    /// Takes a letter; the hash of the last ones where they are looked at.
    fn push(&mut self, letter: u8) -> Option<u64> {
        self.last = self.last << 8 | u64::from(letter);
        self.read += 1;
        let looked_at = self.read.is_multiple_of(EVERY) && self.read >= SHORT;
        looked_at.then(|| {
            let letters = (0..SHORT).rev().map(|back| (self.last >> (8 * back)) & 0xFF);
            Short::hash(letters.map(|letter| Symbol::try_from(letter).unwrap_or_default()))
        })
    }
}

/// Whether the word of this length that ends here may be something encoded by itself.
fn may_be_code(bytes: &[u8], end: usize, length: usize) -> bool {
    let first = bytes.get(end - length).filter(|_| length > 0);
    length >= CODE || first.is_some_and(|first| b"\\%&".contains(first))
}

fn is_pair(bytes: &[u8], end: usize, length: usize) -> bool {
    let pair = bytes.get(end - length..end).filter(|_| length == 2);
    pair.is_some_and(|pair| pair.iter().all(u8::is_ascii_hexdigit))
}
