//! A reply as it may be recorded: numbered and labelled, then through the stages of replies.

use std::sync::Arc;
use std::time::Duration;

use largestack_engine::event::{CallRecord, FindingRecord};
use largestack_ports::model::Answer;
use largestack_types::errors::LargestackError;
use largestack_types::id::EffectId;
use largestack_types::message::Message;

use super::Drive;
use super::land::micros;
use crate::stage::{ReplyDraft, Verdict, ruling};

/// What came of a reply.
pub(super) enum Heard {
    /// It may be recorded; with what guards found in it.
    Said(Message, CallRecord, Vec<(&'static str, Vec<FindingRecord>)>),
    /// A stage has refused it; with what guards found in it.
    Refused(LargestackError, CallRecord, Vec<(&'static str, Vec<FindingRecord>)>),
}

impl Drive {
    pub(super) async fn hear(
        &mut self,
        effect: EffectId,
        answer: Answer,
        (took, first_byte): (Duration, Option<Duration>),
    ) -> Heard {
        let Answer { reply, call } = answer;
        let mut message = self.run.adopt(effect, reply.parts);
        let record = CallRecord {
            model: reply.model,
            reply_id: reply.id,
            finish_reason_raw: reply.finish_reason_raw,
            usage: reply.usage,
            raw_usage: reply.raw_usage,
            extras: reply.extras,
            duration_us: micros(took),
            first_byte_us: first_byte.map(micros),
            ..call
        };
        let mut found = Vec::new();
        let (context, core) = (self.stage_context(effect), Arc::clone(&self.core));
        let mut draft = ReplyDraft { parts: std::mem::take(&mut message.parts) };
        for stage in &core.pipeline.reply {
            match ruling(&**stage, &context, &draft).await {
                Ok(ruling) => {
                    if !ruling.findings.is_empty() {
                        found.push((stage.name(), ruling.findings));
                    }
                    match ruling.verdict {
                        Verdict::Replace(new) => draft = new,
                        Verdict::Block(error) => return Heard::Refused(error, record, found),
                        _ => {}
                    }
                }
                Err(error) => {
                    found.push((stage.name(), context.guard.noted_of(effect)));
                    return Heard::Refused(error, record, found);
                }
            }
        }
        message.parts = draft.parts;
        Heard::Said(message, record, found)
    }
}
