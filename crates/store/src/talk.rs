//! What was said in sessions, sealed and opened: the same in every database.

use std::collections::HashMap;
use std::path::Path;

use largestack_ports::ids::Ids;
use largestack_ports::sessions::{Conversation, Digest, Exchange, Remembered, Session};
use largestack_types::id::RunId;
use largestack_types::scope::TenantId;
use largestack_types::time::Timestamp;

use crate::error::{Result, StoreError};
use crate::keyfile;
use crate::place::Place;
use crate::seal::Key;

/// Keys of the sessions that runs of this process hold, by run.
pub(crate) type Keys = HashMap<(TenantId, RunId), (Place, Key)>;

/// What a run leaves to its session, on its way into the tables.
pub(crate) struct Said {
    pub place: Place,
    pub holder: RunId,
    pub exchange: Option<Sealed>,
    pub digest: Option<Vec<u8>>,
}

/// An exchange as it is kept.
pub(crate) struct Sealed {
    pub run: RunId,
    pub at: Timestamp,
    pub text: Vec<u8>,
}

impl Said {
    /// Seals what a run leaves, with the session's key.
    pub(crate) fn of(
        ids: &dyn Ids,
        key: &Key,
        place: Place,
        holder: RunId,
        said: &Remembered,
    ) -> Result<Self> {
        let exchange = said.exchange.as_ref().map(|said| seal_exchange(ids, key, &place, said));
        let digest = said.digest.as_ref().map(|digest| seal_digest(ids, key, &place, digest));
        let (exchange, digest) = (exchange.transpose()?, digest.transpose()?);
        Ok(Self { place, holder, exchange, digest })
    }
}

fn json<T: serde::Serialize>(value: &T) -> Result<Vec<u8>> {
    serde_json::to_vec(value)
        .map_err(|source| StoreError::Unwritable { what: "conversation", source })
}

fn read<T: serde::de::DeserializeOwned>(text: &[u8]) -> Result<T> {
    serde_json::from_slice(text).map_err(|_| StoreError::Value { what: "conversation" })
}

/// Seals what was said in a run.
pub(crate) fn seal_exchange(
    ids: &dyn Ids,
    key: &Key,
    place: &Place,
    said: &Exchange,
) -> Result<Sealed> {
    let text = key.seal(ids, &place.of_run(said.run), &json(&said.messages)?)?;
    Ok(Sealed { run: said.run, at: said.at, text })
}

/// Seals a summary.
pub(crate) fn seal_digest(
    ids: &dyn Ids,
    key: &Key,
    place: &Place,
    digest: &Digest,
) -> Result<Vec<u8>> {
    key.seal(ids, &place.of_digest(), &json(digest)?)
}

/// The key of a session, which the master key of this name has sealed.
pub(crate) fn open_key(
    file: &Path,
    place: &Place,
    (key_id, sealed): &(String, Vec<u8>),
) -> Result<Key> {
    let bytes = keyfile::named(file, key_id)?.open(&place.of_key(), sealed)?;
    Ok(Key::from_bytes(bytes.try_into().map_err(|_| StoreError::Sealed)?))
}

/// Opens a whole conversation.
pub(crate) fn open(
    key: &Key,
    place: &Place,
    session: Session,
    exchanges: Vec<Sealed>,
    digest: Option<Vec<u8>>,
) -> Result<Conversation> {
    let exchanges = exchanges.into_iter().map(|row| {
        let messages = read(&key.open(&place.of_run(row.run), &row.text)?)?;
        Ok(Exchange { run: row.run, at: row.at, messages })
    });
    let digest = digest.map(|sealed| read(&key.open(&place.of_digest(), &sealed)?));
    Ok(Conversation {
        session,
        exchanges: exchanges.collect::<Result<_>>()?,
        digest: digest.transpose()?,
    })
}
