//! What may differ from one run of a workflow to the next.

use std::any::Any;
use std::sync::Arc;

use largestack_agent::CancelHandle;
use largestack_engine::event::DoubtDecision;
use largestack_ports::approvals::Answer;
use largestack_ports::tree::Doubt;
use largestack_types::id::{ApprovalId, RunId};

/// Options of one run.
#[derive(Clone)]
pub struct FlowOptions {
    /// The id of the run, where the caller chose it.
    pub id: Option<RunId>,
    /// What functions and the tools of agents are given.
    pub deps: Arc<dyn Any + Send + Sync>,
    /// Ends the run from outside.
    pub cancel: CancelHandle,
    /// Whether the run is given back while it waits for nothing but a moment: it is reported as
    /// suspended, and the caller takes it up when that has come ([`Wait::Timer`]). Else it is held.
    ///
    /// [`Wait::Timer`]: largestack_engine::Wait::Timer
    pub gives_back: bool,
}

impl Default for FlowOptions {
    fn default() -> Self {
        let (deps, cancel) = (Arc::new(()), CancelHandle::default());
        Self { id: None, deps, cancel, gives_back: false }
    }
}

/// Options of taking up a run.
#[derive(Clone)]
pub struct FlowResume {
    /// What becomes of tasks in doubt, where a person has decided; else they are asked about.
    pub in_doubt: Option<DoubtDecision>,
    /// What becomes of each of them by itself, also in runs below: this goes before `in_doubt`. One that
    /// did happen is said with its output, as JSON or as a text; where its node chooses without a place in
    /// its output, the output is the choice.
    pub doubts: Vec<Doubt>,
    /// Answers to questions that the run waits for, by the principal who takes it up. Those that
    /// have been given before are found without.
    pub answers: Vec<(ApprovalId, Answer)>,
    /// Events from outside that have come, by name, with what they bring.
    pub events: Vec<(Arc<str>, serde_json::Value)>,
    /// What functions and the tools of agents are given.
    pub deps: Arc<dyn Any + Send + Sync>,
    /// Ends the run from outside.
    pub cancel: CancelHandle,
    /// Whether the run is given back while it waits for nothing but a moment: it is reported as
    /// suspended, and the caller takes it up when that has come ([`Wait::Timer`]). Else it is held.
    ///
    /// [`Wait::Timer`]: largestack_engine::Wait::Timer
    pub gives_back: bool,
}

impl Default for FlowResume {
    fn default() -> Self {
        Self {
            in_doubt: None,
            doubts: Vec::new(),
            answers: Vec::new(),
            events: Vec::new(),
            deps: Arc::new(()),
            cancel: CancelHandle::default(),
            gives_back: false,
        }
    }
}
