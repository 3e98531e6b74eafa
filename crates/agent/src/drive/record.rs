//! Recording: an event is folded, queued, appended with whatever goes into the same write, and
//! told to the listener.

use std::sync::Arc;

use bytes::Bytes;
use largestack_engine::Recorded;
use largestack_engine::event::{Event, FindingRecord, Guarded};
use largestack_ports::journal::{Batch, LedgerLine, RunSummary};
use largestack_ports::sessions::Remembered;
use largestack_types::errors::{LargestackError, Result};
use largestack_types::hash::Hash;
use largestack_types::id::EffectId;

use super::Drive;
use crate::event::RunEvent;

/// Characters of the question that lists show.
const SHOWN: usize = 120;

/// What goes into the next append.
#[derive(Default)]
pub(super) struct Outbox {
    pub(super) events: Vec<Recorded>,
    pub(super) ledger: Vec<LedgerLine>,
    pub(super) blobs: Vec<(Hash, Bytes)>,
    pub(super) summary: Option<RunSummary>,
    pub(super) memory: Option<Remembered>,
    /// Recorded, and not yet told to the listener.
    pub(super) told: Vec<Recorded>,
}

impl Drive {
    /// Folds an event and queues it for the next append.
    pub(crate) fn note(&mut self, event: Event) -> Result<()> {
        self.run.apply(&event).map_err(|error| LargestackError::from_coded(&error))?;
        let at = self.core.runtime.clock.now();
        let recorded = Recorded { seq: self.run.seq(), at, event: Arc::new(event) };
        self.captures.noted(&self.run, &recorded);
        if self.sink.is_some() {
            self.outbox.told.push(recorded.clone());
        }
        self.outbox.events.push(recorded);
        Ok(())
    }

    /// Notes what a guard found, if it found anything.
    pub(super) fn note_findings(
        &mut self,
        effect: EffectId,
        stage: &str,
        findings: Vec<FindingRecord>,
    ) -> Result<()> {
        if findings.is_empty() {
            return Ok(());
        }
        self.note(Event::Guarded(Guarded { effect, stage: stage.into(), findings }))
    }

    /// Appends what is queued. Waits for nothing.
    pub(super) fn flush(&mut self) -> Result<()> {
        if self.outbox.events.is_empty() && self.outbox.summary.is_none() {
            return Ok(());
        }
        let batch = Batch {
            events: std::mem::take(&mut self.outbox.events),
            ledger: std::mem::take(&mut self.outbox.ledger),
            blobs: std::mem::take(&mut self.outbox.blobs),
            summary: self.outbox.summary.take(),
            memory: self.outbox.memory.take(),
        };
        self.core.runtime.journal.append(&self.lease, batch)
    }

    /// Makes what happened so far durable, before somebody relies on it.
    pub(crate) async fn acknowledge(&mut self) -> Result<()> {
        self.flush()?;
        self.core.runtime.journal.durable_run(&self.lease).await?;
        self.tell().await;
        Ok(())
    }

    /// Tells the listener what has been appended. One that went away is not missed: whoever owns
    /// the stream owns the run.
    pub(super) async fn tell(&mut self) {
        let Some(sink) = self.sink.clone() else { return };
        for recorded in std::mem::take(&mut self.outbox.told) {
            if sink.send(RunEvent::Fact(recorded)).await.is_err() {
                self.sink = None;
                return;
            }
        }
    }

    /// The run's line in lists, as it stands.
    pub(super) fn summary(&self) -> RunSummary {
        let (run, definition) = (&self.run, self.run.definition());
        RunSummary {
            run: run.id(),
            root: run.root(),
            agent: Arc::clone(&definition.agent),
            model: Arc::clone(&definition.model),
            definition: self.first.hash,
            status: run.status(),
            reason: run.end().map(|end| end.reason),
            input: shown(&self.asked.text()),
            seq: run.seq(),
            turns: run.turns(),
            usage: run.usage(),
            cost: run.cost(),
            started: self.started,
            updated: self.core.runtime.clock.now(),
            engine: None,
        }
    }
}

/// The beginning of a question, for lists.
pub(crate) fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}
