//! Calls that wait for an event from outside or for a moment. The driver looks when nothing else is
//! under way, and gives the run back when nothing has come: whoever takes it up looks again.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures::FutureExt as _;
use largestack_engine::event::{CallWaits, Event, ToolCallRecord, ToolOutcome};
use largestack_engine::{Effect, Wait};
use largestack_ports::journal::Journal;
use largestack_ports::signals::{Kept, MOST_NAME, Waiting};
use largestack_ports::tool::Waits;
use largestack_types::errors::Result;
use largestack_types::id::EffectId;
use largestack_types::json::Json;
use largestack_types::scope::Scope;
use largestack_types::time::Timestamp;

use super::Drive;
use super::control::Signal;
use super::land::{Landed, engine_answer, not_run};

/// What a call is answered with that waits for something that can never come.
const NO_INBOX: &str = "Not waited for: no events from outside reach this run.";
const TOO_LONG: &str = "Not waited for: that is longer than a run may wait.";
const NOTHING: &str = "Not waited for: neither an event nor a moment was named.";
const SPENT: &str = "Not waited for: a call that has asked models itself cannot wait.";

/// What a call that has waited is answered with.
pub(super) struct Came {
    pub(super) text: String,
    pub(super) from_outside: bool,
    pub(super) outcome: ToolOutcome,
}

impl Drive {
    /// Records that a call goes on waiting, or why it cannot.
    pub(super) fn call_waits(
        &mut self,
        effect: EffectId,
        waits: Waits,
        calls: Vec<ToolCallRecord>,
    ) -> Result<()> {
        let now = self.core.runtime.clock.now();
        let until = waits.until.map(|until| until.moment(now));
        let named = waits.event.as_ref().is_none_or(|name| {
            !name.is_empty() && name.len() <= MOST_NAME && !name.chars().any(char::is_control)
        });
        let refused = match (&waits.event, until) {
            _ if !calls.is_empty() => Some(SPENT),
            (_, Some(None)) => Some(TOO_LONG),
            (None, None) => Some(NOTHING),
            (Some(_), _) if !named => Some(NOTHING),
            (Some(_), _) if self.core.runtime.journal.signals().is_none() => Some(NO_INBOX),
            _ => None,
        };
        if let Some(why) = refused {
            let message = Arc::new(engine_answer(&self.run, effect, why));
            let mut returned = not_run(effect, message, ToolOutcome::Failed, None);
            returned.calls = calls;
            return self.note(Event::ToolReturned(returned));
        }
        let (event, until) = (waits.event, until.flatten());
        self.note(Event::CallWaits(CallWaits { effect, event, until }))
    }

    /// Whether a run in which nothing is under way goes on: it was cancelled, or something has come for
    /// a call that waits. Who wants its end is heard first.
    pub(super) async fn hears_something(&mut self) -> Result<bool> {
        let before = poll_fn(|cx| Poll::Ready(self.control.poll(cx))).await;
        let late = match before {
            Poll::Ready(signal @ Signal::Cancel(_)) => return self.obey(signal).map(|()| true),
            Poll::Ready(Signal::Leave | Signal::Left) => return Ok(false),
            Poll::Ready(Signal::Soft | Signal::Hard) => true,
            Poll::Pending => false,
        };
        let heard = self.listen().await?;
        if heard && late {
            // What has come is told in the last turn.
            self.note_time_limit()?;
        }
        Ok(heard)
    }

    /// Looks whether something has come for a call that waits, or its moment; then its result is under
    /// way, and this says so.
    async fn listen(&mut self) -> Result<bool> {
        let now = self.core.runtime.clock.now();
        let (journal, scope) = (Arc::clone(&self.core.runtime.journal), self.lease.scope.clone());
        let (run, root) = (self.run.id(), self.run.root());
        let mut heard = false;
        for wait in self.run.waits() {
            let (effect, came) = match wait {
                Wait::Event { effect, name, until } => {
                    let waiting = Waiting { root, by: (run, effect), name: &name, until };
                    (effect, came(&*journal, &scope, (waiting, now)).await?)
                }
                Wait::Timer { effect, until } if until <= now => (effect, Some(slept(until))),
                _ => continue,
            };
            if let Some(came) = came {
                heard |= self.result_of_wait(effect, came);
            }
        }
        Ok(heard)
    }

    /// Has the result of a call that has waited pass the stages. Its start is not recorded: cut off
    /// here, the call waits still, and whoever takes the run up finds the same thing.
    pub(super) fn result_of_wait(&mut self, effect: EffectId, came: Came) -> bool {
        let Some(call) = self.run.tool_call(effect).cloned() else { return false };
        let label = self.run.tool_call_label(effect).unwrap_or_default();
        let Some(execution) = self.execution((effect, 1), (call, label)) else { return false };
        self.running.push(Effect::Tool { id: effect, attempt: 1, approved: true });
        self.in_flight.push(
            async move {
                let Came { text, from_outside, outcome } = came;
                let result = execution.resume(text, from_outside, outcome).await;
                Landed::Tool { effect, result, took: Duration::ZERO }
            }
            .boxed(),
        );
        true
    }
}

/// What has come for a call.
async fn came(
    journal: &dyn Journal,
    scope: &Scope,
    (waiting, now): (Waiting<'_>, Timestamp),
) -> Result<Option<Came>> {
    let Waiting { name, until, .. } = waiting;
    // The store's clock says when an event came, and this process's when the wait ends: only once it
    // has ended is what came later left for the next call.
    let waiting = Waiting { until: until.filter(|until| *until <= now), ..waiting };
    let kept = match journal.signals() {
        Some(signals) => signals.take(scope, waiting).await?,
        None => None,
    };
    Ok(match (kept, until) {
        (Some(kept), _) => Some(said(&kept)),
        (None, Some(until)) if until <= now => Some(Came {
            text: format!("`{name}` was waited for until {until}, and did not come."),
            from_outside: false,
            outcome: ToolOutcome::TimedOut,
        }),
        _ => None,
    })
}

/// An event as the model reads it: who said it, when, and what it brings as it came.
fn said(kept: &Kept) -> Came {
    #[derive(serde::Serialize)]
    struct Said<'a> {
        event: &'a str,
        from: &'a str,
        received: String,
        data: &'a Json,
    }
    let said = Said {
        event: &kept.signal.name,
        from: &kept.signal.by,
        received: kept.received.to_string(),
        data: &kept.signal.data,
    };
    let text = serde_json::to_string(&said);
    let text = text.unwrap_or_else(|_| kept.signal.data.as_str().to_owned());
    Came { text, from_outside: true, outcome: ToolOutcome::Returned }
}

fn slept(until: Timestamp) -> Came {
    let text = format!("It is {until} or later: the time that was waited for has come.");
    Came { text, from_outside: false, outcome: ToolOutcome::Returned }
}
