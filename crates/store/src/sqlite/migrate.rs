//! Numbered migrations, applied in one transaction. A schema newer than this build is refused
//! before anything is written.

use rusqlite::{Connection, OptionalExtension};

use crate::error::{Result, StoreError};
use crate::sqlite::open::File;

/// One step of a schema.
#[derive(Debug)]
pub(crate) struct Migration {
    /// From 1, without gaps.
    pub version: u32,
    /// The statements.
    pub sql: &'static str,
}

/// The schema of `state.db`.
pub(crate) const STATE: &[Migration] = &[
    Migration { version: 1, sql: include_str!("../../migrations/sqlite/state/0001_first.sql") },
    Migration { version: 2, sql: include_str!("../../migrations/sqlite/state/0002_budgets.sql") },
    Migration { version: 3, sql: include_str!("../../migrations/sqlite/state/0003_cached.sql") },
    Migration { version: 4, sql: include_str!("../../migrations/sqlite/state/0004_rates.sql") },
    Migration { version: 5, sql: include_str!("../../migrations/sqlite/state/0005_approvals.sql") },
    Migration { version: 6, sql: include_str!("../../migrations/sqlite/state/0006_sessions.sql") },
    Migration { version: 7, sql: include_str!("../../migrations/sqlite/state/0007_signals.sql") },
];

/// The schema of `cache.db`.
pub(crate) const CACHE: &[Migration] = &[
    Migration { version: 1, sql: include_str!("../../migrations/sqlite/cache/0001_first.sql") },
    Migration { version: 2, sql: include_str!("../../migrations/sqlite/cache/0002_results.sql") },
];

/// The schema of `documents.db`.
pub(crate) const DOCUMENTS: &[Migration] = &[Migration {
    version: 1,
    sql: include_str!("../../migrations/sqlite/documents/0001_first.sql"),
}];

const CREATE: &str = "CREATE TABLE largestack_schema (version INTEGER PRIMARY KEY) STRICT";

fn latest(file: &File) -> u32 {
    file.migrations.last().map_or(0, |migration| migration.version)
}

/// The version a file has; 0 for an empty one. Writes nothing.
pub(crate) fn version(connection: &Connection, file: &File) -> Result<u32> {
    let sql = |error| StoreError::sql(&file.path, error);
    let table: Option<i64> = connection
        .query_row("SELECT 1 FROM sqlite_schema WHERE name = 'largestack_schema'", [], |row| {
            row.get(0)
        })
        .optional()
        .map_err(sql)?;
    if table.is_none() {
        let others: i64 = connection
            .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
            .map_err(sql)?;
        return match others {
            0 => Ok(0),
            _ => Err(StoreError::NotADatabase { path: file.path.clone() }),
        };
    }
    let found: u32 = connection
        .query_row("SELECT coalesce(max(version), 0) FROM largestack_schema", [], |row| row.get(0))
        .map_err(sql)?;
    let known = latest(file);
    if found > known {
        return Err(StoreError::NewerSchema { path: file.path.clone(), found, known });
    }
    Ok(found)
}

/// Refuses a file that a reader cannot understand as it is.
pub(crate) fn check(connection: &Connection, file: &File) -> Result<()> {
    match version(connection, file)? {
        0 => Err(StoreError::Missing { path: file.path.clone() }),
        _ => Ok(()),
    }
}

/// Brings a file from `version` up to date.
pub(crate) fn migrate(connection: &Connection, file: &File, version: u32) -> Result<()> {
    if version == latest(file) {
        return Ok(());
    }
    let sql = |error| StoreError::sql(&file.path, error);
    let transaction = connection.unchecked_transaction().map_err(sql)?;
    if version == 0 {
        transaction.execute_batch(CREATE).map_err(sql)?;
    }
    for migration in file.migrations.iter().filter(|m| m.version > version) {
        transaction.execute_batch(migration.sql).map_err(sql)?;
        transaction
            .execute("INSERT INTO largestack_schema (version) VALUES (?1)", [migration.version])
            .map_err(sql)?;
    }
    transaction.commit().map_err(sql)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_are_numbered_from_one_without_gaps() {
        for migrations in [STATE, DOCUMENTS, CACHE] {
            let numbers: Vec<u32> = migrations.iter().map(|m| m.version).collect();
            let expected: Vec<u32> = (1..).take(migrations.len()).collect();
            assert_eq!(numbers, expected);
        }
    }

    #[test]
    fn a_migration_that_fails_leaves_the_file_as_it_was() {
        const BROKEN: &[Migration] = &[
            Migration { version: 1, sql: "CREATE TABLE a (x)" },
            Migration { version: 2, sql: "CREATE TABLE b (x); CREATE TABLE a (y)" },
        ];
        let file = File { path: "memory".into(), migrations: BROKEN };
        let connection = Connection::open_in_memory().unwrap();
        assert!(migrate(&connection, &file, 0).is_err());
        assert_eq!(version(&connection, &file).unwrap(), 0);
    }
}
