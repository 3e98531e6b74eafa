//! Newline-delimited JSON: each line that is not blank is a frame (Ollama's native protocol).
//! Linear time, bounded memory; a last line without its end is handed over, as in `sse`.

use memchr::memchr;

use crate::error::DecodeError;
use crate::sse::MAX_EVENT_BYTES;
use crate::wire::Frame;

/// Cuts a byte stream into lines.
#[derive(Debug)]
pub struct Parser {
    limit: usize,
    held: Vec<u8>,
}

impl Default for Parser {
    fn default() -> Self {
        Self::with_limit(MAX_EVENT_BYTES)
    }
}

impl Parser {
    /// A parser with the default limit.
    pub fn new() -> Self {
        Self::default()
    }

    /// A parser that fails on a line of more than `limit` bytes.
    pub const fn with_limit(limit: usize) -> Self {
        Self { limit, held: Vec::new() }
    }

    /// Takes the next bytes and hands over every line that they complete. After an error the
    /// stream is lost.
    pub fn push(
        &mut self,
        mut bytes: &[u8],
        emit: &mut dyn FnMut(Frame<'_>),
    ) -> Result<(), DecodeError> {
        while let Some(end) = memchr(b'\n', bytes) {
            let (line, rest) = bytes.split_at_checked(end).unwrap_or((bytes, &[]));
            bytes = rest.get(1..).unwrap_or_default();
            if self.held.is_empty() {
                self.check(line.len())?;
                take(line, emit);
            } else {
                self.hold(line)?;
                take(&self.held, emit);
                self.held.clear();
            }
        }
        self.hold(bytes)
    }

    /// The body is over: hands over a line that lacks its end.
    pub fn finish(&mut self, emit: &mut dyn FnMut(Frame<'_>)) -> Result<(), DecodeError> {
        take(&std::mem::take(&mut self.held), emit);
        Ok(())
    }

    fn hold(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        self.check(self.held.len() + bytes.len())?;
        self.held.extend_from_slice(bytes);
        Ok(())
    }

    const fn check(&self, len: usize) -> Result<(), DecodeError> {
        if len > self.limit {
            return Err(DecodeError::EventTooLarge { limit: self.limit });
        }
        Ok(())
    }
}

fn take(line: &[u8], emit: &mut dyn FnMut(Frame<'_>)) {
    let line = line.trim_ascii();
    if !line.is_empty() {
        emit(Frame { event: None, data: line });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(pieces: &[&[u8]], limit: usize) -> Result<Vec<String>, DecodeError> {
        let mut parser = Parser::with_limit(limit);
        let mut seen = Vec::new();
        let mut take =
            |frame: Frame<'_>| seen.push(String::from_utf8_lossy(frame.data).into_owned());
        for piece in pieces {
            parser.push(piece, &mut take)?;
        }
        parser.finish(&mut take)?;
        Ok(seen)
    }

    #[test]
    fn lines_are_the_same_at_any_split() {
        let body = "{\"a\":1}\r\n\n{\"b\":\"\u{e9}\"}\n{\"c\":3}".as_bytes();
        let whole = lines(&[body], 100).unwrap();
        assert_eq!(whole, ["{\"a\":1}", "{\"b\":\"\u{e9}\"}", "{\"c\":3}"]);
        for at in 0..=body.len() {
            let (head, tail) = body.split_at(at);
            assert_eq!(lines(&[head, tail], 100).unwrap(), whole, "split at {at}");
        }
    }

    #[test]
    fn a_line_may_be_as_long_as_the_limit_and_no_longer() {
        assert_eq!(lines(&[b"abc\n", b"d"], 3).unwrap(), ["abc", "d"]);
        assert_eq!(lines(&[b"ab", b"c\n"], 3).unwrap(), ["abc"]);
        for pieces in [&[&b"abcd\n"[..]][..], &[b"ab", b"cd"], &[b"ab", b"cd\n"]] {
            let error = lines(pieces, 3).unwrap_err();
            assert_eq!(error, DecodeError::EventTooLarge { limit: 3 });
        }
    }
}
