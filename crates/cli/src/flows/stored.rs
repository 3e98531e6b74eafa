//! Runs of workflows as the journal has them, without the file that they came from: the graph is kept
//! with the run.

use std::sync::Arc;

use largestack_engine::graph::{Checked, Fact, GraphRun, GraphStarted, Reducers};
use largestack_engine::{Event, Recorded};
use largestack_flow::workflow::{fold, stored_graph};
use largestack_ports::journal::Journal;
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::hash::Hash;
use largestack_types::id::RunId;
use largestack_types::scope::Scope;

/// How the run of a workflow began; `None` where it is another one's, or there is none.
pub(crate) async fn started(
    journal: &dyn Journal,
    scope: &Scope,
    run: RunId,
) -> Result<Option<GraphStarted>> {
    // The line says which are agents' without a look at what happened in them.
    let line = journal.run(scope, run).await?;
    if line.is_none_or(|line| &*line.model != largestack_flow::NO_MODEL) {
        return Ok(None);
    }
    let events = journal.read(scope, run, 0).await?;
    Ok(match events.first().map(|first| &*first.event) {
        Some(Event::Graph(Fact::Started(started))) => Some(started.clone()),
        _ => None,
    })
}

/// A run of a workflow that is not folded yet.
pub(crate) struct Stored {
    pub(crate) run: RunId,
    pub(crate) graph: Arc<Checked>,
    pub(crate) definition: Hash,
    pub(crate) events: Vec<Recorded>,
}

/// The run of a workflow with its graph; `None` where it is another one's, or there is none.
pub(crate) async fn stored(
    journal: &dyn Journal,
    scope: &Scope,
    run: RunId,
) -> Result<Option<Stored>> {
    let Some(started) = started(journal, scope, run).await? else { return Ok(None) };
    let definition = started.definition;
    let graph = stored_graph(journal, scope, definition).await?;
    let graph = graph.check(Reducers::default()).map_err(|invalid| {
        LargestackError::with_advice(
            Code::Definition,
            format!("{run} cannot be folded here: {invalid}"),
            "A workflow with functions of its own is shown by the program that has them",
        )
    })?;
    let events = journal.read(scope, run, 0).await?;
    Ok(Some(Stored { run, graph: Arc::new(graph), definition, events }))
}

impl Stored {
    /// The same up to an event.
    pub(crate) fn at(mut self, at: Option<u64>) -> Result<Self> {
        let Some(at) = at else { return Ok(self) };
        let last = self.events.last().map_or(0, |event| event.seq);
        if at == 0 || at > last {
            return Err(LargestackError::with_advice(
                Code::Input,
                format!("there is no event {at}: the run has events 1 to {last}"),
                "Give --at a number in that range",
            ));
        }
        self.events.retain(|event| event.seq <= at);
        Ok(self)
    }

    /// The run as it stands after its events.
    pub(crate) fn folded(&self) -> Result<GraphRun> {
        fold(self.run, &self.graph, &self.events)
    }
}
