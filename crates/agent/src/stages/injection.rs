//! Stages that look for orders in what the model is about to read.
//!
//! They stand behind those that take sensitive values out: what is kept of a passage that is withheld
//! holds placeholders. Each text is looked at once, when it comes.

use std::future::ready;
use std::sync::Arc;

use futures::future::BoxFuture;
use largestack_engine::event::FindingRecord;
use largestack_guard::inject::{Channel, NOTICE};
use largestack_types::errors::Result;
use largestack_types::message::{Message, Role};
use largestack_types::part::{Body, Part, PartId};

use crate::document::{self, Words};
use crate::protect::Injected;
use crate::stage::{InputDraft, ResultDraft, Ruling, Stage, StageContext, Verdict};

/// Looks at what is asked.
pub(crate) struct ScreenInput;

impl ScreenInput {
    fn rule(context: &StageContext, draft: &InputDraft) -> Ruling<InputDraft> {
        let mut ruling = Ruling::pass();
        // What the operator says may give orders.
        if draft.message.role == Role::System {
            return ruling;
        }
        let mut changed: Option<InputDraft> = None;
        for (index, part) in draft.message.parts.iter().enumerate() {
            for (found, tell) in in_all(context, &draft.message, part, "the input") {
                ruling.findings.push(found.finding);
                if found.text.is_none() && found.blocked.is_none() {
                    continue;
                }
                let draft = changed.get_or_insert_with(|| draft.clone());
                if draft.refused.is_none() {
                    draft.refused = found.blocked;
                }
                if let Some(part) = draft.message.parts.get_mut(index) {
                    found.text.iter().for_each(|text| tell(&mut part.body, text));
                }
            }
        }
        if let Some(changed) = changed {
            ruling.verdict = Verdict::Replace(changed);
        }
        ruling
    }
}

impl Stage<InputDraft> for ScreenInput {
    fn name(&self) -> &'static str {
        "screen_input"
    }

    fn apply<'a>(
        &'a self,
        context: &'a StageContext,
        draft: &'a InputDraft,
    ) -> BoxFuture<'a, Result<Ruling<InputDraft>>> {
        Box::pin(ready(Ok(Self::rule(context, draft))))
    }
}

/// Looks at what a tool returned, an agent below among them.
pub(crate) struct ScreenResult;

impl ScreenResult {
    fn rule(context: &StageContext, draft: &ResultDraft) -> Ruling<ResultDraft> {
        let mut ruling = Ruling::pass();
        let mut changed: Option<ResultDraft> = None;
        let names = draft.output.media.iter().map(|media| media.name.as_deref());
        let texts = std::iter::once(Some(draft.output.text.as_str())).chain(names).enumerate();
        for (index, text) in texts.filter_map(|(index, text)| Some((index, text?))) {
            let part = PartId::at(context.effect, 0);
            let found = context.guard.injected(part, "a tool result", text, Channel::Data);
            let Some(found) = found else { continue };
            ruling.findings.push(found.finding);
            if let Some(error) = found.blocked {
                ruling.verdict = Verdict::Block(error);
                return ruling;
            }
            let Some(told) = found.text else { continue };
            let draft = changed.get_or_insert_with(|| draft.clone());
            let media = index.checked_sub(1).and_then(|at| draft.output.media.get_mut(at));
            if let Some(media) = media {
                media.name = None;
            } else {
                let told = told.as_ref().to_owned();
                let whole = std::mem::replace(&mut draft.output.text, told);
                // What was kept before holds more.
                draft.whole.get_or_insert_with(|| whole.into());
            }
        }
        for (index, media) in draft.output.media.iter().enumerate() {
            let part = PartId::at(context.effect, 0);
            let Words::Read(text) = document::words(media) else { continue };
            let found = context.guard.injected(part, "a tool result", &text, Channel::Data);
            let Some(found) = found else { continue };
            ruling.findings.push(found.finding);
            if let Some(error) = found.blocked {
                ruling.verdict = Verdict::Block(error);
                return ruling;
            }
            let Some(told) = found.text else { continue };
            let draft = changed.get_or_insert_with(|| draft.clone());
            if let Some(media) = draft.output.media.get_mut(index) {
                *media = document::saying(media, &told);
            }
        }
        if let Some(changed) = changed {
            ruling.verdict = Verdict::Replace(changed);
        }
        ruling
    }
}

impl Stage<ResultDraft> for ScreenResult {
    fn name(&self) -> &'static str {
        "screen_result"
    }

    fn at_once(
        &self,
        context: &StageContext,
        draft: &ResultDraft,
    ) -> Option<Result<Ruling<ResultDraft>>> {
        Some(Ok(Self::rule(context, draft)))
    }

    fn apply<'a>(
        &'a self,
        context: &'a StageContext,
        draft: &'a ResultDraft,
    ) -> BoxFuture<'a, Result<Ruling<ResultDraft>>> {
        Box::pin(ready(Ok(Self::rule(context, draft))))
    }
}

/// How many of a person's messages before the last one are read with it.
const BEFORE: usize = 5;
/// How much of each of them is read, bytes from its beginning and as many from its end.
const OF_EACH: usize = 600;

/// Looks at what a person has said in a row, of which no message, and no part of one, may say it alone: a
/// bounded stretch, so that a turn costs the same however long the conversation is. The message without its
/// words where the policy isolates.
pub(crate) fn in_row(
    context: &StageContext,
    before: &[Arc<Message>],
    mut asked: Message,
) -> (Message, Option<Injected>) {
    let found = row(context, before, &asked);
    if found.as_ref().is_some_and(|found| found.text.is_some()) {
        withhold(&mut asked);
    }
    (asked, found)
}

/// The same of each message of a conversation that is handed in.
pub(crate) fn in_rows(
    context: &StageContext,
    mut given: Vec<Arc<Message>>,
    findings: &mut Vec<FindingRecord>,
) -> Result<Vec<Arc<Message>>> {
    for index in 0..given.len() {
        let (before, rest) = given.split_at_mut(index);
        let Some(said) = rest.first_mut().filter(|said| said.role == Role::User) else { continue };
        let Some(found) = row(context, before, said) else { continue };
        findings.push(found.finding);
        if let Some(error) = found.blocked {
            return Err(error);
        }
        if found.text.is_some() {
            withhold(Arc::make_mut(said));
        }
    }
    Ok(given)
}

fn row(context: &StageContext, before: &[Arc<Message>], asked: &Message) -> Option<Injected> {
    let part = asked.parts.first().map(|part| part.id)?;
    let said = before.iter().rev().filter(|message| message.role == Role::User);
    let mut lines: Vec<String> =
        said.take(BEFORE).map(|message| line(message.text().as_ref())).collect();
    // Whoever has one line alone was looked at.
    let last: Vec<String> = asked.parts.iter().filter_map(Part::as_text).map(line).collect();
    if lines.is_empty() && last.len() < 2 {
        return None;
    }
    lines.reverse();
    let earlier = lines.join("\n");
    let whole = format!("{earlier}\n{}", last.join("\n"));
    let look =
        |text: &str| context.guard.injected(part, "the conversation", text, Channel::Conversation);
    // What was told before has been reported then.
    let found = look(&whole).filter(|_| earlier.is_empty() || look(&earlier).is_none());
    found.map(|mut found| {
        // Its place would be one in the lines that were read together.
        (found.finding.start, found.finding.end) = (0, 0);
        found
    })
}

/// A message without its words.
fn withhold(message: &mut Message) {
    for part in &mut message.parts {
        if matches!(part.body, Body::Text(_)) {
            tell(&mut part.body, &NOTICE.into());
        }
    }
}

/// What somebody says as a line of a conversation.
fn line(text: &str) -> String {
    let head = text.get(..floor(text, OF_EACH)).unwrap_or(text);
    let tail = text.get(floor(text, text.len().saturating_sub(OF_EACH)).max(head.len())..);
    format!("user: {head} {}", tail.unwrap_or_default()).replace(['\n', '\r'], " ")
}

/// The last boundary of characters up to here.
fn floor(text: &str, at: usize) -> usize {
    let at = at.min(text.len());
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default()
}

/// What puts a text in place of what was looked at of a part.
pub(crate) type Tell = fn(&mut Body, &Arc<str>);

/// Looks at a part of a message, and at what a document in it says: that is nobody's word.
pub(crate) fn in_all(
    context: &StageContext,
    message: &Message,
    part: &Part,
    place: &str,
) -> impl Iterator<Item = (Injected, Tell)> {
    let of_part = in_part(context, message, part, place).map(|found| (found, tell as Tell));
    let document = matches!(part.body, Body::Media(_)).then(|| document::text_of(&part.body));
    let of_document = document.flatten().and_then(|text| {
        let found = context.guard.injected(part.id, place, &text, Channel::Data)?;
        Some((found, tell_document as Tell))
    });
    of_part.into_iter().chain(of_document)
}

/// Looks at a part of a message: of a person's as at what is asked, of any other as at something that
/// nobody vouches for.
fn in_part(
    context: &StageContext,
    message: &Message,
    part: &Part,
    place: &str,
) -> Option<Injected> {
    let (text, channel) = match &part.body {
        // Only people and this process's own agents had a hand in it.
        Body::Text(text) if message.role == Role::User && part.label.is_trusted() => {
            (text, Channel::User)
        }
        Body::Text(text) => (text, Channel::Data),
        Body::ToolResult(result) => (&result.text, Channel::Data),
        Body::Media(media) => (media.name.as_ref()?, Channel::Data),
        _ => return None,
    };
    context.guard.injected(part.id, place, text, channel)
}

/// Puts a text with a notice in place of what a document says.
fn tell_document(body: &mut Body, text: &Arc<str>) {
    if let Body::Media(media) = body {
        *media = document::saying(media, text);
    }
}

/// Puts a text with a notice in place of what a part says.
fn tell(body: &mut Body, text: &Arc<str>) {
    match body {
        Body::ToolResult(result) => result.text = Arc::clone(text),
        // A name with a notice in it is none.
        Body::Media(media) => media.name = None,
        body => *body = Body::Text(Arc::clone(text)),
    }
}
