//! What a run has spent, where it was cut off in the middle.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use largestack_agent::parent::run_of_try;
use largestack_agent::{Agent, Runtime};
use largestack_engine::Event;
use largestack_engine::graph::Fact;
use largestack_flow::{FlowOptions, FlowResume, Function, NodeOutput, Workflow};
use largestack_ports::journal::{Batch, Journal as _};
use largestack_ports::ledger::{BudgetKey, Ledger, MemoryLedger};
use largestack_types::id::{EffectId, OwnerId, RunId};
use largestack_types::money::Money;
use serde_json::json;

use crate::driver::Priced;
use crate::world::World;

const RUN: RunId = RunId::from_u128((7 << 80) | 5);

fn inner() -> RunId {
    run_of_try(RUN, EffectId::new(1), 1)
}

fn agents() -> RunId {
    run_of_try(inner(), EffectId::new(1), 1)
}

type Seen = Arc<Mutex<Vec<Money>>>;

/// An agent and then a look at the accounts, in a workflow inside another one.
fn flow(world: &World, ledger: &MemoryLedger, seen: &Seen) -> Workflow {
    let ledger: Arc<dyn Ledger> = Arc::new(ledger.clone());
    let model = Arc::new(Priced);
    let runtime = Runtime { model, ledger: Arc::clone(&ledger), ..world.runtime() };
    let agent = Agent::builder("a").model("test/model").build(runtime.clone()).unwrap();
    let seen = Arc::clone(seen);
    let look = Function::new(move |context| {
        let (ledger, seen) = (Arc::clone(&ledger), Arc::clone(&seen));
        async move {
            for run in [RUN, inner()] {
                let account = ledger.account(&BudgetKey::run_tree(&context.scope, run)).await;
                seen.lock().unwrap().push(account.unwrap().spent);
            }
            Ok(NodeOutput::default())
        }
    });
    let below = Workflow::builder("inner")
        .agent("ask", &agent, "Say something")
        .function("look", look)
        .then("ask", "look")
        .build(runtime.clone())
        .unwrap();
    let top = Workflow::builder("outer").workflow("below", &below, [] as [(&str, &str); 0]);
    top.build(runtime).unwrap()
}

/// Leaves the first facts of a run, and what it was started with, in another world.
async fn copied(from: &World, to: &World, run: RunId, facts: usize) {
    let events = from.events(run).await;
    let hash = events.iter().find_map(|recorded| match &*recorded.event {
        Event::RunStarted(started) => Some(started.definition),
        Event::Graph(Fact::Started(started)) => Some(started.definition),
        _ => None,
    });
    let hash = hash.unwrap();
    let blob: Option<Bytes> = from.journal.blob(&from.scope, hash).await.unwrap();
    let blobs = vec![(hash, blob.unwrap())];
    let events = events.into_iter().take(facts).collect();
    let lease = to.journal.claim(&to.scope, run, OwnerId::from_u128(9)).await.unwrap();
    to.journal.append(&lease, Batch { events, blobs, ..Batch::default() }).unwrap();
    to.journal.release(&lease).await.unwrap();
}

#[tokio::test]
async fn what_was_spent_before_a_crash_is_known_all_the_way_up_and_booked_only_once() {
    let whole = World::new([]);
    let options = FlowOptions { id: Some(RUN), ..FlowOptions::default() };
    let first = flow(&whole, &MemoryLedger::default(), &Seen::default());
    let report = first.run_with(&whole.scope, json!(null), options).await.unwrap();
    assert_eq!(report.cost, Money::from_nanos(60));
    // Before and after the workflow below has recorded what its agent cost.
    for facts in [2, 3] {
        let (world, ledger, seen) = (World::new([]), MemoryLedger::default(), Seen::default());
        copied(&whole, &world, RUN, 2).await;
        copied(&whole, &world, inner(), facts).await;
        copied(&whole, &world, agents(), usize::MAX).await;
        let again = flow(&world, &ledger, &seen);
        let report = again.resume(&world.scope, RUN, FlowResume::default()).await.unwrap();
        assert_eq!(report.cost, Money::from_nanos(60));
        assert_eq!(*seen.lock().unwrap(), [Money::from_nanos(60); 2], "cut after {facts}");
        let (tenant, _) = ledger.totals(&BudgetKey::tenant(&world.scope));
        assert_eq!(tenant, Money::ZERO, "it was booked when it was spent; cut after {facts}");
    }
}

#[tokio::test]
async fn a_workflow_below_that_is_cut_off_leaves_what_it_cost_to_the_run_above() {
    let world = World::new([]);
    let model = Arc::new(Priced);
    let runtime = Runtime { model, ..world.runtime() };
    let agent = Agent::builder("a").model("test/model").build(runtime.clone()).unwrap();
    let below = Workflow::builder("inner")
        .agent("ask", &agent, "Say something")
        .function("hang", crate::world::hanging())
        .then("ask", "hang")
        .build(runtime.clone())
        .unwrap();
    let top = Workflow::builder("outer")
        .workflow("below", &below, [] as [(&str, &str); 0])
        .change("below", |node| node.timeout = Some(std::time::Duration::from_secs(5)))
        .build(runtime)
        .unwrap();
    let running = top.run(&world.scope, json!(null));
    let passing = async {
        crate::world::settle().await;
        world.clock.advance(std::time::Duration::from_secs(5));
    };
    let (report, ()) = futures::join!(running, passing);
    assert_eq!(report.unwrap().cost, Money::from_nanos(60));
}
