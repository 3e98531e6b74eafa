//! Describing a typed agent.

use std::marker::PhantomData;
use std::sync::Arc;

use largestack_agent::pipeline::Permissions;
use largestack_agent::stage::{
    ErrorTurn, FinalTurn, ModelTurn, ReplyTurn, ResultDraft, Stage, ToolTurn,
};
use largestack_agent::{
    AgentBuilder as Dynamic, ApprovalPolicy, Deferral, Memory, Output, Report, Runtime, Toolset,
};
use largestack_engine::InDoubt;
use largestack_guard::Policy;
use largestack_guard::content::ContentPolicy;
use largestack_policy::Taint;
use largestack_ports::context::RunContext;
use largestack_ports::license::License;
use largestack_ports::policies::Policies;
use largestack_ports::tool::{Tool, ToolFor, ToolOptions};
use largestack_types::call::{OutputMode, Settings};
use largestack_types::errors::Result;
use largestack_types::limits::Limits;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::check::{Check, Looks, Said};
use super::{Agent, How, Instruct, answer};

/// An agent being described. [`AgentBuilder::build`] reports what does not fit.
#[must_use]
pub struct AgentBuilder<Deps = (), Out = String> {
    inner: Dynamic,
    instruct: Vec<Instruct<Deps>>,
    checks: Vec<Check<Deps, Out>>,
    output: Option<Output>,
    mode: OutputMode,
    retries: Option<u32>,
    read: fn(&Report) -> Result<Out>,
}

impl<Deps: Send + Sync + 'static> AgentBuilder<Deps> {
    pub(super) fn new(name: impl Into<Arc<str>>) -> Self {
        Self {
            inner: largestack_agent::Agent::builder(name),
            instruct: Vec::new(),
            checks: Vec::new(),
            output: None,
            mode: OutputMode::Auto,
            retries: None,
            read: answer::words,
        }
    }

    /// Answers with a value of this type: its JSON Schema is what the model is brought to, by the
    /// means that its provider has. Checks of words that were added before do not stay.
    pub fn output<Out: DeserializeOwned + JsonSchema + Send + 'static>(
        self,
    ) -> AgentBuilder<Deps, Out> {
        let schema = crate::__private::schema_of::<Out>();
        let name: String = Out::schema_name().chars().map(fitting).take(64).collect();
        AgentBuilder {
            inner: self.inner,
            instruct: self.instruct,
            checks: Vec::new(),
            output: Some(Output::of(schema).named(name)),
            mode: self.mode,
            retries: self.retries,
            read: answer::value::<Out>,
        }
    }
}

/// A character of a name that every provider takes.
const fn fitting(char: char) -> char {
    if char.is_ascii_alphanumeric() { char } else { '_' }
}

impl<Deps: Send + Sync + 'static, Out: DeserializeOwned + Send + 'static> AgentBuilder<Deps, Out> {
    fn inner(mut self, change: impl FnOnce(Dynamic) -> Dynamic) -> Self {
        self.inner = change(self.inner);
        self
    }

    /// What the operator tells the model.
    pub fn instructions(self, text: impl Into<Arc<str>>) -> Self {
        self.inner(|inner| inner.instructions(text))
    }

    /// Instructions that are made for each run, behind the fixed ones. They pass the guards.
    pub fn instruct<F>(mut self, text: F) -> Self
    where
        F: Fn(&RunContext<Deps>) -> String + Send + Sync + 'static,
    {
        self.instruct.push(Box::new(move |run| {
            let text = text(&run);
            Box::pin(std::future::ready(Ok(text)))
        }));
        self
    }

    /// The same where making them has to wait, or may fail: the run then does not begin.
    pub fn instruct_async<F, W>(mut self, text: F) -> Self
    where
        F: Fn(RunContext<Deps>) -> W + Send + Sync + 'static,
        W: Future<Output = Result<String>> + Send + 'static,
    {
        self.instruct.push(Box::new(move |run| Box::pin(text(run))));
        self
    }

    /// A check of each answer, which may send the model back with a hint.
    pub fn check<F>(mut self, check: F) -> Self
    where
        F: Fn(&RunContext<Deps>, &Out) -> Said + Send + Sync + 'static,
    {
        self.checks.push(Box::new(move |run, out| {
            let said = check(&run, &out);
            Box::pin(std::future::ready(said))
        }));
        self
    }

    /// The same where checking has to wait.
    pub fn check_async<F, W>(mut self, check: F) -> Self
    where
        F: Fn(RunContext<Deps>, Out) -> W + Send + Sync + 'static,
        W: Future<Output = Said> + Send + 'static,
    {
        self.checks.push(Box::new(move |run, out| Box::pin(check(run, out))));
        self
    }

    /// How the model is brought to the answer's shape; by default as fits it best.
    pub fn output_mode(mut self, mode: OutputMode) -> Self {
        self.mode = mode;
        self
    }

    /// How often an answer that does not fit is sent back, within the run's limits; 1 by default.
    pub fn output_retries(mut self, retries: u32) -> Self {
        self.retries = Some(retries);
        self
    }

    /// The model, e.g. `openai/gpt-4o-mini`.
    pub fn model(self, model: impl Into<Arc<str>>) -> Self {
        self.inner(|inner| inner.model(model))
    }

    /// Sampling and the like.
    pub fn settings(self, settings: Settings) -> Self {
        self.inner(|inner| inner.settings(settings))
    }

    /// Limits of each run.
    pub fn limits(self, limits: Limits) -> Self {
        self.inner(|inner| inner.limits(limits))
    }

    /// What to do with a tool call that was cut off and is not idempotent.
    pub fn in_doubt(self, in_doubt: InDoubt) -> Self {
        self.inner(|inner| inner.in_doubt(in_doubt))
    }

    /// How often a run goes on after a failure that may pass, as its error says: from where it was,
    /// within the same budget and limits, after a pause. What has run does not run again.
    pub fn retries(self, retries: u32) -> Self {
        self.inner(|inner| inner.retries(retries))
    }

    /// An agent of the same runtime that takes over where this one has failed, after those added
    /// before, and after it those that take over from it: asked the same and given the same, in the
    /// same run, with what is left of the budget. A policy, guard, budget or person that said no is
    /// not got around.
    pub fn fallback(self, agent: &Agent<Deps, Out>) -> Self {
        let agent = agent.dynamic().clone();
        self.inner(|inner| inner.fallback(agent))
    }

    /// What the guards do about what they find.
    pub fn guardrails(self, policy: Policy) -> Self {
        self.inner(|inner| inner.guardrails(policy))
    }

    /// What the model may say, beside the values in it: links, control characters, markup.
    pub fn content(self, policy: ContentPolicy) -> Self {
        self.inner(|inner| inner.content(policy))
    }

    /// What untrusted text and private data in a run leave of its tools.
    pub fn taint(self, taint: Taint) -> Self {
        self.inner(|inner| inner.taint(taint))
    }

    /// Policies of one's own about calls, asked after everything else: see
    /// [`policies`](crate::policies).
    pub fn policies(self, policies: Arc<dyn Policies>) -> Self {
        self.inner(|inner| inner.policies(policies))
    }

    /// Which tools may be used.
    pub fn permissions(self, permissions: Permissions) -> Self {
        self.inner(|inner| inner.permissions(permissions))
    }

    /// How much of a session a run is told, and how long sessions are kept.
    pub fn memory(self, memory: Memory) -> Self {
        #[cfg(feature = "tokens")]
        let memory = memory.or_tokenizer(|| Arc::new(largestack_tokens::Tiktoken));
        self.inner(|inner| inner.memory(memory))
    }

    /// Which calls a person has to agree to, beside those of tools that say so. Needs a runtime
    /// whose store keeps questions.
    pub fn approvals(self, policy: ApprovalPolicy) -> Self {
        self.inner(|inner| inner.approvals(policy))
    }

    /// A licence without which no run begins, where the operator asks for one.
    pub fn license(self, license: Arc<dyn License>) -> Self {
        self.inner(|inner| inner.license(license))
    }

    /// Adds a tool for runs that are given `Deps`.
    pub fn tool(self, tool: impl ToolFor<Deps>) -> Self {
        self.inner(|inner| inner.tool(tool))
    }

    /// Adds a tool whose needs nobody checks: one written by hand, or made while the program runs.
    pub fn shared_tool(self, tool: Arc<dyn Tool>) -> Self {
        self.inner(|inner| inner.shared_tool(tool))
    }

    /// Adds the tools of a set, whose needs nobody checks.
    pub fn toolset(self, tools: Toolset) -> Self {
        self.inner(|inner| inner.toolset(tools))
    }

    /// Keeps tools back where there are many: the model finds them with `search_tools`.
    pub fn defer_tools(self, deferral: Deferral) -> Self {
        self.inner(|inner| inner.defer_tools(deferral))
    }

    /// Changes how a tool of this agent is run; the last change counts.
    pub fn tool_options(
        self,
        tool: impl Into<Arc<str>>,
        change: impl FnOnce(&mut ToolOptions) + Send + 'static,
    ) -> Self {
        self.inner(|inner| inner.tool_options(tool, change))
    }

    /// Adds a stage that sees each request before the model is asked.
    pub fn before_model(self, stage: impl Stage<ModelTurn>) -> Self {
        self.inner(|inner| inner.before_model(stage))
    }

    /// Adds a stage that sees each recorded reply before anything follows from it.
    pub fn after_model(self, stage: impl Stage<ReplyTurn>) -> Self {
        self.inner(|inner| inner.after_model(stage))
    }

    /// Adds a stage that sees each tool's result, guarded, before the model does.
    pub fn after_tool(self, stage: impl Stage<ResultDraft>) -> Self {
        self.inner(|inner| inner.after_tool(stage))
    }

    /// Adds a stage that sees the answer before it counts as one, after all checks of its shape.
    pub fn on_final(self, stage: impl Stage<FinalTurn>) -> Self {
        self.inner(|inner| inner.on_final(stage))
    }

    /// Adds a stage that sees the failure that the run would end with.
    pub fn on_error(self, stage: impl Stage<ErrorTurn>) -> Self {
        self.inner(|inner| inner.on_error(stage))
    }

    /// Adds a stage that sees each tool call after permission and validation.
    pub fn before_tool(self, stage: impl Stage<ToolTurn>) -> Self {
        self.inner(|inner| inner.before_tool(stage))
    }

    /// The agent, or everything that is wrong with the description.
    pub fn build(self, runtime: Runtime) -> Result<Agent<Deps, Out>> {
        let mut inner = self.inner;
        let out = PhantomData;
        if let Some(output) = self.output {
            let output = output.mode(self.mode);
            let retries = self.retries.map(|retries| output.clone().retries(retries));
            inner = inner
                .output(retries.unwrap_or(output))
                .on_output(Looks::<Deps, Out> { check: None, out });
        } else if let Some(retries) = self.retries {
            inner = inner.word_retries(retries);
        }
        for check in self.checks {
            inner = inner.on_output(Looks { check: Some(check), out });
        }
        let inner = inner.build(runtime)?;
        let wrapped = inner.definition().output.is_some_and(|rule| rule.wrapped);
        let how = How { instruct: self.instruct, read: self.read, wrapped };
        Ok(Agent { inner, how: Arc::new(how) })
    }
}
