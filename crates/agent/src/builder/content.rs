//! What of an agent's description judges content.

use std::sync::Arc;

use largestack_guard::Policy;
use largestack_guard::content::{Content, ContentPolicy, Guardrails, Output as ContentOutput};
use largestack_types::errors::Result;
use largestack_types::json::Json;

use super::unwritable;
use crate::leak::Leaks;
use crate::stage::{ModelTurn, Stage};
use crate::stages::help::Help;

/// Who listens for people in need, and what is looked for of the instructions.
type Listens = (Option<Help>, Option<Arc<Leaks>>);

/// What judges texts, what is taken out of what the model says, and who listens for people in need, and what is
/// looked for of the instructions;
/// `typed` says whether answers have a shape.
pub(super) fn of_content(
    (policy, typed): (&ContentPolicy, bool),
    problems: &mut Vec<String>,
) -> (Option<Content>, Option<ContentOutput>, Listens) {
    let content = Content::of(policy).unwrap_or_else(|wrong| {
        problems.push(wrong.to_string());
        None
    });
    let output = ContentOutput::of(&policy.output).unwrap_or_else(|wrong| {
        problems.push(format!("the output's hosts: {wrong}"));
        None
    });
    (content, output, (Help::of(policy, typed), Leaks::of(&policy.prompt_leak)))
}

/// The stages before the model, that of help before the agent's own.
pub(super) fn helped(
    own: Vec<Box<dyn Stage<ModelTurn>>>,
    help: Option<&Help>,
) -> Vec<Box<dyn Stage<ModelTurn>>> {
    let first = help.filter(|help| help.helps()).cloned();
    let first = first.map(|help| Box::new(help) as Box<dyn Stage<ModelTurn>>);
    first.into_iter().chain(own).collect()
}

/// The policy of guards as a definition says it.
pub(super) fn policy_of(policy: &Policy, content: &ContentPolicy) -> Result<Option<Json>> {
    Json::of(&Guardrails::of(policy, content)).map(Some).map_err(unwritable)
}
