//! Somebody else's SQLite file, asked and never changed: opened for reading, with writing refused
//! by the connection too, and stopped when nobody waits for the answer.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use largestack_ports::BoxFuture;
use largestack_ports::database::{Database, Dialect, QueryFailure, QueryLimits, Rows};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, InterruptHandle, OpenFlags};
use serde_json::Value;
use tokio::sync::oneshot;

/// A SQLite file that is only asked.
#[derive(Clone)]
pub struct SqliteFile {
    path: Arc<Path>,
}

impl SqliteFile {
    /// The file at this path; it is opened for each question.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into().into() }
    }
}

/// Stops a question when it is dropped.
struct Stop {
    handle: Option<InterruptHandle>,
    over: Arc<AtomicBool>,
}

impl Drop for Stop {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Release);
        if let Some(handle) = &self.handle {
            handle.interrupt();
        }
    }
}

impl Database for SqliteFile {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn query<'a>(
        &'a self,
        statement: &'a str,
        limits: QueryLimits,
    ) -> BoxFuture<'a, Result<Rows, QueryFailure>> {
        let (path, statement) = (Arc::clone(&self.path), statement.to_owned());
        Box::pin(async move {
            let (give, handle) = oneshot::channel();
            let over = Arc::new(AtomicBool::new(false));
            let stopped = Arc::clone(&over);
            let work = tokio::task::spawn_blocking(move || {
                let connection = open(&path)?;
                // Who does not wait for the handle does not wait for the answer.
                if give.send(connection.get_interrupt_handle()).is_err() {
                    return Err(QueryFailure::Late(limits.timeout));
                }
                ask(&connection, &statement, limits, &stopped)
            });
            let _stop = Stop { handle: handle.await.ok(), over };
            match tokio::time::timeout(limits.timeout, work).await {
                Ok(Ok(answer)) => answer,
                Ok(Err(_)) => Err(QueryFailure::Refused("the question broke off".to_owned())),
                Err(_) => Err(QueryFailure::Late(limits.timeout)),
            }
        })
    }
}

fn open(path: &Path) -> Result<Connection, QueryFailure> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || {
        let connection = Connection::open_with_flags(path, flags)?;
        // Views and triggers of a file that somebody else made get no functions with effects.
        connection.pragma_update(None, "trusted_schema", false)?;
        connection.pragma_update(None, "query_only", true)?;
        connection.pragma_update(None, "cell_size_check", true)?;
        Ok(connection)
    };
    open().map_err(|error: rusqlite::Error| QueryFailure::Unreachable(error.to_string()))
}

fn ask(
    connection: &Connection,
    statement: &str,
    limits: QueryLimits,
    over: &AtomicBool,
) -> Result<Rows, QueryFailure> {
    let refused = |error: rusqlite::Error| QueryFailure::Refused(error.to_string());
    let mut prepared = connection.prepare(statement).map_err(refused)?;
    if !prepared.readonly() {
        return Err(QueryFailure::Refused("it would change something".to_owned()));
    }
    let columns: Vec<String> = prepared.column_names().into_iter().map(str::to_owned).collect();
    let width = columns.len();
    let mut answer = Rows { columns, ..Rows::default() };
    let mut room = limits.bytes;
    let mut rows = prepared.query([]).map_err(refused)?;
    while !over.load(Ordering::Acquire)
        && let Some(row) = rows.next().map_err(refused)?
    {
        let values: Result<Vec<Value>, _> =
            (0..width).map(|column| row.get_ref(column).map(said)).collect();
        let values = values.map_err(refused)?;
        let size: usize = values.iter().map(size).sum();
        if answer.rows.len() == limits.rows || size > room {
            answer.more = true;
            return Ok(answer);
        }
        room -= size;
        answer.rows.push(values);
    }
    Ok(answer)
}

/// A value as JSON says it.
fn said(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => number.into(),
        ValueRef::Real(number) => number.into(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned().into(),
        ValueRef::Blob(bytes) => format!("<{} bytes>", bytes.len()).into(),
    }
}

fn size(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        _ => 8,
    }
}

impl fmt::Debug for SqliteFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteFile").field("path", &self.path).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn ground() -> (tempfile::TempDir, SqliteFile) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.db");
        let connection = Connection::open(&path).unwrap();
        connection
            .execute_batch(
                "CREATE TABLE item (name TEXT, price REAL, stock INTEGER, photo BLOB);
                 INSERT INTO item VALUES ('pen', 1.5, 3, x'00ff'), ('ink', 9.0, NULL, NULL);",
            )
            .unwrap();
        (folder, SqliteFile::at(path))
    }

    #[tokio::test]
    async fn a_question_is_answered_with_columns_and_rows() {
        let (_folder, file) = ground();
        let rows = file.query("SELECT * FROM item ORDER BY price", QueryLimits::default());
        let rows = serde_json::to_value(rows.await.unwrap()).unwrap();
        let expected = serde_json::json!({
            "columns": ["name", "price", "stock", "photo"],
            "rows": [["pen", 1.5, 3, "<2 bytes>"], ["ink", 9.0, null, null]],
            "more": false,
        });
        assert_eq!(rows, expected);
    }

    #[tokio::test]
    async fn rows_and_bytes_have_limits_on_both_sides() {
        let (_folder, file) = ground();
        let of = |rows, bytes| {
            let limits = QueryLimits { rows, bytes, ..QueryLimits::default() };
            let file = file.clone();
            async move {
                let asked = file.query("SELECT name FROM item", limits).await.unwrap();
                (asked.rows.len(), asked.more)
            }
        };
        assert_eq!(of(2, 6).await, (2, false));
        assert_eq!(of(1, 6).await, (1, true));
        assert_eq!(of(2, 5).await, (1, true));
    }

    #[tokio::test]
    async fn nothing_is_changed_whoever_lets_a_statement_through() {
        let (folder, file) = ground();
        for statement in [
            "DELETE FROM item",
            "UPDATE item SET price = 0",
            "CREATE TABLE other (a)",
            "ATTACH DATABASE 'other.db' AS other",
            "PRAGMA query_only = 0",
        ] {
            let asked = file.query(statement, QueryLimits::default()).await;
            let left = file.query("SELECT count(*) FROM item", QueryLimits::default()).await;
            assert_eq!(left.unwrap().rows, [[Value::from(2)]], "{statement}: {asked:?}");
        }
        assert!(!folder.path().join("other.db").exists());
        let missing = SqliteFile::at(folder.path().join("none.db"));
        let failed = missing.query("SELECT 1", QueryLimits::default()).await.unwrap_err();
        assert!(matches!(failed, QueryFailure::Unreachable(_)), "{failed}");
        assert!(!folder.path().join("none.db").exists());
    }

    #[tokio::test]
    async fn a_question_without_end_is_stopped() {
        let (_folder, file) = ground();
        let limits = QueryLimits { timeout: Duration::from_millis(200), ..QueryLimits::default() };
        let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) \
                       SELECT count(*) FROM n";
        let failed = file.query(endless, limits).await.unwrap_err();
        assert_eq!(failed, QueryFailure::Late(limits.timeout));
    }
}
