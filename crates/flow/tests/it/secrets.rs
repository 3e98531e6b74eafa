//! Sensitive values: whose they are, and where they never stand.

use std::sync::Arc;
use std::task::Poll;

use futures::future::BoxFuture;
use largestack_agent::{Agent, Runtime};
use largestack_engine::Status;
use largestack_flow::{FlowOptions, FlowResume, Function, NodeOutput, Workflow};
use largestack_ports::vault::{MemoryVault, Sensitive, TokenVault};
use largestack_testkit::Turn;
use largestack_types::errors::Result;
use largestack_types::id::RunId;
use largestack_types::scope::Scope;
use serde_json::json;

use crate::ports::{Asked, Kept};
use crate::world::World;

const RUN: RunId = RunId::from_u128((7 << 80) | 5);
const OWN: &str = "4111 1111 1111 1111";
const FOUND: &str = "5500 0000 0000 0004";

fn options() -> FlowOptions {
    FlowOptions { id: Some(RUN), ..FlowOptions::default() }
}

/// Says what it was given beside what it has found.
fn finds() -> Function {
    Function::new(|context| async move {
        let own = context.state.get("task").cloned().unwrap_or_default();
        Ok(NodeOutput::from(json!({ "own": own, "found": format!("card {FOUND}") })))
    })
}

#[tokio::test]
async fn a_report_shows_the_caller_s_own_values_and_none_that_were_found_on_the_way() {
    let world = World::new([]);
    let inner = Workflow::builder("inner").input("task").function("look", finds());
    let inner = inner.answer("look").build(world.runtime()).unwrap();
    let flow = Workflow::builder("outer")
        .input("task")
        .function("look", finds())
        .workflow("below", &inner, [("task", "task")])
        .then("look", "below")
        .build(world.runtime())
        .unwrap();
    let report = flow.run_with(&world.scope, format!("Charge {OWN}"), options()).await.unwrap();
    let (output, state) = (report.output.to_string(), report.state.to_string());
    for text in [&output, &state] {
        assert!(text.contains(OWN), "the caller's own comes back: {text}");
        assert!(!text.contains("5500"), "what was found does not: {text}");
        assert!(text.contains("<CARD_"), "{text}");
    }
}

#[tokio::test]
async fn an_event_that_names_a_placeholder_of_what_was_found_does_not_bring_its_value() {
    let world = World::new([]);
    let flow = Workflow::builder("w")
        .input("task")
        .function("look", finds())
        .event("asked", "question")
        .then("look", "asked")
        .build(world.runtime())
        .unwrap();
    let report = flow.run_with(&world.scope, "Look.", options()).await.unwrap();
    let found = report.state["look"]["found"].as_str().unwrap();
    let named = found.trim_start_matches("card ").to_owned();
    assert!(named.starts_with("<CARD_1:"), "{found}");
    let events = vec![("question".into(), json!({ "what": named }))];
    let resume = FlowResume { events, ..FlowResume::default() };
    let report = flow.resume(&world.scope, RUN, resume).await.unwrap();
    assert_eq!(report.status, Status::Completed);
    assert_eq!(report.state["asked"]["what"], json!(named));
    assert!(!report.state.to_string().contains("5500"), "{}", report.state);
}

#[tokio::test]
async fn what_an_event_brings_comes_back_to_who_sent_it_also_after_the_run_was_taken_up() {
    let world = World::new([]);
    let flow = Workflow::builder("w")
        .event("paid", "payment")
        .event("sent", "parcel")
        .then("paid", "sent")
        .build(world.runtime())
        .unwrap();
    flow.run_with(&world.scope, json!(null), options()).await.unwrap();
    let came = |name: &str, data| FlowResume {
        events: vec![(name.into(), data)],
        ..FlowResume::default()
    };
    flow.resume(&world.scope, RUN, came("payment", json!(format!("by {OWN}")))).await.unwrap();
    let report = flow.resume(&world.scope, RUN, came("parcel", json!("yes"))).await.unwrap();
    assert_eq!(report.status, Status::Completed);
    assert_eq!(report.state["paid"], json!(format!("by {OWN}")));
    assert!(!world.written(RUN).await.contains("4111"));
}

#[tokio::test]
async fn what_a_function_asks_a_person_is_kept_without_sensitive_values() {
    let world = World::new([]);
    let (kept, asked) = (Arc::new(Kept::default()), Arc::new(Asked::default()));
    let mut runtime = Runtime { journal: kept.clone(), ..world.runtime() };
    runtime.tools.approvals = Some(asked.clone());
    let asks = Function::new(|_| async {
        Ok(NodeOutput::from(json!({ "amount": 9 })).asking(format!("Charge {FOUND}?")))
    });
    let flow = Workflow::builder("pay").function("pay", asks).build(runtime).unwrap();
    let report = flow.run_with(&world.scope, json!(null), options()).await.unwrap();
    assert_eq!(report.status, Status::Suspended);
    let question = asked.0.lock().unwrap()[0].clone();
    assert!(question.reason.contains("Charge <CARD_1"), "{}", question.reason);
    let events = largestack_ports::journal::Journal::read(&*kept.inner, &world.scope, RUN, 0).await;
    let written: String = events.unwrap().iter().map(|e| e.event.data().unwrap()).collect();
    assert!(!written.contains("5500"), "{written}");
}

/// A vault that takes its time to keep a value.
#[derive(Default)]
struct SlowVault(MemoryVault);

impl TokenVault for SlowVault {
    fn put<'a>(
        &'a self,
        scope: &'a Scope,
        root: RunId,
        pairs: Vec<(String, Sensitive)>,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            for _ in 0..8 {
                tokio::task::yield_now().await;
            }
            self.0.put(scope, root, pairs).await
        })
    }

    fn all<'a>(
        &'a self,
        scope: &'a Scope,
        root: RunId,
    ) -> BoxFuture<'a, Result<Vec<(String, Sensitive)>>> {
        self.0.all(scope, root)
    }

    fn erase<'a>(&'a self, scope: &'a Scope, root: RunId) -> BoxFuture<'a, Result<()>> {
        self.0.erase(scope, root)
    }
}

/// The run records what one node has found, and polls nobody meanwhile, while the other is in the
/// middle of keeping what it has found.
#[tokio::test]
async fn nodes_that_find_values_at_the_same_time_never_wait_for_each_other_for_ever() {
    for moment in 0..40 {
        let world = World::new([Turn::text(format!("card {OWN}"))]);
        let vault = Arc::new(SlowVault::default());
        let runtime = Runtime { vault: vault.clone(), ..world.runtime() };
        let finds = Function::new(move |_| async move {
            for _ in 0..moment {
                tokio::task::yield_now().await;
            }
            Ok(NodeOutput::from(json!(format!("card {FOUND}"))))
        });
        let clerk = Agent::builder("clerk").model("test/model").build(runtime.clone()).unwrap();
        let flow = Workflow::builder("w")
            .input("task")
            .agent("says", &clerk, "{{ task }}")
            .function("finds", finds)
            .build(runtime)
            .unwrap();
        let mut run = std::pin::pin!(flow.run_with(&world.scope, "go".to_owned(), options()));
        let mut polls = 0;
        let report = loop {
            if let Poll::Ready(report) = futures::poll!(run.as_mut()) {
                break report.unwrap();
            }
            polls += 1;
            assert!(polls < 10_000, "at moment {moment} both wait");
            tokio::task::yield_now().await;
        };
        assert_eq!(report.status, Status::Completed);
        let kept = vault.all(&world.scope, RUN).await.unwrap();
        assert_eq!(kept.len(), 2, "at moment {moment} a value was not kept");
        assert!(!world.written(RUN).await.contains("5500"));
    }
}
