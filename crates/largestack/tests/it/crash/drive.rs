//! What a process does with the runs of a scene: begins them or takes them up, answers what they
//! ask, and decides about what is in doubt as a person would who can see the effects.

use std::sync::Arc;

use largestack::ResumeOptions;
use largestack::approvals::{APPROVE, Answer};
use largestack::dynamic::Agent;
use largestack::event::{DoubtDecision, Event, Recorded};
use largestack::flow::{FlowOptions, FlowResume, Workflow};
use largestack::session::SessionKey;
use largestack::signals::{Signal, send};
use largestack::{Money, RunOptions, Scope, Status};
use largestack_agent::agent::fold_stored;
use largestack_engine::Wait;
use largestack_engine::graph::{Fact, Reducers};
use largestack_flow::workflow::{fold, stored_graph};
use largestack_ports::BoxFuture;
use largestack_ports::journal::Journal;
use largestack_types::errors::{Code, Coded as _, Result};
use largestack_types::id::{EffectId, RunId};
use largestack_types::json::Json;
use serde_json::Value;

use super::world::{DOUBTS, UNRECORDED, World, traces, write_line};

/// A run at the top of its tree.
pub(super) struct Subject {
    pub(super) run: RunId,
    pub(super) input: Value,
    pub(super) what: What,
}

pub(super) enum What {
    Agent(Agent, Option<&'static str>),
    Flow(Workflow),
}

impl Subject {
    pub(super) fn agent(run: RunId, agent: &Agent, input: &str) -> Self {
        Self { run, input: input.into(), what: What::Agent(agent.clone(), None) }
    }

    pub(super) fn flow(run: RunId, flow: &Workflow, input: impl Into<Value>) -> Self {
        Self { run, input: input.into(), what: What::Flow(flow.clone()) }
    }

    /// In a session of this name.
    pub(super) fn talking(mut self, session: &'static str) -> Self {
        if let What::Agent(_, place) = &mut self.what {
            *place = Some(session);
        }
        self
    }
}

/// What a run came to, or what it waits for.
struct Stood {
    status: Status,
    cost: Money,
    waits: Vec<Wait>,
    /// Names of events that it waits for.
    listens: Vec<Arc<str>>,
}

/// Brings a run to its end, from wherever it stands.
pub(super) async fn to_its_end(world: &World, subject: &Subject) {
    for _ in 0..1_000 {
        match try_to_its_end(world, subject).await {
            // Somebody else was faster.
            Err(error) if world.crowded && error.code() == Code::Conflict => {}
            ended => return ended.unwrap(),
        }
    }
    panic!("{} is never free", subject.run);
}

async fn try_to_its_end(world: &World, subject: &Subject) -> Result<()> {
    let events = left_behind(world, subject.run).await;
    if events.last().is_some_and(|last| last.event.kind() == "run_finished") {
        return Ok(());
    }
    let mut stood = if events.is_empty() {
        begin(world, subject).await?
    } else {
        take_up(world, subject, (None, Vec::new())).await?
    };
    while stood.status == Status::Suspended {
        // Nobody is here but who waits for an answer.
        world.fuse.here();
        let answered = answer_all(world).await;
        let decision = decide(world, subject.run, &stood.waits).await;
        let events: Vec<_> =
            stood.listens.iter().map(|name| (name.clone(), Value::from("it came"))).collect();
        let came = bring_about(world, subject.run, &stood.waits).await;
        assert!(answered + events.len() + came > 0 || decision.is_some(), "{:?}", stood.waits);
        stood = take_up(world, subject, (decision, events)).await?;
    }
    println!("said={}|{}", stood.status, stood.cost);
    Ok(())
}

/// The events of a run that nobody holds any more: a server hears of the end of a process when it
/// next looks.
pub(super) async fn left_behind(world: &World, run: RunId) -> Vec<Recorded> {
    let journal = &world.runtime.journal;
    let mut looks = 0;
    loop {
        match journal.claim(&world.scope, run, world.runtime.owner).await {
            Ok(lease) => {
                journal.release(&lease).await.unwrap();
                return journal.read(&world.scope, run, 0).await.unwrap();
            }
            Err(error) => assert!(error.code() == Code::Conflict && looks < 8_000, "{error}"),
        }
        looks += 1;
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

async fn begin(world: &World, subject: &Subject) -> Result<Stood> {
    let (scope, run, input) = (&world.scope, subject.run, subject.input.clone());
    match &subject.what {
        What::Agent(agent, session) => {
            let session = session.map(SessionKey::from);
            let options = RunOptions { id: Some(run), session, ..RunOptions::default() };
            let input = input.as_str().unwrap().to_owned();
            agent.run_with(scope, input, options).await.map(of_agent)
        }
        What::Flow(flow) => {
            let options = FlowOptions { id: Some(run), ..FlowOptions::default() };
            flow.run_with(scope, input, options).await.map(of_flow)
        }
    }
}

type Heard = (Option<DoubtDecision>, Vec<(Arc<str>, Value)>);

async fn take_up(world: &World, subject: &Subject, (in_doubt, events): Heard) -> Result<Stood> {
    let (scope, run) = (&world.scope, subject.run);
    match &subject.what {
        What::Agent(agent, _) => {
            let options = ResumeOptions { in_doubt, ..ResumeOptions::default() };
            agent.resume(scope, run, options).await.map(of_agent)
        }
        What::Flow(flow) => {
            let options = FlowResume { in_doubt, events, ..FlowResume::default() };
            flow.resume(scope, run, options).await.map(of_flow)
        }
    }
}

fn of_agent(report: largestack::Report) -> Stood {
    let (status, cost, waits) = (report.status, report.cost, report.waits);
    Stood { status, cost, waits, listens: Vec::new() }
}

fn of_flow(report: largestack::flow::FlowReport) -> Stood {
    let (status, cost, waits) = (report.status, report.cost, report.waits);
    let listens = report.listens.into_iter().map(|(_, name)| name).collect();
    Stood { status, cost, waits, listens }
}

/// Says yes to every question that is open, and says how many had been asked.
async fn answer_all(world: &World) -> usize {
    let approvals = world.runtime.tools.approvals.clone().unwrap();
    let asked = approvals.list(&world.scope, 100).await.unwrap().questions;
    for approval in &asked {
        if approval.votes.is_empty() {
            let right = largestack::approvals::Right::Principal(world.scope.principal().into());
            let choice = approval.question.terms.choices.iter().find(|choice| choice.approves);
            let choice = choice.map_or(APPROVE.into(), |choice| choice.name.clone());
            let id = approval.question.id;
            match approvals.answer(&world.scope, id, right, Answer::of(choice)).await {
                // Somebody else was faster.
                Err(error) if world.crowded && error.code() == Code::Approval => {}
                answered => drop(answered.unwrap()),
            }
            world.fuse.here();
        }
    }
    asked.len()
}

/// Sends what calls wait for, each once however often it is sent, and waits for their moments; how
/// many wait for anything.
async fn bring_about(world: &World, run: RunId, waits: &[Wait]) -> usize {
    let journal = &*world.runtime.journal;
    let mut came = 0;
    for wait in waits {
        came += usize::from(matches!(wait, Wait::Event { .. } | Wait::Timer { .. }));
        match wait {
            Wait::Event { effect, name, .. } => {
                let (id, data) = (effect.idempotency_key(run).into(), Json::parse("3").unwrap());
                let signal = Signal { id, name: name.clone(), data, by: "shop".into() };
                send(journal, &world.scope, run, signal).await.unwrap();
                world.fuse.here();
            }
            Wait::Timer { until, .. } => {
                let clock = &world.runtime.clock;
                clock.sleep(until.since(clock.now())).await;
            }
            _ => {}
        }
    }
    came
}

/// What becomes of calls in doubt: what left a trace has happened, and nobody may do it again.
async fn decide(world: &World, run: RunId, waits: &[Wait]) -> Option<DoubtDecision> {
    let keys = doubts(world, run, waits).await;
    if keys.is_empty() {
        return None;
    }
    let left = traces(&world.place.folder);
    let (said, decision) = if world.careful || left.iter().any(|trace| keys.contains(&trace.key)) {
        ("told", DoubtDecision::TellModel)
    } else {
        ("rerun", DoubtDecision::Rerun)
    };
    for key in &keys {
        write_line(&world.place.folder.join(DOUBTS), &format!("{said} {key}"));
    }
    Some(decision)
}

/// The keys of calls in doubt in a run and below it.
fn doubts<'a>(world: &'a World, run: RunId, waits: &'a [Wait]) -> BoxFuture<'a, Vec<String>> {
    Box::pin(async move {
        let mut found = Vec::new();
        for wait in waits {
            match wait {
                Wait::Doubt { effect } => found.push(effect.idempotency_key(run)),
                Wait::Child { run: child, .. } => {
                    let below = waits_of(&*world.runtime.journal, &world.scope, *child).await;
                    found.extend(doubts(world, *child, &below).await);
                }
                Wait::Approval { .. } | Wait::Event { .. } | Wait::Timer { .. } => {}
            }
        }
        found
    })
}

/// What a run waits for, by its journal.
async fn waits_of(journal: &dyn Journal, scope: &Scope, run: RunId) -> Vec<Wait> {
    let events = journal.read(scope, run, 0).await.unwrap();
    let Event::Graph(Fact::Started(started)) = &*events[0].event else {
        return fold_stored(journal, scope, run).await.unwrap().0.waits();
    };
    let graph = stored_graph(journal, scope, started.definition).await.unwrap();
    let graph = Arc::new(graph.check(Reducers::default()).unwrap());
    fold(run, &graph, &events).unwrap().waits()
}

/// Whether it is how a call ended that reached its model.
fn was_asked(event: &Event) -> bool {
    match event {
        Event::ModelReplied(_) => true,
        Event::ModelFailed(failed) => failed.error.code() != Code::Budget,
        _ => false,
    }
}

/// Notes which effects have happened, must not happen again, and are not on record; says how many
/// answers of models are.
pub(super) async fn note_unrecorded(world: &World) {
    let mut recorded = Vec::new();
    let mut known = 0;
    let runs = world.runtime.journal.runs(&world.scope, 1_000).await.unwrap();
    for summary in runs {
        for event in world.runtime.journal.read(&world.scope, summary.run, 0).await.unwrap() {
            let kind = event.event.kind();
            known += usize::from(was_asked(&event.event));
            if matches!(kind, "tool_returned" | "node_finished" | "node_failed") {
                let data: Value = serde_json::from_str(&event.event.data().unwrap()).unwrap();
                let effect: EffectId = serde_json::from_value(data["effect"].clone()).unwrap();
                recorded.push(effect.idempotency_key(summary.run));
            }
        }
    }
    println!("known={known}");
    for trace in traces(&world.place.folder) {
        if !trace.repeatable && !recorded.contains(&trace.key) {
            write_line(&world.place.folder.join(UNRECORDED), &trace.key);
        }
    }
}
