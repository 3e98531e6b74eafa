//! Putting the house together: adapters are made here and handed down behind ports. The one place
//! of this program that knows both a port and what implements it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use largestack_agent::memory::Window;
use largestack_agent::runtime::ToolPorts;
use largestack_agent::{
    Agent, AgentBuilder, AgentTool, ApprovalPolicy, Deferral, Memory, Output, Runtime,
};
use largestack_config::{
    self as config, Declared, Environment, Flags, Inputs, Offer, Settings, ToolSettings,
};
use largestack_gateway::{
    Builder as GatewayBuilder, CachePolicy, CannotContinue, FallbackPolicy, Gateway, OnBreak,
    OnContent, Pool, Ports, Strategy, block_model_requests,
};
use largestack_http::{CloudTransport, HttpEgress, HttpTransport, OsIds, SystemClock, TokioTasks};
use largestack_knowledge::rerank::OnFailure;
use largestack_knowledge::{Extractive, Knowledge, Rerank, SearchKnowledge, model, tool};
use largestack_ports::clock::Clock;
use largestack_ports::ids::{Ids, MakeId as _};
use largestack_ports::ledger::{Ledger, MemoryLedger};
use largestack_ports::model::Model;
use largestack_ports::reranker::Reranker;
use largestack_ports::switch::Switch;
use largestack_ports::tool::{Tool as _, ToolOptions};
use largestack_store::{Options, Store};
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::hash::Hash;
use largestack_types::scope::Scope;
use largestack_types::time::Timestamp;
use largestack_wire::Registry;

use crate::below::agents_below;
use crate::budgets;
use crate::failure::{Failure, Outcome};
use crate::keys::{self, Keys};
use crate::network;
use crate::rates;
use crate::shared;
use crate::tools;

/// The tools that agents of this program may name.
const TOOLS: &[&str] = &[
    tool::NAME,
    largestack_tools::calculator::NAME,
    largestack_tools::time::NAME,
    largestack_tools::files::READ,
    largestack_tools::files::LIST,
    largestack_tools::files::WRITE,
    largestack_tools::web::FETCH,
    largestack_tools::web::REQUEST,
    largestack_tools::search::NAME,
    largestack_tools::sql::NAME,
    largestack_tools::shell::NAME,
];
/// The collection of an agent's documents, in the state of its project.
const COLLECTION: &str = "knowledge";

// What the settings say of a search is what the tool does.
const _: () = assert!(
    config::DEFAULT_TOP_K == tool::DEFAULT_LIMIT && config::MAX_TOP_K == tool::MAX_LIMIT,
    "`knowledge.top_k` has the default and the bounds of the tool"
);

/// What `agent.yaml` may name beside providers.
pub(crate) const OFFER: Offer<'static> = Offer {
    tools: TOOLS,
    knowledge_tool: tool::NAME,
    models: &[model::NAME],
    offline_model: model::NAME,
};

/// The single user of a local installation: on whose behalf everything here happens.
pub(crate) fn scope() -> Scope {
    Scope::local()
}

/// The time.
pub(crate) fn now() -> Timestamp {
    SystemClock.now()
}

/// Waits for something that needs neither timers nor sockets.
pub(crate) fn blocking<F: Future>(future: F) -> Outcome<F::Output> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .map_err(|error| no_runtime(&error))?;
    Ok(runtime.block_on(future))
}

/// Waits for something that may need timers and sockets.
pub(crate) fn with_runtime<F: Future>(future: F) -> Outcome<F::Output> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().build().map_err(|error| no_runtime(&error))?;
    Ok(runtime.block_on(future))
}

fn no_runtime(error: &std::io::Error) -> Failure {
    let detail = format!("the system gives no resources to run: {error}");
    Failure::Error(LargestackError::other(Code::Unknown, detail))
}

/// The store in a folder, for writing; made when absent.
pub(crate) fn store(folder: &Path) -> Result<Store> {
    let ids: Arc<dyn Ids> = Arc::new(OsIds::new()?);
    Ok(Store::open(folder, Options::new(ids, Arc::new(SystemClock)))?)
}

/// The store in a folder, for reading: takes no locks and makes no files.
pub(crate) fn reader(folder: &Path) -> Result<Store> {
    Ok(Store::open_read_only(folder)?)
}

/// The settings of an agent.
pub(crate) fn settings(path: &Path, flags: &Flags) -> Result<Settings<config::Agent>> {
    let environment = keys::environment();
    let inputs =
        Inputs { working_folder: Path::new(""), environment: &environment, flags, offer: &OFFER };
    inputs.agent(path).map_err(|error| LargestackError::from_coded(&error))
}

/// Whether a model runs in this process, without a provider.
pub(crate) fn is_offline(model: &str) -> bool {
    OFFER.models.contains(&model)
}

/// What the offline model is, in one line.
pub(crate) const OFFLINE: &str = model::DESCRIPTION;

/// Does something that asks models, of which none but those of this process answers where requests
/// are blocked.
pub(crate) async fn asking<T>(blocked: bool, work: impl Future<Output = T>) -> T {
    if blocked { block_model_requests(work).await } else { work.await }
}

/// An agent with everything it runs on.
pub(crate) struct House {
    /// The agent.
    pub(crate) agent: Agent,
    /// Work that must be over before the process ends.
    pub(crate) tasks: TokioTasks,
    /// Time.
    pub(crate) clock: Arc<dyn Clock>,
    /// Randomness.
    pub(crate) ids: Arc<dyn Ids>,
}

/// What every call to a model stands on.
pub(crate) struct Ground {
    /// The ports of a gateway.
    pub(crate) ports: Ports,
    /// Work that must be over before the process ends.
    pub(crate) tasks: TokioTasks,
}

/// Lays the ground for calls to these providers. Called inside the async runtime.
pub(crate) fn ground(
    providers: &Registry,
    network: &config::Network,
    switch: Arc<dyn Switch>,
) -> Result<Ground> {
    let ids: Arc<dyn Ids> = Arc::new(OsIds::new()?);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let tasks = TokioTasks::current().map_err(|error| {
        LargestackError::other(Code::Unknown, format!("no async runtime: {error}"))
    })?;
    let ledger: Arc<dyn Ledger> = Arc::new(MemoryLedger::default());
    let credentials = Keys::of_process()?.of(providers.clone());
    let environment = Environment::of_process();
    let variables = Arc::new(move |name: &str| environment.variable(name));
    let transport = HttpTransport::over(network::of(network)?, credentials);
    let transport = CloudTransport::new(transport, Arc::clone(&clock), variables);
    let ports = Ports {
        transport: Arc::new(transport),
        ledger,
        switch,
        clock,
        ids,
        tasks: Arc::new(tasks.clone()),
    };
    Ok(Ground { ports, tasks })
}

/// Builds an agent over a store. Called inside the async runtime.
pub(crate) async fn house(settings: &Settings<config::Agent>, store: &Store) -> Result<House> {
    house_with(settings, store, None).await
}

/// The same with one more model that its settings may name.
pub(crate) async fn house_with(
    settings: &Settings<config::Agent>,
    store: &Store,
    model: Option<(&'static str, Arc<dyn Model>)>,
) -> Result<House> {
    let providers = settings.project.providers.clone();
    let Ground { mut ports, tasks } =
        ground(&providers, &settings.project.network, Arc::new(store.clone()))?;
    let (clock, ids) = (Arc::clone(&ports.clock), Arc::clone(&ports.ids));
    let shared = shared::open(settings.project.postgres.as_deref(), store, &scope()).await?;
    let said = &settings.project.budgets;
    let ledger = budgets::ledger(&shared, &scope(), &settings.agent.name, said).await?;
    ports.ledger = Arc::clone(&ledger);
    let described = &settings.agent;
    let rates = rates::limits(&settings.project.limits);
    let mut gateway = Gateway::builder(ports)
        .rate_limits(shared.limits, rates)
        .cache_store(Arc::new(store.clone()));
    let below = agents_below(described)?;
    for agent in std::iter::once(described).chain(below.values()) {
        gateway = answered_by(gateway, agent)?;
    }
    for (name, pool) in &settings.project.pools {
        gateway = gateway.pool(name, pool_of(pool));
    }
    let gateway = gateway
        .pool_memory(Arc::new(store.clone()))
        .registry(providers)
        .prices(settings.project.prices.clone())
        .build();
    gateway.register(largestack_knowledge::model::NAME, Arc::new(Extractive::default()));
    if let Some((name, model)) = model {
        gateway.register(name, model);
    }
    let gateway = Arc::new(gateway);
    let runtime = Runtime {
        journal: Arc::new(store.clone()),
        model: Arc::clone(&gateway) as Arc<dyn Model>,
        ledger,
        vault: Arc::new(store.clone()),
        switch: Arc::new(store.clone()),
        tools: ToolPorts {
            limits: Arc::new(store.clone()),
            results: Arc::new(store.clone()),
            approvals: Some(Arc::new(store.clone())),
        },
        clock: Arc::clone(&clock),
        owner: ids.owner_id(clock.now()),
        ids: Arc::clone(&ids),
        tasks: Arc::new(tasks.clone()),
    };
    let outside = outside(&settings.project.network)?;
    let reranker: Arc<dyn Reranker> = gateway;
    let parts =
        Parts { store, reranker: &reranker, outside: &outside, runtime: &runtime, below: &below };
    let mut agent = agent(described, parts)?;
    if let Some(license) = &settings.project.license {
        agent = agent.license(Arc::new(license.load()));
    }
    let agent = agent.build(runtime)?;
    Ok(House { agent, tasks, clock, ids })
}

/// What tools reach the outside by.
fn outside(network: &config::Network) -> Result<tools::Outside> {
    Ok(tools::Outside {
        egress: Arc::new(HttpEgress::new(network::of(network)?)),
        clock: Arc::new(SystemClock),
        commands: Arc::new(largestack_tools::Processes),
        environment: Environment::of_process(),
    })
}

/// Whether every tool of an agent can be made. Nothing is run and nobody is asked.
pub(crate) fn check_tools(settings: &Settings<config::Agent>) -> Result<()> {
    let outside = outside(&settings.project.network)?;
    let below = agents_below(&settings.agent)?;
    let agents = std::iter::once(&settings.agent).chain(below.values());
    let mut tools = agents.flat_map(|agent| &agent.tools);
    tools.try_for_each(|tool| tools::made(tool, &outside).map(drop))
}

/// What the guards let through decides what a reply was made from, so that other guards find
/// nothing of these.
fn cache_policy(cache: &config::ReplyCache, described: &config::Agent) -> Result<CachePolicy> {
    let guards = serde_json::to_vec(&described.guardrails).map_err(|error| {
        LargestackError::other(Code::Config, format!("the guardrails cannot be written: {error}"))
    })?;
    Ok(CachePolicy {
        ttl: cache.ttl,
        sampled: cache.sampled,
        tool_calls: cache.tool_calls,
        policy_version: Hash::of(&guards).to_string().into(),
    })
}

fn pool_of(pool: &config::Pool) -> Pool {
    let strategy = match pool.strategy {
        config::Choose::Weighted => Strategy::Weighted(pool.weights.clone()),
        config::Choose::Latency => Strategy::Latency,
        config::Choose::Cheapest => Strategy::Cheapest,
        config::Choose::Bandit => Strategy::Bandit,
    };
    Pool { models: pool.models.clone(), strategy }
}

fn fallback_policy(described: &config::Fallback) -> FallbackPolicy {
    let on = |bad| described.on_content.contains(&bad);
    FallbackPolicy {
        on_break: match described.on_break {
            config::OnBreak::Continue => OnBreak::Continue,
            config::OnBreak::Restart => OnBreak::Restart,
            config::OnBreak::Surface => OnBreak::Surface,
            config::OnBreak::Fail => OnBreak::Fail,
        },
        cannot_continue: match described.cannot_continue {
            config::OnBreak::Continue | config::OnBreak::Restart => CannotContinue::Restart,
            config::OnBreak::Surface => CannotContinue::Surface,
            config::OnBreak::Fail => CannotContinue::Fail,
        },
        on_content: OnContent {
            empty: on(config::BadContent::Empty),
            refusal: on(config::BadContent::Refusal),
            invalid_output: on(config::BadContent::InvalidOutput),
        },
        max_price_factor: described.max_price_factor,
    }
}

/// What an agent is made of beside its description.
#[derive(Clone, Copy)]
struct Parts<'p> {
    store: &'p Store,
    reranker: &'p Arc<dyn Reranker>,
    outside: &'p tools::Outside,
    runtime: &'p Runtime,
    /// The agents that are tools of others, by file.
    below: &'p BTreeMap<PathBuf, config::Agent>,
}

/// Who answers an agent's calls, and what is answered without anybody.
fn answered_by(gateway: GatewayBuilder, described: &config::Agent) -> Result<GatewayBuilder> {
    let name = || Arc::clone(&described.name);
    let mut gateway = gateway
        .fallbacks(name(), described.fallbacks.iter().cloned())
        .fallback_policy(name(), fallback_policy(&described.fallback))
        .residency(name(), described.residency.iter().cloned());
    if let Some(cache) = &described.cache {
        gateway = gateway.cache(name(), cache_policy(cache, described)?);
    }
    Ok(gateway)
}

/// Another agent as a tool.
fn agent_below(
    tool: &config::ToolUse,
    other: &config::AgentUse,
    parts: Parts<'_>,
) -> Result<AgentTool> {
    let described = parts.below.get(&other.file).ok_or_else(|| {
        let detail = format!("tools.{}: there is no agent {}", tool.name, other.file.display());
        LargestackError::other(Code::Config, detail)
    })?;
    let made = agent(described, parts)?.build(parts.runtime.clone())?;
    Ok(made.as_tool(Arc::clone(&tool.name), Arc::clone(&other.description)))
}

fn agent(described: &config::Agent, parts: Parts<'_>) -> Result<AgentBuilder> {
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
        .permissions(permissions)
        .memory(memory(described.memory))
        .approvals(ApprovalPolicy {
            capabilities: described.approvals.capabilities.clone(),
            terms: described.approvals.terms.clone(),
            tools: described.approvals.tools.clone(),
        });
    if let Some(output) = &described.output {
        let shape = Output::of(output.schema.schema.clone())
            .named(Arc::clone(&output.schema.name))
            .mode(output.mode)
            .retries(output.retries);
        builder = builder.output(shape);
    }
    // The settings have refused every other tool, and this one where there is nothing to search.
    if let Some(documents) = &described.knowledge {
        let knowledge = Knowledge::new(Arc::new(store.clone()), COLLECTION);
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
    with_tools(builder, described, parts)
}

/// The agent with the tools that its file names or makes.
fn with_tools(
    mut builder: AgentBuilder,
    described: &config::Agent,
    parts: Parts<'_>,
) -> Result<AgentBuilder> {
    let mut known: Vec<Arc<str>> = Vec::new();
    for tool in &described.tools {
        let made = tools::made(tool, parts.outside)?;
        let mut names: Vec<Arc<str>> =
            made.iter().map(|tool| Arc::clone(&tool.spec().name)).collect();
        if let Some(Declared::Agent(other)) = &tool.declared {
            builder = builder.tool(agent_below(tool, other, parts)?);
            names.push(Arc::clone(&tool.name));
        } else if names.is_empty() && tool.declared.is_none() {
            names.push(Arc::clone(&tool.name));
        }
        for tool in made {
            builder = builder.tool(tool);
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
    let memory = memory.patience(described.wait);
    match described.ttl {
        Some(ttl) => memory.ttl(ttl),
        None => memory,
    }
}

/// The collection that an agent searches.
pub(crate) const fn collection() -> &'static str {
    COLLECTION
}
