//! Putting the house together: adapters are made here and handed down behind ports. The one place
//! of this program that knows both a port and what implements it.

use std::path::Path;
use std::sync::Arc;

use largestack_config::{self as config, Flags, Inputs, Offer, Settings};
use largestack_http::{OsIds, SystemClock};
use largestack_knowledge::{model, tool};
use largestack_ports::clock::Clock as _;
use largestack_ports::ids::Ids;
use largestack_store::{Options, Store};
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::hash::Hash;
use largestack_types::scope::Scope;
use largestack_types::time::Timestamp;

use crate::failure::{Failure, Outcome};
use crate::keys;

mod agent;
mod blocked;
mod calls;
mod flow;
mod ground;
mod house;

pub(crate) use agent::{check_tools, processes};
pub(crate) use blocked::asking;
pub(crate) use flow::{FlowHouse, flow_house, flow_house_over};
pub(crate) use ground::{Ground, ground};
pub(crate) use house::{House, Stand, house, house_over, house_with, without_models};

/// The tools that agents of this program may name.
const TOOLS: &[&str] = &[
    tool::NAME,
    largestack_tools::calculator::NAME,
    largestack_tools::time::NAME,
    largestack_tools::wait::EVENT,
    largestack_tools::wait::SLEEP,
    largestack_tools::files::READ,
    largestack_tools::files::LIST,
    largestack_tools::files::WRITE,
    largestack_tools::web::FETCH,
    largestack_tools::web::REQUEST,
    largestack_tools::search::NAME,
    largestack_tools::sql::NAME,
    largestack_tools::shell::NAME,
    largestack_code::NAME,
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
    Ok(Store::open_read_only_at(folder, Arc::new(SystemClock))?)
}

/// The settings of an agent.
pub(crate) fn settings(path: &Path, flags: &Flags) -> Result<Settings<config::Agent>> {
    let environment = keys::environment();
    let inputs =
        Inputs { working_folder: Path::new(""), environment: &environment, flags, offer: &OFFER };
    inputs.agent(path).map_err(|error| LargestackError::from_coded(&error))
}

/// The settings of a workflow.
pub(crate) fn flow_settings(path: &Path, flags: &Flags) -> Result<Settings<config::Workflow>> {
    let environment = keys::environment();
    let inputs =
        Inputs { working_folder: Path::new(""), environment: &environment, flags, offer: &OFFER };
    inputs.workflow(path).map_err(|error| LargestackError::from_coded(&error))
}

/// Whether a model runs in this process, without a provider.
pub(crate) fn is_offline(model: &str) -> bool {
    OFFER.models.contains(&model)
}

/// What the offline model is, in one line.
pub(crate) const OFFLINE: &str = model::DESCRIPTION;

/// The collection that the agent of a project searches.
pub(crate) const fn collection() -> &'static str {
    COLLECTION
}

/// The collection that an agent searches which another one names, in that one's state.
pub(crate) fn collection_below(agent: &config::Agent) -> String {
    let file = std::path::absolute(&agent.file).unwrap_or_else(|_| agent.file.clone());
    format!("{COLLECTION} of {}", Hash::of(file.to_string_lossy().as_bytes()))
}
