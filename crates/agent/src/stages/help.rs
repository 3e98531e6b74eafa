//! Answers with help whoever means to harm themselves, before a model is asked.
//!
//! What a person says is heard as they have said it, before anything is taken out of it, and help comes
//! before everything that others would refuse: who is in need is told where help is, whatever else their
//! message says.

use std::sync::Arc;

use futures::future::BoxFuture;
use largestack_engine::event::FindingRecord;
use largestack_guard::content::{ContentPolicy, SelfHarmAction, SelfHarmPolicy};
use largestack_types::errors::{GuardrailBlockedError, LargestackError, Result};
use largestack_types::label::Origin;
use largestack_types::message::{Message, Role};
use largestack_types::part::Part;

use crate::stage::{ModelTurn, Ruling, Stage, StageContext, Verdict};

/// The name of the stage, and the guard's type of what it refuses.
pub(crate) const SELF_HARM: &str = "self_harm";

/// What stands in the place of a message that was answered with help and that others would refuse.
const WITHHELD: &str = "[Left out here: a message that was answered with help.]";

/// Hears what a person has said since the last answer.
#[derive(Clone)]
pub(crate) struct Help {
    policy: SelfHarmPolicy,
    /// Whether answers have a shape, which no text of help fits: then it is what the error says.
    typed: bool,
}

/// What was heard of somebody who means to harm themselves.
pub(crate) struct Heard {
    pub(crate) finding: FindingRecord,
    /// What they are told, where the policy helps.
    pub(crate) told: Option<Told>,
}

/// What they are told, and how.
pub(crate) enum Told {
    /// In the place of an answer.
    Answer(Arc<str>),
    /// As what the error says: an answer would have to have a shape.
    Error(LargestackError),
}

impl Help {
    /// `None` where it is not listened.
    pub(crate) fn of(content: &ContentPolicy, typed: bool) -> Option<Self> {
        let policy = content.self_harm.clone();
        (policy.action != SelfHarmAction::Allow).then_some(Self { policy, typed })
    }

    /// Whether somebody is told something.
    pub(crate) fn helps(&self) -> bool {
        self.policy.action == SelfHarmAction::Help
    }

    /// What is heard in what is asked, and in what the same person has said before it without an answer.
    pub(crate) fn hear(&self, before: &[Arc<Message>], asked: &Message) -> Option<Heard> {
        let since = unanswered(before);
        // What an agent asks another may quote a page that says it.
        let asked = Some(asked).filter(|asked| by_a_person(asked));
        let mut said = asked.into_iter().chain(since.map(|message| &**message));
        let (message, language) = said.find_map(|one| Some((one, self.language(one)?)))?;
        let finding = FindingRecord {
            part: message.parts.first().map(|part| part.id).unwrap_or_default(),
            kind: SELF_HARM.into(),
            start: 0,
            end: u32::try_from(words(message).len()).unwrap_or(u32::MAX),
            action: self.policy.action.name().into(),
        };
        Some(Heard { finding, told: self.told(language) })
    }

    /// What is heard in messages of which the last may be the model's.
    pub(crate) fn told_after(&self, messages: &[Arc<Message>]) -> Option<Told> {
        self.told(unanswered(messages).find_map(|message| self.language(message))?)
    }

    fn language(&self, message: &Message) -> Option<&'static str> {
        self.policy.hears(&words(message))
    }

    fn told(&self, language: &str) -> Option<Told> {
        let told = self.policy.told(language)?;
        Some(if self.typed { Told::Error(error(told)) } else { Told::Answer(told.into()) })
    }

    /// Whether a hook's answer is a text of help: the operator's own words, which nothing is taken out of.
    pub(crate) fn is_told(&self, hook: &str, answer: &str) -> bool {
        let mut languages = SelfHarmPolicy::languages();
        hook == SELF_HARM && languages.any(|language| self.policy.told(language) == Some(answer))
    }
}

impl Told {
    /// As an error, where there is no run that could answer.
    pub(crate) fn into_error(self) -> LargestackError {
        match self {
            Self::Answer(told) => error(&told),
            Self::Error(error) => error,
        }
    }
}

fn error(told: &str) -> LargestackError {
    GuardrailBlockedError { guard_type: SELF_HARM.into(), detail: told.to_owned() }.into()
}

/// What a person says in a message; documents that they attach are not their words.
fn words(message: &Message) -> String {
    let parts: Vec<&str> = message.parts.iter().filter_map(Part::as_text).collect();
    parts.join("\n")
}

/// What people have said since the last answer. What stands there under their name without being theirs,
/// a summary of what was said before or a hook's note, is not heard again.
fn unanswered(messages: &[Arc<Message>]) -> impl Iterator<Item = &Arc<Message>> {
    let since = messages.iter().rev().take_while(|said| said.role != Role::Assistant);
    since.filter(|message| by_a_person(message))
}

/// Whether a person says it, and nobody in their place.
fn by_a_person(message: &Message) -> bool {
    let origins = message.label().map(|label| label.origins).unwrap_or_default();
    let made = origins.contains(Origin::Agent) || origins.contains(Origin::Operator);
    message.role == Role::User && !made
}

/// Leaves of a message only that it was answered: others would refuse it, and a later turn reads what a
/// conversation holds.
pub(crate) fn withhold(message: &mut Message) {
    let label = message.label().unwrap_or_default();
    let id = message.parts.first().map(|part| part.id).unwrap_or_default();
    *message = Message::of_text(message.role, id, label, WITHHELD);
}

impl Help {
    fn verdict(&self, turn: &ModelTurn) -> Verdict<ModelTurn> {
        match self.told_after(&turn.messages) {
            None => Verdict::Continue,
            Some(Told::Error(error)) => Verdict::Block(error),
            Some(Told::Answer(help)) => Verdict::interrupt(help),
        }
    }
}

impl Stage<ModelTurn> for Help {
    fn name(&self) -> &'static str {
        SELF_HARM
    }

    fn at_once(&self, _: &StageContext, turn: &ModelTurn) -> Option<Result<Ruling<ModelTurn>>> {
        Some(Ok(Ruling::of(self.verdict(turn))))
    }

    fn apply<'a>(
        &'a self,
        _: &'a StageContext,
        turn: &'a ModelTurn,
    ) -> BoxFuture<'a, Result<Ruling<ModelTurn>>> {
        Box::pin(std::future::ready(Ok(Ruling::of(self.verdict(turn)))))
    }
}
