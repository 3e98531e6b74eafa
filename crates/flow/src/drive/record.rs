//! Recording: an event is folded, queued, appended with whatever goes into the same write, and told
//! to the listener.

use std::sync::Arc;

use bytes::Bytes;
use largestack_engine::Recorded;
use largestack_engine::event::{Event, FindingRecord, Guarded};
use largestack_engine::graph::GraphRun;
use largestack_ports::journal::{Batch, RunSummary};
use largestack_types::errors::{LargestackError, Result};
use largestack_types::hash::Hash;
use largestack_types::id::EffectId;
use largestack_types::money::Money;
use largestack_types::time::Timestamp;
use largestack_types::usage::Usage;

use super::Drive;
use crate::event::FlowEvent;

/// What stands in lists where an agent's run names its model.
pub const NO_MODEL: &str = "workflow";

/// What goes into the next append.
#[derive(Default)]
pub(super) struct Outbox {
    events: Vec<Recorded>,
    pub(super) blobs: Vec<(Hash, Bytes)>,
    pub(super) summary: Option<RunSummary>,
    /// Recorded, and not yet told to the listener.
    told: Vec<Recorded>,
}

impl Drive {
    /// Folds an event and queues it for the next append.
    pub(super) fn note(&mut self, event: impl Into<Event>) -> Result<()> {
        let event = event.into();
        self.run.apply(&event).map_err(|error| LargestackError::from_coded(&error))?;
        let at = self.core.runtime.clock.now();
        let recorded = Recorded { seq: self.run.seq(), at, event: Arc::new(event) };
        if self.sink.is_some() {
            self.outbox.told.push(recorded.clone());
        }
        self.outbox.events.push(recorded);
        Ok(())
    }

    /// Notes what a guard found, if it found anything.
    pub(super) fn note_findings(
        &mut self,
        (effect, stage): (EffectId, &str),
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
            blobs: std::mem::take(&mut self.outbox.blobs),
            summary: self.outbox.summary.take(),
            ..Batch::default()
        };
        self.core.runtime.journal.append(&self.lease, batch)
    }

    /// Makes what happened so far durable, before somebody relies on it.
    pub(crate) async fn acknowledge(&mut self) -> Result<()> {
        self.flush()?;
        self.core.runtime.journal.durable_run(&self.lease).await
    }

    /// Tells the listener what has been appended.
    pub(super) async fn tell(&mut self) {
        let Some(sink) = self.sink.clone() else { return };
        for recorded in std::mem::take(&mut self.outbox.told) {
            if !sink.send(FlowEvent::Fact(recorded)).await {
                self.sink = None;
                return;
            }
        }
    }

    /// The run's line in lists, as it stands. What agents below it have used is in their own lines.
    pub(super) fn summary(&self) -> RunSummary {
        let times = (self.started, self.core.runtime.clock.now());
        line(&self.run, (self.core.hash, self.asked.clone()), times)
    }
}

/// A run's line in lists.
pub(crate) fn line(
    run: &GraphRun,
    (definition, input): (Hash, String),
    (started, updated): (Timestamp, Timestamp),
) -> RunSummary {
    RunSummary {
        run: run.id(),
        root: run.root(),
        agent: Arc::clone(&run.graph().graph().name),
        model: NO_MODEL.into(),
        definition,
        status: run.status(),
        reason: run.end().map(|end| end.reason),
        input,
        seq: run.seq(),
        turns: u32::try_from(run.tasks()).unwrap_or(u32::MAX),
        usage: Usage::default(),
        cost: Money::ZERO,
        started,
        updated,
        engine: None,
    }
}
