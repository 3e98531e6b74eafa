//! Steps that are all done, or undone: each says what undoes it.

use std::sync::Arc;
use std::time::Duration;

use largestack_engine::graph::{Retry, Undo};

use crate::builder::WorkflowBuilder;
use crate::function::Function;
use crate::workflow::Workflow;

/// A step of a saga.
#[derive(Debug)]
pub struct Step {
    name: Arc<str>,
    action: Function,
    undo: Option<Function>,
    retry: Retry,
    timeout: Option<Duration>,
    undo_retry: Retry,
    undo_timeout: Option<Duration>,
    when_failed: bool,
}

impl Step {
    /// A step that does this.
    pub fn new(name: impl Into<Arc<str>>, action: Function) -> Self {
        Self {
            name: name.into(),
            action,
            undo: None,
            retry: Retry::default(),
            timeout: None,
            undo_retry: Retry { tries: 3, whatever: true, ..Retry::default() },
            undo_timeout: None,
            when_failed: false,
        }
    }

    /// Undone by this. It is given the state as the step saw it and, as `output`, what the step said;
    /// nothing where nobody knows whether the step happened. It is tried three times.
    #[must_use]
    pub fn undone_by(mut self, undo: Function) -> Self {
        self.undo = Some(undo);
        self
    }

    /// Undone, too, where the step itself failed and may have done a part.
    #[must_use]
    pub const fn even_when_failed(mut self) -> Self {
        self.when_failed = true;
        self
    }

    /// Tried so often.
    #[must_use]
    pub const fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// With so much time for each try.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// What undoes it, tried so often, with so much time for each try.
    #[must_use]
    pub const fn undo_tries(mut self, retry: Retry, timeout: Option<Duration>) -> Self {
        (self.undo_retry, self.undo_timeout) = (retry, timeout);
        self
    }
}

/// Steps one after the other, each given what came before by its name. When one fails, when the run
/// is cancelled or when its time is up, what was done is undone from the last step to the first. How
/// far that has come is in the journal: a process that dies in the middle of it is followed by one
/// that undoes the rest, each step once. What cannot be undone stands among the report's `failures`.
pub fn saga(name: impl Into<Arc<str>>, steps: impl IntoIterator<Item = Step>) -> WorkflowBuilder {
    let mut builder = Workflow::builder(name).input("task").acyclic();
    let mut last: Option<Arc<str>> = None;
    for step in steps {
        let name = Arc::clone(&step.name);
        builder = builder.function_with(Arc::clone(&name), step.action, |node| {
            node.with(|node| (node.retry, node.timeout) = (step.retry, step.timeout))
        });
        if let Some(undo) = step.undo {
            builder = builder.undo_with(&name, undo, |undo| Undo {
                retry: step.undo_retry,
                timeout: step.undo_timeout,
                when_failed: step.when_failed,
                ..undo
            });
        }
        if let Some(last) = last {
            builder = builder.then(last, Arc::clone(&name));
        }
        last = Some(name);
    }
    builder
}
