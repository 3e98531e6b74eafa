//! Calls and their contexts, for tests that talk to a model without an agent.

use std::sync::Arc;

use largestack_ports::ledger::BudgetKey;
use largestack_ports::model::{CallContext, RunSlot};
use largestack_types::call::{Call, Settings, ToolChoice};
use largestack_types::id::{EffectId, RunId};
use largestack_types::message::Message;
use largestack_types::part::PartId;
use largestack_types::scope::Scope;

/// The context of the first call of a run, without budget and deadline.
pub fn context(run: u128) -> CallContext {
    CallContext {
        scope: Scope::local(),
        run: RunId::from_u128(run),
        effect: EffectId::new(1),
        agent: "test".into(),
        budgets: Arc::new([]),
        keep_for_last_turn: false,
        deadline: None,
        slot: RunSlot::default(),
    }
}

/// The same with the budget of the run tree.
pub fn budgeted(run: u128) -> CallContext {
    let keys = [BudgetKey::run_tree(&Scope::local(), RunId::from_u128(run))];
    CallContext { budgets: Arc::new(keys), ..context(run) }
}

/// A user's question to a model.
pub fn question(model: &str, text: &str, stream: bool) -> Call {
    Call {
        model: model.into(),
        messages: Arc::new(vec![Arc::new(Message::user(PartId::new(0, 0), text))]),
        tools: Arc::new([]),
        tool_choice: ToolChoice::Auto,
        settings: Arc::new(Settings::default()),
        stream,
    }
}
