//! Stages of a reply before it is recorded.

use futures::future::BoxFuture;
use largestack_types::errors::Result;
use largestack_types::json::Json;
use largestack_types::part::{Arguments, Body, Part};

use crate::protect::Guarded;
use crate::stage::{ReplyDraft, Ruling, Stage, StageContext, Verdict};

/// Takes sensitive values out of what the model said.
pub(crate) struct GuardOutput;

impl Stage<ReplyDraft> for GuardOutput {
    fn name(&self) -> &'static str {
        "guard_output"
    }

    fn apply<'a>(
        &'a self,
        context: &'a StageContext,
        draft: &'a ReplyDraft,
    ) -> BoxFuture<'a, Result<Ruling<ReplyDraft>>> {
        Box::pin(async move {
            let mut changed: Option<ReplyDraft> = None;
            let mut findings = Vec::new();
            for (index, part) in draft.parts.iter().enumerate() {
                let Some(guarded) = guard(context, part).await? else { continue };
                findings.extend(guarded.findings.iter().cloned());
                let Some(body) = rewritten(part, &guarded) else { continue };
                let draft = changed.get_or_insert_with(|| draft.clone());
                if let Some(part) = draft.parts.get_mut(index) {
                    part.body = body;
                    part.label = guarded.label;
                }
            }
            Ok(Ruling { verdict: changed.map_or(Verdict::Continue, Verdict::Replace), findings })
        })
    }
}

async fn guard(context: &StageContext, part: &Part) -> Result<Option<Guarded>> {
    let place = "the reply";
    let guard = &context.guard;
    let guarded = match &part.body {
        Body::Text(text) | Body::Refusal(text) => guard.text(part.id, place, part.label, text),
        Body::Reasoning(reasoning) => {
            return guard.text(part.id, place, part.label, &reasoning.text).await.map(Some);
        }
        Body::ToolCall(call) => {
            return guard.json(part.id, place, part.label, call.arguments.as_str()).await.map(Some);
        }
        _ => return Ok(None),
    };
    guarded.await.map(Some)
}

/// The body with its text replaced; `None` when nothing was taken out.
fn rewritten(part: &Part, guarded: &Guarded) -> Option<Body> {
    let text = guarded.text.clone()?;
    let mut body = part.body.clone();
    match &mut body {
        Body::Text(old) | Body::Refusal(old) => *old = text,
        Body::Reasoning(reasoning) => {
            reasoning.text = text;
            // The signature and the raw block vouch for the words as they were.
            reasoning.signature = None;
            reasoning.raw = None;
        }
        Body::ToolCall(call) => {
            call.arguments = match Json::parse(&*text) {
                Ok(json) => Arguments::Json(json),
                Err(_) => Arguments::Malformed(text),
            };
        }
        _ => return None,
    }
    Some(body)
}
