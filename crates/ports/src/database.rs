//! A database that is asked and never changed: somebody else's data, for tools.

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use crate::BoxFuture;

/// Whose SQL is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "SQLite's SQL",
            Self::Postgres => "PostgreSQL's SQL",
        })
    }
}

/// How much one question may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueryLimits {
    /// Rows that are returned.
    pub rows: usize,
    /// Bytes of all values that are returned; rows beyond are left out.
    pub bytes: usize,
    /// How long it may take.
    pub timeout: Duration,
}

impl Default for QueryLimits {
    /// 100 rows, 256 KiB, 10 s.
    fn default() -> Self {
        Self { rows: 100, bytes: 256 << 10, timeout: Duration::from_secs(10) }
    }
}

/// What a question came to.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Rows {
    /// The names of the columns.
    pub columns: Vec<String>,
    /// The rows; what is no number, text or null is described.
    pub rows: Vec<Vec<Value>>,
    /// Whether there were more than were returned.
    pub more: bool,
}

/// A question that was not answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QueryFailure {
    /// The database cannot be opened or reached.
    #[error("the database cannot be opened: {0}")]
    Unreachable(String),
    /// The database refused the statement.
    #[error("the database refused the statement: {0}")]
    Refused(String),
    /// It took too long.
    #[error("the question took longer than {} ms", .0.as_millis())]
    Late(Duration),
}

impl QueryFailure {
    /// Whether asking again can help.
    pub const fn passes(&self) -> bool {
        matches!(self, Self::Unreachable(_))
    }
}

/// A database that is only asked. Dropping the future stops the question.
pub trait Database: Send + Sync + 'static {
    /// Whose SQL it speaks.
    fn dialect(&self) -> Dialect;

    /// Asks one question on a connection that cannot write.
    fn query<'a>(
        &'a self,
        statement: &'a str,
        limits: QueryLimits,
    ) -> BoxFuture<'a, Result<Rows, QueryFailure>>;
}
