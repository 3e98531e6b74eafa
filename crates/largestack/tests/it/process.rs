//! What one of several processes over a folder has, in tests that are all of them.

use std::path::Path;
use std::sync::Arc;

use largestack_agent::Runtime;
use largestack_agent::runtime::{LiveRuns, ToolPorts};
use largestack_http::TokioTasks;
use largestack_ports::clock::FakeClock;
use largestack_ports::ids::CountingIds;
use largestack_ports::ledger::MemoryLedger;
use largestack_store::{Options, Store};
use largestack_testkit::{TestModel, Turn};
use largestack_types::id::OwnerId;

/// A process over the state in a folder whose model says this next.
pub(crate) fn process(
    folder: &Path,
    number: u128,
    turns: Vec<Turn>,
) -> (Store, Runtime, FakeClock) {
    let (clock, ids) = (FakeClock::default(), Arc::new(CountingIds::default()));
    let store = Store::open(folder, Options::new(ids.clone(), Arc::new(clock.clone()))).unwrap();
    let runtime = Runtime {
        journal: Arc::new(store.clone()),
        model: Arc::new(TestModel::new(turns)),
        ledger: Arc::new(MemoryLedger::default()),
        vault: Arc::new(store.clone()),
        switch: Arc::new(store.clone()),
        clock: Arc::new(clock.clone()),
        ids,
        tasks: Arc::new(TokioTasks::current().unwrap()),
        tools: ToolPorts {
            limits: Arc::new(store.clone()),
            results: Arc::new(store.clone()),
            approvals: Some(Arc::new(store.clone())),
        },
        owner: OwnerId::from_u128(number),
        live: LiveRuns::default(),
    };
    (store, runtime, clock)
}
