//! The stages, in order, written once.
//!
//! 1. input: `guard_input` (before the first event: the journal never holds the values),
//!    `screen_input`, `judge_input` (this and the other `judge` ones where there are rules for it)
//! 2. before the model: the agent's own
//! 3. reply: `clean_output` (where something is taken out of what is said), `keep_instructions`
//!    (where they are looked for; before a tool, too), `guard_output`, `judge_output` (pure; before the reply is recorded)
//! 4. after the model: the agent's own
//! 5. output: the agent's own, on an answer that fits its schema
//! 6. on the answer, and on a failure: the agent's own
//! 7. before a tool: `permission`, `validate`, `rules` (where a tool has some), `guard_arguments`,
//!    `judge_arguments`, `keep_instructions`, then the agent's own, `taint` (where a tool does more than look), `policies`
//!    (where the operator has written some), `approve` (where a person may be asked), `rate` (where a
//!    tool has one: what is refused before costs nothing)
//! 8. after a tool: `guard_result`, then the agent's own and `guard_result` again, `judge_result`,
//!    `cap_output`, `screen_result` (what the model reads of it, what an own stage adds, too)
//!
//! Turns, loops and time are the engine's; the kill switch and money are the gateway's, for tools
//! the driver asks the switch itself.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use largestack_engine::event::Hooks;
use largestack_guard::content::{Content, Output, Place};
use largestack_ports::limits::Limits;
use largestack_ports::tool::Capabilities;

use crate::output::OutputTurn;
use crate::stage::{
    ErrorTurn, FinalTurn, InputDraft, ModelTurn, ReplyDraft, ReplyTurn, ResultDraft, Stage,
    ToolTurn,
};
use crate::stages::judge::Judge;
use crate::stages::leak::KeepInstructions;
use crate::stages::{after_tool, before_tool, clean, injection, input, reply};
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
    pub(crate) before_model: Vec<Box<dyn Stage<ModelTurn>>>,
    pub(crate) after_model: Vec<Box<dyn Stage<ReplyTurn>>>,
    pub(crate) after_tool: Vec<Box<dyn Stage<ResultDraft>>>,
    pub(crate) on_final: Vec<Box<dyn Stage<FinalTurn>>>,
    pub(crate) on_error: Vec<Box<dyn Stage<ErrorTurn>>>,
    /// What is left of tools beside untrusted text, where one does more than look.
    pub(crate) taint: Option<before_tool::Judge>,
    /// What the operator's own policies say of calls, where there are some.
    pub(crate) policies: Option<before_tool::Decide>,
    /// Which calls a person is asked about, where there may be some.
    pub(crate) approve: Option<before_tool::Approve>,
    /// What is taken out of what the model says, where something is.
    pub(crate) output: Option<Output>,
    /// Whether the operator's instructions are looked for in what comes out.
    pub(crate) keeps_instructions: bool,
    /// What judges texts by the operator's rules, where there are some.
    pub(crate) content: Option<Content>,
    /// Where calls are counted, where a tool has a rate.
    pub(crate) limits: Option<Arc<dyn Limits>>,
}

/// The ordered stages of an agent.
pub(crate) struct Pipeline {
    pub(crate) input: Vec<Box<dyn Stage<InputDraft>>>,
    pub(crate) reply: Vec<Box<dyn Stage<ReplyDraft>>>,
    pub(crate) before_model: Vec<Box<dyn Stage<ModelTurn>>>,
    pub(crate) after_model: Vec<Box<dyn Stage<ReplyTurn>>>,
    pub(crate) on_final: Vec<Box<dyn Stage<FinalTurn>>>,
    pub(crate) on_error: Vec<Box<dyn Stage<ErrorTurn>>>,
    /// Whether text waits for stages after the model or on the answer.
    pub(crate) holds_text: bool,
    /// Whether what is said may be changed or refused by the operator's rules.
    pub(crate) judges_output: bool,
    pub(crate) output: Vec<Box<dyn Stage<OutputTurn>>>,
    /// Shared with what stands below the agent and calls its tools.
    pub(crate) before_tool: Arc<[Box<dyn Stage<ToolTurn>>]>,
    /// Which of those before a tool are the agent's own.
    pub(crate) own_before_tool: Range<usize>,
    pub(crate) after_tool: Arc<[Box<dyn Stage<ResultDraft>>]>,
    /// Which of those after a tool are the agent's own.
    pub(crate) own_after_tool: Range<usize>,
    /// Whether a program stands in the place of the model.
    pub(crate) computed: bool,
}

/// What judges texts of a kind, where something does.
fn judge(content: Option<&Content>, place: Place) -> Option<Judge> {
    content.filter(|content| content.judges(place)).cloned().map(Judge)
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
        if let Some(judge) = judge(parts.content.as_ref(), Place::ToolArguments) {
            before.push(Box::new(judge));
        }
        if parts.keeps_instructions {
            before.push(Box::new(KeepInstructions));
        }
        let first = before.len();
        before.extend(parts.before_tool);
        let own = first..before.len();
        if let Some(judge) = parts.taint {
            before.push(Box::new(judge));
        }
        if let Some(decide) = parts.policies {
            before.push(Box::new(decide));
        }
        if let Some(approve) = parts.approve {
            before.push(Box::new(approve));
        }
        if let Some(limits) = parts.limits {
            before.push(Box::new(before_tool::Rates(limits)));
        }
        let mut after: Vec<Box<dyn Stage<ResultDraft>>> = vec![Box::new(after_tool::GuardResult)];
        after.extend(parts.after_tool);
        let own_after_tool = 1..after.len();
        if !own_after_tool.is_empty() {
            after.push(Box::new(after_tool::GuardResult));
        }
        if let Some(judge) = judge(parts.content.as_ref(), Place::ToolResult) {
            after.push(Box::new(judge));
        }
        after.push(Box::new(after_tool::CapOutput));
        after.push(Box::new(injection::ScreenResult));
        let judges_output = parts.content.as_ref().is_some_and(Content::holds_output);
        let holds_text = parts.after_model.iter().any(|stage| stage.holds_text())
            || parts.on_final.iter().any(|stage| stage.holds_text())
            || judges_output;
        let mut reply: Vec<Box<dyn Stage<ReplyDraft>>> = Vec::new();
        if let Some(output) = parts.output {
            reply.push(Box::new(clean::CleanOutput(output)));
        }
        if parts.keeps_instructions {
            reply.push(Box::new(KeepInstructions));
        }
        reply.push(Box::new(reply::GuardOutput));
        if let Some(judge) = judge(parts.content.as_ref(), Place::Output) {
            reply.push(Box::new(judge));
        }
        let mut input: Vec<Box<dyn Stage<InputDraft>>> =
            vec![Box::new(input::GuardInput), Box::new(injection::ScreenInput)];
        if let Some(judge) = judge(parts.content.as_ref(), Place::Input) {
            input.push(Box::new(judge));
        }
        Self {
            input,
            reply,
            before_model: parts.before_model,
            after_model: parts.after_model,
            on_final: parts.on_final,
            on_error: parts.on_error,
            holds_text,
            computed: false,
            judges_output,
            output: Vec::new(),
            before_tool: before.into(),
            own_before_tool: own,
            after_tool: after.into(),
            own_after_tool,
        }
    }

    /// The stages of a run in which a program calls the agent's tools: everything that calls and their
    /// results pass, the agent's own stages among it. What the agent has about models, answers and
    /// failures is about its own.
    pub(crate) fn of_script(&self) -> Self {
        Self {
            input: vec![Box::new(input::GuardInput), Box::new(injection::ScreenInput)],
            reply: vec![Box::new(reply::GuardOutput)],
            before_model: Vec::new(),
            after_model: Vec::new(),
            on_final: Vec::new(),
            on_error: Vec::new(),
            holds_text: false,
            judges_output: false,
            output: Vec::new(),
            before_tool: Arc::clone(&self.before_tool),
            own_before_tool: self.own_before_tool.clone(),
            after_tool: Arc::clone(&self.after_tool),
            own_after_tool: self.own_after_tool.clone(),
            computed: true,
        }
    }

    /// Where a run waits for stages of the agent's own.
    pub(crate) fn hooks(&self) -> Hooks {
        Hooks {
            before_model: !self.before_model.is_empty(),
            after_model: !self.after_model.is_empty(),
            on_final: !self.on_final.is_empty(),
            on_error: !self.on_error.is_empty(),
        }
    }

    /// The names of all stages, in order.
    pub(crate) fn names(&self) -> Vec<Arc<str>> {
        fn of<S: 'static>(phase: &str, stages: &[Box<dyn Stage<S>>]) -> Vec<Arc<str>> {
            stages.iter().map(|stage| format!("{phase}/{}", stage.name()).into()).collect()
        }
        [
            of("input", &self.input),
            of("before_model", &self.before_model),
            of("reply", &self.reply),
            of("after_model", &self.after_model),
            of("output", &self.output),
            of("on_final", &self.on_final),
            of("on_error", &self.on_error),
            of("before_tool", &self.before_tool),
            of("after_tool", &self.after_tool),
        ]
        .concat()
    }
}
