//! JSON at the speed of the search for its quotes: a deserialiser over text that is known to be
//! UTF-8, for what providers write nearly always. Strings are found many bytes at a step and
//! borrowed, what nobody reads is checked and passed over, and whatever is out of the ordinary is
//! given up and read again by `serde_json`, whose values and errors are the ones that count. So
//! this reader may refuse anything, and must never read a text differently.

use std::borrow::Cow;
use std::fmt;

use largestack_types::json::RAW;
use serde::de::value::{BorrowedStrDeserializer, MapAccessDeserializer, StringDeserializer};
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::spanned::SPANNED;
use crate::escape::{first_special_bit, special_at};

/// Values that nobody reads are followed this deep.
const DEEPEST: usize = 64;

/// Reads a value from text: as `serde_json::from_str` does, with the same values and the same errors,
/// only faster where the text is as nearly everybody writes it.
pub fn from_str<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, serde_json::Error> {
    let mut reader = Reader::new(text);
    match T::deserialize(&mut reader) {
        Ok(value) if reader.is_over() => Ok(value),
        _ => serde_json::from_str(text),
    }
}

/// Something that is left to `serde_json`.
#[derive(Debug)]
pub(super) struct GaveUp;

impl fmt::Display for GaveUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an ordinary JSON text")
    }
}

impl std::error::Error for GaveUp {}

impl Error for GaveUp {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

/// A string's characters, where it stands without escapes.
enum Chars<'de> {
    Plain(&'de str),
    Escaped(String),
}

/// Reads from the left.
pub(super) struct Reader<'de> {
    text: &'de str,
    at: usize,
}

impl<'de> Reader<'de> {
    pub(super) const fn new(text: &'de str) -> Self {
        Self { text, at: 0 }
    }

    /// The next byte that is no white space, where the reader then stands.
    #[inline]
    fn peek(&mut self) -> Option<u8> {
        let first = self.byte()?;
        if first > b' ' { Some(first) } else { self.after_space() }
    }

    #[inline(never)]
    fn after_space(&mut self) -> Option<u8> {
        let rest = self.text.as_bytes().get(self.at..)?;
        let space = |byte: &&u8| matches!(**byte, b' ' | b'\t' | b'\n' | b'\r');
        let skipped = rest.iter().take_while(space).count();
        self.at += skipped;
        rest.get(skipped).copied()
    }

    fn eat(&mut self, byte: u8) -> Result<(), GaveUp> {
        if self.peek() != Some(byte) {
            return Err(GaveUp);
        }
        self.at += 1;
        Ok(())
    }

    pub(super) fn is_over(&mut self) -> bool {
        self.peek().is_none() && self.at == self.text.len()
    }

    fn word(&mut self, word: &str) -> Result<(), GaveUp> {
        let stands = self.text.get(self.at..).is_some_and(|rest| rest.starts_with(word));
        self.at += word.len();
        if stands { Ok(()) } else { Err(GaveUp) }
    }

    /// The string whose opening quote comes next; whether it holds escapes.
    #[inline]
    fn quoted(&mut self) -> Result<(&'de str, bool), GaveUp> {
        self.eat(b'"')?;
        let (text, start) = (self.text, self.at);
        let (words, _) = text.as_bytes().get(start..).unwrap_or_default().as_chunks::<8>();
        // Names and most values are short.
        for word in words.iter().take(4) {
            let special = first_special_bit(u64::from_le_bytes(*word));
            if special == 0 {
                self.at += 8;
                continue;
            }
            self.at += special.trailing_zeros() as usize / 8;
            if self.byte() != Some(b'"') {
                break;
            }
            self.at += 1;
            return text.get(start..self.at - 1).map(|inner| (inner, false)).ok_or(GaveUp);
        }
        self.rest_of_string(start)
    }

    /// A string that is longer, or holds escapes: up to here nothing special stands in it.
    #[inline(never)]
    fn rest_of_string(&mut self, start: usize) -> Result<(&'de str, bool), GaveUp> {
        let text = self.text;
        let mut escaped = false;
        loop {
            let rest = text.as_bytes().get(self.at..).unwrap_or_default();
            let found = special_at(rest).ok_or(GaveUp)?;
            self.at += found + 1;
            match rest.get(found) {
                Some(b'"') => break,
                Some(b'\\') => self.escape()?,
                _ => return Err(GaveUp),
            }
            escaped = true;
        }
        text.get(start..self.at - 1).map(|inner| (inner, escaped)).ok_or(GaveUp)
    }

    /// What follows a backslash.
    fn escape(&mut self) -> Result<(), GaveUp> {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let width = match rest.first().ok_or(GaveUp)? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => 1,
            b'u' if rest.get(1..5).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit)) => 5,
            _ => return Err(GaveUp),
        };
        self.at += width;
        Ok(())
    }

    fn string(&mut self) -> Result<Chars<'de>, GaveUp> {
        let before = self.at;
        let (inner, escaped) = self.quoted()?;
        if !escaped {
            return Ok(Chars::Plain(inner));
        }
        if let Some(text) = plainly(inner) {
            return Ok(Chars::Escaped(text));
        }
        let written = self.text.get(before..self.at).ok_or(GaveUp)?;
        serde_json::from_str(written).map(Chars::Escaped).map_err(|_| GaveUp)
    }

    /// Passes exactly these bytes.
    pub(super) fn same(&mut self, bytes: &str) -> Option<()> {
        let rest = self.text.as_bytes().get(self.at..)?;
        if !rest.starts_with(bytes.as_bytes()) {
            return None;
        }
        self.at += bytes.len();
        Some(())
    }

    /// The characters of a string, which begins right here.
    pub(super) fn words(&mut self) -> Option<Cow<'de, str>> {
        if self.byte() != Some(b'"') {
            return None;
        }
        self.string().ok().map(|chars| match chars {
            Chars::Plain(text) => Cow::Borrowed(text),
            Chars::Escaped(text) => Cow::Owned(text),
        })
    }

    /// Passes over a value.
    pub(super) fn pass(&mut self) -> Option<()> {
        self.skip(0).ok()
    }

    /// A number as it is written, and whether it is a whole one.
    fn number(&mut self) -> Result<(&'de str, bool), GaveUp> {
        let start = self.at;
        self.at += usize::from(self.byte() == Some(b'-'));
        let first = self.byte();
        let whole = self.digits()?;
        if first == Some(b'0') && whole > 1 {
            return Err(GaveUp);
        }
        let mut integer = true;
        if self.byte() == Some(b'.') {
            self.at += 1;
            integer = false;
            self.digits()?;
        }
        if matches!(self.byte(), Some(b'e' | b'E')) {
            self.at += 1;
            integer = false;
            self.at += usize::from(matches!(self.byte(), Some(b'+' | b'-')));
            self.digits()?;
        }
        self.text.get(start..self.at).map(|number| (number, integer)).ok_or(GaveUp)
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Passes at least one digit and says how many.
    fn digits(&mut self) -> Result<usize, GaveUp> {
        let start = self.at;
        while self.byte().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == start { Err(GaveUp) } else { Ok(self.at - start) }
    }

    /// Passes over a value.
    fn skip(&mut self, depth: usize) -> Result<(), GaveUp> {
        match self.peek().ok_or(GaveUp)? {
            b'"' => self.quoted().map(drop),
            b'n' => self.word("null"),
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'-' | b'0'..=b'9' => self.number().map(drop),
            _ if depth >= DEEPEST => Err(GaveUp),
            b'{' => {
                let mut members = Members::begin(self);
                while members.next(b'}')? {
                    members.reader.quoted()?;
                    members.reader.eat(b':')?;
                    members.reader.skip(depth + 1)?;
                }
                Ok(())
            }
            b'[' => {
                let mut members = Members::begin(self);
                while members.next(b']')? {
                    members.reader.skip(depth + 1)?;
                }
                Ok(())
            }
            _ => Err(GaveUp),
        }
    }

    /// A value as it is written.
    fn raw(&mut self) -> Result<&'de str, GaveUp> {
        self.peek();
        let start = self.at;
        self.skip(0)?;
        self.text.get(start..self.at).ok_or(GaveUp)
    }
}

/// What a string with escapes means, where none of them is a number.
fn plainly(written: &str) -> Option<String> {
    let mut text = String::with_capacity(written.len());
    let mut rest = written;
    while let Some((plain, behind)) = rest.split_once('\\') {
        text.push_str(plain);
        let escaped = behind.bytes().next()?;
        text.push(match escaped {
            b'"' | b'\\' | b'/' => char::from(escaped),
            b'b' => '\u{8}',
            b'f' => '\u{C}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            _ => return None,
        });
        rest = behind.get(1..)?;
    }
    text.push_str(rest);
    Some(text)
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = GaveUp;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, GaveUp> {
        match self.peek().ok_or(GaveUp)? {
            b'"' => match self.string()? {
                Chars::Plain(text) => visitor.visit_borrowed_str(text),
                Chars::Escaped(text) => visitor.visit_string(text),
            },
            b'n' => self.word("null").and_then(|()| visitor.visit_unit()),
            b't' => self.word("true").and_then(|()| visitor.visit_bool(true)),
            b'f' => self.word("false").and_then(|()| visitor.visit_bool(false)),
            b'{' => {
                let mut members = Members::begin(self);
                let value = visitor.visit_map(&mut members)?;
                members.end(b'}').map(|()| value)
            }
            b'[' => {
                let mut members = Members::begin(self);
                let value = visitor.visit_seq(&mut members)?;
                members.end(b']').map(|()| value)
            }
            _ => match self.number()? {
                (text, true) => match text.parse::<u64>() {
                    Ok(number) => visitor.visit_u64(number),
                    // Below zero, or beyond what any count is: rare.
                    Err(_) => Err(GaveUp),
                },
                (text, false) => visitor.visit_f64(serde_json::from_str(text).map_err(|_| GaveUp)?),
            },
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, GaveUp> {
        if self.peek() == Some(b'n') {
            return self.word("null").and_then(|()| visitor.visit_none());
        }
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, GaveUp> {
        if name == RAW {
            return visitor.visit_map(Raw(Some(self.raw()?)));
        }
        if name == SPANNED {
            self.peek();
            let start = self.at;
            return visitor.visit_seq(Spanning { reader: self, start, read: false });
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, GaveUp> {
        self.skip(0)?;
        visitor.visit_unit()
    }

    /// Enums have more than one form in JSON; none is read on a hot path.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, GaveUp> {
        Err(GaveUp)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        unit unit_struct seq tuple tuple_struct map struct identifier
    }
}

/// The members of an object or array that is being read.
struct Members<'r, 'de> {
    reader: &'r mut Reader<'de>,
    first: bool,
}

impl<'r, 'de> Members<'r, 'de> {
    /// Passes the opening bracket.
    fn begin(reader: &'r mut Reader<'de>) -> Self {
        reader.at += 1;
        Self { reader, first: true }
    }

    /// Goes to the next member; `false` before the closing bracket, which it leaves to [`Self::end`]
    /// unless nobody will ask for it.
    fn next(&mut self, close: u8) -> Result<bool, GaveUp> {
        let more = self.more(close)?;
        self.reader.at += usize::from(!more);
        Ok(more)
    }

    fn more(&mut self, close: u8) -> Result<bool, GaveUp> {
        let next = self.reader.peek().ok_or(GaveUp)?;
        if next == close {
            return Ok(false);
        }
        if !std::mem::take(&mut self.first) {
            self.reader.eat(b',')?;
        }
        Ok(true)
    }

    fn end(&mut self, close: u8) -> Result<(), GaveUp> {
        self.reader.eat(close)
    }
}

impl<'de> MapAccess<'de> for &mut Members<'_, 'de> {
    type Error = GaveUp;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, GaveUp> {
        if !self.more(b'}')? {
            return Ok(None);
        }
        let key = match self.reader.string()? {
            Chars::Plain(text) => seed.deserialize(BorrowedStrDeserializer::new(text)),
            Chars::Escaped(text) => seed.deserialize(StringDeserializer::new(text)),
        };
        key.map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, GaveUp> {
        self.reader.eat(b':')?;
        seed.deserialize(&mut *self.reader)
    }
}

impl<'de> SeqAccess<'de> for &mut Members<'_, 'de> {
    type Error = GaveUp;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, GaveUp> {
        if !self.more(b']')? {
            return Ok(None);
        }
        seed.deserialize(&mut *self.reader).map(Some)
    }
}

/// A value, and behind it the text that it was read from.
struct Spanning<'r, 'de> {
    reader: &'r mut Reader<'de>,
    start: usize,
    read: bool,
}

impl<'de> SeqAccess<'de> for Spanning<'_, 'de> {
    type Error = GaveUp;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, GaveUp> {
        if std::mem::replace(&mut self.read, true) {
            let text = self.reader.text.get(self.start..self.reader.at).ok_or(GaveUp)?;
            return seed.deserialize(MapAccessDeserializer::new(Raw(Some(text)))).map(Some);
        }
        seed.deserialize(&mut *self.reader).map(Some)
    }
}

/// Hands text to a `RawValue` in the way it asks for.
struct Raw<'de>(Option<&'de str>);

impl<'de> MapAccess<'de> for Raw<'de> {
    type Error = GaveUp;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, GaveUp> {
        if self.0.is_none() {
            return Ok(None);
        }
        seed.deserialize(BorrowedStrDeserializer::new(RAW)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, GaveUp> {
        seed.deserialize(BorrowedStrDeserializer::new(self.0.take().unwrap_or("null")))
    }
}

#[cfg(test)]
mod tests;
