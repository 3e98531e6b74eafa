//! What the tests of tools call them with.

use std::sync::Arc;

use largestack_ports::tool::{Cancelled, ToolContext};
use largestack_types::id::{EffectId, RunId};
use largestack_types::label::Label;

/// A call on behalf of the local user.
pub(crate) fn tool_context() -> ToolContext {
    ToolContext {
        scope: largestack_testkit::context(1).scope,
        run: RunId::from_u128(1),
        effect: EffectId::new(1),
        idempotency_key: "key".into(),
        attempt: 1,
        label: Label::default(),
        deps: Arc::new(()),
        spending: largestack_ports::spending::Spending::default(),
        so_far: largestack_ports::context::SoFar::default(),
        cancelled: Cancelled::default(),
        tree: largestack_ports::tree::RunTree::alone(RunId::from_u128(1)),
    }
}
