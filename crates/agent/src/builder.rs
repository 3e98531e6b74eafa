//! Describing an agent.

use std::sync::Arc;

use largestack_engine::definition::{Definition, InDoubt, OutputRule};
use largestack_guard::content::{ContentPolicy, OutputAction};
use largestack_guard::{Guard, Policy};
use largestack_policy::Taint;
use largestack_ports::license::License;
use largestack_ports::policies::Policies;
use largestack_ports::script::ScriptTool;
use largestack_ports::tool::{Tool, ToolOptions};
use largestack_types::call::Settings;
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::limits::Limits;

use crate::agent::{Agent, Core};
use crate::approval::{self, ApprovalPolicy};
use crate::memory::Memory;
use crate::output::{DEFAULT_RETRIES, Output, OutputTurn, Shape};
use crate::pipeline::{Parts, Permissions, Pipeline};
use crate::runtime::Runtime;
use crate::script;
use crate::stage::{ErrorTurn, FinalTurn, ModelTurn, ReplyTurn, ResultDraft, Stage, ToolTurn};
use crate::stages::before_tool::Judge;
use crate::tools::{ArgumentRules, ChangeOptions, Registry, Validators};
use crate::toolset::{Deferral, Toolset, search};

mod content;
mod parts;

use content::{helped, of_content, policy_of};
use parts::{
    alone, approve, decides, elsewhere, limits_of, misnamed, told, unless_default, unwritable,
};

/// An agent being described. [`AgentBuilder::build`] reports what does not fit.
#[must_use]
pub struct AgentBuilder {
    name: Arc<str>,
    instructions: Arc<str>,
    model: Arc<str>,
    settings: Settings,
    limits: Limits,
    in_doubt: InDoubt,
    retries: u32,
    fallbacks: Vec<Agent>,
    policy: Policy,
    content: ContentPolicy,
    taint: Taint,
    policies: Option<Arc<dyn Policies>>,
    permissions: Permissions,
    approvals: ApprovalPolicy,
    license: Option<Arc<dyn License>>,
    memory: Memory,
    tools: Vec<Arc<dyn Tool>>,
    scripts: Vec<Arc<dyn ScriptTool>>,
    toolsets: Toolset,
    deferral: Option<Deferral>,
    changes: Vec<(Arc<str>, ChangeOptions)>,
    output: Option<Output>,
    word_retries: u32,
    on_output: Vec<Box<dyn Stage<OutputTurn>>>,
    before_model: Vec<Box<dyn Stage<ModelTurn>>>,
    after_model: Vec<Box<dyn Stage<ReplyTurn>>>,
    after_tool: Vec<Box<dyn Stage<ResultDraft>>>,
    on_final: Vec<Box<dyn Stage<FinalTurn>>>,
    on_error: Vec<Box<dyn Stage<ErrorTurn>>>,
    before_tool: Vec<Box<dyn Stage<ToolTurn>>>,
}

impl AgentBuilder {
    pub(crate) fn new(name: Arc<str>) -> Self {
        Self {
            name,
            instructions: "".into(),
            model: "".into(),
            settings: Settings::default(),
            limits: Limits::default(),
            in_doubt: InDoubt::default(),
            retries: 0,
            fallbacks: Vec::new(),
            policy: Policy::default(),
            content: ContentPolicy::default(),
            taint: Taint::default(),
            policies: None,
            permissions: Permissions::default(),
            approvals: ApprovalPolicy::default(),
            license: None,
            memory: Memory::default(),
            tools: Vec::new(),
            scripts: Vec::new(),
            toolsets: Toolset::default(),
            deferral: None,
            changes: Vec::new(),
            output: None,
            word_retries: DEFAULT_RETRIES,
            on_output: Vec::new(),
            before_model: Vec::new(),
            after_model: Vec::new(),
            after_tool: Vec::new(),
            on_final: Vec::new(),
            on_error: Vec::new(),
            before_tool: Vec::new(),
        }
    }

    /// What the operator tells the model.
    pub fn instructions(mut self, text: impl Into<Arc<str>>) -> Self {
        self.instructions = text.into();
        self
    }

    /// The model, e.g. `openai/gpt-4o-mini`.
    pub fn model(mut self, model: impl Into<Arc<str>>) -> Self {
        self.model = model.into();
        self
    }

    /// Sampling and the like.
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Limits of each run.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// What to do with a tool call that was cut off and is not idempotent.
    pub fn in_doubt(mut self, in_doubt: InDoubt) -> Self {
        self.in_doubt = in_doubt;
        self
    }

    /// How often a run goes on after a failure that may pass, as its error says: from where it was,
    /// within the same budget and limits, after a pause. What has run does not run again.
    pub fn retries(mut self, retries: u32) -> Self {
        self.retries = retries;
        self
    }

    /// An agent of the same runtime that takes over where this one has failed, after those added
    /// before, and after it those that take over from it. It is asked the same, in the same run, with
    /// what is left of the budget. A policy, guard, budget or person that said no is not got around.
    pub fn fallback(mut self, agent: Agent) -> Self {
        self.fallbacks.push(agent);
        self
    }

    /// What the guards do about what they find.
    pub fn guardrails(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// What the model may say, beside the values in it.
    pub fn content(mut self, policy: ContentPolicy) -> Self {
        self.content = policy;
        self
    }

    /// What untrusted text and private data in a run leave of its tools.
    pub fn taint(mut self, taint: Taint) -> Self {
        self.taint = taint;
        self
    }

    /// Policies of one's own about calls, in place of any said before. They are asked after everything
    /// else has let a call through, and what they do not permit is refused.
    pub fn policies(mut self, policies: Arc<dyn Policies>) -> Self {
        self.policies = Some(policies);
        self
    }

    /// Which tools may be used.
    pub fn permissions(mut self, permissions: Permissions) -> Self {
        self.permissions = permissions;
        self
    }

    /// Which calls a person has to agree to, beside those of tools that say so.
    pub fn approvals(mut self, policy: ApprovalPolicy) -> Self {
        self.approvals = policy;
        self
    }

    /// A licence without which no run begins, where the operator asks for one.
    pub fn license(mut self, license: Arc<dyn License>) -> Self {
        self.license = Some(license);
        self
    }

    /// How much of a session a run is told, and how long sessions are kept; all of it and for ever
    /// unless it is said.
    pub fn memory(mut self, memory: Memory) -> Self {
        self.memory = memory;
        self
    }

    /// Adds a tool.
    pub fn tool(mut self, tool: impl Tool) -> Self {
        self.tools.push(Arc::new(tool));
        self
    }

    /// Adds a tool that is shared.
    pub fn shared_tool(mut self, tool: Arc<dyn Tool>) -> Self {
        self.tools.push(tool);
        self
    }

    /// Puts something in the place of each tool that was added one by one, such as what is told as
    /// the tool and does nothing, to try the agent with.
    pub fn each_tool(mut self, change: impl FnMut(Arc<dyn Tool>) -> Arc<dyn Tool>) -> Self {
        self.tools = self.tools.into_iter().map(change).collect();
        self
    }

    /// Adds a tool whose calls are programs. They call those of this agent's tools that it names, each
    /// through the same stages and options as any call, in a run below.
    pub fn script_tool(mut self, tool: impl ScriptTool) -> Self {
        self.scripts.push(Arc::new(tool));
        self
    }

    /// Adds the tools of a set.
    pub fn toolset(mut self, tools: Toolset) -> Self {
        self.toolsets = self.toolsets.and(tools);
        self
    }

    /// Keeps tools back where there are many: the model finds them with `search_tools`.
    pub fn defer_tools(mut self, deferral: Deferral) -> Self {
        self.deferral = Some(deferral);
        self
    }

    /// Changes how a tool of this agent is run; the last change counts.
    pub fn tool_options(
        mut self,
        tool: impl Into<Arc<str>>,
        change: impl FnOnce(&mut ToolOptions) + Send + 'static,
    ) -> Self {
        self.changes.push((tool.into(), Box::new(change)));
        self
    }

    /// The shape of the answer. Without it the answer is words.
    pub fn output(mut self, output: Output) -> Self {
        self.output = Some(output);
        self
    }

    /// How often words are sent back by the stages of [`AgentBuilder::on_output`].
    pub fn word_retries(mut self, retries: u32) -> Self {
        self.word_retries = retries;
        self
    }

    /// Adds a stage that sees each answer that fits its schema, and may send the model back with a
    /// hint (`Retry`), end the run (`Block`) or give another value (`Replace`). Stages run again
    /// when a process ends while they run.
    pub fn on_output(mut self, stage: impl Stage<OutputTurn>) -> Self {
        self.on_output.push(Box::new(stage));
        self
    }

    /// Adds a stage that sees each request before the model is asked.
    pub fn before_model(mut self, stage: impl Stage<ModelTurn>) -> Self {
        self.before_model.push(Box::new(stage));
        self
    }

    /// Adds a stage that sees each recorded reply before anything follows from it.
    pub fn after_model(mut self, stage: impl Stage<ReplyTurn>) -> Self {
        self.after_model.push(Box::new(stage));
        self
    }

    /// Adds a stage that sees each tool's result, guarded, before the model does.
    pub fn after_tool(mut self, stage: impl Stage<ResultDraft>) -> Self {
        self.after_tool.push(Box::new(stage));
        self
    }

    /// Adds a stage that sees the answer before it counts as one, after all checks of its shape.
    pub fn on_final(mut self, stage: impl Stage<FinalTurn>) -> Self {
        self.on_final.push(Box::new(stage));
        self
    }

    /// Adds a stage that sees the failure that the run would end with.
    pub fn on_error(mut self, stage: impl Stage<ErrorTurn>) -> Self {
        self.on_error.push(Box::new(stage));
        self
    }

    /// Adds a stage that sees each tool call after permission and validation.
    pub fn before_tool(mut self, stage: impl Stage<ToolTurn>) -> Self {
        self.before_tool.push(Box::new(stage));
        self
    }

    /// What every agent has to say and this one does not.
    fn missing(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.name.trim().is_empty() {
            problems.push("an agent needs a name".to_owned());
        }
        if self.model.trim().is_empty() {
            problems.push(format!("agent `{}` needs a model", self.name));
        }
        if self.limits.max_turns == 0 {
            problems.push("`limits.max_turns` must be at least 1".to_owned());
        }
        problems
    }

    /// The agent, or everything that is wrong with the description.
    pub fn build(self, runtime: Runtime) -> Result<Agent> {
        let mut problems = self.missing();
        let (of_sets, set_aside, wrong) = self.toolsets.parts();
        problems.extend(wrong);
        let tools = self.tools.into_iter().chain(of_sets);
        let mut registry = Registry::gathered(tools, &mut problems);
        let below = (self.limits.wall_clock, self.policy);
        let mut permissions = self.permissions;
        let scripts =
            script::offer(&self.scripts, &mut registry, below, &permissions, &mut problems);
        registry.change(self.changes, &mut problems);
        let kept_back =
            search::keep_back(&mut registry, &mut permissions, (set_aside, self.deferral));
        let deferred = kept_back.map_err(|wrong| problems.push(wrong)).unwrap_or_default();
        problems.extend(misnamed(&registry, &permissions, &self.approvals));
        let fallbacks: Vec<Agent> = self.fallbacks.iter().flat_map(Agent::chain).cloned().collect();
        problems.extend(elsewhere(&fallbacks, &runtime));
        let (content, output, (help, leaks)) =
            of_content((&self.content, self.output.is_some()), &mut problems);
        let can_ask = runtime.journal.is_durable() && runtime.tools.approvals.is_some();
        let (of_labels, how) = ((self.taint, &self.model), (can_ask, permissions.raise));
        let policies = decides(self.policies.as_ref(), &registry, (of_labels, how), &mut problems);
        if !problems.is_empty() {
            return Err(LargestackError::other(Code::Config, problems.join("; ")));
        }
        let approve = approve(&self.approvals, &registry);
        if approve.is_some() && !can_ask {
            return Err(approval::unavailable());
        }
        let mut pipeline = Pipeline::new(Parts {
            taint: Judge { taint: self.taint, can_ask, raise: permissions.raise }.of(&registry),
            policies,
            approve,
            permissions: permissions.clone(),
            validators: Arc::new(Validators::compile(&registry)?),
            rules: ArgumentRules::compile(&registry)?,
            before_tool: self.before_tool,
            before_model: helped(self.before_model, help.as_ref()),
            after_model: self.after_model,
            after_tool: self.after_tool,
            on_final: self.on_final,
            on_error: self.on_error,
            output: output.clone(),
            keeps_instructions: leaks.is_some(),
            content: content.clone(),
            limits: limits_of(&registry, &runtime),
        });
        pipeline.output.extend(self.on_output);
        let mut settings = self.settings;
        let words = (!pipeline.output.is_empty())
            .then_some(OutputRule { retries: self.word_retries, wrapped: false });
        let rule = self.output.map(|output| told(output, &mut settings)).or(words);
        let schema = settings.output_schema.as_ref().filter(|_| rule.is_some());
        let shape = schema.map(Shape::compile).transpose()?;
        let definition = Definition {
            agent: self.name,
            instructions: self.instructions,
            model: self.model,
            tools: registry.specs(|entry| {
                permissions.permit(&entry.tool.spec().name, &entry.options.access.capabilities)
            }),
            deferred,
            settings: Arc::new(settings),
            limits: self.limits,
            output: rule,
            in_doubt: self.in_doubt,
            retries: self.retries,
            policy: policy_of(&self.policy, &self.content)?,
            taint: unless_default(&self.taint).map_err(unwritable)?,
            policies: self.policies.map(|policies| policies.hash()),
            hooks: pipeline.hooks(),
            pipeline: pipeline.names(),
            fallbacks: fallbacks.iter().map(alone).collect(),
        };
        let (sealed, hash) = definition.sealed().map_err(unwritable)?;
        let agent = Agent(Arc::new(Core {
            definition: Arc::new(definition),
            sealed: sealed.as_str().to_owned().into(),
            hash,
            registry,
            pipeline: Arc::new(pipeline),
            shape,
            guard: Guard::new(self.policy),
            // What is only recorded is shown as it is said.
            said: output.filter(|output| output.action() == OutputAction::Redact),
            content,
            help,
            leaks,
            spotlights: self.content.spotlight,
            permissions,
            approvals: self.approvals,
            license: self.license,
            fallbacks,
            breakers: Arc::default(),
            flights: Arc::default(),
            memory: self.memory,
            runtime,
        }));
        script::furnish(&agent, &scripts)?;
        Ok(agent)
    }
}
