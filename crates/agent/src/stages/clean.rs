//! Takes out of what a model says what its operator does not want shown: links that lead elsewhere,
//! what steers a terminal, markup that runs.

use futures::future::BoxFuture;
use largestack_engine::event::FindingRecord;
use largestack_guard::content::{Cleaned, Output, OutputAction};
use largestack_types::errors::Result;
use largestack_types::part::{Body, Part, PartId};

use crate::stage::{ReplyDraft, Ruling, Stage, StageContext, Verdict};

/// Before the guard of values: what that puts in their place is not written by the model.
pub(crate) struct CleanOutput(pub(crate) Output);

impl Stage<ReplyDraft> for CleanOutput {
    fn name(&self) -> &'static str {
        "clean_output"
    }

    fn at_once(&self, _: &StageContext, draft: &ReplyDraft) -> Option<Result<Ruling<ReplyDraft>>> {
        Some(Ok(self.rule(draft)))
    }

    fn apply<'a>(
        &'a self,
        _: &'a StageContext,
        draft: &'a ReplyDraft,
    ) -> BoxFuture<'a, Result<Ruling<ReplyDraft>>> {
        Box::pin(std::future::ready(Ok(self.rule(draft))))
    }
}

impl CleanOutput {
    fn rule(&self, draft: &ReplyDraft) -> Ruling<ReplyDraft> {
        let mut changed: Option<ReplyDraft> = None;
        let mut findings = Vec::new();
        for (index, part) in draft.parts.iter().enumerate() {
            let Some(text) = said(part) else { continue };
            let cleaned = self.0.clean(text);
            if cleaned.text == text {
                continue;
            }
            findings.extend(records(part.id, self.0.action(), text, &cleaned));
            if self.0.action() == OutputAction::Warn {
                continue;
            }
            let draft = changed.get_or_insert_with(|| draft.clone());
            if let Some(part) = draft.parts.get_mut(index) {
                say(part, &cleaned.text);
            }
        }
        Ruling::found(changed.map_or(Verdict::Continue, Verdict::Replace), findings)
    }
}

/// The words of a part that are shown.
pub(super) fn said(part: &Part) -> Option<&str> {
    match &part.body {
        Body::Text(text) | Body::Refusal(text) => Some(text),
        Body::Reasoning(reasoning) => Some(&reasoning.text),
        _ => None,
    }
}

pub(super) fn say(part: &mut Part, words: &str) {
    match &mut part.body {
        Body::Text(text) | Body::Refusal(text) => *text = words.into(),
        Body::Reasoning(reasoning) => {
            reasoning.text = words.into();
            // They vouch for the words as they were.
            reasoning.signature = None;
            reasoning.raw = None;
        }
        _ => {}
    }
    part.native = None;
}

fn records(
    part: PartId,
    action: OutputAction,
    text: &str,
    cleaned: &Cleaned<'_>,
) -> Vec<FindingRecord> {
    let narrow = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let record = |kind: &str, start, end| FindingRecord {
        part,
        kind: kind.into(),
        start: narrow(start),
        end: narrow(end),
        action: action.name().into(),
    };
    let links = cleaned.links.iter().map(|span| record("link", span.start, span.end));
    let whole = [("control", cleaned.controls), ("markup", cleaned.markup)];
    let whole = whole.into_iter().filter(|(_, found)| *found);
    links.chain(whole.map(|(kind, _)| record(kind, 0, text.len()))).collect()
}
