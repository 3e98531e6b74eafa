//! In-memory ports and small functions.

use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;
use largestack_agent::runtime::ToolPorts;
use largestack_agent::{Agent, Runtime};
use largestack_engine::Recorded;
use largestack_flow::{Function, NodeOutput};
use largestack_ports::clock::Clock;
use largestack_ports::journal::{Batch, Journal, MemoryJournal};
use largestack_ports::ledger::MemoryLedger;
use largestack_ports::switch::MemorySwitch;
use largestack_ports::tasks::Tasks;
use largestack_ports::vault::MemoryVault;
use largestack_testkit::{CountingIds, FakeClock, TestModel, Turn};
use largestack_types::id::{OwnerId, RunId};
use largestack_types::scope::Scope;
use serde_json::json;

pub(crate) struct Spawner;

impl Tasks for Spawner {
    #[expect(clippy::disallowed_methods, reason = "the test's own implementation of the port")]
    fn spawn(&self, work: BoxFuture<'static, ()>) {
        tokio::spawn(work);
    }

    fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send>) {
        work();
    }
}

pub(crate) struct World {
    pub(crate) model: TestModel,
    pub(crate) journal: Arc<MemoryJournal>,
    pub(crate) vault: Arc<MemoryVault>,
    pub(crate) switch: Arc<MemorySwitch>,
    pub(crate) clock: FakeClock,
    pub(crate) scope: Scope,
    ids: Arc<CountingIds>,
}

impl World {
    pub(crate) fn new(turns: impl IntoIterator<Item = Turn>) -> Self {
        Self {
            model: TestModel::new(turns),
            journal: Arc::default(),
            vault: Arc::default(),
            switch: Arc::default(),
            clock: FakeClock::default(),
            scope: Scope::local(),
            ids: Arc::default(),
        }
    }

    pub(crate) fn runtime(&self) -> Runtime {
        let clock: Arc<dyn Clock> = Arc::new(self.clock.clone());
        Runtime {
            live: largestack_agent::runtime::LiveRuns::default(),
            journal: self.journal.clone(),
            model: Arc::new(self.model.clone()),
            ledger: Arc::new(MemoryLedger::default()),
            vault: self.vault.clone(),
            switch: self.switch.clone(),
            tools: ToolPorts::in_memory(&clock),
            clock,
            ids: self.ids.clone(),
            tasks: Arc::new(Spawner),
            owner: OwnerId::from_u128(1),
        }
    }

    pub(crate) fn agent(&self, name: &str) -> Agent {
        Agent::builder(name).model("test/model").build(self.runtime()).unwrap()
    }

    pub(crate) async fn events(&self, run: RunId) -> Vec<Recorded> {
        self.journal.read(&self.scope, run, 0).await.unwrap()
    }

    pub(crate) async fn kinds(&self, run: RunId) -> Vec<&'static str> {
        self.events(run).await.iter().map(|recorded| recorded.event.kind()).collect()
    }

    /// Everything the journal of a run holds, as text.
    pub(crate) async fn written(&self, run: RunId) -> String {
        let events = self.events(run).await;
        events.iter().map(|recorded| recorded.event.data().unwrap()).collect()
    }

    /// Leaves the facts of a run as if a process had died after the last of them.
    pub(crate) async fn left(&self, run: RunId, events: &[Recorded]) {
        let lease = self.journal.claim(&self.scope, run, OwnerId::from_u128(9)).await.unwrap();
        let batch = Batch { events: events.to_vec(), ..Batch::default() };
        self.journal.append(&lease, batch).unwrap();
        self.journal.release(&lease).await.unwrap();
    }
}

/// What functions have done, in order.
pub(crate) type Done = Arc<Mutex<Vec<String>>>;

/// Notes its node and says the node's name.
pub(crate) fn noting(done: &Done) -> Function {
    let done = Arc::clone(done);
    Function::new(move |context| {
        let done = Arc::clone(&done);
        async move {
            done.lock().unwrap().push(context.node.to_string());
            Ok(NodeOutput::from(json!(&*context.node)))
        }
    })
}

/// Notes what it undoes.
pub(crate) fn undoing(done: &Done) -> Function {
    let done = Arc::clone(done);
    Function::new(move |context| {
        let done = Arc::clone(&done);
        async move {
            done.lock().unwrap().push(format!("undo {}", context.node));
            Ok(NodeOutput::default())
        }
    })
}

pub(crate) fn failing(why: &'static str) -> Function {
    Function::new(move |_| async move { Err(largestack_ports::tool::ToolFailure::transient(why)) })
}

pub(crate) fn hanging() -> Function {
    Function::new(|_| std::future::pending())
}

/// Lets everything that can happen without time passing happen.
pub(crate) async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}
