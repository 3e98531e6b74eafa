//! Server-sent events: bytes in any split become frames. Our own because the bytes come from
//! outside: linear time, bounded memory, and no opinion on what the data mean.
//!
//! Follows the event stream interpretation of the HTML standard (section 9.2.6), except that an
//! event cut off by the end of the body is handed over instead of dropped: providers exist whose
//! last event lacks its blank line, and a decoder reports what it cannot read.

use memchr::memchr2;

use crate::error::DecodeError;
use crate::wire::Frame;

/// The most bytes a line, or the data of one event, may have: a whole image fits, an endless
/// line does not fill the memory.
pub const MAX_EVENT_BYTES: usize = 32 << 20;

/// Cuts a byte stream into server-sent events.
#[derive(Debug)]
pub struct Parser {
    limit: usize,
    /// A line whose end has not arrived.
    line: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    event: String,
    /// The last byte was a carriage return: a line feed that follows belongs to it.
    after_return: bool,
    at_start: bool,
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

    /// A parser that fails on a line, or on an event's data, of more than `limit` bytes.
    pub const fn with_limit(limit: usize) -> Self {
        Self {
            limit,
            line: Vec::new(),
            data: Vec::new(),
            has_data: false,
            event: String::new(),
            after_return: false,
            at_start: true,
        }
    }

    /// Takes the next bytes and hands over every event that they complete. After an error the
    /// stream is lost.
    pub fn push(
        &mut self,
        mut bytes: &[u8],
        emit: &mut dyn FnMut(Frame<'_>),
    ) -> Result<(), DecodeError> {
        if self.after_return && !bytes.is_empty() {
            self.after_return = false;
            bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
        }
        while let Some((line, end, rest)) = split_line(bytes) {
            bytes = rest;
            if end == b'\r' {
                match bytes.strip_prefix(b"\n") {
                    Some(rest) => bytes = rest,
                    None => self.after_return = bytes.is_empty(),
                }
            }
            if self.line.is_empty() {
                self.take_line(line, emit)?;
            } else {
                self.hold(line)?;
                let mut held = std::mem::take(&mut self.line);
                self.take_line(&held, emit)?;
                held.clear();
                self.line = held;
            }
        }
        self.hold(bytes)
    }

    /// The body is over: hands over an event that lacks its blank line.
    pub fn finish(&mut self, emit: &mut dyn FnMut(Frame<'_>)) -> Result<(), DecodeError> {
        let held = std::mem::take(&mut self.line);
        if !held.is_empty() {
            self.take_line(&held, emit)?;
        }
        self.dispatch(emit);
        Ok(())
    }

    fn hold(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        self.check(self.line.len() + bytes.len())?;
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    const fn check(&self, len: usize) -> Result<(), DecodeError> {
        if len > self.limit {
            return Err(DecodeError::EventTooLarge { limit: self.limit });
        }
        Ok(())
    }

    fn take_line(
        &mut self,
        line: &[u8],
        emit: &mut dyn FnMut(Frame<'_>),
    ) -> Result<(), DecodeError> {
        self.check(line.len())?;
        let line = if std::mem::take(&mut self.at_start) {
            line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line)
        } else {
            line
        };
        if line.is_empty() {
            self.dispatch(emit);
            return Ok(());
        }
        let colon = memchr::memchr(b':', line).unwrap_or(line.len());
        let (field, value) = line.split_at(colon);
        let value = value.strip_prefix(b":").unwrap_or(value);
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"data" => {
                if self.has_data {
                    self.data.push(b'\n');
                }
                self.has_data = true;
                self.check(self.data.len() + value.len())?;
                self.data.extend_from_slice(value);
            }
            b"event" => {
                self.event.clear();
                self.event.push_str(&String::from_utf8_lossy(value));
            }
            // Comments (an empty field name), `id`, `retry` and whatever else: not for a decoder.
            _ => {}
        }
        Ok(())
    }

    fn dispatch(&mut self, emit: &mut dyn FnMut(Frame<'_>)) {
        if self.has_data {
            let event = (!self.event.is_empty()).then_some(self.event.as_str());
            emit(Frame { event, data: &self.data });
        }
        self.has_data = false;
        self.data.clear();
        self.event.clear();
    }
}

/// The first line without its end, the byte that ended it, and the rest.
fn split_line(bytes: &[u8]) -> Option<(&[u8], u8, &[u8])> {
    let (line, rest) = bytes.split_at_checked(memchr2(b'\r', b'\n', bytes)?)?;
    let (end, rest) = rest.split_first()?;
    Some((line, *end, rest))
}

#[cfg(test)]
mod tests;
