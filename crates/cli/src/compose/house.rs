//! An agent over the state of its project, with everything that its runs need.

use std::sync::Arc;

use largestack_agent::runtime::{LiveRuns, ToolPorts};
use largestack_agent::{Agent, AgentBuilder, Runs, Runtime};
use largestack_cassette::Deck;
use largestack_config::{self as config, Settings};
use largestack_gateway::Gateway;
use largestack_http::{OsIds, SystemClock, TokioTasks};
use largestack_knowledge::Extractive;
use largestack_ports::clock::Clock;
use largestack_ports::ids::{Ids, MakeId as _};
use largestack_ports::model::Model;
use largestack_ports::reranker::Reranker;
use largestack_ports::tool::Tool;
use largestack_store::Store;
use largestack_tools::DynamicTool;
use largestack_types::errors::{Code, LargestackError, Result};

use super::agent::{Parts, agent, outside};
use super::blocked::spawner;
use super::calls::answering;
use super::{Ground, ground, scope};
use crate::below::agents_below;
use crate::budgets;
use crate::documents::Folders;
use crate::rates;
use crate::shared::Shared;
use crate::tools::Outside;

/// An agent with everything it runs on.
pub(crate) struct House {
    /// The agent.
    pub(crate) agent: Agent,
    /// The runs of this process, which go on by themselves.
    pub(crate) runs: Runs,
    /// Work that must be over before the process ends.
    pub(crate) tasks: TokioTasks,
    /// Time.
    pub(crate) clock: Arc<dyn Clock>,
    /// Randomness.
    pub(crate) ids: Arc<dyn Ids>,
    /// Where the documents of its agents are.
    pub(crate) folders: Folders,
    /// What the agent runs on.
    pub(crate) runtime: Runtime,
}

/// Builds an agent over a store. Called inside the async runtime.
pub(crate) async fn house(settings: &Settings<config::Agent>, store: &Store) -> Result<House> {
    house_with(settings, store, Stand::default()).await
}

/// Makes what stands in the place of a tool.
pub(crate) type InPlace = Box<dyn Fn(Arc<dyn Tool>) -> Arc<dyn Tool>>;

/// What stands in the place of providers in a test.
#[derive(Default)]
pub(crate) struct Stand {
    /// One more model that the settings may name.
    pub(crate) model: Option<(&'static str, Arc<dyn Model>)>,
    /// Exchanges that are given again.
    pub(crate) cassette: Option<Deck>,
    /// Tools beside the agent's own.
    pub(crate) tools: Vec<DynamicTool>,
    /// What stands in the place of each of its own.
    pub(crate) in_place: Option<InPlace>,
}

/// The same with something in the place of providers.
pub(crate) async fn house_with(
    settings: &Settings<config::Agent>,
    store: &Store,
    stand: Stand,
) -> Result<House> {
    let shared = Shared::open(settings.project.postgres.as_deref(), store)?;
    house_over(settings, store, shared, stand).await
}

/// The same over what is shared with others, however that was opened.
pub(crate) async fn house_over(
    settings: &Settings<config::Agent>,
    store: &Store,
    shared: Shared,
    mut stand: Stand,
) -> Result<House> {
    let described = &settings.agent;
    let tools = std::mem::take(&mut stand.tools);
    let in_place = stand.in_place.take();
    let below = agents_below(settings)?;
    let all = || std::iter::once(described).chain(below.values());
    let Base { runtime, reranker, outside, tasks } =
        base_over(&settings.project, (&described.name, all()), shared, stand).await?;
    let (clock, ids) = (Arc::clone(&runtime.clock), Arc::clone(&runtime.ids));
    let parts =
        Parts { store, reranker: &reranker, outside: &outside, runtime: &runtime, below: &below };
    let mut agent = agent(described, parts)?;
    if let Some(in_place) = in_place {
        agent = agent.each_tool(in_place);
    }
    agent = tools.into_iter().fold(agent, AgentBuilder::tool);
    if let Some(license) = &settings.project.license {
        agent = agent.license(Arc::new(license.load()));
    }
    let runs = Runs::new(runtime.clone());
    let agent = agent.build(runtime.clone())?;
    let folders = Folders::of(described, below.values());
    Ok(House { agent, runs, tasks, clock, ids, folders, runtime })
}

/// What agents of a project run on.
pub(super) struct Base {
    pub(super) runtime: Runtime,
    pub(super) reranker: Arc<dyn Reranker>,
    pub(super) outside: Outside,
    /// Work that must be over before the process ends.
    pub(super) tasks: TokioTasks,
}

/// Makes what these agents run on, over what is shared with others; `top` is by whom their runs are
/// budgeted.
pub(super) async fn base_over<'a>(
    project: &config::Project,
    (top, agents): (&Arc<str>, impl Iterator<Item = &'a config::Agent>),
    shared: Shared,
    stand: Stand,
) -> Result<Base> {
    let Ground { mut ports, tasks } =
        ground(&project.providers, &project.network, Arc::clone(&shared.switch), stand.cassette)?;
    let (clock, ids) = (Arc::clone(&ports.clock), Arc::clone(&ports.ids));
    let ledger = budgets::ledger(&shared, &scope(), top, &project.budgets).await?;
    ports.ledger = Arc::clone(&ledger);
    let gateway = Gateway::builder(ports)
        .rate_limits(Arc::clone(&shared.limits), rates::limits(&project.limits))
        .cache_store(shared.cache)
        .pool_memory(shared.pools);
    #[cfg(feature = "tokens")]
    let gateway = gateway.tokenizer(Arc::new(largestack_tokens::Tiktoken));
    let gateway = Arc::new(answering(gateway, project, agents)?.build());
    gateway.register(largestack_knowledge::model::NAME, Arc::new(Extractive::default()));
    if let Some((name, model)) = stand.model {
        gateway.register(name, model);
    }
    let runtime = Runtime {
        journal: shared.journal,
        model: Arc::clone(&gateway) as Arc<dyn Model>,
        ledger,
        vault: shared.vault,
        switch: shared.switch,
        tools: ToolPorts {
            limits: shared.limits,
            results: shared.results,
            approvals: Some(shared.approvals),
        },
        clock: Arc::clone(&clock),
        owner: ids.owner_id(clock.now()),
        ids,
        tasks: spawner(project.models_blocked, &tasks),
        live: LiveRuns::default(),
    };
    let outside = outside(project)?;
    Ok(Base { runtime, reranker: gateway, outside, tasks })
}

/// What ends runs and asks no model anything. Called inside the async runtime.
pub(crate) fn without_models(shared: &Shared) -> Result<Runtime> {
    let (clock, ids) = (Arc::new(SystemClock), Arc::new(OsIds::new()?));
    let tasks = TokioTasks::current().map_err(|error| {
        LargestackError::other(Code::Unknown, format!("no async runtime: {error}"))
    })?;
    Ok(Runtime {
        journal: Arc::clone(&shared.journal),
        model: Arc::new(Extractive::default()),
        ledger: Arc::clone(&shared.ledger),
        vault: Arc::clone(&shared.vault),
        switch: Arc::clone(&shared.switch),
        tools: ToolPorts {
            limits: Arc::clone(&shared.limits),
            results: Arc::clone(&shared.results),
            approvals: Some(Arc::clone(&shared.approvals)),
        },
        owner: ids.owner_id(clock.now()),
        clock,
        ids,
        tasks: Arc::new(tasks),
        live: LiveRuns::default(),
    })
}
