//! Sealing values: XChaCha20-Poly1305 with a random nonce in front. What a value belongs to is
//! bound to it, so that it opens in its own place only.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use largestack_ports::ids::Ids;
use largestack_types::hash::Hash;

use crate::error::{Result, StoreError};

/// Bytes of a nonce.
const NONCE: usize = 24;

/// A key of 256 bits. Never printed.
#[derive(Clone)]
pub(crate) struct Key([u8; 32]);

impl Key {
    /// A new key.
    pub(crate) fn random(ids: &dyn Ids) -> Self {
        let mut bytes = [0; 32];
        ids.fill(&mut bytes);
        Self(bytes)
    }

    /// A key from its bytes.
    pub(crate) const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, to write a key file or to seal the key itself.
    pub(crate) const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// A name for the key that does not give it away.
    pub(crate) fn name(&self) -> String {
        let name = Hash::of_all([b"largestack key name".as_slice(), &self.0]);
        name.to_string().chars().take(16).collect()
    }

    /// Seals a value; `place` is what it belongs to.
    pub(crate) fn seal(&self, ids: &dyn Ids, place: &Hash, value: &[u8]) -> Result<Vec<u8>> {
        let mut sealed = vec![0; NONCE];
        ids.fill(&mut sealed);
        let payload = Payload { msg: value, aad: place.as_bytes() };
        let body = XChaCha20Poly1305::new((&self.0).into())
            .encrypt(XNonce::from_slice(&sealed), payload)
            .map_err(|_| StoreError::Sealed)?;
        sealed.extend(body);
        Ok(sealed)
    }

    /// Opens a sealed value of the same place.
    pub(crate) fn open(&self, place: &Hash, sealed: &[u8]) -> Result<Vec<u8>> {
        let (nonce, body) = sealed.split_at_checked(NONCE).ok_or(StoreError::Sealed)?;
        let payload = Payload { msg: body, aad: place.as_bytes() };
        XChaCha20Poly1305::new((&self.0).into())
            .decrypt(XNonce::from_slice(nonce), payload)
            .map_err(|_| StoreError::Sealed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use largestack_ports::ids::CountingIds;

    #[test]
    fn a_sealed_value_opens_with_its_key_in_its_place_and_unchanged_only() {
        let ids = CountingIds::default();
        let (key, other) = (Key::random(&ids), Key::random(&ids));
        let (here, there) = (Hash::of(b"here"), Hash::of(b"there"));
        let sealed = key.seal(&ids, &here, b"4111 1111 1111 1111").unwrap();
        assert_eq!(key.open(&here, &sealed).unwrap(), b"4111 1111 1111 1111");
        assert!(other.open(&here, &sealed).is_err());
        assert!(key.open(&there, &sealed).is_err());
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(key.open(&here, &changed).is_err(), "byte {at}");
            assert!(key.open(&here, &sealed[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn two_seals_of_one_value_differ() {
        let (ids, here) = (CountingIds::default(), Hash::of(b"here"));
        let key = Key::random(&ids);
        assert_ne!(key.seal(&ids, &here, b"x").unwrap(), key.seal(&ids, &here, b"x").unwrap());
    }
}
