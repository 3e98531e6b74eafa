//! How events from outside are kept: who sent one and what it brings is sealed with a key made from
//! the store's own and bound to its row, so that a row written by anybody else is refused, and none is
//! read by who reads the tables.

use std::sync::Arc;

use largestack_ports::ids::Ids;
use largestack_ports::signals::{Kept, Signal};
use largestack_types::hash::Hash;
use largestack_types::id::{EffectId, RunId};
use largestack_types::json::Json;
use largestack_types::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::{Result, StoreError};
use crate::seal::Key;

/// What is sealed.
#[derive(Serialize, Deserialize)]
struct Sealed {
    by: Arc<str>,
    data: Json,
}

/// A row as it stands in a table.
pub(crate) struct Row {
    pub(crate) position: i64,
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) received: i64,
    pub(crate) sealed: Vec<u8>,
    pub(crate) heard_run: Option<Vec<u8>>,
    pub(crate) heard_effect: Option<i64>,
}

const fn wrong() -> StoreError {
    StoreError::Value { what: "event" }
}

/// The key that events are sealed with; never the master key itself.
pub(crate) fn key(master: &Key) -> Key {
    Key::from_bytes(*Hash::of_all([b"largestack signals 1".as_slice(), master.bytes()]).as_bytes())
}

/// What a row is bound to. Parts without a fixed length are told apart by their hashes.
pub(crate) fn place(tenant: &str, root: RunId, (id, name): (&str, &str), received: i64) -> Hash {
    let own = [tenant, id, name].map(|text| Hash::of(text.as_bytes()));
    let parts = [b"largestack signal row 1".as_slice(), root.as_bytes()];
    let received = received.to_be_bytes();
    let own = own.iter().map(|hash| hash.as_bytes().as_slice());
    Hash::of_all(parts.into_iter().chain(own).chain([received.as_slice()]))
}

/// Seals an event for its row.
pub(crate) fn seal(
    (key, ids): (&Key, &dyn Ids),
    (tenant, root): (&str, RunId),
    signal: &Signal,
    received: Timestamp,
) -> Result<Vec<u8>> {
    let sealed = Sealed { by: Arc::clone(&signal.by), data: signal.data.clone() };
    let text = serde_json::to_vec(&sealed).map_err(|_| wrong())?;
    key.seal(ids, &place(tenant, root, (&signal.id, &signal.name), received.micros()), &text)
}

impl Row {
    /// The event; refused where the row is not as it was kept.
    pub(crate) fn open(self, key: &Key, tenant: &str, root: RunId) -> Result<Kept> {
        let place = place(tenant, root, (&self.id, &self.name), self.received);
        let text = key.open(&place, &self.sealed)?;
        let Sealed { by, data } = serde_json::from_slice(&text).map_err(|_| wrong())?;
        let heard_by = match (self.heard_run, self.heard_effect) {
            (Some(run), Some(effect)) => {
                let run: [u8; 16] = run.try_into().map_err(|_| wrong())?;
                let effect = u32::try_from(effect).map_err(|_| wrong())?;
                Some((RunId::from_u128(u128::from_be_bytes(run)), EffectId::new(effect)))
            }
            _ => None,
        };
        let signal = Signal { id: self.id.into(), name: self.name.into(), data, by };
        Ok(Kept { signal, received: Timestamp::from_micros(self.received), heard_by })
    }
}

#[cfg(test)]
mod tests {
    use largestack_ports::ids::CountingIds;

    use super::*;

    #[test]
    fn an_event_opens_in_its_own_row_only() {
        let ids = CountingIds::default();
        let (key, root) = (key(&Key::random(&ids)), RunId::from_u128(7));
        let data = Json::parse(r#"{"card":"4111"}"#).unwrap();
        let signal = Signal { id: "e1".into(), name: "paid".into(), data, by: "shop".into() };
        let at = Timestamp::from_micros(5);
        let sealed = seal((&key, &ids), ("t1", root), &signal, at).unwrap();
        let row = |id: &str, name: &str, received| Row {
            position: 1,
            id: id.to_owned(),
            name: name.to_owned(),
            received,
            sealed: sealed.clone(),
            heard_run: None,
            heard_effect: None,
        };
        let kept = row("e1", "paid", 5).open(&key, "t1", root).unwrap();
        assert_eq!(kept, Kept { signal, received: at, heard_by: None });
        assert!(row("e2", "paid", 5).open(&key, "t1", root).is_err());
        assert!(row("e1", "sent", 5).open(&key, "t1", root).is_err());
        assert!(row("e1", "paid", 6).open(&key, "t1", root).is_err());
        assert!(row("e1", "paid", 5).open(&key, "t2", root).is_err());
        assert!(row("e1", "paid", 5).open(&key, "t1", RunId::from_u128(8)).is_err());
    }
}
