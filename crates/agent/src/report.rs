//! What a run came to.

use std::sync::Arc;

use largestack_engine::event::ChildRun;
use largestack_engine::{Attempt, Branch, EndReason, Run, Status, Wait};
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::id::RunId;
use largestack_types::message::Message;
use largestack_types::money::Money;
use largestack_types::part::{Body, Citation, Media};
use largestack_types::usage::Usage;
use serde_json::Value;

/// What a run came to: status and reason never say "completed" for something cut short.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The run.
    pub run: RunId,
    /// Completed, incomplete, suspended, cancelled or failed.
    pub status: Status,
    /// Why it ended; `None` while it is suspended.
    pub finish_reason: Option<EndReason>,
    /// The answer, with the caller's own values back in place of placeholders.
    pub text: String,
    /// The value of an answer that fits the agent's schema, with the caller's own values back in
    /// place; `None` for an answer in words, or where none was found to fit.
    pub output: Option<Value>,
    /// What the answer shows or plays beside its words, with the bytes.
    pub media: Vec<Media>,
    /// What providers were not told in this run, each once: `dropped:<what>`. A constraint of the
    /// answer's schema that a provider was not told was checked all the same.
    pub dropped: Vec<Arc<str>>,
    /// What supports the answer, in the order of its numbers.
    pub citations: Vec<Citation>,
    /// Turns taken by the agent that answered.
    pub turns: u32,
    /// Tool calls that it asked for.
    pub tool_calls: u32,
    /// Tokens, with those of agents that failed before and of the runs that it has started.
    pub usage: Usage,
    /// Cost, with that of agents that failed before and of the runs that it has started.
    pub cost: Money,
    /// Where it has left another run's history, and what was spent up to there, which is no part of
    /// `usage` and `cost`.
    pub branch: Option<Branch>,
    /// The runs that it has started and that have ended, each with everything under it.
    pub children: Vec<ChildRun>,
    /// The error of a failed or killed run.
    pub error: Option<LargestackError>,
    /// What a suspended run waits for.
    pub waits: Vec<Wait>,
    /// The agents that failed before the one that answered took over, in order.
    pub attempts: Vec<Attempt>,
    /// The messages of this run, as the journal holds them: history for the next one.
    pub messages: Vec<Arc<Message>>,
}

impl Report {
    pub(crate) fn of(run: &Run, text: String, output: Option<Value>) -> Self {
        let end = run.end();
        Self {
            run: run.id(),
            status: run.status(),
            finish_reason: end.map(|end| end.reason),
            citations: citations(run, &text),
            text,
            media: Vec::new(),
            output,
            dropped: run.dropped().to_vec(),
            turns: run.turns(),
            tool_calls: run.tool_calls(),
            usage: run.tree_usage(),
            cost: run.tree_cost(),
            branch: run.branch().cloned(),
            children: run.children().iter().map(|(_, child)| child.clone()).collect(),
            error: end.and_then(|end| end.error.clone()),
            waits: run.waits(),
            attempts: run.attempts().to_vec(),
            messages: run.own_messages().to_vec(),
        }
    }

    /// The report of a run that answered; the error of one that failed, was killed or was
    /// cancelled; `LARGESTACK_SUSPENDED` for one that waits.
    pub fn into_result(self) -> Result<Self> {
        match (self.status, &self.error) {
            (_, Some(error)) => Err(error.clone()),
            (Status::Cancelled, None) => {
                let detail = format!("{} was cancelled", self.run);
                Err(LargestackError::other(Code::Cancelled, detail))
            }
            (Status::Suspended, None) => {
                let detail = format!("{} waits for an answer from outside", self.run);
                Err(LargestackError::other(Code::Suspended, detail))
            }
            _ => Ok(self),
        }
    }
}

/// The citations of the answer: those the model gave, else those of tool results that the answer
/// names as `path:first-last`.
fn citations(run: &Run, text: &str) -> Vec<Citation> {
    let cited = |message: &Arc<Message>| -> Vec<Citation> {
        let parts = message.parts.iter();
        parts
            .filter_map(|part| match &part.body {
                Body::Citation(citation) => Some(citation.clone()),
                _ => None,
            })
            .collect()
    };
    let own = run.output().map(cited).unwrap_or_default();
    if !own.is_empty() {
        return own;
    }
    let mut named: Vec<(usize, Citation)> = Vec::new();
    for citation in run.own_messages().iter().flat_map(cited) {
        let place = citation_mark(&citation).and_then(|mark| text.find(&mark));
        if let Some(place) = place
            && !named.iter().any(|(_, known)| known == &citation)
        {
            named.push((place, citation));
        }
    }
    named.sort_by_key(|(place, _)| *place);
    named.into_iter().map(|(_, citation)| citation).collect()
}

/// How an answer names a citation: `path:first-last`.
pub fn citation_mark(citation: &Citation) -> Option<String> {
    let (first, last) = citation.lines?;
    Some(format!("{}:{first}-{last}", citation.source))
}
