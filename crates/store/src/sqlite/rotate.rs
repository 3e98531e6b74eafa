//! Another master key in the place of the one that there is: in one transaction, every data key is
//! opened with the old one and sealed with the new one, and what was vouched for by the old one is
//! vouched for by the new one. What the data keys have sealed stays as it is.

use std::path::Path;
use std::sync::Arc;

use largestack_ports::ids::Ids;
use largestack_types::errors::Result as PortResult;
use largestack_types::id::{RunId, SessionId};
use largestack_types::scope::TenantId;
use rusqlite::{Connection, Row, params};

use crate::error::{Result, StoreError};
use crate::keyfile;
use crate::place::Place;
use crate::seal::Key;
use crate::sqlite::store::{Store, failed};
use crate::sqlite::{approvals, signals, vault};

/// A data key, sealed: where it is kept, and with what it opens.
struct Wrapped<T> {
    at: T,
    sealed: Vec<u8>,
}

fn tenant(row: &Row<'_>) -> rusqlite::Result<Option<TenantId>> {
    Ok(TenantId::new(&row.get::<_, String>(0)?).ok())
}

fn rows<T>(
    connection: &Connection,
    select: &str,
    read: impl Fn(&Row<'_>) -> rusqlite::Result<Option<Wrapped<T>>>,
) -> Result<Vec<Wrapped<T>>> {
    let path = connection.path().unwrap_or_default();
    let rows = connection
        .prepare(select)
        .and_then(|mut select| select.query_map([], &read)?.collect::<rusqlite::Result<Vec<_>>>());
    let rows = rows.map_err(failed(&path))?;
    rows.into_iter().map(|row| row.ok_or(StoreError::Value { what: "data key" })).collect()
}

fn trees(connection: &Connection) -> Result<Vec<Wrapped<(TenantId, RunId)>>> {
    rows(connection, "SELECT tenant, root, sealed FROM vault_keys", |row| {
        let root = RunId::from_u128(u128::from_be_bytes(row.get(1)?));
        let sealed = row.get(2)?;
        Ok(tenant(row)?.map(|tenant| Wrapped { at: (tenant, root), sealed }))
    })
}

fn sessions(connection: &Connection) -> Result<Vec<Wrapped<Place>>> {
    rows(connection, "SELECT tenant, principal, session, sealed FROM sessions", |row| {
        let principal: String = row.get(1)?;
        let session = SessionId::from_u128(u128::from_be_bytes(row.get(2)?));
        let sealed = row.get(3)?;
        Ok(tenant(row)?.map(|tenant| Wrapped {
            at: Place { tenant, principal: principal.into(), session },
            sealed,
        }))
    })
}

/// Seals every data key with the new master key; how many there are.
fn rewrap(connection: &Connection, ids: &dyn Ids, old: &Key, new: &Key) -> Result<u64> {
    let path = connection.path().unwrap_or_default();
    let wrong = failed(&path);
    let name = new.name();
    let mut count = 0;
    for Wrapped { at: (tenant, root), sealed } in trees(connection)? {
        let place = vault::key_place(tenant.clone(), root);
        let sealed = new.seal(ids, &place, &old.open(&place, &sealed)?)?;
        let update =
            "UPDATE vault_keys SET key_id = ?3, sealed = ?4 WHERE tenant = ?1 AND root = ?2";
        let row = params![tenant.as_str(), root.as_bytes(), name, sealed];
        connection.execute(update, row).map_err(&wrong)?;
        count += 1;
    }
    for Wrapped { at: place, sealed } in sessions(connection)? {
        let sealed = new.seal(ids, &place.of_key(), &old.open(&place.of_key(), &sealed)?)?;
        let update = "UPDATE sessions SET key_id = ?4, sealed = ?5
             WHERE tenant = ?1 AND principal = ?2 AND session = ?3";
        let tenant = place.tenant.as_str();
        let session = place.session.as_bytes();
        let row = params![tenant, &*place.principal, session, name, sealed];
        connection.execute(update, row).map_err(&wrong)?;
        count += 1;
    }
    let in_force = "INSERT OR REPLACE INTO master_key (one, key_id) VALUES (1, ?1)";
    connection.execute(in_force, [&name]).map_err(&wrong)?;
    Ok(count)
}

impl Store {
    /// Puts a new master key in the place of the one that there is, and says how many data keys are
    /// sealed with it. A crash at any moment leaves everything readable.
    pub async fn rotate_key(&self) -> PortResult<u64> {
        let (file, ids) = (self.key_file(), Arc::clone(&self.writing()?.options.ids));
        let (at, random) = (file.clone(), Arc::clone(&ids));
        self.settle(&file).await?;
        let count = self
            .write(move |connection| {
                if vault::changed_key(connection, &at)?.is_some() {
                    // Somebody else's change is under way, and both keys are needed until its end.
                    return Err(StoreError::Busy { path: at });
                }
                let old = vault::master_key(connection, &at, &*random)?;
                let new = keyfile::make(&keyfile::next(&at), &*random)?;
                vault::overwriting(connection, || {
                    approvals::vouch_anew(connection, &*random, &old, &new)?;
                    signals::seal_anew(connection, &*random, &old, &new)?;
                    rewrap(connection, &*random, &old, &new)
                })
            })
            .await?;
        // Only now is the old key of no use to anybody, and the new one takes its place.
        self.settle(&file).await?;
        Ok(count)
    }

    /// Lets the key in force take its file's place. A reader sees only what is committed.
    async fn settle(&self, file: &Path) -> PortResult<()> {
        let file = file.to_owned();
        self.read_state(move |connection| vault::settle_key(connection, &file)).await
    }
}

#[cfg(test)]
mod tests {
    use largestack_ports::clock::FakeClock;
    use largestack_ports::ids::CountingIds;

    use super::*;
    use crate::sqlite::store::Options;

    #[tokio::test]
    async fn a_change_that_is_not_committed_leaves_the_old_key_where_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let ids: Arc<dyn Ids> = Arc::new(CountingIds::default());
        let options = Options::new(Arc::clone(&ids), Arc::new(FakeClock::default()));
        let store = Store::open(folder.path(), options).unwrap();
        let file = store.key_file();
        let (at, random) = (file.clone(), Arc::clone(&ids));
        let make =
            move |connection: &Connection| vault::master_key(connection, &at, &*random).map(drop);
        store.write(make).await.unwrap();
        let before = std::fs::read(&file).unwrap();

        let at = file.clone();
        let failing = move |connection: &Connection| -> Result<()> {
            let old = vault::master_key(connection, &at, &*ids)?;
            let new = keyfile::make(&keyfile::next(&at), &*ids)?;
            rewrap(connection, &*ids, &old, &new)?;
            // As whoever needs a key later in the same transaction would.
            assert_eq!(vault::master_key(connection, &at, &*ids)?.name(), new.name());
            Err(StoreError::Sealed)
        };
        assert!(store.write(failing).await.is_err());
        assert_eq!(std::fs::read(&file).unwrap(), before);

        store.rotate_key().await.unwrap();
        assert_ne!(std::fs::read(&file).unwrap(), before);
        assert!(!keyfile::next(&file).exists());
    }
}
