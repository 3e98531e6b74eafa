//! The stages, in order, written once.
//!
//! 1. input: `guard_input` (before the first event: the journal never holds the values)
//! 2. reply: `guard_output` (pure; before the reply is recorded), then the agent's own
//! 3. output: the agent's own, on an answer that fits its schema
//! 4. before a tool: `permission`, `validate`, `rules` (where a tool has some), `guard_arguments`,
//!    then the agent's own, `approve` (where a person may be asked), `rate` (where a tool has one:
//!    what is refused before costs nothing)
//! 5. after a tool: `guard_result`, `cap_output`
//!
//! Turns, loops and time are the engine's; the kill switch and money are the gateway's, for tools
//! the driver asks the switch itself.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use largestack_ports::limits::Limits;
use largestack_ports::tool::Capabilities;

use crate::output::OutputTurn;
use crate::stage::{InputDraft, ReplyDraft, ReplyTurn, ResultDraft, Stage, ToolTurn};
use crate::stages::{after_tool, before_tool, input, reply};
use crate::tools::{ArgumentRules, Validators};

/// Which tools an agent may use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permissions {
    /// Only these; `None` allows every tool the agent has, an empty set allows none.
    pub allow: Option<BTreeSet<String>>,
    /// Never these.
    pub deny: BTreeSet<String>,
    /// Only tools that declare what they do and do nothing else; `None` asks nothing.
    pub allow_capabilities: Option<Capabilities>,
    /// Never tools that do any of these.
    pub deny_capabilities: Capabilities,
    /// Whether a denied call ends the run with `LARGESTACK_TOOL_PERM` instead of being told to the
    /// model.
    pub raise: bool,
}

impl Permissions {
    /// Whether a tool that does this may be used. Denial wins; a tool that declares nothing may
    /// do anything, so that no list of capabilities covers it.
    pub fn permit(&self, tool: &str, does: &Capabilities) -> bool {
        let denied = self.deny.contains(tool) || !self.deny_capabilities.is_disjoint(does);
        let named = self.allow.as_ref().is_none_or(|allow| allow.contains(tool));
        let covered = self
            .allow_capabilities
            .as_ref()
            .is_none_or(|allow| !does.is_empty() && does.is_subset(allow));
        !denied && named && covered
    }
}

/// What the stages of an agent are made from.
pub(crate) struct Parts {
    pub(crate) permissions: Permissions,
    pub(crate) validators: Arc<Validators>,
    pub(crate) rules: ArgumentRules,
    pub(crate) before_tool: Vec<Box<dyn Stage<ToolTurn>>>,
    pub(crate) after_reply: Vec<Box<dyn Stage<ReplyTurn>>>,
    /// Which calls a person is asked about, where there may be some.
    pub(crate) approve: Option<before_tool::Approve>,
    /// Where calls are counted, where a tool has a rate.
    pub(crate) limits: Option<Arc<dyn Limits>>,
}

/// The ordered stages of an agent.
pub(crate) struct Pipeline {
    pub(crate) input: Vec<Box<dyn Stage<InputDraft>>>,
    pub(crate) reply: Vec<Box<dyn Stage<ReplyDraft>>>,
    pub(crate) after_reply: Vec<Box<dyn Stage<ReplyTurn>>>,
    pub(crate) output: Vec<Box<dyn Stage<OutputTurn>>>,
    pub(crate) before_tool: Vec<Box<dyn Stage<ToolTurn>>>,
    /// Which of those before a tool are the agent's own.
    pub(crate) own_before_tool: Range<usize>,
    pub(crate) after_tool: Vec<Box<dyn Stage<ResultDraft>>>,
}

impl Pipeline {
    pub(crate) fn new(parts: Parts) -> Self {
        let raise = parts.permissions.raise;
        let mut before: Vec<Box<dyn Stage<ToolTurn>>> = vec![
            Box::new(before_tool::Permission(parts.permissions)),
            Box::new(before_tool::Validate(parts.validators)),
        ];
        if !parts.rules.is_empty() {
            before.push(Box::new(before_tool::Rules { rules: parts.rules, raise }));
        }
        before.push(Box::new(before_tool::GuardArguments));
        let first = before.len();
        before.extend(parts.before_tool);
        let own = first..before.len();
        if let Some(approve) = parts.approve {
            before.push(Box::new(approve));
        }
        if let Some(limits) = parts.limits {
            before.push(Box::new(before_tool::Rates(limits)));
        }
        Self {
            input: vec![Box::new(input::GuardInput)],
            reply: vec![Box::new(reply::GuardOutput)],
            after_reply: parts.after_reply,
            output: Vec::new(),
            before_tool: before,
            own_before_tool: own,
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
            of("output", &self.output),
            of("before_tool", &self.before_tool),
            of("after_tool", &self.after_tool),
        ]
        .concat()
    }
}
