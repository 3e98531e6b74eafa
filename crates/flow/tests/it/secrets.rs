//! Sensitive values: whose they are, and where they never stand.

use std::sync::Arc;

use largestack_agent::Runtime;
use largestack_engine::Status;
use largestack_flow::{FlowOptions, FlowResume, Function, NodeOutput, Workflow};
use largestack_types::id::RunId;
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
