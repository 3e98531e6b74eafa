//! Events that carry a signature: who crosses from one process to another says by it that the event is
//! its own, for this run, once, and not long ago.
//!
//! An envelope is JSON: `run`, `name`, `data`, `key` (the name under which the receiver knows the public
//! key), `nonce` (random, which makes it one event), `sent` (microseconds since 1970, UTC) and
//! `signature` (Ed25519, RFC 8032, in base64). What is signed is the line `largestack signal 1` and the
//! other six, each behind its length in bytes as a decimal number and a colon.

use std::collections::BTreeMap;
use std::fmt;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use largestack_ports::ids::Ids;
use largestack_ports::signals::{Sent, Signal};
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::id::RunId;
use largestack_types::json::Json;
use largestack_types::time::Timestamp;
use serde::{Deserialize, Serialize};

/// How old a signed event may be, unless somebody says otherwise.
pub const MAX_AGE: Duration = Duration::from_mins(5);
/// How far ahead the sender's clock may be.
pub const MAX_AHEAD: Duration = Duration::from_mins(1);
/// Bytes of a nonce.
const NONCE: usize = 16;

/// A key that events are signed with. Never printed but by [`SigningKey::expose`].
#[derive(Clone)]
pub struct SigningKey {
    name: Arc<str>,
    seed: [u8; 32],
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A public key, as a receiver knows it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl PublicKey {
    /// From its 32 bytes.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

/// An event for a run, signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Envelope {
    /// The run that it is for.
    pub run: RunId,
    /// The event's name.
    pub name: Arc<str>,
    /// What it brings.
    pub data: Json,
    /// The name of the key.
    pub key: Arc<str>,
    /// What makes it one event: 32 hexadecimal digits.
    pub nonce: Arc<str>,
    /// When it was signed, by the sender's clock.
    pub sent: Timestamp,
    /// The signature, in base64.
    pub signature: Arc<str>,
}

/// Whose events are taken, and how old they may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trust {
    /// Public keys by the names that envelopes call them by.
    pub keys: BTreeMap<Arc<str>, PublicKey>,
    /// How long ago an event may have been signed.
    pub max_age: Duration,
    /// Whether an event without a signature is refused.
    pub require: bool,
}

impl Default for Trust {
    /// Nobody's signature, and none is asked for.
    fn default() -> Self {
        Self { keys: BTreeMap::new(), max_age: MAX_AGE, require: false }
    }
}

impl SigningKey {
    /// A new key.
    pub fn random(name: impl Into<Arc<str>>, ids: &dyn Ids) -> Self {
        let mut seed = [0; 32];
        ids.fill(&mut seed);
        Self { name: name.into(), seed }
    }

    /// From one line, `NAME SEED`, the seed as 64 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, seed) = text.trim().split_once(' ')?;
        let seed = hex::decode(seed.trim()).ok()?.try_into().ok()?;
        let fits = !name.is_empty() && name.len() <= 64 && !name.contains(char::is_whitespace);
        fits.then(|| Self { name: name.into(), seed })
    }

    /// The line that [`SigningKey::parse`] reads. Whoever has it signs as this key.
    pub fn expose(&self) -> String {
        format!("{} {}", self.name, hex::encode(self.seed))
    }

    /// What receivers call it.
    pub const fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn pair(&self) -> Result<Ed25519KeyPair> {
        Ed25519KeyPair::from_seed_unchecked(&self.seed).map_err(|_| refused("the key is none"))
    }

    /// What receivers know it by.
    pub fn public(&self) -> Result<PublicKey> {
        let pair = self.pair()?;
        let bytes = pair.public_key().as_ref().try_into();
        bytes.map(PublicKey).map_err(|_| refused("the key is none"))
    }

    /// Signs an event for a run.
    pub fn sign(
        &self,
        (run, name, data): (RunId, Arc<str>, Json),
        now: Timestamp,
        ids: &dyn Ids,
    ) -> Result<Envelope> {
        let mut nonce = [0; NONCE];
        ids.fill(&mut nonce);
        let mut envelope = Envelope {
            run,
            name,
            data,
            key: Arc::clone(&self.name),
            nonce: hex::encode(nonce).into(),
            sent: now,
            signature: "".into(),
        };
        let signature = self.pair()?.sign(envelope.signed().as_bytes());
        envelope.signature = STANDARD.encode(signature.as_ref()).into();
        Ok(envelope)
    }
}

impl Envelope {
    /// What is signed.
    fn signed(&self) -> String {
        let mut text = "largestack signal 1\n".to_owned();
        let (run, sent) = (self.run.to_string(), self.sent.micros().to_string());
        for part in [&run, &*self.name, self.data.as_str(), &*self.key, &*self.nonce, &sent] {
            // Writing to a string cannot fail.
            let _ = write!(text, "{}:{part}", part.len());
        }
        text
    }

    /// The event, as it is kept: the nonce of a key makes it one event, whoever brings it how often.
    pub fn signal(&self) -> Signal {
        Signal {
            id: format!("signed:{}:{}", self.key, self.nonce).into(),
            name: Arc::clone(&self.name),
            data: self.data.clone(),
            by: format!("key {}", self.key).into(),
        }
    }
}

impl Trust {
    /// `LARGESTACK_SIGNATURE` where an event that has come now is not one of a key that is known, as it
    /// was signed, and young enough. That it has not come before, the store says.
    pub fn check(&self, envelope: &Envelope, now: Timestamp) -> Result<()> {
        let key = self.keys.get(&envelope.key).ok_or_else(|| {
            refused(&format!("nobody here knows the key `{}` that it is signed with", envelope.key))
        })?;
        let wrong = || refused("the signature is not that of this event");
        let signature = STANDARD.decode(&*envelope.signature).map_err(|_| wrong())?;
        UnparsedPublicKey::new(&ED25519, key.0)
            .verify(envelope.signed().as_bytes(), &signature)
            .map_err(|_| wrong())?;
        if hex::decode(&*envelope.nonce).map_or(0, |nonce| nonce.len()) != NONCE {
            return Err(refused("its nonce is not 32 hexadecimal digits"));
        }
        let age = now.since(envelope.sent);
        if age > self.max_age {
            let (age, most) = (age.as_secs(), self.max_age.as_secs());
            return Err(refused(&format!("it was signed {age} s ago, and {most} s is the most")));
        }
        if envelope.sent.since(now) > MAX_AHEAD {
            return Err(refused("it was signed in the future, by this machine's clock"));
        }
        Ok(())
    }

    /// `LARGESTACK_SIGNATURE` where events without a signature are refused.
    pub fn check_unsigned(&self) -> Result<()> {
        if self.require {
            return Err(refused("it is not signed, and `signals.require` asks for that"));
        }
        Ok(())
    }
}

/// `LARGESTACK_SIGNATURE` where a signed event was there already: a signature is for one event, sent
/// once.
pub fn once(sent: Sent) -> Result<()> {
    match sent {
        Sent::Kept => Ok(()),
        Sent::Known => Err(refused("the same signed event came before")),
    }
}

fn refused(why: &str) -> LargestackError {
    LargestackError::other(Code::Signature, format!("the event is refused: {why}"))
}

#[cfg(test)]
mod tests;
