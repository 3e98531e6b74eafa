//! A look at a text that costs next to nothing and tells that no instructions stand in it.

use memchr::memchr3_iter;

use super::filter::CODE;
use super::fold::{LETTERS, symbols};
use super::grams::{Bits, SHORT};
use super::{GRAM, Instructions};

/// Of so many short grams in a row one is looked at: one of them lies in every gram.
const EVERY: usize = GRAM - SHORT + 1;
/// Fewer pairs of hexadecimal digits spell no gram.
const PAIRS: usize = GRAM;
/// Bytes of a text that are made letters at a time; with those left over they fill a buffer.
const AT_ONCE: usize = 960;
const BUFFER: usize = 1024;
/// Bytes that are told apart at a time, a bit for each.
const BLOCK: usize = 64;
const _: () = assert!(AT_ONCE + GRAM + 8 <= BUFFER && BUFFER.is_power_of_two() && CODE == 24);

/// The short grams of instructions that are written in ASCII, and by chance some others.
#[derive(Clone, Debug)]
pub(super) struct Quick(Bits);

impl Quick {
    pub(super) fn of(text: &str) -> Self {
        let mut quick = Self(Bits::new());
        quick.add(text);
        quick
    }

    pub(super) fn add(&mut self, text: &str) {
        let (mut last, mut read) = (0, 0);
        for symbol in symbols(text) {
            let letter = u8::try_from(symbol).ok().filter(u8::is_ascii);
            last = last >> 8 | u64::from(letter.unwrap_or_default()) << (8 * (SHORT - 1));
            read = if letter.is_some() { read + 1 } else { 0 };
            if read >= SHORT {
                self.0.add(hash(last));
            }
        }
    }

    /// Whether a short gram that is looked at is one of the instructions.
    fn has_one_of(&self, text: &[u8]) -> bool {
        let mut letters = [0; BUFFER];
        // Letters that are left from before, and where the next gram is looked at.
        let (mut left, mut next) = (0, 0);
        for bytes in text.chunks(AT_ONCE) {
            let end = fill(&mut letters, left, bytes);
            while next + SHORT <= end {
                let Some(eight) = letters.get(next..).and_then(|rest| rest.first_chunk()) else {
                    return true;
                };
                if self.0.has(hash(u64::from_le_bytes(*eight) & ((1 << (8 * SHORT)) - 1))) {
                    return true;
                }
                next += EVERY;
            }
            let from = next.min(end);
            letters.copy_within(from..end, 0);
            (left, next) = (end - from, next - from);
        }
        false
    }
}

/// Six letters, the first one lowest.
const fn hash(letters: u64) -> u64 {
    letters.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// The letters of some bytes behind those that are there; where they end.
#[expect(clippy::indexing_slicing, reason = "bounded by what it is taken modulo")]
fn fill(letters: &mut [u8; BUFFER], mut end: usize, bytes: &[u8]) -> usize {
    for byte in bytes {
        // Written over by the next one if it is none: no branch.
        let letter = LETTERS[usize::from(byte & 0x7F)];
        letters[end % BUFFER] = letter;
        end += usize::from(letter != 0);
    }
    end
}

impl Instructions {
    /// Whether no gram of the instructions, nor the canary, stands in a text as it is or in what it could
    /// spell. `false` says nothing: texts of other letters than ASCII and those with codes are read.
    pub(super) fn cannot_stand_in(&self, text: &str) -> bool {
        text.is_ascii() && !may_spell(text.as_bytes()) && !self.quick.has_one_of(text.as_bytes())
    }
}

/// Whether some words of ASCII may be something encoded: by their length, by how they begin, or because
/// they are pairs of hexadecimal digits.
fn may_spell(text: &[u8]) -> bool {
    let begins = |at: usize| {
        !at.checked_sub(1).and_then(|at| text.get(at)).is_some_and(u8::is_ascii_graphic)
    };
    if memchr3_iter(b'\\', b'%', b'&', text).any(begins) {
        return true;
    }
    let (mut before, mut pairs) = (0, 0);
    // With one that is empty where the last one is full: a word may end there.
    for start in (0..=text.len()).step_by(BLOCK) {
        let bytes = text.get(start..).unwrap_or_default();
        let graphic = bytes.first_chunk().map_or_else(
            || {
                let mut block = [b' '; BLOCK];
                block.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
                graphic(&block)
            },
            graphic,
        );
        let window = u128::from(graphic) << BLOCK | u128::from(before);
        if has_long_word(window) {
            return true;
        }
        let ends = !window & window << 1 & window << 2 & !(window << 3);
        let mut ends = u64::try_from(ends >> BLOCK).unwrap_or_default();
        while ends != 0 {
            let end = start + ends.trailing_zeros() as usize;
            let pair = end.checked_sub(2).and_then(|from| text.get(from..end));
            pairs += usize::from(pair.is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit)));
            ends &= ends - 1;
        }
        before = graphic;
    }
    pairs >= PAIRS
}

/// Whether as many bits in a row are set as a code has letters; a row that ends in the lower half was
/// looked for before.
const fn has_long_word(window: u128) -> bool {
    let two = window & window << 1;
    let four = two & two << 2;
    let eight = four & four << 4;
    let sixteen = eight & eight << 8;
    sixteen & eight << 16 != 0
}

/// A bit for each byte that is printed and no space, the first one lowest; all bytes are ASCII.
fn graphic(block: &[u8; BLOCK]) -> u64 {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let (eights, _) = block.as_chunks::<8>();
    eights.iter().rev().fold(0, |bits, eight| {
        let bytes = u64::from_le_bytes(*eight);
        let above_space = bytes.wrapping_add(0x5F5F_5F5F_5F5F_5F5F);
        let deleted = bytes.wrapping_add(0x0101_0101_0101_0101);
        let told = (above_space & !deleted & HIGH) >> 7;
        // Each byte's bit comes to stand in the highest byte.
        bits << 8 | told.wrapping_mul(0x0102_0408_1020_4080) >> 56
    })
}
