//! The grams of instructions, and the hash that rolls over letters.

use std::collections::HashSet;

use super::fold::{Symbol, symbols};
use super::{GRAM, fold};

/// Letters of a short gram: what does not share even those can be no stretch.
pub(super) const SHORT: usize = 6;
/// What hashes are multiplied by; odd, without a pattern.
const BASE: u64 = 0x9E37_79B9_7F4A_7C15;

const fn power(mut times: usize) -> u64 {
    let mut power = 1_u64;
    while times > 0 {
        power = power.wrapping_mul(BASE);
        times -= 1;
    }
    power
}

/// The hashes of the last letters of a text.
#[derive(Clone, Debug, Default)]
pub(super) struct Rolling {
    last: [u64; GRAM],
    read: usize,
    gram: u64,
    short: u64,
}

/// What a letter counts in a hash: so that letters that follow each other do not cancel out.
fn spread(symbol: Symbol) -> u64 {
    (u64::from(symbol) + 1).wrapping_mul(0xD6E8_FEB8_6659_FD93)
}

impl Rolling {
    pub(super) fn push(&mut self, symbol: Symbol) {
        let value = spread(symbol);
        let at = self.read % GRAM;
        let of_short = self.last.get((self.read + GRAM - SHORT) % GRAM).copied().unwrap_or(0);
        let Some(place) = self.last.get_mut(at) else { return };
        let of_gram = std::mem::replace(place, value);
        let roll = |hash: u64, gone: u64, power: u64| {
            hash.wrapping_mul(BASE).wrapping_add(value).wrapping_sub(gone.wrapping_mul(power))
        };
        self.gram = roll(self.gram, of_gram, const { power(GRAM) });
        self.short = roll(self.short, of_short, const { power(SHORT) });
        self.read += 1;
    }

    /// Letters read.
    pub(super) const fn read(&self) -> usize {
        self.read
    }

    /// The hash of the last letters, where there are as many as a gram has.
    pub(super) fn gram(&self) -> Option<u64> {
        (self.read >= GRAM).then_some(self.gram)
    }

    fn short(&self) -> Option<u64> {
        (self.read >= SHORT).then_some(self.short)
    }
}

/// A set of hashes, and by chance some others: a bit for what their highest bits say.
#[derive(Clone, Debug)]
pub(super) struct Bits(Vec<u64>);

/// Bits of a set, as a power of two: one in four of a prompt of 30,000 letters.
const BITS: u32 = 17;

impl Bits {
    pub(super) fn new() -> Self {
        Self(vec![0; 1 << (BITS - 6)])
    }

    fn place(hash: u64) -> (usize, u64) {
        let bit = hash >> (64 - BITS);
        (usize::try_from(bit >> 6).unwrap_or(0), 1 << (bit & 63))
    }

    pub(super) fn add(&mut self, hash: u64) {
        let (word, bit) = Self::place(hash);
        if let Some(word) = self.0.get_mut(word) {
            *word |= bit;
        }
    }

    pub(super) fn has(&self, hash: u64) -> bool {
        let (word, bit) = Self::place(hash);
        self.0.get(word).is_some_and(|word| word & bit != 0)
    }
}

/// Which short grams there are, and by chance some others.
#[derive(Clone, Debug)]
pub(super) struct Short(Bits);

impl Short {
    pub(super) fn add(&mut self, rolling: &Rolling) {
        rolling.short().into_iter().for_each(|hash| self.0.add(hash));
    }

    /// Whether the last letters may stand in the instructions; those of a text that has just begun may.
    pub(super) fn may_have(&self, rolling: &Rolling) -> bool {
        rolling.short().is_none_or(|hash| self.0.has(hash))
    }
}

/// The grams of instructions, by their hashes.
#[derive(Clone, Debug)]
pub(super) struct Grams {
    all: HashSet<u64>,
    /// Letters of the instructions.
    pub(super) letters: usize,
}

impl Grams {
    /// Those of a text, without those of what is allowed.
    pub(super) fn of<'t>(text: &str, allowed: impl Iterator<Item = &'t str>) -> (Self, Short) {
        let mut free = HashSet::new();
        for text in allowed {
            let mut rolling = Rolling::default();
            for symbol in symbols(text) {
                rolling.push(symbol);
                free.extend(rolling.gram());
            }
        }
        let (mut all, mut short, mut rolling) =
            (HashSet::new(), Short(Bits::new()), Rolling::default());
        for c in text.chars() {
            fold::fold(c, |symbol| {
                rolling.push(symbol);
                short.add(&rolling);
                all.extend(rolling.gram().filter(|gram| !free.contains(gram)));
            });
        }
        (Self { all, letters: rolling.read() }, short)
    }

    pub(super) fn has(&self, gram: u64) -> bool {
        self.all.contains(&gram)
    }
}
