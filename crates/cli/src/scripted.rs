//! Replies of models that this program plays itself.

use largestack_ports::BoxFuture;
use largestack_ports::model::{Answer, ReplyStream, whole};
use largestack_types::errors::Result;
use largestack_types::id::CallId;
use largestack_types::label::{Label, Origin};
use largestack_types::part::{Arguments, Body, Part, PartId, ToolCall};
use largestack_types::reply::{FinishReason, Reply};

/// It says this, and is done.
pub(crate) fn says(text: &str) -> Reply {
    reply([Body::Text(text.into())])
}

/// It calls a tool.
pub(crate) fn calls(tool: &str, arguments: &str) -> Reply {
    reply([call(tool, arguments)])
}

/// A call of a tool.
pub(crate) fn call(tool: &str, arguments: &str) -> Body {
    Body::ToolCall(ToolCall {
        call: CallId::default(),
        provider_id: "".into(),
        name: tool.into(),
        arguments: Arguments::from_text(arguments),
    })
}

/// All of these; it goes on where tools are called.
pub(crate) fn reply(bodies: impl IntoIterator<Item = Body>) -> Reply {
    let label = Label::from_origin(Origin::Agent);
    let parts = (0..).zip(bodies).map(|(n, body)| Part::new(PartId::new(0, n), label, body));
    let parts: Vec<Part> = parts.collect();
    let calls = parts.iter().any(|part| matches!(part.body, Body::ToolCall(_)));
    let finish_reason = if calls { FinishReason::ToolCalls } else { FinishReason::Stop };
    Reply { parts, finish_reason, ..Reply::default() }
}

/// The same as a model gives it: at once, and in one piece.
pub(crate) fn given<'a>(reply: Result<Reply>) -> BoxFuture<'a, Result<ReplyStream>> {
    let stream = reply.map(|reply| whole(Answer { reply, ..Answer::default() }));
    Box::pin(std::future::ready(stream))
}
