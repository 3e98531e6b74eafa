//! Stages that judge texts by their operator's rules, topics and lengths: what is asked, what the
//! model says, what tools are given and what they return.
//!
//! They stand behind those that take sensitive values out, and look at each text once.

use std::borrow::Cow;
use std::future::ready;
use std::sync::Arc;

use futures::future::BoxFuture;
use largestack_engine::event::FindingRecord;
use largestack_guard::content::{Content, Judged, Judgement, Place, Refusal};
use largestack_types::errors::{GuardrailBlockedError, LargestackError, Result};
use largestack_types::message::{Message, Role};
use largestack_types::part::{Arguments, Body, Part, PartId};

use crate::document::{self, Words};
use crate::stage::{
    InputDraft, ReplyDraft, ResultDraft, Ruling, Stage, StageContext, ToolTurn, Verdict,
};

/// Judges texts of every kind.
#[derive(Clone)]
pub(crate) struct Judge(pub(crate) Content);

/// What came of looking at the words of a message.
struct Looked {
    findings: Vec<FindingRecord>,
    refused: Option<Refusal>,
    /// The parts that say something else now, by their index.
    changed: Vec<(usize, String)>,
}

/// A text of a part, as what it is judged, and whether it is what the message says.
fn text_of(place: Place, body: &Body) -> Option<(Place, Cow<'_, str>, bool)> {
    Some(match body {
        Body::Text(text) | Body::Refusal(text) => (place, Cow::Borrowed(text), true),
        Body::Media(_) => (place, document::text_of(body)?, true),
        Body::Reasoning(reasoning) => (place, Cow::Borrowed(&reasoning.text), false),
        Body::ToolCall(call) => {
            (Place::ToolArguments, Cow::Borrowed(call.arguments.as_str()), false)
        }
        Body::ToolResult(result) => (Place::ToolResult, Cow::Borrowed(&result.text), false),
        _ => return None,
    })
}

impl Judge {
    /// Looks at a message: part by part for what rules look for, and at all of its words for what they
    /// are about and how long they are. What tools were given and returned has stages of its own, but
    /// where it was `said_before`.
    fn words(&self, place: Place, parts: &[Part], said_before: bool) -> Looked {
        let mut looked = Looked { findings: Vec::new(), refused: None, changed: Vec::new() };
        let mut all = Vec::new();
        // A question of media alone is about nothing that could be told.
        let mut weighed = place == Place::Input && !said_before;
        for (index, part) in parts.iter().enumerate() {
            weighed |= place == Place::Input && matches!(part.body, Body::Media(_));
            let Some((of, text, is_said)) = text_of(place, &part.body) else { continue };
            if of != place && !said_before {
                continue;
            }
            let Judged { text: left, found, refused } = self.0.judge(of, &text);
            looked.findings.extend(found.iter().map(|found| record(part.id, found)));
            looked.refused = looked.refused.or(refused);
            if let Cow::Owned(left) = left {
                looked.changed.push((index, left));
            }
            if is_said {
                all.push(text);
            }
        }
        let of_people = matches!(place, Place::Input | Place::Output);
        if weighed || of_people && !all.is_empty() {
            let all: Cow<'_, str> =
                if let [one] = all.as_slice() { Cow::Borrowed(one) } else { all.join("\n").into() };
            let part = parts.first().map(|part| part.id).unwrap_or_default();
            let whole = self.0.weigh(place, &all);
            looked.findings.extend(whole.found.iter().map(|found| record(part, found)));
            looked.refused = looked.refused.or(whole.refused);
        }
        looked
    }

    /// A message that was said before, without what is taken out of it; an error where it may not be
    /// told.
    pub(crate) fn said_before(
        &self,
        message: Arc<Message>,
        findings: &mut Vec<FindingRecord>,
    ) -> Result<Arc<Message>> {
        let place = match message.role {
            Role::System => return Ok(message),
            Role::User => Place::Input,
            Role::Assistant => Place::Output,
            Role::Tool => Place::ToolResult,
        };
        let looked = self.words(place, &message.parts, true);
        findings.extend(looked.findings);
        if let Some(refusal) = looked.refused {
            return Err(blocked(refusal));
        }
        if looked.changed.is_empty() {
            return Ok(message);
        }
        let Message { role, mut parts, .. } = Message::clone(&message);
        say(&mut parts, looked.changed);
        Ok(Arc::new(Message::new(role, parts)))
    }
}

fn record(part: PartId, found: &Judgement) -> FindingRecord {
    let narrow = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    FindingRecord {
        part,
        kind: found.guard.as_ref().into(),
        start: narrow(found.span.start),
        end: narrow(found.span.end),
        action: found.action.into(),
    }
}

fn blocked(refusal: Refusal) -> LargestackError {
    let Refusal { guard, detail } = refusal;
    GuardrailBlockedError { guard_type: guard.to_string().into(), detail }.into()
}

fn say(parts: &mut [Part], changed: Vec<(usize, String)>) {
    for (index, words) in changed {
        let Some(part) = parts.get_mut(index) else { continue };
        part.native = None;
        match &mut part.body {
            Body::Text(text) | Body::Refusal(text) => *text = words.into(),
            Body::Media(media) => *media = document::saying(media, &words),
            Body::ToolCall(call) => call.arguments = Arguments::from_text(&words),
            Body::ToolResult(result) => result.text = words.into(),
            Body::Reasoning(reasoning) => {
                reasoning.text = words.into();
                // They vouch for the words as they were.
                reasoning.signature = None;
                reasoning.raw = None;
            }
            _ => {}
        }
    }
}

impl Stage<InputDraft> for Judge {
    fn name(&self) -> &'static str {
        "judge_input"
    }

    fn apply<'a>(
        &'a self,
        _: &'a StageContext,
        draft: &'a InputDraft,
    ) -> BoxFuture<'a, Result<Ruling<InputDraft>>> {
        // What the operator says is not judged by the operator's rules.
        if draft.message.role == Role::System {
            return Box::pin(ready(Ok(Ruling::pass())));
        }
        let Looked { findings, refused, changed } =
            self.words(Place::Input, &draft.message.parts, false);
        let mut verdict = Verdict::Continue;
        if refused.is_some() || !changed.is_empty() {
            let mut draft = draft.clone();
            say(&mut draft.message.parts, changed);
            draft.refused = draft.refused.or(refused.map(blocked));
            verdict = Verdict::Replace(draft);
        }
        Box::pin(ready(Ok(Ruling::found(verdict, findings))))
    }
}

impl Stage<ReplyDraft> for Judge {
    fn name(&self) -> &'static str {
        "judge_output"
    }

    fn apply<'a>(
        &'a self,
        _: &'a StageContext,
        draft: &'a ReplyDraft,
    ) -> BoxFuture<'a, Result<Ruling<ReplyDraft>>> {
        let Looked { findings, refused, changed } = self.words(Place::Output, &draft.parts, false);
        let verdict = match refused {
            Some(refusal) => Verdict::Block(blocked(refusal)),
            None if changed.is_empty() => Verdict::Continue,
            None => {
                let mut draft = draft.clone();
                say(&mut draft.parts, changed);
                Verdict::Replace(draft)
            }
        };
        Box::pin(ready(Ok(Ruling::found(verdict, findings))))
    }
}

impl Stage<ToolTurn> for Judge {
    fn name(&self) -> &'static str {
        "judge_arguments"
    }

    fn apply<'a>(
        &'a self,
        context: &'a StageContext,
        turn: &'a ToolTurn,
    ) -> BoxFuture<'a, Result<Ruling<ToolTurn>>> {
        let text = turn.call.arguments.as_str();
        let judged = self.0.judge(Place::ToolArguments, text);
        let part = PartId::at(context.effect, 0);
        let findings = judged.found.iter().map(|found| record(part, found)).collect();
        let verdict = match (judged.refused, judged.text) {
            (Some(refusal), _) => Verdict::Block(blocked(refusal)),
            (None, Cow::Borrowed(_)) => Verdict::Continue,
            (None, Cow::Owned(text)) => {
                let mut turn = turn.clone();
                turn.call.arguments = Arguments::from_text(&text);
                if matches!(turn.call.arguments, Arguments::Malformed(_)) {
                    Verdict::Block(blocked(torn(&judged.found)))
                } else {
                    Verdict::Replace(turn)
                }
            }
        };
        Box::pin(ready(Ok(Ruling::found(verdict, findings))))
    }
}

/// Why arguments do not go on out of which more was taken than a value.
fn torn(found: &[Judgement]) -> Refusal {
    let guard = found.first().map_or_else(|| "rule".into(), |found| found.guard.clone());
    let detail = "what is taken out of the tool's arguments leaves no JSON".to_owned();
    Refusal { guard, detail }
}

impl Stage<ResultDraft> for Judge {
    fn name(&self) -> &'static str {
        "judge_result"
    }

    fn apply<'a>(
        &'a self,
        context: &'a StageContext,
        draft: &'a ResultDraft,
    ) -> BoxFuture<'a, Result<Ruling<ResultDraft>>> {
        let part = PartId::at(context.effect, 0);
        let (mut findings, mut changed) = (Vec::new(), None::<ResultDraft>);
        let documents = draft.output.media.iter().map(|media| match document::words(media) {
            Words::Read(text) => Some(Cow::Owned(text)),
            _ => None,
        });
        let texts = std::iter::once(Some(Cow::Borrowed(draft.output.text.as_str())));
        // What an own stage keeps beside what it shows stands last.
        let whole = std::iter::once(draft.whole.as_deref().map(Cow::Borrowed));
        let last = draft.output.media.len() + 1;
        for (index, text) in texts.chain(documents).chain(whole).enumerate() {
            let Some(text) = text else { continue };
            let judged = self.0.judge(Place::ToolResult, &text);
            findings.extend(judged.found.iter().map(|found| record(part, found)));
            if let Some(refusal) = judged.refused {
                let verdict = Verdict::Block(blocked(refusal));
                return Box::pin(ready(Ok(Ruling::found(verdict, findings))));
            }
            let Cow::Owned(left) = judged.text else { continue };
            let draft = changed.get_or_insert_with(|| draft.clone());
            if index == last {
                draft.whole = Some(left.into());
                continue;
            }
            match index.checked_sub(1).and_then(|at| draft.output.media.get_mut(at)) {
                Some(media) => *media = document::saying(media, &left),
                None => draft.output.text = left,
            }
        }
        let verdict = changed.map_or(Verdict::Continue, Verdict::Replace);
        Box::pin(ready(Ok(Ruling::found(verdict, findings))))
    }
}
