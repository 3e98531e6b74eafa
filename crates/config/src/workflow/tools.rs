//! `tools` of a workflow: those that its nodes call without asking a model. They are described as an
//! agent's are; what is a matter of a model, of its turns or of its calls is refused, because nobody
//! would look at it.

use crate::declared::Declared;
use crate::node::{Node, Value};
use crate::problem::Wrong;
use crate::read::Report;
use crate::tools::ToolUse;

/// Keys of an agent's tool that are no matter of a node, with what is said instead.
const OF_AGENTS: &[(&str, &str)] = &[
    ("retries", "Say `retry` at the node"),
    ("backoff", "Say `retry` at the node"),
    ("backoff_unit", "Say `retry` at the node"),
    ("backoff_max", "Say `retry` at the node"),
    ("jitter", "Say `retry` at the node"),
    ("on_error", "Say `on_failure` at the node"),
    ("breaker", "Remove it"),
    ("breaker_window", "Remove it"),
    ("breaker_cooldown", "Remove it"),
    ("calls_per_minute", "Remove it"),
    ("tenant_calls_per_minute", "Remove it"),
    ("cache", "Remove it"),
    ("version", "Remove it"),
    ("capabilities", "To have a person agree first say `approval: required`"),
    ("max_result_chars", "Remove it"),
];

/// Says which keys are for the tools of agents.
pub(super) fn refuse(node: &Node, report: &mut Report) {
    let Value::Map(tools) = &node.value else { return };
    for tool in tools {
        let Value::Map(keys) = &tool.node.value else { continue };
        for key in keys {
            let Some((name, instead)) = OF_AGENTS.iter().find(|(name, _)| *name == key.key) else {
                continue;
            };
            let wrong = Wrong::Value {
                detail: "is for an agent's tools; a node calls it without a model".to_owned(),
                advice: Some((*instead).to_owned()),
            };
            report.wrong(&key.source, &format!("tools.{}.{name}", tool.key), wrong);
        }
    }
}

/// Says which tools only an agent can have.
pub(super) fn of_nodes(
    (tools, node): (Vec<ToolUse>, &Node),
    searches: &str,
    report: &mut Report,
) -> Vec<ToolUse> {
    for tool in &tools {
        let why = match &tool.declared {
            Some(Declared::Agent(_)) => "an agent is asked at a node of its own: `agent: NAME`",
            None if *tool.name == *searches => {
                "an agent's documents are searched by the agent alone"
            }
            _ => continue,
        };
        report.wrong(&node.source, &format!("tools.{}", tool.name), Wrong::value(why));
    }
    tools
}
