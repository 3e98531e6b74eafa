//! Answers with help whoever means to harm themselves, before a model is asked.

use futures::future::BoxFuture;
use largestack_guard::content::SelfHarmPolicy;
use largestack_types::errors::{GuardrailBlockedError, Result};
use largestack_types::message::Role;

use crate::stage::{ModelTurn, Ruling, Stage, StageContext, Verdict};

/// The name of the stage, and the guard's type of what it refuses.
pub(crate) const SELF_HARM: &str = "self_harm";

/// Looks at what a person has said since the last answer.
pub(crate) struct Help {
    pub(crate) policy: SelfHarmPolicy,
    /// Whether answers have a shape, which no text of help fits: then it is what the error says.
    pub(crate) typed: bool,
}

impl Help {
    fn verdict(&self, turn: &ModelTurn) -> Verdict<ModelTurn> {
        let since = turn.messages.iter().rev().take_while(|said| said.role != Role::Assistant);
        let mut asked = since.filter(|message| message.role == Role::User);
        match asked.find_map(|message| self.policy.answer(&message.text())) {
            None => Verdict::Continue,
            Some(help) if self.typed => {
                let (guard_type, detail) = (SELF_HARM.into(), help.to_owned());
                Verdict::Block(GuardrailBlockedError { guard_type, detail }.into())
            }
            Some(help) => Verdict::interrupt(help),
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
