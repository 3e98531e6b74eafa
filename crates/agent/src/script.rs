//! Tools whose calls are programs. To the engine a call of one is a run below the run that makes it, of
//! the same agent with another model: the program. So its calls pass this agent's stages, are booked
//! into the same accounts, recorded, asked about and found again as a sub-agent's are, and there is no
//! second path.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use largestack_engine::definition::Definition;
use largestack_guard::{Guard, Policy};
use largestack_ports::BoxFuture;
use largestack_ports::script::ScriptTool;
use largestack_ports::tool::{Tool, ToolContext, ToolFailure, ToolOptions, ToolOutput};
use largestack_types::call::Settings;
use largestack_types::error::Coded as _;
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::json::Json;
use largestack_types::limits::{Limits, OnLimit};
use largestack_types::tool::ToolSpec;

use crate::agent::{Agent, Core};
use crate::child::{AgentTool, Answered, patience};
use crate::memory::Memory;
use crate::pipeline::Permissions;
use crate::protect::RunGuard;
use crate::runtime::Runtime;
use crate::tools::{Entry, Registry};

/// Characters of a result that a program is given at most: it is no model, whose attention they cost.
const MOST_RESULT: usize = 1 << 20;

/// A tool whose calls are programs, as the registry has it.
#[derive(Clone)]
pub(crate) struct Script {
    tool: Arc<dyn ScriptTool>,
    spec: ToolSpec,
    options: ToolOptions,
    /// Set when the agent is there.
    below: Arc<OnceLock<AgentTool>>,
}

/// Adds these tools to the others, and tells what does not fit.
pub(crate) fn offer(
    scripts: &[Arc<dyn ScriptTool>],
    registry: &mut Registry,
    (wall_clock, policy): (Option<Duration>, Policy),
    permissions: &Permissions,
    problems: &mut Vec<String>,
) -> Vec<Script> {
    let mut offered = Vec::with_capacity(scripts.len());
    for tool in scripts {
        let mut callable = Vec::new();
        for name in tool.tools() {
            match registry.get(name) {
                Some(entry) if permits(permissions, entry) => {
                    callable.push(entry.tool.spec().clone());
                }
                // No function of a script: the model is not told of it.
                Some(_) => {}
                None => problems.push(format!("scripts may call `{name}`, which is not a tool")),
            }
        }
        let spec = match tool.spec(&callable) {
            Ok(spec) => spec,
            Err(wrong) => {
                problems.push(wrong);
                continue;
            }
        };
        let mut options =
            ToolOptions { timeout: patience([wall_clock].into_iter()), ..tool.options() };
        // Everything else it is told as placeholders, which are the same in the whole tree.
        options.access.reveals = RunGuard::let_through(Guard::new(policy));
        offered.push(Script { tool: Arc::clone(tool), spec, options, below: Arc::default() });
    }
    for script in &offered {
        if let Err(error) = registry.add(Arc::new(script.clone())) {
            problems.push(error.message());
        }
    }
    offered
}

/// Gives each of them what its programs run in.
pub(crate) fn furnish(agent: &Agent, scripts: &[Script]) -> Result<()> {
    for script in scripts {
        let below = below(&agent.0, &*script.tool)?;
        let tool = below.as_tool(Arc::clone(&script.spec.name), "");
        // Set once, here: the tool was made for this agent.
        let _ = script.below.set(tool);
    }
    Ok(())
}

/// The same agent with a program in the place of its model, and only the tools that programs call.
fn below(core: &Core, script: &dyn ScriptTool) -> Result<Agent> {
    let registry = callable(core, script)?;
    let pipeline = core.pipeline.of_script();
    let (above, most) = (&core.definition, script.max_calls());
    let permitted = |entry: &Entry| permits(&core.permissions, entry);
    let definition = Definition {
        agent: Arc::clone(&above.agent),
        instructions: "".into(),
        model: "script".into(),
        tools: registry.specs(permitted),
        deferred: Vec::new(),
        settings: Arc::new(Settings::default()),
        limits: Limits {
            max_turns: most.saturating_add(1),
            // What the agent may make in a run, a program of it may not exceed either.
            max_tool_calls: Some(above.limits.max_tool_calls.map_or(most, |above| above.min(most))),
            // That of the tree holds: it is the caller's, and those above it.
            budget: None,
            // A program is no model that turns in circles; what it may make is counted.
            max_repeats: 0,
            max_idle_turns: 0,
            on_limit: OnLimit::Error,
            ..above.limits.clone()
        },
        output: None,
        in_doubt: above.in_doubt,
        retries: 0,
        policy: above.policy.clone(),
        taint: above.taint.clone(),
        policies: above.policies,
        hooks: pipeline.hooks(),
        pipeline: pipeline.names(),
        fallbacks: Vec::new(),
    };
    let unwritable = |error: serde_json::Error| {
        LargestackError::other(Code::Config, format!("the definition: {error}"))
    };
    let (sealed, hash) = definition.sealed().map_err(unwritable)?;
    let runtime = Runtime { model: script.model(), ..core.runtime.clone() };
    Ok(Agent(Arc::new(Core {
        definition: Arc::new(definition),
        sealed: sealed.as_str().to_owned().into(),
        hash,
        registry,
        pipeline: Arc::new(pipeline),
        shape: None,
        guard: core.guard,
        said: None,
        // Judged as what the call says and returns.
        content: None,
        help: None,
        leaks: None,
        spotlights: false,
        permissions: core.permissions.clone(),
        approvals: core.approvals.clone(),
        license: core.license.clone(),
        fallbacks: Vec::new(),
        breakers: Arc::clone(&core.breakers),
        flights: Arc::clone(&core.flights),
        memory: Memory::default(),
        runtime,
    })))
}

fn permits(permissions: &Permissions, entry: &Entry) -> bool {
    permissions.permit(&entry.tool.spec().name, &entry.options.access.capabilities)
}

/// The tools that programs may call, run as the agent's own are.
fn callable(core: &Core, script: &dyn ScriptTool) -> Result<Registry> {
    let mut registry = Registry::default();
    for entry in script.tools().iter().filter_map(|name| core.registry.get(name)) {
        registry.add(Arc::clone(&entry.tool))?;
        let mut options = ToolOptions::clone(&entry.options);
        options.max_result_chars = options.max_result_chars.max(MOST_RESULT);
        registry.configure(&entry.tool.spec().name, |own| *own = options);
    }
    Ok(registry)
}

impl Script {
    async fn run(self, context: ToolContext, arguments: Json) -> Result<ToolOutput, ToolFailure> {
        let below = self.below.get();
        let below = below.ok_or_else(|| ToolFailure::new("it belongs to no agent"))?;
        let asked = below.ask(&context, arguments.as_str().to_owned()).await?;
        let Answered::Ended(report, label) = asked else {
            return Ok(ToolOutput::text("a script waits for somebody"));
        };
        let result = self.tool.result(&report.text).map_err(|failure| failure.labelled(label))?;
        Ok(ToolOutput { label: Some(label), citations: report.citations, ..result })
    }
}

impl Tool for Script {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn options(&self) -> ToolOptions {
        self.options.clone()
    }

    fn call(
        &self,
        context: ToolContext,
        arguments: Json,
    ) -> BoxFuture<'static, Result<ToolOutput, ToolFailure>> {
        Box::pin(self.clone().run(context, arguments))
    }
}
