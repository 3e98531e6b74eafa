//! JSON web tokens (RFC 7519): recognised by a header that decodes to JSON with an `alg`.

use super::shape::Alphabet;
use crate::view::{View, goes_on};

/// Longest header, base64url characters.
const HEADER: usize = 1024;
/// Longest header, payload, signature and joints together, characters.
pub(super) const LONGEST: usize = 8 * 1024;

/// The end of the token that starts at `at`.
pub(super) fn read(view: &View<'_>, at: usize) -> Option<usize> {
    let header = run(view, at, HEADER);
    if view.get(header) != b'.' || !names_algorithm(view.slice(at, header)) {
        return None;
    }
    view.spend(header - at);
    let mut end = run(view, header + 1, at + LONGEST - header - 1);
    if end < header + 2 {
        return None;
    }
    // Three parts when signed, with an empty signature when not; five when encrypted.
    for part in 2..5 {
        let left = (at + LONGEST).saturating_sub(end + 1);
        if left == 0 || view.get(end) != b'.' || (part > 2 && !Alphabet::Url.has(view.get(end + 1)))
        {
            return (left == 0 || (part > 2 && !goes_on(view.get(end)))).then_some(end);
        }
        end = run(view, end + 1, left);
    }
    (end >= at + LONGEST || !goes_on(view.get(end))).then_some(end)
}

/// The end of a run of base64url, at most `most` long.
fn run(view: &View<'_>, at: usize, most: usize) -> usize {
    let mut end = at;
    while end < at + most && Alphabet::Url.has(view.get(end)) {
        end += 1;
    }
    end
}

/// Whether base64url text decodes to a JSON object with the key `alg`.
fn names_algorithm(header: &[u8]) -> bool {
    let json = decode(header);
    json.starts_with(b"{") && memchr::memmem::find(&json, b"\"alg\"").is_some()
}

fn decode(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let (mut bits, mut held) = (0_u32, 0_u32);
    for byte in text {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'-' => 62,
            _ => 63,
        };
        held = (held << 6 | u32::from(value)) & 0xFFFF;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            #[expect(clippy::cast_possible_truncation, reason = "the low eight bits are meant")]
            bytes.push((held >> bits) as u8);
        }
    }
    bytes
}
