//! AWS event streams (`application/vnd.amazon.eventstream`): length-prefixed binary messages,
//! each guarded by two CRC-32 sums, become frames. Layout as the Amazon Transcribe and Smithy
//! documents describe it: total length, headers length, CRC of these eight bytes, headers,
//! payload, CRC of everything before it; all integers big-endian.
//!
//! A sum that does not match means bytes were lost: everything behind it is unreadable, so it
//! ends the stream.

use crate::error::DecodeError;
use crate::sse::MAX_EVENT_BYTES;
use crate::wire::Frame;

/// Lengths and their sum.
const PRELUDE: usize = 12;
/// The prelude and the sum of the whole message.
const SMALLEST: usize = PRELUDE + 4;

/// Cuts a byte stream into messages.
#[derive(Debug, Default)]
pub struct Parser {
    held: Vec<u8>,
}

impl Parser {
    /// A parser.
    pub const fn new() -> Self {
        Self { held: Vec::new() }
    }

    /// Takes the next bytes and hands over every message that they complete: the data are its
    /// payload, the event is its `:event-type`, or its `:exception-type` or `:error-code`.
    /// After an error the stream is lost.
    pub fn push(
        &mut self,
        bytes: &[u8],
        emit: &mut dyn FnMut(Frame<'_>),
    ) -> Result<(), DecodeError> {
        self.held.extend_from_slice(bytes);
        let mut at = 0;
        while let Some(message) = next(self.held.get(at..).unwrap_or_default())? {
            at += message.len();
            let headers = read(message)?;
            emit(headers);
        }
        self.held.drain(..at);
        Ok(())
    }

    /// The body is over. Half a message is a broken stream.
    pub fn finish(&mut self) -> Result<(), DecodeError> {
        if std::mem::take(&mut self.held).is_empty() { Ok(()) } else { Err(DecodeError::Truncated) }
    }
}

fn malformed(detail: &str) -> DecodeError {
    DecodeError::Malformed { detail: format!("event stream: {detail}") }
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|four| u32::from_be_bytes(*four))
}

/// The first message of `bytes`, when all of it is there and its sums are right.
fn next(bytes: &[u8]) -> Result<Option<&[u8]>, DecodeError> {
    let (Some(total), Some(sum)) = (number(bytes, 0), number(bytes, 8)) else { return Ok(None) };
    if crc32fast::hash(bytes.get(..8).unwrap_or_default()) != sum {
        return Err(malformed("the checksum of a message's lengths is wrong"));
    }
    let total = total as usize;
    if total > MAX_EVENT_BYTES {
        return Err(DecodeError::EventTooLarge { limit: MAX_EVENT_BYTES });
    }
    if total < SMALLEST {
        return Err(malformed("a message is shorter than its frame"));
    }
    let Some(message) = bytes.get(..total) else { return Ok(None) };
    let body = total - 4;
    if number(message, body) != Some(crc32fast::hash(message.get(..body).unwrap_or_default())) {
        return Err(malformed("the checksum of a message is wrong"));
    }
    Ok(Some(message))
}

fn read(message: &[u8]) -> Result<Frame<'_>, DecodeError> {
    let end = message.len() - 4;
    let headers = number(message, 4).unwrap_or_default() as usize;
    let split = PRELUDE + headers;
    let (Some(mut headers), Some(data)) = (message.get(PRELUDE..split), message.get(split..end))
    else {
        return Err(malformed("the headers are longer than their message"));
    };
    let mut event = None;
    while !headers.is_empty() {
        let read = header(headers).ok_or_else(|| malformed("a header cannot be read"))?;
        let (name, value, rest) = read;
        headers = rest;
        if matches!(name, b":event-type" | b":exception-type" | b":error-code") {
            event = value.and_then(|value| std::str::from_utf8(value).ok());
        }
    }
    Ok(Frame { event, data })
}

type Header<'a> = (&'a [u8], Option<&'a [u8]>, &'a [u8]);

/// The first header: its name, its value when that is a string, and the rest.
fn header(bytes: &[u8]) -> Option<Header<'_>> {
    let (length, rest) = bytes.split_first()?;
    let (name, rest) = rest.split_at_checked(usize::from(*length))?;
    let (kind, rest) = rest.split_first()?;
    let fixed = match kind {
        0 | 1 => 0,
        2 => 1,
        3 => 2,
        4 => 4,
        5 | 8 => 8,
        9 => 16,
        6 | 7 => {
            let (length, rest) = rest.split_first_chunk::<2>()?;
            let (value, rest) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
            return Some((name, (*kind == 7).then_some(value), rest));
        }
        _ => return None,
    };
    rest.get(fixed..).map(|rest| (name, None, rest))
}

/// A message with string headers, as a server would send it.
pub fn message(headers: &[(&str, &str)], payload: &[u8]) -> Vec<u8> {
    let mut fields = Vec::new();
    for (name, value) in headers {
        let name = name.as_bytes();
        let name = name.get(..name.len().min(255)).unwrap_or_default();
        let value = value.as_bytes();
        let value = value.get(..value.len().min(usize::from(u16::MAX))).unwrap_or_default();
        fields.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
        fields.extend_from_slice(name);
        fields.push(7);
        fields.extend_from_slice(&u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes());
        fields.extend_from_slice(value);
    }
    let length = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX).to_be_bytes();
    let mut out = Vec::with_capacity(SMALLEST + fields.len() + payload.len());
    out.extend_from_slice(&length(SMALLEST + fields.len() + payload.len()));
    out.extend_from_slice(&length(fields.len()));
    out.extend_from_slice(&crc32fast::hash(&out).to_be_bytes());
    out.extend_from_slice(&fields);
    out.extend_from_slice(payload);
    out.extend_from_slice(&crc32fast::hash(&out).to_be_bytes());
    out
}

#[cfg(test)]
mod tests;
