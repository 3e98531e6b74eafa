//! A model that is paid for, and journals that end anywhere: what a process leaves that is killed.

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _};
use largestack_agent::{Agent, Report, ResumeOptions, RunEvent, RunOptions, Runtime};
use largestack_engine::Recorded;
use largestack_engine::event::Event;
use largestack_ports::journal::{Batch, Journal as _};
use largestack_ports::ledger::{BudgetKey, Ledger, MemoryLedger};
use largestack_ports::model::{CallContext, Model, ModelEvent, ReplyStream};
use largestack_testkit::Turn;
use largestack_types::call::Call;
use largestack_types::errors::Result;
use largestack_types::id::{OwnerId, RunId};
use largestack_types::message::Role;
use largestack_types::money::Money;

use crate::world::World;

/// What every answer costs.
pub(crate) const PRICE: i64 = 100;
/// The run at the top.
pub(crate) const TOP: RunId = RunId::from_u128((7 << 80) | 5);

type Plays = dyn Fn(&Call) -> Turn + Send + Sync;

/// A model that says what follows from what it is asked, and holds the account of the tree against
/// what was paid, at every call.
#[derive(Clone)]
pub(crate) struct Metered {
    says: Arc<Plays>,
    ledger: Arc<MemoryLedger>,
    paid: Arc<AtomicI64>,
    pub(crate) asked: Arc<AtomicUsize>,
    wrong: Arc<Mutex<Vec<String>>>,
}

impl Metered {
    pub(crate) fn new(says: impl Fn(&Call) -> Turn + Send + Sync + 'static) -> Self {
        Self {
            says: Arc::new(says),
            ledger: Arc::default(),
            paid: Arc::default(),
            asked: Arc::default(),
            wrong: Arc::default(),
        }
    }

    /// The same in another process, where this much was paid before.
    fn after(&self, paid: i64) -> Self {
        let says = Arc::clone(&self.says);
        let fresh = Self::new(move |call| says(call));
        fresh.paid.store(paid, Ordering::SeqCst);
        fresh
    }

    pub(crate) fn runtime(&self, world: &World) -> Runtime {
        let (model, ledger) = (Arc::new(self.clone()), self.ledger.clone());
        Runtime { model, ledger, ..world.runtime() }
    }
}

impl Model for Metered {
    fn call<'a>(
        &'a self,
        context: &'a CallContext,
        call: Call,
    ) -> BoxFuture<'a, Result<ReplyStream>> {
        async move {
            let top = BudgetKey::run_tree(&context.scope, TOP);
            let booked = self.ledger.account(&top).await?.spent.nanos();
            let paid = self.paid.load(Ordering::SeqCst);
            if booked != paid {
                let who = Arc::clone(&context.agent);
                self.wrong.lock().unwrap().push(format!("{who}: {booked} for {paid}"));
            }
            let price = Money::from_nanos(PRICE);
            let reserved = self.ledger.reserve(&context.budgets, price).await?;
            self.asked.fetch_add(1, Ordering::SeqCst);
            let mut events = (self.says)(&call).into_stream(call.stream);
            let mut told = Vec::new();
            while let Some(event) = events.next().await {
                told.push(match event {
                    Ok(ModelEvent::Done(mut answer)) => {
                        answer.call.cost = price;
                        Ok(ModelEvent::Done(answer))
                    }
                    other => other,
                });
            }
            let answered = matches!(told.last(), Some(Ok(ModelEvent::Done(_))));
            let used = if answered { price } else { Money::ZERO };
            self.ledger.settle(&reserved, used).await?;
            self.paid.fetch_add(used.nanos(), Ordering::SeqCst);
            Ok(futures::stream::iter(told).boxed())
        }
        .boxed()
    }
}

/// Whether a tool has answered in what a model is asked.
pub(crate) fn has_result(call: &Call) -> bool {
    call.messages.iter().any(|message| message.role == Role::Tool)
}

/// Who is asked, by the instructions.
pub(crate) fn is(call: &Call, name: &str) -> bool {
    call.messages.first().is_some_and(|message| message.text() == format!("You are {name}."))
}

/// Every fact of a tree in the order in which they were told, by run; and what it came to.
pub(crate) async fn facts(agent: &Agent, world: &World) -> (Vec<(RunId, Recorded)>, Report) {
    let options = RunOptions { id: Some(TOP), ..RunOptions::default() };
    let mut stream = agent.stream(&world.scope, "go", options);
    let mut facts = Vec::new();
    while let Some(event) = stream.next().await {
        let (path, event) = event.innermost();
        let run = path.last().map_or(TOP, |below| below.run);
        if let RunEvent::Fact(fact) = event {
            facts.push((run, fact.clone()));
        }
    }
    (facts, stream.report().unwrap().unwrap())
}

/// Writes journals down as far as a process had come.
async fn replant(facts: &[(RunId, Recorded)], from: &World, to: &World) {
    let mut runs: Vec<RunId> = facts.iter().map(|(run, _)| *run).collect();
    runs.sort_unstable();
    runs.dedup();
    for run in runs {
        let own = facts.iter().filter(|(of, _)| *of == run).map(|(_, fact)| fact.clone());
        let events: Vec<_> = own.collect();
        let Event::RunStarted(started) = &*events[0].event else { panic!("no start") };
        let hash = started.definition;
        let sealed = from.journal.blob(&from.scope, hash).await.unwrap().unwrap();
        let summary = from.journal.run(&from.scope, run).await.unwrap();
        let lease = to.journal.claim(&to.scope, run, OwnerId::from_u128(9)).await.unwrap();
        let blobs = vec![(hash, sealed)];
        to.journal.append(&lease, Batch { events, blobs, summary, ..Batch::default() }).unwrap();
        to.journal.release(&lease).await.unwrap();
    }
}

fn paid_in(facts: &[(RunId, Recorded)]) -> i64 {
    let answers = facts.iter().filter(|(_, fact)| fact.event.kind() == "model_replied");
    PRICE * i64::try_from(answers.count()).unwrap()
}

/// Kills the process after every fact, takes the tree up in another, and holds each outcome against
/// that of the tree that nobody killed: what it came to, and what was asked and paid for.
pub(crate) async fn at_every_cut(
    model: &Metered,
    build: impl Fn(&World, Runtime) -> Agent,
    check: impl Fn(&Report, &[(RunId, Recorded)]),
) {
    let whole = World::new([]);
    let (all, report) = facts(&build(&whole, model.runtime(&whole)), &whole).await;
    assert_eq!(*model.wrong.lock().unwrap(), [""; 0], "without a cut");
    check(&report, &[]);
    let answers = usize::try_from(paid_in(&all) / PRICE).unwrap();
    for cut in 1..all.len() {
        let (before, world) = (&all[..cut], World::new([]));
        replant(before, &whole, &world).await;
        let paid = paid_in(before);
        let model = model.after(paid);
        let agent = build(&world, model.runtime(&world));
        let over =
            before.iter().any(|(run, fact)| *run == TOP && fact.event.kind() == "run_finished");
        if over {
            continue;
        }
        let resumed = agent.resume(&world.scope, TOP, ResumeOptions::default()).await.unwrap();
        assert_eq!(*model.wrong.lock().unwrap(), [""; 0], "after {cut}");
        assert_eq!(resumed.text, report.text, "after {cut}");
        assert_eq!(resumed.cost, report.cost, "after {cut}");
        assert_eq!(resumed.status, report.status, "after {cut}");
        let failed = before.iter().filter(|(_, fact)| fact.event.kind() == "model_failed").count();
        let asked = model.asked.load(Ordering::SeqCst);
        let finished = usize::try_from(paid / PRICE).unwrap();
        assert!(asked + finished + failed >= answers, "after {cut}");
        assert_eq!(model.paid.load(Ordering::SeqCst), report.cost.nanos(), "after {cut}");
        check(&resumed, before);
    }
}
