//! The workflows that are measured, over a store.

use std::path::Path;
use std::sync::Arc;

use futures::future::join_all;
use largestack_agent::Runtime;
use largestack_agent::runtime::{LiveRuns, ToolPorts};
use largestack_engine::graph::{GraphLimits, Node, Work};
use largestack_engine::{Recorded, Status};
use largestack_flow::{FlowOptions, Function, NodeOutput, Workflow};
use largestack_http::{OsIds, SystemClock, TokioTasks};
use largestack_ports::clock::Clock;
use largestack_ports::ids::{Ids, MakeId};
use largestack_ports::journal::Journal;
use largestack_ports::ledger::MemoryLedger;
use largestack_ports::switch::Switch;
use largestack_ports::vault::TokenVault;
use largestack_store::{Options, PostgresOptions, PostgresStore, Store};
use largestack_testkit::{TestModel, Turn};
use largestack_types::errors::LargestackError;
use largestack_types::id::RunId;
use largestack_types::scope::Scope;
use serde_json::json;

use super::{BRANCHES, CHAIN};
use crate::Outcome;

/// Runs that are driven at once where many are made.
const AT_ONCE: usize = 64;

pub(super) struct House {
    tokio: tokio::runtime::Runtime,
    pub(super) runtime: Runtime,
    chain: Workflow,
    fan_out: Workflow,
    pub(super) waiting: Workflow,
    pub(super) scope: Scope,
}

/// The rows of a chain's steps and of a whole fan-out, as they stand in the journal.
pub(super) struct Rows {
    pub(super) steps: Vec<Recorded>,
    pub(super) fan_out: Vec<Recorded>,
}

impl House {
    /// In files of this folder.
    pub(super) fn in_folder(folder: &Path) -> Outcome<Self> {
        Self::build(|ids, clock| {
            let store =
                Store::open(folder, Options::new(ids, clock)).map_err(LargestackError::from)?;
            Ok((Arc::new(store.clone()), Arc::new(store.clone()), Arc::new(store)))
        })
    }

    /// In the server at this address.
    pub(super) fn in_server(url: &str, key: &Path) -> Outcome<Self> {
        Self::build(|ids, clock| {
            let options = PostgresOptions::new(ids, clock, key.to_owned());
            let store = Arc::new(PostgresStore::connect_blocking(url, options)?);
            Ok((Arc::clone(&store) as _, Arc::clone(&store) as _, store))
        })
    }

    fn build(
        open: impl FnOnce(
            Arc<dyn Ids>,
            Arc<dyn Clock>,
        ) -> Outcome<(Arc<dyn Journal>, Arc<dyn TokenVault>, Arc<dyn Switch>)>,
    ) -> Outcome<Self> {
        let tokio = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let (ids, clock): (Arc<dyn Ids>, Arc<dyn Clock>) =
            (Arc::new(OsIds::new()?), Arc::new(SystemClock));
        let inside = tokio.enter();
        let (journal, vault, switch) = open(Arc::clone(&ids), Arc::clone(&clock))?;
        let runtime = Runtime {
            journal,
            vault,
            switch,
            model: Arc::new(TestModel::new([] as [Turn; 0])),
            ledger: Arc::new(MemoryLedger::default()),
            tools: ToolPorts::in_memory(&clock),
            tasks: Arc::new(TokioTasks::current()?),
            owner: ids.owner_id(clock.now()),
            live: LiveRuns::default(),
            clock,
            ids,
        };
        drop(inside);
        let chain = chain(runtime.clone())?;
        let fan_out = fan_out(runtime.clone())?;
        let waiting = waiting(runtime.clone())?;
        Ok(Self { tokio, runtime, chain, fan_out, waiting, scope: Scope::local() })
    }

    /// So many chains, one after the other.
    pub(super) fn chains(&self, chains: u32) -> Outcome<()> {
        for _ in 0..chains {
            self.ended(&self.chain)?;
        }
        Ok(())
    }

    /// One fan-out.
    pub(super) fn fan_out(&self) -> Outcome<()> {
        self.ended(&self.fan_out).map(|_| ())
    }

    /// What is written for the steps of a chain and for a fan-out.
    pub(super) fn rows(&self) -> Outcome<Rows> {
        let read = |run| self.block_on(self.runtime.journal.read(&self.scope, run, 0));
        let mut steps = read(self.ended(&self.chain)?)?;
        steps.retain(|recorded| recorded.event.kind() == "node_finished");
        Ok(Rows { steps, fan_out: read(self.ended(&self.fan_out)?)? })
    }

    /// Runs that wait for something from outside.
    pub(super) fn suspend(&self, runs: u32) -> Outcome<()> {
        self.block_on(async {
            let mut left = runs as usize;
            while left > 0 {
                let wave = left.min(AT_ONCE);
                let one = || self.waiting.run_with(&self.scope, "an order", FlowOptions::default());
                for report in join_all((0..wave).map(|_| one())).await {
                    expected(Status::Suspended, report?.status)?;
                }
                left -= wave;
            }
            Ok(())
        })
    }

    pub(super) fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.tokio.block_on(work)
    }

    fn ended(&self, flow: &Workflow) -> Outcome<RunId> {
        let report = self.block_on(flow.run(&self.scope, json!(null)))?;
        expected(Status::Completed, report.status)?;
        Ok(report.run)
    }
}

fn expected(wanted: Status, status: Status) -> Outcome<()> {
    if status == wanted { Ok(()) } else { Err(format!("a run ended as {status}").into()) }
}

fn trivial() -> Function {
    Function::new(|_| std::future::ready(Ok(NodeOutput::from(json!(1)))))
}

fn chain(runtime: Runtime) -> Outcome<Workflow> {
    let mut builder = Workflow::builder("chain");
    for n in 0..CHAIN {
        builder = builder.function(format!("n{n}"), trivial().with_side_effects());
        if let Some(before) = n.checked_sub(1) {
            builder = builder.then(format!("n{before}"), format!("n{n}"));
        }
    }
    Ok(builder.build(runtime)?)
}

fn fan_out(runtime: Runtime) -> Outcome<Workflow> {
    let limits = GraphLimits { max_parallel: BRANCHES, ..GraphLimits::default() };
    let mut builder = Workflow::builder("fan-out").limits(limits).function("begin", trivial());
    for n in 0..BRANCHES {
        let name = format!("n{n}");
        builder = builder.function(name.clone(), trivial());
        builder = builder.then("begin", name.clone()).then(name, "end-of-all");
    }
    Ok(builder.node(Node::new("end-of-all", Work::Pass)).build(runtime)?)
}

fn waiting(runtime: Runtime) -> Outcome<Workflow> {
    let builder = Workflow::builder("order").input("order").function("book", trivial());
    Ok(builder.event("paid", "payment").then("book", "paid").build(runtime)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_is_a_row_and_what_waits_waits() {
        let folder = tempfile::tempdir().unwrap();
        let house = House::in_folder(folder.path()).unwrap();
        let rows = house.rows().unwrap();
        assert_eq!(rows.steps.len(), CHAIN as usize);
        // Its beginning and its end, and two facts for each node that does something.
        assert_eq!(rows.fan_out.len(), 2 + 2 * (BRANCHES as usize + 1));
        house.suspend(3).unwrap();
    }
}
