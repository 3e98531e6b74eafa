//! An agent from its file: what the file says, as the builder takes it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use largestack_agent::memory::Window;
use largestack_agent::{Agent, AgentBuilder, ApprovalPolicy, Deferral, Memory, Output, Runtime};
use largestack_config::{self as config, Declared, Environment, Settings, ToolSettings};
use largestack_http::{HttpEgress, SystemClock};
use largestack_knowledge::rerank::OnFailure;
use largestack_knowledge::{Knowledge, Rerank, SearchKnowledge};
use largestack_ports::reranker::Reranker;
use largestack_ports::tool::{Tool as _, ToolOptions};
use largestack_store::Store;
use largestack_tools::{Processes, wait};
use largestack_types::errors::{Code, LargestackError, Result};

use super::{COLLECTION, TOOLS, collection_below};
use crate::below::agents_below;
use crate::network;
use crate::policies;
use crate::tools;
use crate::wasm;

/// This program, as a path that leads to it also when its file has been replaced meanwhile (Linux).
const ITSELF: &str = "/proc/self/exe";

/// What an agent is made of beside its description.
#[derive(Clone, Copy)]
pub(super) struct Parts<'p> {
    pub(super) store: &'p Store,
    pub(super) reranker: &'p Arc<dyn Reranker>,
    pub(super) outside: &'p tools::Outside,
    pub(super) runtime: &'p Runtime,
    /// The agents that others name, by file.
    pub(super) below: &'p BTreeMap<PathBuf, config::Agent>,
}

/// What runs commands for this machine: confined by this program itself.
pub(crate) fn processes() -> Processes {
    Processes::confined_by(ITSELF)
}

/// What tools reach the outside by.
pub(super) fn outside(project: &config::Project) -> Result<tools::Outside> {
    let clock = Arc::new(SystemClock);
    Ok(tools::Outside {
        egress: Arc::new(HttpEgress::new(network::of(&project.network)?)),
        commands: wasm::commands(processes(), clock.clone(), &project.state)?,
        clock,
        environment: Environment::of_process(),
    })
}

/// What keeps each tool of an agent from being made, with its key, and tools that have another's
/// name. Nothing is run and nobody is asked.
pub(crate) fn check_tools(
    settings: &Settings<config::Agent>,
) -> Result<Vec<(String, LargestackError)>> {
    let outside = outside(&settings.project)?;
    agents_below(settings)?;
    let (mut problems, mut known) = (Vec::new(), BTreeSet::new());
    for tool in &settings.agent.tools {
        let key = format!("tools.{}", tool.name);
        let made = match tools::made(tool, settings.agent.guardrails.injection, &outside) {
            Ok(made) => made,
            Err(error) => {
                problems.push((key, error));
                continue;
            }
        };
        let mut names: Vec<Arc<str>> = made.iter().map(|t| Arc::clone(&t.spec().name)).collect();
        if made.is_empty() {
            names.push(Arc::clone(&tool.name));
        }
        for name in names {
            if !known.insert(Arc::clone(&name)) {
                let detail = format!("tools.{}: two tools are named `{name}`", tool.name);
                problems.push((key.clone(), LargestackError::other(Code::Config, detail)));
            }
        }
    }
    Ok(problems)
}

/// An agent as its file describes it.
pub(super) fn agent(described: &config::Agent, parts: Parts<'_>) -> Result<AgentBuilder> {
    let (store, reranker) = (parts.store, Arc::clone(parts.reranker));
    let permissions = largestack_agent::pipeline::Permissions {
        allow: described.permissions.allow.clone(),
        deny: described.permissions.deny.clone(),
        allow_capabilities: described.permissions.allow_capabilities.clone(),
        deny_capabilities: described.permissions.deny_capabilities.clone(),
        raise: described.permissions.raise,
    };
    let mut builder = Agent::builder(Arc::clone(&described.name))
        .instructions(Arc::clone(&described.instructions))
        .model(Arc::clone(&described.model))
        .settings(described.settings.clone())
        .limits(described.limits.clone())
        .in_doubt(described.in_doubt)
        .retries(described.retries)
        .guardrails(described.guardrails)
        .content(described.content.clone())
        .taint(described.taint)
        .permissions(permissions)
        .memory(memory(described.memory))
        .approvals(ApprovalPolicy {
            capabilities: described.approvals.capabilities.clone(),
            terms: described.approvals.terms.clone(),
            tools: described.approvals.tools.clone(),
        });
    if let Some(policies) = policies::of(&described.policies)? {
        builder = builder.policies(policies);
    }
    if let Some(output) = &described.output {
        let shape = Output::of(output.schema.schema.clone())
            .named(Arc::clone(&output.schema.name))
            .mode(output.mode)
            .retries(output.retries);
        builder = builder.output(shape);
    }
    // The settings have refused every other tool, and this one where there is nothing to search.
    if let Some(documents) = &described.knowledge {
        let collection = match parts.below.get(&described.file) {
            Some(below) => collection_below(below),
            None => COLLECTION.to_owned(),
        };
        let knowledge = Knowledge::new(Arc::new(store.clone()), collection);
        let search = SearchKnowledge::new(knowledge).with_limit(documents.top_k);
        builder = builder.tool(match rerank(documents, described, reranker) {
            Some(rerank) => search.with_reranker(rerank),
            None => search,
        });
    }
    if let Some(search) = &described.search_tools {
        builder = builder.defer_tools(Deferral {
            above: search.above as usize,
            keep: search.keep.clone(),
            results: search.results as usize,
        });
    }
    for file in &described.fallback.agents {
        builder = builder.fallback(agent_below(file, parts)?);
    }
    with_tools(builder, described, parts)
}

/// An agent that another one names.
fn agent_below(file: &Path, parts: Parts<'_>) -> Result<Agent> {
    let described = parts.below.get(file).ok_or_else(|| {
        let detail = format!("there is no agent {}", file.display());
        LargestackError::other(Code::Config, detail)
    })?;
    agent(described, parts)?.build(parts.runtime.clone())
}

/// Refuses to wait for what never comes.
fn hears_events(runtime: &Runtime) -> Result<()> {
    if runtime.journal.signals().is_some() {
        return Ok(());
    }
    Err(LargestackError::with_advice(
        Code::Config,
        format!("tools.{}: no event from outside reaches an agent's run on Restate", wait::EVENT),
        "Run it with the project's own queue (`--engine store`), or wait in a workflow, with a node \
         `event: NAME`",
    ))
}

/// The agent with the tools that its file names or makes.
fn with_tools(
    mut builder: AgentBuilder,
    described: &config::Agent,
    parts: Parts<'_>,
) -> Result<AgentBuilder> {
    let mut known: Vec<Arc<str>> = Vec::new();
    for tool in &described.tools {
        if tool.declared.is_none() && *tool.name == *wait::EVENT {
            hears_events(parts.runtime)?;
        }
        let made = tools::made(tool, described.guardrails.injection, parts.outside)?;
        let mut names: Vec<Arc<str>> =
            made.iter().map(|tool| Arc::clone(&tool.spec().name)).collect();
        if let Some(Declared::Agent(other)) = &tool.declared {
            let called = agent_below(&other.file, parts)?;
            let (name, description) = (Arc::clone(&tool.name), Arc::clone(&other.description));
            builder = builder.tool(called.as_tool(name, description));
            names.push(Arc::clone(&tool.name));
        } else if names.is_empty() && tool.declared.is_none() {
            names.push(Arc::clone(&tool.name));
        }
        for tool in made {
            builder = builder.tool(tool);
        }
        if let Some(code) = tools::code(tool, parts.outside)? {
            builder = builder.script_tool(code);
        }
        if tool.settings != ToolSettings::default() {
            for name in &names {
                let settings = tool.settings.clone();
                let change = move |options: &mut ToolOptions| settings.apply(options);
                builder = builder.tool_options(Arc::clone(name), change);
            }
        }
        known.extend(names);
    }
    // What operations of documents are named is known only now; a misspelt denial denies nothing.
    let is_known = |name: &str| known.iter().any(|known| **known == *name) || TOOLS.contains(&name);
    match described.permissions.deny.iter().find(|name| !is_known(name)) {
        Some(name) => {
            let detail = format!("`permissions.deny` names `{name}`, which is not a tool");
            Err(LargestackError::other(Code::Config, detail))
        }
        None => Ok(builder),
    }
}

/// What an agent's passages are put in order by, reading no more than its guards let through.
fn rerank(
    documents: &config::Knowledge,
    described: &config::Agent,
    reranker: Arc<dyn Reranker>,
) -> Option<Rerank> {
    let model = Arc::clone(documents.reranker.as_ref()?);
    let on_failure = match documents.on_reranker_failure {
        config::OnRerankerFailure::OwnOrder => OnFailure::OwnOrder,
        config::OnRerankerFailure::Fail => OnFailure::Fail,
    };
    Some(Rerank::new(reranker, model, described.guardrails).on_failure(on_failure))
}

fn memory(described: config::Memory) -> Memory {
    let tokens = described.tokens.map(u64::from);
    let window = Window { messages: described.messages, tokens };
    let memory = match described.recall {
        config::Recall::Buffer => Memory::buffer(),
        config::Recall::Window | config::Recall::Tokens => Memory::within(window),
        config::Recall::Summary => Memory::summary_beyond(window),
    };
    #[cfg(feature = "tokens")]
    let memory = memory.or_tokenizer(|| Arc::new(largestack_tokens::Tiktoken));
    let memory = memory.patience(described.wait);
    match described.ttl {
        Some(ttl) => memory.ttl(ttl),
        None => memory,
    }
}
