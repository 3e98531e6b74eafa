//! Whether an answer fits: the part of the fold that is about structured answers.

use std::sync::Arc;

use largestack_types::errors::OutputError;
use largestack_types::id::EffectId;
use largestack_types::message::{Message, Role};
use serde_json::Value;

use super::{ModelSlot, Phase, Run};
use crate::event::OutputChecked;
use crate::output;
use crate::status::{End, EndReason, Limit};

/// An answer that is being looked at.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(super) struct Check {
    pub(super) slot: ModelSlot,
    /// How the run ends when the answer fits.
    end: End,
}

impl Run {
    /// Holds an end back until it is known whether the answer fits. An end without an answer (the
    /// model declined, a filter cut it off, the provider failed) needs no look.
    pub(super) fn check_before_the_end(&mut self) {
        let Some(end) = self.conclusion.take_if(|end| {
            self.definition.output.is_some()
                && !matches!(
                    end.reason,
                    EndReason::Error | EndReason::Refusal | EndReason::ContentFilter
                )
        }) else {
            return;
        };
        let effect = EffectId::new(self.next);
        self.next += 1;
        let slot = ModelSlot { effect, attempt: 1, started: false };
        self.phase = Phase::Check(Check { slot, end });
    }

    pub(super) fn output_checked(&mut self, data: &OutputChecked) -> bool {
        let Phase::Check(check) = &self.phase else { return false };
        if check.slot.effect != data.effect {
            return false;
        }
        let end = check.end.clone();
        self.phase = Phase::Over;
        if self.conclusion.is_some() || self.cancel.is_some() {
            // Cut off from outside; why was recorded before.
            return true;
        }
        if let Some(error) = &data.raise {
            self.conclusion = Some(End::failed(error.clone()));
        } else if let Some(feedback) = &data.feedback {
            self.sent_back += 1;
            self.push(Arc::clone(feedback));
            self.await_model();
            if self.turns >= self.definition.limits.max_turns {
                self.reach(Limit::MaxTurns);
            }
        } else if data.problems.is_empty() {
            self.accepted = true;
            self.value.clone_from(&data.value);
            self.conclusion = Some(end);
            self.gate_before_the_end();
        } else {
            let (problems, attempts) = (data.problems.clone(), self.sent_back + 1);
            self.conclusion = Some(End::failed(OutputError { problems, attempts }));
        }
        true
    }

    /// Whether an answer that does not fit may be sent back once more.
    pub fn may_send_back(&self) -> bool {
        let retries = self.definition.output.map_or(0, |rule| rule.retries);
        self.last_turn.is_none() && self.sent_back < retries
    }

    /// How often an answer was sent back.
    pub fn sent_back(&self) -> u32 {
        self.sent_back
    }

    /// The answer that is looked at, or was, and whether the model ended it by itself.
    pub fn answer(&self) -> Option<(&Arc<Message>, bool)> {
        let last = self.own_messages().iter().rev();
        let answer = last.into_iter().find(|message| message.role == Role::Assistant)?;
        let cut = match (&self.phase, &self.end, &self.conclusion) {
            (Phase::Check(check), ..) => &check.end,
            (_, Some(end), _) | (_, None, Some(end)) => end,
            _ => return Some((answer, true)),
        };
        Some((answer, cut.reason != EndReason::Length))
    }

    /// The value of an answer that was found to fit, as the journal holds it: placeholders in place
    /// of sensitive values, and not taken out of the object it may have been put into.
    pub fn value(&self) -> Option<Value> {
        if !self.accepted {
            return None;
        }
        if let Some(value) = &self.value {
            return value.to().ok();
        }
        let (answer, whole) = self.answer()?;
        let mut value = output::read(&answer.parts, whole).ok()?;
        let schema = self.definition.settings.output_schema.as_ref()?;
        output::without_needless_nulls(&schema.schema.to().ok()?, &mut value);
        Some(value)
    }

    /// Losses of this run that its calls reported: settings and keywords of schemas that a provider
    /// does not take, each once, as `dropped:<what>`.
    pub fn dropped(&self) -> &[Arc<str>] {
        &self.dropped
    }

    pub(super) fn note_losses(&mut self, flags: &[Arc<str>]) {
        for flag in flags.iter().filter(|flag| flag.starts_with("dropped:")) {
            if !self.dropped.contains(flag) {
                self.dropped.push(Arc::clone(flag));
            }
        }
    }
}
