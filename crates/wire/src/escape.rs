//! Strings as JSON has them: a conversation is mostly text without anything to escape, so what
//! needs none is found many bytes at a step and copied whole.

/// Appends a string as JSON text, with its quotes: byte for byte what `serde_json` writes.
pub(crate) fn write_str(out: &mut Vec<u8>, text: &str) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    // Names and numbers: too short for a block, and nearly never with anything to escape.
    if text.len() < 32 && first_special(text.as_bytes()).is_none() {
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
        return;
    }
    let mut line = Line { out, bytes: text.as_bytes(), done: 0 };
    let (blocks, rest) = line.bytes.as_chunks::<32>();
    let mut at = 0;
    for block in blocks {
        // Most blocks hold nothing to escape, and looking at all of one is a few steps.
        if block.iter().fold(false, |any, byte| any | is_special(*byte)) {
            line.words(block, at);
        }
        at += 32;
    }
    line.words(rest, at);
    line.up_to(line.bytes.len());
    out.push(b'"');
}

/// A string that is being written.
struct Line<'o, 't> {
    out: &'o mut Vec<u8>,
    bytes: &'t [u8],
    /// What has been written.
    done: usize,
}

impl Line<'_, '_> {
    /// Writes up to the last byte to escape among these, which stand at `at`.
    fn words(&mut self, bytes: &[u8], mut at: usize) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            let mut special = special(u64::from_le_bytes(*word));
            while special != 0 {
                self.escape(at + special.trailing_zeros() as usize / 8);
                special &= special - 1;
            }
            at += 8;
        }
        for (place, byte) in (at..).zip(rest) {
            if is_special(*byte) {
                self.escape(place);
            }
        }
    }

    fn escape(&mut self, at: usize) {
        self.up_to(at);
        self.bytes.get(at).into_iter().for_each(|byte| escape(self.out, *byte));
        self.done = at + 1;
    }

    fn up_to(&mut self, at: usize) {
        self.out.extend_from_slice(self.bytes.get(self.done..at).unwrap_or_default());
    }
}

/// Where the first byte stands that cannot stand in a JSON string as it is: its end, an escape, or
/// a mistake.
pub(crate) fn special_at(bytes: &[u8]) -> Option<usize> {
    let (blocks, _) = bytes.as_chunks::<32>();
    let clear = |block: &&[u8; 32]| !block.iter().fold(false, |any, byte| any | is_special(*byte));
    let skip = blocks.iter().take_while(clear).count() * 32;
    first_special(bytes.get(skip..)?).map(|at| skip + at)
}

fn first_special(bytes: &[u8]) -> Option<usize> {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut at = 0;
    for word in words {
        let special = first_special_bit(u64::from_le_bytes(*word));
        if special != 0 {
            return Some(at + special.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    rest.iter().position(|byte| is_special(*byte)).map(|place| at + place)
}

/// Whether a byte cannot stand in a JSON string as it is (RFC 8259, section 7).
#[expect(clippy::needless_bitwise_bool, reason = "without branches, many bytes are one step")]
const fn is_special(byte: u8) -> bool {
    (byte < b' ') | (byte == b'"') | (byte == b'\\')
}

/// The same for eight bytes at once: the highest bit of each that is special.
#[inline]
pub(crate) fn special(word: u64) -> u64 {
    const ONES: u64 = u64::MAX / 0xFF;
    const LOW: u64 = 0x7F * ONES;
    let zeros = |word: u64| ((word & LOW) + LOW) | word;
    let control = ((word & LOW) + 0x60 * ONES) | word;
    let plain =
        control & zeros(word ^ (u64::from(b'"') * ONES)) & zeros(word ^ (u64::from(b'\\') * ONES));
    !plain & !LOW
}

/// The same where only the first matters: the lowest bit is right, and those above it may not be.
#[inline]
pub(crate) fn first_special_bit(word: u64) -> u64 {
    const ONES: u64 = u64::MAX / 0xFF;
    const HIGH: u64 = 0x80 * ONES;
    // What is less than `least` borrows from its highest bit, and perhaps from its neighbour above.
    let below = |word: u64, least: u64| word.wrapping_sub(least * ONES) & !word;
    let (quote, slash) = (word ^ (u64::from(b'"') * ONES), word ^ (u64::from(b'\\') * ONES));
    (below(word, 0x20) | below(quote, 1) | below(slash, 1)) & HIGH
}

fn escape(out: &mut Vec<u8>, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let short = match byte {
        b'"' | b'\\' => byte,
        0x08 => b'b',
        0x0C => b'f',
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        _ => {
            out.extend_from_slice(b"\\u00");
            for digit in [byte >> 4, byte & 0xF] {
                out.extend(HEX.get(usize::from(digit)));
            }
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(text: &str) -> String {
        let mut out = Vec::new();
        write_str(&mut out, text);
        String::from_utf8(out).unwrap()
    }

    proptest! {
        #[test]
        fn a_string_is_written_as_serde_json_writes_it(
            text in prop_oneof!["[\\x00-\\x7f]{0,100}", "[ -~é日😀\"\\\\\n]{0,200}", ".{0,80}"]
        ) {
            prop_assert_eq!(written(&text), serde_json::to_string(&text).unwrap());
        }
    }

    proptest! {
        #[test]
        fn the_first_special_byte_is_found_wherever_it_stands(
            text in prop_oneof!["[ -~é日\"\\\\\n]{0,90}", "[a-zé]{0,120}[\"\\x1f][a-z\"]{0,40}"]
        ) {
            let plain = |byte: &u8| *byte >= b' ' && *byte != b'"' && *byte != b'\\';
            let first = text.bytes().position(|byte| !plain(&byte));
            prop_assert_eq!(special_at(text.as_bytes()), first);
        }
    }

    proptest! {
        #[test]
        fn the_quick_look_at_a_word_finds_the_same_first_byte_as_the_thorough_one(
            word in any::<u64>(),
            plain in 0_u32..9,
        ) {
            // Words without anything special are rare among random ones.
            let letters = u64::from_le_bytes(*b"abcdefgh");
            let keep = u64::MAX.checked_shl(8 * plain).unwrap_or(0);
            for word in [word, (word & keep) | (letters & !keep)] {
                let (quick, thorough) = (first_special_bit(word), special(word));
                prop_assert_eq!(quick.trailing_zeros(), thorough.trailing_zeros());
            }
        }
    }

    #[test]
    fn every_byte_of_ascii_is_written_as_serde_json_writes_it() {
        let all: String = (0..128_u8).map(char::from).collect();
        assert_eq!(written(&all), serde_json::to_string(&all).unwrap());
        assert_eq!(written(""), "\"\"");
    }
}
