//! The journal port over the queue and the connections.

use bytes::Bytes;
use futures::FutureExt as _;
use largestack_engine::Recorded;
use largestack_ports::BoxFuture;
use largestack_ports::journal::{Batch, CostBy, CostRow, Journal, Lease, RunSummary};
use largestack_ports::queue::Queue as Work;
use largestack_ports::retention::Retention;
use largestack_ports::sessions::Sessions;
use largestack_ports::signals::Signals;
use largestack_types::errors::Result as PortResult;
use largestack_types::hash::Hash;
use largestack_types::id::{OwnerId, RunId};
use largestack_types::scope::{Scope, TenantId};
use sqlx::{PgConnection, Row as _};

use crate::error::{Result, StoreError};
use crate::facts::{self, integer};
use crate::postgres::barrier::Barrier;
use crate::postgres::queue::Release;
use crate::postgres::rows::Rows;
use crate::postgres::server::PostgresStore;
use crate::postgres::{blobs, ledger, runs, sessions};

/// The events of a run after one.
async fn events(
    connection: &mut PgConnection,
    tenant: &TenantId,
    run: RunId,
    after: u64,
) -> Result<Vec<Recorded>> {
    let rows = sqlx::query(
        "SELECT seq, v, at, kind, data FROM journal
         WHERE tenant = $1 AND run = $2 AND seq > $3 ORDER BY seq",
    )
    .bind(tenant.as_str())
    .bind(run.as_bytes().as_slice())
    .bind(integer(after))
    .fetch_all(connection)
    .await?;
    let mut events = Vec::with_capacity(rows.len());
    for row in &rows {
        let wrong = |_| StoreError::Value { what: "event" };
        let seq = u64::try_from(row.try_get::<i64, _>(0)?).map_err(wrong)?;
        let v = u16::try_from(row.try_get::<i32, _>(1)?).map_err(wrong)?;
        let (at, kind, data) = (row.try_get(2)?, row.try_get(3)?, row.try_get(4)?);
        events.push(facts::open(run, (seq, v, at), kind, data)?);
    }
    Ok(events)
}

impl Journal for PostgresStore {
    fn claim<'a>(
        &'a self,
        scope: &'a Scope,
        run: RunId,
        owner: OwnerId,
    ) -> BoxFuture<'a, PortResult<Lease>> {
        self.inside(async move {
            let fence = self.claiming((scope.tenant(), run), owner).await?;
            Ok(Lease { scope: scope.clone(), run, owner, fence })
        })
    }

    /// Rides in the next commit; appends under the lease are refused from now on.
    fn release<'a>(&'a self, lease: &'a Lease) -> BoxFuture<'a, PortResult<()>> {
        let (tenant, run, fence) = (lease.scope.tenant().clone(), lease.run, lease.fence);
        let key = (tenant.clone(), run);
        let mut state = self.queue.lock();
        if state.untold.remove(&fence).is_some() && !state.claimed.contains_key(&key) {
            sessions::forget_key(self, &tenant, run);
        }
        if state.claimed.get(&key).is_some_and(|claimed| claimed.fence == fence) {
            sessions::forget_key(self, &tenant, run);
            state.claimed.remove(&key);
            state.holders.remove(&key);
            self.queue.release(&mut state, Release { tenant, run, fence });
        }
        futures::future::ready(Ok(())).boxed()
    }

    fn append(&self, lease: &Lease, batch: Batch) -> PortResult<()> {
        let run = lease.run;
        let span = facts::span(run, &batch.events)?;
        let said = batch.memory.as_ref().map(|said| sessions::seal(self, lease, said));
        let batch = (batch, said.transpose()?.flatten());
        let rows = Rows::of(lease.scope.tenant(), run, lease.fence, batch)?;
        let mut state = self.queue.lock();
        let lost = state.untold.get(&lease.fence).cloned();
        if let Some(error) = lost.or_else(|| state.failure()) {
            return Err(error);
        }
        facts::admit(&mut state.claimed, lease, span)?;
        self.queue.push(&mut state, rows);
        Ok(())
    }

    fn durable(&self) -> BoxFuture<'_, PortResult<()>> {
        let mut state = self.queue.lock();
        state.stats.barriers += 1;
        if let Some(error) = state.in_doubt() {
            return futures::future::ready(Err(error)).boxed();
        }
        Barrier::at(&self.queue, &state, state.last_written()).boxed()
    }

    fn durable_run<'a>(&'a self, lease: &'a Lease) -> BoxFuture<'a, PortResult<()>> {
        let mut state = self.queue.lock();
        state.stats.barriers += 1;
        Barrier::under(&self.queue, &state, lease.fence).boxed()
    }

    fn read<'a>(
        &'a self,
        scope: &'a Scope,
        run: RunId,
        after: u64,
    ) -> BoxFuture<'a, PortResult<Vec<Recorded>>> {
        self.after_queued(async move {
            let mut transaction = self.begin(scope.tenant()).await?;
            let events = events(&mut transaction, scope.tenant(), run, after).await?;
            transaction.commit().await?;
            Ok(events)
        })
    }

    fn blob<'a>(
        &'a self,
        scope: &'a Scope,
        hash: Hash,
    ) -> BoxFuture<'a, PortResult<Option<Bytes>>> {
        self.after_queued(async move {
            let mut transaction = self.begin(scope.tenant()).await?;
            let bytes = blobs::get(&mut transaction, scope.tenant(), hash).await?;
            transaction.commit().await?;
            Ok(bytes)
        })
    }

    fn run<'a>(
        &'a self,
        scope: &'a Scope,
        run: RunId,
    ) -> BoxFuture<'a, PortResult<Option<RunSummary>>> {
        self.after_queued(async move {
            let mut transaction = self.begin(scope.tenant()).await?;
            let summary = runs::one(&mut transaction, scope.tenant(), run).await?;
            transaction.commit().await?;
            Ok(summary)
        })
    }

    fn runs<'a>(
        &'a self,
        scope: &'a Scope,
        limit: usize,
    ) -> BoxFuture<'a, PortResult<Vec<RunSummary>>> {
        self.after_queued(async move {
            let mut transaction = self.begin(scope.tenant()).await?;
            let runs = runs::newest(&mut transaction, scope.tenant(), limit).await?;
            transaction.commit().await?;
            Ok(runs)
        })
    }

    fn costs<'a>(
        &'a self,
        scope: &'a Scope,
        by: CostBy,
    ) -> BoxFuture<'a, PortResult<Vec<CostRow>>> {
        self.after_queued(async move {
            let mut transaction = self.begin(scope.tenant()).await?;
            let costs = ledger::costs(&mut transaction, scope.tenant(), by).await?;
            transaction.commit().await?;
            Ok(costs)
        })
    }

    fn told(&self, run: RunId) -> BoxFuture<'static, ()> {
        self.told.of(run)
    }

    fn is_durable(&self) -> bool {
        true
    }

    fn sessions(&self) -> Option<&dyn Sessions> {
        Some(self)
    }

    fn retention(&self) -> Option<&dyn Retention> {
        Some(self)
    }

    fn signals(&self) -> Option<&dyn Signals> {
        Some(self)
    }

    fn queue(&self) -> Option<&dyn Work> {
        Some(self)
    }
}
