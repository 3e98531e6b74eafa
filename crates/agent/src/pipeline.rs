//! The stages, in order, written once.
//!
//! 1. input: `guard_input` (before the first event: the journal never holds the values)
//! 2. reply: `guard_output` (pure; before the reply is recorded), then the agent's own
//! 3. before a tool: `permission`, `validate`, `guard_arguments`, then the agent's own
//! 4. after a tool: `guard_result`, `cap_output`
//!
//! Turns, loops and time are the engine's; the kill switch and money are the gateway's, for tools
//! the driver asks the switch itself.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::stage::{InputDraft, ReplyDraft, ReplyTurn, ResultDraft, Stage, ToolTurn};
use crate::stages::{after_tool, before_tool, input, reply};
use crate::tools::Validators;

/// Which tools an agent may use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permissions {
    /// Only these; `None` allows every tool the agent has, an empty set allows none.
    pub allow: Option<BTreeSet<String>>,
    /// Never these.
    pub deny: BTreeSet<String>,
}

impl Permissions {
    /// Whether the tool may be used.
    pub fn permit(&self, tool: &str) -> bool {
        !self.deny.contains(tool) && self.allow.as_ref().is_none_or(|allow| allow.contains(tool))
    }
}

/// The ordered stages of an agent.
pub(crate) struct Pipeline {
    pub(crate) input: Vec<Box<dyn Stage<InputDraft>>>,
    pub(crate) reply: Vec<Box<dyn Stage<ReplyDraft>>>,
    pub(crate) after_reply: Vec<Box<dyn Stage<ReplyTurn>>>,
    pub(crate) before_tool: Vec<Box<dyn Stage<ToolTurn>>>,
    pub(crate) after_tool: Vec<Box<dyn Stage<ResultDraft>>>,
}

impl Pipeline {
    pub(crate) fn new(permissions: Permissions, validators: Arc<Validators>) -> Self {
        Self {
            input: vec![Box::new(input::GuardInput)],
            reply: vec![Box::new(reply::GuardOutput)],
            after_reply: Vec::new(),
            before_tool: vec![
                Box::new(before_tool::Permission(permissions)),
                Box::new(before_tool::Validate(validators)),
                Box::new(before_tool::GuardArguments),
            ],
            after_tool: vec![Box::new(after_tool::GuardResult), Box::new(after_tool::CapOutput)],
        }
    }

    /// The names of all stages, in order.
    pub(crate) fn names(&self) -> Vec<Arc<str>> {
        fn of<S: 'static>(phase: &str, stages: &[Box<dyn Stage<S>>]) -> Vec<Arc<str>> {
            stages.iter().map(|stage| format!("{phase}/{}", stage.name()).into()).collect()
        }
        [
            of("input", &self.input),
            of("reply", &self.reply),
            of("after_reply", &self.after_reply),
            of("before_tool", &self.before_tool),
            of("after_tool", &self.after_tool),
        ]
        .concat()
    }
}
