//! One turn of a scripted model, written the way one would tell it.

use std::sync::Arc;

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use largestack_ports::model::{Answer, ModelEvent, ReplyStream};
use largestack_types::delta::Delta;
use largestack_types::errors::{LargestackError, Result};
use largestack_types::id::CallId;
use largestack_types::label::{Label, Origin};
use largestack_types::part::{Arguments, Body, Part, PartId, Reasoning, ToolCall};
use largestack_types::reply::{FinishReason, Reply};
use largestack_types::usage::Usage;

/// What a scripted model does when it is called.
#[derive(Clone, Debug)]
pub struct Turn {
    reply: Reply,
    calls: u32,
    pieces: usize,
    end: End,
}

#[derive(Clone, Debug)]
enum End {
    Done,
    Fails(Box<LargestackError>),
    Never,
}

impl Turn {
    fn empty() -> Self {
        let usage = Usage { input_tokens: Some(10), output_tokens: Some(5), ..Usage::default() };
        let reply = Reply { usage, finish_reason: FinishReason::Stop, ..Reply::default() };
        Self { reply, calls: 0, pieces: 1, end: End::Done }
    }

    fn and(mut self, body: Body) -> Self {
        let index = u32::try_from(self.reply.parts.len()).unwrap_or(u32::MAX);
        let label = Label::from_origin(Origin::Agent);
        self.reply.parts.push(Part { id: PartId::new(0, index), label, body, native: None });
        self
    }

    /// Says something. Usage is 10 tokens in and 5 out unless it is stated.
    pub fn text(text: impl Into<Arc<str>>) -> Self {
        Self::empty().and(Body::Text(text.into()))
    }

    /// Calls a tool with these arguments: JSON, or what a model takes for it.
    pub fn tool(name: &str, arguments: &str) -> Self {
        Self::empty().and_tool(name, arguments)
    }

    /// Thinks first; say or do something after it.
    pub fn reasoning(text: impl Into<Arc<str>>) -> Self {
        Self::empty().and(Body::Reasoning(Reasoning { text: text.into(), ..Reasoning::default() }))
    }

    /// Declines.
    pub fn refusal(text: impl Into<Arc<str>>) -> Self {
        Self::empty().and(Body::Refusal(text.into())).finish(FinishReason::Refusal)
    }

    /// Fails at once.
    pub fn error(error: impl Into<LargestackError>) -> Self {
        Self { end: End::Fails(Box::new(error.into())), ..Self::empty() }
    }

    /// Never answers: for deadlines, switches and cancellation.
    pub fn never() -> Self {
        Self { end: End::Never, ..Self::empty() }
    }

    /// And says something more.
    #[must_use]
    pub fn and_text(self, text: impl Into<Arc<str>>) -> Self {
        self.and(Body::Text(text.into()))
    }

    /// And calls another tool in the same turn.
    #[must_use]
    pub fn and_tool(mut self, name: &str, arguments: &str) -> Self {
        let call = ToolCall {
            call: CallId::default(),
            provider_id: format!("scripted-{}", self.calls).into(),
            name: name.into(),
            arguments: Arguments::from_text(arguments),
        };
        self.calls += 1;
        self.and(Body::ToolCall(call)).finish(FinishReason::ToolCalls)
    }

    /// Delivers what it says and then fails, where somebody listens.
    #[must_use]
    pub fn then_error(mut self, error: impl Into<LargestackError>) -> Self {
        self.end = End::Fails(Box::new(error.into()));
        self
    }

    /// Delivers what it says and then never ends.
    #[must_use]
    pub fn then_never(mut self) -> Self {
        self.end = End::Never;
        self
    }

    /// Delivers each text in this many pieces.
    #[must_use]
    pub fn pieces(mut self, pieces: usize) -> Self {
        self.pieces = pieces.max(1);
        self
    }

    /// States the tokens of the turn.
    #[must_use]
    pub fn usage(mut self, input: u64, output: u64) -> Self {
        self.reply.usage.input_tokens = Some(input);
        self.reply.usage.output_tokens = Some(output);
        self
    }

    /// Reports no tokens at all, as some providers do.
    #[must_use]
    pub fn without_usage(mut self) -> Self {
        self.reply.usage = Usage::default();
        self
    }

    /// States why it stops.
    #[must_use]
    pub fn finish(mut self, reason: FinishReason) -> Self {
        self.reply.finish_reason = reason;
        self
    }

    /// The reply as it stands at the end.
    pub fn reply(&self) -> &Reply {
        &self.reply
    }

    /// The turn as a model port answers: with deltas where somebody listens.
    pub fn into_stream(self, listened: bool) -> ReplyStream {
        let deltas = if listened { self.deltas() } else { Vec::new() };
        let Self { reply, end, .. } = self;
        let last: BoxStream<'static, Result<ModelEvent>> = match end {
            End::Done => {
                let answer = Answer { reply, ..Answer::default() };
                let done = ModelEvent::Done(Box::new(answer));
                if deltas.is_empty() {
                    return Box::pin(stream::once(std::future::ready(Ok(done))));
                }
                stream::iter([Ok(done)]).boxed()
            }
            End::Fails(error) => stream::iter([Err(*error)]).boxed(),
            End::Never => stream::pending().boxed(),
        };
        stream::iter(deltas.into_iter().map(|delta| Ok(ModelEvent::Delta(delta))))
            .chain(last)
            .boxed()
    }

    fn deltas(&self) -> Vec<Delta> {
        let mut deltas = Vec::new();
        let mut call = 0;
        for part in &self.reply.parts {
            let pieces = |text: &str| split(text, self.pieces);
            match &part.body {
                Body::Text(text) => {
                    deltas.extend(pieces(text).map(|text| Delta::Text { text }));
                }
                Body::Refusal(text) => {
                    deltas.extend(pieces(text).map(|text| Delta::Refusal { text }));
                }
                Body::Reasoning(r) => {
                    deltas.extend(pieces(&r.text).map(|text| Delta::Reasoning { text }));
                }
                Body::ToolCall(c) => {
                    let (id, name) = (c.provider_id.clone(), c.name.clone());
                    deltas.push(Delta::ToolCall { index: call, id, name });
                    let texts = pieces(c.arguments.as_str());
                    deltas.extend(texts.map(|text| Delta::Arguments { index: call, text }));
                    call += 1;
                }
                _ => {}
            }
        }
        deltas
    }
}

/// The text in at most this many pieces of characters, none of them empty.
fn split(text: &str, pieces: usize) -> std::vec::IntoIter<String> {
    let characters: Vec<char> = text.chars().collect();
    let size = characters.len().div_ceil(pieces).max(1);
    let pieces: Vec<String> = characters.chunks(size).map(|piece| piece.iter().collect()).collect();
    pieces.into_iter()
}
