//! Values that nobody reads, taken out of what others say, however these spell them: as they are,
//! with the escapes of JSON (RFC 8259, 7; also JSON within JSON), percent-encoded (RFC 3986, 2.1, and
//! with `+` for a space), or in base64 of either alphabet (RFC 4648) at any place of what it encodes.
//!
//! A text is read in every such way, each byte of a reading with the place it stands for, and where
//! a value is found in one, those places are replaced. Where a text was cut off, what is left there
//! of a value goes as well.

use std::ops::Range;

use largestack_ports::vault::Sensitive;

mod reading;

use reading::Reading;

/// What stands in place of a value.
const REDACTED: &[u8] = b"[redacted]";
/// The most bytes of an escape that was cut at its beginning: `\ud83d\ude00` without the first.
const LONGEST_REST: usize = 11;
/// Bytes of a value at a cut that are told from chance, behind such a rest and in base64, as which
/// any word can be read.
const TELLING: usize = 3;

/// Where a text was cut off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cut {
    /// Something stood before it.
    pub(crate) before: bool,
    /// Something stood after it.
    pub(crate) after: bool,
}

/// Values to take out.
pub(crate) struct Withheld<'s>(Vec<&'s [u8]>);

impl<'s> Withheld<'s> {
    /// These; an empty one stands nowhere.
    pub(crate) fn new(values: impl Iterator<Item = &'s Sensitive>) -> Self {
        Self::of(values.map(Sensitive::expose))
    }

    /// The same of texts.
    pub(crate) fn of(values: impl Iterator<Item = &'s str>) -> Self {
        Self(values.map(str::as_bytes).filter(|value| !value.is_empty()).collect())
    }

    /// A text without them, as far as it can be read: without control characters but ends of lines
    /// and tabs. Looked at before and after these are gone, so that none hides in between.
    pub(crate) fn readable(&self, text: &[u8], cut: Cut) -> String {
        if self.0.is_empty() {
            return readable(text);
        }
        let taken_out = self.taken_out(text, cut);
        let text = readable(&taken_out);
        if text.as_bytes() == taken_out {
            return text;
        }
        String::from_utf8_lossy(&self.taken_out(text.as_bytes(), cut)).into_owned()
    }

    fn taken_out(&self, text: &[u8], cut: Cut) -> Vec<u8> {
        let mut found = Vec::new();
        let spaces = self.0.iter().any(|value| value.contains(&b' '));
        reading::each(text, spaces, |reading| {
            for value in &self.0 {
                look(reading, value, cut, &mut found);
            }
        });
        replaced(text, found)
    }
}

/// Where a value stands in a reading, or what is left of it at an end that was cut.
fn look(reading: &Reading, value: &[u8], cut: Cut, found: &mut Vec<Range<usize>>) {
    let bytes = &reading.bytes;
    let whole = bytes.windows(value.len()).enumerate().filter(|(_, at)| *at == value);
    found.extend(whole.filter_map(|(at, _)| reading.place(at..at + value.len())));
    let least = if reading.coded { TELLING.min(value.len()) } else { 1 };
    if cut.after {
        for end in [reading.whole, bytes.len()] {
            let read = bytes.get(..end).unwrap_or_default();
            let left = (least..value.len())
                .rev()
                .find(|left| value.get(..*left).is_some_and(|beginning| read.ends_with(beginning)));
            let begun = left.and_then(|left| reading.place(end - left..end));
            found.extend(begun.map(|place| place.start..reading.end));
        }
    }
    if cut.before {
        let rests = if reading.escapes { 0..LONGEST_REST + 1 } else { 0..1 };
        let left = rests.filter_map(|rest| {
            let read = bytes.get(rest..)?;
            let from = (1..value.len())
                .find(|from| value.get(*from..).is_some_and(|ending| read.starts_with(ending)))?;
            let left = value.len() - from;
            (left >= if rest == 0 { least } else { TELLING })
                .then(|| reading.place(0..rest + left))?
        });
        found.extend(left.map(|place| 0..place.end));
    }
}

fn replaced(text: &[u8], mut found: Vec<Range<usize>>) -> Vec<u8> {
    found.sort_by_key(|place| (place.start, place.end));
    let (mut out, mut done) = (Vec::with_capacity(text.len()), 0);
    for (number, place) in found.into_iter().enumerate() {
        if number == 0 || place.start > done {
            out.extend_from_slice(text.get(done..place.start).unwrap_or_default());
            out.extend_from_slice(REDACTED);
        }
        done = done.max(place.end);
    }
    out.extend_from_slice(text.get(done..).unwrap_or_default());
    out
}

/// What of a stream is text: no control characters but ends of lines and tabs.
pub(crate) fn readable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}

#[cfg(test)]
mod tests;
