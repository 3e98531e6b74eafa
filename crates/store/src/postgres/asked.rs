//! Somebody else's Postgres database, asked and never changed: each question in a transaction that
//! can only read, with a time limit that the server itself keeps.

use std::fmt;

use futures::TryStreamExt as _;
use largestack_ports::BoxFuture;
use largestack_ports::database::{Database, Dialect, QueryFailure, QueryLimits, Rows};
use largestack_ports::vault::Sensitive;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};

use crate::postgres::address;

/// A Postgres database that is only asked, on a connection of its own for each question. What may be
/// read is up to the rights of its user.
#[derive(Clone)]
pub struct PostgresDatabase {
    url: Sensitive,
}

impl fmt::Debug for PostgresDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PostgresDatabase(..)")
    }
}

impl PostgresDatabase {
    /// The database at this address (`postgres://user:password@host/database`). A server that is not on
    /// this machine has to prove who it is by its certificate.
    pub fn at(url: Sensitive) -> Self {
        Self { url }
    }
}

impl Database for PostgresDatabase {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn query<'a>(
        &'a self,
        statement: &'a str,
        limits: QueryLimits,
    ) -> BoxFuture<'a, Result<Rows, QueryFailure>> {
        Box::pin(async move {
            let options = address::read(self.url.expose())
                .map_err(|error| QueryFailure::Unreachable(error.to_string()))?;
            let asking = ask(&options, statement, limits);
            // The server's own limit does not cover what it takes to reach it.
            let answer = tokio::time::timeout(limits.timeout, asking).await;
            answer.unwrap_or(Err(QueryFailure::Late(limits.timeout)))
        })
    }
}

async fn ask(
    options: &PgConnectOptions,
    statement: &str,
    limits: QueryLimits,
) -> Result<Rows, QueryFailure> {
    let place = address::place(options);
    // The error of a connection may hold the address, and with it the password.
    let mut connection = PgConnection::connect_with(options).await.map_err(|error| {
        let why = match &error {
            sqlx::Error::Database(refused) => refused.message().to_owned(),
            sqlx::Error::Io(error) => error.to_string(),
            _ => "it does not answer as it should".to_owned(),
        };
        QueryFailure::Unreachable(format!("{place}: {why}"))
    })?;
    let answer = within(&mut connection, statement, limits).await;
    // Whatever it came to, nothing is kept.
    drop(connection);
    answer
}

async fn within(
    connection: &mut PgConnection,
    statement: &str,
    limits: QueryLimits,
) -> Result<Rows, QueryFailure> {
    let refused = |error: sqlx::Error| match error {
        sqlx::Error::Database(error) if error.code().as_deref() == Some(CANCELLED) => {
            QueryFailure::Late(limits.timeout)
        }
        sqlx::Error::Database(error) => QueryFailure::Refused(error.message().to_owned()),
        other => QueryFailure::Refused(other.to_string()),
    };
    let millis = limits.timeout.as_millis().max(1);
    let begin = format!(
        "BEGIN READ ONLY; SET LOCAL statement_timeout = {millis}; SET LOCAL lock_timeout = {millis}"
    );
    let mut transaction = connection.begin_with(AssertSqlSafe(begin)).await.map_err(refused)?;
    // In brackets it can only be a question, and prepared it can only be one. Rows come as text, so
    // that every type of the server's has a form.
    let wrapped = format!("SELECT row_to_json(asked)::text FROM ({statement}) AS asked");
    let mut answer = Rows::default();
    let mut room = limits.bytes;
    {
        let mut rows = sqlx::query(AssertSqlSafe(wrapped)).fetch(&mut *transaction);
        while let Some(row) = rows.try_next().await.map_err(refused)? {
            let text: String = row.try_get(0).map_err(refused)?;
            if answer.rows.len() == limits.rows || text.len() > room {
                answer.more = true;
                break;
            }
            room -= text.len();
            let Pairs(pairs) = serde_json::from_str(&text)
                .map_err(|error| QueryFailure::Refused(format!("a row is no JSON: {error}")))?;
            if answer.rows.is_empty() {
                answer.columns = pairs.iter().map(|(name, _)| name.clone()).collect();
            }
            answer.rows.push(pairs.into_iter().map(|(_, value)| value).collect());
        }
    }
    // Rolled back when it is dropped: there is nothing to keep.
    Ok(answer)
}

/// What the server says of a statement that took too long (`query_canceled`).
const CANCELLED: &str = "57014";

/// The columns of a row in their order; two may have one name.
struct Pairs(Vec<(String, Value)>);

impl<'de> serde::Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Columns;

        impl<'de> Visitor<'de> for Columns {
            type Value = Pairs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a row")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Columns)
    }
}
