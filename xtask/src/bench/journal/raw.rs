//! The same rows by hand: the store's own table, one connection, nothing but inserts and commits.
//! The JSON is made beforehand, so this is what SQLite and the disk cost.

use std::fs;
use std::path::Path;
use std::rc::Rc;

use rusqlite::{Connection, params};

use super::rows;
use crate::Outcome;

/// The schema that the store makes.
const SCHEMA: &str = "crates/store/migrations/sqlite/state/0001_first.sql";

const INSERT: &str = "INSERT INTO journal (tenant, run, seq, v, at, kind, data)
    VALUES (?1, ?2, ?3, 1, ?4, ?5, ?6)";

pub(super) struct Raw {
    connection: Rc<Connection>,
    /// Runs written so far; they make the next ids.
    runs: u128,
}

struct RawRow {
    run: [u8; 16],
    seq: i64,
    at: i64,
    kind: &'static str,
    data: String,
}

impl Raw {
    pub(super) fn open(file: &Path, root: &Path) -> Outcome<Self> {
        let connection = Connection::open(file)?;
        // As the store sets them.
        connection.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY;
             PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 67108864;",
        )?;
        connection.execute_batch(&fs::read_to_string(root.join(SCHEMA))?)?;
        Ok(Self { connection: Rc::new(connection), runs: 0 })
    }

    /// Makes the rows of new runs; what is handed back writes them, `batch` to a commit, the first
    /// event of every run before the second of any.
    pub(super) fn write(
        &mut self,
        runs: u32,
        events: u32,
        batch: u32,
    ) -> Outcome<impl FnOnce() -> Outcome<()> + use<>> {
        let first = self.runs;
        self.runs += u128::from(runs);
        let events = rows::events(events);
        let mut rows = Vec::new();
        for event in &events {
            for run in first..self.runs {
                rows.push(RawRow {
                    run: run.to_be_bytes(),
                    seq: i64::try_from(event.seq)?,
                    at: event.at.micros(),
                    kind: event.event.kind(),
                    data: event.event.data()?,
                });
            }
        }
        let (connection, batch) = (Rc::clone(&self.connection), usize::try_from(batch)?);
        Ok(move || {
            for commit in rows.chunks(batch) {
                connection.execute_batch("BEGIN IMMEDIATE")?;
                let mut insert = connection.prepare_cached(INSERT)?;
                for row in commit {
                    insert
                        .execute(params!["local", row.run, row.seq, row.at, row.kind, row.data])?;
                }
                connection.execute_batch("COMMIT")?;
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_land_in_the_table_of_the_store() {
        let folder = tempfile::tempdir().unwrap();
        let mut raw =
            Raw::open(&folder.path().join("raw.db"), crate::repo::root().unwrap()).unwrap();
        raw.write(3, 2, 3).unwrap()().unwrap();
        raw.write(1, 2, 1).unwrap()().unwrap();
        let count: i64 =
            raw.connection.query_row("SELECT count(*) FROM journal", [], |row| row.get(0)).unwrap();
        assert_eq!(count, 8);
    }
}
