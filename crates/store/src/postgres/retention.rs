//! Removing trees of runs, and what they leave to nobody.

use std::collections::{BTreeSet, HashSet};

use futures::TryStreamExt as _;
use largestack_engine::event::{Forked, VERSION};
use largestack_ports::BoxFuture;
use largestack_ports::journal::RunSummary;
use largestack_ports::retention::{Compaction, Kept, Pruned, Retention, Rule};
use largestack_types::errors::Result as PortResult;
use largestack_types::hash::Hash;
use largestack_types::id::RunId;
use largestack_types::scope::Scope;
use sqlx::{PgConnection, Row as _};

use crate::error::{Result, StoreError};
use crate::facts::integer;
use crate::postgres::fault::{ServerError, is_locked};
use crate::postgres::server::PostgresStore;
use crate::postgres::signals;
use crate::retention::{Ties, choose, over};

/// A transaction of a tenant, whose rows are all that it sees.
struct Of<'c> {
    connection: &'c mut PgConnection,
    tenant: &'c str,
}

/// Runs and, in the same order, their last events.
type Lasts = (Vec<Vec<u8>>, Vec<i64>);

fn id(bytes: &[u8]) -> Result<RunId> {
    let bytes = bytes.try_into().map_err(|_| StoreError::Value { what: "id" })?;
    Ok(RunId::from_u128(u128::from_be_bytes(bytes)))
}

fn keys(runs: &BTreeSet<RunId>) -> Vec<Vec<u8>> {
    runs.iter().map(|run| run.as_bytes().to_vec()).collect()
}

fn digests(parts: &HashSet<Hash>) -> Vec<Vec<u8>> {
    parts.iter().map(|hash| hash.as_bytes().to_vec()).collect()
}

impl Of<'_> {
    async fn lines(&mut self) -> Result<Vec<RunSummary>> {
        let data: Vec<String> = sqlx::query_scalar("SELECT data FROM runs WHERE tenant = $1")
            .bind(self.tenant)
            .fetch_all(&mut *self.connection)
            .await?;
        let read = |data: &String| serde_json::from_str(data);
        let lines: Result<_, _> = data.iter().map(read).collect();
        lines.map_err(|_| StoreError::Value { what: "run summary" })
    }

    async fn runs(&mut self, select: &'static str) -> Result<HashSet<RunId>> {
        let runs: Vec<Vec<u8>> =
            sqlx::query_scalar(select).bind(self.tenant).fetch_all(&mut *self.connection).await?;
        runs.iter().map(|run| id(run)).collect()
    }

    /// The runs that a living process holds.
    async fn held(&mut self) -> Result<HashSet<RunId>> {
        let held = "SELECT l.run FROM leases AS l
             WHERE l.tenant = $1 AND process_lives(l.tenant, l.process)";
        self.runs(held).await
    }

    async fn ties(&mut self) -> Result<Ties> {
        let held = self.held().await?;
        let said = self.runs("SELECT run FROM exchanges WHERE tenant = $1").await?;
        let forks = self.forks().await?;
        Ok(Ties { held, in_sessions: said, forks })
    }

    /// Forks, each with the run that it left.
    async fn forks(&mut self) -> Result<Vec<(RunId, RunId)>> {
        let forked = "SELECT run, data FROM journal WHERE tenant = $1 AND kind = 'forked'";
        let forked: Vec<(Vec<u8>, String)> =
            sqlx::query_as(forked).bind(self.tenant).fetch_all(&mut *self.connection).await?;
        let of = |(run, data): &(Vec<u8>, String)| {
            let forked: Forked = serde_json::from_str(data)
                .map_err(|_| StoreError::Value { what: "forked event" })?;
            Ok((id(run)?, forked.of))
        };
        forked.iter().map(of).collect()
    }

    /// The hashes that runs name, and how many events and bytes they have.
    async fn named(&mut self, runs: &BTreeSet<RunId>) -> Result<(HashSet<Hash>, u64, u64)> {
        let (mut named, mut events, mut bytes) = (HashSet::new(), 0, 0);
        let select = "SELECT data FROM journal WHERE tenant = $1 AND run = ANY($2)";
        let select = sqlx::query(select).bind(self.tenant).bind(keys(runs));
        let mut rows = select.fetch(&mut *self.connection);
        while let Some(row) = rows.try_next().await? {
            let data: &str = row.try_get(0)?;
            events += 1;
            bytes += data.len() as u64;
            named.extend(Hash::named_in(data));
        }
        Ok((named, events, bytes))
    }

    /// Whether a conversation holds words of a run that is not here: what these refer to is sealed, and
    /// nobody knows which parts.
    async fn has_foreign_words(&mut self) -> Result<bool> {
        let foreign =
            "SELECT EXISTS (SELECT 1 FROM exchanges AS e WHERE e.tenant = $1 AND NOT EXISTS
             (SELECT 1 FROM runs AS r WHERE r.tenant = e.tenant AND r.run = e.run))";
        let foreign = sqlx::query_scalar(foreign).bind(self.tenant);
        Ok(foreign.fetch_one(&mut *self.connection).await?)
    }

    /// The last event of each run.
    async fn lasts(&mut self) -> Result<Lasts> {
        let select = "SELECT run, max(seq) FROM journal WHERE tenant = $1 GROUP BY run";
        let select = sqlx::query_as(select).bind(self.tenant);
        let lasts: Vec<(Vec<u8>, i64)> = select.fetch_all(&mut *self.connection).await?;
        Ok(lasts.into_iter().unzip())
    }

    /// Takes those out that runs which stay name, too, in events that come behind these.
    async fn without_named_elsewhere(
        &mut self,
        named: &mut HashSet<Hash>,
        going: &BTreeSet<RunId>,
        (runs, seqs): &Lasts,
    ) -> Result<()> {
        if named.is_empty() {
            return Ok(());
        }
        let select = "SELECT DISTINCT word[1] FROM journal AS j
             LEFT JOIN unnest($4::bytea[], $5::bigint[]) AS l (run, seq) ON l.run = j.run,
             LATERAL regexp_matches(j.data, '[0-9a-f]{64}', 'g') AS word
             WHERE j.tenant = $1 AND NOT j.run = ANY($2) AND j.seq > coalesce(l.seq, 0)
                 AND word[1] = ANY($3)";
        let words: Vec<String> = named.iter().map(Hash::to_string).collect();
        let elsewhere: Vec<String> = sqlx::query_scalar(select)
            .bind(self.tenant)
            .bind(keys(going))
            .bind(words)
            .bind(runs)
            .bind(seqs)
            .fetch_all(&mut *self.connection)
            .await?;
        for word in elsewhere {
            if let Some(hash) = Hash::parse(&word) {
                named.remove(&hash);
            }
        }
        Ok(())
    }

    /// Waits for those who append parts, and then they wait: what is named from here on is written
    /// anew. Who asks for the lock behind this waits as well, so it is given up soon.
    async fn lock(&mut self) -> Result<()> {
        let lock = "SET LOCAL lock_timeout = '2s'; LOCK TABLE blobs IN SHARE ROW EXCLUSIVE MODE";
        match sqlx::raw_sql(lock).execute(&mut *self.connection).await {
            Err(error) if is_locked(&error) => Err(ServerError::InUse.into()),
            done => Ok(done.map(|_| ())?),
        }
    }

    /// Waits for those who give up events of these runs, and then they wait: an event that is written for
    /// others must not stay behind without its run. Leases come first, as wherever both are locked.
    /// Whether all runs are there.
    async fn lock_runs(&mut self, runs: &[Vec<u8>]) -> Result<bool> {
        for (locks, count) in [
            (
                "SELECT run FROM leases WHERE tenant = $1 AND run = ANY($2) ORDER BY run FOR UPDATE",
                0,
            ),
            (
                "SELECT run FROM runs WHERE tenant = $1 AND run = ANY($2) ORDER BY run FOR UPDATE",
                runs.len(),
            ),
        ] {
            let locked = sqlx::query(locks).bind(self.tenant).bind(runs);
            if locked.fetch_all(&mut *self.connection).await?.len() < count {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Removes runs and then, under the lock, the parts of these that nobody else names, also of late.
    async fn remove_all(
        &mut self,
        runs: &BTreeSet<RunId>,
        named: &mut HashSet<Hash>,
        lasts: &Lasts,
    ) -> Result<()> {
        if runs.is_empty() {
            return Ok(());
        }
        self.lock_runs(&keys(runs)).await?;
        self.remove_runs(runs).await?;
        self.lock().await?;
        // Those of the runs that go are gone: this one was forked of late.
        if self.forks().await?.iter().any(|(_, of)| runs.contains(of)) {
            return Err(ServerError::InUse.into());
        }
        if self.has_foreign_words().await? {
            named.clear();
        }
        self.without_named_elsewhere(named, runs, lasts).await
    }

    /// How many of these parts there are, and their bytes.
    async fn sizes(&mut self, parts: &HashSet<Hash>) -> Result<(u64, u64)> {
        let (blobs, bytes): (i64, i64) = sqlx::query_as(
            "SELECT count(*), coalesce(sum(length(data)), 0)::bigint FROM blobs
             WHERE tenant = $1 AND hash = ANY($2)",
        )
        .bind(self.tenant)
        .bind(digests(parts))
        .fetch_one(&mut *self.connection)
        .await?;
        Ok((u64::try_from(blobs).unwrap_or(0), u64::try_from(bytes).unwrap_or(0)))
    }

    async fn remove(&mut self, statement: &'static str, keys: &[Vec<u8>]) -> Result<()> {
        sqlx::query(statement).bind(self.tenant).bind(keys).execute(&mut *self.connection).await?;
        Ok(())
    }

    async fn remove_runs(&mut self, runs: &BTreeSet<RunId>) -> Result<()> {
        let asked = "SELECT id FROM approvals
             WHERE tenant = $1 AND data::jsonb ->> 'run' = ANY($2)";
        let names: Vec<String> = runs.iter().map(RunId::to_string).collect();
        let questions: Vec<Vec<u8>> = sqlx::query_scalar(asked)
            .bind(self.tenant)
            .bind(names)
            .fetch_all(&mut *self.connection)
            .await?;
        let of_runs = keys(runs);
        for statement in [
            "DELETE FROM journal WHERE tenant = $1 AND run = ANY($2)",
            "DELETE FROM runs WHERE tenant = $1 AND run = ANY($2)",
            "DELETE FROM leases WHERE tenant = $1 AND run = ANY($2)",
            "DELETE FROM vault_keys WHERE tenant = $1 AND root = ANY($2)",
            "DELETE FROM vault_values WHERE tenant = $1 AND root = ANY($2)",
            "DELETE FROM signals WHERE tenant = $1 AND root = ANY($2)",
        ] {
            self.remove(statement, &of_runs).await?;
        }
        for statement in [
            "DELETE FROM approvals WHERE tenant = $1 AND id = ANY($2)",
            "DELETE FROM approval_votes WHERE tenant = $1 AND id = ANY($2)",
            "DELETE FROM approval_tokens WHERE tenant = $1 AND id = ANY($2)",
        ] {
            self.remove(statement, &questions).await?;
        }
        Ok(())
    }

    /// Whether the run was still as it was looked at, and its events were given up.
    async fn compact(&mut self, compaction: &Compaction) -> Result<bool> {
        let Compaction { run, by, last } = compaction;
        // Whoever claims the run, appends to it or removes it waits for these rows, or has them already.
        if !self.lock_runs(&[run.as_bytes().to_vec()]).await? {
            return Ok(false);
        }
        let run = run.as_bytes().as_slice();
        let held = "SELECT EXISTS (SELECT 1 FROM leases
             WHERE tenant = $1 AND run = $2 AND process_lives(tenant, process))";
        let held = sqlx::query_scalar(held).bind(self.tenant).bind(run);
        if held.fetch_one(&mut *self.connection).await? {
            return Ok(false);
        }
        let events: (i64, i64) = sqlx::query_as(
            "SELECT count(*), coalesce(max(seq), 0) FROM journal WHERE tenant = $1 AND run = $2",
        )
        .bind(self.tenant)
        .bind(run)
        .fetch_one(&mut *self.connection)
        .await?;
        // A run without gaps is one whose events are all there.
        if events != (integer(*last), integer(*last)) {
            return Ok(false);
        }
        let data = by.event.data().map_err(|_| StoreError::Value { what: "event" })?;
        let gone = "DELETE FROM journal WHERE tenant = $1 AND run = $2 AND seq > 1 AND seq <= $3";
        let gone = sqlx::query(gone).bind(self.tenant).bind(run).bind(integer(by.seq));
        let gone = gone.execute(&mut *self.connection).await?;
        if gone.rows_affected() + 1 != by.seq {
            return Ok(false);
        }
        sqlx::query(
            "INSERT INTO journal (tenant, run, seq, v, at, kind, data)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(self.tenant)
        .bind(run)
        .bind(integer(by.seq))
        .bind(i32::from(VERSION))
        .bind(by.at.micros())
        .bind(by.event.kind())
        .bind(data)
        .execute(&mut *self.connection)
        .await?;
        Ok(true)
    }

    async fn remove_parts(&mut self, parts: &HashSet<Hash>) -> Result<()> {
        self.remove("DELETE FROM blobs WHERE tenant = $1 AND hash = ANY($2)", &digests(parts)).await
    }
}

impl Retention for PostgresStore {
    fn prune<'a>(&'a self, scope: &'a Scope, rule: Rule) -> BoxFuture<'a, PortResult<Pruned>> {
        self.after_queued(async move {
            let mut transaction = self.begin(scope.tenant()).await?;
            let mut of = Of { connection: &mut transaction, tenant: scope.tenant().as_str() };
            let (lines, ties) = (of.lines().await?, of.ties().await?);
            let (runs, kept) = choose(&lines, &ties, &rule);
            let (mut named, events, bytes) = of.named(&runs).await?;
            if !named.is_empty() && of.has_foreign_words().await? {
                named.clear();
            }
            // The long look is taken while others write, and a short one at what they wrote meanwhile.
            let lasts = of.lasts().await?;
            of.without_named_elsewhere(&mut named, &runs, &Lasts::default()).await?;
            if !rule.dry_run {
                of.remove_all(&runs, &mut named, &lasts).await?;
            }
            let (blobs, in_blobs) = of.sizes(&named).await?;
            if rule.dry_run {
                transaction.rollback().await?;
            } else {
                of.remove_parts(&named).await?;
                signals::sweep(of.connection, of.tenant, rule.before).await?;
                transaction.commit().await?;
            }
            let runs = runs.len() as u64;
            Ok(Pruned { runs, events, blobs, bytes: bytes + in_blobs, kept })
        })
    }

    fn over<'a>(
        &'a self,
        scope: &'a Scope,
        rule: Rule,
    ) -> BoxFuture<'a, PortResult<(Vec<RunId>, Kept)>> {
        self.after_queued(async move {
            let mut transaction = self.begin(scope.tenant()).await?;
            let mut of = Of { connection: &mut transaction, tenant: scope.tenant().as_str() };
            let (lines, held) = (of.lines().await?, of.held().await?);
            transaction.rollback().await?;
            let (runs, kept) = over(&lines, held, &rule);
            Ok((runs.into_iter().collect(), kept))
        })
    }

    fn compact<'a>(
        &'a self,
        scope: &'a Scope,
        compaction: Compaction,
    ) -> BoxFuture<'a, PortResult<bool>> {
        self.after_queued(async move {
            let mut transaction = self.begin(scope.tenant()).await?;
            let mut of = Of { connection: &mut transaction, tenant: scope.tenant().as_str() };
            let done = of.compact(&compaction).await?;
            if done {
                transaction.commit().await?;
            } else {
                transaction.rollback().await?;
            }
            Ok(done)
        })
    }
}
