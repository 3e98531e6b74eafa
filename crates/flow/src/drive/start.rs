//! Starting tasks: what each kind of node does.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, Either, select};
use largestack_agent::parent::{Question, run_of_try};
use largestack_engine::graph::{NodeListens, NodeSleeps, NodeStarted, Ready, Work, decide};
use largestack_ports::tool::Cancelled;
use largestack_ports::tree::Doubts;
use largestack_types::errors::{Code, LargestackError, Result, ToolExecutionError};
use largestack_types::id::EffectId;
use serde_json::Value;
use tokio::sync::mpsc;

use super::begin::Above;
use super::land::{Came, Landed, Ran};
use super::{Drive, Running};
use crate::event::FlowEvent;
use crate::function::{Function, NodeContext};
use crate::options::{FlowOptions, FlowResume};
use crate::report::FlowReport;
use crate::stream::Sink;
use crate::workflow::Workflow;

/// Events of a run below that may wait for a slow listener.
const BACKLOG: usize = 64;

/// What a task does, with nothing borrowed.
enum Doing {
    Agent { prompt: String },
    Function { function: Function },
    Workflow { input: Value },
    Known(Box<Came>),
    Question { question: String },
    Approval { reason: String },
    Listen { event: Arc<str> },
    Sleep { duration: Duration },
}

impl Drive {
    /// Starts everything that may start.
    pub(super) async fn start_ready(&mut self) -> Result<()> {
        loop {
            let ready = self.run.ready();
            if ready.is_empty() {
                return Ok(());
            }
            let mut starting = Vec::new();
            let mut careful = false;
            for Ready { effect, attempt } in ready {
                let Some(doing) = self.doing(effect)? else { continue };
                match doing {
                    Doing::Question { question } => self.ask(effect, &question, None).await?,
                    Doing::Approval { reason } => self.ask_first(effect, &reason).await?,
                    Doing::Listen { event } => self.note(NodeListens { effect, event })?,
                    Doing::Sleep { duration } => {
                        let until = self.core.runtime.clock.now().plus(duration);
                        self.note(NodeSleeps { effect, until })?;
                    }
                    doing => {
                        let task = self.run.task(effect);
                        careful |= task.is_some_and(|task| !task.is_idempotent());
                        let node = task.map(|task| Arc::clone(&task.node.name)).unwrap_or_default();
                        self.note(NodeStarted { effect, node, attempt })?;
                        starting.push((effect, doing));
                    }
                }
            }
            // What must not happen twice has its start on disk before it happens.
            if careful {
                self.acknowledge().await?;
            }
            for (effect, doing) in starting {
                self.starts_below(effect, &doing);
                if let Some(work) = self.work(effect, doing) {
                    self.in_flight.push(Running { effect, work });
                }
            }
        }
    }

    /// Notes the workflow that a task starts: one that is cut off is ended, not only dropped.
    fn starts_below(&mut self, effect: EffectId, doing: &Doing) {
        let Some(task) = self.run.task(effect) else { return };
        if matches!(doing, Doing::Workflow { .. }) {
            let run = run_of_try(self.run.id(), effect, task.attempt);
            self.waiting.insert(effect, (Arc::clone(&task.node.name), run));
        }
    }

    /// A task under way once more that has waited for the run below it.
    pub(super) fn once_more(&self, effect: EffectId) -> Result<Option<Running>> {
        let work = self.doing(effect)?.and_then(|doing| self.work(effect, doing));
        Ok(work.map(|work| Running { effect, work }))
    }

    /// What a task does.
    fn doing(&self, effect: EffectId) -> Result<Option<Doing>> {
        let Some(task) = self.run.task(effect) else { return Ok(None) };
        let missing = |what: &str| {
            let detail = format!("node `{}` has no {what}", task.node.name);
            LargestackError::other(Code::Unknown, detail)
        };
        if let Some(undo) = task.undo {
            let function = self.core.functions.get(&undo.function).cloned();
            let function = function.ok_or_else(|| missing("function that undoes it"))?;
            return Ok(Some(Doing::Function { function }));
        }
        if let Some(reason) = task.node.approval.as_ref().filter(|_| !task.approved) {
            return Ok(Some(Doing::Approval { reason: reason.to_string() }));
        }
        Ok(Some(match &task.node.work {
            Work::Agent { prompt, .. } => {
                Doing::Agent { prompt: prompt.fill(task.seen, task.item) }
            }
            Work::Function { function, .. } => {
                let function = self.core.functions.get(function).cloned();
                Doing::Function { function: function.ok_or_else(|| missing("function"))? }
            }
            Work::Graph { inputs, .. } => {
                let value = |key: &Arc<str>| match task.item {
                    Some(item) if &**key == "item" => item.clone(),
                    _ => task.seen.get(key).cloned().unwrap_or(Value::Null),
                };
                let input = inputs.iter().map(|(theirs, ours)| (theirs.to_string(), value(ours)));
                Doing::Workflow { input: Value::Object(input.collect()) }
            }
            Work::Question { question } => {
                Doing::Question { question: question.fill(task.seen, task.item) }
            }
            Work::Set { value } => {
                let value = value.value(task.seen, task.item);
                Doing::Known(Box::new(Came::known(value, None, task.seen.label())))
            }
            Work::Switch { cases } => Doing::Known(Box::new(match decide(cases, task.seen) {
                Ok(choice) => Came::known(Value::Null, Some(choice), task.seen.label()),
                Err(why) => {
                    let detail = format!("node `{}`: {why}", task.node.name);
                    Came::failed(LargestackError::other(Code::Output, detail), None)
                }
            })),
            Work::Event { event } => Doing::Listen { event: Arc::clone(event) },
            Work::Sleep { duration } => Doing::Sleep { duration: *duration },
            _ => return Err(missing("work that this version knows")),
        }))
    }

    /// The future that does it.
    fn work(&self, effect: EffectId, doing: Doing) -> Option<BoxFuture<'static, Landed>> {
        let task = self.run.task(effect)?;
        let clock = Arc::clone(&self.core.runtime.clock);
        let began = clock.monotonic();
        let timeout = task.undo.map_or(task.node.timeout, |undo| undo.timeout);
        let node = Arc::clone(&task.node.name);
        let work = match doing {
            Doing::Agent { prompt } => self.ask_agent(effect, prompt)?,
            Doing::Function { function } => self.call(effect, function)?,
            Doing::Workflow { input } => self.run_workflow(effect, input)?,
            Doing::Known(came) => futures::future::ready(*came).boxed(),
            _ => return None,
        };
        Some(Box::pin(async move {
            let came = match timeout {
                None => work.await,
                Some(timeout) => match select(work, clock.sleep(timeout)).await {
                    Either::Left((came, _)) => came,
                    Either::Right(((), _)) => Came::late(&node, timeout),
                },
            };
            let duration = clock.monotonic().saturating_sub(began);
            Landed { effect, came, duration }
        }))
    }

    fn ask_agent(&self, effect: EffectId, prompt: String) -> Option<BoxFuture<'static, Came>> {
        let task = self.run.task(effect)?;
        let agent = self.core.agents.get(&task.node.name)?;
        let run = run_of_try(self.run.id(), effect, task.attempt);
        let (events, heard) = self.listened();
        let question = Question {
            effect,
            run,
            prompt,
            label: task.seen.label(),
            deps: Arc::clone(&self.deps),
            events,
        };
        let asked = self.own.ask(agent, question);
        let told = tell(self.sink.clone(), heard, {
            let node = Arc::clone(&task.node.name);
            move |event| FlowEvent::Agent { node: Arc::clone(&node), effect, run, event }
        });
        Some(Box::pin(async move {
            let (answered, ()) = futures::join!(asked, told);
            Came::of_agent(run, answered)
        }))
    }

    fn call(&self, effect: EffectId, function: Function) -> Option<BoxFuture<'static, Came>> {
        let task = self.run.task(effect)?;
        let name = match (task.undo, &task.node.work) {
            (Some(undo), _) => Arc::clone(&undo.function),
            (None, Work::Function { function, .. }) => Arc::clone(function),
            _ => Arc::clone(&task.node.name),
        };
        let (seen, item) = (task.seen.whole(), task.item.cloned());
        let (arguments, output) = (task.arguments(), task.output.cloned());
        let label = task.seen.label();
        let (node, attempt) = (Arc::clone(&task.node.name), task.attempt);
        let own = Arc::clone(&self.own);
        let (scope, run, deps) = (self.lease.scope.clone(), self.run.id(), Arc::clone(&self.deps));
        let given_up = GivenUp(Cancelled::default());
        Some(Box::pin(async move {
            let reveals = function.reveals;
            let state = if reveals.is_empty() {
                seen
            } else {
                Arc::new(own.reveal(Value::clone(&seen), reveals))
            };
            let item = item.map(|item| own.reveal(item, reveals));
            let arguments = arguments.map(|said| own.reveal(said, reveals));
            let context = NodeContext {
                scope,
                run,
                effect,
                node,
                attempt,
                idempotency_key: effect.idempotency_key(run).into(),
                state,
                item,
                arguments,
                output,
                label,
                deps,
                cancelled: given_up.0.clone(),
            };
            let called = (function.body)(context).await;
            drop(given_up);
            match called {
                Ok(output) => Came::Output {
                    value: output.value,
                    choice: output.choice,
                    asks: output.asks,
                    label: output.label.map_or(label, |own| label.join(own)),
                    child: None,
                    cut_short: None,
                },
                Err(failure) => Came::Failed {
                    error: ToolExecutionError {
                        tool: name,
                        detail: failure.message.into_owned(),
                        transient: failure.transient,
                    }
                    .into(),
                    late: false,
                    harmless: failure.nothing_happened,
                    child: None,
                },
            }
        }))
    }

    fn run_workflow(&self, effect: EffectId, input: Value) -> Option<BoxFuture<'static, Came>> {
        let task = self.run.task(effect)?;
        let workflow = self.core.workflows.get(&task.node.name)?.clone();
        let run = run_of_try(self.run.id(), effect, task.attempt);
        let above = Above {
            own: Arc::clone(&self.own),
            parent: (self.run.id(), effect),
            label: task.seen.label(),
        };
        let (events, heard) = match self.sink {
            Some(_) => {
                let (events, heard) = mpsc::channel(BACKLOG);
                (Some(Sink::Owner(events)), Some(heard))
            }
            None => (None, None),
        };
        let told = tell(self.sink.clone(), heard, {
            let node = Arc::clone(&task.node.name);
            move |event| {
                let event = Box::new(event);
                FlowEvent::Below { node: Arc::clone(&node), effect, run, event }
            }
        });
        // A try with a timeout is sat out: time that it was given back for would not count.
        let gives_back = self.gives_back && task.node.timeout.is_none();
        let (id, deps) = (Some(run), Arc::clone(&self.deps));
        let options = FlowOptions { id, deps, gives_back, ..FlowOptions::default() };
        let resume = FlowResume { gives_back, ..self.resuming() };
        let (scope, own) = (self.lease.scope.clone(), Arc::clone(&self.own));
        Some(Box::pin(async move {
            let asked = async {
                let input = own.reveal_all(input);
                below(&workflow, &scope, (run, input), (options, resume, events, above)).await
            };
            let (ran, ()) = futures::join!(asked.boxed(), told);
            Came::of_workflow(run, ran)
        }))
    }

    /// Where a run below tells what happens, where anybody listens.
    fn listened<E>(&self) -> (Option<mpsc::Sender<E>>, Option<mpsc::Receiver<E>>) {
        match self.sink {
            Some(_) => {
                let (events, heard) = mpsc::channel(BACKLOG);
                (Some(events), Some(heard))
            }
            None => (None, None),
        }
    }
}

/// Runs a workflow below another run: from the start, from where it was cut off, or not at all where
/// it has ended already.
async fn below(
    workflow: &Workflow,
    scope: &largestack_types::scope::Scope,
    (run, input): (largestack_types::id::RunId, Value),
    (options, resume, sink, above): (FlowOptions, FlowResume, Option<Sink>, Above),
) -> Result<Ran> {
    let core = Arc::clone(&workflow.0);
    let events = core.runtime.journal.read(scope, run, 0).await?;
    if events.is_empty() {
        let beginning = super::Beginning { input, options, sink, above: Some(above) };
        let mut drive = Drive::begin(core, scope, beginning).await?;
        return drive.ran().await;
    }
    let folded = workflow.fold(run, &events)?;
    if folded.status().is_final() {
        let label = folded.state().label();
        let (output, state) = (folded.output(), folded.state().to_value());
        let own = largestack_agent::parent::ParentRun::new(
            core.runtime.clone(),
            (scope.clone(), run),
            core.policy,
            (Some(&above.own), Doubts::default()),
        );
        let own = own.await?;
        let output = own.reveal_all(output);
        let report = FlowReport::of(&folded, output, state);
        return Ok(Ran { report, label, until: None });
    }
    let mut drive = Drive::take_up(core, (scope, run), (resume, sink, Some(above))).await?;
    drive.ran().await
}

impl Drive {
    async fn ran(&mut self) -> Result<Ran> {
        let report = self.perform().await?;
        Ok(Ran { report, label: self.run.state().label(), until: self.rests_until() })
    }
}

/// Hands on what a run below says, until it says no more.
async fn tell<E>(
    sink: Option<Sink>,
    heard: Option<mpsc::Receiver<E>>,
    as_ours: impl Fn(E) -> FlowEvent,
) {
    let (Some(sink), Some(mut heard)) = (sink, heard) else { return };
    let mut listens = true;
    while let Some(event) = heard.recv().await {
        if listens {
            listens = sink.send(as_ours(event)).await;
        }
    }
}

/// Tells a function that nobody waits for it any more.
struct GivenUp(Cancelled);

impl Drop for GivenUp {
    fn drop(&mut self) {
        self.0.set();
    }
}
