//! A kept reply, given again.

use std::collections::VecDeque;

use largestack_engine::event::CallRecord;
use largestack_ports::cache::CachedReply;
use largestack_ports::model::{Answer, ModelEvent};
use largestack_types::delta::Delta;
use largestack_types::part::Body;
use largestack_types::usage::Usage;

/// The flag of a call that was answered from the cache.
const HIT: &str = "cache_hit";

/// What a caller hears: the parts as deltas where somebody listens, then the answer, which costs
/// nothing and used no tokens.
pub(super) fn events(cached: &CachedReply, listened: bool) -> VecDeque<ModelEvent> {
    let mut events = VecDeque::new();
    if listened {
        deltas(cached, &mut events);
    }
    let mut reply = cached.reply.clone();
    reply.usage = Usage { input_tokens: Some(0), output_tokens: Some(0), ..Usage::default() };
    reply.raw_usage = None;
    let call = CallRecord {
        provider: cached.provider.clone(),
        flags: vec![HIT.into()],
        ..CallRecord::default()
    };
    events.push_back(ModelEvent::Done(Box::new(Answer { reply, call })));
    events
}

fn deltas(cached: &CachedReply, events: &mut VecDeque<ModelEvent>) {
    let mut calls = 0;
    let mut say = |delta| events.push_back(ModelEvent::Delta(delta));
    for part in &cached.reply.parts {
        match &part.body {
            Body::Text(text) => say(Delta::Text { text: text.to_string() }),
            Body::Refusal(text) => say(Delta::Refusal { text: text.to_string() }),
            Body::Reasoning(thought) if !thought.text.is_empty() => {
                say(Delta::Reasoning { text: thought.text.to_string() });
            }
            Body::ToolCall(call) => {
                let (id, name) = (call.provider_id.clone(), call.name.clone());
                say(Delta::ToolCall { index: calls, id, name });
                let text = call.arguments.as_str().to_owned();
                say(Delta::Arguments { index: calls, text });
                calls += 1;
            }
            _ => {}
        }
    }
}
