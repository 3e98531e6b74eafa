//! Tasks that were cut off and may have happened: what somebody decides about each of them.

use largestack_engine::event::DoubtDecision;
use largestack_engine::graph::NodeState;
use largestack_engine::{Status, Wait};
use largestack_flow::{FlowOptions, FlowResume, Function, NodeOutput, Workflow};
use largestack_ports::tree::Doubt;
use largestack_types::error::Coded as _;
use largestack_types::errors::Code;
use largestack_types::id::{EffectId, RunId};
use serde_json::json;

use crate::world::{Done, World, failing, noting, undoing};

const RUN: RunId = RunId::from_u128((7 << 80) | 5);

fn options() -> FlowOptions {
    FlowOptions { id: Some(RUN), ..FlowOptions::default() }
}

fn saying(doubts: impl IntoIterator<Item = Doubt>) -> FlowResume {
    FlowResume { doubts: doubts.into_iter().collect(), ..FlowResume::default() }
}

/// A world in which the tasks of a workflow that begin at once were cut off.
async fn cut_off(flow: impl Fn(&World) -> Workflow, done: &Done) -> (World, Workflow) {
    let (whole, world) = (World::new([]), World::new([]));
    flow(&whole).run_with(&whole.scope, json!(null), options()).await.unwrap();
    let events = whole.events(RUN).await.into_iter();
    let begun: Vec<_> = events.take_while(|e| e.event.kind() != "node_finished").collect();
    world.left(RUN, &begun).await;
    done.lock().unwrap().clear();
    let flow = flow(&world);
    (world, flow)
}

#[tokio::test]
async fn each_task_in_doubt_has_its_own_decision_and_one_that_happened_its_output() {
    let done = Done::default();
    let two = |world: &World| {
        Workflow::builder("pay")
            .function("card", noting(&done).with_side_effects())
            .function("bank", noting(&done).with_side_effects())
            .build(world.runtime())
            .unwrap()
    };
    let (world, flow) = cut_off(two, &done).await;
    let report = flow.resume(&world.scope, RUN, FlowResume::default()).await.unwrap();
    let in_doubt: Vec<_> = report
        .waits
        .iter()
        .map(|wait| match wait {
            Wait::Doubt { effect } => *effect,
            other => panic!("{other:?}"),
        })
        .collect();
    let [card, bank] = in_doubt[..] else { panic!("{in_doubt:?}") };
    for (wrong, why) in [
        (vec![Doubt::new(RUN, EffectId::new(9), DoubtDecision::Fail)], "not in doubt"),
        (vec![Doubt::happened(RUN, card, "1"), Doubt::happened(RUN, card, "2")], "two things"),
    ] {
        let error = flow.resume(&world.scope, RUN, saying(wrong)).await.unwrap_err();
        assert_eq!(error.code(), Code::Input);
        assert!(error.message().contains(why), "{error}");
    }
    let said = [
        Doubt::happened(RUN, card, r#"{"receipt": 7}"#),
        Doubt::new(RUN, bank, DoubtDecision::Rerun),
    ];
    let report = flow.resume(&world.scope, RUN, saying(said)).await.unwrap();
    assert_eq!(report.status, Status::Completed);
    assert_eq!(report.output, json!({ "bank": "bank", "card": { "receipt": 7 } }));
    assert_eq!(*done.lock().unwrap(), ["bank"], "only the one that did not happen");
}

#[tokio::test]
async fn an_output_that_is_said_is_guarded_and_undone_with_what_was_seen_to_happen() {
    let done = Done::default();
    let pay = |world: &World| {
        Workflow::builder("pay")
            .function("card", noting(&done).with_side_effects())
            .undo("card", undoing(&done))
            .function("send", failing("no way"))
            .then("card", "send")
            .build(world.runtime())
            .unwrap()
    };
    let (world, flow) = cut_off(pay, &done).await;
    let text = "from 4111 1111 1111 1111";
    let said = [Doubt::happened(RUN, EffectId::new(1), text)];
    let report = flow.resume(&world.scope, RUN, saying(said)).await.unwrap();
    assert_eq!(report.status, Status::Failed);
    assert_eq!(*done.lock().unwrap(), ["undo card"]);
    assert_eq!(report.node("card").unwrap().state, NodeState::Undone);
    assert!(!world.written(RUN).await.contains("4111"), "{}", world.written(RUN).await);
}

#[tokio::test]
async fn a_task_that_chooses_is_said_by_its_choice_and_any_other_word_is_none() {
    let done = Done::default();
    let routes = |world: &World| {
        let chooses = Function::new(|_| async { Ok(NodeOutput::choice("left")) });
        Workflow::builder("ways")
            .function_with("way", chooses.with_side_effects(), |n| n.choosing(["left", "right"]))
            .function("left", noting(&done))
            .function("right", noting(&done))
            .when("way", "left", "left")
            .when("way", "right", "right")
            .build(world.runtime())
            .unwrap()
    };
    let (world, flow) = cut_off(routes, &done).await;
    let said = [Doubt::happened(RUN, EffectId::new(1), "right")];
    let report = flow.resume(&world.scope, RUN, saying(said)).await.unwrap();
    assert_eq!(report.status, Status::Completed);
    assert_eq!(*done.lock().unwrap(), ["right"]);
    let (world, flow) = cut_off(routes, &done).await;
    let said = [Doubt::happened(RUN, EffectId::new(1), "up")];
    let report = flow.resume(&world.scope, RUN, saying(said)).await.unwrap();
    assert_eq!(report.status, Status::Failed);
    assert!(done.lock().unwrap().is_empty());
}
