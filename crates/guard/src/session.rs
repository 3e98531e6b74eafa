//! What a conversation remembers about the values that were taken out of it.
//!
//! The same value gets the same placeholder. Values live in memory only and leave through
//! [`Session::take_fresh`], for the token vault; a serialised session holds none.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::str::FromStr;

use largestack_types::error::{Code, Coded};
use serde::{Deserialize, Serialize};

use crate::finding::Kind;
use crate::opaque::{NONCE_MAX, NONCE_MIN, NUMBER_LIMIT, Token, is_nonce, token_at};

/// What makes a session's placeholders its own: 3 to 12 characters of `a-z0-9`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Nonce(String);

/// A nonce that is too short, too long or holds other characters than `a-z0-9`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a placeholder nonce has 3 to 12 characters of a-z0-9, this one has {length} bytes")]
pub struct BadNonce {
    /// Bytes of what was given.
    pub length: usize,
}

impl Coded for BadNonce {
    fn code(&self) -> Code {
        Code::Input
    }

    fn message(&self) -> String {
        self.to_string()
    }
}

impl Nonce {
    /// Six characters, from random bits that the caller drew.
    pub fn from_random(bits: u64) -> Self {
        const ALPHABET: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
        let digit = |place: u32| {
            let index = bits / 36_u64.pow(place) % 36;
            ALPHABET.get(usize::try_from(index).unwrap_or(0)).map_or('0', |b| char::from(*b))
        };
        Self((0..6).map(digit).collect())
    }

    /// The characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Nonce {
    type Err = BadNonce;

    fn from_str(text: &str) -> Result<Self, BadNonce> {
        let fits = (NONCE_MIN..=NONCE_MAX).contains(&text.len()) && text.bytes().all(is_nonce);
        if fits { Ok(Self(text.to_owned())) } else { Err(BadNonce { length: text.len() }) }
    }
}

impl TryFrom<String> for Nonce {
    type Error = BadNonce;

    fn try_from(text: String) -> Result<Self, BadNonce> {
        text.parse()
    }
}

impl From<Nonce> for String {
    fn from(nonce: Nonce) -> Self {
        nonce.0
    }
}

/// A value and what stands for it. [`fmt::Debug`] shows the placeholder only.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    /// What kind of value.
    pub kind: Kind,
    /// What stands for it, e.g. `<CARD_1:k7q>`.
    pub placeholder: String,
    /// The value in clear: for the token vault, nothing else.
    pub value: String,
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("placeholder", &self.placeholder).finish_non_exhaustive()
    }
}

/// The placeholders of one session.
#[derive(Clone, Serialize, Deserialize)]
pub struct Session {
    nonce: Nonce,
    /// The highest number given out, by kind.
    issued: BTreeMap<Kind, u32>,
    #[serde(skip)]
    numbers: HashMap<(Kind, Box<str>), u32>,
    #[serde(skip)]
    fresh: Vec<Entry>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("nonce", &self.nonce)
            .field("issued", &self.issued)
            .finish_non_exhaustive()
    }
}

impl Session {
    /// A session without placeholders.
    pub fn new(nonce: Nonce) -> Self {
        Self { nonce, issued: BTreeMap::new(), numbers: HashMap::new(), fresh: Vec::new() }
    }

    /// The session's nonce.
    pub fn nonce(&self) -> &Nonce {
        &self.nonce
    }

    /// The pairs that were made since the last call. They belong into the token vault before the
    /// text that holds the placeholders goes anywhere.
    pub fn take_fresh(&mut self) -> Vec<Entry> {
        std::mem::take(&mut self.fresh)
    }

    /// Gives a session that was read back a pair from the vault, so that the same value gets the
    /// same placeholder again. Anything that is no placeholder of this session is ignored.
    pub fn adopt(&mut self, placeholder: &str, value: &str) {
        if let Some((Token::Placeholder(kind, number, nonce), end)) = token_at(placeholder, 0)
            && end == placeholder.len()
            && nonce == self.nonce.0.as_bytes()
        {
            let issued = self.issued.entry(kind).or_default();
            *issued = (*issued).max(number);
            self.numbers.insert((kind, value.into()), number);
        }
    }

    /// What stands for the value; nothing when the session has no numbers left.
    pub(crate) fn placeholder(&mut self, kind: Kind, value: &str) -> Option<String> {
        let key = (kind, Box::from(value));
        if let Some(number) = self.numbers.get(&key) {
            return Some(self.written(kind, *number));
        }
        let issued = self.issued.entry(kind).or_default();
        let number = issued.checked_add(1).filter(|n| *n <= NUMBER_LIMIT)?;
        *issued = number;
        let placeholder = self.written(kind, number);
        self.numbers.insert(key, number);
        let value = value.to_owned();
        self.fresh.push(Entry { kind, placeholder: placeholder.clone(), value });
        Some(placeholder)
    }

    fn written(&self, kind: Kind, number: u32) -> String {
        format!("<{}_{number}:{}>", kind.tag(), self.nonce.0)
    }

    /// Whether this session gave the placeholder out.
    pub(crate) fn knows(&self, kind: Kind, number: u32, nonce: &[u8]) -> bool {
        nonce == self.nonce.0.as_bytes() && self.issued.get(&kind).is_some_and(|n| number <= *n)
    }
}

#[cfg(test)]
mod tests;
