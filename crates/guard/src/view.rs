//! How a detector reads text: byte by byte, through a view that notices when the end was reached.
//!
//! A decision that never looked past the last byte is final, whatever follows; one that did is
//! open until more text or the end arrives. Detectors need no second, streaming version.

use std::cell::Cell;

/// What stands left of the text, left of an earlier finding, and in place of a placeholder. Occurs
/// in no UTF-8 text, so it belongs to no character class.
pub(crate) const BARRIER: u8 = 0xFF;
/// What stands in place of a finding of a stronger kind. Occurs in no UTF-8 text either.
pub(crate) const COVERED: u8 = 0xFD;
/// What is read past the end. Occurs in no UTF-8 text either.
pub(crate) const END: u8 = 0xFE;
/// How many bytes to the left of a candidate a detector may look at.
pub(crate) const LOOK_BACK: usize = 96;
/// How many bytes past its match a detector may look at, to see that it ends there.
pub(crate) const LOOK_AHEAD: usize = 16;

/// A text, or the part of a stream that has arrived.
pub(crate) struct View<'a> {
    pub(crate) bytes: &'a [u8],
    floor: usize,
    last: bool,
    reached_end: Cell<bool>,
    /// The last run that was read, by what it consists of.
    runs: [Cell<(usize, usize)>; RUNS],
    #[cfg(test)]
    work: Cell<u64>,
}

/// How many kinds of runs are remembered.
const RUNS: usize = 11;

/// A decision about one candidate.
pub(crate) enum Verdict<T> {
    /// It will not change, whatever follows.
    Final(Option<T>),
    /// It depends on text that has not arrived.
    Open,
}

impl<'a> View<'a> {
    /// Nothing left of `floor` can be seen; `last` says that no text follows.
    pub(crate) fn new(bytes: &'a [u8], floor: usize, last: bool) -> Self {
        Self {
            bytes,
            floor,
            last,
            reached_end: Cell::new(false),
            runs: Default::default(),
            #[cfg(test)]
            work: Cell::new(0),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn is_last(&self) -> bool {
        self.last
    }

    /// The byte at `at`: [`END`] past the text, [`BARRIER`] left of the floor.
    pub(crate) fn get(&self, at: usize) -> u8 {
        self.spend(1);
        if at < self.floor {
            return BARRIER;
        }
        if let Some(byte) = self.bytes.get(at) {
            *byte
        } else {
            self.reached_end.set(true);
            END
        }
    }

    /// The byte `n` places left of `at`.
    pub(crate) fn back(&self, at: usize, n: usize) -> u8 {
        at.checked_sub(n).map_or(BARRIER, |i| self.get(i))
    }

    /// Whether a placeholder or a marker stands at `at`, in place of what was there.
    pub(crate) fn is_taken_out(&self, at: usize) -> bool {
        at >= self.floor && self.get(at) == BARRIER
    }

    /// Whether the text goes on with `literal` at `at`.
    pub(crate) fn starts_with(&self, at: usize, literal: &[u8]) -> bool {
        literal.iter().enumerate().all(|(i, byte)| self.get(at + i) == *byte)
    }

    /// The bytes of a range that was read before.
    pub(crate) fn slice(&self, start: usize, end: usize) -> &'a [u8] {
        self.bytes.get(start..end).unwrap_or_default()
    }

    /// Runs a detector on one candidate.
    pub(crate) fn decide<T>(&self, detect: impl FnOnce(&Self) -> Option<T>) -> Verdict<T> {
        self.reached_end.set(false);
        let found = detect(self);
        if self.reached_end.get() && !self.last { Verdict::Open } else { Verdict::Final(found) }
    }

    /// The end of a run that starts at `at`, at most `most` bytes long, of the bytes and places
    /// that `has` accepts. Runs with the same `slot` must accept the same: where candidates overlap,
    /// a run is read once.
    pub(crate) fn run(
        &self,
        slot: usize,
        at: usize,
        most: usize,
        has: impl Fn(u8, usize) -> bool,
    ) -> usize {
        let Some(memory) = self.runs.get(slot) else { return at };
        let (start, known) = memory.get();
        let inside = (start..=known).contains(&at);
        let (start, known) = if inside { (start, known) } else { (at, at) };
        let mut end = known.min(at + most);
        while end < at + most && has(self.get(end), end) {
            end += 1;
        }
        memory.set((start, known.max(end)));
        end
    }

    /// Books work that does not go through [`View::get`]. Only tests count.
    #[cfg_attr(not(test), expect(clippy::unused_self, reason = "only tests count work"))]
    pub(crate) fn spend(&self, bytes: usize) {
        #[cfg(test)]
        self.work.set(self.work.get() + bytes as u64);
        let _ = bytes;
    }

    /// Bytes looked at so far: what the linearity laws count.
    #[cfg(test)]
    pub(crate) fn work(&self) -> u64 {
        self.work.get()
    }
}

/// Where the first byte that `has` accepts stands. Looks at many bytes in one step where the
/// compiler can, so `has` should be comparisons without branches.
pub(crate) fn position(bytes: &[u8], has: impl Fn(u8) -> bool) -> Option<usize> {
    // Where there are many, the next one is near.
    let near = bytes.iter().take(4).position(|byte| has(*byte));
    if near.is_some() {
        return near;
    }
    let (blocks, _) = bytes.as_chunks::<32>();
    let clear = |block: &&[u8; 32]| !block.iter().fold(false, |any, byte| any | has(*byte));
    let skip = blocks.iter().take_while(clear).count() * 32;
    bytes.get(skip..)?.iter().position(|byte| has(*byte)).map(|at| skip + at)
}

/// Whether a word goes on with this byte. A placeholder may stand for the rest of a word: taking it
/// for an end would find more in a protected text than in the original.
pub(crate) const fn goes_on(byte: u8) -> bool {
    is_word(byte) || byte == BARRIER
}

/// Letters, digits and the underscore, of ASCII. What a token cannot end beside.
pub(crate) const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::position;

    #[test]
    fn the_first_place_is_found_in_every_block_and_after_the_last() {
        for at in 0..100 {
            let mut text = [b'a'; 101];
            text[at] = b'1';
            text[100] = b'2';
            assert_eq!(position(&text, |byte| byte.is_ascii_digit()), Some(at));
        }
        assert_eq!(position(&[b'a'; 77], |byte| byte.is_ascii_digit()), None);
    }
}
