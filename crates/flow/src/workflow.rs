//! A workflow: a graph that has been checked, with everything that its nodes name. Immutable,
//! stateless, safe to share by any number of concurrent runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use largestack_agent::{Agent, Runtime};
use largestack_engine::graph::{Checked, Fact, Graph, GraphRun};
use largestack_engine::{Event, Recorded};
use largestack_guard::Policy;
use largestack_ports::approvals::Terms;
use largestack_ports::journal::Journal;
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::hash::Hash;
use largestack_types::id::RunId;
use largestack_types::scope::Scope;
use serde_json::Value;

use crate::builder::WorkflowBuilder;
use crate::drive::{Beginning, Drive};
use crate::function::Function;
use crate::options::{FlowOptions, FlowResume};
use crate::report::FlowReport;
use crate::stream::FlowStream;

/// A workflow. Cheap to clone.
#[derive(Clone)]
pub struct Workflow(pub(crate) Arc<Core>);

pub(crate) struct Core {
    pub(crate) checked: Arc<Checked>,
    pub(crate) sealed: Bytes,
    pub(crate) hash: Hash,
    pub(crate) agents: BTreeMap<Arc<str>, Agent>,
    pub(crate) functions: BTreeMap<Arc<str>, Function>,
    pub(crate) workflows: BTreeMap<Arc<str>, Workflow>,
    pub(crate) terms: Terms,
    pub(crate) policy: Policy,
    pub(crate) runtime: Runtime,
}

impl Workflow {
    /// Begins to describe a workflow.
    pub fn builder(name: impl Into<Arc<str>>) -> WorkflowBuilder {
        WorkflowBuilder::new(name.into())
    }

    /// Goes on describing a graph that is data already.
    pub fn of(graph: Graph) -> WorkflowBuilder {
        WorkflowBuilder::of(graph)
    }

    /// What it is made of, as data.
    pub fn graph(&self) -> &Arc<Graph> {
        self.0.checked.graph()
    }

    /// The hash of [`Workflow::graph`], as runs carry it.
    pub fn definition_hash(&self) -> Hash {
        self.0.hash
    }

    /// Runs it to its end. The input is an object, or the value of the only key that the workflow
    /// is given. Dropping the future cancels the run.
    pub async fn run(&self, scope: &Scope, input: impl Into<Value>) -> Result<FlowReport> {
        self.run_with(scope, input, FlowOptions::default()).await
    }

    /// Runs it to its end with options of this run.
    pub async fn run_with(
        &self,
        scope: &Scope,
        input: impl Into<Value>,
        options: FlowOptions,
    ) -> Result<FlowReport> {
        let beginning = Beginning { input: input.into(), options, sink: None, above: None };
        Drive::begin(Arc::clone(&self.0), scope, beginning).await?.perform().await
    }

    /// Runs it and tells what happens on the way. The stream owns the run: dropping it cancels.
    pub fn stream(
        &self,
        scope: &Scope,
        input: impl Into<Value>,
        options: FlowOptions,
    ) -> FlowStream {
        let (core, scope, input) = (Arc::clone(&self.0), scope.clone(), input.into());
        FlowStream::new(|sink| {
            Box::pin(async move {
                let beginning = Beginning { input, options, sink: Some(sink), above: None };
                Drive::begin(core, &scope, beginning).await?.perform().await
            })
        })
    }

    /// Takes up a run that was cut off or suspended, and runs it to its end.
    pub async fn resume(
        &self,
        scope: &Scope,
        run: RunId,
        options: FlowResume,
    ) -> Result<FlowReport> {
        let core = Arc::clone(&self.0);
        Drive::take_up(core, (scope, run), (options, None, None)).await?.perform().await
    }

    /// Takes up a run and tells what happens on the way.
    pub fn resume_stream(&self, scope: &Scope, run: RunId, options: FlowResume) -> FlowStream {
        let (core, scope) = (Arc::clone(&self.0), scope.clone());
        FlowStream::new(move |sink| {
            Box::pin(async move {
                let taken = Drive::take_up(core, (&scope, run), (options, Some(sink), None));
                taken.await?.perform().await
            })
        })
    }

    /// A run of it as it stands, from its journal.
    pub async fn inspect(&self, scope: &Scope, run: RunId) -> Result<GraphRun> {
        let events = self.0.runtime.journal.read(scope, run, 0).await?;
        self.fold(run, &events)
    }

    /// The workflow with this hash, where it is this one or one below it.
    pub(crate) fn of_tree(&self, definition: Hash, deepest: u32) -> Option<&Self> {
        if self.0.hash == definition {
            return Some(self);
        }
        let deeper = deepest.checked_sub(1)?;
        self.0.workflows.values().find_map(|below| below.of_tree(definition, deeper))
    }

    pub(crate) fn fold(&self, run: RunId, events: &[Recorded]) -> Result<GraphRun> {
        let Some(Event::Graph(Fact::Started(started))) = events.first().map(|e| &*e.event) else {
            let detail = format!("there is no run {run} of a workflow");
            return Err(LargestackError::other(Code::NotFound, detail));
        };
        if started.definition != self.0.hash {
            let detail = format!(
                "{run} was started with definition {} of workflow {}, and this is {}",
                started.definition, started.graph, self.0.hash
            );
            return Err(LargestackError::other(Code::Definition, detail));
        }
        fold(run, &self.0.checked, events)
    }
}

impl std::fmt::Debug for Workflow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Workflow").field("name", &self.graph().name).finish_non_exhaustive()
    }
}

/// Folds a journal that was read.
pub fn fold(run: RunId, graph: &Arc<Checked>, events: &[Recorded]) -> Result<GraphRun> {
    let mut folded = GraphRun::new(run, Arc::clone(graph));
    for recorded in events {
        folded.apply(&recorded.event).map_err(|error| LargestackError::from_coded(&error))?;
    }
    Ok(folded)
}

/// The graph that a run of a workflow was started with, as the run kept it.
pub async fn stored_graph(journal: &dyn Journal, scope: &Scope, hash: Hash) -> Result<Graph> {
    let damaged =
        |why: String| LargestackError::other(Code::Journal, format!("the workflow {hash} {why}"));
    let bytes = journal.blob(scope, hash).await?;
    let bytes = bytes.ok_or_else(|| damaged("is missing".to_owned()))?;
    serde_json::from_slice(&bytes).map_err(|error| damaged(format!("cannot be read: {error}")))
}
