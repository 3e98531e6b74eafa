//! A driver that does nothing but record: tasks are answered by a function, in an order that a test
//! chooses.

use std::sync::Arc;

use largestack_engine::event::{CancelReason, CancelRequested, Event, Resumed};
use largestack_engine::graph::{
    Checked, Edge, Graph, GraphRun, GraphStarted, How, Node, NodeFailed, NodeFinished, NodeSleeps,
    NodeStarted, NodeWoke, Reducers, Task, Work,
};
use largestack_engine::{Status, Wait};
use largestack_types::errors::{Code, LargestackError};
use largestack_types::hash::Hash;
use largestack_types::id::{EffectId, OwnerId, RunId};
use largestack_types::label::{Label, Origin};
use largestack_types::time::Timestamp;
use serde_json::{Value, json};

/// What a task comes to.
pub(crate) enum Did {
    /// An output.
    Said(Value),
    /// An output and a choice.
    Chose(Value, &'static str),
    /// A failure.
    Failed,
    /// It does not end.
    Hangs,
}

/// The moment at which everything happens.
const NOW: Timestamp = Timestamp::from_micros(1);

pub(crate) type Perform = dyn Fn(&Task<'_>) -> Did;

pub(crate) struct World {
    pub(crate) run: GraphRun,
    pub(crate) journal: Vec<Event>,
    pub(crate) graph: Arc<Checked>,
    /// What was performed, in order: what a side effect would have seen.
    pub(crate) performed: Vec<String>,
}

pub(crate) fn function(name: &str) -> Node {
    Node::new(name, Work::function(name))
}

/// A chain of functions.
pub(crate) fn chain(names: &[&str]) -> Graph {
    let graph = names.iter().fold(Graph::new("chain"), |graph, name| graph.node(function(name)));
    names.windows(2).fold(graph, |graph, pair| graph.edge(Edge::new(pair[0], pair[1])))
}

/// Answers with the node's name.
pub(crate) fn says_its_name(task: &Task<'_>) -> Did {
    Did::Said(json!(&*task.node.name))
}

pub(crate) fn broken() -> LargestackError {
    LargestackError::other(Code::Tool, "broken")
}

impl World {
    pub(crate) fn new(graph: Graph) -> Self {
        Self::with(graph, Reducers::default(), json!({}))
    }

    pub(crate) fn with(graph: Graph, reducers: Reducers, input: Value) -> Self {
        let graph = Arc::new(graph.check(reducers).unwrap());
        let mut world = Self::unstarted(graph);
        let id = world.run.id();
        let Value::Object(input) = input else { panic!("an input is an object") };
        world.record(GraphStarted {
            graph: "test".into(),
            definition: Hash::of(b""),
            input,
            label: Label::from_origin(Origin::User),
            principal: "local".into(),
            parent: None,
            root: id,
        });
        world
    }

    fn unstarted(graph: Arc<Checked>) -> Self {
        let run = GraphRun::new(RunId::from_u128(7), Arc::clone(&graph));
        Self { run, journal: Vec::new(), graph, performed: Vec::new() }
    }

    /// The world in which a process takes up what is left of a journal.
    pub(crate) fn after(graph: &Arc<Checked>, journal: &[Event]) -> Self {
        let mut world = Self::unstarted(Arc::clone(graph));
        for event in journal {
            world.record(event.clone());
        }
        if world.run.end().is_none() {
            world.record(Event::Resumed(Resumed { owner: OwnerId::from_u128(1) }));
        }
        world
    }

    pub(crate) fn record(&mut self, event: impl Into<Event>) {
        let event = event.into();
        self.run.apply(&event).unwrap();
        self.journal.push(event);
    }

    pub(crate) fn cancel(&mut self, reason: CancelReason) {
        self.record(Event::CancelRequested(CancelRequested {
            reason,
            by: "me".into(),
            note: "".into(),
        }));
    }

    fn start_ready(&mut self) {
        for ready in self.run.ready() {
            let node = Arc::clone(&self.run.task(ready.effect).unwrap().node.name);
            let (effect, attempt) = (ready.effect, ready.attempt);
            self.record(NodeStarted { effect, node, attempt });
        }
    }

    /// Ends one task.
    pub(crate) fn end(&mut self, effect: EffectId, perform: &Perform) -> bool {
        let task = self.run.task(effect).unwrap();
        let undoes = if task.undo.is_some() { "undo " } else { "" };
        let name = format!("{undoes}{}", task.node.name);
        let again = task.retry().tries > task.attempt;
        let sleeps = matches!(task.node.work, Work::Sleep { .. }) && task.undo.is_none();
        let did = perform(&task);
        if sleeps {
            self.record(NodeSleeps { effect, until: Timestamp::from_micros(5) });
            return true;
        }
        match did {
            Did::Hangs => return false,
            Did::Said(output) => self.record(NodeFinished::new(effect, output)),
            Did::Chose(output, choice) => {
                let choice = Some(choice.into());
                self.record(NodeFinished { choice, ..NodeFinished::new(effect, output) });
            }
            Did::Failed if again => self.fails(effect, How::Failed, Some(NOW), false),
            Did::Failed => {
                let restart = self.run.restart_at(effect, NOW);
                for other in restart.map(|_| self.run.restart_with(effect)).unwrap_or_default() {
                    self.fails(other, How::Cancelled, restart, false);
                }
                self.fails(effect, How::Failed, restart, restart.is_some());
            }
        }
        self.performed.push(name);
        true
    }

    fn fails(&mut self, effect: EffectId, how: How, retry_at: Option<Timestamp>, restarts: bool) {
        let error = match how {
            How::Cancelled => LargestackError::other(Code::Cancelled, "cut off"),
            _ => broken(),
        };
        let failed =
            NodeFailed { effect, how, error, retry_at, restarts, child: None, duration_us: 0 };
        self.record(failed);
    }

    /// One round: starts what may start and ends the task that is picked. Whether anything happened.
    pub(crate) fn round(
        &mut self,
        perform: &Perform,
        pick: &mut dyn FnMut(usize) -> usize,
    ) -> bool {
        if let Some(end) = self.run.conclusion() {
            self.record(Event::RunFinished(end));
            return false;
        }
        for effect in self.run.cut_off() {
            self.fails(effect, How::Cancelled, None, false);
        }
        self.start_ready();
        let mut in_flight = self.run.in_flight();
        while !in_flight.is_empty() {
            let effect = in_flight.remove(pick(in_flight.len()));
            if self.end(effect, perform) {
                return true;
            }
        }
        let sleeping: Vec<EffectId> = self.run.sleeping().map(|(effect, _)| effect).collect();
        if let Some(effect) = sleeping.first() {
            self.record(NodeWoke { effect: *effect });
            return true;
        }
        self.run.conclusion().is_some()
    }

    /// Goes on as long as anything happens, first things first.
    pub(crate) fn go(mut self, perform: &Perform) -> Self {
        while self.round(perform, &mut |_| 0) {}
        self
    }

    pub(crate) fn ended(self, perform: &Perform) -> Self {
        let world = self.go(perform);
        assert!(world.run.status().is_final(), "it stands: {:?}", world.views());
        world
    }

    /// Where each node stands, by name.
    pub(crate) fn views(&self) -> Vec<(String, &'static str, u32)> {
        let views = self.run.nodes();
        views.map(|view| (view.node.to_string(), view.state.name(), view.visits)).collect()
    }

    pub(crate) fn stands(&self, node: &str) -> &'static str {
        self.views().into_iter().find(|(name, ..)| name == node).unwrap().1
    }

    pub(crate) fn visits(&self, node: &str) -> u32 {
        self.views().into_iter().find(|(name, ..)| name == node).unwrap().2
    }

    pub(crate) fn status(&self) -> Status {
        self.run.status()
    }

    pub(crate) fn doubts(&self) -> Vec<EffectId> {
        let doubt = |wait| match wait {
            Wait::Doubt { effect } => Some(effect),
            _ => None,
        };
        self.run.waits().into_iter().filter_map(doubt).collect()
    }
}
