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

    fn at_once(
        &self,
        context: &StageContext,
        draft: &ReplyDraft,
    ) -> Option<Result<Ruling<ReplyDraft>>> {
        draft.parts.iter().all(|part| passes(context, part)).then(|| Ok(Ruling::pass()))
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
                let guarded = guard(context, part).await?;
                let native = guard_native(context, part).await?;
                let found = guarded.iter().chain(&native).flat_map(|guarded| &guarded.findings);
                findings.extend(found.cloned());
                let body = guarded.as_ref().and_then(|guarded| rewritten(part, guarded));
                let quoted = native.as_ref().is_some_and(|guarded| guarded.text.is_some());
                if body.is_none() && !quoted {
                    continue;
                }
                let draft = changed.get_or_insert_with(|| draft.clone());
                let Some(part) = draft.parts.get_mut(index) else { continue };
                // They may quote the words as they were, and vouch for them.
                part.native = None;
                for guarded in guarded.iter().chain(&native) {
                    part.label = part.label.join(guarded.label);
                }
                if let Some(body) = body {
                    part.body = body;
                }
            }
            Ok(Ruling { verdict: changed.map_or(Verdict::Continue, Verdict::Replace), findings })
        })
    }
}

/// Whether nothing is found in a part, and beside it.
fn passes(context: &StageContext, part: &Part) -> bool {
    let guard = &context.guard;
    let body = match &part.body {
        Body::Text(text) | Body::Refusal(text) => guard.passes(text),
        Body::Reasoning(reasoning) => guard.passes(&reasoning.text),
        Body::ToolCall(call) => guard.passes_arguments(&call.arguments),
        Body::ServerTool(raw) | Body::Unknown(raw) => guard.passes_json(raw.as_str()),
        _ => true,
    };
    let native = part.native.as_ref();
    body && native.is_none_or(|native| guard.passes_json(native.fields.as_str()))
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
            let guarded = guard.arguments(part.id, place, part.label, &call.arguments);
            return guarded.await.map(Some);
        }
        Body::ServerTool(raw) | Body::Unknown(raw) => {
            return guard.json(part.id, place, part.label, raw.as_str()).await.map(Some);
        }
        _ => return Ok(None),
    };
    guarded.await.map(Some)
}

/// What the protocol says of the part beside its body, where it says anything.
async fn guard_native(context: &StageContext, part: &Part) -> Result<Option<Guarded>> {
    let Some(native) = &part.native else { return Ok(None) };
    let fields = native.fields.as_str();
    context.guard.json(part.id, "the reply", part.label, fields).await.map(Some)
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
        Body::ServerTool(raw) | Body::Unknown(raw) => *raw = Json::parse(&*text).ok()?,
        _ => return None,
    }
    Some(body)
}
