//! Private keys in PEM blocks (RFC 7468 and its predecessors), also with escaped line ends, and
//! also when the closing line is missing.

use crate::view::{View, goes_on};

/// Longest block, bytes, from the opening dashes on.
pub(super) const LONGEST: usize = 16 * 1024;
/// Longest label, as in `-----BEGIN ENCRYPTED PRIVATE KEY-----`.
const LABEL: usize = 48;
/// A line of key data is at least this long; words of a sentence are not.
const LINE: usize = 32;
/// A space after fewer characters than this ends a word of a sentence, not a piece of data.
const WORD: usize = 16;

/// Reads on after `-----BEGIN `: the end, and whether the closing line was there.
pub(super) fn read(view: &View<'_>, at: usize) -> Option<(usize, bool)> {
    let mut label = at;
    while label < at + LABEL && matches!(view.get(label), b'A'..=b'Z' | b'0'..=b'9' | b' ') {
        label += 1;
    }
    let text = view.slice(at, label);
    let private = text.ends_with(b"PRIVATE KEY") || text.ends_with(b"PRIVATE KEY BLOCK");
    if !private || !view.starts_with(label, b"-----") {
        return None;
    }
    body(view, label + 5, at + LONGEST - 128)
}

fn body(view: &View<'_>, start: usize, limit: usize) -> Option<(usize, bool)> {
    let (mut at, mut line, mut data_end, mut header) = (start, start, None, false);
    loop {
        let byte = view.get(at);
        if byte == b'-' && view.starts_with(at, b"-----") {
            if let Some(end) = closing(view, at) {
                return Some((end, true));
            }
            break;
        }
        if at >= limit || !is_body(byte) {
            break;
        }
        header = byte == b':' || (header && byte != b'\n');
        let word = at - line;
        if byte == b' ' && !header && (1..WORD).contains(&word) && view.get(at + 1) != b'-' {
            break;
        }
        at += 1;
        if !is_data(byte) || escaped_line_end(view, at - 1) {
            line = at;
        } else if at - line >= LINE {
            data_end = Some(at);
        }
    }
    // Without its closing line: what looks like key data is still a key.
    let end = data_end?;
    let cut = end >= limit;
    (cut || !goes_on(view.get(end))).then_some((end, false))
}

fn closing(view: &View<'_>, at: usize) -> Option<usize> {
    let word = b"-----END ";
    if !view.starts_with(at, word) {
        return None;
    }
    let mut end = at + word.len();
    while end < at + word.len() + LABEL && matches!(view.get(end), b'A'..=b'Z' | b'0'..=b'9' | b' ')
    {
        end += 1;
    }
    view.starts_with(end, b"-----").then_some(end + 5)
}

/// Key data: base64.
const fn is_data(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

/// What may stand between the two lines: data, white space, headers, escaped line ends.
const fn is_body(byte: u8) -> bool {
    is_data(byte)
        || byte.is_ascii_whitespace()
        || matches!(byte, b'\\' | b':' | b',' | b'-' | b'.' | b'(' | b')')
}

/// The `n` or `r` of `\n` or `\r`.
fn escaped_line_end(view: &View<'_>, at: usize) -> bool {
    matches!(view.get(at), b'n' | b'r') && view.back(at, 1) == b'\\'
}
