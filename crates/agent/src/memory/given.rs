//! Messages that a caller keeps and hands in: guarded like everything else that goes to a model, as
//! nobody knows where they have been.

use std::sync::Arc;

use largestack_engine::event::FindingRecord;
use largestack_types::errors::Result;
use largestack_types::message::{Message, Role};
use largestack_types::part::{Body, Part, ToolResult};

use crate::stage::{ReplyDraft, Stage as _, StageContext, Verdict};
use crate::stages::reply::GuardOutput;

/// The messages without sensitive values; what was found is added to `found`. One with a value that
/// the policy blocks is an error.
pub(crate) async fn guarded(
    context: &StageContext,
    messages: Vec<Arc<Message>>,
    found: &mut Vec<FindingRecord>,
) -> Result<Vec<Arc<Message>>> {
    let mut safe = Vec::with_capacity(messages.len());
    for message in messages {
        let parts = if message.role == Role::Tool {
            results(context, &message.parts, found).await?
        } else {
            words(context, &message.parts, found).await?
        };
        safe.push(match parts {
            Some(parts) => Arc::new(Message { parts, ..Message::clone(&message) }),
            None => message,
        });
    }
    Ok(safe)
}

/// What a user or a model said, with what is not as it was.
async fn words(
    context: &StageContext,
    parts: &[Part],
    found: &mut Vec<FindingRecord>,
) -> Result<Option<Vec<Part>>> {
    let draft = ReplyDraft { parts: parts.to_vec() };
    let ruling = GuardOutput.apply(context, &draft).await?;
    found.extend(ruling.findings);
    match ruling.verdict {
        Verdict::Replace(draft) => Ok(Some(draft.parts)),
        Verdict::Block(error) => Err(error),
        _ => Ok(None),
    }
}

/// What tools answered.
async fn results(
    context: &StageContext,
    parts: &[Part],
    found: &mut Vec<FindingRecord>,
) -> Result<Option<Vec<Part>>> {
    let mut changed = None;
    for (at, part) in parts.iter().enumerate() {
        let Body::ToolResult(result) = &part.body else { continue };
        let guard = &context.guard;
        let guarded = guard.text(part.id, "a tool result", part.label, &result.text).await?;
        found.extend(guarded.findings);
        let Some(text) = guarded.text else { continue };
        let parts: &mut Vec<Part> = changed.get_or_insert_with(|| parts.to_vec());
        if let Some(part) = parts.get_mut(at) {
            part.label = guarded.label;
            part.native = None;
            part.body = Body::ToolResult(ToolResult { text, ..result.clone() });
        }
    }
    Ok(changed)
}
