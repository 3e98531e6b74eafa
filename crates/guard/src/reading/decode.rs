//! What a text decodes to. Only what comes out as text counts: a picture in base64 says nothing.

use std::ops::Range;

use super::windows::windows;
use super::{Form, Made, Reading, plain};

/// Fewest characters of base64.
const BASE64: usize = 16;
/// Fewest pairs of hexadecimal digits.
const PAIRS: usize = 8;

/// Everything that a reading decodes to.
pub(super) fn all(reading: &Reading<'_>, depth: u8) -> Vec<Reading<'static>> {
    let text = reading.text.as_ref();
    let forms = [
        (Form::Base64, blobs(base64(text))),
        (Form::Hex, blobs(hex(text))),
        (Form::Percent, windows(text, &percent(text))),
        (Form::Html, windows(text, &html(text))),
        (Form::Escape, windows(text, &escapes(text))),
    ];
    let made = forms.into_iter().filter_map(|(form, made)| Some((form, made?)));
    made.map(|(form, mut made)| {
        made.map.end(made.text.len());
        let made = match plain::made(&made.text) {
            Some(plain) if !made.text.is_ascii() => plain.over(&made.map),
            _ => made,
        };
        made.over(&reading.map).of(form, depth)
    })
    .collect()
}

type Edits = Vec<(Range<usize>, String)>;

/// The decoded places alone, each on a line of its own.
fn blobs(edits: Edits) -> Option<Made> {
    let mut made = Made::default();
    for (span, text) in edits {
        if !made.text.is_empty() {
            made.put("\n", span.start..span.start);
        }
        made.put(&text, span);
    }
    (!made.text.is_empty()).then_some(made)
}

/// Stretches of base64 that are text, of both alphabets, with and without padding.
fn base64(text: &str) -> Edits {
    let mut edits = Edits::new();
    for span in runs(text.as_bytes(), BASE64, is_base64) {
        let run = text.get(span.clone()).unwrap_or_default();
        // In a path the last part may be what is encoded.
        let last = run.rfind('/').map_or(run, |slash| run.get(slash + 1..).unwrap_or_default());
        let candidates = [run, last];
        let found = candidates.into_iter().find_map(|part| {
            let text = as_text(from_base64(part.as_bytes())?)?;
            Some((span.end - part.len()..span.end, text))
        });
        edits.extend(found);
    }
    edits
}

/// Where at least `least` bytes in a row are accepted. Places in between are looked at only where
/// such a run could be.
pub(crate) fn runs(
    bytes: &[u8],
    least: usize,
    has: impl Fn(u8) -> bool,
) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let window = bytes.get(at..at + least)?;
            if let Some(gap) = window.iter().rposition(|byte| !has(*byte)) {
                at += gap + 1;
                continue;
            }
            let more = bytes.get(at + least..).unwrap_or_default();
            let end = at + least + more.iter().take_while(|byte| has(**byte)).count();
            let span = at..end;
            at = end;
            return Some(span);
        }
    })
}

pub(crate) const fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'_' | b'-')
}

/// The bytes of base64 without padding; nothing where a character is left over.
pub(crate) fn from_base64(text: &[u8]) -> Option<Vec<u8>> {
    if text.len() % 4 == 1 || text.is_empty() {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 2);
    let (mut held, mut bits) = (0_u32, 0_u32);
    for byte in text {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        held = (held << 6 | u32::from(value)) & 0xFFFF;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from((held >> bits) & 0xFF).unwrap_or(0));
        }
    }
    Some(bytes)
}

/// Bytes as text, if they are: at least four in five of its characters are seen. A byte that belongs to
/// no character counts as one that is not, so that a few of them hide nothing.
pub(crate) fn as_text(bytes: Vec<u8>) -> Option<String> {
    let (mut all, mut shown) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            all += 1;
            shown += usize::from(!c.is_control() || c.is_whitespace());
        }
        all += usize::from(!chunk.invalid().is_empty());
    }
    (all > 3 && shown * 5 >= all * 4).then(|| match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(broken) => String::from_utf8_lossy(broken.as_bytes()).into_owned(),
    })
}

/// Pairs of hexadecimal digits that are text, together or divided by one sign.
fn hex(text: &str) -> Edits {
    let bytes = text.as_bytes();
    let mut edits = Edits::new();
    // Enough pairs are that many digits and signs in a row, which few texts have.
    for run in runs(bytes, 2 * PAIRS, |byte| byte.is_ascii_hexdigit() || divides(byte)) {
        let mut at = run.start;
        while let Some(start) = next_pair(bytes, at..run.end) {
            let (end, decoded) = pairs(bytes, start);
            if decoded.len() >= PAIRS
                && let Some(text) = as_text(decoded)
            {
                edits.push((start..end, text));
            }
            at = end.max(start + 2);
        }
    }
    edits
}

/// Signs that stand between pairs.
const fn divides(byte: u8) -> bool {
    matches!(byte, b' ' | b':' | b'-' | b',')
}

fn next_pair(bytes: &[u8], within: Range<usize>) -> Option<usize> {
    let rest = bytes.get(within.clone())?;
    let found = rest.windows(2).position(|two| two.iter().all(u8::is_ascii_hexdigit))?;
    Some(within.start + found)
}

fn pairs(bytes: &[u8], start: usize) -> (usize, Vec<u8>) {
    let digit = |at: usize| char::from(*bytes.get(at)?).to_digit(16);
    let pair = |at: usize| u8::try_from(digit(at)? * 16 + digit(at + 1)?).ok();
    let sign = |at: usize| bytes.get(at).copied().filter(|byte| divides(*byte));
    let (mut decoded, mut at) = (Vec::new(), start);
    let between = sign(start + 2);
    while let Some(byte) = pair(at) {
        decoded.push(byte);
        at += 2;
        match between {
            Some(_) if sign(at) == between && pair(at + 1).is_some() => at += 1,
            Some(_) => break,
            None => {}
        }
    }
    (at, decoded)
}

/// Runs of `%41` that are text.
fn percent(text: &str) -> Edits {
    let bytes = text.as_bytes();
    let one = |at: usize| {
        let digits = text.get(at + 1..at + 3).filter(|_| bytes.get(at) == Some(&b'%'))?;
        let whole = digits.bytes().all(|b| b.is_ascii_hexdigit());
        whole.then(|| u8::from_str_radix(digits, 16).ok()).flatten()
    };
    let mut edits = Edits::new();
    let mut at = 0;
    while let Some(i) = memchr::memchr(b'%', bytes.get(at..).unwrap_or_default()) {
        let start = at + i;
        let mut decoded = Vec::new();
        while let Some(byte) = one(start + 3 * decoded.len()) {
            decoded.push(byte);
        }
        let end = start + 3 * decoded.len();
        at = end.max(start + 1);
        let text = match String::from_utf8(decoded) {
            Ok(text) => (!text.is_empty()).then_some(text),
            Err(broken) => as_text(broken.into_bytes()),
        };
        edits.extend(text.map(|text| (start..end, text)));
    }
    edits
}

/// Character references of HTML: by number, and the names that hide markup or words.
fn html(text: &str) -> Edits {
    const NAMES: &[(&str, &str)] = &[
        ("lt", "<"),
        ("gt", ">"),
        ("amp", "&"),
        ("quot", "\""),
        ("apos", "'"),
        ("nbsp", " "),
        ("colon", ":"),
        ("period", "."),
        ("comma", ","),
        ("excl", "!"),
        ("sol", "/"),
        ("lpar", "("),
        ("rpar", ")"),
        ("lsqb", "["),
        ("rsqb", "]"),
        ("num", "#"),
        ("commat", "@"),
        ("equals", "="),
        ("Tab", "\t"),
        ("NewLine", "\n"),
        ("shy", ""),
        ("ZeroWidthSpace", ""),
    ];
    let mut edits = Edits::new();
    let mut at = 0;
    while let Some(i) = memchr::memchr(b'&', text.as_bytes().get(at..).unwrap_or_default()) {
        let start = at + i;
        at = start + 1;
        let window = text.as_bytes().get(at..).unwrap_or_default();
        let window = window.get(..16).unwrap_or(window);
        let Some(end) = memchr::memchr(b';', window).map(|i| at + i) else { continue };
        let name = text.get(at..end).unwrap_or_default();
        let written = match name.strip_prefix('#') {
            Some(number) => of_code(match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok(),
                None => number.parse().ok(),
            }),
            None => NAMES.iter().find(|(known, _)| *known == name).map(|(_, text)| (*text).into()),
        };
        if let Some(written) = written {
            edits.push((start..end + 1, written));
            at = end + 1;
        }
    }
    edits
}

fn of_code(code: Option<u32>) -> Option<String> {
    code.and_then(char::from_u32).filter(|c| *c != '\0').map(String::from)
}

/// Escapes of program text: `\u0041`, `\u{41}`, `\x41`.
fn escapes(text: &str) -> Edits {
    let mut edits = Edits::new();
    let mut at = 0;
    while let Some(i) = memchr::memchr(b'\\', text.as_bytes().get(at..).unwrap_or_default()) {
        let start = at + i;
        at = start + 1;
        let code = |from: usize, digits: usize| {
            let digits = text.get(from..from + digits)?;
            let whole = digits.bytes().all(|b| b.is_ascii_hexdigit());
            whole.then(|| u32::from_str_radix(digits, 16).ok()).flatten()
        };
        let (code, end) = match text.as_bytes().get(at) {
            Some(b'x') => (code(at + 1, 2), at + 3),
            Some(b'u') if text.as_bytes().get(at + 1) == Some(&b'{') => {
                let rest = text.get(at + 2..).unwrap_or_default();
                let digits = rest.bytes().take(7).take_while(u8::is_ascii_hexdigit).count();
                let closed = text.as_bytes().get(at + 2 + digits) == Some(&b'}');
                (code(at + 2, digits).filter(|_| closed && digits > 0), at + 3 + digits)
            }
            Some(b'u') => surrogates(code(at + 1, 4), &code, at + 5),
            _ => continue,
        };
        if let Some(written) = of_code(code) {
            edits.push((start..end, written));
            at = end;
        }
    }
    edits
}

/// A character that two escapes spell (UTF-16), or the one that `high` is.
fn surrogates(
    high: Option<u32>,
    code: &dyn Fn(usize, usize) -> Option<u32>,
    at: usize,
) -> (Option<u32>, usize) {
    match (high, code(at + 2, 4)) {
        (Some(high @ 0xD800..=0xDBFF), Some(low @ 0xDC00..=0xDFFF)) => {
            (Some(0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00)), at + 6)
        }
        _ => (high, at),
    }
}
