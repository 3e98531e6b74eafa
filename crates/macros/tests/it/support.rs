//! A context to call tools with.

use std::sync::Arc;

use largestack_ports::tool::{Cancelled, Tool, ToolContext, ToolFailure, ToolOutput};
use largestack_types::id::{EffectId, RunId};
use largestack_types::json::Json;
use largestack_types::label::{Label, Origin};
use largestack_types::scope::Scope;

/// Calls a tool with these arguments.
pub(crate) fn call(tool: &dyn Tool, arguments: &str) -> Result<ToolOutput, ToolFailure> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(tool.call(context(), Json::parse(arguments).unwrap()))
}

/// The text of a successful call.
pub(crate) fn text(tool: &dyn Tool, arguments: &str) -> String {
    call(tool, arguments).unwrap().text
}

/// Somebody's first call.
pub(crate) fn context() -> ToolContext {
    let run = RunId::from_u128(1);
    let effect = EffectId::new(2);
    ToolContext {
        scope: Scope::local(),
        run,
        effect,
        idempotency_key: effect.idempotency_key(run).into(),
        attempt: 1,
        label: Label::from_origin(Origin::User),
        deps: Arc::new(String::from("what the caller gave")),
        cancelled: Cancelled::default(),
        spending: largestack_ports::spending::Spending::default(),
        so_far: largestack_ports::context::SoFar::default(),
        tree: largestack_ports::tree::RunTree::alone(run),
    }
}
