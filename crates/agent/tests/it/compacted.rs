//! Keeping less of runs: which of them, and what becomes of the others when one fails.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use largestack_agent::compact::Shrunk;
use largestack_agent::{Agent, RunOptions, Runs, Runtime};
use largestack_engine::Recorded;
use largestack_ports::BoxFuture;
use largestack_ports::journal::{
    Batch, CostBy, CostRow, Journal, Lease, MemoryJournal, RunSummary,
};
use largestack_ports::retention::{Compaction, Kept, Pruned, Retention, Rule};
use largestack_testkit::Turn;
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::hash::Hash;
use largestack_types::id::{OwnerId, RunId};
use largestack_types::scope::Scope;

use crate::world::World;

/// A journal in memory whose runs can be compacted. Some fail: when they are read, or when they are
/// written.
#[derive(Default)]
struct Shrinking {
    inner: Arc<MemoryJournal>,
    unreadable: Option<RunId>,
    busy: Option<RunId>,
    engine: Option<RunId>,
    compacted: Mutex<Vec<RunId>>,
}

fn fails() -> LargestackError {
    LargestackError::other(Code::Store, "the store is in use")
}

impl Journal for Shrinking {
    fn claim<'a>(
        &'a self,
        scope: &'a Scope,
        run: RunId,
        owner: OwnerId,
    ) -> BoxFuture<'a, Result<Lease>> {
        self.inner.claim(scope, run, owner)
    }

    fn release<'a>(&'a self, lease: &'a Lease) -> BoxFuture<'a, Result<()>> {
        self.inner.release(lease)
    }

    fn append(&self, lease: &Lease, batch: Batch) -> Result<()> {
        self.inner.append(lease, batch)
    }

    fn durable(&self) -> BoxFuture<'_, Result<()>> {
        self.inner.durable()
    }

    fn read<'a>(
        &'a self,
        scope: &'a Scope,
        run: RunId,
        after: u64,
    ) -> BoxFuture<'a, Result<Vec<Recorded>>> {
        if self.unreadable == Some(run) {
            return Box::pin(std::future::ready(Err(fails())));
        }
        self.inner.read(scope, run, after)
    }

    fn blob<'a>(&'a self, scope: &'a Scope, hash: Hash) -> BoxFuture<'a, Result<Option<Bytes>>> {
        self.inner.blob(scope, hash)
    }

    fn run<'a>(
        &'a self,
        scope: &'a Scope,
        run: RunId,
    ) -> BoxFuture<'a, Result<Option<RunSummary>>> {
        Box::pin(async move {
            let line = self.inner.run(scope, run).await?;
            let engine = (self.engine == Some(run)).then(|| "restate".into());
            Ok(line.map(|line| RunSummary { engine, ..line }))
        })
    }

    fn runs<'a>(
        &'a self,
        scope: &'a Scope,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<RunSummary>>> {
        self.inner.runs(scope, limit)
    }

    fn costs<'a>(&'a self, scope: &'a Scope, by: CostBy) -> BoxFuture<'a, Result<Vec<CostRow>>> {
        self.inner.costs(scope, by)
    }

    fn retention(&self) -> Option<&dyn Retention> {
        Some(self)
    }

    fn is_durable(&self) -> bool {
        true
    }
}

impl Retention for Shrinking {
    fn prune<'a>(&'a self, _: &'a Scope, _: Rule) -> BoxFuture<'a, Result<Pruned>> {
        Box::pin(std::future::ready(Ok(Pruned::default())))
    }

    fn over<'a>(&'a self, scope: &'a Scope, _: Rule) -> BoxFuture<'a, Result<(Vec<RunId>, Kept)>> {
        Box::pin(async move {
            let runs = self.inner.runs(scope, 99).await?;
            Ok((runs.iter().map(|line| line.run).collect(), Kept::default()))
        })
    }

    fn compact<'a>(&'a self, _: &'a Scope, compaction: Compaction) -> BoxFuture<'a, Result<bool>> {
        let fails = (self.busy == Some(compaction.run)).then(fails);
        let done = fails.map_or(Ok(true), Err);
        if done.is_ok() {
            self.compacted.lock().unwrap().push(compaction.run);
        }
        Box::pin(std::future::ready(done))
    }
}

fn run(number: u128) -> RunId {
    RunId::from_u128((7 << 80) | number)
}

async fn ask(agent: &Agent, scope: &Scope, number: u128) {
    let options = RunOptions { id: Some(run(number)), ..RunOptions::default() };
    agent.run_with(scope, "go", options).await.unwrap();
}

fn wrong() -> LargestackError {
    LargestackError::other(Code::Provider, "wrong")
}

/// Calls of a tool that there is not.
fn calls() -> impl Iterator<Item = Turn> {
    let call = |turn, place| format!("{{\"turn\":{turn},\"place\":{place}}}");
    let first = move |turn| Turn::tool("nothing", &call(turn, 0));
    (0..5).map(move |turn| (1..6).fold(first(turn), |t, n| t.and_tool("nothing", &call(turn, n))))
}

/// Turns that make events enough to be given up.
fn turns() -> impl Iterator<Item = Turn> {
    calls().chain([Turn::text("Done.")])
}

async fn shrunk(world: &World, journal: Shrinking, rule: Rule) -> (Shrunk, Vec<RunId>) {
    let journal = Arc::new(Shrinking { inner: Arc::clone(&world.journal), ..journal });
    let runs = Runs::new(Runtime { journal: journal.clone(), ..world.runtime() });
    let shrunk = runs.compact(&world.scope, rule).await.unwrap();
    let mut compacted = journal.compacted.lock().unwrap().clone();
    compacted.sort_unstable();
    (shrunk, compacted)
}

#[tokio::test]
async fn what_cannot_be_read_or_written_is_counted_and_the_others_are_compacted() {
    let world = World::new((0..4).flat_map(|_| turns()));
    let agent = world.agent(|agent| agent);
    for number in 1..=4 {
        ask(&agent, &world.scope, number).await;
    }
    let failing =
        || Shrinking { unreadable: Some(run(2)), busy: Some(run(3)), ..Shrinking::default() };
    let (done, compacted) = shrunk(&world, failing(), Rule::default()).await;
    assert_eq!((done.runs, done.failed, done.as_they_were), (2, 2, 0));
    assert_eq!(compacted, [run(1), run(4)]);
    let first = done.first_failed.unwrap();
    assert!([run(2), run(3)].contains(&first.run));
    assert_eq!(first.error, fails());
    let dry_run = Rule { dry_run: true, ..Rule::default() };
    let (looked, compacted) = shrunk(&world, failing(), dry_run).await;
    assert_eq!((looked.runs, looked.failed, compacted.len()), (3, 1, 0), "nothing is written");
}

#[tokio::test]
async fn a_run_in_which_an_agent_took_over_keeps_what_the_first_one_said() {
    let first = calls().chain([Turn::error(wrong()), Turn::text("Second.")]);
    let world = World::new(first.chain(turns()));
    let second = Agent::builder("second").model("test/model").build(world.runtime()).unwrap();
    ask(&world.agent(|agent| agent.fallback(second)), &world.scope, 1).await;
    ask(&world.agent(|agent| agent), &world.scope, 2).await;
    let kinds = world.events(run(1)).await;
    assert!(kinds.iter().any(|event| event.kind() == "took_over"));
    let (done, compacted) = shrunk(&world, Shrinking::default(), Rule::default()).await;
    assert_eq!((done.runs, done.as_they_were, compacted), (1, 1, vec![run(2)]));
}

#[tokio::test]
async fn a_copy_of_a_run_that_an_engine_outside_drives_stays() {
    let world = World::new((0..2).flat_map(|_| turns()));
    let agent = world.agent(|agent| agent);
    ask(&agent, &world.scope, 1).await;
    ask(&agent, &world.scope, 2).await;
    let journal = Shrinking { engine: Some(run(1)), ..Shrinking::default() };
    let (done, compacted) = shrunk(&world, journal, Rule::default()).await;
    assert_eq!((done.runs, done.as_they_were, compacted), (1, 1, vec![run(2)]));
}
