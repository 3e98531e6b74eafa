//! Stages of a tool's result before the model sees it.

use futures::future::BoxFuture;
use largestack_types::errors::Result;
use largestack_types::part::PartId;

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
        passes.then(|| Ok(Ruling::pass()))
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
            if guarded.text.is_none() && guarded.label == draft.label {
                return Ok(Ruling { verdict: Verdict::Continue, findings: guarded.findings });
            }
            let mut draft = draft.clone();
            draft.label = guarded.label;
            if let Some(text) = guarded.text {
                text.as_ref().clone_into(&mut draft.output.text);
            }
            Ok(Ruling { verdict: Verdict::Replace(draft), findings: guarded.findings })
        })
    }
}

/// Whether a result is looked at value by value.
pub(super) fn looks_like_json(text: &str) -> bool {
    text.trim_start().starts_with(['{', '['])
}

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
        let verdict =
            cap::cap(&draft.output.text, draft.max_chars).map_or(Verdict::Continue, |capped| {
                let mut draft = draft.clone();
                draft.whole = Some(std::mem::replace(&mut draft.output.text, capped).into());
                Verdict::Replace(draft)
            });
        Ruling::of(verdict)
    }
}
