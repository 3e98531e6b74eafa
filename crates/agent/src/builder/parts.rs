//! What an agent is made of, from what was said of it.

use std::sync::Arc;

use largestack_engine::definition::{Definition, OutputRule};
use largestack_policy::Taint;
use largestack_ports::limits::Limits;
use largestack_ports::policies::Policies;
use largestack_ports::tool::ApprovalRule;
use largestack_types::call::Settings;
use largestack_types::errors::{Code, LargestackError};
use largestack_types::json::Json;

use crate::agent::Agent;
use crate::approval::ApprovalPolicy;
use crate::output::Output;
use crate::pipeline::Permissions;
use crate::runtime::Runtime;
use crate::stages::before_tool::{Approve, Decide};
use crate::tools::{Entry, Registry};

/// What is wrong with the tools, and what permissions and approvals name that is none.
pub(super) fn misnamed(
    registry: &Registry,
    permissions: &Permissions,
    approvals: &ApprovalPolicy,
) -> Vec<String> {
    let mut problems = registry.problems();
    let unknown = |name: &&String| registry.get(name).is_none();
    for name in permissions.allow.iter().flatten().filter(unknown) {
        problems.push(format!("`permissions.allow` names `{name}`, which is not a tool"));
    }
    problems.extend(approvals.problems(|tool| registry.get(tool).is_some()));
    problems
}

/// The stage that asks the operator's own policies, where there are some.
pub(super) fn decides(
    policies: Option<&Arc<dyn Policies>>,
    registry: &Registry,
    ((taint, model), how): ((Taint, &Arc<str>), (bool, bool)),
    problems: &mut Vec<String>,
) -> Option<Decide> {
    let bound = Decide::of(&**policies?, registry, (taint, Arc::clone(model)), how);
    bound.map_err(|wrong| problems.extend(wrong)).ok()
}

/// Where calls are counted, where a tool has a rate.
pub(super) fn limits_of(registry: &Registry, runtime: &Runtime) -> Option<Arc<dyn Limits>> {
    registry.iter().any(is_rated).then(|| Arc::clone(&runtime.tools.limits))
}

/// Whether calls of a tool are limited by time.
fn is_rated(entry: &Entry) -> bool {
    entry.options.agent_rate.is_some() || entry.options.tenant_rate.is_some()
}

/// The stage that asks people, where the agent or one of its tools wants them asked.
pub(super) fn approve(policy: &ApprovalPolicy, registry: &Registry) -> Option<Approve> {
    let asks = !policy.capabilities.is_empty()
        || !policy.tools.is_empty()
        || registry.iter().any(|entry| entry.options.access.approval == ApprovalRule::Required);
    asks.then(|| Approve {
        capabilities: policy.capabilities.clone(),
        tools: policy.tools.keys().cloned().collect(),
    })
}

/// The definition of an agent that takes over: those after it are in the first one's.
pub(super) fn alone(agent: &Agent) -> Arc<Definition> {
    let definition = agent.definition();
    Arc::new(Definition { fallbacks: Vec::new(), ..Definition::clone(definition) })
}

/// What a definition says of labels: nothing where nothing was said.
pub(super) fn unless_default(
    taint: &Taint,
) -> std::result::Result<Option<Json>, serde_json::Error> {
    (*taint != Taint::default()).then(|| Json::of(taint)).transpose()
}

/// Agents that cannot take over, because they do not share the journal of their runs.
pub(super) fn elsewhere(fallbacks: &[Agent], runtime: &Runtime) -> Vec<String> {
    let same = |agent: &&Agent| Arc::ptr_eq(&agent.0.runtime.journal, &runtime.journal);
    let others = fallbacks.iter().filter(|agent| !same(agent));
    let name = |agent: &Agent| Arc::clone(&agent.definition().agent);
    others.map(|agent| format!("`{}` takes over in another runtime", name(agent))).collect()
}

#[expect(clippy::needless_pass_by_value, reason = "errors are mapped by value")]
pub(super) fn unwritable(error: serde_json::Error) -> LargestackError {
    LargestackError::other(Code::Config, format!("the definition: {error}"))
}

/// Tells the model the shape of answers, and says what is done about them.
pub(super) fn told(output: Output, settings: &mut Settings) -> OutputRule {
    let (schema, mode, rule) = output.resolved();
    (settings.output_schema, settings.output_mode) = (Some(schema), mode);
    rule
}
