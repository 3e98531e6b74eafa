//! A journal that ends with the process. Shares events with the driver instead of writing them.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use foldhash::quality::RandomState;
use largestack_engine::Recorded;
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::hash::Hash;
use largestack_types::id::{OwnerId, RunId};
use largestack_types::money::Money;
use largestack_types::scope::{Scope, TenantId};
use largestack_types::time::Timestamp;

use super::{Batch, CostBy, CostRow, Journal, Lease, LedgerLine, RunSummary};
use crate::BoxFuture;
use crate::clock::Clock;
use crate::sessions::Sessions;
use crate::signals::{Inbox, Signals};

mod sessions;
mod signals;

/// The in-memory journal.
#[derive(Default)]
pub struct MemoryJournal {
    tenants: Mutex<HashMap<TenantId, Tenant, RandomState>>,
    clock: Option<Arc<dyn Clock>>,
}

impl fmt::Debug for MemoryJournal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryJournal")
    }
}

type Runs = HashMap<RunId, RunLog, RandomState>;

#[derive(Debug, Default)]
struct Tenant {
    runs: Runs,
    blobs: HashMap<Hash, Bytes>,
    ledger: Vec<LedgerLine>,
    sessions: sessions::Kept,
    inbox: Inbox,
}

#[derive(Debug, Default)]
struct RunLog {
    events: Vec<Recorded>,
    summary: Option<RunSummary>,
    fence: u64,
    holder: Option<OwnerId>,
}

impl MemoryJournal {
    /// With a clock, without which no session's time is ever over.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { tenants: Mutex::default(), clock: Some(clock) }
    }

    fn now(&self) -> Timestamp {
        let now = self.clock.as_ref().map(|clock| clock.now());
        now.unwrap_or(Timestamp::from_micros(0))
    }

    fn with<T>(&self, scope: &Scope, work: impl FnOnce(&mut Tenant) -> T) -> T {
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        match tenants.get_mut(scope.tenant()) {
            Some(tenant) => work(tenant),
            None => work(tenants.entry(scope.tenant().clone()).or_default()),
        }
    }

    /// Forgets a finished run: for long-lived processes that keep no history.
    pub fn forget(&self, scope: &Scope, run: RunId) {
        self.with(scope, |tenant| {
            tenant.runs.remove(&run);
            tenant.inbox.forget(run);
        });
    }
}

fn ready<'a, T: Send + 'a>(value: T) -> BoxFuture<'a, T> {
    Box::pin(std::future::ready(value))
}

fn claim(log: &mut RunLog, scope: &Scope, run: RunId, owner: OwnerId) -> Result<Lease> {
    match log.holder {
        Some(holder) if holder != owner => {
            Err(LargestackError::other(Code::Conflict, format!("{run} is held by {holder}")))
        }
        _ => {
            log.holder = Some(owner);
            log.fence += 1;
            Ok(Lease { scope: scope.clone(), run, owner, fence: log.fence })
        }
    }
}

fn append(tenant: &mut Tenant, lease: &Lease, batch: Batch) -> Result<()> {
    let Batch { events, ledger, blobs, summary, memory } = batch;
    let log = tenant.runs.entry(lease.run).or_default();
    if log.fence != lease.fence {
        let detail = format!("{} was taken over by another process", lease.run);
        return Err(LargestackError::other(Code::Conflict, detail));
    }
    let next = log.events.last().map_or(0, |event| event.seq) + 1;
    for (expected, event) in (next..).zip(&events) {
        if event.seq != expected {
            let detail = format!("{}: event {} where {expected} is next", lease.run, event.seq);
            return Err(LargestackError::other(Code::Conflict, detail));
        }
    }
    log.events.extend(events);
    if summary.is_some() {
        log.summary = summary;
    }
    tenant.ledger.extend(ledger);
    tenant.blobs.extend(blobs);
    if let Some(said) = memory {
        tenant.sessions.remember(lease, said);
    }
    Ok(())
}

fn costs(ledger: &[LedgerLine], by: CostBy) -> Result<Vec<CostRow>> {
    let mut rows: BTreeMap<String, CostRow> = BTreeMap::new();
    for line in ledger {
        let key = match by {
            CostBy::Agent => line.agent.to_string(),
            CostBy::Model => line.model.to_string(),
            CostBy::Day => line.at.to_string().chars().take(10).collect(),
        };
        let row = rows.entry(key.clone()).or_insert_with(|| CostRow {
            key,
            calls: 0,
            usage: largestack_types::usage::Usage::default(),
            cost: Money::ZERO,
            cached: 0,
        });
        row.calls += 1;
        row.cached += u64::from(line.cached);
        row.usage = row.usage.plus(line.usage);
        row.cost = row.cost.checked_add(line.cost).map_err(|_| {
            LargestackError::other(Code::Budget, "a total of money is out of range")
        })?;
    }
    Ok(rows.into_values().collect())
}

impl Journal for MemoryJournal {
    fn claim<'a>(
        &'a self,
        scope: &'a Scope,
        run: RunId,
        owner: OwnerId,
    ) -> BoxFuture<'a, Result<Lease>> {
        ready(
            self.with(scope, |tenant| {
                claim(tenant.runs.entry(run).or_default(), scope, run, owner)
            }),
        )
    }

    fn release<'a>(&'a self, lease: &'a Lease) -> BoxFuture<'a, Result<()>> {
        self.with(&lease.scope, |tenant| {
            if let Some(log) = tenant.runs.get_mut(&lease.run).filter(|l| l.fence == lease.fence) {
                log.holder = None;
                // The lease that was given back is no longer good for an append.
                log.fence += 1;
            }
        });
        ready(Ok(()))
    }

    fn append(&self, lease: &Lease, batch: Batch) -> Result<()> {
        self.with(&lease.scope, |tenant| append(tenant, lease, batch))
    }

    fn durable(&self) -> BoxFuture<'_, Result<()>> {
        ready(Ok(()))
    }

    fn read<'a>(
        &'a self,
        scope: &'a Scope,
        run: RunId,
        after: u64,
    ) -> BoxFuture<'a, Result<Vec<Recorded>>> {
        ready(Ok(self.with(scope, |tenant| {
            let events = tenant.runs.get(&run).map(|log| log.events.iter());
            events.into_iter().flatten().filter(|event| event.seq > after).cloned().collect()
        })))
    }

    fn blob<'a>(&'a self, scope: &'a Scope, hash: Hash) -> BoxFuture<'a, Result<Option<Bytes>>> {
        ready(Ok(self.with(scope, |tenant| tenant.blobs.get(&hash).cloned())))
    }

    fn run<'a>(
        &'a self,
        scope: &'a Scope,
        run: RunId,
    ) -> BoxFuture<'a, Result<Option<RunSummary>>> {
        ready(Ok(self.with(scope, |tenant| tenant.runs.get(&run)?.summary.clone())))
    }

    fn runs<'a>(
        &'a self,
        scope: &'a Scope,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<RunSummary>>> {
        ready(Ok(self.with(scope, |tenant| {
            let mut runs: Vec<_> =
                tenant.runs.values().filter_map(|log| log.summary.clone()).collect();
            runs.sort_by_key(|run| std::cmp::Reverse(run.run));
            runs.truncate(limit);
            runs
        })))
    }

    fn costs<'a>(&'a self, scope: &'a Scope, by: CostBy) -> BoxFuture<'a, Result<Vec<CostRow>>> {
        ready(self.with(scope, |tenant| costs(&tenant.ledger, by)))
    }

    fn is_durable(&self) -> bool {
        false
    }

    fn signals(&self) -> Option<&dyn Signals> {
        Some(self)
    }

    fn sessions(&self) -> Option<&dyn Sessions> {
        Some(self)
    }
}
