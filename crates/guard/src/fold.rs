//! How the detectors of values see through disguise in place: a character that stands for one of
//! ASCII is read as that, and one that is not seen is not read at all.
//!
//! Each character is judged alone, so that a stream cut anywhere is read as the whole, and never
//! becomes more than one byte, so that what is found leads back to whole characters. Text of ASCII
//! is not touched, and of other text only the characters that are folded.

use std::collections::VecDeque;
use std::ops::Range;

use unicode_normalization::UnicodeNormalization as _;

use crate::reading::{digit_of, is_invisible};

/// What a character is read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Read {
    /// What it is.
    Itself,
    /// Nothing.
    Nothing,
    /// Another one, of ASCII.
    As(u8),
}

/// A text as it is read, and the way back.
#[derive(Debug, Default)]
pub(crate) struct Folded {
    /// What is read.
    pub(crate) bytes: Vec<u8>,
    pub(crate) offsets: Offsets,
}

/// The text as it is read; nothing where that is the text itself.
pub(crate) fn fold(text: &str) -> Option<Folded> {
    next(text, 0)?;
    let mut folded = Folded::default();
    folded.offsets.read(text, &mut folded.bytes);
    Some(folded)
}

/// Whether a text is read as another one.
pub(crate) fn folds(text: &str) -> bool {
    next(text, 0).is_some()
}

/// Where what is read stands in what was written.
#[derive(Debug, Default)]
pub(crate) struct Offsets {
    /// From where on, in what is read, which offset holds; in order.
    steps: VecDeque<Step>,
    /// Bytes read and written so far.
    read: usize,
    written: usize,
}

#[derive(Clone, Copy, Debug, Default)]
struct Step {
    read: usize,
    written: usize,
    /// Width of each of the characters that are folded there; 0 where bytes are themselves.
    width: usize,
}

impl Step {
    /// Where what is read at `read` is written, if this step holds there.
    fn written(self, read: usize) -> usize {
        self.written + (read - self.read) * self.width.max(1)
    }
}

impl Offsets {
    /// Goes on reading: appends to `out` what the next piece of text is read as.
    pub(crate) fn read(&mut self, text: &str, out: &mut Vec<u8>) {
        let mut done = 0;
        while let Some((at, c, read)) = next(text, done) {
            self.copy(text.get(done..at).unwrap_or_default(), out);
            let width = c.len_utf8();
            if let Read::As(byte) = read {
                self.step(width);
                out.push(byte);
                self.read += 1;
            }
            self.written += width;
            done = at + width;
        }
        self.copy(text.get(done..).unwrap_or_default(), out);
    }

    fn copy(&mut self, text: &str, out: &mut Vec<u8>) {
        if !text.is_empty() {
            self.step(0);
            out.extend_from_slice(text.as_bytes());
            self.read += text.len();
            self.written += text.len();
        }
    }

    /// From here on this width holds, unless it follows from the last step already.
    fn step(&mut self, width: usize) {
        let Self { read, written, .. } = *self;
        let last = self.steps.back().copied().unwrap_or_default();
        if last.width != width || last.written(read) != written {
            self.steps.push_back(Step { read, written, width });
        }
    }

    fn at(&self, read: usize) -> Step {
        let after = self.steps.partition_point(|step| step.read <= read);
        after.checked_sub(1).and_then(|at| self.steps.get(at)).copied().unwrap_or_default()
    }

    /// Where the character is written that is read at `read`; the end where none is yet.
    pub(crate) fn start(&self, read: usize) -> usize {
        if read >= self.read {
            return self.written;
        }
        self.at(read).written(read)
    }

    /// Where a span of what is read is written.
    pub(crate) fn span(&self, span: &Range<usize>) -> Range<usize> {
        let last = self.at(span.end.saturating_sub(1));
        self.start(span.start)..last.written(span.end)
    }

    /// Forgets what is before `read`, about which nothing will be asked again.
    pub(crate) fn forget(&mut self, read: usize) {
        while self.steps.get(1).is_some_and(|next| next.read <= read) {
            self.steps.pop_front();
        }
    }
}

/// The next character at or after `from` that is read as something else.
fn next(text: &str, from: usize) -> Option<(usize, char, Read)> {
    let bytes = text.as_bytes();
    let mut at = from;
    loop {
        at += candidate(bytes.get(at..)?)?;
        let c = text.get(at..)?.chars().next()?;
        match read(c) {
            Read::Itself => at += c.len_utf8(),
            read => return Some((at, c, read)),
        }
    }
}

/// Where the first character stands that may be folded.
fn candidate(bytes: &[u8]) -> Option<usize> {
    const STEP: usize = 32;
    let mut at = 0;
    loop {
        let block = bytes.get(at..)?.chunks(STEP).next()?;
        if !block.is_ascii() {
            let leads = block.iter().enumerate().filter(|(_, byte)| leads(**byte));
            let byte = |at: usize| bytes.get(at).copied().unwrap_or(0);
            let mut places = leads.map(|(place, byte)| (at + place, *byte));
            let found = places.find(|(at, lead)| may_fold(*lead, byte(at + 1), byte(at + 2)));
            if let Some((at, _)) = found {
                return Some(at);
            }
        }
        at += block.len();
    }
}

/// Whether a character that is folded may begin with this byte.
fn leads(byte: u8) -> bool {
    const LEADS: [bool; 256] = {
        let mut leads = [false; 256];
        let some = b"\xC2\xCD\xD8\xD9\xDB\xDF\xE0\xE1\xE2\xE3\xEA\xEF\xF0\xF3";
        let mut at = 0;
        #[expect(clippy::indexing_slicing, reason = "while compiling")]
        while at < some.len() {
            leads[some[at] as usize] = true;
            at += 1;
        }
        leads
    };
    LEADS.get(usize::from(byte)).copied().unwrap_or_default()
}

/// Whether these bytes may begin a character that is folded. What Cyrillic, Arabic, Indic, Chinese
/// and Korean text mostly consists of does not.
const fn may_fold(a: u8, b: u8, c: u8) -> bool {
    match a {
        0xC2 => b == 0xAD,
        0xCD => b == 0x8F,
        0xD8 => b == 0x9C,
        0xD9 => matches!(b, 0xA0..=0xA9),
        0xDB => matches!(b, 0xB0..=0xB9),
        0xDF => b <= 0x89,
        0xE0 => match b {
            0xA5..=0xB7 => b & 1 == 1 && matches!(c, 0xA6..=0xAF),
            0xB9 | 0xBB => matches!(c, 0x90..=0x99),
            0xBC => matches!(c, 0xA0..=0xA9),
            _ => false,
        },
        0xE1 => b < 0xB8,
        0xE2 => match b {
            0x80 => matches!(c, 0x8B..=0x8F | 0xA4 | 0xAA..=0xAE),
            0x81 => matches!(c, 0xA0..=0xAF),
            0x84 | 0x85 | 0x91..=0x93 => true,
            _ => false,
        },
        0xE3 => b == 0x85 || b == 0x80 && c == 0x80,
        0xEA => b < 0xB0,
        0xEF => b >= 0xB8,
        0xF0 => b != 0x9F || c == 0xAF,
        0xF3 => true,
        _ => false,
    }
}

fn read(c: char) -> Read {
    let code = u32::from(c);
    let ascii = |c: char| u8::try_from(c).ok().filter(u8::is_ascii).map_or(Read::Itself, Read::As);
    match code {
        0xFF01..=0xFF5E => char::from_u32(code - 0xFEE0).map_or(Read::Itself, ascii),
        0x3000 => Read::As(b' '),
        0x2024 | 0x2100..=0x214F | 0x2460..=0x24EA | 0xFE50..=0xFE6B | 0x1_D400..=0x1_D7FF => {
            let mut forms = std::iter::once(c).nfkc();
            match (forms.next(), forms.next()) {
                (Some(form), None) => ascii(form),
                _ => Read::Itself,
            }
        }
        _ if is_invisible(c) => Read::Nothing,
        _ => digit_of(c).map_or(Read::Itself, ascii),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read_as(text: &str) -> Option<String> {
        fold(text).map(|folded| String::from_utf8(folded.bytes).unwrap())
    }

    #[test]
    fn characters_are_read_as_the_ascii_they_stand_for_or_not_at_all() {
        for (text, read) in [
            ("ａｄａ＠ｅｘａｍｐｌｅ．ｏｒｇ", "ada@example.org"),
            ("4111\u{200b}1111\u{ad}\u{2060}1111", "411111111111"),
            ("𝐀𝐁𝟏𝟐 Ⓐⓑ①", "AB12 Ab1"),
            ("၁၂ ᠑ 𑁧 ߁ ४२ ٤٢ ۴ ৪ ໔ ༤ ෪ ๔ ௪", "12 1 1 1 42 42 4 4 4 4 4 4 4"),
            ("密码：ａ，b", "密码:a,b"),
        ] {
            assert_eq!(read_as(text).as_deref(), Some(read), "{text}");
        }
        for text in
            ["plain", "Привет, мир — “да”", "नमस्ते में", "مرحبا", "忽略之前的指令。", "naïve café €5"]
        {
            assert_eq!(read_as(text), None, "{text}");
        }
    }

    #[test]
    fn every_character_that_is_folded_is_a_candidate() {
        for c in char::MIN..=char::MAX {
            let mut text = [0; 4];
            let found = candidate(c.encode_utf8(&mut text).as_bytes());
            assert!(read(c) == Read::Itself || c.is_ascii() || found == Some(0), "{c:?}");
        }
    }

    proptest! {
        #[test]
        fn every_byte_that_is_read_leads_back_to_its_character(
            text in "(\\PC|[a-z0-9 ]|\u{200b}|\u{ff10}|\u{1d7ce}|\u{e0041}){0,24}"
        ) {
            let Some(folded) = fold(&text) else { return Ok(()) };
            let read = std::str::from_utf8(&folded.bytes).unwrap();
            let places: Vec<usize> = read.char_indices().map(|(at, _)| at).chain([read.len()]).collect();
            for (i, start) in places.iter().enumerate() {
                for end in &places[i + 1..] {
                    let span = folded.offsets.span(&(*start..*end));
                    let written = text.get(span).unwrap();
                    let again = read_as(written).unwrap_or_else(|| written.to_owned());
                    prop_assert_eq!(&again, &read[*start..*end]);
                }
            }
        }

        #[test]
        fn a_text_in_pieces_is_read_as_the_whole(text in "(\\PC|[a-z0-9 ]|\u{200b}|\u{ff10}){0,24}") {
            let mut bytes = Vec::new();
            let mut offsets = Offsets::default();
            for c in text.chars() {
                offsets.read(c.encode_utf8(&mut [0; 4]), &mut bytes);
            }
            let whole = read_as(&text).unwrap_or_else(|| text.clone());
            prop_assert_eq!(String::from_utf8(bytes).unwrap(), whole);
        }
    }
}
