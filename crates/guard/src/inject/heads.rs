//! ASCII stems by the first three letters of the words that begin with them.

/// Values that a place of a head can have: a letter, or anything else.
const LETTERS: usize = 27;
/// Bytes of a stem that are compared at once.
const PACKED: usize = 8;

/// Of each byte: 0 where a word has none such, 1 to 26 for letters, 32 for whatever else a word has.
#[expect(clippy::indexing_slicing, reason = "made while compiling, which an index outside ends")]
const CLASS: [u8; 256] = {
    let mut class = [0; 256];
    let mut byte = 0;
    while byte < 26 {
        class[(b'a' + byte) as usize] = byte + 1;
        class[(b'A' + byte) as usize] = OTHER;
        if byte < 10 {
            class[(b'0' + byte) as usize] = OTHER;
        }
        byte += 1;
    }
    class
};
const OTHER: u8 = 32;

fn class(byte: u8) -> u8 {
    CLASS.get(usize::from(byte)).copied().unwrap_or_default()
}

/// A stem: its first bytes, with zeros for those that it has not, and the bytes behind them.
struct Stem {
    first: u64,
    /// All ones where `first` has a byte.
    mask: u64,
    rest: Box<[u8]>,
    length: usize,
    number: usize,
}

impl Stem {
    fn of(stem: &[u8], number: usize) -> Self {
        let (first, rest) = stem.split_at_checked(PACKED).unwrap_or((stem, &[]));
        let mut mask = [0; PACKED];
        mask.iter_mut().zip(first).for_each(|(mask, _)| *mask = u8::MAX);
        Self {
            first: packed(first),
            mask: u64::from_le_bytes(mask),
            rest: rest.into(),
            length: stem.len(),
            number,
        }
    }
}

/// The first bytes of a text as one number, zeros behind its end.
fn packed(text: &[u8]) -> u64 {
    let first = text.first_chunk().copied().unwrap_or_else(|| {
        let mut first = [0; PACKED];
        first.iter_mut().zip(text).for_each(|(to, from)| *to = *from);
        first
    });
    u64::from_le_bytes(first)
}

/// Stems, each with its number, in the order of their heads.
pub(super) struct Heads {
    stems: Vec<Stem>,
    /// For each head, where its stems begin in `stems`; one more for the end.
    starts: Vec<u16>,
}

impl Heads {
    /// Of stems that are ASCII in lower case, with their numbers.
    pub(super) fn of<'s>(stems: impl Iterator<Item = (&'s str, usize)>) -> Self {
        let mut stems: Vec<_> = stems.map(|(stem, at)| (stem.as_bytes(), at)).collect();
        stems.sort_by_key(|(stem, at)| (head(stem), *at));
        let narrow = |at| u16::try_from(at).unwrap_or(u16::MAX);
        let mut starts = Vec::with_capacity(LETTERS * LETTERS * LETTERS + 1);
        for (at, (stem, _)) in stems.iter().enumerate() {
            starts.resize(starts.len().max(head(stem) + 1), narrow(at));
        }
        starts.resize(LETTERS * LETTERS * LETTERS + 1, narrow(stems.len()));
        Self { stems: stems.into_iter().map(|(stem, at)| Stem::of(stem, at)).collect(), starts }
    }

    /// Calls `found` with where each word begins, and with the end and the number of every stem that
    /// it begins with.
    pub(super) fn each(&self, text: &str, mut found: impl FnMut(usize, usize, usize)) {
        let bytes = text.as_bytes();
        let mut before = 0;
        for (at, byte) in bytes.iter().enumerate() {
            let class = class(*byte);
            if before == 0 && class != 0 {
                self.begin(bytes.get(at..).unwrap_or_default(), class, |length, stem| {
                    found(at, at + length, stem);
                });
            }
            before = class;
        }
    }

    /// The stems that a word begins with, whose first letter has this class.
    fn begin(&self, word: &[u8], first: u8, mut found: impl FnMut(usize, usize)) {
        let next = |at: usize| word.get(at).map_or(0, |byte| place(class(*byte)));
        let one = place(first) * LETTERS * LETTERS;
        let two = one + next(1) * LETTERS;
        let three = two + next(2);
        let mut begins = |head: usize| {
            let start = |head: usize| self.starts.get(head).map_or(0, |start| usize::from(*start));
            let of = self.stems.get(start(head)..start(head + 1)).unwrap_or_default();
            if of.is_empty() {
                return;
            }
            let shown = packed(word);
            for stem in of.iter().filter(|stem| shown & stem.mask == stem.first) {
                if word.get(PACKED..).unwrap_or_default().starts_with(&stem.rest) {
                    found(stem.length, stem.number);
                }
            }
        };
        begins(three);
        if two != three {
            begins(two);
        }
        if one != two {
            begins(one);
        }
    }
}

/// What a letter adds to a head; what is none adds nothing.
fn place(class: u8) -> usize {
    if class < OTHER { usize::from(class) } else { 0 }
}

/// The number of the first three letters of a stem; what is behind its end counts as no letter.
fn head(stem: &[u8]) -> usize {
    (0..3).fold(0, |head, at| head * LETTERS + stem.get(at).map_or(0, |byte| place(class(*byte))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stem_that_a_word_begins_with_is_found_once() {
        let stems = ["a", "ai", "ab", "abc", "abcd", "a.b", "0x", "don't"];
        let heads = Heads::of(stems.into_iter().zip(0..));
        let mut found = Vec::new();
        heads.each("abcd a.b. (ai) xabc 0x5 don't", |start, end, stem| {
            found.push((start, end, stems[stem]));
        });
        found.sort_unstable();
        let expected = [
            (0, 1, "a"),
            (0, 2, "ab"),
            (0, 3, "abc"),
            (0, 4, "abcd"),
            (5, 6, "a"),
            (5, 8, "a.b"),
            (11, 12, "a"),
            (11, 13, "ai"),
            (20, 22, "0x"),
            (24, 29, "don't"),
        ];
        assert_eq!(found, expected);
    }
}
