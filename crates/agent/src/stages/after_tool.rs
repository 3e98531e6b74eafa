//! Stages of a tool's result before the model sees it.

use futures::future::BoxFuture;
use largestack_types::errors::Result;
use largestack_types::part::PartId;

use crate::document::{self, Words};
use crate::stage::{ResultDraft, Ruling, Stage, StageContext, Verdict};
use crate::tools::cap;

/// Takes sensitive values out of results.
pub(crate) struct GuardResult;

impl Stage<ResultDraft> for GuardResult {
    fn name(&self) -> &'static str {
        "guard_result"
    }

    fn at_once(
        &self,
        context: &StageContext,
        draft: &ResultDraft,
    ) -> Option<Result<Ruling<ResultDraft>>> {
        let (guard, text) = (&context.guard, &draft.output.text);
        let passes =
            if looks_like_json(text) { guard.passes_json(text) } else { guard.passes(text) };
        let read = draft.output.media.iter().all(|media| match document::words(media) {
            Words::Read(text) => guard.passes(&text),
            Words::Unread | Words::Unreadable => false,
            Words::None => true,
        });
        let kept = draft.whole.as_deref().is_none_or(|whole| {
            if looks_like_json(whole) { guard.passes_json(whole) } else { guard.passes(whole) }
        });
        let read =
            kept && read && draft.output.media.iter().all(|one| document::settled(one).is_none());
        (passes && read).then(|| Ok(Ruling::pass()))
    }

    fn apply<'a>(
        &'a self,
        context: &'a StageContext,
        draft: &'a ResultDraft,
    ) -> BoxFuture<'a, Result<Ruling<ResultDraft>>> {
        Box::pin(async move {
            let part = PartId::at(context.effect, 0);
            let (guard, text) = (&context.guard, &draft.output.text);
            let guarded = if looks_like_json(text) {
                guard.json(part, "a tool result", draft.label, text).await?
            } else {
                guard.text(part, "a tool result", draft.label, text).await?
            };
            let (mut findings, mut changed) = (guarded.findings, draft.clone());
            changed.label = guarded.label;
            let mut same = guarded.text.is_none();
            if let Some(text) = guarded.text {
                text.as_ref().clone_into(&mut changed.output.text);
            }
            // What an own stage keeps beside what it shows.
            if let Some(whole) = &draft.whole {
                let kept = if looks_like_json(whole) {
                    guard.json(part, "a tool result", draft.label, whole).await?
                } else {
                    guard.text(part, "a tool result", draft.label, whole).await?
                };
                findings.extend(kept.findings);
                changed.label = changed.label.join(kept.label);
                if let Some(kept) = kept.text {
                    changed.whole = Some(kept);
                    same = false;
                }
            }
            for media in &mut changed.output.media {
                if let Some(settled) = document::settled(media) {
                    *media = settled;
                    same = false;
                }
                let policy = *guard.injection();
                if let Some(unread) = document::unread(policy, part, "a tool result", media) {
                    findings.push(unread.finding);
                    if let Some(error) = unread.blocked {
                        return Ok(Ruling::found(Verdict::Block(error), findings));
                    }
                    if let Some(told) = unread.told {
                        *media = told;
                        same = false;
                    }
                    continue;
                }
                let Words::Read(text) = document::words(media) else { continue };
                let guarded = guard.text(part, "a tool result", draft.label, &text).await;
                let guarded = match guarded {
                    Ok(guarded) => guarded,
                    Err(error) => return Ok(Ruling::found(Verdict::Block(error), findings)),
                };
                findings.extend(guarded.findings);
                changed.label = changed.label.join(guarded.label);
                if let Some(text) = guarded.text {
                    *media = document::saying(media, &text);
                    same = false;
                }
            }
            if same && changed.label == draft.label {
                return Ok(Ruling::found(Verdict::Continue, findings));
            }
            Ok(Ruling::found(Verdict::Replace(changed), findings))
        })
    }
}

/// Whether a result is looked at value by value.
pub(super) fn looks_like_json(text: &str) -> bool {
    text.trim_start().starts_with(['{', '['])
}

/// Most characters of a result that a model reads, whatever its tool's options say: it bounds what is
/// looked at for orders, seven times at most.
pub(crate) const MOST_READ: usize = 1 << 20;

/// Shows head and tail of a result that is too long, and a handle to the whole.
pub(crate) struct CapOutput;

impl Stage<ResultDraft> for CapOutput {
    fn name(&self) -> &'static str {
        "cap_output"
    }

    fn at_once(
        &self,
        _: &StageContext,
        draft: &ResultDraft,
    ) -> Option<Result<Ruling<ResultDraft>>> {
        Some(Ok(Self::rule(draft)))
    }

    fn apply<'a>(
        &'a self,
        _: &'a StageContext,
        draft: &'a ResultDraft,
    ) -> BoxFuture<'a, Result<Ruling<ResultDraft>>> {
        Box::pin(std::future::ready(Ok(Self::rule(draft))))
    }
}

impl CapOutput {
    fn rule(draft: &ResultDraft) -> Ruling<ResultDraft> {
        let verdict = cap::cap(&draft.output.text, draft.max_chars.min(MOST_READ)).map_or(
            Verdict::Continue,
            |capped| {
                let mut draft = draft.clone();
                let whole = std::mem::replace(&mut draft.output.text, capped);
                // What was kept before holds more.
                draft.whole.get_or_insert_with(|| whole.into());
                Verdict::Replace(draft)
            },
        );
        Ruling::of(verdict)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use largestack_ports::tool::ToolOutput;
    use largestack_types::label::Label;

    use super::*;

    #[test]
    fn no_option_of_a_tool_has_the_model_read_more_than_the_limit() {
        let draft = |chars: usize| ResultDraft {
            tool: Arc::from("t"),
            output: ToolOutput::text("a".repeat(chars)),
            label: Label::default(),
            whole: None,
            max_chars: usize::MAX,
        };
        assert!(matches!(CapOutput::rule(&draft(MOST_READ)).verdict, Verdict::Continue));
        let Verdict::Replace(cut) = CapOutput::rule(&draft(MOST_READ + 1)).verdict else {
            panic!("one more is left out");
        };
        assert!(cut.output.text.contains("[... 1 characters left out ...]"));
        assert_eq!(cut.whole.map(|whole| whole.len()), Some(MOST_READ + 1));
    }
}
