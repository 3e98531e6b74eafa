//! The second half of an exchange, where the reply is one body.

use bytes::Bytes;
use futures::StreamExt as _;
use largestack_ports::model::Answer;
use largestack_types::errors::{LargestackError, ProviderError, Result};
use largestack_wire::{Accumulator, DecodeError, Frame, Outcome};

use super::send::Sent;
use crate::excerpt;
use crate::job::{Job, Notes};
use crate::route::There;

/// The largest body that is taken: a reply with media fits, an endless one does not fill the
/// memory.
const MAX_BODY_BYTES: usize = 64 << 20;

/// Reads the body and decodes it.
pub(super) async fn read(mut sent: Sent, there: &There, job: &Job) -> Result<Box<Answer>> {
    let body = collect(&mut sent, there).await?;
    let mut accumulator = Accumulator::new();
    let decoder = &mut sent.decoder;
    let read = decoder
        .push(Frame::whole(&body), &mut |event| accumulator.push(&event))
        .and_then(|()| decoder.finish(&mut |event| accumulator.push(&event)));
    let outcome = accumulator.finish();
    job.notes().usage = Some(outcome.reply.usage).filter(|_| outcome.reply.raw_usage.is_some());
    read.map_err(|error| unreadable(there, &error, &body))?;
    answer(outcome, &mut job.notes())
}

/// What became of a reply that was decoded to its end.
pub(super) fn answer(outcome: Outcome, notes: &mut Notes) -> Result<Box<Answer>> {
    let Outcome { reply, fault, reports } = outcome;
    if let Some(fault) = fault {
        return Err(fault);
    }
    for report in reports {
        notes.flag(if report.starts_with("malformed") {
            "malformed_frame"
        } else {
            "unknown_frame"
        });
    }
    Ok(Box::new(Answer { reply, ..Answer::default() }))
}

async fn collect(sent: &mut Sent, there: &There) -> Result<Bytes> {
    let mut body = sent.body.next().await.transpose()?.unwrap_or_default();
    let Some(second) = sent.body.next().await else { return Ok(body) };
    let mut all = Vec::from(std::mem::take(&mut body));
    all.extend_from_slice(&second?);
    while let Some(chunk) = sent.body.next().await {
        all.extend_from_slice(&chunk?);
        if all.len() > MAX_BODY_BYTES {
            return Err(DecodeError::EventTooLarge { limit: MAX_BODY_BYTES }.at(&there.target));
        }
    }
    Ok(all.into())
}

pub(crate) fn unreadable(there: &There, error: &DecodeError, body: &[u8]) -> LargestackError {
    match error.at(&there.target) {
        LargestackError::ProviderError(failure) => {
            let detail = format!("{}; it begins: {}", failure.detail, excerpt::of(body));
            ProviderError { detail, ..*failure }.into()
        }
        other => other,
    }
}
