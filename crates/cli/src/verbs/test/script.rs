//! A model that says what a case's script says, turn by turn.

use std::sync::atomic::{AtomicUsize, Ordering};

use largestack_config::Said;
use largestack_ports::BoxFuture;
use largestack_ports::model::{Answer, CallContext, Model, ReplyStream, whole};
use largestack_types::call::Call;
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::id::CallId;
use largestack_types::label::{Label, Origin};
use largestack_types::part::{Arguments, Body, Part, PartId, ToolCall};
use largestack_types::reply::{FinishReason, Reply};

/// The model's name.
pub(super) const NAME: &str = "script/case";

pub(super) struct Scripted {
    turns: Vec<Said>,
    next: AtomicUsize,
}

impl Scripted {
    pub(super) fn of(turns: &[Said]) -> Self {
        Self { turns: turns.to_vec(), next: AtomicUsize::new(0) }
    }

    fn take(&self) -> Result<Reply> {
        let number = self.next.fetch_add(1, Ordering::SeqCst);
        if let Some(code) = self.turns.get(number).and_then(|said| said.error) {
            return Err(LargestackError::other(code, "the script of the case says so"));
        }
        self.turns.get(number).map(reply).ok_or_else(|| {
            let turns = self.turns.len();
            LargestackError::with_advice(
                Code::Input,
                format!("the script has {turns} turns, and the agent asked once more"),
                "End it with a turn that makes no calls",
            )
        })
    }
}

fn reply(said: &Said) -> Reply {
    let text = said.text.iter().map(|text| Body::Text(text.clone()));
    let calls = said.calls.iter().map(|(tool, arguments)| {
        Body::ToolCall(ToolCall {
            call: CallId::default(),
            provider_id: "".into(),
            name: tool.clone(),
            arguments: Arguments::from_text(arguments.as_str()),
        })
    });
    let finish_reason =
        if said.calls.is_empty() { FinishReason::Stop } else { FinishReason::ToolCalls };
    let label = Label::from_origin(Origin::Agent);
    let parts = (0..).zip(text.chain(calls));
    let parts = parts.map(|(n, body)| Part::new(PartId::new(0, n), label, body)).collect();
    Reply { parts, finish_reason, ..Reply::default() }
}

impl Model for Scripted {
    fn call<'a>(&'a self, _: &'a CallContext, _: Call) -> BoxFuture<'a, Result<ReplyStream>> {
        let stream = self.take().map(|reply| whole(Answer { reply, ..Answer::default() }));
        Box::pin(std::future::ready(stream))
    }
}
