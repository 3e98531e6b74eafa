//! The same rows by hand in SQLite: the store's own table, one connection, nothing but inserts and
//! commits. The JSON is made beforehand.

use std::cell::Cell;
use std::fs;
use std::path::Path;

use largestack_engine::Recorded;
use rusqlite::{Connection, params};

use super::house::Rows;
use super::{GROUP, Raw};
use crate::Outcome;

/// The schema that the store makes.
const SCHEMA: &str = "crates/store/migrations/sqlite/state/0001_first.sql";

const INSERT: &str = "INSERT INTO journal (tenant, run, seq, v, at, kind, data)
    VALUES (?1, ?2, ?3, 1, ?4, ?5, ?6)";

/// A row without its run.
pub(super) struct Row {
    pub(super) seq: i64,
    pub(super) at: i64,
    pub(super) kind: &'static str,
    pub(super) data: String,
}

/// As rows, numbered anew.
pub(super) fn rows(events: &[Recorded]) -> Outcome<Vec<Row>> {
    let row = |(seq, recorded): (i64, &Recorded)| {
        let (at, kind) = (recorded.at.micros(), recorded.event.kind());
        Ok(Row { seq, at, kind, data: recorded.event.data()? })
    };
    (1..).zip(events).map(row).collect()
}

pub(super) struct Sqlite {
    connection: Connection,
    steps: Vec<Row>,
    fan_out: Vec<Row>,
    /// Runs written so far; they make the next ids.
    runs: Cell<u128>,
}

impl Sqlite {
    pub(super) fn open(file: &Path, root: &Path, written: &Rows) -> Outcome<Self> {
        let connection = Connection::open(file)?;
        // As the store sets them.
        connection.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY;
             PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 67108864;",
        )?;
        connection.execute_batch(&fs::read_to_string(root.join(SCHEMA))?)?;
        let (steps, fan_out) = (rows(&written.steps)?, rows(&written.fan_out)?);
        Ok(Self { connection, steps, fan_out, runs: Cell::new(0) })
    }

    fn write(&self, rows: &[Row], a_commit: usize) -> Outcome<()> {
        let run = self.runs.get() + 1;
        self.runs.set(run);
        let run = run.to_be_bytes();
        for commit in rows.chunks(a_commit) {
            self.connection.execute_batch("BEGIN IMMEDIATE")?;
            let mut insert = self.connection.prepare_cached(INSERT)?;
            for row in commit {
                insert.execute(params!["local", run, row.seq, row.at, row.kind, row.data])?;
            }
            self.connection.execute_batch("COMMIT")?;
        }
        Ok(())
    }
}

impl Raw for Sqlite {
    fn singly(&self, steps: u32) -> Outcome<()> {
        let mut left = steps as usize;
        while left > 0 {
            let some = self.steps.get(..left.min(self.steps.len())).unwrap_or_default();
            self.write(some, 1)?;
            left -= some.len();
        }
        Ok(())
    }

    fn grouped(&self) -> Outcome<()> {
        self.write(&self.fan_out, GROUP)
    }
}

#[cfg(test)]
mod tests {
    use super::super::house::House;
    use super::*;

    #[test]
    fn as_many_rows_are_written_as_were_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let written = House::in_folder(&folder.path().join("s")).unwrap().rows().unwrap();
        let all = written.fan_out.len();
        let file = folder.path().join("raw.db");
        let raw = Sqlite::open(&file, crate::repo::root().unwrap(), &written).unwrap();
        raw.singly(250).unwrap();
        raw.grouped().unwrap();
        let count = |sql: &str| raw.connection.query_row(sql, [], |row| row.get::<_, i64>(0));
        let count = count("SELECT count(*) FROM journal").unwrap();
        assert_eq!(usize::try_from(count).unwrap(), 250 + all);
    }
}
