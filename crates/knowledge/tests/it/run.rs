//! A question through the tool and the model, as a run would take it.

use std::sync::Arc;

use futures::{FutureExt as _, StreamExt as _};
use largestack_knowledge::{Extractive, SearchKnowledge};
use largestack_ports::model::{CallContext, Model, ModelEvent, RunSlot};
use largestack_ports::tool::{Tool, ToolContext};
use largestack_types::call::{Call, Settings, ToolChoice};
use largestack_types::id::{EffectId, RunId};
use largestack_types::json::Json;
use largestack_types::label::{Label, Origin};
use largestack_types::message::{Message, Role};
use largestack_types::part::{Arguments, Body, Part, PartId, ToolResult};
use largestack_types::reply::Reply;
use largestack_types::scope::Scope;

/// The value of a future over documents in memory: nothing in it waits.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().unwrap()
}

pub(crate) fn tool_context() -> ToolContext {
    ToolContext {
        scope: Scope::local(),
        run: RunId::from_u128(1),
        effect: EffectId::new(2),
        idempotency_key: "key".into(),
        attempt: 1,
        label: Label::from_origin(Origin::Agent),
        deps: Arc::new(()),
        cancelled: largestack_ports::tool::Cancelled::default(),
        spending: largestack_ports::spending::Spending::default(),
        so_far: largestack_ports::context::SoFar::default(),
        tree: largestack_ports::tree::RunTree::alone(RunId::from_u128(1)),
    }
}

/// What the model says next.
pub(crate) fn turn(messages: &[Arc<Message>], tool: &SearchKnowledge) -> Reply {
    let context = CallContext {
        scope: Scope::local(),
        run: RunId::from_u128(1),
        effect: EffectId::new(1),
        agent: "test".into(),
        budgets: Arc::new([]),
        keep_for_last_turn: false,
        deadline: None,
        slot: RunSlot::default(),
    };
    let call = Call {
        model: "offline/extractive".into(),
        messages: Arc::new(messages.to_vec()),
        tools: Arc::new([tool.spec().clone()]),
        tool_choice: ToolChoice::Auto,
        settings: Arc::new(Settings::default()),
        stream: false,
    };
    let events: Vec<_> = block_on(async {
        Extractive::default().call(&context, call).await.unwrap().collect().await
    });
    match events.into_iter().last() {
        Some(Ok(ModelEvent::Done(answer))) => answer.reply,
        other => panic!("{other:?}"),
    }
}

/// The conversation up to the results of the searches that the model asks for, or its reply when it asks for none.
pub(crate) fn searched(
    tool: &SearchKnowledge,
    question: &str,
) -> Result<Vec<Arc<Message>>, Box<Reply>> {
    let mut messages = vec![Arc::new(Message::user(PartId::new(0, 0), question))];
    let first = turn(&messages, tool);
    let results = first.parts.iter().filter_map(Part::as_tool_call).map(|call| {
        let Arguments::Json(arguments) = &call.arguments else { panic!("malformed arguments") };
        let output = block_on(tool.call(tool_context(), Json::clone(arguments))).unwrap();
        let body = Body::ToolResult(ToolResult {
            call: call.call,
            provider_id: call.provider_id.clone(),
            name: call.name.clone(),
            text: output.text.into(),
            media: Vec::new(),
            is_error: false,
            handle: None,
        });
        Part {
            id: PartId::new(2, 0),
            label: Label::from_origin(Origin::Retrieval),
            body,
            native: None,
        }
    });
    let parts: Vec<Part> = results.collect();
    if parts.is_empty() {
        return Err(Box::new(first));
    }
    messages.push(Arc::new(Message { role: Role::Assistant, parts: first.parts, native: None }));
    messages.push(Arc::new(Message { role: Role::Tool, parts, native: None }));
    Ok(messages)
}
