//! What a worker is made of.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use largestack_agent::{Agent, Runs, Runtime};
use largestack_ports::queue::{Kind, Served};
use largestack_types::errors::{Code, LargestackError, Result};
use tokio::sync::watch;

use super::{Core, Stop, Worker, WorkerEvent, queue_of};
use crate::runs::Flows;
use crate::workflow::Workflow;

/// How often a worker looks by itself, where nobody tells it anything.
const POLL: Duration = Duration::from_secs(1);
/// How many runs a worker has at once, where nobody says otherwise.
const CONCURRENCY: u32 = 4;
/// How long what a worker has may take to end when it is drained, where nobody says otherwise.
const DRAIN: Duration = Duration::from_secs(30);

/// A worker, being put together.
#[must_use]
pub struct WorkerBuilder {
    runtime: Runtime,
    agents: Vec<Agent>,
    workflows: Vec<Workflow>,
    concurrency: u32,
    per_tenant: Option<u32>,
    per_name: BTreeMap<Arc<str>, u32>,
    poll: Duration,
    drain: Duration,
    listener: Arc<dyn Fn(&WorkerEvent) + Send + Sync>,
}

impl WorkerBuilder {
    pub(super) fn new(runtime: Runtime) -> Self {
        Self {
            runtime,
            agents: Vec::new(),
            workflows: Vec::new(),
            concurrency: CONCURRENCY,
            per_tenant: None,
            per_name: BTreeMap::new(),
            poll: POLL,
            drain: DRAIN,
            listener: Arc::new(|_| {}),
        }
    }

    /// Serves an agent, under its name.
    pub fn agent(mut self, agent: impl Into<Agent>) -> Self {
        self.agents.push(agent.into());
        self
    }

    /// Serves a workflow, under its name.
    pub fn workflow(mut self, workflow: Workflow) -> Self {
        self.workflows.push(workflow);
        self
    }

    /// How many runs it has at once: 4 unless given.
    pub const fn concurrency(mut self, most: u32) -> Self {
        self.concurrency = most;
        self
    }

    /// How many runs of one tenant run at once, over all workers that say so.
    pub const fn per_tenant(mut self, most: u32) -> Self {
        self.per_tenant = Some(most);
        self
    }

    /// How many runs of one agent or workflow run at once, over all workers that say so.
    pub fn per_name(mut self, name: impl Into<Arc<str>>, most: u32) -> Self {
        self.per_name.insert(name.into(), most);
        self
    }

    /// How often it looks by itself: every second unless given. So late, at most, does it take a
    /// delayed run, end one that is cancelled elsewhere, or take over from a worker that died.
    pub const fn poll(mut self, every: Duration) -> Self {
        self.poll = every;
        self
    }

    /// How long what it has may take to end when it is drained, before it is handed back: 30 seconds
    /// unless given. Five more are for what is in flight then.
    pub const fn drain_within(mut self, time: Duration) -> Self {
        self.drain = time;
        self
    }

    /// Hears what it does.
    pub fn listener(mut self, listener: impl Fn(&WorkerEvent) + Send + Sync + 'static) -> Self {
        self.listener = Arc::new(listener);
        self
    }

    /// The worker. `LARGESTACK_CONFIG` where the runtime's store keeps no queue, where nothing is
    /// served, two things have one name, a limit names nothing, or a number leaves nothing to do.
    pub fn build(self) -> Result<Worker> {
        queue_of(&self.runtime)?;
        let wrong = |detail: String| Err(LargestackError::other(Code::Config, detail));
        let (mut agents, mut workflows) = (BTreeMap::new(), BTreeMap::new());
        for agent in self.agents {
            let name = Arc::clone(&agent.definition().agent);
            if agents.insert(Arc::clone(&name), agent).is_some() {
                return wrong(format!("two agents of the worker are named `{name}`"));
            }
        }
        for workflow in self.workflows {
            let name = Arc::clone(&workflow.graph().name);
            if workflows.insert(Arc::clone(&name), workflow).is_some() {
                return wrong(format!("two workflows of the worker are named `{name}`"));
            }
        }
        let most = |name: &Arc<str>| self.per_name.get(name).copied();
        let one =
            |kind: Kind, name: &Arc<str>| Served { kind, name: Arc::clone(name), most: most(name) };
        let of_agents = agents.keys().map(|name| one(Kind::Agent, name));
        let of_workflows = workflows.keys().map(|name| one(Kind::Workflow, name));
        let serves: Vec<Served> = of_agents.chain(of_workflows).collect();
        if serves.is_empty() {
            return wrong("a worker serves at least one agent or workflow".to_owned());
        }
        if let Some(name) = self.per_name.keys().find(|n| serves.iter().all(|s| s.name != **n)) {
            return wrong(format!("a limit names `{name}`, which the worker does not serve"));
        }
        let limits = self.per_name.values().chain(&self.per_tenant);
        if self.concurrency == 0 || limits.copied().any(|most| most == 0) {
            return wrong("a worker and each of its limits let at least one run go".to_owned());
        }
        if self.poll.is_zero() {
            return wrong(
                "a worker looks after its queue now and then, not all the time".to_owned(),
            );
        }
        Ok(Worker(Arc::new(Core {
            runs: Runs::new(self.runtime.clone()),
            flows: Flows::new(self.runtime.clone()),
            runtime: self.runtime,
            agents,
            workflows,
            serves,
            concurrency: self.concurrency,
            per_tenant: self.per_tenant,
            poll: self.poll,
            drain: self.drain,
            listener: self.listener,
            stop: watch::Sender::new(Stop::Not),
        })))
    }
}
