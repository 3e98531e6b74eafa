//! The ways to read a text, each byte with the place in the text that it stands for.

use std::ops::Range;

/// A text as somebody may read it.
pub(super) struct Reading {
    pub(super) bytes: Vec<u8>,
    /// The place of each byte: from where, to before where.
    places: Vec<(u32, u32)>,
    /// The bytes before an escape that the end of the text has cut off; all where none was.
    pub(super) whole: usize,
    /// Whether escapes have been read.
    pub(super) escapes: bool,
    /// Whether it is read as base64.
    pub(super) coded: bool,
    /// Where the text ends.
    pub(super) end: usize,
}

/// Shows every reading of a text, one after the other: a large text is not held in all of them at
/// once. `spaces`: whether `+` may be a space.
pub(super) fn each(text: &[u8], spaces: bool, mut show: impl FnMut(&Reading)) {
    let mut nested = Some(Reading::plain(text));
    for depth in 0..3 {
        let Some(reading) = nested.take() else { return };
        reading.with_codes(&mut show);
        for percent in [Some(percent as Escape), spaces.then_some(form as Escape)] {
            let read = percent.and_then(|percent| reading.percent(percent));
            if let Some(read) = read {
                read.with_codes(&mut show);
            }
        }
        // JSON, and JSON within JSON.
        nested = if depth < 2 { reading.json() } else { None };
    }
}

/// Reads what begins a text.
type Escape = fn(&[u8]) -> Step;

/// A place of a text, of which there are no longer ones than this counts.
fn at(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

impl Reading {
    fn plain(text: &[u8]) -> Self {
        let places = (0..text.len()).map(|byte| (at(byte), at(byte + 1))).collect();
        let (bytes, whole) = (text.to_vec(), text.len());
        Self { bytes, places, whole, escapes: false, coded: false, end: text.len() }
    }

    /// Where a part of it stands in the text.
    pub(super) fn place(&self, part: Range<usize>) -> Option<Range<usize>> {
        let last = part.end.checked_sub(1)?;
        let ((start, _), (_, end)) = (self.places.get(part.start)?, self.places.get(last)?);
        Some(*start as usize..*end as usize)
    }

    fn empty(&self) -> Self {
        let capacity = self.bytes.len();
        Self {
            bytes: Vec::with_capacity(capacity),
            places: Vec::with_capacity(capacity),
            whole: usize::MAX,
            escapes: true,
            coded: false,
            end: self.end,
        }
    }

    /// Adds what a part of another reading stands for.
    fn add(&mut self, from: &Self, part: Range<usize>, bytes: &[u8]) {
        // Nothing after what was cut off stands for anything.
        if part.end > from.whole {
            self.whole = self.whole.min(self.bytes.len());
        }
        let Some(place) = from.place(part) else { return };
        self.bytes.extend_from_slice(bytes);
        let place = (at(place.start), at(place.end));
        self.places.extend(std::iter::repeat_n(place, bytes.len()));
    }

    fn done(mut self) -> Self {
        self.whole = self.whole.min(self.bytes.len());
        self
    }

    /// With the escapes of a JSON string undone; `None` where there is none.
    fn json(&self) -> Option<Self> {
        self.bytes.contains(&b'\\').then(|| self.unescaped(escape))
    }

    /// Percent-encoding undone, or that of forms; `None` where there is none.
    fn percent(&self, escape: Escape) -> Option<Self> {
        let some = self.bytes.iter().any(|byte| matches!(byte, b'%' | b'+'));
        some.then(|| self.unescaped(escape))
    }

    /// Shows it, and what its words are as base64.
    fn with_codes(&self, show: &mut impl FnMut(&Self)) {
        show(self);
        (0..4).for_each(|phase| show(&self.base64(phase)));
    }

    fn unescaped(&self, escape: Escape) -> Self {
        let (mut out, mut at) = (self.empty(), 0);
        while let Some(rest) = self.bytes.get(at..).filter(|rest| !rest.is_empty()) {
            match escape(rest) {
                Step::Char(c, length) => {
                    out.add(self, at..at + length, c.encode_utf8(&mut [0; 4]).as_bytes());
                    at += length;
                }
                Step::Byte(byte, length) => {
                    out.add(self, at..at + length, &[byte]);
                    at += length;
                }
                step => {
                    if matches!(step, Step::CutOff) {
                        out.whole = out.whole.min(out.bytes.len());
                    }
                    out.add(self, at..at + 1, rest.get(..1).unwrap_or_default());
                    at += 1;
                }
            }
        }
        out.done()
    }

    /// As base64 whose groups begin this many characters into each run of its alphabets. Ends of
    /// lines are no part of a run and do not end it.
    fn base64(&self, phase: u8) -> Self {
        let mut out = Self { coded: true, ..self.empty() };
        let (mut skip, mut bits, mut held, mut from) = (phase, 0_u32, 0_u32, 0);
        for (at, byte) in self.bytes.iter().enumerate() {
            if matches!(byte, b'\n' | b'\r') {
                continue;
            }
            let Some(six) = sextet(*byte) else {
                (skip, bits, held) = (phase, 0, 0);
                continue;
            };
            if skip > 0 {
                skip -= 1;
                continue;
            }
            if held == 0 {
                from = at;
            }
            bits = (bits << 6) | u32::from(six);
            held += 6;
            if held >= 8 {
                held -= 8;
                let [.., byte] = (bits >> held).to_be_bytes();
                out.add(self, from..at + 1, &[byte]);
                bits &= (1 << held) - 1;
                from = at;
            }
        }
        out.done()
    }
}

/// What begins a text.
enum Step {
    /// This character, of so many bytes.
    Char(char, usize),
    /// This byte, of so many bytes.
    Byte(u8, usize),
    /// An escape that the end of the text has cut off.
    CutOff,
    /// Itself.
    Plain,
}

/// An escape of a JSON string.
fn escape(text: &[u8]) -> Step {
    let [b'\\', rest @ ..] = text else { return Step::Plain };
    let byte = match rest.first() {
        None => return Step::CutOff,
        Some(b'u') => return unicode(text),
        Some(byte @ (b'"' | b'\\' | b'/')) => *byte,
        Some(b'b') => 8,
        Some(b'f') => 12,
        Some(b'n') => b'\n',
        Some(b'r') => b'\r',
        Some(b't') => b'\t',
        Some(_) => return Step::Plain,
    };
    Step::Byte(byte, 2)
}

/// `\uXXXX`, or two of them for a character beyond the first 65,536.
fn unicode(text: &[u8]) -> Step {
    let Some(unit) = unit(text) else { return cut_off(text, 6) };
    if let Some(c) = char::from_u32(unit) {
        return Step::Char(c, 6);
    }
    let rest = text.get(6..).unwrap_or_default();
    let low = self::unit(rest).filter(|low| (0xdc00..0xe000).contains(low));
    match low.filter(|_| unit < 0xdc00) {
        Some(low) => {
            let c = 0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
            char::from_u32(c).map_or(Step::Plain, |c| Step::Char(c, 12))
        }
        None if rest.len() < 6 && (rest.is_empty() || rest.starts_with(b"\\")) => Step::CutOff,
        None => Step::Plain,
    }
}

fn cut_off(text: &[u8], whole: usize) -> Step {
    let digits = text.get(2..).unwrap_or_default();
    if text.len() < whole && digits.iter().all(u8::is_ascii_hexdigit) {
        return Step::CutOff;
    }
    Step::Plain
}

fn unit(text: &[u8]) -> Option<u32> {
    let [b'\\', b'u', digits @ ..] = text else { return None };
    digits.get(..4)?.iter().try_fold(0, |unit, digit| Some(unit << 4 | hex(*digit)?))
}

fn hex(digit: u8) -> Option<u32> {
    char::from(digit).to_digit(16)
}

fn percent(text: &[u8]) -> Step {
    match text {
        [b'%', high, low, ..] => match (hex(*high), hex(*low)) {
            (Some(high), Some(low)) => {
                u8::try_from(high << 4 | low).map_or(Step::Plain, |byte| Step::Byte(byte, 3))
            }
            _ => Step::Plain,
        },
        [b'%'] => Step::CutOff,
        [b'%', digit] if digit.is_ascii_hexdigit() => Step::CutOff,
        _ => Step::Plain,
    }
}

fn form(text: &[u8]) -> Step {
    match text {
        [b'+', ..] => Step::Byte(b' ', 1),
        _ => percent(text),
    }
}

fn sextet(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}
