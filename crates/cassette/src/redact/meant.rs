//! What a text means behind the escapes of JSON, and where that is written: a value that stands
//! beside an escape would else be taken for the rest of a word that the escape's letter begins.

use std::ops::Range;

/// A text with its escapes read (RFC 8259, section 7); what is none stays as it is.
pub(super) struct Meant {
    text: String,
    escapes: Vec<Escape>,
}

struct Escape {
    /// Its bytes in the text as written.
    written: Range<usize>,
    /// Where the text as meant goes on behind it.
    goes_on: usize,
}

impl Meant {
    /// What a text means; `None` where it has no escapes.
    pub(super) fn of(written: &str) -> Option<Self> {
        let mut meant = Self { text: String::new(), escapes: Vec::new() };
        let (mut at, mut done) = (0, 0);
        while let Some(next) = written.get(at..).and_then(|rest| rest.find('\\')) {
            let begins = at + next;
            let Some((letter, length)) = written.get(begins..).and_then(read) else {
                at = begins + 1;
                continue;
            };
            meant.text.push_str(written.get(done..begins).unwrap_or_default());
            meant.text.push(letter);
            at = begins + length;
            done = at;
            meant.escapes.push(Escape { written: begins..at, goes_on: meant.text.len() });
        }
        meant.text.push_str(written.get(done..).unwrap_or_default());
        (!meant.escapes.is_empty()).then_some(meant)
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Where a range of the text as meant is written.
    pub(super) fn written(&self, range: Range<usize>) -> Range<usize> {
        self.place(range.start)..self.place(range.end)
    }

    fn place(&self, at: usize) -> usize {
        let before = self.escapes.partition_point(|escape| escape.goes_on <= at);
        match before.checked_sub(1).and_then(|last| self.escapes.get(last)) {
            Some(last) => last.written.end + (at - last.goes_on),
            None => at,
        }
    }

    /// A range of the text as written, widened so that it cuts no escape in two.
    pub(super) fn around(&self, range: Range<usize>) -> Range<usize> {
        let cut = |at: usize| {
            let next = self.escapes.partition_point(|escape| escape.written.end <= at);
            let escape = self.escapes.get(next).map(|escape| &escape.written);
            escape.filter(|written| written.start < at)
        };
        let start = cut(range.start).map_or(range.start, |escape| escape.start);
        let end = cut(range.end).map_or(range.end, |escape| escape.end);
        start..end
    }
}

/// The letter that an escape at the start of a text stands for, and how long the escape is. Half of
/// a surrogate pair is the replacement character.
fn read(text: &str) -> Option<(char, usize)> {
    let letter = match text.as_bytes().get(1)? {
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        kind @ (b'"' | b'\\' | b'/') => char::from(*kind),
        b'u' => return unicode(text),
        _ => return None,
    };
    Some((letter, 2))
}

fn unicode(text: &str) -> Option<(char, usize)> {
    let high = unit(text)?;
    if (0xD800..=0xDBFF).contains(&high)
        && let Some(low @ 0xDC00..=0xDFFF) = text.get(6..).and_then(unit)
    {
        let code = 0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00);
        return char::from_u32(code).map(|letter| (letter, 12));
    }
    Some((char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER), 6))
}

/// The four hexadecimal digits of an escape.
fn unit(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    let all = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    all.then(|| u32::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_escape_stays_and_a_cut_one_is_widened() {
        assert!(Meant::of(r"C:\x and \u12 and \").is_none());
        let meant = Meant::of(r"\q\na\ud83d\ude00\ud83d").unwrap();
        assert_eq!(meant.text(), "\\q\na\u{1F600}\u{FFFD}");
        assert_eq!(
            (meant.around(3..5), meant.around(2..4), meant.around(4..9)),
            (2..5, 2..4, 4..17)
        );
    }

    proptest! {
        #[test]
        fn a_string_reads_as_it_is_meant_and_each_letter_has_its_place(said in "[ -~\\n\\t\\r\u{8}é😀\u{0}]{0,24}") {
            let json = serde_json::to_string(&said).unwrap();
            let written = &json[1..json.len() - 1];
            let Some(meant) = Meant::of(written) else {
                prop_assert_eq!(written, said);
                return Ok(());
            };
            prop_assert_eq!(meant.text(), &said);
            for (at, letter) in said.char_indices() {
                let range = meant.written(at..at + letter.len_utf8());
                let there = format!("\"{}\"", &written[range.clone()]);
                prop_assert_eq!(serde_json::from_str::<String>(&there).unwrap(), letter.to_string());
                prop_assert_eq!(meant.around(range.clone()), range);
            }
        }
    }
}
