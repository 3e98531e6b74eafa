//! Having the older part of a conversation summed up: a model call like any other, except that nobody
//! hears its words and that the run goes on without it where it fails.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use largestack_engine::Effect;
use largestack_engine::event::{EffectStarted, Event, Summarised};
use largestack_ports::model::Answer;
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::id::EffectId;
use largestack_types::reply::FinishReason;

use super::Drive;
use super::heard::Heard;

impl Drive {
    pub(super) fn start_digest(&mut self, id: EffectId, attempt: u32) -> Result<()> {
        let Some(mut call) = self.run.digest_call() else { return Ok(()) };
        self.light(&mut call);
        self.note(Event::EffectStarted(EffectStarted { effect: id, attempt }))?;
        let asking = self.asking(id, None);
        self.running.push(Effect::Digest { id, attempt });
        self.in_flight.push(asking.ask(call).boxed());
        Ok(())
    }

    pub(super) async fn summed_up(
        &mut self,
        effect: EffectId,
        answer: Answer,
        took: (Duration, Option<Duration>),
    ) -> Result<()> {
        let whole = answer.reply.finish_reason == FinishReason::Stop;
        let (message, call, found) = match self.hear(effect, answer, took).await {
            Heard::Said(message, call, found) => (message, call, found),
            Heard::Refused(error, call, found) => {
                return self.reply_refused(effect, error, (call, found));
            }
        };
        if !whole || message.text().trim().is_empty() {
            let error = LargestackError::other(Code::Provider, "the model gave no whole summary");
            return self.model_failed(effect, error, call);
        }
        self.book(&call);
        let summary = Arc::new(self.run.digest_of(effect, &message));
        self.note(Event::Summarised(Summarised { effect, summary, call }))?;
        for (stage, findings) in found {
            self.note_findings(effect, stage, findings)?;
        }
        Ok(())
    }
}
