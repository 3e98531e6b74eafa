//! The body of a token: an alphabet, a length, and a check.

use super::checksum;
use crate::view::{BARRIER, View, goes_on, is_word};

/// The characters of a body.
#[derive(Clone, Copy)]
pub(super) enum Alphabet {
    /// `0-9a-f`
    Hex,
    /// `A-Z2-7`
    Base32,
    /// `A-Za-z0-9`
    Alnum,
    /// `A-Za-z0-9_`
    Word,
    /// `A-Za-z0-9_-`
    Url,
    /// `A-Za-z0-9_.-`
    Dotted,
    /// `A-Za-z0-9+/=`
    Base64,
    /// `A-Za-z0-9%` (base64 inside a query)
    Percent,
    /// `0-9`
    Digits,
}

impl Alphabet {
    const fn name(self) -> &'static str {
        match self {
            Self::Hex => "0-9a-f",
            Self::Base32 => "A-Z2-7",
            Self::Alnum => "A-Za-z0-9",
            Self::Word => "A-Za-z0-9_",
            Self::Url => "A-Za-z0-9_-",
            Self::Dotted => "A-Za-z0-9_.-",
            Self::Base64 => "base64",
            Self::Percent => "base64 as in a query",
            Self::Digits => "0-9",
        }
    }

    pub(super) const fn has(self, byte: u8) -> bool {
        match self {
            Self::Hex => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
            Self::Base32 => matches!(byte, b'A'..=b'Z' | b'2'..=b'7'),
            Self::Alnum => byte.is_ascii_alphanumeric(),
            Self::Word => is_word(byte),
            Self::Url => is_word(byte) || byte == b'-',
            Self::Dotted => is_word(byte) || matches!(byte, b'-' | b'.'),
            Self::Base64 => byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='),
            Self::Percent => byte.is_ascii_alphanumeric() || byte == b'%',
            Self::Digits => byte.is_ascii_digit(),
        }
    }
}

/// What is checked about a body of the right shape.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Check {
    /// That it does not repeat a few characters, as the examples of manuals do.
    Varied,
    /// As `Varied`; the last six characters are a checksum, which raises the score.
    Crc32,
    /// Nothing.
    Nothing,
}

/// A body: alphabet, fewest and most characters, check.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    pub(super) alphabet: Alphabet,
    pub(super) least: usize,
    pub(super) most: usize,
    pub(super) check: Check,
}

impl Shape {
    /// The same as a regular expression.
    pub(super) fn expression(self) -> String {
        let class = match self.alphabet {
            Alphabet::Base64 => "A-Za-z0-9+/=",
            Alphabet::Percent => "A-Za-z0-9%",
            other => other.name(),
        };
        format!("[{class}]{{{},{}}}", self.least, self.most)
    }

    /// How it tells, in words.
    pub(super) fn about(self) -> String {
        let Self { alphabet, least, most, check } = self;
        let length = if least == most { least.to_string() } else { format!("{least} to {most}") };
        let check = match check {
            Check::Crc32 => ", the last six a CRC-32",
            Check::Varied => " that vary as random ones do",
            Check::Nothing => "",
        };
        format!("{length} characters of {}{check}", alphabet.name())
    }

    /// Reads a body at `at`: the byte after it, and whether a checksum was right.
    pub(super) fn read(self, view: &View<'_>, at: usize) -> Option<(usize, bool)> {
        let end = self.run(view, at)?;
        let after = view.get(end);
        let fixed = self.least == self.most;
        let cut = end == at + self.most && !fixed;
        if is_word(view.back(end, 1)) && goes_on(after) && !cut {
            return None;
        }
        let body = view.slice(at, end);
        view.spend(body.len().min(VARIED));
        match self.check {
            Check::Nothing => Some((end, false)),
            _ if !is_varied(body) || is_slug(body) || body.ends_with(b"EXAMPLE") => None,
            Check::Varied => Some((end, false)),
            Check::Crc32 => Some((end, checksum::is_signed(body))),
        }
    }

    /// The end of a run of the alphabet, at most [`Shape::most`] long.
    fn run(self, view: &View<'_>, at: usize) -> Option<usize> {
        let mut end = view.run(self.alphabet as usize, at, self.most, |byte, at| {
            // Five dashes open or close a key block, they are no part of a token.
            self.alphabet.has(byte) && !(byte == b'-' && view.starts_with(at, b"-----"))
        });
        if self.least == self.most {
            return (end == at + self.most).then_some(end);
        }
        // What a placeholder goes on with is not known whole.
        if end < at + self.least || view.get(end) == BARRIER {
            return None;
        }
        // Punctuation after a token belongs to the sentence.
        while end > at && matches!(view.get(end - 1), b'-' | b'_' | b'.') {
            end -= 1;
        }
        (end >= at + self.least).then_some(end)
    }
}

/// Reads several bodies joined by one byte: the byte after the last.
pub(super) fn read_parts(view: &View<'_>, at: usize, joint: u8, parts: &[Shape]) -> Option<usize> {
    let mut end = at;
    for (i, part) in parts.iter().enumerate() {
        if i > 0 {
            if view.get(end) != joint {
                return None;
            }
            end += 1;
        }
        end = part.read(view, end)?.0;
    }
    Some(end)
}

/// Whether a body is words in small letters, as the end of a page's address has them:
/// `reference-for-users-of-2025`. Of what is drawn at random, few parts between dashes are letters
/// only, and none is without capitals but an identifier in hexadecimal.
fn is_slug(body: &[u8]) -> bool {
    let body = body.get(..VARIED).unwrap_or(body);
    if body.iter().any(u8::is_ascii_uppercase) {
        return false;
    }
    let parts = || body.split(|byte| matches!(byte, b'-' | b'_')).filter(|part| !part.is_empty());
    let words = parts().filter(|part| part.iter().all(u8::is_ascii_lowercase)).count();
    let count = parts().count();
    count > 2 && words * 2 > count
}

/// How much of a body is looked at for variety, bytes.
const VARIED: usize = 64;

/// Whether a text has enough different characters to have been drawn at random: a quarter of its
/// length, at least 5 and at most 10.
fn is_varied(body: &[u8]) -> bool {
    let mut seen = [false; 256];
    let mut distinct = 0;
    let body = body.get(..VARIED).unwrap_or(body);
    for byte in body {
        if let Some(seen) = seen.get_mut(usize::from(*byte))
            && !*seen
        {
            *seen = true;
            distinct += 1;
        }
    }
    distinct >= (body.len() / 4).clamp(5, 10)
}
