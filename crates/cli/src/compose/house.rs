//! An agent over the state of its project, with everything that its runs need.

use std::sync::Arc;

use largestack_agent::runtime::{LiveRuns, ToolPorts};
use largestack_agent::{Agent, Runs, Runtime};
use largestack_cassette::Deck;
use largestack_config::{self as config, Settings};
use largestack_gateway::Gateway;
use largestack_http::TokioTasks;
use largestack_knowledge::Extractive;
use largestack_ports::clock::Clock;
use largestack_ports::ids::{Ids, MakeId as _};
use largestack_ports::model::Model;
use largestack_ports::reranker::Reranker;
use largestack_store::Store;
use largestack_types::errors::Result;

use super::agent::{Parts, agent, outside};
use super::blocked::spawner;
use super::calls::answering;
use super::{Ground, ground, scope};
use crate::below::agents_below;
use crate::budgets;
use crate::documents::Folders;
use crate::rates;
use crate::shared::Shared;

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
}

/// Builds an agent over a store. Called inside the async runtime.
pub(crate) async fn house(settings: &Settings<config::Agent>, store: &Store) -> Result<House> {
    house_with(settings, store, Stand::default()).await
}

/// What stands in the place of providers in a test.
#[derive(Default)]
pub(crate) struct Stand {
    /// One more model that the settings may name.
    pub(crate) model: Option<(&'static str, Arc<dyn Model>)>,
    /// Exchanges that are given again.
    pub(crate) cassette: Option<Deck>,
}

/// The same with something in the place of providers.
pub(crate) async fn house_with(
    settings: &Settings<config::Agent>,
    store: &Store,
    stand: Stand,
) -> Result<House> {
    let project = &settings.project;
    let shared = Shared::open(project.postgres.as_deref(), store)?;
    let Ground { mut ports, tasks } =
        ground(&project.providers, &project.network, Arc::clone(&shared.switch), stand.cassette)?;
    let (clock, ids) = (Arc::clone(&ports.clock), Arc::clone(&ports.ids));
    let said = &project.budgets;
    let ledger = budgets::ledger(&shared, &scope(), &settings.agent.name, said).await?;
    ports.ledger = Arc::clone(&ledger);
    let described = &settings.agent;
    let below = agents_below(settings)?;
    let gateway = Gateway::builder(ports)
        .rate_limits(Arc::clone(&shared.limits), rates::limits(&project.limits))
        .cache_store(shared.cache)
        .pool_memory(shared.pools);
    #[cfg(feature = "tokens")]
    let gateway = gateway.tokenizer(Arc::new(largestack_tokens::Tiktoken));
    let gateway = Arc::new(answering(gateway, settings, &below)?.build());
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
        ids: Arc::clone(&ids),
        tasks: spawner(project.models_blocked, &tasks),
        live: LiveRuns::default(),
    };
    let outside = outside(&project.network)?;
    let reranker: Arc<dyn Reranker> = gateway;
    let parts =
        Parts { store, reranker: &reranker, outside: &outside, runtime: &runtime, below: &below };
    let mut agent = agent(described, parts)?;
    if let Some(license) = &project.license {
        agent = agent.license(Arc::new(license.load()));
    }
    let runs = Runs::new(runtime.clone());
    let agent = agent.build(runtime)?;
    let folders = Folders::of(described, below.values());
    Ok(House { agent, runs, tasks, clock, ids, folders })
}
