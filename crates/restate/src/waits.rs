//! What a tree of runs waits for, as the names under which it is told from outside.

use std::time::Duration;

use largestack_agent::agent::fold_stored;
use largestack_engine::event::Event;
use largestack_engine::graph::{Fact, Reducers};
use largestack_engine::{Recorded, Wait};
use largestack_flow::workflow::{fold, stored_graph};
use largestack_ports::BoxFuture;
use largestack_ports::approvals::Approvals;
use largestack_ports::clock::Clock;
use largestack_ports::journal::Journal;
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::id::{ApprovalId, EffectId, RunId};
use largestack_types::scope::Scope;
use largestack_types::time::Timestamp;

/// The name under which a decision about everything in doubt is told.
pub const IN_DOUBT: &str = "in doubt";

/// The name under which it is told that a question is decided.
pub fn of_question(question: ApprovalId) -> String {
    format!("answer {question}")
}

/// The question of such a name.
pub fn question_of(name: &str) -> Option<ApprovalId> {
    name.strip_prefix("answer ")?.parse().ok()
}

/// The name under which an event from outside is told.
pub fn of_event(event: &str) -> String {
    format!("event {event}")
}

/// What a tree waits for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Waits {
    pub(crate) names: Vec<String>,
    questions: Vec<ApprovalId>,
    /// Moments after which calls wait no longer.
    until: Vec<Timestamp>,
}

impl Waits {
    fn question(&mut self, id: ApprovalId) {
        self.names.push(of_question(id));
        self.questions.push(id);
    }

    fn name(&mut self, name: String) {
        if !self.names.contains(&name) {
            self.names.push(name);
        }
    }

    /// How long until the first of the questions stands no longer, and its call is denied, or the first
    /// moment comes that a call waits for.
    pub(crate) async fn most(
        &self,
        scope: &Scope,
        approvals: Option<&dyn Approvals>,
        clock: &dyn Clock,
    ) -> Result<Option<Duration>> {
        let mut soonest = self.until.iter().min().copied();
        for id in &self.questions {
            let Some(approvals) = approvals else { break };
            let Some(found) = approvals.find(scope, *id).await? else { continue };
            let ends = found.question.expires();
            soonest = Some(soonest.map_or(ends, |soonest| std::cmp::min(soonest, ends)));
        }
        Ok(soonest.map(|ends| ends.since(clock.now())))
    }
}

/// The names under which a run waits to be told something, with those below it, as its journal or the
/// copy of it has them.
pub async fn names(journal: &dyn Journal, scope: &Scope, run: RunId) -> Result<Vec<String>> {
    of(journal, scope, run).await.map(|waits| waits.names)
}

/// What a run waits for, with those below it.
pub(crate) fn of<'a>(
    journal: &'a dyn Journal,
    scope: &'a Scope,
    run: RunId,
) -> BoxFuture<'a, Result<Waits>> {
    Box::pin(async move {
        let mut waits = Waits::default();
        let events = journal.read(scope, run, 0).await?;
        let standing = match events.first().map(|first| &*first.event) {
            Some(Event::Graph(Fact::Started(started))) => {
                let graph = stored_graph(journal, scope, started.definition).await?;
                of_graph(run, graph, &events, &mut waits)?
            }
            _ => fold_stored(journal, scope, run).await?.0.waits(),
        };
        for wait in standing {
            match wait {
                Wait::Approval { approval, .. } => waits.question(approval),
                Wait::Doubt { .. } => waits.name(IN_DOUBT.to_owned()),
                Wait::Event { name, until, .. } => {
                    waits.name(of_event(&name));
                    waits.until.extend(until);
                }
                Wait::Timer { until, .. } => waits.until.push(until),
                Wait::Child { run, .. } => {
                    let below = of(journal, scope, run).await?;
                    below.questions.into_iter().for_each(|id| waits.question(id));
                    below.names.into_iter().for_each(|name| waits.name(name));
                    waits.until.extend(below.until);
                }
            }
        }
        Ok(waits)
    })
}

fn of_graph(
    run: RunId,
    graph: largestack_engine::graph::Graph,
    events: &[Recorded],
    waits: &mut Waits,
) -> Result<Vec<Wait>> {
    let unread = |error: &dyn std::fmt::Display| {
        let detail = format!("the workflow of {run} cannot be read: {error}");
        LargestackError::other(Code::Definition, detail)
    };
    let checked = graph.check(Reducers::default()).map_err(|error| unread(&error))?;
    let run = fold(run, &std::sync::Arc::new(checked), events)?;
    let listening: Vec<(EffectId, _)> = run.listening().collect();
    for (_, event) in listening {
        waits.name(of_event(event));
    }
    Ok(run.waits())
}
