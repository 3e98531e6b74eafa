//! Strings as JSON has them: a conversation is mostly text without anything to escape, so what
//! needs none is found many bytes at a step and copied whole.

/// Appends a string as JSON text, with its quotes: byte for byte what `serde_json` writes.
pub(crate) fn write_str(out: &mut Vec<u8>, text: &str) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    let mut rest = text.as_bytes();
    while let Some(at) = position(rest, is_special) {
        let (plain, from) = rest.split_at_checked(at).unwrap_or((rest, &[]));
        out.extend_from_slice(plain);
        let Some((special, behind)) = from.split_first() else { break };
        escape(out, *special);
        rest = behind;
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

/// Whether a byte cannot stand in a JSON string as it is (RFC 8259, section 7).
#[expect(clippy::needless_bitwise_bool, reason = "without branches, many bytes are one step")]
const fn is_special(byte: u8) -> bool {
    (byte < b' ') | (byte == b'"') | (byte == b'\\')
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

/// Where the first byte that `has` accepts stands; a block of bytes is looked at in one step where
/// the compiler can.
fn position(bytes: &[u8], has: impl Fn(u8) -> bool) -> Option<usize> {
    let (blocks, _) = bytes.as_chunks::<32>();
    let clear = |block: &&[u8; 32]| !block.iter().fold(false, |any, byte| any | has(*byte));
    let skip = blocks.iter().take_while(clear).count() * 32;
    bytes.get(skip..)?.iter().position(|byte| has(*byte)).map(|at| skip + at)
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

    #[test]
    fn every_byte_of_ascii_is_written_as_serde_json_writes_it() {
        let all: String = (0..128_u8).map(char::from).collect();
        assert_eq!(written(&all), serde_json::to_string(&all).unwrap());
        assert_eq!(written(""), "\"\"");
    }
}
