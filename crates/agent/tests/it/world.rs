//! In-memory ports and small tools.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::BoxFuture;
use largestack_agent::runtime::{LiveRuns, ToolPorts};
use largestack_agent::{Agent, AgentBuilder, Runtime};
use largestack_engine::event::Event;
use largestack_ports::journal::{Journal, MemoryJournal};
use largestack_ports::ledger::MemoryLedger;
use largestack_ports::switch::MemorySwitch;
use largestack_ports::tasks::Tasks;
use largestack_ports::tool::{Tool, ToolContext, ToolFailure, ToolOptions, ToolOutput};
use largestack_ports::vault::MemoryVault;
use largestack_testkit::{CountingIds, FakeClock, TestModel, Turn};
use largestack_types::id::{OwnerId, RunId};
use largestack_types::json::Json;
use largestack_types::label::Origin;
use largestack_types::scope::Scope;
use largestack_types::tool::ToolSpec;

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
    pub(crate) ids: Arc<CountingIds>,
    pub(crate) scope: Scope,
}

impl World {
    pub(crate) fn new(turns: impl IntoIterator<Item = Turn>) -> Self {
        Self::of(TestModel::new(turns))
    }

    pub(crate) fn of(model: TestModel) -> Self {
        Self {
            model,
            journal: Arc::default(),
            vault: Arc::default(),
            switch: Arc::default(),
            clock: FakeClock::default(),
            ids: Arc::default(),
            scope: Scope::local(),
        }
    }

    pub(crate) fn runtime(&self) -> Runtime {
        let journal: Arc<dyn Journal> = self.journal.clone();
        Runtime {
            journal,
            model: Arc::new(self.model.clone()),
            ledger: Arc::new(MemoryLedger::default()),
            vault: self.vault.clone(),
            switch: self.switch.clone(),
            tools: ToolPorts::in_memory(
                &(Arc::new(self.clock.clone()) as Arc<dyn largestack_ports::clock::Clock>),
            ),
            clock: Arc::new(self.clock.clone()),
            ids: self.ids.clone(),
            tasks: Arc::new(Spawner),
            owner: OwnerId::from_u128(1),
            live: LiveRuns::default(),
        }
    }

    pub(crate) fn agent(&self, describe: impl FnOnce(AgentBuilder) -> AgentBuilder) -> Agent {
        let builder = Agent::builder("tester").instructions("Help.").model("test/model");
        describe(builder).build(self.runtime()).unwrap()
    }

    pub(crate) async fn events(&self, run: RunId) -> Vec<Arc<Event>> {
        let recorded = self.journal.read(&self.scope, run, 0).await.unwrap();
        recorded.into_iter().map(|recorded| recorded.event).collect()
    }

    /// Everything the journal of a run holds, as text.
    pub(crate) async fn written(&self, run: RunId) -> String {
        let events = self.events(run).await;
        events.iter().map(|event| event.data().unwrap()).collect()
    }

    pub(crate) async fn kinds(&self, run: RunId) -> Vec<&'static str> {
        self.events(run).await.iter().map(|event| event.kind()).collect()
    }
}

type Body =
    dyn Fn(ToolContext, Json) -> BoxFuture<'static, Result<ToolOutput, ToolFailure>> + Send + Sync;

/// A tool whose calls are recorded.
#[derive(Clone)]
pub(crate) struct Spy {
    spec: ToolSpec,
    options: ToolOptions,
    body: Arc<Body>,
    pub(crate) seen: Arc<Mutex<Vec<String>>>,
}

impl Spy {
    pub(crate) fn new(
        name: &str,
        body: impl Fn(ToolContext, Json) -> BoxFuture<'static, Result<ToolOutput, ToolFailure>>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        let schema = r#"{"type":"object","properties":{"n":{"type":"integer","minimum":0}},
            "additionalProperties":true}"#;
        let spec = ToolSpec {
            name: name.into(),
            description: "A spy.".into(),
            parameters: Json::parse(schema).unwrap(),
            idempotent: true,
            origin: Origin::Tool,
            native: None,
            server: false,
        };
        let seen = Arc::default();
        Self { spec, options: ToolOptions::default(), body: Arc::new(body), seen }
    }

    /// Answers its arguments.
    pub(crate) fn echo(name: &str) -> Self {
        Self::new(name, |_, arguments| {
            Box::pin(async move { Ok(ToolOutput::text(arguments.as_str())) })
        })
    }

    /// Never returns.
    pub(crate) fn stuck(name: &str) -> Self {
        Self::new(name, |_, _| Box::pin(std::future::pending()))
    }

    /// Fails this many times, then succeeds.
    pub(crate) fn failing(name: &str, times: usize, failure: ToolFailure) -> Self {
        let count = Arc::new(AtomicUsize::new(0));
        Self::new(name, move |_, _| {
            let fails = count.fetch_add(1, Ordering::SeqCst) < times;
            let failure = failure.clone();
            Box::pin(async move { if fails { Err(failure) } else { Ok(ToolOutput::text("ok")) } })
        })
    }

    pub(crate) fn unsafe_to_repeat(mut self) -> Self {
        self.spec.idempotent = false;
        self
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut ToolOptions)) -> Self {
        change(&mut self.options);
        self
    }

    pub(crate) fn count(&self) -> usize {
        self.seen.lock().unwrap().len()
    }
}

impl Tool for Spy {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn options(&self) -> ToolOptions {
        self.options.clone()
    }

    fn call(
        &self,
        context: ToolContext,
        arguments: Json,
    ) -> BoxFuture<'static, Result<ToolOutput, ToolFailure>> {
        self.seen.lock().unwrap().push(arguments.as_str().to_owned());
        (self.body)(context, arguments)
    }
}

/// Lets everything that can happen without time passing happen, then moves the clock.
pub(crate) async fn pass(clock: &FakeClock, duration: Duration) {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
    clock.advance(duration);
}
