//! Stages of what is asked.

use futures::future::BoxFuture;
use largestack_types::errors::Result;
use largestack_types::part::Body;

use crate::document;
use crate::stage::{InputDraft, Ruling, Stage, StageContext, Verdict};

/// Takes sensitive values out of the input before anything is recorded.
pub(crate) struct GuardInput;

impl Stage<InputDraft> for GuardInput {
    fn name(&self) -> &'static str {
        "guard_input"
    }

    fn apply<'a>(
        &'a self,
        context: &'a StageContext,
        draft: &'a InputDraft,
    ) -> BoxFuture<'a, Result<Ruling<InputDraft>>> {
        Box::pin(async move {
            let mut changed: Option<InputDraft> = None;
            let mut findings = Vec::new();
            for (index, part) in draft.message.parts.iter().enumerate() {
                if let Body::Media(media) = &part.body
                    && let Some(unread) =
                        document::unread(*context.guard.injection(), part.id, "the input", media)
                {
                    findings.push(unread.finding);
                    if unread.told.is_none() && unread.blocked.is_none() {
                        continue;
                    }
                    let draft = changed.get_or_insert_with(|| draft.clone());
                    draft.refused = draft.refused.take().or(unread.blocked);
                    let part = draft.message.parts.get_mut(index);
                    if let (Some(part), Some(told)) = (part, unread.told) {
                        part.body = Body::Media(told);
                    }
                    continue;
                }
                let Some(text) = document::text_of(&part.body) else { continue };
                let (guarded, blocked) = context.guard.asked(part.id, part.label, &text).await?;
                findings.extend(guarded.findings);
                if guarded.text.is_none() && guarded.label == part.label && blocked.is_none() {
                    continue;
                }
                let draft = changed.get_or_insert_with(|| draft.clone());
                if draft.refused.is_none() {
                    draft.refused = blocked;
                }
                if let Some(part) = draft.message.parts.get_mut(index) {
                    part.label = guarded.label;
                    match (guarded.text, &mut part.body) {
                        (Some(text), Body::Media(media)) => *media = document::saying(media, &text),
                        (Some(text), body) => *body = Body::Text(text),
                        (None, _) => {}
                    }
                }
            }
            Ok(Ruling::found(changed.map_or(Verdict::Continue, Verdict::Replace), findings))
        })
    }
}
