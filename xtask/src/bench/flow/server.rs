//! A Postgres server, where one is told by `LARGESTACK_TEST_POSTGRES`: a database of its own in it,
//! and the same rows by hand in a table of the form of the store's.

use std::cell::{Cell, RefCell};

use largestack_testkit::services::{self, Database};
use sqlx::{Connection as _, PgConnection};

use super::house::Rows;
use super::raw::{Row, rows};
use super::{GROUP, Raw};
use crate::Outcome;

/// As the store's table of facts.
const TABLE: &str = "CREATE TABLE raw_journal (
    tenant text NOT NULL, run bytea NOT NULL, seq bigint NOT NULL, v integer NOT NULL,
    at bigint NOT NULL, kind text NOT NULL, data text NOT NULL, key_id text,
    PRIMARY KEY (tenant, run, seq))";

const INSERT: &str = "INSERT INTO raw_journal (tenant, run, seq, v, at, kind, data)
    SELECT 'local', $1, s.seq, 1, s.at, s.kind, s.data
    FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::text[]) AS s (seq, at, kind, data)";

pub(super) struct Server {
    database: Database,
}

impl Server {
    /// The server, if there is one; an error where it does not sync what it commits.
    pub(super) fn find() -> Outcome<Option<Self>> {
        let Some(address) = services::postgres() else { return Ok(None) };
        let server = Self { database: Database::new(&address, "bench_flow") };
        let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let syncs = tokio.block_on(async {
            let mut connection = PgConnection::connect(&server.url()).await?;
            sqlx::query_scalar::<_, String>(
                "SELECT current_setting('fsync') || ' ' || current_setting('synchronous_commit')",
            )
            .fetch_one(&mut connection)
            .await
        })?;
        if syncs == "on on" {
            return Ok(Some(server));
        }
        Err(format!("the server has fsync and synchronous_commit `{syncs}`: durable is `on on`")
            .into())
    }

    pub(super) fn url(&self) -> String {
        self.database.url()
    }

    /// Rows by hand.
    pub(super) fn raw(&self, written: &Rows) -> Outcome<Postgres> {
        let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let connection = tokio.block_on(async {
            let mut connection = PgConnection::connect(&self.url()).await?;
            sqlx::query(TABLE).execute(&mut connection).await?;
            Ok::<_, sqlx::Error>(connection)
        })?;
        let (steps, fan_out) = (rows(&written.steps)?, rows(&written.fan_out)?);
        let connection = RefCell::new(connection);
        Ok(Postgres { tokio, connection, steps, fan_out, runs: Cell::new(0) })
    }
}

pub(super) struct Postgres {
    tokio: tokio::runtime::Runtime,
    connection: RefCell<PgConnection>,
    steps: Vec<Row>,
    fan_out: Vec<Row>,
    /// Runs written so far; they make the next ids.
    runs: Cell<u128>,
}

impl Postgres {
    fn write(&self, rows: &[Row], a_commit: usize) -> Outcome<()> {
        let run = self.runs.get() + 1;
        self.runs.set(run);
        let run = run.to_be_bytes();
        let mut connection = self.connection.try_borrow_mut()?;
        self.tokio.block_on(async {
            for commit in rows.chunks(a_commit) {
                let column = |of: fn(&Row) -> i64| commit.iter().map(of).collect::<Vec<i64>>();
                let words = |of: fn(&Row) -> &str| commit.iter().map(of).collect::<Vec<&str>>();
                sqlx::query(INSERT)
                    .bind(run.as_slice())
                    .bind(column(|row| row.seq))
                    .bind(column(|row| row.at))
                    .bind(words(|row| row.kind))
                    .bind(words(|row| &row.data))
                    .execute(&mut *connection)
                    .await?;
            }
            Ok(())
        })
    }
}

impl Raw for Postgres {
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
