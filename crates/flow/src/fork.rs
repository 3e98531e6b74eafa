//! Forking a workflow's run: its events up to one of them and a new future behind. Nodes that were done
//! there are done; what was paid for there is not paid for again, and what was done is not undone here.

use std::sync::Arc;

use largestack_agent::parent::{Claimed, ParentRun};
use largestack_engine::event::{Forked, Written};
use largestack_engine::graph::GraphRun;
use largestack_engine::{End, Event, Recorded};
use largestack_ports::ids::MakeId as _;
use largestack_ports::journal::Batch;
use largestack_ports::tree::Doubts;
use largestack_types::error::Coded as _;
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::id::{EffectId, RunId};
use largestack_types::label::{Label, Origin};
use largestack_types::scope::Scope;
use largestack_types::time::Timestamp;
use serde_json::{Map, Value};

use crate::drive::line;
use crate::workflow::{Workflow, fold};

/// What a fork has in common with its run, and what differs.
#[derive(Clone, Debug, Default)]
pub struct FlowFork {
    /// The last event that both have, from 1.
    pub at: u64,
    /// The id of the fork, where the caller chose it.
    pub id: Option<RunId>,
    /// What stands in the state from there on, by key, in the place of what stood there: for nodes that
    /// had been reached and were not over as well.
    pub state: Map<String, Value>,
}

impl Workflow {
    /// Makes a run that has the events of another one of this workflow up to [`FlowFork::at`], and then
    /// a future of its own: [`Workflow::resume`] goes on with it. That run is left as it is, also while
    /// it is under way. `LARGESTACK_INPUT` says what does not apply at that place.
    pub async fn fork(&self, scope: &Scope, run: RunId, fork: FlowFork) -> Result<RunId> {
        let runtime = &self.0.runtime;
        let events = runtime.journal.read(scope, run, 0).await?;
        // Whether it is a run of this workflow.
        self.fold(run, &events)?;
        let shared = prefix(run, &events, fork.at)?;
        let id = fork.id.unwrap_or_else(|| runtime.ids.run_id(runtime.clock.now()));
        let folded = fold(id, &self.0.checked, shared)?;
        let mut values = folded.branch().map(|branch| branch.values.clone()).unwrap_or_default();
        values.push(run);
        let written = self.known(fork.state)?;
        let (at, by) = (folded.seq(), scope.principal().into());
        let forked = Forked { of: run, at, by, input: None, adjusted: None, values, written };
        // Before the guard sees it, and the vault with it: what does not apply leaves nothing behind.
        leave(&mut folded.clone(), &Event::Forked(forked.clone()))?;
        let claimed = Claimed::of(runtime, scope, id).await?;
        let written = self.write(&claimed, (shared, forked), folded).await;
        claimed.settled(written).await
    }

    /// What is to stand in the state, as it was said; its keys are the workflow's.
    fn known(&self, state: Map<String, Value>) -> Result<Option<Box<Written>>> {
        let unknown = state.keys().find(|key| !self.graph().has_key(key));
        if let Some(key) = unknown {
            let detail = format!("`{key}` is no key of the workflow `{}`", self.graph().name);
            let advice = "A fork writes what runs are given and what nodes write";
            return Err(LargestackError::with_advice(Code::Input, detail, advice));
        }
        let label = Label::from_origin(Origin::User);
        Ok((!state.is_empty()).then(|| Box::new(Written { values: state, label })))
    }

    /// The values of the state, after the guard.
    async fn guarded(
        &self,
        (scope, id): (&Scope, RunId),
        said: Written,
        (values, shared): (&[RunId], &[Recorded]),
    ) -> Result<Written> {
        let of = (scope.clone(), id);
        let own =
            ParentRun::new(self.0.runtime.clone(), of, self.0.policy, (None, Doubts::default()))
                .await?;
        let own = own.remembering(self.0.policy, values, shared).await?;
        let said = (Value::Object(said.values), said.label);
        let guarded = own.protect_from_outside(EffectId::INPUT, "the state", said).await?;
        let Value::Object(values) = guarded.value else {
            return Err(LargestackError::other(Code::Unknown, "a guarded object is none"));
        };
        Ok(Written { values, label: guarded.label })
    }

    async fn write(
        &self,
        claimed: &Claimed<'_>,
        (shared, mut forked): (&[Recorded], Forked),
        mut folded: GraphRun,
    ) -> Result<RunId> {
        let runtime = &self.0.runtime;
        let (journal, now) = (&runtime.journal, runtime.clock.now());
        let Some(lease) = claimed.lease() else {
            return Err(LargestackError::other(Code::Unknown, "a lease was lost"));
        };
        if !journal.read(&lease.scope, lease.run, 0).await?.is_empty() {
            let detail = format!("{} is there already", lease.run);
            return Err(LargestackError::other(Code::Conflict, detail));
        }
        if let Some(said) = forked.written.take() {
            let of = (&lease.scope, lease.run);
            let guarded = self.guarded(of, *said, (&forked.values, shared)).await;
            if guarded.is_err() {
                // There is no run to which these could belong; the error that led here says more.
                let _ = runtime.vault.erase(&lease.scope, lease.run).await;
            }
            forked.written = Some(Box::new(guarded?));
        }
        let (of, at) = (forked.of, forked.at);
        let forked = Event::Forked(forked);
        leave(&mut folded, &forked)?;
        let mut events = shared.to_vec();
        events.push(Recorded { seq: folded.seq(), at: now, event: Arc::new(forked) });
        // The run that was forked may be removed at this moment, and its definition with it.
        let blobs = vec![(self.0.hash, self.0.sealed.clone())];
        let summary = Some(self.line(&folded, shared, (now, now)));
        journal.append(lease, Batch { events, blobs, summary, ..Batch::default() })?;
        journal.durable_run(lease).await?;
        if !journal.read(&lease.scope, of, at.saturating_sub(1)).await?.is_empty() {
            journal.release(lease).await?;
            return Ok(folded.id());
        }
        // Once the fork is written it keeps the run from being removed; that came too late.
        let error =
            LargestackError::other(Code::Conflict, format!("{of} was removed while it was forked"));
        let event = Event::RunFinished(End::failed(error.clone()));
        folded.apply(&event).map_err(|error| LargestackError::from_coded(&error))?;
        let end = Recorded { seq: folded.seq(), at: now, event: Arc::new(event) };
        let summary = Some(self.line(&folded, shared, (now, now)));
        journal.append(lease, Batch { events: vec![end], summary, ..Batch::default() })?;
        journal.durable_run(lease).await?;
        Err(error)
    }

    /// The fork's line in lists.
    fn line(
        &self,
        folded: &GraphRun,
        shared: &[Recorded],
        (started, updated): (Timestamp, Timestamp),
    ) -> largestack_ports::journal::RunSummary {
        line(folded, (self.0.hash, crate::drive::asked(shared)), (started, updated))
    }
}

/// Applies the fork, or says why it cannot be one there.
fn leave(folded: &mut GraphRun, forked: &Event) -> Result<()> {
    folded.apply(forked).map_err(|error| {
        let advice = "`largestack replay` shows the run after each of its events";
        LargestackError::with_advice(Code::Input, error.message(), advice)
    })
}

/// The events that both have. The end of a run is none of them: a fork goes on.
fn prefix(run: RunId, events: &[Recorded], at: u64) -> Result<&[Recorded]> {
    let last = events.last().map_or(0, |event| event.seq);
    let shared = usize::try_from(at).ok().filter(|at| *at > 0).and_then(|at| events.get(..at));
    let shared = shared.ok_or_else(|| {
        let detail = format!("there is no event {at}: {run} has events 1 to {last}");
        LargestackError::with_advice(Code::Input, detail, "Give a number in that range")
    })?;
    match shared.split_last() {
        Some((end, before)) if matches!(&*end.event, Event::RunFinished(_)) => Ok(before),
        _ => Ok(shared),
    }
}
