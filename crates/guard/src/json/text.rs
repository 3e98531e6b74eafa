//! The text of a JSON string, as written and as meant (RFC 8259, section 7).

use std::borrow::Cow;
use std::fmt::Write as _;

/// What a string's text means. Half of a surrogate pair reads as the replacement character.
pub(crate) fn decode(raw: &str) -> Cow<'_, str> {
    if raw.contains('\\') {
        Cow::Owned(Chars { raw, at: 0 }.map(|(_, c)| c).collect())
    } else {
        Cow::Borrowed(raw)
    }
}

/// Leads from the decoded text back to the written one, from left to right: a leaf with many
/// findings is read once.
pub(crate) struct Places<'t> {
    chars: Chars<'t>,
    /// Bytes of the decoded text before `chars.at`.
    decoded: usize,
    escapes: bool,
}

impl<'t> Places<'t> {
    /// From the start of a string's text.
    pub(crate) fn of(raw: &'t str) -> Self {
        Self { chars: Chars { raw, at: 0 }, decoded: 0, escapes: raw.contains('\\') }
    }

    /// Where the byte at `meant` of the decoded text is written; no call may ask for less than the
    /// one before.
    pub(crate) fn written(&mut self, meant: usize) -> usize {
        if !self.escapes {
            return meant.min(self.chars.raw.len());
        }
        while self.decoded < meant {
            let Some((_, c)) = self.chars.next() else { break };
            self.decoded += c.len_utf8();
        }
        self.chars.at
    }
}

/// Writes text as a JSON string has it, without the quotes.
pub(crate) fn encode(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c < ' ' => {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
}

#[cfg(test)]
thread_local! {
    /// Characters read so far: what the law of linear work counts.
    pub(super) static READ: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// The characters of a string's text, each with where it is written.
struct Chars<'t> {
    raw: &'t str,
    at: usize,
}

impl Iterator for Chars<'_> {
    type Item = (usize, char);

    fn next(&mut self) -> Option<(usize, char)> {
        #[cfg(test)]
        READ.set(READ.get() + 1);
        let start = self.at;
        let first = self.raw.get(start..)?.chars().next()?;
        self.at += first.len_utf8();
        if first != '\\' {
            return Some((start, first));
        }
        let kind = self.raw.get(self.at..)?.chars().next()?;
        self.at += kind.len_utf8();
        let meant = match kind {
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => self.unicode(),
            other => other,
        };
        Some((start, meant))
    }
}

impl Chars<'_> {
    /// Four hexadecimal digits, or eight for a pair.
    fn unicode(&mut self) -> char {
        let high = self.hex(self.at);
        self.at += 4;
        if let Some(high @ 0xD800..=0xDBFF) = high
            && self.raw.get(self.at..self.at + 2) == Some("\\u")
            && let Some(low @ 0xDC00..=0xDFFF) = self.hex(self.at + 2)
        {
            self.at += 6;
            let code = 0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00);
            return char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
        }
        high.and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER)
    }

    fn hex(&self, at: usize) -> Option<u32> {
        u32::from_str_radix(self.raw.get(at..at + 4)?, 16).ok()
    }
}
