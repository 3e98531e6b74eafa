//! Events from outside, kept until the runs that they are for have heard them and are removed.

use std::path::Path;
use std::sync::Arc;

use largestack_ports::BoxFuture;
use largestack_ports::ids::Ids;
use largestack_ports::signals::{
    Kept, MOST_REMEMBERED, MOST_UNHEARD, Sent, Signal, Signals, Waiting, full,
};
use largestack_types::errors::Result as PortResult;
use largestack_types::id::{EffectId, RunId};
use largestack_types::scope::Scope;
use largestack_types::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row as SqlRow, params};

use crate::error::{Result, StoreError};
use crate::inbox::{self, Row};
use crate::keyfile;
use crate::seal::Key;
use crate::sqlite::rows::integer;
use crate::sqlite::store::{Store, failed};
use crate::sqlite::vault::{changed_key, master_key};

macro_rules! columns {
    () => {
        "position, id, name, received, sealed, heard_run, heard_effect"
    };
}

const HEARD: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM signals WHERE tenant = ?1 AND root = ?2 AND heard_run = ?3 AND heard_effect = ?4"
);
const FREE: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM signals WHERE tenant = ?1 AND root = ?2 AND name = ?3 AND received <= ?4
        AND heard_run IS NULL ORDER BY position LIMIT 1"
);
const ALL: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM signals WHERE tenant = ?1 AND root = ?2 ORDER BY position"
);

fn sql(connection: &Connection) -> impl Fn(rusqlite::Error) -> StoreError {
    let path = connection.path().unwrap_or_default().to_owned();
    move |error| failed(&path)(error)
}

fn row(row: &SqlRow<'_>) -> rusqlite::Result<Row> {
    Ok(Row {
        position: row.get(0)?,
        id: row.get(1)?,
        name: row.get(2)?,
        received: row.get(3)?,
        sealed: row.get(4)?,
        heard_run: row.get(5)?,
        heard_effect: row.get(6)?,
    })
}

fn existing_key(connection: &Connection, file: &Path) -> Result<Key> {
    let master = match changed_key(connection, file)? {
        Some(changed) => Some(changed),
        None => keyfile::read(file)?,
    };
    master.map(|master| inbox::key(&master)).ok_or_else(|| keyfile::gone(file))
}

/// A tree of runs, of whom it is.
#[derive(Clone, Copy)]
struct Tree<'a> {
    connection: &'a Connection,
    tenant: &'a str,
    root: RunId,
}

impl Tree<'_> {
    fn send(&self, signal: &Signal, now: Timestamp, (key, ids): (&Key, &dyn Ids)) -> Result<Sent> {
        let counts = "SELECT count(*), count(*) - count(heard_run), coalesce(sum(id = ?3), 0)
            FROM signals WHERE tenant = ?1 AND root = ?2";
        let (all, unheard, same): (i64, i64, i64) = self
            .connection
            .prepare_cached(counts)
            .and_then(|mut select| {
                let of = params![self.tenant, self.root.as_bytes(), &*signal.id];
                select.query_row(of, |row| row.try_into())
            })
            .map_err(sql(self.connection))?;
        if same > 0 {
            return Ok(Sent::Known);
        }
        if unheard >= integer(MOST_UNHEARD as u64) {
            return Err(full(self.root, false).into());
        }
        if all >= integer(MOST_REMEMBERED as u64) {
            return Err(full(self.root, true).into());
        }
        let sealed = inbox::seal((key, ids), (self.tenant, self.root), signal, now)?;
        self.connection
            .prepare_cached(
                "INSERT INTO signals (tenant, root, id, name, received, sealed)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )
            .and_then(|mut insert| {
                let (id, name) = (&*signal.id, &*signal.name);
                let root = self.root.as_bytes();
                insert.execute(params![self.tenant, root, id, name, now.micros(), sealed])
            })
            .map_err(sql(self.connection))?;
        Ok(Sent::Kept)
    }

    /// The event that a call has heard.
    fn heard(&self, (run, effect): (RunId, EffectId)) -> Result<Option<Row>> {
        let of = params![self.tenant, self.root.as_bytes(), run.as_bytes(), effect.ordinal()];
        self.connection
            .prepare_cached(HEARD)
            .and_then(|mut select| select.query_row(of, row).optional())
            .map_err(sql(self.connection))
    }

    /// The oldest event of this name that nobody has heard.
    fn free(&self, name: &str, until: Option<Timestamp>) -> Result<Option<Row>> {
        let until = until.map_or(i64::MAX, Timestamp::micros);
        self.connection
            .prepare_cached(FREE)
            .and_then(|mut select| {
                let of = params![self.tenant, self.root.as_bytes(), name, until];
                select.query_row(of, row).optional()
            })
            .map_err(sql(self.connection))
    }

    fn hear(&self, position: i64, (run, effect): (RunId, EffectId)) -> Result<()> {
        let update = "UPDATE signals SET heard_run = ?2, heard_effect = ?3 WHERE position = ?1";
        self.connection
            .prepare_cached(update)
            .and_then(|mut update| {
                update.execute(params![position, run.as_bytes(), effect.ordinal()])
            })
            .map_err(sql(self.connection))?;
        Ok(())
    }
}

/// Removes events that came before a moment and whose run is not there: of those that may be sent to,
/// each has its line.
pub(super) fn sweep(
    connection: &Connection,
    tenant: &str,
    before: Option<Timestamp>,
) -> Result<()> {
    let before = before.map_or(i64::MAX, Timestamp::micros);
    connection
        .prepare_cached(
            "DELETE FROM signals AS s WHERE s.tenant = ?1 AND s.received < ?2 AND NOT EXISTS
                 (SELECT 1 FROM runs AS r WHERE r.tenant = s.tenant AND r.run = s.root)",
        )
        .and_then(|mut delete| delete.execute(params![tenant, before]))
        .map_err(sql(connection))?;
    Ok(())
}

/// Seals with the next master key every event that the present one has sealed; a forged row stays one.
pub(super) fn seal_anew(
    connection: &Connection,
    ids: &dyn Ids,
    old: &Key,
    new: &Key,
) -> Result<()> {
    let (old, new) = (inbox::key(old), inbox::key(new));
    let rows: Vec<(String, [u8; 16], Row)> = connection
        .prepare(concat!("SELECT ", columns!(), ", tenant, root FROM signals"))
        .and_then(|mut select| {
            select.query_map([], |r| Ok((r.get(7)?, r.get(8)?, row(r)?)))?.collect()
        })
        .map_err(sql(connection))?;
    for (tenant, root, row) in rows {
        let root = RunId::from_u128(u128::from_be_bytes(root));
        let place = inbox::place(&tenant, root, (&row.id, &row.name), row.received);
        let Ok(text) = old.open(&place, &row.sealed) else { continue };
        let sealed = new.seal(ids, &place, &text)?;
        let update = "UPDATE signals SET sealed = ?2 WHERE position = ?1";
        connection.execute(update, params![row.position, sealed]).map_err(sql(connection))?;
    }
    Ok(())
}

impl Signals for Store {
    fn send<'a>(
        &'a self,
        scope: &'a Scope,
        root: RunId,
        signal: Signal,
    ) -> BoxFuture<'a, PortResult<Sent>> {
        let (tenant, file) = (scope.tenant().clone(), self.key_file());
        let options = self.writing().map(|writing| writing.options.clone());
        self.write(move |connection| {
            signal.check()?;
            let options = options?;
            let ids: &Arc<dyn Ids> = &options.ids;
            let key = inbox::key(&master_key(connection, &file, &**ids)?);
            let tree = Tree { connection, tenant: tenant.as_str(), root };
            tree.send(&signal, options.clock.now(), (&key, &**ids))
        })
    }

    fn take<'a>(
        &'a self,
        scope: &'a Scope,
        waiting: Waiting<'a>,
    ) -> BoxFuture<'a, PortResult<Option<Kept>>> {
        let Waiting { root, by, until, .. } = waiting;
        let (tenant, name) = (scope.tenant().clone(), waiting.name.to_owned());
        let (here, wanted) = (tenant.clone(), name.clone());
        Box::pin(async move {
            // Whoever looks in vain writes nothing.
            let there = self.read_state(move |connection| {
                let tree = Tree { connection, tenant: here.as_str(), root };
                Ok(tree.heard(by)?.is_some() || tree.free(&wanted, until)?.is_some())
            });
            if !there.await? {
                return Ok(None);
            }
            let file = self.key_file();
            let taken = self.write(move |connection| {
                let tree = Tree { connection, tenant: tenant.as_str(), root };
                let found = match tree.heard(by)? {
                    Some(again) => Some(again),
                    None => tree.free(&name, until)?,
                };
                let Some(row) = found else { return Ok(None) };
                let (position, known) = (row.position, row.heard_run.is_some());
                let kept = row.open(&existing_key(connection, &file)?, tenant.as_str(), root)?;
                if !known {
                    tree.hear(position, by)?;
                }
                Ok(Some(Kept { heard_by: Some(by), ..kept }))
            });
            taken.await
        })
    }

    fn kept<'a>(&'a self, scope: &'a Scope, root: RunId) -> BoxFuture<'a, PortResult<Vec<Kept>>> {
        let (tenant, file) = (scope.tenant().clone(), self.key_file());
        self.read_state(move |connection| {
            let rows: Vec<Row> = connection
                .prepare_cached(ALL)
                .and_then(|mut select| {
                    let of = params![tenant.as_str(), root.as_bytes()];
                    select.query_map(of, row)?.collect()
                })
                .map_err(sql(connection))?;
            if rows.is_empty() {
                return Ok(Vec::new());
            }
            let key = existing_key(connection, &file)?;
            rows.into_iter().map(|row| row.open(&key, tenant.as_str(), root)).collect()
        })
    }
}
