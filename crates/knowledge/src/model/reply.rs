//! From a draft to a reply: parts, an estimate of tokens, and a stream of deltas where somebody listens.

use std::sync::Arc;

use futures::StreamExt as _;
use futures::stream;
use largestack_ports::model::{Answer, ModelEvent, ReplyStream, whole};
use largestack_types::call::{Call, Settings};
use largestack_types::delta::Delta;
use largestack_types::id::CallId;
use largestack_types::label::{Label, Origin};
use largestack_types::part::{Arguments, Body, Citation, Part, PartId, ToolCall};
use largestack_types::reply::{FinishReason, Reply};
use largestack_types::usage::Usage;

use super::plan::Search;
use crate::answer;

/// What will be said.
pub(super) struct Draft {
    text: String,
    citations: Vec<answer::Citation>,
    searches: Vec<Search>,
}

impl Draft {
    pub(super) fn text(text: String) -> Self {
        Self { text, citations: Vec::new(), searches: Vec::new() }
    }

    pub(super) fn calls(searches: Vec<Search>) -> Self {
        Self { text: String::new(), citations: Vec::new(), searches }
    }

    /// The answer; failed searches are told, because an answer without them may miss something.
    pub(super) fn answer(reply: answer::Reply, failures: &[String]) -> Self {
        let mut text = reply.text;
        for failure in failures {
            text.push_str("\n\nA search failed (");
            text.push_str(failure);
            text.push_str("), so this may be incomplete.");
        }
        Self { text, citations: reply.citations, searches: Vec::new() }
    }

    /// The reply as a stream, in pieces where the call wants them.
    pub(super) fn into_stream(mut self, call: &Call) -> ReplyStream {
        let cut = self.cut(call.settings.max_output_tokens);
        let deltas = if call.stream { self.deltas() } else { Vec::new() };
        let answer = self.into_answer(call, cut);
        if deltas.is_empty() {
            return whole(answer);
        }
        let done = ModelEvent::Done(Box::new(answer));
        stream::iter(deltas.into_iter().map(ModelEvent::Delta).chain([done]).map(Ok)).boxed()
    }

    /// Shortens the text to the limit; says whether it had to. Citations whose number is no longer in the text go with it.
    fn cut(&mut self, limit: Option<u32>) -> bool {
        let Some(limit) = limit.and_then(|tokens| usize::try_from(tokens).ok()) else {
            return false;
        };
        let mut end = limit.saturating_mul(BYTES_PER_TOKEN);
        if self.text.len() <= end {
            return false;
        }
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        self.text.truncate(end);
        let text = &self.text;
        self.citations.retain(|citation| text.contains(&format!("[{}]", citation.number)));
        true
    }

    fn deltas(&self) -> Vec<Delta> {
        let words =
            self.text.split_inclusive(' ').map(|text| Delta::Text { text: text.to_owned() });
        let calls = (0..).zip(&self.searches).flat_map(|(index, search)| {
            [
                Delta::ToolCall { index, id: provider_id(index), name: search.tool.clone() },
                Delta::Arguments { index, text: search.arguments.clone() },
            ]
        });
        words.chain(calls).collect()
    }

    fn into_answer(self, call: &Call, cut: bool) -> Answer {
        let output = self.text.len()
            + self.searches.iter().map(|search| search.arguments.len()).sum::<usize>();
        let finish_reason = if cut {
            FinishReason::Length
        } else if self.searches.is_empty() {
            FinishReason::Stop
        } else {
            FinishReason::ToolCalls
        };
        let mut bodies: Vec<Body> = Vec::new();
        if !self.text.is_empty() {
            bodies.push(Body::Text(self.text.into()));
        }
        bodies.extend(self.citations.into_iter().map(cited));
        bodies.extend((0..).zip(self.searches).map(|(index, search)| called(index, &search)));
        let label = Label::from_origin(Origin::Agent);
        let parts = (0..)
            .zip(bodies)
            .map(|(index, body)| Part { id: PartId::new(0, index), label, body, native: None })
            .collect();
        let usage = Usage {
            input_tokens: Some(tokens(input_bytes(call))),
            output_tokens: Some(tokens(output)),
            ..Usage::default()
        };
        let reply = Reply {
            model: Some(super::NAME.into()),
            parts,
            usage,
            finish_reason,
            ..Reply::default()
        };
        let mut answer = Answer { reply, ..Answer::default() };
        answer.call.provider = Some("offline".into());
        answer.call.flags = flags(&call.settings);
        answer
    }
}

fn provider_id(index: u32) -> Arc<str> {
    format!("search-{index}").into()
}

fn called(index: u32, search: &Search) -> Body {
    Body::ToolCall(ToolCall {
        call: CallId::default(),
        provider_id: provider_id(index),
        name: search.tool.clone(),
        arguments: Arguments::from_text(&search.arguments),
    })
}

fn cited(citation: answer::Citation) -> Body {
    Body::Citation(Citation {
        source: citation.path.into(),
        title: Some(citation.heading.into()).filter(|title: &Arc<str>| !title.is_empty()),
        lines: Some(citation.lines),
        quote: Some(citation.quote.into()),
        raw: None,
    })
}

/// Bytes that count as one token: there is no tokeniser here, so this is the usual rule of thumb and flagged as an estimate.
const BYTES_PER_TOKEN: usize = 4;

fn tokens(bytes: usize) -> u64 {
    u64::try_from(bytes.div_ceil(BYTES_PER_TOKEN)).unwrap_or(u64::MAX)
}

fn input_bytes(call: &Call) -> usize {
    let parts = call.messages.iter().flat_map(|message| &message.parts);
    let said: usize = parts
        .map(|part| match &part.body {
            Body::Text(text) | Body::Refusal(text) => text.len(),
            Body::ToolCall(call) => call.arguments.as_str().len(),
            Body::ToolResult(result) => result.text.len(),
            _ => 0,
        })
        .sum();
    said + call
        .tools
        .iter()
        .map(|tool| tool.description.len() + tool.parameters.as_str().len())
        .sum::<usize>()
}

/// What is worth knowing of the call: that tokens are estimates, and which settings have no meaning here.
fn flags(settings: &Settings) -> Vec<Arc<str>> {
    let dropped = [
        (settings.temperature.is_some(), "dropped:temperature"),
        (settings.top_p.is_some(), "dropped:top_p"),
        (!settings.stop.is_empty(), "dropped:stop"),
        (settings.reasoning_effort.is_some(), "dropped:reasoning_effort"),
        (settings.extra.is_some(), "dropped:extra"),
    ];
    std::iter::once("estimated".into())
        .chain(dropped.into_iter().filter(|(is, _)| *is).map(|(_, flag)| flag.into()))
        .collect()
}
