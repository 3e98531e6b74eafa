//! Messages that a caller keeps and hands in: guarded like everything else that goes to a model, as
//! nobody knows where they have been.

use std::sync::Arc;

use bytes::Bytes;
use largestack_engine::event::FindingRecord;
use largestack_guard::content::Content;
use largestack_ports::tool::ToolOutput;
use largestack_types::errors::Result;
use largestack_types::hash::Hash;
use largestack_types::id::EffectId;
use largestack_types::message::{Message, Role};
use largestack_types::part::{Body, Part};

use crate::document;
use crate::media::Shelf;
use crate::stage::{ReplyDraft, ResultDraft, Stage, StageContext, Verdict, ruling};
use crate::stages::after_tool::GuardResult;
use crate::stages::injection::{ScreenResult, Tell, in_all};
use crate::stages::judge::Judge;
use crate::stages::reply::GuardOutput;

/// The rules that messages are judged by, and the bytes of documents in them.
pub(crate) type JudgedBy<'a> = ((&'a StageContext, Option<&'a Content>), &'a Shelf);

/// The same with the documents whose bytes are kept beside a journal: those that changed are in `taken`.
pub(crate) async fn guarded_whole(
    (judged_by, shelf): JudgedBy<'_>,
    messages: Vec<Arc<Message>>,
    (found, taken): (&mut Vec<FindingRecord>, &mut Vec<(Hash, Bytes)>),
) -> Result<Vec<Arc<Message>>> {
    if !Shelf::are_taken(&messages) {
        return guarded(judged_by, messages, found).await;
    }
    let filled = shelf.filled(Arc::new(messages.clone())).await?;
    let told = guarded(judged_by, filled.to_vec(), found).await?;
    let mut as_kept = Vec::with_capacity(told.len());
    for ((mut new, read), old) in told.into_iter().zip(&*filled).zip(messages) {
        if Arc::ptr_eq(&new, read) {
            as_kept.push(old);
        } else {
            taken.extend(shelf.take_shared(&mut new));
            as_kept.push(new);
        }
    }
    Ok(as_kept)
}

/// The messages without sensitive values, whoever is said to speak in them; what was found is added
/// to `found`. One with a value that the policy blocks, or that the operator's rules refuse, is an error.
pub(crate) async fn guarded(
    (context, rules): (&StageContext, Option<&Content>),
    messages: Vec<Arc<Message>>,
    found: &mut Vec<FindingRecord>,
) -> Result<Vec<Arc<Message>>> {
    let mut safe = Vec::with_capacity(messages.len());
    let judge = rules.cloned().map(Judge);
    for message in messages {
        let message = documents(context, message, found)?;
        let message = results((context, judge.as_ref()), message, found).await?;
        let parts = words(context, &message.parts, found).await?;
        let quoted = quotes(context, &message, found).await?;
        let message = if parts.is_none() && !quoted {
            message
        } else {
            let Message { role, parts: as_they_were, .. } = Message::clone(&message);
            // What the protocol says of it may quote the words as they were.
            Arc::new(Message::new(role, parts.unwrap_or(as_they_were)))
        };
        let message = screened(context, message, found)?;
        safe.push(match &judge {
            Some(judge) => judge.said_before(message, found)?,
            None => message,
        });
    }
    Ok(safe)
}

/// The message with its documents in the letters that they are read in, and without those that nobody can
/// read although they claim to be words.
fn documents(
    context: &StageContext,
    mut message: Arc<Message>,
    found: &mut Vec<FindingRecord>,
) -> Result<Arc<Message>> {
    for index in 0..message.parts.len() {
        let Some(part) = message.parts.get(index) else { continue };
        let Body::Media(media) = &part.body else { continue };
        let mut told = document::settled(media);
        let policy = *context.guard.injection();
        if let Some(unread) = document::unread(policy, part.id, "the history", media) {
            found.push(unread.finding);
            if let Some(error) = unread.blocked {
                return Err(error);
            }
            told = unread.told;
        }
        let Some(told) = told else { continue };
        if let Some(part) = Arc::make_mut(&mut message).parts.get_mut(index) {
            (part.body, part.native) = (Body::Media(told), None);
        }
    }
    Ok(message)
}

/// The message with what documents of tool results say after the stages that a tool's result passes.
async fn results(
    (context, judge): (&StageContext, Option<&Judge>),
    mut message: Arc<Message>,
    found: &mut Vec<FindingRecord>,
) -> Result<Arc<Message>> {
    let mut stages: Vec<&dyn Stage<ResultDraft>> = vec![&GuardResult, &ScreenResult];
    stages.extend(judge.map(|judge| judge as &dyn Stage<ResultDraft>));
    for index in 0..message.parts.len() {
        let Some(part) = message.parts.get(index) else { continue };
        let Body::ToolResult(result) = &part.body else { continue };
        if result.media.is_empty() {
            continue;
        }
        let (effect, _) = part.id.into();
        let context = StageContext { effect: EffectId::new(effect), ..context.clone() };
        let mut draft = ResultDraft {
            tool: "".into(),
            // Its words are looked at as those of every part are.
            output: ToolOutput { media: result.media.clone(), ..ToolOutput::text("") },
            label: part.label,
            whole: None,
            max_chars: usize::MAX,
        };
        for stage in &stages {
            let ruling = ruling(*stage, &context, &draft).await?;
            found.extend(ruling.findings);
            match ruling.verdict {
                Verdict::Replace(new) => draft = new,
                Verdict::Block(error) => return Err(error),
                _ => {}
            }
        }
        if draft.output.media == result.media && draft.label == part.label {
            continue;
        }
        if let Some(part) = Arc::make_mut(&mut message).parts.get_mut(index) {
            (part.label, part.native) = (draft.label, None);
            if let Body::ToolResult(result) = &mut part.body {
                result.media = draft.output.media;
            }
        }
    }
    Ok(message)
}

/// The message without what is withheld of it: a history comes from wherever it was kept.
fn screened(
    context: &StageContext,
    message: Arc<Message>,
    found: &mut Vec<FindingRecord>,
) -> Result<Arc<Message>> {
    if message.role == Role::System {
        return Ok(message);
    }
    let mut told: Vec<(usize, Arc<str>, Tell)> = Vec::new();
    for (index, part) in message.parts.iter().enumerate() {
        for (one, tell) in in_all(context, &message, part, "the history") {
            found.push(one.finding);
            if let Some(error) = one.blocked {
                return Err(error);
            }
            told.extend(one.text.map(|text| (index, text, tell)));
        }
    }
    if told.is_empty() {
        return Ok(message);
    }
    let Message { role, mut parts, .. } = Message::clone(&message);
    for (index, text, tell) in told {
        let Some(part) = parts.get_mut(index) else { continue };
        part.native = None;
        tell(&mut part.body, &text);
    }
    Ok(Arc::new(Message::new(role, parts)))
}

/// What is said, with what is not as it was.
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

/// Whether there is something to take out of what the protocol says of a message as a whole.
async fn quotes(
    context: &StageContext,
    message: &Message,
    found: &mut Vec<FindingRecord>,
) -> Result<bool> {
    let Some(native) = &message.native else { return Ok(false) };
    let part = message.parts.first().map(|part| part.id).unwrap_or_default();
    let (label, fields) = (message.label().unwrap_or_default(), native.fields.as_str());
    let guarded = context.guard.json(part, "a message", label, fields).await?;
    found.extend(guarded.findings);
    Ok(guarded.text.is_some())
}
