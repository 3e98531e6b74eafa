//! Events that were sent to a run, for nodes that wait for them. The driver looks when nothing else is
//! under way.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures::future::BoxFuture;
use largestack_engine::graph::EventReceived;
use largestack_ports::signals::Waiting;
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::id::EffectId;
use largestack_types::label::{Label, Origin};

use super::Drive;
use crate::control::Signal;

/// How long an event may be there at most before a run hears it that is driven only for its timers.
const LOOK: Duration = Duration::from_secs(1);

impl Drive {
    /// Whether a run in which nothing is under way goes on: it was cancelled, or an event has come that
    /// a node waits for. Who wants its end is heard first.
    pub(super) async fn hears_something(&mut self) -> Result<bool> {
        match poll_fn(|cx| Poll::Ready(self.control.poll(cx))).await {
            Poll::Ready(signal @ Signal::Cancel(_)) => self.obey(signal).map(|()| true),
            Poll::Ready(_) => Ok(false),
            Poll::Pending => self.hears_event().await,
        }
    }

    /// Whether an event has come that a node waits for.
    pub(super) async fn hears_event(&mut self) -> Result<bool> {
        let journal = Arc::clone(&self.core.runtime.journal);
        let Some(signals) = journal.signals() else { return Ok(false) };
        let (scope, run, root) = (self.lease.scope.clone(), self.run.id(), self.run.root());
        let listening = self.run.listening().map(|(effect, name)| (effect, Arc::clone(name)));
        let listening: Vec<(EffectId, Arc<str>)> = listening.collect();
        for (effect, event) in listening {
            let waiting = Waiting { root, by: (run, effect), name: &event, until: None };
            let Some(kept) = signals.take(&scope, waiting).await? else { continue };
            let data = kept.signal.data.to().map_err(|error| {
                LargestackError::other(Code::Unknown, format!("an event is no JSON: {error}"))
            })?;
            let said = (data, Label::from_origin(Origin::Tool));
            let guarded = self.own.protect_from_outside(effect, "an event", said).await?;
            self.was_given(&guarded.value);
            let (data, label) = (guarded.value, guarded.label);
            self.note(EventReceived { event, data, by: kept.signal.by, label })?;
            // Which node heard it decides what is waited for now.
            return Ok(true);
        }
        Ok(false)
    }

    /// The moment to look again, where a node waits for an event while nothing but the time of others
    /// goes on: who sends one wakes whoever takes the run up, and nobody does while it is driven.
    pub(super) fn look_again(&self) -> Option<BoxFuture<'static, ()>> {
        let listens = self.in_flight.is_empty()
            && self.run.listening().next().is_some()
            && self.core.runtime.journal.signals().is_some();
        listens.then(|| self.core.runtime.clock.sleep(LOOK))
    }
}
