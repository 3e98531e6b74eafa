//! The journal port over the queue and the readers.

use bytes::Bytes;
use futures::FutureExt as _;
use largestack_engine::Recorded;
use largestack_ports::BoxFuture;
use largestack_ports::journal::{Batch, CostBy, CostRow, Journal, Lease, RunSummary};
use largestack_ports::retention::Retention;
use largestack_ports::sessions::Sessions;
use largestack_ports::signals::Signals;
use largestack_types::errors::Result as PortResult;
use largestack_types::hash::Hash;
use largestack_types::id::{OwnerId, RunId};
use largestack_types::scope::Scope;
use rusqlite::{Connection, params};

use crate::error::{Result, StoreError};
use crate::facts::{self, Claimed};
use crate::sqlite::barrier::Barrier;
use crate::sqlite::leases::Release;
use crate::sqlite::queue::Work;
use crate::sqlite::rows::{Rows, integer};
use crate::sqlite::store::{Store, failed};
use crate::sqlite::{blobs, ledger, runs, sessions};

/// The events of a run after one.
fn events(connection: &Connection, tenant: &str, run: RunId, after: u64) -> Result<Vec<Recorded>> {
    let path = connection.path().unwrap_or_default().to_owned();
    let mut select = connection
        .prepare_cached(
            "SELECT seq, v, at, kind, data FROM journal
             WHERE tenant = ?1 AND run = ?2 AND seq > ?3 ORDER BY seq",
        )
        .map_err(failed(&path))?;
    let mut rows =
        select.query(params![tenant, run.as_bytes(), integer(after)]).map_err(failed(&path))?;
    let mut events = Vec::new();
    while let Some(row) = rows.next().map_err(failed(&path))? {
        let columns = || {
            let seq: i64 = row.get(0)?;
            Ok((u64::try_from(seq).unwrap_or(0), row.get::<_, u16>(1)?, row.get::<_, i64>(2)?))
        };
        let (seq, v, at) = columns().map_err(failed(&path))?;
        let text = |column| row.get_ref(column).ok().and_then(|value| value.as_str().ok());
        let (Some(kind), Some(data)) = (text(3), text(4)) else {
            return Err(StoreError::Value { what: "event" });
        };
        events.push(facts::open(run, (seq, v, at), kind, data)?);
    }
    Ok(events)
}

impl Journal for Store {
    fn claim<'a>(
        &'a self,
        scope: &'a Scope,
        run: RunId,
        owner: OwnerId,
    ) -> BoxFuture<'a, PortResult<Lease>> {
        let claim = match self.writing() {
            Ok(writing) => writing.writer.claim(scope.tenant().clone(), run, owner),
            Err(error) => return futures::future::ready(Err(error.into())).boxed(),
        };
        let scope = scope.clone();
        async move {
            let Claimed { fence, .. } = claim.await?;
            Ok(Lease { scope, run, owner, fence })
        }
        .boxed()
    }

    /// Rides in the next commit; appends under the lease are refused from now on.
    fn release<'a>(&'a self, lease: &'a Lease) -> BoxFuture<'a, PortResult<()>> {
        let result = self.writing().map(|writing| {
            let queue = &writing.writer.queue;
            let (tenant, run, fence) = (lease.scope.tenant().clone(), lease.run, lease.fence);
            let key = (tenant.clone(), run);
            sessions::forget_key(self, &tenant, run);
            let mut state = queue.lock();
            if state.claimed.get(&key).is_some_and(|claimed| claimed.fence == fence) {
                state.claimed.remove(&key);
                queue.push(&mut state, Work::Release(Release { tenant, run, fence }));
            }
        });
        futures::future::ready(result.map_err(Into::into)).boxed()
    }

    fn append(&self, lease: &Lease, batch: Batch) -> PortResult<()> {
        let writing = self.writing()?;
        let run = lease.run;
        let span = facts::span(run, &batch.events)?;
        let said = batch.memory.as_ref().map(|said| sessions::seal(self, lease, said));
        let batch = (batch, said.transpose()?.flatten());
        let rows = Rows::of(lease.scope.tenant(), run, lease.fence, batch)?;
        let queue = &writing.writer.queue;
        let mut state = queue.lock();
        if let Some(error) = state.failure() {
            return Err(error);
        }
        facts::admit(&mut state.claimed, lease, span)?;
        queue.push(&mut state, Work::Rows(rows));
        Ok(())
    }

    fn durable(&self) -> BoxFuture<'_, PortResult<()>> {
        match self.writing() {
            Ok(writing) => {
                writing.writer.queue.lock().stats.barriers += 1;
                Barrier::new(&writing.writer.queue).boxed()
            }
            Err(error) => futures::future::ready(Err(error.into())).boxed(),
        }
    }

    fn read<'a>(
        &'a self,
        scope: &'a Scope,
        run: RunId,
        after: u64,
    ) -> BoxFuture<'a, PortResult<Vec<Recorded>>> {
        let tenant = scope.tenant().clone();
        self.read_state(move |connection| events(connection, tenant.as_str(), run, after))
    }

    fn blob<'a>(
        &'a self,
        scope: &'a Scope,
        hash: Hash,
    ) -> BoxFuture<'a, PortResult<Option<Bytes>>> {
        let (tenant, path) = (scope.tenant().clone(), self.state_path());
        self.read_state(move |connection| {
            blobs::get(connection, tenant.as_str(), hash).map_err(failed(&path))
        })
    }

    fn run<'a>(
        &'a self,
        scope: &'a Scope,
        run: RunId,
    ) -> BoxFuture<'a, PortResult<Option<RunSummary>>> {
        let tenant = scope.tenant().clone();
        self.read_state(move |connection| runs::one(connection, tenant.as_str(), run))
    }

    fn runs<'a>(
        &'a self,
        scope: &'a Scope,
        limit: usize,
    ) -> BoxFuture<'a, PortResult<Vec<RunSummary>>> {
        let tenant = scope.tenant().clone();
        self.read_state(move |connection| runs::newest(connection, tenant.as_str(), limit))
    }

    fn costs<'a>(
        &'a self,
        scope: &'a Scope,
        by: CostBy,
    ) -> BoxFuture<'a, PortResult<Vec<CostRow>>> {
        let tenant = scope.tenant().clone();
        self.read_state(move |connection| ledger::costs(connection, tenant.as_str(), by))
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
}
