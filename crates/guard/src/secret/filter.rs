//! Where a literal may start: a pass over the text that rules nearly every place out.
//!
//! A literal's first bytes are compared in any letter case, several literals to a bit: a place that
//! is passed on may hold none of them, a place that holds one is always passed on.

/// How many bytes of a literal are compared. A literal of one byte less matches with anything behind
/// it; none is shorter.
const DEPTH: usize = 4;
/// How many groups the literals are compared in: the bits of one place in [`Filter::masks`].
const GROUPS: usize = 64 / DEPTH;

/// The beginnings of a set of literals.
pub(crate) struct Filter {
    /// For each byte, the groups that do not have it: `GROUPS` bits for each place of a beginning.
    /// What is shifted in is clear, so that a group may begin anywhere.
    masks: [u64; 256],
    /// The beginnings of three and of four bytes, hashed: what a group takes for a member is one of
    /// these, or is passed over at once.
    short: Hashes,
    long: Hashes,
}

/// A set of hashes of 15 bits.
struct Hashes(Box<[u64; HASHES / 64]>);

const HASHES: usize = 1 << 15;

impl Hashes {
    fn new() -> Self {
        Self(Box::new([0; HASHES / 64]))
    }

    fn add(&mut self, hash: usize) {
        if let Some(word) = self.0.get_mut(hash / 64) {
            *word |= 1 << (hash % 64);
        }
    }

    fn has(&self, hash: usize) -> bool {
        self.0.get(hash / 64).is_some_and(|word| word >> (hash % 64) & 1 == 1)
    }
}

/// Three or four bytes in any letter case: the low five bits of a letter are the same in both.
fn hash(bytes: &[u8]) -> usize {
    let all = bytes.iter().fold(0_u32, |all, byte| all << 5 | u32::from(byte & 31));
    (all ^ all >> 15 ^ all >> 7 << 3) as usize % HASHES
}

/// The bits of the last place: a clear one is a group that stands there.
const LAST: u64 = u64::MAX << (GROUPS * (DEPTH - 1));

/// The first bytes of a literal in lower case; nothing where it is shorter.
type Beginning = [Option<u8>; DEPTH];

impl Filter {
    /// A filter for these literals, none of which is empty.
    pub(crate) fn new<'a>(literals: impl Iterator<Item = &'a str>) -> Self {
        let mut beginnings: Vec<Beginning> = literals
            .map(|literal| {
                let byte = |at| literal.as_bytes().get(at).map(u8::to_ascii_lowercase);
                std::array::from_fn(byte)
            })
            .collect();
        beginnings.sort_unstable();
        beginnings.dedup();
        let (short, long) = (Hashes::new(), Hashes::new());
        let mut filter = Self { masks: [u64::MAX; 256], short, long };
        // A group also accepts mixtures of its members: each goes where it adds the fewest.
        let mut widths = [[0; DEPTH]; GROUPS];
        for beginning in beginnings {
            let growths = widths.iter().enumerate().map(|(group, width)| {
                let grown = filter.grown(*width, group, beginning);
                (grown.iter().product::<u64>() - width.iter().product::<u64>(), group, grown)
            });
            let best = growths.min();
            let known: Vec<u8> = beginning.iter().map_while(|byte| *byte).collect();
            let set = if known.len() < DEPTH { &mut filter.short } else { &mut filter.long };
            set.add(hash(&known));
            if let Some((_, group, grown)) = best {
                widths.get_mut(group).into_iter().for_each(|width| *width = grown);
                filter.add(group, beginning);
            }
        }
        filter
    }

    /// How much a group would accept at each place with one more member.
    fn grown(&self, mut width: [u64; DEPTH], group: usize, member: Beginning) -> [u64; DEPTH] {
        for ((place, byte), width) in member.iter().enumerate().zip(&mut width) {
            let mask = self.masks.get(usize::from(byte.unwrap_or_default()));
            if mask.is_none_or(|mask| mask & bit(place, group) != 0) {
                // Letters are what prose consists of.
                *width += match byte {
                    None => 256,
                    Some(b'a'..=b'z' | b' ') => 4,
                    Some(_) => 1,
                };
            }
        }
        width
    }

    fn add(&mut self, group: usize, member: Beginning) {
        for (place, byte) in member.iter().enumerate() {
            for (value, mask) in (0..=u8::MAX).zip(&mut self.masks) {
                if byte.is_none_or(|byte| byte == value.to_ascii_lowercase()) {
                    *mask &= !bit(place, group);
                }
            }
        }
    }

    /// What of a text is read again by a search that starts again, bytes.
    pub(crate) const AGAIN: usize = 8 + DEPTH;

    /// The first place at or after `from` where a literal may start.
    pub(crate) fn next(&self, text: &[u8], from: usize) -> Option<usize> {
        let mut at = from;
        loop {
            let start = self.rough(text, at)?;
            if self.begins(text.get(start..).unwrap_or_default()) {
                return Some(start);
            }
            at = start + 1;
        }
    }

    /// Whether a text begins as one of the literals does.
    fn begins(&self, text: &[u8]) -> bool {
        let has = |set: &Hashes, length| text.get(..length).is_some_and(|head| set.has(hash(head)));
        has(&self.long, DEPTH) || has(&self.short, DEPTH - 1)
    }

    /// The same by the groups alone.
    fn rough(&self, text: &[u8], from: usize) -> Option<usize> {
        let step = |state: u64, byte: &u8| {
            let mask = self.masks.get(usize::from(*byte)).copied().unwrap_or_default();
            (state << GROUPS) | mask
        };
        let mut state = u64::MAX;
        let rest = text.get(from..)?;
        let (blocks, tail) = rest.as_chunks::<8>();
        for (block, at) in blocks.iter().zip((0..).step_by(8)) {
            let before = state;
            let mut seen = u64::MAX;
            for byte in block {
                state = step(state, byte);
                seen &= state;
            }
            if seen & LAST != LAST {
                let mut state = before;
                let end = block.iter().position(|byte| {
                    state = step(state, byte);
                    state & LAST != LAST
                });
                return end.map(|end| from + at + end + 1 - DEPTH);
            }
        }
        // The end of the text stands for what may follow a short literal.
        let done = from + rest.len() - tail.len();
        for (byte, end) in tail.iter().chain(&[0; DEPTH]).zip(done + 1..) {
            state = step(state, byte);
            if state & LAST != LAST {
                return Some(end - DEPTH);
            }
        }
        None
    }
}

const fn bit(place: usize, group: usize) -> u64 {
    1 << (place * GROUPS + group)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::secret::table;

    fn of_the_table() -> Filter {
        Filter::new(table::rules().map(|rule| rule.literal))
    }

    proptest! {
        #[test]
        fn no_literal_is_missed_wherever_it_stands(
            index: prop::sample::Index,
            before in "[a-z -:]{0,20}",
            after in "[a-z -:]{0,20}",
            upper: bool,
        ) {
            let literals: Vec<_> = table::rules().map(|rule| rule.literal).collect();
            let literal = *index.get(&literals);
            let written = if upper { literal.to_ascii_uppercase() } else { literal.to_owned() };
            let text = format!("{before}{written}{after}");
            let filter = of_the_table();
            let mut at = 0;
            while let Some(next) = filter.next(text.as_bytes(), at) {
                prop_assert!(next >= at);
                if next == before.len() {
                    return Ok(());
                }
                at = next + 1;
            }
            prop_assert!(false, "{written} is not found in {text}");
        }
    }

    #[test]
    fn prose_is_nearly_all_ruled_out() {
        let prose = "The depot keeps its records in the order in which they were counted; an item \
            may be returned within thirty days, and the customer pays the postage unless it was \
            damaged on its way. Questions are answered on working days between nine and five.";
        let filter = of_the_table();
        let (mut at, mut left) = (0, 0);
        while let Some(next) = filter.next(prose.as_bytes(), at) {
            (at, left) = (next + 1, left + 1);
        }
        assert!(left * 100 <= prose.len(), "{left} of {} places are left", prose.len());
    }
}
