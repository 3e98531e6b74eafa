//! Stages of a reply before it is recorded.

use std::borrow::Cow;

use futures::future::BoxFuture;
use largestack_types::errors::Result;
use largestack_types::json::Json;
use largestack_types::part::{Arguments, Body, Part};

use crate::document;
use crate::protect::Guarded;
use crate::stage::{ReplyDraft, Ruling, Stage, StageContext, Verdict};
use crate::stages::after_tool::looks_like_json;

/// Takes sensitive values out of what the model said, and out of whatever else a message holds that
/// was said before.
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
                let said = guard(context, part).await?;
                let quoted = guard_quotes(context, part).await?;
                let found = said.iter().chain(&quoted).flat_map(|guarded| &guarded.findings);
                findings.extend(found.cloned());
                let body = said.as_ref().and_then(|guarded| rewritten(part, guarded));
                if body.is_none() && quoted.iter().all(|guarded| guarded.text.is_none()) {
                    continue;
                }
                let draft = changed.get_or_insert_with(|| draft.clone());
                let Some(part) = draft.parts.get_mut(index) else { continue };
                for guarded in said.iter().chain(&quoted) {
                    part.label = part.label.join(guarded.label);
                }
                if let Some(body) = body {
                    part.body = body;
                }
                // They may quote the words as they were, and vouch for them.
                part.native = None;
                if let Body::Reasoning(reasoning) = &mut part.body {
                    reasoning.raw = None;
                }
            }
            Ok(Ruling::found(changed.map_or(Verdict::Continue, Verdict::Replace), findings))
        })
    }
}

/// What a part says, in the form that the guard looks at it in.
enum Said<'p> {
    Text(Cow<'p, str>),
    Json(Cow<'p, str>),
    Arguments(&'p Arguments),
}

/// `None` for media that are not words.
fn said<'p>(context: &StageContext, part: &'p Part) -> Option<Said<'p>> {
    Some(match &part.body {
        Body::Text(text) if context.computed && looks_like_json(text) => {
            Said::Json(Cow::Borrowed(text))
        }
        Body::Text(text) | Body::Refusal(text) => Said::Text(Cow::Borrowed(text)),
        Body::Reasoning(reasoning) => Said::Text(Cow::Borrowed(&reasoning.text)),
        Body::ToolCall(call) => Said::Arguments(&call.arguments),
        Body::ToolResult(result) if looks_like_json(&result.text) => {
            Said::Json(Cow::Borrowed(&result.text))
        }
        Body::ToolResult(result) => Said::Text(Cow::Borrowed(&result.text)),
        Body::Media(_) => Said::Text(document::text_of(&part.body)?),
        Body::Citation(citation) => {
            Said::Json(Cow::Owned(serde_json::to_string(citation).unwrap_or_default()))
        }
        Body::ServerTool(raw) | Body::Unknown(raw) => Said::Json(Cow::Borrowed(raw.as_str())),
        _ => return None,
    })
}

/// What the protocol says of a part in its own form.
fn quotes(part: &Part) -> impl Iterator<Item = &str> {
    let raw = match &part.body {
        Body::Reasoning(reasoning) => reasoning.raw.as_ref(),
        _ => None,
    };
    part.native.iter().map(|native| &native.fields).chain(raw).map(Json::as_str)
}

/// Whether nothing is found in a part, and beside it.
fn passes(context: &StageContext, part: &Part) -> bool {
    let guard = &context.guard;
    let body = match said(context, part) {
        Some(Said::Text(text)) => guard.passes(&text),
        Some(Said::Json(json)) => guard.passes_json(&json),
        Some(Said::Arguments(arguments)) => guard.passes_arguments(arguments),
        None => true,
    };
    body && quotes(part).all(|quote| guard.passes_json(quote))
}

async fn guard(context: &StageContext, part: &Part) -> Result<Option<Guarded>> {
    let place = match &part.body {
        Body::ToolResult(_) => "a tool result",
        _ => "the reply",
    };
    let (guard, id, label) = (&context.guard, part.id, part.label);
    let guarded = match said(context, part) {
        Some(Said::Text(text)) => guard.text(id, place, label, &text).await,
        Some(Said::Json(json)) => guard.json(id, place, label, &json).await,
        Some(Said::Arguments(arguments)) => guard.arguments(id, place, label, arguments).await,
        None => return Ok(None),
    };
    guarded.map(Some)
}

async fn guard_quotes(context: &StageContext, part: &Part) -> Result<Vec<Guarded>> {
    let mut guarded = Vec::new();
    for quote in quotes(part) {
        guarded.push(context.guard.json(part.id, "the reply", part.label, quote).await?);
    }
    Ok(guarded)
}

/// The body with its text replaced; `None` when nothing was taken out.
fn rewritten(part: &Part, guarded: &Guarded) -> Option<Body> {
    let text = guarded.text.clone()?;
    let mut body = part.body.clone();
    match &mut body {
        Body::Text(old) | Body::Refusal(old) => *old = text,
        Body::Reasoning(reasoning) => {
            reasoning.text = text;
            // It vouches for the words as they were.
            reasoning.signature = None;
        }
        Body::ToolCall(call) => {
            call.arguments = match Json::parse(&*text) {
                Ok(json) => Arguments::Json(json),
                Err(_) => Arguments::Malformed(text),
            };
        }
        Body::ToolResult(result) => result.text = text,
        Body::Media(media) => *media = document::saying(media, &text),
        // What is not what it was any more says nothing.
        Body::Citation(citation) => {
            *citation = serde_json::from_str(&text).unwrap_or_default();
            citation.raw = None;
        }
        Body::ServerTool(raw) | Body::Unknown(raw) => {
            *raw = Json::parse(&*text).unwrap_or_else(|_| Json::empty_object());
        }
        _ => return None,
    }
    Some(body)
}
