//! How `largestack worker` works, and how much may wait for it (`worker`).

use std::time::Duration;

use crate::node::Node;
use crate::problem::Wrong;
use crate::read::Fields;
use crate::show::Show;
use crate::value;

mod restate;

pub use restate::Restate;

/// Runs that a worker has at once, unless the file says otherwise.
const CONCURRENCY: u32 = 4;
/// How often a run is tried.
const ATTEMPTS: u32 = 5;
/// Runs of a tenant that may be queued.
const MAX_QUEUED: u32 = 10_000;
/// How long a silent worker keeps its runs, and how long what it has may take to end.
const HALF_A_MINUTE: Duration = Duration::from_secs(30);
/// A worker says that it lives three times a lease: more often than this is no use.
const SHORTEST_LEASE: Duration = Duration::from_secs(1);

/// Who says which worker drives a run, and keeps what it has come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Engine {
    /// The queue and the journal of the project's server.
    #[default]
    Store,
    /// A Restate server.
    Restate,
}

const ENGINES: &[(&str, Engine)] = &[("store", Engine::Store), ("restate", Engine::Restate)];

impl Show for Engine {
    fn show(&self) -> String {
        let name = ENGINES.iter().find(|(_, engine)| engine == self);
        name.map_or_else(String::new, |(name, _)| (*name).to_owned())
    }
}

/// How workers work, and how much may wait for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workers {
    /// Who says which of them drives a run.
    pub engine: Engine,
    /// Runs that one worker has at once.
    pub concurrency: u32,
    /// Runs of one tenant at once, over all workers.
    pub per_tenant: Option<u32>,
    /// Runs of each agent at once, over all workers and tenants.
    pub per_agent: Option<u32>,
    /// How long a worker that says nothing keeps its runs.
    pub lease: Duration,
    /// How long what a worker has may take to end when it is told to.
    pub drain: Duration,
    /// How often a run is tried before it is set aside.
    pub attempts: u32,
    /// Runs of a tenant that may be queued.
    pub max_queued: u32,
    /// Where Restate is.
    pub restate: Restate,
}

impl Default for Workers {
    fn default() -> Self {
        Self {
            engine: Engine::default(),
            concurrency: CONCURRENCY,
            per_tenant: None,
            per_agent: None,
            lease: HALF_A_MINUTE,
            drain: HALF_A_MINUTE,
            attempts: ATTEMPTS,
            max_queued: MAX_QUEUED,
            restate: Restate::default(),
        }
    }
}

fn lease(node: &Node) -> Result<Duration, Wrong> {
    match value::duration(node)? {
        lease if lease < SHORTEST_LEASE => Err(Wrong::value("a lease lasts at least 1s")),
        lease => Ok(lease),
    }
}

pub(crate) fn read(mut fields: Fields<'_>) -> Workers {
    let count = || value::whole(1, u32::MAX);
    let engine = fields.get("engine", Engine::default(), value::choice(ENGINES)).value;
    let workers = Workers {
        engine,
        concurrency: fields.get("concurrency", CONCURRENCY, value::whole(1, 10_000)).value,
        per_tenant: fields.optional("per_tenant", count()),
        per_agent: fields.optional("per_agent", count()),
        lease: fields.get("lease", HALF_A_MINUTE, lease).value,
        drain: fields.get("drain", HALF_A_MINUTE, value::duration).value,
        attempts: fields.get("attempts", ATTEMPTS, value::whole(1, 1_000)).value,
        max_queued: fields.get("max_queued", MAX_QUEUED, count()).value,
        restate: restate::read(fields.section("restate"), engine == Engine::Restate),
    };
    fields.finish();
    workers
}
