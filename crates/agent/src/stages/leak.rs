//! Keeps the operator's instructions out of what is said and of what leaves by tools.

use futures::future::BoxFuture;
use largestack_guard::leak::LeakAction;
use largestack_ports::tool::Capability;
use largestack_types::errors::Result;
use largestack_types::json::Json;
use largestack_types::part::{Arguments, Body, PartId};
use serde_json::Value;

use super::clean::{said, say};
use crate::leak::{RunLeak, blocked};
use crate::stage::{ReplyDraft, Ruling, Stage, StageContext, ToolTurn, Verdict};

/// What the model reads of a call that was not made.
const NOT_SENT: &str = "Not run: its arguments hold these instructions, which go nowhere.";

/// Behind what takes out links, before the guard of values.
pub(crate) struct KeepInstructions;

impl KeepInstructions {
    fn rule(leak: &RunLeak, draft: &ReplyDraft) -> Ruling<ReplyDraft> {
        let mut changed: Option<ReplyDraft> = None;
        let (mut findings, mut refused) = (Vec::new(), None);
        for (index, part) in draft.parts.iter().enumerate() {
            let Some(text) = said(part) else { continue };
            let is_answer = !matches!(part.body, Body::Reasoning(_));
            let Some((clean, leaks)) = leak.cleaned(text) else { continue };
            findings.extend(leaks.iter().map(|one| leak.record(part.id, one)));
            match leak.action() {
                LeakAction::Allow | LeakAction::Warn => continue,
                LeakAction::Block if is_answer => refused = Some(blocked("the reply")),
                // Thoughts often turn over what they were told.
                LeakAction::Redact | LeakAction::Block => {}
            }
            let draft = changed.get_or_insert_with(|| draft.clone());
            if let Some(part) = draft.parts.get_mut(index) {
                say(part, &clean);
            }
        }
        let verdict = match (refused, changed) {
            (Some(error), _) => Verdict::Block(error),
            (None, Some(changed)) => Verdict::Replace(changed),
            (None, None) => Verdict::Continue,
        };
        Ruling::found(verdict, findings)
    }
}

impl Stage<ReplyDraft> for KeepInstructions {
    fn name(&self) -> &'static str {
        "keep_instructions"
    }

    fn at_once(
        &self,
        context: &StageContext,
        draft: &ReplyDraft,
    ) -> Option<Result<Ruling<ReplyDraft>>> {
        let leak = context.leak.as_deref();
        Some(Ok(leak.map_or_else(Ruling::pass, |leak| Self::rule(leak, draft))))
    }

    fn apply<'a>(
        &'a self,
        context: &'a StageContext,
        draft: &'a ReplyDraft,
    ) -> BoxFuture<'a, Result<Ruling<ReplyDraft>>> {
        let ruling = self.at_once(context, draft).unwrap_or_else(|| Ok(Ruling::pass()));
        Box::pin(std::future::ready(ruling))
    }
}

impl KeepInstructions {
    /// Looks at the arguments of a tool by which they could leave.
    fn rule_call(leak: &RunLeak, context: &StageContext, turn: &ToolTurn) -> Ruling<ToolTurn> {
        let does = turn.options.as_deref().map(|options| &options.access.capabilities);
        let leaves = [Capability::Send, Capability::Egress, Capability::Execute];
        if !does.is_some_and(|does| leaves.iter().any(|one| does.contains(one))) {
            return Ruling::pass();
        }
        let Arguments::Json(json) = &turn.call.arguments else { return Ruling::pass() };
        let Some((_, leaks)) = leak.cleaned(&words(json)) else { return Ruling::pass() };
        let part = PartId::at(context.effect, 0);
        // Their places are those of what was read, not of the JSON.
        let found = leaks.iter().map(|one| leak.record(part, one));
        let found = found.map(|mut one| {
            (one.start, one.end) = (0, 0);
            one
        });
        let verdict = match leak.action() {
            LeakAction::Allow | LeakAction::Warn => Verdict::Continue,
            LeakAction::Redact => Verdict::Retry(NOT_SENT.into()),
            LeakAction::Block => Verdict::Block(blocked("what the tool is given")),
        };
        Ruling::found(verdict, found.take(1).collect())
    }
}

/// Every name and text of a JSON value, one after the other: a stretch may be spread over several.
fn words(json: &Json) -> String {
    let mut words = String::new();
    let mut left = vec![serde_json::from_str(json.as_str()).unwrap_or(Value::Null)];
    while let Some(value) = left.pop() {
        match value {
            Value::String(text) => words.extend([text.as_str(), "\n"]),
            Value::Array(items) => left.extend(items.into_iter().rev()),
            Value::Object(fields) => left.extend(
                fields.into_iter().rev().flat_map(|(name, value)| [value, Value::String(name)]),
            ),
            _ => {}
        }
    }
    words
}

impl Stage<ToolTurn> for KeepInstructions {
    fn name(&self) -> &'static str {
        "keep_instructions"
    }

    fn at_once(&self, context: &StageContext, turn: &ToolTurn) -> Option<Result<Ruling<ToolTurn>>> {
        let leak = context.leak.as_deref();
        Some(Ok(leak.map_or_else(Ruling::pass, |leak| Self::rule_call(leak, context, turn))))
    }

    fn apply<'a>(
        &'a self,
        context: &'a StageContext,
        turn: &'a ToolTurn,
    ) -> BoxFuture<'a, Result<Ruling<ToolTurn>>> {
        let leak = context.leak.as_deref();
        let ruling = leak.map_or_else(Ruling::pass, |leak| Self::rule_call(leak, context, turn));
        Box::pin(std::future::ready(Ok(ruling)))
    }
}
